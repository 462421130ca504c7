//===- InferTypes.cpp - Result types that follow from the operands --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//
//
// Operands of a wrong rank infer their own type, and any type is compatible:
// what is wrong is said by the op's verifier, under its label.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

using namespace mlir;
using namespace attn;

static constexpr int64_t kDynamic = ShapedType::kDynamic;

/// Dimension `dim` of a ranked tensor that has it.
static int64_t sizeOf(Value value, int64_t dim) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && dim < type.getRank() ? type.getDimSize(dim) : kDynamic;
}

/// Two sizes that are equal at run time.
static int64_t eitherOf(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) ? b : a;
}

//===----------------------------------------------------------------------===//
// SplitHeadsOp, MergeHeadsOp
//===----------------------------------------------------------------------===//

LogicalResult SplitHeadsOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  int64_t heads = adaptor.getHeads();
  if (x.getRank() != 3 || heads < 1) {
    types.push_back(x);
    return success();
  }
  int64_t e = x.getDimSize(2);
  int64_t d = ShapedType::isDynamic(e) ? e : e / heads;
  types.push_back(RankedTensorType::get(
      {x.getDimSize(0), heads, x.getDimSize(1), d}, x.getElementType()));
  return success();
}

bool SplitHeadsOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true;
}

LogicalResult MergeHeadsOp::inferReturnTypes(MLIRContext *,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  if (x.getRank() != 4) {
    types.push_back(x);
    return success();
  }
  int64_t h = x.getDimSize(1), d = x.getDimSize(3);
  int64_t e = ShapedType::isDynamic(h) || ShapedType::isDynamic(d)
                  ? ShapedType::kDynamic
                  : h * d;
  types.push_back(RankedTensorType::get({x.getDimSize(0), x.getDimSize(2), e},
                                        x.getElementType()));
  return success();
}

bool MergeHeadsOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true;
}

/// No score and no mask, and the result types that follow from what `state`
/// has.
template <typename OpTy>
static void addRegionsAndTypes(OperationState &state) {
  state.addRegion();
  state.addRegion();
  SmallVector<Type> types;
  [[maybe_unused]] LogicalResult inferred =
      OpTy::inferReturnTypes(state.getContext(), state.location, state.operands,
                             state.attributes.getDictionary(state.getContext()),
                             state.getRawProperties(), state.regions, types);
  assert(succeeded(inferred) && "any operands infer some type");
  state.addTypes(types);
}

//===----------------------------------------------------------------------===//
// SdpaOp
//===----------------------------------------------------------------------===//

/// A layout of attn.sdpa; [B, H, S, D] where the list is none that the verifier
/// lets pass.
static AffineMap layoutAt(MLIRContext *context, ArrayAttr layouts,
                          unsigned operand) {
  if (layouts && operand < layouts.size())
    if (auto map = dyn_cast<AffineMapAttr>(layouts[operand]))
      if (map.getValue().isPermutation() && map.getValue().getNumDims() == 4)
        return map.getValue();
  return getIdentityLayout(context);
}

LogicalResult SdpaOp::inferReturnTypes(MLIRContext *context,
                                       std::optional<Location> location,
                                       Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  ArrayAttr layouts = adaptor.getLayoutsAttr();
  auto sizeAt = [&](Value value, unsigned operand, unsigned dim) {
    return sizeOf(value,
                  getLayoutPosition(layoutAt(context, layouts, operand), dim));
  };
  Value q = adaptor.getQuery(), k = adaptor.getKey(), v = adaptor.getValue();
  int64_t b =
      eitherOf(sizeAt(q, 0, 0), eitherOf(sizeAt(k, 1, 0), sizeAt(v, 2, 0)));
  int64_t h = sizeAt(q, 0, 1), m = sizeAt(q, 0, 2);
  int64_t n = eitherOf(sizeAt(k, 1, 2), sizeAt(v, 2, 2));
  Type element = getElementTypeOrSelf(q.getType());
  Type accumulator = getAccumulatorTypeFor(element);
  types.push_back(
      RankedTensorType::get(applyLayout<int64_t>(layoutAt(context, layouts, 3),
                                                 {b, h, m, sizeAt(v, 2, 3)}),
                            element));
  ArrayRef<int32_t> counts = adaptor.getProperties().resultSegmentSizes;
  if (counts[1])
    types.push_back(RankedTensorType::get({b, h, m}, accumulator));
  if (counts[2])
    types.push_back(RankedTensorType::get({b, h, m, n}, accumulator));
  return success();
}

bool SdpaOp::isCompatibleReturnTypes(TypeRange, TypeRange) { return true; }

void SdpaOp::build(OpBuilder &builder, OperationState &state, Value query,
                   Value key, Value value, ArrayAttr layouts, bool returnsLse,
                   bool returnsWeights) {
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.layouts = layouts;
  properties.operandSegmentSizes = {1, 1, 1};
  properties.resultSegmentSizes = {1, returnsLse, returnsWeights};
  state.addOperands({query, key, value});
  addRegionsAndTypes<SdpaOp>(state);
}

//===----------------------------------------------------------------------===//
// MhaOp
//===----------------------------------------------------------------------===//

LogicalResult MhaOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                      Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  Value x = adaptor.getX();
  Value source = adaptor.getSource() ? adaptor.getSource() : x;
  ValueRange weights = adaptor.getWeights();
  Type element = getElementTypeOrSelf(x.getType());
  int64_t b = eitherOf(sizeOf(x, 0), sizeOf(source, 0)), m = sizeOf(x, 1);
  int64_t e = weights.empty() ? kDynamic : sizeOf(weights.back(), 0);
  types.push_back(RankedTensorType::get({b, m, e}, element));
  if (adaptor.getReturnsWeights())
    types.push_back(RankedTensorType::get(
        {b, adaptor.getHeadsAttr() ? int64_t(adaptor.getHeads()) : kDynamic, m,
         sizeOf(source, 1)},
        getAccumulatorTypeFor(element)));
  return success();
}

bool MhaOp::isCompatibleReturnTypes(TypeRange, TypeRange) { return true; }

void MhaOp::build(OpBuilder &builder, OperationState &state, Value x,
                  ValueRange weights, int64_t heads, bool returnsWeights) {
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.heads = builder.getI64IntegerAttr(heads);
  properties.operandSegmentSizes = {1, 0, int32_t(weights.size())};
  if (returnsWeights)
    properties.returns_weights = builder.getUnitAttr();
  state.addOperands(x);
  state.addOperands(weights);
  addRegionsAndTypes<MhaOp>(state);
}
