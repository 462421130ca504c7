#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every runner over build/dev and adds their results up; utils/check.sh builds first.

A runner that fails does not hide the others, and one that crashes, hangs or leaves no report
counts as one failed test. With CI=true so does each test that was skipped or not supported,
except those that want a machine of another kind.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build/check"
BUILD = ROOT / "build/dev"
LIT = "/usr/lib/llvm-22/bin/lit"
# A machine has these or not; nothing can be installed to make the test run.
HARDWARE = {"avx2", "avx512", "neon"}


class Tally:
    """What one runner reports: names of the tests that passed, failed and did not run."""

    def __init__(self):
        self.passed = []
        self.failed = []
        self.not_run = []  # a tool or package is missing
        self.other_machine = []


def read_lines(log, _report, tally):
    """utils/lint.sh: one 'ok: name' or 'FAILED: name' per check."""
    for line in log.read_text(errors="replace").splitlines():
        if match := re.match(r"(ok|FAILED): (.+)", line):
            (tally.passed if match[1] == "ok" else tally.failed).append(match[2])


def read_lit(_log, report, tally):
    for test in json.loads(report.read_text())["tests"]:
        name, code = test["name"], test["code"]
        if code in ("PASS", "XFAIL", "FLAKYPASS"):
            tally.passed.append(name)
        elif code in ("UNSUPPORTED", "SKIPPED"):
            missing = re.search(r"unavailable features: (.+)", test.get("output", ""))
            features = set(re.split(r"[,\s]+", missing[1].strip())) if missing else set()
            hardware = features and features <= HARDWARE
            (tally.other_machine if hardware else tally.not_run).append(name)
        elif code != "EXCLUDED":
            tally.failed.append(name)


def read_junit(_log, report, tally):
    """ctest and pytest."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            tally.failed.append(name)
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            tally.not_run.append(name)
        else:
            tally.passed.append(name)


# name, command ({report} is a fresh file), reader (None: the exit code is the result), seconds
RUNNERS = [
    ("lint", ["utils/lint.sh"], read_lines, 120),
    ("layers", ["ninja", "-C", str(BUILD), "check-attn-layers"], None, 300),
    ("docs", ["utils/regen-docs.sh", "-c"], None, 120),
    (
        "lit",
        [sys.executable, LIT, "-sv", "--timeout=600", "-o", "{report}", str(BUILD / "test")],
        read_lit,
        840,
    ),
    (
        "unit",
        ["ctest", "--test-dir", str(BUILD), "-j2", "--output-on-failure", "--no-tests=error"]
        + ["--progress", "--output-junit", "{report}"],
        read_junit,
        600,
    ),
    (
        "examples",
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples"]
        + ["--junitxml={report}"],
        read_junit,
        840,
    ),
    (
        "python",
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test/Python"]
        + ["--junitxml={report}"],
        read_junit,
        840,
    ),
]


def run(command, log, seconds):
    """The exit code, or a word for what went wrong; all output goes to the log."""
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    with log.open("wb") as out:
        try:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            out.write(f"{error}\n".encode())
            return "could not start"
        try:
            return process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            # The whole session, or its children would go on computing beside the next runner.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"took more than {seconds} s"


def judge(name, command, reader, seconds):
    """Runs one runner: its tally and how it ended."""
    log, report = OUT / f"{name}.log", OUT / f"{name}.report"
    report.unlink(missing_ok=True)
    status = run([word.replace("{report}", str(report)) for word in command], log, seconds)
    tally = Tally()
    if reader is None:
        (tally.passed if status == 0 else tally.failed).append(name)
    else:
        try:
            reader(log, report, tally)
        except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
            tally.failed.append(f"{name} (no report: {error})")
        found = tally.passed or tally.failed or tally.not_run or tally.other_machine
        if not found:
            tally.failed.append(f"{name} (ran no test)")
        elif status != 0 and not tally.failed:
            tally.failed.append(f"{name} (ended with {status})")
    return tally, log


def main():
    parser = argparse.ArgumentParser(description="Run every test over build/dev.")
    parser.add_argument("names", nargs="*", help=" ".join(runner[0] for runner in RUNNERS))
    names = parser.parse_args().names
    if unknown := set(names) - {runner[0] for runner in RUNNERS}:
        parser.error(f"unknown runner '{min(unknown)}'")
    strict = os.environ.get("CI", "").lower() in ("1", "true", "yes")
    OUT.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    for name, command, reader, seconds in RUNNERS:
        if names and name not in names:
            continue
        start = time.monotonic()
        tally, log = judge(name, command, reader, seconds)
        if strict:
            tally.failed += [f"{test} (did not run)" for test in tally.not_run]
            tally.not_run = []
        line = f"{name}: {len(tally.passed)} passed, {len(tally.failed)} failed"
        for word, tests in (("not run", tally.not_run), ("other machine", tally.other_machine)):
            if tests:
                line += f", {len(tests)} {word}"
        if tally.failed:
            lines = log.read_text(errors="replace").splitlines()
            print("\n".join(lines[-150:]))
        print(f"{line} ({time.monotonic() - start:.0f} s)")
        for word, tests in (("FAILED", tally.failed), ("not run", tally.not_run)):
            for test in tests:
                print(f"  {word}: {test}")
        sys.stdout.flush()
        passed += len(tally.passed)
        failed += len(tally.failed)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
