# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Caches in pages, sequences behind each other, prefill in chunks: what serving asks for."""

import functools

import attention_judge as judge
import ml_dtypes
import numpy as np
import pytest

import attn_mlir

ELEMENTS = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16"}


def numbers(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


@functools.cache
def entry(element, source, target="cpu"):
    """Compiles `source`, which says T for the element type."""
    return attn_mlir.compile(source.replace("T>", f"{element}>"), target=target)


PAGED = """
func.func @paged(%q: tensor<?x8x?x32xT>, %keys: tensor<?x16x2x32xT>, %values: tensor<?x16x2x24xT>, %table: tensor<?x?xi32>, %lens: tensor<?xi32>)
    -> tensor<?x8x?x24xT> {
  %k = attn.gather_pages %keys, %table, %lens layout(bshd, bhsd)
    : tensor<?x16x2x32xT>, tensor<?x?xi32>, tensor<?xi32> -> tensor<?x2x?x32xT>
  %v = attn.gather_pages %values, %table, %lens layout(bshd, bhsd)
    : tensor<?x16x2x24xT>, tensor<?x?xi32>, tensor<?xi32> -> tensor<?x2x?x24xT>
  %o = attn.sdpa %q, %k, %v causal(bottom_right) kv_lens(%lens : tensor<?xi32>)
    : tensor<?x8x?x32xT>, tensor<?x2x?x32xT>, tensor<?x2x?x24xT> -> tensor<?x8x?x24xT>
  return %o : tensor<?x8x?x24xT>
}
"""


# The same attention of keys that lie behind each other.
DENSE = """
func.func @dense(%q: tensor<?x8x?x32xT>, %k: tensor<?x2x?x32xT>, %v: tensor<?x2x?x24xT>, %lens: tensor<?xi32>) -> tensor<?x8x?x24xT> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right) kv_lens(%lens : tensor<?xi32>)
    : tensor<?x8x?x32xT>, tensor<?x2x?x32xT>, tensor<?x2x?x24xT> -> tensor<?x8x?x24xT>
  return %o : tensor<?x8x?x24xT>
}
"""


class Cache:
    """Three sequences in pages of 16 rows, in no order, among pages of other requests."""

    def __init__(self, dtype=np.float32, queries=1, lens=(37, 96, 0)):
        self.lens = np.array(lens, np.int32)
        self.q = numbers(3, 8, queries, 32, dtype=dtype, seed=1)
        self.keys = numbers(40, 16, 2, 32, dtype=dtype, seed=2)
        self.values = numbers(40, 16, 2, 24, dtype=dtype, seed=3)
        self.table = np.random.default_rng(4).permutation(40)[:18].reshape(3, 6).astype(np.int32)
        # What is behind the last row is never looked at.
        for b, length in enumerate(self.lens):
            used = -(-int(length) // 16)
            self.table[b, used:] = [-1, 10**9, -7, 40, 41, 2**31 - 1][: 6 - used]
            if length % 16:
                page = self.table[b, used - 1]
                self.keys[page, length % 16 :] = np.nan
                self.values[page, length % 16 :] = np.inf

    def dense(self):
        """The same keys and values as [B, Hkv, N, D]."""
        k = np.zeros((3, 2, 96, 32), self.q.dtype)
        v = np.zeros((3, 2, 96, 24), self.q.dtype)
        for b, length in enumerate(self.lens):
            for n in range(length):
                page = self.table[b, n // 16]
                k[b, :, n], v[b, :, n] = self.keys[page, n % 16], self.values[page, n % 16]
        return k, v

    def arrays(self):
        return self.q, self.keys, self.values, self.table, self.lens


@pytest.mark.parametrize("target", ["cpu", "linalg"])
@pytest.mark.parametrize("queries", [1, 4, 60])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, ml_dtypes.bfloat16])
def test_pages_equal_dense_keys_bit_for_bit(dtype, queries, target):
    cache = Cache(dtype, queries)
    result = entry(ELEMENTS[np.dtype(dtype).name], PAGED, target)(*cache.arrays())
    k, v = cache.dense()
    dense = entry(ELEMENTS[np.dtype(dtype).name], DENSE, target)(cache.q, k, v, cache.lens)
    assert (result.view(np.uint8) == dense.view(np.uint8)).all()
    options = {"is_causal": True, "causal_align": "bottom_right", "kv_lens": cache.lens}
    output, _, bound, _ = judge.attention(cache.q, k, v, **options)
    judge.assert_within(result, output, bound, "paged")


def test_pages_of_heads_first():
    """A pool [pages, Hkv, S, D], float16 lists of 64 bits, one page."""
    source = """
func.func @gather(%p: tensor<?x3x4x5xT>, %t: tensor<?x?xi64>, %l: tensor<?xi64>) -> tensor<?x?x3x5xT> {
  %r = attn.gather_pages %p, %t, %l layout(bhsd, bshd) : tensor<?x3x4x5xT>, tensor<?x?xi64>, tensor<?xi64> -> tensor<?x?x3x5xT>
  return %r : tensor<?x?x3x5xT>
}
"""
    pool = numbers(2, 3, 4, 5, dtype=np.float16)
    table, lens = np.array([[1, 0], [0, -1]]), np.array([8, 3])
    result = entry("f16", source)(pool, table, lens)
    assert result.shape == (2, 8, 3, 5)
    assert (result[0, :4] == pool[1].transpose(1, 0, 2)).all()
    assert (result[0, 4:] == pool[0].transpose(1, 0, 2)).all()
    assert (result[1, :3] == pool[0].transpose(1, 0, 2)[:3]).all()
    assert (result[1, 3:] == 0).all()


@pytest.mark.parametrize("target", ["cpu", "linalg"])
@pytest.mark.parametrize(("row", "column", "page"), [(0, 0, 40), (1, 5, -1), (0, 2, 2**31 - 1)])
def test_a_page_that_is_not_there(row, column, page, target):
    cache = Cache()
    cache.table[row, column] = page
    with pytest.raises(ValueError) as raised:
        entry("f32", PAGED, target)(*cache.arrays())
    assert str(raised.value) == (
        "argument #3 (%table): its shape, or an element, does not fit the other arguments: "
        "got 3x6xi32"
    )


@pytest.mark.parametrize("length", [97, -1])
def test_lengths_that_do_not_fit(length):
    cache = Cache()
    cache.lens[1] = length
    with pytest.raises(ValueError) as raised:
        entry("f32", PAGED)(*cache.arrays())
    assert str(raised.value) == (
        "argument #3 (%table): its shape, or an element, does not fit the other arguments: "
        "got 3x6xi32"
    )


def test_lengths_of_another_batch():
    cache = Cache()
    with pytest.raises(ValueError) as raised:
        entry("f32", PAGED)(*cache.arrays()[:4], cache.lens[:2])
    assert str(raised.value) == (
        "argument #4 (%lens): expected dimension 0 to be 3, which is dimension 0 of argument #0 "
        "(%q), but got 2xi32"
    )


def test_no_pages():
    cache = Cache(lens=(0, 0, 0))
    result = entry("f32", PAGED)(cache.q, cache.keys[:0], cache.values[:0], *cache.arrays()[3:])
    assert (result == 0).all()


def test_a_table_that_is_computed_is_refused():
    source = """
func.func @f(%p: tensor<9x2x16x8xf32>, %t: tensor<3x4xi32>, %l: tensor<3xi32>) -> tensor<3x2x64x8xf32> {
  %u = arith.addi %t, %t : tensor<3x4xi32>
  %r = attn.gather_pages %p, %u, %l : tensor<9x2x16x8xf32>, tensor<3x4xi32>, tensor<3xi32> -> tensor<3x2x64x8xf32>
  return %r : tensor<3x2x64x8xf32>
}
"""
    with pytest.raises(attn_mlir.CompileError) as raised:
        attn_mlir.compile(source)
    assert raised.value.reason == (
        "'scf.forall' op expects table, lens and pool of gathered pages to be arguments of the "
        "entry, but found others"
    )


RAGGED = """
func.func @ragged(%q: tensor<1x4x?x16xT>, %k: tensor<1x2x?x16xT>, %v: tensor<1x2x?x16xT>, %qs: tensor<?xi32>, %ks: tensor<?xi32>) -> tensor<1x4x?x16xT> {
  %o = attn.sdpa %q, %k, %v CLAUSES ragged(%qs, %ks : tensor<?xi32>, tensor<?xi32>)
    : tensor<1x4x?x16xT>, tensor<1x2x?x16xT>, tensor<1x2x?x16xT> -> tensor<1x4x?x16xT>
  return %o : tensor<1x4x?x16xT>
}
"""


@pytest.mark.parametrize("target", ["cpu", "linalg"])
@pytest.mark.parametrize(
    ("clauses", "options"),
    [
        ("", {}),
        ("causal(top_left)", {"is_causal": True}),
        ("causal(bottom_right)", {"is_causal": True, "causal_align": "bottom_right"}),
        (
            "causal(bottom_right) window(20, 0)",
            {"is_causal": True, "causal_align": "bottom_right", "window": (20, 0)},
        ),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_ragged_sequences_are_attentions_of_their_own(dtype, clauses, options, target):
    # Prefills, a decode step, a sequence without queries, one without keys, more queries than keys.
    queries, keys = [50, 1, 0, 3, 40, 7], [50, 130, 9, 0, 77, 5]
    q_ends, k_ends = (np.cumsum([0, *x]).astype(np.int32) for x in (queries, keys))
    q = numbers(1, 4, int(q_ends[-1]), 16, dtype=dtype, seed=1)
    k = numbers(1, 2, int(k_ends[-1]), 16, dtype=dtype, seed=2)
    v = numbers(1, 2, int(k_ends[-1]), 16, dtype=dtype, seed=3)
    source = RAGGED.replace("CLAUSES", clauses)
    run = entry(ELEMENTS[np.dtype(dtype).name], source, target)
    result = run(q, k, v, q_ends, k_ends)
    for i in range(len(queries)):
        mine, its = slice(q_ends[i], q_ends[i + 1]), slice(k_ends[i], k_ends[i + 1])
        one = q[:, :, mine], k[:, :, its], v[:, :, its]
        output, _, bound, _ = judge.attention(*one, **options)
        judge.assert_within(result[:, :, mine], output, bound, f"{clauses}, sequence {i}")
    # The rows of a sequence have the same bits without the queries of the others.
    ends = np.array([0, 50], np.int32)
    alone = run(np.ascontiguousarray(q[:, :, :50]), k, v, ends, ends)
    first = np.ascontiguousarray(result[:, :, :50])
    assert (first.view(np.uint8) == alone.view(np.uint8)).all()


def test_nan_of_other_sequences_stays_there():
    ends = np.array([0, 30, 60], np.int32)
    q, k, v = (numbers(1, heads, 60, 16, seed=heads) for heads in (4, 2, 2))
    k[:, :, 30:], v[:, :, 30:] = np.nan, np.inf
    result = entry("f32", RAGGED.replace("CLAUSES", ""))(q, k, v, ends, ends)
    assert np.isfinite(result[:, :, :30]).all()
    assert np.isnan(result[:, :, 30:]).all()


def test_queries_in_no_sequence_see_nothing():
    q, k, v = (numbers(1, heads, 20, 16, seed=heads) for heads in (4, 2, 2))
    run = entry("f32", RAGGED.replace("CLAUSES", ""))
    result = run(q, k, v, np.array([0, 12], np.int32), np.array([0, 20], np.int32))
    assert (result[:, :, 12:] == 0).all()
    assert (result[:, :, :12] != 0).all()
    nothing = np.zeros(0, np.int32)
    assert (run(q, k, v, nothing, nothing) == 0).all()


@pytest.mark.parametrize("chunk", [1, 5, 16, 64])
def test_prefill_in_chunks(chunk):
    """A prompt of 100 in chunks against the cache so far: the rows of one prefill."""
    q, k, v = (numbers(2, heads, 100, 16, seed=heads) for heads in (4, 2, 2))
    output, _, bound, _ = judge.attention(q, k, v, is_causal=True)
    for first in range(0, 100, chunk):
        end = min(first + chunk, 100)
        rows = attn_mlir.sdpa(
            np.ascontiguousarray(q[:, :, first:end]),
            k,
            v,
            is_causal=True,
            causal_align="bottom_right",
            kv_lens=np.full(2, end, np.int32),
            enable_gqa=True,
        )
        judge.assert_within(rows, output[:, :, first:end], bound[:, :, first:end], f"from {first}")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@pytest.mark.parametrize("queries", [1, 3, 20])
def test_latent_attention_absorbed(dtype, queries):
    """One latent of 576 channels per key for 16 heads; the values are its first 512, in place."""
    latent = judge.rounded(np.random.default_rng(1).normal(size=(2, 1, 130, 576)), dtype)
    q = judge.rounded(np.random.default_rng(2).normal(size=(2, 16, queries, 576)), dtype)
    arrays = q, latent, latent[..., :512]
    options = {"scale": 192**-0.5, "is_causal": True, "causal_align": "bottom_right"}
    found = attn_mlir.sdpa(*arrays, enable_gqa=True, **options)
    output, _, bound, _ = judge.attention(*arrays, **options)
    judge.assert_within(found, output, bound, "absorbed")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_latent_attention_of_a_prompt(dtype):
    """Keys of 128 channels of their own and 64 that all heads share; values of 128."""
    random = np.random.default_rng(3)
    q, own = (judge.rounded(random.normal(size=(1, 4, 90, d)), dtype) for d in (192, 128))
    shared = judge.rounded(random.normal(size=(1, 1, 90, 64)), dtype)
    k = np.concatenate([own, np.broadcast_to(shared, (1, 4, 90, 64))], axis=3)
    v = judge.rounded(random.normal(size=(1, 4, 90, 128)), dtype)
    found = attn_mlir.sdpa(q, k, v, is_causal=True)
    output, _, bound, _ = judge.attention(q, k, v, is_causal=True)
    judge.assert_within(found, output, bound, "prefill")
