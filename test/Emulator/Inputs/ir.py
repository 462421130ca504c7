# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes kernels as MLIR text: a line per op, values by number."""


class Kernel:
    """The text of one kernel; `bug` names what is wrong with it on purpose."""

    def __init__(self, name, arguments, bug=""):
        self.name, self.arguments, self.bug = name, arguments, bug
        self.lines, self.count, self.constants = [], 0, {}
        self.asked = set()

    def has(self, bug):
        """True when the kernel is to have this bug; remembers that it could."""
        self.asked.add(bug)
        return self.bug == bug

    def op(self, text):
        self.lines.append(text)

    def value(self, text):
        self.count += 1
        self.op(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def const(self, number, kind="i32"):
        """A constant, written once at the top."""
        key = (number, kind)
        if key not in self.constants:
            self.constants[key] = f"%c{len(self.constants)}"
        return self.constants[key]

    def arith(self, name, *operands, kind="i32"):
        return self.value(f"arith.{name} {', '.join(operands)} : {kind}")

    def add(self, x, y):
        return self.arith("addi", x, y)

    def mul(self, x, y):
        return self.arith("muli", x, y)

    def equals(self, x, y):
        return self.value(f"arith.cmpi eq, {x}, {y} : i32")

    def sreg(self, name):
        return self.value(f"nvvm.read.ptx.sreg.{name} : i32")

    def shared(self, offset):
        """A pointer to byte `offset` (a value) of shared memory."""
        return self.value(
            f"llvm.getelementptr %smem[{offset}] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8"
        )

    def fields(self, struct, count, kind):
        return [self.value(f"llvm.extractvalue {struct}[{i}] : {kind}") for i in range(count)]

    def pack(self, low, high):
        """Two f32 as two bf16 in an i32."""
        pair = self.value("llvm.mlir.undef : vector<2xf32>")
        for i, x in enumerate((low, high)):
            at = self.const(i)
            pair = self.value(f"llvm.insertelement {x}, {pair}[{at} : i32] : vector<2xf32>")
        pair = self.value(f"llvm.fptrunc {pair} : vector<2xf32> to vector<2xbf16>")
        return self.value(f"llvm.bitcast {pair} : vector<2xbf16> to i32")

    def text(self):
        header = ["%smem = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>"]
        for (number, kind), name in self.constants.items():
            header.append(f"{name} = arith.constant {number} : {kind}")
        body = "\n".join(header + self.lines)
        return (
            "gpu.module @kernels {\n"
            "llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, "
            "alignment = 1024 : i64} : !llvm.array<0 x i8>\n"
            f"llvm.func @{self.name}({self.arguments}) attributes "
            f"{{gpu.kernel, nvvm.kernel}} {{\n{body}\nllvm.return\n}}\n}}\n"
        )


def struct(count, kind="f32"):
    return "!llvm.struct<(" + ", ".join([kind] * count) + ")>"


TENSOR_MAP = (
    "!llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant}"
)
