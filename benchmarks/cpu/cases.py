# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of cases, their inputs, and the answers that they must have."""

import dataclasses
from typing import ClassVar

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """q [B, H, M, D], k and v [B, Hkv, N, D]; causal is top left: query i sees the keys up to i."""

    heading: ClassVar[str] = "B, H, S, D"
    has_limit: ClassVar[bool] = True  # benchmarks/limit runs it, or a plain read is its limit

    name: str
    B: int
    H: int
    M: int
    N: int
    D: int
    Hkv: int = 0  # 0: as H
    causal: bool = False
    dtype: str = "f32"  # or bf16
    of_limit: float | None = None  # bar: ours / limit
    over_peers: tuple[float, float] | None = None  # bars of x: with AVX2, with AVX-512
    of_read: float | None = None  # bar: share of the plain read rate of the same bytes

    @property
    def kv_heads(self):
        return self.Hkv or self.H

    @property
    def flops(self):
        """Products and sums of both products; causal counts half."""
        return 4 * self.B * self.H * self.M * self.N * self.D * (0.5 if self.causal else 1)

    @property
    def bytes(self):
        """What must move at least once: q, k, v and the result."""
        size = 2 if self.dtype == "bf16" else 4
        return 2 * size * self.B * self.D * (self.H * self.M + self.kv_heads * self.N)

    @property
    def label(self):
        heads = f"{self.H}/{self.Hkv}" if self.Hkv else str(self.H)
        length = str(self.M) if self.M == self.N else f"{self.M}x{self.N}"
        words = [f"{self.B}, {heads}, {length}, {self.D}"]
        words += ["causal"] if self.causal else []
        words += [self.dtype] if self.dtype != "f32" else []
        return " ".join(words)

    def row(self):
        """What the results keep of the case."""
        row = {"case": self.name, "label": self.label, "flops": self.flops, "bytes": self.bytes}
        return row | {"keys": self.N, "self": self.M == self.N, "causal": self.causal}

    def read_beside(self, arrays):
        """What a plain read is timed of: the keys and values of single queries."""
        return arrays[1:] if self.M == 1 else []

    def inputs(self, seed=0):
        """Standard normal q, k, v in f32, rounded to bf16 where the case says so."""
        random = np.random.default_rng(seed)
        shapes = [(self.B, self.H, self.M, self.D)] + [(self.B, self.kv_heads, self.N, self.D)] * 2
        arrays = [random.standard_normal(shape, dtype=np.float32) for shape in shapes]
        return [to_f32(to_bf16(x)) for x in arrays] if self.dtype == "bf16" else arrays

    def reference(self, q, k, v, rows=6, heads=4, seed=1):
        """{(b, h, m): row in double precision} of the first, the last and some random rows."""
        random = np.random.default_rng(seed)
        some = {(0, 0), (self.B - 1, self.H - 1)}
        some |= {(int(random.integers(self.B)), int(random.integers(self.H))) for _ in range(heads)}
        queries = {0, self.M // 2, self.M - 1} | {int(random.integers(self.M)) for _ in range(rows)}
        answers = {}
        for b, h in some:
            group = h // (self.H // self.kv_heads)
            keys, values = (x[b, group].astype(np.float64) for x in (k, v))
            for m in queries:
                seen = min(m + 1, self.N) if self.causal else self.N
                s = keys[:seen] @ q[b, h, m].astype(np.float64) / np.sqrt(self.D)
                p = np.exp(s - s.max())
                answers[b, h, m] = (p / p.sum()) @ values[:seen]
        return answers

    def check(self, answers, out):
        """The largest absolute error; ValueError says why an answer is wrong.

        Contenders may differ in how they sum, not in what: 2e-4 is far above rounding on this data
        (peers stay below 1e-5) and far below any mistake. bf16: rounding of a result below 4, twice.
        """
        if out.shape != (self.B, self.H, self.M, self.D):
            raise ValueError(
                f"expected a result of {self.B, self.H, self.M, self.D}, found {out.shape}"
            )
        tolerance = 4e-2 if self.dtype == "bf16" else 2e-4
        error = 0.0
        for index, row in answers.items():
            here = float(np.abs(out[index].astype(np.float64) - row).max())
            if not here <= tolerance:  # NaN as well
                raise ValueError(
                    f"wrong: row {index} is off by {here:.3g}, more than {tolerance:g}"
                )
            error = max(error, here)
        return error


def to_bf16(x):
    """The bits of finite f32 numbers rounded to the nearest bf16, ties to even."""
    bits = x.view(np.uint32)
    return ((bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) >> 16).astype(np.uint16)


def to_f32(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


# Every row of the tables; the bars are floors for one thread.
CASES = [
    Case("s64", 1, 8, 64, 64, 64, of_limit=0.95, over_peers=(1.15, 1.25)),
    Case("s128", 1, 12, 128, 128, 64, of_limit=0.96, over_peers=(1.05, 1.15)),
    Case("s128b8", 8, 12, 128, 128, 64, of_limit=0.96, over_peers=(1.25, 1.35)),
    Case("s512", 1, 8, 512, 512, 64, of_limit=0.97, over_peers=(1.15, 1.2)),
    Case("s512c", 1, 8, 512, 512, 64, causal=True, of_limit=0.97, over_peers=(2.0, 2.3)),
    Case("s2048", 1, 16, 2048, 2048, 64, of_limit=0.98, over_peers=(1.2, 1.2)),
    Case("s2048c", 1, 16, 2048, 2048, 64, causal=True, of_limit=0.98, over_peers=(1.6, 3.0)),
    Case("d128", 1, 32, 2048, 2048, 128, of_limit=0.98, over_peers=(1.2, 1.15)),
    Case("d128c", 1, 32, 2048, 2048, 128, causal=True, of_limit=0.98, over_peers=(1.55, 2.7)),
    Case("cross", 1, 8, 128, 4096, 64, of_limit=0.97, over_peers=(1.3, 1.35)),
    Case("decode", 1, 32, 1, 4096, 128, Hkv=8, of_limit=0.95, over_peers=(2.3, 5.0)),
    Case("decode32k", 1, 32, 1, 32768, 128, Hkv=8, of_read=0.85),
    Case("minilm15", 1, 12, 15, 15, 32, over_peers=(1.3, 1.3)),
    Case("bf16", 1, 16, 2048, 2048, 64, dtype="bf16", of_limit=0.96, over_peers=(1.35, 1.35)),
]
