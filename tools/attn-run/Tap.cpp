//===- Tap.cpp - Values inside an entry, brought outside ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tap.h"

#include "Interpreter.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "attn/Execute/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace mlir;
using namespace attn;

static bool isJudgeable(Operation *op) {
  return isa<SdpaOp, MhaOp, MergeOp, GatherPagesOp, RopeOp, QkNormOp,
             SplitHeadsOp, MergeHeadsOp>(op);
}

llvm::Expected<TappedEntry> TappedEntry::create(func::FuncOp entry) {
  TappedEntry tapped;
  auto parent = entry->getParentOfType<ModuleOp>();
  tapped.module = OwningOpRef<ModuleOp>(parent.clone());
  tapped.copy = tapped.module->lookupSymbol<func::FuncOp>(entry.getName());
  if (!llvm::hasSingleElement(tapped.copy.getBody()))
    return llvm::createStringError("--check expects an entry of one block");
  if (llvm::Error failed = tapped.inlineCalls())
    return std::move(failed);
  for (Operation &op : tapped.copy.getBody().front())
    if (isJudgeable(&op))
      tapped.attnOps.push_back(&op);
  return tapped;
}

/// Puts the bodies of called functions in place of the calls.
llvm::Error TappedEntry::inlineCalls() {
  SymbolTable symbols(*module);
  // Deeper than anyone nests calls: recursion.
  constexpr int maxDepth = 100;
  for (int depth = 0; depth < maxDepth; ++depth) {
    SmallVector<func::CallOp> calls;
    copy.walk([&](func::CallOp call) { calls.push_back(call); });
    if (calls.empty())
      return llvm::Error::success();
    for (func::CallOp call : calls) {
      auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
      if (!callee || !llvm::hasSingleElement(callee.getBody()))
        return llvm::createStringError(
            "--check expects called functions with a body of one "
            "block, found '" +
            call.getCallee() + "'");
      OpBuilder builder(call);
      IRMapping mapping;
      mapping.map(callee.getArguments(), call.getOperands());
      for (Operation &op : callee.getBody().front().without_terminator())
        builder.clone(op, mapping);
      Operation *end = callee.getBody().front().getTerminator();
      for (auto [result, value] :
           llvm::zip_equal(call.getResults(), end->getOperands()))
        result.replaceAllUsesWith(mapping.lookupOrDefault(value));
      call.erase();
    }
  }
  return llvm::createStringError("--check cannot inline recursive calls");
}

std::vector<std::string> TappedEntry::describeOthers() const {
  llvm::MapVector<StringRef, int> counts;
  func::FuncOp function = copy;
  function.walk([&](Operation *op) {
    const bool nested = op->getBlock() != &function.getBody().front();
    // Regions of attn ops and of linalg ops belong to the op around them.
    if (op == function || (nested && !isJudgeable(op)) ||
        (!nested && isJudgeable(op)))
      return;
    const bool computes =
        llvm::any_of(op->getResultTypes(), llvm::IsaPred<TensorType>) &&
        !op->hasTrait<OpTrait::ConstantLike>() && !isa<tensor::EmptyOp>(op);
    if (computes)
      ++counts[op->getName().getStringRef()];
  });
  std::vector<std::string> described;
  for (auto [name, count] : counts)
    described.push_back((llvm::Twine(count) + " " + name).str());
  return described;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static void setElement(Tensor &tensor, int64_t index, Scalar value) {
  if (tensor.type() == Dtype::I64 || tensor.type() == Dtype::Index)
    tensor.dataAs<int64_t>()[index] = value.integer;
  else
    tensor.set(index, isFloat(tensor.type())
                          ? value.number
                          : static_cast<double>(value.integer));
}

/// The tensor that a constant attribute holds.
static std::optional<Tensor> tensorOf(Attribute attribute, Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  std::optional<Dtype> dtype = dtypeOf(type);
  if (!dtype)
    return std::nullopt;
  ArrayRef<int64_t> shape = shaped ? shaped.getShape() : ArrayRef<int64_t>();
  std::optional<Tensor> tensor = Tensor::allocate(shape, *dtype);
  if (!tensor)
    return std::nullopt;
  if (!shaped) {
    std::optional<Scalar> value = scalarOf(attribute);
    if (value)
      setElement(*tensor, 0, *value);
    return value ? tensor : std::nullopt;
  }
  auto elements = dyn_cast<DenseElementsAttr>(attribute);
  if (!elements)
    return std::nullopt;
  for (auto [i, element] : llvm::enumerate(elements.getValues<Attribute>()))
    setElement(*tensor, i, *scalarOf(element));
  return tensor;
}

/// Arguments, constants and the entry's own results; what is left is tapped.
llvm::Error TappedEntry::addKnownValues(ArrayRef<Tensor> inputs,
                                        ArrayRef<Tensor> outputs) {
  Block &body = copy.getBody().front();
  Operation *end = body.getTerminator();
  if (inputs.size() != body.getNumArguments() ||
      outputs.size() != end->getNumOperands())
    return llvm::createStringError("--check expects the tensors of one call");
  for (auto [argument, tensor] : llvm::zip(body.getArguments(), inputs))
    values[argument] = tensor;
  for (auto [returned, tensor] : llvm::zip(end->getOperands(), outputs))
    values[returned] = tensor;
  const auto need = [&](Value value) {
    if (values.contains(value) || llvm::is_contained(taps, value))
      return;
    Attribute constant;
    if (matchPattern(value, m_Constant(&constant))) {
      if (std::optional<Tensor> tensor = tensorOf(constant, value.getType())) {
        values[value] = *tensor;
        return;
      }
    }
    taps.push_back(value);
  };
  for (Operation *op : attnOps) {
    llvm::for_each(op->getOperands(), need);
    llvm::for_each(op->getResults(), need);
  }
  return llvm::Error::success();
}

/// Makes the copy return its taps; scalars as tensors of rank 0.
void TappedEntry::addResults() {
  Operation *end = copy.getBody().front().getTerminator();
  OpBuilder builder(end);
  SmallVector<Type> types(copy.getResultTypes());
  SmallVector<Value> operands(end->getOperands());
  for (Value value : taps) {
    Value tensor = value;
    if (!isa<TensorType>(value.getType())) {
      if (value.getType().isIndex())
        value = arith::IndexCastOp::create(builder, value.getLoc(),
                                           builder.getI64Type(), value);
      tensor = tensor::FromElementsOp::create(
          builder, value.getLoc(), RankedTensorType::get({}, value.getType()),
          value);
    }
    types.push_back(tensor.getType());
    operands.push_back(tensor);
  }
  end->setOperands(operands);
  SmallVector<DictionaryAttr> attributes;
  copy.getAllResultAttrs(attributes);
  copy.setFunctionType(builder.getFunctionType(copy.getArgumentTypes(), types));
  attributes.resize(types.size(), builder.getDictionaryAttr({}));
  copy.setAllResultAttrs(attributes);
}

llvm::Error TappedEntry::takeResults(std::vector<Tensor> results,
                                     ArrayRef<Tensor> outputs) {
  if (results.size() != outputs.size() + taps.size())
    return llvm::createStringError("the tapped entry gave " +
                                   llvm::Twine(results.size()) + " results");
  tapDifference = 0.0;
  for (auto [i, plain] : llvm::enumerate(outputs)) {
    for (int64_t e = 0; e < plain.size(); ++e) {
      const double difference = std::abs(plain.at(e) - results[i].at(e));
      // Equal infinities differ by NaN.
      if (difference > tapDifference)
        tapDifference = difference;
    }
  }
  for (auto [i, value] : llvm::enumerate(taps))
    values[value] = results[outputs.size() + i];
  return llvm::Error::success();
}

llvm::Error TappedEntry::evaluate(ArrayRef<Tensor> inputs,
                                  ArrayRef<Tensor> outputs, RunEntry run) {
  if (llvm::Error failed = addKnownValues(inputs, outputs))
    return failed;
  if (taps.empty())
    return llvm::Error::success();
  addResults();
  if (failed(verify(*module)))
    return llvm::createStringError(
        "the tapped copy of the module is not valid");
  // Lowering destroys what it is given.
  OwningOpRef<ModuleOp> lowered(module->clone());
  llvm::Expected<std::vector<Tensor>> results =
      run(*lowered, copy.getName(), inputs);
  if (!results)
    return results.takeError();
  return takeResults(std::move(*results), outputs);
}

const Tensor &TappedEntry::valueOf(Value value) const {
  auto found = values.find(value);
  assert(found != values.end() && "not an operand or result of an attn op");
  return found->second;
}
