# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gives utils/run-tests.py runners that pass, fail, skip, crash and hang, and prints its tally."""

import importlib.util
import json
import pathlib
import sys

source, folder = map(pathlib.Path, sys.argv[1:3])
spec = importlib.util.spec_from_file_location("run_tests", source)
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)

tests.OUT = folder
folder.mkdir(parents=True, exist_ok=True)


def lit(*results):

    cases = [{"name": n, "code": c, "output": o} for n, c, o in results]
    return ["sh", "-c", 'printf %s "$1" > "$2"', "sh", json.dumps({"tests": cases}), "{report}"]


def junit(cases, status=0):
    xml = f"<testsuites><testsuite>{cases}</testsuite></testsuites>"
    return ["sh", "-c", 'printf %s "$1" > "$2"; exit $3', "sh", xml, "{report}", str(status)]


unavailable = "Test requires the following unavailable features: "
tests.RUNNERS = [
    ("lines", ["printf", "ok: one\nFAILED: two\nok: three\n"], tests.read_lines, 10),
    (
        "lit",
        lit(
            ("good", "PASS", ""),
            ("bad", "FAIL", ""),
            ("hung", "TIMEOUT", ""),
            ("broken", "UNRESOLVED", ""),
            ("no tool", "UNSUPPORTED", unavailable + "qemu-aarch64, avx512"),
            ("no reason", "UNSUPPORTED", ""),
            ("other processor", "UNSUPPORTED", unavailable + "avx512"),
        ),
        tests.read_lit,
        10,
    ),
    (
        "junit",
        junit(
            '<testcase name="a"/><testcase name="b"><failure/></testcase>'
            '<testcase name="c"><error/></testcase><testcase name="d"><skipped/></testcase>'
            '<testcase name="e" status="notrun"/>',
            1,
        ),
        tests.read_junit,
        10,
    ),
    ("half", junit('<testcase name="a"/>', 3), tests.read_junit, 10),
    ("empty", junit(""), tests.read_junit, 10),
    ("crash", ["sh", "-c", "kill -SEGV $$"], tests.read_lit, 10),
    ("absent", ["no-such-tool"], tests.read_junit, 10),
    ("slow", ["sleep", "30"], None, 1),
    ("last", ["true"], None, 10),
]
sys.argv = [str(source), *sys.argv[3:]]
tests.main()
