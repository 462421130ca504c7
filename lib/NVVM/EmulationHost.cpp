//===- EmulationHost.cpp - Launches for the emulator ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// gpu.launch_func becomes attn_emu_launch with a function that unpacks the
// arguments, and frag.tensor_map becomes attn_emu_encode_tensor_map. Every
// buffer that a launch is given is registered before it: nothing else may be
// accessed.
//
//===----------------------------------------------------------------------===//

#include "lib/NVVM/EmulationHost.h"
#include "attn/NVVM/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace attn;
using namespace attn::emulation;

namespace {

constexpr llvm::StringLiteral kTensorMap = "frag.tensor_map";
constexpr int64_t kTensorMapBytes = 128, kTensorMapAlign = 64;
constexpr int32_t kSwizzleBytes = 128; ///< of every frag.tensor_map

class HostRewriter {
public:
  HostRewriter(HostModule &host, func::FuncOp function)
      : host(host), function(function), b(function.getContext()),
        loc(function.getLoc()) {}

  LogicalResult run();

private:
  LogicalResult rewriteLaunch(gpu::LaunchFuncOp launch);
  LogicalResult rewriteTensorMap(Operation *op);
  FailureOr<Value> convertArgument(gpu::LaunchFuncOp launch, Value value,
                                   Type parameter);
  LLVM::LLVMFuncOp thunkOf(LLVM::LLVMFuncOp kernel);
  Value makeConfig(gpu::LaunchFuncOp launch, LLVM::LLVMFuncOp kernel);
  /// The first element of a memref, which is registered as a buffer.
  Value pointerTo(Value memref);

  Type pointerType() { return LLVM::LLVMPointerType::get(b.getContext()); }
  Value i32(int32_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI32Type(),
                                    b.getI32IntegerAttr(value));
  }
  Value i64(int64_t value) {
    return LLVM::ConstantOp::create(b, loc, b.getI64Type(),
                                    b.getI64IntegerAttr(value));
  }
  Value toInteger(Value value, Type type) {
    return value.getType() == type
               ? value
               : arith::IndexCastOp::create(b, loc, type, value).getResult();
  }
  Value text(StringRef string) {
    return LLVM::AddressOfOp::create(b, loc, host.string(string));
  }
  /// Memory of the function, once per call of it.
  Value allocate(Type type, int64_t count, int64_t align);
  /// Stores values one after the other.
  void store(Value memory, Type element, ValueRange values);
  LLVM::CallOp call(StringRef name, Type result, ValueRange operands) {
    LLVM::LLVMFuncOp callee = host.declare(name, result, TypeRange(operands));
    return LLVM::CallOp::create(b, loc, callee, operands);
  }
  /// The number behind a cast to fewer bits, or null.
  static Value widerThan(Value value, Type parameter) {
    auto cast = value.getDefiningOp<arith::IndexCastOp>();
    return cast && cast.getIn().getType().isIndex() && parameter.isInteger(32)
               ? cast.getIn()
               : Value();
  }

  HostModule &host;
  func::FuncOp function;
  OpBuilder b;
  Location loc;
  llvm::DenseMap<Value, Value> tensorMaps;
};

Value HostRewriter::allocate(Type type, int64_t count, int64_t align) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(b, loc, pointerType(), type, i64(count), align);
}

void HostRewriter::store(Value memory, Type element, ValueRange values) {
  for (auto [i, value] : llvm::enumerate(values)) {
    Value place = LLVM::GEPOp::create(b, loc, pointerType(), element, memory,
                                      LLVM::GEPArg(int32_t(i)));
    LLVM::StoreOp::create(b, loc, value, place);
  }
}

Value HostRewriter::pointerTo(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Type i64Type = b.getI64Type();
  auto parts = memref::ExtractStridedMetadataOp::create(b, loc, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, memref);
  auto multiply = [&](Value x, Value y) -> Value {
    return arith::MulIOp::create(b, loc, x, y);
  };
  auto add = [&](Value x, Value y) -> Value {
    return arith::AddIOp::create(b, loc, x, y);
  };
  Value size = arith::ConstantIndexOp::create(b, loc, bytes);
  base = add(base, multiply(parts.getOffset(), size));
  // From the first to the last element, or nothing when there is none.
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value last = zero, elements = one;
  for (auto [extent, stride] :
       llvm::zip(parts.getSizes(), parts.getStrides())) {
    Value steps = arith::SubIOp::create(b, loc, extent, one);
    last = add(last, multiply(steps, stride));
    elements = multiply(elements, extent);
  }
  Value any =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, elements, zero);
  Value span = arith::SelectOp::create(b, loc, any,
                                       multiply(add(last, one), size), zero);
  Value pointer =
      LLVM::IntToPtrOp::create(b, loc, pointerType(), toInteger(base, i64Type));
  call("add_buffer", Type(), {pointer, toInteger(span, i64Type)});
  return pointer;
}

/// Dimensions innermost first, strides in bytes from the second on, a box of
/// the first two and one of the others.
LogicalResult HostRewriter::rewriteTensorMap(Operation *op) {
  auto type = dyn_cast<MemRefType>(op->getOperand(0).getType());
  auto box = op->getAttrOfType<DenseI64ArrayAttr>("box");
  if (!type || !box)
    return op->emitOpError("expects a memref and a box to be emulated");
  int64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  Type i64Type = b.getI64Type();
  Value pointer = pointerTo(op->getOperand(0));
  auto parts =
      memref::ExtractStridedMetadataOp::create(b, loc, op->getOperand(0));
  SmallVector<Value> sizes, strides, boxes;
  for (Value size : llvm::reverse(parts.getSizes()))
    sizes.push_back(toInteger(size, i64Type));
  for (Value stride : llvm::reverse(parts.getStrides()))
    strides.push_back(
        arith::MulIOp::create(b, loc, toInteger(stride, i64Type), i64(bytes)));
  for (int64_t d = 0; d < type.getRank(); ++d)
    boxes.push_back(i32(d < box.size() ? box[d] : 1));
  Value map = allocate(b.getI8Type(), kTensorMapBytes, kTensorMapAlign);
  Value sizesAt = allocate(i64Type, type.getRank(), 8);
  Value stridesAt = allocate(i64Type, type.getRank(), 8);
  Value boxAt = allocate(b.getI32Type(), type.getRank(), 4);
  store(sizesAt, i64Type, sizes);
  store(stridesAt, i64Type, ArrayRef(strides).drop_front());
  store(boxAt, b.getI32Type(), boxes);
  call("encode_tensor_map", b.getI32Type(),
       {map, pointer, i32(bytes), i32(type.getRank()), sizesAt, stridesAt,
        boxAt, i32(kSwizzleBytes), text(describeSite(kTensorMap, loc))});
  tensorMaps[op->getResult(0)] = map;
  return success();
}

FailureOr<Value> HostRewriter::convertArgument(gpu::LaunchFuncOp launch,
                                               Value value, Type parameter) {
  Value converted = value;
  if (Value map = tensorMaps.lookup(value))
    converted = map;
  else if (isa<MemRefType>(value.getType()))
    converted = pointerTo(value);
  else if (Value wide = widerThan(value, parameter))
    converted = call("narrow", b.getI32Type(),
                     {toInteger(wide, b.getI64Type()),
                      text(describeSite("gpu.launch_func", loc))})
                    .getResult();
  else if (value.getType().isIndex() && parameter.isInteger())
    converted = toInteger(value, parameter);
  if (converted.getType() == parameter)
    return converted;
  return launch.emitOpError("passes ")
         << value.getType() << " where the kernel '"
         << launch.getKernelName().getValue() << "' expects " << parameter;
}

/// `void <kernel>_emulated(ptr arguments)`: loads each argument and calls.
LLVM::LLVMFuncOp HostRewriter::thunkOf(LLVM::LLVMFuncOp kernel) {
  std::string name = (kernel.getName() + "_emulated").str();
  if (auto thunk = host.op().lookupSymbol<LLVM::LLVMFuncOp>(name))
    return thunk;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(kernel);
  auto thunk = LLVM::LLVMFuncOp::create(
      b, kernel.getLoc(), name,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  pointerType()),
      LLVM::Linkage::Internal);
  b.setInsertionPointToStart(thunk.addEntryBlock(b));
  SmallVector<Value> arguments;
  for (auto [i, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    Value place =
        LLVM::GEPOp::create(b, loc, pointerType(), pointerType(),
                            thunk.getArgument(0), LLVM::GEPArg(int32_t(i)));
    Value address = LLVM::LoadOp::create(b, loc, pointerType(), place);
    arguments.push_back(LLVM::LoadOp::create(b, loc, type, address));
  }
  LLVM::CallOp::create(b, loc, kernel, arguments);
  LLVM::ReturnOp::create(b, loc, ValueRange());
  return thunk;
}

/// attn_emu_launch_config of Abi.h.
Value HostRewriter::makeConfig(gpu::LaunchFuncOp launch,
                               LLVM::LLVMFuncOp kernel) {
  Type i32Type = b.getI32Type();
  auto number = [&](Value value) {
    return value ? toInteger(value, i32Type) : i32(1);
  };
  SmallVector<Value> numbers;
  for (Value size :
       {launch.getGridSizeX(), launch.getGridSizeY(), launch.getGridSizeZ(),
        launch.getBlockSizeX(), launch.getBlockSizeY(), launch.getBlockSizeZ(),
        launch.getClusterSizeX(), launch.getClusterSizeY(),
        launch.getClusterSizeZ()})
    numbers.push_back(number(size));
  auto fixed = kernel->getAttrOfType<IntegerAttr>(kEmulatedSharedAttr);
  numbers.push_back(i32(fixed.getInt()));
  Value dynamic = launch.getDynamicSharedMemorySize();
  numbers.push_back(dynamic ? dynamic : i32(0));
  SmallVector<Type> fields{pointerType(), pointerType()};
  fields.append(numbers.size(), i32Type);
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  Value config = allocate(type, 1, 8);
  SmallVector<Value> values{text(launch.getKernelName()),
                            text(describeSite("gpu.launch_func", loc))};
  llvm::append_range(values, numbers);
  for (auto [i, value] : llvm::enumerate(values)) {
    Value place = LLVM::GEPOp::create(b, loc, pointerType(), type, config,
                                      ArrayRef<LLVM::GEPArg>{0, int32_t(i)});
    LLVM::StoreOp::create(b, loc, value, place);
  }
  return config;
}

LogicalResult HostRewriter::rewriteLaunch(gpu::LaunchFuncOp launch) {
  auto kernel =
      host.op().lookupSymbol<LLVM::LLVMFuncOp>(launch.getKernelName());
  if (!kernel || !kernel->hasAttr(kEmulatedSharedAttr))
    return launch.emitOpError("expects the kernel '")
           << launch.getKernelName().getValue()
           << "' in a gpu.module of this module";
  if (launch.getAsyncToken() || !launch.getAsyncDependencies().empty())
    return launch.emitOpError("that is asynchronous is not known to the "
                              "emulator");
  ArrayRef<Type> parameters = kernel.getArgumentTypes();
  if (launch.getNumKernelOperands() != parameters.size())
    return launch.emitOpError("passes ")
           << launch.getNumKernelOperands() << " arguments, but the kernel '"
           << launch.getKernelName().getValue() << "' expects "
           << parameters.size();
  SmallVector<Value> places;
  for (auto [operand, parameter] :
       llvm::zip(launch.getKernelOperands(), parameters)) {
    FailureOr<Value> value = convertArgument(launch, operand, parameter);
    if (failed(value))
      return failure();
    Value place = allocate(parameter, 1, 8);
    LLVM::StoreOp::create(b, loc, *value, place);
    places.push_back(place);
  }
  Value arguments =
      allocate(pointerType(), std::max<int64_t>(places.size(), 1), 8);
  store(arguments, pointerType(), places);
  Value thunk = LLVM::AddressOfOp::create(b, loc, thunkOf(kernel));
  // The session keeps a fault, and later launches then do nothing.
  call("launch", b.getI32Type(),
       {makeConfig(launch, kernel), thunk, arguments});
  launch.erase();
  return success();
}

LogicalResult HostRewriter::run() {
  SmallVector<Operation *> maps;
  SmallVector<gpu::LaunchFuncOp> launches;
  function.walk([&](Operation *op) {
    if (auto launch = dyn_cast<gpu::LaunchFuncOp>(op))
      launches.push_back(launch);
    else if (op->getName().getStringRef() == kTensorMap)
      maps.push_back(op);
  });
  for (Operation *op : maps) {
    b.setInsertionPoint(op);
    loc = op->getLoc();
    if (failed(rewriteTensorMap(op)))
      return failure();
  }
  for (gpu::LaunchFuncOp launch : launches) {
    b.setInsertionPoint(launch);
    loc = launch.getLoc();
    if (failed(rewriteLaunch(launch)))
      return failure();
  }
  for (Operation *op : maps) {
    if (!op->use_empty())
      return op->emitOpError("is used by more than launches");
    op->erase();
  }
  return success();
}

} // namespace

LogicalResult attn::emulation::rewriteHost(HostModule &host) {
  for (auto function : host.op().getOps<func::FuncOp>())
    if (!function.isExternal() && failed(HostRewriter(host, function).run()))
      return failure();
  return success();
}
