# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""python -m attn_mlir doctor: what is installed, what this machine is, and whether it works."""

import importlib.metadata
import platform


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def self_test():
    """'ok', or what is wrong: one attention, compiled and compared with numpy."""
    try:
        import numpy as np

        from ._attn import sdpa

        q, k, v = np.random.default_rng(0).normal(0, 1, (3, 7, 16))
        weights = np.exp(q @ k.T / 4)
        expected = weights @ v / weights.sum(-1, keepdims=True)
        found = sdpa(*(x[None, None] for x in (q, k, v)))[0, 0]
        error = abs(found - expected).max()
        return "ok" if error < 1e-12 else f"sdpa is off by {error:.1e}"
    except Exception as error:
        # Whatever it is, the report is what the person needs.
        return f"{type(error).__name__}: {error}"


def examine():
    """The report as a dict; its verdict is 'ok', or what is wrong."""
    report = {
        "attn-mlir": None,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in ("numpy", "ml_dtypes", "torch")},
    }
    try:
        from . import _attn
    except ImportError as error:
        return report | {"verdict": f"the extension does not load: {error}"}
    folder, files, size, most = _attn.cache_info()
    report |= {
        "attn-mlir": _attn.__version__,
        "target": _attn.describe_target("cpu"),
        "cache": {"folder": folder or None, "kernels": files, "bytes": size, "most": most},
        "verdict": self_test(),
    }
    return report


def text(report):
    lines = []
    for key, value in report.items():
        if isinstance(value, dict):
            value = ", ".join(
                f"{name} {of if of is not None else '-'}" for name, of in value.items()
            )
        lines.append(f"{key + ':':11} {value if value is not None else '-'}")
    return "\n".join(lines)
