//===- Pages.h - Memory that is not needed any more -------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file with weights in it is mapped; once it has been parsed its pages only
// count against the process.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_SHARED_PAGES_H
#define ATTN_TOOLS_SHARED_PAGES_H

#include "llvm/Support/MemoryBuffer.h"

namespace attn {

/// Gives the pages of a mapped file back; who reads it again maps them again.
/// Does nothing to other buffers.
void releasePages(const llvm::MemoryBuffer &buffer);

} // namespace attn

#endif // ATTN_TOOLS_SHARED_PAGES_H
