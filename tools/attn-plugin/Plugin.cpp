//===- Plugin.cpp - The attn dialect and passes for mlir-opt --------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What mlir-opt's --load-dialect-plugin and --load-pass-plugin look for. Only
// what is ours is registered: the tool has the upstream dialects and passes
// already, and would have those twice.
//
//===----------------------------------------------------------------------===//

#include "attn/Pipeline/Register.h"

#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "attn", LLVM_VERSION_STRING,
          [](mlir::DialectRegistry *registry) {
            attn::registerOwnDialects(*registry);
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "attn", LLVM_VERSION_STRING,
          attn::registerRoomPasses};
}
