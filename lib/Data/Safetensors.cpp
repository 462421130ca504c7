//===- Safetensors.cpp - Tensors by name from .safetensors ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Eight bytes of header length, a JSON object, data:
//   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Readers.h"

#include "Hostile.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"

#include <cstring>

using namespace llvm;
using namespace attn;
using namespace attn::data;

namespace {

/// The format's own limit.
constexpr uint64_t maxHeaderSize = 100'000'000;

/// LLVM's JSON parser recurses without a limit, and an honest header nests
/// three deep.
bool nestsTooDeep(StringRef text) {
  int depth = 0;
  bool inString = false, escaped = false;
  for (char c : text) {
    if (inString) {
      inString = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > 8) {
        return true;
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

std::optional<Dtype> parseDtypeName(StringRef name) {
  static constexpr std::pair<StringLiteral, Dtype> known[] = {
      {"F64", Dtype::F64},   {"F32", Dtype::F32}, {"F16", Dtype::F16},
      {"BF16", Dtype::BF16}, {"BOOL", Dtype::I1}, {"I8", Dtype::I8},
      {"I16", Dtype::I16},   {"I32", Dtype::I32}, {"I64", Dtype::I64}};
  for (const auto &[text, type] : known) {
    if (text == name) {
      return type;
    }
  }
  return std::nullopt;
}

/// One tensor's entry in the header.
struct Entry {
  Dtype type;
  SmallVector<int64_t> shape;
  uint64_t begin, end;
};

Expected<Entry> parseEntry(const json::Object &object, const Twine &where) {
  const std::string prefix = where.str();
  Entry entry;
  std::optional<StringRef> typeName = object.getString("dtype");
  std::optional<Dtype> type =
      typeName ? parseDtypeName(*typeName) : std::nullopt;
  if (!type) {
    return makeError(
        prefix +
        "expected dtype F64, F32, F16, BF16, BOOL, I8, I16, I32 or "
        "I64, found '" +
        toPrintable(typeName.value_or("nothing")) + "'");
  }
  entry.type = *type;
  const json::Array *shape = object.getArray("shape");
  if (!shape || shape->size() > maxRank) {
    return makeError(prefix + "expected a shape of at most " + Twine(maxRank) +
                     " dimensions");
  }
  for (const json::Value &value : *shape) {
    std::optional<int64_t> size = value.getAsInteger();
    if (!size || *size < 0) {
      return makeError(prefix + "expected sizes of at least 0 in the shape");
    }
    entry.shape.push_back(*size);
  }
  const json::Array *offsets = object.getArray("data_offsets");
  std::optional<int64_t> begin, end;
  if (offsets && offsets->size() == 2) {
    begin = (*offsets)[0].getAsInteger();
    end = (*offsets)[1].getAsInteger();
  }
  if (!begin || !end || *begin < 0 || *end < *begin) {
    return makeError(prefix + "expected two data_offsets in order");
  }
  entry.begin = *begin;
  entry.end = *end;
  return entry;
}

} // namespace

static Expected<Tensor> readEntry(StringRef data, const Entry &entry,
                                  const Twine &where) {
  const std::string prefix = where.str();
  if (entry.end > data.size()) {
    return makeError(prefix + "expected data up to byte " + Twine(entry.end) +
                     ", found " + Twine(data.size()) + " bytes");
  }
  std::optional<int64_t> size = byteSize(entry.shape, entry.type);
  const uint64_t found = entry.end - entry.begin;
  if (!size || static_cast<uint64_t>(*size) != found) {
    return makeError(
        prefix + "expected " + (size ? Twine(*size) : Twine("more than 2^63")) +
        " bytes of data for " + shapeString(entry.shape, entry.type) +
        ", found " + Twine(found));
  }
  Expected<Tensor> tensor = allocate(entry.shape, entry.type);
  if (tensor) {
    std::memcpy(tensor->data(), data.data() + entry.begin, found);
    normalizeBooleans(*tensor);
  }
  return tensor;
}

Expected<Tensor> attn::data::readSafetensors(StringRef bytes, StringRef tensor,
                                             StringRef name) {
  const auto error = [&](const Twine &message) {
    return makeError("'" + name + "': " + message);
  };
  if (bytes.size() < 8) {
    return error("expected 8 bytes of header length, found " +
                 Twine(bytes.size()));
  }
  const uint64_t length = support::endian::read64le(bytes.data());
  bytes = bytes.drop_front(8);
  if (length > bytes.size() || length > maxHeaderSize) {
    return error("expected a header of " + Twine(length) + " bytes, found " +
                 Twine(bytes.size()));
  }
  StringRef text = bytes.take_front(length);
  if (nestsTooDeep(text)) {
    return error("the header nests too deep");
  }
  Expected<json::Value> header = json::parse(text);
  if (!header) {
    return error("the header is not JSON: " + toString(header.takeError()));
  }
  const json::Object *entries = header->getAsObject();
  if (!entries) {
    return error("expected a JSON object in the header");
  }
  const json::Value *found = entries->get(tensor);
  if (!found || tensor == "__metadata__") {
    SmallVector<StringRef> names;
    for (const auto &[key, value] : *entries) {
      if (StringRef(key) != "__metadata__") {
        names.push_back(StringRef(key));
      }
    }
    llvm::sort(names);
    return error("expected a tensor named '" + toPrintable(tensor) +
                 "', found " + listNames(names));
  }
  const std::string where =
      ("'" + name + "': tensor '" + toPrintable(tensor) + "': ").str();
  const json::Object *object = found->getAsObject();
  if (!object) {
    return makeError(where + "expected a JSON object in the header");
  }
  Expected<Entry> entry = parseEntry(*object, where);
  if (!entry) {
    return entry.takeError();
  }
  return readEntry(bytes.drop_front(length), *entry, where);
}
