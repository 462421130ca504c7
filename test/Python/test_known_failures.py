# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What kernels of attention are known to get wrong: one test for each, named after it."""

import attention_judge as judge
import ml_dtypes
import numpy as np
import pytest
from array_layouts import guarded, lay_out

import attn_mlir

FLOATS = ["float32", "float64", "float16", "bfloat16"]
LOWEST = float(np.finfo(np.float32).min)
# Up to eight queries have a kernel of their own.
QUERIES = [3, 33]


def numbers(*shape, dtype="float32", seed=0, deviation=1.0):
    return judge.rounded(np.random.default_rng(seed).normal(0, deviation, shape), dtype)


def inputs(dtype="float32", queries=33, keys=150, heads=4, kv_heads=4, dim=32, batches=1, **more):
    return (
        numbers(batches, heads, queries, dim, dtype=dtype, seed=1, **more),
        numbers(batches, kv_heads, keys, dim, dtype=dtype, seed=2, **more),
        numbers(batches, kv_heads, keys, dim, dtype=dtype, seed=3),
    )


def check(arrays, **options):
    """The output, judged together with the LSE."""
    found, found_lse = attn_mlir.sdpa(*arrays, return_lse=True, enable_gqa=True, **options)
    output, lse, bound, lse_bound = judge.attention(*arrays, **options)
    judge.assert_within(found, output, bound, "output")
    judge.assert_within(found_lse, lse, lse_bound, "lse")
    return np.asarray(found).astype(np.float64), found_lse


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_a_row_with_every_key_masked_is_zero(dtype, queries):
    mask = np.ones((queries, 150), bool)
    mask[1] = False
    output, lse = check(inputs(dtype, queries), attn_mask=mask)
    assert (output[:, :, 1] == 0).all()
    assert (lse[:, :, 1] == -np.inf).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_a_row_masked_by_minus_infinity_is_zero(dtype, queries):
    mask = np.zeros((queries, 150))
    mask[1] = -np.inf
    output, lse = check(inputs(dtype, queries), attn_mask=judge.rounded(mask, dtype))
    assert (output[:, :, 1] == 0).all()
    assert (lse[:, :, 1] == -np.inf).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("queries", QUERIES)
def test_a_row_masked_by_the_lowest_float_is_the_mean(dtype, queries):
    q, k, v = inputs(dtype, queries)
    mask = np.zeros((queries, 150), dtype)
    mask[1] = LOWEST
    output = attn_mlir.sdpa(q, k, v, attn_mask=mask)
    assert abs(output[:, :, 1] - v.mean(axis=2)).max() < 1e-5


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_a_row_masked_by_minus_ten_thousand_is_ordinary(dtype, queries):
    mask = np.zeros((queries, 150))
    mask[1] = -1e4
    mask[2, :140] = -1e4
    check(inputs(dtype, queries), attn_mask=judge.rounded(mask, dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("first", [127, 128, 300, 699])
def test_the_first_blocks_are_all_masked(dtype, queries, first):
    mask = np.ones((queries, 700), bool)
    mask[:, :first] = False
    check(inputs(dtype, queries, keys=700), attn_mask=mask)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_a_masked_key_has_the_largest_logit(dtype, queries):
    q, k, v = inputs(dtype, queries)
    k[:, :, 70] = q[:, :, 0] * judge.rounded(np.array(50.0), dtype)
    mask = np.ones((queries, 150), bool)
    mask[:, 70] = False
    check((q, k, v), attn_mask=mask)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_logits_around_two_hundred_thousand(dtype, queries, sign):
    q, k, v = inputs(dtype, queries)
    q[...] = 256
    k[...] = judge.rounded(sign * 24.0 * (1 + np.arange(150) / 1e4).reshape(1, 1, 150, 1), dtype)
    output, lse = check((q, k, v), scale=1.0)
    assert np.isfinite(output).all()
    assert (abs(lse) > 1.9e5).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("scale", [1e7, 1e9, 1e20, 1e35])
@pytest.mark.parametrize("kind", ["plain", "mask", "causal"])
def test_logits_that_leave_one_key(dtype, queries, scale, kind):
    """Beyond 1e7 a rounding of the scores is more than an exponent holds, and any bound is void:
    the row must still be the values of its largest score."""
    q, k, v = inputs(dtype, queries, keys=160)
    options = {"scale": scale, "is_causal": kind == "causal"}
    keep = np.tri(queries, 160, dtype=bool) if kind == "causal" else np.ones((queries, 160), bool)
    if kind == "mask":
        keep = np.random.default_rng(3).random((queries, 160)) < 0.6
        keep[:, 0] = True
        options["attn_mask"] = keep
    s = q.astype(np.float64) @ k.astype(np.float64).swapaxes(-1, -2)
    s = np.where(keep, s, -np.inf)
    best = s.argmax(-1)
    out = attn_mlir.sdpa(q, k, v, **options).astype(np.float64)
    expected = np.take_along_axis(v.astype(np.float64), best[..., None], 2)
    first, second = np.sort(s, -1)[..., -1], np.sort(s, -1)[..., -2]
    clear = (first - second) > 1e-4 * np.abs(first)  # or the largest is one of several
    assert clear.mean() > 0.9
    assert np.array_equal(out[clear], expected[clear])
    assert np.isfinite(out).all()


@pytest.mark.parametrize("queries", QUERIES)
def test_float16_scores_overflow_before_the_scale(queries):
    q, k, v = inputs("float16", queries, dim=64)
    q[...], k[...] = 60, 60  # the sum of products is 230400, beyond float16
    k[:, :, ::2] = 59
    output, _ = check((q, k, v), scale=1e-4)
    assert np.isfinite(output).all()


@pytest.mark.parametrize("queries", QUERIES)
def test_bfloat16_values_beyond_float16(queries):
    q, k, v = inputs("bfloat16", queries)
    v[...] = 133120
    output, _ = check((q, k, v))
    assert (output == 133120).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_softcap_beside_masks_of_minus_infinity(dtype, queries):
    mask = np.where(np.random.default_rng(4).random((queries, 150)) < 0.5, -np.inf, 0.0)
    mask[0] = -np.inf
    output, _ = check(inputs(dtype, queries), softcap=15.0, attn_mask=judge.rounded(mask, dtype))
    assert (output[:, :, 0] == 0).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("parts", [1, 2, 5])
def test_sinks_count_once_under_split_keys(dtype, parts):
    q, k, v = inputs(dtype, 2, keys=1000)
    sinks = numbers(4, deviation=3.0)
    check((q, k, v), sinks=sinks)
    wide = [x.astype(np.float64) for x in (q, k, v)]
    cuts = [1000 * i // parts for i in range(parts + 1)]
    pieces = [
        attn_mlir.sdpa(wide[0], wide[1][:, :, a:b], wide[2][:, :, a:b], return_lse=True)
        for a, b in zip(cuts, cuts[1:], strict=False)
    ]
    merged = attn_mlir.merge([p[0] for p in pieces], [p[1] for p in pieces], sinks=sinks)
    whole = attn_mlir.sdpa(*wide, sinks=sinks)
    assert abs(merged - whole).max() < 1e-13


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_many_tiny_weights_beside_a_large_one(dtype, queries):
    q, k, v = inputs(dtype, queries, keys=1000, heads=1, kv_heads=1)
    q[...], k[...] = 1, 0
    k[:, :, 234] = 1.25  # a weight of exp(40 / sqrt(32)) beside 999 of 1
    v[...] = 1
    v[:, :, 234] = -1
    output, _ = check((q, k, v))
    large = np.exp(40 / 32**0.5)
    assert abs(output - (999 - large) / (999 + large)).max() < 0.02


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("dim", [1, 3, 6, 40, 72, 111, 257])
def test_head_sizes_that_are_no_multiple_of_eight(dtype, queries, dim):
    check(inputs(dtype, queries, keys=70, dim=dim), is_causal=True, causal_align="bottom_right")


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("queries", "keys"), [(90, 30), (8, 3), (200, 1)])
def test_more_queries_than_keys_aligned_bottom_right(dtype, queries, keys):
    options = {"is_causal": True, "causal_align": "bottom_right"}
    output, lse = check(inputs(dtype, queries, keys), **options)
    assert (output[:, :, : queries - keys] == 0).all()
    assert (lse[:, :, : queries - keys] == -np.inf).all()
    assert np.isfinite(lse[:, :, queries - keys :]).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("align", ["top_left", "bottom_right", 100])
def test_windows_with_empty_rows(dtype, align):
    output, lse = check(inputs(dtype, 160, 50), window=(3, 0), causal_align=align)
    empty = lse[0, 0] == -np.inf
    assert empty.any()
    assert (output[:, :, empty] == 0).all()


@pytest.mark.parametrize("kind", ["bool", "float"])
@pytest.mark.parametrize(
    "shape", [(150,), (1,), (33, 150), (33, 1), (1, 150), (4, 33, 150), (4, 1, 1), (2, 4, 33, 1)]
)
def test_masks_of_every_rank_and_a_last_dimension_of_one(shape, kind):
    random = np.random.default_rng(6)
    mask = random.random(shape) < 0.7
    if kind == "float":
        mask = np.where(mask, random.normal(size=shape), -np.inf).astype(np.float32)
    check(inputs(batches=2), attn_mask=mask)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
def test_strides_of_zero(dtype, queries):
    q, k, v = inputs(dtype, queries)
    expanded = [np.broadcast_to(x[:, :1, :1, :], x.shape) for x in (q, k, v)]
    check(expanded, is_causal=True)
    mask = np.broadcast_to(np.arange(150) % 3 != 0, (1, 4, queries, 150))
    check((q, k, v), attn_mask=mask)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", [1, *QUERIES])
def test_strides_of_size_one_dimensions_are_nonsense(dtype, queries):
    arrays = inputs(dtype, queries, heads=1, kv_heads=1)
    size = arrays[0].itemsize
    strange = [
        np.lib.stride_tricks.as_strided(
            x, strides=[7 * size if n == 1 else s for n, s in zip(x.shape, x.strides, strict=True)]
        )
        for x in arrays
    ]
    found = attn_mlir.sdpa(*strange)
    assert (np.asarray(found) == np.asarray(attn_mlir.sdpa(*arrays))).all()
    check(arrays)


def test_a_batch_of_65536():
    q, k, v = (numbers(65536, 1, 1, 4, seed=seed) for seed in (1, 2, 3))
    output = attn_mlir.sdpa(q, k, v)
    assert (output == v).all()
    check((q[-3:], k[-3:], v[-3:]))


def test_more_elements_than_fit_into_31_bits():
    """Two batches whose distance in memory is 2^31 elements; what lies between is never touched."""
    distance = 2**31 + 64
    memory = np.zeros(distance + 50000, np.float16)  # pages that nobody touches cost nothing
    dense, apart = [], []
    for number, rows in enumerate((33, 150, 150)):
        dense.append(numbers(2, 1, rows, 32, dtype="float16", seed=number))
        strides = (2 * distance, 2 * rows * 32, 64, 2)
        apart.append(
            np.lib.stride_tricks.as_strided(memory[number * 10000 :], dense[-1].shape, strides)
        )
        apart[-1][...] = dense[-1]
    expected = attn_mlir.sdpa(*dense)
    assert (attn_mlir.sdpa(*apart) == expected).all()
    output = np.lib.stride_tricks.as_strided(
        memory[40000:], expected.shape, (2 * distance, 2 * 33 * 32, 64, 2)
    )
    attn_mlir.sdpa(*apart, out=output)
    assert (output == expected).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize(("heads", "kv_heads"), [(8, 2), (6, 3), (4, 1)])
def test_the_order_of_grouped_heads(dtype, queries, heads, kv_heads):
    """Query heads 0 to 3 of 8 read key head 0, not 0, 2, 4 and 6."""
    q, k, v = inputs(dtype, queries, heads=heads, kv_heads=kv_heads)
    check((q, k, v))
    v[...] = np.arange(kv_heads).reshape(1, kv_heads, 1, 1)
    output = np.asarray(attn_mlir.sdpa(q, k, v, enable_gqa=True)).astype(np.float64)
    expected = np.repeat(np.arange(kv_heads), heads // kv_heads)
    assert abs(output - expected.reshape(1, heads, 1, 1)).max() < 0.02


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", QUERIES)
@pytest.mark.parametrize("causal", [False, True])
def test_key_lengths_of_zero(dtype, queries, causal):
    q, k, v = inputs(dtype, queries, batches=3)
    k[1], v[1] = np.nan, np.inf
    options = {"is_causal": causal, "causal_align": "bottom_right"}
    found, lse = attn_mlir.sdpa(
        q, k, v, kv_lens=np.array([150, 0, 1], np.int32), return_lse=True, **options
    )
    assert (np.asarray(found[1]).astype(np.float64) == 0).all()
    assert (lse[1] == -np.inf).all()
    k[1], v[1] = 0, 0
    check((q, k, v), kv_lens=np.array([150, 0, 1], np.int32), **options)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("queries", [1, *QUERIES])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("keys", [1, 61, 128, 300])
def test_inputs_are_never_read_past_their_ends(dtype, queries, side, keys):
    """Each input ends, or begins, at a page that must not be touched."""
    arrays = [guarded(x, side) for x in inputs(dtype, queries, keys, 4, 2, 24)]
    mask = guarded(np.random.default_rng(3).random((queries, keys)) < 0.8, side)
    check(arrays, attn_mask=mask)
    bias = guarded(numbers(4, queries, keys, dtype=dtype, seed=8), side)
    check(arrays, attn_mask=bias, sinks=guarded(numbers(4), side))
    check(arrays, alibi_slopes=guarded(abs(numbers(4)), side), window=(17, 3))
    check(arrays, kv_lens=guarded(np.array([keys // 2], np.int32), side), is_causal=True)


@pytest.mark.parametrize("how", ["bshd", "gaps", "packed", "cache", "backwards", "unaligned"])
@pytest.mark.parametrize("queries", QUERIES)
def test_strided_inputs_are_never_read_past_their_ends(how, queries):
    arrays = inputs("bfloat16", queries, 70, 4, 2, 24)
    placed = []
    for array in arrays:
        laid = lay_out(array, how)
        base = laid
        while isinstance(base.base, np.ndarray):
            base = base.base
        memory = guarded(base.reshape(-1).view(np.uint8), "after")
        offset = laid.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        placed.append(np.ndarray(laid.shape, laid.dtype, memory.data, offset, laid.strides))
        assert (placed[-1] == array).all()
    check(placed, is_causal=True)


def test_the_type_of_the_inputs_is_kept():
    for dtype in FLOATS:
        assert attn_mlir.sdpa(*inputs(dtype)).dtype == np.dtype(getattr(ml_dtypes, dtype, dtype))
