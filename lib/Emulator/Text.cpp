//===- Text.cpp - Words for reports ---------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// printf into a string.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Text.h"

#include <cstdarg>
#include <cstdio>

namespace attn::emulator {

std::string format(const char *text, ...) {
  va_list arguments, again;
  va_start(arguments, text);
  va_copy(again, arguments);
  std::string result(vsnprintf(nullptr, 0, text, arguments), '\0');
  vsnprintf(result.data(), result.size() + 1, text, again);
  va_end(again);
  va_end(arguments);
  return result;
}

} // namespace attn::emulator
