//===- ObjectCacheTest.cpp - Tests of the cache of compiled entries -------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is found, what is not, and what happens to damaged files.
//
//===----------------------------------------------------------------------===//

#include "attn/Execute/ObjectCache.h"
#include "attn/Execute/Host.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "gtest/gtest.h"

#include <fcntl.h>
#include <sys/stat.h>

using namespace attn;
using namespace llvm;

namespace {

const char *const source = R"(
func.func @double(%x: tensor<?x3xf32> {attn.name = "x.0"}) -> tensor<?x3xf32> {
  %y = func.call @sum(%x, %x) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}
func.func @sum(%x: tensor<?x3xf32>, %y: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3xf32>
  %empty = tensor.empty(%n) : tensor<?x3xf32>
  %z = linalg.add ins(%x, %y : tensor<?x3xf32>, tensor<?x3xf32>) outs(%empty : tensor<?x3xf32>) -> tensor<?x3xf32>
  return %z : tensor<?x3xf32>
})";

class ObjectCacheTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("attn-cache", folder));
    // The folder itself is made by the cache.
    sys::path::append(folder, "made");
  }
  void TearDown() override {
    sys::fs::remove_directories(sys::path::parent_path(folder));
  }

  std::unique_ptr<Executable> compile(ObjectCache &cache,
                                      StringRef text = source,
                                      StringRef entry = "double",
                                      StringRef target = "cpu") {
    return cantFail(
        cache.compile(text, "t.mlir", entry, cantFail(resolveTarget(target))));
  }

  /// The executable doubles, and says what is wrong with its arguments.
  void expectRight(const Executable &executable) {
    Tensor x = *Tensor::allocate({2, 3}, Dtype::F32);
    for (int i = 0; i < 6; ++i)
      x.set(i, i);
    std::vector<Tensor> results = cantFail(executable.call({x.view()}));
    for (int i = 0; i < 6; ++i)
      EXPECT_EQ(results[0].at(i), 2 * i);
    Tensor bad = *Tensor::allocate({2, 4}, Dtype::F32);
    EXPECT_EQ(toString(executable.call({bad.view()}).takeError()),
              "argument #0 ('x.0'): expected ?x3xf32, but got 2x4xf32");
  }

  std::vector<std::string> files() {
    std::vector<std::string> paths;
    std::error_code code;
    for (sys::fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      paths.push_back(it->path());
    return paths;
  }

  std::string read(const std::string &path) {
    return cantFail(errorOrToExpected(MemoryBuffer::getFile(path)))
        ->getBuffer()
        .str();
  }
  void write(const std::string &path, StringRef bytes) {
    std::error_code code;
    raw_fd_ostream(path, code) << bytes;
    ASSERT_FALSE(code);
  }

  SmallString<128> folder;
};

TEST_F(ObjectCacheTest, KeepsOneFilePerEntryOptionsAndCompiler) {
  ObjectCache cache(folder.str().str(), "id");
  expectRight(*compile(cache));
  ASSERT_EQ(files().size(), 1u);
  expectRight(*compile(cache));
  EXPECT_EQ(files().size(), 1u);
  compile(cache, source, "sum");
  EXPECT_EQ(files().size(), 2u);
  compile(cache, source, "double", "linalg");
  EXPECT_EQ(files().size(), 3u);
  expectRight(*compile(cache, std::string(source) + "\n"));
  EXPECT_EQ(files().size(), 4u);
  ObjectCache other(folder.str().str(), "other id");
  expectRight(*compile(other));
  EXPECT_EQ(files().size(), 5u);
  EXPECT_EQ(cache.takeWarning(), "");
  EXPECT_EQ(cache.contents().files, 5u);
  cantFail(cache.clear());
  EXPECT_EQ(files().size(), 0u);
}

TEST_F(ObjectCacheTest, WhatIsFoundIsNotWrittenAgain) {
  ObjectCache cache(folder.str().str(), "id");
  compile(cache);
  sys::fs::file_status before, after;
  ASSERT_FALSE(sys::fs::status(files()[0], before));
  expectRight(*compile(cache));
  ASSERT_FALSE(sys::fs::status(files()[0], after));
  EXPECT_EQ(before.getUniqueID(), after.getUniqueID());
}

TEST_F(ObjectCacheTest, RebuildsAFileOfAnotherName) {
  ObjectCache cache(folder.str().str(), "id");
  compile(cache);
  std::string path = files()[0], doubles = read(path);
  cantFail(cache.clear());
  compile(cache, source, "sum");
  write(path, read(files()[0]));
  expectRight(*compile(cache));
  EXPECT_EQ(read(path), doubles);
}

TEST_F(ObjectCacheTest, RebuildsDamagedFiles) {
  ObjectCache cache(folder.str().str(), "id");
  compile(cache);
  std::string path = files()[0], good = read(path);
  for (size_t length :
       {size_t(0), size_t(1), size_t(17), size_t(18), size_t(49), size_t(58),
        size_t(300), good.size() / 2, good.size() - 1}) {
    write(path, StringRef(good).take_front(length));
    expectRight(*compile(cache));
    EXPECT_EQ(read(path), good) << "after " << length << " bytes";
  }
  for (size_t at = 0; at < good.size(); at += 1 + good.size() / 20) {
    std::string bad = good;
    bad[at] ^= 0x10;
    write(path, bad);
    expectRight(*compile(cache));
    EXPECT_EQ(read(path), good) << "after a change at " << at;
  }
}

TEST_F(ObjectCacheTest, DropsTheOldest) {
  ObjectCache sizing(folder.str().str(), "id");
  compile(sizing);
  uint64_t bytes = sizing.contents().bytes;
  ObjectCache cache(folder.str().str(), "id", 3 * bytes + bytes / 2);
  for (int i = 0; i < 6; ++i) {
    // Each file is older than the next, whatever the clock's grain.
    timespec times[2] = {{1000 + i, 0}, {1000 + i, 0}};
    for (const std::string &path : files()) {
      sys::fs::file_status status;
      sys::fs::status(path, status);
      if (sys::toTimeT(status.getLastModificationTime()) > 100000) {
        ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
      }
    }
    expectRight(*compile(cache, std::string(source) + std::string(i, '\n')));
    EXPECT_LE(cache.contents().bytes, 3 * bytes + bytes / 2);
  }
  EXPECT_EQ(files().size(), 3u);
  // The last ones are still there.
  std::vector<std::string> before = files();
  compile(cache, std::string(source) + std::string(5, '\n'));
  EXPECT_EQ(files(), before);
}

TEST_F(ObjectCacheTest, WarnsOnceAndGoesOn) {
  // A file where the folder should be: even root cannot write there.
  write(folder.str().str(), "a file");
  ObjectCache cache(folder.str().str(), "id");
  expectRight(*compile(cache));
  EXPECT_EQ(
      cache.takeWarning(),
      "the cache in " + folder.str().str() +
          " cannot be written to (Not a directory); compiled code is kept in "
          "memory only");
  expectRight(*compile(cache));
  EXPECT_EQ(cache.takeWarning(), "");
}

TEST_F(ObjectCacheTest, WithoutAFolderOrAnIdThereIsNone) {
  ObjectCache nowhere("", "id"), nobody(folder.str().str(), "");
  expectRight(*compile(nowhere));
  expectRight(*compile(nobody));
  EXPECT_FALSE(sys::fs::exists(folder));
  EXPECT_EQ(nowhere.contents().folder, "");
  EXPECT_EQ(nowhere.takeWarning(), "");
}

TEST_F(ObjectCacheTest, RemovesWhatAKilledProcessLeft) {
  ObjectCache cache(folder.str().str(), "id");
  compile(cache);
  std::string young = (folder + "/a.attn-1.writing").str(),
              old = (folder + "/b.attn-2.writing").str(),
              foreign = (folder + "/notes.txt").str();
  for (const std::string &path : {young, old, foreign}) {
    write(path, "half");
    timespec times[2] = {{1000, 0}, {1000, 0}};
    if (path != young) {
      ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
  }
  compile(cache, source, "sum");
  EXPECT_TRUE(sys::fs::exists(young));
  EXPECT_FALSE(sys::fs::exists(old));
  EXPECT_TRUE(sys::fs::exists(foreign));
  cantFail(cache.clear());
  EXPECT_FALSE(sys::fs::exists(young));
  EXPECT_TRUE(sys::fs::exists(foreign));
}

TEST(HostProcessTest, HasABuildId) { EXPECT_GE(hostBuildId().size(), 32u); }

TEST(HostProcessTest, FindsTheFolder) {
  auto folder = [](const char *own, const char *xdg, const char *home) {
    auto set = [](const char *name, const char *value) {
      value ? setenv(name, value, 1) : unsetenv(name);
    };
    set("ATTN_MLIR_CACHE_DIR", own);
    set("XDG_CACHE_HOME", xdg);
    set("HOME", home);
    return hostCacheFolder();
  };
  EXPECT_EQ(folder("/own", "/xdg", "/h"), "/own");
  EXPECT_EQ(folder("", "/xdg", "/h"), "");
  EXPECT_EQ(folder(nullptr, "/xdg", "/h"), "/xdg/attn-mlir");
  EXPECT_EQ(folder(nullptr, "xdg", "/h"), "/h/.cache/attn-mlir");
  EXPECT_EQ(folder(nullptr, nullptr, "/h"), "/h/.cache/attn-mlir");
  EXPECT_EQ(folder(nullptr, nullptr, nullptr), "");
  EXPECT_TRUE(sys::path::is_absolute(folder("own", nullptr, nullptr)));
}

} // namespace
