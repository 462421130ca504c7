# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The tests import the package as the preset dev builds it, and the browser from utils.

Without that build the modules that need no compiled code come from the source tree.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("build/dev/python", "python_bindings", "utils")]

# Nothing of the user's: a cache for this run alone, which other processes of the tests share.
os.environ["ATTN_MLIR_CACHE_DIR"] = tempfile.mkdtemp(prefix="attn-mlir-tests-")


def pytest_unconfigure():
    shutil.rmtree(os.environ["ATTN_MLIR_CACHE_DIR"], ignore_errors=True)
