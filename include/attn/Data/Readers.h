//===- Readers.h - Tensors from .npy, .npz and .safetensors ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every file is taken to be hostile: sizes are checked against the bytes that
// are there before anything is allocated or read, and each refusal is one line
// with what was expected and what was found.
//
// The functions here read bytes in memory; `name` stands in front of their
// errors. FileCache opens files.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_DATA_READERS_H
#define ATTN_DATA_READERS_H

#include "attn/Support/Tensor.h"

#include "llvm/Support/Error.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

namespace attn::data {

/// NumPy's format, versions 1 to 3, little endian, C or Fortran order. A type
/// V2 is read as bf16: so ml_dtypes writes it.
llvm::Expected<Tensor> readNpy(llvm::StringRef bytes, llvm::StringRef name);

/// The member `entry` (or `entry.npy`) of a zip file, stored or deflated.
llvm::Expected<Tensor> readNpz(llvm::StringRef bytes, llvm::StringRef entry,
                               llvm::StringRef name);

/// The tensor called `tensor`.
llvm::Expected<Tensor> readSafetensors(llvm::StringRef bytes,
                                       llvm::StringRef tensor,
                                       llvm::StringRef name);

/// Keeps files open, so that a hundred tensors of one file map it once.
class FileCache {
public:
  /// The bytes of a regular file.
  llvm::Expected<llvm::StringRef> open(llvm::StringRef path);

private:
  llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
};

/// Reads `path` by its extension; `member` is the tensor inside an .npz or
/// .safetensors file and empty for an .npy file.
llvm::Expected<Tensor> readFile(FileCache &files, llvm::StringRef path,
                                llvm::StringRef member);

} // namespace attn::data

#endif // ATTN_DATA_READERS_H
