# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m attn_mlir: demo, doctor, cache."""

import json
import os
import pathlib
import re
import subprocess
import sys

import attn_mlir

PACKAGE = str(pathlib.Path(attn_mlir.__file__).parents[1])


def run(*words, cache, code=0):
    result = subprocess.run(
        [sys.executable, "-m", "attn_mlir", *words],
        env={"PYTHONPATH": PACKAGE, "PATH": os.environ["PATH"], "ATTN_MLIR_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == code, result.stderr
    return result.stdout


def test_demo(tmp_path):
    page = tmp_path / "heads.html"
    lines = run("demo", "--page", str(page), cache=tmp_path / "cache").splitlines()
    assert re.fullmatch(r"causal attention, .* \(first call \d+\.\d\d s\)", lines[0])
    ratio = re.fullmatch(
        r"  right: largest error \S+, (\d\.\d\d) of what double precision allows", lines[1]
    )
    assert ratio and float(ratio[1]) <= 1
    assert re.fullmatch(
        r"  \d+\.\d\d ms a call, \d+ GFLOP/s of the half that is not masked", lines[2]
    )
    assert lines[3] == f"what 3 layers of 4 heads look at: {page}"
    text = page.read_text()
    assert text.startswith("<!doctype html>") or text.startswith("<!DOCTYPE html>")
    assert all(word in text for word in ("animal", "street"))


def test_long_work_speaks():
    """One line on a terminal after half a second, taken back in the end; nowhere else, and not when unwanted."""
    code = (
        "import time; from attn_mlir.progress import saying\n"
        "with saying('something'): time.sleep(0.1)\n"
        "with saying('waiting'):\n"
        "  with saying('inside'): time.sleep(1.2)"
    )
    terminal = pathlib.Path(__file__).parents[1] / "Tools/Inputs/on_terminal.py"

    def run(*command, **more):
        environment = {"PYTHONPATH": PACKAGE, "PATH": os.environ["PATH"], **more}
        result = subprocess.run(
            [*command, sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        assert result.returncode == 0
        return result.stdout.rstrip("\n") + result.stderr

    shown = run(sys.executable, str(terminal), "80").split("\n")
    assert re.fullmatch(r"\\r\\x1b\[Kattn_mlir: waiting, 0\.\d s\\r", shown[1])
    assert shown[0] == "" and shown[-1] == r"\r\x1b[K" and len(shown) >= 4
    assert run(sys.executable, str(terminal), "16").split("\n")[1] == r"\r\x1b[Kattn_mlir: wait\r"
    assert run(sys.executable, str(terminal), "80", ATTN_MLIR_PROGRESS="0") == ""
    assert run() == ""


def test_first_call_of_sdpa_speaks():
    """Without patience any compilation is long; what is compiled already is silent."""
    code = (
        "import numpy, attn_mlir, attn_mlir.progress\n"
        "attn_mlir.progress.PATIENCE = 0.001\n"
        "x = numpy.zeros((1, 1, 3, 8), numpy.float32)\n"
        "attn_mlir.sdpa(x, x, x)\n"
        "import sys; sys.stderr.write('then ')\n"
        "attn_mlir.sdpa(x, x, x)"
    )
    terminal = pathlib.Path(__file__).parents[1] / "Tools/Inputs/on_terminal.py"
    command = [sys.executable, terminal, "80", sys.executable, "-c", code]
    environment = {"PYTHONPATH": PACKAGE, "PATH": os.environ["PATH"], "ATTN_MLIR_CACHE_DIR": ""}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == ""
    lines = result.stdout.rstrip("\n").split("\n")
    assert re.fullmatch(r"\\r\\x1b\[Kattn_mlir: compiling sdpa, \d\.\d s\\r", lines[1])
    assert lines[-1] == r"\r\x1b[Kthen "


def test_doctor(tmp_path):
    report = json.loads(run("doctor", "--json", cache=tmp_path))
    assert report["verdict"] == "ok"
    assert report["target"].startswith("cpu:")
    assert report["cache"] == {"folder": str(tmp_path), "kernels": 0, "bytes": 0, "most": 2**30}
    assert report["packages"]["numpy"]
    text = run("doctor", cache=tmp_path)
    assert "verdict:    ok" in text
    assert f"cache:      folder {tmp_path}, kernels 1" in text


def test_doctor_finds_what_is_wrong(tmp_path):
    """A package whose extension does not load."""
    package = tmp_path / "attn_mlir"
    package.mkdir()
    for file in pathlib.Path(PACKAGE, "attn_mlir").glob("*.py"):
        (package / file.name).symlink_to(file.resolve())
    (package / "_attn.py").write_text("raise ImportError('no such symbol')\n")
    result = subprocess.run(
        [sys.executable, "-m", "attn_mlir", "doctor"],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 1
    assert "verdict:    the extension does not load: no such symbol" in result.stdout


def test_cache(tmp_path):
    assert run("cache", "info", cache=tmp_path) == (
        f"{tmp_path}: 0 kernels, 0.0 MB of at most 1074 MB\n"
    )
    run("doctor", cache=tmp_path)
    assert run("cache", "info", cache=tmp_path).startswith(f"{tmp_path}: 1 kernels, 0.0 MB")
    assert run("cache", "clear", cache=tmp_path) == f"{tmp_path}: removed 1 kernels\n"
    assert not list(tmp_path.iterdir())
    assert run("cache", "info", cache="") == (
        "there is no cache: ATTN_MLIR_CACHE_DIR is empty, or there is no home\n"
    )
    assert run("cache", "clear", cache="") == "there is no cache\n"


def test_wrong_command(tmp_path):
    run("dance", cache=tmp_path, code=2)
