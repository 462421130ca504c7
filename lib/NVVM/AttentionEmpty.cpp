//===- AttentionEmpty.cpp - Attention without a key -----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// N = 0: O = 0 and LSE = -inf. There is no tensor map of an empty tensor, and
// rules have nothing to read, so that the roles stand aside and all threads of
// the grid write the results. (M, H or B = 0 is a grid without blocks.)
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "FragmentLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;

bool AttentionKernel::mayLackKeys() {
  APInt keys;
  return !matchPattern(op.getNumKeys(), m_ConstantInt(&keys)) || keys.isZero();
}

/// Gives every element of a buffer [B, H, M] or [B, H, M, Dv], or of the one
/// that it is a view of, the same number. In 64 bits: it may be large.
LogicalResult AttentionKernel::fill(Value buffer, AffineMap layout,
                                    double number) {
  if (auto view = buffer.getDefiningOp<memref::SubViewOp>();
      view && view->getParentOp() == op->getParentOp())
    buffer = view.getSource();
  Type wide = b.getI64Type();
  auto extend = [&](Value value) -> Value {
    if (value.getType().isIndex())
      return arith::IndexCastOp::create(b, wide, value);
    return arith::ExtUIOp::create(b, wide, value);
  };
  Value queries = outline.get(op.getNumQueries());
  if (!queries)
    return failure();
  SmallVector<Value> sizes{extend(outline.tasksAlong(0)),
                           extend(outline.tasksAlong(1)), extend(queries)};
  if (layout)
    sizes.push_back(extend(index(valueDim)));
  Value total = sizes.front();
  for (Value size : ArrayRef(sizes).drop_front())
    total = arith::MulIOp::create(b, total, size);
  Type i32 = b.getI32Type();
  Value block = extend(NVVM::BlockIdXOp::create(b, i32));
  Value threads = extend(NVVM::BlockDimXOp::create(b, i32));
  Value first =
      arith::AddIOp::create(b, arith::MulIOp::create(b, block, threads),
                            extend(NVVM::ThreadIdXOp::create(b, i32)));
  Value step = arith::MulIOp::create(b, threads,
                                     extend(NVVM::GridDimXOp::create(b, i32)));
  Type type = cast<MemRefType>(buffer.getType()).getElementType();
  Value value = arith::ConstantOp::create(b, b.getFloatAttr(type, number));
  Value address;
  scf::ForOp::create(
      b, first, total, step, ValueRange(),
      [&](OpBuilder &, Location, Value element, ValueRange) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(element.getParentBlock());
        SmallVector<Value> indices(sizes.size());
        for (unsigned dim = sizes.size(); dim-- > 0;) {
          Value at = arith::RemUIOp::create(b, element, sizes[dim]);
          indices[layout ? getLayoutPosition(layout, dim) : dim] =
              arith::IndexCastOp::create(b, b.getIndexType(), at);
          element = arith::DivUIOp::create(b, element, sizes[dim]);
        }
        address = outline.elementPointer(b, buffer, indices);
        if (address)
          LLVM::StoreOp::create(b, value, address);
        scf::YieldOp::create(b);
      });
  return success(bool(address));
}

/// The path for N = 0; `hasKeys` says whether it was not taken.
LogicalResult AttentionKernel::fillWithoutKeys(Value &hasKeys) {
  Value keys = outline.get(op.getNumKeys());
  if (!keys)
    return failure();
  hasKeys = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, keys, index(0));
  Value none =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, keys, index(0));
  auto branch = scf::IfOp::create(b, none, /*withElseRegion=*/false);
  branch->setDiscardableAttr(kColdAttr, b.getUnitAttr());
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  ValueRange results = finalize.getInits();
  if (failed(fill(results[0], finalize.getLayout(), 0.0)))
    return failure();
  if (results.size() == 2)
    return fill(results[1], AffineMap(),
                -std::numeric_limits<double>::infinity());
  return success();
}
