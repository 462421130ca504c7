# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Blocks that the room Optimize rewrites, run and judged by numpy in double precision.

Each block is drawn at random: a norm in front, a factor behind, a scale, biases, grouped heads, a
context, odd sizes, weights as arguments or as constants. What is rewritten is known beforehand.
"""

import math
import os
import pathlib
import subprocess

import numpy as np
import pytest

import attn_mlir

ROOT = pathlib.Path(__file__).resolve().parents[2]
ATTN_OPT = pathlib.Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin")) / "attn-opt"
NAMES = {"f32": np.float32, "f64": np.float64}
# Of the largest result, for sums of tens of products.
ROUNDING = {"f32": 5e-6, "f64": 1e-13}


class Block:
    """A block's arrays, clauses and MLIR."""

    def __init__(self, seed):
        draw = self.draw = np.random.default_rng(seed)
        self.kind = str(draw.choice(["f32", "f64"]))
        self.batch, self.queries = (int(n) for n in draw.integers([1, 1], [4, 30]))
        self.kv_heads, self.group = (int(n) for n in draw.integers(1, 4, 2))
        self.heads = self.kv_heads * self.group
        self.size, self.value_size = (int(n) for n in draw.integers(1, 9, 2))
        self.channels, self.outputs = (int(n) for n in draw.integers(2, 20, 2))
        self.cross, self.causal, self.biased, self.constant, self.keep = (
            bool(b) for b in draw.random(5) < [0.3, 0.3, 0.7, 0.4, 0.3]
        )
        self.norm, self.factor, self.scaled = (bool(b) for b in draw.random(3) < 0.6)
        self.keys = int(draw.integers(1, 40)) if self.cross else self.queries
        self.source_channels = int(draw.integers(2, 20)) if self.cross else self.channels
        self.std = float(draw.choice([0.02, 0.3, 1.0]))
        self.make_arrays()

    def make_arrays(self):
        h, g, d, dv = self.heads, self.kv_heads, self.size, self.value_size
        e, c, o = self.channels, self.source_channels, self.outputs
        shapes = {"wq": (h * d, e), "wk": (g * d, c), "wv": (g * dv, c), "wo": (o, h * dv)}
        if self.biased:
            shapes |= {"bq": (h * d,), "bk": (g * d,), "bv": (g * dv,), "bo": (o,)}
        if self.norm:
            shapes |= {"gamma": (e,), "beta": (e,)}
        if self.factor:
            shapes |= {"factor": (o,)}
        self.weights = {name: self.random(*shape) for name, shape in shapes.items()}
        self.x = self.random(self.batch, self.queries, e, std=1.0)
        self.context = self.random(self.batch, self.keys, c, std=1.0)
        lengths = self.draw.integers(1, self.keys + 1, (self.batch, 1))
        self.mask = np.arange(self.keys) < lengths
        self.scale = float(self.draw.choice([0.5, 0.3, 1.7])) if self.scaled else None

    def random(self, *shape, std=None):
        return self.draw.normal(0, std or self.std, shape).astype(NAMES[self.kind])

    def arrays(self):
        """The arguments, in their order."""
        arrays = [self.x] + [self.context] * self.cross
        arrays += [self.mask[:, None, None]] * self.keep
        return arrays + [] if self.constant else arrays + list(self.weights.values())

    def tensor(self, *sizes):
        return f"tensor<{'x'.join([*map(str, sizes), self.kind])}>"

    def source(self):
        rows, context = (self.tensor("?", "?", n) for n in (self.channels, self.source_channels))
        arguments = [f"%x: {rows}"]
        arguments += [f"%c: {context}"] * self.cross
        arguments += ["%keep: tensor<?x1x1x?xi1>"] * self.keep
        body = []
        for name, array in self.weights.items():
            kind = self.tensor(*array.shape)
            if self.constant:
                body.append(f'%{name} = arith.constant dense<"0x{array.tobytes().hex()}"> : {kind}')
            else:
                arguments.append(f"%{name}: {kind} {{attn.weight}}")
        if self.scaled:
            body.append(f"%scale = arith.constant {self.scale} : {self.kind}")
        body += ["%c0 = arith.constant 0 : index", "%c1 = arith.constant 1 : index"]
        body += [f"%b = tensor.dim %x, %c0 : {rows}", f"%s = tensor.dim %x, %c1 : {rows}"]
        x = self.norm_in_front(body, rows) if self.norm else "%x"
        result = self.tensor("?", "?", self.outputs)
        names = ["wq", "wk", "wv", "wo"] + ["bq", "bk", "bv", "bo"] * self.biased
        kinds = [rows] + [context] * self.cross
        kinds += [self.tensor(*self.weights[name].shape) for name in names]
        clauses = " causal(top_left)" * self.causal + " scale(%scale)" * self.scaled
        clauses += " keep(%keep : tensor<?x1x1x?xi1>)" * self.keep
        body.append(
            f"%y = attn.mha {x}{' context(%c)' * self.cross} weights(%wq, %wk, %wv, %wo)"
            f"{' bias(%bq, %bk, %bv, %bo)' * self.biased} heads({self.heads}) "
            f"kv_heads({self.kv_heads}){clauses} : {', '.join(kinds)} -> {result}"
        )
        y = self.factor_behind(body, result) if self.factor else "%y"
        lines = "\n  ".join(body)
        return (
            f"func.func @block({', '.join(arguments)}) -> {result} {{\n  {lines}\n"
            f"  return {y} : {result}\n}}\n"
        )

    def pointwise(self, body, name, inputs, kinds, result, code):
        maps = ["(b, s, e) -> (b, s, e)" if "?" in k else "(b, s, e) -> (e)" for k in kinds]
        maps = ", ".join(f"affine_map<{m}>" for m in [*maps, "(b, s, e) -> (b, s, e)"])
        arguments = ", ".join(f"%i{i}: {self.kind}" for i in range(len(inputs)))
        body.append(f"{name}_e = tensor.empty(%b, %s) : {result}")
        body.append(
            f"{name} = linalg.generic {{indexing_maps = [{maps}], iterator_types = "
            f'["parallel", "parallel", "parallel"]}} ins({", ".join(inputs)} : '
            f"{', '.join(kinds)}) outs({name}_e : {result}) {{\n"
            f"  ^bb0({arguments}, %o: {self.kind}):\n{code}  }} -> {result}"
        )
        return name

    def norm_in_front(self, body, rows):
        """x * |x|, then gamma and beta: what comes before them does not matter here."""
        channel = self.tensor(self.channels)
        code = (
            f"    %a = math.absf %i0 : {self.kind}\n    %t = arith.mulf %i0, %a : {self.kind}\n"
            f"    %g = arith.mulf %t, %i1 : {self.kind}\n"
            f"    %r = arith.addf %g, %i2 : {self.kind}\n    linalg.yield %r : {self.kind}\n"
        )
        inputs = ["%x", "%gamma", "%beta"]
        return self.pointwise(body, "%n", inputs, [rows, channel, channel], rows, code)

    def factor_behind(self, body, result):
        code = f"    %r = arith.mulf %i0, %i1 : {self.kind}\n    linalg.yield %r : {self.kind}\n"
        kinds = [result, self.tensor(self.outputs)]
        return self.pointwise(body, "%z", ["%y", "%factor"], kinds, result, code)

    def expected(self):
        a = {name: array.astype(np.float64) for name, array in self.weights.items()}
        x = self.x.astype(np.float64)
        if self.norm:
            x = x * np.abs(x) * a["gamma"] + a["beta"]
        source = self.context.astype(np.float64) if self.cross else x

        def split(rows, part, heads):
            y = rows @ a[f"w{part}"].T + a.get(f"b{part}", 0)
            return y.reshape(*y.shape[:2], heads, -1).swapaxes(1, 2)

        q = split(x, "q", self.heads)
        k, v = (split(source, part, self.kv_heads).repeat(self.group, 1) for part in "kv")
        scale = self.scale if self.scaled else 1 / math.sqrt(self.size)
        s = q @ k.swapaxes(2, 3) * scale
        kept = np.ones((self.batch, 1, self.queries, self.keys), bool)
        if self.causal:
            kept &= np.tril(np.ones((self.queries, self.keys), bool))
        if self.keep:
            kept &= self.mask[:, None, None]
        s = np.where(kept, s, -np.inf)
        p = np.exp(s - s.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        y = (p @ v).swapaxes(1, 2).reshape(self.batch, self.queries, -1)
        return (y @ a["wo"].T + a.get("bo", 0)) * a.get("factor", 1)


@pytest.mark.parametrize("seed", range(24))
def test_blocks_keep_their_values(seed):
    block = Block(seed)
    compiled = attn_mlir.compile(block.source())
    found = compiled(*block.arrays()).astype(np.float64)
    expected = block.expected()
    # beta may make the scores of a row large, and with them what rounding a weight moves.
    least = ROUNDING[block.kind] * np.abs(expected).max() * (1 + 40 * block.std**2)
    assert np.abs(found - expected).max() <= least
    optimized = compiled.ir("optimize")
    mha = next(line for line in optimized.splitlines() if "attn.mha" in line)
    assert "%beta" not in mha
    if block.norm:
        assert optimized[: optimized.index("attn.mha")].count("math.absf") == 1
    if block.factor:  # nothing is left of the generic behind
        assert "linalg.generic" not in optimized[optimized.index("attn.mha") :]


def repeated(kind, group, heads, form):
    """K and V of `heads` heads, each `group` times, for an attn.sdpa."""
    small = f"tensor<2x{heads}x?x4x{kind}>"
    large = f"tensor<2x{heads * group}x?x4x{kind}>"
    middle = f"tensor<2x{heads}x{group}x?x4x{kind}>"
    lines = []
    for name in "kv":
        lines.append(f"%{name}n = tensor.dim %{name}, %c2 : {small}")
        if form == "broadcast":
            lines += [
                f"%{name}e = tensor.empty(%{name}n) : {middle}",
                f"%{name}b = linalg.broadcast ins(%{name} : {small}) outs(%{name}e : {middle}) "
                "dimensions = [2]",
                f"%{name}r = tensor.collapse_shape %{name}b [[0], [1, 2], [3], [4]] : {middle} "
                f"into {large}",
            ]
        else:
            lines += [
                f"%{name}e = tensor.empty(%{name}n) : {large}",
                f"%{name}r = linalg.generic {{indexing_maps = [affine_map<(b, h, n, d) -> (b, h "
                f"floordiv {group}, n, d)>, affine_map<(b, h, n, d) -> (b, h, n, d)>], "
                'iterator_types = ["parallel", "parallel", "parallel", "parallel"]} '
                f"ins(%{name} : {small}) outs(%{name}e : {large}) {{\n"
                f"  ^bb0(%i: {kind}, %o: {kind}):\n    linalg.yield %i : {kind}\n  }} -> {large}",
            ]
    return small, large, lines


@pytest.mark.parametrize("form", ["broadcast", "map"])
@pytest.mark.parametrize(
    "group, heads, queries, keys", [(2, 3, 5, 17), (3, 1, 1, 33), (4, 2, 9, 1)]
)
def test_repeated_heads_are_read_once(form, group, heads, queries, keys):
    small, large, lines = repeated("f32", group, heads, form)
    body = "\n  ".join(["%c2 = arith.constant 2 : index", *lines])
    compiled = attn_mlir.compile(
        f"func.func @f(%q: {large}, %k: {small}, %v: {small}) -> {large} {{\n  {body}\n"
        f"  %o = attn.sdpa %q, %kr, %vr : {large}, {large}, {large} -> {large}\n"
        f"  return %o : {large}\n}}\n"
    )
    assert f"{small}, {small} -> {large}" in compiled.ir("optimize")
    rng = np.random.default_rng(group)
    q = rng.normal(size=(2, heads * group, queries, 4)).astype(np.float32)
    k, v = rng.normal(size=(2, 2, heads, keys, 4)).astype(np.float32)
    s = q.astype(np.float64) @ k.repeat(group, 1).swapaxes(2, 3) / 2
    p = np.exp(s - s.max(-1, keepdims=True))
    expected = p / p.sum(-1, keepdims=True) @ v.repeat(group, 1)
    assert np.abs(compiled(q, k, v) - expected).max() < 1e-6


@pytest.mark.parametrize("seed, queries, biased", [(100, 1, False), (101, 13, True)])
def test_one_product_keeps_values(tmp_path, seed, queries, biased):
    block = Block(seed)
    block.constant, block.cross, block.biased = False, False, biased
    block.queries = block.keys = queries
    block.value_size, block.source_channels = block.size, block.channels
    block.make_arrays()
    path = tmp_path / "block.mlir"
    path.write_text(block.source())
    command = [ATTN_OPT, path, "--attn-optimize-one-qkv-product=always"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "attn.one_product" in done.stdout, done.stderr
    found, expected = attn_mlir.compile(done.stdout)(*block.arrays()), block.expected()
    least = ROUNDING[block.kind] * np.abs(expected).max() * (1 + 40 * block.std**2)
    assert np.abs(found - expected).max() <= least


def heads_of(compiled):
    mha = next(line for line in compiled.ir("optimize").splitlines() if "attn.mha" in line)
    return int(mha.split(" heads(")[1].split(")")[0]), "kv_heads(" in mha


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("part", ["wo", "wv"])
def test_a_dead_head_goes_without_a_changed_bit(kind, part):
    """What is left is computed in the same order; a dead head adds zeros to that."""
    block = planted(kind, 5)
    d, dead = block.size, 3
    if part == "wo":
        block.weights["wo"][:, dead * d : (dead + 1) * d] = 0
    else:
        block.weights["wv"][dead * d : (dead + 1) * d] = 0
        block.weights["bv"][dead * d : (dead + 1) * d] = 0
    block.constant = True
    pruned = attn_mlir.compile(block.source())
    assert heads_of(pruned) == (4, False)
    found = pruned(*block.arrays())
    block.constant = False  # of arguments nothing is known
    whole = attn_mlir.compile(block.source())
    assert heads_of(whole)[0] == 5
    assert np.array_equal(found, whole(*block.arrays()))


@pytest.mark.parametrize("kind", ["f32", "f64"])
@pytest.mark.parametrize("with_queries", [False, True])
def test_a_duplicate_is_merged_within_rounding(kind, with_queries):
    """Equal key heads become one for both query heads; heads equal altogether become one."""
    block = planted(kind, 4)
    d = block.size
    names = ["wk", "wv", "bk", "bv"] + ["wq", "bq"] * with_queries
    for name in names:
        rows = block.weights[name]
        rows[d : 2 * d] = rows[:d]
        if not with_queries:  # two pairs, so that groups are of one size
            rows[3 * d :] = rows[2 * d : 3 * d]
    block.constant = True
    merged = attn_mlir.compile(block.source())
    assert heads_of(merged) == ((3, False) if with_queries else (4, True))
    found, expected = merged(*block.arrays()), block.expected()
    assert np.abs(found - expected).max() <= ROUNDING[kind] * np.abs(expected).max()


def planted(kind, heads):
    """A biased block of self-attention with this many heads of 8 channels."""
    block = Block(7)
    block.kind, block.heads, block.kv_heads, block.group = kind, heads, heads, 1
    block.size = block.value_size = 8
    block.batch, block.queries, block.channels, block.outputs = 2, 37, 19, 21
    block.keys, block.source_channels, block.std = 37, 19, 0.3
    block.biased, block.cross, block.causal, block.keep = True, False, False, True
    block.norm = block.factor = block.scaled = False
    block.make_arrays()
    return block
