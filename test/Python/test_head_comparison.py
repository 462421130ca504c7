# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare_heads, judged by numpy in double precision."""

import math

import numpy as np
import pytest

import attn_mlir

B, S, E, H, D = 2, 13, 12, 3, 4


def make_block(seed, std=0.5, biases=True, context=None):
    rng = np.random.default_rng(seed)
    source = context or E
    shapes = {"wq": (H * D, E), "wk": (H * D, source), "wv": (H * D, source), "wo": (E, H * D)}
    block = {name: rng.normal(0, std, shape) for name, shape in shapes.items()}
    if biases:
        block |= {name: rng.normal(0, std, 12) for name in ("bq", "bk", "bv", "bo")}
    block["x"] = rng.normal(size=(B, S, E))
    if context:
        block["context"] = rng.normal(size=(B, 9, context))
    return block


def attend(a, heads, keep):
    """The result and the weights of the block with this many heads."""
    source = a.get("context", a["x"])

    def split(rows, w, b):
        y = rows @ a[w].T + a.get(b, 0)
        return y.reshape(*y.shape[:2], heads, -1).swapaxes(1, 2)

    q, k, v = split(a["x"], "wq", "bq"), split(source, "wk", "bk"), split(source, "wv", "bv")
    s = np.where(keep, q @ k.swapaxes(2, 3) / math.sqrt(q.shape[3]), -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    o = (p @ v).swapaxes(1, 2).reshape(B, S, -1)
    return o @ a["wo"].T + a.get("bo", 0), p


def entropy(p):
    return -(p * np.log(np.where(p > 0, p, 1))).sum(-1)


@pytest.mark.parametrize(
    "std, biases, causal", [(0.1, True, False), (0.5, False, True), (1.0, True, True)]
)
def test_numbers(std, biases, causal):
    block = make_block(1, std, biases)
    keep = np.tril(np.ones((S, S), bool)) if causal else True
    found = attn_mlir.compare_heads(
        **block, num_heads=H, counts=(3, 1, 12), is_causal=causal, seconds=0
    )
    whole, _ = attend(block, H, keep)
    for row, heads in zip(found, (3, 1, 12), strict=True):
        y, p = attend(block, heads, keep)
        assert row["heads"] == heads
        assert row["parameters"] == 4 * 144 + (48 if biases else 0)
        error = np.linalg.norm(y - whole) / np.linalg.norm(whole)
        assert row["error"] == pytest.approx(error, abs=1e-12)
        assert row["entropy"] == pytest.approx(entropy(p).mean(), rel=1e-9)
        pairs = S * (S + 1) // 2 if causal else S * S
        products = 2 * (S * 4 * 144 + pairs * 24)
        assert row["flop"] == B * (products + 5 * heads * pairs)
        assert math.isnan(row["milliseconds"])


def test_padding_does_not_count():
    block = make_block(2)
    mask = np.arange(S) < np.array([[S], [6]])
    found = attn_mlir.compare_heads(**block, num_heads=H, mask=mask, seconds=0)
    (whole, _), (y, p) = (attend(block, heads, mask[:, None, None]) for heads in (H, 1))
    off = np.linalg.norm((y - whole)[mask]) / np.linalg.norm(whole[mask])
    assert found[1]["error"] == pytest.approx(off, rel=1e-9)
    rows = entropy(p)[:, 0][mask]
    assert found[1]["entropy"] == pytest.approx(rows.mean(), rel=1e-9)


def test_context_and_time():
    block = make_block(3, context=10)
    many, one = attn_mlir.compare_heads(**block, num_heads=H, seconds=0.01)
    (whole, _), (y, _) = (attend(block, heads, True) for heads in (H, 1))
    assert (many["heads"], many["error"], one["heads"]) == (H, 0, 1)
    assert one["error"] == pytest.approx(np.linalg.norm(y - whole) / np.linalg.norm(whole))
    assert many["milliseconds"] > 0 and one["milliseconds"] > 0
    assert one["flop"] == B * (2 * (2 * S * 144 + 2 * 9 * 120 + S * 9 * 24) + 5 * S * 9)


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"counts": (5,)}, ValueError, "wq: expected rows for 5 heads, found 12 rows"),
        ({"counts": (0,)}, ValueError, "num_heads: expected at least 1, found 0"),
        (
            {"wk": np.zeros((4, E))},
            ValueError,
            r"wk: expected shape \[12, 12\], found \[4, 12\]",
        ),
    ],
)
def test_errors(change, error, message):
    arguments = make_block(4) | {"num_heads": H, "seconds": 0} | change
    with pytest.raises(error, match="^" + message + "$"):
        attn_mlir.compare_heads(**arguments)
