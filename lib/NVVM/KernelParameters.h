//===- KernelParameters.h - A kernel and what it is given -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel takes what it needs by value: sizes as integers, floats, buffers as
// pointers, and tensor maps. Its parameters are made as its body asks for them.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_KERNELPARAMETERS_H
#define ATTN_LIB_NVVM_KERNELPARAMETERS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace attn::nvvm {

class KernelParameters {
public:
  /// Makes an empty kernel `name` in `module`, of `threads` threads, for what
  /// the host op `source` does. An index has `indexBits` bits in the kernel.
  KernelParameters(mlir::Operation *source, mlir::gpu::GPUModuleOp module,
                   llvm::StringRef name, int64_t threads, unsigned indexBits);

  /// A number from above `source`, at the kernel's entry: a parameter, or
  /// computed again from parameters. Null, with an error, for what is no
  /// number.
  mlir::Value scalar(mlir::Value value);
  /// Size and stride of a buffer from above `source`: an index of the kernel,
  /// and elements as i64.
  mlir::Value size(mlir::Value buffer, int64_t dim);
  mlir::Value stride(mlir::ImplicitLocOpBuilder &at, mlir::Value buffer,
                     int64_t dim);
  /// The address of element `indices` (index values of the kernel, at the
  /// builder's position) of a buffer from above `source`.
  mlir::Value addressOf(mlir::ImplicitLocOpBuilder &at, mlir::Value buffer,
                        mlir::ValueRange indices);

  /// What stands at an address of a buffer with these elements: a truth value
  /// is a byte, an index 64 bits.
  static mlir::Value loadElement(mlir::ImplicitLocOpBuilder &at,
                                 mlir::Type element, mlir::Value pointer);
  static void storeElement(mlir::ImplicitLocOpBuilder &at, mlir::Value value,
                           mlir::Value pointer);

  /// Ends the kernel and puts its launch in the place of `source`.
  void launch(mlir::gpu::KernelDim3 grid, int64_t sharedBytes);

  mlir::LLVM::LLVMFuncOp kernel;
  /// At the end of the kernel's body.
  mlir::ImplicitLocOpBuilder b;
  /// In front of `source`.
  mlir::ImplicitLocOpBuilder host;

protected:
  mlir::Value parameter(mlir::Value hostValue, mlir::Type type,
                        bool isTensorMap = false);
  bool isInside(mlir::Value value);

private:
  mlir::Operation *source;
  int64_t threads;
  unsigned indexBits;
  llvm::SmallVector<mlir::Value> operands;
  llvm::SmallVector<mlir::DictionaryAttr> attributes;
  llvm::DenseMap<mlir::Value, mlir::Value> parameters, scalars;
  /// Of a buffer's dimension, on the host.
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::Value> sizes, strides;
};

} // namespace attn::nvvm

#endif // ATTN_LIB_NVVM_KERNELPARAMETERS_H
