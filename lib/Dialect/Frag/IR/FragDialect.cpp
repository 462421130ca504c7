//===- FragDialect.cpp - The frag dialect and its types ------------------===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "attn/Dialect/Frag/IR/Frag.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace attn::frag;

#include "attn/Dialect/Frag/IR/FragDialect.cpp.inc"
#include "attn/Dialect/Frag/IR/FragEnums.cpp.inc"

//===----------------------------------------------------------------------===//
// 64x128xf32
//===----------------------------------------------------------------------===//

static ParseResult parseDims(AsmParser &parser, unsigned count,
                             SmallVectorImpl<int64_t> &dims, Type &element) {
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(dims, /*allowDynamic=*/false))
    return failure();
  if (dims.size() != count)
    return parser.emitError(loc)
           << "expects " << count << " sizes, but got " << dims.size();
  return parser.parseType(element);
}

static ParseResult parseShape(AsmParser &parser, int64_t &rows,
                              int64_t &columns, Type &element) {
  SmallVector<int64_t> dims;
  if (parseDims(parser, 2, dims, element))
    return failure();
  rows = dims[0];
  columns = dims[1];
  return success();
}

static void printShape(AsmPrinter &printer, int64_t rows, int64_t columns,
                       Type element) {
  printer << rows << 'x' << columns << 'x' << element;
}

static ParseResult parseRowShape(AsmParser &parser, int64_t &rows,
                                 Type &element) {
  SmallVector<int64_t> dims;
  if (parseDims(parser, 1, dims, element))
    return failure();
  rows = dims[0];
  return success();
}

static void printRowShape(AsmPrinter &printer, int64_t rows, Type element) {
  printer << rows << 'x' << element;
}

#define GET_TYPEDEF_CLASSES
#include "attn/Dialect/Frag/IR/FragTypes.cpp.inc"

//===----------------------------------------------------------------------===//
// Constraints of the types
//===----------------------------------------------------------------------===//

static LogicalResult verifyMatrix(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t rows, int64_t columns,
                                  int64_t multiple) {
  if (rows < 64 || rows % 64 != 0)
    return emitError() << "expects a positive multiple of 64 rows, but got "
                       << rows;
  if (columns < multiple || columns % multiple != 0)
    return emitError() << "expects a positive multiple of " << multiple
                       << " columns, but got " << columns;
  return success();
}

LogicalResult AccType::verify(function_ref<InFlightDiagnostic()> emitError,
                              int64_t rows, int64_t columns, Type element) {
  if (!element.isF32())
    return emitError() << "expects accumulators of f32, but got " << element;
  return verifyMatrix(emitError, rows, columns, 8);
}

LogicalResult PendingType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t rows, int64_t columns, Type element) {
  return AccType::verify(emitError, rows, columns, element);
}

LogicalResult AType::verify(function_ref<InFlightDiagnostic()> emitError,
                            int64_t rows, int64_t columns, Type element) {
  if (!isHalf(element))
    return emitError() << "expects operands of f16 or bf16, but got "
                       << element;
  return verifyMatrix(emitError, rows, columns, 16);
}

LogicalResult RowsType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rows, Type element) {
  if (!element.isF32())
    return emitError() << "expects rows of f32, but got " << element;
  return verifyMatrix(emitError, rows, 8, 8);
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rows, int64_t columns, Type element,
                               int64_t stages) {
  if (!isHalf(element))
    return emitError() << "expects tiles of f16 or bf16, but got " << element;
  // The swizzle repeats every 8 rows; a step of a product takes 16 columns.
  if (rows < 8 || rows % 8 != 0 || columns < 16 || columns % 16 != 0)
    return emitError() << "expects a multiple of 8 rows and of 16 columns, "
                          "but got "
                       << rows << " and " << columns;
  if (stages < 1)
    return emitError() << "expects at least one stage, but got " << stages;
  return success();
}

LogicalResult BarriersType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t stages) {
  if (stages < 1)
    return emitError() << "expects at least one stage, but got " << stages;
  return success();
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

void FragDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "attn/Dialect/Frag/IR/FragTypes.cpp.inc"
      >();
}

void FragDialect::initialize() {
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "attn/Dialect/Frag/IR/FragOps.cpp.inc"
      >();
}

#define GET_OP_CLASSES
#include "attn/Dialect/Frag/IR/FragOps.cpp.inc"
