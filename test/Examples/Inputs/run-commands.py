# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the command that stands in the head of an example, as a reader would type it.

usage: run-commands.py SOURCE-ROOT FILE
"""

import subprocess
import sys


def command_of(path):
    """The comment's lines from `attn-run` on, as long as they end in a backslash."""
    found = []
    with open(path) as file:
        for line in file:
            text = line.removeprefix("//").strip()
            if text.startswith("attn-run ") or (found and found[-1].endswith("\\")):
                found.append(text)
    return "\n".join(found)


root, path = sys.argv[1:]
command = command_of(path)
if not command:
    sys.exit(f"{path}: no attn-run command in its head")
print("+", command)
sys.stdout.flush()
sys.exit(subprocess.run(["bash", "-e", "-c", command], cwd=root, timeout=120).returncode)
