#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a dropped key holds, in the kernels for GPUs, run by the emulator.

Tensor cores multiply all keys of a block, and 0 * NaN is NaN: rows that a dropped value spoils are
computed anew. Every run is judged by attn-run --check as well.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy
from edge_cases import Attention, expect, run_jobs

TARGET = "nvvm-emulation:sm_90a"
POISONS = (numpy.nan, numpy.inf, -numpy.inf)
SCHEDULES = ("eager", "late", "random")


def bias_of(heads, queries, keys, dropped):
    bias = numpy.random.default_rng(7).normal(size=(heads, queries, keys)).astype(numpy.float32)
    bias[:, dropped] = -numpy.inf
    return [("bias", f"tensor<{heads}x{queries}x{keys}xf32>", bias)]


def lengths_of(*lengths):
    return [("lens", f"tensor<{len(lengths)}xi64>", numpy.array(lengths, numpy.int64))]


def keep_of(keep):
    sizes = "x".join(map(str, keep.shape))
    return [("keep", f"tensor<{sizes}xi1>", keep)]


def region(batch, queries, keys, seed):
    return numpy.random.default_rng(seed).random((batch, 1, queries, keys)) < 0.7


def cases():
    """Name, attention, which (b, m, n) its rules keep."""

    def positions(queries, keys):
        return numpy.arange(queries)[:, None], numpy.arange(keys)[None]

    m, n = positions(150, 150)
    yield "causal", Attention("bf16", (1, 2, 1, 150, 150, 128, 128), "causal(top_left)"), n <= m
    m, n = positions(70, 200)
    case = Attention("f16", (1, 3, 1, 70, 200, 64, 64), "causal(bottom_right) window(40, 3)")
    yield "window", case, (n <= m + 133) & (n >= m + 90)
    m, n = positions(33, 140)
    extra = lengths_of(97, 1, 140)
    case = Attention("bf16", (3, 1, 1, 33, 140, 64, 64), "kv_lens(%lens : tensor<3xi64>)", extra)
    yield "lengths", case, numpy.stack([numpy.broadcast_to(n < k, (33, 140)) for k in (97, 1, 140)])
    keep = region(2, 65, 77, 1)
    keep[0, 0, 3] = keep[1, 0, 40:50] = False
    clause = "keep(%keep : tensor<2x1x65x77xi1>)"
    case = Attention("bf16", (2, 2, 1, 65, 77, 128, 128), clause, keep_of(keep))
    yield "mask", case, keep[:, 0]
    dropped = ~region(1, 30, 100, 2)[0, 0]
    clause = "additive(%bias : tensor<2x30x100xf32>)"
    case = Attention("f16", (1, 2, 2, 30, 100, 64, 64), clause, bias_of(2, 30, 100, dropped))
    yield "additive", case, ~dropped
    m, n = positions(90, 131)
    sinks = [("sinks", "tensor<2xf32>", numpy.array([0.5, 9], numpy.float32))]
    clause = "causal(bottom_right) sinks(%sinks : tensor<2xf32>)"
    case = Attention("bf16", (1, 2, 2, 90, 131, 192, 128), clause, sinks)
    yield "sinks", case, n <= m + 41
    m, n = positions(70, 96)
    case = Attention("bf16", (1, 1, 1, 70, 96, 256, 200), "causal(bottom_right)")
    yield "wide", case, n <= m + 26


def run(options, case, number):
    schedule = (f"--schedule={SCHEDULES[number % 3]}", f"--seed={number + 1}")
    return case.run(options, TARGET, flags=schedule)


def least_kept(keep):
    """The few keys of each batch that the fewest rows keep, but some do and some do not."""
    count = keep.sum(axis=1)
    order = numpy.argsort(numpy.where(count > 0, count, count.max() + 1), axis=1)
    chosen = numpy.zeros(count.shape, bool)
    numpy.put_along_axis(chosen, order[:, :3], True, axis=1)
    return chosen & (count > 0) & (count < keep.shape[1])


def check_dropped(options, name, case, keep):
    """Keys that all rows drop, and a few that some rows drop, hold the poison."""
    keep = numpy.broadcast_to(keep, (case.batch, case.queries, case.keys))
    plain = run(options, case, 0)
    for number, poison in enumerate(POISONS):
        spoilt = ~keep.any(axis=1) | least_kept(keep)
        k, v = case.k.copy(), case.v.copy()
        for b in range(case.batch):
            case.v[b][:, spoilt[b]] = poison
            case.k[b][:, ~keep[b].any(axis=0)] = poison
        clean = ~(keep & spoilt[:, None]).any(axis=-1)
        output, lse = run(options, case, number)
        case.k, case.v = k, v
        expect(spoilt.any() and clean.any(), "nothing is tested")
        for b in range(case.batch):
            found, wanted = output[b][:, clean[b]], plain[0][b][:, clean[b]]
            expect(numpy.isfinite(found).all(), f"{poison} reaches rows that drop it")
            error = abs(found.astype(numpy.float64) - wanted).max(initial=0)
            expect(error < 0.02, f"{poison} changes rows that drop it by {error}")
            touched = output[b][:, ~clean[b]]
            expect(not numpy.isfinite(touched).any(), f"{poison} in a kept value is lost")
            expect(numpy.allclose(lse[b], plain[1][b], atol=1e-5), f"{poison} changes the lse")


def check(job):
    options, (name, case, keep) = job
    try:
        check_dropped(options, name, case, keep)
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        return f"{name}: {error}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--attn-run", default="attn-run", help="the tool")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.folder = pathlib.Path(folder)
        jobs = [(options, case) for case in cases() if case[0].startswith(options.only)]
        failures = run_jobs(check, jobs, threads=2)
    return 1 if failures or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
