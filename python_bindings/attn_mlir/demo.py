# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m attn_mlir demo: a checked number, a time, a page to look at. No network, no model."""

import os
import statistics
import tempfile
import time

from .progress import saying

SENTENCE = "the animal did not cross the street because it was too tired".split()
LAYERS, HEADS, CHANNELS = 3, 4, 32

# One layer of heads with their weights as a result; slopes make some of them look nearby.
WEIGHTS = """
func.func @weights(%q: tensor<1x?x?x32xf32>, %k: tensor<1x?x?x32xf32>, %v: tensor<1x?x?x32xf32>,
                   %slopes: tensor<?xf32>) -> (tensor<1x?x?x32xf32>, tensor<1x?x?x?xf32>) {
  %o, %p = attn.sdpa %q, %k, %v alibi(%slopes : tensor<?xf32>) returns(weights)
    : tensor<1x?x?x32xf32>, tensor<1x?x?x32xf32>, tensor<1x?x?x32xf32>
      -> tensor<1x?x?x32xf32>, tensor<1x?x?x?xf32>
  return %o, %p : tensor<1x?x?x32xf32>, tensor<1x?x?x?xf32>
}
"""


def judge(q, k, v, scale):
    """Causal attention in double precision, and what each element may be off by."""
    import numpy as np

    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    scores = scale * q @ k.swapaxes(-1, -2)
    products = scale * abs(q) @ abs(k).swapaxes(-1, -2)
    keep = np.tri(*scores.shape[-2:], dtype=bool)
    weights = np.exp(np.where(keep, scores, -np.inf) - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    unit = 2.0**-24
    ds = 2 * unit * (products.max(-1, keepdims=True) * np.log2(q.shape[-1]) + 4)
    error = 2 * ds + 2 * unit * np.log2(k.shape[-2]) + 1.5 * unit
    return weights @ v, 1.01 * unit * abs(weights @ v) + error * (weights @ abs(v))


def attention():
    """Whether a causal attention is right; and lines on how right, and how long it took."""
    import numpy as np

    from ._attn import sdpa

    shape = 1, 8, 1024, 64
    q, k, v = np.random.default_rng(0).normal(0, 1, (3, *shape)).astype(np.float32)
    start = time.perf_counter()
    found = sdpa(q, k, v, is_causal=True)
    first = time.perf_counter() - start
    expected, bound = judge(q, k, v, 1 / np.sqrt(shape[-1]))
    ratio = float((abs(found - expected) / bound).max())
    right = ratio <= 1
    times = []
    for _ in range(15):
        start = time.perf_counter()
        sdpa(q, k, v, is_causal=True, out=found)
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times)
    rate = 2 * shape[0] * shape[1] * shape[2] ** 2 * shape[3] / seconds / 1e9
    return right, (
        f"causal attention, 8 heads, 1024 tokens, 64 channels, float32 (first call {first:.2f} s)\n"
        f"  {'right' if right else 'WRONG'}: largest error {abs(found - expected).max():.1e}, "
        f"{ratio:.2f} of what double precision allows\n"
        f"  {seconds * 1e3:.2f} ms a call, {rate:.0f} GFLOP/s of the half that is not masked"
    )


def draw_heads(path):
    """Writes the page of heads of random projections of a sentence."""
    import numpy as np

    from .executable import compile
    from .heads_page import show_heads

    layer = compile(WEIGHTS)
    random = np.random.default_rng(4)
    length = len(SENTENCE)
    state = random.normal(0, 1, (length, CHANNELS))
    slopes = np.array([0, 0.3, 1, 3], np.float32)
    maps = []
    for _ in range(LAYERS):
        q, k, v = (
            (state @ random.normal(0, CHANNELS**-0.5, (HEADS, CHANNELS, CHANNELS)))[None]
            for _ in range(3)
        )
        output, weights = layer(*(x.astype(np.float32) for x in (q, k, v)), slopes)
        maps.append(weights[0])
        state = state + output[0].mean(0)
    show_heads(np.stack(maps), SENTENCE, path=path, title="Heads of random projections")
    return bool(np.allclose(np.stack(maps).sum(-1), 1, atol=1e-5))


def main(page=None):
    path = page or os.path.join(tempfile.mkdtemp(prefix="attn-mlir-"), "heads.html")
    with saying("compiling, checking and timing attention"):
        right, report = attention()
    print(report)
    with saying("drawing heads"):
        right = right and draw_heads(path)
    print(f"what {LAYERS} layers of {HEADS} heads look at: {path}")
    return 0 if right else 2
