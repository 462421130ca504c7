//===- CompilerTest.cpp - Tests of text to numbers ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The whole way on a function that every room leaves alone, and what goes wrong
// at each step.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"

#include "gtest/gtest.h"

using namespace attn;

namespace {

const char *const source = R"(
func.func @double(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = func.call @sum(%x, %x) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
func.func @sum(%x: tensor<?x3xf32>, %y: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %empty = tensor.empty(%n) : tensor<?x3xf32>
  %z = linalg.add ins(%x, %y : tensor<?x3xf32>, tensor<?x3xf32>) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %z : tensor<?x3xf32>
})";

class CompilerTest : public testing::Test {
protected:
  PipelineOptions options(const char *target = "cpu") {
    PipelineOptions options;
    options.target = llvm::cantFail(resolveTarget(target));
    return options;
  }
  std::string compileError(const char *text, const char *entry,
                           PipelineOptions options) {
    llvm::Expected<Compiler::Module> module =
        compiler.parseText(text, "t.mlir");
    if (!module)
      return llvm::toString(module.takeError());
    auto executable = compiler.compile(module->get(), entry, options);
    return executable ? "" : llvm::toString(executable.takeError());
  }
  Compiler compiler;
};

TEST_F(CompilerTest, RunsAnEntryOnEveryTarget) {
  for (const char *target : {"cpu", "linalg"}) {
    Compiler::Module module = llvm::cantFail(compiler.parseText(source));
    std::unique_ptr<Executable> executable =
        llvm::cantFail(compiler.compile(*module, "double", options(target)));
    Tensor x = *Tensor::allocate({2, 3}, Dtype::F32);
    for (int i = 0; i < 6; ++i)
      x.set(i, i);
    std::vector<Tensor> results = llvm::cantFail(executable->call({x.view()}));
    EXPECT_EQ(results[0].str(), "2x3xf32");
    EXPECT_EQ(results[0].at(5), 10) << target;
  }
}

TEST_F(CompilerTest, ShowsTheModuleAtEveryDoor) {
  Compiler::Module module = llvm::cantFail(compiler.parseText(source));
  std::vector<Stage> seen;
  PipelineOptions all = options();
  all.onStage = [&](Stage stage, mlir::ModuleOp) { seen.push_back(stage); };
  ASSERT_FALSE(static_cast<bool>(compiler.lower(*module, all)));
  EXPECT_EQ(seen.front(), Stage::Input);
  EXPECT_EQ(seen.back(), Stage::CPU);
}

TEST_F(CompilerTest, StopsAtADoor) {
  Compiler::Module module = llvm::cantFail(compiler.parseText(source));
  PipelineOptions stop = options();
  stop.stopAfter = Stage::SplitHeads;
  ASSERT_FALSE(static_cast<bool>(compiler.lower(*module, stop)));
  EXPECT_TRUE(module->lookupSymbol<mlir::func::FuncOp>("sum"));
}

TEST_F(CompilerTest, ErrorsAreOneLineWithALocation) {
  EXPECT_EQ(compileError("func.func @f(", "", options()),
            "t.mlir:1:13: error: expected non-function type");
  EXPECT_EQ(compileError(source, "", options()),
            "the module has 2 entries, name one of: double, sum");
  EXPECT_EQ(compileError(source, "triple", options()),
            "no entry 'triple': expected one of: double, sum");
  llvm::Expected<Compiler::Module> missing =
      compiler.parseFile("/nonexistent/x.mlir");
  EXPECT_EQ(llvm::toString(missing.takeError()),
            "/nonexistent/x.mlir: No such file or directory");
}

TEST_F(CompilerTest, ArgumentsAreCalledAsInTheSource) {
  Compiler::Module module = llvm::cantFail(
      compiler.parseText("func.func @f(%x.1: tensor<2xf32>) { return }"));
  Signature signature =
      llvm::cantFail(Signature::read(*findEntry(*module, "")));
  EXPECT_EQ(signature.argumentName(0), "argument #0 (%x.1)");
}

TEST_F(CompilerTest, RefusesATargetOfAnotherMachine) {
  bool x86 = options().target.isX86();
  std::string error = compileError(
      source, "double", options(x86 ? "cpu:neoverse-n1" : "cpu:x86-64-v3"));
  EXPECT_NE(error.find("cannot run here"), std::string::npos) << error;
}

} // namespace
