# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The whole encoder from torch's linalg text: six blocks found, and the vectors of the demo.

Needs what `utils/install-deps.sh --frontends` installs.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import demo
import model
from sentences import DEMO
from wordpiece import WordPiece

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))
FRONTENDS = ROOT / "build/frontends/bin/python"
EXPORT = ROOT / "examples/minilm/export_linalg.py"


def call(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def graph(request, tmp_path_factory):
    """The text, for the shape of the demo's batch; 180 MB, which go with the test."""
    if not FRONTENDS.exists():
        pytest.skip("torch is not installed: utils/install-deps.sh --frontends")
    path = tmp_path_factory.mktemp("linalg") / f"{request.param}.mlir"
    call(FRONTENDS, EXPORT, model.folder(), path, f"--attention={request.param}")
    yield path
    path.unlink()


def test_every_block_is_raised_in_three_times_the_file(graph):
    # A small process of its own: a child counts what its parent had when it was made.
    peak = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    peak += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    tool = [BIN / "attn-opt", graph, "--attn-raise=require-raised=6", "-o", os.devnull]
    done = call(sys.executable, "-c", peak, *tool)
    said = re.escape(str(graph)) + r":\d+:1: remark: raised 6 of 6, 6 with projections"
    assert re.fullmatch(said, done.stderr.splitlines()[0])
    assert int(done.stdout) * 1024 <= 3 * graph.stat().st_size


def test_vectors_are_kept(graph, tmp_path):
    ids, mask = WordPiece(model.folder() / "vocab.txt").batch(DEMO)
    inputs = []
    for name, array in (("ids", ids), ("mask", mask)):
        np.save(tmp_path / f"{name}.npy", array.astype(np.int64))
        inputs.append(f"--input=@{tmp_path / name}.npy")
    output = tmp_path / "vectors.npy"
    said = call(
        BIN / "attn-run", graph, *inputs, f"--output={output}", "--attn-raise-verify"
    ).stdout
    assert re.search(r"check: raising, result #0: ok", said)
    print(re.search(r"check: raising, time of one call: .*", said)[0])
    found, expected = np.load(output), demo.recorded_vectors()[0]
    assert np.abs(found - expected).max() <= demo.LARGEST_DIFFERENCE
