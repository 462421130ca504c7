// RUN: attn-opt %s --attn-split-heads --canonicalize --cse -mlir-print-local-scope | FileCheck %s
// This pass cannot fail.

// y = x Wq^T ... : each projection is a contraction on rows, no head is moved.
// CHECK-LABEL: func.func @self_attention(
// CHECK-SAME:    %[[X:.+]]: tensor<2x7x8xf32>, %[[WQ:.+]]: tensor<8x8xf32>, %[[WK:.+]]: tensor<8x8xf32>, %[[WV:.+]]: tensor<8x8xf32>, %[[WO:.+]]: tensor<6x8xf32>
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG:     %[[ROWS:.+]] = tensor.collapse_shape %[[X]] {{\[\[0, 1\], \[2\]\]}} : tensor<2x7x8xf32> into tensor<14x8xf32>
// CHECK-DAG:     %[[INIT:.+]] = linalg.fill ins(%[[ZERO]] : f32)
// CHECK:         %[[Q:.+]] = linalg.generic
// CHECK-SAME:      affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-SAME:      iterator_types = ["parallel", "parallel", "reduction"]
// CHECK-SAME:      ins(%[[ROWS]], %[[WQ]] : {{.*}}) outs(%[[INIT]] :
// CHECK:         %[[QH:.+]] = tensor.expand_shape %[[Q]] {{\[\[0, 1\], \[2, 3\]\]}} output_shape [2, 7, 4, 2]
// CHECK:         %[[K:.+]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[WK]] :
// CHECK:         %[[KH:.+]] = tensor.expand_shape %[[K]]
// CHECK:         %[[V:.+]] = linalg.generic {{.*}} ins(%[[ROWS]], %[[WV]] :
// CHECK:         %[[VH:.+]] = tensor.expand_shape %[[V]]
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[O:.+]] = attn.sdpa %[[QH]], %[[KH]], %[[VH]] causal(top_left) layout(bshd, bshd, bshd, bshd)
// CHECK-SAME:      tensor<2x7x4x2xf32>, tensor<2x7x4x2xf32>, tensor<2x7x4x2xf32> -> tensor<2x7x4x2xf32>
// CHECK:         %[[OR:.+]] = tensor.collapse_shape %[[O]] {{\[\[0, 1\], \[2, 3\]\]}} : tensor<2x7x4x2xf32> into tensor<14x8xf32>
// CHECK:         %[[YR:.+]] = linalg.generic {{.*}} ins(%[[OR]], %[[WO]] :
// CHECK:         %[[Y:.+]] = tensor.expand_shape %[[YR]] {{\[\[0, 1\], \[2\]\]}} output_shape [2, 7, 6]
// CHECK:         return %[[Y]]
func.func @self_attention(%x: tensor<2x7x8xf32>, %wq: tensor<8x8xf32>, %wk: tensor<8x8xf32>, %wv: tensor<8x8xf32>,
                          %wo: tensor<6x8xf32>) -> tensor<2x7x6xf32> {
  %y = attn.mha %x weights(%wq, %wk, %wv, %wo) heads(4) causal(top_left)
    : tensor<2x7x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<6x8xf32> -> tensor<2x7x6xf32>
  return %y : tensor<2x7x6xf32>
}

// Keys and values come from the context; D = 2, Dv = 3; dynamic sizes.
// CHECK-LABEL: func.func @cross_dynamic(
// CHECK-SAME:    %[[X:.+]]: tensor<?x?x8xf32>, %[[C:.+]]: tensor<?x?x5xf32>
// CHECK-DAG:     %[[XR:.+]] = tensor.collapse_shape %[[X]]
// CHECK-DAG:     %[[CR:.+]] = tensor.collapse_shape %[[C]]
// CHECK:         linalg.generic {{.*}} ins(%[[XR]], %{{.+}} : tensor<?x8xf32>, tensor<8x8xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[CR]], %{{.+}} : tensor<?x5xf32>, tensor<8x5xf32>)
// CHECK:         linalg.generic {{.*}} ins(%[[CR]], %{{.+}} : tensor<?x5xf32>, tensor<12x5xf32>)
// CHECK:         %[[V:.+]] = tensor.expand_shape {{.*}} : tensor<?x12xf32> into tensor<?x?x4x3xf32>
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %[[V]] layout(bshd, bshd, bshd, bshd) returns(weights)
// CHECK-SAME:      tensor<?x?x4x2xf32>, tensor<?x?x4x2xf32>, tensor<?x?x4x3xf32> -> tensor<?x?x4x3xf32>, tensor<?x4x?x?xf32>
func.func @cross_dynamic(%x: tensor<?x?x8xf32>, %c: tensor<?x?x5xf32>, %wq: tensor<8x8xf32>, %wk: tensor<8x5xf32>,
                         %wv: tensor<12x5xf32>, %wo: tensor<8x12xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) {
  %y, %p = attn.mha %x context(%c) weights(%wq, %wk, %wv, %wo) heads(4) returns(weights)
    : tensor<?x?x8xf32>, tensor<?x?x5xf32>, tensor<8x8xf32>, tensor<8x5xf32>, tensor<12x5xf32>, tensor<8x12xf32>
    -> tensor<?x?x8xf32>, tensor<?x4x?x?xf32>
  return %y, %p : tensor<?x?x8xf32>, tensor<?x4x?x?xf32>
}

// Rows of the packed weight: 4 query heads, 2 key heads, 2 value heads of 2.
// acc in f32, bias added in f32, one rounding to f16.
// CHECK-LABEL: func.func @packed_gqa_f16(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x8xf16>, %[[W:.+]]: tensor<16x8xf16>, %{{.+}}: tensor<8x8xf16>, %[[B:.+]]: tensor<16xf16>
// CHECK-DAG:     tensor.extract_slice %[[W]][0, 0] [8, 8] [1, 1]
// CHECK-DAG:     tensor.extract_slice %[[W]][8, 0] [4, 8] [1, 1]
// CHECK-DAG:     tensor.extract_slice %[[W]][12, 0] [4, 8] [1, 1]
// CHECK-DAG:     %[[BQ:.+]] = tensor.extract_slice %[[B]][0] [8] [1]
// CHECK:         %[[ACC:.+]] = linalg.generic {{.*}}"reduction"]} {{.*}} outs(%{{.+}} : tensor<?x8xf32>)
// CHECK:           %[[XE:.+]] = arith.extf %{{.+}} : f16 to f32
// CHECK:           %[[WE:.+]] = arith.extf %{{.+}} : f16 to f32
// CHECK:           arith.mulf %[[XE]], %[[WE]] : f32
// CHECK:         linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[ACC]], %[[BQ]] : tensor<?x8xf32>, tensor<8xf16>)
// CHECK:           %[[BE:.+]] = arith.extf
// CHECK:           %[[SUM:.+]] = arith.addf %{{.+}}, %[[BE]] : f32
// CHECK:           arith.truncf %[[SUM]] : f32 to f16
// CHECK:         attn.sdpa {{.*}} tensor<1x?x4x2xf16>, tensor<1x?x2x2xf16>, tensor<1x?x2x2xf16> -> tensor<1x?x4x2xf16>
func.func @packed_gqa_f16(%x: tensor<1x?x8xf16>, %w: tensor<16x8xf16>, %wo: tensor<8x8xf16>, %b: tensor<16xf16>,
                          %bo: tensor<8xf16>) -> tensor<1x?x8xf16> {
  %y = attn.mha %x packed(%w, %wo) bias(%b, %bo) heads(4) kv_heads(2)
    : tensor<1x?x8xf16>, tensor<16x8xf16>, tensor<8x8xf16>, tensor<16xf16>, tensor<8xf16> -> tensor<1x?x8xf16>
  return %y : tensor<1x?x8xf16>
}

// Norm, then rope, on Q and K and not on V; every clause and region goes on.
// CHECK-LABEL: func.func @norm_rope_and_clauses(
// CHECK:         %[[QN:.+]] = attn.qk_norm %{{.+}}, %{{.+}} eps({{.+}}) : tensor<1x5x4x2xf64>, tensor<2xf64>
// CHECK:         %[[Q:.+]] = attn.rope %[[QN]], %{{.+}}, %{{.+}} interleaved layout(bshd) : tensor<1x5x4x2xf64>
// CHECK:         %[[KN:.+]] = attn.qk_norm
// CHECK:         %[[K:.+]] = attn.rope %[[KN]]
// CHECK:         attn.sdpa %[[Q]], %[[K]], %{{.+}} scale(%{{.+}}) softcap(%{{.+}}) causal(%{{.+}}) window(%{{.+}}, 0)
// CHECK-SAME:      keep(%{{.+}} : tensor<1x5xi1>) kv_lens(%{{.+}} : tensor<1xi32>) captures(%{{.+}}[h] : tensor<4xf64>) layout
// CHECK-SAME:      score(%[[S:.+]], %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %[[SLOPE:.+]]) {
// CHECK:           arith.mulf %[[S]], %[[SLOPE]] : f64
func.func @norm_rope_and_clauses(%x: tensor<1x5x8xf64>, %w: tensor<8x8xf64>, %wk: tensor<8x8xf64>,
    %cos: tensor<5x1xf64>, %g: tensor<2xf64>, %s: f64, %off: index, %keep: tensor<1x5xi1>, %lens: tensor<1xi32>, %slope: tensor<4xf64>) -> tensor<1x5x8xf64> {
  %y = attn.mha %x weights(%w, %wk, %w, %w) heads(4) rope(%cos, %cos : tensor<5x1xf64>, tensor<5x1xf64>) interleaved
      qk_norm(%g, %g : tensor<2xf64>, tensor<2xf64>) eps(1.0e-6) scale(%s) softcap(%s) causal(%off) window(%off, 0)
      keep(%keep : tensor<1x5xi1>) kv_lens(%lens : tensor<1xi32>) captures(%slope[h] : tensor<4xf64>)
    : tensor<1x5x8xf64>, tensor<8x8xf64>, tensor<8x8xf64>, tensor<8x8xf64>, tensor<8x8xf64> -> tensor<1x5x8xf64>
    score(%score, %b, %h, %m, %n, %sl) {
      %r = arith.mulf %score, %sl : f64
      attn.yield %r : f64
    }
  return %y : tensor<1x5x8xf64>
}

// Head sizes that only the weights' dynamic sizes say.
// CHECK-LABEL: func.func @dynamic_weights(
// CHECK:         affine.apply affine_map<()[s0] -> (s0 floordiv 4)>
// CHECK:         attn.sdpa {{.*}} tensor<?x?x4x?xf32>, tensor<?x?x4x?xf32>, tensor<?x?x4x?xf32> -> tensor<?x?x4x?xf32>
// CHECK:         tensor.cast {{.*}} : tensor<?x?x?xf32> to tensor<2x?x8xf32>
func.func @dynamic_weights(%x: tensor<?x?x?xf32>, %w: tensor<?x?xf32>) -> tensor<2x?x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4)
    : tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32>, tensor<?x?xf32> -> tensor<2x?x8xf32>
  return %y : tensor<2x?x8xf32>
}

// No rows to project: nothing is reshaped, and nothing computed.
// CHECK-LABEL: func.func @no_queries(
// CHECK-SAME:    %[[X:.+]]: tensor<0x?x8xf32>
// CHECK-NOT:     linalg
// CHECK:         %[[M:.+]] = tensor.dim %[[X]], %{{.+}}
// CHECK:         %[[Y:.+]] = tensor.empty(%[[M]]) : tensor<0x?x8xf32>
// CHECK:         return %[[Y]]
func.func @no_queries(%x: tensor<0x?x8xf32>, %w: tensor<8x8xf32>) -> tensor<0x?x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4)
    : tensor<0x?x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<0x?x8xf32>
  return %y : tensor<0x?x8xf32>
}

// No keys: rows of zeros, which sdpa and the output projection make.
// CHECK-LABEL: func.func @no_keys(
// CHECK:         %[[K:.+]] = tensor.empty(%{{.+}}) : tensor<?x0x4x2xf32>
// CHECK:         attn.sdpa %{{.+}}, %[[K]], %[[K]]
func.func @no_keys(%x: tensor<?x5x8xf32>, %c: tensor<?x0x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x5x8xf32> {
  %y = attn.mha %x context(%c) weights(%w, %w, %w, %w) heads(4)
    : tensor<?x5x8xf32>, tensor<?x0x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<?x5x8xf32>
  return %y : tensor<?x5x8xf32>
}

// A row without channels projects to its bias; slices of nothing are nothing.
// CHECK-LABEL: func.func @no_channels(
// CHECK:         tensor.empty() : tensor<8x0xf32>
// CHECK:         attn.sdpa
func.func @no_channels(%x: tensor<2x5x0xf32>, %w: tensor<16x0xf32>, %wo: tensor<8x8xf32>, %b: tensor<16xf32>, %bo: tensor<8xf32>) -> tensor<2x5x8xf32> {
  %y = attn.mha %x packed(%w, %wo) bias(%b, %bo) heads(4) kv_heads(2)
    : tensor<2x5x0xf32>, tensor<16x0xf32>, tensor<8x8xf32>, tensor<16xf32>, tensor<8xf32> -> tensor<2x5x8xf32>
  return %y : tensor<2x5x8xf32>
}
