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

sys.path.insert(0, str(Path(__file__).parent))
import prune  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))


@pytest.fixture(scope="module")
def rows():
    """{heads kept: the numbers of its row}."""
    command = [sys.executable, str(ROOT / "examples/minilm/prune.py"), "--tools", str(BIN)]
    package = BIN.parent / "python"
    done = subprocess.run(
        [*command, "--no-bench", "--keep", "72", "54"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    # The program itself compares each pruned program with zeroed weights.
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split() for line in done.stdout.splitlines()[1:]]
    return {int(heads): [float(number) for number in numbers] for heads, *numbers in lines}


def test_all_heads_lose_nothing(rows):
    assert rows[72][:4] == [0, 0, 0, 0]


def test_cheap_heads_cost_less_than_random_ones(rows):
    loss, largest, chosen, random, parameters, _ = rows[54]
    assert 0 < chosen < loss < largest and loss < 0.045 and loss < random / 2
    assert parameters == 54 * 4 * 32 * 384


def test_the_order_leaves_a_layer_a_head():
    """Heads of layer 0 cost nothing: all but one go first."""

    class Fake(prune.Pruner):
        def __init__(self):
            pass

        def loss(self, removed):
            return float(sum(layer * 100 + head for layer, head in removed))

    order = Fake().order(14)
    assert order[:11] == [(0, head) for head in range(11)]
    assert order[11:] == [(1, 0), (1, 1), (1, 2)]


def test_the_picture_has_each_number(tmp_path):
    table = [
        {"heads": heads, "loss": 0.01 * (72 - heads), "random": 0.02 * (72 - heads), "time": heads}
        for heads in (72, 36)
    ]
    picture = prune.draw(table)
    assert picture.count("<circle") == 6 and picture.count("<polyline") == 3
    assert "random ones" in picture and "ms a call" in picture and ">36<" in picture
    assert "ms a call" not in prune.draw([row | {"time": float("nan")} for row in table])
