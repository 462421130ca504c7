# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line that the benchmarks share, and a run from cases to the page of the docs."""

import argparse
import datetime
import json
import pathlib
import sys

from . import environment

QUICK_FLOPS = 3e10  # --quick leaves out cases with more: seconds per call of most peers


def parse(description, out):
    """Options of a benchmark with this description, whose results go to the folder `out`."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="about two minutes: fewer rounds, no largest cases"
    )
    parser.add_argument("--threads", type=int, default=1, help="how many each may use (1)")
    parser.add_argument("--cases", help="names of cases, with commas (all)")
    parser.add_argument("--contenders", help="who takes part, with commas (all)")
    parser.add_argument("--build", type=pathlib.Path, help="build folder (release, else dev)")
    parser.add_argument("--out", type=pathlib.Path, default=out, help=f"({out})")
    parser.add_argument("--docs", metavar="PAGE", help="puts the table between the marks of a page")
    parser.add_argument("--report", metavar="JSON", help="measures nothing: tables of old results")
    parser.add_argument("--here", action="store_true", help="in this Python, with what it has")
    options = parser.parse_args()
    if not 1 <= options.threads <= 4096:
        parser.error(f"--threads: expected a number from 1 to 4096, found {options.threads}")
    options.rounds, options.sample, options.budget = (
        (3, 0.01, 6) if options.quick else (7, 0.05, 60)
    )
    if not options.here and not options.report:
        environment.enter(options.threads)
    return options


def run(options, cases, contenders, limit):
    """Measures, or reads old results; prints and writes the table. Returns the results.

    cases       all that there are; --cases and --quick choose
    contenders  {name: function}, likewise
    limit       the library of benchmarks/limit, for the peak; or None
    """
    from . import report

    options.out.mkdir(parents=True, exist_ok=True)
    if options.report:
        results = json.loads(pathlib.Path(options.report).read_text(encoding="utf-8"))
    else:
        results = measure_all(options, cases, contenders, limit)
    text = report.table(results, cases)
    print(text, end="")
    (options.out / "table.md").write_text(text, encoding="utf-8")
    if options.docs:
        report.into_page(options.docs, text, pathlib.Path(sys.argv[0]).name)
    return results


def measure_all(options, cases, contenders, limit):
    from . import measure

    table = {case.name: case for case in cases}
    quick = [name for name, case in table.items() if case.flops < QUICK_FLOPS]
    default = ",".join(quick) if options.quick else None
    names = environment.chosen(options.cases or default, table, "case")
    who = environment.chosen(options.contenders, contenders, "contender")
    takes_part = {name: contenders[name] for name in who}
    settings = {key: getattr(options, key) for key in ("threads", "rounds", "sample", "budget")}
    results = {"format": 1, "date": datetime.date.today().isoformat()}
    results |= {"machine": environment.machine(limit), "options": settings, "rows": []}
    for i, name in enumerate(names):
        say = environment.progress(i, len(names))
        results["rows"].append(measure.measure(table[name], takes_part, limit, options, say))
        # After each row, so that nothing is lost with a run that was interrupted.
        path = options.out / "results.json"
        path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    return results


def exit_code(results):
    """1 where attn-mlir itself could not run a case, or was wrong."""
    from .report import OURS

    ours = [row["contenders"].get(OURS, {}) for row in results["rows"]]
    return int(any("lacks" in entry for entry in ours))
