//===- Spec.h - Inputs as users write them --------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   @x.npy                     @w.npz:name            @w.safetensors:name
//   2x3x64xf32=random:7        normal numbers of seed 7, standard deviation 1
//   2x3x64xf32=random:7:0.02   the same with standard deviation 0.02
//   2x3xf32=1.0                every element; also inf, -inf, nan, true, false
//   4xi64=3,0,7,5              the elements one by one
//   2x3xf32=iota               0, 1, 2, ...
//   2x3xf32=@x.npy             a file whose shape and type must be these
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DATA_SPEC_H
#define ATTN_DATA_SPEC_H

#include "attn/Data/Readers.h"
#include "attn/Support/Tensor.h"

namespace attn::data {

/// Makes the tensor that `spec` describes. Errors begin with the spec.
llvm::Expected<Tensor> makeTensor(llvm::StringRef spec, FileCache &files);

/// Element `index` of the normal sequence of `seed`: Box-Muller on two
/// splitmix64 outputs at counter 2 * index, so that an element depends on
/// (seed, index) alone and a longer tensor begins with the shorter one.
double normalAt(uint64_t seed, uint64_t index);

/// Fills a float tensor with normal numbers; i1 becomes true where they are
/// positive.
void fillNormal(Tensor &tensor, uint64_t seed, double deviation);

} // namespace attn::data

#endif // ATTN_DATA_SPEC_H
