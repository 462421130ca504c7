//===- LowerMend.cpp - Rows of a product computed anew --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp mends its 16 rows one after the other. In steps of 32 keys each lane
// computes the weight of one key, and then the warp adds one key after the
// other, a lane having every 32nd column.
//
//===----------------------------------------------------------------------===//

#include "FragmentLowering.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/IR/IRMapping.h"

#include <limits>

using namespace mlir;
using namespace attn;
using namespace attn::nvvm;
using namespace attn::frag;

static constexpr int64_t kWarp = 32;

/// The values that a region yields for `arguments`.
static Values inlineRegion(ThreadBuilder &b, Region &region,
                           ValueRange arguments) {
  IRMapping map;
  Block &body = region.front();
  map.map(body.getArguments(), arguments);
  for (Operation &inner : body.without_terminator())
    b.clone(inner, map);
  return llvm::map_to_vector(
      body.getTerminator()->getOperands(),
      [&](Value value) { return map.lookupOrDefault(value); });
}

static Value less(ThreadBuilder &b, Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}

static Value fromLane(ThreadBuilder &b, Value value, Value lane) {
  return NVVM::ShflOp::create(b, value.getType(), b.i32(-1), value, lane,
                              b.i32(31), NVVM::ShflKind::idx, UnitAttr());
}

static Value widen(ThreadBuilder &b, Value bit) {
  return arith::ExtUIOp::create(b, b.getI32Type(), bit);
}

namespace {

/// The code of one frag.mend.
class Mending {
public:
  Mending(ThreadBuilder &b, MendOp op,
          MendOp::GenericAdaptor<ArrayRef<ValueRange>> adaptor)
      : b(b), op(op), adaptor(adaptor), lane(b.lane()),
        lo(narrow(adaptor.getLo())), hi(narrow(adaptor.getHi())) {}

  void emit();

private:
  using Adaptor = MendOp::GenericAdaptor<ArrayRef<ValueRange>>;

  Value narrow(ValueRange index) { return b.narrow(index.front()); }
  Value isBroken(unsigned half);
  Value exists(unsigned half);
  void mendRow(Value number, ValueRange inputs);
  Values sumOver(Value row, ValueRange inputs);
  Values addKeys(Value first, Value weight, Value keep, ValueRange sums);
  void put(Value number, ValueRange sums);
  /// Column number `i` of this lane.
  Value column(size_t i) { return b.add(lane, kWarp * i); }
  Values loop(Value lo, Value hi, int64_t step, ValueRange init,
              function_ref<Values(Value, ValueRange)> body);

  ThreadBuilder &b;
  MendOp op;
  Adaptor adaptor;
  Value lane, lo, hi;
};

Values Mending::loop(Value lo, Value hi, int64_t step, ValueRange init,
                     function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      b, lo, hi, b.i32(step), init,
      [&](OpBuilder &, Location, Value i, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(i.getParentBlock());
        scf::YieldOp::create(b, body(i, carried));
      });
  return Values(loop.getResults());
}

/// Whether the row of this thread, of the warp's first or last eight, is not
/// finite.
Value Mending::isBroken(unsigned half) {
  Value size = math::AbsFOp::create(b, adaptor.getSums()[half]);
  Value infinity = b.f32(std::numeric_limits<double>::infinity());
  return arith::CmpFOp::create(b, arith::CmpFPredicate::UGE, size, infinity);
}

Value Mending::exists(unsigned half) {
  Value row = b.add(b.add(narrow(adaptor.getRow()), firstRow(b, kProductRows)),
                    rowOffset(half));
  return less(b, row, narrow(adaptor.getBound()));
}

void Mending::emit() {
  Value broken[] = {isBroken(0), isBroken(1)};
  Value any = NVVM::VoteSyncOp::create(
      b, b.getI1Type(), b.i32(-1),
      arith::OrIOp::create(b, broken[0], broken[1]), NVVM::VoteSyncKind::any);
  scf::IfOp branch = b.when(any, [&] {
    // What the lanes put into shared memory together is overwritten.
    NVVM::SyncWarpOp::create(b, b.i32(-1));
    Value bits[] = {widen(b, b.both(broken[0], exists(0))),
                    widen(b, b.both(broken[1], exists(1)))};
    loop(b.i32(0), b.i32(16), 1, {}, [&](Value number, ValueRange) {
      Value isFirst = less(b, number, b.i32(8));
      Value source = b.mul(b.rem(number, 8), 4);
      auto ofRow = [&](Value first, Value second) -> Value {
        return arith::SelectOp::create(b, isFirst, fromLane(b, first, source),
                                       fromLane(b, second, source));
      };
      Values inputs;
      for (ValueRange input : adaptor.getInputs())
        inputs.push_back(ofRow(input[0], input[1]));
      b.when(b.equal(ofRow(bits[0], bits[1]), 1),
             [&] { mendRow(number, inputs); });
      return Values();
    });
  });
  branch->setDiscardableAttr(kColdAttr, b.getUnitAttr());
}

/// Row `number` of the warp's 16.
void Mending::mendRow(Value number, ValueRange inputs) {
  Value inGroup = b.add(b.mul(b.warpOfGroup(), 16), number);
  Value row = b.add(narrow(adaptor.getRow()), inGroup);
  put(inGroup, sumOver(row, inputs));
}

Values Mending::sumOver(Value row, ValueRange inputs) {
  Values zeros(llvm::divideCeil(op.getColumns(), kWarp), b.f32(0.0));
  Value last = b.sub(hi, b.i32(1));
  return loop(lo, hi, kWarp, zeros, [&](Value first, ValueRange sums) {
    Value key = b.add(first, lane);
    Value exists = less(b, key, hi);
    Value inside = arith::MinSIOp::create(b, key, last);
    Values arguments{b.toIndex(row), b.toIndex(inside)};
    llvm::append_range(arguments, inputs);
    Values found = inlineRegion(b, op.getWeights(), arguments);
    return addKeys(first, found[0], widen(b, b.both(found[1], exists)), sums);
  });
}

/// One key after the other: every lane has the weight of one of them.
Values Mending::addKeys(Value first, Value weight, Value keep,
                        ValueRange sums) {
  Value last = b.sub(hi, b.i32(1));
  return loop(b.i32(0), b.i32(kWarp), 1, sums, [&](Value i, ValueRange sums) {
    Value p = fromLane(b, weight, i);
    Value kept = b.equal(fromLane(b, keep, i), 1);
    Value key = arith::MinSIOp::create(b, b.add(first, i), last);
    Values next;
    for (auto [t, sum] : llvm::enumerate(sums)) {
      Value c =
          arith::MinSIOp::create(b, column(t), b.i32(op.getColumns() - 1));
      Value v = inlineRegion(b, op.getValues(), {b.toIndex(key), b.toIndex(c)})
                    .front();
      Value more = math::FmaOp::create(b, p, v, sum);
      next.push_back(arith::SelectOp::create(b, kept, more, sum));
    }
    return next;
  });
}

/// Element (row, c) stands in panel c / 64, in the 16-byte chunk
/// (c mod 64) / 8 xor (row mod 8) of the row.
void Mending::put(Value number, ValueRange sums) {
  TileType tile = op.getTile().getType();
  Value rowBase = b.add(b.mul(b.add(narrow(adaptor.getTileRow()), number), 128),
                        adaptor.getTile().front());
  for (auto [t, sum] : llvm::enumerate(sums)) {
    Value c = column(t);
    b.when(less(b, c, b.i32(op.getColumns())), [&, sum = sum] {
      Value chunk = arith::XOrIOp::create(b, b.div(b.rem(c, kPanelColumns), 8),
                                          b.rem(number, 8));
      Value panel = b.mul(b.div(c, kPanelColumns), tile.getPanelBytes());
      Value inRow = b.add(b.mul(chunk, 16), b.mul(b.rem(c, 8), 2));
      Value rounded = arith::TruncFOp::create(b, tile.getElement(), sum);
      LLVM::StoreOp::create(
          b, rounded, b.sharedPointer(b.add(b.add(rowBase, panel), inRow)));
    });
  }
}

struct LowerMend : OpConversionPattern<MendOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MendOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ThreadBuilder b(op.getLoc(), rewriter);
    Mending(b, op, adaptor).emit();
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void attn::nvvm::populateMendPatterns(RewritePatternSet &patterns,
                                      const TypeConverter &types) {
  patterns.add<LowerMend>(types, patterns.getContext());
}
