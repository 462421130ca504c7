//===- Npy.cpp - NumPy's file format --------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Magic, version, header length, a Python dict literal, data:
//   {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Readers.h"

#include "Hostile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"

#include <cstring>

using namespace llvm;
using namespace attn;
using namespace attn::data;

namespace {

struct Header {
  std::optional<Dtype> type;
  std::optional<bool> fortranOrder;
  std::optional<SmallVector<int64_t>> shape;
};

/// Reads the dict literal; only what NumPy itself writes.
class HeaderParser {
public:
  HeaderParser(StringRef text, StringRef name) : rest(text), name(name) {}

  Expected<Header> parse() {
    Header header;
    if (!consume('{')) {
      return error("expected '{' at the start of the header");
    }
    while (!consume('}')) {
      if (Error failed = parseItem(header)) {
        return std::move(failed);
      }
      if (!consume(',') && !peek('}')) {
        return error("expected ',' or '}' in the header");
      }
    }
    rest = rest.trim();
    if (!rest.empty()) {
      return error("unexpected text after the header's '}'");
    }
    if (!header.type || !header.fortranOrder || !header.shape) {
      return error("expected the header keys descr, fortran_order and shape");
    }
    return header;
  }

private:
  Error error(const Twine &message) const {
    return makeError("'" + name + "': " + message);
  }

  bool peek(char c) {
    rest = rest.ltrim(" \t\n");
    return !rest.empty() && rest.front() == c;
  }

  bool consume(char c) {
    if (!peek(c)) {
      return false;
    }
    rest = rest.drop_front();
    return true;
  }

  std::optional<StringRef> parseString() {
    const char quote = peek('"') ? '"' : '\'';
    if (!consume(quote)) {
      return std::nullopt;
    }
    const size_t end = rest.find(quote);
    if (end == StringRef::npos) {
      return std::nullopt;
    }
    StringRef text = rest.take_front(end);
    rest = rest.drop_front(end + 1);
    return text;
  }

  Error parseItem(Header &header) {
    std::optional<StringRef> key = parseString();
    if (!key || !consume(':')) {
      return error("expected a quoted key and ':' in the header");
    }
    if (*key == "descr" && !header.type) {
      return parseDescr(header);
    }
    if (*key == "fortran_order" && !header.fortranOrder) {
      return parseOrder(header);
    }
    if (*key == "shape" && !header.shape) {
      return parseShape(header);
    }
    return error("expected the header keys descr, fortran_order and shape once "
                 "each");
  }

  Error parseDescr(Header &header);
  Error parseOrder(Header &header);
  Error parseShape(Header &header);

  StringRef rest;
  StringRef name;
};

Error HeaderParser::parseDescr(Header &header) {
  std::optional<StringRef> descr = parseString();
  if (!descr) {
    return error("expected a plain element type in the header, not a record");
  }
  static constexpr std::pair<StringLiteral, Dtype> known[] = {
      {"<f8", Dtype::F64},  {"<f4", Dtype::F32},  {"<f2", Dtype::F16},
      {"<V2", Dtype::BF16}, {"|V2", Dtype::BF16}, {"bfloat16", Dtype::BF16},
      {"|b1", Dtype::I1},   {"|i1", Dtype::I8},   {"<i2", Dtype::I16},
      {"<i4", Dtype::I32},  {"<i8", Dtype::I64}};
  for (const auto &[text, type] : known) {
    if (text == *descr) {
      header.type = type;
      return Error::success();
    }
  }
  if (descr->starts_with(">")) {
    return error("expected little-endian data, found element type '" +
                 toPrintable(*descr) + "'");
  }
  return error(
      "expected element type f8, f4, f2, V2 (bf16), b1, i1, i2, i4 or i8, "
      "found '" +
      toPrintable(*descr) + "'");
}

Error HeaderParser::parseOrder(Header &header) {
  rest = rest.ltrim(" \t\n");
  if (rest.consume_front("True")) {
    header.fortranOrder = true;
  } else if (rest.consume_front("False")) {
    header.fortranOrder = false;
  } else {
    return error("expected True or False for fortran_order");
  }
  return Error::success();
}

Error HeaderParser::parseShape(Header &header) {
  if (!consume('(')) {
    return error("expected '(' at the start of the shape");
  }
  SmallVector<int64_t> shape;
  while (!consume(')')) {
    rest = rest.ltrim(" \t\n");
    int64_t size;
    if (rest.consumeInteger(10, size) || size < 0) {
      return error("expected a size of at least 0 in the shape");
    }
    shape.push_back(size);
    if (shape.size() > maxRank) {
      return error("expected at most " + Twine(maxRank) + " dimensions");
    }
    if (!consume(',') && !peek(')')) {
      return error("expected ',' or ')' in the shape");
    }
  }
  header.shape = std::move(shape);
  return Error::success();
}

/// Moves column-major `from` to the row-major `to`.
void fromFortranOrder(const char *from, Tensor &to) {
  const int64_t width = dtypeBytes(to.type());
  ArrayRef<int64_t> shape = to.shape();
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = width;
  for (auto [size, out] : zip_equal(shape, strides)) {
    out = stride;
    stride *= size;
  }
  SmallVector<int64_t> index(shape.size(), 0);
  const int64_t count = to.size();
  int64_t source = 0;
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to.dataAs<char>() + i * width, from + source, width);
    for (size_t d = shape.size(); d-- > 0;) {
      source += strides[d];
      if (++index[d] < shape[d]) {
        break;
      }
      source -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

} // namespace

Expected<Tensor> attn::data::readNpy(StringRef bytes, StringRef name) {
  const auto error = [&](const Twine &message) {
    return makeError("'" + name + "': " + message);
  };
  if (!bytes.consume_front("\x93NUMPY")) {
    return error("expected an .npy file, found no NumPy magic");
  }
  if (bytes.size() < 2) {
    return error("the file ends inside its header");
  }
  const unsigned version = static_cast<unsigned char>(bytes[0]);
  bytes = bytes.drop_front(2);
  if (version < 1 || version > 3) {
    return error("expected .npy version 1, 2 or 3, found " + Twine(version));
  }
  const size_t lengthBytes = version == 1 ? 2 : 4;
  if (bytes.size() < lengthBytes) {
    return error("the file ends inside its header");
  }
  const size_t length = version == 1 ? support::endian::read16le(bytes.data())
                                     : support::endian::read32le(bytes.data());
  bytes = bytes.drop_front(lengthBytes);
  if (length > bytes.size()) {
    return error("expected a header of " + Twine(length) + " bytes, found " +
                 Twine(bytes.size()));
  }
  Expected<Header> header =
      HeaderParser(bytes.take_front(length), name).parse();
  if (!header) {
    return header.takeError();
  }
  bytes = bytes.drop_front(length);
  std::optional<int64_t> size = byteSize(*header->shape, *header->type);
  if (!size || static_cast<uint64_t>(*size) != bytes.size()) {
    return error("expected " + (size ? Twine(*size) : Twine("more than 2^63")) +
                 " bytes of data for " +
                 shapeString(*header->shape, *header->type) + ", found " +
                 Twine(bytes.size()));
  }
  Expected<Tensor> tensor = allocate(*header->shape, *header->type);
  if (!tensor) {
    return tensor.takeError();
  }
  if (*header->fortranOrder && tensor->shape().size() > 1) {
    fromFortranOrder(bytes.data(), *tensor);
  } else {
    std::memcpy(tensor->data(), bytes.data(), bytes.size());
  }
  normalizeBooleans(*tensor);
  return tensor;
}
