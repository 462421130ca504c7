//===- Descriptor.cpp - Matrices of wgmma in shared memory ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The canonical layouts of the PTX ISA ("Shared Memory Matrix Layout") for
// elements of 16 bits, in bytes; W is the swizzle's width, 16 without one:
//   K-major   (i, k): i / 8 * SBO + i % 8 * W + 2 k
//             without swizzle: i / 8 * SBO + i % 8 * 16 + k / 8 * LBO + 2 (k %
//             8)
//   MN-major  (i, k): 2 i / W * LBO + 2 i % W + k % 8 * W + k / 8 * SBO
//             without swizzle: i / 8 * SBO + 2 (i % 8) + k % 8 * 16 + k / 8 *
//             LBO
// and then the swizzle, which exchanges 16-byte pieces by address bits 7 and
// up.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Descriptor.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Numbers.h"
#include "lib/Emulator/Swizzle.h"
#include "lib/Emulator/Text.h"

#include <cstring>

namespace attn::emulator {

namespace {

constexpr uint32_t kDepth = 16;

struct Layout {
  uint32_t start, lbo, sbo, width;
  bool mnMajor;

  explicit Layout(Matrix matrix) : mnMajor(matrix.mnMajor) {
    uint64_t d = matrix.descriptor;
    start = (d & 0x3fff) << 4;
    lbo = (d >> 16 & 0x3fff) << 4;
    sbo = (d >> 32 & 0x3fff) << 4;
    static const uint32_t widths[] = {16, 128, 64, 32};
    width = widths[d >> 62];
  }

  /// The address of the 16-byte piece that holds (i, k) and its neighbours
  /// along the dense dimension; i or k is a multiple of 8.
  uint32_t piece(uint32_t i, uint32_t k) const {
    uint32_t offset;
    if (!mnMajor)
      offset = width == 16 ? i / 8 * sbo + i % 8 * 16 + k / 8 * lbo
                           : i / 8 * sbo + i % 8 * width + 2 * k;
    else
      offset = width == 16 ? i / 8 * sbo + k % 8 * 16 + k / 8 * lbo
                           : 2 * i / width * lbo + 2 * i % width +
                                 k % 8 * width + k / 8 * sbo;
    // Addresses have 18 bits here and wrap.
    return swizzle((start + offset) & 0x3ffff, width);
  }
};

/// Calls visit(i, k) with the first element of each piece.
template <typename F>
void forPieces(const Layout &layout, uint32_t mn, F visit) {
  if (layout.mnMajor)
    for (uint32_t k = 0; k < kDepth; ++k)
      for (uint32_t i = 0; i < mn; i += 8)
        visit(i, k);
  else
    for (uint32_t i = 0; i < mn; ++i)
      for (uint32_t k = 0; k < kDepth; k += 8)
        visit(i, k);
}

} // namespace

void listPieces(Matrix matrix, uint32_t mn, std::vector<uint32_t> &pieces,
                const char *site) {
  constexpr uint64_t known = 0xc0003fff3fff3fffull;
  if (matrix.descriptor & ~known)
    Machine::get().fail(
        Fault::Unsupported, site,
        format("matrix descriptor 0x%016llx has bits beside "
               "start, offsets and swizzle; a base offset is "
               "not modelled",
               static_cast<unsigned long long>(matrix.descriptor)));
  Layout layout(matrix);
  forPieces(layout, mn, [&](uint32_t i, uint32_t k) {
    pieces.push_back(layout.piece(i, k));
  });
}

void readMatrix(Block &block, Matrix matrix, uint32_t mn, bool bf16, float *out,
                uint32_t strideMN, uint32_t strideK) {
  Layout layout(matrix);
  uint32_t along = layout.mnMajor ? strideMN : strideK;
  forPieces(layout, mn, [&](uint32_t i, uint32_t k) {
    uint16_t bits[8];
    std::memcpy(bits, block.shared.at(layout.piece(i, k)), 16);
    float *to = out + i * strideMN + k * strideK;
    for (uint32_t e = 0; e < 8; ++e)
      to[e * along] = half16ToFloat(bits[e], bf16);
  });
}

} // namespace attn::emulator
