# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes linalg graphs: each op in one of the ways in which exporters say it."""

import math

# Digits and bits of infinity.
INFINITIES = {
    "f64": (16, 0x7FF << 52),
    "f32": (8, 0xFF << 23),
    "f16": (4, 0x7C00),
    "bf16": (4, 0x7F80),
}


class Tensor:
    """An SSA value of symbolic dimensions, such as ("b", "h", "m", "n"); "1" is 1."""

    def __init__(self, name, dims, kind):
        self.name, self.dims, self.kind = name, dims, kind


class Graph:
    """One function. `sizes` gives each symbol its size, `dynamic` those not in the types.

    `dtype` is that of what is made anew; it changes where a graph computes in more bits.
    """

    def __init__(self, draw, dtype, sizes, dynamic):
        self.draw, self.dtype = draw, dtype
        self.sizes = {"1": 1, **sizes, "b*h": sizes["b"] * sizes["h"]}
        self.dynamic = dynamic | ({"b*h"} if "b" in dynamic else set())
        self.arguments, self.lines, self.count = [], [], 0
        self.said = []  # how each part was said, for people

    def choose(self, what, ways):
        way = self.draw.choice(ways)
        self.said.append(f"{what}={way}")
        return way

    def name(self):
        self.count += 1
        return f"%{self.count}"

    def type(self, dims, element=None):
        shape = ["?" if d in self.dynamic else str(self.sizes[d]) for d in dims]
        return f"tensor<{'x'.join([*shape, element or self.dtype])}>"

    def of(self, tensor):
        return self.type(tensor.dims, tensor.kind)

    def argument(self, name, dims, element=None):
        self.arguments.append((name, dims, element or self.dtype))
        return Tensor("%" + name, dims, element or self.dtype)

    def emit(self, text):
        result = self.name()
        self.lines.append(f"{result} = {text}")
        return result

    def number(self, value):
        if math.isfinite(value):
            return f"{value:.17e}"
        digits, infinity = INFINITIES[self.dtype]
        return f"0x{infinity | (value < 0) << (digits * 4 - 1):0{digits}X}"

    def constant(self, value):
        return self.emit(f"arith.constant {self.number(value)} : {self.dtype}")

    def size(self, symbol):
        """SSA value of a dynamic size, read from the first argument that has it."""
        if symbol == "b*h":
            heads = self.emit(f"arith.constant {self.sizes['h']} : index")
            return self.emit(f"arith.muli {self.size('b')}, {heads} : index")
        name, dims, element = next(a for a in self.arguments if symbol in a[1])
        index = self.emit(f"arith.constant {dims.index(symbol)} : index")
        return self.emit(f"tensor.dim %{name}, {index} : {self.type(dims, element)}")

    def empty(self, dims, element=None):
        sizes = ", ".join(self.size(d) for d in dims if d in self.dynamic)
        return self.emit(f"tensor.empty({sizes}) : {self.type(dims, element)}")

    def fill(self, value, dims):
        kind = self.type(dims)
        return self.emit(
            f"linalg.fill ins({self.constant(value)} : {self.dtype}) outs({self.empty(dims)} : {kind}) -> {kind}"
        )

    def generic(self, inputs, dims, body, loops=None, init=None, element=None):
        """body: lines with {0}, {1} for inputs, {out}; the last names what is yielded."""
        loops = loops or dims
        positions = ", ".join(f"d{i}" for i in range(len(loops)))

        def map_of(of):
            reads = ", ".join(f"d{loops.index(d)}" if d in loops else "0" for d in of)
            return f"affine_map<({positions}) -> ({reads})>"

        maps = ", ".join(map_of(t.dims) for t in inputs)
        maps = (maps + ", " if maps else "") + map_of(dims)
        kinds = ", ".join('"parallel"' if d in dims else '"reduction"' for d in loops)
        out = init or self.empty(dims, element)
        kind = self.type(dims, element)
        ins = ", ".join(t.name for t in inputs)
        types = ", ".join(self.type(t.dims, t.kind) for t in inputs)
        names = [self.name() for _ in inputs] + [self.name()]
        block = ", ".join(
            f"{n}: {k}"
            for n, k in zip(names, [t.kind for t in inputs] + [element or self.dtype], strict=True)
        )
        lines, last = [], None
        fields = {"out": names[-1], "T": self.dtype}
        for line in body[:-1]:
            target, _, text = line.partition("=")
            text = text.strip().format(*names, **fields)
            fields[target.strip()] = self.name()
            lines.append(f"  {fields[target.strip()]} = {text}")
        last = body[-1].format(*names, **fields)
        inputs_text = f"ins({ins} : {types}) " if inputs else ""
        result = self.emit(
            f"linalg.generic {{indexing_maps = [{maps}], iterator_types = [{kinds}]}}\n"
            f"    {inputs_text}outs({out} : {kind}) {{\n    ^bb0({block}):\n    "
            + "\n    ".join(lines)
            + f"\n      linalg.yield {last} : {element or self.dtype}\n  }} -> {kind}"
        )
        return Tensor(result, dims, element or self.dtype)

    def broadcast(self, tensor, dims):
        """Every element of dims reads that of tensor; by the named op, else by maps."""
        if tensor.dims == dims:
            return tensor
        added = [i for i, d in enumerate(dims) if d not in tensor.dims]
        ordered = tensor.dims == tuple(d for d in dims if d in tensor.dims)
        if not ordered or self.draw.random() < 0.5:
            return self.generic([tensor], dims, ["{0}"], element=tensor.kind)
        kind = self.type(dims, tensor.kind)
        result = self.emit(
            f"linalg.broadcast ins({tensor.name} : {self.of(tensor)}) "
            f"outs({self.empty(dims, tensor.kind)} : {kind}) dimensions = {added}"
        )
        return Tensor(result, dims, tensor.kind)

    def binary(self, word, a, b, dims):
        """add, sub, mul, div of two tensors, either of which may have fewer dimensions."""
        way = self.draw.choice(["generic", "named", "arith"])
        if way == "generic":
            return self.generic([a, b], dims, [f"r = arith.{word}f {{0}}, {{1}} : {{T}}", "{r}"])
        a, b = self.broadcast(a, dims), self.broadcast(b, dims)
        kind = self.type(dims)
        if way == "arith":
            return Tensor(self.emit(f"arith.{word}f {a.name}, {b.name} : {kind}"), dims, self.dtype)
        result = self.emit(
            f"linalg.{word} ins({a.name}, {b.name} : {kind}, {kind}) outs({self.empty(dims)} : {kind}) -> {kind}"
        )
        return Tensor(result, dims, self.dtype)

    def unary(self, op, a):
        way = self.draw.choice(["generic", "arith"])
        if way == "arith":
            return Tensor(self.emit(f"{op} {a.name} : {self.type(a.dims)}"), a.dims, self.dtype)
        return self.generic([a], a.dims, [f"r = {op} {{0}} : {{T}}", "{r}"])

    def times(self, a, value, divides=False):
        """a * value, or a / (1 / value), the number being a splat, a body's, or filled."""
        word = "div" if divides else "mul"
        value = 1.0 / value if divides else value
        way = self.draw.choice(["splat", "body", "filled"])
        if way == "splat" and not set(a.dims) & self.dynamic:
            kind = self.type(a.dims)
            splat = self.emit(f"arith.constant dense<{value!r}> : {kind}")
            return Tensor(
                self.emit(f"arith.{word}f {a.name}, {splat} : {kind}"), a.dims, self.dtype
            )
        if way == "filled":
            return self.binary(
                word, a, Tensor(self.fill(value, a.dims), a.dims, self.dtype), a.dims
            )
        number = self.constant(value)
        return self.generic([a], a.dims, [f"r = arith.{word}f {{0}}, {number} : {{T}}", "{r}"])

    def transpose(self, a, dims):
        if a.dims == dims:
            return a
        if self.draw.random() < 0.5:
            return self.generic([a], dims, ["{0}"], element=a.kind)
        kind = self.type(dims, a.kind)
        order = [a.dims.index(d) for d in dims]
        result = self.emit(
            f"linalg.transpose ins({a.name} : {self.of(a)}) outs({self.empty(dims, a.kind)} : {kind}) permutation = {order}"
        )
        return Tensor(result, dims, a.kind)

    def collapse(self, a, groups, dims):
        kind = self.type(dims, a.kind)
        result = self.emit(f"tensor.collapse_shape {a.name} {groups} : {self.of(a)} into {kind}")
        return Tensor(result, dims, a.kind)

    def expand(self, a, groups, dims):
        sizes = [self.size(d) if d in self.dynamic else str(self.sizes[d]) for d in dims]
        result = self.emit(
            f"tensor.expand_shape {a.name} {groups} output_shape [{', '.join(sizes)}] : {self.of(a)} into {self.type(dims, a.kind)}"
        )
        return Tensor(result, dims, a.kind)

    def repeat_heads(self, a, rows):
        """[b, g, ..] as [b, h, ..], each head r times, as exporters of grouped heads do."""
        wide = self.broadcast(a, ("b", "g", "r", *rows))
        return self.collapse(wide, "[[0], [1, 2], [3], [4]]", ("b", "h", *rows))

    def split_heads(self, a):
        """[b, h, ..] as [b, g, r, ..], wherever h stands."""
        at = a.dims.index("h")
        dims = (*a.dims[:at], "g", "r", *a.dims[at + 1 :])
        return self.expand(a, self.split_groups(a.dims, at), dims)

    def join_heads(self, a):
        at = a.dims.index("g")
        dims = (*a.dims[:at], "h", *a.dims[at + 2 :])
        return self.collapse(a, self.split_groups(dims, at), dims)

    def split_groups(self, dims, at):
        groups = [[i] if i < at else [i + 1] for i in range(len(dims))]
        groups[at] = [at, at + 1]
        return groups

    def flatten(self, a):
        """[b, h, ..] as [b*h, ..]."""
        a = self.transpose(a, ("b", "h", *(d for d in a.dims if d not in ("b", "h"))))
        return self.collapse(a, "[[0, 1], [2], [3]]", ("b*h", *a.dims[2:]))

    def unflatten(self, a):
        """[b*h, ..] as [b, h, ..]."""
        return self.expand(a, "[[0, 1], [2], [3]]", ("b", "h", *a.dims[1:]))

    def convert(self, a, kind):
        """a in more or fewer bits."""
        op = "extf" if kind in ("f32", "f64") else "truncf"
        line = f"r = arith.{op} {{0}} : {a.kind} to {kind}"
        return self.generic([a], a.dims, [line, "{r}"], element=kind)

    def contract(self, a, b, dims, over):
        """sum over `over` of a b, named where the orders allow, else generic."""
        init = self.fill(0.0, dims)
        batch = dims[:-2]
        kind = self.type(dims)
        named = {0: "matmul", 1: "batch_matmul"}.get(len(batch))
        if (
            named
            and a.dims == (*batch, dims[-2], over)
            and b.dims == (*batch, over, dims[-1])
            and self.draw.random() < 0.6
        ):
            result = self.emit(
                f"linalg.{named} ins({a.name}, {b.name} : {self.of(a)}, {self.of(b)}) outs({init} : {kind}) -> {kind}"
            )
            return Tensor(result, dims, self.dtype)
        if self.draw.random() < 0.5:
            a, b = b, a
        body, names = [], []
        for i, each in enumerate((a, b)):
            names.append(f"{{{i}}}" if each.kind == self.dtype else f"{{w{i}}}")
            if each.kind != self.dtype:
                body.append(f"w{i} = arith.extf {{{i}}} : {each.kind} to {{T}}")
        body += [
            f"p = arith.mulf {names[0]}, {names[1]} : {{T}}",
            "r = arith.addf {out}, {p} : {T}", "{r}",
        ]  # fmt: skip
        return self.generic([a, b], dims, body, loops=(*dims, over), init=init)

    def reduce(self, op, a, start, over):
        """Over one dimension, kept as 1 or not, by linalg.reduce or a generic."""
        keeps = self.draw.random() < 0.4
        gone = tuple(d for d in a.dims if d != over)
        if not keeps and self.draw.random() < 0.4:
            kind = self.type(gone)
            result = self.emit(
                f"linalg.reduce {{ {op} }} ins({a.name} : {self.type(a.dims)}) outs({self.fill(start, gone)} : {kind}) dimensions = [{a.dims.index(over)}]"
            )
            return Tensor(result, gone, self.dtype)
        # In a map a kept dimension is the constant 0.
        dims = tuple("1" if d == over else d for d in a.dims) if keeps else gone
        body = [f"r = {op} {{0}}, {{out}} : {{T}}", "{r}"]
        return self.generic([a], dims, body, loops=a.dims, init=self.fill(start, dims))

    def peak(self, a, start, over):
        """The maximum with its index beside it, as of exporters whose softmax knows no other."""
        dims = tuple(d for d in a.dims if d != over)
        kind, indices = self.type(dims), self.type(dims, "i64")
        first = self.emit("arith.constant 0 : i64")
        init = self.emit(
            f"linalg.fill ins({first} : i64) outs({self.empty(dims, 'i64')} : {indices}) -> {indices}"
        )
        positions = ", ".join(f"d{i}" for i in range(len(a.dims)))
        kept = ", ".join(f"d{i}" for i, d in enumerate(a.dims) if d != over)
        maps = [f"affine_map<({positions}) -> ({to})>" for to in (positions, kept, kept)]
        loops = ", ".join('"reduction"' if d == over else '"parallel"' for d in a.dims)
        names = [self.name() for _ in range(9)]
        v, best, where, i, j, larger, least, at, _ = names
        pair = self.name()
        self.lines.append(
            f"{pair}:2 = linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{loops}]}}\n"
            f"    ins({a.name} : {self.type(a.dims)}) outs({self.fill(start, dims)}, {init} : {kind}, {indices}) {{\n"
            f"    ^bb0({v}: {self.dtype}, {best}: {self.dtype}, {where}: i64):\n"
            f"      {i} = linalg.index {a.dims.index(over)} : index\n"
            f"      {j} = arith.index_cast {i} : index to i64\n"
            f"      {least} = arith.maximumf {v}, {best} : {self.dtype}\n"
            f"      {larger} = arith.cmpf ogt, {v}, {best} : {self.dtype}\n"
            f"      {at} = arith.select {larger}, {j}, {where} : i64\n"
            f"      linalg.yield {least}, {at} : {self.dtype}, i64\n  }} -> ({kind}, {indices})"
        )
        return Tensor(pair + "#0", dims, self.dtype)

    def zero_empty_rows(self, p, s, over, wrong=False):
        """0 for the weights of rows whose scores are all -inf; wrong: of which one is."""
        inverted = self.draw.random() < 0.5
        low = self.constant(float("-inf"))
        zero = self.constant(0.0)
        true = self.emit("arith.constant true")
        body = [f"r = arith.cmpf oeq, {{0}}, {low} : {{T}}", "{r}"]
        if inverted:
            body = [body[0].replace("r =", "e ="), f"r = arith.xori {{e}}, {true} : i1", "{r}"]
        lowest = self.generic([s], s.dims, body, element="i1")
        dims = tuple(d for d in s.dims if d != over)
        kind = self.type(dims, "i1")
        first = self.emit(f"arith.constant {'false' if inverted != wrong else 'true'}")
        init = self.emit(
            f"linalg.fill ins({first} : i1) outs({self.empty(dims, 'i1')} : {kind}) -> {kind}"
        )
        word = "ori" if inverted != wrong else "andi"
        all_lowest = self.generic(
            [lowest], dims, [f"r = arith.{word} {{0}}, {{out}} : i1", "{r}"],
            loops=s.dims, init=init, element="i1",
        )  # fmt: skip
        if inverted:
            body = [f"r = arith.select {{0}}, {{1}}, {zero} : {{T}}", "{r}"]
        else:
            body = [f"r = arith.select {{0}}, {zero}, {{1}} : {{T}}", "{r}"]
        return self.generic([all_lowest, p], s.dims, body)

    def reduce_all(self, a):
        """The sum of all elements."""
        init = self.fill(0.0, ())
        if a.kind != self.dtype:
            a = self.convert(a, self.dtype)
        return self.generic(
            [a], (), ["r = arith.addf {0}, {out} : {T}", "{r}"], loops=a.dims, init=init
        )

    def counted(self, symbol):
        """0, 1, 2, ... as a constant."""
        numbers = ", ".join(str(i) for i in range(self.sizes[symbol]))
        kind = self.type((symbol,), "i64")
        return Tensor(self.emit(f"arith.constant dense<[{numbers}]> : {kind}"), (symbol,), "i64")

    def function(self, name, result, extra=""):
        arguments = ", ".join(f"%{n}: {self.type(d, e)}" for n, d, e in self.arguments)
        kind = self.of(result)
        body = "\n  ".join(self.lines)
        return f"func.func @{name}({arguments}{extra}) -> {kind} {{\n  {body}\n  return {result.name} : {kind}\n}}\n"
