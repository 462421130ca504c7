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

using namespace llvm;

namespace attn {
namespace {

/// A spec that would do for an argument, for messages: sizes that are open
/// become 8.
std::string exampleSpec(const ValueInfo &info) {
  SmallVector<int64_t> shape;
  for (int64_t size : info.shape)
    shape.push_back(size < 0 ? 8 : size);
  return shapeString(shape, info.type) +
         (isFloat(info.type) ? "=random:1" : "=0");
}

} // namespace

Expected<std::vector<Tensor>> readInputs(const Signature &signature,
                                         StringRef weights,
                                         ArrayRef<std::string> inputs) {
  if (!weights.empty() && !weights.consume_front("@"))
    return createStringError("--weights=" + weights +
                             ": expected @ before the path of a file");
  data::FileCache files;
  std::vector<Tensor> tensors;
  size_t next = 0;
  for (size_t i = 0; i < signature.arguments.size(); ++i) {
    const ValueInfo &info = signature.arguments[i];
    bool byName = !weights.empty() && !info.name.empty();
    if (!byName && next == inputs.size())
      return createStringError(
          signature.argumentName(i) + " of '" + signature.entry +
          "' is missing: give --input once more, for instance --input=" +
          exampleSpec(info));
    Expected<Tensor> tensor = byName ? data::readFile(files, weights, info.name)
                                     : data::makeTensor(inputs[next++], files);
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
