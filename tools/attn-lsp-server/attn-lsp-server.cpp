//===- attn-lsp-server.cpp - Attention in an editor -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// MLIR's language server with the dialects of attn-mlir; hovers also say what
// the rooms would do with an op.
//
//===----------------------------------------------------------------------===//

#include "Explain.h"
#include "Proxy.h"

#include "attn/Pipeline/Register.h"
#include "tools/shared/Help.h"
#include "tools/shared/Report.h"

#include "mlir/IR/Dialect.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "llvm/Support/FileSystem.h"

using namespace attn;

/// Whether an editor speaks with us: the server also reads a form of its own
/// for tests, and has a help text.
static bool isSession(llvm::ArrayRef<const char *> arguments) {
  return llvm::none_of(arguments, [](llvm::StringRef argument) {
    return argument.contains("lit-test") || argument.contains("input-style") ||
           argument.contains("help") || argument.contains("version");
  });
}

int main(int argc, char **argv) {
  if (argc == 3 && llvm::StringRef(argv[1]) == "--explain")
    return printExplanations(argv[2]);
  mlir::DialectRegistry registry;
  attn::registerAllDialects(registry);
  static int anchor;
  Proxy proxy(llvm::sys::fs::getMainExecutable(argv[0], &anchor));
  bool session = isSession({argv + 1, static_cast<size_t>(argc - 1)});
  if (session)
    if (llvm::Error error = proxy.start())
      return reportError(std::move(error));
  // The server's own are registered when it starts.
  showOnly({"help", "version"});
  bool failed = mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
  if (session)
    proxy.finish();
  return failed;
}
