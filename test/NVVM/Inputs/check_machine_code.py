# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts the machine code of the kernels of benchmarks/gpu and compares it with a table.

usage: check_machine_code.py ATTN_COMPILE TABLE FOLDER [--update]

Exact: registers, spills, shared memory, tensor-core products, exponentials and conversions of
every loop, and how many exponentials are issued under the warp's own product. At most: all
instructions (recorded + 1 %), moves. At least: share of the tensor peak in the replay (recorded -
0.01) and slack in cycles. utils/gpu/sass_count.py and model.py count and replay.
"""

import json
import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "benchmarks/gpu"))
sys.path.insert(0, str(ROOT / "python_bindings/attn_mlir"))
import cases  # noqa: E402
import cuda  # noqa: E402

EXACT = ["registers", "spill_bytes", "threads", "shared_bytes"]
LOOP_EXACT = ["HGMMA", "EX2", "F2FP", "ex2_under_gemm", "local_memory"]


def tool(name, *arguments):
    command = [sys.executable, str(ROOT / "utils/gpu" / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed: {done.stderr[-500:]}")
    return json.loads(done.stdout)


def loops(cubin, head):
    [kernel] = tool("sass_count.py", cubin, "--d", head, "--all")
    rows = []
    for loop in kernel["loops"]:
        count = loop["per_class"]
        row = {name: count.get(name, 0) for name in ("HGMMA", "EX2", "F2FP")}
        row["ex2_under_gemm"] = loop.get("under_own_gemm", {}).get("ex2", 0)
        row["local_memory"] = count.get("LDL", 0) + count.get("STL", 0)
        rows.append(row | {"moves": count.get("MOV", 0), "instructions": loop["instructions"]})
    return rows


def measure(case, compile_tool, folder):
    source, path = folder / f"{case.name}.mlir", folder / f"{case.name}.bundle"
    source.write_text(case.source())
    command = [compile_tool, str(source), "--target=nvvm:sm_90a", "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"error": done.stderr.strip()}
    bundle = cuda.Bundle.read(path)
    [kernel], [launch] = bundle.manifest["kernels"], bundle.manifest["launches"]
    cubin = folder / f"{case.name}.cubin"
    cubin.write_bytes(bundle.image(bundle.manifest["modules"][0], "cubin"))
    row = {name: kernel[name] for name in ("registers", "spill_bytes", "threads")}
    row["shared_bytes"] = launch["dynamic_shared_bytes"] + kernel["static_shared_bytes"]
    groups = kernel["threads"] // 128 - 1
    spec = f"{case.name}={cubin}@{case.head}@{groups}"
    [replay] = tool("model.py", "--json", "--slack", spec)
    row |= {"share": replay["share"], "slack": replay["slack"]}
    return row | {"loops": loops(cubin, case.head)}


def differences(name, found, want):
    if want is None or "error" in found:
        yield f"{name}: {found.get('error', 'not in the table')}"
        return
    for key in EXACT:
        if found[key] != want[key]:
            yield f"{name}: {key}: expected {want[key]}, found {found[key]}"
    if found["share"] < want["share"] - 0.01:
        yield f"{name}: share: expected {want['share']} or more, found {found['share']}"
    if found["slack"] < want["slack"]:
        yield f"{name}: slack: expected {want['slack']} cycles or more, found {found['slack']}"
    if len(found["loops"]) != len(want["loops"]):
        yield f"{name}: expected {len(want['loops'])} loops, found {len(found['loops'])}"
        return
    for i, (loop, wanted) in enumerate(zip(found["loops"], want["loops"], strict=True)):
        for key in LOOP_EXACT:
            if loop[key] != wanted[key]:
                yield f"{name}: loop {i}: {key}: expected {wanted[key]}, found {loop[key]}"
        for key, slack in (("instructions", 1.01), ("moves", 1)):
            if loop[key] > wanted[key] * slack:
                yield f"{name}: loop {i}: {key}: at most {wanted[key]}, found {loop[key]}"


def main():
    compile_tool, table, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = pool.map(lambda case: measure(case, compile_tool, folder), cases.CASES)
        found = dict(zip([case.name for case in cases.CASES], rows, strict=True))
    if "--update" in sys.argv:
        table.write_text(json.dumps(found, indent=1) + "\n")
        return
    want = json.loads(table.read_text())
    wrong = [text for name in found for text in differences(name, found[name], want.get(name))]
    wrong += [f"{name}: in the table, but no case" for name in want if name not in found]
    print("\n".join(wrong))
    print(f"{len(found)} kernels" + (" differ" if wrong else " as recorded"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
