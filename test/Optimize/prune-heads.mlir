// RUN: attn-opt %s --attn-optimize-prune-heads="heads=0.0,0.3,1.1 function=named" --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t

// Rows of wq and bq, columns of wo and slopes of the heads that stay; neighbours in one slice.
// CHECK-LABEL: func.func @named(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x8xf32>, %[[W:.+]]: tensor<8x8xf32> {attn.weight}, %[[B:.+]]: tensor<8xf32> {attn.weight}, %[[SLOPES:.+]]: tensor<4xf32>, %[[BIAS:.+]]: tensor<4x?x?xf32>
// CHECK:         %[[WQ:.+]] = tensor.extract_slice %[[W]][2, 0] [4, 8] [1, 1]
// CHECK:         %[[BQ:.+]] = tensor.extract_slice %[[B]][2] [4] [1]
// CHECK:         %[[WK:.+]] = tensor.extract_slice %[[W]][2, 0] [4, 8] [1, 1]
// CHECK:         %[[WO:.+]] = tensor.extract_slice %[[W]][0, 2] [8, 4] [1, 1]
// CHECK:         %[[S:.+]] = tensor.extract_slice %[[SLOPES]][1] [2] [1]
// CHECK:         %[[A:.+]] = tensor.extract_slice %[[BIAS]][1, 0, 0] [2, %{{.+}}, %{{.+}}] [1, 1, 1]
// CHECK:         %[[Y:.+]] = attn.mha %[[X]] weights(%[[WQ]], %[[WK]], %{{.+}}, %[[WO]]) bias(%[[BQ]], %{{.+}}, %{{.+}}, %[[B]]) heads(2) alibi(%[[S]] : tensor<2xf32>) additive(%[[A]] : tensor<2x?x?xf32>)
// Rows 0, 1 and 4 to 7 of the second block's weights.
// CHECK:         %[[LOW:.+]] = tensor.extract_slice %[[W]][0, 0] [2, 8] [1, 1]
// CHECK:         %[[HIGH:.+]] = tensor.extract_slice %[[W]][4, 0] [4, 8] [1, 1]
// CHECK:         %[[E:.+]] = tensor.empty() : tensor<6x8xf32>
// CHECK:         %[[I:.+]] = tensor.insert_slice %[[LOW]] into %[[E]][0, 0] [2, 8] [1, 1]
// CHECK:         %[[WQ2:.+]] = tensor.insert_slice %[[HIGH]] into %[[I]][2, 0] [4, 8] [1, 1]
// CHECK:         attn.mha %[[Y]] weights(%[[WQ2]], {{.*}} heads(3)
// REMARK: [Passed] PruneHeads | Category:attn-optimize | Remark="removed heads 0, 3 of 4: 560 bytes of weights, 128 FLOP a query, 128 a key and 16 a pair of them less"
// REMARK: removed heads 1 of 4
func.func @named(%x: tensor<1x?x8xf32>, %w: tensor<8x8xf32> {attn.weight}, %b: tensor<8xf32> {attn.weight},
                 %slopes: tensor<4xf32>, %bias: tensor<4x?x?xf32>) -> tensor<1x?x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) bias(%b, %b, %b, %b) heads(4) alibi(%slopes : tensor<4xf32>) additive(%bias : tensor<4x?x?xf32>)
    : tensor<1x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32> -> tensor<1x?x8xf32>
  %z = attn.mha %y weights(%w, %w, %w, %w) heads(4)
    : tensor<1x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<1x?x8xf32>
  return %z : tensor<1x?x8xf32>
}

// Without a function's name the same heads go in each function with blocks; others are passed over.
// RUN: attn-opt %s --attn-optimize="prune=0.2,0.3" | FileCheck %s --check-prefix=EACH
// EACH-LABEL: func.func @named(
// EACH:         attn.mha {{.*}} heads(2) alibi
// EACH:         attn.mha {{.*}} heads(4)
// Heads 0 and 1 of q, k and v in the packed weight.
// EACH-LABEL: func.func @packed(
// EACH:         tensor.extract_slice %{{.+}}[0, 0] [4, 8] [1, 1]
// EACH:         tensor.extract_slice %{{.+}}[8, 0] [4, 8] [1, 1]
// EACH:         tensor.extract_slice %{{.+}}[16, 0] [4, 8] [1, 1]
// EACH:         tensor.empty() : tensor<12x8xf32>
// EACH:         attn.mha {{.*}} packed(%{{.+}}, %{{.+}}) heads(2) :
// EACH-LABEL: func.func @none(
func.func @packed(%x: tensor<1x?x8xf32>, %w: tensor<24x8xf32>, %wo: tensor<8x8xf32>) -> tensor<1x?x8xf32> {
  %y = attn.mha %x packed(%w, %wo) heads(4) : tensor<1x?x8xf32>, tensor<24x8xf32>, tensor<8x8xf32> -> tensor<1x?x8xf32>
  return %y : tensor<1x?x8xf32>
}
func.func @none(%x: tensor<1x?x8xf32>) -> tensor<1x?x8xf32> {
  return %x : tensor<1x?x8xf32>
}

// A key head goes with its last query head; other groups stay as they are.
// RUN: attn-opt %s --attn-optimize-prune-heads="heads=0.2,0.3 function=grouped" | FileCheck %s --check-prefix=GROUP
// GROUP-LABEL: func.func @grouped(
// GROUP-SAME:    %[[X:.+]]: tensor<1x?x8xf32>, %[[WQ:.+]]: tensor<12x8xf32>, %[[WK:.+]]: tensor<6x8xf32>, %[[WO:.+]]: tensor<8x12xf32>
// GROUP:         tensor.extract_slice %[[WQ]][0, 0] [4, 8]
// GROUP:         tensor.extract_slice %[[WQ]][8, 0] [4, 8]
// GROUP:         tensor.extract_slice %[[WK]][0, 0] [2, 8]
// GROUP:         tensor.extract_slice %[[WK]][4, 0] [2, 8]
// GROUP:         attn.mha {{.*}} heads(4) kv_heads(2)
func.func @grouped(%x: tensor<1x?x8xf32>, %wq: tensor<12x8xf32>, %wk: tensor<6x8xf32>, %wo: tensor<8x12xf32>) -> tensor<1x?x8xf32> {
  %y = attn.mha %x weights(%wq, %wk, %wk, %wo) heads(6) kv_heads(3)
    : tensor<1x?x8xf32>, tensor<12x8xf32>, tensor<6x8xf32>, tensor<6x8xf32>, tensor<8x12xf32> -> tensor<1x?x8xf32>
  return %y : tensor<1x?x8xf32>
}
