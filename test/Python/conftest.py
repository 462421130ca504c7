# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tests import the package as the preset dev builds it, and the browser from utils.

Without that build the modules that need no compiled code come from the source tree.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("build/dev/python", "python_bindings", "utils")]
