//===- attn-opt.cpp - Run passes on a file --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MlirOptMain with the dialects, passes and pipelines of attn-mlir.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipeline/Register.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Debug.h"

#undef setCurrentDebugTypes
namespace llvm {
// Debian's LLVM has its assertions off and with them its --debug-only; the
// function is there.
void setCurrentDebugTypes(const char **types, unsigned count);
} // namespace llvm

static llvm::cl::opt<std::string>
    debugType("attn-debug",
              llvm::cl::desc("Print the debug output of one pass (dev builds)"),
              llvm::cl::value_desc("pass"),
              llvm::cl::cb<void, std::string>([](const std::string &type) {
                const char *types[] = {type.c_str()};
                llvm::DebugFlag = true;
                llvm::setCurrentDebugTypes(types, 1);
              }));

int main(int argc, char **argv) {
  attn::registerAllPasses();
  mlir::DialectRegistry registry;
  attn::registerAllDialects(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "attn-mlir: passes on attention\n", registry));
}
