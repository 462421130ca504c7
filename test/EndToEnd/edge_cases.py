#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What random numbers do not reach: NaN and Inf, empty and fully masked rows, empty shapes, bits.

Every run is judged by attn-run --check as well; what stands here is checked on the numbers
themselves, without the reference.
"""

import argparse
import concurrent.futures
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy

# Fixed after the code that it tests was written.
SEED = 20261124
NUMPY = {"f64": numpy.float64, "f32": numpy.float32, "f16": numpy.float16}
LOWEST = numpy.finfo(numpy.float32).min
counter = itertools.count()


class Attention:
    """One attn.sdpa with fixed inputs."""

    def __init__(self, dtype, shape, clauses="", extra=(), results=("output", "lse")):
        self.dtype = dtype
        self.acc = "f64" if dtype == "f64" else "f32"
        self.batch, self.heads, self.kv_heads, self.queries, self.keys, self.dim, self.value_dim = (
            shape
        )
        self.clauses = clauses
        self.extra = list(extra)  # (name, type, array)
        self.results = results
        self.mask = ""
        random = numpy.random.default_rng([SEED, *shape])

        def normal(heads, rows, length):
            values = random.normal(size=(self.batch, heads, rows, length))
            return values.astype(numpy.float32)

        self.q = normal(self.heads, self.queries, self.dim)
        self.k = normal(self.kv_heads, self.keys, self.dim)
        self.v = normal(self.kv_heads, self.keys, self.value_dim)

    def text(self):
        def tensor(array, dtype):
            return "tensor<" + "".join(f"{s}x" for s in array.shape) + dtype + ">"

        types = [tensor(a, self.dtype) for a in (self.q, self.k, self.v)]
        out = f"tensor<{self.batch}x{self.heads}x{self.queries}x{self.value_dim}x{self.dtype}>"
        lse = f"tensor<{self.batch}x{self.heads}x{self.queries}x{self.acc}>"
        listed, names = (f"{out}, {lse}", "%o, %l") if "lse" in self.results else (out, "%o")
        returns = "returns(lse)" if "lse" in self.results else ""
        arguments = [f"%{n}: {t}" for n, t in zip("qkv", types, strict=True)]
        arguments += [f"%{n}: {t}" for n, t, _ in self.extra]
        return f"""func.func @case({", ".join(arguments)}) -> ({listed}) {{
  {names} = attn.sdpa %q, %k, %v {self.clauses} {returns}
    : {", ".join(types)} -> {listed} {self.mask}
  return {names} : {listed}
}}
"""

    def run(self, options, target, threads=1, flags=()):
        """The output and, when asked for, the lse, as float64."""
        folder = options.folder / str(next(counter))
        folder.mkdir()
        (folder / "case.mlir").write_text(self.text())
        command = [options.attn_run, str(folder / "case.mlir"), f"--target={target}", "--check"]
        command += [f"--threads={threads}", *flags]
        arrays = [("q", self.dtype, self.q), ("k", self.dtype, self.k), ("v", self.dtype, self.v)]
        arrays += [(name, None, array) for name, _, array in self.extra]
        for name, dtype, array in arrays:
            save(folder / f"{name}.npy", array, dtype)
            command.append(f"--input=@{folder / name}.npy")
        outputs = [folder / f"{name}.out.npy" for name in self.results]
        command += [f"--output={path}" for path in outputs]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            text = (done.stdout + done.stderr).strip()
            raise AssertionError(f"exit code {done.returncode}: {' '.join(command)}\n{text}")
        loaded = [load(path) for path in outputs]
        return loaded[0] if len(loaded) == 1 else loaded


def save(path, array, dtype):
    if dtype == "bf16":
        # To nearest even; NaN and Inf stay what they are.
        bits = array.astype(numpy.float32).view(numpy.uint32).astype(numpy.uint64)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        special = (bits & 0x7F800000) == 0x7F800000
        bits = numpy.where(special, bits >> 16, rounded).astype(numpy.uint16)
        numpy.save(path, bits.view("V2"))
    else:
        numpy.save(path, array if dtype is None else array.astype(NUMPY[dtype]))


def load(path):
    array = numpy.load(path)
    if array.dtype.kind == "V":
        return (array.view(numpy.uint16).astype(numpy.uint32) << 16).view(numpy.float32)
    return array


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def same_bits(a, b):
    return a.shape == b.shape and a.tobytes() == b.tobytes()


# ---- the cases: name, function(options, target) ---------------------------------------------


def dropped_keys(options, target, dtype, queries, keys):
    """What a dropped key holds does not matter, wherever it stands."""
    shape = (2, 2, 1, queries, keys, 40, 24)
    keep = numpy.random.default_rng(keys).random((1, 1, 1, keys)) < 0.6
    keep[..., keys // 2] = True
    lengths = numpy.array([keys, max(keys // 3, keys // 2 + 1)], numpy.int64)
    clauses = f"keep(%keep : tensor<1x1x1x{keys}xi1>) kv_lens(%lens : tensor<2xi64>)"
    extra = [("keep", f"tensor<1x1x1x{keys}xi1>", keep), ("lens", "tensor<2xi64>", lengths)]
    case = Attention(dtype, shape, clauses, extra)
    dropped = ~(keep[0, 0, 0] & (numpy.arange(keys) < lengths[:, None]))
    plain = case.run(options, target)
    for poison in (numpy.nan, numpy.inf, -numpy.inf):
        for batch in range(2):
            case.k[batch][:, dropped[batch]] = poison
            case.v[batch][:, dropped[batch]] = poison
        poisoned = case.run(options, target)
        for name, a, b in zip(case.results, plain, poisoned, strict=True):
            expect(numpy.isfinite(b).all(), f"{poison} in dropped keys reaches the {name}")
            if target.endswith(":sm_90a") and dtype in ("bf16", "f16") and name == "output":
                # Tensor cores take the product, and scalar code takes it anew.
                error = abs(a.astype(numpy.float64) - b).max()
                expect(error < 0.02, f"{poison} in dropped keys changes the {name} by {error}")
            else:
                expect(same_bits(a, b), f"{poison} in dropped keys changes the {name}")


def future_keys(options, target, dtype):
    """With causal alone the last key of each row is the last that counts."""
    case = Attention(dtype, (1, 2, 2, 70, 70, 33, 17), "causal(top_left)")
    case.k[:, :, 50:] = numpy.nan
    case.v[:, :, 50:] = numpy.inf
    output, lse = case.run(options, target)
    expect(numpy.isfinite(output[:, :, :50]).all(), "a key in the future reaches a row")
    expect(numpy.isfinite(lse[:, :, :50]).all(), "a key in the future reaches an lse")
    expect(not numpy.isfinite(output[:, :, 50:]).any(), "a NaN in a kept key is lost")


def nan_in_one_query(options, target, dtype, queries):
    case = Attention(dtype, (2, 3, 1, queries, 41, 16, 16))
    row = queries // 3
    case.q[1, 2, row, 3] = numpy.nan
    output, lse = case.run(options, target)
    expect(numpy.isnan(output[1, 2, row]).all() and numpy.isnan(lse[1, 2, row]), "a NaN is lost")
    output[1, 2, row] = lse[1, 2, row] = 0
    expect(numpy.isfinite(output).all() and numpy.isfinite(lse).all(), "a NaN spreads")


def infinite_score(options, target, dtype, queries):
    """A kept score of +inf gives NaN or the one-hot limit in its own row."""
    bias = numpy.zeros((queries, 21), numpy.float32)
    bias[4, 11] = numpy.inf
    kind = f"tensor<{queries}x21xf32>"
    extra = [("bias", kind, bias)]
    case = Attention(dtype, (1, 1, 1, queries, 21, 8, 8), f"additive(%bias : {kind})", extra)
    output, _ = case.run(options, target)
    expect(numpy.isfinite(numpy.delete(output, 4, axis=2)).all(), "an infinite score spreads")


def lowest_mask(options, target, dtype, queries, wide):
    """A row of lowest floats is a row of equal scores: mean(V), not 0 and not NaN."""
    element = "f64" if wide else "f32"
    kind = f"tensor<{queries}x37x{element}>"
    bias = numpy.zeros((queries, 37), NUMPY[element])
    bias[2:4] = numpy.finfo(NUMPY[element]).min
    extra = [("bias", kind, bias)]
    clauses = f"additive(%bias : {kind})"
    shape = (1, 2, 1, queries, 37, 24, 12)
    case = Attention(dtype, shape, clauses, extra, results=("output",))
    output = case.run(options, target)
    mean = case.v.mean(axis=2, dtype=numpy.float64)
    error = abs(output[:, :, 2:4] - mean[:, :, None]).max()
    expect(error < {"f32": 1e-6, "f64": 1e-6}.get(dtype, 1e-2), f"mean(V) is missed by {error}")


def masked_rows(options, target, dtype, queries):
    """Rows without a key: exactly 0 and -inf, their neighbours as ever."""
    keep = numpy.ones((2, 1, queries, 1), bool)
    keep[0, 0, queries // 6 : queries // 2] = keep[1, 0, queries - 1] = False
    kind = f"tensor<2x1x{queries}x1xi1>"
    extra = [("keep", kind, keep)]
    case = Attention(dtype, (2, 2, 2, queries, 50, 20, 9), f"keep(%keep : {kind})", extra)
    output, lse = case.run(options, target)
    empty = numpy.broadcast_to(~keep[..., 0], lse.shape)
    expect((output[empty] == 0).all(), "a row without keys is not 0")
    expect((lse[empty] == -numpy.inf).all(), "the lse of a row without keys is not -inf")
    expect(numpy.isfinite(lse[~empty]).all() and (output[~empty] != 0).any(), "a row is lost")


def high_sink(options, target, dtype, kv_heads, queries, value):
    """A sink takes nearly all of the weight; what is left is as exact as ever."""
    heads = 6
    sinks = numpy.linspace(20, 220 if value > 1 else 90, heads).astype(numpy.float32)
    extra = [("sinks", f"tensor<{heads}xf32>", sinks)]
    shape = (1, heads, kv_heads, queries, 21, 8, 16)
    case = Attention(dtype, shape, f"sinks(%sinks : tensor<{heads}xf32>)", extra)
    case.v = abs(case.v) * numpy.float32(value)
    output, _ = case.run(options, target)
    least = 1e-30 if value == 1 else 1e-8
    seen = sinks < numpy.log(value / least)
    expect((output[:, seen] > 0).all(), "what the sink leaves is lost")


def more_queries_than_keys(options, target, dtype, queries, keys):
    case = Attention(dtype, (1, 2, 1, queries, keys, 16, 16), "causal(bottom_right)")
    output, lse = case.run(options, target)
    first = queries - keys
    expect((output[:, :, :first] == 0).all() and (lse[:, :, :first] == -numpy.inf).all(), "first")
    expect(numpy.isfinite(lse[:, :, first:]).all(), "last rows")


def empty_shape(options, target, dtype, shape):
    """Right shapes, zeros where there are rows."""
    case = Attention(dtype, shape, "scale(%s)" if shape[5] == 0 else "")
    if shape[5] == 0:
        case.extra = [("s", case.acc, numpy.array(0.5, NUMPY[case.acc]))]
    output, lse = case.run(options, target)
    batch, heads, _, queries, keys, dim, value_dim = shape
    expect(output.shape == (batch, heads, queries, value_dim), f"shape {output.shape}")
    expect(lse.shape == (batch, heads, queries), f"shape of lse {lse.shape}")
    if keys == 0:
        expect((output == 0).all() and (lse == -numpy.inf).all(), "rows without keys")
    elif dim == 0 and output.size:
        mean = numpy.repeat(case.v, heads // shape[2], axis=1).mean(axis=2)
        expect(abs(output - mean[:, :, None]).max() < 1e-2, "equal scores give the mean")


def capture_reach(options, target, text):
    """A capture that holds just what its map reaches is read; a shorter one is an error."""
    batch, heads, queries, keys = shape = (2, 4, 5, 7)
    python = text.replace("floordiv", "//").replace("mod", "%")
    python = re.sub(r"(\w+) ceildiv (\w+)", r"-(-\1 // \2)", python)
    grid = itertools.product(*map(range, shape))
    reached = [eval(python, {}, dict(zip("bhmn", at, strict=True))) for at in grid]
    case = Attention("f32", (batch, heads, 2, queries, keys, 8, 8), results=("output",))

    def run(size, code):
        folder = options.folder / str(next(counter))
        folder.mkdir()
        (folder / "case.mlir").write_text(f"""
func.func @case(%q: tensor<?x?x?x8xf32>, %k: tensor<?x?x?x8xf32>, %v: tensor<?x?x?x8xf32>, %c: tensor<?xf32>) -> tensor<?x?x?x8xf32> {{
  %o = attn.sdpa %q, %k, %v captures(%c[{text}] : tensor<?xf32>)
    : tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32> -> tensor<?x?x?x8xf32>
    score(%s, %b, %h, %m, %n, %x) {{
      %r = arith.addf %s, %x : f32
      attn.yield %r : f32
    }}
  return %o : tensor<?x?x?x8xf32>
}}
""")
        command = [options.attn_run, str(folder / "case.mlir"), f"--target={target}", "--check"]
        for name, array in (("q", case.q), ("k", case.k), ("v", case.v)):
            save(folder / f"{name}.npy", array, "f32")
            command.append(f"--input=@{folder / name}.npy")
        command.append(f"--input={size}xf32=random:5")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        expect(done.returncode == code, f"{size}: exit code {done.returncode}\n{done.stderr}")
        if code:
            message = (
                "error: argument #3 (%c): its shape does not fit the other arguments: "
                f"got {size}xf32\n"
            )
            lines = done.stderr.splitlines(keepends=True)
            said = "".join(line for line in lines if ": warning: " not in line)
            expect(said == message, done.stderr)

    if min(reached) < 0:
        return run(max(reached) + 1, 1)
    run(max(reached) + 1, 0)
    return run(max(reached), 1)


def bits_of_a_row(options, target, dtype, queries):
    """A row's bits depend on its own query, its keys and the options: not on B, H or threads."""
    shape = (3, 4, 2, queries, 150, 48, 32)
    whole = Attention(dtype, shape, "causal(bottom_right)")
    output, lse = whole.run(options, target)
    threaded = whole.run(options, target, threads=2)
    expect(same_bits(output, threaded[0]) and same_bits(lse, threaded[1]), "threads change bits")
    # Two heads that share a key head, and one of them alone.
    for heads in (slice(2, 4), slice(3, 4)):
        shape = (1, heads.stop - heads.start, 1, queries, 150, 48, 32)
        part = Attention(dtype, shape, "causal(bottom_right)")
        part.q, part.k, part.v = whole.q[1:2, heads], whole.k[1:2, 1:2], whole.v[1:2, 1:2]
        alone = part.run(options, target)
        expect(same_bits(numpy.ascontiguousarray(output[1:2, heads]), alone[0]), "B or H")
        expect(same_bits(numpy.ascontiguousarray(lse[1:2, heads]), alone[1]), "B or H, lse")
    # Other queries change; the rows that stay keep their bits.
    whole.q[:, :, ::2] *= 3
    changed, _ = whole.run(options, target)
    expect(
        same_bits(
            numpy.ascontiguousarray(output[:, :, 1::2]),
            numpy.ascontiguousarray(changed[:, :, 1::2]),
        ),
        "a row's bits depend on its neighbours",
    )


def bits_beside_documents(options, target, dtype):
    """Blocks that a group skips do not show in the bits of a row that skips them anyway."""
    shape = (1, 2, 2, 61, 700, 24, 20)
    theirs = numpy.repeat(numpy.arange(10), 70).astype(numpy.int32)
    mine = numpy.repeat(numpy.arange(3, 10), 9)[:61].astype(numpy.int32)
    kinds = ("tensor<61xi32>", "tensor<700xi32>")
    code = "%same = arith.cmpi eq, %x, %y : i32 attn.yield %same : i1"
    clauses = f"captures(%mine[m] : {kinds[0]}, %theirs[n] : {kinds[1]})"
    mask = f"mask(%b, %h, %m, %n, %x, %y) {{ {code} }}"

    def run(rows):
        extra = [("mine", kinds[0], rows), ("theirs", kinds[1], theirs)]
        case = Attention(dtype, shape, clauses, extra)
        case.mask = mask
        case.k[:, :, :210] = numpy.nan  # documents that nobody reads
        return case.run(options, target)

    output, lse = run(mine)
    expect(numpy.isfinite(output).all(), "a key of another document reaches a row")
    for row in (0, 13, 60):
        others = numpy.full(61, 3 + row % 5, numpy.int32)
        others[row] = mine[row]
        alone = run(others)
        expect(
            same_bits(output[:, :, row], alone[0][:, :, row])
            and same_bits(lse[:, :, row], alone[1][:, :, row]),
            f"the bits of row {row} depend on documents of its neighbours",
        )


def all_cases():
    # Up to eight queries have a kernel of their own.
    for dtype in ("f32", "bf16", "f16", "f64"):
        for keys in (7, 129, 300) if dtype == "f32" else (61,):
            yield dropped_keys, (dtype, 13, keys)
            yield dropped_keys, (dtype, 3, keys)
        yield future_keys, (dtype,)
        yield nan_in_one_query, (dtype, 20)
        yield nan_in_one_query, (dtype, 5)
        yield masked_rows, (dtype, 19)
        yield masked_rows, (dtype, 7)
        yield lowest_mask, (dtype, 16, False)
        yield lowest_mask, (dtype, 6, False)
    yield lowest_mask, ("f32", 16, True)
    yield lowest_mask, ("f32", 6, True)
    for dtype in ("f32", "f64"):
        yield infinite_score, (dtype, 9)
        yield infinite_score, (dtype, 5)
        yield more_queries_than_keys, (dtype, 90, 30)
        yield more_queries_than_keys, (dtype, 4, 3)
        for value in (1.0, 1e30):
            yield high_sink, (dtype, 6, 9, value)
            yield high_sink, (dtype, 2, 2, value)
        yield bits_of_a_row, (dtype, 77)
        yield bits_of_a_row, (dtype, 2)
    yield bits_of_a_row, ("bf16", 77)
    yield bits_of_a_row, ("bf16", 1)
    for dtype in ("f32", "bf16"):
        yield bits_beside_documents, (dtype,)
    for text in (
        "m - n + 6",
        "m - n + 5",
        "m * 3 - h",
        "n * 2 + m + 1",
        "(h * 5 + b) floordiv 2",
        "n mod 4",
        "h ceildiv 3",
        "-n + 6",
        "3",
    ):
        yield capture_reach, (text,)
    for zero in range(7):
        shape = [2, 2, 1, 5, 6, 8, 4]
        shape[zero] = 0
        if zero in (1, 2):
            shape[1] = shape[2] = 0
        if zero != 2:
            yield empty_shape, ("f32", tuple(shape))


def run_jobs(run, jobs, threads):
    """Says what failed; the number of failures."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        failures = [failure for failure in pool.map(run, jobs) if failure]
    for failure in failures:
        print(f"FAILED {failure}")
    return len(failures)


def run_case(job):
    options, (function, arguments), target = job
    try:
        function(options, target, *arguments)
    except (AssertionError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{function.__name__}{arguments} on {target}: {error}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--attn-run", default="attn-run", help="the tool")
    parser.add_argument("--targets", default="cpu,linalg", help="separated by commas")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    cases = [c for c in all_cases() if c[0].__name__.startswith(options.only)]
    with tempfile.TemporaryDirectory() as folder:
        options.folder = pathlib.Path(folder)
        jobs = [(options, case, target) for case in cases for target in options.targets.split(",")]
        failures = run_jobs(run_case, jobs, options.jobs)
    print(f"{len(jobs) - failures} of {len(jobs)} edge cases as they should be")
    return 1 if failures or not jobs else 0


if __name__ == "__main__":
    sys.exit(main())
