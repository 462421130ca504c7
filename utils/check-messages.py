#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that tests of errors compare whole messages, and that a message fits a line.

In lit tests of the tools FileCheck gets --match-full-lines and no `.*`; in Python a message is
compared with == or by a pattern from ^ to $. A first line has at most 120 characters.
"""

import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIT_FOLDERS = ("test/Tools", "test/EndToEnd")
PYTHON_FOLDERS = ("test/Python", "examples")
MAX_LENGTH = 120
# `// NAME: text`, also with -NEXT and its like.
DIRECTIVE = re.compile(r"^\s*(?://|#|;)?\s*([A-Z][A-Z0-9_-]*?)(?:-NEXT|-SAME|-DAG)?:\s+(.*)$")
PLACE = re.compile(r"^(?:\S+:\d+:\d+: |\{\{\[\^ \]\+\}\}\S*: )?(?=error: )")


def check_lit(text):
    """Yields (line, what is wrong)."""
    messages = {}  # prefix -> its first line in the file
    for number, line in enumerate(text.split("\n"), 1):
        found = DIRECTIVE.match(line)
        if not found or found[1] in ("RUN", "DEFINE", "REDEFINE", "REQUIRES"):
            continue
        start = PLACE.match(found[2])
        if not start:
            continue
        messages.setdefault(found[1], number)
        message = found[2][start.end() + len("error: ") :]
        if re.search(r"\{\{[^}]*\.[*+][^}]*\}\}", message):
            yield number, "a message with .* is compared in part: write it, [^ ]+ for a path"
        if len(re.sub(r"\{\{.*?\}\}", "", message)) > MAX_LENGTH:
            yield number, f"a message of over {MAX_LENGTH} characters"
    for number, line in enumerate(text.split("\n"), 1):
        if "RUN:" not in line or "FileCheck" not in line or "--match-full-lines" in line:
            continue
        named = re.search(r"--check-prefix(?:es)?=([\w,-]+)", line)
        prefixes = named[1].split(",") if named else ["CHECK"]
        fails = re.search(r"\bnot\b.*\|\s*FileCheck", line)
        if fails or any(prefix in messages for prefix in prefixes):
            yield number, "FileCheck of an error needs --match-full-lines"


def is_whole(pattern, names):
    """Whether a pattern goes from ^ to $: a literal, a name of one, or parts put together."""
    if isinstance(pattern, ast.Name):
        pattern = names.get(pattern.id, pattern)
    if isinstance(pattern, ast.Constant) and isinstance(pattern.value, str):
        return pattern.value.startswith("^") and pattern.value.endswith("$")
    text = ast.unparse(pattern)
    return "'^" in text and "$'" in text


def check_python(text):
    """Yields (line, what is wrong)."""
    tree = ast.parse(text)
    names = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.With):
            for item in node.items:
                call = item.context_expr
                if not isinstance(call, ast.Call) or ast.unparse(call.func) != "pytest.raises":
                    continue
                match = [word.value for word in call.keywords if word.arg == "match"]
                if match and not is_whole(match[0], names):
                    yield call.lineno, "a pattern of a message goes from ^ to $"
                elif not match and item.optional_vars is None:
                    yield call.lineno, "the message of an error is compared, not only its type"
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
            right = ast.unparse(node.comparators[0])
            if right.endswith(".stderr") or re.match(r"str\(\w+\.value\)", right):
                yield node.lineno, "a message is compared whole, not searched for a part"


def main():
    count = 0
    for folders, suffixes, check in (
        (LIT_FOLDERS, {".mlir", ".test"}, check_lit),
        (PYTHON_FOLDERS, {".py"}, check_python),
    ):
        for folder in folders:
            for path in sorted((ROOT / folder).rglob("*")):
                if path.suffix not in suffixes or not path.is_file():
                    continue
                for line, problem in check(path.read_text(encoding="utf-8")):
                    print(f"{path.relative_to(ROOT)}:{line}: {problem}")
                    count += 1
    return count > 0


if __name__ == "__main__":
    sys.exit(main())
