//===- NpyWriter.cpp - Tensors to .npy ------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Data/NpyWriter.h"

#include "Hostile.h"

#include "attn/Support/PendingFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;
using namespace attn::data;

static StringRef getDescr(Dtype type) {
  switch (type) {
  case Dtype::F64:
    return "<f8";
  case Dtype::F32:
    return "<f4";
  case Dtype::F16:
    return "<f2";
  case Dtype::BF16:
    return "<V2";
  case Dtype::I1:
    return "|b1";
  case Dtype::I8:
    return "|i1";
  case Dtype::I16:
    return "<i2";
  case Dtype::I32:
    return "<i4";
  case Dtype::I64:
  case Dtype::Index:
    return "<i8";
  }
  llvm_unreachable("all types are listed");
}

std::string attn::data::formatNpyHeader(const Tensor &tensor) {
  std::string header = ("{'descr': '" + getDescr(tensor.type()) +
                        "', 'fortran_order': False, 'shape': (")
                           .str();
  for (int64_t size : tensor.shape()) {
    header += std::to_string(size) + ", ";
  }
  header += "), }";
  // NumPy aligns the data to 64 bytes; the last byte is a new line.
  const size_t before = 10;
  header.append(63 - (before + header.size()) % 64, ' ');
  header += '\n';
  std::string whole("\x93NUMPY\x01\x00", 8);
  whole += static_cast<char>(header.size() & 255);
  whole += static_cast<char>(header.size() >> 8);
  return whole + header;
}

Error attn::data::writeNpy(const Tensor &tensor, StringRef path) {
  Expected<PendingFile> file = PendingFile::create(path);
  Error error = file.takeError();
  if (!error) {
    file->os() << formatNpyHeader(tensor);
    file->os().write(tensor.dataAs<char>(), tensor.bytes());
    error = file->keep();
  }
  if (error)
    return makeError("cannot write '" + path +
                     "': " + toString(std::move(error)));
  return Error::success();
}
