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

import sys

from cpu import environment, run


def main():
    options = run.parse(__doc__, environment.PEERS / "results")
    from cpu import cases, contenders, report

    limit = environment.prepare(options)
    contenders.limit_of(limit)
    results = run.run(options, cases.CASES, contenders.CONTENDERS, limit)
    report.pictures(results, options.out)
    return run.exit_code(results)


if __name__ == "__main__":
    sys.exit(main())
