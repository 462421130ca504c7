//===- AttnDialect.cpp - Registration, attributes, layouts
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn;

#include "attn/Dialect/Attn/IR/AttnDialect.cpp.inc"
#include "attn/Dialect/Attn/IR/AttnEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Attn/IR/AttnTypes.cpp.inc"

namespace {
/// Every op may move into a caller: regions are isolated from above and
/// capture through operands.
struct AttnInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

void AttnDialect::initialize() {
  addInterfaces<AttnInlinerInterface>();
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Attn/IR/AttnOps.cpp.inc"
      >();
}

void AttnDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "attn/Dialect/Attn/IR/AttnAttrs.cpp.inc"
      >();
}

void AttnDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "attn/Dialect/Attn/IR/AttnTypes.cpp.inc"
      >();
}

LogicalResult PlanAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               Room room, Form form, int64_t lanes,
                               int64_t queryVectors, int64_t keyRows,
                               int64_t valueRows, int64_t keyBlock,
                               int64_t queryGroup, int64_t warpgroups,
                               int64_t stages, int64_t blocks,
                               bool bf16Products) {
  for (int64_t size : {lanes, queryVectors, keyRows, valueRows, keyBlock,
                       queryGroup, warpgroups, stages})
    if (size < 1)
      return emitError() << "expects every size of a plan to be >= 1, but got "
                         << size;
  if (blocks < 0)
    return emitError() << "expects blocks >= 0, but got " << blocks;
  if (keyBlock % keyRows != 0)
    return emitError() << "expects key_block (" << keyBlock
                       << ") to be a multiple of key_rows (" << keyRows << ")";
  if (bf16Products && (room != Room::CPU || form != Form::Flash || lanes != 16))
    return emitError() << "expects bf16_products in room cpu, form flash, with "
                          "16 lanes";
  return success();
}

LogicalResult PartialType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  Type accumulator) {
  if (accumulator.isF32() || accumulator.isF64())
    return success();
  return emitError() << "expects an accumulator of type f32 or f64, but got "
                     << accumulator;
}

FloatType attn::getAccumulatorTypeFor(Type elementType) {
  if (elementType.isF64())
    return cast<FloatType>(elementType);
  return Float32Type::get(elementType.getContext());
}

AffineMap attn::getIdentityLayout(MLIRContext *context) {
  return AffineMap::getMultiDimIdentityMap(4, context);
}

unsigned attn::getLayoutPosition(AffineMap layout, unsigned dim) {
  return *layout.getResultPosition(getAffineDimExpr(dim, layout.getContext()));
}

int64_t attn::getLogicalDim(ShapedType type, AffineMap layout, unsigned dim) {
  return type.getDimSize(getLayoutPosition(layout, dim));
}
