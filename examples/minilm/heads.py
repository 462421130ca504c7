#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes one HTML page with what every head of the compiled encoder looks at.

    python3 examples/minilm/heads.py --attn-run build/release/bin/attn-run -o heads.html \\
        "The nurse told the doctor that she would finish the report."

Without sentences it shows those of the demo. The weights are the compiler's own: the entry
@weights of minilm.mlir returns every head's.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import model
from encoder import Encoder, EncoderError
from sentences import DEMO
from wordpiece import WordPiece

# The package's modules on heads need numpy alone, so they serve from the source tree as well.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python_bindings"))
from attn_mlir import show_heads, strongest_head  # noqa: E402

__all__ = ["strongest_head", "write_page"]

TITLE = "all-MiniLM-L6-v2: what every head looks at"


def write_page(path, maps, pieces, ids, mask, pair=None):
    """The page of `maps`, [layer, batch, head, query, key] with padding; returns its path."""
    weights, tokens = [], []
    for i, n in enumerate(mask.sum(1)):
        weights.append(maps[:, i, :, :n, :n])
        tokens.append([pieces.tokens[token] for token in ids[i, :n]])
    path.parent.mkdir(parents=True, exist_ok=True)
    return show_heads(weights, tokens, title=TITLE, pair=pair).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attn-run", required=True, metavar="PATH", help="the tool to run")
    parser.add_argument("--target", help="passed on to attn-run")
    parser.add_argument("-o", type=Path, default=Path("heads.html"), help="the page")
    parser.add_argument("sentences", nargs="*", default=DEMO, help="what the encoder reads")
    arguments = parser.parse_args()
    try:
        pieces = WordPiece(model.folder() / "vocab.txt")
        ids, mask = pieces.batch(arguments.sentences)
        with tempfile.TemporaryDirectory() as folder:
            maps = Encoder(arguments.attn_run, arguments.target, folder).weights(ids, mask)
        print(write_page(arguments.o, maps, pieces, ids, mask))
    except (EncoderError, model.ModelError, OSError, ValueError) as error:
        sys.exit(f"heads: {error}")


if __name__ == "__main__":
    main()
