#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random multi-head blocks, compiled and judged: attn-run --check on every target.

The clauses are those of random_cases.py; around them attn.mha with packed or separate weights,
biases, a context, fewer key than query heads, rope and qk_norm.
"""

import sys

import numpy
import random_cases
import runner


class Block(random_cases.Case):
    """One attn.mha."""

    def choose_shapes(self):
        draw = self.random
        self.dtype = draw.choice(random_cases.DTYPES)
        self.acc = "f64" if self.dtype == "f64" else "f32"
        self.deviation = draw.choice([0.1, 1.0])
        self.batch = draw.randint(1, 3)
        self.kv_heads = draw.choice([1, 2, 3, 4])
        self.heads = self.kv_heads * draw.choice([1, 1, 2])
        self.packed = draw.random() < 0.3
        self.context = not self.packed and draw.random() < 0.3
        self.queries = draw.randint(1, 70)
        self.keys = draw.randint(1, 70) if self.context else self.queries
        self.dim = draw.choice([2, 7, 16, 24, 32])
        self.value_dim = self.dim if self.packed or draw.random() < 0.7 else draw.randint(1, 40)
        self.width = draw.randint(1, 96)
        self.context_width = draw.randint(1, 96) if self.context else self.width
        self.out_width = draw.randint(1, 96)
        self.open = draw.random() < 0.5

    def weight(self, name, rows, columns):
        """[out, in] with rows of about unit length; its sizes are always known."""
        kind = f"tensor<{rows}x{columns}x{self.dtype}>"
        self.listed.append(kind)
        spec = self.random_spec([rows, columns], self.dtype, columns**-0.5)
        return self.argument(name, kind, spec)

    def choose_layouts(self):
        """What only a block has, in place of layouts."""
        self.listed = []
        sizes = [self.batch, self.queries, self.width]
        kind = self.tensor(sizes[:2], "").removesuffix(">") + f"{self.width}x{self.dtype}>"
        self.listed.append(kind)
        self.head = "attn.mha " + self.argument("x", kind, self.random_spec(sizes, self.dtype))
        if self.context:
            sizes = [self.batch, self.keys, self.context_width]
            kind = f"tensor<{self.batch}x{self.dimension(self.keys)}x{sizes[2]}x{self.dtype}>"
            self.listed.append(kind)
            name = self.argument("context", kind, self.random_spec(sizes, self.dtype))
            self.head += f" context({name})"
        inner = [self.heads * self.dim, self.kv_heads * self.dim, self.kv_heads * self.value_dim]
        columns = [self.width, self.context_width, self.context_width]
        rows = [*inner, self.out_width]
        columns.append(self.heads * self.value_dim)
        if self.packed:
            rows, columns = [sum(inner), self.out_width], [self.width, columns[-1]]
        names = [
            self.weight(f"weight{i}", *pair)
            for i, pair in enumerate(zip(rows, columns, strict=True))
        ]
        self.head += f" {'packed' if self.packed else 'weights'}({', '.join(names)})"
        if self.random.random() < 0.5:
            names = []
            for i, size in enumerate(rows):
                self.listed.append(f"tensor<{size}x{self.dtype}>")
                spec = self.random_spec([size], self.dtype, 0.2)
                names.append(self.argument(f"bias{i}", self.listed[-1], spec))
            self.head += f" bias({', '.join(names)})"
        self.head += f" heads({self.heads}) kv_heads({self.kv_heads})"
        self.choose_rope()
        self.choose_norm()

    def choose_rope(self):
        if self.context or self.random.random() < 0.5:
            return
        half = self.random.randint(1, self.dim // 2)
        sizes = [self.queries, half]
        if self.random.random() < 0.3:
            sizes.insert(0, self.batch)
        angles = numpy.random.default_rng(self.number).normal(size=sizes) * 3
        kind = self.tensor(sizes[:-1], "").removesuffix(">") + f"{half}x{self.acc}>"
        dtype = numpy.float64 if self.acc == "f64" else numpy.float32
        names = [
            self.argument(name, kind, self.array(name, function(angles).astype(dtype)))
            for name, function in (("cos", numpy.cos), ("sin", numpy.sin))
        ]
        word = self.random.choice(["", " interleaved"])
        self.head += f" rope({', '.join(names)} : {kind}, {kind}){word}"

    def choose_norm(self):
        if self.random.random() < 0.3:
            kind = f"tensor<{self.dim}x{self.dtype}>"
            spec = self.random_spec([self.dim], self.dtype, 1.0)
            names = [self.argument(name, kind, spec) for name in ("gq", "gk")]
            self.head += f" qk_norm({', '.join(names)} : {kind}, {kind}) eps(1.0e-6)"

    def choose_results(self):
        self.returns = ["weights"] if self.random.random() < 0.3 else []
        if self.captures:
            self.clauses.append(f"captures({', '.join(text for text, _ in self.captures)})")
        if self.returns:
            self.clauses.append("returns(weights)")

    def text(self):
        out = f"tensor<{self.batch}x{self.dimension(self.queries)}x{self.out_width}x{self.dtype}>"
        results, names = [out], "%o"
        if self.returns:
            sizes = [self.batch, self.heads, self.queries, self.keys]
            results.append(self.tensor(sizes, self.acc))
            names = "%o, %p"
        arguments = ", ".join(f"%{name}: {kind}" for name, kind in self.arguments)
        lines = [f"func.func @case({arguments}) -> ({', '.join(results)}) {{"]
        lines += ["  " + line for line in self.body]
        lines.append(f"  {names} = {self.head} {' '.join(self.clauses)}")
        lines.append(f"    : {', '.join(self.listed)} -> {', '.join(results)}")
        lines += self.regions()
        lines += [f"  return {names} : {', '.join(results)}", "}", ""]
        return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(runner.main(Block, __doc__, 60))
