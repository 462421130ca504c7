//===- CompiledEntry.cpp - An entry as bytes ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   magic, BLAKE3 of key and rest (32 bytes), length of the JSON (8 bytes,
//   little endian), JSON, object
// The hash finds truncated and damaged bytes; what it lets through was written
// by serialize.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/CompiledEntry.h"

#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace attn {
namespace {

constexpr StringLiteral magic = "attn-mlir entry 1\n";
constexpr size_t hashBytes = 32, lengthBytes = 8;

std::string hashOf(StringRef key, StringRef bytes) {
  BLAKE3 hasher;
  hasher.update(key);
  hasher.update(bytes);
  return toStringRef(hasher.final<hashBytes>()).str();
}

json::Value toJson(const ValueInfo &info) {
  return json::Object{{"type", dtypeName(info.type)},
                      {"shape", json::Array(info.shape)},
                      {"scalar", info.isScalar},
                      {"weight", info.isWeight},
                      {"name", info.name},
                      {"label", info.label}};
}

json::Value toJson(const SizeTerm &term) {
  return json::Array{term.argument, term.dim, term.value};
}

json::Value toJson(const SizeRule &rule) {
  return json::Array{static_cast<int>(rule.relation), toJson(rule.size),
                     toJson(rule.other)};
}

template <typename T>
json::Array toJson(const std::vector<T> &values) {
  json::Array array;
  for (const T &value : values)
    array.push_back(toJson(value));
  return array;
}

} // namespace

// In the namespace of their types, where json::fromJSON looks for them.

static bool fromJSON(const json::Value &value, ValueInfo &info,
                     json::Path path) {
  std::string type;
  std::vector<int64_t> shape;
  json::ObjectMapper map(value, path);
  if (!map || !map.map("type", type) || !map.map("shape", shape) ||
      !map.map("scalar", info.isScalar) || !map.map("weight", info.isWeight) ||
      !map.map("name", info.name) || !map.map("label", info.label))
    return false;
  std::optional<Dtype> dtype = parseDtype(type);
  if (!dtype)
    return false;
  info.type = *dtype;
  info.shape.assign(shape.begin(), shape.end());
  return true;
}

static bool fromJSON(const json::Value &value, SizeTerm &term,
                     json::Path path) {
  std::vector<int64_t> numbers;
  if (!json::fromJSON(value, numbers, path) || numbers.size() != 3)
    return false;
  term.argument = static_cast<int>(numbers[0]);
  term.dim = static_cast<int>(numbers[1]);
  term.value = numbers[2];
  return true;
}

static bool fromJSON(const json::Value &value, SizeRule &rule,
                     json::Path path) {
  const json::Array *parts = value.getAsArray();
  if (!parts || parts->size() != 3)
    return false;
  std::optional<int64_t> relation = (*parts)[0].getAsInteger();
  if (!relation || *relation < SizeRule::Equal ||
      *relation > SizeRule::MultipleOf)
    return false;
  rule.relation = static_cast<SizeRule::Relation>(*relation);
  return fromJSON((*parts)[1], rule.size, path) &&
         fromJSON((*parts)[2], rule.other, path);
}

std::string CompiledEntry::serialize(StringRef key) const {
  json::Value about = json::Object{{"entry", signature.entry},
                                   {"arguments", toJson(signature.arguments)},
                                   {"results", toJson(signature.results)},
                                   {"rules", toJson(signature.rules)},
                                   {"packed", toJson(packed)},
                                   {"functions", json::Array(code.functions)},
                                   {"dataLayout", code.dataLayout},
                                   {"triple", code.triple}};
  std::string text;
  raw_string_ostream(text) << about;
  char length[lengthBytes];
  support::endian::write64le(length, text.size());
  std::string rest(length, lengthBytes);
  rest += text;
  rest += code.object->getBuffer();
  return magic.str() + hashOf(key, rest) + rest;
}

std::optional<CompiledEntry> CompiledEntry::parse(StringRef bytes,
                                                  StringRef key) {
  if (!bytes.consume_front(magic) || bytes.size() < hashBytes + lengthBytes)
    return std::nullopt;
  StringRef hash = bytes.take_front(hashBytes);
  bytes = bytes.drop_front(hashBytes);
  if (hash != hashOf(key, bytes))
    return std::nullopt;
  uint64_t length = support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(lengthBytes);
  if (length > bytes.size())
    return std::nullopt;
  Expected<json::Value> about = json::parse(bytes.take_front(length));
  if (!about) {
    consumeError(about.takeError());
    return std::nullopt;
  }
  CompiledEntry entry;
  json::Path::Root root;
  json::ObjectMapper map(*about, root);
  Signature &signature = entry.signature;
  if (!map || !map.map("entry", signature.entry) ||
      !map.map("arguments", signature.arguments) ||
      !map.map("results", signature.results) ||
      !map.map("rules", signature.rules) || !map.map("packed", entry.packed) ||
      !map.map("functions", entry.code.functions) ||
      !map.map("dataLayout", entry.code.dataLayout) ||
      !map.map("triple", entry.code.triple))
    return std::nullopt;
  // A copy, for the object has to be aligned.
  entry.code.object =
      MemoryBuffer::getMemBufferCopy(bytes.drop_front(length), signature.entry);
  return entry;
}

} // namespace attn
