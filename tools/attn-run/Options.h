//===- Options.h - The command line of attn-run -----------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Made by main, not before it: libLLVM has hundreds of options of its own and
// has taken some of our words.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_RUN_OPTIONS_H
#define ATTN_TOOLS_ATTN_RUN_OPTIONS_H

#include "tools/shared/Completion.h"
#include "llvm/Support/CommandLine.h"

#include <string>

namespace attn {

namespace cl = llvm::cl;

enum class CacheUse { Off, On };

struct Options {
  cl::OptionCategory category{"attn-run options"};
  cl::opt<std::string> file{cl::Positional, cl::desc("FILE.mlir"),
                            cl::init("-"), cl::cat(category)};
  cl::opt<std::string> entry{"entry",
                             cl::desc("Function to run, if there are several"),
                             cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> inputs{
      "input",
      cl::desc(
          "Next argument: @file.npy, @file.npz:name, @file.safetensors:name,\n"
          "2x3x64xf32=random:7, 2x3xf32=1.0, 4xi64=3,0,7,5, 2x3xf32=iota"),
      cl::value_desc("spec"), cl::cat(category)};
  cl::opt<std::string> weights{
      "weights",
      cl::desc(
          "Arguments with an attn.name come from this .safetensors or .npz"),
      cl::value_desc("@file"), cl::cat(category)};
  cl::list<std::string> outputs{"output",
                                cl::desc("Write the next result there (.npy)"),
                                cl::value_desc("file"), cl::cat(category)};
  cl::opt<bool> print{"print", cl::desc("Print the results"),
                      cl::cat(category)};
  cl::opt<std::string> target{
      "target",
      cl::desc("cpu (this machine), cpu:<name or level>, linalg,\n"
               "nvvm-emulation:sm_90a (GPU kernels, run here)"),
      cl::value_desc("target"), cl::init("cpu"), cl::cat(category)};
  cl::opt<int> threads{"threads",
                       cl::desc("Threads (default: as many as there are CPUs)"),
                       cl::value_desc("n"), cl::init(0), cl::cat(category)};
  cl::opt<CacheUse> cache{
      "cache",
      cl::desc("Keep compiled code for the next run ($ATTN_MLIR_CACHE_DIR):"),
      cl::values(clEnumValN(CacheUse::On, "on",
                            "yes, unless asked to look at "
                            "modules (default)"),
                 clEnumValN(CacheUse::Off, "off", "no")),
      cl::init(CacheUse::On), cl::cat(category)};
  cl::opt<std::string> schedule{
      "schedule",
      cl::desc("Timing of emulated kernels: eager (default), late, random"),
      cl::value_desc("word"), cl::init("eager"), cl::cat(category)};
  cl::opt<uint64_t> seed{
      "seed", cl::desc("Of that timing, and of approximate instructions"),
      cl::value_desc("n"), cl::init(1), cl::cat(category)};
  cl::opt<bool> check{
      "check", cl::desc("Judge every attention op, and a graph that is raised"),
      cl::cat(category)};
  cl::opt<bool> verifyRaising{
      "attn-raise-verify",
      cl::desc("--check, on random data where no input is given"),
      cl::cat(category)};
  cl::opt<bool> headsReport{
      "heads-report",
      cl::desc("Say of every head of attn.mha what it does and is worth"),
      cl::cat(category)};
  cl::opt<bool> bench{
      "bench", cl::desc("Time it against the peak of the core, read beside it"),
      cl::cat(category)};
  cl::opt<bool> explain{"explain",
                        cl::desc("Say what each room did, and the plans"),
                        cl::cat(category)};
  cl::opt<std::string> stopAfter{
      "stop-after", cl::desc("Print the module as it leaves a room and stop"),
      cl::value_desc("room"), cl::cat(category)};
  cl::opt<std::string> dumpStages{
      "dump-stages", cl::desc("Write the module into a folder at every door"),
      cl::value_desc("folder"), cl::cat(category)};
  cl::opt<int> benchReadings{
      "bench-readings",    cl::Hidden,
      cl::init(15),        cl::desc("Readings that --bench keeps (15)"),
      cl::value_desc("n"), cl::cat(category)};
  cl::opt<double> benchSeconds{
      "bench-seconds",
      cl::Hidden,
      cl::init(20),
      cl::desc("Time after which --bench takes what it has (20)"),
      cl::value_desc("s"),
      cl::cat(category)};
  CompletionOption completion{"attn-run", category};

  /// Whoever wants to see or judge modules needs them made.
  bool wantsModules() const {
    return checks() || headsReport || explain || !stopAfter.empty() ||
           !dumpStages.empty();
  }
  bool checks() const { return check || verifyRaising; }
  bool usesCache() const {
    return cache == CacheUse::On && !bench && !wantsModules();
  }
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RUN_OPTIONS_H
