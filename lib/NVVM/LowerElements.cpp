//===- LowerElements.cpp - Arithmetic on the elements of a thread ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;
using namespace attn::frag;

// Several chains hide the latency of the maximum.
static constexpr size_t kMaxChains = 2;

static Value combine(ThreadBuilder &b, ReduceKind kind, Value x, Value y) {
  if (kind == ReduceKind::Max)
    return arith::MaxNumFOp::create(b, x, y);
  return arith::AddFOp::create(b, x, y);
}

/// The values in `chains` interleaved chains, then the chains.
static Value reduceChains(ThreadBuilder &b, ReduceKind kind, ValueRange values,
                          size_t chains) {
  Values partial;
  for (auto [i, value] : llvm::enumerate(values))
    if (i < chains)
      partial.push_back(value);
    else
      partial[i % chains] = combine(b, kind, partial[i % chains], value);
  while (partial.size() > 1) {
    Value last = partial.pop_back_val();
    partial.back() = combine(b, kind, partial.back(), last);
  }
  return partial.front();
}

namespace {

struct LowerFill : OpConversionPattern<FillOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(FillOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithMultiple(
        op,
        {Values(registerCount(op.getResult().getType()), adaptor.getValue())});
    return success();
  }
};

struct LowerMap : OpConversionPattern<MapOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MapOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Type type = op.getResult().getType();
    auto acc = dyn_cast<AccType>(type);
    Positions positions;
    if (!op.getAt().empty())
      positions = positionsOf(b, adaptor, acc);
    Values results;
    for (int64_t i = 0; i < registerCount(type); ++i) {
      ElementPosition at =
          acc ? elementPosition(acc, i) : ElementPosition{i, 0};
      Values arguments;
      for (auto [input, values] :
           llvm::zip_equal(op.getInputs(), adaptor.getInputs()))
        arguments.push_back(
            values[isa<RowsType>(input.getType()) ? at.row : i]);
      if (!op.getAt().empty()) {
        arguments.push_back(positions.rows[at.row]);
        arguments.push_back(b.toIndex(b.add(positions.column, at.column)));
      }
      results.push_back(inlineBody(b, op, arguments));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  struct Positions {
    Values rows;  ///< index
    Value column; ///< i32
  };

  static Positions positionsOf(ThreadBuilder &b, OneToNOpAdaptor adaptor,
                               AccType acc) {
    Value row =
        b.add(b.narrow(adaptor.getAt()[0].front()), firstRow(b, acc.getRows()));
    Positions positions;
    for (int64_t r = 0; r < 2 * acc.getRows() / kProductRows; ++r)
      positions.rows.push_back(b.toIndex(b.add(row, rowOffset(r))));
    positions.column =
        b.add(b.narrow(adaptor.getAt()[1].front()), firstColumn(b));
    return positions;
  }

  static Value inlineBody(ThreadBuilder &b, MapOp op, ValueRange arguments) {
    IRMapping map;
    Block &body = op.getBody().front();
    map.map(body.getArguments(), arguments);
    for (Operation &inner : body.without_terminator())
      b.clone(inner, map);
    return map.lookupOrDefault(body.getTerminator()->getOperand(0));
  }
};

struct LowerRowReduce : OpConversionPattern<RowReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RowReduceOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    AccType acc = op.getSource().getType();
    SmallVector<Values> rows(2 * acc.getRows() / kProductRows);
    for (auto [i, value] : llvm::enumerate(adaptor.getSource()))
      rows[elementPosition(acc, i).row].push_back(value);
    size_t chains = op.getKind() == ReduceKind::Max ? kMaxChains : 1;
    Values results;
    for (const Values &row : rows)
      results.push_back(reduceChains(b, op.getKind(), row, chains));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// Four neighbouring lanes share a row.
struct LowerRowCombine : OpConversionPattern<RowCombineOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RowCombineOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Values results;
    for (Value value : adaptor.getSource()) {
      for (int64_t mask : {1, 2})
        value = combine(b, op.getKind(), value, b.exchange(value, mask));
      results.push_back(value);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// Columns of two neighbouring groups of eight are one step of 16 columns.
struct LowerToA : OpConversionPattern<ToAOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ToAOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Type element = op.getResult().getType().getElement();
    ValueRange source = adaptor.getSource();
    Values results;
    for (size_t i = 0; i < source.size(); i += 2)
      results.push_back(b.pack(element, source[i], source[i + 1]));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void attn::nvvm::populateElementPatterns(RewritePatternSet &patterns,
                                         const TypeConverter &types) {
  patterns.add<LowerFill, LowerMap, LowerRowReduce, LowerRowCombine, LowerToA>(
      types, patterns.getContext());
}
