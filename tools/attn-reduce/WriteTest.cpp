//===- WriteTest.cpp - A lit test of a reduced file -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WriteTest.h"
#include "Reducer.h"
#include "Sizes.h"

using namespace llvm;

/// The --input flags of the one public function, one line of a test for all.
static std::string inputFlags(mlir::ModuleOp module) {
  std::string flags;
  for (auto func : module.getOps<mlir::func::FuncOp>())
    if (func.isPublic())
      for (unsigned i = 0; i < func.getNumArguments(); ++i)
        if (auto input =
                func.getArgAttrOfType<mlir::StringAttr>(i, attn::inputAttrName))
          flags += " --input=" + input.getValue().str();
  return flags;
}

std::string attn::testFor(mlir::ModuleOp module, const TestOptions &options) {
  bool isCommand = options.fails != "crash" && options.fails != "wrong-value" &&
                   options.fails != "error";
  std::string run = "attn-run %s --target=" + options.target;
  if (options.fails == "wrong-value")
    run += " --check";
  run += inputFlags(module);
  if (isCommand)
    run =
        options.fails + (StringRef(options.fails).contains("%s") ? "" : " %s");
  std::string text =
      "// Reduced by attn-reduce from a file that failed: " + options.failure +
      ".\n\n// RUN: " + run;
  // What attn-run --check prints of every op that is right.
  if (options.fails == "wrong-value")
    text += " | FileCheck %s\n// CHECK: ok, max error";
  return text + "\n\n" + plainTextOf(module);
}
