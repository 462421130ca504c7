//===- Cache.cpp - The cache across the C interface -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Of this process there is one.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/ObjectCache.h"
#include "lib/CAPI/Error.h"

using namespace attn;

char *attn_cache_info(attn_cache_contents *contents) {
  ObjectCache::Contents found = ObjectCache::ofProcess().contents();
  *contents = {found.files, found.bytes, found.maxBytes};
  return textToC(found.folder);
}

attn_error *attn_cache_clear(void) {
  return toC(ObjectCache::ofProcess().clear());
}

char *attn_cache_take_warning(void) {
  std::string warning = ObjectCache::ofProcess().takeWarning();
  return warning.empty() ? nullptr : textToC(warning);
}
