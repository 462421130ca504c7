//===- StageRecorder.h - A module on its way, for a page --------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What --html shows: the module as it leaves each room, with the places in the
// source that each line comes from; the time of each pass; remarks and plans.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_COMPILE_STAGERECORDER_H
#define ATTN_TOOLS_ATTN_COMPILE_STAGERECORDER_H

#include "attn/Pipeline/Pipelines.h"
#include "llvm/ADT/MapVector.h"

#include <chrono>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace attn {

/// Where an op was written. Lines and columns from 1.
struct SourcePlace {
  std::string file;
  unsigned line, column;
  bool operator<(const SourcePlace &other) const {
    return std::tie(file, line, column) <
           std::tie(other.file, other.line, other.column);
  }
};

/// Numbers places in the order in which they are met.
class SourcePlaces {
public:
  unsigned number(const SourcePlace &place);
  /// Of all places that a location is made of.
  std::vector<unsigned> numbers(mlir::Location location);
  const std::vector<SourcePlace> &all() const { return places; }

private:
  std::vector<SourcePlace> places;
  std::map<SourcePlace, unsigned> known;
};

struct RoomRecord {
  struct Pass {
    std::string name;
    double milliseconds;
  };
  std::string name; ///< of the room, or of the pass that failed
  bool failed = false;
  double milliseconds = 0;
  llvm::MapVector<llvm::StringRef, int> ops; ///< of each dialect
  std::vector<Pass> passes;                  ///< in the order of their start
  std::string text;                          ///< empty: nothing to show
  /// By line of `text`, from 1: the places of the ops that start there.
  std::map<unsigned, std::vector<unsigned>> lines;
};

struct RemarkRecord {
  size_t room; ///< that was entered when it was said
  std::vector<unsigned> places;
  std::string kind, name, category, text, reason;
};

struct PlanRecord {
  std::vector<unsigned> places;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// Lives longer than the compiler's context, which hands remarks to it.
class StageRecorder {
public:
  /// Starts to keep remarks.
  void collectRemarks(mlir::MLIRContext &context);
  /// Puts itself into `options`, beside what is there.
  void watch(PipelineOptions &options);
  /// To be called before the first room, and after the last work: `name` says
  /// what was done since.
  void start() { entered = Clock::now(); }
  void finish(std::string name);

  std::vector<RoomRecord> rooms;
  std::vector<RemarkRecord> remarks;
  std::vector<PlanRecord> plans;
  SourcePlaces places;

private:
  using Clock = std::chrono::steady_clock;
  class Watch;

  void leave(Stage stage, mlir::ModuleOp module);
  void fail(llvm::StringRef pass, mlir::Operation *op);
  void record(RoomRecord &room, mlir::ModuleOp module);
  void addPlans(mlir::ModuleOp module);

  Clock::time_point entered = Clock::now();
  std::vector<RoomRecord::Pass> passes; ///< since a room was left
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_COMPILE_STAGERECORDER_H
