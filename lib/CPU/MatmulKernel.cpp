//===- MatmulKernel.cpp - Product of rows with one packed panel -----------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y[r][0..NR) = bias + sum_k x[r][k] w[k][0..NR): a tile of rows shares each
// vector of the panel, x is broadcast in place. k runs in order, so a row's
// bits do not depend on the tile that it falls into. Blocks of k are summed
// apart: in one chain the rounding errors of the last products are those of
// the whole sum.
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"
#include "Kernels.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

namespace {
/// Products that are summed before the sum joins the totals, which wait on the
/// stack meanwhile (1 to 2% of the time). An encoder's attention weights come
/// out half as far off as with one chain.
constexpr int64_t kDepthBlock = 128;

class MatmulKernel {
public:
  MatmulKernel(ImplicitLocOpBuilder &b, PackedMatmulOp op,
               FloatType accumulator, int64_t lanes)
      : op(op), k(b, accumulator, lanes) {}
  void emit();

private:
  /// Rows that share a panel vector: as many accumulators as registers allow.
  int64_t rowTile() {
    return k.lanes * k.accumulator.getWidth() >= 512 ? 8 : 4;
  }
  Values initial(int64_t rows, ValueRange masks);
  Value columnMask(int64_t vector, Value columns);
  void prefetchNextPanel(Value d);
  void prefetchResult(ValueRange row);
  Values sumBlock(Value from, Value to, ValueRange row);
  void emitRows(bool wholePanel);

  PackedMatmulOp op;
  KernelBuilder k;
  int64_t vectors = 0;
  Value zero;
};
} // namespace

Value MatmulKernel::columnMask(int64_t vector, Value columns) {
  return vector::CreateMaskOp::create(
      k.b, k.mask, ValueRange{k.sub(columns, k.index(vector * k.lanes))});
}

void MatmulKernel::emit() {
  auto panel = cast<MemRefType>(op.getPacked().getType());
  vectors = panel.getDimSize(2) / k.lanes;
  zero = k.index(0);
  Value columns = k.b.createOrFold<memref::DimOp>(op.getInit(), 1);
  std::optional<int64_t> known = getConstantIntValue(columns);
  if (known && *known == panel.getDimSize(2)) {
    emitRows(/*wholePanel=*/true);
    return;
  }
  Value whole = arith::CmpIOp::create(k.b, arith::CmpIPredicate::eq, columns,
                                      k.index(panel.getDimSize(2)));
  k.branch(
      whole, {},
      [&]() -> Values {
        emitRows(true);
        return {};
      },
      [&]() -> Values {
        emitRows(false);
        return {};
      });
}

/// The bias, or zeros, once per row of the tile.
Values MatmulKernel::initial(int64_t rows, ValueRange masks) {
  Values row;
  for (int64_t j = 0; j < vectors; ++j) {
    Value zeros = k.splat(0.0);
    if (!op.getBias()) {
      row.push_back(zeros);
      continue;
    }
    Value column = k.index(j * k.lanes);
    if (masks.empty()) {
      row.push_back(k.load(op.getBias(), column));
      continue;
    }
    Type element = cast<MemRefType>(op.getBias().getType()).getElementType();
    auto type = VectorType::get({k.lanes}, element);
    Value none = arith::ConstantOp::create(
        k.b, DenseElementsAttr::get(type, k.b.getFloatAttr(element, 0.0)));
    row.push_back(
        k.convert(vector::MaskedLoadOp::create(k.b, type, op.getBias(), column,
                                               masks[j], none),
                  k.accumulator));
  }
  Values result;
  for (int64_t i = 0; i < rows; ++i)
    result.append(row);
  return result;
}

/// Row d of the panel that follows in memory, to L2: the next task reads it,
/// and its first tile of rows would wait for memory. Past the last panel the
/// address is nobody's, which a prefetch may have: it reads and changes
/// nothing.
void MatmulKernel::prefetchNextPanel(Value d) {
  Value behind = k.add(d, k.b.createOrFold<memref::DimOp>(op.getPacked(), 1));
  for (int64_t column = 0, line = k.lineElements(op.getPacked());
       column < vectors * k.lanes; column += line)
    k.prefetch(op.getPacked(), {zero, behind, k.index(column)});
}

/// The lines of y that a tile of rows will be stored to, which seldom are in
/// the cache: a store that misses holds up those behind it.
void MatmulKernel::prefetchResult(ValueRange row) {
  for (Value r : row)
    for (int64_t j = 0; j < vectors; ++j)
      k.prefetchForWrite(op.getInit(), {r, k.index(j * k.lanes)});
}

/// sum_k x[row][k] w[k] over [from, to), for a tile of rows.
Values MatmulKernel::sumBlock(Value from, Value to, ValueRange row) {
  Values zeros(row.size() * vectors, k.splat(0.0));
  return k.hotLoop(from, to, zeros, [&](Value d, ValueRange carried) -> Values {
    Values w, result;
    prefetchNextPanel(d);
    for (int64_t j = 0; j < vectors; ++j)
      w.push_back(k.load(op.getPacked(), {zero, d, k.index(j * k.lanes)}));
    for (auto [i, r] : llvm::enumerate(row)) {
      Value x = k.broadcast(k.loadScalar(op.getX(), {r, d}));
      for (int64_t j = 0; j < vectors; ++j)
        result.push_back(k.fma(x, w[j], carried[i * vectors + j]));
    }
    return result;
  });
}

void MatmulKernel::emitRows(bool wholePanel) {
  int64_t tile = rowTile();
  Value rows = k.b.createOrFold<memref::DimOp>(op.getX(), 0);
  Value depth = k.b.createOrFold<memref::DimOp>(op.getX(), 1);
  Value columns = k.b.createOrFold<memref::DimOp>(op.getInit(), 1);
  Value last = k.sub(rows, k.index(1));
  Type element = cast<MemRefType>(op.getInit().getType()).getElementType();
  Values masks;
  if (!wholePanel)
    for (int64_t j = 0; j < vectors; ++j)
      masks.push_back(columnMask(j, columns));
  Values start = initial(tile, masks);
  k.loop(zero, rows, tile, {}, [&](Value first, ValueRange) -> Values {
    // Rows past the end repeat the last one, and are stored over it.
    Values row;
    for (int64_t i = 0; i < tile; ++i)
      row.push_back(k.min(k.add(first, i), last));
    prefetchResult(row);
    Values sums =
        k.loop(zero, depth, kDepthBlock, start,
               [&](Value from, ValueRange totals) -> Values {
                 Value to = k.min(k.add(from, kDepthBlock), depth);
                 Values block = sumBlock(from, to, row);
                 for (auto [sum, total] : llvm::zip_equal(block, totals))
                   sum = k.addf(total, sum);
                 return block;
               });
    for (int64_t i = 0; i < tile; ++i)
      for (int64_t j = 0; j < vectors; ++j) {
        Value y = sums[i * vectors + j];
        SmallVector<Value> at{row[i], k.index(j * k.lanes)};
        if (wholePanel)
          k.store(y, op.getInit(), at);
        else
          vector::MaskedStoreOp::create(k.b, op.getInit(), at, masks[j],
                                        k.convert(y, element));
      }
    return {};
  });
}

LogicalResult attn::emitMatmulKernel(PackedMatmulOp op, int64_t lanes) {
  auto panel = dyn_cast<MemRefType>(op.getPacked().getType());
  if (!panel)
    return op.emitOpError()
           << "expects buffers, but got " << op.getPacked().getType();
  FloatType accumulator = getAccumulatorTypeFor(panel.getElementType());
  if (accumulator.isF64())
    lanes /= 2;
  if (panel.getDimSize(0) != 1 || panel.getDimSize(2) % lanes != 0)
    return op.emitOpError() << "expects one panel of a multiple of " << lanes
                            << " columns, but got " << panel;
  ImplicitLocOpBuilder b(op.getLoc(), op);
  MatmulKernel(b, op, accumulator, lanes).emit();
  op.erase();
  return success();
}
