# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs exp, exp2, log, tanh and erf as attn-cpu-math computes them against numpy in double.

math_accuracy.py FOLDER TARGET: prints the largest error in units in the last place.
"""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np

# Function, where to look, the bound that lib/CPU/MathApprox.h names.
FUNCTIONS = {
    "exp": (np.exp, (-110, 95), 2),
    "exp2": (np.exp2, (-155, 130), 2),
    "log": (np.log, (1e-30, 1e30), 2),
    "tanh": (np.tanh, (-12, 12), 4),
    "erf": (np.vectorize(math.erf, otypes=[np.float64]), (-6, 6), 4),
}
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3e38, -3e38, -1.0, 88.8, -104.0]


def source(element):
    """One function per elementary function; the loop is one of linalg."""
    tensor = f"tensor<?x{element}>"
    text = ""
    for name in FUNCTIONS:
        text += f"""
func.func @{name}(%x: {tensor}) -> {tensor} {{
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : {tensor}
  %e = tensor.empty(%n) : {tensor}
  %y = linalg.generic {{indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                       iterator_types = ["parallel"]}}
      ins(%x : {tensor}) outs(%e : {tensor}) {{
  ^bb0(%v: {element}, %o: {element}):
    %r = math.{name} %v : {element}
    linalg.yield %r : {element}
  }} -> {tensor}
  return %y : {tensor}
}}
"""
    return text


def arguments(name, low, high, element):
    random = np.random.default_rng(7)
    if name == "log":
        spread = np.exp(random.uniform(math.log(low), math.log(high), 10000))
        values = np.concatenate([spread, random.uniform(0.5, 2, 10000)])
    else:
        values = np.concatenate([random.uniform(low, high, 10000), random.standard_normal(10000)])
    return np.concatenate([values, SPECIAL]).astype(element)


def largest_error(y, expected):
    """In units in the last place of y's type; special values have to be equal."""
    rounded = expected.astype(y.dtype)
    unusual = ~np.isfinite(rounded)
    if not np.array_equal(y[unusual], rounded[unusual], equal_nan=True):
        return math.inf
    unit = np.spacing(np.abs(rounded[~unusual])).astype(np.float64)
    return float(np.max(np.abs(y[~unusual].astype(np.float64) - expected[~unusual]) / unit))


def main():
    folder, target = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    np.seterr(all="ignore")
    failed = False
    for element in ("f32", "f64"):
        (folder / "math.mlir").write_text(source(element))
        for name, (reference, (low, high), bound) in FUNCTIONS.items():
            dtype = np.float32 if element == "f32" else np.float64
            x = arguments(name, low, high, dtype)
            np.save(folder / "x.npy", x)
            subprocess.run(
                ["attn-run", str(folder / "math.mlir"), f"--entry={name}", f"--target={target}",
                 f"--input=@{folder}/x.npy", f"--output={folder}/y.npy"],
                check=True, stdout=subprocess.DEVNULL)  # fmt: skip
            error = largest_error(np.load(folder / "y.npy"), reference(x.astype(np.float64)))
            print(f"{name} {element}: {error:.2f} units, bound {bound}")
            failed |= not error <= bound
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
