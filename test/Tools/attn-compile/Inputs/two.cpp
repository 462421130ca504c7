//===- two.cpp - Two entries in one program -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "decoder.h"
#include "look.h"
// A header may be read twice.
#include "decoder.h"

int main() { return decoder_supported() && look_supported() ? 0 : 1; }
