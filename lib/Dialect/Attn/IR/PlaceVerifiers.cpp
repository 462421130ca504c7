//===- PlaceVerifiers.cpp - Clauses that keep keys by place and by list
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Verify.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn;

/// Queries stand at keys through the offset of `causal` alone.
template <typename OpTy>
static LogicalResult expectCausal(OpTy op, StringRef name) {
  if (op.getCausal())
    return success();
  return op.emitOpError() << "expects causal(...) beside " << name
                          << ", but got none";
}

/// Integers of shape [size] or [B, size].
static LogicalResult expectPerRow(Operation *op, StringRef name, Value value,
                                  const Problem &p, int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() != 1 && type.getRank() != 2)
    return op->emitOpError()
           << "expects " << name << " of rank 1 or 2, but got " << type;
  SmallVector<int64_t> shape{p.b, size};
  if (failed(expectShape(op, name, value,
                         ArrayRef(shape).take_back(type.getRank()))))
    return failure();
  return expectIntegers(op, name, value);
}

template <typename OpTy>
static LogicalResult verifyPrefix(OpTy op, const Problem &p) {
  // sdpa_c25
  Value prefix = op.getPrefix();
  if (!prefix)
    return success();
  bool isTensor = isa<RankedTensorType>(prefix.getType());
  if (!isTensor && !prefix.getType().isIndex())
    return op.emitOpError()
           << "expects prefix to be an index or a tensor of integers, but got "
           << prefix.getType();
  if (isTensor && (failed(expectVector(op, "prefix", prefix, "B", p.b)) ||
                   failed(expectIntegers(op, "prefix", prefix))))
    return failure();
  return expectCausal(op, "prefix");
}

template <typename OpTy>
static LogicalResult verifyDocuments(OpTy op, const Problem &p) {
  // sdpa_c26
  OperandRange ids = op.getDocuments();
  if (ids.empty())
    return success();
  if (ids.size() > 2)
    return op.emitOpError()
           << "expects documents of one tensor or of two (of the queries, of "
              "the keys), but got "
           << ids.size();
  bool isShared = ids.size() == 1;
  if (isShared && op.getCausal() && *op.getCausal() != Causal::TopLeft)
    return op.emitOpError() << "expects documents of two tensors (of the "
                               "queries, of the keys) where causal has an "
                               "offset, but got one";
  if (isShared && !compatible(p.m, p.n))
    return op.emitOpError()
           << "expects documents of two tensors where queries (" << p.m
           << ") and keys (" << p.n << ") differ in number, but got one";
  if (failed(expectPerRow(op, isShared ? "documents" : "documents of queries",
                          ids.front(), p, p.m)) ||
      failed(expectPerRow(op, isShared ? "documents" : "documents of keys",
                          ids.back(), p, p.n)))
    return failure();
  if (elementOf(ids.front()) == elementOf(ids.back()))
    return success();
  return op.emitOpError() << "expects documents of one element type, but got "
                          << ids.front().getType() << " and "
                          << ids.back().getType();
}

template <typename OpTy>
static LogicalResult verifyBlockSparse(OpTy op, const Problem &p) {
  // sdpa_c27
  std::optional<ArrayRef<int64_t>> size = op.getBlockSize();
  if (bool(op.getBlockSparse()) != size.has_value() ||
      (size && (size->size() != 2 ||
                llvm::any_of(*size, [](int64_t s) { return s < 1; }))))
    return op.emitOpError("expects block_sparse with two block sizes >= 1 "
                          "(rows, columns)");
  Value table = op.getBlockSparse();
  if (!table)
    return success();
  auto type = cast<RankedTensorType>(table.getType());
  if (type.getRank() < 2)
    return op.emitOpError()
           << "expects block_sparse of rank 2 to 4, but got " << type;
  auto blocks = [](int64_t count, int64_t each) {
    return ShapedType::isDynamic(count)
               ? count
               : int64_t(llvm::divideCeil(count, each));
  };
  if (failed(expectBroadcast(
          op, "block_sparse", table, "[B, H, M / rows, N / columns]",
          {p.b, p.h, blocks(p.m, (*size)[0]), blocks(p.n, (*size)[1])})))
    return failure();
  return expectElement(op, "block_sparse", table,
                       IntegerType::get(op.getContext(), 1));
}

template <typename OpTy>
static LogicalResult verifyTree(OpTy op, const Problem &p) {
  // sdpa_c28
  Value tree = op.getTree();
  if (!tree)
    return success();
  if (failed(expectPerRow(op, "tree", tree, p, p.m)))
    return failure();
  Type element = elementOf(tree);
  int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
  if (!ShapedType::isDynamic(p.m) && p.m > bits)
    return op.emitOpError()
           << "expects at most " << bits << " queries in a tree of " << element
           << ", but got " << p.m;
  return expectCausal(op, "tree");
}

template <typename OpTy>
static LogicalResult verifyRelativeBias(OpTy op, const Problem &p) {
  // sdpa_c29
  Value table = op.getRelativeBias();
  if (bool(table) != bool(op.getMaxDistanceAttr()) ||
      (!table && op.getBidirectional()))
    return op.emitOpError("expects relative_bias with a table and a distance");
  if (!table)
    return success();
  if (failed(expectRank(op, "relative_bias", table, 2)) ||
      failed(expectFloats(op, "relative_bias", table)))
    return failure();
  auto type = cast<RankedTensorType>(table.getType());
  if (failed(
          expectDim(op, "rows of relative_bias", type.getDimSize(0), "H", p.h)))
    return failure();
  int64_t buckets = type.getDimSize(1), ways = op.getBidirectional() ? 2 : 1;
  if (ShapedType::isDynamic(buckets) || buckets < 2 * ways ||
      buckets % ways != 0)
    return op.emitOpError()
           << "expects relative_bias with a known number of buckets, "
           << (ways == 2 ? "even and at least 4" : "at least 2") << ", but got "
           << type;
  int64_t exact = buckets / ways / 2,
          furthest = op.getMaxDistanceAttr().getInt();
  if (furthest <= exact)
    return op.emitOpError()
           << "expects relative_bias with a distance beyond its " << exact
           << " exact buckets, but got " << furthest;
  return success();
}

template <typename OpTy>
static LogicalResult verifyRagged(OpTy op) {
  // sdpa_c30
  OperandRange ends = op.getRagged();
  if (ends.empty())
    return success();
  if (ends.size() != 2)
    return op.emitOpError() << "expects ragged of two tensors (of the queries, "
                               "of the keys), but got "
                            << ends.size();
  for (Value list : ends)
    if (failed(expectRank(op, "ragged", list, 1)) ||
        failed(expectIntegers(op, "ragged", list)))
      return failure();
  auto sizeOf = [&](unsigned i) {
    return cast<ShapedType>(ends[i].getType()).getDimSize(0);
  };
  if (failed(expectDim(op, "size of ragged keys", sizeOf(1),
                       "size of ragged queries", sizeOf(0))))
    return failure();
  for (auto [name, present] :
       {std::pair<StringRef, bool>{"causal(%offset)",
                                   op.getCausal() == Causal::Offset},
        {"chunked", bool(op.getChunkedAttr())},
        {"prefix", bool(op.getPrefix())},
        {"tree", bool(op.getTree())},
        {"kv_lens", bool(op.getKvLens())}})
    if (present)
      return op.emitOpError() << "expects no " << name << " beside ragged";
  return success();
}

template <typename OpTy>
LogicalResult attn::verifyPlaces(OpTy op, const Problem &p) {
  // sdpa_c24
  for (auto [name, value] :
       {std::pair<StringRef, IntegerAttr>{"chunked", op.getChunkedAttr()},
        {"dilated", op.getDilatedAttr()}})
    if (value && value.getInt() < 1)
      return op.emitOpError()
             << "expects " << name << " to be >= 1, but got " << value.getInt();
  if (failed(verifyPrefix(op, p)) || failed(verifyDocuments(op, p)) ||
      failed(verifyRagged(op)) || failed(verifyBlockSparse(op, p)) ||
      failed(verifyTree(op, p)))
    return failure();
  return verifyRelativeBias(op, p);
}

template LogicalResult attn::verifyPlaces(MhaOp, const Problem &);
template LogicalResult attn::verifyPlaces(SdpaOp, const Problem &);
