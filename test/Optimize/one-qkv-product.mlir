// Q, K and V by one product, whose parts are slices.

// RUN: attn-opt %s --attn-optimize-one-qkv-product=always --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize-one-qkv-product --remarks-filter=attn-optimize 2>&1 | FileCheck %s --check-prefix=CHOICE
// RUN: attn-opt %s --attn-optimize-one-qkv-product=always --attn-split-heads | FileCheck %s --check-prefix=SPLIT
// RUN: attn-opt %s --attn-optimize=without=one-qkv-product | FileCheck %s --check-prefix=OFF

// OFF-NOT: attn.one_product

// Rows of Q, K and V of constants and biases.
// CHECK-LABEL: func.func @constants(
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00], [2.000000e+00], [3.000000e+00], [3.000000e+00]]> : tensor<4x1xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<{{.*}}> : tensor<4xf32>
// CHECK:         attn.mha %{{.+}} packed(%[[W]], %{{.+}}) bias(%[[B]], %{{.+}}) heads(2) kv_heads(1){{.*}}attn.one_product
// REMARK: [Passed] OneQkvProduct | Category:attn-optimize | Remark="Q, K and V are one product: 2 launches, 0 bytes of weights and 0 FLOP less"
// CHOICE: [Missed] {{.*}}Q, K and V are three products: three products are no slower
// SPLIT-LABEL: func.func @constants(
// SPLIT:         linalg.generic {{.*}}"reduction"]} ins(%{{.+}}, %{{.+}} : tensor<?x1xf32>, tensor<4x1xf32>)
// SPLIT:         tensor.extract_slice %{{.+}}[0, 0] [%{{.+}}, 2] [1, 1]
// SPLIT:         tensor.extract_slice %{{.+}}[0, 2] [%{{.+}}, 1] [1, 1]
// SPLIT:         tensor.extract_slice %{{.+}}[0, 3] [%{{.+}}, 1] [1, 1]
func.func @constants(%x: tensor<1x?x1xf32>) -> tensor<1x?x1xf32> {
  %wq = arith.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %wk = arith.constant dense<3.0> : tensor<1x1xf32>
  %wo = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %b = arith.constant dense<4.0> : tensor<2xf32>
  %c = arith.constant dense<5.0> : tensor<1xf32>
  %y = attn.mha %x weights(%wq, %wk, %wk, %wo) bias(%b, %c, %c, %c) heads(2) kv_heads(1)
    : tensor<1x?x1xf32>, tensor<2x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x2xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32> -> tensor<1x?x1xf32>
  return %y : tensor<1x?x1xf32>
}

// CHECK-LABEL: func.func @context(
// CHECK:         attn.mha %{{.+}} context(%{{.+}}) weights(
// REMARK: [Missed] {{.*}}Q, K and V are three products: keys and values are made of a context
func.func @context(%x: tensor<1x?x2xf32>, %c: tensor<1x?x2xf32>, %w: tensor<2x2xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x context(%c) weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x2xf32>, tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// CHECK-LABEL: func.func @sizes(
// CHECK:         attn.mha %{{.+}} weights(
// REMARK: [Missed] {{.*}}Q, K and V are three products: heads of V are of another size
func.func @sizes(%x: tensor<1x?x2xf32>, %w: tensor<2x2xf32>, %wv: tensor<3x2xf32>, %wo: tensor<2x3xf32>) -> tensor<1x?x2xf32> {
  %y = attn.mha %x weights(%w, %w, %wv, %wo) heads(1)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<3x2xf32>, tensor<2x3xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}
