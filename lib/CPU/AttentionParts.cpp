//===- AttentionParts.cpp - What kernels of attention share --------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "AttentionParts.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace attn;

Rows attn::widen(KernelBuilder &k, const Rows &source, Value scratch,
                 Value start, Value count) {
  Value zero = k.index(0);
  Value depth = k.b.createOrFold<memref::DimOp>(scratch, 1);
  k.loop(zero, count, 1, {}, [&](Value r, ValueRange) -> Values {
    Value row = k.add(start, r), vectorEnd = zero;
    if (source.contiguousRows()) {
      vectorEnd = k.floorTo(depth, k.lanes);
      k.loop(zero, vectorEnd, k.lanes, {}, [&](Value d, ValueRange) -> Values {
        k.store(k.load(source.memref, source.at(row, d)), scratch, {r, d});
        return {};
      });
    }
    k.loop(vectorEnd, depth, 1, {}, [&](Value d, ValueRange) -> Values {
      k.storeScalar(k.loadScalar(source.memref, source.at(row, d)), scratch,
                    {r, d});
      return {};
    });
    return {};
  });
  // [1,1,S,D] with unit dimensions in front of the scratch's rows.
  auto type = cast<MemRefType>(scratch.getType());
  SmallVector<int64_t> shape{1, 1, type.getDimSize(0), type.getDimSize(1)};
  SmallVector<OpFoldResult> sizes{k.b.getIndexAttr(1), k.b.getIndexAttr(1),
                                  k.b.getIndexAttr(shape[2]),
                                  getAsOpFoldResult(depth)};
  Value expanded = memref::ExpandShapeOp::create(
      k.b, shape, scratch, SmallVector<ReassociationIndices>{{0, 1, 2}, {3}},
      sizes);
  return {expanded, getIdentityLayout(k.b.getContext()), zero};
}

Value attn::scoreFactor(KernelBuilder &k, Value scale, bool natural) {
  if (natural)
    return scale;
  return arith::MulFOp::create(k.b, scale, k.scalar(kLog2e));
}

Value attn::logSumExp(KernelBuilder &k, Value maximum, Value sum,
                      bool natural) {
  Value none = k.compare(arith::CmpFPredicate::OEQ, sum, k.splat(0.0));
  Value top = natural ? maximum : k.mulf(maximum, k.splat(kLn2));
  Value lse = k.addf(top, math::LogOp::create(k.b, sum));
  return k.select(none, k.splat(-kInfinity), lse);
}

Value attn::exponential(KernelBuilder &k, Value difference, bool natural) {
  return k.exp2(natural ? k.mulf(difference, k.splat(kLog2e)) : difference);
}

std::pair<Value, Value> attn::sinkFactors(KernelBuilder &k, Value sink,
                                          Value maximum, Value sum,
                                          bool natural) {
  Value logit = natural ? sink : k.mulf(sink, k.splat(kLog2e));
  Value distance = k.subf(logit, maximum);
  Value below = k.minOrSecond(k.splat(0.0), distance);
  Value above = k.minOrSecond(k.splat(0.0), k.mulf(distance, k.splat(-0.5)));
  Value root = exponential(k, above, natural);
  Value square = k.mulf(root, root);
  Value total = k.addf(k.mulf(sum, square), exponential(k, below, natural));
  return {root, k.divf(root, total)};
}

Value attn::unlessDropped(KernelBuilder &k, Value p, Value sum, Value before) {
  Value dropped = arith::CmpIOp::create(
      k.b, arith::CmpIPredicate::eq, arith::BitcastOp::create(k.b, k.bits, p),
      arith::BitcastOp::create(k.b, k.bits, k.splat(-0.0)));
  return k.select(dropped, before, sum);
}
