//===- AttnOps.cpp - Assembly forms and small hooks of the attn ops
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#include "Clauses.h"
#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace attn;

#define GET_OP_CLASSES
#include "attn/Dialect/Attn/IR/AttnOps.cpp.inc"

//===----------------------------------------------------------------------===//
// MhaOp
//===----------------------------------------------------------------------===//

namespace {
/// The clauses that only attn.mha has.
struct BlockClauses {
  SmallVector<OpAsmParser::UnresolvedOperand> context, weights, biases;
  std::optional<TypedOperand> ropeCos, ropeSin, normQ, normK;
  bool packed = false, interleaved = false, wantsWeights = false;
  IntegerAttr heads, kvHeads;
  FloatAttr epsilon;
};
} // namespace

/// `(%a, %b : typeA, typeB)`
static ParseResult parseTypedPair(OpAsmParser &parser,
                                  std::optional<TypedOperand> &first,
                                  std::optional<TypedOperand> &second) {
  first.emplace();
  second.emplace();
  return failure(parser.parseLParen() || parser.parseOperand(first->operand) ||
                 parser.parseComma() || parser.parseOperand(second->operand) ||
                 parser.parseColonType(first->type) || parser.parseComma() ||
                 parser.parseType(second->type) || parser.parseRParen());
}

static ParseResult parseHeadCount(OpAsmParser &parser, IntegerAttr &count) {
  int64_t value;
  if (parser.parseLParen() || parser.parseInteger(value) ||
      parser.parseRParen())
    return failure();
  count = parser.getBuilder().getI64IntegerAttr(value);
  return success();
}

/// `returns(a, b)`: says which of `names` were asked for.
static ParseResult parseReturns(OpAsmParser &parser, ArrayRef<StringRef> names,
                                MutableArrayRef<bool> wanted) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Paren, [&] {
    SMLoc loc = parser.getCurrentLocation();
    StringRef word;
    if (parser.parseKeyword(&word))
      return ParseResult(failure());
    const StringRef *name = llvm::find(names, word);
    if (name == names.end())
      return ParseResult(parser.emitError(loc)
                         << "expects one of " << llvm::join(names, ", ")
                         << ", but got " << word);
    wanted[name - names.begin()] = true;
    return ParseResult(success());
  });
}

static OptionalParseResult parseBlockClause(OpAsmParser &parser,
                                            StringRef keyword,
                                            BlockClauses &clauses) {
  if (keyword == "context")
    return parseOperandGroup(parser, clauses.context);
  if (keyword == "weights" || keyword == "packed") {
    clauses.packed = keyword == "packed";
    return parseOperandGroup(parser, clauses.weights);
  }
  if (keyword == "bias")
    return parseOperandGroup(parser, clauses.biases);
  if (keyword == "heads")
    return parseHeadCount(parser, clauses.heads);
  if (keyword == "kv_heads")
    return parseHeadCount(parser, clauses.kvHeads);
  if (keyword == "rope") {
    if (parseTypedPair(parser, clauses.ropeCos, clauses.ropeSin))
      return ParseResult(failure());
    clauses.interleaved = succeeded(parser.parseOptionalKeyword("interleaved"));
    return ParseResult(success());
  }
  if (keyword == "qk_norm") {
    double epsilon;
    if (parseTypedPair(parser, clauses.normQ, clauses.normK) ||
        parser.parseKeyword("eps") || parser.parseLParen() ||
        parser.parseFloat(epsilon) || parser.parseRParen())
      return ParseResult(failure());
    clauses.epsilon = parser.getBuilder().getF64FloatAttr(epsilon);
    return ParseResult(success());
  }
  if (keyword == "returns")
    return parseReturns(parser, {"weights"}, {&clauses.wantsWeights, 1});
  return std::nullopt;
}

ParseResult MhaOp::parse(OpAsmParser &parser, OperationState &result) {
  OpAsmParser::UnresolvedOperand x;
  BlockClauses block;
  VariantClauses variants;
  if (parser.parseOperand(x) || parseClauses(parser, [&](StringRef keyword) {
        OptionalParseResult parsed = variants.parse(parser, keyword);
        return parsed.has_value() ? parsed
                                  : parseBlockClause(parser, keyword, block);
      }))
    return failure();
  SmallVector<OpAsmParser::UnresolvedOperand> listed{x};
  for (auto &group : {block.context, block.weights, block.biases})
    llvm::append_range(listed, group);
  SmallVector<Type> types, resultTypes;
  SMLoc typeLoc;
  if (parser.parseOptionalAttrDict(result.attributes) ||
      parser.getCurrentLocation(&typeLoc) || parser.parseColonTypeList(types) ||
      parser.parseArrow() || parser.parseTypeList(resultTypes) ||
      parser.resolveOperands(listed, types, typeLoc, result.operands))
    return failure();
  if (resultTypes.size() != 1u + block.wantsWeights)
    return parser.emitError(typeLoc)
           << "expects " << 1 + block.wantsWeights << " result types, but got "
           << resultTypes.size();
  SmallVector<int32_t> segments{1, int32_t(block.context.size()),
                                int32_t(block.weights.size()),
                                int32_t(block.biases.size())};
  for (const auto &operand :
       {block.ropeCos, block.ropeSin, block.normQ, block.normK})
    if (resolveOptional(parser, operand, result, segments))
      return failure();
  FloatType accumulator =
      getAccumulatorTypeFor(getElementTypeOrSelf(types.front()));
  if (variants.resolve(parser, accumulator, result, segments))
    return failure();

  Builder &builder = parser.getBuilder();
  result.addTypes(resultTypes);
  result.addAttribute(getOperandSegmentSizeAttr(),
                      builder.getDenseI32ArrayAttr(segments));
  if (block.wantsWeights)
    result.addAttribute("returns_weights", builder.getUnitAttr());
  if (block.packed)
    result.addAttribute("packed", builder.getUnitAttr());
  if (block.interleaved)
    result.addAttribute("rope_interleaved", builder.getUnitAttr());
  if (block.heads)
    result.addAttribute("heads", block.heads);
  if (block.kvHeads)
    result.addAttribute("kv_heads", block.kvHeads);
  if (block.epsilon)
    result.addAttribute("norm_epsilon", block.epsilon);
  return parseScoreAndMask(parser, accumulator, variants.elementTypes(),
                           result);
}

void MhaOp::print(OpAsmPrinter &printer) {
  printer << " " << getX();
  if (Value context = getSource())
    printer << " context(" << context << ")";
  printer << (getPacked() ? " packed(" : " weights(") << getWeights() << ")";
  if (!getBiases().empty())
    printer << " bias(" << getBiases() << ")";
  printer << " heads(" << getHeads() << ")";
  if (std::optional<uint64_t> heads = getKvHeads())
    printer << " kv_heads(" << *heads << ")";
  if (getRopeCos())
    printer << " rope(" << getRopeCos() << ", " << getRopeSin() << " : "
            << getRopeCos().getType() << ", " << getRopeSin().getType() << ")"
            << (getRopeInterleaved() ? " interleaved" : "");
  if (getNormQ())
    printer << " qk_norm(" << getNormQ() << ", " << getNormK() << " : "
            << getNormQ().getType() << ", " << getNormK().getType() << ") eps("
            << getNormEpsilonAttr().getValue() << ")";
  printVariantClauses(printer, *this);
  if (getReturnsWeights())
    printer << " returns(weights)";
  SmallVector<StringRef> elided(getVariantAttrNames());
  elided.append({"packed", "rope_interleaved", "heads", "kv_heads",
                 "norm_epsilon", "returns_weights",
                 getOperandSegmentSizeAttr()});
  printer.printOptionalAttrDict((*this)->getAttrs(), elided);
  printer << " : " << getX().getType();
  if (getSource())
    printer << ", " << getSource().getType();
  for (Value operand : llvm::concat<Value>(getWeights(), getBiases()))
    printer << ", " << operand.getType();
  printer << " -> " << getResultTypes();
  printScoreAndMask(printer, getScore(), getMask());
}

int64_t MhaOp::getNumKvHeads() {
  return getKvHeads() ? int64_t(*getKvHeads()) : int64_t(getHeads());
}

Value MhaOp::getKeySource() { return getSource() ? getSource() : getX(); }

//===----------------------------------------------------------------------===//
// SdpaOp
//===----------------------------------------------------------------------===//

ParseResult SdpaOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> qkv, offsets;
  VariantClauses variants;
  ArrayAttr layouts;
  bool wanted[2] = {false, false};
  auto parseClause = [&](StringRef keyword) -> OptionalParseResult {
    if (keyword == "layout")
      return parseLayoutList(parser, 4, layouts);
    if (keyword == "tile")
      return parseOperandGroup(parser, offsets);
    if (keyword == "returns")
      return parseReturns(parser, {"lse", "weights"}, wanted);
    return variants.parse(parser, keyword);
  };
  if (parser.parseOperandList(qkv, 3) || parseClauses(parser, parseClause))
    return failure();
  SmallVector<Type> types, resultTypes;
  SMLoc typeLoc;
  if (parser.parseOptionalAttrDict(result.attributes) ||
      parser.getCurrentLocation(&typeLoc) || parser.parseColonTypeList(types) ||
      parser.parseArrow() || parser.parseTypeList(resultTypes) ||
      parser.resolveOperands(qkv, types, typeLoc, result.operands))
    return failure();
  if (resultTypes.size() != 1u + wanted[0] + wanted[1])
    return parser.emitError(typeLoc)
           << "expects " << 1 + wanted[0] + wanted[1]
           << " result types, but got " << resultTypes.size();
  FloatType accumulator =
      getAccumulatorTypeFor(getElementTypeOrSelf(types.front()));
  SmallVector<int32_t> segments{1, 1, 1};
  Builder &builder = parser.getBuilder();
  if (variants.resolve(parser, accumulator, result, segments) ||
      parser.resolveOperands(offsets, builder.getIndexType(), result.operands))
    return failure();
  segments.push_back(offsets.size());
  result.addTypes(resultTypes);
  result.addAttribute(getOperandSegmentSizeAttr(),
                      builder.getDenseI32ArrayAttr(segments));
  result.addAttribute(getResultSegmentSizeAttr(),
                      builder.getDenseI32ArrayAttr({1, wanted[0], wanted[1]}));
  if (layouts)
    result.addAttribute("layouts", layouts);
  return parseScoreAndMask(parser, accumulator, variants.elementTypes(),
                           result);
}

void SdpaOp::print(OpAsmPrinter &printer) {
  printer << " " << getQuery() << ", " << getKey() << ", " << getValue();
  printVariantClauses(printer, *this);
  if (getLayoutsAttr())
    printLayoutList(printer, getLayoutsAttr());
  if (!getOffsets().empty())
    printer << " tile(" << getOffsets() << ")";
  if (getLse() || getWeights())
    printer << " returns(" << (getLse() ? "lse" : "")
            << (getLse() && getWeights() ? ", " : "")
            << (getWeights() ? "weights" : "") << ")";
  SmallVector<StringRef> elided(getVariantAttrNames());
  elided.append(
      {"layouts", getOperandSegmentSizeAttr(), getResultSegmentSizeAttr()});
  printer.printOptionalAttrDict((*this)->getAttrs(), elided);
  printer << " : " << getQuery().getType() << ", " << getKey().getType() << ", "
          << getValue().getType() << " -> " << getResultTypes();
  printScoreAndMask(printer, getScore(), getMask());
}

bool SdpaOp::hasNamedVariants() {
  return getSoftcap() || getCausal() || getStaticWindow() || getChunked() ||
         getDilated() || getAlibi() || getRelativeBias() || getAdditive() ||
         getKeep() || getBlockSparse() || !getDocuments().empty() ||
         !getRagged().empty() || getPrefix() || getTree() || getKvLens();
}

static AffineMap layoutOf(ArrayAttr layouts, unsigned operand,
                          MLIRContext *context) {
  if (!layouts)
    return getIdentityLayout(context);
  return cast<AffineMapAttr>(layouts[operand]).getValue();
}

static SmallVector<AffineMap> mapsOf(ArrayAttr maps) {
  if (!maps)
    return {};
  return llvm::to_vector(maps.getAsValueRange<AffineMapAttr>());
}

AffineMap SdpaOp::getLayout(unsigned operand) {
  return layoutOf(getLayoutsAttr(), operand, getContext());
}

FloatType SdpaOp::getAccumulatorType() {
  return getAccumulatorTypeFor(getElementTypeOrSelf(getQuery().getType()));
}

SmallVector<AffineMap> SdpaOp::getCaptureMapValues() {
  return mapsOf(getCaptureMapsAttr());
}

//===----------------------------------------------------------------------===//
// MergeOp
//===----------------------------------------------------------------------===//

AffineMap MergeOp::getPartLayout() {
  return layoutOf(getLayoutsAttr(), 0, getContext());
}

AffineMap MergeOp::getOutputLayout() {
  return layoutOf(getLayoutsAttr(), 1, getContext());
}

//===----------------------------------------------------------------------===//
// GatherPagesOp
//===----------------------------------------------------------------------===//

AffineMap GatherPagesOp::getPoolLayout() {
  return layoutOf(getLayoutsAttr(), 0, getContext());
}

AffineMap GatherPagesOp::getResultLayout() {
  return layoutOf(getLayoutsAttr(), 1, getContext());
}

//===----------------------------------------------------------------------===//
// OnlineSdpaOp
//===----------------------------------------------------------------------===//

ParseResult OnlineSdpaOp::parse(OpAsmParser &parser, OperationState &result) {
  SmallVector<OpAsmParser::UnresolvedOperand> qkv, tile, sizes;
  OpAsmParser::UnresolvedOperand scale, bounds[4];
  SmallVector<TypedOperand> captures;
  SmallVector<AffineMap> maps;
  ArrayAttr layouts;
  Type partial;
  SmallVector<Type> types;
  Builder &builder = parser.getBuilder();
  if (parser.parseOperandList(qkv, 3) || parser.parseKeyword("scale") ||
      parser.parseLParen() || parser.parseOperand(scale) ||
      parser.parseRParen() || parser.parseKeyword("keys") ||
      parser.parseLParen() || parser.parseOperand(bounds[0]) ||
      parser.parseKeyword("to") || parser.parseOperand(bounds[1]) ||
      parser.parseComma() || parser.parseKeyword("full") ||
      parser.parseOperand(bounds[2]) || parser.parseKeyword("to") ||
      parser.parseOperand(bounds[3]) || parser.parseRParen() ||
      parser.parseKeyword("tile") ||
      parser.parseOperandList(tile, 3, AsmParser::Delimiter::Paren) ||
      parser.parseKeyword("of") ||
      parser.parseOperandList(sizes, 2, AsmParser::Delimiter::Paren))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("captures")) &&
      parseCaptures(parser, captures, maps))
    return failure();
  if (succeeded(parser.parseOptionalKeyword("layout")) &&
      parseLayoutList(parser, 3, layouts))
    return failure();
  SMLoc typeLoc;
  if (parser.parseOptionalAttrDict(result.attributes) ||
      parser.getCurrentLocation(&typeLoc) || parser.parseColonTypeList(types) ||
      parser.parseArrow() || parser.parseType(partial))
    return failure();
  auto partialType = dyn_cast<PartialType>(partial);
  if (!partialType)
    return parser.emitError(typeLoc)
           << "expects a result of type !attn.partial, but got " << partial;
  Type index = builder.getIndexType();
  if (parser.resolveOperands(qkv, types, typeLoc, result.operands) ||
      parser.resolveOperand(scale, partialType.getAccumulator(),
                            result.operands) ||
      parser.resolveOperands(bounds, index, result.operands) ||
      parser.resolveOperands(tile, index, result.operands) ||
      parser.resolveOperands(sizes, index, result.operands))
    return failure();
  SmallVector<Type> elements;
  for (const TypedOperand &capture : captures) {
    elements.push_back(getElementTypeOrSelf(capture.type));
    if (parser.resolveOperand(capture.operand, capture.type, result.operands))
      return failure();
  }
  if (!maps.empty())
    result.addAttribute("capture_maps", builder.getAffineMapArrayAttr(maps));
  if (layouts)
    result.addAttribute("layouts", layouts);
  result.addTypes(partial);
  if (parseScoreAndMask(parser, partialType.getAccumulator(), elements, result))
    return failure();
  return parseBlocks(parser, elements, result);
}

void OnlineSdpaOp::print(OpAsmPrinter &printer) {
  printer << " " << getQuery() << ", " << getKey() << ", " << getValue()
          << " scale(" << getScale() << ") keys(" << getLo() << " to "
          << getHi() << ", full " << getFullLo() << " to " << getFullHi()
          << ") tile(" << getBatch() << ", " << getHead() << ", " << getRow()
          << ") of(" << getNumQueries() << ", " << getNumKeys() << ")";
  printCaptures(printer, getCaptures(), getCaptureMapsAttr());
  if (getLayoutsAttr())
    printLayoutList(printer, getLayoutsAttr());
  printer.printOptionalAttrDict((*this)->getAttrs(),
                                {"capture_maps", "layouts"});
  printer << " : " << getQuery().getType() << ", " << getKey().getType() << ", "
          << getValue().getType() << " -> " << getPartial().getType();
  printScoreAndMask(printer, getScore(), getMask());
  printBlocks(printer, getBlocks());
}

AffineMap OnlineSdpaOp::getLayout(unsigned operand) {
  return layoutOf(getLayoutsAttr(), operand, getContext());
}

FloatType OnlineSdpaOp::getAccumulatorType() {
  return cast<FloatType>(getPartial().getType().getAccumulator());
}

SmallVector<AffineMap> OnlineSdpaOp::getCaptureMapValues() {
  return mapsOf(getCaptureMapsAttr());
}

//===----------------------------------------------------------------------===//
// Memory effects of the tile-level ops: none on tensors, reads of inputs and
// writes of destinations on memrefs.
//===----------------------------------------------------------------------===//

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

static void addMemrefEffects(Operation *op, Effects &effects) {
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    if (destination && destination.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand,
                           SideEffects::DefaultResource::get());
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand,
                           SideEffects::DefaultResource::get());
  }
}

static Speculation::Speculatability speculatable(Operation *op) {
  for (Type type : op->getOperandTypes())
    if (isa<MemRefType>(type))
      return Speculation::NotSpeculatable;
  return Speculation::Speculatable;
}

void OnlineSdpaOp::getEffects(Effects &effects) {
  addMemrefEffects(*this, effects);
}
void FinalizeOp::getEffects(Effects &effects) {
  addMemrefEffects(*this, effects);
}
void PackedMatmulOp::getEffects(Effects &effects) {
  addMemrefEffects(*this, effects);
}
Speculation::Speculatability OnlineSdpaOp::getSpeculatability() {
  return speculatable(*this);
}
Speculation::Speculatability FinalizeOp::getSpeculatability() {
  return speculatable(*this);
}
Speculation::Speculatability PackedMatmulOp::getSpeculatability() {
  return speculatable(*this);
}
