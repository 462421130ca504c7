//===- CInterface.h - An entry as C programs see it -------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of CProgram::compile.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_EXECUTE_CINTERFACE_H
#define ATTN_LIB_EXECUTE_CINTERFACE_H

#include "attn/Execute/AheadOfTime.h"

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace attn {

/// What the header says.
struct CInterface {
  Signature signature;
  /// What it was compiled for, least first.
  std::vector<TargetInfo> levels;
  /// Takes packed weights; so for all levels, though some may have none to
  /// pack.
  bool hasPacked = false;
  /// The C names of the arguments.
  std::vector<std::string> names;
};

/// Statuses below zero; above it stands the position of an argument from 1 on.
enum CStatus { UnsupportedCpu = -1, BadPacked = -2, BadWorkspace = -3 };

/// The functions of an entry that each level has for itself.
constexpr llvm::StringLiteral levelSuffixes[] = {"", "_workspace", "_shapes",
                                                 "_prepack", "_packed_bytes"};

/// `attn.<i>.<name>`.
std::string levelName(llvm::StringRef name, size_t level);

/// Fills in the names; fails when C cannot have the entry.
llvm::Error nameForC(CInterface &interface);

/// Makes the functions of level i around what the CPU room left.
llvm::Error addLevel(llvm::Module &module, const CInterface &interface,
                     llvm::ArrayRef<ValueInfo> packed, size_t level);

/// Makes the functions that are the same for every level: the choice of the
/// level, and the exported names.
void addDispatch(llvm::Module &module, const CInterface &interface);

/// Functions that levels call: how tensors are read, the parallel loop, and
/// what code generation expects of libc.
std::unique_ptr<llvm::Module> makeSupport(llvm::LLVMContext &context);

/// Writes the header; `needs` are functions that the object does not define.
void printCHeader(llvm::raw_ostream &os, const CInterface &interface,
                  llvm::ArrayRef<std::string> needs);

/// Links an object alone.
llvm::Expected<std::string> linkShared(llvm::StringRef object,
                                       const TargetInfo &target);

} // namespace attn

#endif // ATTN_LIB_EXECUTE_CINTERFACE_H
