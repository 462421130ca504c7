# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the contenders of a case in turns, between readings of the peak."""

import statistics
import time

from .contenders import Lacks


def seconds_of(call, count, threads):
    """Seconds of one of `count` calls.

    One thread: CPU time of the process, which leaves out what others took from the core, unless
    the wall says less (threads of a contender that spin). Several threads: the wall.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(count):
        call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return (min(wall, cpu) if threads == 1 else wall) / count


def prepare(case, contenders, threads):
    """Runs and judges each contender once: ({name: call}, {name: entry of the results})."""
    arrays = case.inputs()
    answers = case.reference(*arrays)
    calls, entries = {}, {}
    for name, make in contenders.items():
        try:
            call, out = make(case, arrays, threads)
            call()
            entries[name] = {"error": case.check(answers, out()), "seconds": []}
            calls[name] = call
        except (Lacks, ValueError) as reason:
            entries[name] = {"lacks": str(reason)}
        except Exception as error:  # what a package says of its own limits has many types
            entries[name] = {"lacks": f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"}
    return calls, entries, arrays


def measure(case, contenders, limit, options, say=lambda text: None):
    """One row of the results: every contender's seconds, round by round, and the peak's.

    limit    the library of benchmarks/limit (peak, plain reads), None without a compiler
    options  threads, rounds, sample (seconds that a sample lasts), budget (seconds of a case)
    """
    say(f"{case.label}: checking")
    calls, entries, arrays = prepare(case, contenders, options.threads)
    counts = {}
    for name, call in calls.items():
        once = max(seconds_of(call, 1, options.threads), 1e-7)
        once = min(once, max(seconds_of(call, 1, options.threads), 1e-7))
        counts[name] = max(1, round(options.sample / once))
    peaks, reads = [], []
    end = time.monotonic() + options.budget
    for turn in range(options.rounds):
        if turn >= 3 and time.monotonic() > end:
            break
        say(f"{case.label}: round {turn + 1} of {options.rounds}")
        for name, call in calls.items():
            if limit:
                peaks.append(options.threads * limit.limit_peak(20000))
            entries[name]["seconds"].append(seconds_of(call, counts[name], options.threads))
        beside = case.read_beside(arrays)
        if limit and beside:
            reads.append(read_seconds(limit, beside))
    row = {"peak": statistics.median(peaks) if peaks else None, "read_seconds": reads}
    return case.row() | row | {"contenders": entries}


def read_seconds(limit, arrays):
    """Seconds of a plain read of the arrays by one thread."""
    start = time.thread_time()
    for x in arrays:
        limit.limit_read(x.ctypes.data, x.size)
    return time.thread_time() - start
