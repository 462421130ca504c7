//===- Values.h - Numbers, words and shapes from Python ---------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a value must be is said in its message: TypeError for another type.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_VALUES_H
#define ATTN_PYTHON_VALUES_H

#include "Array.h"

#include <optional>

namespace attn::python {

inline bool isFloating(attn_dtype dtype) { return dtype <= ATTN_BF16; }

/// The characters of a str, which keeps them.
const char *text(nb::handle object);

/// `object` as a float; TypeError, which says what was `expected`, when it is
/// no number.
double toDouble(nb::handle object, const char *name, const char *expected);

/// `object` as an integer, if it is one.
std::optional<int64_t> toInteger(nb::handle object);

/// Python's bool or numpy's.
bool toBool(nb::handle object, const char *name);

/// How an argument reads in a message, cut to fit its first line.
std::string shown(nb::handle object);

/// ValueError unless `array` is one number per `each`.
void expectVector(const Array &array, const char *name, int64_t size,
                  const char *each);

} // namespace attn::python

#endif // ATTN_PYTHON_VALUES_H
