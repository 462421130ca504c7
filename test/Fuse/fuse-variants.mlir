// RUN: attn-opt %s --attn-fuse-variants | FileCheck %s

!q = tensor<2x8x?x64xf32>

// Softcap, score region, alibi, additive; then keep, mask region, causal,
// window, kv_lens. The user's captures stay in front, equal ones are shared.
// CHECK-LABEL: func @in_order
// CHECK-SAME:  %[[C:[^,]+]]: f32, %[[SLOPE:[^,]+]]: tensor<8xf32>, %[[T:[^,]+]]: tensor<2x1x?x?xf32>, %[[KEEP:[^,]+]]: tensor<?x?xi1>, %[[LENS:[^,]+]]: tensor<2xindex>, %[[SINK:[^,]+]]: tensor<8xf32>, %[[X:[^,]+]]: tensor<8xf32>
// CHECK:         attn.sdpa {{.*}} scale(%[[C]]) sinks(%[[SINK]] : tensor<8xf32>)
// CHECK-SAME:      captures(%[[X]][h] : {{[^,]*}}, %[[SLOPE]][h] : {{[^,]*}}, %[[C]][] : f32, %[[T]][b, 0, m, n] : {{[^,]*}}, %[[KEEP]][m, n] : {{[^,]*}}, %[[LENS]][b] : {{[^,)]*}}) layout(bshd, bshd, bshd, bshd) returns(lse)
// CHECK-SAME:    score(%[[S:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[SX:.+]], %[[SSLOPE:.+]], %[[SC:.+]], %[[ST:.+]], %{{.*}}, %{{.*}}) {
// CHECK:           %[[CAPPED:.+]] = arith.select
// CHECK-NEXT:      %[[USER:.+]] = arith.mulf %[[CAPPED]], %[[SX]] : f32
// CHECK:           %[[BIAS:.+]] = arith.mulf %[[SSLOPE]], %{{.*}} : f32
// CHECK-NEXT:      %[[A:.+]] = arith.subf %[[USER]], %[[BIAS]] : f32
// CHECK-NEXT:      %[[R:.+]] = arith.addf %[[A]], %[[ST]] : f32
// CHECK-NEXT:      attn.yield %[[R]] : f32
// CHECK-NEXT:    } mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[K:.+]], %[[L:.+]]) {
// CHECK-NEXT:      %[[NE:.+]] = arith.cmpi ne, %[[M]], %[[N]] : index
// CHECK-NEXT:      %[[K1:.+]] = arith.andi %[[K]], %[[NE]] : i1
// CHECK-NEXT:      %[[LE:.+]] = arith.cmpi sle, %[[N]], %[[M]] : index
// CHECK-NEXT:      %[[K2:.+]] = arith.andi %[[K1]], %[[LE]] : i1
// CHECK:           %[[GE:.+]] = arith.cmpi sge
// CHECK-NEXT:      %[[K3:.+]] = arith.andi %[[K2]], %[[GE]] : i1
// CHECK-NEXT:      %[[LT:.+]] = arith.cmpi slt, %[[N]], %[[L]] : index
// CHECK-NEXT:      %[[K4:.+]] = arith.andi %[[K3]], %[[LT]] : i1
// CHECK-NEXT:      attn.yield %[[K4]] : i1
func.func @in_order(%q: tensor<2x?x8x64xf32>, %k: tensor<2x?x8x64xf32>, %c: f32, %slope: tensor<8xf32>, %t: tensor<2x1x?x?xf32>,
                    %keep: tensor<?x?xi1>, %lens: tensor<2xindex>, %sink: tensor<8xf32>, %x: tensor<8xf32>) -> (tensor<2x?x8x64xf32>, tensor<2x8x?xf32>) {
  %o, %lse = attn.sdpa %q, %k, %k scale(%c) softcap(%c) causal(top_left) window(9, 3) alibi(%slope : tensor<8xf32>)
      additive(%t : tensor<2x1x?x?xf32>) keep(%keep : tensor<?x?xi1>) kv_lens(%lens : tensor<2xindex>) sinks(%sink : tensor<8xf32>)
      captures(%x[h] : tensor<8xf32>, %slope[h] : tensor<8xf32>) layout(bshd, bshd, bshd, bshd) returns(lse)
    : tensor<2x?x8x64xf32>, tensor<2x?x8x64xf32>, tensor<2x?x8x64xf32> -> tensor<2x?x8x64xf32>, tensor<2x8x?xf32>
    score(%s, %b, %h, %m, %n, %cx, %cs) {
      %r = arith.mulf %s, %cx : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %cx, %cs) {
      %r = arith.cmpi ne, %m, %n : index
      attn.yield %r : i1
    }
  return %o, %lse : tensor<2x?x8x64xf32>, tensor<2x8x?xf32>
}

// No bound and no cap: no region. 1 / sqrt(D) with D known at run time.
// CHECK-LABEL: func @nothing_to_do
// CHECK:         %[[D:.+]] = tensor.dim
// CHECK:         %[[I:.+]] = arith.index_cast %[[D]] : index to i64
// CHECK:         %[[F:.+]] = arith.sitofp %[[I]] : i64 to f64
// CHECK:         %[[ROOT:.+]] = math.sqrt %[[F]] : f64
// CHECK:         %[[SCALE:.+]] = arith.divf %{{.*}}, %[[ROOT]] : f64
// CHECK:         attn.sdpa %{{[^)]*}} scale(%[[SCALE]]) : {{.*}} -> tensor<1x1x4x?xf64>{{$}}
func.func @nothing_to_do(%q: tensor<1x1x4x?xf64>) -> tensor<1x1x4x?xf64> {
  %c = arith.constant 0.0 : f64
  %o = attn.sdpa %q, %q, %q softcap(%c) window(-1, -1) : tensor<1x1x4x?xf64>, tensor<1x1x4x?xf64>, tensor<1x1x4x?xf64> -> tensor<1x1x4x?xf64>
  return %o : tensor<1x1x4x?xf64>
}

// Only regions: nothing to expand.
// CHECK-LABEL: func @regions_stay
// CHECK-SAME:  %[[S:[^,]+]]: f32
// CHECK-NOT:     arith.constant
// CHECK:         attn.sdpa {{.*}} scale(%[[S]]) :
// CHECK-SAME:    mask(%{{.*}}, %{{.*}}, %[[M:.+]], %[[N:.+]]) {
// CHECK-NEXT:      arith.cmpi ne, %[[M]], %[[N]] : index
func.func @regions_stay(%q: !q, %s: f32) -> !q {
  %o = attn.sdpa %q, %q, %q scale(%s) : !q, !q, !q -> !q mask(%b, %h, %m, %n) {
    %r = arith.cmpi ne, %m, %n : index
    attn.yield %r : i1
  }
  return %o : !q
}
