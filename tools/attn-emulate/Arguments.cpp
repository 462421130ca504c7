//===- Arguments.cpp - Arguments of a kernel from a command line ----------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors, pointers to them, tensor maps and numbers.
//
//===----------------------------------------------------------------------===//

#include "tools/attn-emulate/Arguments.h"

#include "attn/Data/NpyWriter.h"
#include "attn/Emulator/Abi.h"

#include "llvm/ADT/StringExtras.h"

using namespace llvm;

namespace attn {

Error KernelArguments::addTensor(StringRef text) {
  auto [name, spec] = text.split('=');
  Expected<Tensor> tensor = data::makeTensor(spec, files);
  if (!tensor)
    return createStringError("--tensor=" + text + ": " +
                             toString(tensor.takeError()));
  tensors[name.str()] = std::move(*tensor);
  return Error::success();
}

Expected<Tensor *> KernelArguments::find(StringRef name) {
  auto found = tensors.find(name.str());
  if (found == tensors.end())
    return createStringError("expected the name of a --tensor, but got '" +
                             name + "'");
  return &found->second;
}

void KernelArguments::place(Argument argument) {
  arguments.push_back(argument);
  places.push_back(&arguments.back().i64);
}

/// `NAME:64x128` or `NAME:64x128:32`.
Error KernelArguments::addMap(StringRef text) {
  SmallVector<StringRef> parts, sizesText;
  text.split(parts, ':');
  int32_t swizzle = 128;
  if (parts.size() < 2 || parts.size() > 3 ||
      (parts.size() == 3 && parts[2].getAsInteger(10, swizzle)))
    return createStringError("--arg=map:" + text +
                             ": expected map:NAME:BOX or map:NAME:BOX:SWIZZLE");
  Expected<Tensor *> tensor = find(parts[0]);
  if (!tensor)
    return tensor.takeError();
  ArrayRef<int64_t> shape = (*tensor)->shape();
  int64_t bytes = dtypeBytes((*tensor)->type());
  SmallVector<int32_t> box(shape.size(), 1);
  parts[1].split(sizesText, 'x');
  if (sizesText.size() > shape.size())
    return createStringError("--arg=map:" + text + ": the tensor has rank " +
                             Twine(shape.size()));
  for (auto [i, size] : enumerate(sizesText))
    if (size.getAsInteger(10, box[i]))
      return createStringError("--arg=map:" + text + ": bad box");
  // Innermost first; the strides are those of dense rows.
  SmallVector<int64_t> sizes(reverse(shape)), strides;
  int64_t stride = bytes;
  for (int64_t size : ArrayRef(sizes).drop_back())
    strides.push_back(stride *= size);
  maps.emplace_back();
  attn_emu_encode_tensor_map(maps.back().bytes, (*tensor)->data(), bytes,
                             sizes.size(), sizes.data(), strides.data(),
                             box.data(), swizzle, "tensor map");
  Argument argument{Kind::Pointer, {}};
  argument.pointer = maps.back().bytes;
  place(argument);
  return Error::success();
}

Error KernelArguments::add(StringRef text) {
  if (text.consume_front("map:"))
    return addMap(text);
  auto [kind, number] = text.split(':');
  Argument argument{Kind::Pointer, {}};
  double value = 0;
  if (kind == "i32" && !number.getAsInteger(10, argument.i32)) {
    argument.kind = Kind::I32;
  } else if (kind == "i64" && !number.getAsInteger(10, argument.i64)) {
    argument.kind = Kind::I64;
  } else if (kind == "f32" && !number.getAsDouble(value)) {
    argument.kind = Kind::F32;
    argument.f32 = float(value);
  } else {
    Expected<Tensor *> tensor = find(text);
    if (!tensor)
      return createStringError("--arg=" + text + ": " +
                               toString(tensor.takeError()));
    argument.pointer = (*tensor)->data();
  }
  place(argument);
  return Error::success();
}

Error KernelArguments::check(mlir::LLVM::LLVMFuncOp kernel) const {
  ArrayRef<mlir::Type> types = kernel.getArgumentTypes();
  if (types.size() != arguments.size())
    return createStringError("kernel '" + kernel.getName() + "' expects " +
                             Twine(types.size()) + " arguments, but found " +
                             Twine(arguments.size()));
  for (auto [i, argument] : enumerate(arguments)) {
    mlir::Type type = types[i];
    bool fits = argument.kind == Kind::I32   ? type.isInteger(32)
                : argument.kind == Kind::I64 ? type.isInteger(64)
                : argument.kind == Kind::F32
                    ? type.isF32()
                    : isa<mlir::LLVM::LLVMPointerType>(type);
    if (fits)
      continue;
    std::string expected;
    raw_string_ostream(expected) << type;
    StringRef found = argument.kind == Kind::I32   ? "i32"
                      : argument.kind == Kind::F32 ? "f32"
                                                   : "a buffer";
    return createStringError("argument " + Twine(i) + " of kernel '" +
                             kernel.getName() + "' expects " + expected +
                             ", but found " + found);
  }
  return Error::success();
}

void KernelArguments::forBuffers(
    function_ref<void(const Tensor &)> visit) const {
  for (const auto &[name, tensor] : tensors)
    visit(tensor);
}

/// The elements of each row on a line.
Error KernelArguments::print(StringRef name, raw_ostream &os) {
  Expected<Tensor *> tensor = find(name);
  if (!tensor)
    return tensor.takeError();
  os << name << ": " << (*tensor)->str() << "\n";
  int64_t row = (*tensor)->shape().empty() ? 1 : (*tensor)->shape().back();
  for (int64_t i = 0; i < (*tensor)->size(); ++i)
    os << format("%.10g", (*tensor)->at(i)) << ((i + 1) % row ? " " : "\n");
  return Error::success();
}

Error KernelArguments::write(StringRef text) {
  auto [name, path] = text.split('=');
  Expected<Tensor *> tensor = find(name);
  if (!tensor)
    return tensor.takeError();
  return data::writeNpy(**tensor, path);
}

} // namespace attn
