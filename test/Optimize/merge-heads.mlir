// Equal key heads become one: named ones, and those that constants show.

// RUN: attn-opt %s --attn-optimize-merge-heads="heads=0.0+2,0.1+3 function=named" --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize-merge-heads=equal=false | FileCheck %s --check-prefix=OFF
// RUN: attn-opt %s --attn-optimize=without=merge-heads | FileCheck %s --check-prefix=OFF

// Query heads 0, 2, 1, 3 in this order; keys of heads 0 and 1.
// CHECK-LABEL: func.func @named(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x8xf32>, %[[WQ:.+]]: tensor<8x8xf32>, %[[WK:.+]]: tensor<8x8xf32>, %[[WO:.+]]: tensor<8x8xf32>
// CHECK-DAG:     tensor.extract_slice %[[WQ]][4, 0] [2, 8]
// CHECK-DAG:     tensor.extract_slice %[[WQ]][2, 0] [2, 8]
// CHECK-DAG:     tensor.extract_slice %[[WK]][0, 0] [4, 8]
// CHECK-DAG:     tensor.extract_slice %[[WO]][0, 4] [8, 2]
// CHECK:         attn.mha {{.*}} heads(4) kv_heads(2)
// REMARK: [Passed] MergeHeads | Category:attn-optimize | Remark="2 key heads for 4: 256 bytes of weights, 0 FLOP a query, 128 a key and 0 a pair of them less"
// OFF-LABEL: func.func @named(
// OFF:         attn.mha {{.*}} heads(4) :
func.func @named(%x: tensor<1x?x8xf32>, %wq: tensor<8x8xf32>, %wk: tensor<8x8xf32>, %wo: tensor<8x8xf32>) -> tensor<1x?x8xf32> {
  %y = attn.mha %x weights(%wq, %wk, %wk, %wo) heads(4)
    : tensor<1x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<1x?x8xf32>
  return %y : tensor<1x?x8xf32>
}

// Classes of 4 and 2: groups of two, of which two read the same keys.
// CHECK-LABEL: func.func @found(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x1xf32>, %[[WQ:.+]]: tensor<6x1xf32>
// CHECK:         %[[WK:.+]] = arith.constant dense<{{\[\[}}1.000000e+00], [1.000000e+00], [2.000000e+00{{\]\]}}> : tensor<3x1xf32>
// CHECK:         attn.mha %[[X]] weights(%{{.+}}, %[[WK]], %{{.+}}, %{{.+}}) heads(6) kv_heads(3)
// REMARK: [Passed] {{.*}}"3 key heads for 6: 24 bytes of weights
// OFF-LABEL: func.func @found(
// OFF:         attn.mha {{.*}} heads(6) :
func.func @found(%x: tensor<1x?x1xf32>, %wq: tensor<6x1xf32>, %wo: tensor<1x6xf32>) -> tensor<1x?x1xf32> {
  %wk = arith.constant dense<[[1.0], [2.0], [1.0], [1.0], [2.0], [1.0]]> : tensor<6x1xf32>
  %wv = arith.constant dense<[[5.0], [6.0], [5.0], [5.0], [6.0], [5.0]]> : tensor<6x1xf32>
  %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(6)
    : tensor<1x?x1xf32>, tensor<6x1xf32>, tensor<6x1xf32>, tensor<6x1xf32>, tensor<1x6xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// Neighbours share without moving a query head, so that what reads the head's number may stay.
// CHECK-LABEL: func.func @neighbours(
// CHECK:         attn.mha %{{.+}} weights(%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}) heads(4) kv_heads(2) captures(
func.func @neighbours(%x: tensor<1x?x1xf32>, %wq: tensor<4x1xf32>, %wo: tensor<1x4xf32>, %slope: tensor<4xf32>) -> tensor<1x?x1xf32> {
  %wk = arith.constant dense<[[1.0], [1.0], [2.0], [2.0]]> : tensor<4x1xf32>
  %y = attn.mha %x weights(%wq, %wk, %wk, %wo) heads(4) captures(%slope[h] : tensor<4xf32>)
    : tensor<1x?x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<4x1xf32>, tensor<1x4xf32> -> tensor<1x?x1xf32>
    score(%s, %b, %h, %m, %n, %sl) {
      %r = arith.addf %s, %sl : f32
      attn.yield %r : f32
    }
  return %y : tensor<1x?x1xf32>
}

// One pair among three heads; and values that differ where keys are equal.
// CHECK-LABEL: func.func @pair(
// CHECK:         attn.mha {{.*}} heads(3) :
// CHECK:         attn.mha {{.*}} heads(3) :
// REMARK: [Missed] {{.*}}equal key heads stay apart: the sizes of their classes have no common divisor: 2, 1
func.func @pair(%x: tensor<1x?x1xf32>, %wq: tensor<3x1xf32>, %wo: tensor<1x3xf32>) -> tensor<1x?x1xf32> {
  %wk = arith.constant dense<[[1.0], [2.0], [1.0]]> : tensor<3x1xf32>
  %wv = arith.constant dense<1.0> : tensor<3x1xf32>
  %other = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(3)
    : tensor<1x?x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<1x3xf32> -> tensor<1x?x1xf32>
  %z = attn.mha %y weights(%wq, %wk, %other, %wo) heads(3)
    : tensor<1x?x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<1x3xf32> -> tensor<1x?x1xf32>
  return %z : tensor<1x?x1xf32>
}

// Heads 0 and 2 compute the same: one of them stays, with the output columns of both, 1 + 4.
// CHECK-LABEL: func.func @twins(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x1xf32>)
// CHECK-DAG:     %[[WQ:.+]] = arith.constant dense<{{\[\[}}1.000000e+00], [2.000000e+00{{\]\]}}> : tensor<2x1xf32>
// CHECK-DAG:     %[[WO:.+]] = arith.constant dense<{{\[\[}}5.000000e+00, 2.000000e+00{{\]\]}}> : tensor<1x2xf32>
// CHECK:         attn.mha %[[X]] weights(%[[WQ]], %[[WQ]]{{.*}}, %{{.+}}, %[[WO]]) heads(2) :
// REMARK: [Passed] {{.*}}"2 heads for 3, 2 key heads for 3: 16 bytes of weights, 4 FLOP a query, 4 a key and 4 a pair of them less"
// OFF-LABEL: func.func @twins(
// OFF:         attn.mha {{.*}} heads(3) :
func.func @twins(%x: tensor<1x?x1xf32>) -> tensor<1x?x1xf32> {
  %w = arith.constant dense<[[1.0], [2.0], [1.0]]> : tensor<3x1xf32>
  %wo = arith.constant dense<[[1.0, 2.0, 4.0]]> : tensor<1x3xf32>
  %y = attn.mha %x weights(%w, %w, %w, %wo) heads(3)
    : tensor<1x?x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<1x3xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// A slope per head makes them differ.
// CHECK-LABEL: func.func @slopes(
// CHECK:         attn.mha {{.*}} heads(3) alibi
// REMARK: [Missed] {{.*}}equal key heads stay apart: the sizes of their classes have no common divisor: 2, 1
func.func @slopes(%x: tensor<1x?x1xf32>, %slopes: tensor<3xf32>) -> tensor<1x?x1xf32> {
  %w = arith.constant dense<[[1.0], [2.0], [1.0]]> : tensor<3x1xf32>
  %wo = arith.constant dense<[[1.0, 2.0, 4.0]]> : tensor<1x3xf32>
  %y = attn.mha %x weights(%w, %w, %w, %wo) heads(3) alibi(%slopes : tensor<3xf32>)
    : tensor<1x?x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<1x3xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// Query heads of one key head as well: one stays in each group.
// CHECK-LABEL: func.func @grouped(
// CHECK:         attn.mha {{.*}} heads(2) :
// REMARK: [Passed] {{.*}}"2 heads for 4, 2 key heads for 2: 16 bytes of weights, 8 FLOP a query, 0 a key and 8 a pair of them less"
func.func @grouped(%x: tensor<1x?x1xf32>, %wk: tensor<2x1xf32>) -> tensor<1x?x1xf32> {
  %wq = arith.constant dense<[[1.0], [1.0], [3.0], [3.0]]> : tensor<4x1xf32>
  %wo = arith.constant dense<[[1.0, 2.0, 4.0, 8.0]]> : tensor<1x4xf32>
  %y = attn.mha %x weights(%wq, %wk, %wk, %wo) heads(4) kv_heads(2)
    : tensor<1x?x1xf32>, tensor<4x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, tensor<1x4xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}
