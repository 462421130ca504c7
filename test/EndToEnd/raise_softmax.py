# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Softmax in the ways in which graphs say it, and in some that are none."""

import math

import raise_graphs

LOWEST = {
    "f32": -3.4028234663852886e38,
    "f64": -1.7976931348623157e308,
    "f16": -65504.0,
    "bf16": -3.38953139e38,
}
LOG2E = 1.0 / math.log(2.0)


class Softmax:
    """Of a variant, which has .graph, .draw, .breaks and .narrow."""

    def softmax(self, s):
        """Weights, and the sum that they are still to be divided by, or None."""
        graph = self.graph
        over = "m" if self.breaks == "axis" else "n"
        ways = ["named", "open", "open", "fused", "base 2", "difference", "logarithm", "log-sum"]
        if self.breaks in ("sum", "epsilon", "start", "unshifted", "tail"):
            ways = ["open"]
        if self.breaks == "narrow":
            return self.narrow_softmax(s), None
        ways = {"base": ["base 2"], "logarithm": ["log-sum"], "clamped": ["open"]}.get(
            self.breaks, ways
        )
        way = graph.choose("softmax", ways)
        if way == "named":
            return self.named(s, over), None
        if way == "log-sum" and abs(self.fill) > 1e18 and math.isfinite(self.fill):
            # In a row of such numbers max + log sum is max: no softmax, see docs/pipeline.md.
            way = "logarithm"
        if way in ("logarithm", "log-sum"):
            return self.by_logarithm(s, over, way), None
        is_scaled = way == "base 2" and self.draw.random() < 0.5
        if is_scaled:
            s = graph.times(s, LOG2E)
        e = self.exponential(s, over, "scaled" if is_scaled else way)
        return self.divided(s, e, over)

    def named(self, s, over):
        graph = self.graph
        kind = graph.of(s)
        result = graph.emit(
            f"linalg.softmax dimension({s.dims.index(over)}) ins({s.name} : {kind}) outs({graph.empty(s.dims)} : {kind}) -> {kind}"
        )
        return raise_graphs.Tensor(result, s.dims, graph.dtype)

    def narrow_softmax(self, s):
        """In f16 or bf16 as a whole."""
        graph, wide = self.graph, self.graph.dtype
        s = graph.convert(s, self.narrow)
        graph.dtype = self.narrow
        if graph.choose("softmax", ["named", "open"]) == "named":
            p = self.named(s, "n")
        else:
            p, _ = self.divided(s, self.exponential(s, "n", "open"), "n")
        graph.dtype = wide
        return graph.convert(p, wide)

    def maximum(self, s, over):
        graph, draw = self.graph, self.draw
        start = draw.choice([float("-inf"), LOWEST[graph.dtype]])
        if self.breaks == "start":
            start = -0.5
        elif not self.breaks and "mask=none" in graph.said and draw.random() < 0.2:
            start = -1.0e30
        if self.breaks == "clamped":
            # Below it, rows without a key would be what the others' fill says.
            start = -1.0e16
        if graph.choose("twin", [0, 0, 1]):
            peak = graph.peak(s, start, over)
        else:
            peak = graph.reduce(draw.choice(["arith.maximumf", "arith.maxnumf"]), s, start, over)
        guards = graph.choose("guards", ["no", "no", "max", "select"])
        if guards == "max":
            low = graph.constant(float("-inf"))
            peak = graph.generic(
                [peak], peak.dims, [f"r = arith.maximumf {low}, {{0}} : {{T}}", "{r}"]
            )
        if guards == "select":
            high = graph.constant(float("inf"))
            zero = graph.constant(0.0)
            body = [
                "x = math.absf {0} : {T}", f"c = arith.cmpf one, {{x}}, {high} : {{T}}",
                f"r = arith.select {{c}}, {{0}}, {zero} : {{T}}", "{r}",
            ]  # fmt: skip
            peak = graph.generic([peak], peak.dims, body)
        return peak

    def exponential(self, s, over, way):
        """exp(s - max), or with its base made 2 before or after the difference."""
        graph, dims = self.graph, s.dims
        peak = self.maximum(s, over)
        if self.breaks == "unshifted":
            return graph.unary("math.exp", s)
        if way == "fused":
            body = ["x = arith.subf {0}, {1} : {T}", "r = math.exp {x} : {T}", "{r}"]
            return graph.generic([s, peak], dims, body)
        if way == "open":
            return graph.unary("math.exp", graph.binary("sub", s, peak, dims))
        if way == "scaled":
            return graph.unary("math.exp2", graph.binary("sub", s, peak, dims))
        if way == "base 2":
            # As kernels fuse it: s c - max c.
            apart = graph.binary("sub", graph.times(s, LOG2E), graph.times(peak, LOG2E), dims)
            return graph.unary("math.exp2", apart)
        apart = graph.binary("sub", s, peak, dims)
        return graph.unary("math.exp2", graph.times(apart, LOG2E))

    def total(self, e, over):
        return self.graph.reduce("arith.addf", e, 1.0e-3 if self.breaks == "epsilon" else 0.0, over)

    def divided(self, s, e, over):
        graph, dims = self.graph, s.dims
        summed = s if self.breaks == "sum" else e
        if self.breaks == "base":
            summed = graph.unary("math.exp", graph.binary("sub", s, self.maximum(s, over), dims))
        total = self.total(summed, over)
        way = graph.choose("divide", ["div", "reciprocal", "late", "late reciprocal"])
        if "reciprocal" in way:
            one = graph.constant(1.0)
            body = [f"r = arith.divf {one}, {{0}} : {{T}}", "{r}"]
            total = graph.generic([total], total.dims, body)
        self.divide = "mul" if "reciprocal" in way else "div"
        if "late" in way and not self.breaks:
            return e, total
        p = graph.binary(self.divide, e, total, dims)
        if (graph.choose("safe", [0, 0, 1]) and not self.breaks) or self.breaks == "tail":
            p = graph.zero_empty_rows(p, s, over, wrong=self.breaks == "tail")
        return p, None

    def by_logarithm(self, s, over, way):
        """exp(s - max - log sum) or exp(s - (max + log sum))."""
        graph, dims = self.graph, s.dims
        peak = self.maximum(s, over)
        apart = graph.binary("sub", s, peak, dims)
        total = self.total(graph.unary("math.exp", apart), over)
        if self.breaks == "logarithm":
            total = self.total(s, over)
        log = graph.unary("math.log", total)
        if way == "logarithm":
            return graph.unary("math.exp", graph.binary("sub", apart, log, dims))
        whole = graph.binary("add", log, peak, max(log.dims, peak.dims, key=len))
        return graph.unary("math.exp", graph.binary("sub", s, whole, dims))
