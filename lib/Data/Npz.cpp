//===- Npz.cpp - A .npy file inside a zip file ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Only the central directory is believed (NumPy leaves the sizes of the local
// headers to a zip64 field), and it only as far as it stays inside the file.
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Readers.h"

#include "Hostile.h"

#include "llvm/Support/Endian.h"

#include <zlib.h>

using namespace llvm;
using namespace attn;
using namespace attn::data;
using support::endian::read16le;
using support::endian::read32le;

namespace {

constexpr size_t endRecordSize = 22, centralSize = 46, localSize = 30;
/// Deflate cannot do better than about 1032 to 1.
constexpr uint64_t bestDeflateRatio = 1032;

struct Member {
  StringRef name;
  uint16_t flags, method;
  uint32_t checksum;
  uint64_t packedSize, size, offset;
};

class ZipReader {
public:
  ZipReader(StringRef bytes, StringRef name) : bytes(bytes), name(name) {}

  Expected<SmallVector<Member>> listMembers() const;
  /// The bytes of `member`, in the file itself or unpacked into `storage`.
  Expected<StringRef> unpack(const Member &member, std::string &storage) const;

private:
  Error error(const Twine &message) const {
    return makeError("'" + name + "': " + message);
  }
  Expected<size_t> findEndRecord() const;
  Expected<StringRef> inflateMember(const Member &member, StringRef packed,
                                    std::string &storage) const;

  StringRef bytes, name;
};

/// The record stands at the end, before a comment of at most 65535 bytes.
Expected<size_t> ZipReader::findEndRecord() const {
  if (bytes.size() >= endRecordSize) {
    const size_t last = bytes.size() - endRecordSize;
    const size_t first = last > 65535 ? last - 65535 : 0;
    for (size_t at = last + 1; at-- > first;) {
      if (read32le(bytes.data() + at) == 0x06054b50 &&
          at + endRecordSize + read16le(bytes.data() + at + 20) ==
              bytes.size()) {
        return at;
      }
    }
  }
  return error("expected a zip file, found no end-of-directory record");
}

Expected<SmallVector<Member>> ZipReader::listMembers() const {
  Expected<size_t> end = findEndRecord();
  if (!end) {
    return end.takeError();
  }
  const char *record = bytes.data() + *end;
  const uint16_t count = read16le(record + 10);
  const uint32_t size = read32le(record + 12), offset = read32le(record + 16);
  if (count == 0xffff || size == 0xffffffff || offset == 0xffffffff) {
    return error("expected a plain zip file, found a zip64 directory");
  }
  if (read16le(record + 4) != 0 || read16le(record + 8) != count) {
    return error("expected a zip file in one part");
  }
  if (static_cast<uint64_t>(offset) + size > *end) {
    return error("expected the zip directory within the first " + Twine(*end) +
                 " bytes, found it at " + Twine(offset) + " with " +
                 Twine(size) + " bytes");
  }
  StringRef directory = bytes.substr(offset, size);
  SmallVector<Member> members;
  for (unsigned i = 0; i < count; ++i) {
    if (directory.size() < centralSize ||
        read32le(directory.data()) != 0x02014b50) {
      return error("expected " + Twine(count) +
                   " entries in the zip directory, found " + Twine(i));
    }
    const char *entry = directory.data();
    const size_t nameSize = read16le(entry + 28);
    const size_t length =
        centralSize + nameSize + read16le(entry + 30) + read16le(entry + 32);
    if (directory.size() < length) {
      return error("the zip directory ends inside entry " + Twine(i));
    }
    members.push_back({directory.substr(centralSize, nameSize),
                       read16le(entry + 8), read16le(entry + 10),
                       read32le(entry + 16), read32le(entry + 20),
                       read32le(entry + 24), read32le(entry + 42)});
    directory = directory.drop_front(length);
  }
  return members;
}

Expected<StringRef> ZipReader::unpack(const Member &member,
                                      std::string &storage) const {
  const std::string shown = toPrintable(member.name);
  if (member.packedSize == 0xffffffff || member.size == 0xffffffff ||
      member.offset == 0xffffffff) {
    return error("entry '" + shown +
                 "': expected a plain zip entry, found zip64");
  }
  if (member.flags & 1) {
    return error("entry '" + shown + "' is encrypted");
  }
  if (member.offset + localSize > bytes.size() ||
      read32le(bytes.data() + member.offset) != 0x04034b50) {
    return error("entry '" + shown + "': expected a local header at byte " +
                 Twine(member.offset));
  }
  const char *local = bytes.data() + member.offset;
  const uint64_t begin =
      member.offset + localSize + read16le(local + 26) + read16le(local + 28);
  if (begin + member.packedSize > bytes.size()) {
    return error("entry '" + shown + "': expected " + Twine(member.packedSize) +
                 " bytes at byte " + Twine(begin) + " of a file of " +
                 Twine(bytes.size()));
  }
  StringRef packed = bytes.substr(begin, member.packedSize);
  StringRef plain = packed;
  if (member.method == 8) {
    Expected<StringRef> inflated = inflateMember(member, packed, storage);
    if (!inflated) {
      return inflated.takeError();
    }
    plain = *inflated;
  } else if (member.method != 0) {
    return error("entry '" + shown +
                 "': expected a stored or deflated entry, found method " +
                 Twine(member.method));
  } else if (member.size != member.packedSize) {
    return error("entry '" + shown + "': expected " + Twine(member.size) +
                 " stored bytes, found " + Twine(member.packedSize));
  }
  if (crc32_z(0, reinterpret_cast<const Bytef *>(plain.data()), plain.size()) !=
      member.checksum) {
    return error("entry '" + shown + "': the checksum does not match");
  }
  return plain;
}

Expected<StringRef> ZipReader::inflateMember(const Member &member,
                                             StringRef packed,
                                             std::string &storage) const {
  const std::string shown = toPrintable(member.name);
  if (member.size > (packed.size() + 1) * bestDeflateRatio) {
    return error("entry '" + shown + "': " + Twine(packed.size()) +
                 " deflated bytes cannot hold " + Twine(member.size));
  }
  storage.resize(member.size);
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef *>(storage.data());
  stream.avail_out = static_cast<uInt>(storage.size());
  // Negative: raw deflate data without a zlib header.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return error("zlib does not start");
  }
  const int status = inflate(&stream, Z_FINISH);
  const uint64_t found = stream.total_out;
  inflateEnd(&stream);
  if (status != Z_STREAM_END || found != member.size) {
    return error("entry '" + shown + "': expected " + Twine(member.size) +
                 " bytes of deflated data, found " +
                 (status == Z_BUF_ERROR && found == member.size
                      ? Twine("more")
                      : Twine(found)));
  }
  return StringRef(storage);
}

} // namespace

Expected<Tensor> attn::data::readNpz(StringRef bytes, StringRef entry,
                                     StringRef name) {
  ZipReader zip(bytes, name);
  Expected<SmallVector<Member>> members = zip.listMembers();
  if (!members) {
    return members.takeError();
  }
  SmallVector<StringRef> names;
  for (const Member &member : *members) {
    StringRef stem = member.name;
    stem.consume_back(".npy");
    names.push_back(stem);
    if (member.name != entry && stem != entry) {
      continue;
    }
    std::string storage;
    Expected<StringRef> plain = zip.unpack(member, storage);
    if (!plain) {
      return plain.takeError();
    }
    return readNpy(*plain, (name + ":" + entry).str());
  }
  return makeError("'" + name + "': expected a tensor named '" +
                   toPrintable(entry) + "', found " + listNames(names));
}
