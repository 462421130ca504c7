#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many heads does the encoder need: error, size and time against heads kept.

    PYTHONPATH=build/dev/python python3 examples/minilm/prune.py --tools build/dev/bin

Heads go in the order of what each alone costs on the demo's sentences, 1 - cosine of the vectors
with and without it; the error is that of the test sentences. Programs are pruned by attn-optimize
and compiled anew, and each is compared with the whole program on output weights of 0.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import attn_mlir
import model
from encoder import SOURCE
from sentences import DEMO, TEST
from wordpiece import WordPiece

KEEP = [72, 66, 60, 54, 48, 42, 36]
RANDOM_DRAWS = 5
LARGEST_DIFFERENCE = 1e-5  # between a pruned program and one whose heads write 0
SIZE = model.CHANNELS // model.HEADS
ALL = [(layer, head) for layer in range(model.LAYERS) for head in range(model.HEADS)]


class Program:
    """The entry @encode of a source, with the model's weights."""

    def __init__(self, source, weights):
        self.run = attn_mlir.compile(source, entry="encode")
        text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
        head = text[text.index("func.func @encode(") :]
        self.names = re.findall(r'attn\.name = "([^"]+)"', head[: head.index("->")])
        self.weights = weights

    def encode(self, ids, mask, removed=()):
        """Vectors; the heads that are `removed` write 0."""
        changed = {}
        for layer, head in removed:
            name = f"encoder.layer.{layer}.attention.output.dense.weight"
            output = changed.setdefault(name, self.weights[name].copy())
            output[:, head * SIZE : (head + 1) * SIZE] = 0
        arrays = [changed.get(name, self.weights[name]) for name in self.names]
        return self.run(ids, mask, *arrays).astype(np.float64)


def losses(vectors, expected):
    """1 - cosine of each sentence; both are of length 1."""
    return 1 - (vectors * expected).sum(1)


def cheapest_first(program, batch):
    """The heads in the order of what each alone costs."""
    full = program.encode(*batch)
    cost = {head: losses(program.encode(*batch, [head]), full).mean() for head in ALL}
    return sorted(ALL, key=cost.get)


def removable(order, count):
    """The first `count` heads of `order` that leave each layer a head."""
    removed = []
    for layer, head in order:
        if len(removed) < count and sum(at == layer for at, _ in removed) < model.HEADS - 1:
            removed.append((layer, head))
    return removed


def pruned_source(tools, removed):
    """minilm.mlir without these heads, as text."""
    wish = ",".join(f"{layer}.{head}" for layer, head in removed)
    option = f"--attn-optimize=prune={wish} function=encode" if removed else "--attn-optimize"
    command = [tools / "attn-opt", SOURCE, option, "--symbol-dce"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def milliseconds(tools, source, folder):
    """CPU time of a call on 8 sentences of 128 tokens, one core, as attn-run --bench has it."""
    path = folder / "encode.mlir"
    path.write_text(source, encoding="utf-8")
    command = [tools / "attn-run", path, "--entry=encode", "--threads=1", "--bench"]
    command += [f"--weights=@{model.checked_safetensors()}", "--bench-seconds=8"]
    command += ["--input=8x128xi64=1000", "--input=8x128xi1=1"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"bench: ([\d.]+) ms", said)[1])


def curve(tools, keep, bench, folder):
    """A row per number of heads kept."""
    weights = model.read_weights()
    whole = Program(SOURCE, weights)
    pieces = WordPiece(model.folder() / "vocab.txt")
    demo, test = pieces.batch(DEMO), pieces.batch(TEST)
    full = whole.encode(*test)
    order = cheapest_first(whole, demo)
    random = np.random.default_rng(0)
    for count in keep:
        removed = removable(order, len(ALL) - count)
        source = pruned_source(tools, removed)
        zeroed = whole.encode(*test, removed)
        off = np.abs(Program(source, weights).encode(*test) - zeroed).max()
        if not off <= LARGEST_DIFFERENCE:
            sys.exit(f"prune: FAILED {count} heads: the pruned program is off by {off:.1e}")
        draws = [
            removable(random.permutation(ALL).tolist(), len(removed)) for _ in range(RANDOM_DRAWS)
        ]
        yield {
            "heads": count,
            "loss": losses(zeroed, full),
            "random": np.mean([losses(whole.encode(*test, draw), full) for draw in draws]),
            "parameters": 4 * SIZE * model.CHANNELS * count,
            "time": milliseconds(tools, source, folder) if bench else float("nan"),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True, help="folder of attn-opt and attn-run")
    parser.add_argument("--keep", type=int, nargs="+", default=KEEP, help="heads to keep")
    parser.add_argument("--no-bench", action="store_true", help="leave out the times")
    arguments = parser.parse_args()
    print("heads kept  1 - cosine  largest  random heads  block parameters  ms a call")
    with tempfile.TemporaryDirectory() as folder:
        for row in curve(arguments.tools, arguments.keep, not arguments.no_bench, Path(folder)):
            loss = row["loss"]
            print(
                f"{row['heads']:10d}  {abs(loss.mean()):10.4f}  {abs(loss.max()):7.4f}  "
                f"{abs(row['random']):12.4f}  {row['parameters']:16d}  {row['time']:9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
