//===- HeadList.cpp - Heads that a person names ---------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadList.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace attn;

namespace {
/// `3.0+2` read: the block's number and its heads.
struct Word {
  StringRef text;
  int64_t block = 0;
  HeadGroup heads;
};
} // namespace

static std::optional<Word> readWord(StringRef text) {
  Word word;
  word.text = text;
  auto [block, heads] = text.split('.');
  if (block.getAsInteger(10, word.block) || word.block < 0)
    return std::nullopt;
  for (StringRef part : llvm::split(heads, '+')) {
    int64_t head;
    if (part.getAsInteger(10, head) || head < 0)
      return std::nullopt;
    word.heads.push_back(head);
  }
  return word;
}

static LogicalResult addNamed(func::FuncOp func, ArrayRef<Word> words,
                              function_ref<int64_t(MhaOp)> count,
                              NamedHeads &named) {
  SmallVector<MhaOp> blocks;
  func.walk([&](MhaOp op) { blocks.push_back(op); });
  if (blocks.empty())
    return success();
  for (const Word &word : words) {
    if (word.block >= int64_t(blocks.size()))
      return func.emitError()
             << "heads '" << word.text << "': expected a block below "
             << blocks.size() << " of '" << func.getName() << "', found "
             << word.block;
    MhaOp op = blocks[word.block];
    for (int64_t head : word.heads)
      if (head >= count(op))
        return op.emitOpError()
               << "heads '" << word.text << "': expected heads below "
               << count(op) << ", found " << head;
    named[op].push_back(word.heads);
  }
  return success();
}

FailureOr<NamedHeads> attn::findNamedHeads(ModuleOp module,
                                           ArrayRef<std::string> texts,
                                           StringRef function,
                                           function_ref<int64_t(MhaOp)> count) {
  NamedHeads named;
  SmallVector<Word> words;
  for (const std::string &text : texts) {
    std::optional<Word> word = readWord(text);
    if (!word)
      return module.emitError()
             << "heads '" << text
             << "': expected LAYER.HEAD, with numbers from 0";
    words.push_back(*word);
  }
  bool found = false;
  for (auto func : module.getOps<func::FuncOp>()) {
    if (!function.empty() && func.getName() != function)
      continue;
    size_t before = named.size();
    if (failed(addNamed(func, words, count, named)))
      return failure();
    found |= named.size() != before;
  }
  if (!words.empty() && !found)
    return module.emitError()
           << "heads '" << words.front().text << "': expected an attn.mha in "
           << (function.empty() ? "some function"
                                : ("'" + function + "'").str())
           << ", found none";
  return named;
}

std::string attn::listHeads(ArrayRef<int64_t> heads) {
  return llvm::join(
      llvm::map_range(heads, [](int64_t head) { return std::to_string(head); }),
      ", ");
}
