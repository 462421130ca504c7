# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints what the hot loops of an x86 object file do besides multiplying.

usage: hot_loops.py LLVM-OBJDUMP OBJECT REGISTER WANTED [stack]

A hot loop is an innermost loop with WANTED fused multiply-adds (or dots of bf16), or some multiple, whose operands are
not on the stack (those only test whether an output is finite; with `stack`, where the queries are
there, all count). Such a loop may load and broadcast, but a store of a vector register (REGISTER: zmm
or ymm) into a fixed place of the stack is a spill, and costs more than the multiplication.
"""

import re
import subprocess
import sys

objdump, path, register, wanted = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
stack = sys.argv[5:] == ["stack"]
text = subprocess.run(
    [objdump, "-d", "--no-show-raw-insn", "--x86-asm-syntax=intel", path],
    check=True,
    capture_output=True,
    text=True,
).stdout
code = [
    (int(match[1], 16), match[2].strip())
    for match in re.finditer(r"^\s+([0-9a-f]+):\s+(.*)$", text, re.MULTILINE)
]
position = {address: i for i, (address, _) in enumerate(code)}
loops = []
for i, (address, instruction) in enumerate(code):
    jump = re.match(r"j\w+\s+0x([0-9a-f]+)", instruction)
    if jump and int(jump[1], 16) <= address and int(jump[1], 16) in position:
        loops.append((position[int(jump[1], 16)], i))
innermost = [a for a in loops if not any(b != a and b[0] >= a[0] and b[1] <= a[1] for b in loops)]

hot = 0
for begin, end in innermost:
    body = [instruction for _, instruction in code[begin : end + 1]]
    products = sum(bool(re.search("fmadd|dpbf16", i)) and (stack or "[rsp" not in i) for i in body)
    if products == 0 or products % wanted:
        continue
    hot += 1
    spill = rf"vmov\w+\s+{register}word ptr \[r[sb]p( [+-] (0x)?[0-9a-f]+)?\]"
    spills = sum(bool(re.match(spill, i)) for i in body)
    moves = sum(bool(re.match(rf"vmov\w+\s+{register}\d+, {register}\d+$", i)) for i in body)
    print(f"hot loop: {products} products, {spills} spills, {moves} moves")
print(f"hot loops: {hot}")
