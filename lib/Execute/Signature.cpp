//===- Signature.cpp - What an entry takes and gives ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types come from the source module: after bufferization they are bare
// pointers.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/Signature.h"

#include "attn/Dialect/Attn/IR/Attn.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace mlir;

namespace attn {
namespace {

std::string print(Type type) {
  std::string text;
  raw_string_ostream(text) << type;
  return text;
}

std::optional<ValueInfo> describe(Type type) {
  ValueInfo info;
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (tensor.getEncoding())
      return std::nullopt;
    for (int64_t size : tensor.getShape())
      info.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
    type = tensor.getElementType();
  } else {
    info.isScalar = true;
  }
  std::optional<Dtype> dtype = dtypeOf(type);
  if (!dtype)
    return std::nullopt;
  info.type = *dtype;
  return info;
}

bool fits(const ValueInfo &expected, const TensorView &found) {
  return expected.type == found.type &&
         expected.shape.size() == found.shape.size() &&
         all_of(zip(expected.shape, found.shape), [](auto sizes) {
           auto [want, have] = sizes;
           return have >= 0 && (want < 0 || want == have);
         });
}

} // namespace

std::optional<Dtype> dtypeOf(Type type) {
  if (type.isIndex())
    return Dtype::Index;
  if (auto integer = dyn_cast<IntegerType>(type);
      integer && !integer.isSignless())
    return std::nullopt;
  std::optional<Dtype> dtype = parseDtype(print(type));
  return dtype;
}

Expected<Signature> Signature::read(func::FuncOp func) {
  Signature signature;
  signature.entry = func.getName().str();
  auto unsupported = [&](StringRef what, size_t i, Type type) {
    return createStringError(
        "entry '" + func.getName() + "': expected " + what + " #" + Twine(i) +
        " to be a ranked tensor or a number, but found " + print(type));
  };
  for (auto [i, type] : enumerate(func.getArgumentTypes())) {
    std::optional<ValueInfo> info = describe(type);
    if (!info)
      return unsupported("argument", i, type);
    info->isWeight =
        static_cast<bool>(func.getArgAttr(i, AttnDialect::getWeightArgName()));
    if (auto name = func.getArgAttrOfType<StringAttr>(i, "attn.name"))
      info->name = name.str();
    if (!func.isExternal())
      if (auto place = dyn_cast<NameLoc>(func.getArgument(i).getLoc()))
        info->label = place.getName().str();
    signature.arguments.push_back(std::move(*info));
  }
  for (auto [i, type] : enumerate(func.getResultTypes())) {
    std::optional<ValueInfo> info = describe(type);
    if (!info)
      return unsupported("result", i, type);
    signature.results.push_back(std::move(*info));
  }
  return signature;
}

std::string Signature::argumentName(size_t i) const {
  const ValueInfo &info = arguments[i];
  std::string text = "argument #" + std::to_string(i);
  if (!info.name.empty())
    return text + " ('" + info.name + "')";
  return info.label.empty() ? text : text + " (%" + info.label + ")";
}

/// Says how `inputs` break `rule`.
Error Signature::breaks(const SizeRule &rule,
                        ArrayRef<TensorView> inputs) const {
  // The words for a rule read from its second term, when the first is a number.
  static constexpr StringRef words[] = {"", "at least ", "a multiple of "};
  static constexpr StringRef turned[] = {"", "at most ", "a divisor of "};
  bool turn = rule.size.isNumber();
  const SizeTerm &wrong = turn ? rule.other : rule.size,
                 &right = turn ? rule.size : rule.other;
  int64_t wanted =
      right.isNumber() ? right.value : inputs[right.argument].shape[right.dim];
  std::string message = argumentName(wrong.argument) + ": expected dimension " +
                        std::to_string(wrong.dim) + " to be " +
                        (turn ? turned : words)[rule.relation].str() +
                        std::to_string(wanted);
  if (!right.isNumber())
    message += ", which is dimension " + std::to_string(right.dim) + " of " +
               argumentName(right.argument);
  return createStringError(message + ", but got " +
                           inputs[wrong.argument].str());
}

Error Signature::check(ArrayRef<TensorView> inputs) const {
  return checkThose(inputs, [](const ValueInfo &) { return true; });
}

Error Signature::checkWeights(ArrayRef<TensorView> inputs) const {
  return checkThose(inputs, [](const ValueInfo &i) { return i.isWeight; });
}

Error Signature::checkThose(
    ArrayRef<TensorView> inputs,
    llvm::function_ref<bool(const ValueInfo &)> isChecked) const {
  if (inputs.size() != arguments.size())
    return createStringError("entry '" + entry + "' expects " +
                             Twine(arguments.size()) + " arguments, but got " +
                             Twine(inputs.size()));
  for (size_t i = 0; i < inputs.size(); ++i)
    if (isChecked(arguments[i]) && !fits(arguments[i], inputs[i]))
      return createStringError(argumentName(i) + ": expected " +
                               arguments[i].str() + ", but got " +
                               inputs[i].str());
  auto isKnown = [&](const SizeTerm &term) {
    return term.isNumber() || isChecked(arguments[term.argument]);
  };
  auto valueOf = [&](const SizeTerm &term) {
    return term.isNumber() ? term.value : inputs[term.argument].shape[term.dim];
  };
  for (const SizeRule &rule : rules)
    if (isKnown(rule.size) && isKnown(rule.other) &&
        !rule.holds(valueOf(rule.size), valueOf(rule.other)))
      return breaks(rule, inputs);
  return Error::success();
}

Expected<func::FuncOp> findEntry(ModuleOp module, StringRef name) {
  SmallVector<func::FuncOp> entries;
  for (auto func : module.getOps<func::FuncOp>())
    if (func.isPublic() && !func.isExternal())
      entries.push_back(func);
  std::string names =
      join(map_range(entries, [](func::FuncOp func) { return func.getName(); }),
           ", ");
  for (func::FuncOp func : entries)
    if (func.getName() == (name.empty() ? "main" : name))
      return func;
  if (!name.empty())
    return createStringError("no entry '" + name +
                             "': expected one of: " + names);
  if (entries.size() == 1)
    return entries.front();
  if (entries.empty())
    return createStringError(
        "the module has no public function with a body to enter");
  return createStringError("the module has " + Twine(entries.size()) +
                           " entries, name one of: " + names);
}

} // namespace attn
