# Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""C = A B the way kernels for sm_80 do it: cp.async, ldmatrix, mma.sync.

Two warps; A is 32 x 64 (M x K), B is K x 8 with 64 rows of 16 bytes, both bf16, C is 32 x 8 in f32.
Each warp copies one half of A and of B, and multiplies its 16 rows by all of B.
"""

from ir import Kernel, struct

A, B = 0, 32 * 128
SHARED = B + 64 * 16
PTR = "!llvm.ptr<3>"


class Tiles(Kernel):
    def __init__(self, bug=""):
        super().__init__("tiles", "%a: !llvm.ptr<1>, %b: !llvm.ptr<1>, %c: !llvm.ptr<1>", bug)

    def copy(self, to, source, offset):
        at = self.value(
            f"llvm.getelementptr {source}[{offset}] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8"
        )
        self.op(
            f"nvvm.cp.async.shared.global {self.shared(to)}, {at}, 16, cache = cg : {PTR}, !llvm.ptr<1>"
        )

    def copy_all(self):
        """A: 256 pieces of 16 bytes, four for each thread, swizzled; B: one for each thread."""
        sixteen = self.const(16)
        for i in range(4):
            piece = self.add("%tid", self.const(64 * i))
            row, column = (
                self.arith("divui", piece, self.const(8)),
                self.arith("remui", piece, self.const(8)),
            )
            swizzled = self.arith("xori", column, self.arith("andi", row, self.const(7)))
            to = self.add(self.mul(row, self.const(128)), self.mul(swizzled, sixteen))
            if self.has("misaligned-copy"):
                to = self.add(to, self.const(8))
            source = self.mul(piece, sixteen)
            if self.has("source-out-of-range"):
                source = self.add(source, self.const(64 * 16))
            self.copy(to, "%a", source)
        b = self.mul("%tid", sixteen)
        self.copy(self.add(b, self.const(B)), "%b", b)
        if not self.has("no-copy-commit"):
            self.op("nvvm.cp.async.commit.group")
        if self.has("copy-wait-count"):
            self.op("nvvm.cp.async.wait.group 1")
        elif not self.has("no-copy-wait"):
            self.op("nvvm.cp.async.wait.group 0")
        if not self.has("no-barrier-after-copy"):
            self.op("nvvm.barrier")

    def load_matrices(self, address, number, transposed):
        kind = struct(number, "i32")
        layout = "col" if transposed else "row"
        result = self.value(
            f"nvvm.ldmatrix {self.shared(address)} {{num = {number} : i32, "
            f"layout = #nvvm.mma_layout<{layout}>, "
            f"shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, "
            f"eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : ({PTR}) -> {kind}"
        )
        return self.fields(result, number, kind)

    def multiply(self):
        sixteen = self.const(16)
        low = self.arith("andi", "%lane", self.const(15))
        row = self.add(self.mul("%warp", sixteen), low)
        half = self.arith("divui", "%lane", sixteen)
        swizzle = self.arith("andi", "%lane", self.const(7))
        c, kind = [self.const("0.0", "f32")] * 4, struct(4)
        for step in range(4):
            piece = self.arith("xori", self.add(half, self.const(2 * step)), swizzle)
            if self.has("no-swizzle-on-read"):
                piece = self.add(half, self.const(2 * step))
            at = self.add(self.mul(row, self.const(128)), self.mul(piece, sixteen))
            if self.has("misaligned-ldmatrix"):
                at = self.add(at, self.const(8))
            a = self.load_matrices(at, 4, False)
            at = self.add(self.mul(low, sixteen), self.const(B + step * 256))
            b = self.load_matrices(at, 2, not self.has("no-trans"))
            if self.has("a-fragment-order"):
                a[1], a[2] = a[2], a[1]
            result = self.value(
                f"nvvm.mma.sync A[{', '.join(a)}] B[{', '.join(b)}] C[{', '.join(c)}] "
                "{layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, "
                "shape = #nvvm.shape<m = 16, n = 8, k = 16>, "
                "multiplicandAPtxType = #nvvm.mma_type<bf16>, "
                f"multiplicandBPtxType = #nvvm.mma_type<bf16>}} : (i32, i32, f32) -> {kind}"
            )
            c = self.fields(result, 4, kind)
        return c

    def store(self, c):
        row = self.add(
            self.mul("%warp", self.const(16)), self.arith("divui", "%lane", self.const(4))
        )
        column = self.mul(self.arith("andi", "%lane", self.const(3)), self.const(2))
        at = self.add(self.mul(row, self.const(8)), column)
        for i, x in enumerate(c):
            where = self.add(at, self.const(64 * (i // 2) + i % 2))
            p = self.value(
                f"llvm.getelementptr %c[{where}] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32"
            )
            kind = "f64" if self.has("misaligned-global-store") else "f32"
            if kind == "f64":
                x = self.value(f"arith.extf {x} : f32 to f64")
            self.op(f"llvm.store {x}, {p} : {kind}, !llvm.ptr<1>")

    def build(self):
        self.op("%tid = nvvm.read.ptx.sreg.tid.x : i32")
        self.op(f"%lane = arith.remui %tid, {self.const(32)} : i32")
        self.op(f"%warp = arith.divui %tid, {self.const(32)} : i32")
        if self.has("divergent-barrier"):
            self.op(f"scf.if {self.equals('%lane', self.const(0))} {{")
            self.op("nvvm.barrier")
            self.op("}")
        self.copy_all()
        self.store(self.multiply())
        return self
