// Softmax does not see the bias of K; that of V goes through the output weights.

// RUN: attn-opt %s --attn-optimize-fold-biases --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize=without=fold-biases | FileCheck %s --check-prefix=OFF

// wo bv + bo = [1*5 + 2*6 + 1, 3*5 + 4*6 + 2].
// CHECK-LABEL: func.func @constants(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x2xf32>, %[[W:.+]]: tensor<2x2xf32>, %[[B:.+]]: tensor<2xf32>
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant dense<0.000000e+00> : tensor<2xf32>
// CHECK-DAG:     %[[BO:.+]] = arith.constant dense<[1.800000e+01, 4.100000e+01]> : tensor<2xf32>
// CHECK:         attn.mha {{.*}} bias(%[[B]], %[[ZERO]], %{{.+}}, %[[BO]]) heads(2) causal(top_left)
// REMARK: [Passed] FoldBiases | Category:attn-optimize | Remark="softmax does not see the bias of K: 8 bytes of weights and 2 FLOP a key less"
// REMARK: [Passed] FoldBiases | Category:attn-optimize | Remark="the bias of V became a part of the output's: 8 bytes of weights and 2 FLOP a key less"
// OFF-LABEL: func.func @constants(
// OFF-NOT:     arith.constant dense<[1.8
func.func @constants(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<1x?x2xf32> {
  %wo = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %bv = arith.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %bo = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %y = attn.mha %x weights(%w, %w, %w, %wo) bias(%b, %b, %bv, %bo) heads(2) causal(top_left)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// Grouped heads of arguments: the bias of V once for each query head, 0 0 1 1.
// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[BV:[a-z0-9]+]]: tensor<2xf32> {attn.weight}, %[[BO:[a-z0-9]+]]: tensor<3xf32>
// CHECK-DAG:     tensor.extract_slice %[[BV]][0] [1] [1]
// CHECK-DAG:     tensor.extract_slice %[[BV]][1] [1] [1]
// CHECK:         %[[SUM:.+]] = linalg.generic {{.*}} outs(%[[BO]] : tensor<3xf32>)
// CHECK:         attn.mha {{.*}}, %[[SUM]]) heads(4) kv_heads(2)
func.func @grouped(%x: tensor<1x?x3xf32>, %wq: tensor<4x3xf32>, %wk: tensor<2x3xf32>, %wo: tensor<3x4xf32> {attn.weight}, %bq: tensor<4xf32>, %bv: tensor<2xf32> {attn.weight}, %bo: tensor<3xf32> {attn.weight}) -> tensor<1x?x3xf32> {
  %y = attn.mha %x weights(%wq, %wk, %wk, %wo) bias(%bq, %bv, %bv, %bo) heads(4) kv_heads(2)
    : tensor<1x?x3xf32>, tensor<4x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>, tensor<3x4xf32>, tensor<4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<3xf32> -> tensor<1x?x3xf32>
  return %y : tensor<1x?x3xf32>
}

// A rule that adds changes no score by its size; rows may be dropped whole by it.
// CHECK-LABEL: func.func @added(
// REMARK: [Passed] {{.*}}softmax does not see the bias of K
// REMARK: [Missed] {{.*}}the bias of V stays: a row may keep no key, and is 0 without it
func.func @added(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>, %t: tensor<?xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1) captures(%t[n] : tensor<?xf32>)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
    score(%s, %bb, %h, %m, %n, %a) {
      %r = arith.addf %s, %a : f32
      attn.yield %r : f32
    }
  return %y : tensor<1x?x2xf32>
}

// CHECK-LABEL: func.func @declined(
// REMARK: [Missed] {{.*}}the bias of K stays: a rule changes scores by their size
// REMARK: [Missed] {{.*}}the bias of K stays: rope turns it by position
// REMARK: [Passed] {{.*}}the bias of V became
// REMARK: [Missed] {{.*}}the bias of K stays: a sink is compared with scores
// REMARK: [Missed] {{.*}}the bias of V stays: with a sink the weights of a row do not add up to 1
func.func @declined(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32> {attn.weight}, %b: tensor<2xf32> {attn.weight}, %cap: f32, %keep: tensor<1x1x?x?xi1>, %t: tensor<?x1xf32>, %sinks: tensor<1xf32>) -> (tensor<1x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>) {
  %y = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1) softcap(%cap) keep(%keep : tensor<1x1x?x?xi1>)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  %z = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1) rope(%t, %t : tensor<?x1xf32>, tensor<?x1xf32>)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  %u = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1) sinks(%sinks : tensor<1xf32>)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  return %y, %z, %u : tensor<1x?x2xf32>, tensor<1x?x2xf32>, tensor<1x?x2xf32>
}

// REMARK: [Missed] {{.*}}biases stay: packed weights have one bias
func.func @packed(%x: tensor<1x?x2xf32>, %w: tensor<6x2xf32>, %wo: tensor<2x2xf32>, %b: tensor<6xf32>, %bo: tensor<2xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x packed(%w, %wo) bias(%b, %bo) heads(1)
    : tensor<1x?x2xf32>, tensor<6x2xf32>, tensor<2x2xf32>, tensor<6xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// Nothing says that these are weights; K needs no product.
// CHECK-LABEL: func.func @unmarked(
// REMARK: [Passed] {{.*}}softmax does not see the bias of K
// REMARK: [Missed] {{.*}}the bias of V stays: its weights are known at the call alone, for want of attn.weight
func.func @unmarked(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// A layer's arguments are weights where each call gives such.
// CHECK-LABEL: func.func private @layer(
// REMARK: [Passed] {{.*}}softmax does not see the bias of K
// REMARK: [Passed] {{.*}}the bias of V became
func.func private @layer(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>, %b: tensor<2xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(1)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}
func.func @model(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32> {attn.weight}, %b: tensor<2xf32> {attn.weight}) -> tensor<1x?x2xf32> {
  %y = call @layer(%x, %w, %b) : (tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x?x2xf32>
  %z = call @layer(%y, %w, %b) : (tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<1x?x2xf32>
  return %z : tensor<1x?x2xf32>
}
