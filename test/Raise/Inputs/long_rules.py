# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints attention whose scores, keys or weights go through very many ops.

`squares`: 60 squarings in one body, 2^60 ops if read as a tree, where the word says; `chain`: a
hundred thousand ops, one behind the other.
"""

import sys

SQUARES = "\n".join(f"      %z{i + 1} = arith.mulf %z{i}, %z{i} : f32" for i in range(60))
MAPS = "affine_map<(m, n) -> (m, n)>"


def pointwise(name, source, kind):
    return f"""  %{name} = linalg.generic {{indexing_maps = [{MAPS}, {MAPS}], iterator_types = ["parallel", "parallel"]}}
    ins({source} : {kind}) outs({source} : {kind}) {{
    ^bb0(%z0: f32, %o: f32):
{SQUARES}
      linalg.yield %z60 : f32
  }} -> {kind}"""


def main(word):
    q, k, v, s = "tensor<5x8xf32>", "tensor<8x7xf32>", "tensor<7x4xf32>", "tensor<5x7xf32>"
    lines = [f"func.func @{word}(%q: {q}, %k0: {k}, %v: {v}) -> tensor<5x4xf32> {{"]
    lines.append("  %zero = arith.constant 0.0 : f32")
    lines.append(f"  %e = tensor.empty() : {s}\n  %oe = tensor.empty() : tensor<5x4xf32>")
    lines.append(pointwise("k", "%k0", k) if word == "keys" else f"  %k = arith.negf %k0 : {k}")
    lines.append(f"  %i = linalg.fill ins(%zero : f32) outs(%e : {s}) -> {s}")
    lines.append(f"  %t0 = linalg.matmul ins(%q, %k : {q}, {k}) outs(%i : {s}) -> {s}")
    count = 100000 if word == "chain" else 1
    lines += [f"  %t{i + 1} = math.tanh %t{i} : {s}" for i in range(count)]
    scores = f"%t{count}"
    if word == "scores":
        lines.append(pointwise("s", scores, s))
        scores = "%s"
    lines.append(f"  %p0 = linalg.softmax dimension(1) ins({scores} : {s}) outs(%e : {s}) -> {s}")
    lines.append(
        pointwise("p", "%p0", s) if word == "weights" else f"  %p = tensor.cast %p0 : {s} to {s}"
    )
    lines.append(
        "  %oi = linalg.fill ins(%zero : f32) outs(%oe : tensor<5x4xf32>) -> tensor<5x4xf32>"
    )
    lines.append(
        f"  %o = linalg.matmul ins(%p, %v : {s}, {v}) outs(%oi : tensor<5x4xf32>) -> tensor<5x4xf32>"
    )
    print("\n".join(lines) + "\n  return %o : tensor<5x4xf32>\n}")


main(sys.argv[1])
