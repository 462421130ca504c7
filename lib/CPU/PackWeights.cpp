//===- PackWeights.cpp - Products with a matrix as packed products --------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile of the product kernel reads NR neighbouring columns of the
// weight for each k. Packed so, the whole weight is read in memory order, once
// per block of rows; attn-cpu-hoist-weights then moves the packing out of the
// entry where the weight is known before the call.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace attn {
#define GEN_PASS_DEF_CPUPACKWEIGHTSPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

/// y[p..., n] = sum_k x[p..., k] w[n, k], or w[k, n] when `transposed`.
struct Product {
  Value x, w;
  bool transposed = false;
};

/// What may follow a product in the same kernel.
struct Epilogue {
  linalg::GenericOp op;
  Value bias; ///< Or null: the op only rounds.
};

/// The value before an extension, or the value itself.
Value skipExtension(Value value) {
  auto extension = value.getDefiningOp<arith::ExtFOp>();
  return extension ? extension.getIn() : value;
}

/// acc + ext(x) * ext(w).
bool isMultiplyAdd(Block &body) {
  if (body.getNumArguments() != 3)
    return false;
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  Value acc = body.getArgument(2), product = add.getLhs();
  if (product == acc)
    product = add.getRhs();
  else if (add.getRhs() != acc)
    return false;
  auto mul = product.getDefiningOp<arith::MulFOp>();
  if (!mul)
    return false;
  Value lhs = skipExtension(mul.getLhs()), rhs = skipExtension(mul.getRhs());
  return (lhs == body.getArgument(0) && rhs == body.getArgument(1)) ||
         (lhs == body.getArgument(1) && rhs == body.getArgument(0));
}

bool isZeroFilled(Value init) {
  auto fill = init.getDefiningOp<linalg::FillOp>();
  return fill && matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
}

/// Matches maps (p..., k), (n, k) or (k, n), (p..., n).
bool matchMaps(AffineMap x, AffineMap w, AffineMap y, bool &transposed) {
  unsigned rank = y.getNumResults();
  if (rank < 2 || x.getNumResults() != rank || w.getNumResults() != 2 ||
      y.getNumDims() != rank + 1)
    return false;
  for (unsigned d = 0; d + 1 < rank; ++d)
    if (x.getResult(d) != y.getResult(d))
      return false;
  AffineExpr k = x.getResult(rank - 1), n = y.getResult(rank - 1);
  transposed = w.getResult(0) == k && w.getResult(1) == n;
  return k != n && (transposed || (w.getResult(0) == n && w.getResult(1) == k));
}

FailureOr<Product> matchProduct(linalg::LinalgOp op, PatternRewriter &r) {
  if (!op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
      op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1)
    return r.notifyMatchFailure(op, "not a contraction over one dimension");
  if (!isMultiplyAdd(op->getRegion(0).front()))
    return r.notifyMatchFailure(op, "body is not a multiply and add");
  if (!isZeroFilled(op.getDpsInits()[0]))
    return r.notifyMatchFailure(op, "accumulates onto something");
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(maps,
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return r.notifyMatchFailure(op, "maps are not permutations");
  Product product{op.getDpsInputs()[0], op.getDpsInputs()[1]};
  if (!matchMaps(maps[0], maps[1], maps[2], product.transposed)) {
    std::swap(product.x, product.w);
    if (!matchMaps(maps[1], maps[0], maps[2], product.transposed))
      return r.notifyMatchFailure(op, "is not rows times a matrix");
  }
  auto type = cast<RankedTensorType>(product.w.getType());
  Type element = type.getElementType();
  if (!isa<FloatType>(element) ||
      getElementTypeOrSelf(product.x.getType()) != element ||
      getElementTypeOrSelf(op->getResult(0).getType()) !=
          getAccumulatorTypeFor(element))
    return r.notifyMatchFailure(op, "mixes types or accumulates narrowly");
  if (!type.hasStaticShape() || type.getNumElements() == 0)
    return r.notifyMatchFailure(op, "the matrix is of dynamic size or empty");
  return product;
}

/// `acc (+ bias[n])`, rounded or not, as the only use of the product.
std::optional<Epilogue> matchEpilogue(Value acc) {
  if (!acc.hasOneUse())
    return std::nullopt;
  auto op = dyn_cast<linalg::GenericOp>(*acc.getUsers().begin());
  if (!op || op.getNumReductionLoops() != 0 || op.getNumDpsInits() != 1 ||
      op.getNumDpsInputs() > 2)
    return std::nullopt;
  Epilogue epilogue{op, Value()};
  Block &body = *op.getBlock();
  Value accArg;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (input->get() == acc && map.isIdentity()) {
      accArg = op.getMatchingBlockArgument(input);
      continue;
    }
    if (map.getNumResults() != 1 ||
        map.getResult(0) !=
            getAffineDimExpr(op.getNumLoops() - 1, op.getContext()))
      return std::nullopt;
    epilogue.bias = input->get();
  }
  if (!accArg ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      !body.getArguments().back().use_empty())
    return std::nullopt;
  Value value = body.getTerminator()->getOperand(0);
  if (auto round = value.getDefiningOp<arith::TruncFOp>())
    value = round.getIn();
  if (!epilogue.bias)
    return value == accArg ? std::optional(epilogue) : std::nullopt;
  auto add = value.getDefiningOp<arith::AddFOp>();
  if (!add)
    return std::nullopt;
  Value other = add.getLhs() == accArg   ? add.getRhs()
                : add.getRhs() == accArg ? add.getLhs()
                                         : Value();
  auto argument =
      other ? dyn_cast<BlockArgument>(skipExtension(other)) : BlockArgument();
  if (!argument || argument == accArg || argument.getOwner() != &body)
    return std::nullopt;
  return epilogue;
}

/// packed[o, k, r] = w[o * NR + r, k], and zero past the last column.
Value pack(ImplicitLocOpBuilder &b, const Product &product, int64_t width) {
  auto type = cast<RankedTensorType>(product.w.getType());
  int64_t columns = type.getDimSize(product.transposed ? 1 : 0);
  int64_t depth = type.getDimSize(product.transposed ? 0 : 1);
  Type element = type.getElementType();
  Value init = tensor::EmptyOp::create(
      b,
      ArrayRef<int64_t>{int64_t(llvm::divideCeil(columns, width)), depth,
                        width},
      element);
  bool ragged = columns % width != 0;
  return linalg::GenericOp::create(
             b, TypeRange{init.getType()}, ValueRange{}, ValueRange{init},
             ArrayRef<AffineMap>{b.getMultiDimIdentityMap(3)},
             SmallVector<utils::IteratorType>(3, utils::IteratorType::parallel),
             [&](OpBuilder &inner, Location loc, ValueRange) {
               ImplicitLocOpBuilder body(loc, inner);
               Value panel = linalg::IndexOp::create(body, 0);
               Value k = linalg::IndexOp::create(body, 1);
               Value lane = linalg::IndexOp::create(body, 2);
               Value n = arith::AddIOp::create(
                   body,
                   arith::MulIOp::create(
                       body, panel,
                       arith::ConstantIndexOp::create(body, width)),
                   lane);
               Value inside;
               if (ragged) {
                 inside = arith::CmpIOp::create(
                     body, arith::CmpIPredicate::ult, n,
                     arith::ConstantIndexOp::create(body, columns));
                 n = arith::MinUIOp::create(
                     body, n,
                     arith::ConstantIndexOp::create(body, columns - 1));
               }
               SmallVector<Value> at{n, k};
               if (product.transposed)
                 std::swap(at[0], at[1]);
               Value value = tensor::ExtractOp::create(body, product.w, at);
               if (ragged) {
                 Value zero =
                     arith::ConstantOp::create(body, body.getZeroAttr(element));
                 value = arith::SelectOp::create(body, inside, value, zero);
               }
               linalg::YieldOp::create(body, value);
             })
      .getResult(0);
}

struct PackProduct : OpInterfaceRewritePattern<linalg::LinalgOp> {
  PackProduct(MLIRContext *context, int64_t lanes)
      : OpInterfaceRewritePattern(context), lanes(lanes) {}

  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    // In a loop the matrix changes with every turn, and packing costs more
    // than it brings.
    if (!isa<func::FuncOp>(op->getParentOp()))
      return rewriter.notifyMatchFailure(op, "is inside a loop or a branch");
    FailureOr<Product> product = matchProduct(op, rewriter);
    if (failed(product))
      return failure();
    std::optional<Epilogue> epilogue = matchEpilogue(op->getResult(0));
    Operation *last = epilogue ? epilogue->op : op.getOperation();
    rewriter.setInsertionPoint(last);
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);

    // x as rows; a row-major tensor collapses without moving.
    auto resultType = cast<RankedTensorType>(last->getResult(0).getType());
    int64_t rank = resultType.getRank();
    SmallVector<ReassociationIndices> groups(2);
    for (int64_t d = 0; d + 1 < rank; ++d)
      groups[0].push_back(d);
    groups[1].push_back(rank - 1);
    SmallVector<OpFoldResult> sizes =
        tensor::getMixedSizes(b, b.getLoc(), product->x);
    auto weight = cast<RankedTensorType>(product->w.getType());
    sizes.back() =
        b.getIndexAttr(weight.getDimSize(product->transposed ? 1 : 0));
    Value x = product->x;
    if (rank > 2)
      x = tensor::CollapseShapeOp::create(b, x, groups);

    // Three vectors of columns; NEON's 128 bits want four.
    int64_t width = lanes * (lanes == 4 ? 4 : 3);
    if (weight.getElementType().isF64())
      width /= 2;
    Value packed = pack(b, *product, width);
    Value init = tensor::EmptyOp::create(
        b,
        ArrayRef<OpFoldResult>{tensor::getMixedSize(b, b.getLoc(), x, 0),
                               sizes.back()},
        resultType.getElementType());
    Value y = PackedMatmulOp::create(b, init.getType(), x, packed,
                                     epilogue ? epilogue->bias : Value(), init)
                  .getResult();
    if (rank > 2)
      y = tensor::ExpandShapeOp::create(b, resultType, y, groups, sizes);
    if (y.getType() != resultType)
      y = tensor::CastOp::create(b, resultType, y);
    rewriter.replaceOp(last, y);
    return success();
  }

  int64_t lanes;
};

struct CPUPackWeightsPass final
    : attn::impl::CPUPackWeightsPassBase<CPUPackWeightsPass> {
  using CPUPackWeightsPassBase::CPUPackWeightsPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<PackProduct>(&getContext(), lanes);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
