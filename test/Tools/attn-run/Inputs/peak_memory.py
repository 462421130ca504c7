# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a command with {n} replaced by each length; prints the growth of its memory.

usage: peak_memory.py LENGTH LENGTH... -- COMMAND...
"""

import os
import sys

split = sys.argv.index("--")
lengths, command = sys.argv[1:split], sys.argv[split + 1 :]


def megabytes(length):
    words = [word.replace("{n}", length) for word in command]
    child = os.posix_spawnp(words[0], words, os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"error: {' '.join(words)}: status {status}")
    return usage.ru_maxrss / 1024


first = megabytes(lengths[0])
for length in lengths[1:]:
    print(f"{length}: {megabytes(length) - first:.0f} MB more than {lengths[0]}")
