# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads Emacs Lisp from stdin as its reader would, and prints the strings that end in argv[1]."""

import re
import sys

TOKEN = re.compile(r"""\s+ | ;[^\n]* | (?P<string>"(?:[^"\\]|\\.)*") | (?P<open>\() | (?P<close>\))
    | (?P<quote>\#?['`]) | (?P<atom>[^\s()'`";]+)""", re.VERBOSE)  # fmt: skip

text = sys.stdin.read()
place = depth = forms = 0
while place < len(text):
    match = TOKEN.match(text, place)
    if not match:
        sys.exit(f"cannot be read at: {text[place : place + 40]!r}")
    place = match.end()
    depth += bool(match["open"]) - bool(match["close"])
    forms += bool(match["close"]) and depth == 0
    if depth < 0 or (depth == 0 and match["atom"]):
        sys.exit(f"stray {match[0]!r}")
    if match["string"] and match["string"][1:-1].endswith(sys.argv[1]):
        print(match["string"][1:-1])
if depth or not forms:
    sys.exit(f"{depth} parentheses open at the end")
