# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks and times our kernels beside torch's flash and cuDNN attention on a GPU.

Runs in the folder that build.sh makes; needs torch and the driver. Every bundle is first compared
with float64 in a child process with a time limit; what fails is not timed. Times are medians of
rounds by CUDA events over two sets of inputs, in TFLOP/s (4 B H M N D, half of it with causal),
beside the rate of an 8192^3 matrix product in the same run. Writes gpu.json and gpu.md.
"""

import argparse
import json
import math
import pathlib
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import check
import cuda
import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

HERE = pathlib.Path(__file__).resolve().parent
START = time.monotonic()
CHECK_SECONDS = 60
ROUNDS, TARGET_MS = 7, 40
LENGTHS = [16384, 4096, 2048, 1024, 512]
TOKENS, CHANNELS = 16384, 2048  # B * S and H * D, as in the field's papers
PEERS = [
    ("torch flash", SDPBackend.FLASH_ATTENTION),
    ("torch cuDNN", SDPBackend.CUDNN_ATTENTION),
]


def say(text):
    print(f"[{time.monotonic() - START:5.0f} s] {text}", flush=True)


def check_case(name):
    command = [sys.executable, str(HERE / "check.py"), name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {"name": name, "good": False, "error": f"hung for {CHECK_SECONDS} s"}
    lines = done.stdout.strip().splitlines()
    if lines and lines[-1].startswith("{"):
        return json.loads(lines[-1])
    return {"name": name, "good": False, "error": done.stderr.strip()[-400:]}


def median_ms(run, rounds, target_ms):
    """Median and spread (max - min over the median) of the time of one call, in ms."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def measure(count):
        start.record()
        for _ in range(count):
            run()
        stop.record()
        stop.synchronize()
        return start.elapsed_time(stop) / count

    count = max(3, min(300, int(target_ms / max(measure(3), 1e-3))))
    times = [measure(count) for _ in range(rounds)]
    middle = statistics.median(times)
    return middle, (max(times) - min(times)) / middle


def alternating(runs):
    """Calls the functions in turn, so that no set of inputs stays in the cache."""
    state = [0]

    def run():
        state[0] = (state[0] + 1) % len(runs)
        runs[state[0]]()

    return run


def flops(case, b, h, s):
    pairs = s * s * (0.5 if case["causal"] else 1)
    if case["window"] >= 0:
        width = min(case["window"] + 1, s)
        pairs = s * width - width * (width - 1) / 2
    return 2 * b * h * pairs * (case["head"] + case["value"])


def time_peer(backend, case, sets):
    def one(q, k, v):
        return lambda: F.scaled_dot_product_attention(q, k, v, is_causal=case["causal"])

    with sdpa_kernel(backend):
        return median_ms(alternating([one(*tensors[:3]) for tensors in sets]), ROUNDS, TARGET_MS)


def time_ours(entry, sets):
    prepared = [entry.prepare(*tensors) for tensors in sets]
    return median_ms(alternating([run for run, _ in prepared]), ROUNDS, TARGET_MS)


def time_case(case, length, entry):
    b, h = TOKENS // length, CHANNELS // case["head"]
    sets = [check.inputs(case, b, h, h, length, length) for _ in range(2)]
    work = flops(case, b, h, length)
    row = {"name": case["name"], "S": length, "B": b, "H": h, "rates": {}}
    runs = [("attn-mlir", lambda: time_ours(entry, sets))]
    if case["plain"]:
        runs += [(name, lambda k=kind: time_peer(k, case, sets)) for name, kind in PEERS]
    for name, run in runs:
        try:
            milliseconds, spread = run()
            row["rates"][name] = {"tflops": work / milliseconds * 1e-9, "spread": spread}
        except (RuntimeError, torch.cuda.OutOfMemoryError) as error:
            row["rates"][name] = {"error": str(error)[:200]}
    return row


def matrix_ceiling():
    x = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    milliseconds, spread = median_ms(lambda: x @ x, ROUNDS, TARGET_MS)
    return {"tflops": 2 * 8192**3 / milliseconds * 1e-9, "spread": spread}


def cell(rate):
    if rate is None:
        return ""
    if "error" in rate:
        return "no"
    return f"{rate['tflops']:.0f} ±{50 * rate['spread']:.1f} %"


def table(report):
    names = ["attn-mlir", *(name for name, _ in PEERS)]
    ceiling = report["ceiling"]["tflops"]
    lines = [
        f"{report['device']}; bf16 product of 8192 x 8192 matrices in the same run: "
        f"{ceiling:.0f} TFLOP/s. B x S = {TOKENS}, H x D = {CHANNELS}.",
        "",
        "| kernel | S | " + " | ".join(names) + " | share of the product |",
        "|---" * (len(names) + 3) + "|",
    ]
    for row in report["rows"]:
        ours = row["rates"]["attn-mlir"].get("tflops", math.nan)
        cells = [cell(row["rates"].get(name)) for name in names]
        lines.append(
            f"| {row['name']} | {row['S']} | {' | '.join(cells)} | {100 * ours / ceiling:.0f} % |"
        )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=float, default=240, help="seconds for everything")
    parser.add_argument("--out", type=pathlib.Path, default=HERE)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--no-check", action="store_true", help="time without checking first")
    options = parser.parse_args()
    cases = json.loads((HERE / "cases.json").read_text())
    for case in cases:
        case["plain"] = not (case["softcap"] or case["alibi"] or case["window"] >= 0)
    cases = [c for c in cases if options.only in c["name"]]
    present = [c for c in cases if (HERE / f"{c['name']}.bundle").exists()]
    for case in cases:
        if case not in present:
            say(f"{case['name']}: no bundle")
    report = {"device": torch.cuda.get_device_name(), "torch": torch.__version__}
    report |= {"checks": [], "rows": []}

    def save():
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "gpu.json").write_text(json.dumps(report, indent=1) + "\n")
        if "ceiling" in report:
            (options.out / "gpu.md").write_text(table(report))

    if options.no_check:
        good = present
    else:
        with ThreadPoolExecutor(6) as pool:
            for result in pool.map(check_case, [c["name"] for c in present]):
                say(json.dumps(result))
                report["checks"].append(result)
        passed = {result["name"] for result in report["checks"] if result["good"]}
        good = [c for c in present if c["name"] in passed]
    save()
    report["ceiling"] = matrix_ceiling()
    say(f"ceiling {report['ceiling']['tflops']:.0f} TFLOP/s")
    entries = {case["name"]: cuda.load(HERE / f"{case['name']}.bundle") for case in good}
    for length in LENGTHS:
        for case in good:
            if time.monotonic() - START > options.budget:
                say("the budget is spent")
                break
            row = time_case(case, length, entries[case["name"]])
            report["rows"].append(row)
            rates = {name: cell(rate) for name, rate in row["rates"].items()}
            say(f"{row['name']} S={length} {rates}")
            save()
    say(f"{len(good)} of {len(cases)} kernels are right")
    sys.exit(0 if len(good) == len(cases) else 1)


if __name__ == "__main__":
    main()
