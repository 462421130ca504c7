//===- Samples.cpp - Small files made in memory ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Samples.h"

#include "llvm/ADT/Twine.h"

#include <zlib.h>

using namespace llvm;
using namespace attn::data;

static void put(std::string &out, uint64_t value, unsigned width) {
  for (unsigned i = 0; i < width; ++i) {
    out += i < 8 ? static_cast<char>(value >> (8 * i)) : '\0';
  }
}

std::string samples::npy(StringRef header, StringRef data, unsigned version) {
  std::string text = header.str();
  const unsigned before = version == 1 ? 10 : 12;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  std::string file = "\x93NUMPY";
  put(file, version, 1);
  put(file, 0, 1);
  put(file, text.size(), version == 1 ? 2 : 4);
  return file + text + data.str();
}

std::string samples::npy(StringRef descr, StringRef shape, StringRef data,
                         bool fortranOrder) {
  return npy(("{'descr': '" + descr + "', 'fortran_order': " +
              (fortranOrder ? "True" : "False") + ", 'shape': " + shape + ", }")
                 .str(),
             data);
}

static std::string deflateRaw(const std::string &content) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in =
      reinterpret_cast<Bytef *>(const_cast<char *>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef *>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string samples::zip(const std::vector<Member> &members) {
  std::string file, directory;
  for (const Member &member : members) {
    const std::string packed =
        member.deflate ? deflateRaw(member.content) : member.content;
    const uint64_t offset = file.size();
    const uint32_t checksum =
        crc32_z(0, reinterpret_cast<const Bytef *>(member.content.data()),
                member.content.size());
    const unsigned method = member.deflate ? 8 : 0;
    put(file, 0x04034b50, 4);
    put(file, 45, 2);
    put(file, 0, 2);
    put(file, method, 2);
    put(file, 0, 4);
    put(file, checksum, 4);
    put(file, 0xffffffffu, 4);
    put(file, 0xffffffffu, 4);
    put(file, member.name.size(), 2);
    put(file, 20, 2);
    file += member.name;
    put(file, 1, 2);
    put(file, 16, 2);
    put(file, member.content.size(), 8);
    put(file, packed.size(), 8);
    file += packed;

    put(directory, 0x02014b50, 4);
    put(directory, 45, 2);
    put(directory, 45, 2);
    put(directory, 0, 2);
    put(directory, method, 2);
    put(directory, 0, 4);
    put(directory, checksum, 4);
    put(directory, packed.size(), 4);
    put(directory, member.content.size(), 4);
    put(directory, member.name.size(), 2);
    put(directory, 0, 12);
    put(directory, offset, 4);
    directory += member.name;
  }
  const uint64_t start = file.size();
  file += directory;
  put(file, 0x06054b50, 4);
  put(file, 0, 4);
  put(file, members.size(), 2);
  put(file, members.size(), 2);
  put(file, directory.size(), 4);
  put(file, start, 4);
  put(file, 0, 2);
  return file;
}

std::string samples::safetensors(StringRef header, StringRef data) {
  std::string file;
  put(file, header.size(), 8);
  return file + header.str() + data.str();
}
