# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules that models use, as functions for `mask_mod` and `score_mod` of attn_mlir.sdpa.

They work on traced values and on grids of numpy alike, and what they keep is what the clauses of
the same names keep (dialects/attn/README.md). `offset` is the key at which query 0 stands: 0, or
N - M where the queries are the last of the keys.
"""

import math
import operator

import numpy


def chunked(size, offset=0):
    """Keys of the chunk of `size` keys in which the query stands, as Llama 4 has them."""
    size = positive("size", size)
    return lambda b, h, m, n: (m + offset) // size == n // size


def dilated(step, offset=0):
    """Every step-th key, counted from the query."""
    step = positive("step", step)
    return lambda b, h, m, n: (m + offset - n) % step == 0


def causal(offset=0):
    """Keys up to the query's place."""
    return lambda b, h, m, n: n <= m + offset


def prefix(lengths, offset=0):
    """Causal, but all see the first keys: `lengths` of them, one number or an array [B]."""
    if hasattr(lengths, "shape") and lengths.shape:
        return lambda b, h, m, n: (n <= m + offset) | (n < lengths[b])
    length = operator.index(lengths)
    return lambda b, h, m, n: (n <= m + offset) | (n < length)


def documents(of_queries, of_keys=None):
    """Keys of the query's document: arrays of integers [M] and [N], or one for both."""
    of_keys = of_queries if of_keys is None else of_keys
    return lambda b, h, m, n: of_queries[m] == of_keys[n]


def block_sparse(table, rows, columns):
    """Blocks of rows x columns where `table`, [M / rows, N / columns] or [H, ...], is True."""
    rows, columns = positive("rows", rows), positive("columns", columns)
    if len(table.shape) == 3:
        return lambda b, h, m, n: table[h, m // rows, n // columns]
    return lambda b, h, m, n: table[m // rows, n // columns]


def all_of(*masks):
    """What every one of `masks` keeps."""

    def mask(b, h, m, n):
        kept = [one(b, h, m, n) for one in masks]
        result = kept[0]
        for more in kept[1:]:
            result = result & more
        return result

    if not masks:
        raise ValueError("masks: expected at least one, found none")
    return mask


def any_of(*masks):
    """What one of `masks` keeps."""

    def mask(b, h, m, n):
        kept = [one(b, h, m, n) for one in masks]
        result = kept[0]
        for more in kept[1:]:
            result = result | more
        return result

    if not masks:
        raise ValueError("masks: expected at least one, found none")
    return mask


def relative_bias(table, max_distance, *, bidirectional=False, offset=0):
    """A score_mod that adds table[h, bucket of the distance], as the T5 models do.

    table          floats [H, buckets]; half of the buckets of a direction hold one distance each
    max_distance   from here on everything is in the last bucket
    bidirectional  half of the buckets are for keys behind the query; without, those share bucket 0
    """
    buckets = int(table.shape[1])
    starts = bucket_starts(buckets, positive("max_distance", max_distance), bidirectional)

    def score_mod(score, b, h, m, n):
        distance = n - m - offset
        bias = table[h, starts[0][1]]
        for first, bucket in starts[1:]:
            bias = numpy.where(distance >= first, table[h, bucket], bias)
        return score + bias

    return score_mod


def bucket_starts(buckets, max_distance, bidirectional):
    """(first distance n - m, bucket) in order, each up to the next."""
    each = buckets // 2 if bidirectional else buckets
    exact = each // 2
    if exact < 1 or (bidirectional and buckets % 2) or max_distance <= exact:
        raise ValueError(
            "relative_bias: expected 2 buckets or more for each direction and a larger distance, "
            f"found {buckets} and {max_distance}"
        )

    def bucket(distance):
        if not bidirectional:
            distance = min(distance, 0)
        away = abs(distance)
        first = each if bidirectional and distance > 0 else 0
        if away < exact:
            return first + away
        single = numpy.float32
        share = numpy.log(single(away) / single(exact)) / single(math.log(max_distance / exact))
        return first + min(exact + int(share * single(each - exact)), each - 1)

    starts = []
    for distance in range(-max_distance - 1, max_distance + 2):
        if not starts or starts[-1][1] != bucket(distance):
            starts.append((distance, bucket(distance)))
    return starts


def positive(name, value):
    value = operator.index(value)
    if value < 1:
        raise ValueError(f"{name}: expected an integer >= 1, found {value}")
    return value
