// A constant scale goes into the weights and the bias of Q, or into its norm.

// RUN: attn-opt %s --attn-optimize-fold-scale --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize=without=fold-scale | FileCheck %s --check-prefix=OFF

// CHECK-LABEL: func.func @apart(
// CHECK-DAG:     %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG:     %[[WQ:.+]] = arith.constant dense<{{\[\[}}5.000000e-01, 1.000000e+00], [1.500000e+00, 2.000000e+00]]>
// CHECK-DAG:     %[[BQ:.+]] = arith.constant dense<[2.500000e+00, 3.000000e+00]>
// CHECK:         attn.mha %{{.+}} weights(%[[WQ]], %{{.+}}, %{{.+}}, %{{.+}}) bias(%[[BQ]], {{.*}} scale(%[[ONE]])
// REMARK: [Passed] FoldScale | Category:attn-optimize | Remark="scale folded into the weights of Q: 0 bytes of weights and 0 FLOP a query less"
// OFF-LABEL: func.func @apart(
// OFF:         arith.constant 5.000000e-01
func.func @apart(%x: tensor<1x?x2xf32>) -> tensor<1x?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %half = arith.constant 0.5 : f32
  %y = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(2) scale(%half)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// The rows of Q alone of a packed argument; a softcap reads natural scores.
// CHECK-LABEL: func.func @packed(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x2xf64>, %[[W:.+]]: tensor<6x2xf64>
// CHECK:         %[[F:.+]] = arith.constant dense<[5.000000e-01, 5.000000e-01, 1.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00]> : tensor<6xf64>
// CHECK:         %[[S:.+]] = linalg.generic {{.*}} ins(%[[W]], %[[F]] :
// CHECK:         attn.mha %[[X]] packed(%[[S]], %{{.+}})
// REMARK: [Passed] {{.*}}0 bytes of weights and 2 FLOP a query less
func.func @packed(%x: tensor<1x?x2xf64>, %w: tensor<6x2xf64> {attn.weight}, %wo: tensor<2x2xf64> {attn.weight}, %cap: f64) -> tensor<1x?x2xf64> {
  %half = arith.constant 0.5 : f64
  %y = attn.mha %x packed(%w, %wo) heads(1) scale(%half) softcap(%cap)
    : tensor<1x?x2xf64>, tensor<6x2xf64>, tensor<2x2xf64> -> tensor<1x?x2xf64>
  return %y : tensor<1x?x2xf64>
}

// A norm would undo it in the weights of Q.
// CHECK-LABEL: func.func @normed(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x2xf32>, %[[W:.+]]: tensor<2x2xf32>
// CHECK:         %[[G:.+]] = arith.constant dense<[5.000000e-01, 1.000000e+00]>
// CHECK:         attn.mha %[[X]] weights(%[[W]], {{.*}} qk_norm(%[[G]], %{{.+}}
func.func @normed(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32> {attn.weight}) -> tensor<1x?x2xf32> {
  %g = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %half = arith.constant 0.5 : f32
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(1) qk_norm(%g, %g : tensor<2xf32>, tensor<2xf32>) eps(1.0e-6) scale(%half)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// CHECK-LABEL: func.func @narrow(
// CHECK:         %[[HALF:.+]] = arith.constant 5.000000e-01
// CHECK:         scale(%[[HALF]])
// REMARK: [Missed] {{.*}}scale stays: weights of 16 bits would be rounded again
func.func @narrow(%x: tensor<1x?x2xbf16>, %w: tensor<2x2xbf16>) -> tensor<1x?x2xbf16> {
  %half = arith.constant 0.5 : f32
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(1) scale(%half)
    : tensor<1x?x2xbf16>, tensor<2x2xbf16>, tensor<2x2xbf16>, tensor<2x2xbf16>, tensor<2x2xbf16> -> tensor<1x?x2xbf16>
  return %y : tensor<1x?x2xbf16>
}

// Weights that nothing marks would be multiplied in each call.
// CHECK-LABEL: func.func @unmarked(
// CHECK:         %[[HALF:.+]] = arith.constant 5.000000e-01
// CHECK:         scale(%[[HALF]])
// REMARK: [Missed] {{.*}}scale stays: its weights are known at the call alone, for want of attn.weight
func.func @unmarked(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %half = arith.constant 0.5 : f32
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(1) scale(%half)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// Known at run time.
// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME:    %[[S:[a-z0-9]+]]: f32)
// CHECK:         scale(%[[S]])
// REMARK-NOT: FoldScale
func.func @dynamic(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>, %s: f32) -> tensor<1x?x2xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(1) scale(%s)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}
