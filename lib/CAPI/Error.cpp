//===- Error.cpp - Errors across the C interface --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the place of a diagnostic off the front of its text.
//
//===----------------------------------------------------------------------===//

#include "lib/CAPI/Error.h"

#include "llvm/ADT/StringExtras.h"

#include <cstdlib>
#include <cstring>

using namespace llvm;

namespace attn {

attn_error *errorToC(const Twine &message) {
  auto *error = new attn_error{message.str(), ""};
  static constexpr StringLiteral separator = ": error: ";
  size_t end = error->message.find(separator);
  if (end == std::string::npos)
    return error;
  // `name:line:column`; a name may hold colons, a line and a column may not.
  auto [rest, column] = StringRef(error->message).take_front(end).rsplit(':');
  auto [name, line] = rest.rsplit(':');
  if (name.contains('\n') || line.empty() || column.empty() ||
      !all_of(line, isDigit) || !all_of(column, isDigit))
    return error;
  error->location = error->message.substr(0, end);
  error->message.erase(0, end + separator.size());
  return error;
}

attn_error *toC(Error error) {
  return error ? errorToC(toString(std::move(error))) : nullptr;
}

char *textToC(StringRef text) {
  auto *copy = static_cast<char *>(std::malloc(text.size() + 1));
  if (!copy)
    return nullptr;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

} // namespace attn

const char *attn_error_message(const attn_error *error) {
  return error->message.c_str();
}

const char *attn_error_location(const attn_error *error) {
  return error->location.c_str();
}

void attn_error_destroy(attn_error *error) { delete error; }

void attn_text_destroy(char *text) { std::free(text); }

const char *attn_version(void) { return ATTN_VERSION; }
