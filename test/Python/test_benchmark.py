# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmarks judge, count, and write right. No bar on time, no peer needed."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

BENCHMARKS = pathlib.Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from cpu import cases, encoders, measure, report  # noqa: E402
from cpu.contenders import Lacks  # noqa: E402

SMALL = cases.Case("small", 2, 4, 5, 7, 16, Hkv=2, of_limit=0.9, over_peers=(1.1, 1.5))


def plain(case, q, k, v):
    """All rows in double precision, by other means than cases.reference."""
    group = case.H // case.kv_heads
    k, v = (np.repeat(x.astype(np.float64), group, axis=1) for x in (k, v))
    s = np.einsum("bhmd,bhnd->bhmn", q.astype(np.float64), k) * case.D**-0.5
    if case.causal:
        s = np.where(np.arange(case.N) <= np.arange(case.M)[:, None], s, -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    return np.einsum("bhmn,bhnd->bhmd", p / p.sum(-1, keepdims=True), v)


OFF = r"^wrong: row \([0-9, ]+\) is off by (nan|inf|[0-9.e+-]+), more than [0-9.e-]+$"


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_right_answers_pass_and_wrong_ones_do_not(causal, dtype):
    case = cases.Case("c", 2, 4, 5, 7, 16, Hkv=2, causal=causal, dtype=dtype)
    arrays = case.inputs()
    answers = case.reference(*arrays)
    right = plain(case, *arrays).astype(np.float32)
    assert case.check(answers, right) < 1e-6
    for wrong in (np.nan, np.inf, right[0, 0, 0, 3] + 0.1):
        out = right.copy()
        out[0, 0, 0, 3] = wrong
        with pytest.raises(ValueError, match=OFF):
            case.check(answers, out)
    with pytest.raises(
        ValueError, match=r"^expected a result of \(2, 4, 5, 16\), found \(2, 4, 4, 16\)$"
    ):
        case.check(answers, right[:, :, :-1])
    other = cases.Case("c", 2, 4, 5, 7, 16, Hkv=2, causal=not causal, dtype=dtype)
    with pytest.raises(ValueError, match=OFF):
        other.check(other.reference(*arrays), right)


def test_bf16_rounds_to_even():
    x = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-9], np.float32)
    assert cases.to_f32(cases.to_bf16(x)).tolist() == [1.0, 1.0, 1 + 2**-6, -1.0]


def test_work_is_counted():
    assert cases.Case("c", 1, 2, 3, 5, 7).flops == 4 * 2 * 3 * 5 * 7
    assert cases.Case("c", 1, 2, 4, 4, 7, causal=True).flops == 2 * 2 * 4 * 4 * 7
    assert cases.Case("c", 1, 4, 1, 8, 16, Hkv=2).bytes == 4 * 16 * (2 * 4 + 2 * 2 * 8)
    assert len({case.name for case in cases.CASES}) == len(cases.CASES)


def results_of(**seconds):
    """Results with planted times: four rounds of one case at a peak of 1 TFLOP/s."""
    entries = {name.replace("_", "-"): {"error": 0.0, "seconds": s} for name, s in seconds.items()}
    entries["nobody"] = {"lacks": "no such machine"}
    row = {"case": "small", "label": SMALL.label, "flops": 1e9, "bytes": 1e6, "peak": 1e12}
    row |= {"keys": 7, "self": False, "causal": False, "read_seconds": [], "contenders": entries}
    machine = {"cpu": "made up", "lanes": 16}
    return {"machine": machine, "options": {"threads": 1}, "rows": [row]}


def test_table_tells_ratios_bars_and_who_lacks_what():
    ours, disturbed = [2e-3, 2e-3, 4e-3, 2e-3], [3e-3, 3e-3, 6e-3, 3e-3]
    results = results_of(
        attn_mlir=ours, limit=[1e-3, 1e-3, 2e-3, 1e-3], quick=disturbed, slow=[9e-3] * 4
    )
    again = json.loads(json.dumps(results))
    text = report.table(again, [SMALL])
    assert "| 2, 4/2, 5x7, 16 | 2 | 0.50 | 1.50 (>= 1.5) | quick | **0.50** (>= 0.9) | - |" in text
    assert "* nobody: no such machine (everywhere)" in text
    results["machine"]["lanes"] = 8
    assert "1.50 (>= 1.1)" in report.table(results, [SMALL])
    alone = report.table(results_of(quick=disturbed), [SMALL])
    assert "| - | - | - | quick | - | - |" in alone


def test_table_goes_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    begin, end = "<!-- a.py: its table begins here -->", "<!-- a.py: its table ends here -->"
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    report.into_page(page, "new\n", "a.py")
    assert page.read_text() == f"before\n{begin}\nnew\n{end}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError) as info:
        report.into_page(page, "new\n", "a.py")
    assert (
        str(info.value) == f"{page}: expected the lines {begin!r} and {end!r}, once each, in order"
    )
    assert page.read_text() == "no marks"


class Options:
    threads, rounds, sample, budget = 1, 3, 0, 60


def test_who_is_wrong_or_lacks_something_is_named_and_not_timed():
    right = plain(SMALL, *SMALL.inputs()).astype(np.float32)
    calls = {"good": 0, "wrong": 0}

    def makes(name, out):
        def make(case, arrays, threads):
            def call():
                calls[name] += 1

            return call, lambda: out

        return make

    def lacking(case, arrays, threads):
        raise Lacks("a reason")

    def broken(case, arrays, threads):
        raise RuntimeError("a package fails")

    contenders = {"good": makes("good", right), "wrong": makes("wrong", -right)}
    contenders |= {"lacking": lacking, "broken": broken}
    row = measure.measure(SMALL, contenders, None, Options)["contenders"]
    assert len(row["good"]["seconds"]) == 3 and all(s >= 0 for s in row["good"]["seconds"])
    assert "wrong: row" in row["wrong"]["lacks"] and calls["wrong"] == 1
    assert row["lacking"] == {"lacks": "a reason"}
    assert row["broken"] == {"lacks": "RuntimeError: a package fails"}


def test_command_measures_ours_and_the_limit(tmp_path):
    build = pathlib.Path(__import__("attn_mlir").__file__).parents[2]
    command = [sys.executable, BENCHMARKS / "attention.py", "--here", "--quick", "--build", build]
    only = ["--cases", "minilm15,s64", "--contenders", "attn-mlir,limit", "--out", tmp_path]
    run = subprocess.run([*command, *only], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert [row["case"] for row in results["rows"]] == ["minilm15", "s64"]
    for row in results["rows"]:
        assert row["peak"] > 0
        for entry in row["contenders"].values():
            assert entry["error"] < 1e-5 and len(entry["seconds"]) == 3
    assert (tmp_path / "table.md").read_text() == run.stdout
    names = ["--cases", "x", "--out", tmp_path]
    bad = subprocess.run([*command, *names], capture_output=True, text=True, check=False)
    assert bad.returncode == 1
    known = ", ".join(case.name for case in cases.CASES)
    assert bad.stderr == f"benchmark: no case x: expected of {known}\n"


def test_encoder_is_measured_beside_an_independent_runtime(tmp_path):
    build = pathlib.Path(__import__("attn_mlir").__file__).parents[2]
    command = [sys.executable, BENCHMARKS / "encoder.py", "--here", "--quick", "--build", build]
    only = ["--cases", "e1x15", "--contenders", "attn-mlir,onnxruntime", "--out", tmp_path]
    run = subprocess.run([*command, *only], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (row,) = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert row["case"] == "e1x15"
    for entry in row["contenders"].values():
        assert entry["error"] < 1e-6 and len(entry["seconds"]) == 3
    assert "| 1 x 15 tokens |" in run.stdout


def test_encoder_refuses_wrong_vectors():
    case = encoders.EncoderCase("c", 2, 3)
    answers = {0: np.full(384, 0.25), 1: np.zeros(384)}
    right = np.stack([answers[0], answers[1]]).astype(np.float32)
    assert case.check(answers, right) == 0
    for wrong in (np.nan, right[1, 3] + 1e-4):
        out = right.copy()
        out[1, 3] = wrong
        with pytest.raises(ValueError, match=r"^wrong: a vector is off by \S+, more than 1e-05$"):
            case.check(answers, out)
    with pytest.raises(ValueError, match=r"^expected a result of \(2, 384\), found \(1, 384\)$"):
        case.check(answers, right[:1])


def test_work_of_an_encoder_is_counted():
    a_layer = 2 * 5 * 384 * (4 * 384 + 2 * 1536) + 4 * 5 * 5 * 384
    assert encoders.EncoderCase("c", 3, 5).flops == 6 * 3 * a_layer


def test_masks_are_timed_beside_the_blocks_that_they_need():
    root = BENCHMARKS.parent
    tools = pathlib.Path(os.environ.get("ATTN_BIN_DIR", root / "build/dev/bin"))
    command = [sys.executable, BENCHMARKS / "masks.py", "--rounds=1", "--length=1024"]
    command += [f"--attn-run={tools / 'attn-run'}", "--target=cpu:x86-64-v3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1] == "groups of 24 queries, blocks of 128 keys"
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:-2]]
    needed = {name: float(share) for name, _, _, share, _ in rows}
    assert len(needed) == 8
    assert needed["full"] == 1
    # 43 groups of 24 queries see 8 blocks of 128 keys up to their own.
    causal = sum((min(1024, 24 * i + 24) - 1) // 128 + 1 for i in range(43)) / (43 * 8)
    assert needed["causal"] == round(causal, 3)
    assert needed["documents of 512 keys"] > 0.5 > needed["window 256, causal"]
