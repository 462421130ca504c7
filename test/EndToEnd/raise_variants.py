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

import numpy
import raise_graphs

INFINITE = float("-inf")
LOWEST = {"f32": -3.4028234663852886e38, "f64": -1.7976931348623157e308}
BREAKS = ["axis", "sum", "scaled", "used", "epsilon", "start", "unshifted", "product", "tail"]


class Variant:
    """One graph; `breaks` names what is wrong with it, or is None.

    `simple` is the same graph with all sizes known: an entry must tell the sizes of its results, which
    a long chain of ops hides.
    """

    def __init__(self, seed, breaks=None, simple=False):
        self.draw = draw = random.Random(seed)
        self.seed, self.breaks, self.simple = seed, breaks, simple
        dtype = draw.choice(["f32", "f32", "f32", "f64"])
        self.batch = draw.choice([(), ("b",), ("b", "h"), ("b", "h")])
        sizes = {
            "b": draw.randint(1, 3), "h": draw.choice([1, 2, 4, 6]), "m": draw.randint(1, 40),
            "n": draw.randint(2, 70), "d": draw.choice([4, 8, 16]), "v": draw.choice([4, 9, 16]),
        }  # fmt: skip
        sizes |= {"r": 2, "g": sizes["h"] // 2} if sizes["h"] > 1 else {"r": 1, "g": 1}
        if breaks == "axis":
            sizes["m"] = sizes["n"]
        dynamic = {d for d in "bmn" if draw.random() < 0.25} if sizes["m"] > 1 else set()
        if simple:
            dynamic = set()
        self.graph = raise_graphs.Graph(draw, dtype, sizes, dynamic)
        self.masks = {}  # argument: (kind, dims)
        self.whole = self.build()

    def build(self):
        graph = self.graph
        q, k, v = self.operands()
        s = self.scores(q, k)
        s = self.mask(self.cap(s))
        result = self.attend(s, v)
        self.said = " ".join(graph.said)
        return graph.function("NAME", result, ", %one: " + graph.dtype)

    def operands(self):
        graph, batch = self.graph, self.batch
        rows = graph.choose("order", ["bhsd", "bshd"]) == "bshd" and len(batch) == 2
        # Products as batches of matrices, as of exporters that know no other.
        self.flat = len(batch) == 2 and graph.choose("flat", ["none", "none", "first", "both"])
        self.shared = (
            graph.choose("kv", ["all", "all", "one", "group"]) if len(batch) == 2 else "all"
        )

        def tensor(name, s, d):
            mine = batch[:1] if self.shared == "one" and name != "q" else batch
            if self.shared == "group" and name != "q":
                return graph.repeat_heads(graph.argument(name, ("b", "g", s, d)), (s, d))
            full = (*mine, s, d)
            given = (mine[0], s, mine[1], d) if rows and len(mine) == 2 else full
            value = graph.argument(name, given)
            if self.draw.random() < 0.6:
                value = graph.transpose(value, full)
            if len(mine) < len(batch) and self.draw.random() < 0.7:
                value = graph.broadcast(value, (*batch, s, d))
            return value

        return tensor("q", "m", "d"), tensor("k", "n", "d"), tensor("v", "n", "v")

    def scores(self, q, k):
        graph = self.graph
        scale = round(self.draw.uniform(0.1, 0.5), 3)
        where = graph.choose("scale", ["q", "k", "s", "both", "none"])
        divides = self.draw.random() < 0.3
        root = round(scale**0.5, 3)
        if where in ("q", "both"):
            q = graph.times(q, root if where == "both" else scale, divides)
        if where in ("k", "both"):
            k = graph.times(k, root if where == "both" else scale, divides)
        if "h" in k.dims and self.draw.random() < 0.5:
            k = graph.transpose(k, (*self.batch, "d", "n"))
        dims = (*self.batch, "m", "n")
        if self.flat in ("first", "both") and {"b", "h"} <= set(k.dims):
            over = ("b*h", "m", "n")
            s = graph.unflatten(graph.contract(graph.flatten(q), graph.flatten(k), over, "d"))
        elif graph.choose("product", ["QK", "KQ"]) == "KQ":
            s = graph.contract(k, q, (*self.batch, "n", "m"), "d")
            s = graph.transpose(s, dims)
        else:
            s = graph.contract(q, k, dims, "d")
        return graph.times(s, scale, divides) if where == "s" else s

    def cap(self, s):
        graph = self.graph
        if graph.choose("cap", [0, 0, 0, 1]):
            s = graph.times(graph.unary("math.tanh", graph.times(s, 0.5)), 2.0)
        return s

    def mask(self, s):
        graph, draw, dims = self.graph, self.draw, s.dims
        kind = graph.choose(
            "mask", ["none", "added", "chosen", "causal", "window", "summed", "counted"]
        )
        fill = graph.choose("fill", ["inf", "1e9", "lowest"])
        fill = {"inf": INFINITE, "1e9": -1.0e9, "lowest": LOWEST[graph.dtype]}[fill]
        if kind == "none":
            return s
        if kind in ("added", "chosen"):
            own = tuple(d if draw.random() < 0.6 else "1" for d in dims[:-1]) + ("n",)
            if draw.random() < 0.4:
                own = tuple(d for d in own if d != "1")
            self.masks["mask"] = (kind, own, fill)
            mask = graph.argument("mask", own, "i1" if kind == "chosen" else None)
            if kind == "added":
                return graph.binary("add", s, mask, dims)
            low = graph.constant(fill)
            body = [f"r = arith.select {{1}}, {{0}}, {low} : {{T}}", "{r}"]
            return graph.generic([s, mask], dims, body)
        if kind == "counted":
            return self.counted_mask(s, fill)
        m, n, low = dims.index("m"), dims.index("n"), graph.constant(fill)
        zero = graph.constant(0.0)
        body = [f"i = linalg.index {m} : index", f"j = linalg.index {n} : index"]
        if draw.random() < 0.5:
            body += ["k = arith.cmpi sle, {j}, {i} : index"]
        else:
            body[0:2] = [
                f"i0 = linalg.index {m} : index", "i = arith.index_cast {i0} : index to i64",
                f"j0 = linalg.index {n} : index", "j = arith.index_cast {j0} : index to i64",
                "k = arith.cmpi sge, {i}, {j} : i64",
            ]  # fmt: skip
        kind_of = "index" if "i0" not in body[0] else "i64"
        if kind == "window":
            width = graph.emit(f"arith.constant {draw.randint(1, 9)} : {kind_of}")
            body += [
                f"w = arith.subi {{i}}, {{j}} : {kind_of}",
                f"c = arith.cmpi slt, {{w}}, {width} : {kind_of}",
                "k = arith.andi {k}, {c} : i1",
            ]
        if kind == "summed":
            own = ("m", "n")
            m, n = 0, 1
            body = [
                re.sub(r"linalg.index \d", f"linalg.index {0 if line[0] == 'i' else 1}", line)
                for line in body
            ]
            body += [f"r = arith.select {{k}}, {zero}, {low} : {{T}}", "{r}"]
            return graph.binary("add", s, graph.generic([], own, body), dims)
        body += [f"r = arith.select {{k}}, {{0}}, {low} : {{T}}", "{r}"]
        return graph.generic([s], dims, body)

    def counted_mask(self, s, fill):
        """A causal mask of constants that count, or of positions where sizes are not known."""
        graph = self.graph
        if {"m", "n"} & graph.dynamic:
            i, j = (
                graph.generic(
                    [], (d,),
                    ["x = linalg.index 0 : index", "r = arith.index_cast {x} : index to i64", "{r}"],
                    element="i64",
                )
                for d in ("m", "n")
            )  # fmt: skip
        else:
            i, j = graph.counted("m"), graph.counted("n")
        body = ["r = arith.subi {1}, {0} : i64", "{r}"]
        apart = graph.generic([i, j], ("m", "n"), body, element="i64")
        none = graph.emit("arith.constant 0 : i64")
        low, zero = graph.constant(fill), graph.constant(0.0)
        body = [
            f"c = arith.cmpi sle, {{0}}, {none} : i64",
            f"r = arith.select {{c}}, {zero}, {low} : {{T}}",
            "{r}",
        ]
        added = graph.generic([apart], ("m", "n"), body)
        return graph.binary("add", s, added, s.dims)

    def softmax(self, s):
        """Weights, and the sum that they are still to be divided by, or None."""
        graph, draw, dims = self.graph, self.draw, s.dims
        over = "m" if self.breaks == "axis" else "n"
        ways = ["named", "open", "open", "fused"]
        if self.breaks in ("sum", "epsilon", "start", "unshifted", "tail"):
            ways = ["open"]
        way = graph.choose("softmax", ways)
        if way == "named":
            kind = graph.type(dims)
            result = graph.emit(
                f"linalg.softmax dimension({dims.index(over)}) ins({s.name} : {kind}) outs({graph.empty(dims)} : {kind}) -> {kind}"
            )
            return raise_graphs.Tensor(result, dims, graph.dtype), None
        start = draw.choice([INFINITE, LOWEST[graph.dtype]])
        if self.breaks == "start":
            start = -0.5
        if graph.choose("twin", [0, 0, 1]):
            peak = graph.peak(s, start, over)
        else:
            peak = graph.reduce(draw.choice(["arith.maximumf", "arith.maxnumf"]), s, start, over)
        if self.breaks == "unshifted":
            e = graph.unary("math.exp", s)
        elif way == "fused":
            body = ["x = arith.subf {0}, {1} : {T}", "r = math.exp {x} : {T}", "{r}"]
            e = graph.generic([s, peak], dims, body)
        else:
            e = graph.unary("math.exp", graph.binary("sub", s, peak, dims))
        summed = s if self.breaks == "sum" else e
        first = 1.0e-3 if self.breaks == "epsilon" else 0.0
        total = graph.reduce("arith.addf", summed, first, over)
        way = graph.choose("divide", ["div", "reciprocal", "late", "late reciprocal"])
        if "reciprocal" in way:
            one = graph.constant(1.0)
            total = graph.generic(
                [total], total.dims, [f"r = arith.divf {one}, {{0}} : {{T}}", "{r}"]
            )
        self.divide = "mul" if "reciprocal" in way else "div"
        if "late" in way and not self.breaks:
            return e, total
        p = graph.binary(self.divide, e, total, dims)
        if (graph.choose("safe", [0, 0, 1]) and not self.breaks) or self.breaks == "tail":
            p = graph.zero_empty_rows(p, s, over, wrong=self.breaks == "tail")
        return p, None

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
        rows = (*self.batch, "m", "v")
        flat = self.flat == "both" and {"b", "h"} <= set(v.dims)
        if flat:
            over = ("b*h", "m", "v")
            out = graph.contract(graph.flatten(guarded), graph.flatten(v), over, "n")
            out = graph.unflatten(out)
        elif len(self.batch) == 2 and graph.choose("out", ["bhsd", "bshd"]) == "bshd":
            rows = (self.batch[0], "m", self.batch[1], "v")
        if not flat:
            out = graph.contract(guarded, v, rows, "n")
        if total:
            out = graph.binary(self.divide, out, total, rows)
        if self.breaks == "used":
            used = graph.generic(
                [p], (*self.batch, "m"), ["r = arith.addf {0}, {out} : {T}", "{r}"],
                loops=dims, init=graph.fill(0.0, (*self.batch, "m")),
            )  # fmt: skip
            out = graph.binary("add", out, used, rows)
        return out

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
        dtype = numpy.float64 if graph.dtype == "f64" else numpy.float32
        paths = []
        for name, dims, _ in graph.arguments:
            shape = [graph.sizes[d] for d in dims]
            if name == "mask":
                kind, _, fill = self.masks[name]
                keep = numbers.random(shape) < numbers.choice([0.5, 0.8, 1.0])
                keep[..., 0] |= numbers.random(shape[:-1]) < 0.8
                array = keep
                if kind == "added":
                    array = numpy.where(keep, numbers.normal(size=shape), fill).astype(dtype)
            else:
                array = (numbers.normal(size=shape) * numbers.choice([0.3, 1.0, 3.0])).astype(dtype)
            paths.append(folder / f"{self.seed}-{name}.npy")
            numpy.save(paths[-1], array)
        paths.append(folder / f"{self.seed}-one.npy")
        numpy.save(paths[-1], numpy.array(1.0, dtype))
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
        results.append(numpy.load(out).astype(numpy.float64))
    raised, plain = results
    unit = 1.2e-7 if variant.graph.dtype == "f32" else 2.3e-16
    # Scores up to 40 or so, with as many roundings; values up to 10.
    bound = 2000 * unit * max(1.0, numpy.nanmax(numpy.abs(plain), initial=0.0))
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
