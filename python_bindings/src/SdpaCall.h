//===- SdpaCall.h - One call of attn_mlir.sdpa ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the arguments to the result. Nothing of an array but its shape is looked
// at before all checks have passed, except for the values of kv_lens.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PYTHON_SDPACALL_H
#define ATTN_PYTHON_SDPACALL_H

#include "Array.h"
#include "Sdpa.h"
#include "SdpaSource.h"

#include <array>
#include <deque>
#include <optional>
#include <vector>

namespace attn::python {

/// Checked by its constructor (SdpaChecks.cpp), made operands of the kernel
/// (SdpaOperands.cpp), and run (Sdpa.cpp).
class SdpaCall {
public:
  explicit SdpaCall(const SdpaArguments &arguments);
  nb::object run();

private:
  void checkHeads();
  void shareHeads();
  void checkMask();
  void checkNumbers();
  void checkDiagonal();
  void checkLengths();
  void checkOut();
  void traceRules();
  int64_t windowSide(nb::handle window, Py_ssize_t i);
  std::vector<double> perHead(nb::handle object, const char *name);
  void chooseDiagonal();
  int64_t offset(int64_t batch) const;

  attn_tensor laidOut(const Array &array, Layout &layout);
  attn_tensor input(int operand, const Array &array, Layout &layout);
  bool surround(const Array &array, const int *order);
  attn_tensor sliceTensor(int operand);
  attn_tensor vector(std::vector<double> &values);
  attn_tensor vector(std::vector<int64_t> &values);
  attn_tensor number(double value);
  attn_tensor index(int64_t &value);
  attn_tensor maskTensor();
  void addOperands(const std::vector<Operand> &operands);

  const SdpaArguments &given;
  Array q, k, v;
  std::optional<Array> mask, out;
  SdpaSignature signature;
  bool isF64;
  int64_t batches, heads, kvHeads, queries, keys, dim, valueDim;
  double scale = 0, softcap = 0;
  int threads = 0;
  int64_t left = -1, right = -1, explicitOffset = 0;
  std::vector<double> alibi, sinks;
  std::vector<int64_t> lengths, offsets;
  std::deque<Array> captured;

  std::vector<attn_tensor> inputs;
  /// What inputs point to: they are few, and must not move.
  struct Room {
    std::array<int64_t, maxRank> sizes, strides;
  };
  std::array<Room, 20> rooms;
  size_t nextRoom = 0;
  std::array<double, 4> numbers;
  size_t nextNumber = 0;
};

} // namespace attn::python

#endif // ATTN_PYTHON_SDPACALL_H
