//===- PrintTest.cpp - Tests of tensors on a terminal ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Brackets, long dimensions, empty ones, NaN.
//
//===----------------------------------------------------------------------===//

#include "tools/attn-run/Print.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace attn;

namespace {

Tensor iota(llvm::ArrayRef<int64_t> shape, Dtype type) {
  Tensor tensor = *Tensor::allocate(shape, type);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.set(i, static_cast<double>(i));
  return tensor;
}

std::string elements(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printElements(os, tensor);
  return text;
}

std::string summary(const Tensor &tensor) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printSummary(os, tensor);
  return text;
}

TEST(Print, Elements) {
  EXPECT_EQ(elements(iota({2, 2}, Dtype::I32)), "[[0, 1],\n [2, 3]]");
  EXPECT_EQ(elements(iota({}, Dtype::F32)), "0");
  EXPECT_EQ(elements(iota({2, 0}, Dtype::F32)), "[[],\n []]");
  EXPECT_EQ(elements(iota({17}, Dtype::I8)),
            "[0, 1, 2, 3, 4, 5, ..., 11, 12, 13, 14, 15, 16]");
}

TEST(Print, Summary) {
  Tensor tensor = iota({4}, Dtype::F32);
  EXPECT_EQ(summary(tensor), "4xf32, mean 1.5, least 0, largest 3");
  tensor.set(1, NAN);
  EXPECT_EQ(summary(tensor), "4xf32, mean nan, least 0, largest 3, 1 NaN");
  EXPECT_EQ(summary(iota({0, 3}, Dtype::F16)), "0x3xf16");
}

} // namespace
