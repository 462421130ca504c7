# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn-run --heads-report says of a block what attn_mlir.analyze_heads says of it."""

import os
import pathlib
import re
import subprocess

import numpy as np
import pytest

import attn_mlir

ROOT = pathlib.Path(__file__).resolve().parents[2]
ATTN_RUN = pathlib.Path(os.environ.get("ATTN_BIN_DIR", ROOT / "build/dev/bin")) / "attn-run"
B, S, E, H, D = 2, 15, 16, 4, 4
LINE = re.compile(
    r"(\d+)\.(\d+) +(\w+) +([\d.]+) +([\d.]+) +([\d.]+)"
    r"  +(-|\d+\.\d+ +-?[\d.]+)  +(-|\d+\.\d+ +-?[\d.]+) +([\d.]+) +([\d.]+)"
)


def report(folder, source, arrays):
    """The table's lines as dicts, and the order of drops."""
    path = folder / "block.mlir"
    path.write_text(source)
    command = [ATTN_RUN, path, "--heads-report", "--target=linalg"]
    for i, array in enumerate(arrays):
        np.save(folder / f"{i}.npy", array)
        command.append(f"--input=@{folder / f'{i}.npy'}")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read_alike(text):
    if text == "-":
        return None, 0.0
    name, similarity = text.split()
    return int(name.split(".")[1]), float(similarity)


def read_line(match):
    layer, head, kind, entropy, distance, sink, looks, writes, contribution, drop = match
    most_similar, similarity = read_alike(looks)
    twin, output_similarity = read_alike(writes)
    return int(layer), {
        "head": int(head),
        "kind": kind,
        "entropy": float(entropy),
        "distance": float(distance),
        "sink_mass": float(sink),
        "most_similar": most_similar,
        "similarity": similarity,
        "most_similar_output": twin,
        "output_similarity": output_similarity,
        "contribution": float(contribution),
        "drop": float(drop),
    }


def numbers(seed, kv_heads=H, context=None):
    rng = np.random.default_rng(seed)
    n = context or E
    shapes = [(H * D, E), (kv_heads * D, n), (kv_heads * D, n), (E, H * D)]
    weights = [rng.normal(0, 0.7, shape) for shape in shapes]
    return rng.normal(size=(B, S, E)), weights


def types(*arrays):
    return [
        f"tensor<{'x'.join(map(str, a.shape))}x{'i1' if a.dtype == bool else 'f64'}>"
        for a in arrays
    ]


def block(name, operand, weights, arrays, clauses, context=""):
    """One attn.mha in MLIR."""
    kinds = types(*arrays, *weights)
    return (
        f"  %{name} = attn.mha %{operand}{context} weights({', '.join(f'%w{i}' for i in range(4))})"
        f" {clauses} : {', '.join(kinds)} -> {kinds[0]}\n"
    )


def assert_same(found, expected):
    assert [head["head"] for head in found] == list(range(H))
    for ours, theirs in zip(found, expected, strict=True):
        for name, value in theirs.items():
            if isinstance(value, float):
                # The table is rounded to two digits at least.
                assert ours[name] == pytest.approx(value, abs=6e-3), name
            else:
                assert ours[name] == value, name


@pytest.mark.parametrize("kv_heads, causal", [(4, False), (2, True), (1, False)])
def test_two_blocks(tmp_path, kv_heads, causal):
    x, weights = numbers(1, kv_heads)
    clauses = f"heads({H}) kv_heads({kv_heads})" + " causal(top_left)" * causal
    arguments = ", ".join(
        f"%{name}: {kind}"
        for name, kind in zip(["x", "w0", "w1", "w2", "w3"], types(x, *weights), strict=True)
    )
    source = f"func.func @f({arguments}) -> {types(x)[0]} {{\n"
    source += block("y", "x", weights, [x], clauses) + block("z", "y", weights, [x], clauses)
    source += f"  return %z : {types(x)[0]}\n}}\n"
    said = report(tmp_path, source, [x, *weights])
    lines = [read_line(match) for match in LINE.findall(said)]
    options = {"num_heads": H, "num_kv_heads": kv_heads, "is_causal": causal}
    first = attn_mlir.analyze_heads(x, *weights, **options)
    assert_same([line for layer, line in lines if layer == 0], first)
    assert [layer for layer, _ in lines] == [0] * H + [1] * H
    order = re.search(r"smallest drop first: (.*)", said)[1].split(",")
    drops = {f"{layer}.{line['head']}": line["drop"] for layer, line in lines}
    assert sorted(drops) == sorted(order)
    assert [drops[name] for name in order] == sorted(drops.values())


def test_padding_and_a_dead_head(tmp_path):
    x, weights = numbers(2)
    weights[3][:, D : 2 * D] = 0
    mask = np.arange(S) < np.array([[S], [7]])
    keep = mask[:, None, None, :]
    arguments = ", ".join(
        f"%{name}: {kind}"
        for name, kind in zip(
            ["x", "w0", "w1", "w2", "w3", "keep"], types(x, *weights, keep), strict=True
        )
    )
    source = f"func.func @f({arguments}) -> {types(x)[0]} {{\n"
    source += block("y", "x", weights, [x], f"heads({H}) keep(%keep : {types(keep)[0]})")
    source += f"  return %y : {types(x)[0]}\n}}\n"
    said = report(tmp_path, source, [x, *weights, keep])
    found = [read_line(match)[1] for match in LINE.findall(said)]
    assert_same(found, attn_mlir.analyze_heads(x, *weights, num_heads=H, mask=mask))
    assert found[1]["drop"] == 0 and found[1]["most_similar_output"] is None
    assert "smallest drop first: 0.1," in said


def test_a_context(tmp_path):
    x, weights = numbers(3, context=10)
    context = np.random.default_rng(4).normal(size=(B, 6, 10))
    arguments = ", ".join(
        f"%{name}: {kind}"
        for name, kind in zip(
            ["x", "c", "w0", "w1", "w2", "w3"], types(x, context, *weights), strict=True
        )
    )
    source = f"func.func @f({arguments}) -> {types(x)[0]} {{\n"
    source += block("y", "x", weights, [x, context], f"heads({H})", " context(%c)")
    source += f"  return %y : {types(x)[0]}\n}}\n"
    found = [
        read_line(m)[1] for m in LINE.findall(report(tmp_path, source, [x, context, *weights]))
    ]
    assert_same(found, attn_mlir.analyze_heads(x, *weights, context=context, num_heads=H))


def test_kinds(tmp_path):
    """Each kind once: rows of x are one-hot, so that wq holds the scores."""
    n = 16
    eye = np.eye(n)
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= 2
    looks = [np.eye(n, k=-1), np.eye(n, k=1), np.eye(1, n, 3).repeat(n, 0), near, 0 * eye]
    weights = [np.concatenate([8.0 * look.T for look in looks]), *[np.concatenate([eye] * 5)] * 2]
    weights.append(np.concatenate([eye] * 5, axis=1))
    x = eye[None]
    arguments = ", ".join(
        f"%{name}: {kind}"
        for name, kind in zip(["x", "w0", "w1", "w2", "w3"], types(x, *weights), strict=True)
    )
    source = f"func.func @f({arguments}) -> {types(x)[0]} {{\n  %s = arith.constant 1.0 : f64\n"
    source += block("y", "x", weights, [x], "heads(5) scale(%s)")
    source += f"  return %y : {types(x)[0]}\n}}\n"
    said = report(tmp_path, source, [x, *weights])
    found = [read_line(match)[1]["kind"] for match in LINE.findall(said)]
    assert found == ["previous", "next", "sink", "local", "broad"]
