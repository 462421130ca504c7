#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random blocks with planted dead heads, or equal key heads, before and after attn-optimize.

The blocks are those of random_blocks.py, with any clause. Weights are arguments, whose heads are
named to the pass, or constants, in which it finds them. Both programs are judged by the reference,
and their results compared: what was planted adds nothing, so that only rounding differs.
"""

import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy
import random_blocks
import runner

NUMPY = {"f64": numpy.float64, "f32": numpy.float32, "f16": numpy.float16, "bf16": None}
# Of the largest result: two honest kernels, each off by some roundings.
ROUNDING = {"f64": 1e-13, "f32": 2e-5, "f16": 4e-3, "bf16": 3e-2}
FIXED = (
    "a region reads the head's number|a capture is read at the head's number|it returns its weights"
)


class Planted(random_blocks.Block):
    """A block with heads to remove or to merge; `left` are the heads and key heads after."""

    def choose_shapes(self):
        super().choose_shapes()
        self.kv_heads = self.random.choice([2, 3, 4, 6])
        self.group = self.random.choice([1, 1, 2, 3])
        self.heads = self.kv_heads * self.group
        self.constant = self.dtype == "bf16" or self.random.random() < 0.4
        self.removed, self.classes, self.twins, self.by_values = [], [], False, False
        wish = self.random.random()
        if wish < 0.2:
            self.choose_twins()
        elif wish < 0.6:
            self.choose_removed()
        else:
            self.choose_classes()

    def choose_removed(self):
        """Whole groups, or as many heads of each group that is left."""
        draw = self.random
        gone = draw.sample(range(self.kv_heads), draw.randint(1, self.kv_heads - 1))
        few = draw.randint(1, self.group - 1) if self.group > 1 and draw.random() < 0.6 else 0
        if few and draw.random() < 0.5:
            gone = []
        self.by_values = self.constant and not few and draw.random() < 0.5
        for g in range(self.kv_heads):
            members = range(g * self.group, (g + 1) * self.group)
            self.removed += members if g in gone else draw.sample(members, few)
        self.left = self.heads - len(self.removed), self.kv_heads - len(gone)

    def choose_classes(self):
        sizes = [n for n in range(2, self.kv_heads + 1) if self.kv_heads % n == 0]
        size = self.random.choice(sizes)
        order = list(range(self.kv_heads))
        self.random.shuffle(order)
        self.classes = [sorted(order[i : i + size]) for i in range(0, self.kv_heads, size)]
        self.left = self.heads, self.kv_heads // size

    def choose_twins(self):
        """Two of at least three heads are the same, of queries too."""
        self.kv_heads = self.heads = self.random.choice([3, 4, 6])
        self.group, self.twins, self.constant = 1, True, True
        self.dtype = self.random.choice(["f32", "f64"])
        self.acc = self.dtype
        self.classes = [sorted(self.random.sample(range(self.heads), 2))]
        self.left = self.heads - 1, self.kv_heads - 1

    def argument(self, name, kind, spec):
        if not name.startswith(("weight", "bias")):
            return super().argument(name, kind, spec)
        shape = [int(size) for size in kind.removeprefix("tensor<").split("x")[:-1]]
        seed, deviation = spec.split(":")[1:]
        values = numpy.random.default_rng(int(seed)).normal(0, float(deviation), shape)
        self.plant(name, values)
        if not self.constant:
            return super().argument(name, kind, self.array(name, values.astype(NUMPY[self.dtype])))
        bits = values.astype(NUMPY[self.dtype] or numpy.float32)
        if self.dtype == "bf16":
            bits = (bits.view(numpy.uint32) >> 16).astype(numpy.uint16)
        self.body.append(f'%{name} = arith.constant dense<"0x{bits.tobytes().hex()}"> : {kind}')
        return f"%{name}"

    def plant(self, name, values):
        parts = self.key_heads_of(name, values)
        if self.twins and name[-1] == "0":
            rows = values[: self.heads * self.dim]
            parts.insert(0, rows.reshape(self.heads, self.dim, *values.shape[1:]))
        for part in parts:
            for first, *others in self.classes:
                part[others] = part[first]
        if self.by_values and parts and name[-1] in "02":
            parts[-1][[h // self.group for h in self.removed]] = 0
        if name == ("weight1" if self.packed else "weight3") and not self.by_values:
            heads = values.reshape(len(values), self.heads, -1)
            heads[:, self.removed] = 0

    def key_heads_of(self, name, values):
        """The parts of K and V of a weight or a bias, [key head, size, ...] in place."""
        heads, kv, d, dv = self.heads, self.kv_heads, self.dim, self.value_dim
        spans = {"1": [(0, d)], "2": [(0, dv)]}
        if self.packed:
            spans = {"0": [(heads * d, d), ((heads + kv) * d, d)]}
        return [
            values[start : start + kv * size].reshape(kv, size, *values.shape[1:])
            for start, size in spans.get(name[-1], [])
        ]

    def wish(self):
        """What attn-optimize is asked for."""
        if self.constant:
            return ""
        prune = ",".join(f"0.{h}" for h in self.removed)
        merge = ",".join("0." + "+".join(map(str, members)) for members in self.classes)
        return f"=prune={prune}" if prune else f"=merge={merge}"

    def has_value_per_head(self, clause):
        word, _, kind = clause.partition("(")
        sizes = kind.partition("tensor<")[2].split("x")[:-1]
        return word in ("alibi", "sinks") or (
            word in ("additive", "keep") and len(sizes) >= 3 and sizes[-3] != "1"
        )

    def may_not_move(self):
        """True where the pass has to decline."""
        in_order = (
            not self.twins
            and self.classes == sorted(self.classes)
            and all(
                members == list(range(members[0], members[0] + len(members)))
                for members in self.classes
            )
        )
        by_number = any("[h" in text for text, _ in self.captures)
        if self.twins and any(map(self.has_value_per_head, self.clauses)):
            return True
        return not (self.classes and in_order) and (by_number or bool(self.returns))


def call(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def heads_in(text):
    """Heads and key heads of the one attn.mha in `text`."""
    heads = int(re.search(r"attn\.mha.* heads\((\d+)\)", text)[1])
    keys = re.search(r"attn\.mha.* kv_heads\((\d+)\)", text)
    return heads, int(keys[1]) if keys else heads


def read(path, dtype):
    values = numpy.load(path)
    if dtype == "bf16":  # two bytes, the upper half of an f32
        values = (values.view(numpy.uint16).astype(numpy.uint32) << 16).view(numpy.float32)
    return values.astype(numpy.float64)


def judge(case, folder, tools):
    """An empty text, or what is wrong; and whether the pass declined."""
    before, after = case.write(), folder / f"{case.number}-after.mlir"
    done = call([tools / "attn-opt", before, f"--attn-optimize{case.wish()}", "-o", after])
    if case.may_not_move():
        if case.constant:
            stay = case.heads, case.kv_heads
            same = done.returncode == 0 and heads_in(after.read_text()) == stay
            return "" if same else "expected the heads to stay: " + done.stderr, True
        declined = done.returncode and re.search(FIXED, done.stderr)
        return "" if declined else "expected an error: " + done.stderr, True
    if done.returncode:
        return done.stderr, False
    if heads_in(after.read_text()) != case.left:
        return f"expected heads {case.left}, found {heads_in(after.read_text())}", False
    results = []
    for path in (before, after):
        output = folder / f"{path.stem}.npy"
        command = case.command(tools / "attn-run", "cpu")
        command[1] = path
        code, _, said = runner.run([*command, f"--output={output}"])
        if code:
            return said, False
        results.append(read(output, case.dtype))
    off = numpy.abs(results[0] - results[1]).max(initial=0)
    least = ROUNDING[case.dtype] * numpy.abs(results[0]).max(initial=0)
    return "" if off <= least else f"results differ by {off}, expected at most {least}", False


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tools", type=pathlib.Path, required=True, help="folder of the tools")
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--only", type=int, help="run one case")
    parser.add_argument("--seed", type=int, default=runner.SEED, help="other cases than the tests'")
    arguments = parser.parse_args()
    numbers = range(arguments.cases) if arguments.only is None else [arguments.only]
    good = {True: 0, False: 0}
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor(2) as pool:
        folder = pathlib.Path(name)
        cases = [Planted(number, folder, arguments.seed) for number in numbers]
        verdicts = pool.map(lambda case: judge(case, folder, arguments.tools), cases)
        for case, (wrong, declined) in zip(cases, verdicts, strict=True):
            good[declined] += not wrong
            if wrong:
                print(f"case {case.number}, {case.wish()}:\n  {wrong}")
    print(f"{good[False]} rewritten and {good[True]} declined of {len(cases)} cases as expected")
    return 0 if sum(good.values()) == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
