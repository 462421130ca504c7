//===- FlopsTest.cpp - Tests of the work in a call ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts by hand, for open and closed sizes, through calls and blocks.
//
//===----------------------------------------------------------------------===//

#include "tools/attn-run/Flops.h"
#include "attn/Execute/Compiler.h"

#include "gtest/gtest.h"

using namespace attn;

namespace {

class FlopsTest : public testing::Test {
protected:
  std::optional<double> count(const std::string &text,
                              llvm::ArrayRef<Tensor> inputs) {
    Compiler::Module module = llvm::cantFail(compiler.parseText(text));
    PipelineOptions options;
    options.target = llvm::cantFail(TargetInfo::parse("cpu:x86-64-v3"));
    Compiler::Module inlined =
        llvm::cantFail(compiler.inlined(*module, options));
    return countFlops(*findEntry(*inlined, "f"), inputs);
  }
  static Tensor tensor(llvm::ArrayRef<int64_t> shape, Dtype type = Dtype::F32) {
    return *Tensor::allocate(shape, type);
  }
  /// One attn.sdpa of queries, keys and values with D 8 and Dv 4, and a clause.
  static std::string sdpa(const std::string &clause,
                          const std::string &argument = "") {
    return "func.func @f(%q: tensor<?x?x?x8xf32>, %k: tensor<?x?x?x8xf32>, %v: "
           "tensor<?x?x?x4xf32>" +
           argument +
           ") -> tensor<?x?x?x4xf32> {\n"
           "  %o = attn.sdpa %q, %k, %v " +
           clause +
           " : tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x4xf32> "
           "-> tensor<?x?x?x4xf32>\n"
           "  return %o : tensor<?x?x?x4xf32>\n}";
  }
  std::vector<Tensor> qkv(int64_t m, int64_t n) {
    return {tensor({2, 6, m, 8}), tensor({2, 3, n, 8}), tensor({2, 3, n, 4})};
  }
  Compiler compiler;
};

TEST_F(FlopsTest, BothProductsOfEveryQueryHead) {
  EXPECT_EQ(count(sdpa(""), qkv(5, 7)), 2.0 * 2 * 6 * 5 * 7 * (8 + 4));
}

TEST_F(FlopsTest, CausalCountsWhatItKeeps) {
  double perPair = 2.0 * 2 * 6 * (8 + 4);
  EXPECT_EQ(count(sdpa("causal(top_left)"), qkv(10, 10)), perPair * 50);
  EXPECT_EQ(count(sdpa("causal(bottom_right)"), qkv(2, 10)),
            perPair * (8.5 + 9.5));
  EXPECT_EQ(count(sdpa("causal(top_left)"), qkv(10, 2)),
            perPair * (0.5 + 1.5 + 2 * 8));
  std::vector<Tensor> inputs = qkv(2, 10);
  inputs.push_back(tensor({}, Dtype::Index));
  inputs.back().set(0, 3);
  EXPECT_EQ(count(sdpa("causal(%offset)", ", %offset: index"), inputs),
            perPair * (3.5 + 4.5));
}

TEST_F(FlopsTest, ABlockHasItsProjections) {
  const char *text = R"(
    func.func @f(%x: tensor<?x?x8xf32>, %wq: tensor<8x8xf32>, %wk: tensor<8x8xf32>, %wv: tensor<8x8xf32>, %wo: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
      %y = func.call @block(%x, %wq, %wk, %wv, %wo) : (tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
      return %y : tensor<?x?x8xf32>
    }
    func.func private @block(%x: tensor<?x?x8xf32>, %wq: tensor<8x8xf32>, %wk: tensor<8x8xf32>, %wv: tensor<8x8xf32>, %wo: tensor<8x8xf32>) -> tensor<?x?x8xf32> {
      %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(2)
        : tensor<?x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<?x?x8xf32>
      return %y : tensor<?x?x8xf32>
    })";
  double projections = 4 * 2.0 * (3 * 5) * 8 * 8,
         attention = 2.0 * 3 * 2 * 5 * 5 * (4 + 4);
  EXPECT_EQ(count(text, {tensor({3, 5, 8}), tensor({8, 8}), tensor({8, 8}),
                         tensor({8, 8}), tensor({8, 8})}),
            projections + attention);
}

TEST_F(FlopsTest, SaysNothingWhenThereIsNoProduct) {
  EXPECT_EQ(count("func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> { return "
                  "%x : tensor<4xf32> }",
                  {tensor({4})}),
            std::nullopt);
}

} // namespace
