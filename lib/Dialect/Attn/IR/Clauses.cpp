//===- Clauses.cpp - Parsing and printing of the clauses of mha and sdpa
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Clauses.h"

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;

static constexpr llvm::StringLiteral kIndexNames[] = {"b", "h", "m", "n"};
static constexpr llvm::StringLiteral kLayoutLetters = "bhsd";

//===----------------------------------------------------------------------===//
// Parsing
//===----------------------------------------------------------------------===//

ParseResult
attn::parseClauses(OpAsmParser &parser,
                   function_ref<OptionalParseResult(StringRef)> parseClause) {
  SmallVector<StringRef> seen;
  SMLoc loc = parser.getCurrentLocation();
  StringRef keyword;
  while (succeeded(parser.parseOptionalKeyword(&keyword))) {
    if (llvm::is_contained(seen, keyword))
      return parser.emitError(loc) << "repeats the clause '" << keyword << "'";
    seen.push_back(keyword);
    OptionalParseResult parsed = parseClause(keyword);
    if (!parsed.has_value())
      return parser.emitError(loc) << "knows no clause '" << keyword << "'";
    if (*parsed)
      return failure();
    loc = parser.getCurrentLocation();
  }
  return success();
}

/// `(%x : type)`
static ParseResult parseTypedOperand(OpAsmParser &parser,
                                     std::optional<TypedOperand> &result) {
  TypedOperand operand;
  if (parser.parseLParen() || parser.parseOperand(operand.operand) ||
      parser.parseColonType(operand.type) || parser.parseRParen())
    return failure();
  result = operand;
  return success();
}

/// `(%x)`
static ParseResult
parseParenOperand(OpAsmParser &parser,
                  std::optional<OpAsmParser::UnresolvedOperand> &result) {
  OpAsmParser::UnresolvedOperand operand;
  if (parser.parseLParen() || parser.parseOperand(operand) ||
      parser.parseRParen())
    return failure();
  result = operand;
  return success();
}

/// `(top_left)`, `(bottom_right)` or `(%offset)`
static ParseResult parseCausal(OpAsmParser &parser, VariantClauses &clauses) {
  if (parser.parseLParen())
    return failure();
  OpAsmParser::UnresolvedOperand offset;
  OptionalParseResult hasOffset = parser.parseOptionalOperand(offset);
  if (hasOffset.has_value()) {
    if (*hasOffset)
      return failure();
    clauses.causal = Causal::Offset;
    clauses.causalOffset = offset;
    return parser.parseRParen();
  }
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  clauses.causal = symbolizeCausal(word);
  if (!clauses.causal || *clauses.causal == Causal::Offset)
    return parser.emitError(loc)
           << "expects top_left, bottom_right or an index value, but got "
           << word;
  return parser.parseRParen();
}

/// `(left, right)`: integers or index values, -1 for no bound.
static ParseResult parseWindow(OpAsmParser &parser, VariantClauses &clauses) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
    int64_t size;
    OptionalParseResult isInteger = parser.parseOptionalInteger(size);
    if (isInteger.has_value()) {
      clauses.staticWindow.push_back(size);
      return ParseResult(*isInteger);
    }
    clauses.staticWindow.push_back(ShapedType::kDynamic);
    return parser.parseOperand(clauses.window.emplace_back());
  });
}

/// `(4)`
static ParseResult parseParenInteger(OpAsmParser &parser,
                                     std::optional<int64_t> &result) {
  int64_t value;
  if (parser.parseLParen() || parser.parseInteger(value) ||
      parser.parseRParen())
    return failure();
  result = value;
  return success();
}

/// `(%a, %b, ... : type, type, ...)`
static ParseResult parseTypedList(OpAsmParser &parser,
                                  SmallVectorImpl<TypedOperand> &list) {
  SmallVector<OpAsmParser::UnresolvedOperand> operands;
  SmallVector<Type> types;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLParen() || parser.parseOperandList(operands) ||
      parser.parseColonTypeList(types) || parser.parseRParen())
    return failure();
  if (types.size() != operands.size())
    return parser.emitError(loc) << "expects " << operands.size()
                                 << " types, but got " << types.size();
  for (auto [operand, type] : llvm::zip(operands, types))
    list.push_back({operand, type});
  return success();
}

/// `(%keep : type, 64, 128)`: rows and columns of a block.
static ParseResult parseBlockSparse(OpAsmParser &parser,
                                    VariantClauses &clauses) {
  TypedOperand &table = clauses.blockSparse.emplace();
  int64_t rows, columns;
  if (parser.parseLParen() || parser.parseOperand(table.operand) ||
      parser.parseColonType(table.type) || parser.parseComma() ||
      parser.parseInteger(rows) || parser.parseComma() ||
      parser.parseInteger(columns) || parser.parseRParen())
    return failure();
  clauses.blockSize = {rows, columns};
  return success();
}

/// `(%table : type, 128)` or `(%table : type, 128, bidirectional)`
static ParseResult parseRelativeBias(OpAsmParser &parser,
                                     VariantClauses &clauses) {
  TypedOperand &table = clauses.relativeBias.emplace();
  int64_t distance;
  if (parser.parseLParen() || parser.parseOperand(table.operand) ||
      parser.parseColonType(table.type) || parser.parseComma() ||
      parser.parseInteger(distance))
    return failure();
  clauses.maxDistance = distance;
  if (succeeded(parser.parseOptionalComma())) {
    if (parser.parseKeyword("bidirectional"))
      return failure();
    clauses.bidirectional = true;
  }
  return parser.parseRParen();
}

ParseResult attn::parseCaptures(OpAsmParser &parser,
                                SmallVectorImpl<TypedOperand> &captures,
                                SmallVectorImpl<AffineMap> &maps) {
  MLIRContext *context = parser.getContext();
  SmallVector<std::pair<StringRef, AffineExpr>> names;
  for (auto [i, name] : llvm::enumerate(kIndexNames))
    names.emplace_back(name, getAffineDimExpr(i, context));
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
    TypedOperand &capture = captures.emplace_back();
    SmallVector<AffineExpr> exprs;
    if (parser.parseOperand(capture.operand) ||
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                       [&] {
                                         return parser.parseAffineExpr(
                                             names, exprs.emplace_back());
                                       }) ||
        parser.parseColonType(capture.type))
      return ParseResult(failure());
    maps.push_back(AffineMap::get(4, 0, exprs, context));
    return ParseResult(success());
  });
}

OptionalParseResult VariantClauses::parse(OpAsmParser &parser,
                                          StringRef keyword) {
  if (keyword == "scale")
    return parseParenOperand(parser, scale);
  if (keyword == "softcap")
    return parseParenOperand(parser, softcap);
  if (keyword == "causal")
    return parseCausal(parser, *this);
  if (keyword == "window")
    return parseWindow(parser, *this);
  if (keyword == "alibi")
    return parseTypedOperand(parser, alibi);
  if (keyword == "additive")
    return parseTypedOperand(parser, additive);
  if (keyword == "keep")
    return parseTypedOperand(parser, keep);
  if (keyword == "kv_lens")
    return parseTypedOperand(parser, kvLens);
  if (keyword == "sinks")
    return parseTypedOperand(parser, sinks);
  if (keyword == "chunked")
    return parseParenInteger(parser, chunked);
  if (keyword == "dilated")
    return parseParenInteger(parser, dilated);
  if (keyword == "prefix")
    return parseTypedOperand(parser, prefix);
  if (keyword == "documents")
    return parseTypedList(parser, documents);
  if (keyword == "ragged")
    return parseTypedList(parser, ragged);
  if (keyword == "block_sparse")
    return parseBlockSparse(parser, *this);
  if (keyword == "tree")
    return parseTypedOperand(parser, tree);
  if (keyword == "relative_bias")
    return parseRelativeBias(parser, *this);
  if (keyword == "captures")
    return parseCaptures(parser, captures, captureMaps);
  return std::nullopt;
}

ParseResult attn::resolveOptional(OpAsmParser &parser,
                                  const std::optional<TypedOperand> &operand,
                                  OperationState &result,
                                  SmallVectorImpl<int32_t> &segments) {
  segments.push_back(operand ? 1 : 0);
  if (!operand)
    return success();
  return parser.resolveOperand(operand->operand, operand->type,
                               result.operands);
}

ParseResult VariantClauses::resolve(OpAsmParser &parser, FloatType accumulator,
                                    OperationState &result,
                                    SmallVectorImpl<int32_t> &segments) {
  Type index = parser.getBuilder().getIndexType();
  auto untyped = [&](const std::optional<Operand> &operand,
                     Type type) -> std::optional<TypedOperand> {
    if (!operand)
      return std::nullopt;
    return TypedOperand{*operand, type};
  };
  if (resolveOptional(parser, untyped(scale, accumulator), result, segments) ||
      resolveOptional(parser, untyped(softcap, accumulator), result,
                      segments) ||
      resolveOptional(parser, untyped(causalOffset, index), result, segments) ||
      parser.resolveOperands(window, index, result.operands))
    return failure();
  segments.push_back(window.size());
  for (const std::optional<TypedOperand> &operand :
       {alibi, additive, keep, kvLens, sinks, prefix})
    if (resolveOptional(parser, operand, result, segments))
      return failure();
  for (const TypedOperand &ids : documents)
    if (parser.resolveOperand(ids.operand, ids.type, result.operands))
      return failure();
  segments.push_back(documents.size());
  for (const std::optional<TypedOperand> &operand :
       {blockSparse, tree, relativeBias})
    if (resolveOptional(parser, operand, result, segments))
      return failure();
  for (const TypedOperand &ends : ragged)
    if (parser.resolveOperand(ends.operand, ends.type, result.operands))
      return failure();
  segments.push_back(ragged.size());
  for (const TypedOperand &capture : captures)
    if (parser.resolveOperand(capture.operand, capture.type, result.operands))
      return failure();
  segments.push_back(captures.size());

  Builder &builder = parser.getBuilder();
  if (causal)
    result.addAttribute("causal",
                        CausalAttr::get(builder.getContext(), *causal));
  if (!staticWindow.empty())
    result.addAttribute("static_window",
                        builder.getDenseI64ArrayAttr(staticWindow));
  for (auto [name, number] :
       {std::pair<StringRef, std::optional<int64_t>>{"chunked", chunked},
        {"dilated", dilated},
        {"max_distance", maxDistance}})
    if (number)
      result.addAttribute(name, builder.getI64IntegerAttr(*number));
  if (!blockSize.empty())
    result.addAttribute("block_size", builder.getDenseI64ArrayAttr(blockSize));
  if (bidirectional)
    result.addAttribute("bidirectional", builder.getUnitAttr());
  if (!captureMaps.empty())
    result.addAttribute("capture_maps",
                        builder.getAffineMapArrayAttr(captureMaps));
  return success();
}

SmallVector<Type> VariantClauses::elementTypes() const {
  return llvm::map_to_vector(captures, [](const TypedOperand &capture) {
    return getElementTypeOrSelf(capture.type);
  });
}

ParseResult attn::parseOperandGroup(
    OpAsmParser &parser,
    SmallVectorImpl<OpAsmParser::UnresolvedOperand> &operands) {
  return parser.parseOperandList(operands, AsmParser::Delimiter::Paren);
}

/// `(%s, %b, ...) {...}`: argument names without types, which are known.
static ParseResult parseRegionWithNames(OpAsmParser &parser,
                                        ArrayRef<Type> types, Region &region) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<OpAsmParser::Argument> arguments;
  if (parser.parseArgumentList(arguments, AsmParser::Delimiter::Paren))
    return failure();
  if (arguments.size() != types.size())
    return parser.emitError(loc)
           << "expects " << types.size() << " region arguments, but got "
           << arguments.size();
  for (auto [argument, type] : llvm::zip(arguments, types))
    argument.type = type;
  // The region is isolated: its names may repeat those outside.
  return parser.parseRegion(region, arguments, /*enableNameShadowing=*/true);
}

ParseResult attn::parseScoreAndMask(OpAsmParser &parser, Type accumulator,
                                    ArrayRef<Type> captures,
                                    OperationState &result) {
  Type index = parser.getBuilder().getIndexType();
  SmallVector<Type> types(4, index);
  llvm::append_range(types, captures);
  Region &score = *result.addRegion(), &mask = *result.addRegion();
  if (succeeded(parser.parseOptionalKeyword("score"))) {
    SmallVector<Type> scoreTypes{accumulator};
    llvm::append_range(scoreTypes, types);
    if (parseRegionWithNames(parser, scoreTypes, score))
      return failure();
  }
  if (succeeded(parser.parseOptionalKeyword("mask")))
    return parseRegionWithNames(parser, types, mask);
  return success();
}

ParseResult attn::parseBlocks(OpAsmParser &parser, ArrayRef<Type> captures,
                              OperationState &result) {
  Region &blocks = *result.addRegion();
  if (failed(parser.parseOptionalKeyword("blocks")))
    return success();
  SmallVector<Type> types(6, parser.getBuilder().getIndexType());
  llvm::append_range(types, captures);
  return parseRegionWithNames(parser, types, blocks);
}

ParseResult attn::parseLayout(AsmParser &parser, AffineMapAttr &layout) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef word;
  if (parser.parseKeyword(&word))
    return failure();
  MLIRContext *context = parser.getContext();
  SmallVector<AffineExpr> exprs;
  unsigned seen = 0;
  for (char letter : word) {
    size_t dim = kLayoutLetters.find(letter);
    if (dim == StringRef::npos)
      break;
    seen |= 1u << dim;
    exprs.push_back(getAffineDimExpr(dim, context));
  }
  if (word.size() != 4 || seen != 0xf)
    return parser.emitError(loc)
           << "expects a layout that orders the letters b, h, s, d, but got "
           << word;
  layout = AffineMapAttr::get(AffineMap::get(4, 0, exprs, context));
  return success();
}

ParseResult attn::parseLayoutList(AsmParser &parser, unsigned count,
                                  ArrayAttr &layouts) {
  SMLoc loc = parser.getCurrentLocation();
  SmallVector<Attribute> list;
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
        AffineMapAttr layout;
        if (parseLayout(parser, layout))
          return failure();
        list.push_back(layout);
        return success();
      }))
    return failure();
  if (list.size() != count)
    return parser.emitError(loc)
           << "expects " << count << " layouts, but got " << list.size();
  layouts = parser.getBuilder().getArrayAttr(list);
  return success();
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

void attn::printLayout(AsmPrinter &printer, Operation *, AffineMapAttr layout) {
  for (AffineExpr expr : layout.getValue().getResults())
    printer << kLayoutLetters[cast<AffineDimExpr>(expr).getPosition()];
}

/// `(bhsd, bshd, ...)`
static void printLayouts(AsmPrinter &printer, ArrayAttr layouts) {
  printer << "(";
  llvm::interleaveComma(layouts, printer.getStream(), [&](Attribute layout) {
    printLayout(printer, nullptr, cast<AffineMapAttr>(layout));
  });
  printer << ")";
}

void attn::printLayoutList(AsmPrinter &printer, ArrayAttr layouts) {
  printer << " layout";
  printLayouts(printer, layouts);
}

ParseResult attn::parseLayoutPair(OpAsmParser &parser, ArrayAttr &layouts) {
  return parseLayoutList(parser, 2, layouts);
}

void attn::printLayoutPair(OpAsmPrinter &printer, Operation *,
                           ArrayAttr layouts) {
  printLayouts(printer, layouts);
}

/// Affine expressions print their dimensions as d0, d1, ...: give them names.
static void printCaptureExpr(raw_ostream &os, AffineExpr expr) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  expr.print(stream);
  for (size_t i = 0; i < text.size(); ++i) {
    bool isDim = text[i] == 'd' && i + 1 < text.size() && text[i + 1] >= '0' &&
                 text[i + 1] <= '3' && (i == 0 || !llvm::isAlnum(text[i - 1]));
    if (isDim)
      os << kIndexNames[text[++i] - '0'];
    else
      os << text[i];
  }
}

void attn::printCaptures(OpAsmPrinter &printer, ValueRange captures,
                         ArrayAttr maps) {
  if (captures.empty())
    return;
  printer << " captures(";
  llvm::interleaveComma(
      llvm::zip(captures, maps.getAsValueRange<AffineMapAttr>()),
      printer.getStream(), [&](auto pair) {
        auto [capture, map] = pair;
        printer << capture << "[";
        llvm::interleaveComma(map.getResults(), printer.getStream(),
                              [&](AffineExpr expr) {
                                printCaptureExpr(printer.getStream(), expr);
                              });
        printer << "] : " << capture.getType();
      });
  printer << ")";
}

static void printRegionWithNames(OpAsmPrinter &printer, StringRef name,
                                 Region &region) {
  if (region.empty())
    return;
  printer << " " << name << "(";
  llvm::interleaveComma(
      region.getArguments(), printer.getStream(), [&](BlockArgument argument) {
        printer.printRegionArgument(argument, {}, /*omitType=*/true);
      });
  printer << ") ";
  printer.printRegion(region, /*printEntryBlockArgs=*/false);
}

void attn::printScoreAndMask(OpAsmPrinter &printer, Region &score,
                             Region &mask) {
  printRegionWithNames(printer, "score", score);
  printRegionWithNames(printer, "mask", mask);
}

void attn::printBlocks(OpAsmPrinter &printer, Region &blocks) {
  printRegionWithNames(printer, "blocks", blocks);
}

ArrayRef<StringRef> attn::getVariantAttrNames() {
  static constexpr StringRef names[] = {
      "causal",     "static_window", "chunked",       "dilated",
      "block_size", "max_distance",  "bidirectional", "capture_maps"};
  return names;
}

template <typename OpTy>
void attn::printVariantClauses(OpAsmPrinter &printer, OpTy op) {
  if (Value scale = op.getScale())
    printer << " scale(" << scale << ")";
  if (Value softcap = op.getSoftcap())
    printer << " softcap(" << softcap << ")";
  if (std::optional<Causal> causal = op.getCausal()) {
    printer << " causal(";
    if (*causal == Causal::Offset)
      printer << op.getCausalOffset();
    else
      printer << stringifyCausal(*causal);
    printer << ")";
  }
  if (std::optional<ArrayRef<int64_t>> window = op.getStaticWindow()) {
    printer << " window(";
    auto dynamic = op.getWindow().begin();
    llvm::interleaveComma(*window, printer.getStream(), [&](int64_t size) {
      if (ShapedType::isDynamic(size))
        printer << *dynamic++;
      else
        printer << size;
    });
    printer << ")";
  }
  auto typed = [&](StringRef name, Value value) {
    if (value)
      printer << " " << name << "(" << value << " : " << value.getType() << ")";
  };
  if (std::optional<int64_t> size = op.getChunked())
    printer << " chunked(" << *size << ")";
  if (std::optional<int64_t> step = op.getDilated())
    printer << " dilated(" << *step << ")";
  typed("alibi", op.getAlibi());
  if (Value table = op.getRelativeBias())
    printer << " relative_bias(" << table << " : " << table.getType() << ", "
            << op.getMaxDistanceAttr().getInt()
            << (op.getBidirectional() ? ", bidirectional)" : ")");
  typed("additive", op.getAdditive());
  typed("keep", op.getKeep());
  if (Value table = op.getBlockSparse())
    printer << " block_sparse(" << table << " : " << table.getType() << ", "
            << (*op.getBlockSize())[0] << ", " << (*op.getBlockSize())[1]
            << ")";
  auto list = [&](StringRef name, OperandRange values) {
    if (!values.empty())
      printer << " " << name << "(" << values << " : " << values.getTypes()
              << ")";
  };
  list("documents", op.getDocuments());
  list("ragged", op.getRagged());
  typed("prefix", op.getPrefix());
  typed("tree", op.getTree());
  typed("kv_lens", op.getKvLens());
  typed("sinks", op.getSinks());
  printCaptures(printer, op.getCaptures(),
                op.getCaptureMapsAttr() ? op.getCaptureMapsAttr()
                                        : ArrayAttr::get(op.getContext(), {}));
}

template void attn::printVariantClauses(OpAsmPrinter &, MhaOp);
template void attn::printVariantClauses(OpAsmPrinter &, SdpaOp);
