# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The counts of block.py: by formula, and by the loops of the compiled entry.

ATTN_RUN=build/dev/bin/attn-run python3 -m pytest examples/minilm/test_block.py
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import block  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin"))
B, S, E, H, D = 3, 17, 384, 12, 32
WEIGHT, ROWS, SQUARE = E * E * 4, B * S * E * 4, B * H * S * S * 4


@pytest.fixture(scope="module")
def costs():
    return dict(block.rows(BIN, B, S))


def test_the_graph(costs):
    graph = costs["the graph"]
    # Four products, biases and transposes, the mask, two products of heads, factor, mask, and five
    # of softmax.
    assert graph.launches == 4 + 4 + 4 + 1 + 2 + 2 + 5
    mask, each = B * S * 4, B * H * S * 4
    wanted = 4 * (2 * ROWS + WEIGHT) + 4 * (2 * ROWS + E * 4) + 4 * 2 * ROWS
    wanted += mask + mask // 4
    wanted += 2 * (2 * ROWS + SQUARE) + 2 * SQUARE + 2 * SQUARE + mask
    wanted += (SQUARE + each) * 2 + (2 * SQUARE + each) * 2 + 2 * SQUARE
    assert graph.bytes == wanted


def test_what_is_raised(costs):
    before, after = costs["raised"], costs["raised, optimized"]
    assert before.launches == after.launches == 4 + 1 + 1
    products = 4 * 2 * B * S * E * E
    attention = B * H * S * S * (4 * D + block.SOFTMAX_FLOP + 1)
    assert before.flop == products + attention + 4 * B * S * E
    assert after.flop == before.flop - B * S * E  # the bias of K
    assert before.bytes - after.bytes == E * 4


def test_launches_are_those_of_the_compiled_entry():
    # Of a size at which the mask is worth a parallel loop.
    costs = dict(block.rows(BIN, 8, 128))
    assert block.parallel_loops(BIN, 8, 128) == costs["raised, optimized"].launches


def test_the_values_are_those_of_numpy():
    # A process of its own imports the package that was built.
    command = [sys.executable, block.__file__, "--tools", BIN, f"--batch={B}", f"--length={S}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("block: ok, max |difference| from numpy ")
