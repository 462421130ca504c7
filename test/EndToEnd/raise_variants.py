#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random graphs that say attention in many ways: each raised, and its values kept.

Also graphs that nearly say it: none raised. Seeds are drawn anew in each run and printed. Values
are judged by the graph itself: attn-run of what was raised against attn-run of the same graph with
the weights multiplied by a run-time 1, which cannot be raised.
"""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy
import raise_graphs
import raise_masks
import raise_softmax

TYPES = {
    "f64": numpy.float64,
    "f32": numpy.float32,
    "f16": numpy.float16,
    "bf16": ml_dtypes.bfloat16,
}
UNITS = {"f64": 2.3e-16, "f32": 1.2e-7, "f16": 9.8e-4, "bf16": 7.9e-3}
BREAKS = [
    "axis", "sum", "scaled", "used", "epsilon", "start", "unshifted", "product", "tail",
    "narrow", "partial", "base", "logarithm", "clamped",
]  # fmt: skip


class Variant(raise_masks.Masks, raise_softmax.Softmax):
    """One graph; `breaks` names what is wrong with it, or is None.

    `simple` is the same graph with all sizes known: an entry must tell the sizes of its results, which
    a long chain of ops hides.
    """

    scales = ("q", "k", "s", "both", "none")
    rounds_result = (0, 1, 1)

    def __init__(self, seed, breaks=None, simple=False):
        self.draw = draw = random.Random(seed)
        self.seed, self.breaks, self.simple = seed, breaks, simple
        self.narrow = draw.choice([None, None, None, "f16", "bf16"])
        if breaks in ("narrow", "partial"):
            self.narrow = draw.choice(["f16", "bf16"])
        dtype = "f32" if self.narrow else draw.choice(["f32", "f32", "f32", "f64"])
        sizes, dynamic = self.draw_sizes()
        self.graph = raise_graphs.Graph(draw, dtype, sizes, dynamic)
        self.masks = {}  # argument: (kind, dims)
        self.fill = 0.0  # of the mask
        self.whole = self.build()

    def draw_sizes(self):
        """Sizes of dimensions, and those that types do not tell."""
        draw = self.draw
        self.batch = draw.choice([(), ("b",), ("b", "h"), ("b", "h")])
        sizes = {
            "b": draw.randint(1, 3), "h": draw.choice([1, 2, 4, 6]), "m": draw.choice([1, draw.randint(1, 40), draw.randint(1, 40)]),
            "n": draw.choice([1, *(draw.randint(2, 70) for _ in range(9))]), "d": draw.choice([4, 8, 16]), "v": draw.choice([4, 9, 16]),
        }  # fmt: skip
        sizes |= {"r": 2, "g": sizes["h"] // 2} if sizes["h"] > 1 else {"r": 1, "g": 1}
        if self.breaks:
            sizes["n"] = max(sizes["n"], 2)
        if self.breaks == "axis":
            sizes["m"] = sizes["n"]
        dynamic = (
            {d for d in "bmn" if draw.random() < 0.25} if min(sizes["m"], sizes["n"]) > 1 else set()
        )
        return sizes, set() if self.simple else dynamic

    def build(self):
        graph = self.graph
        wide = graph.dtype
        graph.dtype = self.narrow or wide
        q, k, v = self.operands()
        graph.dtype = wide
        s = self.round_scores(self.scores(q, k))
        s = self.mask(self.cap(s))
        result = self.attend(s, v)
        self.said = " ".join(graph.said)
        return graph.function("NAME", result, ", %one: " + graph.dtype)

    def operands(self):
        graph, batch = self.graph, self.batch
        rows = graph.choose("order", ["bhsd", "bshd"]) == "bshd" and len(batch) == 2
        # Products as batches of matrices, as of exporters that know no other.
        self.flat = len(batch) == 2 and graph.choose("flat", ["none", "none", "first", "both"])
        ways = ["all", "all", "one", "group", "grouped"]
        self.shared = graph.choose("kv", ways) if len(batch) == 2 else "all"
        # Products whose heads are two dimensions, K and V not repeated.
        self.grouped = self.shared == "grouped"
        if self.grouped:
            self.flat = "none"

        def tensor(name, s, d):
            mine = batch[:1] if self.shared == "one" and name != "q" else batch
            if self.shared == "group" and name != "q":
                return graph.repeat_heads(graph.argument(name, ("b", "g", s, d)), (s, d))
            if self.grouped and name != "q":
                mine = ("b", "g")
            full = (*mine, s, d)
            given = (mine[0], s, mine[1], d) if rows and len(mine) == 2 else full
            value = graph.argument(name, given)
            if self.draw.random() < 0.6:
                value = graph.transpose(value, full)
            if self.grouped:
                return graph.split_heads(value) if name == "q" else value
            if len(mine) < len(batch) and self.draw.random() < 0.7:
                value = graph.broadcast(value, (*batch, s, d))
            return value

        return tensor("q", "m", "d"), tensor("k", "n", "d"), tensor("v", "n", "v")

    def scaled(self, a, value, divides):
        """In the type of `a`, and widened before or after, or where it is multiplied."""
        graph, wide = self.graph, self.graph.dtype
        if a.kind != wide and self.draw.random() < 0.5:
            a = graph.convert(a, wide)
        graph.dtype = a.kind
        a = graph.times(a, value, divides)
        graph.dtype = wide
        return a

    def scores(self, q, k):
        graph = self.graph
        scale = round(self.draw.uniform(0.1, 0.5), 3)
        where = graph.choose("scale", self.scales)
        divides = self.draw.random() < 0.3
        root = round(scale**0.5, 3)
        if where in ("q", "both"):
            q = self.scaled(q, root if where == "both" else scale, divides)
        if where in ("k", "both"):
            k = self.scaled(k, root if where == "both" else scale, divides)
        if "h" in k.dims and self.draw.random() < 0.5:
            k = graph.transpose(k, (*self.batch, "d", "n"))
        batch = ("b", "g", "r") if self.grouped else self.batch
        dims = (*batch, "m", "n")
        if self.grouped and self.draw.random() < 0.5:
            dims = ("b", "g", "m", "r", "n")
        if self.flat in ("first", "both") and {"b", "h"} <= set(k.dims):
            over = ("b*h", "m", "n")
            s = graph.unflatten(graph.contract(graph.flatten(q), graph.flatten(k), over, "d"))
        elif graph.choose("product", ["QK", "KQ"]) == "KQ":
            s = graph.contract(k, q, (*dims[:-2], "n", dims[-2]), "d")
            s = graph.transpose(s, dims)
        else:
            s = graph.contract(q, k, dims, "d")
        if self.grouped:
            s = graph.transpose(s, (*batch, "m", "n"))
            if self.draw.random() < 0.5:
                s = graph.join_heads(s)
                self.grouped = "scores"
        return graph.times(s, scale, divides) if where == "s" else s

    def round_scores(self, s):
        """Scores rounded on their way, as frameworks do whose products return the type of the inputs."""
        graph = self.graph
        if not self.narrow:
            return s
        way = graph.choose("rounded", ["no", "no", "once", "twice"])
        if way == "no":
            return s
        wide = graph.dtype
        s = graph.convert(s, self.narrow)
        if way == "twice":
            graph.dtype = self.narrow
            s = graph.times(s, 0.5)
            graph.dtype = wide
        return graph.convert(s, wide)

    def cap(self, s):
        graph = self.graph
        if graph.choose("cap", [0, 0, 0, 1]):
            s = graph.times(graph.unary("math.tanh", graph.times(s, 0.5)), 2.0)
        return s

    def attend(self, s, v):
        graph, dims = self.graph, s.dims
        p, total = self.softmax(s)
        if self.breaks == "scaled":
            p = graph.times(p, 0.5)
        if self.breaks == "product":
            p = graph.binary("add", p, s, dims)
        # Without this line the weights are read as they are.
        guarded = graph.generic([p], dims, ["r = arith.mulf {0}, %one : {T}", "{r}"])
        self.guard = graph.lines[-1]
        self.unguarded = (guarded.name, p.name)
        if self.narrow and (graph.choose("P", ["wide", "rounded"]) == "rounded" or self.breaks):
            guarded = graph.convert(guarded, self.narrow)
        out, rows = self.second_product(guarded, v)
        if total:
            out = graph.binary(self.divide, out, total, rows)
        if self.breaks == "used":
            used = graph.generic(
                [p], (*self.batch, "m"), ["r = arith.addf {0}, {out} : {T}", "{r}"],
                loops=dims, init=graph.fill(0.0, (*self.batch, "m")),
            )  # fmt: skip
            out = graph.binary("add", out, used, rows)
        if self.narrow and out.kind != self.narrow and graph.choose("rounds", self.rounds_result):
            out = graph.convert(out, self.narrow)
        if "g" in out.dims:
            at = out.dims.index("g")
            whole = [d for d in out.dims if d != "r"]
            out = graph.transpose(out, (*whole[: at + 1], "r", *whole[at + 1 :]))
            out = graph.join_heads(out)
        return out

    def second_product(self, p, v):
        """The result, and the order of its dimensions."""
        graph, wide = self.graph, self.graph.dtype
        if self.breaks == "partial":
            graph.dtype = self.narrow
        rows = (*p.dims[:-1], "v")
        if self.flat == "both" and {"b", "h"} <= set(v.dims):
            over = ("b*h", "m", "v")
            out = graph.contract(graph.flatten(p), graph.flatten(v), over, "n")
            out = graph.unflatten(out)
        else:
            if self.grouped == "scores":
                v = graph.repeat_heads(v, ("n", "v"))
            order = graph.choose("out", ["bhsd", "bshd", "bhds"]) if len(rows) > 3 else "bhsd"
            if order == "bshd":
                rows = (rows[0], "m", *rows[1:-2], "v")
            if order == "bhds":
                rows = (*rows[:-2], "v", "m")
            out = graph.contract(p, v, rows, "n")
        graph.dtype = wide
        return out, rows

    def text(self, name, guarded):
        text = self.whole.replace("@NAME", "@" + name)
        if guarded:
            return text
        old, new = self.unguarded
        text = text.replace(self.guard + "\n", "")
        return re.sub(re.escape(old) + r"\b", new, text)

    def inputs(self, folder):
        """Files of random arguments; masks drop some keys and now and then a whole row."""
        graph = self.graph
        numbers = numpy.random.default_rng(self.seed)
        paths = []
        for name, dims, kind in graph.arguments:
            shape = [graph.sizes[d] for d in dims]
            if name == "mask":
                way, _, fill = self.masks[name]
                keep = numbers.random(shape) < numbers.choice([0.5, 0.8, 1.0])
                keep[..., 0] |= numbers.random(shape[:-1]) < 0.8
                array = keep
                if way == "added":
                    array = numpy.where(keep, numbers.normal(size=shape), fill).astype(TYPES[kind])
            else:
                # A score rounded the other way moves its weight by as much as its size says.
                spreads = [0.3, 0.6] if self.narrow else [0.3, 1.0, 3.0]
                array = (numbers.normal(size=shape) * numbers.choice(spreads)).astype(TYPES[kind])
            paths.append(folder / f"{self.seed}-{name}.npy")
            numpy.save(paths[-1], array)
        paths.append(folder / f"{self.seed}-one.npy")
        numpy.save(paths[-1], numpy.array(1.0, TYPES[graph.dtype]))
        return paths


def call(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def compare(variant, bin_folder, folder, raised_text):
    """None, or what is wrong with the values."""
    results = []
    inputs = variant.inputs(folder)
    plain = Variant(variant.seed, simple=True).text("f", True)
    for kind, text in (("raised", raised_text), ("plain", plain)):
        source = folder / f"{variant.seed}-{kind}.mlir"
        source.write_text(text)
        out = folder / f"{variant.seed}-{kind}.npy"
        code, _, errors = call(
            [
                f"{bin_folder}/attn-run",
                source,
                f"--output={out}",
                *(f"--input=@{p}" for p in inputs),
            ]
        )
        if code:
            return f"{kind}: {errors.strip()}"
        result = numpy.load(out)
        if result.dtype.kind == "V":
            result = result.view(ml_dtypes.bfloat16)
        results.append(result.astype(numpy.float64))
    raised, plain = results
    # Scores up to 40 or so, with as many roundings; values up to 10.
    bound = 2000 * UNITS[variant.graph.dtype]
    if variant.narrow:
        bound = 4 * UNITS[variant.narrow]
    bound *= max(1.0, numpy.nanmax(numpy.abs(plain), initial=0.0))
    if (numpy.isnan(raised) != numpy.isnan(plain)).any():
        return f"NaN: {numpy.isnan(raised).sum()} where {numpy.isnan(plain).sum()} were"
    error = numpy.nanmax(numpy.abs(raised - plain), initial=0.0)
    return None if error <= bound else f"off by {error:.3g}, bound {bound:.3g}"


def run_opt(bin_folder, text, option):
    done = subprocess.run(
        [f"{bin_folder}/attn-opt", option],
        input=text, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr[:2000])
    return done.stdout, done.stderr


def raise_text(bin_folder, text):
    raised, errors = run_opt(bin_folder, text, "--attn-raise")
    return raised, re.search(r"raised (\d+) of (\d+).*", errors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", required=True, help="folder of attn-opt and attn-run")
    parser.add_argument("--variants", type=int, default=400)
    parser.add_argument("--values", type=int, default=40, help="variants whose values are compared")
    parser.add_argument("--negatives", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--show", type=int, help="print the variant of this seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    if arguments.show is not None:
        print(Variant(arguments.show).text("f", False))
        return 0
    seed = arguments.seed if arguments.seed is not None else random.randrange(10**9)
    print(f"seed {seed}")
    good = [Variant(seed + i) for i in range(arguments.variants)]
    _, summary = raise_text(arguments.bin, "\n".join(v.text(f"v{v.seed}", False) for v in good))
    left = {int(s) for s in re.findall(r"@v(\d+) line \d+ not raised", summary[0])}
    raised = int(summary[1])
    for variant in good:
        if variant.seed in left:
            reason = re.search(rf"@v{variant.seed} line \d+ not raised: [^;]*", summary[0])[0]
            print(f"not raised: {reason}; {variant.said}")
    print(f"raised {raised} of {len(good)}: {100 * raised / len(good):.1f} %")
    bad = [Variant(seed + i, BREAKS[i % len(BREAKS)]) for i in range(arguments.negatives)]
    _, summary = raise_text(arguments.bin, "\n".join(v.text(f"v{v.seed}", False) for v in bad))
    if int(summary[1]):
        left_bad = {int(s) for s in re.findall(r"@v(\d+) line \d+ not raised", summary[0])}
        print("raised, and nothing is said:")
        for variant in bad:
            if variant.seed not in left_bad:
                print(f"  {variant.seed}, {variant.breaks}; {variant.said}")
    _, guarded = raise_text(arguments.bin, "\n".join(v.text(f"v{v.seed}", True) for v in good))
    print(f"negatives raised: {summary[1]} of {len(bad)}; guarded raised: {guarded[1]}")
    wrong = 0
    with (
        tempfile.TemporaryDirectory() as name,
        concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool,
    ):
        folder = pathlib.Path(name)
        chosen = [v for v in good if v.seed not in left][: arguments.values]
        texts = [raise_text(arguments.bin, v.text("f", False))[0] for v in chosen]
        jobs = pool.map(
            lambda p: compare(p[0], arguments.bin, folder, p[1]), zip(chosen, texts, strict=True)
        )
        for variant, problem in zip(chosen, jobs, strict=True):
            if problem:
                wrong += 1
                print(f"seed {variant.seed}: {problem}; {variant.said}")
    print(f"values kept: {len(chosen) - wrong} of {len(chosen)}")
    fine = raised >= 0.98 * len(good) and not int(summary[1]) and not int(guarded[1])
    return 0 if fine and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
