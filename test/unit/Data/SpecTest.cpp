//===- SpecTest.cpp - Inputs as users write them --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Data/Spec.h"

#include "attn/Data/NpyWriter.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"

#include <cmath>

#include "gtest/gtest.h"

using namespace llvm;
using namespace attn;
using namespace attn::data;

namespace {

std::string errorOf(StringRef spec) {
  FileCache files;
  Expected<Tensor> tensor = makeTensor(spec, files);
  return tensor ? "no error: " + tensor->str() : toString(tensor.takeError());
}

Tensor make(StringRef spec) {
  FileCache files;
  Expected<Tensor> tensor = makeTensor(spec, files);
  if (!tensor) {
    ADD_FAILURE() << toString(tensor.takeError());
    return *Tensor::allocate({}, Dtype::F32);
  }
  return *tensor;
}

TEST(Spec, Constants) {
  const Tensor ones = make("2x3xf32=1.5");
  EXPECT_EQ(ones.str(), "2x3xf32");
  EXPECT_EQ(ones.at(5), 1.5);
  EXPECT_EQ(make("f64=-inf").at(0), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(make("1xbf16=nan").at(0)));
  EXPECT_EQ(make("2xi1=true").at(1), 1.0);
  EXPECT_EQ(make("2xi8=-128").at(1), -128.0);
  EXPECT_EQ(make("1xi64=9223372036854775807").dataAs<int64_t>()[0], INT64_MAX);
  EXPECT_EQ(make("0x4xf32=1").size(), 0);
  EXPECT_EQ(make("index=-7").dataAs<int64_t>()[0], -7);
}

TEST(Spec, ListsAndIota) {
  const Tensor list = make("2x2xi32=3,0, 7,5");
  EXPECT_EQ(list.at(0), 3.0);
  EXPECT_EQ(list.at(3), 5.0);
  EXPECT_EQ(make("2x2xf16=iota").at(3), 3.0);
  EXPECT_EQ(make("128xi8=iota").at(127), 127.0);
}

TEST(Spec, RandomIsOfItsSeed) {
  const Tensor a = make("1000xf32=random:7"), b = make("10x200xf32=random:7"),
               c = make("1000xf32=random:8"),
               small = make("1000xf64=random:7:0.02"),
               coin = make("1000xi1=random:7");
  double sum = 0.0, squares = 0.0;
  int same = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(a.at(i), b.at(i));
    EXPECT_NEAR(small.at(i), 0.02 * a.at(i), 1e-8);
    EXPECT_EQ(coin.at(i) != 0.0, a.at(i) > 0.0);
    same += a.at(i) == c.at(i);
    sum += a.at(i);
    squares += a.at(i) * a.at(i);
  }
  EXPECT_EQ(same, 0);
  EXPECT_NEAR(sum / 1000, 0.0, 0.1);
  EXPECT_NEAR(squares / 1000, 1.0, 0.15);
  // Written down, so that a change of the generator is seen.
  EXPECT_NEAR(normalAt(7, 0), -0.47612911572717892, 1e-12);
  EXPECT_NEAR(normalAt(7, 1), -0.86804722317702343, 1e-12);
}

TEST(Spec, ShapeBesideAFileIsChecked) {
  SmallString<128> path;
  ASSERT_FALSE(sys::fs::createTemporaryFile("attn-spec", "npy", path));
  ASSERT_FALSE(errorToBool(writeNpy(make("2x3xf32=iota"), path)));
  EXPECT_EQ(make(("@" + path).str()).at(4), 4.0);
  EXPECT_EQ(make(("2x3xf32=@" + path).str()).at(5), 5.0);
  for (StringRef shape : {"3x2xf32", "6xf32", "2x3xi32"}) {
    const std::string wrong = (shape + "=@" + path).str();
    EXPECT_EQ(errorOf(wrong), "input '" + wrong + "': expected " + shape.str() +
                                  ", found 2x3xf32 in the file");
  }
  sys::fs::remove(path);
}

TEST(Spec, Errors) {
  const std::pair<const char *, const char *> table[] = {
      {"hello", "expected @file, or a shape, '=' and a source such as "
                "2x3xf32=random:7"},
      {"2x3=1", "expected a shape such as 2x3xf32, found '2x3'"},
      {"-2xf32=1", "expected element type f64, f32, f16, bf16, i1, i8, i16, "
                   "i32, i64 or index at the end of the shape, found '-2xf32'"},
      {"2xf32=abc", "expected a number, found 'abc'"},
      {"0xf32=abc", "expected a number, found 'abc'"},
      {"2xf32=", "expected a number, a list of numbers, iota, random:SEED or "
                 "@file after '='"},
      {"3xi64=1,2", "expected 3 numbers, found 2"},
      {"3xi8=200", "expected a value in [-128, 127] for i8, found 200"},
      {"3xi64=1.5", "expected an integer, found '1.5'"},
      {"129xi8=iota",
       "expected at most 128 elements for iota in i8, found 129"},
      {"2xf32=random:x",
       "expected a seed of at least 0 after 'random:', found 'x'"},
      {"2xf32=random:1:-1",
       "expected a standard deviation of at least 0, found '-1'"},
      {"2xi32=random:1",
       "expected a float type or i1 for random numbers, found i32"},
      {"99999999999x99999999999xf32=1",
       "expected at most 68719476736 bytes, found more"},
  };
  for (const auto &[spec, message] : table) {
    EXPECT_EQ(errorOf(spec),
              "input '" + std::string(spec) + "': " + std::string(message));
  }
  // What a file is to blame for names the file.
  EXPECT_EQ(errorOf("@/no/such.npy"),
            "cannot open '/no/such.npy': No such file or directory");
  EXPECT_EQ(errorOf("@x.npy:name"),
            "expected a .npy, .npz or .safetensors file, found 'x.npy:name'");
}

} // namespace
