//===- Verifiers.cpp - One check per constraint label of dialects/attn/README.md
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// Helpers
//===----------------------------------------------------------------------===//

/// Two sizes that may be equal at run time.
static bool compatible(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

static std::string text(int64_t size) {
  return ShapedType::isDynamic(size) ? "?" : std::to_string(size);
}

static LogicalResult expectDim(Operation *op, StringRef name, int64_t found,
                               StringRef expectedName, int64_t expected) {
  if (compatible(found, expected))
    return success();
  return op->emitOpError() << "expects " << name << " (" << text(found)
                           << ") to equal " << expectedName << " ("
                           << text(expected) << ")";
}

static LogicalResult expectRank(Operation *op, StringRef name, Value value,
                                int64_t rank) {
  auto type = cast<ShapedType>(value.getType());
  if (type.getRank() == rank)
    return success();
  return op->emitOpError() << "expects " << name << " of rank " << rank
                           << ", but got " << type;
}

static Type elementOf(Value value) {
  return getElementTypeOrSelf(value.getType());
}

static bool isSupportedFloat(Type type) {
  return type.isF64() || type.isF32() || type.isF16() || type.isBF16();
}

static LogicalResult expectElement(Operation *op, StringRef name, Value value,
                                   Type expected) {
  if (elementOf(value) == expected)
    return success();
  return op->emitOpError() << "expects " << name << " of element type "
                           << expected << ", but got " << value.getType();
}

/// `value` broadcasts, aligned to the right, to `shape`.
static LogicalResult expectBroadcast(Operation *op, StringRef name, Value value,
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
  diag << "expects " << name << " to broadcast to [B, H, M, N] = [";
  llvm::interleaveComma(shape, diag, [&](int64_t s) { diag << text(s); });
  return diag << "], but got " << type;
}

/// The clauses that sdpa and mha share; `prefix` labels: sdpa_cN.
namespace {
struct Problem {
  int64_t b, h, hkv, m, n;
  FloatType accumulator;
};
} // namespace

static LogicalResult verifyRegion(Operation *op, StringRef name, Region &region,
                                  ArrayRef<Type> arguments, Type yielded) {
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
  auto yield = dyn_cast<YieldOp>(region.front().back());
  if (!yield || yield.getValue().getType() != yielded)
    return op->emitOpError()
           << "expects the " << name << " region to yield " << yielded;
  // sdpa_c18
  for (Operation &inner : region.front().without_terminator()) {
    if (isMemoryEffectFree(&inner) && inner.getNumRegions() == 0)
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

static LogicalResult verifyCaptures(Operation *op, OperandRange captures,
                                    ArrayAttr maps,
                                    SmallVectorImpl<Type> &elements) {
  // sdpa_c14
  size_t count = maps ? maps.size() : 0;
  if (count != captures.size())
    return op->emitOpError() << "expects one map per capture ("
                             << captures.size() << "), but got " << count;
  for (auto [i, capture] : llvm::enumerate(captures)) {
    AffineMap map = cast<AffineMapAttr>(maps[i]).getValue();
    auto shaped = dyn_cast<ShapedType>(capture.getType());
    int64_t rank = shaped ? shaped.getRank() : 0;
    // sdpa_c15
    if (map.getNumDims() != 4 || map.getNumSymbols() != 0 ||
        map.getNumResults() != rank)
      return op->emitOpError()
             << "expects capture #" << i << " to be indexed by " << rank
             << " expressions of (b, h, m, n), but got " << map.getNumResults();
    elements.push_back(elementOf(capture));
    if (!elements.back().isIntOrIndexOrFloat())
      return op->emitOpError()
             << "expects capture #" << i << " to hold scalars, but got "
             << capture.getType();
  }
  return success();
}

static LogicalResult verifyScoreAndMask(Operation *op, Type accumulator,
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

/// tensor<size x element>, for per-head and per-batch values.
static LogicalResult expectVector(Operation *op, StringRef name, Value value,
                                  StringRef letter, int64_t size) {
  if (failed(expectRank(op, name, value, 1)))
    return failure();
  return expectDim(op, ("size of " + name).str(),
                   cast<ShapedType>(value.getType()).getDimSize(0), letter,
                   size);
}

template <typename OpTy>
static LogicalResult verifyVariants(OpTy op, const Problem &p) {
  // sdpa_c8
  for (auto [name, value] :
       {std::pair<StringRef, Value>{"scale", op.getScale()},
        {"softcap", op.getSoftcap()}})
    if (value && value.getType() != p.accumulator)
      return op.emitOpError()
             << "expects " << name << " of type " << p.accumulator
             << ", but got " << value.getType();
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
    if (failed(expectVector(op, name, value, "H", p.h)))
      return failure();
    if (!isSupportedFloat(elementOf(value)))
      return op.emitOpError()
             << "expects " << name << " of floating-point type, but got "
             << value.getType();
  }
  // sdpa_c12
  if (Value lens = op.getKvLens()) {
    if (failed(expectVector(op, "kv_lens", lens, "B", p.b)))
      return failure();
    if (!elementOf(lens).isIntOrIndex() || elementOf(lens).isInteger(1))
      return op.emitOpError()
             << "expects kv_lens of integer type, but got " << lens.getType();
  }
  // sdpa_c13
  SmallVector<int64_t> shape{p.b, p.h, p.m, p.n};
  if (Value additive = op.getAdditive()) {
    if (failed(expectBroadcast(op, "additive", additive, shape)))
      return failure();
    if (!isSupportedFloat(elementOf(additive)))
      return op.emitOpError() << "expects additive of floating-point type, but "
                                 "got "
                              << additive.getType();
  }
  if (Value keep = op.getKeep()) {
    if (failed(expectBroadcast(op, "keep", keep, shape)) ||
        failed(expectElement(op, "keep", keep,
                             IntegerType::get(op.getContext(), 1))))
      return failure();
  }
  SmallVector<Type> captures;
  if (failed(verifyCaptures(op, op.getCaptures(), op.getCaptureMapsAttr(),
                            captures)))
    return failure();
  return verifyScoreAndMask(op, p.accumulator, captures, op.getScore(),
                            op.getMask());
}

static LogicalResult verifyLayouts(Operation *op, ArrayAttr layouts,
                                   size_t count) {
  // sdpa_c7
  if (!layouts)
    return success();
  bool ok = layouts.size() == count;
  for (AffineMap map : layouts.getAsValueRange<AffineMapAttr>())
    ok &= map.isPermutation() && map.getNumDims() == 4;
  if (ok)
    return success();
  return op->emitOpError() << "expects " << count
                           << " layouts that permute (b, h, s, d)";
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
  if (!isSupportedFloat(element))
    return emitOpError() << "expects operands of type f64, f32, f16 or bf16, "
                            "but got "
                         << element;
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
  Problem p{dim(q, 0, 0), dim(q, 0, 1), dim(k, 1, 1),
            dim(q, 0, 2), dim(k, 1, 2), getAccumulatorType()};
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
        failed(expectElement(op, name, value, p.accumulator)))
      return failure();
    for (int64_t i = 0; i < rank; ++i)
      if (failed(expectDim(op, ("dimension of " + name).str(),
                           cast<ShapedType>(value.getType()).getDimSize(i),
                           "that of [B, H, M, N]", shape[i])))
        return failure();
  }
  // sdpa_c19
  if (dim(q, 0, 3) == 0 && !getScale())
    return emitOpError("expects an explicit scale where the head size is 0");
  // sdpa_c20
  if (!getOffsets().empty() && getOffsets().size() != 3)
    return emitOpError() << "expects tile offsets (b, h, m), but got "
                         << getOffsets().size();
  return verifyVariants(*this, p);
}

//===----------------------------------------------------------------------===//
// MhaOp
//===----------------------------------------------------------------------===//

/// Rows of a weight [out, in] divided by the number of heads.
static LogicalResult expectMultiple(Operation *op, StringRef name, int64_t rows,
                                    int64_t heads) {
  if (ShapedType::isDynamic(rows) || rows % heads == 0)
    return success();
  return op->emitOpError() << "expects " << name << " (" << rows
                           << ") to be a multiple of the heads (" << heads
                           << ")";
}

static LogicalResult verifyMhaShapes(MhaOp op) {
  auto size = [](Value value, unsigned i) {
    return cast<ShapedType>(value.getType()).getDimSize(i);
  };
  OperandRange w = op.getWeights(), bias = op.getBiases();
  int64_t heads = op.getHeads(), kvHeads = op.getNumKvHeads();
  int64_t e = size(op.getX(), 2), ec = size(op.getKeySource(), 2);
  // mha_c5
  SmallVector<int64_t> inputs = op.getPacked()
                                    ? SmallVector<int64_t>{e}
                                    : SmallVector<int64_t>{e, ec, ec};
  for (auto [i, input] : llvm::enumerate(inputs))
    if (failed(expectDim(op, "columns of weight #" + std::to_string(i),
                         size(w[i], 1), "the input size", input)))
      return failure();
  // mha_c6
  if (op.getPacked()) {
    if (failed(expectMultiple(op, "rows of the packed weight", size(w[0], 0),
                              heads + 2 * kvHeads)))
      return failure();
  } else if (failed(expectMultiple(op, "rows of wq", size(w[0], 0), heads)) ||
             failed(expectMultiple(op, "rows of wk", size(w[1], 0), kvHeads)) ||
             failed(expectMultiple(op, "rows of wv", size(w[2], 0), kvHeads))) {
    return failure();
  }
  if (!op.getPacked() && !ShapedType::isDynamic(size(w[0], 0)) &&
      !ShapedType::isDynamic(size(w[1], 0)) &&
      size(w[0], 0) / heads != size(w[1], 0) / kvHeads)
    return op.emitOpError()
           << "expects key head size (" << size(w[1], 0) / kvHeads
           << ") to equal query head size (" << size(w[0], 0) / heads << ")";
  // mha_c7
  int64_t dv = ShapedType::kDynamic;
  if (op.getPacked() && !ShapedType::isDynamic(size(w[0], 0)))
    dv = size(w[0], 0) / (heads + 2 * kvHeads);
  else if (!op.getPacked() && !ShapedType::isDynamic(size(w[2], 0)))
    dv = size(w[2], 0) / kvHeads;
  if (!ShapedType::isDynamic(dv) &&
      failed(expectDim(op, "columns of the output weight", size(w.back(), 1),
                       "heads * value head size", heads * dv)))
    return failure();
  // mha_c8
  for (auto [i, value] : llvm::enumerate(bias))
    if (failed(expectVector(op, "bias #" + std::to_string(i), value,
                            "the rows of its weight", size(w[i], 0))))
      return failure();
  // mha_c9
  auto out = cast<ShapedType>(op.getOutput().getType());
  if (failed(expectDim(op, "output batch", out.getDimSize(0), "input batch",
                       size(op.getX(), 0))) ||
      failed(expectDim(op, "output length", out.getDimSize(1), "input length",
                       size(op.getX(), 1))) ||
      failed(expectDim(op, "output size", out.getDimSize(2),
                       "rows of the output weight", size(w.back(), 0))))
    return failure();
  return success();
}

LogicalResult MhaOp::verify() {
  // mha_c1
  if (failed(expectRank(*this, "x", getX(), 3)) ||
      failed(expectRank(*this, "context", getKeySource(), 3)) ||
      failed(expectRank(*this, "output", getOutput(), 3)))
    return failure();
  // mha_c2
  size_t expected = getPacked() ? 2 : 4;
  if (getWeights().size() != expected)
    return emitOpError() << "expects " << expected
                         << (getPacked() ? " packed weights (wqkv, wo)"
                                         : " weights (wq, wk, wv, wo)")
                         << ", but got " << getWeights().size();
  if (!getBiases().empty() && getBiases().size() != expected)
    return emitOpError() << "expects " << expected << " biases, but got "
                         << getBiases().size();
  if (getPacked() && getSource())
    return emitOpError("expects separate weights with a context: a packed "
                       "projection reads x alone");
  // mha_c3
  Type element = elementOf(getX());
  if (!isSupportedFloat(element))
    return emitOpError() << "expects operands of type f64, f32, f16 or bf16, "
                            "but got "
                         << element;
  for (Value value : llvm::concat<Value>(
           getWeights(), getBiases(), ValueRange{getKeySource(), getOutput()}))
    if (failed(
            expectElement(*this, "every projection operand", value, element)))
      return failure();
  for (Value weight : getWeights())
    if (failed(expectRank(*this, "weight", weight, 2)))
      return failure();
  // mha_c4
  if (int64_t(getHeads()) % getNumKvHeads() != 0)
    return emitOpError() << "expects heads (" << getHeads()
                         << ") to be a multiple of kv_heads ("
                         << getNumKvHeads() << ")";
  if (failed(verifyMhaShapes(*this)))
    return failure();
  // mha_c10
  if (bool(getRopeCos()) != bool(getRopeSin()) ||
      bool(getNormQ()) != bool(getNormK()) ||
      bool(getNormQ()) != bool(getNormEpsilonAttr()))
    return emitOpError("expects rope tables and qk_norm weights in pairs");
  FloatType accumulator = getAccumulatorTypeFor(element);
  auto x = cast<ShapedType>(getX().getType());
  int64_t n = cast<ShapedType>(getKeySource().getType()).getDimSize(1);
  Problem p{
      x.getDimSize(0), int64_t(getHeads()), getNumKvHeads(), x.getDimSize(1), n,
      accumulator};
  // mha_c11
  if (Value weights = getProbabilities())
    if (failed(expectRank(*this, "weights", weights, 4)) ||
        failed(expectElement(*this, "weights", weights, accumulator)))
      return failure();
  return verifyVariants(*this, p);
}

//===----------------------------------------------------------------------===//
// Heads, rope, norm
//===----------------------------------------------------------------------===//

/// `heads` [B, H, S, D] and `rows` [B, S, H*D] describe the same elements.
static LogicalResult verifyHeads(Operation *op, Value rows, Value heads) {
  if (failed(expectRank(op, "rows", rows, 3)) ||
      failed(expectRank(op, "heads", heads, 4)) ||
      failed(expectElement(op, "result", op->getResult(0),
                           elementOf(op->getOperand(0)))))
    return failure();
  auto r = cast<ShapedType>(rows.getType()),
       h = cast<ShapedType>(heads.getType());
  if (failed(expectDim(op, "batch of heads", h.getDimSize(0), "batch of rows",
                       r.getDimSize(0))) ||
      failed(expectDim(op, "length of heads", h.getDimSize(2), "length of rows",
                       r.getDimSize(1))))
    return failure();
  if (h.isDynamicDim(1) || h.isDynamicDim(3))
    return success();
  return expectDim(op, "heads * head size", h.getDimSize(1) * h.getDimSize(3),
                   "row size", r.getDimSize(2));
}

LogicalResult SplitHeadsOp::verify() {
  // split_heads_c1
  if (failed(verifyHeads(*this, getX(), getResult())))
    return failure();
  // split_heads_c2
  return expectDim(*this, "heads of the result",
                   cast<ShapedType>(getResult().getType()).getDimSize(1),
                   "the heads attribute", getHeads());
}

LogicalResult MergeHeadsOp::verify() {
  // merge_heads_c1
  return verifyHeads(*this, getResult(), getX());
}

LogicalResult RopeOp::verify() {
  // rope_c1
  if (failed(expectRank(*this, "x", getX(), 4)))
    return failure();
  if (!isSupportedFloat(elementOf(getX())) ||
      !isSupportedFloat(elementOf(getCos())) ||
      getCos().getType() != getSin().getType())
    return emitOpError("expects floating-point operands and cos and sin tables "
                       "of one type");
  // rope_c2
  auto table = cast<ShapedType>(getCos().getType());
  auto x = cast<ShapedType>(getX().getType());
  AffineMap layout = getLayout();
  if (table.getRank() != 2 && table.getRank() != 3)
    return emitOpError() << "expects tables [S, R/2] or [B, S, R/2], but got "
                         << table;
  if (table.getRank() == 3 &&
      failed(expectDim(*this, "batch of the tables", table.getDimSize(0),
                       "batch of x", getLogicalDim(x, layout, 0))))
    return failure();
  int64_t rank = table.getRank();
  if (failed(expectDim(*this, "length of the tables",
                       table.getDimSize(rank - 2), "length of x",
                       getLogicalDim(x, layout, 2))))
    return failure();
  // rope_c3
  int64_t half = table.getDimSize(rank - 1), d = getLogicalDim(x, layout, 3);
  if (!ShapedType::isDynamic(half) && !ShapedType::isDynamic(d) && 2 * half > d)
    return emitOpError() << "expects at most " << d
                         << " channels to turn, but the tables hold "
                         << 2 * half;
  return success();
}

LogicalResult QkNormOp::verify() {
  // qk_norm_c1
  auto x = cast<ShapedType>(getX().getType());
  if (x.getRank() < 1 || !isSupportedFloat(x.getElementType()))
    return emitOpError() << "expects floating-point x of rank >= 1, but got "
                         << x;
  // qk_norm_c2
  if (failed(expectVector(*this, "gamma", getGamma(), "the head size",
                          x.getDimSize(x.getRank() - 1))))
    return failure();
  // qk_norm_c3
  if (!getEpsilon().isFinite() || getEpsilon().isNegative())
    return emitOpError("expects a finite eps >= 0");
  return success();
}

//===----------------------------------------------------------------------===//
// Tile level
//===----------------------------------------------------------------------===//

LogicalResult OnlineSdpaOp::verify() {
  // online_sdpa_c1
  for (auto [name, value] : {std::pair<StringRef, Value>{"query", getQuery()},
                             {"key", getKey()},
                             {"value", getValue()}})
    if (failed(expectRank(*this, name, value, 4)))
      return failure();
  if (failed(verifyLayouts(*this, getLayoutsAttr(), 3)))
    return failure();
  // online_sdpa_c2
  Type accumulator = getPartial().getType().getAccumulator();
  Type expected = getAccumulatorTypeFor(elementOf(getQuery()));
  if (accumulator != expected || getScale().getType() != expected)
    return emitOpError() << "expects scale and accumulator of type " << expected
                         << ", but got " << getScale().getType() << " and "
                         << accumulator;
  // online_sdpa_c3
  for (auto [name, value, operand] :
       {std::tuple<StringRef, Value, unsigned>{"query", getQuery(), 0},
        {"key", getKey(), 1},
        {"value", getValue(), 2}}) {
    auto type = cast<ShapedType>(value.getType());
    for (unsigned d : {0u, 1u})
      if (failed(expectDim(*this, (d ? "heads of " : "batch of ") + name.str(),
                           getLogicalDim(type, getLayout(operand), d), "one",
                           1)))
        return failure();
  }
  SmallVector<Type> captures;
  if (failed(
          verifyCaptures(*this, getCaptures(), getCaptureMapsAttr(), captures)))
    return failure();
  return verifyScoreAndMask(*this, accumulator, captures, getScore(),
                            getMask());
}

LogicalResult FinalizeOp::verify() {
  // finalize_c1
  size_t count = getInits().size();
  if (count < 1 || count > 2)
    return emitOpError() << "expects one or two destinations, but got "
                         << count;
  if (failed(expectRank(*this, "output", getInits()[0], 4)))
    return failure();
  // finalize_c2
  Type accumulator = getPartial().getType().getAccumulator();
  if (count == 2 &&
      (failed(expectRank(*this, "lse", getInits()[1], 3)) ||
       failed(expectElement(*this, "lse", getInits()[1], accumulator))))
    return failure();
  if (getSink() && getSink().getType() != accumulator)
    return emitOpError() << "expects sink of type " << accumulator
                         << ", but got " << getSink().getType();
  return success();
}

LogicalResult PackedMatmulOp::verify() {
  // packed_matmul_c1
  if (failed(expectRank(*this, "x", getX(), 2)) ||
      failed(expectRank(*this, "packed weight", getPacked(), 3)) ||
      failed(expectRank(*this, "destination", getInit(), 2)))
    return failure();
  auto x = cast<ShapedType>(getX().getType());
  auto w = cast<ShapedType>(getPacked().getType());
  auto y = cast<ShapedType>(getInit().getType());
  // packed_matmul_c2
  if (failed(expectDim(*this, "depth of the packed weight", w.getDimSize(1),
                       "columns of x", x.getDimSize(1))) ||
      failed(expectDim(*this, "rows of the destination", y.getDimSize(0),
                       "rows of x", x.getDimSize(0))))
    return failure();
  if (w.isDynamicDim(2))
    return emitOpError("expects a static panel width");
  if (!w.isDynamicDim(0) && !y.isDynamicDim(1) &&
      uint64_t(w.getDimSize(0)) !=
          llvm::divideCeil(y.getDimSize(1), w.getDimSize(2)))
    return emitOpError() << "expects "
                         << llvm::divideCeil(y.getDimSize(1), w.getDimSize(2))
                         << " panels of " << w.getDimSize(2)
                         << " columns, but got " << w.getDimSize(0);
  // packed_matmul_c3
  if (getBias() &&
      failed(expectVector(*this, "bias", getBias(),
                          "columns of the destination", y.getDimSize(1))))
    return failure();
  return success();
}

LogicalResult ParallelCallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // parallel_call_c1
  auto callee = symbols.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "expects a function, but found no "
                         << getCalleeAttr();
  SmallVector<Type> expected{IndexType::get(getContext())};
  llvm::append_range(expected, getArgs().getTypes());
  if (!llvm::equal(callee.getArgumentTypes(), expected) ||
      !callee.getResultTypes().empty())
    return emitOpError() << "expects " << getCalleeAttr()
                         << " to take an index and the arguments given, and "
                            "to return nothing";
  return success();
}
