// RUN: attn-opt %s --attn-linalg | FileCheck %s
// RUN: attn-opt %s --attn-linalg=all | FileCheck %s --check-prefix=ALL
// RUN: attn-opt %s --attn-linalg --remarks-filter=attn-linalg -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// REMARK: plan.mlir:14:8: remark: [Analysis] Scores | Category:attn-linalg | Remark="unfused: the scores stand in memory, tensor<1x2x5x5xf32>"
// REMARK-NOT: Scores

#linalg = #attn.plan<room = linalg, form = unfused>
#cpu = #attn.plan<room = cpu, form = flash, lanes = 16>

// CHECK-LABEL: func.func @given_to_linalg(
// CHECK-NOT: attn.sdpa
// CHECK: return
func.func @given_to_linalg(%q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %o = attn.sdpa %q, %q, %q {plan = #linalg} : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
  return %o : tensor<1x2x5x8xf32>
}

// CHECK-LABEL: func.func @declined_given_to_cpu(
// CHECK: attn.sdpa
// ALL-LABEL: func.func @declined_given_to_cpu(
// ALL-NOT: attn.sdpa
func.func @declined_given_to_cpu(%q: tensor<1x2x5x8xf32>) -> tensor<1x2x5x8xf32> {
  %o = attn.sdpa %q, %q, %q {plan = #cpu} : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
  return %o : tensor<1x2x5x8xf32>
}

// CHECK-LABEL: func.func @declined_tile_given_to_cpu(
// CHECK: attn.online_sdpa
// CHECK: attn.finalize
// ALL-LABEL: func.func @declined_tile_given_to_cpu(
// ALL-NOT: attn.online_sdpa
// ALL-NOT: attn.finalize
func.func @declined_tile_given_to_cpu(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x?x8xf32>, %scale: f32, %i: index) -> tensor<1x1x4x8xf32> {
  %p = attn.online_sdpa %q, %k, %k scale(%scale) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) {plan = #cpu}
    : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32>
  %r = attn.finalize %p outs(%q) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %r : tensor<1x1x4x8xf32>
}
