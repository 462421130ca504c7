# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn_mlir.sdpa: kinds of arrays, corners of meaning, threads."""

import array
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import threading
import time
import types
import weakref

import attention_judge as judge
import ml_dtypes
import numpy as np
import pytest

import attn_mlir


def numbers(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(0, 1, shape).astype(dtype)


def inputs(dtype=np.float32, batches=1, heads=2, queries=3, keys=5, dim=8):
    return (
        numbers(batches, heads, queries, dim, dtype=dtype, seed=1),
        numbers(batches, heads, keys, dim, dtype=dtype, seed=2),
        numbers(batches, heads, keys, dim, dtype=dtype, seed=3),
    )


def check(result, arrays, **options):
    output, _, bound, _ = judge.attention(*arrays, **options)
    judge.assert_within(result, output, bound, str(options))


class OnlyDLPack:
    """What any library has: DLPack and the array API's namespace."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()

    def __array_namespace__(self):
        return types.SimpleNamespace(from_dlpack=lambda x: OnlyDLPack(np.from_dlpack(x)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_dlpack(dtype):
    arrays = inputs(dtype)
    result = attn_mlir.sdpa(*map(OnlyDLPack, arrays))
    assert type(result) is OnlyDLPack
    check(result.values, arrays)


def test_torch(monkeypatch):
    """The way of torch's tensors, walked by a stand-in."""

    class Tensor(OnlyDLPack):
        pass

    Tensor.__module__ = "torch"
    torch = types.ModuleType("torch")
    torch.float32 = np.float32
    torch.empty = lambda shape, dtype: Tensor(np.empty(shape, dtype))
    torch.is_grad_enabled = lambda: gradients
    gradients = True
    monkeypatch.setitem(sys.modules, "torch", torch)
    arrays = inputs()
    result, lse = attn_mlir.sdpa(*map(Tensor, arrays), return_lse=True)
    assert type(result) is Tensor and type(lse) is Tensor
    check(result.values, arrays)
    # A result would have lost the way back to the weights.
    learning = Tensor(arrays[0])
    learning.requires_grad = True
    with pytest.raises(TypeError) as info:
        attn_mlir.sdpa(learning, Tensor(arrays[1]), Tensor(arrays[2]))
    assert str(info.value) == (
        "q: expected a tensor without a gradient, or torch.no_grad(), found requires_grad=True"
    )
    gradients = False
    check(attn_mlir.sdpa(learning, Tensor(arrays[1]), Tensor(arrays[2])).values, arrays)
    out = Tensor(np.empty_like(arrays[0]))
    assert attn_mlir.sdpa(*map(Tensor, arrays), out=out) is out
    check(out.values, arrays)


def test_buffers():
    """memoryview and array.array: the result is numpy's."""
    arrays = inputs()
    q, k, v = (memoryview(x) for x in arrays)
    result = attn_mlir.sdpa(q, k, v)
    assert type(result) is np.ndarray
    check(result, arrays)
    slopes = array.array("f", [0.25, 0.5])
    check(attn_mlir.sdpa(q, k, v, alibi_slopes=slopes), arrays, alibi_slopes=slopes)


def test_subclass():
    arrays = inputs()
    check(attn_mlir.sdpa(*(x.view(np.memmap) for x in arrays)), arrays)


def test_bfloat16_keeps_its_type():
    arrays = inputs(ml_dtypes.bfloat16)
    out = np.empty_like(arrays[0])
    assert attn_mlir.sdpa(*arrays, out=out) is out
    assert out.dtype == ml_dtypes.bfloat16
    check(out, arrays)


def test_out_may_be_an_input():
    q, k, v = arrays = inputs(queries=5)
    copies = [x.copy() for x in arrays]
    attn_mlir.sdpa(q, k, v, out=k)
    check(k, copies)


def test_result_shares_nothing():
    arrays = inputs()
    first, second = attn_mlir.sdpa(*arrays), attn_mlir.sdpa(*arrays)
    assert not np.shares_memory(first, second)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("dim", [0, 4])
@pytest.mark.parametrize("empty", ["batches", "heads", "queries", "keys"])
def test_empty(empty, dim):
    arrays = inputs(**({"dim": dim} | {empty: 0}))
    result, lse = attn_mlir.sdpa(*arrays, scale=1.0, return_lse=True)
    assert result.shape == arrays[0].shape and not result.any()
    assert np.all(lse == -np.inf)


def test_no_channels():
    """Without channels every score is 0: the mean of the values."""
    v = numbers(1, 2, 5, 3)
    empty = np.empty((1, 2, 5, 0), np.float32)
    result = attn_mlir.sdpa(empty, empty, v, scale=0.5)
    np.testing.assert_allclose(result, np.repeat(v.mean(2, keepdims=True), 5, 2), rtol=1e-6)


def test_dropped_keys_take_no_part():
    q, k, v = arrays = inputs()
    keep = np.array([True, True, False, True, False])
    expected = attn_mlir.sdpa(*arrays, attn_mask=keep)
    k[:, :, ~keep], v[:, :, ~keep] = np.nan, np.inf
    assert np.array_equal(attn_mlir.sdpa(q, k, v, attn_mask=keep), expected)


def test_kept_nan_reaches_its_row_only():
    q, k, v = inputs()
    q[0, 1, 2, 0] = np.nan
    result = attn_mlir.sdpa(q, k, v)
    assert np.isnan(result[0, 1, 2]).all()
    assert np.isfinite(result).sum() == result.size - result.shape[-1]


DIAGONALS = [
    {"is_causal": True},
    {"window": (1, 0)},
    {"window": (-1, 2)},
    {"window": (2, -1)},
    {"is_causal": True, "window": (2, 1)},
]
SLOPES = [
    {"alibi_slopes": np.array([0.5, 0.125])},
    {"alibi_slopes": np.array([0.5, 0.125]), "window": (2, 1)},
    {"is_causal": True, "alibi_slopes": np.array([0.5, 0.125], np.float32), "window": (2, 1)},
]


@pytest.mark.parametrize("align", ["top_left", "bottom_right", 2, -1])
@pytest.mark.parametrize("lengths", [None, [5, 2]])
@pytest.mark.parametrize("options", DIAGONALS + SLOPES, ids=str)
def test_diagonals(align, lengths, options):
    """Causal, window and ALiBi on every diagonal, together and alone."""
    arrays = inputs(batches=2, queries=4)
    options = options | {"causal_align": align}
    if lengths:
        options["kv_lens"] = np.array(lengths, np.int32)
    check(attn_mlir.sdpa(*arrays, **options), arrays, **options)


@pytest.mark.parametrize("align", [-(10**30), -(2**40), 2**40, 2**62, 10**30])
@pytest.mark.parametrize("options", DIAGONALS, ids=str)
def test_far_diagonals(align, options):
    """Offsets beyond any position, and beyond any integer of the machine."""
    arrays = inputs()
    result = attn_mlir.sdpa(*arrays, **options, causal_align=align)
    check(result, arrays, **options, causal_align=max(-1000, min(align, 1000)))


def test_one_query_is_a_row_of_many():
    q, k, v = inputs(queries=40, keys=70)
    together = attn_mlir.sdpa(q, k, v)
    for m in (0, 17, 39):
        alone = attn_mlir.sdpa(q[:, :, m : m + 1], k, v)
        np.testing.assert_allclose(alone[:, :, 0], together[:, :, m], rtol=2e-5, atol=1e-6)


def test_threads_and_strides_do_not_change_bits():
    q, k, v = inputs(batches=2, heads=4, queries=100, keys=130)
    expected = attn_mlir.sdpa(q, k, v, is_causal=True, threads=1)
    for threads in (2, 7):
        assert np.array_equal(attn_mlir.sdpa(q, k, v, is_causal=True, threads=threads), expected)
    turned = [
        np.ascontiguousarray(x.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3) for x in (q, k, v)
    ]
    assert np.array_equal(attn_mlir.sdpa(*turned, is_causal=True), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
def test_window_behind_the_last_key(dtype, masked):
    """Whole tiles of queries look at keys that there are not: a range that ends before it begins."""
    q, k, v = inputs(dtype, queries=200, keys=21, dim=64)
    options = {"window": (5, 0)}
    if masked:
        options["attn_mask"] = numbers(200, 21, dtype=dtype, seed=4)
    out = np.full_like(q, 7)
    attn_mlir.sdpa(q, k, v, out=out, **options)
    assert np.all(out[:, :, 26:] == 0)
    check(out, (q, k, v), **options)


@pytest.mark.parametrize("queries", [1, 5, 70])
def test_shared_key_heads_do_not_change_bits(queries):
    """A stride of 0 over the heads of k and v reads one head, as its copies would be read."""
    q, k, v = inputs(batches=2, heads=6, queries=queries, keys=130)
    k, v = (np.broadcast_to(x[:, :1], x.shape) for x in (k, v))
    expected = attn_mlir.sdpa(q, k.copy(), v.copy(), is_causal=True)
    assert np.array_equal(attn_mlir.sdpa(q, k, v, is_causal=True), expected)


PACKED = """
import resource, sys
import numpy as np
import attn_mlir

whole = np.zeros((1, 100_000, 3, 8, 64), np.float32)
q, k, v = (whole[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
if sys.argv[1] == "cache":
    k = v = np.zeros((1, 8, 100_000, 65), np.float32)[..., :90_000, :64]
if sys.argv[1] == "shared":
    k = v = np.broadcast_to(np.zeros((1, 1, 100_000, 64), np.float32), (1, 8, 100_000, 64))
q = q[:, :, :5]
attn_mlir.sdpa(q, k, v, threads=1)
kilobytes = int(open("/proc/self/status").read().split("VmSize:")[1].split()[0])
resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024 + 50_000_000,) * 2)
if sys.argv[1] == "copied":
    v = v[..., ::-1]
attn_mlir.sdpa(q, k, v, threads=1)
"""


@pytest.mark.parametrize("how", ["packed", "cache", "shared", "copied"])
def test_slices_are_read_in_place(how):
    """There is no room for a copy of 200 MB; what has to be copied shows that."""
    path = str(pathlib.Path(attn_mlir.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", PACKED, how],
        env=dict(os.environ, PYTHONPATH=path, OPENBLAS_NUM_THREADS="1"),
        capture_output=True,
        text=True,
    )
    if how == "copied":
        message = "out of memory for a row-major copy of an input 1x8x100000x64xf32"
        assert run.stderr.splitlines()[-1] == f"ValueError: {message}"
    else:
        assert run.returncode == 0, run.stderr


def test_slices_do_not_change_bits():
    whole = numbers(2, 61, 3, 4, 16)
    q, k, v = (whole[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
    for queries in (61, 1):
        arrays = q[:, :, :queries], k, v
        expected = attn_mlir.sdpa(*(x.copy() for x in arrays), is_causal=True)
        assert np.array_equal(attn_mlir.sdpa(*arrays, is_causal=True), expected)
        check(attn_mlir.sdpa(*arrays, target="linalg"), arrays)


def test_linalg_agrees():
    arrays = inputs(queries=9, keys=17)
    check(attn_mlir.sdpa(*arrays, is_causal=True, target="linalg"), arrays, is_causal=True)


def test_many_threads_call_at_once():
    """One kernel, compiled by whoever is first, called by all."""
    arrays = inputs(heads=3, queries=33, keys=65, dim=24)
    expected = attn_mlir.sdpa(*arrays, softcap=20.0, threads=1)

    def work(_):
        return all(
            np.array_equal(attn_mlir.sdpa(*arrays, softcap=20.0, threads=2), expected)
            for _ in range(50)
        )

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_gil_is_released():
    """Another Python thread goes on while a kernel runs."""
    arrays = inputs(heads=8, queries=2000, keys=2000, dim=64)
    attn_mlir.sdpa(*arrays, threads=1)
    steps, done = 0, threading.Event()

    def run():
        attn_mlir.sdpa(*arrays, threads=1)
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    while not done.is_set():
        steps += 1
        done.wait(0.0005)
    thread.join()
    assert steps > 5


def test_arrays_are_kept_while_running():
    """A resize in the middle of a call is refused, and the memory stays."""
    q, k, v = arrays = [bytearray(2 * 400 * 64 * 4) for _ in range(3)]
    views = [memoryview(x).cast("f", (1, 2, 400, 64)) for x in arrays]
    refused = []

    def resize():
        for _ in range(200):
            try:
                q.extend(b"0000")
            except BufferError:
                refused.append(True)

    thread = threading.Thread(target=resize)
    thread.start()
    result = attn_mlir.sdpa(*views)
    thread.join()
    assert len(refused) == 200 and not result.any()


def test_arrays_without_another_owner_live_as_long_as_the_call():
    """The caller's references go while the call runs, and others take what memory is free."""
    arrays = [
        np.random.default_rng(i).standard_normal((1, 4, 4096, 64), np.float32) for i in range(3)
    ]
    expected = attn_mlir.sdpa(*arrays, threads=1)
    alive = [weakref.ref(x) for x in arrays]
    results = []
    thread = threading.Thread(
        target=lambda: results.append(attn_mlir.sdpa(*(arrays.pop(0) for _ in range(3)), threads=1))
    )
    thread.start()
    while arrays:
        time.sleep(0)
    taken = []
    while thread.is_alive():
        taken = [np.full((1, 4, 4096, 64), np.nan, np.float32) for _ in range(3)]
    thread.join()
    assert len(taken) == 3, "the call ended before anything was freed"
    assert np.array_equal(results[0], expected)
    assert not any(x() is not None for x in alive), "the call has left a reference"
