//===- Executable.cpp - A compiled entry that can be called ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry of a function f is four symbols:
//   i32  _mlir_ciface_f(inputs, packed weights, outputs, workspace)   0, or 1 +
//   the bad argument void _mlir_ciface_f_shapes(inputs, memref<?xi64> dims) all
//   sizes of all results i64  _mlir_ciface_f_workspace(inputs) bytes of scratch
//   void _mlir_ciface_f_prepack(inputs, packed weights)               only if
//   there are any
// Tensors go by the address of a descriptor, numbers by value.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Executable.h"
#include "attn/Runtime/Abi.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace attn {
namespace {

Error outOfMemory(const Twine &what) {
  return createStringError("out of memory for " + what);
}

/// Sets the calling thread's count, unless `threads` is 0.
class ThreadScope {
public:
  explicit ThreadScope(int threads) : active(threads > 0) {
    if (active)
      before = attn_rt_set_call_threads(threads);
  }
  ~ThreadScope() {
    if (active)
      attn_rt_set_call_threads(before);
  }

private:
  bool active;
  int32_t before = 0;
};

} // namespace

/// Descriptors of the arguments of one call, and the array of addresses that
/// Jit::Packed takes. Tensors with gaps are replaced by copies that live as
/// long as this.
class Executable::Arguments {
public:
  explicit Arguments(size_t expected) { slots.reserve(expected); }

  void addNumber(const TensorView &view) {
    slots.push_back(Slot{view.data, npos});
  }

  void addTensor(const TensorView &view) {
    slots.push_back(Slot{nullptr, words.size()});
    addWord(reinterpret_cast<intptr_t>(view.data));
    addWord(reinterpret_cast<intptr_t>(view.data));
    addWord(0);
    words.append(view.shape.begin(), view.shape.end());
    SmallVector<int64_t, 4> strides = rowMajorStrides(view.shape);
    words.append(strides.begin(), strides.end());
  }

  Error addInput(const ValueInfo &info, const TensorView &view) {
    if (info.isScalar) {
      addNumber(view);
    } else if (view.isRowMajor()) {
      addTensor(view);
    } else {
      std::optional<Tensor> copy = Tensor::allocate(view.shape, view.type);
      if (!copy)
        return outOfMemory("a row-major copy of " + view.str());
      copyRowMajor(view, copy->data());
      addTensor(copy->view());
      copies.push_back(std::move(*copy));
    }
    return Error::success();
  }

  void addBuffer(void *data, int64_t size) {
    slots.push_back(Slot{nullptr, words.size()});
    for (int64_t word :
         {reinterpret_cast<int64_t>(data), reinterpret_cast<int64_t>(data),
          int64_t(0), size, int64_t(1)})
      addWord(word);
  }

  /// Calls `function`; `result` is where its result goes.
  void call(Jit::Packed function, void *result) {
    descriptors.clear();
    addresses.clear();
    // Addresses are taken here, when the words no longer move.
    for (const Slot &slot : slots)
      descriptors.push_back(slot.number ? slot.number : &words[slot.word]);
    for (auto [slot, descriptor] : zip(slots, descriptors))
      addresses.push_back(slot.number ? slot.number
                                      : static_cast<void *>(&descriptor));
    addresses.push_back(result);
    function(addresses.data());
  }

  /// What the caller gave.
  ArrayRef<TensorView> views;

  /// Forgets the arguments after the first `count`.
  void truncate(size_t count) {
    if (count == slots.size())
      return;
    if (slots[count].word != npos)
      words.truncate(slots[count].word);
    slots.truncate(count);
  }

private:
  static constexpr size_t npos = ~size_t(0);
  struct Slot {
    void *number; ///< the value itself, or null for a tensor
    size_t word;  ///< where the descriptor starts
  };
  void addWord(int64_t word) { words.push_back(word); }

  SmallVector<Slot, 16> slots;
  SmallVector<int64_t, 160> words;
  SmallVector<void *, 16> descriptors;
  SmallVector<void *, 17> addresses;
  std::vector<Tensor> copies;
};

/// Scratch buffers between calls: a fresh one would be paid for page by page.
/// One per call that runs at the same time.
struct Executable::Scratch {
  struct Buffer {
    void *data = nullptr;
    int64_t bytes = 0;
  };

  ~Scratch() {
    for (Buffer &buffer : free)
      attn_rt_free(buffer.data);
  }

  Buffer take(int64_t bytes) {
    Buffer buffer;
    {
      std::lock_guard<std::mutex> lock(mutex);
      if (!free.empty()) {
        buffer = free.back();
        free.pop_back();
      }
    }
    if (buffer.data && buffer.bytes >= bytes)
      return buffer;
    attn_rt_free(buffer.data);
    return {attn_rt_alloc(bytes), bytes};
  }

  void give(Buffer buffer) {
    std::lock_guard<std::mutex> lock(mutex);
    free.push_back(buffer);
  }

  std::mutex mutex;
  std::vector<Buffer> free;
};

Executable::~Executable() = default;

std::vector<std::string> Executable::symbols(StringRef entry) {
  std::string name = ("_mlir_ciface_" + entry).str();
  return {name, name + "_shapes", name + "_workspace", name + "_prepack"};
}

Expected<std::unique_ptr<Executable>>
Executable::create(std::unique_ptr<Jit> jit, Signature signature,
                   std::vector<ValueInfo> packed) {
  std::vector<std::string> names = symbols(signature.entry);
  std::unique_ptr<Executable> executable(new Executable);
  executable->entry = jit->lookup(names[0]);
  executable->shapes = jit->lookup(names[1]);
  executable->workspace = jit->lookup(names[2]);
  executable->pack = jit->lookup(names[3]);
  executable->staticResults =
      all_of(signature.results, [](const ValueInfo &result) {
        return all_of(result.shape, [](int64_t size) { return size >= 0; });
      });
  if (!executable->entry || !executable->workspace)
    return createStringError("the compiled module does not define entry '" +
                             signature.entry + "'");
  if (!executable->staticResults && !executable->shapes)
    return createStringError(
        "the compiled module does not say the result shapes of '" +
        signature.entry + "'");
  if (!packed.empty() && !executable->pack)
    return createStringError("the compiled module does not define '" +
                             signature.entry + "_prepack'");
  executable->jit = std::move(jit);
  executable->entrySignature = std::move(signature);
  executable->packedTypes = std::move(packed);
  executable->scratch = std::make_unique<Scratch>();
  return executable;
}

Expected<std::unique_ptr<Executable>> Executable::load(CompiledEntry entry) {
  Expected<std::unique_ptr<Jit>> jit = Jit::load(std::move(entry.code));
  if (!jit)
    return jit.takeError();
  return create(std::move(*jit), std::move(entry.signature),
                std::move(entry.packed));
}

Executable::Shapes Executable::shapesFor(Arguments &inputs) const {
  Shapes result;
  for (const ValueInfo &info : entrySignature.results)
    result.push_back(info.shape);
  if (staticResults)
    return result;
  SmallVector<int64_t, 16> dims;
  for (const ValueInfo &info : entrySignature.results)
    dims.append(info.shape.begin(), info.shape.end());
  inputs.addBuffer(dims.data(), dims.size());
  inputs.call(shapes, nullptr);
  inputs.truncate(entrySignature.arguments.size());
  size_t next = 0;
  for (auto &shape : result)
    for (int64_t &size : shape)
      size = dims[next++];
  return result;
}

/// Room for all packed weights, each on a cache line of its own.
static Expected<PackedWeights> allocatePacked(ArrayRef<ValueInfo> types) {
  int64_t total = 0;
  SmallVector<int64_t> offsets;
  for (const ValueInfo &info : types) {
    offsets.push_back(total);
    std::optional<int64_t> bytes = lineBytes(info.shape, info.type);
    if (!bytes || AddOverflow(total, *bytes, total))
      return outOfMemory("packed weights of " + info.str());
  }
  PackedWeights weights;
  weights.memory.reset(attn_rt_alloc(total), attn_rt_free);
  if (!weights.memory)
    return outOfMemory("packed weights of " + Twine(total) + " bytes");
  for (auto [info, offset] : zip_equal(types, offsets))
    weights.tensors.push_back(
        {static_cast<char *>(weights.memory.get()) + offset, info.type,
         info.shape, rowMajorStrides(info.shape)});
  return weights;
}

Error Executable::prepackInto(Arguments &inputs, PackedWeights &weights) const {
  if (packedTypes.empty())
    return Error::success();
  Expected<PackedWeights> room = allocatePacked(packedTypes);
  if (!room)
    return room.takeError();
  weights = std::move(*room);
  for (const TensorView &view : weights.tensors)
    inputs.addTensor(view);
  inputs.call(pack, nullptr);
  inputs.truncate(entrySignature.arguments.size());
  return Error::success();
}

Error Executable::runChecked(Arguments &inputs, ArrayRef<TensorView> outputs,
                             const CallOptions &options) const {
  ThreadScope threads(options.threads);
  int64_t bytes = 0;
  inputs.call(workspace, &bytes);
  PackedWeights made;
  if (!options.weights)
    if (Error error = prepackInto(inputs, made))
      return error;
  for (const TensorView &view :
       options.weights ? options.weights->tensors : made.tensors)
    inputs.addTensor(view);
  for (const TensorView &output : outputs)
    inputs.addTensor(output);

  Scratch::Buffer buffer = scratch->take(bytes);
  if (!buffer.data)
    return outOfMemory("a workspace of " + Twine(bytes) + " bytes");
  inputs.addBuffer(buffer.data, bytes);
  int32_t status = 0;
  emulator::Options emulation = options.emulation;
  emulation.threads = attn_rt_get_num_threads();
  emulator::Session session(
      emulation); // of the kernels that the entry launches
  inputs.call(entry, &status);
  scratch->give(buffer);
  if (session.fault() != emulator::Fault::None)
    return createStringError(session.report());
  if (status == 0)
    return Error::success();
  if (status < 0 ||
      static_cast<size_t>(status) > entrySignature.arguments.size())
    return createStringError("entry '" + entrySignature.entry +
                             "' returned status " + Twine(status));
  // A table of pages is checked element by element.
  const TensorView &blamed = inputs.views[status - 1];
  return createStringError(entrySignature.argumentName(status - 1) +
                           (isFloat(blamed.type)
                                ? ": its shape does not fit"
                                : ": its shape, or an element, does not fit") +
                           " the other arguments: got " + blamed.str());
}

Error Executable::addInputs(Arguments &arguments,
                            ArrayRef<TensorView> inputs) const {
  if (Error error = entrySignature.check(inputs))
    return error;
  arguments.views = inputs;
  for (auto [info, input] : zip(entrySignature.arguments, inputs))
    if (Error error = arguments.addInput(info, input))
      return error;
  return Error::success();
}

Expected<PackedWeights> Executable::prepack(ArrayRef<TensorView> inputs) const {
  if (Error error = entrySignature.checkWeights(inputs))
    return std::move(error);
  Arguments arguments(inputs.size() + packedTypes.size());
  // What stands where the compiled function takes, and ignores, another input.
  int64_t nothing = 0;
  for (auto [info, input] : zip(entrySignature.arguments, inputs)) {
    TensorView stand{&nothing, info.type, info.shape, {}};
    replace(stand.shape, -1, 0);
    stand.strides = rowMajorStrides(stand.shape);
    if (Error error = arguments.addInput(info, info.isWeight ? input : stand))
      return std::move(error);
  }
  PackedWeights weights;
  if (Error error = prepackInto(arguments, weights))
    return std::move(error);
  return weights;
}

Expected<Executable::Shapes>
Executable::resultShapes(ArrayRef<TensorView> inputs) const {
  Arguments arguments(inputs.size() + 1);
  if (Error error = addInputs(arguments, inputs))
    return std::move(error);
  return shapesFor(arguments);
}

Error Executable::run(ArrayRef<TensorView> inputs, ArrayRef<TensorView> outputs,
                      const CallOptions &options) const {
  Arguments arguments(inputs.size() + packedTypes.size() + outputs.size() + 1);
  if (Error error = addInputs(arguments, inputs))
    return error;
  if (outputs.size() != entrySignature.results.size())
    return createStringError("entry '" + entrySignature.entry + "' gives " +
                             Twine(entrySignature.results.size()) +
                             " results, but got room for " +
                             Twine(outputs.size()));
  Shapes shapes = shapesFor(arguments);
  for (size_t i = 0; i < outputs.size(); ++i) {
    Dtype type = entrySignature.results[i].type;
    if (outputs[i].type != type || outputs[i].shape != shapes[i])
      return createStringError("outputs[" + Twine(i) + "]: expected room for " +
                               shapeString(shapes[i], type) + ", but got " +
                               outputs[i].str());
    if (!outputs[i].isRowMajor())
      return createStringError("outputs[" + Twine(i) +
                               "]: expected a row-major tensor without gaps");
  }
  return runChecked(arguments, outputs, options);
}

Expected<std::vector<Tensor>>
Executable::call(ArrayRef<TensorView> inputs,
                 const CallOptions &options) const {
  Arguments arguments(inputs.size() + packedTypes.size() +
                      entrySignature.results.size() + 1);
  if (Error error = addInputs(arguments, inputs))
    return std::move(error);
  std::vector<Tensor> results;
  SmallVector<TensorView, 4> outputs;
  for (auto [shape, info] : zip(shapesFor(arguments), entrySignature.results)) {
    std::optional<Tensor> tensor = Tensor::allocate(shape, info.type);
    if (!tensor)
      return outOfMemory("result " + shapeString(shape, info.type));
    outputs.push_back(tensor->view());
    results.push_back(std::move(*tensor));
  }
  if (Error error = runChecked(arguments, outputs, options))
    return std::move(error);
  return results;
}

} // namespace attn
