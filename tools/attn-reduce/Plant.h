//===- Plant.h - Faults to find -----------------------------------*- C++
//-*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Faults of a compiler that the tests plant, so that there is one to reduce.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_REDUCE_PLANT_H
#define ATTN_TOOLS_ATTN_REDUCE_PLANT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"

namespace attn {

/// Does to `module` what a compiler with this fault would do, before it is
/// compiled: `softcap` forgets the cap of ops with D >= 8, `window` crashes on
/// a window over grouped heads. An empty name is no fault.
void plantFault(mlir::ModuleOp module, llvm::StringRef fault);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_REDUCE_PLANT_H
