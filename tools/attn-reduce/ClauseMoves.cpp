//===- ClauseMoves.cpp - Clauses, captures and regions --------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Moves.h"
#include "Sizes.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace attn;

namespace {

/// Arguments of the regions before those of the captures.
constexpr unsigned scoreIndices = 5, maskIndices = 4;

/// Offers the moves of one op; `number` finds it again in a clone.
template <typename OpTy>
class ClauseLister {
public:
  ClauseLister(OpTy op, unsigned number, Moves &moves)
      : op(op), number(number), moves(moves),
        name(op->getName().getStringRef()) {}

  void list();

private:
  template <typename Drop>
  void offer(bool present, const Twine &what, Drop drop) {
    if (present)
      moves.push_back({("drop " + what + " of " + name).str(),
                       [number = number, drop](ModuleOp copy) {
                         drop(cast<OpTy>(opNumber(copy, number)));
                         return true;
                       }});
  }
  void listOwn();

  OpTy op;
  unsigned number;
  Moves &moves;
  std::string name;
};

template <typename OpTy>
void dropCapture(OpTy op, unsigned capture) {
  SmallVector<Value> captures(op.getCaptures());
  SmallVector<Attribute> maps(op.getCaptureMapsAttr().begin(),
                              op.getCaptureMapsAttr().end());
  captures.erase(captures.begin() + capture);
  maps.erase(maps.begin() + capture);
  for (auto [region, indices] : {std::pair(&op.getScore(), scoreIndices),
                                 {&op.getMask(), maskIndices}}) {
    if (region->empty())
      continue;
    BlockArgument argument = region->getArgument(indices + capture);
    OpBuilder builder = OpBuilder::atBlockBegin(&region->front());
    if (!argument.use_empty())
      argument.replaceAllUsesWith(arith::ConstantOp::create(
          builder, op.getLoc(), builder.getZeroAttr(argument.getType())));
    region->eraseArgument(indices + capture);
  }
  op.getCapturesMutable().assign(captures);
  if (maps.empty())
    op.removeCaptureMapsAttr();
  else
    op.setCaptureMapsAttr(Builder(op.getContext()).getArrayAttr(maps));
}

/// Rebuilds the op without optional results that nobody reads.
void dropResults(SdpaOp op) {
  OpBuilder builder(op);
  OperationState state(op.getLoc(), op->getName());
  state.addOperands(op->getOperands());
  state.addAttributes(op->getAttrs());
  state.addTypes(op.getOutput().getType());
  SmallVector<int32_t> segments = {1, 0, 0};
  SmallVector<Value> kept = {op.getOutput()};
  const Value optional[] = {op.getLse(), op.getWeights()};
  for (auto [i, result] : llvm::enumerate(optional))
    if (result && !result.use_empty()) {
      state.addTypes(result.getType());
      kept.push_back(result);
      segments[i + 1] = 1;
    }
  state.attributes.set("resultSegmentSizes",
                       builder.getDenseI32ArrayAttr(segments));
  for (Region &region : op->getRegions())
    state.addRegion()->takeBody(region);
  Operation *smaller = builder.create(state);
  for (auto [from, to] : llvm::zip(kept, smaller->getResults()))
    from.replaceAllUsesWith(to);
  op.erase();
}

/// Every operand and the output are [B, H, S, D] in memory, if their types may
/// change: where another op asks for the old one, the verifier refuses.
void dropLayouts(SdpaOp op) {
  auto func = op->getParentOfType<func::FuncOp>();
  SmallPtrSet<void *, 4> seen;
  Value values[] = {op.getQuery(), op.getKey(), op.getValue(), op.getOutput()};
  for (auto [i, value] : llvm::enumerate(values)) {
    if (!seen.insert(value.getAsOpaquePointer()).second)
      continue;
    AffineMap layout = op.getLayout(i);
    auto type = cast<RankedTensorType>(value.getType());
    SmallVector<int64_t> shape;
    for (unsigned d = 0; d < 4; ++d)
      shape.push_back(getLogicalDim(type, layout, d));
    value.setType(type.clone(shape));
    if (auto argument = dyn_cast<BlockArgument>(value))
      permuteInput(func, argument.getArgNumber(), layout);
  }
  op.removeLayoutsAttr();
  updateType(func);
}

template <>
void ClauseLister<SdpaOp>::listOwn() {
  auto unread = [](Value value) { return value && value.use_empty(); };
  offer(unread(op.getLse()) || unread(op.getWeights()), "unread results",
        dropResults);
  offer(op.getPlanAttr() != nullptr, "the plan",
        [](SdpaOp op) { op.removePlanAttr(); });
  offer(op.getLayoutsAttr() != nullptr, "layouts", dropLayouts);
}

template <>
void ClauseLister<MhaOp>::listOwn() {
  offer(bool(op.getSource()), "context",
        [](MhaOp op) { op.getSourceMutable().clear(); });
  offer(op.getKvHeads() == op.getHeads(), "kv_heads",
        [](MhaOp op) { op.removeKvHeadsAttr(); });
  offer(!op.getBiases().empty(), "biases",
        [](MhaOp op) { op.getBiasesMutable().clear(); });
  offer(op.getRopeCos() != nullptr, "rope", [](MhaOp op) {
    op.getRopeCosMutable().clear();
    op.getRopeSinMutable().clear();
    op.removeRopeInterleavedAttr();
  });
  offer(op.getNormQ() != nullptr, "qk_norm", [](MhaOp op) {
    op.getNormQMutable().clear();
    op.getNormKMutable().clear();
    op.removeNormEpsilonAttr();
  });
}

template <typename OpTy>
void ClauseLister<OpTy>::list() {
  offer(bool(op.getSoftcap()), "softcap",
        [](OpTy op) { op.getSoftcapMutable().clear(); });
  offer(bool(op.getAlibi()), "alibi",
        [](OpTy op) { op.getAlibiMutable().clear(); });
  offer(bool(op.getAdditive()), "additive",
        [](OpTy op) { op.getAdditiveMutable().clear(); });
  offer(bool(op.getKeep()), "keep",
        [](OpTy op) { op.getKeepMutable().clear(); });
  offer(op.getStaticWindow().has_value(), "window", [](OpTy op) {
    op.getWindowMutable().clear();
    op.removeStaticWindowAttr();
  });
  offer(op.getCausalAttr() != nullptr, "causal", [](OpTy op) {
    op.getCausalOffsetMutable().clear();
    op.removeCausalAttr();
  });
  offer(bool(op.getPrefix()), "prefix",
        [](OpTy op) { op.getPrefixMutable().clear(); });
  offer(!op.getDocuments().empty(), "documents",
        [](OpTy op) { op.getDocumentsMutable().clear(); });
  offer(!op.getRagged().empty(), "ragged",
        [](OpTy op) { op.getRaggedMutable().clear(); });
  offer(bool(op.getTree()), "tree",
        [](OpTy op) { op.getTreeMutable().clear(); });
  offer(op.getChunkedAttr() != nullptr, "chunked",
        [](OpTy op) { op.removeChunkedAttr(); });
  offer(op.getDilatedAttr() != nullptr, "dilated",
        [](OpTy op) { op.removeDilatedAttr(); });
  offer(bool(op.getBlockSparse()), "block_sparse", [](OpTy op) {
    op.getBlockSparseMutable().clear();
    op.removeBlockSizeAttr();
  });
  offer(bool(op.getRelativeBias()), "relative_bias", [](OpTy op) {
    op.getRelativeBiasMutable().clear();
    op.removeMaxDistanceAttr();
    op.removeBidirectionalAttr();
  });
  offer(bool(op.getKvLens()), "kv_lens",
        [](OpTy op) { op.getKvLensMutable().clear(); });
  offer(bool(op.getSinks()), "sinks",
        [](OpTy op) { op.getSinksMutable().clear(); });
  offer(bool(op.getScale()), "scale",
        [](OpTy op) { op.getScaleMutable().clear(); });
  listOwn();
  offer(!op.getScore().empty(), "the score region", [](OpTy op) {
    op.getScore().dropAllReferences();
    op.getScore().getBlocks().clear();
  });
  offer(!op.getMask().empty(), "the mask region", [](OpTy op) {
    op.getMask().dropAllReferences();
    op.getMask().getBlocks().clear();
  });
  for (unsigned i = op.getCaptures().size(); i-- > 0;)
    offer(true, "capture #" + Twine(i), [i](OpTy op) { dropCapture(op, i); });
}

} // namespace

void attn::listClauseMoves(ModuleOp module, Moves &moves) {
  unsigned number = 0;
  module.walk([&](Operation *op) {
    if (auto sdpa = dyn_cast<SdpaOp>(op))
      ClauseLister<SdpaOp>(sdpa, number, moves).list();
    if (auto mha = dyn_cast<MhaOp>(op))
      ClauseLister<MhaOp>(mha, number, moves).list();
    ++number;
  });
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// An op inside of another, of a rule or a loop, becomes a value that stands
/// before it: an operand, an argument of the region, or a constant.
static void listRegionOp(Operation *op, unsigned number, Moves &moves) {
  Type type = op->getResult(0).getType();
  std::string name = op->getName().getStringRef().str();
  auto offer = [&](std::string what, auto find) {
    moves.push_back({"in a region, " + name + " becomes " + what,
                     [number, find](ModuleOp copy) {
                       Operation *op = opNumber(copy, number);
                       Value value = find(op);
                       op->getResult(0).replaceAllUsesWith(value);
                       op->erase();
                       return true;
                     }});
  };
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (operand.getType() == type)
      offer("its operand",
            [i = i](Operation *op) -> Value { return op->getOperand(i); });
  for (BlockArgument argument : op->getBlock()->getArguments())
    if (argument.getType() == type)
      offer("an argument",
            [i = argument.getArgNumber()](Operation *op) -> Value {
              return op->getBlock()->getArgument(i);
            });
  TypedAttr constant;
  if (type.isInteger(1))
    constant = BoolAttr::get(op->getContext(), true);
  else if (type.isIntOrIndexOrFloat())
    constant = cast<TypedAttr>(Builder(op->getContext()).getZeroAttr(type));
  if (constant)
    offer("a constant", [constant](Operation *op) -> Value {
      OpBuilder builder(op);
      return arith::ConstantOp::create(builder, op->getLoc(), constant);
    });
}

void attn::listRegionMoves(ModuleOp module, Moves &moves) {
  SmallVector<std::pair<Operation *, unsigned>> ops;
  unsigned number = 0;
  module.walk([&](Operation *op) {
    unsigned i = number++;
    if (op->getParentOp() && !isa<func::FuncOp, ModuleOp>(op->getParentOp()) &&
        op->getNumResults() == 1 && !op->hasTrait<OpTrait::ConstantLike>())
      ops.push_back({op, i});
  });
  for (auto [op, i] : llvm::reverse(ops))
    listRegionOp(op, i, moves);
}
