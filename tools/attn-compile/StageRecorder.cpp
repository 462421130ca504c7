//===- StageRecorder.cpp - A module on its way, for a page ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines and places come from MLIR's printer, times from its instrumentation.
//
//===----------------------------------------------------------------------===//

#include "StageRecorder.h"

#include "attn/Dialect/Attn/IR/Attn.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace mlir;

namespace attn {
namespace {

/// Of more elements a constant is elided.
constexpr int64_t shownElements = 32;
constexpr int64_t shownResource = 64;

double millisecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now() - start)
      .count();
}

class RemarkKeeper : public remark::detail::MLIRRemarkStreamerBase {
public:
  explicit RemarkKeeper(StageRecorder &recorder) : recorder(recorder) {}

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    RemarkRecord record;
    record.room = recorder.rooms.size();
    record.places = recorder.places.numbers(remark.getLocation());
    record.kind = remark.getRemarkTypeString().str();
    record.name = remark.getRemarkName().str();
    record.category = remark.getCategoryName().str();
    for (const remark::detail::Remark::Arg &argument : remark.getArgs()) {
      std::string &text =
          argument.key == "Reason" ? record.reason : record.text;
      text += (text.empty() ? "" : " ") + argument.val;
    }
    recorder.remarks.push_back(std::move(record));
  }

private:
  StageRecorder &recorder;
};

} // namespace

unsigned SourcePlaces::number(const SourcePlace &place) {
  auto [found, isNew] = known.try_emplace(place, places.size());
  if (isNew)
    places.push_back(place);
  return found->second;
}

std::vector<unsigned> SourcePlaces::numbers(Location location) {
  std::vector<unsigned> result;
  location->walk([&](Location part) {
    if (auto place = dyn_cast<FileLineColLoc>(part)) {
      unsigned next = number(
          {place.getFilename().str(), place.getLine(), place.getColumn()});
      if (!is_contained(result, next))
        result.push_back(next);
    }
    return WalkResult::advance();
  });
  return result;
}

/// Times passes. Those without an argument only hand the module on: to the
/// functions in it, or to the hook of a door.
class StageRecorder::Watch : public PassInstrumentation {
public:
  explicit Watch(StageRecorder &recorder) : recorder(recorder) {}

  void runBeforePass(Pass *pass, Operation *) override {
    if (!pass->getArgument().empty() && !indexOf.count(pass)) {
      indexOf[pass] = recorder.passes.size();
      recorder.passes.push_back({pass->getArgument().str(), 0});
    }
    starts.push_back(Clock::now());
  }
  void runAfterPass(Pass *pass, Operation *) override { stop(pass); }
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    stop(pass);
    if (!pass->getArgument().empty())
      recorder.fail(pass->getArgument(), op);
  }

private:
  void stop(Pass *pass) {
    double milliseconds = millisecondsSince(starts.pop_back_val());
    auto found = indexOf.find(pass);
    // A pass may have run inside of one that closed the room.
    if (found != indexOf.end() && found->second < recorder.passes.size())
      recorder.passes[found->second].milliseconds += milliseconds;
    if (recorder.passes.empty())
      indexOf.clear();
  }

  StageRecorder &recorder;
  SmallVector<Clock::time_point> starts;
  llvm::DenseMap<Pass *, size_t> indexOf; ///< among the passes of this room
};

void StageRecorder::collectRemarks(MLIRContext &context) {
  std::string ours = "attn.*";
  remark::RemarkCategories categories{ours, ours, ours, ours, ours};
  // Fails only for a malformed expression.
  (void)remark::enableOptimizationRemarks(
      context, std::make_unique<RemarkKeeper>(*this),
      std::make_unique<remark::RemarkEmittingPolicyAll>(), categories);
}

void StageRecorder::watch(PipelineOptions &options) {
  options.instrument = [this](PassManager &manager) {
    manager.addInstrumentation(std::make_unique<Watch>(*this));
  };
  options.onStage = [this, others = std::move(options.onStage)](
                        Stage stage, ModuleOp module) {
    leave(stage, module);
    if (others)
      others(stage, module);
    entered = Clock::now();
  };
}

void StageRecorder::record(RoomRecord &room, ModuleOp module) {
  AsmState::LocationMap starts;
  OpPrintingFlags flags;
  flags.printNameLocAsPrefix();
  flags.elideLargeElementsAttrs(shownElements);
  flags.elideLargeResourceString(shownResource);
  AsmState state(module, flags, &starts);
  raw_string_ostream os(room.text);
  module->print(os, state);
  module.walk([&](Operation *op) {
    ++room.ops[op->getName().getDialectNamespace()];
    auto start = starts.find(op);
    if (start == starts.end() || isa<ModuleOp>(op))
      return;
    std::vector<unsigned> &line = room.lines[start->second.first];
    for (unsigned place : places.numbers(op->getLoc()))
      if (!is_contained(line, place))
        line.push_back(place);
  });
}

void StageRecorder::leave(Stage stage, ModuleOp module) {
  // What was said before was said of a copy whose sizes were asked for.
  if (stage == Stage::Input)
    remarks.clear();
  RoomRecord room;
  room.name = stageName(stage).str();
  room.milliseconds = millisecondsSince(entered);
  room.passes = std::exchange(passes, {});
  record(room, module);
  if (stage == Stage::Fuse)
    addPlans(module);
  rooms.push_back(std::move(room));
}

void StageRecorder::fail(StringRef pass, Operation *op) {
  if (!rooms.empty() && rooms.back().failed)
    return;
  RoomRecord room;
  room.name = pass.str();
  room.failed = true;
  room.milliseconds = millisecondsSince(entered);
  room.passes = std::exchange(passes, {});
  while (Operation *parent = op->getParentOp())
    op = parent;
  if (auto module = dyn_cast<ModuleOp>(op))
    record(room, module);
  rooms.push_back(std::move(room));
}

void StageRecorder::finish(std::string name) {
  RoomRecord room;
  room.name = std::move(name);
  room.milliseconds = millisecondsSince(entered);
  rooms.push_back(std::move(room));
}

void StageRecorder::addPlans(ModuleOp module) {
  module.walk([&](SdpaOp op) {
    PlanAttr plan = op.getPlanAttr();
    if (!plan)
      return;
    PlanRecord record{places.numbers(op.getLoc()), {}};
    auto add = [&](const char *name, const Twine &value) {
      record.fields.push_back({name, value.str()});
    };
    add("room", stringifyRoom(plan.getRoom()));
    add("form", stringifyForm(plan.getForm()));
    for (auto [name, value, standard] : {
             std::tuple("lanes", plan.getLanes(), 1),
             std::tuple("query_vectors", plan.getQueryVectors(), 1),
             std::tuple("key_rows", plan.getKeyRows(), 1),
             std::tuple("value_rows", plan.getValueRows(), 1),
             std::tuple("key_block", plan.getKeyBlock(), 1),
             std::tuple("query_group", plan.getQueryGroup(), 1),
             std::tuple("warpgroups", plan.getWarpgroups(), 1),
             std::tuple("stages", plan.getStages(), 1),
             std::tuple("blocks", plan.getBlocks(), 0),
         })
      if (value != standard)
        add(name, Twine(value));
    if (plan.getBf16Products())
      add("bf16_products", "true");
    plans.push_back(std::move(record));
  });
}

} // namespace attn
