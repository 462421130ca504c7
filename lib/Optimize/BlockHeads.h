//===- BlockHeads.h - A block with other heads ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one rewrite under all passes on heads: some heads of an attn.mha, in some
// order, by slices of its weights.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_BLOCKHEADS_H
#define ATTN_LIB_OPTIMIZE_BLOCKHEADS_H

#include "WeightBytes.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/PatternMatch.h"

namespace attn {

/// Old numbers of the heads that a block shall have, in their new order. Query
/// head i will read key head `i / (query.size() / key.size())`.
struct HeadChoice {
  llvm::SmallVector<int64_t> query, key;
  /// For each query head others that are gone because they compute the same:
  /// their output columns are added to its own. Empty: none for any.
  std::vector<llvm::SmallVector<int64_t>> twins;
};

/// Where the parts of an attn.mha's weights lie.
struct BlockShape {
  int64_t heads, keyHeads;
  int64_t size, valueSize;          ///< D and Dv
  int64_t channels, sourceChannels; ///< E of x and of the context
  int64_t outputs;                  ///< Eo
  unsigned elementBytes;
  bool biased, packed;

  /// Nothing when a size is dynamic or 0.
  static std::optional<BlockShape> of(MhaOp op);

  int64_t group() const { return heads / keyHeads; }
  /// The weight among the operands, and its rows, that make head `h` of Q, K
  /// or V (0, 1, 2).
  unsigned weightOf(unsigned part) const { return packed ? 0 : part; }
  Stripe rowsOf(unsigned part, int64_t h) const;
  Stripe outputColumnsOf(int64_t h) const { return {h * valueSize, valueSize}; }
};

/// Why the heads of `op` cannot be those of `choice`; empty when they can.
std::string whyFixed(MhaOp op, const HeadChoice &choice);

/// Gives `op` these heads; `whyFixed` must be empty. Returns what that saves,
/// as BlockCost::lessThan says it.
std::string chooseHeads(mlir::RewriterBase &rewriter, MhaOp op,
                        const HeadChoice &choice);

/// Bytes and work of a block.
struct BlockCost {
  int64_t weightBytes = 0;
  int64_t flopPerQuery = 0, flopPerKey = 0, flopPerPair = 0;

  static BlockCost of(const BlockShape &shape);
  /// `393216 bytes of weights, 196608 FLOP a query, ... less`, from the cost
  /// before to this one.
  std::string lessThan(const BlockCost &before) const;
};

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_BLOCKHEADS_H
