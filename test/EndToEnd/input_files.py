#!/usr/bin/env python3
# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Files as numpy, ml_dtypes and safetensors write them go through attn-run unchanged; damaged
ones end in one line, exit code 1 and no output file.

Attention of one query over one key returns that key's value.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy

DTYPES = {
    "f64": numpy.float64,
    "f32": numpy.float32,
    "f16": numpy.float16,
    "bf16": ml_dtypes.bfloat16,
}
SAFETENSORS = {"f64": "F64", "f32": "F32", "f16": "F16", "bf16": "BF16"}
SHAPE = (2, 3, 1, 5)


def program(dtype):
    kind = f"tensor<2x3x1x5x{dtype}>"
    return f"""func.func @f(%q: {kind}, %v: {kind}) -> {kind} {{
  %o = attn.sdpa %q, %q, %v : {kind}, {kind}, {kind} -> {kind}
  return %o : {kind}
}}
"""


def write_safetensors(path, tensors):
    """The format by hand: the package is not needed for so little."""
    header, data = {"__metadata__": {"made": "by hand"}}, b""
    for name, (dtype, array) in tensors.items():
        raw = array.tobytes()
        header[name] = {
            "dtype": SAFETENSORS[dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def run(tool, folder, source):
    output = folder / "out.npy"
    output.unlink(missing_ok=True)
    command = [tool, str(folder / "f.mlir"), "--input=" + source[0], "--input=" + source[1]]
    command.append(f"--output={output}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done, output


def check_good(tool, folder, failures):
    for dtype, kind in DTYPES.items():
        (folder / "f.mlir").write_text(program(dtype))
        values = numpy.random.default_rng(1).normal(size=SHAPE).astype(kind)
        numpy.save(folder / "plain.npy", values)
        numpy.save(folder / "fortran.npy", numpy.asfortranarray(values))
        numpy.savez(folder / "stored.npz", other=values[0], values=values)
        numpy.savez_compressed(folder / "deflated.npz", other=values[0], values=values)
        write_safetensors(
            folder / "w.safetensors", {"a.b": (dtype, values[0]), "layer.0": (dtype, values)}
        )
        for source in (
            "@plain.npy",
            "@fortran.npy",
            "@stored.npz:values",
            "@deflated.npz:values",
            "@w.safetensors:layer.0",
        ):
            spec = "@" + str(folder / source[1:])
            done, output = run(tool, folder, (spec, f"2x3x1x5x{dtype}={spec}"))
            if done.returncode:
                failures.append(f"{dtype} {source}: {done.stderr.strip()}")
                continue
            found = numpy.load(output)
            if found.dtype.kind == "V":
                found = found.view(ml_dtypes.bfloat16)
            # The weight of the one key is p / p, not always 1.
            close = numpy.allclose(
                found.astype(float), values.astype(float), rtol=1e-6 if dtype == "f32" else 0
            )
            if found.dtype != values.dtype or found.shape != SHAPE or not close:
                failures.append(f"{dtype} {source}: not what was written")


# What is said after `error: argument #1 (%v): `; % is the folder.
MESSAGES = {
    "missing.npy": "cannot open '%/missing.npy': No such file or directory",
    "wrong shape": "expected 2x3x1x5xf32, but got 2x3x5x1xf32",
    "wrong type": "expected 2x3x1x5xf32, but got 2x3x1x5xf16",
    "checked shape": "input '2x3x5x1xf32=@%/good.npy': expected 2x3x5x1xf32, found 2x3x1x5xf32 in the file",
    "folder.npy": "cannot open '%/folder.npy': expected a regular file",
    "truncated.npy": "'%/truncated.npy': expected 120 bytes of data for 2x3x1x5xf32, found 116",
    "longer.npy": "'%/longer.npy': expected 120 bytes of data for 2x3x1x5xf32, found 124",
    "shape.npy": "'%/shape.npy': expected 216 bytes of data for 2x3x1x9xf32, found 120",
    "huge.npy": "'%/huge.npy': expected 1199999999880 bytes of data for 2x3x9999999999x5xf32, found 129",
    "negative.npy": "'%/negative.npy': expected a size of at least 0 in the shape",
    "text.npy": "'%/text.npy': expected an .npy file, found no NumPy magic",
    "empty.npy": "'%/empty.npy': expected an .npy file, found no NumPy magic",
    "none.npz": "'%/none.npz': expected a tensor named 'values', found none",
    "header.safetensors": "'%/header.safetensors': expected a header of 1099511627776 bytes, found 2",
    "deep.safetensors": "'%/deep.safetensors': the header nests too deep",
}  # fmt: skip


def check_bad(tool, folder, failures):
    (folder / "f.mlir").write_text(program("f32"))
    values = numpy.ones(SHAPE, numpy.float32)
    good = folder / "good.npy"
    numpy.save(good, values)
    raw = good.read_bytes()
    lies = {
        "truncated.npy": raw[:-4],
        "longer.npy": raw + b"\0" * 4,
        "shape.npy": raw.replace(b"(2, 3, 1, 5)", b"(2, 3, 1, 9)"),
        "huge.npy": raw.replace(b"(2, 3, 1, 5)", b"(2, 3, 9999999999, 5)"),
        "negative.npy": raw.replace(b"(2, 3, 1, 5)", b"(2, 3, -1, -5)"),
        "text.npy": b"hello",
        "empty.npy": b"",
        "none.npz": b"PK\x05\x06" + b"\0" * 18,
        "header.safetensors": (1 << 40).to_bytes(8, "little") + b"{}",
        "deep.safetensors": (100000).to_bytes(8, "little") + b"[" * 100000,
    }
    sources = {"missing.npy": "@" + str(folder / "missing.npy"), "wrong shape": "2x3x5x1xf32=1"}
    sources["wrong type"] = "2x3x1x5xf16=1"
    sources["checked shape"] = f"2x3x5x1xf32=@{good}"
    sources["folder.npy"] = f"@{folder / 'folder.npy'}"
    (folder / "folder.npy").mkdir()
    for name, data in lies.items():
        (folder / name).write_bytes(data)
        member = "" if name.endswith(".npy") else ":values"
        sources[name] = f"@{folder / name}{member}"
    for name, spec in sources.items():
        done, output = run(tool, folder, (f"@{good}", spec))
        wanted = "error: argument #1 (%v): " + MESSAGES[name].replace("%", str(folder)) + "\n"
        if done.returncode != 1:
            failures.append(f"{name}: exit code {done.returncode}")
        elif done.stderr != wanted:
            failures.append(f"{name}: expected {wanted!r}, found {done.stderr!r}")
        elif output.exists():
            failures.append(f"{name}: left an output file")
    return len(sources)


def main():
    tool = sys.argv[1]
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        check_good(tool, folder, failures)
        bad = check_bad(tool, folder, failures)
        # A result that cannot be written leaves nothing either.
        spec = f"@{folder / 'good.npy'}"
        command = [tool, str(folder / "f.mlir"), f"--input={spec}", f"--input={spec}"]
        command.append(f"--output={folder / 'none' / 'out.npy'}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 1 or (folder / "none").exists():
            failures.append(f"no folder for the output: exit code {done.returncode}")
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"20 good and {bad} bad inputs: {len(failures)} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
