//===- StagePage.h - The page of --html -------------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One file of HTML that needs no network.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTN_COMPILE_STAGEPAGE_H
#define ATTN_TOOLS_ATTN_COMPILE_STAGEPAGE_H

#include "StageRecorder.h"

#include "attn/Execute/DiagnosticError.h"

namespace attn {

/// What the page says beside the rooms.
struct PageFacts {
  std::string file;   ///< as locations call it
  std::string source; ///< its text
  std::string target;
  std::vector<DiagnosticError::Message> errors; ///< why there is no result
};

/// The page, of less than 1,000,000 bytes: of what is larger, lines are left
/// out, and the page says so.
llvm::Expected<std::string> makeStagePage(const StageRecorder &recorder,
                                          const PageFacts &facts);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_COMPILE_STAGEPAGE_H
