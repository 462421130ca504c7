//===- FunctionMoves.cpp - Functions, ops and values ----------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Moves.h"
#include "Sizes.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace attn;

//===----------------------------------------------------------------------===//
// What moves share
//===----------------------------------------------------------------------===//

Operation *attn::opNumber(ModuleOp module, unsigned number) {
  Operation *found = nullptr;
  module.walk([&](Operation *op) {
    if (number-- != 0)
      return WalkResult::advance();
    found = op;
    return WalkResult::interrupt();
  });
  return found;
}

unsigned attn::numberOf(ModuleOp module, Operation *wanted) {
  unsigned number = 0;
  module.walk([&](Operation *op) {
    if (op == wanted)
      return WalkResult::interrupt();
    ++number;
    return WalkResult::advance();
  });
  return number;
}

void attn::updateType(func::FuncOp func) {
  func.setType(FunctionType::get(
      func.getContext(), func.getBody().getArgumentTypes(),
      func.getBody().front().getTerminator()->getOperandTypes()));
}

void attn::writeInputs(func::FuncOp func, ArrayRef<std::string> given) {
  auto setInput = [&](unsigned i, std::string text) {
    func.setArgAttr(i, inputAttrName, StringAttr::get(func.getContext(), text));
  };
  for (auto [i, text] : llvm::enumerate(given))
    if (i < func.getNumArguments())
      setInput(i, text);
  Sizes sizes(func);
  for (BlockArgument argument : func.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (!func.getArgAttr(i, inputAttrName))
      setInput(
          i, defaultInput(argument.getType(), sizes.shapeOf(argument), i + 1));
  }
}

void attn::sweep(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  bool changed = true;
  while (changed) {
    changed = false;
    for (auto func : module.getOps<func::FuncOp>())
      changed |= succeeded(runRegionDCE(rewriter, func->getRegions()));
    for (auto func : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
      if (func.isPrivate() && SymbolTable::symbolKnownUseEmpty(func, module)) {
        func.erase();
        changed = true;
      }
  }
}

/// Functions with a body, as they stand in `module`.
static SmallVector<func::FuncOp> bodies(ModuleOp module) {
  return llvm::filter_to_vector(
      module.getOps<func::FuncOp>(),
      [](func::FuncOp func) { return !func.isExternal(); });
}

static bool hasOneBlock(func::FuncOp func) {
  return llvm::hasSingleElement(func.getBody());
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

static bool dropResult(func::FuncOp func, unsigned i) {
  Operation *end = func.getBody().front().getTerminator();
  end->eraseOperand(i);
  SmallVector<DictionaryAttr> attributes;
  func.getAllResultAttrs(attributes);
  if (!attributes.empty())
    attributes.erase(attributes.begin() + i);
  func.removeResAttrsAttr();
  updateType(func);
  if (!attributes.empty())
    func.setAllResultAttrs(attributes);
  return true;
}

static bool inlineCalls(ModuleOp module) {
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  pm.addPass(createInlinerPass());
  return succeeded(pm.run(module));
}

void attn::listFunctionMoves(ModuleOp module, Moves &moves) {
  SmallVector<func::FuncOp> functions = bodies(module);
  for (auto [i, func] : llvm::enumerate(functions)) {
    if (functions.size() > 1)
      moves.push_back(
          {"drop function @" + func.getName().str(), [i = i](ModuleOp copy) {
             bodies(copy)[i].erase();
             return true;
           }});
  }
  bool calls = false;
  module.walk([&](func::CallOp) { calls = true; });
  if (calls)
    moves.push_back({"inline the calls", inlineCalls});
}

/// Erases what nothing reads; false when everything is read.
static bool dropUnreadArguments(func::FuncOp func) {
  BitVector unread;
  for (BlockArgument argument : func.getArguments())
    unread.push_back(argument.use_empty());
  return unread.any() && succeeded(func.eraseArguments(unread));
}

void attn::listSignatureMoves(ModuleOp module, Moves &moves) {
  for (auto [i, func] : llvm::enumerate(bodies(module))) {
    if (!hasOneBlock(func))
      continue;
    std::string name = " of @" + func.getName().str();
    for (unsigned r = func.getNumResults(); r-- > 0;)
      moves.push_back({"drop result #" + std::to_string(r) + name,
                       [i = i, r](ModuleOp copy) {
                         return dropResult(bodies(copy)[i], r);
                       }});
    moves.push_back({"drop unread arguments" + name, [i = i](ModuleOp copy) {
                       return dropUnreadArguments(bodies(copy)[i]);
                     }});
  }
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// A new argument of the function around `value` with its type, and an input of
/// the sizes that the value has now.
static BlockArgument addArgument(func::FuncOp func, Value value, Sizes &sizes) {
  unsigned i = func.getNumArguments();
  StringAttr input = StringAttr::get(
      func.getContext(),
      defaultInput(value.getType(), sizes.shapeOf(value), i + 1));
  DictionaryAttr attributes = DictionaryAttr::get(
      func.getContext(),
      NamedAttribute(StringAttr::get(func.getContext(), inputAttrName), input));
  if (failed(
          func.insertArgument(i, value.getType(), attributes, value.getLoc())))
    return nullptr;
  return func.getArgument(i);
}

static bool isConstant(Value value) {
  return matchPattern(value, m_Constant());
}

/// The function becomes this op: its operands are arguments, its results, or
/// one of them, what is returned.
static bool isolate(Operation *op, ValueRange returned) {
  auto func = op->getParentOfType<func::FuncOp>();
  Sizes sizes(func);
  DenseMap<Value, Value> arguments;
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    if (isa<BlockArgument>(value) || isConstant(value))
      continue;
    Value &argument = arguments[value];
    if (!argument)
      argument = addArgument(func, value, sizes);
    if (!argument)
      return false;
    operand.set(argument);
  }
  func.getBody().front().getTerminator()->setOperands(returned);
  func.removeResAttrsAttr();
  updateType(func);
  return true;
}

/// Nothing but this op and constants stands in the function.
static bool isAlone(Operation *op) {
  return llvm::all_of(op->getBlock()->without_terminator(), [&](Operation &o) {
    return &o == op || o.hasTrait<OpTrait::ConstantLike>();
  });
}

static void listIsolations(Operation *op, unsigned number, Moves &moves) {
  std::string name = op->getName().getStringRef().str() + " alone";
  // The list is taken from its end.
  if (op->getNumResults() > 1)
    moves.push_back({name + ", all results", [number](ModuleOp copy) {
                       Operation *op = opNumber(copy, number);
                       return isolate(op, op->getResults());
                     }});
  for (unsigned r = op->getNumResults(); r-- > 0;)
    moves.push_back({name, [number, r](ModuleOp copy) {
                       Operation *op = opNumber(copy, number);
                       return isolate(op, op->getResult(r));
                     }});
}

/// The value becomes an argument.
static bool cut(Operation *op, unsigned result) {
  auto func = op->getParentOfType<func::FuncOp>();
  Sizes sizes(func);
  BlockArgument argument = addArgument(func, op->getResult(result), sizes);
  if (!argument)
    return false;
  op->getResult(result).replaceAllUsesWith(argument);
  return true;
}

/// The value becomes an operand of its own op.
static bool skip(Operation *op, unsigned result, unsigned operand) {
  op->getResult(result).replaceAllUsesWith(op->getOperand(operand));
  updateType(op->getParentOfType<func::FuncOp>());
  return true;
}

static bool standsInFunction(Operation *op) {
  auto func = dyn_cast_or_null<func::FuncOp>(op->getParentOp());
  return func && hasOneBlock(func) && !op->hasTrait<OpTrait::IsTerminator>();
}

/// Ops that only act (stores, calls, kernels on buffers, symbols) and those
/// that nobody reads.
static bool mayDrop(Operation *op) {
  return op->getParentOp() && op->use_empty() && !isa<func::FuncOp>(op) &&
         !op->hasTrait<OpTrait::IsTerminator>();
}

void attn::listOpMoves(ModuleOp module, Moves &moves) {
  Moves alone, drops, cuts, skips;
  unsigned number = 0;
  module.walk([&](Operation *op) {
    unsigned i = number++;
    if (mayDrop(op))
      drops.push_back(
          {"drop " + op->getName().getStringRef().str(), [i](ModuleOp copy) {
             opNumber(copy, i)->erase();
             return true;
           }});
    if (!standsInFunction(op) || op->getNumResults() == 0 ||
        op->hasTrait<OpTrait::ConstantLike>())
      return;
    std::string name = op->getName().getStringRef().str();
    if (isa<AttnDialect>(op->getDialect()) && !isAlone(op))
      listIsolations(op, i, alone);
    for (unsigned r = 0; r < op->getNumResults(); ++r) {
      if (op->getResult(r).use_empty())
        continue;
      cuts.push_back({name + " becomes an argument", [i, r](ModuleOp copy) {
                        return cut(opNumber(copy, i), r);
                      }});
      // Where another result keeps the op, nothing is gained.
      bool last = llvm::count_if(op->getResults(), [](Value result) {
                    return !result.use_empty();
                  }) == 1;
      for (unsigned o = 0; last && o < op->getNumOperands(); ++o)
        if (op->getOperand(o).getType() == op->getResult(r).getType()) {
          skips.push_back({"skip " + name, [i, r, o](ModuleOp copy) {
                             return skip(opNumber(copy, i), r, o);
                           }});
          break;
        }
    }
  });
  // The op that is at fault is more often late than early; from the end, a cut
  // leaves less.
  for (Moves *list : {&alone, &drops, &skips, &cuts})
    for (Move &move : llvm::reverse(*list))
      moves.push_back(std::move(move));
}

void attn::listPassMoves(ModuleOp module, Moves &moves) {
  moves.push_back({"canonicalize and cse", [](ModuleOp copy) {
                     PassManager pm(copy.getContext(),
                                    ModuleOp::getOperationName());
                     pm.addPass(createCanonicalizerPass());
                     pm.addPass(createCSEPass());
                     return succeeded(pm.run(copy));
                   }});
}
