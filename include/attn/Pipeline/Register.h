//===- Register.h - Everything that attn-mlir puts together -----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialects, the passes and the pipelines, for tools and for Execute.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_PIPELINE_REGISTER_H
#define ATTN_PIPELINE_REGISTER_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace attn {

/// The dialects of attn-mlir and how their ops bufferize.
void registerOwnDialects(mlir::DialectRegistry &registry);

/// Those, the upstream dialects that rooms produce or accept, and
/// the interface implementations that their passes need.
void registerAllDialects(mlir::DialectRegistry &registry);

/// The passes and pipelines of all rooms, by name.
void registerRoomPasses();

/// Those, and the upstream passes that go with them.
void registerAllPasses();

} // namespace attn

#endif // ATTN_PIPELINE_REGISTER_H
