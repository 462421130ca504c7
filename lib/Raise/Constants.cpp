//===- Constants.cpp - Tensors of numbers as functions of positions -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What exporters make of sizes that they know: positions counted out, and masks
// of a triangle, a band or a prefix, in any type.
//
//===----------------------------------------------------------------------===//

#include "Point.h"

#include "attn/Analysis/ConstantBytes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cstring>

using namespace mlir;
using namespace attn;

namespace {
/// The elements of a constant as bits.
class Elements {
public:
  static std::optional<Elements> of(Attribute attribute);

  uint64_t at(int64_t i) const {
    if (isPacked)
      return uint8_t(data[i / 8]) >> (i % 8) & 1;
    uint64_t bits = 0;
    std::memcpy(&bits, data.data() + i * width, width);
    return bits;
  }
  /// The element as an attribute of its type.
  TypedAttr value(int64_t i) const {
    unsigned size = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
    APInt bits(size, at(i), /*isSigned=*/false, /*implicitTrunc=*/true);
    if (auto number = dyn_cast<FloatType>(type))
      return FloatAttr::get(number, APFloat(number.getFloatSemantics(), bits));
    return IntegerAttr::get(type, bits);
  }
  ArrayRef<int64_t> shape() const { return sizes; }
  Type type;

private:
  ArrayRef<char> data;
  ArrayRef<int64_t> sizes;
  unsigned width = 0; ///< bytes of an element
  bool isPacked = false;
};

/// low <= column - row <= high, and row is 0 where there is one dimension only.
struct Band {
  std::optional<unsigned> row;
  unsigned column;
  int64_t low, high;
  bool isCutLow, isCutHigh; ///< else the limit is that of the sizes
};
} // namespace

std::optional<Elements> Elements::of(Attribute attribute) {
  Elements elements;
  auto type = dyn_cast_or_null<ElementsAttr>(attribute);
  if (!type || !type.getElementType().isIntOrIndexOrFloat())
    return std::nullopt;
  elements.type = type.getElementType();
  elements.sizes = type.getShapedType().getShape();
  unsigned bits =
      elements.type.isIndex() ? 64 : elements.type.getIntOrFloatBitWidth();
  elements.data = rawData(attribute);
  elements.width = llvm::divideCeil(bits, 8);
  int64_t count = type.getNumElements(), have = elements.data.size();
  if (bits > 64 || count == 0)
    return std::nullopt;
  if (have == count * elements.width)
    return elements;
  elements.isPacked = bits == 1 && have == int64_t(llvm::divideCeil(count, 8));
  return elements.isPacked ? std::optional(elements) : std::nullopt;
}

ArrayRef<char> attn::rawData(Attribute attribute) {
  bool isSplat = isa_and_nonnull<SplatElementsAttr>(attribute);
  return isSplat ? ArrayRef<char>() : constantBytes(attribute);
}

/// The dimensions that are larger than 1, if there are one or two.
static SmallVector<unsigned> largeDims(ArrayRef<int64_t> shape) {
  SmallVector<unsigned> dims;
  for (auto [i, size] : llvm::enumerate(shape))
    if (size != 1)
      dims.push_back(i);
  return dims;
}

/// The dimension along which the elements count 0, 1, 2, ..., all others being
/// of size 1.
static std::optional<unsigned> findCounting(const Elements &elements) {
  SmallVector<unsigned> dims = largeDims(elements.shape());
  Type type = elements.type;
  if (dims.size() != 1 ||
      (!type.isIndex() && !type.isInteger(32) && !type.isInteger(64)))
    return std::nullopt;
  for (int64_t i = 0; i < elements.shape()[dims[0]]; ++i)
    if (elements.at(i) != uint64_t(i))
      return std::nullopt;
  return dims[0];
}

/// Where the elements are `inside`, if that is a band and nothing else.
static std::optional<Band> findBand(const Elements &elements, uint64_t inside,
                                    ArrayRef<unsigned> dims) {
  int64_t columns = elements.shape()[dims.back()];
  int64_t rows = dims.size() == 2 ? elements.shape()[dims.front()] : 1;
  int64_t low = columns, high = -rows, count = 0;
  for (int64_t i = 0, at = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j, ++at) {
      if (elements.at(at) != inside)
        continue;
      ++count;
      low = std::min(low, j - i);
      high = std::max(high, j - i);
    }
  // All that the band holds, and no more.
  int64_t held = 0;
  for (int64_t i = 0; i < rows; ++i)
    held += std::max<int64_t>(0, std::min(columns - 1, i + high) -
                                     std::max<int64_t>(0, i + low) + 1);
  if (held != count)
    return std::nullopt;
  Band band{std::nullopt, dims.back(),    low,
            high,         low > 1 - rows, high < columns - 1};
  if (dims.size() == 2)
    band.row = dims.front();
  return band;
}

/// True when the elements are two different ones; `other` is the first that is
/// not as that at 0.
static bool areTwo(const Elements &elements, int64_t count, int64_t &other) {
  uint64_t first = elements.at(0);
  other = 0;
  while (other < count && elements.at(other) == first)
    ++other;
  if (other == count)
    return false;
  uint64_t second = elements.at(other);
  for (int64_t i = other + 1; i < count; ++i)
    if (elements.at(i) != first && elements.at(i) != second)
      return false;
  return true;
}

/// True at positions within the band.
const Point *PointReader::isWithin(AffineExpr row, AffineExpr column,
                                   std::optional<int64_t> low,
                                   std::optional<int64_t> high) {
  using arith::CmpIPredicate;
  Builder b(context);
  const Point *condition = nullptr;
  auto add = [&](CmpIPredicate predicate, int64_t apart) {
    const Point *each =
        compare(predicate, position(column), position(row + apart));
    condition = condition ? bothOf(condition, each) : each;
  };
  if (low)
    add(CmpIPredicate::sge, *low);
  if (high)
    add(CmpIPredicate::sle, *high);
  return condition ? condition : constant(b.getBoolAttr(true));
}

const Point *PointReader::stepConstant(Attribute attribute,
                                       const Point *point) {
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    return constant(splat.getSplatValue<TypedAttr>());
  std::optional<Elements> elements = Elements::of(attribute);
  if (!elements)
    return nullptr;
  if (std::optional<unsigned> along = findCounting(*elements)) {
    Point *made = make(Point::Kind::Index);
    made->coords.push_back(point->coords[*along]);
    made->type = elements->type;
    return made;
  }
  SmallVector<unsigned> dims = largeDims(elements->shape());
  int64_t other, count = cast<ElementsAttr>(attribute).getNumElements();
  if (dims.empty() || dims.size() > 2 || !areTwo(*elements, count, other))
    return nullptr;
  for (auto [inside, outside] : {std::pair<int64_t, int64_t>(0, other),
                                 std::pair<int64_t, int64_t>(other, 0)}) {
    std::optional<Band> band = findBand(*elements, elements->at(inside), dims);
    if (!band)
      continue;
    AffineExpr row = band->row ? point->coords[*band->row] : zero();
    const Point *condition =
        isWithin(row, point->coords[band->column],
                 band->isCutLow ? std::optional(band->low) : std::nullopt,
                 band->isCutHigh ? std::optional(band->high) : std::nullopt);
    return select(condition, constant(elements->value(inside)),
                  constant(elements->value(outside)));
  }
  return nullptr;
}
