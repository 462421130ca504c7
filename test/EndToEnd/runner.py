# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs many cases, each on every target, each judged by attn-run --check."""

import argparse
import concurrent.futures
import itertools
import os
import pathlib
import re
import shlex
import subprocess
import tempfile

# Fixed after the code that it tests was written.
SEED = 20261124


def run(command):
    """Exit code, largest ratio to the bound, output."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return 1, 0.0, "no end after 120 s"
    output = done.stdout + done.stderr
    ratios = [float(r) for r in re.findall(r"ratio to the bound ([\d.]+|inf|nan)", output)]
    if done.returncode == 0 and not ratios:
        return 1, 0.0, "nothing was judged:\n" + output
    return done.returncode, max(ratios, default=0.0), output


def parse_arguments(description, count):
    parser = argparse.ArgumentParser(description=description.split("\n", maxsplit=1)[0])
    parser.add_argument("--attn-run", default="attn-run", help="the tool")
    parser.add_argument("--targets", default="cpu,linalg", help="separated by commas")
    parser.add_argument("--cases", type=int, default=count)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="run one case and show its output")
    parser.add_argument("--seed", type=int, default=SEED, help="other cases than the tests'")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=pathlib.Path, help="leave the files of the cases here")
    return parser.parse_args()


def run_all(make_case, arguments, folder):
    """Runs every case on every target; True when all pass."""
    numbers = range(arguments.first, arguments.first + arguments.cases)
    if arguments.only is not None:
        numbers = [arguments.only]
    targets = arguments.targets.split(",")
    cases = [make_case(number, folder, arguments.seed) for number in numbers]
    for case in cases:
        case.write()
    worst = dict.fromkeys(targets, 0.0)
    failed = []
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        jobs = list(itertools.product(cases, targets))
        commands = [case.command(arguments.attn_run, target) for case, target in jobs]
        for (case, target), command, result in zip(
            jobs, commands, pool.map(run, commands), strict=True
        ):
            code, ratio, output = result
            worst[target] = max(worst[target], ratio)
            if code:
                failed.append((case.number, target))
                print(f"case {case.number}, {target}: exit code {code}\n  {shlex.join(command)}")
                print("  " + "\n  ".join(output.strip().splitlines()[-6:]))
            elif arguments.only is not None:
                print(output, end="")
    for target in targets:
        bad = sum(1 for _, where in failed if where == target)
        print(
            f"{target}: {len(cases) - bad} of {len(cases)} cases within the bound, largest ratio {worst[target]:.3f}"
        )
    return not failed


def main(make_case, description, count):
    """make_case(number, folder, seed) has .number, .write() and .command(tool, target)."""
    arguments = parse_arguments(description, count)
    if arguments.keep:
        arguments.keep.mkdir(parents=True, exist_ok=True)
        return 0 if run_all(make_case, arguments, arguments.keep) else 1
    with tempfile.TemporaryDirectory() as folder:
        return 0 if run_all(make_case, arguments, pathlib.Path(folder)) else 1
