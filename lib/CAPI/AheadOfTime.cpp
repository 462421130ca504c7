//===- AheadOfTime.cpp - Objects and headers across the C interface -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/AheadOfTime.h"
#include "lib/CAPI/Error.h"

using namespace llvm;
using namespace attn;

struct attn_program {
  explicit attn_program(CProgram program) : program(std::move(program)) {}

  CProgram program;
};

attn_error *attn_program_compile(const char *text, size_t length,
                                 const char *name, const attn_options *given,
                                 const char *cName, attn_program **program) {
  attn_options options = given ? *given : attn_options{};
  Expected<std::vector<TargetInfo>> levels =
      resolveLevels(options.target ? options.target : "cpu");
  if (!levels)
    return toC(levels.takeError());
  Compiler compiler;
  Expected<Compiler::Module> module =
      compiler.parseText(StringRef(text, length), name ? name : "<text>");
  if (!module)
    return toC(module.takeError());
  Expected<CProgram> compiled =
      CProgram::compile(compiler, **module, options.entry ? options.entry : "",
                        cName ? cName : "", std::move(*levels));
  if (!compiled)
    return toC(compiled.takeError());
  *program = new attn_program(std::move(*compiled));
  return nullptr;
}

static Expected<std::string> emit(CProgram &program, attn_program_kind kind) {
  switch (kind) {
  case ATTN_PROGRAM_OBJECT:
    return program.object();
  case ATTN_PROGRAM_SHARED_OBJECT:
    return program.sharedObject();
  case ATTN_PROGRAM_ASSEMBLY:
    return program.assembly();
  case ATTN_PROGRAM_LLVM_IR:
    return program.llvmText();
  case ATTN_PROGRAM_HEADER:
    return program.header();
  }
  return createStringError(inconvertibleErrorCode(),
                           "expected a kind of attn_program_kind, found " +
                               Twine(static_cast<int>(kind)));
}

attn_error *attn_program_emit(attn_program *program, attn_program_kind kind,
                              char **bytes, size_t *size) {
  Expected<std::string> emitted = emit(program->program, kind);
  if (!emitted)
    return toC(emitted.takeError());
  *size = emitted->size();
  *bytes = textToC(*emitted);
  return nullptr;
}

void attn_program_destroy(attn_program *program) { delete program; }
