#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How many heads does the encoder need: error, size and time against heads kept.

    python3 examples/minilm/prune.py --tools build/dev/bin

A head that goes leaves what it says on average, through its output weights, in the bias of its
block. Heads go one after another, each time the one without which the vectors of the choice
sentences turn least, 1 - cosine to those of the whole model; the error is that of the test
sentences, which the choice has not seen, and that of the choice sentences for comparison. Programs
are pruned by attn-optimize and compiled anew, and each is compared with the whole program on output
weights of 0.
"""

import argparse
import heapq
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import curve
import forward_f64
import model
from encoder import SOURCE
from sentences import CHOICE, DEMO, TEST
from wordpiece import WordPiece

KEEP = [72, 66, 60, 54, 48, 42, 36]
RANDOM_DRAWS = 5
ROUNDS = 3
LARGEST_DIFFERENCE = 1e-5  # between a pruned program and one whose heads write 0
SIZE = model.CHANNELS // model.HEADS
ALL = [(layer, head) for layer in range(model.LAYERS) for head in range(model.HEADS)]


def output_of(layer):
    return f"encoder.layer.{layer}.attention.output.dense"


def columns(head):
    return slice(head * SIZE, (head + 1) * SIZE)


class Model:
    """The weights, and what each head says on average over the tokens of some sentences."""

    def __init__(self, ids, mask):
        self.weights = model.read_weights()
        _, said, _ = forward_f64.run(ids, mask, self.weights)
        self.means = [merged[mask].mean(0) for merged in said]

    def without(self, removed, *, zeroed):
        """The weights that change: biases that say what `removed` heads say on average, and
        output weights where they are `zeroed`."""
        changed = {}
        for layer, head in removed:
            name, part = output_of(layer), columns(head)
            weight, mean = self.weights[f"{name}.weight"], self.means[layer][part]
            bias = changed.setdefault(f"{name}.bias", self.weights[f"{name}.bias"].copy())
            bias += (weight[:, part].astype(np.float64) @ mean).astype(np.float32)
            if zeroed:
                changed.setdefault(f"{name}.weight", weight.copy())[:, part] = 0
        return changed


class Program:
    """The entry @encode of a source."""

    def __init__(self, source, weights):
        import attn_mlir

        self.run = attn_mlir.compile(source, entry="encode")
        text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
        head = text[text.index("func.func @encode(") :]
        self.names = re.findall(r'attn\.name = "([^"]+)"', head[: head.index("->")])
        self.weights = weights

    def encode(self, ids, mask, changed=()):
        """Vectors, with `changed` weights instead of the model's."""
        weights = self.weights | dict(changed)
        arrays = [weights[name] for name in self.names]
        return self.run(ids, mask, *arrays).astype(np.float64)


def losses(vectors, expected):
    """1 - cosine of each sentence; both are of length 1."""
    return 1 - (vectors * expected).sum(1)


class Pruner:
    """Chooses heads by what the vectors of `batch` lose."""

    def __init__(self, program, whole, batch):
        self.program, self.whole, self.batch = program, whole, batch
        self.full = program.encode(*batch)

    def loss(self, removed):
        changed = self.whole.without(removed, zeroed=True)
        return losses(self.program.encode(*self.batch, changed), self.full).mean()

    def order(self, count):
        """The first `count` heads to go. What a head costs is measured again only while it
        leads: costs grow as others go, or nearly so."""
        removed, loss = [], 0.0
        queue = [(self.loss([head]), 0, head) for head in ALL]
        heapq.heapify(queue)
        while len(removed) < count:
            cost, known, head = heapq.heappop(queue)
            if sum(layer == head[0] for layer, _ in removed) == model.HEADS - 1:
                continue
            if known == len(removed):
                removed.append(head)
                loss += cost
            else:
                cost = self.loss([*removed, head]) - loss
                heapq.heappush(queue, (cost, len(removed), head))
        return removed


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


def milliseconds(tools, path):
    """CPU time of a call on 8 sentences of 128 tokens, one core, as attn-run --bench has it."""
    command = [tools / "attn-run", path, "--entry=encode", "--threads=1", "--bench"]
    command += [f"--weights=@{model.checked_safetensors()}", "--bench-seconds=2"]
    command += ["--input=8x128xi64=1000", "--input=8x128xi1=1"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"bench: ([\d.]+) ms", said)[1])


def add_times(tools, table):
    """The median of rounds in which all programs run: what else the machine does meets all."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{row['heads']}.mlir" for row in table]
        for path, row in zip(paths, table, strict=True):
            path.write_text(row["source"], encoding="utf-8")
        rounds = [[milliseconds(tools, path) for path in paths] for _ in range(ROUNDS)]
    for row, times in zip(table, zip(*rounds, strict=True), strict=True):
        row["time"] = float(np.median(times))


def rows(tools, keep):
    """A row per number of heads kept, without its time."""
    pieces = WordPiece(model.folder() / "vocab.txt")
    choice, test = pieces.batch(CHOICE + DEMO), pieces.batch(TEST)
    whole = Model(*choice)
    program = Program(SOURCE, whole.weights)
    pruner = Pruner(program, whole, choice)
    full = program.encode(*test)
    order = pruner.order(len(ALL) - min(keep))
    random = np.random.default_rng(0)
    for count in keep:
        removed = order[: len(ALL) - count]
        source = pruned_source(tools, removed)
        zeroed = program.encode(*test, whole.without(removed, zeroed=True))
        pruned = Program(source, whole.weights).encode(*test, whole.without(removed, zeroed=False))
        off = np.abs(pruned - zeroed).max()
        if not off <= LARGEST_DIFFERENCE:
            sys.exit(f"prune: FAILED {count} heads: the pruned program is off by {off:.1e}")
        draws = [
            removable(random.permutation(ALL).tolist(), len(removed)) for _ in range(RANDOM_DRAWS)
        ]
        others = [program.encode(*test, whole.without(draw, zeroed=True)) for draw in draws]
        loss = losses(zeroed, full)
        yield {
            "heads": count,
            "loss": loss.mean(),
            "largest": loss.max(),
            "chosen": pruner.loss(removed),
            "random": np.mean([losses(other, full) for other in others]),
            "parameters": 4 * SIZE * model.CHANNELS * count,
            "source": source,
            "time": float("nan"),
        }


def draw(table):
    """The picture of the rows."""

    def series(name):
        return {row["heads"]: abs(row[name]) for row in table}

    panels = [
        (
            "1 - cosine, test sentences",
            [("chosen heads removed", series("loss")), ("random ones", series("random"))],
        )
    ]
    if not any(np.isnan(row["time"]) for row in table):
        panels.append(("ms a call", [("", series("time"))]))
    return curve.picture(panels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True, help="folder of attn-opt and attn-run")
    parser.add_argument("--keep", type=int, nargs="+", default=KEEP, help="heads to keep")
    parser.add_argument("--no-bench", action="store_true", help="leave out the times")
    parser.add_argument("--svg", type=Path, metavar="PATH", help="write a picture as well")
    arguments = parser.parse_args()
    sys.path.append(str(arguments.tools.parent / "python"))  # the package of the same build
    table = list(rows(arguments.tools, arguments.keep))
    if not arguments.no_bench:
        add_times(arguments.tools, table)
    print("heads kept  1 - cosine  largest  choice sentences  random  block parameters  ms a call")
    for row in table:
        print(
            f"{row['heads']:10d}  {abs(row['loss']):10.4f}  {abs(row['largest']):7.4f}  "
            f"{abs(row['chosen']):16.4f}  {abs(row['random']):6.4f}  {row['parameters']:16d}  "
            f"{row['time']:9.2f}"
        )
    if arguments.svg:
        arguments.svg.write_text(draw(table), encoding="utf-8")


if __name__ == "__main__":
    main()
