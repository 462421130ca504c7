# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn_mlir.merge: parts over disjoint keys equal the whole, within its bound."""

import sys
import types

import attention_judge as judge
import ml_dtypes
import numpy as np
import pytest

import attn_mlir

DTYPES = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16]


def numbers(*shape, dtype=np.float32, seed=0, deviation=1.0):
    return np.random.default_rng(seed).normal(0, deviation, shape).astype(dtype)


def problem(dtype=np.float32, keys=300, queries=5, heads=4, kv_heads=2, deviation=1.0, batches=2):
    return (
        numbers(batches, heads, queries, 24, dtype=dtype, seed=1, deviation=deviation),
        numbers(batches, kv_heads, keys, 24, dtype=dtype, seed=2, deviation=deviation),
        numbers(batches, kv_heads, keys, 17, dtype=dtype, seed=3),
    )


def attend(q, k, v, cuts, target="cpu", **options):
    """Outputs and LSEs of the keys between the cuts."""
    parts = [
        attn_mlir.sdpa(
            q,
            np.ascontiguousarray(k[:, :, low:high]),
            np.ascontiguousarray(v[:, :, low:high]),
            enable_gqa=True,
            return_lse=True,
            target=target,
            **{name: value(low, high) for name, value in options.items()},
        )
        for low, high in zip(cuts, cuts[1:], strict=False)
    ]
    return [part[0] for part in parts], [part[1] for part in parts]


def check(result, arrays, parts=None, **options):
    """`result` is (output, lse) of the whole. Parts of a narrow type were rounded to it before."""
    output, lse, bound, lse_bound = judge.attention(*arrays, **options)
    unit = judge.UNIT[arrays[0].dtype.name]
    if parts is not None:
        bound = bound + 1.01 * unit * np.max([abs(p.astype(np.float64)) for p in parts], axis=0)
    # The parts' LSEs were rounded as well.
    wide = judge.UNIT["float64" if arrays[0].dtype == np.float64 else "float32"]
    with np.errstate(invalid="ignore"):
        rounded = np.where(np.isfinite(lse), 2 * wide * (abs(lse) + 1), 0)
    judge.assert_within(result[0], output, bound + rounded[..., None] * abs(output), "output")
    judge.assert_within(result[1], lse, lse_bound + rounded, "lse")


@pytest.mark.parametrize("target", ["cpu", "linalg"])
@pytest.mark.parametrize(
    "cuts", [(0, 300), (0, 1, 300), (0, 64, 128, 192, 256, 300), (0, 0, 7, 300)]
)
def test_split_keys(cuts, target):
    arrays = problem()
    parts, lses = attend(*arrays, cuts, target)
    result = attn_mlir.merge(parts, lses, return_lse=True, target=target)
    check(result, arrays, parts)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("deviation", [0.02, 1.0, 6.0])
def test_types_and_distributions(dtype, deviation):
    arrays = problem(dtype, deviation=deviation)
    parts, lses = attend(*arrays, (0, 31, 200, 300))
    result = attn_mlir.merge(parts, lses, return_lse=True)
    assert result[0].dtype == dtype
    check(result, arrays, parts)


def test_shared_prefix():
    """Requests that share 200 keys: once for all queries together, then each its own keys."""
    q, k, v = problem()
    prefix_k, prefix_v = k[:1, :, :200], v[:1, :, :200]
    gathered = np.ascontiguousarray(q.transpose(1, 0, 2, 3).reshape(1, 4, -1, 24))
    output, lse = attn_mlir.sdpa(
        gathered,
        np.ascontiguousarray(prefix_k),
        np.ascontiguousarray(prefix_v),
        enable_gqa=True,
        return_lse=True,
    )
    output = output.reshape(4, 2, 5, 17).transpose(1, 0, 2, 3)
    lse = lse.reshape(4, 2, 5).transpose(1, 0, 2)
    own, own_lses = attend(q, k, v, (200, 300))
    result = attn_mlir.merge([output, own[0]], [lse, own_lses[0]], return_lse=True)
    k, v = k.copy(), v.copy()
    k[1, :, :200], v[1, :, :200] = prefix_k[0], prefix_v[0]
    check(result, (q, k, v), [output, own[0]])


def test_sharded_in_a_tree():
    """Merging is associative: results of merges are parts of further ones."""
    arrays = problem(keys=257)
    parts, lses = attend(*arrays, (0, 60, 100, 190, 257))
    pairs = [attn_mlir.merge(parts[i : i + 2], lses[i : i + 2], return_lse=True) for i in (0, 2)]
    result = attn_mlir.merge([p[0] for p in pairs], [p[1] for p in pairs], return_lse=True)
    check(result, arrays, parts)


@pytest.mark.parametrize("level", [-4.0, 0.0, 3.0, 30.0])
def test_sinks_count_once(level):
    arrays = problem()
    sinks = numbers(4, seed=9) + np.float32(level)
    parts, lses = attend(*arrays, (0, 100, 300))
    result = attn_mlir.merge(parts, lses, sinks=sinks, return_lse=True)
    check(result, arrays, parts, sinks=sinks)


def test_masked_parts():
    """Rows that keep nothing in some parts, or in all of them."""
    arrays = problem(queries=9)
    keep = np.random.default_rng(5).random((9, 300)) < 0.2
    keep[0], keep[1, :100], keep[2, 100:] = False, False, False
    parts, lses = attend(
        *arrays,
        (0, 100, 300),
        attn_mask=lambda low, high: np.ascontiguousarray(keep[:, low:high]),
    )
    result = attn_mlir.merge(parts, lses, return_lse=True)
    check(result, arrays, parts, attn_mask=keep)
    assert (result[0][:, :, 0] == 0).all()
    assert (result[1][:, :, 0] == -np.inf).all()


def test_a_part_without_keys_may_hold_anything():
    outputs, lses = numbers(3, 1, 2, 4, 8), np.zeros((3, 1, 2, 4), np.float32)
    outputs[0], lses[0] = np.nan, -np.inf
    outputs[2], lses[2] = np.inf, -np.inf
    output, lse = attn_mlir.merge(outputs, lses, return_lse=True)
    assert (output == outputs[1]).all()
    assert (lse == 0).all()
    output, lse = attn_mlir.merge(outputs, np.full_like(lses, -np.inf), return_lse=True)
    assert (output == 0).all()
    assert (lse == -np.inf).all()


def test_far_apart():
    """exp of neither LSE is a float; only their difference counts."""
    outputs = np.stack([np.full((1, 1, 1, 3), 2.0), np.full((1, 1, 1, 3), 4.0)]).astype(np.float32)
    for level in (-2e5, 2e5):
        lses = np.full((2, 1, 1, 1), level, np.float32)
        output, lse = attn_mlir.merge(outputs, lses, return_lse=True)
        assert (output == 3).all()
        assert abs(lse[0, 0, 0] - (level + np.log(2))) <= abs(level) * 2.0**-23
    lses = np.array([200.0, 0.0], np.float32).reshape(2, 1, 1, 1)
    assert (attn_mlir.merge(outputs, lses) == 2).all()


def test_nan_stays_in_its_row():
    outputs, lses = numbers(2, 1, 1, 3, 4), np.zeros((2, 1, 1, 3), np.float32)
    outputs[1, 0, 0, 1, 2] = np.nan
    lses[0, 0, 0, 2] = np.nan
    output = attn_mlir.merge(outputs, lses)
    assert np.isfinite(output[0, 0, 0]).all()
    assert np.isnan(output[0, 0, 1]).tolist() == [False, False, True, False]
    assert np.isnan(output[0, 0, 2]).all()


@pytest.mark.parametrize("zero", range(5))
def test_sizes_of_zero(zero):
    shape = [2, 1, 2, 3, 4]
    shape[zero] = 0
    output, lse = attn_mlir.merge(
        np.ones(shape, np.float32), np.ones(shape[:4], np.float32), return_lse=True
    )
    assert output.shape == tuple(shape[1:])
    assert lse.shape == tuple(shape[1:4])
    assert (output == 0).all()
    if zero == 0:
        assert (lse == -np.inf).all()


def test_torch(monkeypatch):
    """Lists of torch's tensors, by a stand-in: torch stacks them, and gets its own kind back."""

    class Tensor:
        def __init__(self, values):
            self.values, self.shape = values, values.shape
            self.dtype = f"torch.{values.dtype}"

        def __dlpack__(self, **options):
            return self.values.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.values.__dlpack_device__()

    Tensor.__module__ = "torch"
    torch = types.ModuleType("torch")
    torch.float32 = np.float32
    torch.empty = lambda shape, dtype: Tensor(np.empty(shape, dtype))
    torch.is_grad_enabled = lambda: False
    torch.stack = lambda tensors: Tensor(np.stack([x.values for x in tensors]))
    monkeypatch.setitem(sys.modules, "torch", torch)
    q, k, v = problem(kv_heads=4)
    whole, lse = attn_mlir.sdpa(q, k, v, return_lse=True)
    pairs = [
        attn_mlir.sdpa(q, k[:, :, at], v[:, :, at], return_lse=True)
        for at in (slice(0, 90), slice(90, 300))
    ]
    output, merged = attn_mlir.merge(
        [Tensor(pair[0]) for pair in pairs], [Tensor(pair[1]) for pair in pairs], return_lse=True
    )
    assert type(output) is Tensor and type(merged) is Tensor
    np.testing.assert_allclose(output.values, whole, atol=2e-6)
    np.testing.assert_allclose(merged.values, lse, atol=2e-6)


PARTS, LSES = np.ones((2, 1, 2, 3, 4), np.float32), np.ones((2, 1, 2, 3), np.float32)


@pytest.mark.parametrize(
    ("error", "message", "parts", "lses", "sinks"),
    [
        (ValueError, "parts: expected at least one array, found none", [], LSES, None),
        (
            ValueError,
            "parts: expected arrays of one shape, found [(2,), (3,)]",
            [np.ones(2), np.ones(3)],
            LSES,
            None,
        ),
        (
            TypeError,
            "parts: expected an array of float64 or float32 or float16 or bfloat16, found int32",
            PARTS.astype(np.int32),
            LSES,
            None,
        ),
        (
            TypeError,
            "lses: expected an array of float32, found float64",
            PARTS,
            LSES.astype(np.float64),
            None,
        ),
        (
            ValueError,
            "parts: expected [P, B, H, M, Dv] of rank 5, found shape (1, 2, 3, 4)",
            PARTS[0],
            LSES,
            None,
        ),
        (
            ValueError,
            "lses: expected the shape of parts without Dv, (2, 1, 2, 3), found (1, 1, 2, 3)",
            PARTS,
            LSES[:1],
            None,
        ),
        (
            ValueError,
            "sinks: expected shape (2,), found (3,)",
            PARTS,
            LSES,
            np.ones(3, np.float32),
        ),
        (
            TypeError,
            "sinks: expected an array of float64 or float32 or float16 or bfloat16, found list",
            PARTS,
            LSES,
            [0.0, 0.0],
        ),
    ],
)
def test_errors(error, message, parts, lses, sinks):
    with pytest.raises(error) as raised:
        attn_mlir.merge(parts, lses, sinks=sinks)
    assert str(raised.value) == message
