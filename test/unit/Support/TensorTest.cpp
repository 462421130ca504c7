//===- TensorTest.cpp - Tests of tensors outside compiled code ------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types, shapes that do not fit, strides.
//
//===----------------------------------------------------------------------===//

#include "attn/Support/Tensor.h"

#include "gtest/gtest.h"

#include <cmath>
#include <numeric>
#include <vector>

using namespace attn;

namespace {

TEST(Tensor, EveryDtypeRoundTripsAnExactValue) {
  for (const char *name : {"f64", "f32", "f16", "bf16", "i64", "i32", "i16",
                           "i8", "i1", "index"}) {
    std::optional<Dtype> type = parseDtype(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(dtypeName(*type), name);
    Tensor tensor = *Tensor::allocate({3}, *type);
    tensor.set(1, 1);
    EXPECT_EQ(tensor.at(1), 1) << name;
    EXPECT_EQ(tensor.bytes(), 3 * dtypeBytes(*type)) << name;
  }
  EXPECT_FALSE(parseDtype("f33"));
}

TEST(Tensor, HalvesRoundToNearestEven) {
  Tensor bf16 = *Tensor::allocate({1}, Dtype::BF16);
  bf16.set(0, 1.00390625); // half way between two values
  EXPECT_EQ(bf16.at(0), 1.0);
  Tensor f16 = *Tensor::allocate({1}, Dtype::F16);
  f16.set(0, 1e6);
  EXPECT_EQ(f16.at(0), INFINITY);
  f16.set(0, NAN);
  EXPECT_TRUE(std::isnan(f16.at(0)));
}

TEST(Tensor, SizesThatDoNotFitAreRefused) {
  EXPECT_FALSE(elementCount({1LL << 32, 1LL << 32}));
  EXPECT_EQ(elementCount({1LL << 32, 1LL << 32, 0}), 0);
  EXPECT_EQ(elementCount({}), 1);
  EXPECT_FALSE(Tensor::allocate({1LL << 62}, Dtype::F64));
  EXPECT_TRUE(Tensor::allocate({0, 5}, Dtype::F64));
}

TEST(Tensor, PrintsLikeMlir) {
  EXPECT_EQ(shapeString({2, -1}, Dtype::BF16), "2x?xbf16");
  EXPECT_EQ(shapeString({}, Dtype::I1), "i1");
}

TEST(Tensor, CopiesAnyStridesToRowMajor) {
  std::vector<float> memory(24);
  std::iota(memory.begin(), memory.end(), 0.0f);
  TensorView view;
  view.data = memory.data();
  view.shape = {2, 3, 2};
  view.strides = {1, 2, 12};
  EXPECT_FALSE(view.isRowMajor());
  std::vector<float> out(12);
  copyRowMajor(view, out.data());
  EXPECT_EQ(out,
            (std::vector<float>{0, 12, 2, 14, 4, 16, 1, 13, 3, 15, 5, 17}));
}

TEST(Tensor, StridesOfUnitAndEmptyDimensionsDoNotMatter) {
  TensorView view;
  view.shape = {1, 4};
  view.strides = {99, 1};
  EXPECT_TRUE(view.isRowMajor());
  view.shape = {0, 4};
  view.strides = {7, 3};
  EXPECT_TRUE(view.isRowMajor());
  view.shape = {2, 4};
  EXPECT_FALSE(view.isRowMajor());
}

TEST(Tensor, NegativeStridesReadBackwards) {
  std::vector<int32_t> memory{1, 2, 3};
  TensorView view;
  view.data = &memory[2];
  view.type = Dtype::I32;
  view.shape = {3};
  view.strides = {-1};
  std::vector<int32_t> out(3);
  copyRowMajor(view, out.data());
  EXPECT_EQ(out, (std::vector<int32_t>{3, 2, 1}));
}

} // namespace
