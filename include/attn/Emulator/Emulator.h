//===- Emulator.h - Run GPU kernels on the CPU ------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program that runs emulated kernels needs; the functions that the
// kernels themselves call are in Abi.h. No LLVM, no MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EMULATOR_EMULATOR_H
#define ATTN_EMULATOR_EMULATOR_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attn::emulator {

/// When asynchronous work happens, within what its waits allow, and which warp
/// goes first.
enum class Schedule {
  Eager,  ///< Everything at once, warps in turn.
  Late,   ///< Nothing before its wait, or before nothing else can run.
  Random, ///< Anything in between, drawn from the seed.
};

std::optional<Schedule> parseSchedule(std::string_view name);

struct Options {
  Schedule schedule = Schedule::Eager;
  uint64_t seed = 1;
  /// Threads of this machine that run blocks; the report does not depend on it.
  int threads = 1;
};

/// What a kernel did wrong.
enum class Fault {
  None,
  Divergence,   ///< Lanes of a collective are in different instructions.
  Deadlock,     ///< Every thread waits.
  Barrier,      ///< A barrier is used against its rules.
  OutOfRange,   ///< An address outside of registered or shared memory.
  Misaligned,   ///< An address or size against the instruction's alignment.
  EarlyRead,    ///< An asynchronous result is read before its wait.
  MissingFence, ///< Generic writes, asynchronous reads, no proxy fence.
  Race,         ///< Asynchronous and other accesses overlap.
  Unfinished,   ///< A block ends while its asynchronous work goes on.
  Unsupported,  ///< Something that this emulator does not model.
  Invalid,      ///< Operands that the instruction does not take.
};

const char *faultName(Fault fault);

struct Statistics {
  int64_t blocks = 0;
  int64_t switches = 0;
  /// Passes of eight lanes of ldmatrix and stmatrix through shared memory, and
  /// the cycles that they took; equal when there is no bank conflict.
  int64_t sharedPhases = 0, sharedCycles = 0;
};

/// One run of host code that launches emulated kernels. While a session exists,
/// the launches of the thread that made it belong to it; after the first fault
/// further launches do nothing. Sessions of one thread nest.
class Session {
public:
  explicit Session(const Options &options);
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  /// Lets kernels access `bytes` bytes from `data` on.
  void addBuffer(const void *data, size_t bytes);

  const Options &options() const { return sessionOptions; }
  Fault fault() const { return firstFault; }
  /// The first fault in words: kernel, block, thread, place, what was expected.
  const std::string &report() const { return firstReport; }
  const Statistics &statistics() const { return counters; }

private:
  friend class Launch;
  Options sessionOptions;
  Session *outer;
  Fault firstFault = Fault::None;
  std::string firstReport;
  Statistics counters;
  struct Buffer {
    uintptr_t begin, end;
  };
  std::vector<Buffer> buffers;
};

/// A function that emulated code may call.
struct Symbol {
  const char *name;
  void *address;
};

/// All of them, for who links emulated code.
const std::vector<Symbol> &symbols();

} // namespace attn::emulator

#endif // ATTN_EMULATOR_EMULATOR_H
