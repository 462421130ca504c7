# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The curve of prune.py: a smaller program that says what zeroed weights say.

ATTN_RUN=build/dev/bin/attn-run python3 -m pytest examples/minilm/test_prune.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))


@pytest.fixture(scope="module")
def rows():
    """{heads kept: the numbers of its row}."""
    command = [sys.executable, str(ROOT / "examples/minilm/prune.py"), "--tools", str(BIN)]
    package = BIN.parent / "python"
    done = subprocess.run(
        [*command, "--no-bench", "--keep", "72", "54", "6"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    # The program itself compares each pruned program with zeroed weights.
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    return {int(heads): [float(number) for number in numbers] for heads, *numbers in lines}


def test_all_heads_lose_nothing(rows):
    assert rows[72][:3] == [0, 0, 0]


def test_cheap_heads_cost_less_than_random_ones(rows):
    loss, largest, random, parameters, _ = rows[54]
    assert 0 < loss < largest and loss < 0.06 and loss < random / 2
    assert parameters == 54 * 4 * 32 * 384


def test_a_layer_keeps_a_head(rows):
    assert rows[6][0] > rows[54][0]
