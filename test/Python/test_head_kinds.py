# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kinds and entropies of heads whose weights are made to be of that kind."""

import math

import numpy as np
import pytest

from attn_mlir.head_kinds import (
    head_statistics,
    row_entropy,
    sentence_numbers,
    strongest_head,
    visible_keys,
)

N = 16
RNG = np.random.default_rng(7)


def normalised(scores):
    return scores / scores.sum(-1, keepdims=True)


def around(offset, share, size=N):
    """`share` of each row at m + offset, the rest equally over all keys."""
    weights = np.full((size, size), (1 - share) / size)
    for m in range(size):
        weights[m, min(max(m + offset, 0), size - 1)] += share
    return weights


def column(n, share, size=N):
    weights = np.full((size, size), (1 - share) / size)
    weights[:, n] += share
    return weights


def band(share, size=N):
    near = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) <= 2
    return share * normalised(near * 1.0) + (1 - share) / size


def of(*heads):
    """One layer with these heads, [1, H, N, N]."""
    return np.stack(heads)[None]


def kinds(*heads):
    return [head.kind for head in head_statistics([of(*heads)])[0]]


def test_kinds():
    even = np.full((N, N), 1 / N)
    noise = normalised(RNG.random((N, N)) ** 12)
    found = kinds(
        around(-1, 0.7), around(1, 0.7), column(0, 0.7), column(5, 0.7), band(0.8), even, noise
    )
    assert found == ["previous", "next", "sink", "sink", "local", "broad", "other"]


def test_kind_needs_a_third_of_what_equal_weights_leave():
    # mass = share + (1 - share) / N exceeds 1/N by share of the rest: the formula's share itself.
    assert kinds(column(3, 0.34), column(3, 0.32)) == ["sink", "broad"]
    assert kinds(band(0.34), band(0.32)) == ["local", "broad"]
    # The larger of both, and a neighbour before either.
    assert kinds(0.4 * column(0, 0.9) + 0.6 * band(0.95)) == ["local"]
    assert kinds(0.6 * column(0, 0.9) + 0.4 * around(-1, 0.9)) == ["previous"]


def test_one_hot_heads_have_a_kind():
    shift = np.eye(N, k=-1)
    shift[0, 0] = 1
    assert kinds(shift) == ["previous"]
    assert kinds(np.eye(N)) == ["local"]


def test_short_sentences_say_little():
    # With three tokens every key is near every query: that is not a choice.
    assert kinds(np.full((3, 3), 1 / 3), np.eye(3)) == ["broad", "other"]
    assert kinds(np.ones((1, 1))) == ["other"]


def test_rows_that_keep_no_key_have_no_say():
    weights = of(around(-1, 0.8), column(0, 0.7), RNG.random((N, N)) / N)
    padded = weights.copy()
    padded[:, :, [0, 5, 11]] = 0
    numbers = sentence_numbers(padded)
    rows = np.delete(np.arange(N), [0, 5, 11])
    assert numbers["entropy"] == pytest.approx(row_entropy(weights)[..., rows].mean(-1))
    assert numbers["previous"] == pytest.approx(weights[..., rows, rows - 1].mean(-1))
    assert numbers["sink"] == pytest.approx(weights[..., rows, :].mean(-2).max(-1))
    assert numbers["equal_previous"] == pytest.approx(1 / N)
    assert [head.kind for head in head_statistics([padded])[0][:2]] == ["previous", "sink"]
    found = strongest_head(padded, 7, 0)
    rest = np.delete(rows, rows.tolist().index(7))
    assert found.others == pytest.approx(weights[found.layer, found.head, rest, 0].mean())


def test_more_keys_than_queries_and_fewer():
    wide = normalised(RNG.random((1, 2, 3, 7)))
    assert np.squeeze(sentence_numbers(wide)["previous"][0, 0]) == pytest.approx(
        (wide[0, 0, 1, 0] + wide[0, 0, 2, 1]) / 2
    )
    tall = normalised(RNG.random((1, 2, 7, 3)))
    numbers = sentence_numbers(tall)
    assert numbers["previous"][0, 1] == pytest.approx(
        np.mean([tall[0, 1, m, m - 1] for m in (1, 2, 3)])
    )
    assert numbers["next"][0, 1] == pytest.approx((tall[0, 1, 0, 1] + tall[0, 1, 1, 2]) / 2)


def test_causal_rows_are_compared_with_what_they_may_see():
    even = np.tril(np.ones((N, N))) / np.arange(1, N + 1)[:, None]
    head = head_statistics([of(even)])[0][0]
    assert head.kind == "broad" and head.spread == pytest.approx(1)
    assert head.entropy == pytest.approx(np.log(np.arange(1, N + 1)).mean())


def test_visible_keys():
    causal = np.tril(np.ones((2, N, N)))
    assert np.array_equal(visible_keys(causal), np.tril(np.ones((N, N), bool)))
    causal[1, 0, 3] = 1e-30
    assert visible_keys(causal).all()
    assert visible_keys(np.zeros((2, 3, 5))).shape == (3, 5)


def test_entropy():
    rows = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0], [0] * 4])
    expected = [0, math.log(4), math.log(2), 0]
    assert row_entropy(rows) == pytest.approx(expected)
    numbers = sentence_numbers(rows[None, None])
    assert numbers["entropy"] == pytest.approx(np.mean(expected[:3]))
    assert numbers["spread"] == pytest.approx((1 + 0.5) / 3)


def test_masses_and_distance_by_hand():
    weights = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [0.1, 0.6, 0.3]])
    numbers = {
        name: float(np.squeeze(f)) for name, f in sentence_numbers(weights[None, None]).items()
    }
    assert numbers["previous"] == pytest.approx((0.2 + 0.6) / 2)
    assert numbers["next"] == pytest.approx((0.5 + 0.5) / 2)
    assert numbers["sink"] == pytest.approx(1.4 / 3)
    assert numbers["local"] == pytest.approx(1)
    assert numbers["distance"] == pytest.approx((0.5 + 0.7 + 0.8) / 3)
    assert numbers["equal_previous"] == pytest.approx(1 / 3)


def test_sentences_are_weighted_by_their_rows():
    long, short = of(column(0, 0.9, 12)), of(np.full((4, 4), 0.25))
    head = head_statistics([long, short])[0][0]
    alone = [head_statistics([w])[0][0].entropy for w in (long, short)]
    assert head.entropy == pytest.approx((12 * alone[0] + 4 * alone[1]) / 16)
    assert head == head_statistics([np.zeros((1, 1, 0, 0)), long, short])[0][0]


def test_nothing_to_look_at():
    with pytest.raises(ValueError, match="^weights: expected a row that keeps a key, found none$"):
        head_statistics([np.zeros((2, 2, 0, 0))])


def test_strongest_head_looks_there_more_than_its_other_rows():
    always, once = column(2, 0.8), np.full((N, N), 1 / N)
    once[9] = normalised(np.where(np.arange(N) == 2, 20.0, 1.0))
    found = strongest_head(np.stack([of(always)[0], of(once)[0]]), 9, 2)
    assert (found.layer, found.head) == (1, 0)
    assert found.weight == pytest.approx(20 / 35) and found.others == pytest.approx(1 / N)


def test_strongest_head_of_a_single_token():
    found = strongest_head(np.ones((1, 2, 1, 1)), 0, 0)
    assert (found.layer, found.head, found.weight, found.others) == (0, 0, 1, 0)
