//===- WindowOpt.cpp - A pass of one's own on the attn dialect ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `--window-causal=size=N` gives every causal attention without a window one
// of the last N keys, as a model is changed to a sliding window. With it, every
// pass and pipeline of attn-opt:
//
//   window-opt model.mlir --window-causal=size=256 --attn-cpu-pipeline
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Pipeline/Register.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

using namespace mlir;

namespace {
struct WindowCausalPass
    : public PassWrapper<WindowCausalPass, OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(WindowCausalPass)

  WindowCausalPass() = default;
  WindowCausalPass(const WindowCausalPass &other) : PassWrapper(other) {}

  StringRef getArgument() const override { return "window-causal"; }
  StringRef getDescription() const override {
    return "Give causal attention a window of the last `size` keys";
  }

  void runOnOperation() override {
    if (size < 1) {
      getOperation()->emitError(
          "window-causal expects a size of at least 1, but got ")
          << size.getValue();
      return signalPassFailure();
    }
    getOperation()->walk([&](attn::SdpaOp op) {
      if (!op.getCausal() || op.getStaticWindow())
        return;
      // The query's own key and size - 1 before it; causal bounds the right.
      op.setStaticWindow(ArrayRef<int64_t>{size - 1, -1});
    });
  }

  Option<int64_t> size{*this, "size", llvm::cl::desc("Keys in the window"),
                       llvm::cl::init(256)};
};
} // namespace

int main(int argc, char **argv) {
  attn::registerAllPasses();
  PassRegistration<WindowCausalPass>();
  DialectRegistry registry;
  attn::registerAllDialects(registry);
  return asMainReturnCode(
      MlirOptMain(argc, argv, "attn-mlir's passes and one more\n", registry));
}
