#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures prefill attention with `attn-run --bench` and prints a table in Markdown.

usage: benchmarks/prefill.py [--attn-run PATH] [--target TARGET]

Each figure is a share of the f32 FMA peak that the same process read between the runs of the
kernel: the median of the readings that the issue-width probe let pass, their share of all
readings, and the median of all of them. Causal attention is counted as half the work.
"""

import argparse
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# (entry, B, H, S, D, threads)
CASES = [
    ("full_d64", 1, 16, 2048, 64, 1),
    ("causal_d64", 1, 16, 2048, 64, 1),
    ("full_d128", 1, 8, 2048, 128, 1),
    ("full_d64", 1, 8, 512, 64, 1),
    ("full_d64", 8, 12, 128, 64, 1),
    ("full_d64", 1, 16, 2048, 64, 2),
    ("causal_d64", 1, 16, 2048, 64, 2),
]


def measure(attn_run, target, case):
    """Returns what `attn-run --bench` printed for one case."""
    entry, batch, heads, length, size, threads = case
    shape = f"{batch}x{heads}x{length}x{size}xf32"
    command = [attn_run, HERE / "prefill.mlir", f"--entry={entry}", "--bench"]
    command += [f"--threads={threads}", f"--target={target}"]
    command += [f"--input={shape}=random:{seed}" for seed in (1, 2, 3)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"prefill: {entry} failed:\n{run.stderr}")
    return run.stdout + run.stderr


def find(pattern, text):
    match = re.search(pattern, text)
    return match[1] if match else "?"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attn-run", default=HERE.parent / "build/release/bin/attn-run")
    parser.add_argument("--target", default="cpu")
    options = parser.parse_args()
    print("| kernel | B, H, S, D | threads | ms | share of peak | kept | ungated |")
    print("|---|---|---|---|---|---|---|")
    for case in CASES:
        text = measure(options.attn_run, options.target, case)
        kept = find(r"kept (\d+ of \d+)", text)
        share = find(r"share of peak ([0-9.]+|none)", text)
        ungated = find(r"([0-9.]+) \(ungated\)", text)
        milliseconds = find(r"([0-9.]+) ms a call", text)
        sizes = ", ".join(str(n) for n in case[1:5])
        name = case[0].split("_")[0]
        print(
            f"| {name} | {sizes} | {case[5]} | {milliseconds} | {share} | {kept} | {ungated} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
