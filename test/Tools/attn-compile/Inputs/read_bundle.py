# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints what a bundle says, and that damaged copies of it are refused."""

import importlib.util
import pathlib
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parents[4]
spec = importlib.util.spec_from_file_location("cuda", ROOT / "python_bindings/attn_mlir/cuda.py")
cuda = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cuda)

# Stands for a tensor: batch 2, heads 4, 129 queries and keys.
tensor = types.SimpleNamespace(shape=(2, 4, 129, 128))


def damaged(data):
    """Copies that must be refused: empty, cut, longer, a bit of the manifest, of an image."""
    yield b""
    yield data[:-1]
    yield data + b"x"
    for place in (80, len(data) - 5):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


bundle = cuda.Bundle.read(sys.argv[1])
manifest = bundle.manifest
print("entry", manifest["entry"])
for kernel in manifest["kernels"]:
    arch = manifest["modules"][0]["arch"]
    print("kernel", kernel["name"], arch, "threads", kernel["threads"], "spills", end=" ")
    print(kernel["spill_bytes"])
arguments = [tensor] * 3
for launch in manifest["launches"]:
    grid = [cuda.evaluate(x, arguments) for x in launch["grid"]]
    print("grid", grid, "arguments", launch["arguments"])
shapes = [[cuda.evaluate(x, arguments) for x in r["shape"]] for r in manifest["results"]]
print("results", shapes)
cuda.check_sizes(manifest, arguments)
longer = types.SimpleNamespace(shape=(2, 4, 130, 128))
if manifest["rules"]:
    try:
        cuda.check_sizes(manifest, [tensor, tensor, longer])
    except ValueError as error:
        print(error)
refused = 0
for data in damaged(pathlib.Path(sys.argv[1]).read_bytes()):
    try:
        cuda.Bundle(data)
    except cuda.BundleError:
        refused += 1
print(refused, "damaged files refused")
print("ok")
