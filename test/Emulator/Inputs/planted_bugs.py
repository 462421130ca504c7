# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Plants one bug after the other in two kernels and fails unless the emulator finds each.

usage: planted_bugs.py ATTN_OPT ATTN_EMULATE FOLDER

The kernels as they should be must run in every schedule and agree with numpy to the bit: their
inputs are small whole numbers. A bug is found when the emulator reports the fault that is expected
of it, or, for those that are no misuse of anything, when the numbers differ.
"""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

import ml_dtypes
import numpy as np
import ring
import tiles

LOWER = (
    "--pass-pipeline=builtin.module(gpu.module(convert-scf-to-cf),convert-cf-to-llvm,"
    "gpu.module(convert-arith-to-llvm,reconcile-unrealized-casts,canonicalize,cse))"
)
SCHEDULES = ("eager", "late", "random")
WRONG = "wrong numbers"

# What finds each bug, and in which schedules; the others may find it as well. Where the order of
# warps or copies decides, one of a few seeds must.
RING_BUGS = {
    "no-init-of-v": ("barrier misuse", SCHEDULES),
    "double-init": ("barrier misuse", SCHEDULES),
    "store-over-mbarrier": ("barrier misuse", SCHEDULES),
    "empty-count-high": ("deadlock", SCHEDULES),
    "empty-count-low": ("barrier misuse|race|deadlock", ("random",)),
    "no-init-fence": ("missing fence", SCHEDULES),
    "no-barrier-after-init": ("barrier misuse", ("late",)),
    "misaligned-tile": ("misaligned", SCHEDULES),
    "producer-parity": ("deadlock", SCHEDULES),
    "no-empty-wait": ("race|barrier misuse|deadlock", SCHEDULES),
    "too-many-bytes": ("deadlock", SCHEDULES),
    "too-few-bytes": ("race|deadlock", SCHEDULES),
    "no-expect-tx": ("deadlock", SCHEDULES),
    "off-by-one-row": (WRONG, SCHEDULES),
    "no-elect": ("barrier misuse|race|deadlock", SCHEDULES),
    "no-wgmma-fence": ("missing fence", SCHEDULES),
    "no-commit": ("early read", SCHEDULES),
    "untied-wait": ("early read", SCHEDULES),
    "wait-count": ("early read", SCHEDULES),
    "k-sbo": (WRONG, SCHEDULES),
    "k-swizzle": (WRONG, SCHEDULES),
    "v-lbo": (WRONG, SCHEDULES),
    "consumer-parity": ("race|deadlock", ("late",)),
    "no-q-wait": ("race", ("late",)),
    "no-k-wait": ("race", ("late",)),
    "no-v-wait": ("race", ("late",)),
    "release-before-wait": ("race", ("late",)),
    "fragment-order": (WRONG, SCHEDULES),
    "divergent-shuffle": ("divergence|deadlock", SCHEDULES),
    "global-store": ("out of range", SCHEDULES),
    "misaligned-stmatrix": ("misaligned", SCHEDULES),
    "no-proxy-fence": ("missing fence", SCHEDULES),
    "barrier-id": ("deadlock|divergence", SCHEDULES),
    "barrier-count": ("deadlock|missing fence|race|unfinished", ("late",)),
    "barrier-half-warp": ("barrier misuse", SCHEDULES),
    "no-store-wait": ("unfinished", SCHEDULES),
    "divergent-setmaxnreg": ("deadlock|divergence", SCHEDULES),
}
TILES_BUGS = {
    "divergent-barrier": ("divergence|deadlock|barrier misuse", SCHEDULES),
    "misaligned-copy": ("misaligned", SCHEDULES),
    "source-out-of-range": ("out of range", SCHEDULES),
    "no-copy-commit": ("race", SCHEDULES),
    "copy-wait-count": ("race", SCHEDULES),
    "no-copy-wait": ("race", SCHEDULES),
    "no-barrier-after-copy": (WRONG, SCHEDULES),
    "no-swizzle-on-read": (WRONG, SCHEDULES),
    "misaligned-ldmatrix": ("misaligned", SCHEDULES),
    "no-trans": (WRONG, SCHEDULES),
    "a-fragment-order": (WRONG, SCHEDULES),
    "misaligned-global-store": ("misaligned", SCHEDULES),
}


class Case:
    """A kernel, its launch, and what must come out."""

    def __init__(self, make, flags, expected):
        self.make, self.flags, self.expected = make, flags, expected


def ring_case(folder):
    random = np.random.default_rng(5)
    bf16 = ml_dtypes.bfloat16
    keys = 512
    q, k, v = (random.integers(-1, 2, (n, ring.D)).astype(np.float32) for n in (64, keys, keys))
    for name, array in (("q", q), ("k", k), ("v", v)):
        np.save(folder / f"{name}.npy", array.astype(bf16))
    s = q @ k.T
    flags = ["--block=256", f"--shared={ring.SHARED}", f"--arg=i32:{keys // 64}"]
    tensors = [
        f"--tensor={n}={r}x128xbf16=@{folder}/{n}.npy"
        for n, r in (("q", 64), ("k", keys), ("v", keys))
    ]
    tensors += ["--tensor=o=64x128xbf16=nan", "--tensor=sums=64xf32=nan"]
    maps = [f"--arg=map:{n}:64x64" for n in "qkvo"] + ["--arg=sums"]
    o = (s @ v).astype(bf16).astype(np.float32)
    return Case(ring.Ring, tensors + maps + flags, {"o": o, "sums": s[:, -64:].sum(1)})


def tiles_case(folder):
    random = np.random.default_rng(6)
    a, b = (random.integers(-3, 4, shape).astype(np.float32) for shape in ((32, 64), (64, 8)))
    np.save(folder / "a.npy", a.astype(ml_dtypes.bfloat16))
    np.save(folder / "b.npy", b.astype(ml_dtypes.bfloat16))
    flags = [f"--tensor=a=32x64xbf16=@{folder}/a.npy", f"--tensor=b=64x8xbf16=@{folder}/b.npy"]
    flags += ["--tensor=c=32x8xf32=nan", "--arg=a", "--arg=b", "--arg=c", "--block=64"]
    return Case(tiles.Tiles, [*flags, f"--shared={tiles.SHARED}"], {"c": a @ b})


class Runner:
    def __init__(self, attn_opt, attn_emulate, folder):
        self.attn_opt, self.attn_emulate, self.folder = attn_opt, attn_emulate, folder

    def lower(self, kernel):
        path = self.folder / f"{kernel.name}-{kernel.bug}.mlir"
        path.write_text(kernel.text())
        lowered = path.with_suffix(".llvm.mlir")
        done = subprocess.run(
            [self.attn_opt, path, LOWER, "-o", lowered], capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{path} cannot be lowered:\n{done.stderr}")
        return lowered

    def run(self, case, path, schedule, seed):
        """The emulator's report, `wrong numbers`, or nothing when all is well."""
        files = {n: path.with_suffix(f".{schedule}{seed}.{n}.npy") for n in case.expected}
        flags = [f"--output={n}={file}" for n, file in files.items()]
        flags += [f"--schedule={schedule}", f"--seed={seed}"]
        done = subprocess.run(
            [self.attn_emulate, path, *case.flags, *flags],
            capture_output=True,
            text=True,
            timeout=120,
        )
        if done.returncode == 2:
            return done.stderr.strip()
        if done.returncode:
            return f"exit code {done.returncode}: {done.stderr.strip()}"
        for name, wanted in case.expected.items():
            found = np.load(files[name])
            if found.dtype.itemsize == 2:
                found = found.view(ml_dtypes.bfloat16)
            if not np.array_equal(found.astype(np.float32), wanted):
                return f"{WRONG} in {name}"
        return ""


def check_right(runner, case):
    kernel = case.make().build()
    path = runner.lower(kernel)
    for schedule in SCHEDULES:
        for seed in (1, 2, 3):
            report = runner.run(case, path, schedule, seed)
            if report:
                sys.exit(f"{kernel.name} without a bug, {schedule} {seed}: {report}")
    return kernel.asked


def check_bug(runner, case, bug, fault, schedules):
    """A line for the table, and whether the bug was found wherever it should be."""
    path = runner.lower(case.make(bug).build())
    good, lines = True, []
    for schedule in schedules:
        for seed in range(1, 7):
            report = runner.run(case, path, schedule, seed)
            found = bool(re.match(f"({fault})\\b", report))
            if found or schedule == "eager":
                break
        good &= found
        lines.append(
            f"  {schedule}: {'found' if found else 'MISSED'}: {report.splitlines()[0] if report else 'right'}"
        )
    return good, "\n".join([bug, *lines])


def main():
    attn_opt, attn_emulate, folder = sys.argv[1:4]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    runner = Runner(attn_opt, attn_emulate, folder)
    jobs = []
    for case, bugs in ((ring_case(folder), RING_BUGS), (tiles_case(folder), TILES_BUGS)):
        asked = check_right(runner, case)
        if asked != set(bugs):
            sys.exit(f"bugs without an expectation or without a place: {asked ^ set(bugs)}")
        jobs += [(runner, case, bug, *expected) for bug, expected in bugs.items()]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda job: check_bug(*job), jobs))
    for _, text in results:
        print(text)
    missed = sum(not good for good, _ in results)
    print(f"{len(results) - missed} of {len(results)} bugs found")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
