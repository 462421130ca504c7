//===- AttnOps.td - All attn ops ---------------------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_OPS_TD
#define ATTN_OPS_TD

include "dialects/attn/AttnBlockOps.td"
include "dialects/attn/AttnCoreOps.td"
include "dialects/attn/AttnTileOps.td"

#endif // ATTN_OPS_TD
