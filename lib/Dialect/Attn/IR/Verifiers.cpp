//===- Verifiers.cpp - One check per constraint label of dialects/attn/README.md
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

bool attn::compatible(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

static std::string text(int64_t size) {
  return ShapedType::isDynamic(size) ? "?" : std::to_string(size);
}

LogicalResult attn::expectDim(Operation *op, StringRef name, int64_t found,
                              StringRef expectedName, int64_t expected) {
  if (compatible(found, expected))
    return success();
  return op->emitOpError() << "expects " << name << " (" << text(found)
                           << ") to equal " << expectedName << " ("
                           << text(expected) << ")";
}

LogicalResult attn::expectRank(Operation *op, StringRef name, Value value,
                               int64_t rank) {
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() == rank)
    return success();
  return op->emitOpError() << "expects " << name << " of rank " << rank
                           << ", but got " << type;
}

Type attn::elementOf(Value value) {
  return getElementTypeOrSelf(value.getType());
}

bool attn::isSupportedFloat(Type type) {
  return type.isF64() || type.isF32() || type.isF16() || type.isBF16();
}

LogicalResult attn::expectElement(Operation *op, StringRef name, Value value,
                                  Type expected) {
  if (elementOf(value) == expected)
    return success();
  return op->emitOpError() << "expects " << name << " of element type "
                           << expected << ", but got " << value.getType();
}

LogicalResult attn::expectFloats(Operation *op, StringRef name, Value value) {
  if (isSupportedFloat(elementOf(value)))
    return success();
  return op->emitOpError() << "expects " << name
                           << " of type f64, f32, f16 or bf16, but got "
                           << value.getType();
}

LogicalResult attn::expectIntegers(Operation *op, StringRef name, Value value) {
  Type element = elementOf(value);
  if (element.isSignlessIntOrIndex() && !element.isInteger(1))
    return success();
  return op->emitOpError() << "expects " << name
                           << " of signless integer type, but got "
                           << value.getType();
}

LogicalResult attn::expectShape(Operation *op, StringRef name, Value value,
                                ArrayRef<int64_t> shape) {
  auto type = cast<ShapedType>(value.getType());
  if (llvm::all_of(llvm::zip(type.getShape(), shape), [](auto pair) {
        return compatible(std::get<0>(pair), std::get<1>(pair));
      }))
    return success();
  InFlightDiagnostic diag = op->emitOpError();
  diag << "expects " << name << " of shape [";
  llvm::interleaveComma(shape, diag, [&](int64_t s) { diag << text(s); });
  return diag << "], but got " << type;
}

LogicalResult attn::expectBroadcast(Operation *op, StringRef name, Value value,
                                    StringRef letters,
                                    ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t rank = type.getRank(), full = shape.size();
  bool ok = rank <= full;
  for (int64_t i = 0; ok && i < rank; ++i) {
    int64_t size = type.getDimSize(i);
    ok = size == 1 || compatible(size, shape[full - rank + i]);
  }
  if (ok)
    return success();
  InFlightDiagnostic diag = op->emitOpError();
  diag << "expects " << name << " to broadcast to " << letters << " = [";
  llvm::interleaveComma(shape, diag, [&](int64_t s) { diag << text(s); });
  return diag << "], but got " << type;
}

static LogicalResult verifyRegion(Operation *op, StringRef name, Region &region,
                                  ArrayRef<Type> arguments,
                                  ArrayRef<Type> yielded) {
  if (region.empty())
    return success();
  // sdpa_c16
  if (!region.hasOneBlock() ||
      !llvm::equal(region.getArgumentTypes(), arguments)) {
    InFlightDiagnostic diag = op->emitOpError();
    diag << "expects the " << name
         << " region to be one block with arguments (";
    llvm::interleaveComma(arguments, diag);
    diag << "), but got (";
    llvm::interleaveComma(region.getArgumentTypes(), diag);
    return diag << ")";
  }
  // sdpa_c17
  YieldOp yield;
  if (!region.front().empty())
    yield = dyn_cast<YieldOp>(region.front().back());
  if (!yield || !llvm::equal(yield.getValues().getTypes(), yielded)) {
    InFlightDiagnostic diag = op->emitOpError();
    diag << "expects the " << name << " region to yield ";
    llvm::interleaveComma(yielded, diag);
    return diag;
  }
  // sdpa_c18
  auto isScalar = [](Type type) { return type.isIntOrIndexOrFloat(); };
  for (Operation &inner : region.front().without_terminator()) {
    if (isMemoryEffectFree(&inner) && inner.getNumRegions() == 0 &&
        llvm::all_of(inner.getResultTypes(), isScalar))
      continue;
    InFlightDiagnostic diag = op->emitOpError()
                              << "expects only scalar ops without side effects "
                                 "in the "
                              << name << " region, but got '" << inner.getName()
                              << "'";
    diag.attachNote(inner.getLoc()) << "op here";
    return diag;
  }
  return success();
}

LogicalResult attn::verifyCaptures(Operation *op, OperandRange captures,
                                   ArrayAttr maps,
                                   SmallVectorImpl<Type> &elements) {
  // sdpa_c14
  size_t count = maps ? maps.size() : 0;
  if (count != captures.size())
    return op->emitOpError() << "expects one map per capture ("
                             << captures.size() << "), but got " << count;
  for (auto [i, capture] : llvm::enumerate(captures)) {
    AffineMap map = cast<AffineMapAttr>(maps[i]).getValue();
    // sdpa_c21
    auto shaped = dyn_cast<ShapedType>(capture.getType());
    bool readable = !shaped || (shaped.hasRank() && !isa<VectorType>(shaped));
    if (!readable || !elementOf(capture).isSignlessIntOrIndexOrFloat())
      return op->emitOpError()
             << "expects capture #" << i
             << " to be a scalar or a ranked tensor of scalars, but got "
             << capture.getType();
    elements.push_back(elementOf(capture));
    // sdpa_c15
    int64_t rank = shaped ? shaped.getRank() : 0;
    if (map.getNumDims() != 4 || map.getNumSymbols() != 0 ||
        map.getNumResults() != rank)
      return op->emitOpError()
             << "expects capture #" << i << " to be indexed by " << rank
             << " expressions of (b, h, m, n), but got " << map.getNumResults();
  }
  return success();
}

/// A capture that is read at b, h, m or n itself holds all of them; tiles
/// read further.
static LogicalResult verifyCaptureSizes(Operation *op, OperandRange captures,
                                        ArrayAttr maps,
                                        ArrayRef<int64_t> sizes) {
  static constexpr const char *kNames[] = {"b", "h", "m", "n"};
  // sdpa_c22
  for (auto [i, capture] : llvm::enumerate(captures)) {
    auto shaped = dyn_cast<ShapedType>(capture.getType());
    AffineMap map = cast<AffineMapAttr>(maps[i]).getValue();
    for (auto [j, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || shaped.isDynamicDim(j) ||
          ShapedType::isDynamic(sizes[dim.getPosition()]) ||
          shaped.getDimSize(j) >= sizes[dim.getPosition()])
        continue;
      return op->emitOpError()
             << "expects dimension " << j << " of capture #" << i
             << " to hold every " << kNames[dim.getPosition()] << " ("
             << sizes[dim.getPosition()] << "), but got " << capture.getType();
    }
  }
  return success();
}

LogicalResult attn::verifyScoreAndMask(Operation *op, Type accumulator,
                                       ArrayRef<Type> captures, Region &score,
                                       Region &mask) {
  SmallVector<Type> arguments(4, IndexType::get(op->getContext()));
  llvm::append_range(arguments, captures);
  SmallVector<Type> scoreArguments{accumulator};
  llvm::append_range(scoreArguments, arguments);
  if (failed(verifyRegion(op, "score", score, scoreArguments, accumulator)))
    return failure();
  return verifyRegion(op, "mask", mask, arguments,
                      IntegerType::get(op->getContext(), 1));
}

LogicalResult attn::verifyBlocks(Operation *op, ArrayRef<Type> captures,
                                 Region &blocks) {
  SmallVector<Type> arguments(6, IndexType::get(op->getContext()));
  llvm::append_range(arguments, captures);
  Type truth = IntegerType::get(op->getContext(), 1);
  return verifyRegion(op, "blocks", blocks, arguments, {truth, truth});
}

LogicalResult attn::expectVector(Operation *op, StringRef name, Value value,
                                 StringRef letter, int64_t size) {
  if (failed(expectRank(op, name, value, 1)))
    return failure();
  return expectDim(op, ("size of " + name).str(),
                   cast<ShapedType>(value.getType()).getDimSize(0), letter,
                   size);
}

template <typename OpTy>
LogicalResult attn::verifyVariants(OpTy op, const Problem &p) {
  // sdpa_c8
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"scale", op.getScale()},
        {"softcap", op.getSoftcap()}})
    if (value && value.getType() != p.accumulator)
      return op.emitOpError()
             << "expects " << name << " of type " << p.accumulator
             << ", but got " << value.getType();
  // sdpa_c19
  if (p.d == 0 && !op.getScale())
    return op.emitOpError("expects an explicit scale where the head size is 0");
  // sdpa_c9
  bool wantsOffset = op.getCausal() == Causal::Offset;
  if (wantsOffset != bool(op.getCausalOffset()))
    return op.emitOpError() << "expects a causal offset exactly with "
                               "causal(%offset)";
  // sdpa_c10
  if (std::optional<ArrayRef<int64_t>> window = op.getStaticWindow()) {
    if (window->size() != 2 || llvm::count(*window, ShapedType::kDynamic) !=
                                   int64_t(op.getWindow().size()))
      return op.emitOpError("expects a window of two sizes (left, right)");
    for (int64_t size : *window)
      if (!ShapedType::isDynamic(size) && size < -1)
        return op.emitOpError()
               << "expects window sizes >= -1 (-1: unbounded), but got "
               << size;
  } else if (!op.getWindow().empty()) {
    return op.emitOpError("expects a window of two sizes (left, right)");
  }
  // sdpa_c11
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"alibi", op.getAlibi()},
        {"sinks", op.getSinks()}}) {
    if (!value)
      continue;
    if (failed(expectVector(op, name, value, "H", p.h)) ||
        failed(expectFloats(op, name, value)))
      return failure();
  }
  // sdpa_c12
  if (Value lens = op.getKvLens()) {
    if (failed(expectVector(op, "kv_lens", lens, "B", p.b)))
      return failure();
    if (failed(expectIntegers(op, "kv_lens", lens)))
      return failure();
  }
  // sdpa_c13
  SmallVector<int64_t> shape{p.b, p.h, p.m, p.n};
  if (Value additive = op.getAdditive()) {
    if (failed(
            expectBroadcast(op, "additive", additive, "[B, H, M, N]", shape)) ||
        failed(expectFloats(op, "additive", additive)))
      return failure();
  }
  if (Value keep = op.getKeep()) {
    if (failed(expectBroadcast(op, "keep", keep, "[B, H, M, N]", shape)) ||
        failed(expectElement(op, "keep", keep,
                             IntegerType::get(op.getContext(), 1))))
      return failure();
  }
  if (failed(verifyPlaces(op, p)))
    return failure();
  SmallVector<Type> captures;
  if (failed(verifyCaptures(op, op.getCaptures(), op.getCaptureMapsAttr(),
                            captures)) ||
      failed(verifyCaptureSizes(op, op.getCaptures(), op.getCaptureMapsAttr(),
                                shape)))
    return failure();
  return verifyScoreAndMask(op, p.accumulator, captures, op.getScore(),
                            op.getMask());
}

template LogicalResult attn::verifyVariants(MhaOp, const Problem &);
template LogicalResult attn::verifyVariants(SdpaOp, const Problem &);

LogicalResult attn::verifyLayout(Operation *op, AffineMap layout) {
  // sdpa_c7
  if (layout.isPermutation() && layout.getNumDims() == 4)
    return success();
  return op->emitOpError() << "expects a layout that permutes (b, h, s, d), "
                              "but got "
                           << AffineMapAttr::get(layout);
}

LogicalResult attn::verifyLayouts(Operation *op, ArrayAttr layouts,
                                  size_t count) {
  // sdpa_c23
  if (!layouts)
    return success();
  if (layouts.size() != count)
    return op->emitOpError()
           << "expects " << count << " layouts, but got " << layouts.size();
  for (AffineMap layout : layouts.getAsValueRange<AffineMapAttr>())
    if (failed(verifyLayout(op, layout)))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// SdpaOp
//===----------------------------------------------------------------------===//

LogicalResult SdpaOp::verify() {
  Operation *op = *this;
  // sdpa_c1
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()},
                             {"output", getOutput()}})
    if (failed(expectRank(op, name, value, 4)))
      return failure();
  // sdpa_c2
  Type element = elementOf(getQuery());
  if (failed(expectFloats(op, "query", getQuery())))
    return failure();
  for (auto [name, value] : {std::pair<StringRef, Value>{"key", getKey()},
                             {"value", getValue()},
                             {"output", getOutput()}})
    if (failed(expectElement(op, name, value, element)))
      return failure();
  if (failed(verifyLayouts(op, getLayoutsAttr(), 4)))
    return failure();

  auto dim = [&](Value value, unsigned operand, unsigned d) {
    return getLogicalDim(cast<ShapedType>(value.getType()), getLayout(operand),
                         d);
  };
  Value q = getQuery(), k = getKey(), v = getValue(), o = getOutput();
  Problem p{dim(q, 0, 0), dim(q, 0, 1), dim(k, 1, 1),        dim(q, 0, 2),
            dim(k, 1, 2), dim(q, 0, 3), getAccumulatorType()};
  // sdpa_c3
  if (failed(expectDim(op, "key batch", dim(k, 1, 0), "query batch", p.b)) ||
      failed(expectDim(op, "value batch", dim(v, 2, 0), "query batch", p.b)) ||
      failed(expectDim(op, "value heads", dim(v, 2, 1), "key heads", p.hkv)) ||
      failed(expectDim(op, "value length", dim(v, 2, 2), "key length", p.n)) ||
      failed(expectDim(op, "key head size", dim(k, 1, 3), "query head size",
                       dim(q, 0, 3))))
    return failure();
  // sdpa_c4
  if (!ShapedType::isDynamic(p.h) && !ShapedType::isDynamic(p.hkv) &&
      (p.hkv == 0 ? p.h != 0 : p.h % p.hkv != 0))
    return emitOpError() << "expects query heads (" << p.h
                         << ") to be a multiple of key heads (" << p.hkv << ")";
  // sdpa_c5
  if (failed(expectDim(op, "output batch", dim(o, 3, 0), "query batch", p.b)) ||
      failed(expectDim(op, "output heads", dim(o, 3, 1), "query heads", p.h)) ||
      failed(
          expectDim(op, "output length", dim(o, 3, 2), "query length", p.m)) ||
      failed(expectDim(op, "output head size", dim(o, 3, 3), "value head size",
                       dim(v, 2, 3))))
    return failure();
  // sdpa_c6
  SmallVector<int64_t> shape{p.b, p.h, p.m, p.n};
  for (auto [name, value, rank] :
       {std::tuple<StringRef, Value, int64_t>{"lse", getLse(), 3},
        {"weights", getWeights(), 4}}) {
    if (!value)
      continue;
    if (failed(expectRank(op, name, value, rank)) ||
        failed(expectElement(op, name, value, p.accumulator)) ||
        failed(expectShape(op, name, value, ArrayRef(shape).take_front(rank))))
      return failure();
  }
  // sdpa_c20
  if (!getOffsets().empty() && getOffsets().size() != 3)
    return emitOpError() << "expects tile offsets (b, h, m), but got "
                         << getOffsets().size();
  return verifyVariants(*this, p);
}
