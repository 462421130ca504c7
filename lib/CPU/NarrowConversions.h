//===- NarrowConversions.h - Conversions that have to round once -*- C++ -*-==//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CPU_NARROWCONVERSIONS_H
#define ATTN_LIB_CPU_NARROWCONVERSIONS_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace attn {

/// Patterns that take conversions between bf16 and f64, and from wide integers
/// to bf16, through f32, the only type that bf16 is expanded to. The value is
/// rounded once.
void populateNarrowConversionPatterns(mlir::RewritePatternSet &patterns);

} // namespace attn

#endif // ATTN_LIB_CPU_NARROWCONVERSIONS_H
