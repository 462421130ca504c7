# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What kind of head is it: pure functions of attention weights, without the weights' model.

P is a head's weights on one sentence, [M queries, N keys], and U the weights of a head that does
not choose: each row of U is spread equally over the keys that the row may see (all N, or the keys
n <= m when no head has weight above the diagonal, as under a causal mask). Means go over the rows
that keep a key: a row of zeros has no say.

    entropy        mean_m H[m], H[m] = -sum_n P[m,n] ln P[m,n], in nats
    spread         mean_m H[m] / ln k[m], k[m] the keys that row m may see, over rows with k > 1;
                   0: one key has everything, 1: all have the same
    distance       mean_m sum_n P[m,n] |m - n|, in tokens
    previous(P)    mean_{m>0} P[m,m-1]
    next(P)        mean_{m<N-1} P[m,m+1]
    sink(P)        max_n mean_m P[m,n]
    local(P)       mean_m sum_{|m-n| <= 2} P[m,n]
    share of f     (f(P) - f(U)) / (1 - f(U)): 0 as much as without choosing, 1 everything

Over several sentences each number is the mean of the sentences' numbers, weighted by their rows.
The kind is `previous` or `next`, in this order, where its share is at least 1/3; else the one of
`sink` and `local` with the larger share, where that is at least 1/3; else `broad` where spread is
at least 2/3; else `other`: a few tokens, not near, that the content chooses.

The names are the field's: heads that attend to the previous or next token, to [SEP] or broadly
(Clark et al., What Does BERT Look At?, 2019); attention sinks (Xiao et al., Efficient Streaming
Language Models with Attention Sinks, 2023).
"""

from dataclasses import dataclass

import numpy as np

KINDS = ("previous", "next", "sink", "local", "broad", "other")
LEAST_SHARE, LEAST_SPREAD, NEAR = 1 / 3, 2 / 3, 2


@dataclass(frozen=True)
class HeadStatistics:
    """One head over all sentences; the formulas stand at the top of the module."""

    kind: str
    entropy: float
    spread: float
    distance: float
    previous: float
    next: float
    sink: float
    local: float


def visible_keys(weights):
    """[M,N] bool: the keys that a row may see. `weights` is [..., M, N], every head of a sentence."""
    queries, keys = weights.shape[-2:]
    everything = np.ones((queries, keys), bool)
    heads = weights.reshape(-1, queries, keys)
    if queries == keys and not any(np.triu(head, 1).any() for head in heads):
        return np.tril(everything)
    return everything


def keeping_rows(weights):
    """[M] bool: the rows that keep a key in some head."""
    return weights.any(axis=-1).any(axis=tuple(range(weights.ndim - 2)))


def row_entropy(weights):
    """-sum_n p ln p of each row, in nats; 0 ln 0 is 0."""
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return -(weights * logs).sum(-1)


def mean_over(values, rows):
    """Mean of [..., M] over the rows that are true; 0 when none is."""
    return values[..., rows].mean(-1) if rows.any() else np.zeros(values.shape[:-1])


def beside(weights, offset):
    """P[m, m + offset] as [..., M], 0 where there is no such key, and which rows have one."""
    queries, keys = weights.shape[-2:]
    at = np.arange(queries) + offset
    there = (at >= 0) & (at < keys)
    values = np.zeros(weights.shape[:-1])
    values[..., there] = weights[..., np.arange(queries)[there], at[there]]
    return values, there


def masses(weights, rows):
    """The four masses of the definitions, by name; `weights` is [..., M, N], `rows` those that count."""
    queries, keys = weights.shape[-2:]
    near = np.abs(np.arange(queries)[:, None] - np.arange(keys)) <= NEAR
    previous, has_previous = beside(weights, -1)
    following, has_following = beside(weights, 1)
    return {
        "previous": mean_over(previous, rows & has_previous),
        "next": mean_over(following, rows & has_following),
        "sink": mean_over(weights.swapaxes(-1, -2), rows).max(-1),
        "local": mean_over((weights * near).sum(-1), rows),
    }


def head_numbers(weights, rows, count):
    """The numbers of one head, [M, N] in f64; `count` is how many keys each row may see."""
    queries, keys = weights.shape
    choice = count > 1
    entropy = row_entropy(weights)
    relative = entropy / np.log(np.where(choice, count, 2))
    away = np.abs(np.arange(queries)[:, None] - np.arange(keys))
    return {
        "entropy": mean_over(entropy, rows),
        "spread": mean_over(relative, rows & choice),
        "distance": mean_over((weights * away).sum(-1), rows),
        **masses(weights, rows),
    }


def sentence_numbers(weights):
    """Every number of the definitions for one sentence: arrays over `weights`' leading axes.

    The masses of U stand beside them as `equal_<name>`.
    """
    visible, rows = visible_keys(weights), keeping_rows(weights)
    count = visible.sum(-1)
    # Head by head: long sentences need no second copy of all weights.
    heads = weights.reshape(-1, *weights.shape[-2:])
    own = [head_numbers(head.astype(np.float64), rows, count) for head in heads]
    equal = masses(visible / count[:, None], rows)
    return {
        **{name: np.reshape([n[name] for n in own], weights.shape[:-2]) for name in own[0]},
        **{f"equal_{name}": f for name, f in equal.items()},
    }


def kind_of(numbers):
    """The kind of one head, from its numbers."""

    def share(name):
        equal = numbers[f"equal_{name}"]
        return (numbers[name] - equal) / (1 - equal) if equal < 1 else 0.0

    for kind in ("previous", "next", max(("sink", "local"), key=share)):
        if share(kind) >= LEAST_SHARE:
            return kind
    return "broad" if numbers["spread"] >= LEAST_SPREAD else "other"


def head_statistics(sentences):
    """Lists [layer][head] of HeadStatistics.

    `sentences` holds one array [layer, head, query, key] per sentence, all of the same layers and
    heads. ValueError when no row of any sentence keeps a key.
    """
    arrays = [np.asarray(weights) for weights in sentences]
    arrays = [weights for weights in arrays if weights.any()]
    if not arrays:
        raise ValueError("weights: expected a row that keeps a key, found none")
    rows = np.array([keeping_rows(weights).sum() for weights in arrays], np.float64)
    each = [sentence_numbers(weights) for weights in arrays]
    layers, heads = arrays[0].shape[:2]
    shares = rows / rows.sum()
    mean = {
        name: sum(
            share * np.broadcast_to(numbers[name], (layers, heads))
            for share, numbers in zip(shares, each, strict=True)
        )
        for name in each[0]
    }

    def statistics(layer, head):
        numbers = {name: float(values[layer, head]) for name, values in mean.items()}
        own = {name: f for name, f in numbers.items() if not name.startswith("equal_")}
        return HeadStatistics(kind=kind_of(numbers), **own)

    return [[statistics(layer, head) for head in range(heads)] for layer in range(layers)]


@dataclass(frozen=True)
class PairHead:
    """How a head looks from one token to another: `weight` there, `others` its other rows' mean."""

    layer: int
    head: int
    weight: float
    others: float


def strongest_head(weights, source, target):
    """The head with the largest weight from `source` to `target` beyond its other rows' mean.

    `weights` is one sentence's [layer, head, query, key]; `source` and `target` are positions. A
    head whose every row looks at the target would win by the weight alone, and says less.
    """
    weights = np.asarray(weights)
    column = weights[..., target].astype(np.float64)
    rest = keeping_rows(weights)
    rest[source] = False
    weight = column[..., source]
    others = mean_over(column, rest)
    layer, head = np.unravel_index((weight - others).argmax(), others.shape)
    found = float(weight[layer, head]), float(others[layer, head])
    return PairHead(int(layer), int(head), *found)
