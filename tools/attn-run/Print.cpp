//===- Print.cpp - Tensors on a terminal ----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One line about a tensor, or its elements.
//
//===----------------------------------------------------------------------===//

#include "Print.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace llvm;

namespace attn {
namespace {

constexpr int64_t longestDimension = 16; ///< printed in full
constexpr int64_t keptAtEnds = 6;        ///< of a longer one, at each end

void printElement(raw_ostream &os, const Tensor &tensor, int64_t i) {
  if (isFloat(tensor.type()))
    os << format(tensor.type() == Dtype::F64 ? "%.17g" : "%.9g", tensor.at(i));
  else
    os << static_cast<int64_t>(tensor.at(i));
}

/// Prints the elements from `first` on that dimension `dim` and those inside it
/// cover.
void printDimension(raw_ostream &os, const Tensor &tensor, size_t dim,
                    int64_t first, int64_t count) {
  if (dim == tensor.shape().size())
    return printElement(os, tensor, first);
  int64_t size = tensor.shape()[dim];
  int64_t inner = size ? count / size : 0;
  bool last = dim + 1 == tensor.shape().size();
  os << "[";
  for (int64_t i = 0; i < size; ++i) {
    if (i)
      os << (last ? ", " : ",\n" + std::string(dim + 1, ' '));
    if (size > longestDimension && i == keptAtEnds) {
      os << "...";
      i = size - keptAtEnds - 1;
      continue;
    }
    printDimension(os, tensor, dim + 1, first + i * inner, inner);
  }
  os << "]";
}

} // namespace

void printSummary(raw_ostream &os, const Tensor &tensor) {
  os << tensor.str();
  double sum = 0, least = INFINITY, largest = -INFINITY;
  int64_t nans = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double value = tensor.at(i);
    nans += std::isnan(value);
    sum += value;
    least = std::fmin(least, value);
    largest = std::fmax(largest, value);
  }
  if (tensor.size() > 0)
    os << format(", mean %.6g, least %.6g, largest %.6g",
                 sum / static_cast<double>(tensor.size()), least, largest);
  if (nans)
    os << ", " << nans << " NaN";
}

void printElements(raw_ostream &os, const Tensor &tensor) {
  printDimension(os, tensor, 0, 0, tensor.size());
}

} // namespace attn
