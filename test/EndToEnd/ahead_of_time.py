#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shared objects of attn-compile, called like C, give the bits that attn-run gives and judges.

The cases of random_cases.py, with inputs of any strides, on one thread and on several.
"""

import argparse
import ctypes
import pathlib
import subprocess
import sys
import tempfile

import c_entry
import numpy
import random_cases
import runner


class Case(random_cases.Case):
    """A case whose inputs are arrays."""

    def __init__(self, number, folder):
        super().__init__(number, folder, runner.SEED)
        self.generator = numpy.random.default_rng(number)
        self.values = [
            self.value(i, spec, kind)
            for i, (spec, (_, kind)) in enumerate(zip(self.inputs, self.arguments, strict=True))
        ]

    def text(self):
        """`case` is a word of C."""
        return super().text().replace("@case(", "@entry(")

    def value(self, position, spec, kind):
        """The number or array of a spec; an array also becomes a file."""
        dtype = c_entry.DTYPES[c_entry.dtype_in(kind)]
        if spec.startswith("@"):
            return numpy.load(spec[1:])
        shape_text, text = spec.split("=")
        if not kind.startswith("tensor"):
            return float(text) if dtype in (numpy.float32, numpy.float64) else int(text)
        shape = [int(size) for size in shape_text.split("x")[:-1]]
        if not text.startswith("random:"):
            array = numpy.array([int(word) for word in text.split(",")], dtype).reshape(shape)
        elif dtype is numpy.bool_:
            array = self.generator.random(shape) < 0.5
        else:
            deviation = float((text.split(":") + ["1"])[2])
            array = (deviation * self.generator.standard_normal(shape)).astype(dtype)
        path = self.folder / f"{self.number}-{position}.npy"
        numpy.save(path, array)
        self.inputs[position] = f"@{path}"
        return array

    def strided(self, array):
        """The same elements at other places: gaps, turned around, axes in another order."""
        steps = [self.random.choice([1, 1, 2, -1]) for _ in array.shape]
        order = list(range(array.ndim))
        self.random.shuffle(order)
        wide = [size * abs(step) for size, step in zip(array.shape, steps, strict=True)]
        whole = numpy.empty([wide[axis] for axis in order], array.dtype)
        view = whole.transpose(numpy.argsort(order))[
            tuple(slice(None, None, step) for step in steps)
        ]
        view[...] = array
        return view

    def c_arguments(self):
        """As C takes them, and the arrays behind them."""
        arguments, arrays = [], []
        for value, (_, kind) in zip(self.values, self.arguments, strict=True):
            if not kind.startswith("tensor"):
                arguments.append(c_entry.scalar(value, c_entry.dtype_in(kind)))
                continue
            choice = self.random.choice(["plain", "plain", "zero strides", "strided"])
            arrays.append(
                self.strided(value) if choice == "strided" else numpy.ascontiguousarray(value)
            )
            arguments.append(c_entry.tensor(arrays[-1], choice != "zero strides"))
        return arguments, arrays


def same_bits(a, b):
    return (
        a.shape == b.shape and a.dtype.itemsize == b.dtype.itemsize and a.tobytes() == b.tobytes()
    )


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def check(case, target, tools, runtime):
    """Bits of attn-run, which are within the bound, against those of the object."""
    source = case.write()
    library = case.folder / f"{case.number}-{target.replace(':', '-')}.so"
    run([tools / "attn-compile", source, f"--target={target}", "-o", library])
    assert "Needs no library." in library.with_suffix(".h").read_text()
    entry = c_entry.entry_of(library, source.read_text(), "entry")
    files = [case.folder / f"{case.number}-result{i}.npy" for i in range(len(entry.results))]
    said = run(
        case.command(str(tools / "attn-run"), target) + [f"--output={file}" for file in files]
    )
    assert "ratio to the bound" in said, said
    assert entry.supported() == 1
    arguments, arrays = case.c_arguments()
    if runtime and case.number % 2:
        entry.library.entry_set_parallel_for(
            ctypes.cast(runtime.attn_rt_parallel_for, ctypes.c_void_p)
        )
    for i, (result, file) in enumerate(zip(entry.call(arguments), files, strict=True)):
        assert same_bits(result, numpy.load(file)), f"case {case.number}, {target}, result {i}"
    del arrays


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--tools", type=pathlib.Path, required=True, help="folder of the tools")
    parser.add_argument("--targets", default="cpu", help="separated by commas")
    parser.add_argument("--runtime", help="libattn_runtime.so")
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    runtime = ctypes.CDLL(options.runtime) if options.runtime else None
    with tempfile.TemporaryDirectory() as folder:
        for target in options.targets.split(","):
            for number in range(options.first, options.first + options.cases):
                check(Case(number, pathlib.Path(folder)), target, options.tools, runtime)
            print(f"{target}: {options.cases} objects give the bits of attn-run")


if __name__ == "__main__":
    sys.exit(main())
