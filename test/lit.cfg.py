# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How lit runs the tests: what a RUN line may name, and what this machine can do."""

import glob
import os
import platform
import shutil
import sys

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import FindTool, ToolSubst

# lit executes this file with `config` and `lit_config` already defined.
config = config  # noqa: F821, PLW0127

config.name = "attn-mlir"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "lib", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.attn_obj_root, "test")
bin_dir = os.path.join(config.attn_obj_root, "bin")

# Disallow reusing variables across CHECK-LABEL matches: a name that leaks from one function
# into the next hides a wrong operand.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --dump-input=fail"
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
# Tests compile what they test, and leave nothing behind.
config.environment["ATTN_MLIR_CACHE_DIR"] = ""
llvm_config.with_environment("PATH", config.llvm_tools_dir, append_path=True)
llvm_config.with_environment("PATH", bin_dir, append_path=True)

# ATTN_CHECK_ROUNDTRIP=1 turns every attn-opt test into a printer and parser test as well.
attn_opt = ToolSubst("attn-opt", unresolved="ignore")
if "ATTN_CHECK_ROUNDTRIP" in os.environ:
    attn_opt = ToolSubst(
        "attn-opt",
        command=FindTool("attn-opt"),
        extra_args=["--verify-roundtrip"],
        unresolved="fatal",
    )
llvm_config.add_tool_substitutions(
    [
        attn_opt,
        ToolSubst("attn-emulate", unresolved="ignore"),
        ToolSubst("attn-compile", unresolved="ignore"),
        ToolSubst("attn-run", unresolved="ignore"),
        ToolSubst("attn-lsp-server", unresolved="ignore"),
        ToolSubst("attn-reduce", unresolved="ignore"),
    ],
    [bin_dir],
)
llvm_config.add_tool_substitutions(
    [
        "FileCheck",
        "not",
        "count",
        "split-file",
        "llc",
        "opt",
        "mlir-opt",
        "mlir-translate",
        "clang",
        "clang++",
        "llvm-nm",
        "llvm-objdump",
        "llvm-readelf",
    ],
    [config.llvm_tools_dir],
)

# The project's own Python (utils/install-deps.sh makes it) has numpy and the rest.
venv_python = os.path.join(config.attn_src_root, ".venv", "bin", "python")
if os.path.exists(venv_python):
    config.available_features.add("python")
else:
    venv_python = sys.executable
config.substitutions.append(("%python", venv_python))
# What makes graphs (utils/install-deps.sh --frontends).
frontends_python = os.path.join(config.attn_src_root, "build/frontends/bin/python")
if os.path.exists(frontends_python):
    config.available_features.add("frontends")
config.substitutions.append(("%frontends_python", frontends_python))
config.substitutions.append(("%attn_src_root", config.attn_src_root))
config.substitutions.append(("%attn_obj_root", config.attn_obj_root))
# NVIDIA's assembler and disassembler: the pinned packages of .venv, so that the machine code that
# tests count is the same everywhere; a toolkit's assembler will do for the other tests.
cuda_tools = os.path.join(config.attn_src_root, ".venv/lib/python3*/site-packages/nvidia/cu*/bin")
for tool, variable in (("ptxas", "ATTN_MLIR_PTXAS"), ("nvdisasm", "NVDISASM")):
    if found := sorted(glob.glob(os.path.join(cuda_tools, tool))):
        config.environment[variable] = found[-1]
        config.available_features |= {tool, f"pinned-{tool}"}
    elif shutil.which(tool) or os.path.exists(f"/usr/local/cuda/bin/{tool}"):
        config.available_features.add(tool)
plugin = os.path.join(config.attn_obj_root, "lib", "libAttnPlugin.so")
config.substitutions.append(("%attn_plugin", plugin))
if os.path.exists(plugin):
    config.available_features.add("plugin")


def cpu_flags():
    """The instruction sets of this machine as Linux names them."""
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("flags"):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()


flags = cpu_flags()
if {"avx2", "fma"} <= flags:
    config.available_features.add("avx2")
if {"avx512f", "avx512dq", "avx512vl"} <= flags:
    config.available_features.add("avx512")
if platform.machine() == "aarch64":
    config.available_features.add("neon")

# NEON objects are linked by the cross compiler and run by the emulator, on any machine.
if shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-gcc"):
    config.available_features.add("qemu-aarch64")
# CPUs with less than this one has.
if platform.machine() == "x86_64" and shutil.which("qemu-x86_64"):
    config.available_features.add("qemu-x86_64")
