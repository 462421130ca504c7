//===- ReadersTest.cpp - Good files, and files that lie -------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Readers.h"

#include "Samples.h"

#include "attn/Data/NpyWriter.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace attn;
using namespace attn::data;
using namespace attn::data::samples;

namespace {

using Numbers = std::vector<double>;

Numbers valuesOf(Expected<Tensor> tensor) {
  Numbers values;
  if (!tensor) {
    ADD_FAILURE() << toString(tensor.takeError());
    return values;
  }
  for (int64_t i = 0; i < tensor->size(); ++i) {
    values.push_back(tensor->at(i));
  }
  return values;
}

std::string errorOf(Expected<Tensor> tensor) {
  return tensor ? "no error: " + tensor->str() : toString(tensor.takeError());
}

const std::string sixFloats = bytesOf<float>({1, 2, 3, 4, 5, 6});

Numbers readPlain(StringRef descr, StringRef shape, StringRef data,
                  bool fortranOrder = false) {
  return valuesOf(readNpy(npy(descr, shape, data, fortranOrder), "x"));
}

TEST(Npy, TypesAndOrders) {
  EXPECT_EQ(readPlain("<f4", "(2, 3)", sixFloats), (Numbers{1, 2, 3, 4, 5, 6}));
  // Column-major: (0,0), (1,0), (0,1), ...
  EXPECT_EQ(readPlain("<f4", "(2, 3)", sixFloats, true),
            (Numbers{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(readPlain("<f4", "(6,)", sixFloats, true),
            (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(readPlain("<i8", "()", bytesOf<int64_t>({-7})), (Numbers{-7}));
  EXPECT_EQ(readPlain("<f2", "(2,)", bytesOf<uint16_t>({0x3c00, 0xc000})),
            (Numbers{1, -2}));
  EXPECT_EQ(readPlain("<V2", "(1,)", bytesOf<uint16_t>({0x3f80})),
            (Numbers{1}));
  EXPECT_EQ(readPlain("bfloat16", "(1,)", bytesOf<uint16_t>({0xc000})),
            (Numbers{-2}));
  EXPECT_TRUE(readPlain("<f4", "(0, 5)", "").empty());
  // A boolean that is neither 0 nor 1 becomes 1.
  Expected<Tensor> boolean =
      readNpy(npy("|b1", "(3,)", StringRef("\0\1\x77", 3), false), "x");
  ASSERT_TRUE(static_cast<bool>(boolean));
  EXPECT_EQ(boolean->dataAs<char>()[2], 1);
}

TEST(Npy, Versions) {
  const char *header =
      "{\"shape\":(2,3),\"fortran_order\":False,'descr':'<f4'}";
  for (unsigned version : {1, 2, 3}) {
    EXPECT_EQ(valuesOf(readNpy(npy(header, sixFloats, version), "x")).size(),
              6u);
  }
  EXPECT_EQ(errorOf(readNpy(npy(header, sixFloats, 4), "x.npy")),
            "'x.npy': expected .npy version 1, 2 or 3, found 4");
}

TEST(Npy, Lies) {
  const auto error = [](StringRef descr, StringRef shape, StringRef data) {
    return errorOf(readNpy(npy(descr, shape, data, false), "x.npy"));
  };
  EXPECT_EQ(error("<f4", "(2, 4)", sixFloats),
            "'x.npy': expected 32 bytes of data for 2x4xf32, found 24");
  EXPECT_EQ(error("<f4", "(2, 2)", sixFloats),
            "'x.npy': expected 16 bytes of data for 2x2xf32, found 24");
  EXPECT_EQ(error("<f4", "(4611686018427387904, 4)", sixFloats),
            "'x.npy': expected more than 2^63 bytes of data for "
            "4611686018427387904x4xf32, found 24");
  EXPECT_EQ(error("<f4", "(0, 4611686018427387904, 4611686018427387904)", ""),
            "'x.npy': expected more than 2^63 bytes of data for "
            "0x4611686018427387904x4611686018427387904xf32, found 0");
  EXPECT_EQ(error("<f4", "(-2, -3)", sixFloats),
            "'x.npy': expected a size of at least 0 in the shape");
  EXPECT_EQ(error(">f4", "(2, 3)", sixFloats),
            "'x.npy': expected little-endian data, found element type '>f4'");
  EXPECT_EQ(error("<c8", "(3,)", sixFloats),
            "'x.npy': expected element type f8, f4, f2, V2 (bf16), b1, i1, i2, "
            "i4 or i8, found '<c8'");
  EXPECT_EQ(
      errorOf(readNpy(npy("{'descr': [('a', '<f4')], }", ""), "x.npy")),
      "'x.npy': expected a plain element type in the header, not a record");
  for (StringRef bytes : {"hello", ""}) {
    EXPECT_EQ(errorOf(readNpy(bytes, "x.npy")),
              "'x.npy': expected an .npy file, found no NumPy magic");
  }
  const std::string whole = npy("<f4", "(2, 3)", sixFloats, false);
  EXPECT_EQ(errorOf(readNpy(whole.substr(0, 7), "x.npy")),
            "'x.npy': the file ends inside its header");
  EXPECT_EQ(errorOf(readNpy(whole.substr(0, 50), "x.npy")),
            "'x.npy': expected a header of 118 bytes, found 40");
}

TEST(Npz, StoredAndDeflated) {
  const std::string a = npy("<f4", "(2, 3)", sixFloats, false);
  const std::string b = npy("<i4", "(1,)", bytesOf<int32_t>({9}), false);
  const std::string file = zip({{"a.npy", a, true}, {"b.npy", b, false}});
  EXPECT_EQ(valuesOf(readNpz(file, "a", "w.npz")), (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(valuesOf(readNpz(file, "b.npy", "w.npz")), (Numbers{9}));
  EXPECT_EQ(errorOf(readNpz(file, "c", "w.npz")),
            "'w.npz': expected a tensor named 'c', found a, b");
}

TEST(Npz, Lies) {
  const std::string content = npy("<f4", "(2, 3)", sixFloats, false);
  const std::string file = zip({{"a.npy", content, true}});
  EXPECT_EQ(errorOf(readNpz("PK", "a", "w")),
            "'w': expected a zip file, found no end-of-directory record");
  EXPECT_EQ(errorOf(readNpz(StringRef(file).drop_back(), "a", "w")),
            "'w': expected a zip file, found no end-of-directory record");

  const size_t directory = file.find("PK\1\2");
  const auto error = [&](size_t at, uint32_t value, unsigned width) {
    std::string copy = file;
    for (unsigned i = 0; i < width; ++i) {
      copy[at + i] = static_cast<char>(value >> (8 * i));
    }
    return errorOf(readNpz(copy, "a", "w"));
  };
  const size_t localSize = 30 + 5 + 20;
  EXPECT_EQ(error(directory + 24, 0x7fffffff, 4),
            "'w': entry 'a.npy': " + std::to_string(directory - localSize) +
                " deflated bytes cannot hold 2147483647");
  EXPECT_EQ(error(directory + 24, 100, 4),
            "'w': entry 'a.npy': expected 100 bytes of deflated data, found "
            "more");
  EXPECT_EQ(error(directory + 24, 0xffffffff, 4),
            "'w': entry 'a.npy': expected a plain zip entry, found zip64");
  EXPECT_EQ(error(directory + 16, 1, 4),
            "'w': entry 'a.npy': the checksum does not match");
  EXPECT_EQ(error(directory + 42, 0x7ffffff0, 4),
            "'w': entry 'a.npy': expected a local header at byte 2147483632");
  EXPECT_EQ(error(directory + 10, 14, 2),
            "'w': entry 'a.npy': expected a stored or deflated entry, found "
            "method 14");
  EXPECT_EQ(error(file.size() - 12, 5, 2),
            "'w': expected a zip file in one part");
}

TEST(Safetensors, ByName) {
  const std::string file = safetensors(
      R"({"__metadata__": {"format": "pt"},
          "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
          "b": {"dtype": "BF16", "shape": [1], "data_offsets": [24, 26]}})",
      sixFloats + bytesOf<uint16_t>({0x4040}));
  EXPECT_EQ(valuesOf(readSafetensors(file, "w", "m")),
            (Numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(valuesOf(readSafetensors(file, "b", "m")), (Numbers{3}));
  for (StringRef name : {"c", "__metadata__"}) {
    EXPECT_EQ(
        errorOf(readSafetensors(file, name, "m")),
        ("'m': expected a tensor named '" + name + "', found b, w").str());
  }
}

TEST(Safetensors, Lies) {
  const auto error = [](StringRef entry) {
    return errorOf(readSafetensors(
        safetensors(("{\"w\": " + entry + "}").str(), sixFloats), "w", "m"));
  };
  EXPECT_EQ(error(R"({"dtype":"F32","shape":[2,4],"data_offsets":[0,24]})"),
            "'m': tensor 'w': expected 32 bytes of data for 2x4xf32, found 24");
  EXPECT_EQ(error(R"({"dtype":"F32","shape":[2,4],"data_offsets":[0,32]})"),
            "'m': tensor 'w': expected data up to byte 32, found 24 bytes");
  EXPECT_EQ(error(R"({"dtype":"F32","shape":[6],"data_offsets":[-24,0]})"),
            "'m': tensor 'w': expected two data_offsets in order");
  EXPECT_EQ(error(R"({"dtype":"F32","shape":[6],"data_offsets":[24,0]})"),
            "'m': tensor 'w': expected two data_offsets in order");
  EXPECT_EQ(error(R"({"dtype":"F32","shape":[-6],"data_offsets":[0,24]})"),
            "'m': tensor 'w': expected sizes of at least 0 in the shape");
  EXPECT_EQ(error(R"({"dtype":"F4","shape":[6],"data_offsets":[0,24]})"),
            "'m': tensor 'w': expected dtype F64, F32, F16, BF16, BOOL, I8, "
            "I16, I32 or I64, found 'F4'");
  EXPECT_EQ(error("5"),
            "'m': tensor 'w': expected a JSON object in the header");
  EXPECT_EQ(errorOf(readSafetensors("1234", "w", "m")),
            "'m': expected 8 bytes of header length, found 4");
  EXPECT_EQ(errorOf(readSafetensors(bytesOf<uint64_t>({1u << 30}), "w", "m")),
            "'m': expected a header of 1073741824 bytes, found 0");
  EXPECT_EQ(errorOf(readSafetensors(safetensors(std::string(100000, '['), ""),
                                    "w", "m")),
            "'m': the header nests too deep");
  EXPECT_EQ(errorOf(readSafetensors(safetensors("[]", ""), "w", "m")),
            "'m': expected a JSON object in the header");
}

TEST(Files, WhatIsNotAFile) {
  FileCache files;
  EXPECT_EQ(errorOf(readFile(files, "/no/such/x.npy", "")),
            "cannot open '/no/such/x.npy': No such file or directory");
  EXPECT_EQ(errorOf(readFile(files, "x.txt", "")),
            "expected a .npy, .npz or .safetensors file, found 'x.txt'");
  EXPECT_EQ(errorOf(readFile(files, "x.npz", "")),
            "expected the name of a tensor after 'x.npz:'");
  SmallString<128> folder;
  ASSERT_FALSE(sys::fs::createUniqueDirectory("attn-data", folder));
  SmallString<128> path(folder);
  sys::path::append(path, "folder.npy");
  ASSERT_FALSE(sys::fs::create_directory(path));
  EXPECT_EQ(errorOf(readFile(files, path, "")),
            ("cannot open '" + path + "': expected a regular file").str());
  sys::fs::remove_directories(folder);
}

TEST(Writer, WhatItWritesIsRead) {
  SmallString<128> folder;
  ASSERT_FALSE(sys::fs::createUniqueDirectory("attn-data", folder));
  SmallString<128> path(folder);
  sys::path::append(path, "x.npy");
  const std::vector<std::vector<int64_t>> shapes = {{}, {2}, {3, 0}, {1, 2, 1}};
  for (Dtype type : {Dtype::F64, Dtype::F32, Dtype::F16, Dtype::BF16, Dtype::I1,
                     Dtype::I8, Dtype::I16, Dtype::I32, Dtype::I64}) {
    for (const std::vector<int64_t> &shape : shapes) {
      std::optional<Tensor> tensor = Tensor::allocate(shape, type);
      ASSERT_TRUE(tensor.has_value());
      for (int64_t i = 0; i < tensor->size(); ++i) {
        tensor->set(i, static_cast<double>(i));
      }
      EXPECT_EQ(formatNpyHeader(*tensor).size() % 64, 0u);
      ASSERT_FALSE(errorToBool(writeNpy(*tensor, path)));
      FileCache files;
      Expected<Tensor> read = readFile(files, path, "");
      ASSERT_TRUE(static_cast<bool>(read)) << toString(read.takeError());
      EXPECT_EQ(read->str(), tensor->str());
      EXPECT_EQ(valuesOf(std::move(read)), valuesOf(*tensor));
    }
  }
  // One file and nothing half-written beside it.
  std::error_code failed;
  int count = 0;
  for (sys::fs::directory_iterator it(folder, failed), end; it != end;
       it.increment(failed)) {
    ++count;
  }
  EXPECT_EQ(count, 1);
  std::optional<Tensor> tensor = Tensor::allocate({1}, Dtype::F32);
  EXPECT_TRUE(errorToBool(writeNpy(*tensor, (folder + "/none/x.npy").str())));
  sys::fs::remove_directories(folder);
}

} // namespace
