#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures attention on this CPU: attn-mlir, what users could pick instead, and the limit.

usage: benchmarks/attention.py [--quick] [--threads N] [--cases a,b] [--docs PAGE]

Makes build/peers, a virtual environment with the packages of benchmarks/requirements.txt (torch
brings gigabytes), and measures there, in one process and in turns. Every answer is compared with
double precision first; who is wrong, or lacks something, is named and not timed. Prints a table
and writes results.json, table.md, roofline.png and peers.png to build/peers/results.
"""

import argparse
import ctypes
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = ROOT / "build/peers"
QUICK_FLOPS = 3e10  # --quick leaves out cases with more: seconds per call of most peers


def parse(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="about two minutes: fewer rounds, no largest cases"
    )
    parser.add_argument("--threads", type=int, default=1, help="how many each may use (1)")
    parser.add_argument("--cases", help="names of benchmarks/cpu/cases.py, with commas")
    parser.add_argument("--contenders", help="who takes part, with commas (all)")
    parser.add_argument("--build", type=pathlib.Path, help="build folder (release, else dev)")
    parser.add_argument("--out", type=pathlib.Path, default=PEERS / "results")
    parser.add_argument("--docs", metavar="PAGE", help="puts the table between the marks of a page")
    parser.add_argument("--report", metavar="JSON", help="measures nothing: tables of old results")
    parser.add_argument("--here", action="store_true", help="in this Python, with what it has")
    options = parser.parse_args(arguments)
    if not 1 <= options.threads <= 4096:
        parser.error(f"--threads: expected a number from 1 to 4096, found {options.threads}")
    options.rounds, options.sample, options.budget = (
        (3, 0.01, 6) if options.quick else (7, 0.05, 60)
    )
    return options


def enter_environment(options):
    """Goes on in build/peers, made where it is missing or its packages have changed."""
    python, stamp = PEERS / "venv/bin/python", PEERS / "requirements.txt"
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    if not python.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        print("attention: installing the peers into build/peers", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", PEERS / "venv"], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True)
        stamp.write_text(wanted, encoding="utf-8")
    threads = {f"{name}_NUM_THREADS": str(options.threads) for name in ("OMP", "OPENBLAS", "MKL")}
    os.execve(python, [python, __file__, "--here", *sys.argv[1:]], os.environ | threads)


def find_ours(build):
    """Makes `import attn_mlir` find the package of a build folder."""
    folders = [build] if build else [ROOT / "build/release", ROOT / "build/dev"]
    for folder in folders:
        if list((folder / "python/attn_mlir").glob("_attn*")):
            sys.path.insert(0, str(folder / "python"))
            return
    names = " or ".join(str(folder) for folder in folders)
    sys.exit(f"attention: no Python package in {names}: build the target AttnPython first")


def load_limit(folder):
    """The library of benchmarks/limit, or None and a word why (no clang++-22, not x86)."""
    from cpu import contenders

    try:
        library = ctypes.CDLL(str(contenders.build_limit(folder)))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"attention: no limit and no peak: {error}", file=sys.stderr)
        contenders.CONTENDERS["limit"] = contenders.lacking("benchmarks/limit was not built")
        return None
    library.limit_attention.argtypes = [ctypes.c_void_p] * 4 + [ctypes.c_long] * 4 + [ctypes.c_int]
    library.limit_peak.restype, library.limit_peak.argtypes = ctypes.c_double, [ctypes.c_long]
    library.limit_read.restype = ctypes.c_float
    library.limit_read.argtypes = [ctypes.c_void_p, ctypes.c_long]
    contenders.limit_of(library)
    return library


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
        sys.exit(f"attention: no {what} {', '.join(unknown)}: expected of {', '.join(known)}")
    return names.split(",")


def run(options):
    from cpu import cases, contenders, measure

    find_ours(options.build)
    table = {case.name: case for case in cases.CASES}
    quick = [name for name, case in table.items() if case.flops < QUICK_FLOPS]
    names = chosen(options.cases or (",".join(quick) if options.quick else None), table, "case")
    options.out.mkdir(parents=True, exist_ok=True)
    limit = load_limit(options.out)
    who = chosen(options.contenders, contenders.CONTENDERS, "contender")
    takes_part = {name: contenders.CONTENDERS[name] for name in who}
    settings = {key: getattr(options, key) for key in ("threads", "rounds", "sample", "budget")}
    results = {"format": 1, "date": datetime.date.today().isoformat()}
    results |= {"machine": machine(limit), "options": settings, "rows": []}
    for i, name in enumerate(names):
        say = progress(i, len(names))
        results["rows"].append(measure.measure(table[name], takes_part, limit, options, say))
        # After each row, so that nothing is lost with a run that was interrupted.
        path = options.out / "results.json"
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return results


def main():
    options = parse()
    if not options.here and not options.report:
        enter_environment(options)
    from cpu import cases, report

    if options.report:
        results = json.loads(pathlib.Path(options.report).read_text(encoding="utf-8"))
        options.out.mkdir(parents=True, exist_ok=True)
    else:
        results = run(options)
    text = report.table(results, cases.CASES)
    print(text, end="")
    (options.out / "table.md").write_text(text, encoding="utf-8")
    report.pictures(results, options.out)
    if options.docs:
        report.into_page(options.docs, text)
    ours = [row["contenders"].get(report.OURS, {}) for row in results["rows"]]
    return int(any("lacks" in entry for entry in ours))


if __name__ == "__main__":
    sys.exit(main())
