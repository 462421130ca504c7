#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a real sentence encoder, compiled by attn-run, and checks every number it shows.

    python3 examples/minilm/demo.py --attn-run build/release/bin/attn-run

The last line starts with `demo: ok` (exit code 0) or `demo: FAILED` (exit code 2).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import heads
import model
from encoder import Encoder, EncoderError
from sentences import ANIMAL, DEMO, TROPHY
from wordpiece import WordPiece

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "build/heads.html"
RECORDED = HERE / "recorded" / "vectors.json"

# What the issue that asked for this example promises.
LARGEST_DIFFERENCE, LEAST_COSINE = 2e-5, 0.99999
LAYER, HEAD = 3, 1
BENCH = ["--bench", "--bench-seconds=4"]
LOOKS = [(ANIMAL, "it", "animal", 0.640), (TROPHY, "it", "trophy", 0.576)]


class DemoError(Exception):
    pass


def require(condition, text):
    if not condition:
        raise DemoError(text)


def recorded_vectors():
    """What the independent runtime said about DEMO; see reference_onnx.py."""
    record = json.loads(RECORDED.read_text())
    require(record["weights_sha256"] == model.SHA256, "the record is of other weights")
    rows = {row["sentence"]: row["vector"] for row in record["rows"]}
    require(list(rows) == DEMO, "the record is of other sentences")
    return np.array([rows[s] for s in DEMO]), record["runtime"]


def show_rooms(said):
    """The table of --explain: what each room left behind."""
    print()
    for line in said.splitlines():
        if line.startswith(("remark:", "result ", "bench:")):
            break
        print(line)


def show_bench(title, said):
    print(f"\n{title}:")
    for line in said.splitlines():
        if line.startswith("bench: "):
            print(" ", line.removeprefix("bench: "))


def compare(vectors):
    """Prints each sentence's distance from the record; returns the largest difference."""
    expected, runtime = recorded_vectors()
    require(vectors.shape == expected.shape, f"expected {expected.shape}, found {vectors.shape}")
    print(f"\nagainst {runtime}:\n  max |difference|  1 - cosine  sentence")
    worst = 0.0
    for sentence, found, wanted in zip(DEMO, vectors.astype(np.float64), expected, strict=True):
        difference = np.abs(found - wanted).max()
        lengths = np.linalg.norm(found) * np.linalg.norm(wanted)
        cosine = found @ wanted / lengths
        print(f"  {difference:16.1e}  {abs(1 - cosine):10.1e}  {sentence}")
        # Written so that a NaN fails.
        good = difference <= LARGEST_DIFFERENCE and cosine >= LEAST_COSINE
        require(good, f"max |difference| {difference:.1e} over the bound, or NaN: '{sentence}'")
        worst = max(worst, difference)
    return worst


def check_distributions(maps, mask):
    """Rows of tokens sum to 1 over the sentence's own tokens; padding gets exactly 0."""
    rows = maps[:, mask.nonzero()[0], :, mask.nonzero()[1], :]
    require(np.all(np.abs(rows.sum(-1) - 1) < 1e-5), "attention weights do not sum to 1")
    padding = np.broadcast_to(~mask[None, :, None, None, :], maps.shape)
    require(np.all(maps[padding] == 0), "a padded key has weight")


def picture(map_, tokens):
    """A head's weights as text: a row per query, darker is more."""
    shades = " .:-=+*#%@"
    print(" " * 10 + "".join(f"{t[:3]:4s}" for t in tokens))
    for token, row in zip(tokens, map_, strict=True):
        cells = (shades[min(int(p * 10), 9)] * 3 for p in row)
        print(f"{token:>9s} " + " ".join(cells))


def show_heads(maps, pieces, ids, mask):
    """Finds the head that resolves `it` in both sentences; returns its weights there."""
    found = []
    print()
    for sentence, source, target, expected in LOOKS:
        i = DEMO.index(sentence)
        n = int(mask[i].sum())
        tokens = [pieces.tokens[t] for t in ids[i, :n]]
        own = maps[:, i, :, :n, :n]
        at = tokens.index(source), tokens.index(target)
        best = heads.strongest_head(own, *at)
        print(
            f"{source} -> {target}: layer {best.layer} head {best.head} looks there with "
            f"{best.weight:.3f}, its other rows with {best.others:.3f}"
        )
        require((best.layer, best.head) == (LAYER, HEAD), f"expected layer {LAYER} head {HEAD}")
        good = abs(best.weight - expected) < 6e-4
        require(good, f"expected {expected:.3f}, found {best.weight:.3f}")
        found.append(best.weight)
        if sentence == ANIMAL:
            animal = own[LAYER, HEAD], tokens
    print(f"\nlayer {LAYER} head {HEAD}, a row per query token, darker is more:")
    picture(*animal)
    return found


def run(arguments):
    pieces = WordPiece(model.folder() / "vocab.txt")
    ids, mask = pieces.batch(DEMO)
    print(
        f"all-MiniLM-L6-v2: {model.LAYERS} layers, {model.HEADS} heads; "
        f"{len(DEMO)} sentences, {int(mask.sum())} tokens padded to {ids.shape[0]} x {ids.shape[1]}"
    )
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(arguments.attn_run, arguments.target, folder)
        (vectors,), said = encoder.run("encode", ids, mask, options=["--explain", *BENCH])
        maps = encoder.weights(ids, mask)
        kernel = encoder.bench_kernel(BENCH)
    show_rooms(said)
    show_bench("@encode, every core", said)
    show_bench("attention alone, 16 heads x 2048 tokens x 64 channels, one core", kernel)
    worst = compare(vectors)
    check_distributions(maps, mask)
    animal = show_heads(maps, pieces, ids, mask)[0]
    page = heads.write_page(arguments.page, maps, pieces, ids, mask, pair=LOOKS[0][1:3])
    print(f"\nevery head, to look at in a browser: {page}")
    print(
        f"\ndemo: ok, max |difference| {worst:.1e} over {len(DEMO)} sentences, "
        f"it -> animal {animal:.3f} at layer {LAYER} head {HEAD}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attn-run", required=True, metavar="PATH", help="the tool to run")
    parser.add_argument("--target", help="passed on to attn-run")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page of heads goes")
    try:
        run(parser.parse_args())
    except (DemoError, EncoderError, model.ModelError, OSError, ValueError) as error:
        print(f"demo: FAILED {error}")
        sys.exit(2)


if __name__ == "__main__":
    main()
