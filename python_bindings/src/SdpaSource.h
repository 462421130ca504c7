//===- SdpaSource.h - The kernel behind one kind of call --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What of a call to sdpa the code depends on, and that code as MLIR. Sizes but
// the head sizes, and all numbers, are known at run time; of few queries also
// how many there are, and of how many heads.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_SDPASOURCE_H
#define ATTN_PYTHON_SDPASOURCE_H

#include "attn-c/attn.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace attn::python {

/// Memory orders of [B, H, S, D] that a kernel reads in place.
enum class Layout : uint8_t { BHSD, BSHD, SBHD };
constexpr int numLayouts = 3;
constexpr const char *layoutNames[numLayouts] = {"bhsd", "bshd", "sbhd"};
/// Which of (b, h, s, d) each dimension in memory is.
constexpr int layoutOrders[numLayouts][4] = {
    {0, 1, 2, 3}, {0, 2, 1, 3}, {2, 0, 1, 3}};

enum class MaskKind : uint8_t { None, Keep, Additive };
enum class Diagonal : uint8_t {
  TopLeft,     ///< offset 0
  BottomRight, ///< offset N - M
  Offset,      ///< any, the same for each batch
  PerBatch,    ///< any, one number per batch
};

/// Plain bytes, so that a call finds its kernel by comparing them.
struct SdpaSignature {
  int64_t dim, valueDim;
  /// H, Hkv and M of the code for a decoder's steps, each at least 1; else 0.
  int64_t heads, kvHeads, queries;
  attn_dtype dtype, maskType;
  Layout query, key, value, output;
  uint8_t sliced; ///< bit i: of q, k, v the i-th is a slice of a larger tensor
  MaskKind mask;
  uint8_t maskRank;
  uint8_t maskOnes; ///< bit i: dimension i of the mask is 1 and broadcasts
  Diagonal diagonal;
  uint8_t causal, windowLeft, windowRight, softcap, alibi, sinks, lengths, lse;
  uint8_t target; ///< which of the targets asked for so far
  uint16_t rules; ///< which of the rules seen so far; 0: none

  SdpaSignature() { std::memset(static_cast<void *>(this), 0, sizeof *this); }
};

/// Up to so many queries have code of their own.
constexpr int64_t fewQueries = 8;

/// The arguments of the kernel, in order.
enum class Operand : uint8_t {
  Query,
  Key,
  Value,
  Scale,
  Softcap,
  Offset,      ///< index
  Offsets,     ///< i64 [B]
  WindowLeft,  ///< index
  WindowRight, ///< index
  Alibi,       ///< accumulator type [H]
  Mask,
  Lengths, ///< i64 [B]
  Sinks,   ///< accumulator type [H]
  /// i8 [B, H, positions], of which only the sizes are read: those of a slice.
  /// As numbers nobody could tell that they fit the other arguments.
  QuerySizes,
  KeySizes,
  ValueSizes,
};

/// score_mod and mask_mod as MLIR (attn_mlir/rules.py). Their captures follow
/// the other operands.
struct SdpaRules {
  struct Region {
    std::string lines, result;
  };
  std::vector<std::string> captures, types;
  Region score, mask; ///< without a result where there is none
};

std::vector<Operand> operandsOf(const SdpaSignature &signature);

/// The function @sdpa.
std::string sdpaSource(const SdpaSignature &signature, const SdpaRules &rules);

} // namespace attn::python

#endif // ATTN_PYTHON_SDPASOURCE_H
