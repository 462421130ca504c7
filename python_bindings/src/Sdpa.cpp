//===- Sdpa.cpp - attn_mlir.sdpa ------------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks the arguments, finds or compiles the kernel, calls it. Nothing of an
// array but its shape is looked at before all checks have passed, except for
// the values of kv_lens.
//
//===----------------------------------------------------------------------===//

#include "Sdpa.h"
#include "Array.h"
#include "Errors.h"
#include "SdpaKernels.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <optional>
#include <vector>

namespace attn::python {
namespace {

/// One call, from its arguments to its result.
class Call {
public:
  explicit Call(const SdpaArguments &arguments);
  nb::object run();

private:
  void checkHeads();
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

bool isFloating(attn_dtype dtype) { return dtype <= ATTN_BF16; }

const char *text(nb::handle object) {
  const char *utf8 = PyUnicode_AsUTF8AndSize(object.ptr(), nullptr);
  if (!utf8)
    throw nb::python_error();
  return utf8;
}

/// `object` as a float; TypeError when it is no number.
double toDouble(nb::handle object, const char *name, const char *expected) {
  double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred()) {
    PyErr_Clear();
    raise(PyExc_TypeError, "%s: expected %s, found %s", name, expected,
          typeName(object).c_str());
  }
  return value;
}

/// `object` as an integer, if it is one.
std::optional<int64_t> toInteger(nb::handle object) {
  if (PyBool_Check(object.ptr()) || !PyIndex_Check(object.ptr()))
    return std::nullopt;
  Py_ssize_t value = PyNumber_AsSsize_t(object.ptr(), nullptr);
  if (value == -1 && PyErr_Occurred()) {
    PyErr_Clear();
    return std::nullopt;
  }
  return value;
}

bool toBool(nb::handle object, const char *name) {
  if (PyBool_Check(object.ptr()))
    return object.is(nb::handle(Py_True));
  std::string type = typeName(object);
  if (type != "bool" && type != "bool_") // numpy's
    raise(PyExc_TypeError, "%s: expected a bool, found %s", name, type.c_str());
  return PyObject_IsTrue(object.ptr()) == 1;
}

/// How an argument reads in a message, cut to fit its first line.
std::string shown(nb::handle object) {
  nb::object repr = nb::steal(PyObject_Repr(object.ptr()));
  if (!repr.is_valid()) {
    PyErr_Clear();
    return typeName(object);
  }
  std::string text = nb::cast<std::string>(repr);
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text.size() > 40 ? text.substr(0, 37) + "..." : text;
}

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

void expectVector(const Array &array, const char *name, int64_t size,
                  const char *each) {
  if (array.rank() != 1)
    raise(PyExc_ValueError, "%s: expected 1 dimension, found %d", name,
          array.rank());
  if (array.size(0) != size)
    raise(PyExc_ValueError, "%s: expected %lld numbers, one per %s, found %lld",
          name, static_cast<long long>(size), each,
          static_cast<long long>(array.size(0)));
}

Call::Call(const SdpaArguments &arguments)
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

void Call::checkHeads() {
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

void Call::checkMask() {
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

void Call::checkNumbers() {
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

int64_t Call::windowSide(nb::handle window, Py_ssize_t i) {
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

void Call::checkDiagonal() {
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
std::vector<double> Call::perHead(nb::handle object, const char *name) {
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

void Call::checkLengths() {
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

void Call::checkOut() {
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

static SdpaRules::Region toRegion(nb::handle region) {
  if (region.is_none())
    return {};
  return {nb::cast<std::string>(region[0]), nb::cast<std::string>(region[1])};
}

/// score_mod and mask_mod as MLIR, and the arrays that they look at.
void Call::traceRules() {
  if (given.scoreMod.is_none() && given.maskMod.is_none())
    return;
  nb::object traced =
      nb::module_::import_("attn_mlir.rules")
          .attr("trace")(given.scoreMod, given.maskMod, isF64 ? "f64" : "f32");
  SdpaRules rules;
  rules.score = toRegion(traced[3]);
  rules.mask = toRegion(traced[4]);
  for (nb::handle capture : traced[0])
    rules.captures.push_back(nb::cast<std::string>(capture));
  for (nb::handle type : traced[1])
    rules.types.push_back(nb::cast<std::string>(type));
  for (nb::handle array : traced[2])
    captured.emplace_back(array, "a captured array");
  traced[5](batches, heads, queries, keys);
  signature.rules = rulesNumber(std::move(rules));
}

/// Where key n stands for query m: n - (m + offset) is their distance.
int64_t Call::offset(int64_t batch) const {
  switch (signature.diagonal) {
  case Diagonal::TopLeft:
    return 0;
  case Diagonal::BottomRight:
    return (lengths.empty() ? keys : lengths[batch]) - queries;
  default:
    return explicitOffset;
  }
}

/// Clauses share the diagonal of causal; without it, or where its diagonal is
/// nobody's, the rule is written another way.
void Call::chooseDiagonal() {
  bool used = signature.windowLeft || signature.windowRight || signature.alibi;
  if (signature.causal || signature.diagonal == Diagonal::TopLeft)
    return;
  if (!used) {
    signature.diagonal = Diagonal::TopLeft;
    return;
  }
  for (int64_t b = 0; b < batches; ++b)
    offsets.push_back(offset(b));
  signature.diagonal = Diagonal::PerBatch;
}

/// The tensor in memory order, if a kernel reads that order in place; else as
/// it is, for attn-c to copy.
attn_tensor Call::laidOut(const Array &array, Layout &layout) {
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
bool Call::surround(const Array &array, const int *order) {
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
attn_tensor Call::sliceTensor(int operand) {
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
attn_tensor Call::input(int operand, const Array &array, Layout &layout) {
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

attn_tensor Call::vector(std::vector<double> &values) {
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

attn_tensor Call::vector(std::vector<int64_t> &values) {
  Room &room = rooms[nextRoom++];
  room.sizes[0] = static_cast<int64_t>(values.size());
  room.strides[0] = 8;
  return {values.data(), ATTN_I64, 1, room.sizes.data(), room.strides.data()};
}

attn_tensor Call::number(double value) {
  double &place = numbers[nextNumber++];
  attn_dtype dtype = isF64 ? ATTN_F64 : ATTN_F32;
  attn_number_store(dtype, value, &place);
  return {&place, dtype, 0, nullptr, nullptr};
}

attn_tensor Call::index(int64_t &value) {
  return {&value, ATTN_INDEX, 0, nullptr, nullptr};
}

attn_tensor Call::maskTensor() {
  Room &room = rooms[nextRoom++];
  for (int i = 0; i < mask->rank(); ++i) {
    room.sizes[i] = signature.maskOnes >> i & 1 ? 1 : mask->size(i);
    room.strides[i] = mask->stride(i);
  }
  return {mask->data(), mask->dtype(), mask->rank(), room.sizes.data(),
          room.strides.data()};
}

void Call::addOperands(const std::vector<Operand> &operands) {
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

nb::object Call::run() {
  inputs = {input(0, q, signature.query), input(1, k, signature.key),
            input(2, v, signature.value)};
  nb::object result = nb::borrow(given.out), lse;
  const int64_t sizes[] = {batches, heads, queries, valueDim};
  if (!out) {
    result = newArray(q.kind(), q.dtype(), sizes, 4);
    out.emplace(result, "out", /*writable=*/true);
  }
  std::vector<attn_tensor> outputs = {laidOut(*out, signature.output)};
  std::optional<Array> lseArray;
  if (signature.lse) {
    lse = newArray(q.kind(), isF64 ? ATTN_F64 : ATTN_F32, sizes, 3);
    lseArray.emplace(lse, "lse", /*writable=*/true);
    outputs.push_back(lseArray->tensor());
  }
  bool isEmpty = batches == 0 || heads == 0 || queries == 0;
  if (!isEmpty && (valueDim != 0 || signature.lse)) {
    const SdpaKernel &kernel = findKernel(signature, text(given.target));
    addOperands(kernel.operands);
    for (const Array &array : captured)
      inputs.push_back(array.tensor());
    attn_error *error;
    {
      nb::gil_scoped_release release;
      error =
          attn_executable_run(kernel.executable, inputs.data(), inputs.size(),
                              outputs.data(), outputs.size(), threads, nullptr);
    }
    throwIf(error);
  }
  if (given.out.is_none())
    result = finishArray(std::move(result), given.q, q.kind());
  if (!signature.lse)
    return result;
  return nb::make_tuple(result, finishArray(std::move(lse), given.q, q.kind()));
}

} // namespace

nb::object sdpa(const SdpaArguments &arguments) {
  return Call(arguments).run();
}

} // namespace attn::python
