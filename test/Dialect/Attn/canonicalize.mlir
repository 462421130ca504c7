// RUN: attn-opt %s --canonicalize | FileCheck %s
// One pattern or fold per function, named after it.

// CHECK-LABEL: func.func @merge_of_split(
// CHECK-SAME:    %[[X:.+]]: tensor<2x?x32xf32>
// CHECK-NEXT:    return %[[X]]
func.func @merge_of_split(%x: tensor<2x?x32xf32>) -> tensor<2x?x32xf32> {
  %h = attn.split_heads %x heads(4) : tensor<2x?x32xf32> -> tensor<2x4x?x8xf32>
  %y = attn.merge_heads %h : tensor<2x4x?x8xf32> -> tensor<2x?x32xf32>
  return %y : tensor<2x?x32xf32>
}

// CHECK-LABEL: func.func @split_of_merge(
// CHECK-SAME:    %[[H:.+]]: tensor<2x4x?x8xf32>
// CHECK-NEXT:    return %[[H]]
func.func @split_of_merge(%h: tensor<2x4x?x8xf32>) -> tensor<2x4x?x8xf32> {
  %x = attn.merge_heads %h : tensor<2x4x?x8xf32> -> tensor<2x?x32xf32>
  %y = attn.split_heads %x heads(4) : tensor<2x?x32xf32> -> tensor<2x4x?x8xf32>
  return %y : tensor<2x4x?x8xf32>
}

// Other heads than were merged, or heads whose number is not known: both stay.
// CHECK-LABEL: func.func @split_anew(
// CHECK-COUNT-2: attn.split_heads
func.func @split_anew(%h: tensor<2x4x5x8xf32>, %g: tensor<2x?x5x8xf32>) -> (tensor<2x2x5x16xf32>, tensor<2x?x5x8xf32>) {
  %x = attn.merge_heads %h : tensor<2x4x5x8xf32> -> tensor<2x5x32xf32>
  %y = attn.split_heads %x heads(2) : tensor<2x5x32xf32> -> tensor<2x2x5x16xf32>
  %u = attn.merge_heads %g : tensor<2x?x5x8xf32> -> tensor<2x5x?xf32>
  %v = attn.split_heads %u heads(4) : tensor<2x5x?xf32> -> tensor<2x?x5x8xf32>
  return %y, %v : tensor<2x2x5x16xf32>, tensor<2x?x5x8xf32>
}

// CHECK-LABEL: func.func @identity_layouts(
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} : tensor
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} layout(bhsd, bhsd, bhsd, bshd) :
func.func @identity_layouts(%q: tensor<2x4x4x8xf32>) -> (tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>) {
  %a = attn.sdpa %q, %q, %q layout(bhsd, bhsd, bhsd, bhsd) : tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  %b = attn.sdpa %q, %q, %q layout(bhsd, bhsd, bhsd, bshd) : tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32> -> tensor<2x4x4x8xf32>
  return %a, %b : tensor<2x4x4x8xf32>, tensor<2x4x4x8xf32>
}

// CHECK-LABEL: func.func @merge(
// CHECK:         %[[A:.+]] = attn.merge %{{.+}}, %{{.+}} : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>{{$}}
// CHECK:         %[[B:.+]], %[[L:.+]] = attn.merge %{{.+}}, %{{.+}} layout(bshd, bhsd) :
// CHECK:         return %[[A]], %[[B]], %[[L]]
func.func @merge(%o: tensor<3x1x4x2x8xf32>, %l: tensor<3x1x4x2xf32>, %t: tensor<3x1x2x4x8xf32>)
    -> (tensor<1x4x2x8xf32>, tensor<1x4x2x8xf32>, tensor<1x4x2xf32>) {
  %a, %unread = attn.merge %o, %l layout(bhsd, bhsd) : tensor<3x1x4x2x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>, tensor<1x4x2xf32>
  %b, %lse = attn.merge %t, %l layout(bshd, bhsd) : tensor<3x1x2x4x8xf32>, tensor<3x1x4x2xf32> -> tensor<1x4x2x8xf32>, tensor<1x4x2xf32>
  return %a, %b, %lse : tensor<1x4x2x8xf32>, tensor<1x4x2x8xf32>, tensor<1x4x2xf32>
}

// A negative value that is no bound is left for the run to refuse.
// CHECK-LABEL: func.func @constant_windows(
// CHECK-SAME:    %{{.+}}: tensor<2x4x5x8xf32>, %[[W:.+]]: index
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} window(4, %[[W]]) :
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} : tensor
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} window(-1, 0) :
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} window(%c-2, -1) :
func.func @constant_windows(%q: tensor<2x4x5x8xf32>, %w: index)
    -> (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) {
  %four = arith.constant 4 : index
  %none = arith.constant -1 : index
  %wrong = arith.constant -2 : index
  %a = attn.sdpa %q, %q, %q window(%four, %w) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %b = attn.sdpa %q, %q, %q window(-1, %none) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %c = attn.sdpa %q, %q, %q window(%none, 0) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %d = attn.sdpa %q, %q, %q window(%wrong, %none) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return %a, %b, %c, %d : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>
}

// CHECK-LABEL: func.func @constant_causal_offset(
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} causal(top_left) :
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} causal(%c1) :
func.func @constant_causal_offset(%q: tensor<2x4x5x8xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %a = attn.sdpa %q, %q, %q causal(%c0) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  %b = attn.sdpa %q, %q, %q causal(%c1) : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
  return %a, %b : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>
}

// CHECK-LABEL: func.func @trivial_regions(
// CHECK:         attn.sdpa %{{.+}}, %{{.+}}, %{{.+}} : {{.*}} -> tensor<2x4x5x8xf32>{{$}}
// CHECK-NEXT:    return
func.func @trivial_regions(%q: tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    score(%s, %b, %h, %m, %n) {
      attn.yield %s : f32
    } mask(%b, %h, %m, %n) {
      %true = arith.constant true
      attn.yield %true : i1
    }
  return %o : tensor<2x4x5x8xf32>
}

// A mask that keeps nothing is not trivial: its rows are 0.
// CHECK-LABEL: func.func @mask_of_nothing(
// CHECK:         attn.sdpa {{.*}} mask(
func.func @mask_of_nothing(%q: tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32> -> tensor<2x4x5x8xf32>
    mask(%b, %h, %m, %n) {
      %false = arith.constant false
      attn.yield %false : i1
    }
  return %o : tensor<2x4x5x8xf32>
}

// The middle one of three is read by the mask alone.
// CHECK-LABEL: func.func @unused_captures(
// CHECK-SAME:    %{{.+}}: tensor<2x5x8xf32>, %{{.+}}: tensor<8x8xf32>, %{{.+}}: tensor<4xf32>, %[[LIMIT:.+]]: index
// CHECK:         attn.mha {{.*}} captures(%[[LIMIT]][] : index) {{.*}} score(%[[S:.+]], %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}) {
// CHECK:           arith.mulf %[[S]], %[[S]]
// CHECK:         } mask(%{{.+}}, %{{.+}}, %{{.+}}, %[[N:.+]], %[[L:.+]]) {
// CHECK:           arith.cmpi slt, %[[N]], %[[L]]
func.func @unused_captures(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>, %slope: tensor<4xf32>, %limit: index) -> tensor<2x5x8xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4) captures(%slope[h] : tensor<4xf32>, %limit[] : index, %slope[h] : tensor<4xf32>)
    : tensor<2x5x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
    score(%s, %b, %h, %m, %n, %u, %l, %v) {
      %t = arith.mulf %s, %s : f32
      attn.yield %t : f32
    } mask(%b, %h, %m, %n, %u, %l, %v) {
      %c = arith.cmpi slt, %n, %l : index
      attn.yield %c : i1
    }
  return %y : tensor<2x5x8xf32>
}
