//===- SdpaChecks.cpp - What attn_mlir.sdpa expects -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every message names the argument, what was expected and what was found.
//
//===----------------------------------------------------------------------===//

#include "Errors.h"
#include "SdpaCall.h"
#include "Values.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace attn::python {
namespace {

Array readInput(nb::handle object, const char *name) {
  Array array(object, name);
  if (!isFloating(array.dtype()))
    raise(PyExc_TypeError,
          "%s: expected float64, float32, float16 or bfloat16, found %s", name,
          dtypeName(array.dtype()));
  if (array.rank() != 4)
    raise(PyExc_ValueError,
          "%s: expected 4 dimensions (batch, head, position, channel), found "
          "%d",
          name, array.rank());
  return array;
}

void expectSame(const Array &array, const char *name, int dim, const Array &as,
                const char *asName) {
  if (array.size(dim) != as.size(dim))
    raise(PyExc_ValueError,
          "%s: expected size %lld in dimension %d as in %s, found %lld", name,
          static_cast<long long>(as.size(dim)), dim, asName,
          static_cast<long long>(array.size(dim)));
}

} // namespace

SdpaCall::SdpaCall(const SdpaArguments &arguments)
    : given(arguments), q(readInput(arguments.q, "q")),
      k(readInput(arguments.k, "k")), v(readInput(arguments.v, "v")) {
  for (auto [array, name] : {std::pair(&k, "k"), std::pair(&v, "v")})
    if (array->dtype() != q.dtype())
      raise(PyExc_TypeError, "%s: expected %s as in q, found %s", name,
            dtypeName(q.dtype()), dtypeName(array->dtype()));
  isF64 = q.dtype() == ATTN_F64;
  batches = q.size(0), heads = q.size(1), queries = q.size(2), dim = q.size(3);
  kvHeads = k.size(1), keys = k.size(2), valueDim = v.size(3);
  if (!nb::isinstance<nb::str>(given.target))
    raise(PyExc_TypeError, "target: expected a string, found %s",
          typeName(given.target).c_str());
  signature.dtype = q.dtype();
  signature.dim = dim;
  signature.valueDim = valueDim;
  signature.lse = toBool(given.returnLse, "return_lse");
  checkHeads();
  shareHeads();
  if (queries >= 1 && queries <= fewQueries && kvHeads >= 1) {
    signature.queries = queries;
    signature.heads = heads;
    signature.kvHeads = kvHeads;
  }
  checkMask();
  checkNumbers();
  checkDiagonal();
  alibi = perHead(given.alibiSlopes, "alibi_slopes");
  sinks = perHead(given.sinks, "sinks");
  signature.alibi = !given.alibiSlopes.is_none();
  signature.sinks = !given.sinks.is_none();
  checkOut();
  checkLengths();
  chooseDiagonal();
  traceRules();
}

void SdpaCall::checkHeads() {
  expectSame(k, "k", 0, q, "q");
  expectSame(k, "k", 3, q, "q");
  expectSame(v, "v", 0, k, "k");
  expectSame(v, "v", 1, k, "k");
  expectSame(v, "v", 2, k, "k");
  bool grouped = toBool(given.enableGqa, "enable_gqa");
  if (kvHeads == heads)
    return;
  if (kvHeads == 0 || heads % kvHeads != 0)
    raise(
        PyExc_ValueError,
        "k: expected a number of heads that divides the %lld of q, found %lld",
        static_cast<long long>(heads), static_cast<long long>(kvHeads));
  if (!grouped)
    raise(PyExc_ValueError,
          "k: expected %lld heads as in q, or enable_gqa=True, found %lld",
          static_cast<long long>(heads), static_cast<long long>(kvHeads));
}

/// One key head that a stride of 0 repeats is read in place, as one.
void SdpaCall::shareHeads() {
  if (kvHeads <= 1 || k.stride(1) != 0 || v.stride(1) != 0)
    return;
  k.keepFirst(1);
  v.keepFirst(1);
  kvHeads = 1;
}

void SdpaCall::checkMask() {
  if (given.attnMask.is_none())
    return;
  mask.emplace(given.attnMask, "attn_mask");
  if (mask->dtype() != ATTN_I1 && !isFloating(mask->dtype()))
    raise(PyExc_TypeError,
          "attn_mask: expected bool (True: attend) or floating point (added), "
          "found %s",
          dtypeName(mask->dtype()));
  int rank = mask->rank();
  if (rank > 4)
    raise(PyExc_ValueError,
          "attn_mask: expected at most 4 dimensions, found %d", rank);
  const int64_t full[] = {batches, heads, queries, keys};
  for (int i = 0; i < rank; ++i) {
    int64_t size = mask->size(i), want = full[4 - rank + i];
    if (size != want && size != 1)
      raise(PyExc_ValueError,
            "attn_mask: expected size 1%s in dimension %d, found %lld",
            want == 1 ? "" : (" or " + std::to_string(want)).c_str(), i,
            static_cast<long long>(size));
    // A stride of 0 repeats one element as a size of 1 does.
    if (size == 1 || mask->stride(i) == 0)
      signature.maskOnes |= 1 << i;
  }
  signature.mask =
      mask->dtype() == ATTN_I1 ? MaskKind::Keep : MaskKind::Additive;
  signature.maskType = mask->dtype();
  signature.maskRank = static_cast<uint8_t>(rank);
}

void SdpaCall::checkNumbers() {
  if (!given.scale.is_none())
    scale = toDouble(given.scale, "scale", "None or a number");
  else if (dim == 0)
    raise(PyExc_ValueError,
          "scale: expected a number, because q has no channels, found None");
  else
    scale = 1.0 / std::sqrt(static_cast<double>(dim));
  softcap = toDouble(given.softcap, "softcap", "a number");
  if (!(softcap >= 0) || std::isinf(softcap))
    raise(PyExc_ValueError,
          "softcap: expected 0 (no cap) or a positive number, found %s",
          shown(given.softcap).c_str());
  signature.softcap = softcap > 0;
  if (!given.threads.is_none()) {
    std::optional<int64_t> count = toInteger(given.threads);
    if (!count)
      raise(PyExc_TypeError, "threads: expected None or an integer, found %s",
            typeName(given.threads).c_str());
    if (*count < 1 || *count > 4096)
      raise(PyExc_ValueError,
            "threads: expected None or a number from 1 to 4096, found %lld",
            static_cast<long long>(*count));
    threads = static_cast<int>(*count);
  }
}

int64_t SdpaCall::windowSide(nb::handle window, Py_ssize_t i) {
  nb::object side = nb::steal(PySequence_GetItem(window.ptr(), i));
  std::optional<int64_t> value;
  if (side.is_valid())
    value = toInteger(side);
  else
    PyErr_Clear();
  if (!value)
    raise(PyExc_TypeError,
          "window: expected two integers (left, right), found %s",
          shown(window).c_str());
  if (*value < -1)
    raise(PyExc_ValueError,
          "window: expected sizes of at least -1 (no bound), found %s",
          shown(window).c_str());
  // Beyond any position: no bound, and nothing overflows.
  return std::min<int64_t>(*value, int64_t(1) << 40);
}

void SdpaCall::checkDiagonal() {
  if (PySequence_Check(given.window.ptr()) == 0 ||
      PySequence_Size(given.window.ptr()) != 2) {
    PyErr_Clear();
    raise(PyExc_TypeError,
          "window: expected two integers (left, right), found %s",
          shown(given.window).c_str());
  }
  left = windowSide(given.window, 0);
  right = windowSide(given.window, 1);
  signature.windowLeft = left >= 0;
  signature.windowRight = right >= 0;
  signature.causal = toBool(given.isCausal, "is_causal");
  if (nb::isinstance<nb::str>(given.causalAlign)) {
    std::string_view align = text(given.causalAlign);
    if (align == "bottom_right")
      signature.diagonal = Diagonal::BottomRight;
    else if (align != "top_left")
      raise(PyExc_ValueError,
            "causal_align: expected 'top_left', 'bottom_right' or an offset, "
            "found %s",
            shown(given.causalAlign).c_str());
    return;
  }
  std::optional<int64_t> value = toInteger(given.causalAlign);
  if (!value)
    raise(PyExc_TypeError,
          "causal_align: expected 'top_left', 'bottom_right' or an offset, "
          "found %s",
          shown(given.causalAlign).c_str());
  constexpr int64_t far = int64_t(1) << 40;
  explicitOffset = std::clamp(*value, -far, far);
  signature.diagonal = Diagonal::Offset;
}

/// A number per query head, empty for None.
std::vector<double> SdpaCall::perHead(nb::handle object, const char *name) {
  std::vector<double> values;
  if (object.is_none())
    return values;
  Array array(object, name);
  if (!isFloating(array.dtype()))
    raise(PyExc_TypeError, "%s: expected floating point, found %s", name,
          dtypeName(array.dtype()));
  expectVector(array, name, heads, "head of q");
  for (int64_t h = 0; h < heads; ++h)
    values.push_back(attn_number_load(array.dtype(),
                                      static_cast<const char *>(array.data()) +
                                          h * array.stride(0)));
  return values;
}

void SdpaCall::checkLengths() {
  if (given.kvLens.is_none())
    return;
  Array array(given.kvLens, "kv_lens");
  if (array.dtype() < ATTN_I64 || array.dtype() == ATTN_I1)
    raise(PyExc_TypeError, "kv_lens: expected signed integers, found %s",
          dtypeName(array.dtype()));
  expectVector(array, "kv_lens", batches, "batch");
  // A copy: another thread may write to the array after the check.
  for (int64_t b = 0; b < batches; ++b) {
    double length = attn_number_load(array.dtype(),
                                     static_cast<const char *>(array.data()) +
                                         b * array.stride(0));
    if (length < 0 || length > static_cast<double>(keys))
      raise(
          PyExc_ValueError,
          "kv_lens: expected lengths from 0 to %lld, found %.0f at index %lld",
          static_cast<long long>(keys), length, static_cast<long long>(b));
    lengths.push_back(static_cast<int64_t>(length));
  }
  signature.lengths = 1;
}

void SdpaCall::checkOut() {
  if (given.out.is_none())
    return;
  out.emplace(given.out, "out", /*writable=*/true);
  if (out->dtype() != q.dtype())
    raise(PyExc_TypeError, "out: expected %s as in q, found %s",
          dtypeName(q.dtype()), dtypeName(out->dtype()));
  if (out->rank() != 4)
    raise(PyExc_ValueError, "out: expected 4 dimensions, found %d",
          out->rank());
  const int64_t want[] = {batches, heads, queries, valueDim};
  for (int i = 0; i < 4; ++i)
    if (out->size(i) != want[i])
      raise(PyExc_ValueError,
            "out: expected size %lld in dimension %d, found %lld",
            static_cast<long long>(want[i]), i,
            static_cast<long long>(out->size(i)));
  attn_tensor tensor = out->tensor();
  if (attn_tensor_overlaps_itself(&tensor))
    raise(PyExc_ValueError,
          "out: expected strides that put no two elements on one place");
}

} // namespace attn::python
