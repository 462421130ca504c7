# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A model of Llama's size as an exporter writes it: norms, grouped heads, turned positions, a gated network.

Weights are arguments, so that the text is small. `--time TOOL` raises it and prints the CPU time.
"""

import argparse
import pathlib
import resource
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parents[2] / "EndToEnd"))

import random

from raise_graphs import Graph, Tensor

SIZES = {
    "b": 1, "m": 512, "n": 512, "e": 4096, "h": 32, "g": 8, "r": 4, "d": 128, "v": 128, "f": 11008,
    "b*m": 512, "h*d": 4096, "g*d": 1024, "d/2": 64,
}  # fmt: skip


class Model:
    def __init__(self, layers):
        self.graph = Graph(random.Random(1), "f32", SIZES, set())
        self.weights = 0
        x = self.graph.argument("x", ("b*m", "e"))
        cos, sin = (self.graph.argument(name, ("m", "d/2")) for name in ("cos", "sin"))
        self.tables = [self.concat(t, t, ("m", "d"), 1) for t in (cos, sin)]
        self.mask = self.causal()
        for _ in range(layers):
            x = self.add(x, self.attention(self.norm(x)))
            x = self.add(x, self.network(self.norm(x)))
        self.text = self.graph.function("llama", x)

    def weight(self, dims):
        self.weights += 1
        return self.graph.argument(f"w{self.weights}", dims)

    def add(self, a, b):
        return self.graph.generic([a, b], a.dims, ["r = arith.addf {0}, {1} : {T}", "{r}"])

    def concat(self, a, b, dims, along):
        graph = self.graph
        text = f"tensor.concat dim({along}) {a.name}, {b.name} : ({graph.of(a)}, {graph.of(b)}) -> {graph.type(dims)}"
        return Tensor(graph.emit(text), dims, "f32")

    def causal(self):
        graph = self.graph
        zero, low = graph.constant(0.0), graph.constant(-3.4028234663852886e38)
        body = [
            "i = linalg.index 0 : index", "j = linalg.index 1 : index", "c = arith.cmpi ule, {j}, {i} : index",
            f"r = arith.select {{c}}, {zero}, {low} : {{T}}", "{r}",
        ]  # fmt: skip
        return graph.generic([], ("m", "n"), body)

    def linear(self, x, columns):
        graph, over = self.graph, x.dims[-1]
        weight = graph.transpose(self.weight((columns, over)), (over, columns))
        return graph.contract(x, weight, ("b*m", columns), over)

    def norm(self, x):
        graph = self.graph
        square = graph.generic([x], x.dims, ["r = arith.mulf {0}, {0} : {T}", "{r}"])
        total = graph.reduce("arith.addf", square, 0.0, "e")
        size, epsilon = graph.constant(float(SIZES["e"])), graph.constant(1.0e-5)
        body = [
            f"a = arith.divf {{0}}, {size} : {{T}}", f"e = arith.addf {{a}}, {epsilon} : {{T}}",
            "r = math.rsqrt {e} : {T}", "{r}",
        ]  # fmt: skip
        inverse = graph.generic([total], total.dims, body)
        y = graph.generic([x, inverse], x.dims, ["r = arith.mulf {0}, {1} : {T}", "{r}"])
        gamma = self.weight(("e",))
        return graph.generic([y, gamma], x.dims, ["r = arith.mulf {0}, {1} : {T}", "{r}"])

    def heads(self, x, h, s):
        y = self.graph.expand(x, "[[0, 1], [2, 3]]", ("b", s, h, "d"))
        return self.graph.transpose(y, ("b", h, s, "d"))

    def turn(self, y):
        graph = self.graph
        _, h, s, _ = y.dims
        halves = []
        for first in (0, 64):
            text = f"tensor.extract_slice {y.name}[0, 0, 0, {first}] [1, {SIZES[h]}, 512, 64] [1, 1, 1, 1]"
            dims = ("b", h, s, "d/2")
            halves.append(
                Tensor(graph.emit(f"{text} : {graph.of(y)} to {graph.type(dims)}"), dims, "f32")
            )
        negated = graph.generic([halves[1]], halves[1].dims, ["r = arith.negf {0} : {T}", "{r}"])
        turned = self.concat(negated, halves[0], y.dims, 3)
        cos, sin = (Tensor(t.name, (s, "d"), "f32") for t in self.tables)
        body = ["r = arith.mulf {0}, {1} : {T}", "{r}"]
        return self.add(
            graph.generic([y, cos], y.dims, body), graph.generic([turned, sin], y.dims, body)
        )

    def attention(self, x):
        graph = self.graph
        q = self.turn(self.heads(self.linear(x, "h*d"), "h", "m"))
        k = self.turn(self.heads(self.linear(x, "g*d"), "g", "n"))
        v = self.heads(self.linear(x, "g*d"), "g", "n")
        k, v = graph.repeat_heads(k, ("n", "d")), graph.repeat_heads(v, ("n", "d"))
        s = graph.contract(q, k, ("b", "h", "m", "n"), "d")
        s = graph.times(s, 128**-0.5)
        s = graph.generic([s, self.mask], s.dims, ["r = arith.addf {0}, {1} : {T}", "{r}"])
        peak = graph.reduce("arith.maximumf", s, float("-inf"), "n")
        e = graph.generic(
            [s, peak], s.dims, ["x = arith.subf {0}, {1} : {T}", "r = math.exp {x} : {T}", "{r}"]
        )
        total = graph.reduce("arith.addf", e, 0.0, "n")
        p = graph.generic([e, total], s.dims, ["r = arith.divf {0}, {1} : {T}", "{r}"])
        o = graph.transpose(graph.contract(p, v, ("b", "h", "m", "d"), "n"), ("b", "m", "h", "d"))
        return self.linear(graph.collapse(o, "[[0, 1], [2, 3]]", ("b*m", "h*d")), "e")

    def network(self, x):
        graph = self.graph
        one = graph.constant(1.0)
        body = [
            "n = arith.negf {0} : {T}", "x = math.exp {n} : {T}", f"y = arith.addf {{x}}, {one} : {{T}}",
            "z = arith.divf {0}, {y} : {T}", "r = arith.mulf {z}, {1} : {T}", "{r}",
        ]  # fmt: skip
        gate, up = self.linear(x, "f"), self.linear(x, "f")
        return self.linear(graph.generic([gate, up], gate.dims, body), "e")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--time", metavar="ATTN_OPT", help="raise it and print seconds")
    arguments = parser.parse_args()
    text = Model(arguments.layers).text
    if not arguments.time:
        print(text)
        return
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "llama.mlir"
        source.write_text(text)
        subprocess.run([arguments.time, source, "--attn-raise", "-o", "/dev/null"], check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    print(
        f"{len(text)} bytes, {seconds:.2f} s of CPU time, {'at most' if seconds <= 2 else 'beyond'} 2 s"
    )


if __name__ == "__main__":
    main()
