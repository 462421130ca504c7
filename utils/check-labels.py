#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that every rule of the language lives in three places under one label.

A constraint of an op is `sdpa_c3` in the specification, a comment line `// sdpa_c3` in the
verifier, and a test function `@sdpa_c3` (or `@sdpa_c3_rank`) that breaks it. A promise of a
room is `fuse_p1` in docs/pipeline.md, in lib/Pipeline and in test/Pipeline. A rule of meaning
is `sdpa_s3` in the specification, where the reference obeys it, and in a test by hand.
"""

import pathlib
import re
import sys

# What a label looks like, where it is specified, checked and tested.
KINDS = {
    "constraint": {
        "label": r"[a-z][a-z0-9_]*_c[0-9]+",
        "specified": ["dialects/attn/README.md", "dialects/frag/README.md"],
        "checked": ["lib/Dialect/**/*.cpp", "dialects/*/*.td"],
        "tested": ["test/Dialect/**/invalid*.mlir"],
    },
    "meaning": {
        "label": r"[a-z][a-z0-9_]*_s[0-9]+",
        "specified": ["dialects/attn/README.md"],
        "checked": ["lib/Reference/*.cpp", "tools/attn-run/*.cpp"],
        "tested": ["test/unit/Check/SemanticsTest.cpp"],
        "test": r"TEST_F\(Semantics, ({label})\)",
    },
    "promise": {
        "label": r"[a-z][a-z0-9_]*_p[0-9]+",
        "specified": ["docs/pipeline.md"],
        "checked": ["lib/Pipeline/**/*.cpp"],
        "tested": ["test/Pipeline/**/*.mlir"],
    },
}


def lines(root, globs):
    for glob in globs:
        for path in sorted(root.glob(glob)):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                yield f"{path.relative_to(root)}:{number}", line


def collect(root, globs, pattern):
    """Label -> first place, for each match of pattern (its group 1 is the label)."""
    found = {}
    for place, line in lines(root, globs):
        for match in re.finditer(pattern, line):
            found.setdefault(match[1], place)
    return found


def check(root, kind, rule):
    label = rule["label"]
    specified = collect(root, rule["specified"], rf"\b({label})\b")
    # A comment names the labels of the check below it, or beside it.
    checked = {}
    for place, line in lines(root, rule["checked"]):
        for comment in re.findall(r"//(.*)|/\*(.*?)\*/", line):
            for name in re.findall(rf"\b({label})\b", "".join(comment)):
                checked.setdefault(name, place)
    test = rule.get("test", r"(?:func|llvm)\.func\s+(?:\w+\s+)?@({label})(?:_[a-z]\w*)?\b")
    tested = collect(root, rule["tested"], test.replace("{label}", label))

    where = {key: ", ".join(rule[key]) for key in ("specified", "checked", "tested")}
    problems = []
    for name, place in sorted(specified.items()):
        if name not in checked:
            problems.append(f"{place}: {kind} {name} has no line '// {name}' in {where['checked']}")
        if name not in tested:
            problems.append(
                f"{place}: {kind} {name} has no test named after it in {where['tested']}"
            )
    for name, place in sorted((checked | tested).items()):
        if name not in specified:
            problems.append(f"{place}: {kind} {name} is not specified in {where['specified']}")
    return problems, len(specified)


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    root = root.resolve()
    problems = []
    counts = []
    for kind, rule in KINDS.items():
        found, count = check(root, kind, rule)
        problems += found
        counts.append(f"{count} {kind}s")
    for problem in problems:
        print(problem)
    if not problems:
        print(", ".join(counts))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
