//===- AttentionAhead.cpp - What the next task of attention will read -----===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of many short heads each is read once, and a task would wait for its first
// keys, values and queries. So they are asked for, some lines with every tile
// of keys, while the head before is computed. It stands in memory where the
// index of the head is one more; behind the last head the addresses are
// nobody's, which a prefetch may have. Long heads read themselves ahead: they
// walk the same keys again and again, and asking would only push out lines.
//
// Where heads alternate in memory ([B,S,H,D]), each row of a head is in a page
// of its own, at which the hardware stops reading ahead; then the next block of
// keys and values is asked for as well, however long the head is. And so it is
// where few queries meet many keys, each of which is soon done with.
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace attn;

// Keys and values of one head that leave most of L2 to its neighbour.
static constexpr int64_t kShortHeadBytes = 256 << 10;
// Queries that walk over all keys a few times only.
static constexpr int64_t kFewQueries = 256;

/// Whether rows of K and V lie far apart, or nobody knows.
bool AttentionKernel::spreadsRows() {
  constexpr int64_t farBytes = 1024;
  auto isFar = [&](const Rows &rows, Value channels) {
    int64_t stride = rows.rowStride();
    int64_t bits = getElementTypeOrSelf(rows.memref).getIntOrFloatBitWidth();
    return ShapedType::isDynamic(stride) ||
           (stride * bits >= farBytes * 8 &&
            stride != getConstantIntValue(channels));
  };
  return isFar(key, headSize) || isFar(value, valueSize);
}

/// Whether the next block of keys and values is asked for: i1, or null.
Value AttentionKernel::wantsNextBlock() {
  if (spreadsRows())
    return arith::ConstantOp::create(k.b, k.b.getBoolAttr(true));
  std::optional<int64_t> queries = getConstantIntValue(op.getNumQueries());
  if (queries && *queries > kFewQueries)
    return nullptr;
  return k.less(op.getNumQueries(), k.index(kFewQueries + 1));
}

/// Decides what to ask for, before the tile's keys are walked.
void AttentionKernel::lookAhead(Value firstRow) {
  ahead = {};
  std::optional<int64_t> depth = getConstantIntValue(headSize);
  std::optional<int64_t> valueDepth = getConstantIntValue(valueSize);
  if (!depth || !valueDepth || hasScore() || !query.contiguousRows() ||
      !key.contiguousRows() || !value.contiguousRows() ||
      !output.contiguousRows())
    return;
  ahead.nextBlock = wantsNextBlock();
  int64_t keyBytes = (*depth + *valueDepth) *
                     getElementTypeOrSelf(key.memref).getIntOrFloatBitWidth() /
                     8;
  int64_t longest = kShortHeadBytes / std::max<int64_t>(keyBytes, 1);
  std::optional<int64_t> keys = getConstantIntValue(op.getNumKeys());
  if (keys && *keys > longest)
    return;
  ahead.wanted = k.less(op.getNumKeys(), k.index(longest + 1));
  // After the last queries of a head come the first ones of the next.
  ahead.newHead = k.less(op.getNumQueries(), k.add(lastQuery, 2));
  ahead.head = k.select(ahead.newHead, one, zero);
  Value behind = k.add(firstRow, plan.getQueryVectors() * k.lanes);
  ahead.firstQuery = k.select(ahead.newHead, zero, behind);
  ahead.firstRow = firstRow;
}

/// The share of a tile of keys, `first` of the block on.
void AttentionKernel::fetchAhead(const KeyBlock &block, Value first) {
  if (ahead.nextBlock)
    k.when(ahead.nextBlock, [&] {
      Value n = k.add(k.add(block.start, first), plan.getKeyBlock());
      fetchRows(key, zero, n, headSize, /*write=*/false);
      fetchRows(value, zero, n, valueSize, /*write=*/false);
    });
  if (!ahead.wanted)
    return;
  k.when(ahead.wanted, [&] {
    Value n = k.add(block.start, first);
    k.when(ahead.newHead, [&] {
      fetchRows(key, one, n, headSize, /*write=*/false);
      fetchRows(value, one, n, valueSize, /*write=*/false);
    });
    // Every row of the queries has a key of its number, where keys are many.
    int64_t queries = plan.getQueryVectors() * k.lanes;
    k.when(k.less(n, k.index(queries)), [&] {
      fetchRows(query, ahead.head, k.add(ahead.firstQuery, n), headSize,
                /*write=*/false);
      fetchRows(output, zero, k.add(ahead.firstRow, n), valueSize,
                /*write=*/true);
    });
  });
}

/// The lines of as many rows as a tile has keys.
void AttentionKernel::fetchRows(const Rows &rows, Value head, Value first,
                                Value channels, bool write) {
  int64_t depth = *getConstantIntValue(channels);
  for (int64_t i = 0; i < plan.getKeyRows(); ++i)
    for (int64_t d = 0; d < depth; d += k.lineElements(rows.memref)) {
      Values at = rows.at(head, k.add(first, i), k.index(d));
      if (write)
        k.prefetchForWrite(rows.memref, at);
      else
        k.prefetch(rows.memref, at);
    }
}
