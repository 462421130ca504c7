# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of one_head.py: twelve heads are themselves, one head is another block."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))


def test_table():
    command = [sys.executable, ROOT / "examples/minilm/one_head.py"]
    command += ["--package", BIN.parent / "python", "--seconds", "0", "--layers", "2"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [line[:3] for line in lines] == [
        [str(layer), heads, "591360"] for layer in (0, 1) for heads in ("12", "1")
    ]
    for many, one in (lines[:2], lines[2:]):
        assert many[5] == "0.000" and 0.5 < float(one[5]) < 3
        assert float(one[6]) < float(many[6])
