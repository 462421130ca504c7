//===- EmitC.cpp - Kinds for C programs -----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emit.h"

#include "attn/Execute/AheadOfTime.h"

using namespace llvm;

namespace attn {
namespace {

Expected<CProgram> compile(EmitInput &input) {
  Expected<std::vector<TargetInfo>> levels = resolveLevels(input.target);
  if (!levels)
    return levels.takeError();
  return CProgram::compile(input.compiler, input.module, input.entry,
                           input.name, std::move(*levels), input.pipeline);
}

/// An object of some kind with the header beside it.
Expected<Emitted> withHeader(EmitInput &input,
                             Expected<std::string> (CProgram::*object)()) {
  Expected<CProgram> program = compile(input);
  if (!program)
    return program.takeError();
  Emitted emitted;
  if (Error error = ((*program).*object)().moveInto(emitted.bytes))
    return std::move(error);
  if (Error error = program->header().moveInto(emitted.header))
    return std::move(error);
  return emitted;
}

} // namespace

Expected<Emitted> emitLlvm(EmitInput &input) {
  Expected<CProgram> program = compile(input);
  if (!program)
    return program.takeError();
  return Emitted{program->llvmText(), ""};
}

Expected<Emitted> emitAsm(EmitInput &input) {
  Expected<CProgram> program = compile(input);
  if (!program)
    return program.takeError();
  Emitted emitted;
  if (Error error = program->assembly().moveInto(emitted.bytes))
    return std::move(error);
  return emitted;
}

Expected<Emitted> emitHeader(EmitInput &input) {
  Expected<CProgram> program = compile(input);
  if (!program)
    return program.takeError();
  Emitted emitted;
  if (Error error = program->header().moveInto(emitted.bytes))
    return std::move(error);
  return emitted;
}

Expected<Emitted> emitObj(EmitInput &input) {
  return withHeader(input, &CProgram::object);
}

Expected<Emitted> emitSo(EmitInput &input) {
  return withHeader(input, &CProgram::sharedObject);
}

} // namespace attn
