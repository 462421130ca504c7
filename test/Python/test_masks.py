# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn_mlir.masks: rules of models, on both targets, and as the clauses of the same names."""

import attention_judge as judge
import numpy as np
import pytest

import attn_mlir
from attn_mlir import masks

B, H, HKV, M, N, D = 2, 4, 2, 150, 200, 24
RNG = np.random.default_rng(21)
OF_QUERIES = np.sort(RNG.integers(0, 3, M)).astype(np.int32)
OF_KEYS = np.sort(RNG.integers(0, 3, N)).astype(np.int32)
LENGTHS = np.array([7, 90], np.int32)
TABLE = RNG.random((5, 4)) < 0.6
TABLES = RNG.random((H, 10, 7)) < 0.5
BUCKETS = RNG.normal(size=(H, 32)).astype(np.float32)

# name: the mask, and the clause with its operands
MASKS = {
    "chunked": (masks.chunked(64), "chunked(64)", []),
    "chunked, cached": (
        masks.all_of(masks.causal(N - M), masks.chunked(64, N - M)),
        "causal(bottom_right) chunked(64)",
        [],
    ),
    "dilated": (masks.dilated(3), "dilated(3)", []),
    "dilated, cached": (
        masks.all_of(masks.dilated(5, N - M), masks.causal(N - M)),
        "dilated(5) causal(bottom_right)",
        [],
    ),
    "prefix": (
        masks.prefix(LENGTHS),
        "causal(top_left) prefix(%a0 : tensor<2xi32>)",
        [LENGTHS],
    ),
    "one prefix": (
        masks.prefix(31, N - M),
        "causal(bottom_right) prefix(%a0 : tensor<2xi32>)",
        [np.full(2, 31, np.int32)],
    ),
    "documents": (
        masks.documents(OF_QUERIES, OF_KEYS),
        "documents(%a0, %a1 : tensor<150xi32>, tensor<200xi32>)",
        [OF_QUERIES, OF_KEYS],
    ),
    "blocks": (
        masks.block_sparse(TABLE, 32, 64),
        "block_sparse(%a0 : tensor<5x4xi1>, 32, 64)",
        [TABLE],
    ),
    "blocks of heads": (
        masks.block_sparse(TABLES, 16, 32),
        "block_sparse(%a0 : tensor<4x10x7xi1>, 16, 32)",
        [TABLES],
    ),
    "everything": (
        masks.all_of(
            masks.prefix(LENGTHS, N - M),
            masks.chunked(128, N - M),
            masks.dilated(2, N - M),
            masks.documents(OF_QUERIES, OF_KEYS),
            masks.block_sparse(TABLE, 32, 64),
        ),
        "causal(bottom_right) prefix(%a0 : tensor<2xi32>) chunked(128) dilated(2)"
        " documents(%a1, %a2 : tensor<150xi32>, tensor<200xi32>)"
        " block_sparse(%a3 : tensor<5x4xi1>, 32, 64)",
        [LENGTHS, OF_QUERIES, OF_KEYS, TABLE],
    ),
}


def arrays(dtype="float32"):
    shapes = [(B, H, M, D), (B, HKV, N, D), (B, HKV, N, D)]
    return [judge.rounded(RNG.normal(size=shape), dtype) for shape in shapes]


def by_clause(inputs, clause, operands, target):
    """The same attention with the rule as a clause of attn.sdpa."""
    element = {"float32": "f32", "bfloat16": "bf16"}[inputs[0].dtype.name]
    types = ["tensor<" + "".join(f"{s}x" for s in x.shape) + element + ">" for x in inputs]
    names = {"int32": "i32", "bool": "i1", "float32": "f32"}
    kinds = [
        "tensor<" + "".join(f"{s}x" for s in x.shape) + names[x.dtype.name] + ">" for x in operands
    ]
    parameters = [f"%{n}: {t}" for n, t in zip("qkv", types, strict=True)]
    parameters += [f"%a{i}: {kind}" for i, kind in enumerate(kinds)]
    source = f"""func.func @f({", ".join(parameters)}) -> {types[0]} {{
  %o = attn.sdpa %q, %k, %v {clause} : {", ".join(types)} -> {types[0]}
  return %o : {types[0]}
}}
"""
    return attn_mlir.compile(source, target=target)(*inputs, *operands)


@pytest.mark.parametrize("target", ["cpu", "linalg"])
@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_masks(dtype, name, target):
    mask, clause, operands = MASKS[name]
    inputs = arrays(dtype)
    expected, _, bound, _ = judge.attention(*inputs, mask_mod=mask)
    found = attn_mlir.sdpa(*inputs, mask_mod=mask, enable_gqa=True, target=target)
    judge.assert_within(found, expected, bound, name)
    judge.assert_within(by_clause(inputs, clause, operands, target), expected, bound, clause)


@pytest.mark.parametrize("target", ["cpu", "linalg"])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("far", [20, 128])
def test_relative_bias(far, bidirectional, target):
    rule = masks.relative_bias(BUCKETS, far, bidirectional=bidirectional, offset=N - M)
    inputs = arrays()
    expected, _, bound, _ = judge.attention(*inputs, score_mod=rule)
    found = attn_mlir.sdpa(*inputs, score_mod=rule, enable_gqa=True, target=target)
    judge.assert_within(found, expected, bound, "relative_bias")
    # The clause, with a diagonal that both have.
    options = {"is_causal": True, "causal_align": "bottom_right"}
    expected, _, bound, _ = judge.attention(*inputs, score_mod=rule, **options)
    ways = ", bidirectional" if bidirectional else ""
    clause = f"causal(bottom_right) relative_bias(%a0 : tensor<4x32xf32>, {far}{ways})"
    judge.assert_within(by_clause(inputs, clause, [BUCKETS], target), expected, bound, clause)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("buckets", "far"), [(32, 128), (8, 20), (64, 1000)])
def test_buckets_by_hand(buckets, far, bidirectional):
    """Against the published definition, element by element."""
    distance = np.arange(-2 * far, 2 * far + 1)
    count, expected = buckets, np.zeros_like(distance)
    if bidirectional:
        count //= 2
        expected = expected + (distance > 0) * count
        away = np.abs(distance)
    else:
        away = -np.minimum(distance, 0)
    exact = count // 2
    scale = (count - exact) / np.log(far / exact)
    grown = np.log(np.maximum(away, 1).astype(np.float32) / np.float32(exact)) * np.float32(scale)
    large = np.minimum(exact + grown.astype(np.int64), count - 1)
    expected = expected + np.where(away < exact, away, large)
    starts = masks.bucket_starts(buckets, far, bidirectional)
    found = [next(k for first, k in reversed(starts) if d >= first or first == starts[0][0])
             for d in distance.tolist()]  # fmt: skip
    different = [
        d for d, a, b in zip(distance.tolist(), found, expected.tolist(), strict=True) if a != b
    ]
    # A distance on the very boundary may round to either side.
    assert all(abs(np.log(abs(d) / exact) * scale % 1 - 0.5) > 0.499 for d in different), different


def test_any_of():
    mask = masks.any_of(masks.documents(OF_QUERIES, OF_KEYS), masks.dilated(7))
    inputs = arrays()
    expected, _, bound, _ = judge.attention(*inputs, mask_mod=mask)
    found = attn_mlir.sdpa(*inputs, mask_mod=mask, enable_gqa=True)
    judge.assert_within(found, expected, bound, "any_of")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: masks.chunked(0), "size: expected an integer >= 1, found 0"),
        (lambda: masks.all_of(), "masks: expected at least one, found none"),
        (lambda: masks.any_of(), "masks: expected at least one, found none"),
        (
            lambda: masks.relative_bias(BUCKETS[:, :2], 20, bidirectional=True),
            "relative_bias: expected 2 buckets or more for each direction and a larger distance, "
            "found 2 and 20",
        ),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError) as raised:
        make()
    assert str(raised.value) == message
