//===- Pages.cpp - Memory that is not needed any more ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/shared/Pages.h"

#include "llvm/Support/Process.h"

#include <sys/mman.h>

void attn::releasePages(const llvm::MemoryBuffer &buffer) {
  // MemoryBuffer::dontNeedIfMmap does nothing with glibc, whose posix_madvise
  // ignores this advice.
  if (buffer.getBufferKind() != llvm::MemoryBuffer::MemoryBuffer_MMap)
    return;
  uintptr_t page = llvm::sys::Process::getPageSizeEstimate();
  auto begin = reinterpret_cast<uintptr_t>(buffer.getBufferStart());
  uintptr_t first = begin / page * page;
  ::madvise(reinterpret_cast<void *>(first),
            begin + buffer.getBufferSize() - first, MADV_DONTNEED);
}
