//===- SizeRulesTest.cpp - Tests of ties between sizes --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What must agree in a call, told from the ops of the entry: each rule broken
// once.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"

#include "gtest/gtest.h"

using namespace attn;

namespace {

TensorView view(llvm::ArrayRef<int64_t> shape, Dtype type = Dtype::F32) {
  TensorView result;
  result.type = type;
  result.shape.assign(shape.begin(), shape.end());
  result.strides = rowMajorStrides(shape);
  return result;
}

class SizeRulesTest : public testing::Test {
protected:
  /// What a call of `text`'s entry with these arguments is told; empty if all
  /// is well.
  std::string check(const char *text, llvm::ArrayRef<TensorView> inputs) {
    Compiler::Module module = llvm::cantFail(compiler.parseText(text));
    Signature signature =
        llvm::cantFail(Signature::read(*findEntry(*module, "f")));
    PipelineOptions options;
    options.target = llvm::cantFail(TargetInfo::parse("cpu:x86-64-v3"));
    Compiler::Module inlined =
        llvm::cantFail(compiler.inlined(*module, options));
    signature.rules = findSizeRules(*findEntry(*inlined, "f"));
    return llvm::toString(signature.check(inputs));
  }
  Compiler compiler;
};

const char *const attention = R"(
func.func @f(%q: tensor<?x?x?x8xf32>, %k: tensor<?x?x?x8xf32>, %v: tensor<?x?x?x4xf32>,
             %keep: tensor<?x1x1x?xi1>, %doc: tensor<?xi32>) -> tensor<?x?x?x4xf32> {
  %o = attn.sdpa %q, %k, %v keep(%keep : tensor<?x1x1x?xi1>) captures(%doc[n] : tensor<?xi32>)
    : tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x4xf32> -> tensor<?x?x?x4xf32>
    mask(%b, %h, %m, %n, %d) {
      %c0 = arith.constant 0 : i32
      %is = arith.cmpi eq, %d, %c0 : i32
      attn.yield %is : i1
    }
  return %o : tensor<?x?x?x4xf32>
})";

TEST_F(SizeRulesTest, Attention) {
  TensorView q = view({2, 6, 5, 8}), k = view({2, 3, 7, 8}),
             v = view({2, 3, 7, 4});
  TensorView keep = view({2, 1, 1, 7}, Dtype::I1), doc = view({9}, Dtype::I32);
  EXPECT_EQ(check(attention, {q, k, v, keep, doc}), "");
  EXPECT_EQ(check(attention, {q, k, view({2, 3, 8, 4}), keep, doc}),
            "argument #2 (%v): expected dimension 2 to be 7, which is "
            "dimension 2 of argument #1 "
            "(%k), but got 2x3x8x4xf32");
  EXPECT_EQ(check(attention, {q, view({1, 3, 7, 8}), v, keep, doc}),
            "argument #1 (%k): expected dimension 0 to be 2, which is "
            "dimension 0 of argument #0 "
            "(%q), but got 1x3x7x8xf32");
  EXPECT_EQ(check(attention, {q, k, v, view({2, 1, 1, 1}, Dtype::I1), doc}),
            "argument #3 (%keep): expected dimension 3 to be 7, which is "
            "dimension 2 of argument "
            "#1 (%k), but got 2x1x1x1xi1");
  EXPECT_EQ(check(attention, {q, k, v, keep, view({6}, Dtype::I32)}),
            "argument #4 (%doc): expected dimension 0 to be at least 7, which "
            "is dimension 2 of "
            "argument #1 (%k), but got 6xi32");
  EXPECT_EQ(check(attention, {view({2, 4, 5, 8}), k, v, keep, doc}),
            "argument #0 (%q): expected dimension 1 to be a multiple of 3, "
            "which is dimension 1 of "
            "argument #1 (%k), but got 2x4x5x8xf32");
}

TEST_F(SizeRulesTest, ThroughCallsBlocksAndEmptyTensors) {
  const char *text = R"(
    func.func private @add(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>) -> tensor<?x?xf32> {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %m = tensor.dim %x, %c0 : tensor<?x?xf32>
      %n = tensor.dim %x, %c1 : tensor<?x?xf32>
      %empty = tensor.empty(%m, %n) : tensor<?x?xf32>
      %z = linalg.add ins(%x, %y : tensor<?x?xf32>, tensor<?x?xf32>) outs(%empty : tensor<?x?xf32>) -> tensor<?x?xf32>
      return %z : tensor<?x?xf32>
    }
    func.func @f(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %z: tensor<?x4xf32>) -> tensor<?x?xf32> {
      %s = func.call @add(%x, %y) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
      %d = tensor.cast %z : tensor<?x4xf32> to tensor<?x?xf32>
      %t = func.call @add(%s, %d) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
      return %t : tensor<?x?xf32>
    })";
  EXPECT_EQ(check(text, {view({3, 4}), view({3, 4}), view({3, 4})}), "");
  EXPECT_EQ(check(text, {view({3, 5}), view({3, 5}), view({3, 4})}),
            "argument #0 (%x): expected dimension 1 to be 4, but got 3x5xf32");
  EXPECT_EQ(check(text, {view({3, 4}), view({3, 4}), view({2, 4})}),
            "argument #2 (%z): expected dimension 0 to be 3, which is "
            "dimension 0 of argument #0 "
            "(%x), but got 2x4xf32");
}

TEST_F(SizeRulesTest, AnOpenSizeUnderAStaticOne) {
  const char *text = R"(
    func.func @f(%q: tensor<1x2x?x8xf32>, %doc: tensor<16xi32>) -> tensor<1x2x?x8xf32> {
      %o = attn.sdpa %q, %q, %q captures(%doc[n] : tensor<16xi32>)
        : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
        mask(%b, %h, %m, %n, %d) {
          %c0 = arith.constant 0 : i32
          %is = arith.cmpi eq, %d, %c0 : i32
          attn.yield %is : i1
        }
      return %o : tensor<1x2x?x8xf32>
    })";
  EXPECT_EQ(check(text, {view({1, 2, 16, 8}), view({16}, Dtype::I32)}), "");
  EXPECT_EQ(check(text, {view({1, 2, 17, 8}), view({16}, Dtype::I32)}),
            "argument #0 (%q): expected dimension 2 to be at most 16, but got "
            "1x2x17x8xf32");
}

TEST_F(SizeRulesTest, ABlockTiesItsContextAndMask) {
  const char *text = R"(
    func.func @f(%x: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %keep: tensor<?x1x1x?xi1>)
        -> tensor<?x?x8xf32> {
      %y = attn.mha %x context(%c) weights(%w, %w, %w, %w) heads(2) keep(%keep : tensor<?x1x1x?xi1>)
        : tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<?x?x8xf32>
      return %y : tensor<?x?x8xf32>
    })";
  TensorView x = view({2, 5, 8}), c = view({2, 7, 8}), w = view({8, 8});
  EXPECT_EQ(check(text, {x, c, w, view({2, 1, 1, 7}, Dtype::I1)}), "");
  EXPECT_NE(check(text, {x, c, w, view({2, 1, 1, 5}, Dtype::I1)}), "");
  EXPECT_NE(check(text, {x, view({1, 7, 8}), w, view({2, 1, 1, 7}, Dtype::I1)}),
            "");
}

} // namespace
