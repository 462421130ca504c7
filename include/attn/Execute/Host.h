//===- Host.h - The machine that the compiler runs on -----------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Puts the name of this machine into a target that has none. Beside Runtime the
// only place that looks at the machine.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXECUTE_HOST_H
#define ATTN_EXECUTE_HOST_H

#include "attn/Support/TargetInfo.h"

namespace attn {

/// Parses a target; `cpu` and `linalg` become `cpu:<this machine>` and
/// `linalg:<this machine>`. Features that the named CPU has but this machine
/// hides (as virtual machines do) are turned off.
llvm::Expected<TargetInfo> resolveTarget(llvm::StringRef text);

/// Says why code for `target` cannot run on this machine, if that is so.
llvm::Error checkRunsHere(const TargetInfo &target);

} // namespace attn

#endif // ATTN_EXECUTE_HOST_H
