# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Masks as graphs say them: added, chosen, of positions, counted, or written out; with many fills."""

import re

import raise_graphs
import raise_softmax


class Masks:
    """For a graph with `graph`, `draw`, `breaks` and `masks`: argument: (kind, dims, fill)."""

    def mask(self, s):
        graph, draw, dims = self.graph, self.draw, s.dims
        kind = graph.choose(
            "mask", ["none", "added", "chosen", "causal", "window", "summed", "counted", "table"]
        )
        fills = {
            "inf": float("-inf"), "1e9": -1.0e9, "lowest": raise_softmax.LOWEST[graph.dtype], "f16": -65504.0,
            "jax": 0.7 * raise_softmax.LOWEST[graph.dtype],
        }  # fmt: skip
        fill = fills[graph.choose("fill", [*fills])]
        if self.breaks == "clamped":
            kind, fill = "added", fills["lowest"]
        self.fill = 0.0 if kind == "none" else fill
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
        if kind == "table":
            way = graph.choose("table", ["true", "kept", "filled"])
            # What comes later is drawn alike with sizes that are not known, which no table has.
            rest = draw.getrandbits(64)
            if {"m", "n"} & graph.dynamic:
                masked = self.positions_mask(s, fill, "causal")
            else:
                masked = self.table_mask(s, fill, way)
            draw.seed(rest)
            return masked
        return self.positions_mask(s, fill, kind)

    def positions_mask(self, s, fill, kind):
        """A causal mask, or a window, of positions: chosen, or added as a mask of its own."""
        graph, draw, dims = self.graph, self.draw, s.dims
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

    def table_mask(self, s, fill, way):
        """A causal mask as a constant: of booleans, of 1 and 0, or of what is added."""
        graph = self.graph
        inside, outside, kind = {
            "true": ("true", "false", "i1"), "kept": ("1.0", "0.0", graph.dtype),
            "filled": ("0.0", graph.number(fill), graph.dtype),
        }[way]  # fmt: skip
        rows, columns = graph.sizes["m"], graph.sizes["n"]
        numbers = ", ".join(
            "[" + ", ".join(inside if j <= i else outside for j in range(columns)) + "]"
            for i in range(rows)
        )
        name = graph.emit(f"arith.constant dense<[{numbers}]> : tensor<{rows}x{columns}x{kind}>")
        table = raise_graphs.Tensor(name, ("m", "n"), kind)
        if way == "filled":
            return graph.binary("add", s, table, s.dims)
        low, none = graph.constant(fill), graph.constant(0.0)
        body = [f"r = arith.select {{1}}, {{0}}, {low} : {{T}}", "{r}"]
        if way == "kept":
            body = [f"c = arith.cmpf oeq, {{1}}, {none} : {{T}}",
                    f"r = arith.select {{c}}, {low}, {{0}} : {{T}}", "{r}"]  # fmt: skip
        return graph.generic([s, table], s.dims, body)
