// RUN: attn-opt %s --attn-fuse --attn-tile --canonicalize --cse \
// RUN:   --one-shot-bufferize="bufferize-function-boundaries=1" --canonicalize --cse --canonicalize | FileCheck %s

// A task reads slices of q, k and v and writes its slice of the result: nothing
// is allocated but the results, and nothing is copied.

// CHECK-LABEL: func @grouped_causal
// CHECK-SAME:  %[[Q:.+]]: memref<?x?x32x128xf16, {{.*}}>, %[[K:.+]]: memref<?x?x8x128xf16, {{.*}}>, %[[V:.+]]: memref<?x?x8x64xf16, {{.*}}>
// CHECK-NOT:     memref.copy
// CHECK:         %[[OUT:.+]] = memref.alloc({{.*}}) {{.*}} : memref<?x?x32x64xf16>
// CHECK:         %[[LSE:.+]] = memref.alloc({{.*}}) {{.*}} : memref<?x32x?xf32>
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     memref.copy
// CHECK:         scf.forall
// CHECK-NOT:       memref.alloc
// CHECK-NOT:       memref.copy
// CHECK-DAG:       %[[QS:.+]] = memref.subview %[[Q]]
// CHECK-DAG:       %[[KS:.+]] = memref.subview %[[K]]
// CHECK-DAG:       %[[VS:.+]] = memref.subview %[[V]]
// CHECK:           %[[P:.+]] = attn.online_sdpa %[[QS]], %[[KS]], %[[VS]]
// CHECK-DAG:       %[[OS:.+]] = memref.subview %[[OUT]]
// CHECK-DAG:       %[[LS:.+]] = memref.subview %[[LSE]]
// CHECK:           attn.finalize %[[P]] {{.*}} outs(%[[OS]], %[[LS]]) layout(bshd)
// CHECK-NOT:       memref.copy
// CHECK:         return %[[OUT]], %[[LSE]]
func.func @grouped_causal(%q: tensor<?x?x32x128xf16>, %k: tensor<?x?x8x128xf16>, %v: tensor<?x?x8x64xf16>, %t: tensor<32x?x?xf32>,
                          %lens: tensor<?xi64>, %sinks: tensor<32xf32>) -> (tensor<?x?x32x64xf16>, tensor<?x32x?xf32>) {
  %o, %lse = attn.sdpa %q, %k, %v causal(bottom_right) additive(%t : tensor<32x?x?xf32>) kv_lens(%lens : tensor<?xi64>) sinks(%sinks : tensor<32xf32>)
      layout(bshd, bshd, bshd, bshd) returns(lse)
    : tensor<?x?x32x128xf16>, tensor<?x?x8x128xf16>, tensor<?x?x8x64xf16> -> tensor<?x?x32x64xf16>, tensor<?x32x?xf32>
  return %o, %lse : tensor<?x?x32x64xf16>, tensor<?x32x?xf32>
}

// One task: no loop is left.
// CHECK-LABEL: func @one_group
// CHECK-NOT:     memref.copy
// CHECK:         %[[OUT:.+]] = memref.alloc() {{.*}} : memref<1x1x24x64xf32>
// CHECK-NOT:     memref.copy
// CHECK-NOT:     memref.alloc
// CHECK:         attn.finalize %{{.*}} outs(%[[OUT]])
// CHECK-NEXT:    return %[[OUT]]
func.func @one_group(%q: tensor<1x1x24x64xf32>, %k: tensor<1x1x?x64xf32>) -> tensor<1x1x24x64xf32> {
  %o = attn.sdpa %q, %k, %k : tensor<1x1x24x64xf32>, tensor<1x1x?x64xf32>, tensor<1x1x?x64xf32> -> tensor<1x1x24x64xf32>
  return %o : tensor<1x1x24x64xf32>
}
