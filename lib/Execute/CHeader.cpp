//===- CHeader.cpp - The header of an entry -------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// C99 and C++. Needs stddef.h and stdint.h alone; several headers of this kind
// can stand in one file.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CInterface.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace attn {
namespace {

/// The end of the first line, which starts with the name of the entry.
constexpr StringLiteral madeBy = ": made by attn-compile; do not edit.";
constexpr size_t width = 79;

StringRef cType(Dtype type) {
  switch (type) {
  case Dtype::F64:
    return "double";
  case Dtype::F32:
    return "float";
  case Dtype::F16:
  case Dtype::BF16:
    return "uint16_t"; // the bits
  case Dtype::I64:
  case Dtype::Index:
    return "int64_t";
  case Dtype::I32:
    return "int32_t";
  case Dtype::I16:
    return "int16_t";
  case Dtype::I8:
    return "int8_t";
  case Dtype::I1:
    return "uint8_t"; // 0 or 1
  }
  llvm_unreachable("all dtypes are listed");
}

class HeaderPrinter {
public:
  HeaderPrinter(raw_ostream &os, const CInterface &interface,
                ArrayRef<std::string> needs)
      : os(os), interface(interface), signature(interface.signature),
        needs(needs), name(signature.entry), upper(StringRef(name).upper()) {}

  void print();

private:
  using Parameters = SmallVector<std::string>;

  void printIntroduction();
  void printValue(StringRef what, const ValueInfo &info, bool isInput);
  void printRule(const SizeRule &rule);
  void printLevel(const TargetInfo &level);
  void printStatus();
  void printFunctions();
  void printFunction(const Twine &result, StringRef suffix,
                     ArrayRef<std::string> parameters);
  void printWords(StringRef indent, ArrayRef<std::string> words);
  std::string sizeOf(const SizeTerm &term) const;
  Parameters inputs(bool weightsOnly) const;
  Parameters results(StringRef qualifier) const;

  raw_ostream &os;
  const CInterface &interface;
  const Signature &signature;
  ArrayRef<std::string> needs;
  std::string name, upper;
};

std::string resultName(const Signature &signature, size_t i) {
  return signature.results.size() == 1 ? "result" : "result" + utostr(i);
}

constexpr StringLiteral promises =
    R"( *
 * Inputs that are not row-major are copied into the workspace. Results must not
 * overlap other arguments. Nothing is written unless the status is 0. May be
 * called from several threads at once, each with a workspace of its own.
 */
)";

constexpr StringLiteral tensorType = R"(
#ifndef ATTN_TENSOR_DEFINED
#define ATTN_TENSOR_DEFINED
/* A tensor. Strides count elements; all 0 means row-major without gaps:
     attn_tensor q = {data, 4, {1, 8, 37, 64}, {0}};                        */
typedef struct attn_tensor {
  void *data;
  int64_t rank;
  int64_t sizes[8];
  int64_t strides[8];
} attn_tensor;
/* Runs fn(0, context) ... fn(n - 1, context) in any order, on any threads,
   and returns when all are done. */
typedef void attn_parallel_for(void (*fn)(int64_t i, void *context), int64_t n,
                               void *context);
#endif
)";

} // namespace

/// Words, in as many lines as they need; each line begins with `indent`.
void HeaderPrinter::printWords(StringRef indent, ArrayRef<std::string> words) {
  size_t column = width + 1;
  for (StringRef word : words) {
    if (column + 1 + word.size() > width) {
      os << (column > width ? "" : "\n") << indent;
      column = indent.size();
    }
    os << " " << word;
    column += 1 + word.size();
  }
  os << "\n";
}

HeaderPrinter::Parameters HeaderPrinter::inputs(bool weightsOnly) const {
  Parameters list;
  for (auto [i, info] : enumerate(signature.arguments))
    if (!weightsOnly || info.isWeight)
      list.push_back((info.isScalar ? cType(info.type) + " "
                                    : Twine("const attn_tensor *"))
                         .str() +
                     interface.names[i]);
  return list;
}

HeaderPrinter::Parameters HeaderPrinter::results(StringRef qualifier) const {
  Parameters list;
  for (size_t i = 0; i < signature.results.size(); ++i)
    list.push_back(
        (qualifier + "attn_tensor *" + resultName(signature, i)).str());
  return list;
}

/// Shape, strides and alignment of an argument or result.
void HeaderPrinter::printValue(StringRef what, const ValueInfo &info,
                               bool isInput) {
  os << " *   " << what << ": ";
  if (info.isScalar && isInput) {
    os << "a number, " << dtypeName(info.type);
  } else {
    unsigned bytes = dtypeBytes(info.type);
    StringRef rank = info.shape.empty() ? " of rank 0" : "";
    os << info.str() << rank << ", " << (isInput ? "any strides" : "row-major")
       << ", aligned to " << bytes << (bytes == 1 ? " byte" : " bytes");
  }
  os << (info.isWeight ? ", a weight" : "");
  // A name can hold anything; one that would end the comment, or seem to begin
  // another, is left out.
  StringRef source = info.name;
  if (!source.empty() && !source.contains("*/") && !source.contains("/*")) {
    os << ", '";
    printEscapedString(source, os);
    os << "'";
  }
  os << "\n";
}

std::string HeaderPrinter::sizeOf(const SizeTerm &term) const {
  if (term.isNumber())
    return itostr(term.value);
  return interface.names[term.argument] + ".sizes[" + utostr(term.dim) + "]";
}

void HeaderPrinter::printRule(const SizeRule &rule) {
  std::string size = sizeOf(rule.size), other = sizeOf(rule.other);
  os << " *   ";
  switch (rule.relation) {
  case SizeRule::Equal:
    os << size << " == " << other;
    break;
  case SizeRule::AtLeast:
    os << size << " >= " << other;
    break;
  case SizeRule::MultipleOf:
    os << size << " is a multiple of " << other;
    break;
  }
  os << "\n";
}

void HeaderPrinter::printLevel(const TargetInfo &level) {
  os << " *\n * Compiled for " << level.name << ", which needs:\n";
  std::vector<std::string> features;
  for (StringRef feature : split(level.features, ','))
    if (feature.consume_front("+"))
      features.push_back(feature.str());
  printWords(" *  ", features);
}

void HeaderPrinter::printIntroduction() {
  os << "/* " << name << madeBy << "\n *\n";
  for (auto [i, info] : enumerate(signature.arguments))
    printValue(interface.names[i], info, /*isInput=*/true);
  for (auto [i, info] : enumerate(signature.results))
    printValue(resultName(signature, i), info, /*isInput=*/false);
  if (!signature.rules.empty())
    os << " *\n * Sizes must fit one another:\n";
  for (const SizeRule &rule : signature.rules)
    printRule(rule);
  for (const TargetInfo &level : interface.levels)
    printLevel(level);
  os << " *\n * Needs no library";
  if (!needs.empty()) {
    os << " but one that has\n";
    printWords(" *  ", needs);
  } else {
    os << ".\n";
  }
  os << promises;
}

void HeaderPrinter::printStatus() {
  os << "\ntypedef enum " << name << "_status {\n  " << upper
     << "_SUCCESS = 0,\n"
     << "  /* Null, or its rank, a size, its strides or alignment. */\n";
  auto row = [&](size_t i, const std::string &argument) {
    os << "  " << upper << "_BAD_" << StringRef(argument).upper() << " = " << i
       << ",\n";
  };
  for (size_t i = 0; i < signature.arguments.size(); ++i)
    row(i + 1, interface.names[i]);
  for (size_t i = 0; i < signature.results.size(); ++i)
    row(signature.arguments.size() + i + 1, resultName(signature, i));
  auto special = [&](StringRef what, int value, StringRef end,
                     StringRef comment) {
    os << "  " << upper << "_" << what << " = " << value << end;
    if (!comment.empty())
      os << " /* " << comment << " */";
    os << "\n";
  };
  special("UNSUPPORTED_CPU", UnsupportedCpu, ",", "");
  StringRef memory = "too small, or not on a 64-byte line";
  if (interface.hasPacked)
    special("BAD_PACKED", BadPacked, ",", memory);
  special("BAD_WORKSPACE", BadWorkspace, "", memory);
  os << "} " << name << "_status;\n";
}

void HeaderPrinter::printFunction(const Twine &result, StringRef suffix,
                                  ArrayRef<std::string> parameters) {
  std::string start = (result + " " + name + suffix + "(").str();
  std::string whole = parameters.empty() ? "void" : join(parameters, ", ");
  if (start.size() + whole.size() + 2 <= width) {
    os << start << whole << ");\n";
    return;
  }
  os << start;
  size_t column = width + 1;
  for (auto [i, parameter] : enumerate(parameters)) {
    std::string text = parameter + (i + 1 < parameters.size() ? "," : "");
    if (column + 1 + text.size() > width - 2) {
      os << "\n    ";
      column = 4;
    } else {
      os << " ";
      ++column;
    }
    os << text;
    column += text.size();
  }
  os << ");\n";
}

void HeaderPrinter::printFunctions() {
  std::string status = name + "_status";
  os << "\n/* 0 when this CPU lacks what the code needs, else which of the "
        "levels above\n   runs, from 1 on. */\n";
  printFunction("int32_t", "_supported", {});

  Parameters list = inputs(false);
  list.push_back("size_t *bytes");
  os << "\n/* Bytes of scratch for inputs of these sizes and strides; data is "
        "not read. */\n";
  printFunction(status, "_workspace", list);

  list = inputs(false);
  append_range(list, results(""));
  os << "\n/* Writes rank, sizes and strides of the results; data is not read. "
        "*/\n";
  printFunction(status, "_shapes", list);

  if (interface.hasPacked) {
    os << "\n/* Bytes that the packed weights take on this CPU. */\n";
    printFunction("size_t", "_packed_bytes", {});
    list = inputs(true);
    list.push_back("void *packed");
    list.push_back("size_t packed_bytes");
    os << "\n/* Packs the weights, which are row-major, once for many calls. "
          "Stale when a\n   weight changes. Only for this CPU: not to be "
          "stored. */\n";
    printFunction(status, "_prepack", list);
  }

  os << "\n/* Parallel loops of later calls go to `loop`, "
        "attn_rt_parallel_for of\n   libattn_runtime or one of yours; NULL, as "
        "at the start, means one thread. */\n";
  printFunction("void", "_set_parallel_for", {"attn_parallel_for *loop"});

  list = inputs(false);
  if (interface.hasPacked)
    list.push_back("const void *packed");
  append_range(list, results("const "));
  list.push_back("void *workspace");
  list.push_back("size_t workspace_bytes");
  os << "\n/* Computes the results. */\n";
  printFunction(status, "", list);
}

void HeaderPrinter::print() {
  printIntroduction();
  os << "#ifndef ATTN_ENTRY_" << upper << "_H\n#define ATTN_ENTRY_" << upper
     << "_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n#ifdef "
        "__cplusplus\nextern \"C\" {\n#endif\n"
     << tensorType;
  printStatus();
  printFunctions();
  os << "\n#ifdef __cplusplus\n}\n#endif\n#endif /* ATTN_ENTRY_" << upper
     << "_H */\n";
}

void printCHeader(raw_ostream &os, const CInterface &interface,
                  ArrayRef<std::string> needs) {
  HeaderPrinter(os, interface, needs).print();
}

bool isCHeader(StringRef text) {
  StringRef first = text.take_until([](char c) { return c == '\n'; });
  return first.starts_with("/* ") && first.ends_with(madeBy);
}

} // namespace attn
