# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The kernels that benchmarks/gpu checks and times, and their sources.

usage: cases.py FOLDER      writes NAME.mlir of each case and cases.json
"""

import dataclasses
import json
import pathlib
import sys


@dataclasses.dataclass
class Case:
    """Attention with keys of `head` and values of `value` channels."""

    head: int
    value: int = 0
    dtype: str = "bf16"
    causal: bool = False
    softcap: float = 0.0
    window: int = -1  # keys to the left of the diagonal
    alibi: bool = False

    def __post_init__(self):
        self.value = self.value or self.head

    @property
    def name(self):
        words = [f"d{self.head}" + (f"x{self.value}" if self.value != self.head else "")]
        words += [self.dtype, "causal" if self.causal else "full"]
        words += ["softcap"] * bool(self.softcap) + ["alibi"] * self.alibi
        words += ["window"] * (self.window >= 0)
        return "-".join(words)

    @property
    def plain(self):
        return not (self.softcap or self.alibi or self.window >= 0)

    def source(self):
        def tensor(channels):
            return f"tensor<?x?x?x{channels}x{self.dtype}>"

        query, value = tensor(self.head), tensor(self.value)
        clauses = ["causal(bottom_right)"] * self.causal
        if self.softcap:
            clauses.append("softcap(%cap)")
        if self.window >= 0:
            clauses.append(f"window({self.window}, 0)")
        slopes = ""
        if self.alibi:
            clauses.append("alibi(%slopes : tensor<?xf32>)")
            slopes = ", %slopes: tensor<?xf32>"
        clauses.append("returns(lse)")
        cap = f"  %cap = arith.constant {self.softcap} : f32\n" if self.softcap else ""
        results = f"{value}, tensor<?x?x?xf32>"
        return (
            f"func.func @attention(%q: {query}, %k: {query}, %v: {value}{slopes})\n"
            f"    -> ({results}) {{\n"
            f"{cap}"
            f"  %o, %l = attn.sdpa %q, %k, %v {' '.join(clauses)}\n"
            f"    : {query}, {query}, {value} -> {results}\n"
            f"  return %o, %l : {results}\n"
            "}\n"
        )


CASES = [
    *(Case(head, causal=causal) for head in (128, 64, 256) for causal in (False, True)),
    *(Case(192, 128, causal=causal) for causal in (False, True)),
    *(Case(head, dtype="f16") for head in (128, 64)),
    *(Case(head, causal=True, softcap=20.0) for head in (128, 64)),
    *(Case(head, causal=True, alibi=True) for head in (128, 64)),
    Case(128, causal=True, window=1023),
    *(Case(head) for head in (80, 96)),
]


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        (folder / f"{case.name}.mlir").write_text(case.source())
    rows = [dataclasses.asdict(case) | {"name": case.name} for case in CASES]
    (folder / "cases.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
