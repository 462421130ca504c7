//===- Executable.cpp - Executables across the C interface ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles, describes and calls an entry. Outputs with strides of their own,
// and those that lie on an input, are computed apart and copied.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Host.h"
#include "attn/Execute/ObjectCache.h"
#include "lib/CAPI/Error.h"
#include "lib/CAPI/Strided.h"

using namespace llvm;
using namespace attn;

struct attn_executable {
  std::unique_ptr<Executable> executable;
  std::vector<attn_value> arguments, results;
};

struct attn_weights {
  PackedWeights packed;
  const attn_executable *madeBy;
};

namespace {

attn_value valueOf(const ValueInfo &info) {
  attn_value value;
  value.dtype = static_cast<attn_dtype>(info.type);
  value.rank = static_cast<int32_t>(info.shape.size());
  value.sizes = info.shape.data();
  value.is_scalar = info.isScalar;
  value.is_weight = info.isWeight;
  value.name = info.name.empty() ? info.label.c_str() : info.name.c_str();
  return value;
}

/// A row-major tensor shaped as `tensor`.
Expected<Tensor> allocateLike(const attn_tensor &tensor, StringRef what) {
  ArrayRef<int64_t> sizes(tensor.sizes, tensor.rank);
  auto type = static_cast<Dtype>(tensor.dtype);
  std::optional<Tensor> copy = Tensor::allocate(sizes, type);
  if (copy)
    return std::move(*copy);
  return createStringError(inconvertibleErrorCode(),
                           "out of memory for a row-major copy of " + what +
                               " " + shapeString(sizes, type));
}

/// The inputs of one call as compiled code takes them.
struct Inputs {
  SmallVector<TensorView, 8> views;
  SmallVector<Tensor, 0> copies;

  /// Checks before anything is read; what is plain already the executable
  /// checks itself. Without `elements` only numbers are read, and the views of
  /// tensors are good for their shapes alone.
  Error add(const Executable &executable, ArrayRef<attn_tensor> tensors,
            bool elements) {
    bool reads = false;
    for (const attn_tensor &tensor : tensors) {
      views.push_back(viewOf(tensor));
      reads |= (elements || !tensor.rank) && !isPlain(tensor);
    }
    if (!reads)
      return Error::success();
    if (Error error = executable.signature().check(views))
      return error;
    for (auto [tensor, view] : zip(tensors, views))
      if (elements || !tensor.rank)
        if (Error error = straighten(tensor, view))
          return error;
    return Error::success();
  }

  /// Of all but the weights nothing is looked at.
  Error addWeights(const Executable &executable,
                   ArrayRef<attn_tensor> tensors) {
    const Signature &signature = executable.signature();
    for (auto [i, tensor] : enumerate(tensors)) {
      bool isWeight =
          i < signature.arguments.size() && signature.arguments[i].isWeight;
      views.push_back(isWeight ? viewOf(tensor) : TensorView());
    }
    if (Error error = signature.checkWeights(views))
      return error;
    for (auto [info, tensor, view] : zip(signature.arguments, tensors, views))
      if (info.isWeight)
        if (Error error = straighten(tensor, view))
          return error;
    return Error::success();
  }

private:
  Error straighten(const attn_tensor &tensor, TensorView &view) {
    if (isPlain(tensor))
      return Error::success();
    Expected<Tensor> copy = allocateLike(tensor, "an input");
    if (!copy)
      return copy.takeError();
    gather(tensor, copy->data());
    view.data = copy->data();
    copies.push_back(std::move(*copy));
    return Error::success();
  }
};

/// The outputs of one call: where compiled code writes, and what is copied
/// from there afterwards.
struct Outputs {
  SmallVector<TensorView, 4> views;
  SmallVector<std::pair<Tensor, attn_tensor>, 0> apart;

  Error add(ArrayRef<attn_tensor> tensors, ArrayRef<attn_tensor> inputs) {
    for (auto [i, tensor] : enumerate(tensors)) {
      if (overlapsItself(tensor))
        return createStringError(
            inconvertibleErrorCode(),
            "outputs[" + Twine(i) +
                "]: expected strides that put no two elements on one place");
      views.push_back(viewOf(tensor));
      auto touches = [out = extent(tensor)](const attn_tensor &input) {
        auto [low, high] = extent(input);
        return low < out.second && out.first < high;
      };
      if (isPlain(tensor) && none_of(inputs, touches))
        continue;
      Expected<Tensor> room = allocateLike(tensor, "a result");
      if (!room)
        return room.takeError();
      views.back().data = room->data();
      apart.emplace_back(std::move(*room), tensor);
    }
    return Error::success();
  }

  void finish() {
    for (auto &[tensor, to] : apart)
      scatter(tensor.data(), to);
  }
};

} // namespace

attn_error *attn_compile(const char *text, size_t length, const char *name,
                         const attn_options *given,
                         attn_executable **executable) {
  attn_options options = given ? *given : attn_options{};
  Expected<TargetInfo> target =
      resolveTarget(options.target ? options.target : "cpu");
  if (!target)
    return toC(target.takeError());
  ObjectCache none("", "");
  ObjectCache &cache = options.no_cache ? none : ObjectCache::ofProcess();
  Expected<std::unique_ptr<Executable>> compiled =
      cache.compile(StringRef(text, length), name ? name : "<text>",
                    options.entry ? options.entry : "", *target);
  if (!compiled)
    return toC(compiled.takeError());
  auto made = std::make_unique<attn_executable>();
  const Signature &signature = (*compiled)->signature();
  for (const ValueInfo &info : signature.arguments)
    made->arguments.push_back(valueOf(info));
  for (const ValueInfo &info : signature.results)
    made->results.push_back(valueOf(info));
  made->executable = std::move(*compiled);
  *executable = made.release();
  return nullptr;
}

void attn_executable_destroy(attn_executable *executable) { delete executable; }

const char *attn_executable_entry(const attn_executable *executable) {
  return executable->executable->signature().entry.c_str();
}

size_t attn_executable_num_arguments(const attn_executable *executable) {
  return executable->arguments.size();
}

size_t attn_executable_num_results(const attn_executable *executable) {
  return executable->results.size();
}

const attn_value *attn_executable_argument(const attn_executable *executable,
                                           size_t i) {
  return &executable->arguments[i];
}

const attn_value *attn_executable_result(const attn_executable *executable,
                                         size_t i) {
  return &executable->results[i];
}

attn_error *attn_executable_result_sizes(const attn_executable *executable,
                                         const attn_tensor *inputs,
                                         size_t numInputs, int64_t *sizes) {
  Inputs arguments;
  if (Error error =
          arguments.add(*executable->executable, ArrayRef(inputs, numInputs),
                        /*elements=*/false))
    return toC(std::move(error));
  auto shapes = executable->executable->resultShapes(arguments.views);
  if (!shapes)
    return toC(shapes.takeError());
  for (const auto &shape : *shapes)
    sizes = std::copy(shape.begin(), shape.end(), sizes);
  return nullptr;
}

attn_error *attn_executable_prepack(const attn_executable *executable,
                                    const attn_tensor *inputs, size_t numInputs,
                                    attn_weights **weights) {
  Inputs arguments;
  if (Error error = arguments.addWeights(*executable->executable,
                                         ArrayRef(inputs, numInputs)))
    return toC(std::move(error));
  auto packed = executable->executable->prepack(arguments.views);
  if (!packed)
    return toC(packed.takeError());
  *weights = new attn_weights{std::move(*packed), executable};
  return nullptr;
}

void attn_weights_destroy(attn_weights *weights) { delete weights; }

attn_error *attn_executable_run(const attn_executable *executable,
                                const attn_tensor *inputs, size_t numInputs,
                                const attn_tensor *outputs, size_t numOutputs,
                                int threads, const attn_weights *weights) {
  if (weights && weights->madeBy != executable)
    return errorToC("expected weights that this executable packed");
  Inputs arguments;
  if (Error error =
          arguments.add(*executable->executable, ArrayRef(inputs, numInputs),
                        /*elements=*/true))
    return toC(std::move(error));
  Outputs results;
  if (Error error = results.add(ArrayRef(outputs, numOutputs),
                                ArrayRef(inputs, numInputs)))
    return toC(std::move(error));
  CallOptions options;
  options.threads = threads;
  options.weights = weights ? &weights->packed : nullptr;
  if (Error error =
          executable->executable->run(arguments.views, results.views, options))
    return toC(std::move(error));
  results.finish();
  return nullptr;
}
