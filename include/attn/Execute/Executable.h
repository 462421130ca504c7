//===- Executable.h - A compiled entry that can be called -------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls compiled code with tensors: checks them, straightens strides, asks for
// result shapes and scratch, packs weights, and words the status.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_EXECUTABLE_H
#define ATTN_EXECUTE_EXECUTABLE_H

#include "attn/Emulator/Emulator.h"
#include "attn/Execute/CompiledEntry.h"

#include <memory>
#include <mutex>
#include <vector>

namespace attn {

/// What was computed from an entry's weights alone. Made once by
/// Executable::prepack; copies share the memory. Stale when a weight's contents
/// change.
struct PackedWeights {
  /// One block with all of them, in the order of their use.
  std::shared_ptr<void> memory;
  std::vector<TensorView> tensors;
};

struct CallOptions {
  /// Threads for this call, the caller included; 0 means the process-wide
  /// count.
  int threads = 0;
  /// Made from the same weights; null packs them for this call only.
  const PackedWeights *weights = nullptr;
  /// How kernels of a target nvvm-emulation are timed; its `threads` are those
  /// above.
  emulator::Options emulation;
};

/// An entry in memory. All calls are const and may be made from several threads
/// at once.
class Executable {
public:
  /// The symbols of an entry that a Jit must be able to look up.
  static std::vector<std::string> symbols(llvm::StringRef entry);

  /// Links machine code that was made for this machine.
  static llvm::Expected<std::unique_ptr<Executable>> load(CompiledEntry entry);

  /// `packed` holds the types of the packed weights, in the order in which the
  /// entry takes them.
  static llvm::Expected<std::unique_ptr<Executable>>
  create(std::unique_ptr<Jit> jit, Signature signature,
         std::vector<ValueInfo> packed);
  ~Executable();

  const Signature &signature() const { return entrySignature; }

  /// Packs the weights. The other inputs are not looked at.
  llvm::Expected<PackedWeights>
  prepack(llvm::ArrayRef<TensorView> inputs) const;

  /// The shapes of the results for these arguments.
  llvm::Expected<std::vector<llvm::SmallVector<int64_t, 4>>>
  resultShapes(llvm::ArrayRef<TensorView> inputs) const;

  /// Runs the entry into `outputs`, which are row-major and have the right
  /// types.
  llvm::Error run(llvm::ArrayRef<TensorView> inputs,
                  llvm::ArrayRef<TensorView> outputs,
                  const CallOptions &options = {}) const;

  /// Runs the entry and allocates its results.
  llvm::Expected<std::vector<Tensor>>
  call(llvm::ArrayRef<TensorView> inputs,
       const CallOptions &options = {}) const;

private:
  class Arguments;
  struct Scratch;
  using Shapes = std::vector<llvm::SmallVector<int64_t, 4>>;

  Executable() = default;
  llvm::Error addInputs(Arguments &arguments,
                        llvm::ArrayRef<TensorView> inputs) const;
  llvm::Error prepackInto(Arguments &inputs, PackedWeights &weights) const;
  Shapes shapesFor(Arguments &inputs) const;
  llvm::Error runChecked(Arguments &inputs, llvm::ArrayRef<TensorView> outputs,
                         const CallOptions &options) const;

  std::unique_ptr<Jit> jit;
  Signature entrySignature;
  std::vector<ValueInfo> packedTypes;
  bool staticResults = false;
  Jit::Packed entry = nullptr, shapes = nullptr, workspace = nullptr,
              pack = nullptr;
  std::unique_ptr<Scratch> scratch;
};

} // namespace attn

#endif // ATTN_EXECUTE_EXECUTABLE_H
