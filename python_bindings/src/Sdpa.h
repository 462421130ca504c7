//===- Sdpa.h - attn_mlir.sdpa ----------------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention on arrays.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_SDPA_H
#define ATTN_PYTHON_SDPA_H

#include <nanobind/nanobind.h>

namespace attn::python {

namespace nb = nanobind;

/// The arguments as the caller gave them; None where left out.
struct SdpaArguments {
  nb::handle q, k, v, attnMask, isCausal, causalAlign, scale, window, softcap,
      alibiSlopes, sinks, kvLens, scoreMod, maskMod, enableGqa, returnLse, out,
      threads, target;
};

nb::object sdpa(const SdpaArguments &arguments);

} // namespace attn::python

#endif // ATTN_PYTHON_SDPA_H
