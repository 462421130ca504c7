//===- Text.h - Words for reports -------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// printf into a string.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_TEXT_H
#define ATTN_LIB_EMULATOR_TEXT_H

#include <string>

namespace attn::emulator {

__attribute__((format(printf, 1, 2))) std::string format(const char *text, ...);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_TEXT_H
