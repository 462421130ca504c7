//===- Emit.h - What attn-compile writes ------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table of kinds; a new kind is one row and its function.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_COMPILE_EMIT_H
#define ATTN_TOOLS_ATTN_COMPILE_EMIT_H

#include "attn/Execute/Compiler.h"

namespace attn {

/// What an emitter works with; it may use the module up.
struct EmitInput {
  Compiler &compiler;
  mlir::ModuleOp module;
  // As given; empty where the source decides.
  std::string entry, name;
  std::string target;
  PipelineOptions pipeline; ///< all but the target
};

struct Emitted {
  std::string bytes;
  std::string header; ///< goes beside the output; empty when there is none
};

struct EmitKind {
  llvm::StringLiteral name, suffix;
  llvm::Expected<Emitted> (*emit)(EmitInput &input);
};

/// Runs the rooms on the entry alone, for the target that `pipeline` has; gives
/// its name.
llvm::Expected<std::string> lowerAlone(EmitInput &input);

/// The module as it leaves the room of --stop-after, or the last.
llvm::Expected<Emitted> emitMlir(EmitInput &input);

// For plain C (EmitC.cpp).
llvm::Expected<Emitted> emitLlvm(EmitInput &input);
llvm::Expected<Emitted> emitAsm(EmitInput &input);
llvm::Expected<Emitted> emitObj(EmitInput &input);
llvm::Expected<Emitted> emitHeader(EmitInput &input);
llvm::Expected<Emitted> emitSo(EmitInput &input);

// For GPUs (EmitGpu.cpp).
llvm::Expected<Emitted> emitPtxText(EmitInput &input);
llvm::Expected<Emitted> emitCubin(EmitInput &input);
llvm::Expected<Emitted> emitBundle(EmitInput &input);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_COMPILE_EMIT_H
