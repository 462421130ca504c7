# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs elementary functions as attn-cpu-math computes them against numpy in double.

math_accuracy.py FOLDER TARGET: prints the largest error in units in the last place.
"""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np


def of_floats(function):
    def apply(x):
        try:
            return function(x)
        except ValueError:
            return math.nan
        except OverflowError:
            return math.inf

    return np.vectorize(apply, otypes=[np.float64])


# Function, where to look, the bounds that lib/CPU/MathApprox.h names for f32 and f64.
FUNCTIONS = {
    "exp": (np.exp, (-110, 95), 2, 2),
    "exp2": (np.exp2, (-155, 130), 2, 2),
    "log": (np.log, (1e-30, 1e30), 2, 2),
    "tanh": (np.tanh, (-12, 12), 4, 4),
    "erf": (of_floats(math.erf), (-6, 6), 4, 4),
    "log2": (np.log2, (1e-30, 1e30), 1, 4),
    "log10": (np.log10, (1e-30, 1e30), 1, 4),
    "log1p": (np.log1p, (1e-30, 1e30), 1, 4),
    "expm1": (np.expm1, (-40, 90), 1, 4),
    "sin": (np.sin, (-100, 100), 1, 4),
    "cos": (np.cos, (-100, 100), 1, 4),
    "tan": (np.tan, (-100, 100), 1, 4),
    "asin": (np.arcsin, (-1, 1), 1, 4),
    "acos": (np.arccos, (-1, 1), 1, 4),
    "atan": (np.arctan, (-30, 30), 1, 4),
    "sinh": (np.sinh, (-90, 90), 1, 4),
    "cosh": (np.cosh, (-90, 90), 1, 4),
    "asinh": (np.arcsinh, (-1e9, 1e9), 1, 4),
    "acosh": (np.arccosh, (1, 1e9), 1, 4),
    "atanh": (np.arctanh, (-1, 1), 1, 4),
    "cbrt": (np.cbrt, (-1e9, 1e9), 1, 4),
    "erfc": (of_floats(math.erfc), (-6, 28), 1, 4),
    "powf": (np.power, None, 1, 4),
    "atan2": (np.arctan2, None, 1, 4),
    "fpowi": (np.power, None, 1, 4),
    "remf": (np.fmod, None, 0, 0),
}
BINARY = {"powf", "atan2", "fpowi", "remf"}
POSITIVE = {"log", "log2", "log10", "log1p"}
ANGLES = {"sin", "cos", "tan"}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3e38, -3e38, 1.0, -1.0, 88.8,
           -104.0, 2.0, -2.0, 0.5, 3.0, -3.0, 3.5, 1e-20, 1000.0, 2.0**52 + 1]  # fmt: skip


def function(name, element):
    """The loop is one of linalg."""
    tensor = f"tensor<?x{element}>"
    right = "i32" if name == "fpowi" else element
    ins, block, operands, types = "%x", f"%v: {element}", "%v", element
    if name in BINARY:
        ins, block, operands = "%x, %w", f"%v: {element}, %u: {right}", "%v, %u"
        tensors = f"{tensor}, tensor<?x{right}>"
        types = f"{element}, i32" if name == "fpowi" else element
    else:
        tensors = tensor
    arguments = ", ".join(
        f"{x}: {t}" for x, t in zip(ins.split(", "), tensors.split(", "), strict=True)
    )
    maps = ", ".join(["affine_map<(i) -> (i)>"] * (ins.count(",") + 2))
    return f"""
func.func @{name}({arguments}) -> {tensor} {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : {tensor}
  %e = tensor.empty(%n) : {tensor}
  %y = linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
      ins({ins} : {tensors}) outs(%e : {tensor}) {{
  ^bb0({block}, %o: {element}):
    %r = {"arith" if name == "remf" else "math"}.{name} {operands} : {types}
    linalg.yield %r : {element}
  }} -> {tensor}
  return %y : {tensor}
}}
"""


def arguments(name, bounds, dtype):
    """One array, or two."""
    random = np.random.default_rng(7)
    special = np.array(SPECIAL)
    if name in BINARY:
        x, y = (grid.ravel() for grid in np.meshgrid(special, special))
        base = np.concatenate(
            [np.exp(random.uniform(-40, 40, 10000)), random.uniform(0.6, 1.6, 10000)]
        )
        power = random.uniform(-900 if dtype == np.float64 else -60, 900, 20000) / np.abs(
            np.log(base)
        )
        x, y = np.concatenate([x, base]), np.concatenate([y, power])
        if name in ("atan2", "remf"):
            x[-20000:] *= random.choice([-1, 1], 20000)
        if name == "remf":  # quotients of all sizes
            y[-20000:] = x[-20000:] / np.exp(random.uniform(-3, 60, 20000))
        if name == "fpowi":
            y = np.nan_to_num(y, posinf=1e9, neginf=-1e9).clip(-2e9, 2e9).astype(np.int32)
            return [x.astype(dtype), y]
        return [x.astype(dtype), y.astype(dtype)]
    low, high = bounds
    if name in POSITIVE:
        spread = np.exp(random.uniform(math.log(low), math.log(high), 10000))
        values = np.concatenate([spread, random.uniform(0.5, 2, 10000)])
    else:
        values = np.concatenate([random.uniform(low, high, 10000), random.standard_normal(10000)])
    if name in ANGLES:
        most = 38 if dtype == np.float32 else 13
        values = np.concatenate([values, 10 ** random.uniform(2, most, 10000)])
    return [np.concatenate([values, special]).astype(dtype)]


def expectation(name, reference, inputs):
    wide = [x.astype(np.float64) for x in inputs]
    expected = reference(*wide)
    if name in ANGLES and inputs[0].dtype == np.float64:
        expected[np.abs(wide[0]) > 2.0**45] = np.nan  # as MathApprox.h says
    return expected


def largest_error(y, expected):
    """In units in the last place of y's type; special values and signs of 0 have to be equal."""
    rounded = expected.astype(y.dtype)
    unusual = ~np.isfinite(rounded)
    if not np.array_equal(y[unusual], rounded[unusual], equal_nan=True):
        return math.inf
    zero = (expected == 0) & (y == 0)
    if not np.array_equal(np.signbit(y[zero]), np.signbit(expected[zero])):
        return math.inf
    unit = np.spacing(np.abs(rounded[~unusual])).astype(np.float64)
    return float(np.max(np.abs(y[~unusual].astype(np.float64) - expected[~unusual]) / unit))


def main():
    folder, target = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    np.seterr(all="ignore")
    failed = False
    for element, dtype in (("f32", np.float32), ("f64", np.float64)):
        source = "".join(function(name, element) for name in FUNCTIONS)
        (folder / "math.mlir").write_text(source)
        for name, (reference, bounds, *limits) in FUNCTIONS.items():
            inputs = arguments(name, bounds, dtype)
            words = [f"--entry={name}", f"--target={target}", f"--output={folder}/y.npy"]
            for i, x in enumerate(inputs):
                np.save(folder / f"x{i}.npy", x)
                words.append(f"--input=@{folder}/x{i}.npy")
            subprocess.run(["attn-run", str(folder / "math.mlir"), *words], check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
            error = largest_error(np.load(folder / "y.npy"), expectation(name, reference, inputs))
            bound = limits[element == "f64"]
            print(f"{name} {element}: {error:.2f} units, bound {bound}")
            failed |= not error <= bound
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
