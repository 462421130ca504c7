#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The twelve heads of each attention block of the encoder beside one head of the same width.

    python3 examples/minilm/one_head.py --package build/dev/python

attn_mlir.compare_heads on the rows that each block reads for the test sentences, as the double
precision forward has them. The weights are those of twelve heads: the error says how much of the
block's result is owed to there being twelve places to look at, not what one head could learn.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import forward_f64
import model
from sentences import TEST
from wordpiece import WordPiece

PARTS = {"q": "self.query", "k": "self.key", "v": "self.value", "o": "output.dense"}


def blocks():
    """The arguments of compare_heads for each layer."""
    pieces = WordPiece(model.folder() / "vocab.txt")
    ids, mask = pieces.batch(TEST)
    weights = model.read_weights()
    rows, _, _ = forward_f64.run(ids, mask, weights)
    for layer, x in enumerate(rows[:-1]):
        block = {"x": x.astype(np.float32), "mask": mask}
        for part, name in PARTS.items():
            name = f"encoder.layer.{layer}.attention.{name}"
            block[f"w{part}"] = weights[f"{name}.weight"]
            block[f"b{part}"] = weights[f"{name}.bias"]
        yield block


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--package", type=Path, help="folder of the package attn_mlir")
    parser.add_argument("--heads", type=int, nargs="+", default=[12, 1], help="numbers of heads")
    parser.add_argument("--layers", type=int, default=model.LAYERS, help="the first so many")
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each is timed")
    arguments = parser.parse_args()
    if arguments.package:
        sys.path.insert(0, str(arguments.package))
    import attn_mlir

    print("layer  heads  parameters    GFLOP  ms a call   error  entropy")
    for layer, block in zip(range(arguments.layers), blocks(), strict=False):
        for row in attn_mlir.compare_heads(
            **block,
            num_heads=model.HEADS,
            counts=arguments.heads,
            seconds=arguments.seconds,
            threads=1,
        ):
            print(
                f"{layer:5d}  {row['heads']:5d}  {row['parameters']:10d}  {row['flop'] / 1e9:7.4f}  "
                f"{row['milliseconds']:9.2f}  {row['error']:6.3f}  {row['entropy']:7.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
