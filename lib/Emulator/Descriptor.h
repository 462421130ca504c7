//===- Descriptor.h - Matrices of wgmma in shared memory --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A 64-bit descriptor says where the elements of a matrix lie: start address in
// bits 0-13, leading byte offset in 16-29, stride byte offset in 32-45 (each in
// units of 16 bytes), base offset in 49-51, swizzle in 62-63 (PTX ISA, "Matrix
// Descriptor Format").
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EMULATOR_DESCRIPTOR_H
#define ATTN_LIB_EMULATOR_DESCRIPTOR_H

#include <cstdint>
#include <vector>

namespace attn::emulator {

struct Block;

struct Matrix {
  uint64_t descriptor;
  bool mnMajor; ///< rows of k lie apart, elements of m (n) adjacent
};

/// Appends the addresses of the 16-byte pieces of a matrix [mn][16]; fails when
/// the descriptor is not one that this emulator knows.
void listPieces(Matrix matrix, uint32_t mn, std::vector<uint32_t> &pieces,
                const char *site);

/// Reads element (i, k) into out[i * strideMN + k * strideK].
void readMatrix(Block &block, Matrix matrix, uint32_t mn, bool bf16, float *out,
                uint32_t strideMN, uint32_t strideK);

} // namespace attn::emulator

#endif // ATTN_LIB_EMULATOR_DESCRIPTOR_H
