#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random graphs that say attention, broken at random: no crash, and what is raised keeps its values.

A break is another operand of the same type, another op, comparison or number, or a line that is gone.
Seeds are drawn anew in each run and printed.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import sys
import tempfile

import raise_variants

OTHERS = [
    ("arith.addf", "arith.subf"), ("arith.mulf", "arith.addf"), ("arith.divf", "arith.mulf"), ("math.exp ", "math.exp2 "),
    ("arith.maximumf", "arith.minimumf"), ("cmpi sle", "cmpi slt"), ("cmpi sge", "cmpi ne"), ("cmpf oeq", "cmpf une"),
    ("arith.andi", "arith.ori"), ('"parallel"', '"reduction"'), ("d0, d1", "d1, d0"), ("linalg.index 0", "linalg.index 1"),
]  # fmt: skip


def break_once(draw, lines):
    """The lines with one change; perhaps no valid graph."""
    lines = list(lines)
    at = draw.randrange(1, len(lines))
    way = draw.choice(["operand", "operand", "op", "op", "number", "gone"])
    if way == "gone":
        del lines[at]
        return lines
    order = [*range(at, len(lines)), *range(1, at)]
    for i in order:
        line = lines[i]
        if way == "number" and (found := re.search(r"constant (-?\d\.\d+e[+-]\d+)", line)):
            lines[i] = line.replace(found[1], draw.choice(["0.0", "1.0", "-1.0", "-30.0"]))
            return lines
        if way == "op":
            for pair in draw.sample(OTHERS, len(OTHERS)):
                old, new = pair if draw.random() < 0.5 else pair[::-1]
                if old in line:
                    lines[i] = line.replace(old, new, 1)
                    return lines
        if way == "operand" and "linalg.generic" in line:
            used = re.findall(r"ins\(([^:]*):", line)
            earlier = re.findall(r"^\s*(%\w+) = ", "\n".join(lines[1:i]), re.MULTILINE)
            if used and earlier and (names := re.findall(r"%\w+", used[0])):
                name, other = draw.choice(names), draw.choice(earlier)
                lines[i] = re.sub(re.escape(name) + r"\b", other, line, count=1)
                return lines
    return lines


def judge(seed, bin_folder, folder):
    """What came of the graph: invalid, left, kept; or what is wrong."""
    draw = random.Random(seed)
    variant = raise_variants.Variant(seed, simple=True)
    lines = variant.text("f", False).splitlines()
    for _ in range(draw.choice([1, 1, 2, 4])):
        lines = break_once(draw, lines)
    source = folder / f"{seed}.mlir"
    source.write_text("\n".join(lines) + "\n")
    code, _, said = raise_variants.call([f"{bin_folder}/attn-opt", source, "--attn-raise"])
    if code == 1 and "error: " in said:
        return "invalid"
    if code:
        return f"attn-opt ended with {code}"
    if not re.search(r"raised [1-9]", said):
        return "left"
    code, out, said = raise_variants.call([f"{bin_folder}/attn-run", source, "--attn-raise-verify"])
    if code < 0 or "check: raising" in out and "result #0: ok" not in out:
        return f"attn-run ended with {code}: {out[-300:]}{said[-300:]}"
    return "kept" if "result #0: ok" in out else "no entry"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="folder of attn-opt and attn-run")
    parser.add_argument("--graphs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**9)
    print(f"seed {seed}")
    counts, wrong = {}, 0
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        seeds = range(seed, seed + arguments.graphs)
        jobs = pool.map(lambda s: judge(s, arguments.bin, pathlib.Path(name)), seeds)
        for each, result in zip(seeds, jobs, strict=True):
            if result in ("invalid", "left", "kept", "no entry"):
                counts[result] = counts.get(result, 0) + 1
            else:
                wrong += 1
                print(f"seed {each}: {result}")
    print(", ".join(f"{word} {count}" for word, count in sorted(counts.items())))
    print(f"wrong: {wrong} of {arguments.graphs}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
