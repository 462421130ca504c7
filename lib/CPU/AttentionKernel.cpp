//===- AttentionKernel.cpp - The fused kernel: queries in lanes ----------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// S^T = K Q^T and O^T = V^T P^T with queries in the vector lanes: maximum, sum
// and rescale are lanewise, K and V are read in place as scalar broadcasts,
// and a row's bits depend on no other row. The maximum lags: m comes from the
// first keys and changes only when a block's weights overflow. Per block of
// keys (the grid is anchored at key 0):
//
//   S^T tile  = K[rows] . Q^T - m                  accumulators start at -m
//   p         = 2^s, -0.0 where dropped            l' = sum p
//   where not l' <= 2^24: m = max s, O^T and l rescaled, p again (rare)
//   O^T      += V^T p
//
// Padded lanes repeat the last query, so they may be stored over it. A dropped
// key has p = -0.0 (a kept one +0.0 at least); where a partial block leaves O
// non-finite, because 0 * NaN is NaN, it is taken again without them, from a
// copy: reloading the same O would keep it in registers through the hot loop.
// Without a score region scale * log2(e) is folded into Q.
//
// Where the machine multiplies bf16 in pairs (AttentionPairs.cpp), a step of
// the product loops takes two channels or two keys; Q stays as it is, so that
// the scale enters with -m, and P is rounded to bf16.
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "Kernels.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

#include <algorithm>

using namespace mlir;
using namespace attn;

Value AttentionKernel::dim(const Rows &rows, unsigned d) {
  return k.b.createOrFold<memref::DimOp>(rows.memref,
                                         getLayoutPosition(rows.layout, d));
}

void AttentionKernel::emit() {
  zero = k.index(0);
  one = k.index(1);
  query = {op.getQuery(), op.getLayout(0), zero};
  key = {op.getKey(), op.getLayout(1), zero};
  value = {op.getValue(), op.getLayout(2), zero};
  output = {finalize.getInits()[0], finalize.getLayout(), zero};
  headSize = dim(query, 3);
  valueSize = dim(value, 3);
  int64_t tile = plan.getQueryVectors() * k.lanes;
  OpFoldResult width = k.b.getIndexAttr(tile);
  OpFoldResult depth = getAsOpFoldResult(headSize);
  OpFoldResult valueDepth = getAsOpFoldResult(valueSize);
  OpFoldResult block = k.b.getIndexAttr(plan.getKeyBlock());
  queriesT = k.scratch(
      {pairs() ? k.b.getIndexAttr(*getConstantIntValue(headSize) / 2) : depth,
       width});
  outputT = k.scratch({valueDepth, width});
  makeScores(tile);
  if (canDrop())
    savedT = k.scratch({valueDepth, width});
  if (pairs()) {
    makePairs(tile);
  } else if (widens()) {
    keyScratch = k.scratch({block, depth});
    valueScratch = k.scratch({block, valueDepth});
  }
  statistics = k.scratch({k.b.getIndexAttr(2), width});
  k.loop(zero, dim(query, 2), tile, {}, [&](Value first, ValueRange) -> Values {
    emitTile(first, k.min(k.index(tile), k.sub(dim(query, 2), first)));
    return {};
  });
}

/// One tile of queries. What surrounds the keys is shared by both widths.
void AttentionKernel::emitTile(Value firstRow, Value rows) {
  Value last = k.sub(k.add(firstRow, rows), one);
  Value width = k.mul(k.ceilDiv(rows, k.lanes), k.index(k.lanes));
  lastQuery = k.add(op.getRow(), last);
  // A tail of one vector or less has its own, narrower tile.
  int64_t vectors = plan.getQueryVectors();
  Value wide = k.less(k.index(k.lanes), rows);
  if (vectors > 1)
    width = k.select(wide, k.index(vectors * k.lanes), k.index(k.lanes));
  packQueries(width, firstRow, last);
  lookAhead(firstRow);
  auto walk = [&](int64_t vectors) -> Values {
    walkKeys(vectors, k.add(op.getRow(), firstRow));
    return {};
  };
  if (vectors > 1)
    k.branch(wide, {}, [&] { return walk(vectors); }, [&] { return walk(1); });
  else
    walk(1);
  storeRows(width, firstRow, last, rows);
  if (finalize.getInits().size() == 2)
    k.loop(zero, rows, 1, {}, [&](Value i, ValueRange) -> Values {
      k.storeScalar(k.loadScalar(statistics, {one, i}), finalize.getInits()[1],
                    {zero, zero, k.add(firstRow, i)});
      return {};
    });
}

// Maxima, sums and positions rest in memory between blocks: as values they
// would hold registers through the product loop. They share an array with the
// scores, whose rows are written at run-time indices, so that no pass moves
// them back.

/// Scores, the state and the positions of the queries, in one array of bytes.
void AttentionKernel::makeScores(int64_t width) {
  int64_t rows = scoreRows() + kStateRows;
  int64_t scoreBytes = rows * width * k.accumulator.getWidth() / 8;
  int64_t bytes = scoreBytes + width * 8;
  Value buffer = k.scratch({k.b.getIndexAttr(bytes)}, k.b.getI8Type());
  scoresT =
      memref::ViewOp::create(k.b, MemRefType::get({rows, width}, k.accumulator),
                             buffer, zero, ValueRange{});
  if (canDrop())
    positionScratch = memref::ViewOp::create(
        k.b, MemRefType::get({1, width}, region.getPositionType()), buffer,
        k.index(scoreBytes), ValueRange{});
}

/// The positions of the tile's queries, for the regions; padded lanes repeat
/// the last query.
void AttentionKernel::storePositions(int64_t vectors, Value firstRow) {
  if (!canDrop())
    return;
  SmallVector<int64_t> iota = llvm::to_vector(llvm::seq<int64_t>(k.lanes));
  for (int64_t j = 0; j < vectors; ++j)
    vector::StoreOp::create(
        k.b,
        region.lanes(k.add(firstRow, j * k.lanes), iota, Value(), lastQuery),
        positionScratch, ValueRange{zero, column(j)});
}

/// Where the scores of one key stand for the queries of a vector.
LanePosition AttentionKernel::positions(int64_t vector, Value firstRow,
                                        Value n) {
  Value row = k.add(firstRow, vector * k.lanes);
  LaneCoordinate queries{
      vector::LoadOp::create(
          k.b, VectorType::get({k.lanes}, region.getPositionType()),
          positionScratch, ValueRange{zero, column(vector)}),
      [=](int64_t lane) { return k.min(k.add(row, lane), lastQuery); }};
  return {LaneCoordinate{op.getBatch(), {}}, LaneCoordinate{op.getHead(), {}},
          queries, LaneCoordinate{n, {}}};
}

/// One row of the state of a tile's queries.
Values AttentionKernel::loadRow(StateRow row, int64_t vectors) {
  Values values;
  for (int64_t j = 0; j < vectors; ++j)
    values.push_back(k.load(scoresT, {k.index(scoreRows() + row), column(j)}));
  return values;
}

void AttentionKernel::storeRow(StateRow row, ValueRange values) {
  for (auto [j, value] : llvm::enumerate(values))
    k.store(value, scoresT, {k.index(scoreRows() + row), column(j)});
}

/// Maxima, then sums, of a tile's queries.
Values AttentionKernel::loadState(int64_t vectors) {
  Values state = loadRow(kMaxima, vectors);
  llvm::append_range(state, loadRow(kSums, vectors));
  return state;
}

void AttentionKernel::storeState(int64_t vectors, ValueRange state) {
  storeRow(kMaxima, state.take_front(vectors));
  storeRow(kSums, state.drop_front(vectors));
}

void AttentionKernel::walkKeys(int64_t vectors, Value globalFirst) {
  Value zeros = k.splat(0.0);
  k.loop(zero, valueSize, 1, {}, [&](Value d, ValueRange) -> Values {
    for (int64_t j = 0; j < vectors; ++j)
      k.store(zeros, outputT, {d, column(j)});
    return {};
  });
  storePositions(vectors, globalFirst);
  Values init(vectors, k.splat(-kInfinity));
  init.append(vectors, zeros);
  storeState(vectors, init);
  Value firstBlock = k.floorTo(op.getLo(), plan.getKeyBlock());
  // Keys that end before they begin, as behind a window, may share a block.
  Value end = k.select(k.less(op.getLo(), op.getHi()), op.getHi(), firstBlock);
  k.loop(firstBlock, end, plan.getKeyBlock(), {},
         [&](Value blockStart, ValueRange) -> Values {
           auto visit = [&](Value whole) {
             visitBlock(vectors, makeBlock(blockStart, whole), globalFirst);
           };
           if (!hasBlocks()) {
             visit(nullptr);
           } else {
             BlockAnswer answer = askBlock(blockStart, globalFirst);
             k.when(answer.some, [&] { visit(answer.all); });
           }
           return {};
         });
  Values state = loadState(vectors);
  storeStatistics(vectors, ValueRange(state).take_front(vectors),
                  ValueRange(state).drop_front(vectors));
}

void AttentionKernel::visitBlock(int64_t vectors, const KeyBlock &block,
                                 Value globalFirst) {
  sampleMaxima(vectors, block, globalFirst);
  storeState(vectors, keyStep(vectors, block, loadState(vectors), globalFirst));
  accumulate(vectors, block);
}

/// Takes the maximum of queries that have none yet from keys spread over the
/// block, its first and its last among them: whoever keeps the beginning, the
/// end, or enough in between has one before the block's weights are computed.
void AttentionKernel::sampleMaxima(int64_t vectors, const KeyBlock &block,
                                   Value globalFirst) {
  Values maxima = loadRow(kMaxima, vectors);
  auto isMissing = [&](Value m) {
    return k.compare(arith::CmpFPredicate::OEQ, m, k.splat(-kInfinity));
  };
  Value missing;
  for (Value m : maxima)
    missing = missing ? Value(arith::OrIOp::create(k.b, missing, isMissing(m)))
                      : isMissing(m);
  Value any =
      vector::ReductionOp::create(k.b, vector::CombiningKind::OR, missing);
  k.when(any, [&] {
    int64_t keys = std::min(kSampledKeys, plan.getKeyBlock());
    KeyBlock sample = block;
    sample.count = k.min(block.count, k.index(keys));
    sample.last = k.sub(block.count, one);
    sample.stride =
        keys > 1 ? k.max(k.ceilDiv(sample.last, keys - 1), one) : one;
    Values sampled = exactMaximum(vectors, sample, globalFirst);
    for (auto [m, s] : llvm::zip(maxima, sampled))
      m = k.select(isMissing(m), s, m);
    storeRow(kMaxima, maxima);
  });
}

/// Asks whether some and whether all of the block's scores count.
BlockAnswer AttentionKernel::askBlock(Value blockStart, Value globalFirst) {
  IRMapping map;
  Block &code = op.getBlocks().front();
  Value n0 = k.max(blockStart, op.getLo());
  Value n1 = k.min(k.add(blockStart, plan.getKeyBlock()), op.getHi());
  Value place[] = {op.getBatch(),
                   op.getHead(),
                   globalFirst,
                   k.min(k.add(globalFirst, plan.getQueryVectors() * k.lanes),
                         k.add(lastQuery, one)),
                   n0,
                   n1};
  map.map(code.getArguments().take_front(6), place);
  LanePosition first{LaneCoordinate{op.getBatch(), {}},
                     LaneCoordinate{op.getHead(), {}},
                     LaneCoordinate{globalFirst, {}}, LaneCoordinate{n0, {}}};
  for (unsigned i = 0; i < op.getCaptures().size(); ++i) {
    BlockArgument argument = code.getArgument(6 + i);
    if (!argument.use_empty())
      map.map(argument, region.capture(i, first));
  }
  for (Operation &inner : code.without_terminator())
    k.b.clone(inner, map);
  auto yield = cast<YieldOp>(code.getTerminator());
  return {map.lookup(yield.getValues()[0]), map.lookup(yield.getValues()[1])};
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

/// queriesT[d][i] = Q[min(first + i, last)][d] * scale (* log2 e).
void AttentionKernel::packQueries(Value width, Value firstRow, Value last) {
  if (pairs())
    return packQueryPairs(width, firstRow, last);
  Value factor = scoreFactor(k, op.getScale(), hasScore());
  std::optional<int64_t> depth = getConstantIntValue(headSize);
  if (query.contiguousRows() && depth && *depth % k.lanes == 0) {
    packQueriesByBlocks(width, firstRow, last, factor);
    return;
  }
  k.loop(zero, width, 1, {}, [&](Value i, ValueRange) -> Values {
    Value row = k.min(k.add(firstRow, i), last);
    k.loop(zero, headSize, 1, {}, [&](Value d, ValueRange) -> Values {
      Value x = k.loadScalar(query.memref, query.at(row, d));
      k.storeScalar(arith::MulFOp::create(k.b, x, factor), queriesT, {d, i});
      return {};
    });
    return {};
  });
}

void AttentionKernel::packQueriesByBlocks(Value width, Value firstRow,
                                          Value last, Value factor) {
  Value factors = k.broadcast(factor);
  k.loop(zero, width, k.lanes, {}, [&](Value i, ValueRange) -> Values {
    k.loop(zero, headSize, k.lanes, {}, [&](Value d, ValueRange) -> Values {
      Values rows;
      for (int64_t lane = 0; lane < k.lanes; ++lane) {
        Value row = k.min(k.add(k.add(firstRow, i), lane), last);
        Value x = k.load(query.memref, query.at(row, d));
        rows.push_back(k.mulf(x, factors));
      }
      rows = k.transpose(rows);
      for (auto [lane, row] : llvm::enumerate(rows))
        k.store(row, queriesT, {k.add(d, lane), i});
      return {};
    });
    return {};
  });
}

/// What the kernel asks of a plan that a person may have written.
static LogicalResult checkPlan(OnlineSdpaOp op, bool bf16Products) {
  auto query = cast<ShapedType>(op.getQuery().getType());
  int64_t heads = getLogicalDim(query, op.getLayout(0), 1);
  if (heads != 1)
    return op.emitOpError()
           << "expects one query head where the plan's form is "
              "not decode, but got "
           << heads;
  if (!op.getPlan()->getBf16Products())
    return success();
  if (!bf16Products)
    return op.emitOpError("expects a target with avx512bf16 where the plan has "
                          "bf16_products");
  auto value = cast<ShapedType>(op.getValue().getType());
  int64_t depth = getLogicalDim(query, op.getLayout(0), 3);
  int64_t valueDepth = getLogicalDim(value, op.getLayout(2), 3);
  bool fits = !ShapedType::isDynamic(depth) && depth % 2 == 0 &&
              !ShapedType::isDynamic(valueDepth) &&
              op.getPlan()->getKeyBlock() % 2 == 0;
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    fits &= getElementTypeOrSelf(operand.getType()).isBF16();
  if (!fits)
    return op.emitOpError("expects bf16, known head sizes, that of the query "
                          "even, and an even key_block where the plan has "
                          "bf16_products");
  return success();
}

LogicalResult attn::emitAttentionKernel(FinalizeOp finalize,
                                        bool bf16Products) {
  auto op = finalize.getPartial().getDefiningOp<OnlineSdpaOp>();
  if (!op || !op.getPartial().hasOneUse())
    return finalize.emitOpError(
        "expects a partial result made by one attn.online_sdpa for it alone");
  if (!op.getPlan())
    return op.emitOpError("expects a plan: run attn-fuse-plan first");
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    if (!isa<MemRefType>(operand.getType()))
      return op.emitOpError()
             << "expects buffers, but got " << operand.getType();
  if (op.getPlan()->getForm() == Form::Decode)
    return emitDecodeKernel(finalize, op);
  if (failed(checkPlan(op, bf16Products)))
    return failure();
  ImplicitLocOpBuilder b(finalize.getLoc(), finalize);
  AttentionKernel(b, op, finalize).emit();
  finalize.erase();
  op.erase();
  return success();
}
