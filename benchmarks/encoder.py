#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures a whole encoder, examples/minilm, beside ONNX Runtime, OpenVINO and torch.

usage: benchmarks/encoder.py [--quick] [--threads N] [--cases a,b] [--docs PAGE]

Runs in build/peers as benchmarks/attention.py does: in one process and in turns, every answer
compared with double precision first. Prints a table and writes it and results.json to
build/peers/encoder.
"""

import sys

from cpu import environment, run


def main():
    options = run.parse(__doc__, environment.PEERS / "encoder")
    from cpu import encoders

    limit = environment.prepare(options)
    results = run.run(options, encoders.CASES, encoders.ENCODERS, limit)
    return run.exit_code(results)


if __name__ == "__main__":
    sys.exit(main())
