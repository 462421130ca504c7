# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Grids of shapes and options of attn_mlir.sdpa, each case within the bound of docs/numerics.md.

The sizes are those that kernels of attention are commonly tried at: lengths around the sides of
tiles, head sizes that models have and some that they have not, grouped heads, caches. A case is
one call, and its values depend on its place in the grid alone.
"""

import zlib

import attention_judge as judge
import numpy as np
import pytest
from array_layouts import lay_out

import attn_mlir

FLOATS = ["float32", "float64", "float16", "bfloat16"]
BOTTOM = {"is_causal": True, "causal_align": "bottom_right"}


def seed_of(*case):
    return zlib.crc32(repr(case).encode())


def numbers(shape, dtype, seed, deviation=1.0):
    return judge.rounded(np.random.default_rng(seed).normal(0, deviation, shape), dtype)


def check(dtype, shape, options, layouts=("plain",) * 3, seed=0, deviation=1.0):
    """`shape` is (B, Hq, Hkv, M, N, D, Dv)."""
    batches, heads, kv_heads, queries, keys, dim, value_dim = shape
    shapes = (
        (batches, heads, queries, dim),
        (batches, kv_heads, keys, dim),
        (batches, kv_heads, keys, value_dim),
    )
    arrays = [
        lay_out(numbers(size, dtype, seed + i, deviation), layout)
        for i, (size, layout) in enumerate(zip(shapes, layouts, strict=True))
    ]
    found, found_lse = attn_mlir.sdpa(*arrays, return_lse=True, enable_gqa=True, **options)
    assert found.dtype == arrays[0].dtype
    assert found.shape == (batches, heads, queries, value_dim)
    if 0 in (batches, heads, queries, keys):
        assert (np.asarray(found).astype(np.float64) == 0).all()
        assert (found_lse == -np.inf).all()
        return
    output, lse, bound, lse_bound = judge.attention(*arrays, **options)
    judge.assert_within(found, output, bound, "output")
    judge.assert_within(found_lse, lse, lse_bound, "lse")


def mask_of(kind, shape, seed):
    """A mask for (B, Hq, M, N), as rules of models make them."""
    batches, heads, queries, keys = shape
    random = np.random.default_rng(seed)
    if kind == "padding":
        return random.random((batches, 1, 1, keys)) < 0.8
    if kind == "bool":
        return random.random((queries, keys)) < 0.5
    if kind == "bias":
        return random.normal(size=(1, heads, queries, keys)).astype(np.float32)
    if kind == "infinite":
        mask = random.normal(size=(batches, 1, queries, keys)).astype(np.float32)
        mask[random.random(mask.shape) < 0.3] = -np.inf
        return mask
    return None


# ---- every type against masks and alignments, and scales ----------------------------------------

MASKS = ["none", "causal", "bottom", "bool", "padding", "bias", "infinite"]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (8, 8), (4, 300), (64, 16), (131, 257)])
def test_masks(dtype, mask, queries, keys):
    seed = seed_of(dtype, mask, queries, keys)
    options = {"causal": {"is_causal": True}, "bottom": dict(BOTTOM)}.get(mask, {})
    array = mask_of(mask, (2, 4, queries, keys), seed)
    if array is not None:
        if array.dtype != bool and dtype != "float32":
            array = judge.rounded(array.astype(np.float64), dtype)
        options["attn_mask"] = array
    check(dtype, (2, 4, 2, queries, keys, 32, 32), options, seed=seed)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("scale", [0.05, 1.0, 0.0, -0.3])
@pytest.mark.parametrize("queries", [2, 50])
def test_scales(dtype, scale, queries):
    options = {"scale": scale, **BOTTOM}
    check(dtype, (1, 2, 2, queries, 77, 32, 32), options, seed=seed_of(dtype, scale, queries))


# ---- head sizes ---------------------------------------------------------------------------------

HEAD_SIZES = [1, 2, 7, 8, 16, 24, 32, 40, 48, 59, 64, 72, 80, 96, 111, 112, 128, 160, 192, 224, 256]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("dim", HEAD_SIZES)
@pytest.mark.parametrize("queries", [1, 50])
def test_head_sizes(dtype, dim, queries):
    check(dtype, (1, 2, 1, queries, 77, dim, dim), BOTTOM, seed=seed_of(dtype, dim, queries))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("dim", "value_dim"), [(192, 128), (64, 128), (128, 64), (40, 56), (96, 1), (3, 160)]
)
@pytest.mark.parametrize("queries", [1, 40])
def test_values_of_another_size(dtype, dim, value_dim, queries):
    seed = seed_of(dtype, dim, value_dim, queries)
    check(dtype, (1, 2, 2, queries, 65, dim, value_dim), {"is_causal": queries > 1}, seed=seed)


# ---- lengths around the sides of tiles ----------------------------------------------------------

LENGTHS = [
    (1, 128), (3, 799), (64, 128), (108, 256), (113, 203), (127, 512), (127, 513), (128, 128),
    (128, 217), (129, 127), (191, 193), (256, 512), (239, 1), (17, 16), (16, 17), (5, 1023),
]  # fmt: skip
VARIANTS = {
    "plain": {},
    "causal": BOTTOM,
    "window": {"window": (40, 10), "causal_align": "bottom_right"},
    "window, causal": {"window": (33, 0), **BOTTOM},
    "softcap": {"softcap": 15.0, **BOTTOM},
}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("queries", "keys"), LENGTHS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_lengths(dtype, queries, keys, variant):
    seed = seed_of(dtype, queries, keys, variant)
    check(dtype, (1, 3, 1, queries, keys, 64, 64), VARIANTS[variant], seed=seed)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("align", ["top_left", "bottom_right", -20, 35])
@pytest.mark.parametrize("window", [(-1, -1), (0, 0), (7, -1), (-1, 7), (30, 0), (3, 12)])
@pytest.mark.parametrize("causal", [False, True])
def test_windows(dtype, align, window, causal):
    options = {"window": window, "is_causal": causal, "causal_align": align}
    seed = seed_of(dtype, align, window, causal)
    check(dtype, (1, 2, 2, 60, 90, 24, 24), options, seed=seed)


# ---- grouped heads, and caches ------------------------------------------------------------------

GROUPS = [(1, 1), (4, 4), (4, 2), (4, 1), (6, 3), (8, 1), (12, 4), (32, 8), (5, 5)]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("heads", "kv_heads"), GROUPS)
@pytest.mark.parametrize("queries", [1, 3, 8, 35])
def test_groups(dtype, heads, kv_heads, queries):
    seed = seed_of(dtype, heads, kv_heads, queries)
    check(dtype, (2, heads, kv_heads, queries, 113, 40, 40), BOTTOM, seed=seed)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", [1, 2, 7, 40])
@pytest.mark.parametrize("lengths", [[0, 1, 300], [300, 300, 300], [17, 128, 129], [0, 0, 0]])
@pytest.mark.parametrize("align", ["top_left", "bottom_right"])
def test_caches(dtype, queries, lengths, align):
    options = {"is_causal": True, "causal_align": align, "kv_lens": np.array(lengths, np.int32)}
    seed = seed_of(dtype, queries, lengths, align)
    check(dtype, (3, 4, 2, queries, 300, 32, 32), options, seed=seed)


# ---- score rules --------------------------------------------------------------------------------

RULES = ["softcap", "alibi", "sinks", "softcap, alibi", "alibi, sinks", "all"]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("deviation", [0.02, 1.0, 4.0])
@pytest.mark.parametrize("queries", [2, 45])
def test_score_rules(dtype, rule, deviation, queries):
    seed = seed_of(dtype, rule, deviation, queries)
    options = dict(BOTTOM)
    if "softcap" in rule or rule == "all":
        options["softcap"] = 10.0
    if "alibi" in rule or rule == "all":
        options["alibi_slopes"] = (2.0 ** -np.arange(1, 5)).astype(np.float32)
    if "sinks" in rule or rule == "all":
        options["sinks"] = np.array([-3.0, 0.0, 2.0, 30.0], np.float32)
    check(dtype, (1, 4, 2, queries, 150, 32, 32), options, seed=seed, deviation=deviation)


# ---- places in memory ---------------------------------------------------------------------------

LAYOUTS = [
    "plain", "bshd", "sbhd", "packed", "cache", "gaps", "fortran", "backwards", "unaligned",
    "repeated", "read-only",
]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("queries", [1, 37])
def test_layouts(dtype, layout, queries):
    seed = seed_of(dtype, layout, queries)
    check(dtype, (2, 4, 2, queries, 70, 24, 24), BOTTOM, (layout,) * 3, seed)


@pytest.mark.parametrize("operand", range(3))
@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_one_operand_elsewhere(operand, layout):
    layouts = ["plain"] * 3
    layouts[operand] = layout
    check("float32", (2, 4, 2, 37, 70, 24, 24), {}, layouts, seed_of(operand, layout))


# ---- nothing at all -----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("zero", ["B", "H", "M", "N", "Dv", "M and N", "all"])
@pytest.mark.parametrize("causal", [False, True])
def test_sizes_of_zero(dtype, zero, causal):
    sizes = {"B": 2, "H": 4, "M": 5, "N": 6, "Dv": 8}
    for name in sizes:
        if zero == "all" or name in zero.split(" and "):
            sizes[name] = 0
    shape = (sizes["B"], sizes["H"], sizes["H"], sizes["M"], sizes["N"], 8, sizes["Dv"])
    check(dtype, shape, {"is_causal": causal})


# ---- both ways ----------------------------------------------------------------------------------

CASES = [
    {}, BOTTOM, {"window": (9, 4)}, {"softcap": 8.0}, {"is_causal": True, "window": (20, 0)},
]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("number", range(len(CASES)))
@pytest.mark.parametrize("queries", [1, 21])
def test_the_general_way(dtype, number, queries):
    options = {**CASES[number], "target": "linalg"}
    seed = seed_of(dtype, number, queries)
    check(dtype, (2, 4, 2, queries, 60, 24, 17), options, seed=seed)
