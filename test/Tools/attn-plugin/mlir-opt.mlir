// Debian's own mlir-opt speaks attn with the plugin, and gives what attn-opt gives.
// REQUIRES: plugin

// DEFINE: %{plugin} = --load-dialect-plugin=%attn_plugin --load-pass-plugin=%attn_plugin
// DEFINE: %{rooms} = --pass-pipeline='builtin.module(func.func(attn-split-heads),attn-fuse{target=cpu:x86-64-v3},func.func(attn-tile))'
// DEFINE: %{whole} = --pass-pipeline='builtin.module(attn-cpu-pipeline{target=cpu:x86-64-v3})'

// RUN: mlir-opt %s %{plugin} %{rooms} | FileCheck %s
// RUN: mlir-opt %s %{plugin} %{rooms} > %t.plugin
// RUN: attn-opt %s %{rooms} > %t.tool
// RUN: diff %t.plugin %t.tool
// RUN: mlir-opt %s %{plugin} %{whole} > %t.plugin
// RUN: attn-opt %s %{whole} > %t.tool
// RUN: diff %t.plugin %t.tool

// Nothing of ours is missing: every pass of attn-opt whose name begins with attn-, and every dialect.
// RUN: attn-opt --list-passes | grep -o 'attn-[a-z0-9-]*' | sort -u > %t.tool
// RUN: mlir-opt %{plugin} --list-passes | grep -o 'attn-[a-z0-9-]*' | sort -u > %t.plugin
// RUN: diff %t.plugin %t.tool
// RUN: attn-opt --show-dialects | tr ',' '\n' | tr -d ' ' | sort > %t.tool
// RUN: mlir-opt %{plugin} --show-dialects | sed 's/.*://' | tr ',' '\n' | tr -d ' ' | sort > %t.plugin
// RUN: comm -13 %t.plugin %t.tool | count 0
// RUN: not mlir-opt %s %{rooms} 2>&1 | FileCheck %s --match-full-lines --check-prefix=ALONE
// ALONE: {{[^ ]+}}mlir-opt.mlir:37:8: error: Dialect `attn' not found for custom op 'attn.sdpa'

// A file of wrong attention is told in our words.
// RUN: sed 's/1x2x?/1x3x?/g' %s > %t.bad.mlir
// RUN: not mlir-opt %t.bad.mlir %{plugin} 2>&1 | FileCheck %s --match-full-lines --check-prefix=BAD
// BAD: {{[^ ]+}}bad.mlir:{{[0-9]+}}:8: error: 'attn.sdpa' op expects query heads (4) to be a multiple of key heads (3)

// CHECK-LABEL: func.func @f
// CHECK: scf.forall
// CHECK: attn.online_sdpa
// CHECK-SAME: room = cpu, form = flash
// CHECK: attn.finalize
func.func @f(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) -> tensor<1x4x?x8xf32> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right)
    : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
  return %o : tensor<1x4x?x8xf32>
}
