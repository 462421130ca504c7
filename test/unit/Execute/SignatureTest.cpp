//===- SignatureTest.cpp - Tests of entries and their types ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which function is the entry, what it takes, and what is said about the wrong
// tensors.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Signature.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace attn;

namespace {

class SignatureTest : public testing::Test {
protected:
  SignatureTest() { context.loadDialect<mlir::func::FuncDialect>(); }

  mlir::ModuleOp parse(const char *text) {
    mlir::ParserConfig config(&context);
    context.allowUnregisteredDialects();
    module = mlir::parseSourceString<mlir::ModuleOp>(text, config);
    return *module;
  }
  std::string findError(const char *text, const char *name = "") {
    llvm::Expected<mlir::func::FuncOp> entry = findEntry(parse(text), name);
    return entry ? "" : llvm::toString(entry.takeError());
  }
  std::string readError(const char *text) {
    llvm::Expected<Signature> signature =
        Signature::read(*findEntry(parse(text), ""));
    return signature ? "" : llvm::toString(signature.takeError());
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

const char *const twoEntries = R"(
  func.func @a() { return }
  func.func private @p() { return }
  func.func @b() { return })";

TensorView view(llvm::ArrayRef<int64_t> shape, Dtype type) {
  TensorView result;
  result.type = type;
  result.shape.assign(shape.begin(), shape.end());
  result.strides = rowMajorStrides(shape);
  return result;
}

TEST_F(SignatureTest, FindsTheEntry) {
  EXPECT_EQ(findEntry(parse(twoEntries), "b")->getName(), "b");
  EXPECT_EQ(findEntry(parse("func.func @only() { return }"), "")->getName(),
            "only");
  EXPECT_EQ(
      findEntry(parse("func.func @x() { return } func.func @main() { return }"),
                "")
          ->getName(),
      "main");
}

TEST_F(SignatureTest, NamesTheEntriesThereAre) {
  EXPECT_EQ(findError(twoEntries),
            "the module has 2 entries, name one of: a, b");
  EXPECT_EQ(findError(twoEntries, "p"), "no entry 'p': expected one of: a, b");
  EXPECT_EQ(findError("func.func private @p()"),
            "the module has no public function with a body to enter");
}

TEST_F(SignatureTest, ReadsTypesAndMarks) {
  auto entry = findEntry(parse(R"(
    func.func @f(%x: tensor<?x4xbf16>, %w: tensor<4x4xf32> {attn.weight, attn.name = "layer.w"},
                 %s: f32, %n: index) -> tensor<?xi1> {
      %r = "test.make"() : () -> tensor<?xi1>
      return %r : tensor<?xi1>
    })"),
                         "");
  Signature signature = llvm::cantFail(Signature::read(*entry));
  ASSERT_EQ(signature.arguments.size(), 4u);
  EXPECT_EQ(signature.arguments[0].str(), "?x4xbf16");
  EXPECT_TRUE(signature.arguments[1].isWeight);
  EXPECT_EQ(signature.argumentName(1), "argument #1 ('layer.w')");
  EXPECT_TRUE(signature.arguments[2].isScalar);
  EXPECT_EQ(signature.arguments[3].type, Dtype::Index);
  EXPECT_EQ(signature.results[0].str(), "?xi1");
}

TEST_F(SignatureTest, RefusesWhatACallerCannotPass) {
  EXPECT_EQ(readError("func.func @f(%x: tensor<*xf32>) { return }"),
            "entry 'f': expected argument #0 to be a ranked tensor or a "
            "number, but found "
            "tensor<*xf32>");
  EXPECT_EQ(readError("func.func @f(%x: memref<2xf32>) { return }"),
            "entry 'f': expected argument #0 to be a ranked tensor or a "
            "number, but found "
            "memref<2xf32>");
}

TEST_F(SignatureTest, ComparesTensorsWithTheTypes) {
  auto entry = findEntry(
      parse("func.func @f(%x: tensor<?x4xf32>, %s: f32) { return }"), "");
  Signature signature = llvm::cantFail(Signature::read(*entry));
  TensorView good = view({7, 4}, Dtype::F32), number = view({}, Dtype::F32);
  EXPECT_FALSE(static_cast<bool>(signature.check({good, number})));
  EXPECT_EQ(llvm::toString(signature.check({good})),
            "entry 'f' expects 2 arguments, but got 1");
  EXPECT_EQ(llvm::toString(signature.check({view({7, 5}, Dtype::F32), number})),
            "argument #0: expected ?x4xf32, but got 7x5xf32");
  EXPECT_EQ(llvm::toString(signature.check({view({7, 4}, Dtype::F16), number})),
            "argument #0: expected ?x4xf32, but got 7x4xf16");
  EXPECT_EQ(llvm::toString(signature.check({good, good})),
            "argument #1: expected f32, but got 7x4xf32");
}

} // namespace
