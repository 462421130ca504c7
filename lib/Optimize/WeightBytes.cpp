//===- WeightBytes.cpp - Constant weights as bytes ------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightBytes.h"

#include "attn/Analysis/ConstantBytes.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Matchers.h"

#include <cstring>

using namespace mlir;
using namespace attn;

std::optional<WeightBytes> WeightBytes::of(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  ElementsAttr constant;
  if (!type || !type.hasStaticShape() || type.getNumElements() == 0 ||
      !isa<FloatType>(type.getElementType()) ||
      type.getElementTypeBitWidth() % 8 != 0 ||
      !matchPattern(value, m_Constant(&constant)))
    return std::nullopt;
  WeightBytes weight;
  weight.type = type;
  weight.bytes = constantBytes(constant);
  weight.splat = isa<SplatElementsAttr>(constant);
  // Elided weights have no bytes.
  int64_t count = weight.splat ? 1 : type.getNumElements();
  if (int64_t(weight.bytes.size()) != count * type.getElementTypeBitWidth() / 8)
    return std::nullopt;
  return weight;
}

void WeightBytes::strides(unsigned dim, int64_t &outer, int64_t &inner) const {
  outer = 1;
  inner = type.getElementTypeBitWidth() / 8;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (i != dim)
      (i < dim ? outer : inner) *= size;
}

ArrayRef<char> WeightBytes::slice(unsigned dim, int64_t outer,
                                  Stripe range) const {
  int64_t count, inner;
  strides(dim, count, inner);
  return bytes.slice((outer * type.getDimSize(dim) + range.offset) * inner,
                     range.size * inner);
}

bool WeightBytes::isZero(unsigned dim, Stripe range) const {
  int64_t width = type.getElementTypeBitWidth() / 8;
  auto allZero = [width](ArrayRef<char> part) {
    for (auto [i, byte] : llvm::enumerate(part)) {
      // The last byte of a little-endian float has its sign.
      bool hasSign = int64_t(i) % width == width - 1;
      if (byte & (hasSign ? 0x7f : 0xff))
        return false;
    }
    return true;
  };
  if (splat)
    return allZero(bytes);
  int64_t outer, inner;
  strides(dim, outer, inner);
  for (int64_t o = 0; o < outer; ++o)
    if (!allZero(slice(dim, o, range)))
      return false;
  return true;
}

bool WeightBytes::isEqual(unsigned dim, Stripe a, Stripe b) const {
  if (splat)
    return true;
  int64_t outer, inner;
  strides(dim, outer, inner);
  for (int64_t o = 0; o < outer; ++o)
    if (slice(dim, o, a) != slice(dim, o, b))
      return false;
  return true;
}

ElementsAttr WeightBytes::gather(unsigned dim, ArrayRef<Stripe> ranges) const {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = 0;
  for (Stripe range : ranges)
    shape[dim] += range.size;
  RankedTensorType smaller = type.clone(shape);
  if (splat)
    return DenseElementsAttr::getFromRawBuffer(smaller, bytes);
  int64_t outer, inner;
  strides(dim, outer, inner);
  SmallVector<char, 0> data;
  data.reserve(outer * shape[dim] * inner);
  for (int64_t o = 0; o < outer; ++o)
    for (Stripe range : ranges)
      llvm::append_range(data, slice(dim, o, range));
  return DenseElementsAttr::getFromRawBuffer(smaller, data);
}

bool WeightBytes::canAdd() const {
  Type element = type.getElementType();
  return !splat && (element.isF32() || element.isF64());
}

template <typename T>
static void addTo(char *sum, ArrayRef<char> terms) {
  for (size_t i = 0; i < terms.size(); i += sizeof(T)) {
    T a, b;
    std::memcpy(&a, sum + i, sizeof(T));
    std::memcpy(&b, terms.data() + i, sizeof(T));
    a += b;
    std::memcpy(sum + i, &a, sizeof(T));
  }
}

ElementsAttr WeightBytes::gatherSums(unsigned dim,
                                     ArrayRef<SmallVector<Stripe>> sums) const {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = 0;
  for (const SmallVector<Stripe> &stripes : sums)
    shape[dim] += stripes.front().size;
  int64_t outer, inner;
  strides(dim, outer, inner);
  SmallVector<char, 0> data;
  data.reserve(outer * shape[dim] * inner);
  for (int64_t o = 0; o < outer; ++o)
    for (const SmallVector<Stripe> &stripes : sums) {
      size_t at = data.size();
      llvm::append_range(data, slice(dim, o, stripes.front()));
      for (Stripe other : llvm::drop_begin(stripes)) {
        ArrayRef<char> terms = slice(dim, o, other);
        if (type.getElementType().isF32())
          addTo<float>(data.data() + at, terms);
        else
          addTo<double>(data.data() + at, terms);
      }
    }
  return DenseElementsAttr::getFromRawBuffer(type.clone(shape), data);
}

template <typename T>
static std::vector<double> read(ArrayRef<char> bytes, int64_t count) {
  std::vector<double> numbers;
  numbers.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    T number;
    std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<double> WeightBytes::toDoubles() const {
  int64_t count = splat ? 1 : type.getNumElements();
  std::vector<double> numbers = type.getElementType().isF32()
                                    ? read<float>(bytes, count)
                                    : read<double>(bytes, count);
  numbers.resize(type.getNumElements(), numbers.front());
  return numbers;
}

ElementsAttr WeightBytes::joinRows(ArrayRef<WeightBytes> parts) {
  SmallVector<int64_t> shape(parts.front().type.getShape());
  shape[0] = 0;
  SmallVector<char, 0> data;
  for (const WeightBytes &part : parts) {
    shape[0] += part.type.getDimSize(0);
    int64_t copies = part.splat ? part.type.getNumElements() : 1;
    for (int64_t i = 0; i < copies; ++i)
      llvm::append_range(data, part.bytes);
  }
  return DenseElementsAttr::getFromRawBuffer(parts.front().type.clone(shape),
                                             data);
}
