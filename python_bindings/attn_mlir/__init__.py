# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn-mlir from Python.

What needs compiled code is imported when it is first asked for: the modules on heads work from
the source tree, where nothing is compiled, and `import attn_mlir` is quick.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import masks as masks
    from ._attn import __version__ as __version__
    from ._attn import sdpa as sdpa
    from .errors import CompileError as CompileError
    from .executable import Executable as Executable
    from .executable import compile as compile
    from .head_analysis import HeadAnalysis as HeadAnalysis
    from .head_analysis import analyze_heads as analyze_heads
    from .head_comparison import HeadComparison as HeadComparison
    from .head_comparison import compare_heads as compare_heads
    from .head_kinds import HeadStatistics as HeadStatistics
    from .head_kinds import head_statistics as head_statistics
    from .head_kinds import strongest_head as strongest_head
    from .heads_page import HeadsPage as HeadsPage
    from .heads_page import show_heads as show_heads
    from .merging import merge as merge

# name: the module that it comes from
_MODULES = {
    "CompileError": "errors",
    "Executable": "executable",
    "HeadAnalysis": "head_analysis",
    "HeadStatistics": "head_kinds",
    "HeadsPage": "heads_page",
    "__version__": "_attn",
    "HeadComparison": "head_comparison",
    "analyze_heads": "head_analysis",
    "compare_heads": "head_comparison",
    "compile": "executable",
    "head_statistics": "head_kinds",
    "masks": "masks",
    "merge": "merging",
    "sdpa": "_attn",
    "show_heads": "heads_page",
    "strongest_head": "head_kinds",
}

__all__ = [name for name in _MODULES if not name.startswith("_")]


def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".{_MODULES[name]}", __name__)
    value = module if name == _MODULES[name] else getattr(module, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted(set(globals()) | set(_MODULES))
