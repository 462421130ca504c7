# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""score_mod and mask_mod: Python functions as regions of the kernel.

The same functions, on whole grids of numpy, are the reference.
"""

import os
import subprocess
import sys
import tempfile
import types

import attention_judge as judge
import numpy as np
import pytest

import attn_mlir

B, H, HKV, M, N, D = 2, 4, 2, 37, 45, 24
RNG = np.random.default_rng(11)
DOCUMENTS = np.sort(RNG.integers(0, 4, max(M, N))).astype(np.int64) + 2**40
BIAS = RNG.normal(size=(H, M + N)).astype(np.float32)
SLOPES = np.array([0.5, 0.25, 0.125, 0.0625])
KEEP = RNG.random((B, N)) < 0.7
COMPLEX = np.zeros(N, complex)
PAIRS = RNG.normal(size=(M, N)).astype(np.float16)
BLOCKS = RNG.random((H, 5, 3)) < 0.5


def causal(b, h, q_idx, kv_idx):
    return q_idx >= kv_idx


def sliding_window(b, h, q_idx, kv_idx):
    return (q_idx >= kv_idx) & (q_idx - kv_idx <= 7)


def and_masks(*masks):
    def both(b, h, q_idx, kv_idx):
        result = b.new_ones((), dtype=bool) if hasattr(b, "new_ones") else True
        for mask in masks:
            result = result & mask(b, h, q_idx, kv_idx)
        return result

    return both


MASKS = {
    "causal": causal,
    "window": sliding_window,
    "document": lambda b, h, m, n: DOCUMENTS[m] == DOCUMENTS[n],
    "causal document": and_masks(causal, lambda b, h, m, n: DOCUMENTS[m] == DOCUMENTS[n]),
    "chunked": lambda b, h, m, n: m // 16 == n // 16,
    "dilated": lambda b, h, m, n: (m - n) % 3 == 0,
    "prefix": lambda b, h, m, n: (n < 9) | (n <= m),
    "per head": lambda b, h, m, n: (h % 2 == 0) & (n < 20) | (h % 2 == 1) & (m > 30),
    "keys": lambda b, h, m, n: KEEP[b, n],
    "none": lambda b, h, m, n: n < 0,
    "blocks": lambda b, h, m, n: BLOCKS[h, m // 8, n // 16],
    "blocks, causal": and_masks(causal, lambda b, h, m, n: BLOCKS[h // 2, m // 8, (n + 1) // 16]),
    "ring": lambda b, h, m, n: KEEP[b, (n - m) % N],
    "inverted": lambda b, h, m, n: ~(n == m) ^ (b == 1),
}
SCORES = {
    "relative bias": lambda s, b, h, m, n: s + BIAS[h, m - n + N - 1],
    "alibi": lambda s, b, h, m, n: s + SLOPES[h] * (n - m),
    "distance": lambda s, b, h, m, n: s - abs(m - n) / 8,
    "tanh": lambda s, b, h, m, n: 5 * np.tanh(s / 5),
    "where": lambda s, b, h, m, n: np.where(n <= m, s, -np.inf),
    "pairs": lambda s, b, h, m, n: s + PAIRS[m, n],
    "buckets": lambda s, b, h, m, n: s + BIAS[h, 40 + (m - n) // 4] * BIAS[h % 2, m % 7 + n // 3],
    "minimum": lambda s, b, h, m, n: np.minimum(s, 1.0) - np.log(1.0 + (m - n) ** 2),
    "integer": lambda s, b, h, m, n: s + (m * 2 + n) % 5 - (-m // 7),
}


def arrays(dtype="float32"):
    shapes = [(B, H, M, D), (B, HKV, N, D), (B, HKV, N, D)]
    return [judge.rounded(RNG.normal(size=shape), dtype) for shape in shapes]


def assert_right(inputs, **options):
    options["enable_gqa"] = True
    found = attn_mlir.sdpa(*inputs, **options)
    expected, _, bound, _ = judge.attention(*inputs, **options)
    judge.assert_within(found, expected, bound, "output")


@pytest.mark.parametrize("name", MASKS)
def test_masks(name):
    assert_right(arrays(), mask_mod=MASKS[name])


@pytest.mark.parametrize("name", SCORES)
def test_scores(name):
    assert_right(arrays(), score_mod=SCORES[name])


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16"])
def test_types(dtype):
    assert_right(arrays(dtype), score_mod=SCORES["relative bias"], mask_mod=MASKS["document"])


@pytest.mark.parametrize("align", ["top_left", "bottom_right", 3])
def test_with_the_other_options(align):
    """Rules share the regions with a window and ALiBi on a diagonal of their own."""
    options = {
        "causal_align": align,
        "window": (12, 9),
        "alibi_slopes": SLOPES,
        "softcap": 3.0,
        "kv_lens": np.array([45, 30]),
        "sinks": np.array([0.5, 1.0, -1.0, 2.0]),
        "attn_mask": RNG.random((1, 1, M, N)) < 0.9,
    }
    for rules in ({"score_mod": SCORES["alibi"]}, {"mask_mod": MASKS["chunked"]}):
        assert_right(arrays(), **rules, **options)
    assert_right(arrays(), score_mod=SCORES["tanh"], mask_mod=MASKS["keys"], **options)


def test_in_a_gpu_kernel():
    """The same rules in the kernel for sm_90a, which the emulator runs; P is bfloat16 there."""
    shapes = (1, 2, 40, 64), (1, 1, N, 64), (1, 1, N, 64)
    q, k, v = (judge.rounded(RNG.normal(size=shape), "bfloat16") for shape in shapes)
    rules = {
        "score_mod": SCORES["distance"],
        "mask_mod": and_masks(causal, MASKS["document"]),
    }
    found = attn_mlir.sdpa(q, k, v, enable_gqa=True, target="nvvm-emulation:sm_90a", **rules)
    expected, _, bound, _ = judge.attention(q, k, v, **rules)
    judge.assert_within(found, expected, bound, "output")


def test_arrays_are_read_at_the_call():
    inputs = arrays()
    table = np.zeros(N, np.float32)

    def rule(score, b, h, m, n):
        return score + table[n]

    plain = attn_mlir.sdpa(*inputs, score_mod=rule, enable_gqa=True)
    table[:] = -np.arange(N)
    assert_right(inputs, score_mod=rule)
    assert not np.array_equal(plain, attn_mlir.sdpa(*inputs, score_mod=rule, enable_gqa=True))


def test_an_equal_rule_is_compiled_once():
    program = """if True:
        import numpy as np, attn_mlir
        from attn_mlir._attn import cache_info
        def rule(number):
            return lambda score, b, h, m, n: score * 0.5 + number * (n + 1)
        x = np.ones((1, 1, 5, 8), np.float32)
        for number in (0.125, 0.125, 0.375, 0.125):
            attn_mlir.sdpa(x, x, x, score_mod=rule(number))
            print(cache_info()[1])
    """
    folder = os.path.dirname(os.path.dirname(attn_mlir.__file__))
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "ATTN_MLIR_CACHE_DIR": cache, "PYTHONPATH": folder}
        run = [sys.executable, "-c", program]
        files = subprocess.run(run, capture_output=True, text=True, check=True, env=environment)
    assert files.stdout.split() == ["1", "1", "2", "2"]


def test_torch_functions(monkeypatch):
    """torch hands its functions to __torch_function__ of what it is given; a stand-in does so."""
    torch = types.ModuleType("torch")

    def named(name):
        def function(*arguments):
            traced = next(a for a in arguments if hasattr(a, "__torch_function__"))
            return traced.__torch_function__(function, (type(traced),), arguments)

        function.__name__, function.__module__ = name, "torch"
        return function

    for name in ("where", "tanh", "abs", "maximum"):
        setattr(torch, name, named(name))
    monkeypatch.setitem(sys.modules, "torch", torch)

    def rule(score, b, h, m, n):
        return torch.where(torch.abs(m - n) < 9, torch.tanh(score), torch.maximum(score, -1.0))

    found = attn_mlir.sdpa(*(inputs := arrays()), score_mod=rule, enable_gqa=True)
    monkeypatch.setattr(torch, "where", np.where)
    monkeypatch.setattr(torch, "abs", np.abs)
    monkeypatch.setattr(torch, "tanh", np.tanh)
    monkeypatch.setattr(torch, "maximum", np.maximum)
    expected, _, bound, _ = judge.attention(*inputs, score_mod=rule)
    judge.assert_within(found, expected, bound, "output")


WRONG = {
    "branch": (lambda s, b, h, m, n: s if m > n else -s, TypeError,
               "score_mod: expected no Python branch on a traced value (if, and, or, not, min, max); use &, |, ~ or where"),
    "parameters": (lambda s, m: s, TypeError,
                   "score_mod: expected a function of (score, b, h, m, n), found <lambda>() takes 2 positional arguments but 5 were given"),
    "truth value": (lambda s, b, h, m, n: m > n, TypeError,
                    "score_mod: expected a function that returns a score, found a traced bool"),
    "nothing": (lambda s, b, h, m, n: None, TypeError,
                "score_mod: expected a function that returns a score, found another value"),
    "function": (lambda s, b, h, m, n: np.cumsum(s), TypeError,
                 "score_mod: expected a function that a rule can have, found cumsum"),
    "loaded index": (lambda s, b, h, m, n: s + BIAS[h, DOCUMENTS[m]], NotImplementedError,
                     "score_mod: expected captured arrays indexed by sums of b, h, m, n and integers, found another value as index 1"),
    "outside": (lambda s, b, h, m, n: s + BIAS[h, m - n], ValueError,
                "score_mod: expected indices from 0 to 81 in dimension 1 of a captured array, found m + n * -1 from -44 to 36"),
    "rank": (lambda s, b, h, m, n: s + BIAS[h], TypeError,
             "score_mod: expected 2 indices of a captured array, found 1"),
    "element type": (lambda s, b, h, m, n: s + COMPLEX[n], TypeError,
                     "score_mod: expected a captured array of floats, integers or bool, found complex128"),
    "divisor": (lambda s, b, h, m, n: s + m // n, TypeError,
                "score_mod: expected a positive Python integer behind // and %, found another value"),
    "integer": (lambda s, b, h, m, n: s + range(9)[m], TypeError,
                "score_mod: expected no use of a traced value as a Python integer"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rules(name):
    rule, kind, message = WRONG[name]
    with pytest.raises(kind) as info:
        attn_mlir.sdpa(*arrays(), score_mod=rule, enable_gqa=True)
    assert str(info.value) == message
    assert len(message) <= 120


def test_wrong_masks():
    for rule, message in (
        (lambda b, h, m, n: m, "mask_mod: expected a function that returns a truth value, found a traced int"),
        (lambda b, h, m, n: ~m, "mask_mod: expected truth values, found a traced int; compare it with 0"),
        (lambda b, h, m, n: (m > n) & m, "mask_mod: expected truth values, found a traced int; compare it with 0"),
    ):  # fmt: skip
        with pytest.raises(TypeError) as info:
            attn_mlir.sdpa(*arrays(), mask_mod=rule, enable_gqa=True)
        assert str(info.value) == message


def test_empty_shapes():
    q, k, v = arrays()
    rules = {"score_mod": SCORES["relative bias"], "mask_mod": causal, "enable_gqa": True}
    assert attn_mlir.sdpa(q[:, :, :0], k, v, **rules).shape == (B, H, 0, D)
    assert not attn_mlir.sdpa(q, k[:, :, :0], v[:, :, :0], **rules).any()
