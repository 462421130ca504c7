# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the RUN lines of a file as lit would, with %s for the file; the tools come from PATH."""

import pathlib
import re
import subprocess
import sys

path = pathlib.Path(sys.argv[1])
lines = re.findall(r"^// RUN: (.*)$", path.read_text(), re.MULTILINE)
if not lines:
    sys.exit(f"{path}: no RUN line")
for line in lines:
    subprocess.run(line.replace("%s", str(path)), shell=True, check=True)
