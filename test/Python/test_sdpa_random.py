# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random calls of attn_mlir.sdpa, each judged within the bound of docs/numerics.md.

A profile has the options, the type and the head sizes, which a kernel depends on; each of its
calls has sizes, strides and values of its own. A profile depends on its number and the seed alone.
"""

import random

import attention_judge as judge
import numpy as np
import pytest
from array_layouts import lay_out

import attn_mlir

# Fixed after the code that it tests was written.
SEED = 20261127
PROFILES, CALLS = 100, 4
DEVIATIONS = [0.02, 0.5, 1.0, 1.0, 3.0, 10.0]


class Profile:
    def __init__(self, number):
        self.draw = draw = random.Random(f"{SEED}/{number}")
        self.values = np.random.default_rng([SEED, number])
        self.dtype = draw.choice(["float32", "float32", "bfloat16", "float16", "float64"])
        self.dim = draw.choice([1, 8, 16, 31, 64, 64, 80, 128])
        self.value_dim = self.dim if draw.random() < 0.6 else draw.choice([1, 16, 33, 64])
        self.group = draw.choice([1, 1, 2, 4])
        self.diagonal = draw.choice(["none", "causal", "window", "both"])
        self.align = draw.choice(["top_left", "top_left", "bottom_right", "offset"])
        self.mask = draw.choice([None, None, "keep", "additive"])
        self.mask_ones = [draw.random() < 0.5 for _ in range(4)]
        self.mask_rank = draw.choice([0, 2, 3, 4, 4])
        self.softcap = draw.choice([0.0, 0.0, 0.0, 5.0, 30.0])
        self.alibi, self.sinks, self.lengths, self.lse = (
            draw.random() < chance for chance in (0.2, 0.2, 0.25, 0.4)
        )
        self.strides = [draw.choice(STRIDES) for _ in range(3)]
        self.out = draw.choice([None, None, *STRIDES[:3]])
        self.sides = draw.choice([(True, True), (True, False), (False, True)])

    def size(self, limit):
        kind = self.draw.random()
        return 0 if kind < 0.04 else 1 if kind < 0.1 else self.draw.randint(1, limit)

    def numbers(self, shape, deviation):
        return judge.rounded(self.values.normal(0, deviation, shape), self.dtype)

    def call(self):
        """The arrays and options of one call."""
        draw = self.draw
        batches, kv_heads = self.size(3), self.size(3)
        queries, keys = self.size(draw.choice([9, 70])), self.size(draw.choice([9, 150]))
        heads = kv_heads * self.group
        deviation = draw.choice(DEVIATIONS)
        q, k, v = (
            lay_out(self.numbers(shape, deviation), strides)
            for shape, strides in zip(
                (
                    (batches, heads, queries, self.dim),
                    (batches, kv_heads, keys, self.dim),
                    (batches, kv_heads, keys, self.value_dim),
                ),
                self.strides,
                strict=True,
            )
        )
        options = {"enable_gqa": self.group > 1, "return_lse": self.lse}
        if draw.random() < 0.3:
            options["scale"] = draw.choice([0.05, 0.3, -0.2])
        self.add_diagonal(options, queries, keys)
        self.add_mask(options, (batches, heads, queries, keys))
        if self.softcap:
            options["softcap"] = self.softcap
        if self.alibi:
            options["alibi_slopes"] = self.values.uniform(0, 0.5, heads).astype(np.float32)
        if self.sinks:
            options["sinks"] = self.values.normal(0, 2, heads).astype(np.float32)
        if self.lengths:
            dtype = draw.choice([np.int32, np.int64])
            options["kv_lens"] = self.values.integers(0, keys + 1, batches).astype(dtype)
        if self.out:
            empty = np.empty((batches, heads, queries, self.value_dim), q.dtype)
            options["out"] = lay_out(empty, self.out)
        return (q, k, v), options

    def add_diagonal(self, options, queries, keys):
        draw = self.draw
        if self.align == "offset":
            options["causal_align"] = draw.randint(-queries, keys)
        else:
            options["causal_align"] = self.align
        if self.diagonal in ("causal", "both"):
            options["is_causal"] = True
        if self.diagonal in ("window", "both"):
            options["window"] = tuple(
                draw.choice([0, 1, 5, 40, 10**12]) if side else -1 for side in self.sides
            )

    def add_mask(self, options, full):
        if self.mask is None:
            return
        shape = [1 if one else size for one, size in zip(self.mask_ones, full, strict=True)]
        shape = shape[4 - self.mask_rank :]
        if self.mask == "keep":
            options["attn_mask"] = self.values.random(shape) < 0.7
        else:
            mask = self.values.normal(0, 2, shape)
            mask[self.values.random(shape) < 0.2] = -np.inf
            options["attn_mask"] = judge.rounded(mask, self.dtype)


STRIDES = [
    "plain",
    "bshd",
    "gaps",
    "plain",
    "sbhd",
    "fortran",
    "backwards",
    "unaligned",
    "repeated",
    "read-only",
    "packed",
    "cache",
]


@pytest.mark.parametrize("number", range(PROFILES))
def test_profile(number):
    profile = Profile(number)
    for call in range(CALLS):
        arrays, options = profile.call()
        copies = [array.copy() for array in arrays]
        result = attn_mlir.sdpa(*arrays, **options)
        output, lse, bound, lse_bound = judge.attention(*copies, **options)
        what = f"profile {number}, call {call}"
        if options["return_lse"]:
            result, found_lse = result
            judge.assert_within(found_lse, lse, lse_bound, f"{what}, lse")
            assert found_lse.dtype == (np.float64 if profile.dtype == "float64" else np.float32)
        assert result.dtype == arrays[0].dtype
        assert "out" not in options or result is options["out"]
        judge.assert_within(result, output, bound, what)
        for array, copy in zip(arrays, copies, strict=True):
            assert np.array_equal(array, copy), f"{what}: an input was written to"
