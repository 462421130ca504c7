#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures what masks save and prints a table in Markdown.

usage: benchmarks/masks.py [--attn-run PATH] [--target TARGET] [--rounds N] [--length N]

Each mask is a region of one attn.sdpa (1, 4, LENGTH, 64, f32, one thread). Its time is set beside
that of full attention in the same round, and beside the exact share of blocks, as the plan cut
queries and keys, in which some query keeps some key. Medians of the rounds.
"""

import argparse
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
LENGTHS = [-48, 48, 0, 16, -16, -32, 32, 0]  # of documents, beside an eighth of all keys


def documents(length):
    return np.repeat(np.arange(8), [length // 8 + more for more in LENGTHS])


CAUSAL = "%c = arith.cmpi sle, %n, %m : index"
WINDOW = """%w = arith.constant 256 : index
      %d = arith.subi %m, %n : index
      %i = arith.cmpi slt, %d, %w : index"""
# name: lines of the region that leave %keep, and the same with numpy
MASKS = {
    "full": ("", lambda m, n: (m >= 0) & (n >= 0)),
    "causal": (f"{CAUSAL}\n      %keep = arith.andi %c, %c : i1", lambda m, n: n <= m),
    "window 256, causal": (
        f"{CAUSAL}\n      {WINDOW}\n      %keep = arith.andi %c, %i : i1",
        lambda m, n: (n <= m) & (m - n < 256),
    ),
    "documents of 512 keys": (
        """%e = arith.constant 512 : index
      %a = arith.floordivsi %m, %e : index
      %b2 = arith.floordivsi %n, %e : index
      %keep = arith.cmpi eq, %a, %b2 : index""",
        lambda m, n: m // 512 == n // 512,
    ),
    "8 uneven documents (captured)": (
        "%keep = arith.cmpi eq, %mine, %its : i32",
        lambda m, n: documents(n.size)[m] == documents(n.size)[n],
    ),
    "prefix of 1024, then causal": (
        f"""{CAUSAL}
      %e = arith.constant 1024 : index
      %p = arith.cmpi slt, %n, %e : index
      %keep = arith.ori %c, %p : i1""",
        lambda m, n: (n <= m) | (n < 1024),
    ),
    "dilated: every fourth block of 128": (
        """%e = arith.constant 128 : index
      %four = arith.constant 4 : index
      %a = arith.floordivsi %m, %e : index
      %b2 = arith.floordivsi %n, %e : index
      %a4 = arith.remsi %a, %four : index
      %b4 = arith.remsi %b2, %four : index
      %keep = arith.cmpi eq, %a4, %b4 : index""",
        lambda m, n: m // 128 % 4 == n // 128 % 4,
    ),
    "first 4 keys and window 256, causal": (
        f"""{CAUSAL}
      {WINDOW}
      %e = arith.constant 4 : index
      %s = arith.cmpi slt, %n, %e : index
      %o = arith.ori %i, %s : i1
      %keep = arith.andi %c, %o : i1""",
        lambda m, n: (n <= m) & ((m - n < 256) | (n < 4)),
    ),
}


def source(lines, length):
    """The function @f; a rule that reads %mine and %its gets the documents."""
    tensor = f"tensor<1x4x{length}x64xf32>"
    captured = "%mine" in lines
    arguments = f"%q: {tensor}, %k: {tensor}, %v: {tensor}"
    captures, names = "", "%b, %h, %m, %n"
    if captured:
        ids = f"tensor<{length}xi32>"
        arguments += f", %doc: {ids}"
        captures = f" captures(%doc[m] : {ids}, %doc[n] : {ids})"
        names += ", %mine, %its"
    mask = f"    mask({names}) {{\n      {lines}\n      attn.yield %keep : i1\n    }}\n"
    return f"""func.func @f({arguments}) -> {tensor} {{
  %o = attn.sdpa %q, %k, %v{captures} : {tensor}, {tensor}, {tensor} -> {tensor}
{mask if lines else ""}  return %o : {tensor}
}}
"""


def run(options, folder, name):
    lines, _ = MASKS[name]
    path = folder / "mask.mlir"
    path.write_text(source(lines, options.length), encoding="utf-8")
    command = [options.attn_run, path, "--bench", "--explain", "--threads=1"]
    command += [f"--target={options.target}"]
    command += [f"--input=1x4x{options.length}x64xf32=random:{seed}" for seed in (1, 2, 3)]
    if "%mine" in lines:
        np.save(folder / "doc.npy", documents(options.length).astype(np.int32))
        command.append(f"--input=@{folder / 'doc.npy'}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"masks: {name} failed:\n{done.stderr}")
    text = done.stdout + done.stderr
    numbers = (r"([0-9.]+) ms a call", r"query_group = (\d+)", r"key_block = (\d+)")
    return [float(re.search(pattern, text)[1]) for pattern in numbers]


def blocks_needed(keeps, length, group, block):
    """The share of blocks with a kept key."""
    kept = keeps(np.arange(length)[:, None], np.arange(length)[None, :])
    rows = np.logical_or.reduceat(kept, np.arange(0, length, group), axis=0)
    return np.logical_or.reduceat(rows, np.arange(0, length, block), axis=1).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attn-run", default=HERE.parent / "build/release/bin/attn-run")
    parser.add_argument("--target", default="cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--length", type=int, default=4096, help="queries and keys (4096)")
    options = parser.parse_args()
    readings = {name: [] for name in MASKS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for name, of_name in readings.items():
                of_name.append(run(options, pathlib.Path(folder), name))
    full = [reading[0] for reading in readings["full"]]
    print("| mask | ms | of full | blocks needed | time / blocks |")
    print("|---|---|---|---|---|")
    for name, of_name in readings.items():
        _, group, block = of_name[0]
        needed = blocks_needed(MASKS[name][1], options.length, int(group), int(block))
        share = statistics.median(r[0] / f for r, f in zip(of_name, full, strict=True))
        milliseconds = statistics.median(r[0] for r in of_name)
        print(
            f"| {name} | {milliseconds:.4g} | {share:.3f} | {needed:.3f} | {share / needed:.2f} |"
        )
    print(f"\ngroups of {int(group)} queries, blocks of {int(block)} keys")


if __name__ == "__main__":
    main()
