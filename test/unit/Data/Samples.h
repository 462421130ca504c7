//===- Samples.h - Small files made in memory -----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_UNIT_DATA_SAMPLES_H
#define ATTN_TEST_UNIT_DATA_SAMPLES_H

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace attn::data::samples {

/// The bytes of `values`.
template <typename T>
std::string bytesOf(std::vector<T> values) {
  return std::string(reinterpret_cast<const char *>(values.data()),
                     values.size() * sizeof(T));
}

/// An .npy file with this header text (padded as NumPy does) and data.
std::string npy(llvm::StringRef header, llvm::StringRef data,
                unsigned version = 1);

/// A good one: {'descr': descr, ..., 'shape': shape}.
std::string npy(llvm::StringRef descr, llvm::StringRef shape,
                llvm::StringRef data, bool fortranOrder);

struct Member {
  std::string name, content;
  bool deflate = false;
};

/// A zip file, its local headers with a zip64 field as NumPy writes them.
std::string zip(const std::vector<Member> &members);

/// Eight bytes of length, `header`, data.
std::string safetensors(llvm::StringRef header, llvm::StringRef data);

} // namespace attn::data::samples

#endif // ATTN_TEST_UNIT_DATA_SAMPLES_H
