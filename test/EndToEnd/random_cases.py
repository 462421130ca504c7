#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random attentions, compiled and judged: attn-run --check on every target.

Each case is one attn.sdpa with its own shapes, dtype, distribution and clauses, written as .mlir
and run with one command; attn-run compares the numbers with lib/Reference and its bound. A case
depends on its number and the seed alone, so that one can be run again:

    test/EndToEnd/random_cases.py --only 17 --targets cpu --keep /tmp/case
"""

import random
import sys

import numpy
import runner

DTYPES = ["f32", "f32", "bf16", "f16", "f64"]
DEVIATIONS = [0.02, 0.1, 0.5, 1.0, 1.0, 3.0, 10.0]
LOWEST = float(numpy.finfo(numpy.float32).min)


class Case:
    """One function, its inputs and the shapes behind them."""

    def __init__(self, number, folder, seed):
        self.number = number
        self.folder = folder
        self.random = random.Random(f"{seed}/{number}")
        self.arguments = []  # (name, type)
        self.inputs = []  # specs
        self.clauses = []
        self.body = []
        self.captures = []  # (text, element type)
        self.score = None  # lines of a region, yielding %r
        self.mask = None
        self.returns = []
        self.choose_shapes()
        self.choose_layouts()
        for choose in (
            self.choose_scale,
            self.choose_softcap,
            self.choose_score,
            self.choose_alibi,
            self.choose_additive,
            self.choose_keep,
            self.choose_mask,
            self.choose_diagonal,
            self.choose_lengths,
            self.choose_places,
            self.choose_sinks,
            self.choose_results,
        ):
            choose()

    # ---- what the case is -------------------------------------------------------------------

    def size(self, limit, lowest=0):
        """Mostly odd sizes of every magnitude, now and then a round one or none at all."""
        kind = self.random.random()
        if kind < 0.05:
            return lowest
        if kind < 0.2:
            return self.random.choice([s for s in (1, 16, 32, 48, 64, 128, 256) if s <= limit])
        if kind < 0.5:
            return self.random.randint(max(lowest, 1), min(limit, 40))
        return self.random.randint(max(lowest, 1), limit)

    def choose_shapes(self):
        draw = self.random
        self.dtype = draw.choice(DTYPES)
        self.acc = "f64" if self.dtype == "f64" else "f32"
        self.deviation = draw.choice(DEVIATIONS)
        self.batch = draw.randint(1, 4)
        self.kv_heads = draw.choice([1, 1, 2, 3, 4, 8, 16])
        self.heads = self.kv_heads * draw.choice(
            [g for g in (1, 1, 2, 4, 8) if g * self.kv_heads <= 16]
        )
        # Few queries have a kernel of their own.
        self.queries = draw.randint(1, 8) if draw.random() < 0.3 else self.size(300)
        self.keys = self.size(300)
        self.dim = self.size(160, lowest=1)
        self.value_dim = self.dim if draw.random() < 0.4 else self.size(160, lowest=1)
        self.open = draw.random() < 0.5  # dynamic sizes

    def dimension(self, size):
        """A size as the type shows it. A 1 that broadcasts must be seen in the type."""
        return "?" if size != 1 and self.open and self.random.random() < 0.6 else str(size)

    def tensor(self, sizes, dtype):
        return "tensor<" + "".join(self.dimension(s) + "x" for s in sizes) + dtype + ">"

    def argument(self, name, kind, spec):
        self.arguments.append((name, kind))
        self.inputs.append(spec)
        return f"%{name}"

    def random_spec(self, sizes, dtype, deviation=None):
        shape = "".join(f"{s}x" for s in sizes) + dtype
        return f"{shape}=random:{self.random.randrange(1 << 30)}:{deviation or self.deviation}"

    def array(self, name, values):
        """An input that no spec can say: a file beside the case."""
        path = self.folder / f"{self.number}-{name}.npy"
        numpy.save(path, values)
        return f"@{path}"

    def choose_layouts(self):
        """Q, K, V and O in memory order; mostly as they are."""
        letters = {"b": self.batch, "d": 0, "h": 0, "s": 0}
        layouts = ["bhsd"] * 4
        if self.random.random() < 0.4:
            layouts = [self.random.choice(["bhsd", "bshd"]) for _ in range(4)]
        if layouts != ["bhsd"] * 4:
            self.clauses.append(f"layout({', '.join(layouts)})")
        self.types = []
        for name, layout, heads, rows, length in (
            ("q", layouts[0], self.heads, self.queries, self.dim),
            ("k", layouts[1], self.kv_heads, self.keys, self.dim),
            ("v", layouts[2], self.kv_heads, self.keys, self.value_dim),
            ("o", layouts[3], self.heads, self.queries, self.value_dim),
        ):
            letters.update(h=heads, s=rows, d=length)
            sizes = [letters[letter] for letter in layout]
            self.types.append(self.tensor(sizes, self.dtype))
            if name != "o":
                self.argument(name, self.types[-1], self.random_spec(sizes, self.dtype))

    def scalar(self, name, value, kind=None):
        """A number, known at compile time or at run time."""
        kind = kind or self.acc
        if self.random.random() < 0.5:
            text = f"{value:.6e}" if kind[0] == "f" else str(value)
            self.body.append(f"%{name} = arith.constant {text} : {kind}")
            return f"%{name}"
        return self.argument(name, kind, f"{kind}={value!r}")

    # ---- clauses ----------------------------------------------------------------------------

    def choose_scale(self):
        if self.random.random() < 0.3:
            value = self.random.choice([0.05, 0.125, 1.0, -0.3])
            self.clauses.append(f"scale({self.scalar('scale', value)})")

    def choose_softcap(self):
        if self.random.random() < 0.15:
            value = self.random.choice([5.0, 20.0, 50.0, 0.0])
            self.clauses.append(f"softcap({self.scalar('cap', value)})")

    def capture(self, text, tensor_type, element):
        self.captures.append((f"{text} : {tensor_type}", element))
        return f"%c{len(self.captures) - 1}"

    def choose_score(self):
        rule = self.random.choice([None, None, None, None, "distance", "table", "cap", "bend"])
        acc = self.acc
        to_float = (
            "%di = arith.index_cast %d : index to i64",
            f"%x = arith.sitofp %di : i64 to {acc}",
        )
        if rule == "distance":
            # s - slope[h] (m - n)
            kind = self.tensor([self.heads], acc)
            slope = self.argument("slope", kind, self.random_spec([self.heads], acc, 0.1))
            value = self.capture(f"{slope}[h]", kind, acc)
            self.score = [
                "%d = arith.subi %m, %n : index",
                *to_float,
                f"%t = arith.mulf {value}, %x : {acc}",
                f"%r = arith.subf %s, %t : {acc}",
            ]
        elif rule == "table":
            # s + table[h, n - m + 300]
            sizes = [self.heads, 601]
            kind = self.tensor(sizes, acc)
            table = self.argument("table", kind, self.random_spec(sizes, acc, 1.0))
            value = self.capture(f"{table}[h, n - m + 300]", kind, acc)
            self.score = [f"%r = arith.addf %s, {value} : {acc}"]
        elif rule == "cap":
            # 20 tanh(s / 20) + temperature, with a captured scalar
            warmth = self.argument("warmth", acc, f"{acc}=0.25")
            value = self.capture(f"{warmth}[]", acc, acc)
            self.score = [
                f"%cap = arith.constant 20.0 : {acc}",
                f"%u = arith.divf %s, %cap : {acc}",
                f"%t = math.tanh %u : {acc}",
                f"%w = arith.mulf %t, %cap : {acc}",
                f"%r = arith.addf %w, {value} : {acc}",
            ]
        elif rule == "bend":
            # Half the slope below zero; a kink, no jump.
            self.score = [
                f"%half = arith.constant 0.5 : {acc}",
                f"%t = arith.mulf %s, %half : {acc}",
                f"%r = arith.maximumf %s, %t : {acc}",
            ]

    def choose_alibi(self):
        if self.random.random() < 0.15:
            kind = self.tensor([self.heads], "f32")
            slopes = self.argument("alibi", kind, self.random_spec([self.heads], "f32", 0.05))
            self.clauses.append(f"alibi({slopes} : {kind})")

    def broadcast_shape(self):
        full = [self.batch, self.heads, self.queries, self.keys]
        shape = [size if self.random.random() < 0.5 else 1 for size in full]
        return shape[self.random.randrange(4) :] if self.random.random() < 0.5 else shape

    def choose_additive(self):
        if self.random.random() < 0.2:
            shape = self.broadcast_shape()
            values = numpy.random.default_rng(self.number).normal(size=shape)
            values = values.astype(numpy.float64 if self.acc == "f64" else numpy.float32)
            low = self.random.choice([None, -1e4, -1e9, LOWEST, -numpy.inf])
            if low is not None:
                values[numpy.random.default_rng(self.number + 1).random(shape) < 0.3] = low
            kind = self.tensor(shape, self.acc)
            mask = self.argument("additive", kind, self.array("additive", values))
            self.clauses.append(f"additive({mask} : {kind})")

    def choose_keep(self):
        if self.random.random() < 0.25:
            shape = self.broadcast_shape()
            kind = self.tensor(shape, "i1")
            spec = "".join(f"{s}x" for s in shape) + f"i1=random:{self.number}"
            self.clauses.append(f"keep({self.argument('keep', kind, spec)} : {kind})")

    def choose_mask(self):
        rule = self.random.choice([None, None, None, None, "documents", "strided", "prefix"])
        # Rules that joined later draw beside the others, which stay what they are.
        draw = random.Random(f"{self.number}/mask")
        rule = rule or draw.choice([None, None, "chunks", "dilated", "padding"])
        if rule == "documents":
            values = []
            for name, letter, rows in (("docq", "m", self.queries), ("dock", "n", self.keys)):
                sizes = [self.batch, rows]
                documents = numpy.sort(
                    numpy.random.default_rng(self.number).integers(0, 4, size=sizes), axis=1
                ).astype(numpy.int32)
                kind = self.tensor(sizes, "i32")
                operand = self.argument(name, kind, self.array(name, documents))
                values.append(self.capture(f"{operand}[b, {letter}]", kind, "i32"))
            self.mask = [f"%r = arith.cmpi eq, {values[0]}, {values[1]} : i32"]
        elif rule == "strided":
            # The last 16 keys before the diagonal and every eighth of all.
            self.mask = [
                "%c8 = arith.constant 8 : index",
                "%c16 = arith.constant 16 : index",
                "%zero = arith.constant 0 : index",
                "%d = arith.subi %m, %n : index",
                "%near = arith.cmpi slt, %d, %c16 : index",
                "%e = arith.remui %n, %c8 : index",
                "%eighth = arith.cmpi eq, %e, %zero : index",
                "%r = arith.ori %near, %eighth : i1",
            ]
        elif rule == "prefix":
            # Causal, but all see the first keys of their batch entry.
            kind = self.tensor([self.batch], "i64")
            lengths = ",".join(str(self.random.randint(0, 40)) for _ in range(self.batch))
            operand = self.argument("prefix", kind, f"{self.batch}xi64={lengths}")
            value = self.capture(f"{operand}[b]", kind, "i64")
            self.mask = [
                f"%p = arith.index_cast {value} : i64 to index",
                "%early = arith.cmpi slt, %n, %p : index",
                "%past = arith.cmpi sle, %n, %m : index",
                "%r = arith.ori %early, %past : i1",
            ]

        elif rule in ("chunks", "dilated"):
            # Queries see the keys of their chunk, or of every third one.
            size = draw.choice([5, 32, 64, 100])
            self.mask = [
                f"%size = arith.constant {size} : index",
                "%mine = arith.floordivsi %m, %size : index",
                "%its = arith.divui %n, %size : index",
                "%d = arith.subi %mine, %its : index",
                f"%every = arith.constant {3 if rule == 'dilated' else 1000000} : index",
                "%rest = arith.remsi %d, %every : index",
                "%zero = arith.constant 0 : index",
                "%r = arith.cmpi eq, %rest, %zero : index",
            ]
        elif rule == "padding":
            # Keys and queries that are there, by head, apart from the first key.
            values = []
            for name, letter, rows in (("padq", "m", self.queries), ("padk", "n", self.keys)):
                sizes = [self.heads, rows]
                there = numpy.zeros(sizes, bool)
                for row in there:
                    row[draw.randint(0, rows) : draw.randint(0, rows)] = True
                kind = f"tensor<{self.heads}x{rows}xi1>"
                operand = self.argument(name, kind, self.array(name, there))
                values.append(self.capture(f"{operand}[h, {letter}]", kind, "i1"))
            self.mask = [
                f"%both = arith.andi {values[0]}, {values[1]} : i1",
                "%zero = arith.constant 0 : index",
                "%first = arith.cmpi eq, %n, %zero : index",
                "%r = arith.ori %both, %first : i1",
            ]

    def choose_diagonal(self):
        kind = self.random.choice([None, None, "top_left", "bottom_right", "offset"])
        if kind == "offset":
            offset = self.random.randint(-20, 200)
            kind = self.scalar("offset", offset, "index")
        if kind:
            self.clauses.append(f"causal({kind})")
        if self.random.random() < 0.2:
            sizes = [self.random.choice([-1, 0, 3, 40, 128]) for _ in range(2)]
            texts = [
                str(size)
                if self.random.random() < 0.5
                else self.argument(f"w{i}", "index", f"index={size}")
                for i, size in enumerate(sizes)
            ]
            self.clauses.append(f"window({texts[0]}, {texts[1]})")

    def choose_lengths(self):
        if self.random.random() < 0.15:
            dtype = self.random.choice(["i32", "i64"])
            kind = self.tensor([self.batch], dtype)
            lengths = ",".join(str(self.random.randint(0, self.keys)) for _ in range(self.batch))
            operand = self.argument("lens", kind, f"{self.batch}x{dtype}={lengths}")
            self.clauses.append(f"kv_lens({operand} : {kind})")

    def choose_places(self):
        """Clauses that joined later draw beside the others, which stay what they are."""
        draw = random.Random(f"{self.number}/places")
        numbers = numpy.random.default_rng(self.number)
        causal = [c for c in self.clauses if c.startswith("causal")]
        sizes = (self.batch, self.heads, self.queries, self.keys)
        if draw.random() < 0.1:
            self.clauses.append(f"chunked({draw.choice([1, 7, 40, 64, 128])})")
        if draw.random() < 0.1:
            self.clauses.append(f"dilated({draw.choice([1, 2, 3, 16])})")
        if causal and draw.random() < 0.3:
            if draw.random() < 0.5:
                self.clauses.append(
                    f"prefix({self.scalar('early', draw.randint(0, 60), 'index')} : index)"
                )
            else:
                kind = self.tensor([self.batch], "i32")
                lengths = numbers.integers(0, 200, self.batch).astype(numpy.int32)
                operand = self.argument("early", kind, self.array("early", lengths))
                self.clauses.append(f"prefix({operand} : {kind})")
        if draw.random() < 0.1:
            operands, kinds = [], []
            for name, rows in (("ofq", self.queries), ("ofk", self.keys)):
                shape = [self.batch, rows] if draw.random() < 0.5 else [rows]
                ids = numpy.sort(numbers.integers(0, 3, shape), axis=-1)
                kinds.append(self.tensor(shape, "i64"))
                operands.append(self.argument(name, kinds[-1], self.array(name, ids)))
            self.clauses.append(f"documents({', '.join(operands)} : {', '.join(kinds)})")
        if draw.random() < 0.1 and self.queries and self.keys:
            rows, columns = draw.choice([(16, 16), (64, 32), (40, 128), (1, 5)])
            shape = [self.batch, self.heads, -(-self.queries // rows), -(-self.keys // columns)]
            shape = [1 if draw.random() < 0.5 else shape[0], *shape[1:]][draw.randint(0, 2) :]
            # What is 1 in the type broadcasts: say all sizes.
            kind = "tensor<" + "".join(f"{size}x" for size in shape) + "i1>"
            blocks = self.array("blocks", numbers.random(shape) < 0.6)
            self.clauses.append(
                f"block_sparse({self.argument('blocks', kind, blocks)} : {kind}, {rows}, {columns})"
            )
        if causal and self.queries <= 31 and draw.random() < 0.4:
            shape = [self.batch, self.queries] if draw.random() < 0.5 else [self.queries]
            bits = numbers.integers(0, 1 << 31, shape).astype(numpy.int32)
            kind = self.tensor(shape, "i32")
            operand = self.argument("tree", kind, self.array("tree", bits))
            self.clauses.append(f"tree({operand} : {kind})")
        if draw.random() < 0.1:
            buckets, far = draw.choice([(32, 128), (8, 20), (4, 300)])
            ways = draw.choice(["", ", bidirectional"])
            dtype = draw.choice(["f32", "bf16"])
            first = self.dimension(sizes[1])
            kind = f"tensor<{first}x{buckets}x{dtype}>"
            spec = self.random_spec([self.heads, buckets], dtype, 1.0)
            operand = self.argument("buckets", kind, spec)
            self.clauses.append(f"relative_bias({operand} : {kind}, {far}{ways})")

    def choose_sinks(self):
        if self.random.random() < 0.15:
            kind = self.tensor([self.heads], "f32")
            operand = self.argument("sinks", kind, self.random_spec([self.heads], "f32", 2.0))
            self.clauses.append(f"sinks({operand} : {kind})")

    def choose_results(self):
        if self.random.random() < 0.3:
            self.returns.append("lse")
        if self.random.random() < 0.15:
            self.returns.append("weights")
        if self.captures:
            texts = ", ".join(text for text, _ in self.captures)
            self.clauses.append(f"captures({texts})")
        if self.returns:
            self.clauses.append(f"returns({', '.join(self.returns)})")

    # ---- text and command -------------------------------------------------------------------

    def regions(self):
        lines = []
        extra = "".join(f", %c{i}" for i in range(len(self.captures)))
        for region, head, kind in (
            (self.score, f"score(%s, %b, %h, %m, %n{extra})", self.acc),
            (self.mask, f"mask(%b, %h, %m, %n{extra})", "i1"),
        ):
            if region:
                lines.append(f"    {head} {{")
                lines += ["      " + line for line in region]
                lines += [f"      attn.yield %r : {kind}", "    }"]
        return lines

    def text(self):
        results = [self.types[3]]
        shape = [self.batch, self.heads, self.queries]
        if "lse" in self.returns:
            results.append(self.tensor(shape, self.acc))
        if "weights" in self.returns:
            results.append(self.tensor([*shape, self.keys], self.acc))
        arguments = ", ".join(f"%{name}: {kind}" for name, kind in self.arguments)
        listed = ", ".join(results)
        names = ", ".join(["%o", "%l", "%p"][: len(results)])
        lines = [f"func.func @case({arguments}) -> ({listed}) {{"]
        lines += ["  " + line for line in self.body]
        lines.append(f"  {names} = attn.sdpa %q, %k, %v {' '.join(self.clauses)}")
        lines.append(f"    : {', '.join(self.types[:3])} -> {listed}")
        lines += self.regions()
        lines += [f"  return {names} : {listed}", "}", ""]
        return "\n".join(lines)

    def write(self):
        path = self.folder / f"{self.number}.mlir"
        path.write_text(self.text())
        return path

    def command(self, tool, target):
        inputs = [f"--input={spec}" for spec in self.inputs]
        return [
            tool,
            str(self.folder / f"{self.number}.mlir"),
            f"--target={target}",
            "--check",
            *inputs,
        ]


if __name__ == "__main__":
    sys.exit(runner.main(Case, __doc__, 300))
