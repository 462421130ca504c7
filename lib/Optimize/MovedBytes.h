//===- MovedBytes.h - Tensors that need not be moved ------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_OPTIMIZE_MOVEDBYTES_H
#define ATTN_LIB_OPTIMIZE_MOVEDBYTES_H

#include "mlir/IR/BuiltinTypes.h"

#include <string>

namespace attn {

/// What writing tensors and reading them again moves.
struct MovedBytes {
  int64_t bytes = 0;
  bool dynamic = false; ///< bytes are those of one index of dynamic sizes

  void add(mlir::RankedTensorType type);

  /// `480 bytes moved and 0 FLOP less`, for remarks.
  std::string less() const;
};

} // namespace attn

#endif // ATTN_LIB_OPTIMIZE_MOVEDBYTES_H
