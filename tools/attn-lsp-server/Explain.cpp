//===- Explain.cpp - What the compiler would do with a text ---------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Explain.h"

#include "attn/Execute/Compiler.h"
#include "attn/Execute/Host.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
namespace remark = mlir::remark;

namespace attn {
namespace {

constexpr unsigned patience = 10; ///< seconds for one text

/// Prints remarks as they come.
class Printer : public remark::detail::MLIRRemarkStreamerBase {
public:
  void streamOptimizationRemark(const remark::detail::Remark &said) override {
    auto place = said.getLocation()->findInstanceOf<mlir::FileLineColLoc>();
    if (!place)
      return;
    std::string message, reason;
    for (const remark::detail::Remark::Arg &arg : said.getArgs())
      (arg.key == "Reason" ? reason : message) += arg.val;
    std::string text =
        ("* " + said.getCategoryName() + " " + said.getRemarkName() + ", " +
         said.getRemarkTypeString() + ": " + message)
            .str();
    if (!reason.empty())
      text += (message.empty() ? "" : "; ") + reason;
    outs() << json::Value(json::Object{{"line", int64_t(place.getLine()) - 1},
                                       {"text", text}})
           << "\n";
  }
};

} // namespace

int printExplanations(StringRef path) {
  Compiler compiler;
  std::string ours = "attn.*";
  remark::RemarkCategories categories{ours, ours, ours, ours, ours};
  if (failed(remark::enableOptimizationRemarks(
          compiler.context(), std::make_unique<Printer>(),
          std::make_unique<remark::RemarkEmittingPolicyAll>(), categories)))
    return 1;
  Expected<TargetInfo> target = resolveTarget("cpu");
  Expected<Compiler::Module> module = compiler.parseFile(path);
  if (!target || !module) {
    consumeError(target.takeError());
    consumeError(module.takeError());
    return 1;
  }
  PipelineOptions options;
  options.target = *target;
  options.stopAfter = Stage::Tile;
  // What was said before an error is still true.
  consumeError(compiler.lower(**module, options));
  return 0;
}

Explanations explainText(StringRef self, StringRef text) {
  SmallString<128> source, answer;
  int descriptor;
  if (sys::fs::createTemporaryFile("attn-lsp", "mlir", descriptor, source))
    return {};
  FileRemover removeSource(source);
  {
    raw_fd_ostream os(descriptor, /*shouldClose=*/true);
    os << text;
    os.close();
    if (os.has_error()) {
      os.clear_error();
      return {};
    }
  }
  if (sys::fs::createTemporaryFile("attn-lsp", "json", answer))
    return {};
  FileRemover removeAnswer(answer);
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(answer),
                                          StringRef("")};
  sys::ExecuteAndWait(self, {self, "--explain", source}, std::nullopt,
                      redirects, patience);
  ErrorOr<std::unique_ptr<MemoryBuffer>> said = MemoryBuffer::getFile(answer);
  if (!said)
    return {};
  Explanations result;
  SmallVector<StringRef> lines;
  (*said)->getBuffer().split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    Expected<json::Value> value = json::parse(line);
    if (!value) {
      consumeError(value.takeError());
      continue;
    }
    const json::Object &object = *value->getAsObject();
    result[*object.getInteger("line")] +=
        object.getString("text")->str() + "\n";
  }
  return result;
}

} // namespace attn
