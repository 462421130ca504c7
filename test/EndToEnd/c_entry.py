# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls a shared object of attn-compile the way a C program does."""

import ctypes
import math
import re

import ml_dtypes
import numpy

DTYPES = {
    "f64": numpy.float64,
    "f32": numpy.float32,
    "f16": numpy.float16,
    "bf16": ml_dtypes.bfloat16,
    "i64": numpy.int64,
    "index": numpy.int64,
    "i32": numpy.int32,
    "i16": numpy.int16,
    "i8": numpy.int8,
    "i1": numpy.bool_,
}
C_TYPES = {
    "f64": ctypes.c_double,
    "f32": ctypes.c_float,
    "f16": ctypes.c_uint16,
    "bf16": ctypes.c_uint16,
    "i64": ctypes.c_int64,
    "index": ctypes.c_int64,
    "i32": ctypes.c_int32,
    "i16": ctypes.c_int16,
    "i8": ctypes.c_int8,
    "i1": ctypes.c_uint8,
}


class Tensor(ctypes.Structure):
    """attn_tensor."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("rank", ctypes.c_int64),
        ("sizes", ctypes.c_int64 * 8),
        ("strides", ctypes.c_int64 * 8),
    )


def tensor(array, strides=True):
    """Describes an array; without strides as row-major by convention."""
    described = Tensor(array.ctypes.data, array.ndim)
    described.sizes[: array.ndim] = array.shape
    if strides:
        described.strides[: array.ndim] = [step // array.itemsize for step in array.strides]
    return described


def scalar(value, kind):
    if kind in ("f16", "bf16"):
        return ctypes.c_uint16(int(numpy.array(value, DTYPES[kind]).view(numpy.uint16)))
    return C_TYPES[kind](value)


def off_line(shape, dtype):
    """An array that is aligned to its elements and to nothing more."""
    whole = room((math.prod(shape) + 1) * numpy.dtype(dtype).itemsize)
    return whole.view(dtype)[1:].reshape(shape)


def room(size):
    """Memory on a line; the array keeps it alive."""
    whole = numpy.zeros(size + 64, numpy.uint8)
    start = -whole.ctypes.data % 64
    return whole[start : start + size]


class Entry:
    """One entry: `results` are dtypes, `weights` positions of arguments."""

    def __init__(self, library, name, results, weights=()):
        self.library = ctypes.CDLL(str(library))
        self.name = name
        self.results = results
        self.weights = weights

    def function(self, suffix, kind=ctypes.c_int):
        function = getattr(self.library, self.name + suffix, None)
        if function is not None:
            function.restype = kind
        return function

    def supported(self):
        return self.function("_supported")()

    def call(self, arguments):
        """Runs the entry on tensors and scalars as C takes them; returns arrays."""
        shaped = self.describe_results(arguments)
        arrays = [
            off_line(described.sizes[: described.rank], DTYPES[dtype])
            for described, dtype in zip(shaped, self.results, strict=True)
        ]
        for described, array in zip(shaped, arrays, strict=True):
            assert tuple(described.strides[: array.ndim]) == row_major(array.shape), self.name
            described.data = array.ctypes.data
        size = self.workspace(arguments)
        scratch = room(size)
        packed, _blob = self.packed(arguments)
        status = self.run(arguments, packed, shaped, scratch.ctypes.data, size)
        assert status == 0, f"{self.name}: status {status}"
        return arrays

    def describe_results(self, arguments):
        """The results without data."""
        shaped = [Tensor() for _ in self.results]
        status = self.function("_shapes")(*by_address(arguments), *by_address(shaped))
        assert status == 0, f"{self.name}_shapes: status {status}"
        return shaped

    def workspace_status(self, arguments):
        """The status, and what was written over 99."""
        size = ctypes.c_size_t(99)
        status = self.function("_workspace")(*by_address(arguments), ctypes.byref(size))
        return status, size.value

    def workspace(self, arguments):
        status, size = self.workspace_status(arguments)
        assert status == 0, f"{self.name}_workspace: status {status}"
        return size

    def run(self, arguments, packed, results, workspace, size):
        """The status of the entry itself."""
        described = by_address(arguments) + packed + by_address(results)
        return self.function("")(*described, ctypes.c_void_p(workspace), ctypes.c_size_t(size))

    def packed(self, arguments):
        """The packed weights as an argument, or nothing when the entry takes none; and what has
        to live as long."""
        if self.function("_packed_bytes", ctypes.c_size_t) is None:
            return [], None
        size = self.function("_packed_bytes", ctypes.c_size_t)()
        blob = room(size)
        address = ctypes.c_void_p(blob.ctypes.data)
        weights = by_address([arguments[i] for i in self.weights])
        status = self.function("_prepack")(*weights, address, ctypes.c_size_t(size))
        assert status == 0, f"{self.name}_prepack: status {status}"
        return [address], blob


def by_address(arguments):
    return [ctypes.byref(a) if isinstance(a, Tensor) else a for a in arguments]


def row_major(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return tuple(strides)


def entry_of(library, text, name):
    """The entry of a module's text."""
    head, tail = re.search(rf"func\.func @{name}\((.*?)\)\s*->\s*(.*?)\s*{{\n", text, re.S).groups()
    arguments = head.split("%")[1:]
    weights = [i for i, argument in enumerate(arguments) if "attn.weight" in argument]
    return Entry(
        library, name, [dtype_in(kind) for kind in re.findall(r"tensor<[^>]*>", tail)], weights
    )


def dtype_in(kind):
    """`f32` of `tensor<2x?xf32>` and of `f32`."""
    return re.sub(r"^tensor<|>$", "", kind).split("x")[-1] if kind != "index" else kind
