//===- Spec.cpp - Inputs as users write them ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Spec.h"

#include "Hostile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <limits>

using namespace llvm;
using namespace attn;
using namespace attn::data;

namespace {

/// More than a tool can usefully make up; also what keeps a typing error in a
/// size from taking the machine down.
constexpr int64_t maxGeneratedBytes = int64_t(1) << 36;

struct Shape {
  SmallVector<int64_t> sizes;
  Dtype type;
};

class SpecParser {
public:
  SpecParser(StringRef spec, FileCache &files) : spec(spec), files(files) {}

  Expected<Tensor> parse();

private:
  Error error(const Twine &message) const {
    return makeError("input '" + toOneLine(spec) + "': " + message);
  }
  Expected<Shape> parseShape(StringRef text) const;
  Expected<Tensor> readSource(StringRef source) const;
  Error fill(Tensor &tensor, StringRef how) const;
  Error fillRandom(Tensor &tensor, StringRef arguments) const;
  Error fillIota(Tensor &tensor) const;
  Error setElement(Tensor &tensor, int64_t index, StringRef text) const;

  StringRef spec;
  FileCache &files;
};

Expected<Tensor> SpecParser::parse() {
  if (spec.starts_with("@")) {
    return readSource(spec.drop_front());
  }
  if (!spec.contains('=')) {
    return error("expected @file, or a shape, '=' and a source such as "
                 "2x3xf32=random:7");
  }
  auto [shapeText, source] = spec.split('=');
  Expected<Shape> shape = parseShape(shapeText);
  if (!shape) {
    return shape.takeError();
  }
  if (source.consume_front("@")) {
    Expected<Tensor> read = readSource(source);
    if (read && (read->shape() != ArrayRef<int64_t>(shape->sizes) ||
                 read->type() != shape->type)) {
      return error("expected " + shapeString(shape->sizes, shape->type) +
                   ", found " + read->str() + " in the file");
    }
    return read;
  }
  std::optional<int64_t> size = byteSize(shape->sizes, shape->type);
  if (!size || *size > maxGeneratedBytes) {
    return error("expected at most " + Twine(maxGeneratedBytes) +
                 " bytes, found " + (size ? Twine(*size) : Twine("more")));
  }
  Expected<Tensor> tensor = allocate(shape->sizes, shape->type);
  if (!tensor) {
    return tensor.takeError();
  }
  if (Error failed = fill(*tensor, source)) {
    return std::move(failed);
  }
  return tensor;
}

/// "2x3x64xf32"; "f32" has rank 0.
Expected<Shape> SpecParser::parseShape(StringRef text) const {
  Shape shape;
  StringRef rest = text;
  while (!rest.empty() && isDigit(rest.front())) {
    int64_t size;
    if (rest.consumeInteger(10, size) || size < 0 || !rest.consume_front("x")) {
      return error("expected a shape such as 2x3xf32, found '" +
                   toPrintable(text) + "'");
    }
    shape.sizes.push_back(size);
    if (shape.sizes.size() > maxRank) {
      return error("expected at most " + Twine(maxRank) + " dimensions");
    }
  }
  std::optional<Dtype> type = parseDtype(rest);
  if (!type) {
    return error("expected element type f64, f32, f16, bf16, i1, i8, i16, i32, "
                 "i64 or index at the end of the shape, found '" +
                 toPrintable(rest) + "'");
  }
  shape.type = *type;
  return shape;
}

/// "file.npy", "file.npz:name" or "file.safetensors:name".
Expected<Tensor> SpecParser::readSource(StringRef source) const {
  StringRef path = source, member;
  for (StringRef extension : {".npz:", ".safetensors:"}) {
    const size_t at = source.find(extension);
    if (at != StringRef::npos) {
      path = source.take_front(at + extension.size() - 1);
      member = source.drop_front(at + extension.size());
      break;
    }
  }
  return readFile(files, path, member); // its errors name the file
}

Error SpecParser::fill(Tensor &tensor, StringRef how) const {
  if (how.consume_front("random:")) {
    return fillRandom(tensor, how);
  }
  if (how == "iota") {
    return fillIota(tensor);
  }
  if (how.empty()) {
    return error("expected a number, a list of numbers, iota, random:SEED or "
                 "@file after '='");
  }
  const int64_t count = tensor.size();
  if (how.contains(',')) {
    SmallVector<StringRef> items;
    how.split(items, ',');
    if (static_cast<int64_t>(items.size()) != count) {
      return error("expected " + Twine(count) + " numbers, found " +
                   Twine(items.size()));
    }
    for (auto [index, item] : llvm::enumerate(items)) {
      if (Error failed = setElement(tensor, index, item.trim())) {
        return failed;
      }
    }
    return Error::success();
  }
  // The text is checked even when there is no element to set.
  Expected<Tensor> one = allocate({}, tensor.type());
  if (!one) {
    return one.takeError();
  }
  if (Error failed = setElement(*one, 0, how)) {
    return failed;
  }
  const int64_t width = dtypeBytes(tensor.type());
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(one->dataAs<char>(), width, tensor.dataAs<char>() + i * width);
  }
  return Error::success();
}

Error SpecParser::fillRandom(Tensor &tensor, StringRef arguments) const {
  auto [seedText, deviationText] = arguments.split(':');
  uint64_t seed;
  double deviation = 1.0;
  if (seedText.getAsInteger(10, seed)) {
    return error("expected a seed of at least 0 after 'random:', found '" +
                 toPrintable(seedText) + "'");
  }
  if (arguments.contains(':') &&
      (deviationText.getAsDouble(deviation) || !std::isfinite(deviation) ||
       deviation < 0.0)) {
    return error("expected a standard deviation of at least 0, found '" +
                 toPrintable(deviationText) + "'");
  }
  if (!isFloat(tensor.type()) && tensor.type() != Dtype::I1) {
    return error("expected a float type or i1 for random numbers, found " +
                 dtypeName(tensor.type()));
  }
  fillNormal(tensor, seed, deviation);
  return Error::success();
}

/// The range of an integer type.
std::pair<int64_t, int64_t> rangeOf(Dtype type) {
  switch (type) {
  case Dtype::I1:
    return {0, 1};
  case Dtype::I8:
    return {minIntN(8), maxIntN(8)};
  case Dtype::I16:
    return {minIntN(16), maxIntN(16)};
  case Dtype::I32:
    return {minIntN(32), maxIntN(32)};
  default:
    return {minIntN(64), maxIntN(64)};
  }
}

Error SpecParser::fillIota(Tensor &tensor) const {
  const int64_t count = tensor.size();
  const int64_t last = std::max<int64_t>(count - 1, 0);
  if (!isFloat(tensor.type()) && last > rangeOf(tensor.type()).second) {
    return error("expected at most " +
                 Twine(rangeOf(tensor.type()).second + 1) +
                 " elements for iota in " + dtypeName(tensor.type()) +
                 ", found " + Twine(count));
  }
  for (int64_t i = 0; i < count; ++i) {
    setInteger(tensor, i, i); // exact for floats up to 2^53
  }
  return Error::success();
}

Error SpecParser::setElement(Tensor &tensor, int64_t index,
                             StringRef text) const {
  const Dtype type = tensor.type();
  if (isFloat(type)) {
    double value;
    // LLVM reads neither spelling of infinity that people use.
    if (text == "inf" || text == "-inf") {
      value = text == "inf" ? HUGE_VAL : -HUGE_VAL;
    } else if (text == "nan") {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (text.getAsDouble(value)) {
      return error("expected a number, found '" + toPrintable(text) + "'");
    }
    tensor.set(index, value);
    return Error::success();
  }
  int64_t value;
  if (type == Dtype::I1 && (text == "true" || text == "false")) {
    value = text == "true";
  } else if (text.getAsInteger(10, value)) {
    return error("expected an integer, found '" + toPrintable(text) + "'");
  }
  const auto [low, high] = rangeOf(type);
  if (value < low || value > high) {
    return error("expected a value in [" + Twine(low) + ", " + Twine(high) +
                 "] for " + dtypeName(type) + ", found " + Twine(value));
  }
  setInteger(tensor, index, value);
  return Error::success();
}

/// Output `counter` of the generator seeded with `seed`.
uint64_t splitmix64(uint64_t seed, uint64_t counter) {
  uint64_t z = seed + (counter + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

} // namespace

double attn::data::normalAt(uint64_t seed, uint64_t index) {
  // Seeds are spread first: neighbours would share a shifted sequence.
  const uint64_t start = splitmix64(seed, 0);
  const uint64_t a = splitmix64(start, 2 * index);
  const uint64_t b = splitmix64(start, 2 * index + 1);
  // In (0, 1], so that the logarithm is finite.
  const double radius = (static_cast<double>(a >> 11) + 1.0) * 0x1p-53;
  const double angle = static_cast<double>(b >> 11) * 0x1p-53;
  return std::sqrt(-2.0 * std::log(radius)) *
         std::cos(6.283185307179586476925286766559 * angle);
}

void attn::data::fillNormal(Tensor &tensor, uint64_t seed, double deviation) {
  const bool boolean = tensor.type() == Dtype::I1;
  for (int64_t i = 0, e = tensor.size(); i < e; ++i) {
    const double x = normalAt(seed, i);
    if (boolean) {
      tensor.set(i, x > 0.0);
    } else {
      tensor.set(i, x * deviation);
    }
  }
}

Expected<Tensor> attn::data::makeTensor(StringRef spec, FileCache &files) {
  return SpecParser(spec, files).parse();
}
