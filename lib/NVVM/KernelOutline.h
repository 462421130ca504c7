//===- KernelOutline.h - From a parallel loop to a kernel -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tasks of a loop over (b, h, m), each a thread block's.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_KERNELOUTLINE_H
#define ATTN_LIB_NVVM_KERNELOUTLINE_H

#include "KernelParameters.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"

namespace attn::nvvm {

class KernelOutline : public KernelParameters {
public:
  /// Makes an empty kernel `name` in `module`, of `threads` threads, for the
  /// loop over (b, h, m). `forward` says whether the first task takes the first
  /// queries or the last.
  KernelOutline(mlir::scf::ForallOp loop, mlir::gpu::GPUModuleOp module,
                llvm::StringRef name, int64_t threads, bool forward);

  /// How many tasks there are, i32. They are numbered with m fastest, then h,
  /// then b.
  mlir::Value numTasks();
  /// Of them, along dimension `dim` of the loop, i32.
  mlir::Value tasksAlong(unsigned dim);
  /// From now on `get` computes for this block's task, or for task `task`.
  /// Whether the block has one; null where each has.
  mlir::Value enterBlockTask();
  void enterTask(mlir::Value task);

  /// A value of the loop's body or from above it, in the kernel: computed again
  /// from the parameters. Null, with an error, for what a kernel cannot have.
  mlir::Value get(mlir::Value value);

  /// A TMA descriptor of `source`, whose dimensions stand in memory in the
  /// order `layout` says; boxes of 64 x `boxRows`. Null, with an error, where
  /// there can be none.
  mlir::Value tensorMap(mlir::Value source, mlir::AffineMap layout,
                        int64_t boxRows);

  /// The address of element `indices` (index values of the kernel, at the
  /// builder's position) of a buffer from above the loop or a view of one made
  /// in it. Null, with an error, for other views.
  mlir::Value elementPointer(mlir::ImplicitLocOpBuilder &at, mlir::Value buffer,
                             mlir::ValueRange indices);

  /// Loads that element; a truth value is a byte in memory.
  mlir::Value load(mlir::ImplicitLocOpBuilder &at, mlir::Value buffer,
                   mlir::ValueRange indices);

  /// Ends the kernel and puts its launch in the place of the loop: a block per
  /// task, or `blocks` where that is not 0.
  void finish(int64_t sharedBytes, int64_t blocks);

private:
  bool fitsGrid();
  void enter(mlir::Value batch, mlir::Value head, mlir::Value tile);

  mlir::scf::ForallOp loop;
  bool forward;
  mlir::IRMapping map;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> maps;
};

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_KERNELOUTLINE_H
