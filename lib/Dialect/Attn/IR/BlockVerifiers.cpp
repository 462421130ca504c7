//===- BlockVerifiers.cpp - Constraints of mha, heads, rope and norms
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// MhaOp
//===----------------------------------------------------------------------===//

/// What is added below a root, by qk_norm here or within mha.
static LogicalResult verifyEpsilon(Operation *op, const APFloat &epsilon) {
  // qk_norm_c3
  if (epsilon.isFinite() && !epsilon.isNegative())
    return success();
  return op->emitOpError() << "expects a finite eps >= 0, but got "
                           << epsilon.convertToDouble();
}

/// Rows of a weight [out, in] divided by the number of heads.
static LogicalResult expectMultiple(Operation *op, StringRef name, int64_t rows,
                                    int64_t heads) {
  if (ShapedType::isDynamic(rows) || rows % heads == 0)
    return success();
  return op->emitOpError() << "expects " << name << " (" << rows
                           << ") to be a multiple of the heads (" << heads
                           << ")";
}

static int64_t sizeOf(Value value, unsigned dim) {
  return cast<ShapedType>(value.getType()).getDimSize(dim);
}

/// rows / heads where the rows are static.
static int64_t perHead(int64_t rows, int64_t heads) {
  return ShapedType::isDynamic(rows) ? rows : rows / heads;
}

/// Rows of the input projections' weights, by the head counts. Sets the head
/// sizes `d` and `dv`.
static LogicalResult verifyMhaHeads(MhaOp op, int64_t &d, int64_t &dv) {
  OperandRange w = op.getWeights();
  int64_t heads = op.getHeads(), kvHeads = op.getNumKvHeads();
  // mha_c6
  if (op.getPacked()) {
    int64_t all = heads + 2 * kvHeads;
    d = dv = perHead(sizeOf(w[0], 0), all);
    return expectMultiple(op, "rows of the packed weight", sizeOf(w[0], 0),
                          all);
  }
  if (failed(expectMultiple(op, "rows of wq", sizeOf(w[0], 0), heads)) ||
      failed(expectMultiple(op, "rows of wk", sizeOf(w[1], 0), kvHeads)) ||
      failed(expectMultiple(op, "rows of wv", sizeOf(w[2], 0), kvHeads)))
    return failure();
  d = perHead(sizeOf(w[0], 0), heads);
  dv = perHead(sizeOf(w[2], 0), kvHeads);
  return expectDim(op, "key head size", perHead(sizeOf(w[1], 0), kvHeads),
                   "query head size", d);
}

static LogicalResult verifyMhaShapes(MhaOp op, int64_t &d) {
  OperandRange w = op.getWeights(), bias = op.getBiases();
  Value x = op.getX(), source = op.getKeySource(), y = op.getOutput();
  // mha_c5
  SmallVector<int64_t> inputs{sizeOf(x, 2)};
  if (!op.getPacked())
    inputs.append(2, sizeOf(source, 2));
  for (auto [i, input] : llvm::enumerate(inputs))
    if (failed(expectDim(op, "columns of weight #" + std::to_string(i),
                         sizeOf(w[i], 1), "the input size", input)))
      return failure();
  int64_t dv;
  if (failed(verifyMhaHeads(op, d, dv)))
    return failure();
  // mha_c7
  if (!ShapedType::isDynamic(dv) &&
      failed(expectDim(op, "columns of the output weight", sizeOf(w.back(), 1),
                       "heads * value head size", int64_t(op.getHeads()) * dv)))
    return failure();
  // mha_c8
  for (auto [i, value] : llvm::enumerate(bias))
    if (failed(expectVector(op, "bias #" + std::to_string(i), value,
                            "the rows of its weight", sizeOf(w[i], 0))))
      return failure();
  // mha_c9
  return failure(
      failed(expectDim(op, "output batch", sizeOf(y, 0), "input batch",
                       sizeOf(x, 0))) ||
      failed(expectDim(op, "output length", sizeOf(y, 1), "input length",
                       sizeOf(x, 1))) ||
      failed(expectDim(op, "output size", sizeOf(y, 2),
                       "rows of the output weight", sizeOf(w.back(), 0))));
}

/// Rope tables and norm weights, which act on heads of size `d`.
static LogicalResult verifyMhaHeadOps(MhaOp op, int64_t d) {
  // mha_c10
  if (bool(op.getRopeCos()) != bool(op.getRopeSin()) ||
      bool(op.getNormQ()) != bool(op.getNormK()) ||
      bool(op.getNormQ()) != bool(op.getNormEpsilonAttr()))
    return op.emitOpError("expects rope tables and qk_norm weights in pairs");
  // mha_c13
  if (op.getRopeCos())
    for (Value source : SmallVector<Value>{op.getX(), op.getKeySource()})
      if (failed(verifyRopeTables(op, op.getRopeCos(), op.getRopeSin(),
                                  sizeOf(source, 0), sizeOf(source, 1), d)))
        return failure();
  // mha_c14
  if (op.getNormQ()) {
    for (Value gamma : {op.getNormQ(), op.getNormK()})
      if (failed(expectFloats(op, "qk_norm weight", gamma)) ||
          failed(expectVector(op, "qk_norm weight", gamma, "the head size", d)))
        return failure();
    return verifyEpsilon(op, op.getNormEpsilonAttr().getValue());
  }
  return success();
}

static LogicalResult verifyMhaOperands(MhaOp op) {
  // mha_c1
  if (failed(expectRank(op, "x", op.getX(), 3)) ||
      failed(expectRank(op, "context", op.getKeySource(), 3)) ||
      failed(expectRank(op, "output", op.getOutput(), 3)))
    return failure();
  // mha_c2
  size_t expected = op.getPacked() ? 2 : 4;
  if (op.getWeights().size() != expected)
    return op.emitOpError() << "expects " << expected
                            << (op.getPacked() ? " packed weights (wqkv, wo)"
                                               : " weights (wq, wk, wv, wo)")
                            << ", but got " << op.getWeights().size();
  if (!op.getBiases().empty() && op.getBiases().size() != expected)
    return op.emitOpError() << "expects " << expected << " biases, but got "
                            << op.getBiases().size();
  if (op.getPacked() && op.getSource())
    return op.emitOpError("expects separate weights with a context: a packed "
                          "projection reads x alone");
  // mha_c3
  if (failed(expectFloats(op, "x", op.getX())))
    return failure();
  for (Value value :
       llvm::concat<Value>(op.getWeights(), op.getBiases(),
                           ValueRange{op.getKeySource(), op.getOutput()}))
    if (failed(expectElement(op, "every projection operand", value,
                             elementOf(op.getX()))))
      return failure();
  for (Value weight : op.getWeights())
    if (failed(expectRank(op, "weight", weight, 2)))
      return failure();
  // mha_c12
  return expectDim(op, "context batch", sizeOf(op.getKeySource(), 0),
                   "input batch", sizeOf(op.getX(), 0));
}

LogicalResult MhaOp::verify() {
  if (failed(verifyMhaOperands(*this)))
    return failure();
  // mha_c4
  if (int64_t(getHeads()) % getNumKvHeads() != 0)
    return emitOpError() << "expects heads (" << getHeads()
                         << ") to be a multiple of kv_heads ("
                         << getNumKvHeads() << ")";
  int64_t d;
  if (failed(verifyMhaShapes(*this, d)) || failed(verifyMhaHeadOps(*this, d)))
    return failure();
  FloatType accumulator = getAccumulatorTypeFor(elementOf(getX()));
  Problem p{sizeOf(getX(), 0), int64_t(getHeads()),       getNumKvHeads(),
            sizeOf(getX(), 1), sizeOf(getKeySource(), 1), d,
            accumulator};
  // mha_c15
  if (getReturnsWeights() != bool(getProbabilities()))
    return emitOpError() << "expects weights as a result exactly with "
                            "returns(weights)";
  // mha_c11
  if (Value weights = getProbabilities()) {
    if (failed(expectRank(*this, "weights", weights, 4)) ||
        failed(expectElement(*this, "weights", weights, accumulator)) ||
        failed(expectShape(*this, "weights", weights, {p.b, p.h, p.m, p.n})))
      return failure();
  }
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
  // split_heads_c3
  if (failed(expectMultiple(*this, "row size", sizeOf(getX(), 2), getHeads())))
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

LogicalResult attn::verifyRopeTables(Operation *op, Value cos, Value sin,
                                     int64_t b, int64_t s, int64_t d) {
  // rope_c1
  if (!isSupportedFloat(elementOf(cos)) || cos.getType() != sin.getType())
    return op->emitOpError()
           << "expects cos and sin tables of one floating-point type, but got "
           << cos.getType() << " and " << sin.getType();
  // rope_c2
  auto table = cast<ShapedType>(cos.getType());
  int64_t rank = table.getRank();
  if (rank != 2 && rank != 3)
    return op->emitOpError()
           << "expects tables [S, R/2] or [B, S, R/2], but got " << table;
  if (rank == 3 && failed(expectDim(op, "batch of the tables",
                                    table.getDimSize(0), "batch of x", b)))
    return failure();
  if (failed(expectDim(op, "length of the tables", table.getDimSize(rank - 2),
                       "length of x", s)))
    return failure();
  // rope_c3
  int64_t half = table.getDimSize(rank - 1);
  if (!ShapedType::isDynamic(half) && !ShapedType::isDynamic(d) && 2 * half > d)
    return op->emitOpError()
           << "expects at most " << d
           << " channels to turn, but the tables hold " << 2 * half;
  return success();
}

LogicalResult RopeOp::verify() {
  // rope_c4
  if (failed(expectRank(*this, "x", getX(), 4)) ||
      failed(expectFloats(*this, "x", getX())) ||
      failed(verifyLayout(*this, getLayout())))
    return failure();
  auto x = cast<ShapedType>(getX().getType());
  auto dim = [&](unsigned d) { return getLogicalDim(x, getLayout(), d); };
  return verifyRopeTables(*this, getCos(), getSin(), dim(0), dim(2), dim(3));
}

LogicalResult QkNormOp::verify() {
  // qk_norm_c1
  auto x = cast<ShapedType>(getX().getType());
  if (x.getRank() < 1)
    return emitOpError() << "expects x of rank >= 1, but got " << x;
  if (failed(expectFloats(*this, "x", getX())) ||
      failed(expectFloats(*this, "gamma", getGamma())))
    return failure();
  // qk_norm_c2
  if (failed(expectVector(*this, "gamma", getGamma(), "the head size",
                          x.getDimSize(x.getRank() - 1))))
    return failure();
  return verifyEpsilon(*this, getEpsilon());
}
