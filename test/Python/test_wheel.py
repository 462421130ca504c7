# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A wheel of what the preset dev compiled, in a clean environment without network and compiler.

utils/build-wheel.sh compiles everything once more, for release, which takes minutes. Here the
extension of the build is linked again, as that does it, with MLIR and LLVM from archives.
"""

import glob
import os
import pathlib
import shlex
import subprocess
import sys
import time
import venv
import zipfile

import ml_dtypes
import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/dev"
LLVM = "/usr/lib/llvm-22/lib"
MAX_BYTES = 80_000_000

# Stands for the whole project's: it installs the extension that is there already.
INSTALL = """
cmake_minimum_required(VERSION 3.20)
project(AttnWheel LANGUAGES NONE)
install(FILES {} DESTINATION attn_mlir COMPONENT python)
add_custom_target(AttnPython)
"""


def run(*command, **options):
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    assert result.returncode == 0, f"{command[0]}\n{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout


def link(folder):
    """The extension with all of MLIR and LLVM that it needs inside."""
    commands = run("ninja", "-C", BUILD, "-t", "commands", "AttnPython").splitlines()
    words = shlex.split(commands[-1].removeprefix(": && ").removesuffix(" && :"))
    at = words.index("-o") + 1
    output = folder / pathlib.Path(words[at]).name
    words[at] = str(output)
    shared = ("libMLIR", "libLLVM", "-Wl,-rpath")
    words = [word for word in words if not any(name in word for name in shared)]
    archives = glob.glob(f"{LLVM}/libMLIR*.a") + glob.glob(f"{LLVM}/libLLVM*.a")
    run(*words, *sorted(archives), "-l:libz.a", "-l:libzstd.a", "-pthread", "-ldl",
        "-Wl,--strip-all", cwd=BUILD)  # fmt: skip
    return output


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    extension = link(folder)
    (folder / "CMakeLists.txt").write_text(INSTALL.format(extension))
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-index", "--no-deps",
        "--no-build-isolation", "-w", folder, "-C", f"cmake.source-dir={folder}",
        "-C", f"build-dir={folder}/build", ROOT / "python_bindings")  # fmt: skip
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """A function that runs the Python of a clean environment with the wheel, and returns its output."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True, symlinks=True)
    interpreter = folder / "bin/python"
    # What the wheel depends on, since there is no network.
    (packages,) = folder.glob("lib/python*/site-packages")
    installed = pathlib.Path(np.__file__).parents[1]
    for package in (np, ml_dtypes):
        for place in installed.glob(f"{package.__name__}*"):
            (packages / place.name).symlink_to(place)
    run(interpreter, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", wheel)

    def python(*words):
        environment = {"PATH": "/nonexistent", "HOME": str(folder / "home")}
        return run(interpreter, *words, env=environment, cwd="/")

    return python


def test_contents(wheel):
    assert wheel.stat().st_size <= MAX_BYTES
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    package = ROOT / "python_bindings/attn_mlir"
    files = {
        str(path.relative_to(package.parent))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files <= names, f"not in the wheel: {sorted(files - names)}"


def test_loads_nothing_else(python):
    loaded = python("-c", "import attn_mlir._attn; print(open('/proc/self/maps').read())")
    assert "site-packages/attn_mlir/_attn" in loaded
    assert "libLLVM" not in loaded and "libMLIR" not in loaded and str(BUILD) not in loaded


def test_doctor(python):
    assert "verdict:    ok" in python("-m", "attn_mlir", "doctor")


def test_demo(python, tmp_path):
    page = tmp_path / "heads.html"
    start = os.times()
    wall = time.perf_counter()
    text = python("-m", "attn_mlir", "demo", "--page", page)
    wall, end = time.perf_counter() - wall, os.times()
    assert "right: largest error" in text and page.stat().st_size > 10_000
    own = end.children_user + end.children_system - start.children_user - start.children_system
    # 10 s of our own, whatever else the machine does.
    assert min(wall, own) <= 10, f"{wall:.1f} s, {own:.1f} s of CPU"


def test_import_is_quick(python):
    code = (
        "import time; start = time.process_time(); import attn_mlir._attn; "
        "print(time.process_time() - start)"
    )
    python("-c", code)
    assert min(float(python("-c", code)) for _ in range(3)) <= 0.3
