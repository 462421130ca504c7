# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares one bundle with float64 on a GPU; bench.py runs it as a child, so that a kernel that
hangs costs its time limit and not the whole run.

usage: check.py NAME        prints one line of JSON
"""

import json
import math
import pathlib
import sys

import cuda
import torch

HERE = pathlib.Path(__file__).resolve().parent
# B, H, Hkv, M, N: whole tiles, odd lengths with groups of heads, long, one query, rows without keys.
SHAPES = [
    (1, 2, 1, 128, 128),
    (2, 4, 2, 200, 333),
    (1, 4, 4, 1024, 1024),
    (1, 8, 2, 1, 777),
    (1, 2, 2, 300, 77),
    (2, 2, 1, 1, 1),
]
# bf16 and f16 round p and the output; the LSE stays in f32, and tanh is an approximation.
OUTPUT_BOUND, LSE_BOUND = 8e-3, 3e-2
DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16}


def inputs(case, b, h, hkv, m, n):
    """q, k, v and, for ALiBi, slopes."""

    def draw(heads, length, channels):
        return torch.randn(b, heads, length, channels, device="cuda").to(DTYPES[case["dtype"]])

    tensors = [draw(h, m, case["head"]), draw(hkv, n, case["head"]), draw(hkv, n, case["value"])]
    if case["alibi"]:
        tensors.append(torch.rand(h, device="cuda") * 0.1 + 0.01)
    return tensors


def reference(case, q, k, v, slopes=None):
    """Output and LSE in float64, by the definition."""
    q, k, v = (x.double() for x in (q, k, v))
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, 1) for x in (k, v))
    s = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    m, n = s.shape[-2:]
    if case["softcap"]:
        s = case["softcap"] * torch.tanh(s / case["softcap"])
    distance = torch.arange(n, device="cuda") - torch.arange(m, device="cuda")[:, None] - (n - m)
    if slopes is not None:
        s = s - slopes.double()[:, None, None] * distance.abs()
    keep = torch.ones(m, n, dtype=torch.bool, device="cuda")
    if case["causal"]:
        keep &= distance <= 0
    if case["window"] >= 0:
        keep &= distance >= -case["window"]
    s = s.masked_fill(~keep, -math.inf)
    return torch.softmax(s, -1).nan_to_num(0) @ v, torch.logsumexp(s, -1)


def worst(found, expected):
    """The largest difference; the same infinity is none, a NaN is infinite."""
    difference = (found.double() - expected).abs()
    difference[found.double() == expected] = 0
    return difference.nan_to_num(math.inf).max().item()


def main():
    name = sys.argv[1]
    case = next(c for c in json.loads((HERE / "cases.json").read_text()) if c["name"] == name)
    entry = cuda.load(HERE / f"{name}.bundle")
    torch.manual_seed(7)
    output_error = lse_error = 0.0
    for shape in SHAPES:
        b, h, _, m, _ = shape
        tensors = inputs(case, *shape)
        o = torch.full((b, h, m, case["value"]), math.nan, dtype=tensors[0].dtype, device="cuda")
        lse = torch.full((b, h, m), math.nan, device="cuda")
        run, _ = entry.prepare(*tensors, outputs=[o, lse])
        run()
        torch.cuda.synchronize()
        expected, expected_lse = reference(case, *tensors)
        scale = max(expected.abs().max().item(), 1e-6)
        output_error = max(output_error, worst(o, expected) / scale)
        lse_error = max(lse_error, worst(lse, expected_lse))
    good = output_error < OUTPUT_BOUND and lse_error < LSE_BOUND
    report = {"name": name, "good": good, "output_error": output_error, "lse_error": lse_error}
    print(json.dumps(report | {"kernels": entry.attributes}))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
