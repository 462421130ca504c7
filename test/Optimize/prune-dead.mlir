// Heads that write nothing are found in constants, and why some stay is said.

// RUN: attn-opt %s --attn-optimize --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize-prune-heads=dead=false | FileCheck %s --check-prefix=OFF
// RUN: attn-opt %s --attn-optimize=without=prune-heads | FileCheck %s --check-prefix=OFF
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=optimize without=prune-heads" | FileCheck %s --check-prefix=OFF
// RUN: attn-opt %s --attn-cpu-pipeline="stop-after=optimize" | FileCheck %s

// The columns of head 1 are 0 and -0.
// CHECK-LABEL: func.func @output(
// CHECK:         %[[WO:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00{{\]\]}}> : tensor<2x2xf32>
// CHECK:         attn.mha {{.*}}, %[[WO]]) heads(2) :
// REMARK: [Passed] {{.*}}removed heads 1 of 3
// OFF: attn.mha {{.*}} heads(3)
func.func @output(%x: tensor<1x?x4xf32>, %w: tensor<3x4xf32>) -> tensor<1x?x2xf32> {
  %wo = arith.constant dense<[[1.0, 0.0, 2.0], [3.0, -0.0, 4.0]]> : tensor<2x3xf32>
  %y = attn.mha %x weights(%w, %w, %w, %wo) heads(3)
    : tensor<1x?x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<3x4xf32>, tensor<2x3xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// Values of 0 need a bias of 0: head 2 goes, head 0 stays.
// CHECK-LABEL: func.func @values(
// CHECK:         attn.mha {{.*}} heads(2) :
// REMARK: [Passed] {{.*}}removed heads 2 of 3
// OFF: attn.mha {{.*}} heads(3)
func.func @values(%x: tensor<1x?x1xbf16>, %w: tensor<3x1xbf16>, %b: tensor<3xbf16>, %wo: tensor<1x3xbf16>, %bo: tensor<1xbf16>) -> tensor<1x?x1xbf16> {
  %wv = arith.constant dense<[[0.0], [1.0], [0.0]]> : tensor<3x1xbf16>
  %bv = arith.constant dense<[1.0, 1.0, 0.0]> : tensor<3xbf16>
  %y = attn.mha %x weights(%w, %w, %wv, %wo) bias(%b, %b, %bv, %bo) heads(3)
    : tensor<1x?x1xbf16>, tensor<3x1xbf16>, tensor<3x1xbf16>, tensor<3x1xbf16>, tensor<1x3xbf16>, tensor<3xbf16>, tensor<3xbf16>, tensor<3xbf16>, tensor<1xbf16> -> tensor<1x?x1xbf16>
  return %y : tensor<1x?x1xbf16>
}

// Each group of two loses one.
// CHECK-LABEL: func.func @groups(
// CHECK:         attn.mha {{.*}} heads(2) :
// REMARK: [Passed] {{.*}}removed heads 1, 3 of 4
// OFF: attn.mha {{.*}} heads(4) kv_heads(2)
func.func @groups(%x: tensor<1x?x2xf32>, %wq: tensor<4x2xf32>, %wk: tensor<2x2xf32>, %wv: tensor<2x2xf32>) -> tensor<1x?x1xf32> {
  %wo = arith.constant dense<[[1.0, 0.0, 2.0, 0.0]]> : tensor<1x4xf32>
  %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(4) kv_heads(2)
    : tensor<1x?x2xf32>, tensor<4x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x4xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// CHECK-LABEL: func.func @uneven(
// CHECK:         attn.mha {{.*}} heads(4) kv_heads(2)
// REMARK: [Missed] {{.*}}heads 1 write nothing and stay: others of their groups are alive, or all of the block are dead
func.func @uneven(%x: tensor<1x?x2xf32>, %wq: tensor<4x2xf32>, %wk: tensor<2x2xf32>, %wv: tensor<2x2xf32>) -> tensor<1x?x1xf32> {
  %wo = arith.constant dense<[[1.0, 0.0, 2.0, 3.0]]> : tensor<1x4xf32>
  %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(4) kv_heads(2)
    : tensor<1x?x2xf32>, tensor<4x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x4xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// All dead: one stays, for there is no block without heads.
// CHECK-LABEL: func.func @all(
// CHECK:         attn.mha {{.*}} heads(1)
// REMARK: [Passed] {{.*}}removed heads 1, 2, 3 of 4
// REMARK: [Missed] {{.*}}heads 0 write nothing and stay
func.func @all(%x: tensor<1x?x2xf32>, %w: tensor<4x2xf32>) -> tensor<1x?x1xf32> {
  %wo = arith.constant dense<0.0> : tensor<1x4xf32>
  %y = attn.mha %x weights(%w, %w, %w, %wo) heads(4)
    : tensor<1x?x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<4x2xf32>, tensor<1x4xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// CHECK-LABEL: func.func @returned(
// CHECK:         attn.mha {{.*}} heads(2)
// REMARK: [Missed] {{.*}}heads 1 write nothing and stay: it returns its weights, which would be of other heads
func.func @returned(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> (tensor<1x?x1xf32>, tensor<1x2x?x?xf32>) {
  %wo = arith.constant dense<[[1.0, 0.0]]> : tensor<1x2xf32>
  %y, %p = attn.mha %x weights(%w, %w, %w, %wo) heads(2) returns(weights)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<1x2xf32> -> tensor<1x?x1xf32>, tensor<1x2x?x?xf32>
  return %y, %p : tensor<1x?x1xf32>, tensor<1x2x?x?xf32>
}
