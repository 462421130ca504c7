//===- CInterface.cpp - Plain C functions around an entry -----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the CPU room leaves takes row-major descriptors and trusts them. These
// functions take `attn_tensor` (data, rank, sizes, strides) and check
// everything before anything is written: a tensor that cannot be read gives the
// position of its argument. Inputs with other strides are copied into the
// workspace, behind what the entry itself needs there.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/LevelFunction.h"

using namespace llvm;

namespace attn {
namespace {

int64_t packedBytes(ArrayRef<ValueInfo> packed) {
  int64_t bytes = 0;
  for (const ValueInfo &info : packed)
    bytes += alignTo(*elementCount(info.shape) * dtypeBytes(info.type), 64);
  return bytes;
}

/// Makes the functions of a level.
class LevelBuilder : LevelFunction {
public:
  LevelBuilder(Module &module, const CInterface &interface,
               ArrayRef<ValueInfo> packed, size_t level)
      : LevelFunction(module, interface, level), packed(packed) {}

  Error buildAll();

private:
  SmallVector<Type *> inputTypes();
  void addPacked(Value *blob);
  void buildRun();
  void buildWorkspace();
  void buildShapes();
  void buildPrepack();
  void buildPackedBytes();

  ArrayRef<ValueInfo> packed;
};

} // namespace

SmallVector<Type *> LevelBuilder::inputTypes() {
  SmallVector<Type *> types;
  for (const ValueInfo &info : interface.signature.arguments)
    types.push_back(parameterType(info));
  return types;
}

static Value *isLineAligned(IRBuilder<> &b, Value *pointer) {
  Value *address = b.CreatePtrToInt(pointer, b.getInt64Ty());
  return b.CreateAnd(
      b.CreateICmpNE(address, b.getInt64(0)),
      b.CreateICmpEQ(b.CreateAnd(address, b.getInt64(63)), b.getInt64(0)));
}

/// Memory of `given` bytes on a line, of which `wanted` are needed.
static Value *isRoom(IRBuilder<> &b, Value *pointer, Value *given,
                     Value *wanted) {
  return b.CreateOr(
      b.CreateICmpEQ(wanted, b.getInt64(0)),
      b.CreateAnd(isLineAligned(b, pointer), b.CreateICmpUGE(given, wanted)));
}

/// Descriptors of the packed weights, which lie in `blob` one after another,
/// each from a 64-byte line on.
void LevelBuilder::addPacked(Value *blob) {
  int64_t offset = 0;
  for (const ValueInfo &info : packed) {
    Value *data = b.CreateConstGEP1_64(b.getInt8Ty(), blob, offset);
    SmallVector<Value *> fields = {data, data, number(0)};
    for (int64_t size : info.shape)
      fields.push_back(number(size));
    for (int64_t stride : rowMajorStrides(info.shape))
      fields.push_back(number(stride));
    Value *descriptor = slots(fields.size());
    for (auto [i, field] : enumerate(fields))
      b.CreateStore(field, b.CreateConstGEP1_64(b.getInt64Ty(), descriptor, i));
    arguments.push_back(descriptor);
    offset += alignTo(*elementCount(info.shape) * dtypeBytes(info.type), 64);
  }
}

/// `f(inputs, [packed], results, workspace, bytes)`.
void LevelBuilder::buildRun() {
  const Signature &signature = interface.signature;
  size_t inputs = signature.arguments.size();
  SmallVector<Type *> types = inputTypes();
  if (interface.hasPacked)
    types.push_back(b.getPtrTy());
  types.append(signature.results.size() + 1, b.getPtrTy());
  types.push_back(b.getInt64Ty());
  begin("", b.getInt32Ty(), types);
  Function *callee = inner("");
  readInputs(callee);
  Value *own = ownWorkspace();
  unsigned position = inputs;
  if (interface.hasPacked) {
    Value *blob = function->getArg(position++);
    if (!packed.empty())
      leaveUnless(isLineAligned(b, blob), BadPacked);
    addPacked(blob);
  }
  for (auto [i, info] : enumerate(signature.results))
    arguments.push_back(
        rowMajor(info, function->getArg(position++), inputs + i + 1));
  Value *workspace = function->getArg(position++);
  leaveUnless(
      isRoom(b, workspace, function->getArg(position), wholeWorkspace(own)),
      BadWorkspace);
  straighten(workspace, own);
  arguments.push_back(vectorOf(workspace, own));
  Value *status = b.CreateCall(callee, arguments);
  // The entry counts packed weights among its arguments; callers see none.
  if (!packed.empty()) {
    Value *isResult = b.CreateICmpSGT(
        status, b.getInt32(static_cast<uint32_t>(inputs + packed.size())));
    Value *result =
        b.CreateSub(status, b.getInt32(static_cast<uint32_t>(packed.size())));
    status = b.CreateSelect(isResult, result, status);
  }
  b.CreateRet(status);
}

/// `f_workspace(inputs, size_t *bytes)`.
void LevelBuilder::buildWorkspace() {
  SmallVector<Type *> types = inputTypes();
  types.push_back(b.getPtrTy());
  begin("_workspace", b.getInt32Ty(), types);
  readInputs(inner("_workspace"));
  Value *room = function->getArg(types.size() - 1);
  leaveUnless(b.CreateIsNotNull(room), BadWorkspace);
  b.CreateStore(wholeWorkspace(ownWorkspace()), room);
  b.CreateRet(b.getInt32(0));
}

/// `f_shapes(inputs, attn_tensor *result...)`: rank, sizes, row-major strides.
void LevelBuilder::buildShapes() {
  const Signature &signature = interface.signature;
  SmallVector<Type *> types = inputTypes();
  size_t inputs = types.size();
  types.append(signature.results.size(), b.getPtrTy());
  begin("_shapes", b.getInt32Ty(), types);
  readInputs(inner("_shapes"));
  size_t count = 0;
  for (auto [i, info] : enumerate(signature.results)) {
    count += info.shape.size();
    leaveUnless(b.CreateIsNotNull(function->getArg(inputs + i)),
                inputs + i + 1);
  }
  Value *sizes = slots(std::max<size_t>(count, 1));
  arguments.push_back(vectorOf(sizes, number(count)));
  b.CreateCall(inner("_shapes"), arguments);
  size_t at = 0;
  for (auto [i, info] : enumerate(signature.results)) {
    auto word = [&, i = i](int64_t n) {
      return b.CreateConstGEP1_64(b.getInt64Ty(), function->getArg(inputs + i),
                                  n);
    };
    int64_t rank = info.shape.size();
    b.CreateStore(number(rank), word(1));
    Value *stride = number(1);
    for (int64_t dim = rank - 1; dim >= 0; --dim) {
      Value *size =
          b.CreateLoad(b.getInt64Ty(),
                       b.CreateConstGEP1_64(b.getInt64Ty(), sizes, at + dim));
      b.CreateStore(size, word(2 + dim));
      b.CreateStore(stride, word(2 + maxCRank + dim));
      stride = b.CreateMul(stride, size);
    }
    at += rank;
  }
  b.CreateRet(b.getInt32(0));
}

/// `f_prepack(weights, packed, bytes)`.
void LevelBuilder::buildPrepack() {
  SmallVector<Type *> types;
  for (const ValueInfo &info : interface.signature.arguments)
    if (info.isWeight)
      types.push_back(parameterType(info));
  unsigned position = types.size();
  types.append({b.getPtrTy(), b.getInt64Ty()});
  begin("_prepack", b.getInt32Ty(), types);
  Value *blob = function->getArg(position);
  Function *callee = inner("_prepack");
  if (callee)
    readWeights(callee);
  leaveUnless(isRoom(b, blob, function->getArg(position + 1),
                     number(packedBytes(packed))),
              BadPacked);
  if (callee) {
    addPacked(blob);
    b.CreateCall(callee, arguments);
  }
  b.CreateRet(b.getInt32(0));
}

/// `f_packed_bytes()`.
void LevelBuilder::buildPackedBytes() {
  begin("_packed_bytes", b.getInt64Ty(), {});
  b.CreateRet(number(packedBytes(packed)));
}

Error LevelBuilder::buildAll() {
  for (StringRef suffix : {"", "_workspace", "_shapes"})
    if (!inner(suffix))
      return createStringError(inconvertibleErrorCode(),
                               "the compiled module does not define '" +
                                   interface.signature.entry + suffix + "'");
  if (!packed.empty() && !inner("_prepack"))
    return createStringError(inconvertibleErrorCode(),
                             "the compiled module does not define '" +
                                 interface.signature.entry + "_prepack'");
  buildRun();
  buildWorkspace();
  buildShapes();
  if (interface.hasPacked) {
    buildPrepack();
    buildPackedBytes();
  }
  if (Function *parallel = module.getFunction("attn_rt_parallel_for")) {
    FunctionCallee loop =
        module.getOrInsertFunction("attn.loop", parallel->getFunctionType());
    parallel->replaceAllUsesWith(loop.getCallee());
    parallel->eraseFromParent();
  }
  return Error::success();
}

Error addLevel(Module &module, const CInterface &interface,
               ArrayRef<ValueInfo> packed, size_t level) {
  // Everything that is there belongs to this level alone.
  for (Function &function : module)
    if (!function.isDeclaration()) {
      function.setName(levelName(("in." + function.getName()).str(), level));
      function.setLinkage(GlobalValue::InternalLinkage);
    }
  return LevelBuilder(module, interface, packed, level).buildAll();
}

} // namespace attn
