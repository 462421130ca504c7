//===- EntryShapes.cpp - The sizes of an entry's results ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function that says how large the results are is the entry itself, on
// tensors, with the sizes of its results returned instead of the results: what
// computes values is then dead.
//
//===----------------------------------------------------------------------===//

#include "lib/CPU/Entry.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace attn;

Type attn::getABIType(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? MemRefType::get(tensor.getShape(), tensor.getElementType())
                : type;
}

MemRefType attn::getOutputType(Type type) {
  auto memref = dyn_cast<MemRefType>(getABIType(type));
  return memref ? memref : MemRefType::get({}, type);
}

SmallVector<Value> attn::cloneBody(OpBuilder &builder, func::FuncOp source,
                                   ValueRange args) {
  IRMapping mapping;
  for (auto [parameter, arg] : llvm::zip(source.getArguments(), args)) {
    Value value = arg;
    if (isa<RankedTensorType>(parameter.getType()))
      value = bufferization::ToTensorOp::create(builder, arg.getLoc(),
                                                parameter.getType(), arg,
                                                /*restrict=*/true,
                                                /*writable=*/false);
    mapping.map(parameter, value);
  }
  Block &body = source.getBody().front();
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value value) { return mapping.lookupOrDefault(value); });
}

/// Rewrites sizes of computed tensors as sizes of the arguments.
static LogicalResult resolveDims(func::FuncOp func) {
  MLIRContext *context = func.getContext();
  RewritePatternSet patterns(context);
  memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
  memref::populateResolveShapedTypeResultDimsPatterns(patterns);
  for (Dialect *dialect : context->getLoadedDialects())
    dialect->getCanonicalizationPatterns(patterns);
  for (RegisteredOperationName op : context->getRegisteredOperations())
    op.getCanonicalizationPatterns(patterns, context);
  if (failed(applyPatternsGreedily(func, std::move(patterns))))
    return failure();
  // Only sizes matter here, so that what no size needs is dead whatever its
  // effects are.
  Operation *op = func.front().getTerminator()->getPrevNode();
  while (op) {
    Operation *before = op->getPrevNode();
    if (op->use_empty())
      op->erase();
    op = before;
  }
  return success();
}

FailureOr<func::FuncOp> attn::createDimsFunction(OpBuilder &builder,
                                                 func::FuncOp source,
                                                 TypeRange inputs) {
  Location loc = source.getLoc();
  auto dims =
      func::FuncOp::create(builder, loc, (source.getName() + "_dims").str(),
                           builder.getFunctionType(inputs, {}));
  dims.setPrivate();
  OpBuilder body = OpBuilder::atBlockBegin(dims.addEntryBlock());
  SmallVector<Value> sizes;
  SmallVector<unsigned> resultOf;
  for (auto [i, value] :
       llvm::enumerate(cloneBody(body, source, dims.getArguments()))) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    for (int64_t d = 0; type && d < type.getRank(); ++d)
      if (type.isDynamicDim(d)) {
        sizes.push_back(tensor::DimOp::create(body, loc, value, d));
        resultOf.push_back(i);
      }
  }
  func::ReturnOp::create(body, loc, sizes);
  dims.setFunctionType(builder.getFunctionType(
      inputs, SmallVector<Type>(sizes.size(), builder.getIndexType())));
  if (failed(resolveDims(dims)))
    return source.emitError("the sizes of the results do not settle");

  // Nothing computes into these any more, but they count as an effect.
  dims.walk([](bufferization::AllocTensorOp op) {
    if (op->use_empty())
      op.erase();
  });

  // What is left computes sizes; reading an element does not.
  Operation *offender = nullptr;
  dims.walk([&](Operation *op) {
    if (isa<bufferization::ToTensorOp>(op) ||
        llvm::any_of(op->getResultTypes(),
                     [](Type type) { return !type.isIntOrIndex(); }) ||
        (isa<memref::LoadOp, tensor::ExtractOp>(op)))
      offender = op;
  });
  if (offender) {
    InFlightDiagnostic diagnostic =
        source.emitError() << "'" << source.getName()
                           << "' has a result whose size depends on "
                              "values; expected sizes that follow from "
                              "the sizes of the arguments";
    diagnostic.attachNote(offender->getLoc()) << "through this operation";
    return diagnostic;
  }
  return dims;
}
