//===- TensorMap.cpp - Tensor maps ----------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The limits are those of the CUDA driver API, cuTensorMapEncodeTiled.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/TensorMap.h"
#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"
#include "lib/Emulator/Text.h"

#include <algorithm>
#include <cstring>

namespace attn::emulator {

const TensorMap &readTensorMap(const void *map, int32_t rank,
                               const char *site) {
  Machine &machine = Machine::get();
  auto *tensor = static_cast<const TensorMap *>(map);
  if (!map || tensor->magic != TensorMap::kMagic)
    machine.fail(Fault::Invalid, site, "expects a tensor map");
  if (tensor->rank != rank)
    machine.fail(Fault::Invalid, site,
                 format("gives %d coordinates to a tensor map of rank %d", rank,
                        tensor->rank));
  return *tensor;
}

/// What is wrong with the arguments; empty when nothing is.
static std::string checkMap(const void *data, int32_t elementBytes,
                            int32_t rank, const int64_t *sizes,
                            const int64_t *strides, const int32_t *box,
                            int32_t swizzle) {
  if (reinterpret_cast<uintptr_t>(data) % 16)
    return "expects data that is aligned to 16 bytes";
  if (rank < 1 || rank > kMaxRank)
    return format("expects a rank from 1 to 5, but got %d", rank);
  if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4 &&
      elementBytes != 8)
    return format("expects elements of 1, 2, 4 or 8 bytes, but got %d",
                  elementBytes);
  for (int d = 0; d < rank; ++d) {
    if (sizes[d] < 0 || sizes[d] > int64_t(1) << 32)
      return format("expects sizes from 0 to 2^32, but dimension %d has %lld",
                    d, static_cast<long long>(sizes[d]));
    if (box[d] < 1 || box[d] > 256)
      return format("expects a box from 1 to 256, but dimension %d has %d", d,
                    box[d]);
  }
  for (int d = 0; d + 1 < rank; ++d)
    if (strides[d] < 0 || strides[d] % 16 || strides[d] >= int64_t(1) << 40)
      return format("expects strides that are multiples of 16 bytes below "
                    "2^40, but dimension %d has %lld",
                    d + 1, static_cast<long long>(strides[d]));
  int64_t inner = int64_t(box[0]) * elementBytes;
  if (inner % 16)
    return format("expects rows of the box of a multiple of 16 bytes, but got "
                  "%lld",
                  static_cast<long long>(inner));
  if (swizzle != 0 && swizzle != 32 && swizzle != 64 && swizzle != 128)
    return format("expects a swizzle of 0, 32, 64 or 128 bytes, but got %d",
                  swizzle);
  if (swizzle && inner != swizzle)
    return format("expects rows of the box as wide as the swizzle of %d bytes, "
                  "but got %lld",
                  swizzle, static_cast<long long>(inner));
  return "";
}

} // namespace attn::emulator

using namespace attn::emulator;

extern "C" int32_t
attn_emu_encode_tensor_map(void *map, void *data, int32_t elementBytes,
                           int32_t rank, const int64_t *sizes,
                           const int64_t *strides, const int32_t *box,
                           int32_t swizzle, const char *site) {
  std::string wrong =
      checkMap(data, elementBytes, rank, sizes, strides, box, swizzle);
  std::memset(map, 0, 128);
  if (!wrong.empty()) {
    if (Session *session = currentSession())
      Launch::record(*session, Fault::Invalid,
                     format("invalid operand: %s: %s",
                            site ? site : "tensor map", wrong.c_str()));
    return 1;
  }
  // There is no map of an empty tensor: a kernel that uses it has a fault.
  if (std::count(sizes, sizes + rank, 0))
    return 0;
  TensorMap tensor = {};
  tensor.magic = TensorMap::kMagic;
  tensor.rank = rank;
  tensor.elementBytes = elementBytes;
  tensor.swizzle = swizzle;
  tensor.data = static_cast<uint8_t *>(data);
  for (int d = 0; d < rank; ++d) {
    tensor.sizes[d] = sizes[d];
    tensor.box[d] = box[d];
    if (d)
      tensor.strides[d - 1] = strides[d - 1];
  }
  std::memcpy(map, &tensor, sizeof tensor);
  return 0;
}
