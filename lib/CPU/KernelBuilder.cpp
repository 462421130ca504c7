//===- KernelBuilder.cpp - Vector code, written briefly ------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "KernelBuilder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace attn;

KernelBuilder::KernelBuilder(ImplicitLocOpBuilder &b, FloatType accumulator,
                             int64_t lanes)
    : b(b), accumulator(accumulator), lanes(lanes),
      vector(VectorType::get({lanes}, accumulator)),
      bits(VectorType::get({lanes}, b.getIntegerType(accumulator.getWidth()))),
      mask(VectorType::get({lanes}, b.getI1Type())) {}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}
Value KernelBuilder::scalar(double value) {
  return arith::ConstantOp::create(b, b.getFloatAttr(accumulator, value));
}
Value KernelBuilder::add(Value x, Value y) {
  return arith::AddIOp::create(b, x, y);
}
Value KernelBuilder::add(Value x, int64_t y) {
  return y ? add(x, index(y)) : x;
}
Value KernelBuilder::sub(Value x, Value y) {
  return arith::SubIOp::create(b, x, y);
}
Value KernelBuilder::mul(Value x, Value y) {
  return arith::MulIOp::create(b, x, y);
}
Value KernelBuilder::min(Value x, Value y) {
  return arith::MinSIOp::create(b, x, y);
}
Value KernelBuilder::max(Value x, Value y) {
  return arith::MaxSIOp::create(b, x, y);
}
Value KernelBuilder::less(Value x, Value y) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::slt, x, y);
}
Value KernelBuilder::ceilDiv(Value x, int64_t y) {
  return arith::DivUIOp::create(b, add(x, y - 1), index(y));
}
Value KernelBuilder::floorTo(Value x, int64_t y) {
  return sub(x, arith::RemUIOp::create(b, x, index(y)));
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

Value KernelBuilder::splat(double value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(vector, b.getFloatAttr(accumulator, value)));
}
Value KernelBuilder::splatBits(int64_t value) {
  return arith::ConstantOp::create(
      b, DenseElementsAttr::get(
             bits, b.getIntegerAttr(bits.getElementType(), value)));
}
Value KernelBuilder::broadcast(Value scalar) {
  return vector::BroadcastOp::create(
      b, VectorType::get({lanes}, scalar.getType()), scalar);
}
Value KernelBuilder::addf(Value x, Value y) {
  return arith::AddFOp::create(b, x, y);
}
Value KernelBuilder::subf(Value x, Value y) {
  return arith::SubFOp::create(b, x, y);
}
Value KernelBuilder::mulf(Value x, Value y) {
  return arith::MulFOp::create(b, x, y);
}
Value KernelBuilder::divf(Value x, Value y) {
  return arith::DivFOp::create(b, x, y);
}
Value KernelBuilder::fma(Value x, Value y, Value z) {
  return vector::FMAOp::create(b, x, y, z);
}
Value KernelBuilder::select(Value condition, Value x, Value y) {
  return arith::SelectOp::create(b, condition, x, y);
}
Value KernelBuilder::compare(arith::CmpFPredicate predicate, Value x, Value y) {
  return arith::CmpFOp::create(b, predicate, x, y);
}
Value KernelBuilder::maxOrSecond(Value x, Value y) {
  return select(compare(arith::CmpFPredicate::OGT, x, y), x, y);
}
Value KernelBuilder::minOrSecond(Value x, Value y) {
  return select(compare(arith::CmpFPredicate::OLT, x, y), x, y);
}

// 2^r on [-1/2, 1/2] with p(0) = 1: minimax of the relative error (Remez).
// Adding the magic number rounds x to an integer n in the low bits, biased
// like an exponent; shifted into place they are the bits of 2^n.
Value KernelBuilder::exp2(Value x) {
  static const double kSingle[] = {1.0,
                                   0.693146977598992,
                                   0.2402224208537671,
                                   0.055507337434700856,
                                   0.009671512639956454,
                                   0.0013264727140072014};
  static const double kDouble[] = {1.0,
                                   0.6931471805599453,
                                   0.2402265069591013,
                                   0.055504108664820084,
                                   0.00961812910759412,
                                   0.001333355814677462,
                                   0.0001540353045711209,
                                   1.5252733493127489e-05,
                                   1.3215435282308488e-06,
                                   1.0178199571842138e-07,
                                   7.073783248503134e-09,
                                   4.434771298200377e-10};
  bool isDouble = accumulator.isF64();
  ArrayRef<double> coefficients =
      isDouble ? ArrayRef<double>(kDouble) : ArrayRef<double>(kSingle);
  double bias = isDouble ? 1023 : 127;
  int64_t mantissa = isDouble ? 52 : 23;
  Value magic = splat(1.5 * double(int64_t(1) << mantissa) + bias);

  // Outside, the bits would run over into the sign.
  x = maxOrSecond(splat(-bias), minOrSecond(splat(bias + 1), x));
  Value shifted = addf(x, magic);
  Value r = subf(x, subf(shifted, magic));
  Value p = splat(coefficients.back());
  for (double c : llvm::reverse(coefficients.drop_back()))
    p = fma(p, r, splat(c));
  Value exponent = arith::ShLIOp::create(
      b, arith::BitcastOp::create(b, bits, shifted), splatBits(mantissa));
  return mulf(p, arith::BitcastOp::create(b, vector, exponent));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Value KernelBuilder::scratch(ArrayRef<OpFoldResult> shape, Type element) {
  SmallVector<int64_t> sizes;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(shape, dynamic, sizes);
  return memref::AllocaOp::create(
      b, MemRefType::get(sizes, element ? element : Type(accumulator)), dynamic,
      b.getI64IntegerAttr(64));
}
Value KernelBuilder::load(Value memref, ValueRange indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  Value loaded = vector::LoadOp::create(b, VectorType::get({lanes}, element),
                                        memref, indices);
  return convert(loaded, accumulator);
}
void KernelBuilder::store(Value value, Value memref, ValueRange indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  vector::StoreOp::create(b, convert(value, element), memref, indices);
}
void KernelBuilder::prefetch(Value memref, ValueRange indices) {
  memref::PrefetchOp::create(b, memref, indices, /*isWrite=*/false,
                             /*localityHint=*/2, /*isDataCache=*/true);
}
void KernelBuilder::prefetchForWrite(Value memref, ValueRange indices) {
  memref::PrefetchOp::create(b, memref, indices, /*isWrite=*/true,
                             /*localityHint=*/3, /*isDataCache=*/true);
}
int64_t KernelBuilder::lineElements(Value memref) {
  constexpr int64_t lineBits = 64 * 8;
  return lineBits / getElementTypeOrSelf(memref).getIntOrFloatBitWidth();
}
Value KernelBuilder::loadScalar(Value memref, ValueRange indices) {
  return convert(memref::LoadOp::create(b, memref, indices), accumulator);
}
void KernelBuilder::storeScalar(Value value, Value memref, ValueRange indices) {
  Type element = cast<MemRefType>(memref.getType()).getElementType();
  memref::StoreOp::create(b, convert(value, element), memref, indices);
}
Value KernelBuilder::convert(Value value, Type element) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == element)
    return value;
  Type to = element;
  if (auto type = dyn_cast<VectorType>(value.getType()))
    to = type.clone(element);
  if (from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth())
    return arith::ExtFOp::create(b, to, value);
  return arith::TruncFOp::create(b, to, value);
}

Value KernelBuilder::loadFirst(Value memref, ValueRange indices,
                               int64_t count) {
  if (count >= lanes)
    return load(memref, indices);
  VectorType type = VectorType::get(
      {lanes}, cast<MemRefType>(memref.getType()).getElementType());
  Value first = vector::ConstantMaskOp::create(b, mask, {count});
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(type));
  return convert(
      vector::MaskedLoadOp::create(b, type, memref, indices, first, none),
      accumulator);
}

Value KernelBuilder::exchange(Value x, int64_t distance) {
  SmallVector<int64_t> lane;
  for (int64_t j = 0; j < lanes; ++j)
    lane.push_back(j ^ distance);
  return vector::ShuffleOp::create(b, x, x, lane);
}

Value KernelBuilder::sums(Values rows) {
  // A round adds the odd chunks of each vector to its even ones, two vectors
  // into one. Chunks of 128 bits and more stand in the order of a shuffle of
  // such, smaller ones in that of a shuffle inside of 128 bits; which row then
  // owns a lane follows.
  int64_t inner = 128 / accumulator.getWidth();
  SmallVector<SmallVector<int64_t>> owners;
  for (int64_t i = 0; i < lanes; ++i)
    owners.emplace_back(lanes, i);
  SmallVector<SmallVector<int64_t>> evens, odds;
  for (int64_t chunk = lanes / 2; chunk >= 1; chunk /= 2) {
    int64_t segment = chunk >= inner ? lanes : std::min(inner, lanes);
    SmallVector<int64_t> &even = evens.emplace_back(),
                         &odd = odds.emplace_back();
    for (int64_t start = 0; start < lanes; start += segment)
      for (int64_t source : {int64_t(0), lanes})
        for (int64_t at = start; at < start + segment; at += 2 * chunk)
          for (int64_t j = 0; j < chunk; ++j) {
            even.push_back(source + at + j);
            odd.push_back(source + at + chunk + j);
          }
    int64_t half = owners.size() / 2;
    for (int64_t i = 0; i < half; ++i) {
      SmallVector<int64_t> next;
      for (int64_t lane : even)
        next.push_back(lane < lanes ? owners[i][lane]
                                    : owners[i + half][lane - lanes]);
      owners[i] = next;
    }
    owners.resize(half);
  }
  Values now(lanes);
  for (auto [lane, owner] : llvm::enumerate(owners.front()))
    now[owner] = rows[lane];
  for (auto [even, odd] : llvm::zip_equal(evens, odds)) {
    int64_t half = now.size() / 2;
    for (int64_t i = 0; i < half; ++i) {
      Value x = vector::ShuffleOp::create(b, now[i], now[i + half], even);
      Value y = vector::ShuffleOp::create(b, now[i], now[i + half], odd);
      now[i] = addf(x, y);
    }
    now.resize(half);
  }
  return now.front();
}

Values KernelBuilder::transpose(Values rows) {
  // Round `s` exchanges the off-diagonal s x s blocks of each 2s x 2s block.
  for (int64_t s = 1; s < lanes; s *= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t j = 0; j < lanes; ++j) {
      bool odd = j & s;
      low.push_back(odd ? lanes + j - s : j);
      high.push_back(odd ? lanes + j : j + s);
    }
    for (int64_t i = 0; i < lanes; ++i) {
      if (i & s)
        continue;
      Value a = rows[i], c = rows[i + s];
      rows[i] = vector::ShuffleOp::create(b, a, c, low);
      rows[i + s] = vector::ShuffleOp::create(b, a, c, high);
    }
  }
  return rows;
}

//===----------------------------------------------------------------------===//
// Control
//===----------------------------------------------------------------------===//

Values KernelBuilder::loop(Value lo, Value hi, int64_t step, ValueRange init,
                           function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(
      b, lo, hi, index(step), init,
      [&](OpBuilder &nested, Location, Value iv, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(nested.getInsertionBlock());
        scf::YieldOp::create(b, body(iv, carried));
      });
  return Values(loop.getResults());
}

Values KernelBuilder::hotLoop(Value lo, Value hi, ValueRange init,
                              function_ref<Values(Value, ValueRange)> body) {
  Values results = loop(lo, hi, 1, init, body);
  MLIRContext *context = b.getContext();
  auto unroll = LLVM::LoopUnrollAttr::get(
      context, /*disable=*/b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto annotation = LLVM::LoopAnnotationAttr::get(
      context, {}, {}, {}, unroll, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});
  // Read by the conversion of scf.for to control flow.
  results.front().getDefiningOp()->setAttr("llvm.loop_annotation", annotation);
  return results;
}

Values KernelBuilder::branch(Value condition, TypeRange types,
                             function_ref<Values()> then,
                             function_ref<Values()> otherwise) {
  auto op = scf::IfOp::create(b, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  for (auto [region, body] :
       {std::pair<Region *, function_ref<Values()>>{&op.getThenRegion(), then},
        {&op.getElseRegion(), otherwise}}) {
    Block &block = region->front();
    block.clear();
    b.setInsertionPointToEnd(&block);
    scf::YieldOp::create(b, body());
  }
  return Values(op.getResults());
}

void KernelBuilder::when(Value condition, function_ref<void()> then) {
  auto op = scf::IfOp::create(b, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&op.getThenRegion().front());
  then();
}

bool attn::isInnermostContiguous(Value memref) {
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(cast<MemRefType>(memref.getType())
                 .getStridesAndOffset(strides, offset)))
    return false;
  return !strides.empty() && strides.back() == 1;
}
