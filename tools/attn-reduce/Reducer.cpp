//===- Reducer.cpp - From a file that fails to a small one ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Reducer.h"

#include "Sizes.h"
#include "attn/Pipeline/StageWatcher.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

using namespace llvm;

namespace attn {

std::string textOf(mlir::ModuleOp module) {
  std::string text;
  raw_string_ostream os(text);
  printModule(os, module);
  return text;
}

std::string plainTextOf(mlir::ModuleOp module) {
  mlir::OwningOpRef<mlir::ModuleOp> copy(module.clone());
  for (auto func : copy->getOps<mlir::func::FuncOp>())
    for (unsigned i = 0; i < func.getNumArguments(); ++i)
      func.removeArgAttr(i, inputAttrName);
  return textOf(*copy);
}

unsigned lineCount(StringRef text) { return text.count('\n'); }

static Expected<std::string> writeScratch(StringRef text) {
  SmallString<128> path;
  int descriptor;
  if (std::error_code code =
          sys::fs::createTemporaryFile("attn-reduce", "mlir", descriptor, path))
    return createStringError(code, "cannot write a try: " + code.message());
  raw_fd_ostream os(descriptor, /*shouldClose=*/true);
  os << text;
  os.close();
  if (std::error_code code = os.error()) {
    os.clear_error();
    return createStringError(code, path + ": " + code.message());
  }
  return std::string(path);
}

/// A command knows nothing of inputs.
std::string Reducer::candidateText(mlir::ModuleOp module) const {
  return oracle.isCommand() ? plainTextOf(module) : textOf(module);
}

double Reducer::secondsTaken() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

bool Reducer::mayTry() {
  cutShort |= tries >= limits.tries || secondsTaken() >= limits.seconds;
  return !cutShort;
}

/// Makes the move on a clone, which takes the place of the module if it still
/// fails.
bool Reducer::tryMove(mlir::OwningOpRef<mlir::ModuleOp> &module,
                      const Move &move, Progress &progress) {
  // What a move breaks is nothing to tell the user.
  mlir::ScopedDiagnosticHandler silence(module->getContext(),
                                        [](mlir::Diagnostic &) {});
  mlir::OwningOpRef<mlir::ModuleOp> copy(module->clone());
  if (!move.make(*copy))
    return false;
  // First: sweeping asks ops for their effects and wants them sound.
  if (failed(mlir::verify(*copy)))
    return false;
  sweep(*copy);
  if (failed(mlir::verify(*copy)))
    return false;
  std::string text = candidateText(*copy);
  if (!texts.insert(text).second)
    return false;
  ++tries;
  progress.say("attn-reduce: try " + Twine(tries) + ", " +
               Twine(lineCount(text)) + " lines: " + move.what);
  Expected<std::string> path = writeScratch(text);
  if (!path) {
    consumeError(path.takeError());
    return false;
  }
  FileRemover remover(*path);
  if (!oracle.fails(*path))
    return false;
  accepted.push_back(move.what + ", " + std::to_string(lineCount(text)) +
                     " lines");
  module = std::move(copy);
  return true;
}

/// One way through a list. After a move the list is made anew, and goes on
/// where it was: what stood there before has been tried.
bool Reducer::pass(mlir::OwningOpRef<mlir::ModuleOp> &module, ListMoves list,
                   Progress &progress) {
  bool changed = false;
  Moves moves;
  list(*module, moves);
  for (size_t i = 0; i < moves.size() && mayTry();) {
    if (!tryMove(module, moves[i], progress)) {
      ++i;
      continue;
    }
    changed = true;
    moves.clear();
    list(*module, moves);
  }
  return changed;
}

Error Reducer::run(mlir::OwningOpRef<mlir::ModuleOp> &module) {
  Progress progress("attn-reduce: the file as it is");
  std::string text = candidateText(*module);
  texts.insert(text);
  Expected<std::string> path = writeScratch(text);
  if (!path)
    return path.takeError();
  FileRemover remover(*path);
  if (Error error = oracle.learn(*path))
    return error;
  // From the coarse to the fine.
  constexpr ListMoves lists[] = {
      listFunctionMoves, listOpMoves,     listSignatureMoves,
      listClauseMoves,   listRegionMoves, listSignatureMoves,
      listSizeMoves,     listTypeMoves,   listPassMoves};
  for (bool changed = true; changed;) {
    changed = false;
    for (ListMoves list : lists)
      changed |= pass(module, list, progress);
  }
  return Error::success();
}

} // namespace attn
