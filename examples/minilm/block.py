#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The attention block of the encoder as a graph of linalg ops, and what becomes of it.

    python3 examples/minilm/block.py --tools build/dev/bin

Counts launches, bytes and FLOP of the graph, of the block that is raised from it, and of that block
after attn-optimize, and compares what the compiled block says with plain numpy. A launch is an op
that reads and writes whole tensors; the last row counts as well the parallel loops that the
compiled entry starts. Bytes are those of the tensors that a launch reads and writes, with nothing
kept in a cache between two launches. What is computed of weights alone runs once, before.
"""

import argparse
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np

import forward_f64
import model

E, H = model.CHANNELS, model.HEADS
D = E // H
BYTES = {"f32": 4, "f64": 8, "i1": 1, "i64": 8}
LARGEST_DIFFERENCE = 2e-5  # of numbers around 1
TENSOR = re.compile(r"tensor<((?:\d+x)*)(f32|f64|i1|i64)>")
# Attention's own work for a pair of query and key: scale and log2(e), maximum, exp2, sum, division.
SOFTMAX_FLOP = 5


class Graph:
    """Lines of one function in linalg, as frameworks' exporters write a block."""

    def __init__(self, batch, length):
        self.b, self.s = batch, length
        self.lines, self.next = [], 0

    def add(self, text):
        name = f"%v{self.next}"
        self.next += 1
        self.lines.append(f"  {name} = {text}")
        return name

    def empty(self, kind):
        return self.add(f"tensor.empty() : {kind}")

    def filled(self, kind, number):
        value = self.add(f"arith.constant {number} : f32")
        init = self.empty(kind)
        return self.add(f"linalg.fill ins({value} : f32) outs({init} : {kind}) -> {kind}")

    def generic(self, maps, inputs, kinds, init, kind, body, reduction=None):
        rank = maps[0].count(",", 0, maps[0].index(")")) + 1
        loops = ["parallel"] * rank
        if reduction is not None:
            loops[reduction] = "reduction"
        listed = ", ".join(f"affine_map<{m}>" for m in maps)
        names = ", ".join(f"%i{i}: f32" for i in range(len(inputs))) + ", %o: f32"
        iterators = ", ".join(f'"{loop}"' for loop in loops)
        return self.add(
            f"linalg.generic {{indexing_maps = [{listed}], iterator_types = [{iterators}]}} "
            f"ins({', '.join(inputs)} : {', '.join(kinds)}) outs({init} : {kind}) {{\n"
            f"  ^bb0({names}):\n{body}\n  }} -> {kind}"
        )

    def linear(self, x, name):
        """x W^T, then the bias."""
        rows, wide = tensor(self.b, self.s, E), tensor(E, E)
        product = self.generic(
            ["(b, s, n, k) -> (b, s, k)", "(b, s, n, k) -> (n, k)", "(b, s, n, k) -> (b, s, n)"],
            [x, f"%w{name}"],
            [rows, wide],
            self.filled(rows, "0.0"),
            rows,
            "    %m = arith.mulf %i0, %i1 : f32\n    %a = arith.addf %o, %m : f32\n"
            "    linalg.yield %a : f32",
            reduction=3,
        )
        return self.pointwise([product, f"%b{name}"], ["b, s, e", "e"], rows, "arith.addf %i0, %i1")

    def pointwise(self, inputs, reads, kind, op):
        """One op on each element of `kind`; `reads` are the dimensions that each input has."""
        loops = reads[0]
        sizes = dict(zip(loops.split(", "), sizes_of(kind), strict=True))
        kinds = [
            tensor(*(sizes.get(d, 1) if d != "0" else 1 for d in read.split(", ")))
            for read in reads
        ]
        maps = [f"({loops}) -> ({read})" for read in [*reads, loops]]
        body = f"    %r = {op} : f32\n    linalg.yield %r : f32"
        return self.generic(maps, inputs, kinds, self.empty(kind), kind, body)

    def reduce(self, x, kind, least, op):
        """Over the last of four dimensions."""
        small = tensor(*sizes_of(kind)[:3])
        return self.generic(
            ["(b, h, m, n) -> (b, h, m, n)", "(b, h, m, n) -> (b, h, m)"],
            [x],
            [kind],
            self.filled(small, least),
            small,
            f"    %r = {op} %i0, %o : f32\n    linalg.yield %r : f32",
            reduction=3,
        )

    def transpose(self, x, kind, permutation):
        sizes = sizes_of(kind)
        moved = tensor(*(sizes[i] for i in permutation))
        return self.add(
            f"linalg.transpose ins({x} : {kind}) outs({self.empty(moved)} : {moved}) "
            f"permutation = {list(permutation)}"
        )

    def reshape(self, word, x, kind, groups, to):
        shape = f" output_shape {list(sizes_of(to))}" if word == "expand" else ""
        return self.add(f"tensor.{word}_shape {x} {groups}{shape} : {kind} into {to}")

    def product(self, x, y, kinds):
        init = self.filled(kinds[2], "0.0")
        return self.add(
            f"linalg.batch_matmul ins({x}, {y} : {kinds[0]}, {kinds[1]}) "
            f"outs({init} : {kinds[2]}) -> {kinds[2]}"
        )

    def heads(self, x, name, permutation):
        """The heads of a projection, [B * H, ...] in the order of `permutation`."""
        b, s = self.b, self.s
        rows = self.linear(x, name)
        split = tensor(b, s, H, D)
        rows = self.reshape("expand", rows, tensor(b, s, E), "[[0], [1], [2, 3]]", split)
        moved = self.transpose(rows, split, permutation)
        sizes = [(b, s, H, D)[i] for i in permutation]
        flat = tensor(b * H, *sizes[2:])
        return self.reshape("collapse", moved, tensor(*sizes), "[[0, 1], [2], [3]]", flat), flat

    def mask(self):
        """0 at tokens, the lowest float at padding."""
        kind, keep = (f"tensor<{self.b}x1x1x{self.s}x{element}>" for element in ("f32", "i1"))
        zero = self.add("arith.constant 0.0 : f32")
        lowest = self.add("arith.constant -3.40282347e+38 : f32")
        one = "affine_map<(b, h, m, n) -> (b, h, m, n)>"
        return self.add(
            f"linalg.generic {{indexing_maps = [{one}, {one}], iterator_types = "
            f'["parallel", "parallel", "parallel", "parallel"]}} ins(%keep : {keep}) '
            f"outs({self.empty(kind)} : {kind}) {{\n  ^bb0(%k: i1, %o: f32):\n"
            f"    %r = arith.select %k, {zero}, {lowest} : f32\n    linalg.yield %r : f32\n"
            f"  }} -> {kind}"
        )

    def block(self):
        b, s = self.b, self.s
        (q, qk), (k, kk), (v, vk) = (
            self.heads("%x", "q", (0, 2, 1, 3)),
            self.heads("%x", "k", (0, 2, 3, 1)),
            self.heads("%x", "v", (0, 2, 1, 3)),
        )
        flat, square = tensor(b * H, s, s), tensor(b, H, s, s)
        scores = self.product(q, k, [qk, kk, flat])
        scores = self.reshape("expand", scores, flat, "[[0, 1], [2], [3]]", square)
        factor = self.add(f"arith.constant {1 / math.sqrt(D):.9e} : f32")
        scores = self.pointwise([scores], ["b, h, m, n"], square, f"arith.mulf %i0, {factor}")
        every = "b, h, m, n"
        scores = self.pointwise(
            [scores, self.mask()], [every, "b, 0, 0, n"], square, "arith.addf %i0, %i1"
        )
        most = self.reduce(scores, square, "0xFF800000", "arith.maximumf")
        row = "b, h, m"
        shifted = self.pointwise([scores, most], [every, row], square, "arith.subf %i0, %i1")
        power = self.pointwise([shifted], [every], square, "math.exp %i0")
        total = self.reduce(power, square, "0.0", "arith.addf")
        weights = self.pointwise([power, total], [every, row], square, "arith.divf %i0, %i1")
        weights = self.reshape("collapse", weights, square, "[[0, 1], [2], [3]]", flat)
        out = self.product(weights, v, [flat, vk, vk])
        heads, split = tensor(b, H, s, D), tensor(b, s, H, D)
        out = self.reshape("expand", out, vk, "[[0, 1], [2], [3]]", heads)
        out = self.transpose(out, heads, (0, 2, 1, 3))
        out = self.reshape("collapse", out, split, "[[0], [1], [2, 3]]", tensor(b, s, E))
        return self.linear(out, "o")

    def source(self):
        result = self.block()
        x, wide, bias = tensor(self.b, self.s, E), tensor(E, E), tensor(E)
        arguments = [f"%x: {x}", f"%keep: tensor<{self.b}x1x1x{self.s}xi1>"]
        for name in "qkvo":
            arguments += [f"%w{name}: {wide} {{attn.weight}}", f"%b{name}: {bias} {{attn.weight}}"]
        head = f"func.func @block({', '.join(arguments)}) -> {x} {{"
        return "\n".join([head, *self.lines, f"  return {result} : {x}", "}"])


def tensor(*sizes):
    return f"tensor<{'x'.join([*map(str, sizes), 'f32'])}>"


def sizes_of(kind):
    return [int(size) for size in TENSOR.match(kind)[1].split("x")[:-1]]


def bytes_of(kind):
    return math.prod(sizes_of(kind)) * BYTES[TENSOR.match(kind)[2]]


class Cost:
    """Launches, bytes and FLOP of a function's text whose sizes are static.

    With `joined`, a product and the bias that follows are one launch, as in the CPU room.
    """

    def __init__(self, text, *, joined=False):
        self.joined, self.products = joined, set()
        self.launches = self.bytes = self.flop = 0
        self.maps = dict(re.findall(r"(#map\d*) = affine_map<(.*)>", text))
        lines = text.splitlines()
        entry = next(line for line in lines if "func.func @block" in line)
        # What depends on weights alone is not a part of a call.
        self.weights = set(re.findall(r"(%\w+): tensor<[^>]*> \{attn\.weight\}", entry))
        for i, line in enumerate(lines):
            name = re.match(r"\s*(%\w+) = ", line)
            if name:
                self.read(name[1], line, lines[i + 1 :])

    def read(self, name, line, rest):
        used = set(re.findall(r"%\w+", line)) - {name}
        makes = re.search(r"= (?:\"?)([\w.]+)", line)[1]
        if used <= self.weights:  # a constant and an empty tensor use nothing
            self.weights.add(name)
            return
        if makes in ("linalg.generic", "linalg.batch_matmul", "linalg.transpose"):
            inputs, outputs = re.search(r"ins\((.*?)\) outs\((.*?)\)", line).groups()
            read = [kind[0] for kind in TENSOR.finditer(inputs)]
            written = TENSOR.search(outputs)[0]
            work = self.work(makes, line, rest, read, written)
            if self.products & used:  # the product is written once, with the bias
                self.bytes += sum(map(bytes_of, read[1:]))
                self.flop += work
            else:
                self.count(read, written, work)
            if self.joined and '"reduction"' in line and len(read) == 2:
                self.products.add(name)
        elif makes == "attn.sdpa":
            kinds = [kind[0] for kind in TENSOR.finditer(line)]
            *read, written = kinds
            b, m, heads, _ = sizes_of(written)
            n, d = sizes_of(kinds[-3])[1], sizes_of(written)[3]
            pairs = b * heads * m * n
            self.count(read, written, pairs * (4 * d + SOFTMAX_FLOP + line.count("captures(")))

    def count(self, read, written, flop):
        self.launches += 1
        self.bytes += sum(map(bytes_of, read)) + bytes_of(written)
        self.flop += flop

    def work(self, makes, line, rest, read, written):
        if makes == "linalg.transpose":
            return 0
        if makes == "linalg.batch_matmul":
            return 2 * math.prod(sizes_of(written)) * sizes_of(read[0])[2]
        sizes = {}
        names = re.search(r"indexing_maps = \[(.*?)\]", line)[1].split(", ")
        for name, kind in zip(names, [*read, written], strict=True):
            results = re.search(r"-> \((.*)\)", self.maps[name])[1]
            sizes |= {
                dim: size
                for dim, size in zip(results.split(", "), sizes_of(kind), strict=True)
                if dim.startswith("d")
            }
        body = []
        for inner in rest:
            if "linalg.yield" in inner:
                break
            body.append(inner)
        ops = sum(bool(re.search(r"= (arith\.\w+f|math\.\w+) ", inner)) for inner in body)
        return ops * math.prod(sizes.values())


def run(tool, *options, text):
    command = [str(tool), *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"block: {' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def rows(tools, batch, length):
    """(what, Cost) of each form, and the parallel loops of the compiled entry."""
    graph = Graph(batch, length).source()
    opt = tools / "attn-opt"
    yield "the graph", Cost(run(opt, "--canonicalize", text=graph))
    raised = run(opt, "--attn-raise", text=graph)
    split = run(opt, "--attn-split-heads", "--canonicalize", text=raised)
    yield "raised", Cost(split, joined=True)
    better = run(opt, "--attn-optimize", "--attn-split-heads", "--canonicalize", text=raised)
    yield "raised, optimized", Cost(better, joined=True)


def parallel_loops(tools, batch, length):
    text = run(tools / "attn-opt", "--attn-cpu-pipeline", text=Graph(batch, length).source())
    entry = text[text.index("@block_body(") :]
    entry = entry[: entry.index("\n  }")]
    return entry.count("@attn_rt_parallel_for")


def difference(tools, batch, length):
    """Of the compiled block of layer 0 and of plain numpy, on random rows."""
    sys.path.append(str(tools.parent / "python"))  # the package of the same build
    import attn_mlir

    rng = np.random.default_rng(0)
    weights = model.read_weights()
    name = "encoder.layer.0.attention"
    x = rng.normal(size=(batch, length, E)).astype(np.float32)
    keep = np.arange(length) < rng.integers(1, length + 1, size=(batch, 1))
    arrays = [x, keep[:, None, None]]
    for part in ("self.query", "self.key", "self.value", "output.dense"):
        arrays += [weights[f"{name}.{part}.weight"], weights[f"{name}.{part}.bias"]]
    found = attn_mlir.compile(Graph(batch, length).source(), entry="block")(*arrays)
    exact = {key: value.astype(np.float64) for key, value in weights.items() if name in key}
    expected, _ = forward_f64.attention(x.astype(np.float64), keep, exact, name)
    return np.abs(found - expected).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", type=Path, required=True, help="folder of attn-opt")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=128)
    arguments = parser.parse_args()
    sizes = arguments.batch, arguments.length
    print("one attention block, [{}, {}, 384]   launches       MB moved    GFLOP".format(*sizes))
    for what, cost in rows(arguments.tools, *sizes):
        print(f"{what:38} {cost.launches:8d} {cost.bytes / 1e6:14.2f} {cost.flop / 1e9:8.4f}")
    print(f"parallel loops of the compiled entry: {parallel_loops(arguments.tools, *sizes)}")
    off = difference(arguments.tools, *sizes)
    if not off <= LARGEST_DIFFERENCE:
        sys.exit(f"block: FAILED: the compiled block is off by {off:.1e}")
    print(f"block: ok, max |difference| from numpy {off:.1e}")


if __name__ == "__main__":
    main()
