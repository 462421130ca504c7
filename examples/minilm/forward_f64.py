# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The encoder in plain numpy and double precision: what the compiled one is judged by."""

import math

import numpy as np

from model import EPSILON, HEADS, LAYERS

erf = np.frompyfunc(math.erf, 1, 1)  # correctly rounded but for an ulp; numpy has none


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


def layer_norm(x, w, name):
    c = x - x.mean(-1, keepdims=True)
    n = c / np.sqrt((c * c).mean(-1, keepdims=True) + EPSILON)
    return n * w[name + ".weight"] + w[name + ".bias"]


def gelu(x):
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)).astype(np.float64))


def attend(x, mask, w, name):
    """What all heads say, side by side [B,S,E], and their weights [B,H,S,S]."""
    b, s, e = x.shape
    q, k, v = (
        linear(x, w, f"{name}.self.{part}").reshape(b, s, HEADS, e // HEADS).transpose(0, 2, 1, 3)
        for part in ("query", "key", "value")
    )
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(e // HEADS)
    scores = np.where(mask[:, None, None, :], scores, -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    return (p @ v).transpose(0, 2, 1, 3).reshape(b, s, e), p


def attention(x, mask, w, name):
    """The block's output [B,S,E] and every head's weights [B,H,S,S]."""
    merged, p = attend(x, mask, w, name)
    return linear(merged, w, name + ".output.dense"), p


def run(ids, mask, weights):
    """The rows [B,S,E] in front of each layer and at the end; for each layer what all heads say
    [B,S,E], and their weights."""
    w = {name: values.astype(np.float64) for name, values in weights.items()}
    x = (
        w["embeddings.word_embeddings.weight"][ids]
        + w["embeddings.token_type_embeddings.weight"][0]
        + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
    )
    x = layer_norm(x, w, "embeddings.LayerNorm")
    rows, said, maps = [x], [], []
    for i in range(LAYERS):
        name = f"encoder.layer.{i}"
        merged, p = attend(x, mask, w, name + ".attention")
        a = linear(merged, w, name + ".attention.output.dense")
        said.append(merged)
        maps.append(p)
        x = layer_norm(x + a, w, name + ".attention.output.LayerNorm")
        inner = gelu(linear(x, w, name + ".intermediate.dense"))
        x = layer_norm(x + linear(inner, w, name + ".output.dense"), w, name + ".output.LayerNorm")
        rows.append(x)
    return rows, said, maps


def forward(ids, mask, weights):
    """Sentence vectors [B,E] and attention weights [L,B,H,S,S]."""
    rows, _, maps = run(ids, mask, weights)
    mean = np.where(mask[..., None], rows[-1], 0).sum(1) / mask.sum(1)[:, None]
    return mean / np.linalg.norm(mean, axis=-1, keepdims=True), np.stack(maps)
