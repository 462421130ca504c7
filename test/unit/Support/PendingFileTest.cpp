//===- PendingFileTest.cpp - Whole files or none --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Support/PendingFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

using namespace llvm;
using namespace attn;

namespace {

class PendingFileTest : public testing::Test {
protected:
  void SetUp() override {
    SmallString<128> path;
    ASSERT_FALSE(sys::fs::createUniqueDirectory("pending", path));
    folder = path.str().str();
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  std::string read(StringRef name) {
    auto buffer = MemoryBuffer::getFile(folder + "/" + name);
    return buffer ? (*buffer)->getBuffer().str() : "<none>";
  }
  size_t files() {
    size_t count = 0;
    std::error_code code;
    for (sys::fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      ++count;
    return count;
  }
  void write(StringRef name, StringRef text, bool keep) {
    Expected<PendingFile> file = PendingFile::create(folder + "/" + name.str());
    ASSERT_TRUE(static_cast<bool>(file)) << toString(file.takeError());
    file->os() << text;
    if (keep)
      EXPECT_EQ(toString(file->keep()), "");
  }

  std::string folder;
};

TEST_F(PendingFileTest, AppearsWhenKept) {
  write("a", "one", /*keep=*/true);
  EXPECT_EQ(read("a"), "one");
  write("a", "two", /*keep=*/true);
  EXPECT_EQ(read("a"), "two");
  EXPECT_EQ(files(), 1u);
}

TEST_F(PendingFileTest, LeavesTheOldFileUnlessKept) {
  write("a", "one", /*keep=*/true);
  write("a", "two", /*keep=*/false);
  EXPECT_EQ(read("a"), "one");
  write("b", "two", /*keep=*/false);
  EXPECT_EQ(read("b"), "<none>");
  EXPECT_EQ(files(), 1u);
}

TEST_F(PendingFileTest, MovesAndStaysOneFile) {
  {
    Expected<PendingFile> file = PendingFile::create(folder + "/a");
    ASSERT_TRUE(static_cast<bool>(file));
    PendingFile moved = std::move(*file);
    moved.os() << "text";
    EXPECT_EQ(toString(moved.finish()), "");
    EXPECT_EQ(read("a"), "<none>");
    EXPECT_EQ(toString(moved.keep()), "");
  }
  EXPECT_EQ(read("a"), "text");
  EXPECT_EQ(files(), 1u);
}

TEST_F(PendingFileTest, WritesWhereALinkPoints) {
  write("real", "one", /*keep=*/true);
  ASSERT_FALSE(sys::fs::create_link(folder + "/real", folder + "/link"));
  write("link", "two", /*keep=*/true);
  EXPECT_EQ(read("real"), "two");
  EXPECT_TRUE(sys::fs::is_symlink_file(folder + "/link"));
}

TEST_F(PendingFileTest, SaysWhatTheSystemSays) {
  auto messageOf = [](StringRef path) {
    Expected<PendingFile> file = PendingFile::create(path);
    if (!file)
      return toString(file.takeError());
    file->os() << "text";
    return toString(file->keep());
  };
  EXPECT_EQ(messageOf(folder), "Is a directory");
  EXPECT_EQ(messageOf(folder + "/no/a"), "No such file or directory");
  if (sys::fs::exists("/dev/full"))
    EXPECT_EQ(messageOf("/dev/full"), "No space left on device");
  EXPECT_EQ(files(), 0u);
}

} // namespace
