//===- SdpaOperands.cpp - Arrays as operands of a kernel ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which memory order a kernel reads in place, and what it takes beside arrays.
//
//===----------------------------------------------------------------------===//

#include "SdpaCall.h"
#include "Values.h"

#include <cstring>
#include <string_view>

namespace attn::python {

/// The tensor in memory order, if a kernel reads that order in place; else as
/// it is, for attn-c to copy.
attn_tensor SdpaCall::laidOut(const Array &array, Layout &layout) {
  Room &room = rooms[nextRoom++];
  auto fits = [&](const int *order) {
    int64_t expected = array.itemSize();
    for (int i = 3; i >= 0; --i) {
      int64_t size = array.size(order[i]);
      if (size != 1 && array.stride(order[i]) != expected)
        return false;
      expected *= size;
    }
    return true;
  };
  int chosen = 0;
  for (int i = 0; i < numLayouts; ++i)
    if (fits(layoutOrders[i])) {
      chosen = i;
      break;
    }
  layout = static_cast<Layout>(chosen);
  for (int i = 0; i < 4; ++i) {
    room.sizes[i] = array.size(layoutOrders[chosen][i]);
    room.strides[i] = array.stride(layoutOrders[chosen][i]);
  }
  return {array.data(), array.dtype(), 4, room.sizes.data(),
          room.strides.data()};
}

/// Whether the array is the start of a row-major tensor of more elements, whose
/// dimensions come in this order; its sizes and strides then are the next room.
/// So lie parts of a packed QKV, and the first positions of a cache.
bool SdpaCall::surround(const Array &array, const int *order) {
  Room &room = rooms[nextRoom];
  int64_t step = array.itemSize();
  if (reinterpret_cast<uintptr_t>(array.data()) % step ||
      (array.size(3) != 1 && array.stride(3) != step))
    return false;
  int64_t inside = array.size(3); // elements that one step has to pass
  for (int i = 3; i > 0; --i) {
    int outer = order[i - 1];
    int64_t stride = array.stride(outer);
    if (array.size(outer) == 1)
      stride = step * inside;
    if (stride <= 0 || stride % step || stride / step < inside)
      return false;
    room.sizes[i] = stride / step;
    room.strides[i] = step;
    step = stride;
    inside = array.size(outer);
  }
  room.sizes[0] = array.size(order[0]);
  room.strides[0] = step;
  return true;
}

/// [B, H, positions] of q, k or v. Nobody reads the elements.
attn_tensor SdpaCall::sliceTensor(int operand) {
  const Array &array = operand == 0 ? q : operand == 1 ? k : v;
  Room &room = rooms[nextRoom++];
  int64_t step = 1;
  for (int d = 2; d >= 0; --d) {
    room.sizes[d] = array.size(d);
    room.strides[d] = step;
    step *= array.size(d);
  }
  return {array.data(), ATTN_I8, 3, room.sizes.data(), room.strides.data()};
}

/// A tensor that is read in place, if the array's strides allow for it.
attn_tensor SdpaCall::input(int operand, const Array &array, Layout &layout) {
  attn_tensor tensor = laidOut(array, layout);
  if (attn_tensor_is_row_major(&tensor) ||
      std::string_view(text(given.target)).substr(0, 4) == "nvvm")
    return tensor;
  for (int i = 0; i < numLayouts; ++i)
    if (surround(array, layoutOrders[i])) {
      const Room &room = rooms[nextRoom++];
      layout = static_cast<Layout>(i);
      signature.sliced |= 1 << operand;
      return {array.data(), array.dtype(), 4, room.sizes.data(),
              room.strides.data()};
    }
  return tensor;
}

attn_tensor SdpaCall::vector(std::vector<double> &values) {
  Room &room = rooms[nextRoom++];
  room.sizes[0] = static_cast<int64_t>(values.size());
  // In place: an f32 is no longer than an f64.
  if (!isF64)
    for (size_t i = 0; i < values.size(); ++i) {
      float narrow = static_cast<float>(values[i]);
      std::memcpy(reinterpret_cast<char *>(values.data()) + i * 4, &narrow, 4);
    }
  room.strides[0] = isF64 ? 8 : 4;
  return {values.data(), isF64 ? ATTN_F64 : ATTN_F32, 1, room.sizes.data(),
          room.strides.data()};
}

attn_tensor SdpaCall::vector(std::vector<int64_t> &values) {
  Room &room = rooms[nextRoom++];
  room.sizes[0] = static_cast<int64_t>(values.size());
  room.strides[0] = 8;
  return {values.data(), ATTN_I64, 1, room.sizes.data(), room.strides.data()};
}

attn_tensor SdpaCall::number(double value) {
  double &place = numbers[nextNumber++];
  attn_dtype dtype = isF64 ? ATTN_F64 : ATTN_F32;
  attn_number_store(dtype, value, &place);
  return {&place, dtype, 0, nullptr, nullptr};
}

attn_tensor SdpaCall::index(int64_t &value) {
  return {&value, ATTN_INDEX, 0, nullptr, nullptr};
}

attn_tensor SdpaCall::maskTensor() {
  Room &room = rooms[nextRoom++];
  for (int i = 0; i < mask->rank(); ++i) {
    room.sizes[i] = signature.maskOnes >> i & 1 ? 1 : mask->size(i);
    room.strides[i] = mask->stride(i);
  }
  return {mask->data(), mask->dtype(), mask->rank(), room.sizes.data(),
          room.strides.data()};
}

void SdpaCall::addOperands(const std::vector<Operand> &operands) {
  for (Operand operand : operands)
    switch (operand) {
    case Operand::Query:
    case Operand::Key:
    case Operand::Value:
      break; // were added when their layouts were chosen
    case Operand::Scale:
      inputs.push_back(number(scale));
      break;
    case Operand::Softcap:
      inputs.push_back(number(softcap));
      break;
    case Operand::Offset:
      inputs.push_back(index(explicitOffset));
      break;
    case Operand::Offsets:
      inputs.push_back(vector(offsets));
      break;
    case Operand::WindowLeft:
      inputs.push_back(index(left));
      break;
    case Operand::WindowRight:
      inputs.push_back(index(right));
      break;
    case Operand::Alibi:
      inputs.push_back(vector(alibi));
      break;
    case Operand::Mask:
      inputs.push_back(maskTensor());
      break;
    case Operand::Lengths:
      inputs.push_back(vector(lengths));
      break;
    case Operand::Sinks:
      inputs.push_back(vector(sinks));
      break;
    case Operand::QuerySizes:
    case Operand::KeySizes:
    case Operand::ValueSizes:
      inputs.push_back(sliceTensor(static_cast<int>(operand) -
                                   static_cast<int>(Operand::QuerySizes)));
      break;
    }
}

} // namespace attn::python
