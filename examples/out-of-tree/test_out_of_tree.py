# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Installs build/dev, builds the example against it as another project would, and runs it.

python3 -m pytest examples/out-of-tree
"""

import os
import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("ATTN_BUILD", ROOT / "build/dev"))
CAUSAL = ROOT / "examples/02-gqa-causal.mlir"
SOURCE = """func.func @f(%q: tensor<1x2x?x16xf32>) -> tensor<1x2x?x16xf32> {
  %o = attn.sdpa %q, %q, %q causal(top_left)
    : tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32>, tensor<1x2x?x16xf32> -> tensor<1x2x?x16xf32>
  return %o : tensor<1x2x?x16xf32>
}
"""


def run(*command, code=0, **options):
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **options,
    )
    assert done.returncode == code, (
        f"{command}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
    )
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "attn")
    return prefix


@pytest.fixture(scope="module")
def built(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out-of-tree")
    compilers = ["-DCMAKE_C_COMPILER=clang-22", "-DCMAKE_CXX_COMPILER=clang++-22"]
    run(
        "cmake", "-S", HERE, "-B", folder, "-G", "Ninja", f"-DAttnMLIR_ROOT={installed}", *compilers
    )
    run("ninja", "-C", folder)
    return folder


def test_c_program(built):
    assert "largest error" in run(built / "sdpa")


def test_c_program_without_cmake(installed, tmp_path):
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", installed / "include"]
    flags += ["-L", installed / "lib", "-lattn_c", "-lm", f"-Wl,-rpath,{installed / 'lib'}"]
    run("clang-22", HERE / "sdpa.c", *flags, "-o", tmp_path / "sdpa")
    assert "largest error" in run(tmp_path / "sdpa")


def test_pass(built, tmp_path):
    source = tmp_path / "causal.mlir"
    source.write_text(SOURCE)
    text = run(built / "window-opt", source, "--window-causal=size=16")
    assert "causal(top_left) window(15, -1)" in text
    # A window that is there stays, and attn-mlir's own passes are in the tool.
    assert "window(63, 0)" in run(built / "window-opt", CAUSAL, "--window-causal=size=16")
    text = run(built / "window-opt", source, "--window-causal=size=16", "--attn-cpu-pipeline")
    assert "llvm.func" in text and "attn." not in text.replace("attn.weight", "")
    text = run(built / "window-opt", source, "--window-causal=size=0", code=1)
    assert "window-causal expects a size of at least 1, but got 0" in text


def test_installed_tools(installed, tmp_path):
    source = tmp_path / "causal.mlir"
    source.write_text(SOURCE)
    spec = "--input=1x2x9x16xf32=random:1"
    assert "check: attn.sdpa" in run(installed / "bin/attn-run", source, "--check", spec)
    run(installed / "bin/attn-compile", source, "-o", tmp_path / "f.o")
    assert (tmp_path / "f.h").exists()


def test_other_mlir_is_refused(installed, tmp_path):
    fake = tmp_path / "mlir"
    fake.mkdir()
    (fake / "MLIRConfig.cmake").write_text(
        "set(LLVM_VERSION_MAJOR 21)\nset(LLVM_PACKAGE_VERSION 21.1)\n"
    )
    options = [
        f"-DAttnMLIR_ROOT={installed}",
        f"-DMLIR_DIR={fake}",
        "-DCMAKE_CXX_COMPILER=clang++-22",
    ]
    text = run("cmake", "-S", HERE, "-B", tmp_path / "b", "-G", "Ninja", *options, code=1)
    assert "expected MLIR 22, found 21.1" in " ".join(text.split())
