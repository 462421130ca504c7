//===- EntryABI.cpp - What callers of compiled code see -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An entry becomes four C functions: run, sizes of the results, bytes of
// workspace, and (made by attn-cpu-pack-weights) prepack. The caller owns all
// memory, so compiled code neither allocates nor returns buffers. Sizes are
// checked here with plain comparisons: a failed cf.assert would end the
// caller's process.
//
//===----------------------------------------------------------------------===//

#include "attn/CPU/Passes.h"
#include "lib/CPU/Entry.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attn {
#define GEN_PASS_DEF_CPUENTRYABIPASS
#include "attn/CPU/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

constexpr llvm::StringLiteral kPacked = "attn.packed";
constexpr llvm::StringLiteral kPrepack = "attn.prepack";

/// Makes the functions of one entry.
struct EntryBuilder {
  EntryBuilder(func::FuncOp source)
      : source(source), name(source.getName().str()), loc(source.getLoc()),
        builder(source) {
    auto packedTypes = source->getAttrOfType<ArrayAttr>(kPacked);
    numInputs =
        source.getNumArguments() - (packedTypes ? packedTypes.size() : 0);
    for (Type type : source.getArgumentTypes())
      arguments.push_back(getABIType(type));
    for (Type type : source.getResultTypes())
      outputs.push_back(getOutputType(type));
  }

  LogicalResult build();
  void buildPrepack();

private:
  TypeRange inputs() { return TypeRange(arguments).take_front(numInputs); }
  func::FuncOp create(const Twine &suffix, TypeRange in, TypeRange out);
  func::FuncOp createBody();
  void createShapes(func::FuncOp dims);
  void createWorkspace();
  void createWrapper(func::FuncOp body, func::FuncOp dims);
  Value checkAgreement(OpBuilder &b, func::FuncOp func, Value status);
  Value checkPages(OpBuilder &b, func::FuncOp func);
  Value isNoPage(OpBuilder &b, func::FuncOp func, const PageCheck &check);
  Value sizeOf(OpBuilder &b, func::FuncOp func, ArgumentSize size);
  Value isOutside(OpBuilder &b, func::FuncOp func, const ReachCheck &check);
  Value checkSizes(OpBuilder &b, Value arg, Value status,
                   ArrayRef<Value> expected, int position);

  func::FuncOp source;
  std::string name;
  Location loc;
  OpBuilder builder;
  size_t numInputs;
  SmallVector<Type> arguments; ///< Inputs, then packed weights.
  SmallVector<Type> outputs;
  EntryChecks checks;
};

/// The same memref without static sizes.
Type getDynamicType(Type type) {
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return type;
  SmallVector<int64_t> shape(memref.getRank(), ShapedType::kDynamic);
  return MemRefType::get(shape, memref.getElementType());
}

void exportToC(func::FuncOp func) {
  func.setPublic();
  func->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                UnitAttr::get(func.getContext()));
}

void storeResults(OpBuilder &b, Location loc, ValueRange results,
                  ValueRange outputs) {
  for (auto [result, output] : llvm::zip(results, outputs)) {
    if (isa<RankedTensorType>(result.getType()))
      bufferization::MaterializeInDestinationOp::create(
          b, loc, /*result=*/Type(), result, output, /*restrict=*/true,
          /*writable=*/true);
    else
      memref::StoreOp::create(b, loc, result, output, ValueRange());
  }
}

} // namespace

func::FuncOp EntryBuilder::create(const Twine &suffix, TypeRange in,
                                  TypeRange out) {
  auto func = func::FuncOp::create(builder, loc, (name + suffix).str(),
                                   builder.getFunctionType(in, out));
  func.addEntryBlock();
  func.setPrivate();
  return func;
}

/// `f_body(inputs, packed, outputs, workspace)`: the work, unchecked.
func::FuncOp EntryBuilder::createBody() {
  SmallVector<Type> types = arguments;
  llvm::append_range(types, outputs);
  types.push_back(MemRefType::get({ShapedType::kDynamic}, builder.getI8Type()));
  func::FuncOp body = create("_body", types, {});
  OpBuilder b = OpBuilder::atBlockEnd(&body.front());
  ValueRange args = body.getArguments();
  SmallVector<Value> results =
      cloneBody(b, source, args.take_front(arguments.size()));
  storeResults(b, loc, results, args.slice(arguments.size(), outputs.size()));
  func::ReturnOp::create(b, loc);
  return body;
}

/// `f_shapes(inputs, dims)`.
void EntryBuilder::createShapes(func::FuncOp dims) {
  SmallVector<Type> types(inputs());
  types.push_back(
      MemRefType::get({ShapedType::kDynamic}, builder.getI64Type()));
  func::FuncOp func = create("_shapes", types, {});
  exportToC(func);
  OpBuilder b = OpBuilder::atBlockEnd(&func.front());
  ValueRange args = func.getArguments();
  auto call = func::CallOp::create(b, loc, dims, args.drop_back());
  unsigned position = 0, dynamic = 0;
  for (Type output : outputs)
    for (int64_t size : cast<MemRefType>(output).getShape()) {
      Value value =
          ShapedType::isDynamic(size)
              ? arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                           call.getResult(dynamic++))
                    .getResult()
              : arith::ConstantIntOp::create(b, loc, size, 64).getResult();
      Value index = arith::ConstantIndexOp::create(b, loc, position++);
      memref::StoreOp::create(b, loc, value, args.back(), index);
    }
  func::ReturnOp::create(b, loc);
}

/// `f_workspace(inputs)`; attn-cpu-workspace writes what it returns.
void EntryBuilder::createWorkspace() {
  func::FuncOp func = create("_workspace", inputs(), builder.getI64Type());
  exportToC(func);
  OpBuilder b = OpBuilder::atBlockEnd(&func.front());
  Value zero = arith::ConstantIntOp::create(b, loc, 0, 64);
  func::ReturnOp::create(b, loc, zero);
}

/// The status, or `position` when `arg` has not the expected sizes; a null
/// value expects nothing.
Value EntryBuilder::checkSizes(OpBuilder &b, Value arg, Value status,
                               ArrayRef<Value> expected, int position) {
  for (auto [d, size] : llvm::enumerate(expected)) {
    if (!size)
      continue;
    Value actual = memref::DimOp::create(b, loc, arg, d);
    Value wrong =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, actual, size);
    Value code = arith::ConstantIntOp::create(b, loc, position, 32);
    status = arith::SelectOp::create(b, loc, wrong, code, status);
  }
  return status;
}

Value EntryBuilder::sizeOf(OpBuilder &b, func::FuncOp func, ArgumentSize size) {
  if (size.isConstant())
    return arith::ConstantIndexOp::create(b, loc, size.dim);
  return memref::DimOp::create(b, loc, func.getArgument(size.argument),
                               size.dim);
}

/// Whether an index of the check lies outside of the size.
Value EntryBuilder::isOutside(OpBuilder &b, func::FuncOp func,
                              const ReachCheck &check) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  auto less = [&](Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
  };
  Value any = arith::ConstantIntOp::create(b, loc, 1, 1);
  SmallVector<Value> last;
  for (ArgumentSize reach : check.reach) {
    Value size = sizeOf(b, func, reach);
    any = arith::AndIOp::create(b, loc, any, less(zero, size));
    last.push_back(arith::SubIOp::create(b, loc, size, one));
  }
  auto bound = [&](bool largest) -> Value {
    AffineMap map = AffineMap::get(check.index.getNumDims(), 0,
                                   boundOf(check.index.getResult(0), largest));
    return affine::AffineApplyOp::create(b, loc, map, last);
  };
  Value below = less(bound(false), zero);
  Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge,
                                      bound(true), sizeOf(b, func, check.size));
  Value outside = arith::OrIOp::create(b, loc, below, above);
  return arith::AndIOp::create(b, loc, any, outside);
}

/// Checks what the ops expect of sizes that the types leave open. Wrong static
/// sizes were found before and are reported first.
Value EntryBuilder::checkAgreement(OpBuilder &b, func::FuncOp func,
                                   Value status) {
  Value ok = arith::ConstantIntOp::create(b, loc, 0, 32), found = ok;
  auto blame = [&](Value wrong, int64_t argument) {
    Value code = arith::ConstantIntOp::create(b, loc, argument + 1, 32);
    found = arith::SelectOp::create(b, loc, wrong, code, found);
  };
  for (const ReachCheck &check : llvm::reverse(checks.reaches))
    blame(isOutside(b, func, check), check.blamed());
  for (const SizeCheck &check : llvm::reverse(checks.sizes))
    blame(arith::CmpIOp::create(b, loc,
                                check.exactly ? arith::CmpIPredicate::ne
                                              : arith::CmpIPredicate::slt,
                                sizeOf(b, func, check.size),
                                sizeOf(b, func, check.reference)),
          check.size.argument);
  Value fits =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status, ok);
  return arith::SelectOp::create(b, loc, fits, found, status);
}

/// Whether a page that is read is not there, or a length is not held.
Value EntryBuilder::isNoPage(OpBuilder &b, func::FuncOp func,
                             const PageCheck &check) {
  Value table = func.getArgument(check.table),
        lens = func.getArgument(check.lens);
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value no = arith::ConstantIntOp::create(b, loc, 0, 1);
  Value rows = sizeOf(b, func, check.rows),
        pages = sizeOf(b, func, check.pages);
  Value batch = memref::DimOp::create(b, loc, table, 0);
  Value each = memref::DimOp::create(b, loc, table, 1);
  auto load = [&](OpBuilder &at, Value from, ValueRange place) -> Value {
    Value value = memref::LoadOp::create(at, loc, from, place);
    if (value.getType().isIndex())
      return value;
    return arith::IndexCastOp::create(at, loc, at.getIndexType(), value);
  };
  auto less = [&](OpBuilder &at, Value x, Value y) -> Value {
    return arith::CmpIOp::create(at, loc, arith::CmpIPredicate::slt, x, y);
  };
  auto either = [&](OpBuilder &at, Value x, Value y) -> Value {
    return arith::OrIOp::create(at, loc, x, y);
  };
  auto loop = scf::ForOp::create(
      b, loc, zero, batch, one, no,
      [&](OpBuilder &outer, Location, Value i, ValueRange wrong) {
        Value length = load(outer, lens, i);
        Value all = arith::MulIOp::create(outer, loc, each, rows);
        Value unheld =
            either(outer, less(outer, length, zero), less(outer, all, length));
        auto inside = scf::ForOp::create(
            outer, loc, zero, each, one, either(outer, wrong[0], unheld),
            [&](OpBuilder &inner, Location, Value j, ValueRange wrong) {
              Value page = load(inner, table, {i, j});
              Value first = arith::MulIOp::create(inner, loc, j, rows);
              Value isRead = less(inner, first, length);
              Value isThere = arith::CmpIOp::create(
                  inner, loc, arith::CmpIPredicate::ult, page, pages);
              Value bad = arith::CmpIOp::create(
                  inner, loc, arith::CmpIPredicate::ugt, isRead, isThere);
              scf::YieldOp::create(inner, loc, either(inner, wrong[0], bad));
            });
        scf::YieldOp::create(outer, loc, inside.getResults());
      });
  return loop.getResult(0);
}

/// Checks what the ops expect of elements; the sizes are known to agree.
Value EntryBuilder::checkPages(OpBuilder &b, func::FuncOp func) {
  Value found = arith::ConstantIntOp::create(b, loc, 0, 32);
  for (const PageCheck &check : llvm::reverse(checks.pages))
    found = arith::SelectOp::create(
        b, loc, isNoPage(b, func, check),
        arith::ConstantIntOp::create(b, loc, check.table + 1, 32), found);
  return found;
}

/// Constants for the static sizes of a type, `dynamic` for the others.
static SmallVector<Value> getExpectedSizes(OpBuilder &b, Location loc,
                                           Type type, ValueRange &dynamic) {
  SmallVector<Value> sizes;
  auto memref = dyn_cast<MemRefType>(type);
  if (!memref)
    return sizes;
  for (int64_t size : memref.getShape()) {
    if (!ShapedType::isDynamic(size)) {
      sizes.push_back(arith::ConstantIndexOp::create(b, loc, size));
      continue;
    }
    sizes.push_back(dynamic.empty() ? Value() : dynamic.front());
    if (!dynamic.empty())
      dynamic = dynamic.drop_front();
  }
  return sizes;
}

/// `f(inputs, packed, outputs, workspace) -> status`. The checks run from the
/// last argument to the first, so that the first offender is named.
void EntryBuilder::createWrapper(func::FuncOp body, func::FuncOp dims) {
  SmallVector<Type> types;
  for (Type type : body.getArgumentTypes())
    types.push_back(getDynamicType(type));
  func::FuncOp func = create("", types, builder.getI32Type());
  exportToC(func);
  if (Attribute packed = source->getAttr(kPacked))
    func->setAttr(kPacked, packed);
  OpBuilder b = OpBuilder::atBlockEnd(&func.front());
  Value ok = arith::ConstantIntOp::create(b, loc, 0, 32), status = ok;
  for (int i = arguments.size() - 1; i >= 0; --i) {
    ValueRange none;
    status = checkSizes(b, func.getArgument(i), status,
                        getExpectedSizes(b, loc, arguments[i], none), i + 1);
  }
  status = checkAgreement(b, func, status);
  auto isOk = [&](OpBuilder &b, Value status) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, status, ok);
  };

  if (!checks.pages.empty()) {
    auto ifSizes = scf::IfOp::create(b, loc, builder.getI32Type(),
                                     isOk(b, status), /*withElse=*/true);
    OpBuilder then = ifSizes.getThenBodyBuilder();
    scf::YieldOp::create(then, loc, checkPages(then, func));
    OpBuilder otherwise = ifSizes.getElseBodyBuilder();
    scf::YieldOp::create(otherwise, loc, status);
    status = ifSizes.getResult(0);
  }
  // The sizes of the outputs follow from inputs that are as they should be.
  auto ifInputs = scf::IfOp::create(b, loc, builder.getI32Type(),
                                    isOk(b, status), /*withElse=*/true);
  OpBuilder otherwise = ifInputs.getElseBodyBuilder();
  scf::YieldOp::create(otherwise, loc, status);
  OpBuilder then = ifInputs.getThenBodyBuilder();
  SmallVector<Value> args;
  for (auto [arg, type] :
       llvm::zip(func.getArguments(), body.getArgumentTypes()))
    args.push_back(arg.getType() == type
                       ? Value(arg)
                       : memref::CastOp::create(then, loc, type, arg));
  auto sizes = func::CallOp::create(then, loc, dims,
                                    ArrayRef(args).take_front(numInputs));
  SmallVector<SmallVector<Value>> expected;
  ValueRange dynamic = sizes.getResults();
  for (Type output : outputs)
    expected.push_back(getExpectedSizes(then, loc, output, dynamic));
  Value outputStatus = ok;
  for (int i = outputs.size() - 1; i >= 0; --i) {
    unsigned position = arguments.size() + i;
    outputStatus = checkSizes(then, func.getArgument(position), outputStatus,
                              expected[i], position + 1);
  }
  auto ifOutputs =
      scf::IfOp::create(then, loc, TypeRange(), isOk(then, outputStatus),
                        /*withElse=*/false);
  OpBuilder run = ifOutputs.getThenBodyBuilder();
  func::CallOp::create(run, loc, body, args);
  scf::YieldOp::create(then, loc, outputStatus);
  func::ReturnOp::create(b, loc, ifInputs.getResult(0));
}

LogicalResult EntryBuilder::build() {
  FailureOr<EntryChecks> collected = collectEntryChecks(source);
  if (failed(collected))
    return failure();
  checks = std::move(*collected);
  FailureOr<func::FuncOp> dims = createDimsFunction(builder, source, inputs());
  if (failed(dims))
    return failure();
  func::FuncOp body = createBody();
  createShapes(*dims);
  createWorkspace();
  createWrapper(body, *dims);
  source.erase();
  return success();
}

/// `f_prepack(inputs, packed)`.
void EntryBuilder::buildPrepack() {
  SmallVector<Type> types = arguments;
  llvm::append_range(types, outputs);
  func::FuncOp func = create("", types, {});
  exportToC(func);
  OpBuilder b = OpBuilder::atBlockEnd(&func.front());
  ValueRange args = func.getArguments();
  storeResults(b, loc, cloneBody(b, source, args.take_front(arguments.size())),
               args.drop_front(arguments.size()));
  func::ReturnOp::create(b, loc);
  source.erase();
}

/// What the ABI cannot be given to.
static LogicalResult verifyEntry(func::FuncOp func, SymbolTable &symbols) {
  if (!func.getBody().hasOneBlock())
    return func.emitError() << "'" << func.getName()
                            << "' has several blocks; expected structured "
                               "control flow (scf) in one block";
  for (Type type : func.getArgumentTypes())
    if (isa<ShapedType>(type) && !isa<RankedTensorType>(type))
      return func.emitError() << "'" << func.getName() << "' takes a " << type
                              << "; expected ranked tensors and scalars";
  WalkResult result = func.walk([&](func::CallOp call) {
    auto callee = symbols.lookup<func::FuncOp>(call.getCallee());
    if (callee && callee.isExternal())
      return WalkResult::advance();
    call.emitError() << "'" << call.getCallee()
                     << "' calls itself; expected functions that can be "
                        "inlined into their entry";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct CPUEntryABIPass final
    : attn::impl::CPUEntryABIPassBase<CPUEntryABIPass> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    SmallVector<func::FuncOp> entries;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func.isPublic() && !func.isExternal())
        entries.push_back(func);
    for (func::FuncOp func : entries) {
      if (failed(verifyEntry(func, symbols)))
        return signalPassFailure();
      if (func->hasAttr(kPrepack))
        EntryBuilder(func).buildPrepack();
      else if (failed(EntryBuilder(func).build()))
        return signalPassFailure();
    }
  }
};
} // namespace
