#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs attn-opt on every ```mlir block of the documentation.

usage: check-doc-examples.py ATTN-OPT [FILE...]

A block has to stand alone: a reader can paste it into a file and run it. What is only a sketch
is a ```text block.
"""

import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
GLOBS = ["README.md", "docs/*.md", "dialects/attn/README.md", "dialects/attn/*.td"]
GLOBS += ["include/attn/*/Passes.td", "examples/**/README.md"]


def blocks(path):
    """(line, text) of each ```mlir block."""
    text = path.read_text()
    for match in re.finditer(r"^[ \t]*```mlir\n(.*?)^[ \t]*```", text, re.MULTILINE | re.DOTALL):
        yield text.count("\n", 0, match.start()) + 2, textwrap.dedent(match[1])


def run(tool, line, block):
    # Blank lines in front make the tool report the line of the page.
    return subprocess.run(
        [tool, "-", "-o", "/dev/null"],
        input="\n" * (line - 1) + block,
        capture_output=True,
        text=True,
    )


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    tool = sys.argv[1]
    paths = [pathlib.Path(name).resolve() for name in sys.argv[2:]]
    paths = paths or [path for glob in GLOBS for path in sorted(ROOT.glob(glob))]
    count = failed = 0
    for path in paths:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        for line, block in blocks(path):
            count += 1
            result = run(tool, line, block)
            if result.returncode != 0:
                failed += 1
                message = result.stderr.strip().replace("<stdin>", str(name))
                print(f"{name}:{line}: this example does not run\n{message}\n")
    print(f"{count - failed} of {count} examples run")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
