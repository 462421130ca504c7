//===- FuzzTest.cpp - Thousands of damaged files --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Good files with bytes flipped, cut, doubled and overwritten by telling
// numbers. A reader may refuse a file with one printable line or read it; what
// it reads must be consistent. Run under the asan preset this finds reads
// outside the file.
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Readers.h"
#include "attn/Data/Spec.h"

#include "Samples.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cstring>
#include <random>

#include "gtest/gtest.h"

using namespace llvm;
using namespace attn;
using namespace attn::data;
using namespace attn::data::samples;

namespace {

constexpr unsigned seed = 20261124;
constexpr int rounds = 4000;

/// A number below `limit`; 0 when there is none.
size_t below(std::mt19937 &random, size_t limit) {
  return limit ? random() % limit : 0;
}

/// Overwrites a place with a number that overflows something.
void overwriteBinary(std::string &file, std::mt19937 &random) {
  static const uint64_t numbers[] = {
      0,          0x7f,       0xff,       0xffff,
      0x7fffffff, 0xffffffff, UINT64_MAX, uint64_t(1) << 63};
  const size_t width = size_t(1) << below(random, 4);
  if (file.size() < width) {
    return;
  }
  const uint64_t number = numbers[below(random, std::size(numbers))];
  std::memcpy(file.data() + below(random, file.size() - width + 1), &number,
              width);
}

/// The same as text, over a digit.
void overwriteText(std::string &file, std::mt19937 &random) {
  static const char *const numbers[] = {
      "-1",   "0",         "9223372036854775807", "18446744073709551616",
      "1e30", "4294967296"};
  const size_t digit =
      file.find_first_of("0123456789", below(random, file.size()));
  if (digit != std::string::npos) {
    file.replace(digit, 1, numbers[below(random, std::size(numbers))]);
  }
}

/// Damages `file` in one to four places.
std::string mutate(std::string file, std::mt19937 &random) {
  for (size_t i = 0, e = 1 + below(random, 4); i < e && !file.empty(); ++i) {
    const size_t at = below(random, file.size());
    switch (below(random, 7)) {
    case 0:
      file[at] = static_cast<char>(file[at] ^ (1 << below(random, 8)));
      break;
    case 1:
      file[at] = static_cast<char>(random());
      break;
    case 2:
      file.resize(at);
      break;
    case 3:
      file.erase(at, 1 + below(random, 8));
      break;
    case 4:
      file.insert(at,
                  file.substr(below(random, file.size()), below(random, 16)));
      break;
    case 5:
      overwriteBinary(file, random);
      break;
    default:
      overwriteText(file, random);
    }
  }
  return file;
}

bool isOneLine(StringRef text) {
  return !text.empty() && none_of(text, [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
}

struct Outcome {
  int read = 0, refused = 0;
};

/// Mutates the samples and gives them to `reader`.
Outcome fuzz(ArrayRef<std::string> goodFiles,
             function_ref<Expected<Tensor>(StringRef)> reader) {
  std::mt19937 random(seed);
  Outcome outcome;
  for (const std::string &good : goodFiles) {
    Expected<Tensor> whole = reader(good);
    if (!whole) {
      ADD_FAILURE() << toString(whole.takeError());
    }
    for (int round = 0; round < rounds; ++round) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " round " +
                   std::to_string(round));
      const std::string file = mutate(good, random);
      // A heap copy of the exact size, so that a read past it is caught.
      const std::vector<char> bytes(file.begin(), file.end());
      Expected<Tensor> tensor = reader(StringRef(bytes.data(), bytes.size()));
      if (!tensor) {
        ++outcome.refused;
        const std::string message = toString(tensor.takeError());
        EXPECT_TRUE(isOneLine(message)) << message;
        EXPECT_LT(message.size(), 1000u);
        continue;
      }
      ++outcome.read;
      std::optional<int64_t> count = elementCount(tensor->shape());
      EXPECT_TRUE(count && *count == tensor->size());
      // Not more than deflate can make of the file.
      EXPECT_LE(tensor->bytes(),
                static_cast<int64_t>((bytes.size() + 1) * 1032));
    }
  }
  return outcome;
}

const std::string floats = bytesOf<float>({1, 2, 3, 4, 5, 6});

TEST(Fuzz, Npy) {
  const std::string files[] = {
      npy("<f4", "(2, 3)", floats, false), npy("<f4", "(3, 2)", floats, true),
      npy("{'descr': '|b1', 'fortran_order': True, 'shape': (2, 2, 2)}",
          StringRef("\0\1\0\1\0\1\0\1", 8), 2),
      npy("{'shape': (), 'descr': '<V2', 'fortran_order': False}", "ab", 3)};
  const Outcome outcome =
      fuzz(files, [](StringRef bytes) { return readNpy(bytes, "x.npy"); });
  EXPECT_GT(outcome.read, 100);
  EXPECT_GT(outcome.refused, 1000);
}

TEST(Fuzz, Npz) {
  const std::string content = npy("<f4", "(2, 3)", floats, false);
  const std::string files[] = {
      zip({{"a.npy", content, true}}), zip({{"a.npy", content, false}}),
      zip({{"b.npy", floats, true}, {"a.npy", content, true}})};
  const Outcome outcome =
      fuzz(files, [](StringRef bytes) { return readNpz(bytes, "a", "w.npz"); });
  EXPECT_GT(outcome.read, 100);
  EXPECT_GT(outcome.refused, 1000);
}

TEST(Fuzz, Safetensors) {
  const std::string files[] = {
      safetensors(
          R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}})",
          floats),
      safetensors(
          R"({"__metadata__":{"k":"v"},)"
          R"("b":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},)"
          R"("a":{"dtype":"BOOL","shape":[2,2,5],"data_offsets":[4,24]}})",
          floats)};
  const Outcome outcome = fuzz(files, [](StringRef bytes) {
    return readSafetensors(bytes, "a", "m.safetensors");
  });
  EXPECT_GT(outcome.read, 100);
  EXPECT_GT(outcome.refused, 1000);
}

/// Large but possible sizes are honest, and slow.
bool asksForMuch(StringRef spec) {
  double product = 1.0;
  StringRef rest = spec.take_until([](char c) { return c == '='; });
  while (!rest.empty() && isDigit(rest.front())) {
    StringRef digits = rest.take_while(isDigit);
    double size;
    if (digits.getAsDouble(size)) {
      return false;
    }
    product *= size;
    rest = rest.drop_front(digits.size());
    rest.consume_front("x");
  }
  return product > 1e6;
}

TEST(Fuzz, SpecText) {
  std::mt19937 random(seed);
  FileCache files;
  int made = 0, refused = 0;
  for (const char *good :
       {"2x3x4xf32=random:7:0.5", "3xi64=1,2,3", "2x2xbf16=iota", "4xi1=true",
        "@/no/such/file.npz:name", "2x3xf32=@/no/file.safetensors:a.b"}) {
    for (int round = 0; round < rounds; ++round) {
      const std::string spec = mutate(good, random);
      if (asksForMuch(spec)) {
        continue;
      }
      Expected<Tensor> tensor = makeTensor(spec, files);
      if (tensor) {
        ++made;
        continue;
      }
      ++refused;
      const std::string message = toString(tensor.takeError());
      EXPECT_TRUE(isOneLine(message)) << message;
    }
  }
  EXPECT_GT(made, 100);
  EXPECT_GT(refused, 1000);
}

} // namespace
