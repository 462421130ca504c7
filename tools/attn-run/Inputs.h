//===- Inputs.h - The arguments of one run ----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts --weights and --input in the order of the entry's arguments.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_INPUTS_H
#define ATTN_TOOLS_ATTN_RUN_INPUTS_H

#include "attn/Execute/Signature.h"
#include "attn/Support/Tensor.h"

#include <string>
#include <vector>

namespace attn {

/// Arguments with an `attn.name` come from the tensor of that name in the file
/// `weights` (`@path`, or empty for none); the others, and all of them without
/// a file, take `inputs` one after another. Where those end and it `makesUp`
/// the others, floats and i1 are random, integers 0, and open sizes 8.
llvm::Expected<std::vector<Tensor>>
readInputs(const Signature &signature, llvm::StringRef weights,
           llvm::ArrayRef<std::string> inputs, bool makesUp);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_INPUTS_H
