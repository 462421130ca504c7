//===- Progress.cpp - One line that says what takes long ------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread of its own keeps the line: the work may be one long call of MLIR or
// LLVM that reports nothing.
//
//===----------------------------------------------------------------------===//

#include "tools/shared/Progress.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

using namespace llvm;

namespace attn {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::milliseconds(500);
constexpr auto interval = std::chrono::milliseconds(200);

bool someoneWatches() {
  std::optional<std::string> wish = sys::Process::GetEnv("ATTN_MLIR_PROGRESS");
  return sys::Process::StandardErrIsDisplayed() && !(wish && *wish == "0");
}

} // namespace

class Progress::Line {
public:
  explicit Line(std::string text) : text(std::move(text)) {
    thread = std::thread([this] { keep(); });
  }

  ~Line() {
    {
      std::lock_guard<std::mutex> lock(mutex);
      done = true;
    }
    wake.notify_one();
    thread.join();
    if (shown)
      errs() << "\r\033[K";
  }

  void say(std::string next) {
    std::lock_guard<std::mutex> lock(mutex);
    text = std::move(next);
  }

private:
  void keep() {
    std::unique_lock<std::mutex> lock(mutex);
    auto isDone = [this] { return done; };
    for (bool over = wake.wait_for(lock, patience, isDone); !over;
         over = wake.wait_for(lock, interval, isDone))
      draw();
  }

  /// No wider than the terminal: a line that wraps cannot be taken back. The
  /// cursor goes back to the start, so that a message that comes in between
  /// writes over it.
  void draw() {
    double seconds =
        std::chrono::duration<double>(Clock::now() - start).count();
    std::string shownText = text;
    raw_string_ostream(shownText) << format(", %.1f s", seconds);
    unsigned columns = sys::Process::StandardErrColumns();
    if (columns > 1 && shownText.size() >= columns)
      shownText.resize(columns - 1);
    errs() << "\r\033[K" << shownText << "\r";
    shown = true;
  }

  std::mutex mutex;
  std::condition_variable wake;
  std::string text;
  bool done = false;
  bool shown = false; ///< only the thread writes it before it is joined
  Clock::time_point start = Clock::now();
  std::thread thread;
};

Progress::Progress(const Twine &what)
    : line(someoneWatches() ? std::make_unique<Line>(what.str()) : nullptr) {}

Progress::~Progress() = default;

void Progress::say(const Twine &what) {
  if (line)
    line->say(what.str());
}

void Progress::finish() { line.reset(); }

} // namespace attn
