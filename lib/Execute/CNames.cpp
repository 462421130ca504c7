//===- CNames.cpp - What C calls an entry and its arguments ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arguments have the names of the source where C and C++ allow.
//
//===----------------------------------------------------------------------===//

#include "lib/Execute/CInterface.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace attn {
namespace {

/// Words of C and C++, and names of the header's own.
constexpr StringLiteral taken[] = {
    "and",          "asm",       "auto",         "bool",
    "bitand",       "bitor",     "break",        "bytes",
    "case",         "catch",     "char",         "class",
    "compl",        "concept",   "const",        "consteval",
    "constexpr",    "constinit", "const_cast",   "continue",
    "decltype",     "default",   "delete",       "do",
    "double",       "else",      "enum",         "explicit",
    "export",       "extern",    "false",        "float",
    "for",          "friend",    "goto",         "if",
    "inline",       "int",       "int16_t",      "int32_t",
    "int64_t",      "int8_t",    "long",         "loop",
    "main",         "mutable",   "namespace",    "new",
    "noexcept",     "not",       "nullptr",      "operator",
    "or",           "packed",    "packed_bytes", "private",
    "protected",    "public",    "register",     "requires",
    "restrict",     "return",    "short",        "signed",
    "size_t",       "sizeof",    "static",       "static_assert",
    "static_cast",  "struct",    "switch",       "template",
    "this",         "throw",     "true",         "try",
    "typedef",      "typeid",    "typename",     "typeof",
    "uint16_t",     "uint8_t",   "union",        "unsigned",
    "using",        "virtual",   "void",         "volatile",
    "wchar_t",      "while",     "workspace",    "workspace_bytes",
    "xor",          "linux",     "unix",         "errno",
    "stdin",        "stdout",    "stderr",       "assert",
    "thread_local", "co_await",  "co_return",    "co_yield",
    "alignas",      "alignof",   "dynamic_cast", "reinterpret_cast"};

bool isCName(StringRef name) {
  return !name.empty() && !isDigit(name[0]) && name[0] != '_' &&
         all_of(name, [](char c) { return isAlnum(c) || c == '_'; }) &&
         !is_contained(taken, name) && !name.starts_with("attn_");
}

/// What the source calls an argument, as near as C can have it: `%wq.0` is
/// wq_0.
std::string nearestName(StringRef label) {
  std::string name = label.str();
  for (char &c : name)
    if (!isAlnum(c))
      c = '_';
  return name;
}

Error checkRank(const ValueInfo &info, const Twine &what) {
  if (info.shape.size() <= maxCRank)
    return Error::success();
  return createStringError(what + ": expected at most " + Twine(maxCRank) +
                           " dimensions for C, but found " +
                           Twine(info.shape.size()));
}

} // namespace

Error nameForC(CInterface &interface) {
  const Signature &signature = interface.signature;
  if (!isCName(signature.entry))
    return createStringError(
        "entry '" + signature.entry +
        "': expected a name that a C function can have: give it "
        "another (--name)");
  // Without regard to case, as names of statuses are in capitals.
  StringSet<> used;
  for (auto [i, info] : enumerate(signature.arguments)) {
    if (Error error = checkRank(info, signature.argumentName(i)))
      return error;
    std::string name = nearestName(info.label);
    if (!isCName(name) || StringRef(name).starts_with_insensitive("result") ||
        !used.insert(StringRef(name).lower()).second) {
      name = "arg" + utostr(i);
      while (!used.insert(name).second)
        name += "_";
    }
    interface.names.push_back(std::move(name));
  }
  for (auto [i, info] : enumerate(signature.results))
    if (Error error = checkRank(info, "result #" + Twine(i)))
      return error;
  return Error::success();
}

} // namespace attn
