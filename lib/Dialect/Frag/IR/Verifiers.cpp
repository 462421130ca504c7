//===- Verifiers.cpp - Constraints of the frag ops -----------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What hardware refuses or silently does wrong, said where the op stands.
//
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Frag/IR/Frag.h"

#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace attn::frag;

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

LogicalResult TensorMapOp::verify() {
  auto type = cast<MemRefType>(getSource().getType());
  // frag_tensor_map_c1
  if (type.getRank() != 4 || !isHalf(type.getElementType()))
    return emitOpError("expects a buffer of rank 4 of f16 or bf16, but got ")
           << type;
  // frag_tensor_map_c2
  ArrayRef<int64_t> box = getBox();
  if (box.size() != 2 || box[0] != kPanelColumns || box[1] < 1 || box[1] > 256)
    return emitOpError("expects a box of 64 columns and 1 to 256 rows");
  return success();
}

LogicalResult AllocBarriersOp::verify() {
  // frag_alloc_barriers_c1
  if (getArrivals() < 1 || getArrivals() >= (1 << 20))
    return emitOpError("expects 1 to 1048575 arrivals, but got ")
           << getArrivals();
  return success();
}

LogicalResult LoadOp::verify() {
  TileType tile = getTile().getType();
  // frag_load_c1
  if (getBoxRows() < 1 || getBoxRows() > 256 ||
      tile.getRows() % int64_t(getBoxRows()) != 0 || getBoxRows() % 8 != 0)
    return emitOpError("expects boxes of at most 256 rows that divide the ")
           << tile.getRows() << " rows of the tile, but got " << getBoxRows();
  // frag_load_c2
  if (tile.getStages() != getBarriers().getType().getStages())
    return emitOpError("expects as many barriers as stages (")
           << tile.getStages() << "), but got "
           << getBarriers().getType().getStages();
  return success();
}

int64_t attn::frag::getSharedBytes(Operation *kernel) {
  int64_t tiles = 0, barriers = 0;
  kernel->walk([&](Operation *op) {
    if (auto alloc = dyn_cast<AllocOp>(op))
      tiles = llvm::alignTo(tiles, kTileAlignment) +
              alloc.getTile().getType().getBytes();
    else if (auto alloc = dyn_cast<AllocBarriersOp>(op))
      barriers += 8 * alloc.getBarriers().getType().getStages();
  });
  return tiles + barriers;
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

/// setmaxnreg takes multiples of 8 in [24, 256].
static bool isRegisterCount(int64_t count) {
  return count >= 24 && count <= 256 && count % 8 == 0;
}

/// Registers per thread that values of these types take.
static int64_t registersOf(TypeRange types) {
  int64_t count = 0;
  for (Type type : types)
    if (auto acc = dyn_cast<AccType>(type))
      count += acc.getRows() * acc.getColumns() / kWarpgroup;
    else if (auto a = dyn_cast<AType>(type))
      count += a.getRows() * a.getColumns() / (2 * kWarpgroup);
    else if (isa<RowsType>(type))
      count += 2;
  return count;
}

/// Registers that a consumer needs at its fullest moment: what the main loop
/// carries, the newest scores, and 28 for addresses and counters.
static int64_t estimateRegisters(Region &consumer) {
  int64_t most = 0;
  consumer.walk([&](LoopLikeOpInterface loop) {
    int64_t scores = 0;
    loop->walk([&](MmaSSOp product) {
      PendingType type = product.getResult().getType();
      scores =
          std::max(scores, type.getRows() * type.getColumns() / kWarpgroup);
    });
    most = std::max(most, scores + registersOf(loop.getInits().getTypes()));
  });
  return most + 28;
}

LogicalResult RolesOp::verify() {
  // frag_roles_c1
  if (getConsumers() < 1 || getConsumers() > 3)
    return emitOpError("expects one to three consumer warpgroups, but got ")
           << getConsumers();
  // frag_roles_c2
  if (!isRegisterCount(getProducerRegisters()) ||
      !isRegisterCount(getConsumerRegisters()))
    return emitOpError("expects register counts that are multiples of 8 in "
                       "[24, 256], but got ")
           << getProducerRegisters() << " and " << getConsumerRegisters();
  // frag_roles_c3
  uint64_t registers = kWarpgroup * (getProducerRegisters() +
                                     getConsumers() * getConsumerRegisters());
  if (registers > 65536)
    return emitOpError("expects at most 65536 registers in all, but got ")
           << registers;
  // frag_roles_c4
  Region &consumer = getConsumer();
  if (getProducer().getNumArguments() != 0 || consumer.getNumArguments() != 1 ||
      !consumer.getArgument(0).getType().isIndex())
    return emitOpError("expects the consumer's region to take its number, an "
                       "index, and the producer's to take nothing");
  // frag_roles_c5
  Operation *kernel = (*this)->getParentOp();
  if (int64_t bytes = getSharedBytes(kernel); bytes > kMaxSharedBytes)
    return emitOpError("expects at most ")
           << kMaxSharedBytes << " bytes of shared memory, but got " << bytes;
  // frag_roles_c6
  if (int64_t needed = estimateRegisters(consumer);
      needed > int64_t(getConsumerRegisters()))
    return emitOpError("expects accumulators that fit in ")
           << getConsumerRegisters() << " registers of a consumer, but "
           << needed << " are needed";
  return success();
}

static LogicalResult verifyTurn(Operation *op) {
  // frag_turn_c1
  auto roles = op->getParentOfType<RolesOp>();
  if (!roles || !roles.getTurns() || roles.getConsumers() < 2)
    return op->emitOpError("expects to stand in the consumer of frag.roles "
                           "with turns and two or three consumers");
  return success();
}

LogicalResult TakeTurnOp::verify() { return verifyTurn(*this); }

LogicalResult PassTurnOp::verify() {
  if (failed(verifyTurn(*this)))
    return failure();
  // frag_turn_c2
  uint64_t consumers = (*this)->getParentOfType<RolesOp>().getConsumers();
  if (getConsumers() != consumers)
    return emitOpError("expects to be of ")
           << consumers << " consumers, but got " << getConsumers();
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// An accumulator under way has one reader, a frag.wait.
static LogicalResult verifyAwaited(Operation *op, Value pending) {
  // frag_mma_c1
  if (!pending.hasOneUse() || !isa<WaitOp>(*pending.user_begin()) ||
      pending.user_begin()->getBlock() != op->getBlock())
    return op->emitOpError("expects its result to be awaited by one frag.wait "
                           "in the same block");
  return success();
}

/// Shapes of one asynchronous product.
static LogicalResult verifyProduct(Operation *op, PendingType result,
                                   int64_t columns) {
  // frag_mma_c2
  if (result.getRows() != kProductRows || result.getColumns() != columns ||
      columns > 256)
    return op->emitOpError("expects a result of 64 x ")
           << columns << " with at most 256 columns, but got " << result;
  return success();
}

LogicalResult MmaSSOp::verify() {
  TileType a = getA().getType(), b = getB().getType();
  // frag_mma_ss_c1
  if (a.getColumns() != b.getColumns() || a.getElement() != b.getElement() ||
      a.getStages() != 1)
    return emitOpError("expects operands of one depth and element type, the "
                       "left one with one stage, but got ")
           << a << " and " << b;
  if (failed(verifyProduct(*this, getResult().getType(), b.getRows())))
    return failure();
  return verifyAwaited(*this, getResult());
}

LogicalResult MmaRSOp::verify() {
  AType a = getA().getType();
  TileType b = getB().getType();
  AccType c = getC().getType();
  PendingType result = getResult().getType();
  // frag_mma_rs_c1
  if (a.getColumns() != b.getRows() || a.getElement() != b.getElement())
    return emitOpError("expects operands of one depth and element type, but "
                       "got ")
           << a << " and " << b;
  // frag_mma_rs_c2
  if (c.getColumns() != result.getColumns() || c.getRows() != result.getRows())
    return emitOpError("expects an accumulator of the result's shape, but got ")
           << c << " and " << result;
  if (failed(verifyProduct(*this, result, b.getColumns())))
    return failure();
  return verifyAwaited(*this, getResult());
}

LogicalResult WaitOp::verify() {
  PendingType pending = getPending().getType();
  AccType result = getResult().getType();
  // frag_wait_c1
  if (pending.getRows() != result.getRows() ||
      pending.getColumns() != result.getColumns())
    return emitOpError(
               "expects an accumulator of the product's shape, but got ")
           << result;
  // frag_wait_c2
  Operation *product = getPending().getDefiningOp();
  if (!isa_and_present<MmaSSOp, MmaRSOp>(product))
    return emitOpError("expects the result of a product");
  uint64_t newer = 0;
  for (Operation *op = product->getNextNode(); op && op != *this;
       op = op->getNextNode())
    newer += isa<MmaSSOp, MmaRSOp>(op);
  if (newer != getGroups())
    return emitOpError("expects groups (")
           << newer << "), the products started after the one waited for, but "
           << "got groups (" << getGroups() << ")";
  return success();
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

static int64_t rowsOf(Type fragment) {
  if (auto acc = dyn_cast<AccType>(fragment))
    return acc.getRows();
  return cast<RowsType>(fragment).getRows();
}

static Type elementOf(Type fragment) {
  if (auto acc = dyn_cast<AccType>(fragment))
    return acc.getElement();
  return cast<RowsType>(fragment).getElement();
}

LogicalResult MapOp::verify() {
  Type result = getResult().getType();
  // frag_map_c1
  for (Type input : getInputs().getTypes()) {
    bool fits = isa<RowsType>(input) ? rowsOf(input) == rowsOf(result)
                                     : input == result;
    if (!fits)
      return emitOpError("expects operands of the result's shape, or rows of "
                         "it, but got ")
             << input << " for " << result;
  }
  // frag_map_c2
  if (!getAt().empty() && (getAt().size() != 2 || !isa<AccType>(result)))
    return emitOpError("expects a first row and a first column, of an "
                       "accumulator");
  // frag_map_c3
  SmallVector<Type> expected;
  for (Type input : getInputs().getTypes())
    expected.push_back(elementOf(input));
  expected.append(getAt().size(), IndexType::get(getContext()));
  Block &body = getBody().front();
  if (!llvm::equal(body.getArgumentTypes(), expected))
    return emitOpError("expects a region that takes one number per operand ")
           << "and the indices given";
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getValues().size() != 1 ||
      yield.getValues().front().getType() != elementOf(result))
    return emitOpError("expects a region that yields one ")
           << elementOf(result);
  // frag_map_c4
  for (Operation &op : body.without_terminator())
    if (isa_and_nonnull<FragDialect>(op.getDialect()) ||
        op.getNumRegions() != 0 || op.getNumSuccessors() != 0)
      return emitOpError("expects scalar code without regions, but found '")
             << op.getName() << "'";
  return success();
}

LogicalResult RowReduceOp::verify() {
  // frag_row_reduce_c1
  if (rowsOf(getSource().getType()) != rowsOf(getResult().getType()))
    return emitOpError("expects one result per row, but got ")
           << getResult().getType();
  return success();
}

LogicalResult ToAOp::verify() {
  AccType source = getSource().getType();
  AType result = getResult().getType();
  // frag_to_a_c1
  if (source.getRows() != result.getRows() ||
      source.getColumns() != result.getColumns())
    return emitOpError(
               "expects an operand of the accumulator's shape, but got ")
           << result;
  return success();
}

LogicalResult PutOp::verify() {
  AccType source = getSource().getType();
  TileType tile = getTile().getType();
  // frag_put_c1
  if (source.getRows() != kProductRows || source.getColumns() % 16 != 0 ||
      source.getColumns() > tile.getColumns())
    return emitOpError("expects 64 rows of a multiple of 16 columns, not wider "
                       "than the tile, but got ")
           << source << " and " << tile;
  return success();
}

static LogicalResult verifyColumns(Operation *op, int64_t columns,
                                   TileType tile) {
  if (columns < 1 || columns > tile.getColumns())
    return op->emitOpError("expects 1 to ")
           << tile.getColumns() << " columns, those of the tile, but got "
           << columns;
  return success();
}

LogicalResult MendOp::verify() {
  // frag_mend_c1
  if (failed(verifyColumns(*this, getColumns(), getTile().getType())))
    return failure();
  // frag_mend_c2
  RowsType rows = getSums().getType();
  for (Type input : getInputs().getTypes())
    if (input != rows || rows.getRows() != kProductRows)
      return emitOpError("expects 64 rows everywhere, but got ")
             << rows << " and " << input;
  // frag_mend_c3
  Type index = IndexType::get(getContext()), f32 = rows.getElement();
  SmallVector<Type> arguments{index, index};
  arguments.append(getInputs().size(), f32);
  Block &weights = getWeights().front(), &values = getValues().front();
  Type results[] = {f32, IntegerType::get(getContext(), 1)};
  auto yields = [](Block &block, ArrayRef<Type> types) {
    auto yield = dyn_cast<YieldOp>(block.getTerminator());
    return yield && llvm::equal(yield.getValues().getTypes(), types);
  };
  if (!llvm::equal(weights.getArgumentTypes(), arguments) ||
      !yields(weights, results))
    return emitOpError("expects weights of a row, a key and a number per "
                       "operand, that yield f32 and i1");
  // frag_mend_c4
  if (!llvm::equal(values.getArgumentTypes(), ArrayRef<Type>{index, index}) ||
      !yields(values, f32))
    return emitOpError("expects values of a key and a column, that yield f32");
  return success();
}

LogicalResult StoreOp::verify() {
  // frag_store_c1
  return verifyColumns(*this, getColumns(), getTile().getType());
}
