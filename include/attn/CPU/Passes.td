//===- Passes.td - The passes of the CPU room --------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_CPU_PASSES
#define ATTN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def CPUTileMatmulPass : Pass<"attn-cpu-tile-matmul"> {
  let summary = "Cut packed products into parallel tasks";
  let description = [{
    Reads: `attn.packed_matmul` on buffers. Puts each into an `scf.forall` over
    panels of columns and blocks of rows, so that a task multiplies some rows
    with one panel. Leaves products inside an `scf.forall` alone.
  }];
  let options = [Option<"rowsPerTask", "rows-per-task", "int64_t", "192",
                        "rows of x that one task multiplies">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def CPUKernelsPass : Pass<"attn-cpu-kernels"> {
  let summary = "Emit vector code for the tile-level ops";
  let description = [{
    Reads: buffers; `attn.online_sdpa` with a plan next to its `attn.finalize`,
    `attn.packed_matmul` with one panel. Replaces them by scf, memref, arith,
    math and vector ops of one native width, one value per register.
  }];
  let options = [Option<"lanes", "lanes", "int64_t", "8",
                        "32-bit lanes of a vector register (products; attention has its plan)">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

#endif // ATTN_CPU_PASSES
