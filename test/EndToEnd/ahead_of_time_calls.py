#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Right and wrong calls of the C functions of Inputs/calls.mlir.

usage: ahead_of_time_calls.py TOOLS-FOLDER TARGET

Right ones give the bits of attn-run; wrong ones a status that names the argument, and write
nothing.
"""

import concurrent.futures
import ctypes
import pathlib
import subprocess
import sys
import tempfile

import c_entry
import numpy

SOURCE = pathlib.Path(__file__).parent / "Inputs/calls.mlir"
BAD_PACKED, BAD_WORKSPACE = -2, -3
HUGE = 2**62


class Call:
    """A call that is right until something of it is changed."""

    def __init__(self, entry, arguments):
        self.entry = entry
        self.arguments = arguments
        self.packed, self.blob = entry.packed(arguments)
        self.results = entry.describe_results(arguments)
        self.arrays = [
            numpy.full(shaped.sizes[: shaped.rank], 7, c_entry.DTYPES[dtype])
            for shaped, dtype in zip(self.results, entry.results, strict=True)
        ]
        for shaped, array in zip(self.results, self.arrays, strict=True):
            shaped.data = array.ctypes.data
        self.bytes = entry.workspace(arguments)
        self.scratch = c_entry.room(self.bytes + 64)
        self.workspace = self.scratch.ctypes.data

    def run(self):
        return self.entry.run(self.arguments, self.packed, self.results, self.workspace, self.bytes)

    def untouched(self):
        return all((array == 7).all() for array in self.arrays)


def compile_entry(tools, target, folder, name):
    library = folder / f"{name}.so"
    command = [
        tools / "attn-compile",
        SOURCE,
        f"--entry={name}",
        f"--target={target}",
        "-o",
        library,
    ]
    subprocess.run(command, check=True)
    return c_entry.entry_of(library, SOURCE.read_text(), name)


def expected(tools, target, folder, entry, specs):
    """What attn-run gives for arrays and `f32=1.0`."""
    command = [tools / "attn-run", SOURCE, f"--entry={entry.name}", f"--target={target}", "--check"]
    for i, spec in enumerate(specs):
        if not isinstance(spec, str):
            numpy.save(folder / f"{i}.npy", spec)
            spec = f"@{folder / f'{i}.npy'}"
        command.append(f"--input={spec}")
    files = [folder / f"result{i}.npy" for i in range(len(entry.results))]
    command += [f"--output={file}" for file in files]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return [numpy.load(file) for file in files]


def check_bits(entry, found, wanted):
    for i, (a, b) in enumerate(zip(found, wanted, strict=True)):
        assert a.tobytes() == b.tobytes(), f"{entry.name}: result {i} differs"


def attend_inputs():
    generator = numpy.random.default_rng(5)
    q, k, v = (
        generator.standard_normal(shape).astype(numpy.float16)
        for shape in ((2, 4, 9, 8), (2, 2, 13, 8), (2, 2, 13, 8))
    )
    keep = generator.random((2, 1, 1, 13)) < 0.7
    bias = numpy.array(0.25, numpy.float32)
    return q, k, v, keep, bias


def check_attend(tools, target, folder):
    """Numbers of every type, a tensor of rank 0, one that broadcasts, two results."""
    entry = compile_entry(tools, target, folder, "attend")
    q, k, v, keep, bias = attend_inputs()

    def arguments():
        numbers = [("f32", 0.5), ("index", 4), ("i1", 0), ("bf16", 1.5), ("f16", -0.5)]
        described = [c_entry.tensor(array) for array in (q, k, v)]
        described += [c_entry.scalar(value, kind) for kind, value in numbers]
        return [*described, c_entry.tensor(keep), c_entry.tensor(bias)]

    specs = [q, k, v, "f32=0.5", "index=4", "i1=0", "bf16=1.5", "f16=-0.5", keep, bias]
    wanted = expected(tools, target, folder, entry, specs)
    check_bits(entry, entry.call(arguments()), wanted)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: entry.call(arguments()), range(16)):
            check_bits(entry, found, wanted)
    # Any byte but 0 is true.
    opened = arguments()
    opened[5] = ctypes.c_uint8(2)
    specs[5] = "i1=1"
    check_bits(entry, entry.call(opened), expected(tools, target, folder, entry, specs))
    check_wrong(entry, arguments)
    check_empty(entry, arguments)


def check_wrong(entry, arguments):
    """Each change alone: (argument's position, what is done to its tensor, status)."""

    def set_size(dim, size):
        return lambda t: t.sizes.__setitem__(dim, size)

    def set_field(field, value):
        return lambda t: setattr(t, field, value)

    def set_strides(*strides):
        return lambda t: t.strides.__setitem__(slice(0, len(strides)), strides)

    changes = [
        (0, set_field("rank", 3), 1),
        (0, set_field("rank", -1), 1),
        (0, set_field("rank", 2**40), 1),
        (0, set_field("data", None), 1),
        (0, lambda t: setattr(t, "data", t.data + 1), 1),
        (0, set_size(3, 9), 1),
        (1, set_size(0, 3), 2),
        (1, set_size(2, -1), 2),
        (1, set_size(2, -(2**63)), 2),
        (2, set_size(2, 12), 3),
        # 4 query heads over 3 of keys.
        (1, set_size(1, 3), 3),
        (0, set_size(2, HUGE), 1),
        (0, lambda t: [t.sizes.__setitem__(i, 2**32) for i in range(3)], 1),
        (0, set_strides(HUGE, 1, 1, 1), 1),
        (0, set_strides(1, 1, -(2**63), 1), 1),
        (8, set_size(3, 12), 9),
        (8, set_field("data", None), 9),
        (9, set_field("rank", 1), 10),
        (9, lambda t: setattr(t, "data", t.data + 2), 10),
    ]
    for position, change, status in changes:
        call = Call(entry, arguments())
        change(call.arguments[position])
        found = call.run()
        assert found == status, f"argument {position}: expected {status}, but got {found}"
        assert call.untouched()
        # The other functions check the same, before they write.
        assert entry.workspace_status(call.arguments) == (status, 99)
        assert (
            entry.function("_shapes")(*c_entry.by_address(call.arguments), *(2 * [None])) == status
        )
    for position in (0, 1, 2, 8, 9):
        call = Call(entry, arguments())
        call.arguments[position] = None
        assert call.run() == position + 1
        assert call.untouched()
    check_wrong_results(entry, arguments)
    check_wrong_workspace(entry, arguments)


def check_wrong_results(entry, arguments):
    for i, change in (
        (0, lambda t: t.sizes.__setitem__(2, 8)),
        (0, lambda t: t.strides.__setitem__(3, 2)),
        (0, lambda t: setattr(t, "data", t.data + 1)),
        (0, lambda t: setattr(t, "data", None)),
        (1, lambda t: t.sizes.__setitem__(2, 8)),
        (1, lambda t: setattr(t, "rank", 4)),
    ):
        call = Call(entry, arguments())
        change(call.results[i])
        assert call.run() == 11 + i
        assert call.untouched()
    call = Call(entry, arguments())
    call.results[1] = None
    assert call.run() == 12
    assert call.untouched()
    shaped = c_entry.Tensor(rank=99)
    described = c_entry.by_address(arguments())
    assert entry.function("_shapes")(*described, ctypes.byref(shaped), None) == 12
    assert shaped.rank == 99, "_shapes wrote before it checked"


def check_wrong_workspace(entry, arguments):
    # A copy of an input goes there, whether or not the entry wants scratch itself.
    turned = arguments()
    q = attend_inputs()[0]
    turned[0] = c_entry.tensor(numpy.ascontiguousarray(q[:, :, :, ::-1])[:, :, :, ::-1])
    assert Call(entry, turned).bytes >= q.nbytes
    for change in (
        lambda c: setattr(c, "bytes", c.bytes - 1),
        lambda c: setattr(c, "bytes", 0),
        lambda c: setattr(c, "workspace", None),
        lambda c: setattr(c, "workspace", c.workspace + 32),
    ):
        call = Call(entry, turned)
        change(call)
        assert call.run() == BAD_WORKSPACE
        assert call.untouched()
    assert entry.function("_workspace")(*c_entry.by_address(arguments()), None) == BAD_WORKSPACE


def check_empty(entry, arguments):
    """No queries, no keys, no batch: zeros of the right shape, without any data."""
    for sizes in ((0, 4, 9), (2, 0, 9), (2, 4, 0)):
        empty = arguments()
        for i, size in enumerate(sizes):
            empty[0].sizes[i] = size
        for position, dims in ((1, sizes[:2]), (2, sizes[:2]), (8, sizes[:1])):
            for i, size in enumerate(dims):
                empty[position].sizes[i] = min(size, 2)
        for t in empty[:3] + empty[8:9]:
            t.strides[:] = [0] * 8
            if 0 in t.sizes[: t.rank]:
                t.data = None
        output, lse = entry.call(empty)
        assert output.shape == (*sizes, 8)
        assert lse.shape == sizes


def check_weights(tools, target, folder):
    """Packed weights, of arguments and of constants."""
    generator = numpy.random.default_rng(6)
    x, wqkv, wo = (
        generator.standard_normal(shape).astype(numpy.float32) / 4
        for shape in ((2, 11, 24), (72, 24), (24, 24))
    )
    entry = compile_entry(tools, target, folder, "block")
    arguments = [c_entry.tensor(array) for array in (x, wqkv, wo)]
    check_bits(entry, entry.call(arguments), expected(tools, target, folder, entry, [x, wqkv, wo]))
    if target.startswith("cpu"):
        check_wrong_weights(entry, arguments, wqkv, wo)

    entry = compile_entry(tools, target, folder, "constant")
    x = generator.standard_normal((3, 5, 16)).astype(numpy.float32)
    check_bits(entry, entry.call([c_entry.tensor(x)]), expected(tools, target, folder, entry, [x]))


def check_wrong_weights(entry, arguments, wqkv, wo):
    size = entry.function("_packed_bytes", ctypes.c_size_t)()
    assert size >= wqkv.nbytes + wo.nbytes
    blob = c_entry.room(size + 64)
    blob[:] = 7
    weights = [c_entry.tensor(array) for array in (wqkv, wo)]

    def prepack(weights, address, given):
        function = entry.function("_prepack")
        status = function(
            *c_entry.by_address(weights), ctypes.c_void_p(address), ctypes.c_size_t(given)
        )
        assert status == 0 or (blob == 7).all()
        return status

    start = blob.ctypes.data
    assert prepack(weights, None, size) == BAD_PACKED
    assert prepack(weights, start + 4, size) == BAD_PACKED
    assert prepack(weights, start, size - 1) == BAD_PACKED
    assert prepack([weights[0], None], start, size) == 3
    assert prepack([weights[1], weights[1]], start, size) == 2
    # Weights have to be row-major to be packed.
    assert prepack([c_entry.tensor(numpy.asfortranarray(wqkv)), weights[1]], start, size) == 2
    assert prepack(weights, start, size) == 0
    assert (blob[size:] == 7).all()
    for packed in (None, start + 4):
        call = Call(entry, arguments)
        call.packed = [ctypes.c_void_p(packed)]
        assert call.run() == BAD_PACKED
        assert call.untouched()


def check_numbers(tools, target, folder):
    """Results that are numbers come as tensors of rank 0."""
    entry = compile_entry(tools, target, folder, "numbers")
    entry.results = ["f32", "index", "f32"]
    x = numpy.arange(5, dtype=numpy.float32)
    twice, size, same = entry.call([c_entry.scalar(1.5, "f32"), c_entry.tensor(x[::-1])])
    assert (twice.shape, float(twice)) == ((), 3.0)
    assert (size.shape, int(size)) == ((), 5)
    assert (same == x[::-1]).all()


def main():
    tools, target = pathlib.Path(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as name:
        check_attend(tools, target, pathlib.Path(name))
        check_weights(tools, target, pathlib.Path(name))
        check_numbers(tools, target, pathlib.Path(name))
    print(f"{target}: right and wrong calls are told apart")


if __name__ == "__main__":
    main()
