# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare_heads: what the same projections compute with another number of heads.

The weights stay as they are; h heads of D channels become g heads of h * D / g, each scaled by
1 / sqrt of its channels. Projections and their parameters are the same for every g, products of
queries with keys and weights with values as well; what differs is softmax, once per head and pair,
and what a row can look at: one place per head.
"""

import time
from typing import TypedDict

import numpy as np

from .head_analysis import check_block, check_rows, compiled, source_of, statistics_of

# Of each score: factor, maximum, difference, exponential and sum.
SOFTMAX_FLOP = 5


class HeadComparison(TypedDict):
    """One number of heads of compare_heads."""

    heads: int
    parameters: int
    flop: int
    milliseconds: float
    error: float
    entropy: float


def compare_heads(
    x,
    wq,
    wk,
    wv,
    wo,
    *,
    num_heads: int,
    counts=None,
    is_causal: bool = False,
    context=None,
    bq=None,
    bk=None,
    bv=None,
    bo=None,
    mask=None,
    seconds: float = 0.5,
    target: str = "cpu",
    threads: int | None = None,
) -> list[HeadComparison]:
    """Runs an attention block with `num_heads` heads, and with other numbers of the same width.

    x, wq, wk, wv, wo, context, bq, bk, bv, bo, mask, is_causal, target, threads
                 as for analyze_heads; every query head has a key head of its own
    counts       the numbers of heads to run, each a divisor of the rows of wq and of wv;
                 (num_heads, 1) without
    seconds      how long each is timed; 0 gives NaN for the time

    Returns a list of dict, one per count, in their order.

    heads        the count
    parameters   of weights and biases: the same for every count
    flop         of a call: products, two for each multiplication, and 5 for each score of a head
    milliseconds median of a call, without what returns the weights
    error        how far the result is from that of `num_heads` heads, relative to that:
                 |y - y'| / |y|, over all rows that keep a key
    entropy      of what a head looks at, in nats, mean over rows and heads

    ValueError or TypeError names the argument, what was expected and what was found.
    """
    counts = (num_heads, 1) if counts is None else tuple(counts)
    arrays = [wq, wk, wv, wo], [bq, bk, bv, bo]
    blocks = [check_count(x, context, *arrays, mask, count) for count in (num_heads, *counts)]
    expected, _, rows = run(blocks[0], is_causal, target, threads)
    size = np.linalg.norm(expected[rows])
    compared = [compare(block, is_causal, target, threads, expected, size) for block in blocks[1:]]
    calls = [program(b, is_causal, target, threads, returns_weights=False) for b in blocks[1:]]
    for row, time_of_call in zip(compared, milliseconds(calls, seconds), strict=True):
        row["milliseconds"] = time_of_call
    return compared


def check_count(x, context, weights, biases, mask, count):
    """The block with `count` heads."""
    block = check_block(x, context, weights, biases, mask, None, count, None)
    if len(block.weights[2]) % block.heads:
        raise ValueError(
            f"wv: expected rows for {block.heads} heads, found {len(block.weights[2])} rows"
        )
    return block


def program(block, is_causal, target, threads, returns_weights):
    """The compiled block as a function without arguments."""
    element, accumulator = block.elements()
    clauses = ["causal(top_left)"] if is_causal else []
    source, arrays = source_of(
        block, element, accumulator, clauses, [], returns_weights=returns_weights
    )
    entry = compiled(source, target, threads)
    return lambda: entry(*arrays)


def run(block, is_causal, target, threads):
    """The result in double precision, the weights, and which rows count."""
    result, probabilities = program(block, is_causal, target, threads, returns_weights=True)()
    return result.astype(np.float64), probabilities, check_rows(block, probabilities)


def compare(block, is_causal, target, threads, expected, size):
    """The dict of one count, without its time."""
    result, probabilities, rows = run(block, is_causal, target, threads)
    statistics = statistics_of(block, probabilities, rows)
    off = np.linalg.norm((result - expected)[rows])
    return {
        "heads": block.heads,
        "parameters": sum(array.size for array in [*block.weights, *block.biases]),
        "flop": flop_of(block, is_causal),
        "milliseconds": float("nan"),
        "error": float(off / size) if size else 0.0,
        "entropy": float(np.mean([head.entropy for head in statistics])),
    }


def flop_of(block, is_causal):
    batch, queries, _ = block.x.shape
    keys = block.source.shape[1]
    wq, wk, wv, wo = (weight.size for weight in block.weights)
    pairs = queries * keys
    if is_causal:
        pairs = sum(min(m + 1, keys) for m in range(queries))
    channels = len(block.weights[0]) + len(block.weights[2])
    products = 2 * (queries * (wq + wo) + keys * (wk + wv) + pairs * channels)
    return batch * (products + SOFTMAX_FLOP * block.heads * pairs)


def milliseconds(calls, seconds):
    """Median time of each call. They take turns, so that what else the machine does meets all;
    first turns, which may compile, do not count."""
    if not seconds > 0:
        return [float("nan")] * len(calls)
    for call in calls:
        call()
    times = [[] for _ in calls]
    end = time.perf_counter() + seconds * len(calls)
    while not times[0] or time.perf_counter() < end:
        for call, own in zip(calls, times, strict=True):
            begin = time.perf_counter()
            call()
            own.append(time.perf_counter() - begin)
    return [float(np.median(own)) * 1e3 for own in times]
