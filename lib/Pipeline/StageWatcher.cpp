//===- StageWatcher.cpp - What each room did ------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times, counts of ops per dialect, plans, and the remarks of the passes.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipeline/StageWatcher.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

using namespace llvm;
using namespace mlir;

namespace attn {
namespace {

std::string placeOf(Location location) {
  std::string text;
  if (auto place = location->findInstanceOf<FileLineColLoc>())
    raw_string_ostream(text)
        << sys::path::filename(place.getFilename()) << ":" << place.getLine()
        << ":" << place.getColumn() << ": ";
  return text;
}

std::string countOps(ModuleOp module) {
  MapVector<StringRef, int> counts;
  module.walk(
      [&](Operation *op) { ++counts[op->getName().getDialectNamespace()]; });
  std::string text;
  for (auto &[dialect, count] : counts)
    if (dialect != "builtin" && dialect != "func")
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " +
              dialect.str();
  return text;
}

/// Hands the remarks of the context's engine over as text.
class RemarkCollector : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit RemarkCollector(std::vector<std::string> &lines) : lines(lines) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    std::string text = placeOf(remark.getLocation());
    raw_string_ostream os(text);
    remark.print(os);
    lines.push_back(text);
  }

private:
  std::vector<std::string> &lines;
};

} // namespace

void printModule(raw_ostream &os, ModuleOp module) {
  module.print(os, OpPrintingFlags().printNameLocAsPrefix());
  os << "\n";
}

StageWatcher::StageWatcher(std::string folder)
    : dumpFolder(std::move(folder)) {}

llvm::Error StageWatcher::takeError() const {
  return writeError.empty() ? llvm::Error::success()
                            : createStringError(writeError);
}

llvm::Error StageWatcher::prepare() {
  if (dumpFolder.empty())
    return llvm::Error::success();
  if (std::error_code code = sys::fs::create_directories(dumpFolder))
    return createStringError("--dump-stages=" + dumpFolder + ": " +
                             code.message());
  return llvm::Error::success();
}

void StageWatcher::leave(Stage stage, ModuleOp module) {
  // What was said before was said of a copy whose sizes were asked for.
  if (stage == Stage::Input)
    remarks.clear();
  addRow(stageName(stage), countOps(module));
  dump(stage, module);
  entered = Clock::now();
}

void StageWatcher::addRow(StringRef room, std::string ops) {
  double milliseconds =
      std::chrono::duration<double, std::milli>(Clock::now() - entered).count();
  rows.push_back({room.str(), milliseconds, std::move(ops)});
}

void StageWatcher::dump(Stage stage, ModuleOp module) {
  if (dumpFolder.empty())
    return;
  SmallString<128> path(dumpFolder);
  sys::path::append(path, Twine(static_cast<int>(stage)) + "-" +
                              stageName(stage) + ".mlir");
  std::error_code code;
  raw_fd_ostream os(path, code);
  if (!code) {
    printModule(os, module);
    os.close();
    code = os.error();
    os.clear_error();
  }
  if (code && writeError.empty())
    writeError = (path + ": " + code.message()).str();
}

void StageWatcher::collectRemarks(MLIRContext &context) {
  // One expression for each kind of remark; "all" alone is not heard by a
  // streamer.
  std::string ours = "attn.*";
  remark::RemarkCategories categories{ours, ours, ours, ours, ours};
  // Fails only for a malformed expression.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkCollector>(remarks),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

void StageWatcher::explain(raw_ostream &os, const TargetInfo &target) const {
  os << "target " << target.str() << ": " << target.f32Lanes << " f32 lanes, "
     << target.vectorRegisters << " vector registers\n";
  os << "room             ms  ops of each dialect that leave it\n";
  for (const Row &row : rows)
    os << format("%-12s %6.1f  ", row.room.c_str(), row.milliseconds) << row.ops
       << "\n";
  for (const std::string &remark : remarks)
    os << "remark: " << remark << "\n";
}

} // namespace attn
