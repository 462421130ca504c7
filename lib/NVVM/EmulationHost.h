//===- EmulationHost.h - Launches for the emulator --------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host code that launches emulated kernels.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_NVVM_EMULATIONHOST_H
#define ATTN_LIB_NVVM_EMULATIONHOST_H

#include "lib/NVVM/Emulation.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace attn::emulation {

/// Turns the launches and tensor maps of a module's functions into calls of the
/// emulator. The kernels are host functions already.
mlir::LogicalResult rewriteHost(HostModule &host);

} // namespace attn::emulation

#endif // ATTN_LIB_NVVM_EMULATIONHOST_H
