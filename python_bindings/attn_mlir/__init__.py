# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn-mlir from Python.

What needs compiled code must be imported when it is first asked for: the examples use the modules
on heads from the source tree, where nothing is compiled.
"""

from .head_kinds import HeadStatistics, head_statistics, strongest_head
from .heads_page import HeadsPage, show_heads

__all__ = ["HeadStatistics", "HeadsPage", "head_statistics", "show_heads", "strongest_head"]
