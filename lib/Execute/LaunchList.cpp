//===- LaunchList.cpp - The host part of a GPU entry as data --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of the launches is the order of the ops: one stream runs them one
// after the other.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/LaunchList.h"
#include "attn/Execute/Signature.h"
#include "lib/Execute/LaunchNumbers.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using llvm::Expected;
namespace json = llvm::json;

namespace attn {
namespace {

/// The op that describes a tensor to the copy engine.
constexpr llvm::StringLiteral tensorMapName = "frag.tensor_map";

json::Array toArray(ArrayRef<Number> numbers) {
  json::Array array;
  for (const Number &number : numbers)
    array.push_back(number);
  return array;
}

class Reader {
public:
  explicit Reader(func::FuncOp entry) : entry(entry) {}

  Expected<LaunchList> read() {
    if (!entry.getBody().hasOneBlock())
      return launchError(entry, "expected straight-line code");
    if (llvm::Error error = addArguments())
      return std::move(error);
    for (Operation &op : entry.getBody().front())
      if (llvm::Error error = addOp(&op))
        return std::move(error);
    for (const Number &bytes : numbers.workspaceBytes())
      list.workspace.push_back(bytes);
    return std::move(list);
  }

private:
  llvm::Error addArguments();
  llvm::Error addOp(Operation *op);
  llvm::Error addResults(func::ReturnOp op);
  llvm::Error addTensorMap(Operation *op);
  llvm::Error addLaunch(gpu::LaunchFuncOp op);
  Expected<json::Value> kernelArgument(gpu::LaunchFuncOp op, Value operand,
                                       Type parameter);
  Expected<json::Object> pointer(Value value);

  func::FuncOp entry;
  LaunchNumbers numbers;
  DenseMap<Value, json::Object> tensorMaps;
  LaunchList list;
};

/// Argument or result `i` of a type as the manifest describes it.
Expected<json::Object> describe(Type type, StringAttr name, Operation *op) {
  auto memref = dyn_cast<MemRefType>(type);
  std::optional<Dtype> dtype = dtypeOf(memref ? memref.getElementType() : type);
  if (!dtype)
    return launchError(op, "an argument or result has a type that a caller "
                           "cannot pass");
  json::Object object{{"dtype", dtypeName(*dtype)}};
  if (name)
    object["name"] = name.getValue();
  if (!memref) {
    object["scalar"] = true;
    return object;
  }
  json::Array shape;
  for (int64_t size : memref.getShape())
    shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  object["shape"] = std::move(shape);
  SmallVector<int64_t> strides;
  int64_t offset = 0;
  if (memref.getLayout().isIdentity())
    return object;
  if (failed(memref.getStridesAndOffset(strides, offset)))
    return launchError(op, "an argument has a layout without strides");
  json::Array fixed;
  for (int64_t stride : strides)
    fixed.push_back(ShapedType::isDynamic(stride) ? -1 : stride);
  object["strides"] = std::move(fixed);
  return object;
}

llvm::Error Reader::addArguments() {
  for (BlockArgument argument : entry.getArguments()) {
    unsigned i = argument.getArgNumber();
    Expected<json::Object> object =
        describe(argument.getType(),
                 entry.getArgAttrOfType<StringAttr>(i, "attn.name"), entry);
    if (!object)
      return object.takeError();
    list.arguments.push_back(std::move(*object));
    if (llvm::Error error = numbers.addArgument(argument, i))
      return error;
  }
  return llvm::Error::success();
}

llvm::Error Reader::addOp(Operation *op) {
  if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
    return addLaunch(launch);
  if (op->getName().getStringRef() == tensorMapName)
    return addTensorMap(op);
  if (auto returned = dyn_cast<func::ReturnOp>(op))
    return addResults(returned);
  // The workspace is one allocation, which the caller frees.
  if (isa<memref::DeallocOp>(op))
    return llvm::Error::success();
  Expected<bool> known = numbers.addOp(op);
  if (!known)
    return known.takeError();
  if (!*known)
    return launchError(op, "expected sizes, buffers, views, tensor maps and "
                           "launches only");
  return llvm::Error::success();
}

/// A result is a buffer of the workspace that the caller keeps.
llvm::Error Reader::addResults(func::ReturnOp op) {
  for (Value value : op.getOperands()) {
    Expected<const BufferView *> view = numbers.view(value);
    if (!view)
      return view.takeError();
    if ((*view)->isArgument || (*view)->offset != Number(0))
      return launchError(op, "expected results that are buffers of their own");
    Expected<json::Object> object = describe(value.getType(), StringAttr(), op);
    if (!object)
      return object.takeError();
    (*object)["shape"] = toArray((*view)->sizes);
    (*object)["buffer"] = (*view)->index;
    list.results.push_back(std::move(*object));
  }
  return llvm::Error::success();
}

Expected<json::Object> Reader::pointer(Value value) {
  Expected<const BufferView *> view = numbers.view(value);
  if (!view)
    return view.takeError();
  Expected<int64_t> each = elementBytes((*view)->elementType);
  if (!each)
    return each.takeError();
  json::Object object{
      {(*view)->isArgument ? "argument" : "workspace", (*view)->index}};
  Number offset = combine("mul", (*view)->offset, *each);
  if (offset != Number(0))
    object["offset"] = std::move(offset);
  return object;
}

/// Sizes and strides innermost first, as the driver takes them; the innermost
/// stride is 1 and not written.
llvm::Error Reader::addTensorMap(Operation *op) {
  Expected<json::Object> object = pointer(op->getOperand(0));
  if (!object)
    return object.takeError();
  const BufferView &view = **numbers.view(op->getOperand(0));
  int64_t each = *elementBytes(view.elementType);
  auto box = op->getAttrOfType<DenseI64ArrayAttr>("box");
  if (!box || box.empty() || box.size() > 5 ||
      box.size() > int64_t(view.sizes.size()))
    return launchError(op, "expected a box of at most the tensor's rank and 5");
  if (view.strides.back() != Number(1) && !view.strides.back().getAsArray())
    return launchError(op, "expected an innermost dimension without gaps");
  json::Array sizes, strides, boxSizes;
  for (size_t i = view.sizes.size(); i-- > 0;) {
    sizes.push_back(view.sizes[i]);
    if (i + 1 < view.sizes.size())
      strides.push_back(combine("mul", view.strides[i], each));
    size_t place = view.sizes.size() - 1 - i;
    boxSizes.push_back(place < size_t(box.size()) ? box[place] : 1);
  }
  (*object)["dtype"] = dtypeName(*dtypeOf(view.elementType));
  (*object)["sizes"] = std::move(sizes);
  (*object)["strides"] = std::move(strides);
  (*object)["box"] = std::move(boxSizes);
  (*object)["swizzle"] = 128;
  tensorMaps.try_emplace(op->getResult(0), std::move(*object));
  return llvm::Error::success();
}

Expected<json::Value> Reader::kernelArgument(gpu::LaunchFuncOp op,
                                             Value operand, Type parameter) {
  auto map = tensorMaps.find(operand);
  if (map != tensorMaps.end())
    return json::Object{{"tensor_map", json::Object(map->second)}};
  if (isa<LLVM::LLVMPointerType>(parameter)) {
    Expected<json::Object> object = pointer(operand);
    if (!object)
      return object.takeError();
    return json::Object{{"pointer", std::move(*object)}};
  }
  Expected<Number> value = numbers.number(operand);
  if (!value)
    return value.takeError();
  std::optional<Dtype> dtype = dtypeOf(parameter);
  if (!dtype || !llvm::is_contained(
                    {Dtype::I32, Dtype::I64, Dtype::F32, Dtype::F64}, *dtype))
    return launchError(op, "expected kernel parameters that are tensor maps, "
                           "pointers, i32, i64, f32 or f64");
  return json::Object{{dtypeName(*dtype), std::move(*value)}};
}

llvm::Error Reader::addLaunch(gpu::LaunchFuncOp op) {
  auto module = op->getParentOfType<mlir::ModuleOp>();
  auto kernel = dyn_cast_or_null<LLVM::LLVMFuncOp>(
      SymbolTable::lookupSymbolIn(module, op.getKernel()));
  if (!kernel || kernel.getNumArguments() != op.getNumKernelOperands())
    return launchError(op, "expected an llvm.func kernel that takes as many "
                           "arguments as the launch gives");
  std::pair<std::string, std::string> name(op.getKernelModuleName().str(),
                                           op.getKernelName().str());
  if (!llvm::is_contained(list.kernels, name))
    list.kernels.push_back(name);
  json::Object launch{{"kernel", name.second}};
  auto triple = [&](gpu::KernelDim3 dims) -> Expected<json::Array> {
    json::Array array;
    for (Value value : {dims.x, dims.y, dims.z}) {
      Expected<Number> size = numbers.number(value);
      if (!size)
        return size.takeError();
      array.push_back(std::move(*size));
    }
    return array;
  };
  Expected<json::Array> grid = triple(op.getGridSizeOperandValues());
  if (!grid)
    return grid.takeError();
  Expected<json::Array> block = triple(op.getBlockSizeOperandValues());
  if (!block)
    return block.takeError();
  launch["grid"] = std::move(*grid);
  launch["block"] = std::move(*block);
  if (op.hasClusterSize()) {
    Expected<json::Array> cluster = triple(op.getClusterSizeOperandValues());
    if (!cluster)
      return cluster.takeError();
    launch["cluster"] = std::move(*cluster);
  }
  launch["dynamic_shared_bytes"] = 0;
  if (Value bytes = op.getDynamicSharedMemorySize()) {
    Expected<Number> value = numbers.number(bytes);
    if (!value)
      return value.takeError();
    launch["dynamic_shared_bytes"] = std::move(*value);
  }
  json::Array arguments;
  for (auto [operand, parameter] :
       llvm::zip(op.getKernelOperands(), kernel.getArgumentTypes())) {
    Expected<json::Value> argument = kernelArgument(op, operand, parameter);
    if (!argument)
      return argument.takeError();
    arguments.push_back(std::move(*argument));
  }
  launch["arguments"] = std::move(arguments);
  list.launches.push_back(std::move(launch));
  return llvm::Error::success();
}

} // namespace

Expected<LaunchList> readLaunchList(func::FuncOp entry) {
  return Reader(entry).read();
}

} // namespace attn
