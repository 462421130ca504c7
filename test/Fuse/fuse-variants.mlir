// RUN: attn-opt %s --attn-fuse-variants | FileCheck %s

// n <= m
// CHECK-LABEL: func @causal_top_left
// CHECK:         attn.sdpa {{.*}} scale(%{{.*}}) :
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      %[[KEEP:.+]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1
func.func @causal_top_left(%q: tensor<1x1x?x64xf32>, %k: tensor<1x1x?x64xf32>, %v: tensor<1x1x?x64xf32>) -> tensor<1x1x?x64xf32> {
  %o = attn.sdpa %q, %k, %v causal(top_left) : tensor<1x1x?x64xf32>, tensor<1x1x?x64xf32>, tensor<1x1x?x64xf32> -> tensor<1x1x?x64xf32>
  return %o : tensor<1x1x?x64xf32>
}
