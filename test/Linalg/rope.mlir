// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s
// This lowering cannot fail.

// By halves: y[i] = x[i] cos[s,i] - x[i+3] sin[s,i], y[i+3] = x[i+3] cos[s,i] + x[i] sin[s,i].
// CHECK-LABEL: func.func @halves(
// CHECK-SAME: %[[X:.+]]: tensor<1x2x?x6xf32>, %[[COS:.+]]: tensor<?x3xf32>, %[[SIN:.+]]: tensor<?x3xf32>
// CHECK: %[[S:.+]] = tensor.dim %[[X]]
// CHECK: %[[EMPTY:.+]] = tensor.empty(%[[S]]) : tensor<1x2x?x6xf32>
// CHECK: %[[INTO:.+]] = linalg.copy ins(%[[X]] : {{.+}}) outs(%[[EMPTY]]
// CHECK: %[[A:.+]] = tensor.extract_slice %[[X]][0, 0, 0, 0] [1, 2, %[[S]], 3] [1, 1, 1, 1]
// CHECK: %[[B:.+]] = tensor.extract_slice %[[X]][0, 0, 0, 3] [1, 2, %[[S]], 3] [1, 1, 1, 1]
// CHECK: %[[FIRST:.+]] = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>, affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-SAME: ins(%[[A]], %[[B]], %[[COS]], %[[SIN]]
// CHECK-NEXT: ^bb0(%[[AI:.+]]: f32, %[[BI:.+]]: f32, %[[CI:.+]]: f32, %[[SI:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[AC:.+]] = arith.mulf %[[AI]], %[[CI]]
// CHECK-NEXT: %[[BS:.+]] = arith.mulf %[[BI]], %[[SI]]
// CHECK-NEXT: arith.subf %[[AC]], %[[BS]]
// CHECK: %[[HALF:.+]] = tensor.insert_slice %[[FIRST]] into %[[INTO]][0, 0, 0, 0] [1, 2, %[[S]], 3]
// CHECK: %[[SECOND:.+]] = linalg.generic {{.+}} ins(%[[A]], %[[B]], %[[COS]], %[[SIN]]
// CHECK-NEXT: ^bb0(%[[AJ:.+]]: f32, %[[BJ:.+]]: f32, %[[CJ:.+]]: f32, %[[SJ:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[BC:.+]] = arith.mulf %[[BJ]], %[[CJ]]
// CHECK-NEXT: %[[AS:.+]] = arith.mulf %[[AJ]], %[[SJ]]
// CHECK-NEXT: arith.addf %[[BC]], %[[AS]]
// CHECK: %[[BOTH:.+]] = tensor.insert_slice %[[SECOND]] into %[[HALF]][0, 0, 0, 3] [1, 2, %[[S]], 3]
// CHECK: return %[[BOTH]]
func.func @halves(%x: tensor<1x2x?x6xf32>, %cos: tensor<?x3xf32>, %sin: tensor<?x3xf32>) -> tensor<1x2x?x6xf32> {
  %r = attn.rope %x, %cos, %sin layout(bhsd) : tensor<1x2x?x6xf32>, tensor<?x3xf32>, tensor<?x3xf32>
  return %r : tensor<1x2x?x6xf32>
}

// -----

// Pairs (2i, 2i+1) of the first 4 of 6 channels, in [B, S, H, D], angles by
// batch; the last two channels pass, as copied; bf16 rounds once.
// CHECK-LABEL: func.func @interleaved_partial(
// CHECK-SAME: %[[X:.+]]: tensor<2x5x3x6xbf16>, %[[COS:.+]]: tensor<2x5x2xf32>
// CHECK: tensor.extract_slice %[[X]][0, 0, 0, 0] [2, 5, 3, 2] [1, 1, 1, 2]
// CHECK: tensor.extract_slice %[[X]][0, 0, 0, 1] [2, 5, 3, 2] [1, 1, 1, 2]
// CHECK: linalg.generic {indexing_maps = [{{.+}}, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, {{.+}} ins(%{{.+}}, %{{.+}}, %[[COS]]
// CHECK: %[[TURNED:.+]] = arith.subf {{.+}} : f32
// CHECK-NEXT: arith.truncf %[[TURNED]] : f32 to bf16
// CHECK: tensor.insert_slice {{.+}}[0, 0, 0, 0] [2, 5, 3, 2] [1, 1, 1, 2]
// CHECK: %[[R:.+]] = tensor.insert_slice {{.+}}[0, 0, 0, 1] [2, 5, 3, 2] [1, 1, 1, 2]
// CHECK-NOT: linalg.copy
// CHECK: return %[[R]]
func.func @interleaved_partial(%x: tensor<2x5x3x6xbf16>, %cos: tensor<2x5x2xf32>) -> tensor<2x5x3x6xbf16> {
  %r = attn.rope %x, %cos, %cos interleaved layout(bshd) : tensor<2x5x3x6xbf16>, tensor<2x5x2xf32>, tensor<2x5x2xf32>
  return %r : tensor<2x5x3x6xbf16>
}

// -----

// No channel turns.
// CHECK-LABEL: func.func @nothing_to_turn(
// CHECK-SAME: %[[X:[^:,]+]]: tensor
// CHECK-NEXT: return %[[X]]
func.func @nothing_to_turn(%x: tensor<2x5x3x6xf32>, %cos: tensor<3x0xf32>) -> tensor<2x5x3x6xf32> {
  %r = attn.rope %x, %cos, %cos layout(bhsd) : tensor<2x5x3x6xf32>, tensor<3x0xf32>, tensor<3x0xf32>
  return %r : tensor<2x5x3x6xf32>
}
