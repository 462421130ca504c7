# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn_mlir.analyze_heads against the formulas as plain loops, and on heads planted by hand."""

import math

import ml_dtypes
import numpy as np
import pytest

import attn_mlir

B, S, E, H, D = 2, 13, 24, 4, 6


def make_block(seed, *, kv_heads=H, dv=D, context=0, biases=False, std=0.5, dtype=np.float64):
    """Arguments of analyze_heads by name."""
    rng = np.random.default_rng(seed)

    def numbers(*shape):
        return rng.normal(0, std, shape).astype(dtype)

    channels = context or E
    block = {
        "x": numbers(B, S, E),
        "wq": numbers(H * D, E),
        "wk": numbers(kv_heads * D, channels),
        "wv": numbers(kv_heads * dv, channels),
        "wo": numbers(E, H * dv),
    }
    if context:
        block["context"] = numbers(B, 9, context)
    if biases:
        block |= {name: numbers(len(block["w" + name[1]])) for name in ("bq", "bk", "bv", "bo")}
    return block


def rotate(x, rope):
    if rope is None:
        return x
    half = rope[0].shape[-1]
    a, b = x[..., :half], x[..., half : 2 * half]
    turned = (a * rope[0] - b * rope[1], b * rope[0] + a * rope[1], x[..., 2 * half :])
    return np.concatenate(turned, -1)


def expected_parts(block, kv_heads, *, keep, scale=D**-0.5, softcap=0.0, rope=None):
    """P [B, H, M, N], C [H, B, M, Eo] and y of the formulas, in double precision."""
    a = {name: np.asarray(array, np.float64) for name, array in block.items()}
    source = a.get("context", a["x"])

    def split(rows, heads):
        return rows.reshape(*rows.shape[:2], heads, -1).swapaxes(1, 2)

    q = split(a["x"] @ a["wq"].T + a.get("bq", 0), H)
    k = split(source @ a["wk"].T + a.get("bk", 0), kv_heads)
    v = np.nan_to_num(split(source @ a["wv"].T + a.get("bv", 0), kv_heads))
    k, v = (np.repeat(t, H // kv_heads, axis=1) for t in (rotate(k, rope), v))
    s = rotate(q, rope) @ k.swapaxes(-1, -2) * scale
    s = softcap * np.tanh(s / softcap) if softcap else s
    s = np.where(keep, s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    c = np.stack([(p @ v)[:, h] @ np.split(a["wo"], H, axis=1)[h].T for h in range(H)])
    return p, c, c.sum(0) + a.get("bo", 0)


def assert_is_expected(heads, p, c, y, rows, *, within):
    """Every number by its formula; `rows` [B, M] are those that count."""
    c, y = c[:, rows], y[rows]
    p = p.transpose(1, 0, 2, 3)[:, rows]
    flat = c.reshape(H, -1)
    sizes = np.linalg.norm(flat, axis=1)
    unit = p / np.linalg.norm(p, axis=-1, keepdims=True)
    for h, head in enumerate(heads):
        others = [g for g in range(H) if g != h]
        look = [(unit[h] * unit[g]).sum(-1).mean() for g in others]
        write = [flat[h] @ flat[g] / sizes[h] / sizes[g] for g in others]
        assert head["head"] == h
        assert head["most_similar"] == others[np.argmax(look)]
        assert head["most_similar_output"] == others[np.argmax(write)]
        without = np.delete(c, h, axis=0).sum(0) + (y - c.sum(0))
        found = [head[name] for name in ("similarity", "output_similarity", "contribution", "drop")]
        wanted = [max(look), max(write), sizes[h] / sizes.sum()]
        wanted.append(np.linalg.norm(y - without) / np.linalg.norm(y))
        assert found == pytest.approx(wanted, abs=within)


TRIANGLE = np.tril(np.ones((S, S), bool))
NEAR = np.abs(np.subtract.outer(np.arange(S), np.arange(S))) <= 2
TABLES = tuple(f(np.outer(np.arange(S), [1.0, 0.1])) for f in (np.cos, np.sin))


@pytest.mark.parametrize(
    "kv_heads, options, keep",
    [
        (H, {}, True),
        (2, {"is_causal": True}, TRIANGLE),
        (1, {"window": (2, 2), "scale": 0.7}, NEAR),
        (2, {"softcap": 1.5, "rope": TABLES}, True),
    ],
)
@pytest.mark.parametrize("std, biases", [(0.1, True), (0.5, False), (1.0, True)])
def test_numbers(kv_heads, options, keep, std, biases):
    block = make_block(1, kv_heads=kv_heads, biases=biases, std=std)
    heads = attn_mlir.analyze_heads(**block, num_heads=H, num_kv_heads=kv_heads, **options)
    rule = {name: options[name] for name in ("scale", "softcap", "rope") if name in options}
    p, c, y = expected_parts(block, kv_heads, keep=keep, **rule)
    assert_is_expected(heads, p, c, y, np.ones((B, S), bool), within=1e-9)
    for found, wanted in zip(heads, statistics(p), strict=True):
        assert found["kind"] == wanted.kind
        assert found["entropy"] == pytest.approx(wanted.entropy)
        assert found["distance"] == pytest.approx(wanted.distance)
        assert found["sink_mass"] == pytest.approx(wanted.sink)


def statistics(p):
    return attn_mlir.head_statistics([sentence[None] for sentence in p])[0]


def test_context_of_another_width_and_value_size():
    block = make_block(2, kv_heads=2, dv=5, context=10, biases=True)
    heads = attn_mlir.analyze_heads(**block, num_heads=H, num_kv_heads=2)
    p, c, y = expected_parts(block, 2, keep=True)
    assert p.shape == (B, H, S, 9)
    assert_is_expected(heads, p, c, y, np.ones((B, S), bool), within=1e-9)


def test_padding_does_not_count_whatever_it_holds():
    block = make_block(3, biases=True)
    mask = np.arange(S) < np.array([[S], [6]])
    block["x"][~mask] = np.nan
    heads = attn_mlir.analyze_heads(**block, num_heads=H, mask=mask)
    clean = block | {"x": np.nan_to_num(block["x"])}
    p, c, y = expected_parts(clean, H, keep=mask[:, None, None, :])
    assert_is_expected(heads, p, c, y, mask, within=1e-9)
    # The numbers of the sentences without padding, weighted by their rows.
    alone = [
        attn_mlir.analyze_heads(**(clean | {"x": clean["x"][b : b + 1, :n]}), num_heads=H)
        for b, n in ((0, S), (1, 6))
    ]
    for h, head in enumerate(heads):
        entropy = (S * alone[0][h]["entropy"] + 6 * alone[1][h]["entropy"]) / (S + 6)
        assert head["entropy"] == pytest.approx(entropy)


@pytest.mark.parametrize(
    "dtype, within", [(np.float32, 1e-5), (np.float16, 2e-2), (ml_dtypes.bfloat16, 8e-2)]
)
def test_types(dtype, within):
    block = make_block(4, biases=True, dtype=dtype)
    heads = attn_mlir.analyze_heads(**block, num_heads=H)
    p, c, y = expected_parts(block, H, keep=True)
    assert_is_expected(heads, p, c, y, np.ones((B, S), bool), within=within)


def test_long_sentences_are_summed_in_parts():
    rng = np.random.default_rng(5)
    block = make_block(5) | {"x": rng.normal(0, 1, (1, 600, E))}
    heads = attn_mlir.analyze_heads(**block, num_heads=H)
    p, c, y = expected_parts(block, H, keep=True)
    assert_is_expected(heads, p, c, y, np.ones((1, 600), bool), within=1e-9)


def plant(block, head, of, names, factor=1.0):
    """Gives `head` what `of` has in these weights."""
    for name in names:
        heads = np.split(block[name], H, axis=1 if name == "wo" else 0)
        heads[head][...] = heads[of] * factor


def test_planted_heads_are_found():
    block = make_block(6, biases=False)
    block["wo"][:, :D] = 0  # dead: its output weights are 0
    plant(block, 3, 1, ("wq", "wk", "wv", "wo"))  # duplicates
    block["wo"][:, 2 * D : 3 * D] *= 50  # dominant
    dead, twin, dominant, other_twin = attn_mlir.analyze_heads(**block, num_heads=H)
    assert (dead["contribution"], dead["drop"], dead["output_similarity"]) == (0, 0, 0)
    assert dead["most_similar_output"] is None and dead["most_similar"] is not None
    for head, other in ((twin, 3), (other_twin, 1)):
        assert (head["most_similar"], head["most_similar_output"]) == (other, other)
        assert head["similarity"] == pytest.approx(1, abs=1e-12)
        assert head["output_similarity"] == pytest.approx(1, abs=1e-12)
    assert dominant["contribution"] > 0.9 and dominant["drop"] > 0.9
    assert twin["drop"] == pytest.approx(other_twin["drop"]) and 0 < twin["drop"] < 0.1


def test_a_dead_head_may_have_no_values_instead():
    block = make_block(7)
    block["wv"][D : 2 * D] = 0
    head = attn_mlir.analyze_heads(**block, num_heads=H)[1]
    assert (head["contribution"], head["drop"], head["most_similar_output"]) == (0, 0, None)


def test_heads_that_look_alike_need_not_write_alike():
    block = make_block(8)
    plant(block, 2, 0, ("wq", "wk"))
    heads = attn_mlir.analyze_heads(**block, num_heads=H)
    assert (heads[0]["most_similar"], heads[2]["most_similar"]) == (2, 0)
    assert heads[0]["similarity"] == pytest.approx(1, abs=1e-12)
    assert heads[0]["output_similarity"] < 0.9
    # Opposite output weights: the pair writes nothing together.
    plant(block, 2, 0, ("wv", "wo"), factor=1.0)
    plant(block, 2, 0, ("wo",), factor=-1.0)
    opposite = attn_mlir.analyze_heads(**block, num_heads=H)[0]
    assert opposite["most_similar"] == 2 and opposite["most_similar_output"] != 2


def test_drop_is_that_of_the_compiled_block():
    block = make_block(9, biases=True, dtype=np.float32)
    t = "tensor<{}xf32>".format
    names = ["x", "wq", "wk", "wv", "wo", "bq", "bk", "bv", "bo"]
    types = [t(f"?x?x{E}"), *[t(f"{E}x{E}")] * 4, *[t(E)] * 4]
    arguments = ", ".join(f"%{n}: {kind}" for n, kind in zip(names, types, strict=True))
    compiled = attn_mlir.compile(f"""
func.func @block({arguments}) -> {types[0]} {{
  %y = attn.mha %x weights(%wq, %wk, %wv, %wo) bias(%bq, %bk, %bv, %bo) heads({H}) : {", ".join(types)} -> {types[0]}
  return %y : {types[0]}
}}""")
    y = compiled(*(block[name] for name in names)).astype(np.float64)
    for h, head in enumerate(attn_mlir.analyze_heads(**block, num_heads=H)):
        without = block | {"wo": block["wo"].copy()}
        without["wo"][:, h * D : (h + 1) * D] = 0
        moved = y - compiled(*(without[name] for name in names))
        assert head["drop"] == pytest.approx(np.linalg.norm(moved) / np.linalg.norm(y), rel=1e-4)


def test_kinds_are_those_of_head_statistics():
    # Rows are one-hot positions, so that wq and wk can be any matrix of scores.
    n = 16
    eye = np.eye(n)
    looks = [eye @ np.eye(n, k=-1), np.eye(n, k=1), np.eye(1, n, 3).repeat(n, 0), np.zeros((n, n))]
    block = {
        "x": eye[None],
        "wq": np.concatenate([8 * look.T for look in looks]),
        "wk": np.concatenate([eye] * 4),
        "wv": np.concatenate([eye] * 4),
        "wo": np.concatenate([eye] * 4, axis=1),
    }
    heads = attn_mlir.analyze_heads(**block, num_heads=4, scale=1.0)
    assert [head["kind"] for head in heads] == ["previous", "next", "sink", "broad"]
    assert heads[3]["entropy"] == pytest.approx(math.log(n))
    assert heads[2]["sink_mass"] > 0.9


def test_one_head_has_no_other():
    block = make_block(10)
    head = attn_mlir.analyze_heads(**block, num_heads=1)[0]
    assert head["most_similar"] is None and head["most_similar_output"] is None
    assert (head["similarity"], head["output_similarity"]) == (0, 0)
    assert head["contribution"] == 1 and head["drop"] == pytest.approx(1)


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"num_heads": 0}, ValueError, "num_heads: expected at least 1, found 0"),
        ({"num_heads": 2.0}, TypeError, "num_heads: expected an integer, found float"),
        (
            {"num_kv_heads": 3},
            ValueError,
            "num_kv_heads: expected a divisor of the 4 heads, found 3",
        ),
        (
            {"x": np.zeros((S, E))},
            ValueError,
            r"x: expected shape \[any, any, any\], found \[13, 24\]",
        ),
        (
            {"x": np.zeros((B, S, E), int)},
            TypeError,
            "x: expected one of float64, float32, float16, bfloat16, found int64",
        ),
        (
            {"wq": np.zeros((24, 23))},
            ValueError,
            r"wq: expected shape \[any, 24\], found \[24, 23\]",
        ),
        ({"wq": np.zeros((22, E))}, ValueError, "wq: expected rows for 4 heads, found 22 rows"),
        ({"wk": np.zeros((20, E))}, ValueError, r"wk: expected shape \[24, 24\], found \[20, 24\]"),
        (
            {"wv": np.zeros((24, E), np.float32)},
            TypeError,
            "wv: expected float64 as x, found float32",
        ),
        ({"wo": np.zeros((5, 20))}, ValueError, r"wo: expected shape \[any, 24\], found \[5, 20\]"),
        ({"bo": np.zeros(5)}, ValueError, r"bo: expected shape \[24\], found \[5\]"),
        ({"mask": np.zeros((B, S))}, TypeError, "mask: expected bool, found float64"),
        (
            {"mask": np.zeros((B, 3), bool)},
            ValueError,
            r"mask: expected shape \[2, 13\], found \[2, 3\]",
        ),
        (
            {"mask": np.zeros((B, S), bool)},
            ValueError,
            "x: expected a row that keeps a key, found none",
        ),
        ({"window": (-2, 0)}, ValueError, r"window: expected two numbers >= -1, found \(-2, 0\)"),
        ({"softcap": -1.0}, ValueError, "softcap: expected a number >= 0, found -1.0"),
        ({"rope": (np.zeros((S, 3)),)}, ValueError, "rope: expected two tables, found 1"),
        (
            {"x": np.full((B, S, E), np.inf)},
            ValueError,
            "x: expected finite attention weights, found others",
        ),
    ],
)
def test_errors(change, error, message):
    arguments = make_block(11) | {"num_heads": H} | change
    with pytest.raises(error, match="^" + message + "$"):
        attn_mlir.analyze_heads(**arguments)
