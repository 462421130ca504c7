// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second run takes what the first compiled; looking at modules, and
// --cache=off, leave the cache alone.

// RUN: rm -rf %t && mkdir %t
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --cache=off --input=3xf32=1.5 | FileCheck %s
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --explain --input=3xf32=1.5
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --stop-after=fuse
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --dump-stages=%t/stages --input=3xf32=1.5
// RUN: not ls %t/c
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --input=3xf32=1.5 | FileCheck %s
// RUN: ls %t/c/*.attn | count 1
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --input=3xf32=1.5 | FileCheck %s
// RUN: not env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --input=4xf64=1.5 2>&1 | FileCheck %s --match-full-lines --check-prefix=WRONG
// RUN: ls %t/c/*.attn | count 1
// RUN: env ATTN_MLIR_CACHE_DIR=%t/c attn-run %s --entry=copy --input=3xf32=1.5 | FileCheck %s
// RUN: ls %t/c/*.attn | count 2

// Nowhere to write: said once, and the numbers are right.
// RUN: touch %t/file
// RUN: env ATTN_MLIR_CACHE_DIR=%t/file attn-run %s --input=3xf32=1.5 2>&1 | FileCheck %s --check-prefixes=WARN,CHECK

// WRONG: error: argument #0 (%x): expected ?xf32, but got 4xf64
// WARN: attn-run: warning: the cache in {{.*}} cannot be written to (Not a directory); compiled code is kept in memory only
// CHECK: result #0: 3xf32, mean 1.5, least 1.5, largest 1.5

func.func @copy(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
