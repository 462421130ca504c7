//===- Remarks.h - What Tile tells about an op ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_TILE_REMARKS_H
#define ATTN_LIB_TILE_REMARKS_H

#include "attn/Dialect/Attn/IR/Attn.h"

namespace attn {

/// Says, as a remark of the category `attn-tile`, whether keys are skipped and
/// what of the mask stands in the way. `testsBlocks`: blocks that bounds leave
/// are tested one by one.
void remarkKeyRange(SdpaOp op, bool testsBlocks);

} // namespace attn

#endif // ATTN_LIB_TILE_REMARKS_H
