# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every kind of attention kernel in the emulator, in every schedule, against the reference.

usage: nvvm_attention.py ATTN_RUN FILE.mlir [SEED]

Half of the runs are fixed, the other half is drawn anew: sizes, spread of the numbers, seed of the
schedule. The seed of the drawing is printed, and SEED repeats it; a run that fails prints its command.
"""

import concurrent.futures
import random
import subprocess
import sys

# Entry, D, Dv, type, number of further inputs (slopes per query head).
ENTRIES = [
    ("full64", 64, 64, "bf16", False),
    ("causal64", 64, 64, "f16", False),
    ("full128", 128, 128, "f16", False),
    ("causal128", 128, 128, "bf16", False),
    ("window128", 128, 128, "bf16", False),
    ("softcap64", 64, 64, "bf16", False),
    ("alibi128", 128, 128, "bf16", True),
    ("full256", 256, 256, "bf16", False),
    ("causal192", 192, 128, "bf16", False),
]
SCHEDULES = ("eager", "late", "random")
# B, Hq, Hkv, M, N: one query, odd lengths with grouped heads, more queries than keys.
FIXED = [(1, 2, 1, 1, 129), (2, 2, 2, 65, 190), (1, 3, 1, 200, 77)]
DRAWN = 3  # for each entry and schedule


def draw(generator):
    group, heads = generator.choice((1, 2, 3)), generator.choice((1, 2))
    queries = generator.choice((generator.randint(1, 40), generator.randint(41, 280)))
    keys = generator.choice((generator.randint(1, 60), generator.randint(61, 400)))
    return (1, group * heads, heads, queries, keys)


def command(attn_run, file, entry, schedule, sizes, numbers, seed, spread):
    name, d, dv, dtype, slopes = entry
    batch, heads, kv_heads, queries, keys = sizes
    shapes = [(heads, queries, d), (kv_heads, keys, d), (kv_heads, keys, dv)]
    inputs = [
        f"--input={batch}x{h}x{s}x{n}x{dtype}=random:{numbers + i}:{spread if i < 2 else 1}"
        for i, (h, s, n) in enumerate(shapes)
    ]
    if slopes:
        inputs.append(f"--input={heads}xf32=" + ",".join(str(0.5**i) for i in range(1, heads + 1)))
    target = "--target=nvvm-emulation:sm_90a"
    flags = [f"--entry={name}", target, "--check", f"--schedule={schedule}", f"--seed={seed}"]
    return [attn_run, file, *flags, "--threads=1", *inputs]


def run(words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    good = done.returncode == 0 and "output: ok" in done.stdout
    return good, " ".join(map(str, words)), done.stdout + done.stderr


def main():
    attn_run, file = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(10**6)
    generator = random.Random(seed)
    print(f"drawn with seed {seed}")
    runs = []
    for entry in ENTRIES:
        for schedule in SCHEDULES:
            for i, sizes in enumerate(FIXED):
                runs.append(command(attn_run, file, entry, schedule, sizes, 10 * i + 1, i + 1, 1))
            for _ in range(DRAWN):
                numbers, own = generator.randrange(1000), generator.randrange(1000)
                spread = generator.choice((0.02, 0.5, 1, 2))
                sizes = draw(generator)
                runs.append(command(attn_run, file, entry, schedule, sizes, numbers, own, spread))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, runs))
    for good, words, output in results:
        if not good:
            print(f"FAILED: {words}\n{output}")
    right = sum(good for good, _, _ in results)
    print(f"{right} of {len(results)} runs agree with the reference")
    sys.exit(0 if right == len(results) else 1)


if __name__ == "__main__":
    main()
