#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random blocks of models as graphs of linalg: projections, heads, norms and turned positions.

Each becomes attn.mha, and its values are those of the same graph with attn.sdpa alone. Blocks that
nearly are: only attn.sdpa. Seeds are drawn anew in each run and printed.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import sys
import tempfile

import ml_dtypes
import numpy
import raise_softmax
import raise_variants
from raise_graphs import Tensor

BREAKS = ["cached", "halves", "norm", "sources", "added"]


class Block(raise_variants.Variant):
    """One block; `breaks` names why it is none, or is None."""

    def __init__(self, seed, wrong=None):
        self.wrong = wrong
        super().__init__(seed)

    def draw_sizes(self):
        draw = self.draw
        self.batch = ("b", "h")
        self.crosses = self.wrong == "sources" or draw.random() < 0.2
        m = draw.randint(2, 30)
        sizes = {
            "b": draw.randint(1, 3), "h": draw.choice([1, 2, 4, 6]), "m": m, "d": draw.choice([4, 8]),
            "n": draw.randint(2, 30) if self.crosses else m, "e": draw.choice([12, 24]), "o": draw.choice([9, 24]),
        }  # fmt: skip
        sizes["v"] = draw.choice([sizes["d"], sizes["d"], 5])
        sizes |= {"r": 2, "g": sizes["h"] // 2} if sizes["h"] > 1 else {"r": 1, "g": 1}
        for a, b in ("bm", "bn", "hd", "gd", "hv", "gv"):
            sizes[f"{a}*{b}"] = sizes[a] * sizes[b]
        sizes["d/2"] = sizes["d"] // 2
        return sizes, set()

    def build(self):
        graph, wide = self.graph, self.graph.dtype
        if self.narrow:
            # A projection that is scaled in few bits is none, and a wide result no input of the next.
            self.scales, self.rounds_result = ("s", "none"), (1,)
        graph.dtype = self.narrow or wide
        self.has_bias = not self.narrow and graph.choose("bias", [0, 1])
        self.turns = not self.narrow and not self.crosses and graph.choose("turned", [0, 1])
        self.norms = not self.narrow and graph.choose("normed", [0, 0, 1])
        if self.wrong == "halves":
            self.turns = True
        if self.wrong in ("halves", "norm", "added"):
            graph.dtype, self.narrow, self.crosses = wide, None, False
            graph.sizes["n"], graph.sizes["b*n"] = graph.sizes["m"], graph.sizes["b*m"]
        if self.wrong == "norm":
            self.norms = True
        if self.wrong == "sources":
            self.turns = False
        self.group = graph.choose("heads", ["h", "h", "g"])
        x = graph.argument("x", ("b", "m", "e"))
        source = (
            graph.argument("c", ("b", "n", "e"))
            if self.crosses
            else Tensor("%x", ("b", "n", "e"), x.kind)
        )
        other = graph.argument("c2", ("b", "n", "e")) if self.wrong == "sources" else source
        self.packs = (
            not self.crosses
            and graph.sizes["v"] == graph.sizes["d"]
            and self.wrong not in ("cached", "added")
            and graph.choose("packed", [0, 1])
        )
        self.made = {}
        q = self.heads("q", x, "h", "m", "d")
        k = self.heads("k", source, self.group, "n", "d")
        v = self.heads("v", other, self.group, "n", "v")
        cached = k
        if self.group == "g":
            k, v = graph.repeat_heads(k, ("n", "d")), graph.repeat_heads(v, ("n", "v"))
        self.flat, self.grouped, self.shared = graph.choose("flat", ["none", "both"]), False, "all"
        graph.dtype = wide
        s = self.cap(self.scores(q, k))
        if not self.crosses and graph.choose("causal", [0, 1]):
            s = self.causal(s)
        out = self.attend(s, v)
        result = self.project_out(out)
        if self.wrong == "cached":
            # Something else reads the keys.
            total = graph.reduce_all(cached)
            if total.kind != result.kind:
                total = graph.convert(total, result.kind)
            result = graph.generic(
                [result, total],
                result.dims,
                [f"r = arith.addf {{0}}, {{1}} : {result.kind}", "{r}"],
                element=result.kind,
            )
        self.said = " ".join(graph.said)
        return graph.function("NAME", result, ", %one: " + wide)

    def causal(self, s):
        graph = self.graph
        low = graph.constant(draw_fill(self.draw, graph.dtype))
        m, n = s.dims.index("m"), s.dims.index("n")
        body = [
            f"i = linalg.index {m} : index", f"j = linalg.index {n} : index",
            "k = arith.cmpi sle, {j}, {i} : index", f"r = arith.select {{k}}, {{0}}, {low} : {{T}}", "{r}",
        ]  # fmt: skip
        return graph.generic([s], s.dims, body)

    def linear(self, x, weight, bias, batch, rows, columns):
        """x W^T + b as [batch, rows, columns], whose product is of rows or of batches of them."""
        graph = self.graph
        kind = x.kind
        dims = (batch, rows, columns)
        flat = graph.choose("rows", ["flat", "batched"]) == "flat"
        over = x.dims[-1]
        if flat:
            x = graph.collapse(x, "[[0, 1], [2]]", (f"{batch}*{rows}", over))
            dims = (f"{batch}*{rows}", columns)
        if self.draw.random() < 0.6:
            weight = graph.transpose(weight, (over, columns))
        wide = graph.dtype
        graph.dtype = "f32" if kind in ("f16", "bf16") else kind
        y = graph.contract(x, weight, dims, over)
        graph.dtype = wide
        if bias:
            y = graph.binary("add", y, bias, dims)
        if y.kind != kind:
            y = graph.convert(y, kind)
        return graph.expand(y, "[[0, 1], [2]]", (batch, rows, columns)) if flat else y

    def heads(self, name, x, h, s, d):
        graph = self.graph
        columns = f"{h}*{d}"
        y = self.packed(name, x, h, s, d) if self.packs else None
        if y is None:
            weight = graph.argument("w" + name, (columns, "e"))
            bias = graph.argument("b" + name, (columns,)) if self.has_bias else None
            if self.wrong == "added" and name == "q":
                # Another for each row.
                bias = graph.argument("rows", ("m", columns))
            y = self.linear(x, weight, bias, "b", s, columns)
        y = graph.expand(y, "[[0], [1], [2, 3]]", ("b", s, h, d))
        if self.norms and name != "v":
            y = self.norm(name, y)
        if graph.choose("moved", [0, 1, 1]):
            y = graph.transpose(y, ("b", h, s, d))
        if self.turns and name != "v":
            y = self.turn(y)
        return graph.transpose(y, ("b", h, s, d))

    def packed(self, name, x, h, s, d):
        """Columns of one product for all three."""
        graph = self.graph
        sizes = graph.sizes
        counts = {"q": sizes["h*d"], "k": sizes[f"{self.group}*d"], "v": sizes[f"{self.group}*d"]}
        sizes["all"] = sum(counts.values())
        if not self.made:
            weight = graph.argument("wqkv", ("all", "e"))
            bias = graph.argument("bqkv", ("all",)) if self.has_bias else None
            self.made["all"] = self.linear(x, weight, bias, "b", "m", "all")
        whole = self.made["all"]
        first = {"q": 0, "k": counts["q"], "v": counts["q"] + counts["k"]}[name]
        dims = ("b", s, f"{h}*{d}")
        b, rows = sizes["b"], sizes["m"]
        result = graph.emit(
            f"tensor.extract_slice {whole.name}[0, 0, {first}] [{b}, {rows}, {counts[name]}] [1, 1, 1] : {graph.of(whole)} to {graph.type(dims, whole.kind)}"
        )
        return Tensor(result, dims, whole.kind)

    def norm(self, name, y):
        graph = self.graph
        square = graph.generic([y], y.dims, ["r = arith.mulf {0}, {0} : {T}", "{r}"])
        total = graph.reduce("arith.addf", square, 0.0, "d")
        size = graph.constant(graph.sizes["d"] + (1.0 if self.wrong == "norm" else 0.0))
        epsilon = graph.constant(1.0e-5)
        body = [f"a = arith.divf {{0}}, {size} : {{T}}", f"e = arith.addf {{a}}, {epsilon} : {{T}}"]
        if self.draw.random() < 0.5:
            body += ["r = math.rsqrt {e} : {T}", "{r}"]
        else:
            one = graph.constant(1.0)
            body += ["q = math.sqrt {e} : {T}", f"r = arith.divf {one}, {{q}} : {{T}}", "{r}"]
        inverse = graph.generic([total], total.dims, body)
        gamma = graph.argument("g" + name, ("d",))
        return graph.binary("mul", gamma, graph.binary("mul", y, inverse, y.dims), y.dims)

    def tables(self):
        """cos and sin as [m, d], both halves the same."""
        graph = self.graph
        if "cos" not in self.made:
            for name in ("cos", "sin"):
                if self.wrong == "halves":
                    self.made[name] = graph.argument(name, ("m", "d"))
                    continue
                half = graph.argument(name, ("m", "d/2"))
                kind = graph.of(half)
                whole = graph.emit(
                    f"tensor.concat dim(1) {half.name}, {half.name} : ({kind}, {kind}) -> {graph.type(('m', 'd'))}"
                )
                self.made[name] = Tensor(whole, ("m", "d"), half.kind)
        return self.made["cos"], self.made["sin"]

    def turn(self, y):
        graph, half = self.graph, self.graph.sizes["d"] // 2
        tables = [
            Tensor(t.name, tuple("n" if d == "m" and "n" in y.dims else d for d in t.dims), t.kind)
            for t in self.tables()
        ]
        sizes = [graph.sizes[d] for d in y.dims[:-1]]
        parts = []
        dims = (*y.dims[:-1], "d/2")
        for first in (0, half):
            parts.append(
                graph.emit(
                    f"tensor.extract_slice {y.name}[0, 0, 0, {first}] [{', '.join(map(str, [*sizes, half]))}] [1, 1, 1, 1] : {graph.of(y)} to {graph.type(dims)}"
                )
            )
        upper = graph.unary("arith.negf", Tensor(parts[1], dims, y.kind))
        kind = graph.type(dims)
        turned = graph.emit(
            f"tensor.concat dim(3) {upper.name}, {parts[0]} : ({kind}, {kind}) -> {graph.of(y)}"
        )
        turned = Tensor(turned, y.dims, y.kind)
        a, b = (
            graph.binary("mul", y, tables[0], y.dims),
            graph.binary("mul", turned, tables[1], y.dims),
        )
        return graph.binary("add", *((a, b) if self.draw.random() < 0.5 else (b, a)), y.dims)

    def project_out(self, out):
        graph, wide = self.graph, self.graph.dtype
        if out.kind in ("f16", "bf16"):
            graph.dtype = out.kind
        out = graph.transpose(out, ("b", "m", "h", "v"))
        out = graph.collapse(out, "[[0], [1], [2, 3]]", ("b", "m", "h*v"))
        weight = graph.argument("wo", ("o", "h*v"))
        bias = (
            graph.argument("bo", ("o",))
            if not self.narrow and graph.choose("bias out", [0, 1])
            else None
        )
        result = self.linear(out, weight, bias, "b", "m", "o")
        graph.dtype = wide
        return result

    def inputs(self, folder):
        numbers = numpy.random.default_rng(self.seed)
        paths = []
        for name, dims, kind in [*self.graph.arguments, ("one", (), self.graph.dtype)]:
            shape = [self.graph.sizes[d] for d in dims]
            spread = 0.25 if name[0] in "wb" else 1.0
            array = numpy.array(1.0) if name == "one" else numbers.normal(size=shape) * spread
            paths.append(folder / f"{self.seed}-{name}.npy")
            numpy.save(paths[-1], numpy.asarray(array).astype(raise_variants.TYPES[kind]))
        return paths


def draw_fill(draw, dtype):
    return draw.choice([float("-inf"), raise_softmax.LOWEST[dtype], -1.0e9])


def compare(block, bin_folder, folder):
    """None, or what is wrong with the values."""
    results = []
    inputs = block.inputs(folder)
    text = block.text("f", False)
    for option in ("--attn-raise", "--attn-raise=blocks=false"):
        source = folder / f"{block.seed}.mlir"
        source.write_text(raise_variants.run_opt(bin_folder, text, option)[0])
        out = folder / f"{block.seed}.npy"
        command = [
            f"{bin_folder}/attn-run",
            source,
            f"--output={out}",
            *(f"--input=@{p}" for p in inputs),
        ]
        code, _, errors = raise_variants.call(command)
        if code:
            return f"{option}: {errors.strip()}"
        result = numpy.load(out)
        if result.dtype.kind == "V":
            result = result.view(ml_dtypes.bfloat16)
        results.append(result.astype(numpy.float64))
    error = numpy.abs(results[0] - results[1]).max()
    unit = raise_variants.UNITS[block.narrow or block.graph.dtype]
    bound = (8 if block.narrow else 500) * unit * max(1.0, numpy.abs(results[1]).max())
    return None if error <= bound else f"off by {error:.3g}, bound {bound:.3g}"


def report(bin_folder, blocks):
    """Seeds that became attn.mha, and the summary."""
    made = []
    text = "\n".join(b.text(f"v{b.seed}", False) for b in blocks)
    raised, summary = raise_variants.raise_text(bin_folder, text)
    for function in re.split(r"(?=func\.func )", raised):
        name = re.match(r"func\.func @v(\d+)", function)
        if name and "attn.mha" in function:
            made.append(int(name[1]))
    return set(made), summary


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="folder of attn-opt and attn-run")
    parser.add_argument("--blocks", type=int, default=200)
    parser.add_argument("--values", type=int, default=40, help="blocks whose values are compared")
    parser.add_argument("--negatives", type=int, default=50)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--show", type=int, help="print the block of this seed")
    arguments = parser.parse_args()
    if arguments.show is not None:
        print(Block(arguments.show).text("f", False))
        return 0
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**9)
    print(f"seed {seed}")
    good = [Block(seed + i) for i in range(arguments.blocks)]
    made, summary = report(arguments.bin, good)
    for block in good:
        if block.seed not in made:
            print(f"no attn.mha: {block.seed}; {block.said}")
    print(
        f"blocks {len(made)} of {len(good)}: {100 * len(made) / len(good):.1f} %; attentions {summary[1]}"
    )
    bad = [Block(seed + i, BREAKS[i % len(BREAKS)]) for i in range(arguments.negatives)]
    wrong, summary = report(arguments.bin, bad)
    for block in bad:
        if block.seed in wrong:
            print(f"attn.mha of what is none: {block.seed}, {block.wrong}; {block.said}")
    print(f"negatives as blocks: {len(wrong)} of {len(bad)}; attentions {summary[1]}")
    off = 0
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        chosen = [b for b in good if b.seed in made][: arguments.values]
        for block, problem in zip(
            chosen,
            pool.map(lambda b: compare(b, arguments.bin, pathlib.Path(name)), chosen),
            strict=True,
        ):
            if problem:
                off += 1
                print(f"seed {block.seed}: {problem}; {block.said}")
    print(f"values kept: {len(chosen) - off} of {len(chosen)}")
    return 0 if len(made) >= 0.98 * len(good) and not wrong and not off else 1


if __name__ == "__main__":
    sys.exit(main())
