//===- Inputs.cpp - The arguments of one run ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which tensor goes to which argument; the readers are in Data.
//
//===----------------------------------------------------------------------===//

#include "Inputs.h"

#include "attn/Data/Readers.h"
#include "attn/Data/Spec.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace attn {
namespace {

/// A spec that would do for an argument, for messages: sizes that are open
/// become 8.
std::string exampleSpec(const ValueInfo &info, size_t seed) {
  SmallVector<int64_t> shape;
  for (int64_t size : info.shape)
    shape.push_back(size < 0 ? 8 : size);
  return shapeString(shape, info.type) +
         (isFloat(info.type) || info.type == Dtype::I1
              ? "=random:" + utostr(seed)
              : "=0");
}

} // namespace

Expected<std::vector<Tensor>> readInputs(const Signature &signature,
                                         StringRef weights,
                                         ArrayRef<std::string> inputs,
                                         bool makesUp) {
  if (!weights.empty() && !weights.consume_front("@"))
    return createStringError("--weights=" + weights +
                             ": expected @ before the path of a file");
  data::FileCache files;
  std::vector<Tensor> tensors;
  size_t next = 0;
  for (size_t i = 0; i < signature.arguments.size(); ++i) {
    const ValueInfo &info = signature.arguments[i];
    bool byName = !weights.empty() && !info.name.empty();
    std::string spec;
    if (!byName && next == inputs.size() && makesUp)
      spec = exampleSpec(info, i + 1);
    else if (!byName && next < inputs.size())
      spec = inputs[next++];
    else if (!byName)
      return createStringError(
          signature.argumentName(i) + " of '" + signature.entry +
          "' is missing: give --input once more, for instance --input=" +
          exampleSpec(info, 1));
    Expected<Tensor> tensor = byName ? data::readFile(files, weights, info.name)
                                     : data::makeTensor(spec, files);
    if (!tensor)
      return createStringError(signature.argumentName(i) + ": " +
                               toString(tensor.takeError()));
    tensors.push_back(std::move(*tensor));
  }
  if (next != inputs.size())
    return createStringError("entry '" + signature.entry + "' takes " +
                             Twine(next) + " inputs, but got --input " +
                             Twine(inputs.size()) + " times");
  SmallVector<TensorView> views;
  for (const Tensor &tensor : tensors)
    views.push_back(tensor.view());
  if (Error error = signature.check(views))
    return std::move(error);
  return tensors;
}

} // namespace attn
