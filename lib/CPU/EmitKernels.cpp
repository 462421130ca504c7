//===- EmitKernels.cpp - attn-cpu-kernels: tile-level ops to vector code -===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Kernels.h"
#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace attn {
#define GEN_PASS_DEF_CPUKERNELSPASS
#include "attn/CPU/Passes.h.inc"

namespace {
struct CPUKernelsPass final : impl::CPUKernelsPassBase<CPUKernelsPass> {
  using CPUKernelsPassBase::CPUKernelsPassBase;

  void runOnOperation() override {
    SmallVector<FinalizeOp> attentions;
    SmallVector<PackedMatmulOp> products;
    getOperation()->walk([&](Operation *op) {
      if (auto finalize = dyn_cast<FinalizeOp>(op))
        attentions.push_back(finalize);
      else if (auto product = dyn_cast<PackedMatmulOp>(op))
        products.push_back(product);
    });
    for (FinalizeOp finalize : attentions)
      if (failed(emitAttentionKernel(finalize, bf16Products)))
        return signalPassFailure();
    for (PackedMatmulOp product : products)
      if (failed(emitMatmulKernel(product, lanes)))
        return signalPassFailure();
  }
};
} // namespace
} // namespace attn
