//===- Arguments.h - Arguments of a kernel from a command line --*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors, pointers to them, tensor maps and numbers.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_EMULATE_ARGUMENTS_H
#define ATTN_TOOLS_ATTN_EMULATE_ARGUMENTS_H

#include "attn/Data/Spec.h"
#include "attn/Support/Tensor.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

#include <list>
#include <map>

namespace attn {

class KernelArguments {
public:
  /// `NAME=SPEC`.
  llvm::Error addTensor(llvm::StringRef text);
  /// The next argument, as --arg describes it.
  llvm::Error add(llvm::StringRef text);
  /// Compares number and types with the kernel's parameters.
  llvm::Error check(mlir::LLVM::LLVMFuncOp kernel) const;
  /// Where the arguments lie, one pointer each.
  void **pointers() { return places.data(); }

  void forBuffers(llvm::function_ref<void(const Tensor &)> visit) const;
  llvm::Error print(llvm::StringRef name, llvm::raw_ostream &os);
  /// `NAME=FILE.npy`.
  llvm::Error write(llvm::StringRef text);

private:
  enum class Kind { Pointer, I32, I64, F32 };
  struct Argument {
    Kind kind;
    union {
      void *pointer;
      int32_t i32;
      int64_t i64;
      float f32;
    };
  };
  struct alignas(64) Map {
    char bytes[128];
  };

  llvm::Expected<Tensor *> find(llvm::StringRef name);
  llvm::Error addMap(llvm::StringRef text);
  void place(Argument argument);

  data::FileCache files;
  std::map<std::string, Tensor> tensors;
  std::list<Argument> arguments; ///< stay where they are
  std::list<Map> maps;
  std::vector<void *> places;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_EMULATE_ARGUMENTS_H
