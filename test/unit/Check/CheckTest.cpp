//===- CheckTest.cpp - Right results pass, wrong ones do not --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/attn-run/Check.h"

#include "attn/Data/Spec.h"
#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;

namespace {

class Check : public testing::Test {
protected:
  Check() {
    context.loadDialect<AttnDialect, arith::ArithDialect, func::FuncDialect,
                        math::MathDialect, tensor::TensorDialect>();
  }

  func::FuncOp parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return module->lookupSymbol<func::FuncOp>("f");
  }

  static Tensor make(StringRef spec) {
    data::FileCache files;
    return llvm::cantFail(data::makeTensor(spec, files));
  }

  static llvm::Expected<std::vector<Tensor>> mustNotRun(ModuleOp, StringRef,
                                                        ArrayRef<Tensor>) {
    ADD_FAILURE() << "nothing to tap";
    return std::vector<Tensor>();
  }

  CheckReport check(func::FuncOp entry, ArrayRef<Tensor> inputs,
                    ArrayRef<Tensor> outputs, RunEntry run = mustNotRun) {
    llvm::Expected<CheckReport> report =
        checkEntry(entry, inputs, outputs, run);
    if (report)
      return *report;
    ADD_FAILURE() << llvm::toString(report.takeError());
    return {};
  }

  static std::string printed(const CheckReport &report) {
    std::string text;
    llvm::raw_string_ostream os(text);
    report.print(os);
    return text;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

/// Causal attention with a distance penalty in a region, by hand in float.
Tensor attendByHand(const Tensor &q, const Tensor &k, const Tensor &v,
                    float slope) {
  const int64_t rows = q.shape()[2], dim = q.shape()[3];
  Tensor o = *Tensor::allocate(q.shape(), Dtype::F32);
  const float *qs = q.dataAs<float>(), *ks = k.dataAs<float>(),
              *vs = v.dataAs<float>();
  for (int64_t m = 0; m < rows; ++m) {
    std::vector<float> out(dim, 0.0f);
    float sum = 0.0f;
    for (int64_t n = 0; n <= m; ++n) {
      float s = 0.0f;
      for (int64_t d = 0; d < dim; ++d)
        s += qs[m * dim + d] * ks[n * dim + d];
      s = s / std::sqrt(float(dim)) - slope * float(m - n);
      sum += std::exp(s);
      for (int64_t d = 0; d < dim; ++d)
        out[d] += std::exp(s) * vs[n * dim + d];
    }
    for (int64_t d = 0; d < dim; ++d)
      o.dataAs<float>()[m * dim + d] = out[d] / sum;
  }
  return o;
}

constexpr const char *withRegion = R"mlir(
func.func @f(%q: tensor<1x1x?x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x8xf32>, %slope: tensor<1xf32>)
    -> tensor<1x1x?x8xf32> {
  %o = attn.sdpa %q, %k, %v causal(top_left) captures(%slope[h] : tensor<1xf32>)
    : tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32> -> tensor<1x1x?x8xf32>
    score(%s, %b, %h, %m, %n, %sl) {
      %d = arith.subi %m, %n : index
      %i = arith.index_cast %d : index to i32
      %x = arith.sitofp %i : i32 to f32
      %p = arith.mulf %sl, %x : f32
      %r = arith.subf %s, %p : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x1x?x8xf32>
})mlir";

TEST_F(Check, RegionsAndClauses) {
  const Tensor q = make("1x1x9x8xf32=random:1"),
               k = make("1x1x9x8xf32=random:2"),
               v = make("1x1x9x8xf32=random:3"), slope = make("1xf32=0.25");
  func::FuncOp entry = parse(withRegion);
  Tensor o = attendByHand(q, k, v, 0.25f);
  const CheckReport right = check(entry, {q, k, v, slope}, {o});
  EXPECT_TRUE(right.passed()) << printed(right);
  ASSERT_EQ(right.judged.size(), 1u);
  EXPECT_EQ(right.judged[0].worst.judged, 72);
  EXPECT_LT(right.tapDifference, 0.0);

  // Another slope, and one wrong element.
  EXPECT_FALSE(check(entry, {q, k, v, slope}, {attendByHand(q, k, v, 0.2501f)})
                   .passed());
  o.dataAs<float>()[37] += 1e-4f;
  const CheckReport wrong = check(entry, {q, k, v, slope}, {o});
  EXPECT_FALSE(wrong.passed());
  EXPECT_NE(printed(wrong).find("worst at [0, 0, 4, 5]"), std::string::npos)
      << printed(wrong);
}

constexpr const char *withTaps = R"mlir(
func.func private @turn(%x: tensor<1x4x1x8xf32>, %c: tensor<4x2xf32>, %s: tensor<4x2xf32>) -> tensor<1x4x1x8xf32> {
  %r = attn.rope %x, %c, %s layout(bshd) : tensor<1x4x1x8xf32>, tensor<4x2xf32>, tensor<4x2xf32>
  return %r : tensor<1x4x1x8xf32>
}
func.func @f(%q: tensor<1x4x1x8xf32>, %v: tensor<1x1x4x8xf32>, %c: tensor<4x2xf32>, %s: tensor<4x2xf32>)
    -> tensor<1x1x4x8xf32> {
  %scale = arith.constant 0.5 : f32
  %r = call @turn(%q, %c, %s) : (tensor<1x4x1x8xf32>, tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<1x4x1x8xf32>
  %t = call @turn(%r, %c, %s) : (tensor<1x4x1x8xf32>, tensor<4x2xf32>, tensor<4x2xf32>) -> tensor<1x4x1x8xf32>
  %o = attn.sdpa %t, %v, %v scale(%scale) layout(bshd, bhsd, bhsd, bhsd)
    : tensor<1x4x1x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
})mlir";

TEST_F(Check, TapsWhatIsInside) {
  // A quarter turn of the first pair of channels, twice: both change sign.
  const Tensor q = make("1x4x1x8xf32=random:1"), v = make("1x1x4x8xf32=0.5"),
               c = make("4x2xf32=0"), s = make("4x2xf32=1");
  Tensor once = *Tensor::allocate(q.shape(), Dtype::F32);
  Tensor twice = *Tensor::allocate(q.shape(), Dtype::F32);
  for (int64_t i = 0; i < q.size(); ++i) {
    const int64_t d = i % 8;
    once.set(i, d < 2 ? -q.at(i + 2) : d < 4 ? q.at(i - 2) : q.at(i));
    twice.set(i, d < 4 ? -q.at(i) : q.at(i));
  }
  func::FuncOp entry = parse(withTaps);
  const Tensor plain = make("1x1x4x8xf32=0.5");
  const auto run =
      [&](ModuleOp tapped, StringRef name,
          ArrayRef<Tensor> inputs) -> llvm::Expected<std::vector<Tensor>> {
    auto copy = tapped.lookupSymbol<func::FuncOp>(name);
    EXPECT_TRUE(copy);
    EXPECT_EQ(copy.getNumResults(), 3u);
    EXPECT_EQ(inputs.size(), 4u);
    return std::vector<Tensor>{plain, once, twice};
  };
  const CheckReport report = check(entry, {q, v, c, s}, {plain}, run);
  EXPECT_TRUE(report.passed()) << printed(report);
  EXPECT_EQ(report.judged.size(), 3u);
  EXPECT_EQ(report.tapDifference, 0.0);
  EXPECT_TRUE(report.notJudged.empty());
  // The module that the user wrote is as it was.
  EXPECT_EQ(entry.getNumResults(), 1u);

  // A wrong tapped value is the fault of the op that made it.
  once.set(0, 100.0);
  const CheckReport wrong = check(entry, {q, v, c, s}, {plain}, run);
  EXPECT_FALSE(wrong.judged[0].worst.withinBound());
  EXPECT_FALSE(wrong.judged[1].worst.withinBound());
  EXPECT_TRUE(wrong.judged[2].worst.withinBound());
}

TEST_F(Check, SaysWhatItDidNotJudge) {
  func::FuncOp entry = parse(R"mlir(
    func.func @f(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
      %y = tensor.collapse_shape %x [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
      %z = tensor.expand_shape %y [[0, 1]] output_shape [3, 2] : tensor<6xf32> into tensor<3x2xf32>
      return %z : tensor<3x2xf32>
    })mlir");
  const CheckReport report =
      check(entry, {make("2x3xf32=iota")}, {make("3x2xf32=iota")});
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(printed(report), "check: not judged: 1 tensor.collapse_shape\n"
                             "check: not judged: 1 tensor.expand_shape\n"
                             "check: FAILED, nothing was judged\n");
}

TEST_F(Check, WholeBlock) {
  // One head of one channel, one key: the value passes through four weights.
  func::FuncOp entry = parse(R"mlir(
    func.func @f(%x: tensor<1x1x1xf32>, %w: tensor<1x1xf32>, %b: tensor<1xf32>) -> (tensor<1x1x1xf32>, tensor<1x1x1x1xf32>) {
      %y, %p = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1) returns(weights)
        : tensor<1x1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>,
          tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32> -> tensor<1x1x1xf32>, tensor<1x1x1x1xf32>
      return %y, %p : tensor<1x1x1xf32>, tensor<1x1x1x1xf32>
    })mlir");
  const Tensor x = make("1x1x1xf32=3"), w = make("1x1xf32=2"),
               b = make("1xf32=1"), one = make("1x1x1x1xf32=1");
  EXPECT_TRUE(check(entry, {x, w, b}, {make("1x1x1xf32=15"), one}).passed());
  const CheckReport wrong =
      check(entry, {x, w, b}, {make("1x1x1xf32=14.999"), one});
  EXPECT_FALSE(wrong.judged[0].worst.withinBound());
  EXPECT_TRUE(wrong.judged[1].worst.withinBound());
}

} // namespace
