# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention in double precision with numpy, and the bound of docs/numerics.md.

Knows nothing of the compiler and shares nothing with lib/Reference: a third opinion, from the text
of attn_mlir.sdpa.
"""

import ml_dtypes
import numpy as np

UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}


def attention(
    q,
    k,
    v,
    *,
    attn_mask=None,
    is_causal=False,
    causal_align="top_left",
    scale=None,
    window=(-1, -1),
    softcap=0.0,
    alibi_slopes=None,
    sinks=None,
    kv_lens=None,
    score_mod=None,
    mask_mod=None,
    **_,
):
    """(output, lse, bound of the output, bound of lse) in float64."""
    name = q.dtype.name
    unit = UNIT["float64" if name == "float64" else "float32"]
    q, k, v = (np.asarray(x).astype(np.float64) for x in (q, k, v))
    (batches, heads, queries, dim), keys = q.shape, k.shape[2]
    if heads != k.shape[1]:
        k, v = (np.repeat(x, heads // x.shape[1], axis=1) for x in (k, v))
    scale = 1 / np.sqrt(dim) if scale is None else scale
    accumulator = np.float64 if name == "float64" else np.float32
    scale = float(accumulator(scale))
    scores = scale * np.einsum("bhmd,bhnd->bhmn", q, k)
    products = abs(scale) * np.einsum("bhmd,bhnd->bhmn", abs(q), abs(k))
    if softcap:
        scores = softcap * np.tanh(scores / softcap)
    lengths = np.full(batches, keys) if kv_lens is None else np.asarray(kv_lens).astype(int)
    m = np.arange(queries)[None, None, :, None]
    n = np.arange(keys)[None, None, None, :]
    if causal_align == "bottom_right":
        offset = (lengths - queries)[:, None, None, None]
    else:
        offset = 0 if causal_align == "top_left" else causal_align
    bias = np.zeros_like(scores)
    grid = np.meshgrid(*(np.arange(size) for size in scores.shape), indexing="ij")
    if score_mod is not None:  # with a slope of at most 1
        bias = score_mod(scores, *grid) - scores
    if alibi_slopes is not None:
        slopes = np.asarray(alibi_slopes).astype(np.float64)[None, :, None, None]
        bias = bias - slopes * abs(n - (m + offset))
    keep = np.broadcast_to(n < lengths[:, None, None, None], scores.shape).copy()
    if attn_mask is not None:
        mask = np.asarray(attn_mask)
        if mask.dtype == bool:
            keep &= mask
        else:
            bias = bias + mask.astype(np.float64)
    if mask_mod is not None:
        keep &= mask_mod(*grid)
    if is_causal:
        keep &= n <= m + offset
    if window[0] >= 0:
        keep &= n >= m + offset - window[0]
    if window[1] >= 0:
        keep &= n <= m + offset + window[1]
    scores = scores + bias
    keep &= scores != -np.inf
    return finish(scores, products, bias, keep, v, sinks, name, unit, dim)


def finish(scores, products, bias, keep, v, sinks, name, unit, dim):
    shape = scores.shape[:3] + (1,)
    keys = scores.shape[3]
    kept = np.where(keep, scores, -np.inf)
    top = kept.max(-1, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    p = np.where(keep, np.exp(kept - top), 0)
    total = p.sum(-1, keepdims=True)
    with np.errstate(divide="ignore"):
        lse = np.where(total > 0, top + np.log(total), -np.inf)
    denominator = total
    if sinks is not None:
        logits = np.asarray(sinks).astype(np.float64)[None, :, None, None]
        denominator = total + np.exp(logits - top)
    p = np.where(total > 0, p / np.where(denominator > 0, denominator, 1), 0)
    v = np.where(np.isfinite(v), v, 0)  # of a dropped key: tests keep the others finite
    output = p @ v

    # The maxima run over keys whose weight the accumulator can see.
    seen = p > 0
    largest = np.where(seen, products, 0).max(-1, keepdims=True, initial=0)
    biased = np.where(seen, abs(bias), 0).max(-1, keepdims=True, initial=0)
    ds = 2 * unit * (largest * max(np.log2(max(dim, 1)), 1) + biased + 4)
    logs = 2 * unit * np.log2(max(keys, 2))
    error = np.expm1(2 * ds) + logs
    tiny = 2.0**-24 if name == "float16" else 1e-37
    # Where a machine multiplies bfloat16, P is rounded to it.
    weight_unit = UNIT[name] if name == "bfloat16" else unit
    bound = 1.01 * UNIT[name] * abs(output) + (p @ abs(v)) * (1.5 * weight_unit + error) + tiny
    with np.errstate(invalid="ignore"):
        lse_bound = np.where(np.isfinite(lse), ds + logs + unit * abs(lse), 0)
    return output, lse.reshape(shape[:3]), bound, lse_bound.reshape(shape[:3])


def assert_within(found, expected, bound, what):
    """Every element within its bound; infinities must be the same."""
    found = np.asarray(found).astype(np.float64)
    assert found.shape == expected.shape, f"{what}: {found.shape} instead of {expected.shape}"
    with np.errstate(invalid="ignore"):
        right = (found == expected) | (abs(found - expected) <= bound)
    if not right.all():
        at = tuple(np.argwhere(~right)[0])
        raise AssertionError(
            f"{what}: {np.count_nonzero(~right)} of {right.size} elements off, first at {at}: "
            f"found {found[at]}, expected {expected[at]}, bound {bound[at]}"
        )


def rounded(values, dtype):
    """float64 values as an array of a type; bfloat16 comes from ml_dtypes."""
    return values.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)
