// RUN: attn-opt %s --attn-linalg --canonicalize --cse --split-input-file -mlir-print-local-scope | FileCheck %s
// The loop works in place: what is yielded is what was carried.
// RUN: attn-opt %s --attn-linalg --canonicalize --cse --one-shot-bufferize --split-input-file -o /dev/null

// For key blocks [32 i, 32 (i + 1)) cut to [lo, hi), from the block of lo on:
//   S = scale * Q K^T, -inf where neither full nor mask;  f = exp(max - max')
//   P = exp(S - max');  sum' = f sum + sum_n P;  acc' = f acc + P V
// then O = acc / (sum + exp(sink - max)), LSE = max + log(sum).
// CHECK-LABEL: func.func @key_blocks(
// CHECK-SAME: %[[Q:[^:,]+]]: tensor<1x1x4x8xf32>, %[[K:[^:,]+]]: tensor<1x1x?x8xf32>, %[[V:[^:,]+]]: tensor<1x1x?x6xf32>, %[[O:[^:,]+]]: tensor<1x1x4x6xf32>, %[[L:[^:,]+]]: tensor<1x1x4xf32>
// CHECK-SAME: %[[SCALE:[^:,]+]]: f32, %[[SINK:[^:,]+]]: f32, %[[DOC:[^:,]+]]: tensor<2x?xi32>, %{{[^:,]+}}: index, %{{[^:,]+}}: index, %[[LO:[^:,]+]]: index, %[[HI:[^:,]+]]: index, %[[FULLLO:[^:,]+]]: index, %[[FULLHI:[^:,]+]]: index
// CHECK-SAME: %[[B:[^:,]+]]: index, %{{[^:,]+}}: index, %[[M:[^:,]+]]: index)
// CHECK-DAG: %[[LOWEST:.+]] = arith.constant 0xFF800000 : f32
// CHECK-DAG: %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK-DAG: %[[C32:.+]] = arith.constant 32 : index
// CHECK: %[[ROWS:.+]] = tensor.extract_slice %[[Q]]{{.+}} to tensor<4x8xf32>
// CHECK: %[[FIRST:.+]] = affine.apply affine_map<()[s0] -> ((s0 floordiv 32) * 32)>()[%[[LO]]]
// CHECK: %[[ACC0:.+]] = linalg.fill ins(%[[ZERO]] : f32) {{.+}} -> tensor<4x6xf32>
// CHECK: %[[MAX0:.+]] = linalg.fill ins(%[[LOWEST]] : f32) {{.+}} -> tensor<4xf32>
// CHECK: %[[SUM0:.+]] = linalg.fill ins(%[[ZERO]] : f32) {{.+}} -> tensor<4xf32>
// CHECK: %[[LOOP:.+]]:3 = scf.for %[[I:.+]] = %[[FIRST]] to %[[HI]] step %[[C32]] iter_args(%[[ACC:.+]] = %[[ACC0]], %[[MAX:.+]] = %[[MAX0]], %[[SUM:.+]] = %[[SUM0]])
// CHECK: %[[FROM:.+]] = arith.maxsi %[[I]], %[[LO]]
// CHECK: %[[NEXT:.+]] = arith.addi %[[I]], %[[C32]]
// CHECK: %[[TO:.+]] = arith.minsi %[[NEXT]], %[[HI]]
// CHECK: %[[COUNT:.+]] = arith.subi %[[TO]], %[[FROM]]
// CHECK: %[[KEYS:.+]] = tensor.extract_slice %[[K]][0, 0, %[[FROM]], 0] [1, 1, %[[COUNT]], 8]
// CHECK: %[[DOT:.+]] = linalg.generic {{.+}} ins(%[[ROWS]], %[[KEYS]]
// CHECK: %[[DOCS:.+]] = tensor.extract_slice %[[DOC]][%[[B]], %[[FROM]]] [1, %[[COUNT]]] [1, 1] : tensor<2x?xi32> to tensor<?xi32>
// CHECK: %[[S:.+]] = linalg.generic {{.+}} ins(%[[DOCS]] : {{.+}}) outs(%[[DOT]]
// CHECK-NEXT: ^bb0(%[[DI:.+]]: i32, %[[DOTI:.+]]: f32):
// CHECK-NEXT: %[[SI:.+]] = arith.mulf %[[DOTI]], %[[SCALE]]
// CHECK-NEXT: %[[ROW:.+]] = linalg.index 0
// CHECK-NEXT: %[[MI:.+]] = arith.addi %[[M]], %[[ROW]]
// CHECK-NEXT: %[[DINDEX:.+]] = arith.index_cast %[[DI]]
// CHECK-NEXT: %[[KEEP:.+]] = arith.cmpi sle, %[[DINDEX]], %[[MI]]
// CHECK-NEXT: %[[COLUMN:.+]] = linalg.index 1
// CHECK-NEXT: %[[NI:.+]] = arith.addi %[[FROM]], %[[COLUMN]]
// CHECK-NEXT: %[[ABOVE:.+]] = arith.cmpi sge, %[[NI]], %[[FULLLO]]
// CHECK-NEXT: %[[BELOW:.+]] = arith.cmpi slt, %[[NI]], %[[FULLHI]]
// CHECK-NEXT: %[[FULL:.+]] = arith.andi %[[ABOVE]], %[[BELOW]]
// CHECK-NEXT: %[[KEPT:.+]] = arith.ori %[[FULL]], %[[KEEP]]
// CHECK-NEXT: arith.select %[[KEPT]], %[[SI]], %[[LOWEST]]
// CHECK: %[[BLOCKMAX:.+]] = linalg.generic {{.+}} ins(%[[S]]
// CHECK: %[[FACTOR:.+]] = linalg.generic {{.+}} ins(%[[MAX]], %[[BLOCKMAX]]
// CHECK-NEXT: ^bb0(%[[OLD:.+]]: f32, %[[BLOCK:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT: %[[NONE:.+]] = arith.cmpf oeq, %[[OLD]], %[[LOWEST]]
// CHECK-NEXT: %[[NEW:.+]] = arith.maximumf %[[OLD]], %[[BLOCK]]
// CHECK-NEXT: %[[DISTANCE:.+]] = arith.subf %[[OLD]], %[[NEW]]
// CHECK-NEXT: %[[EXP:.+]] = math.exp %[[DISTANCE]]
// CHECK-NEXT: arith.select %[[NONE]], %[[ZERO]], %[[EXP]]
// CHECK: %[[MAX1:.+]] = linalg.generic {{.+}} ins(%[[BLOCKMAX]] : {{.+}}) outs(%[[MAX]]
// CHECK: %[[P:.+]] = linalg.generic {{.+}} ins(%[[MAX1]] : {{.+}}) outs(%[[S]]
// CHECK: %[[SUMF:.+]] = linalg.generic {{.+}} ins(%[[FACTOR]] : {{.+}}) outs(%[[SUM]]
// CHECK: %[[SUM1:.+]] = linalg.generic {{.+}} ins(%[[P]] : {{.+}}) outs(%[[SUMF]]
// CHECK: %[[VALUES:.+]] = tensor.extract_slice %[[V]][0, 0, %[[FROM]], 0] [1, 1, %[[COUNT]], 6]
// CHECK: %[[ACCF:.+]] = linalg.generic {{.+}} ins(%[[FACTOR]] : {{.+}}) outs(%[[ACC]]
// CHECK: %[[ACC1:.+]] = linalg.generic {{.+}} ins(%[[P]], %[[VALUES]] : {{.+}}) outs(%[[ACCF]]
// CHECK: scf.yield %[[ACC1]], %[[MAX1]], %[[SUM1]]
// CHECK: %[[DENOMINATOR:.+]] = linalg.generic {{.+}} ins(%[[LOOP]]#1, %[[LOOP]]#2
// CHECK: %[[WIDESINK:.+]] = arith.extf %[[SINK]] : f32 to f64
// CHECK: arith.subf %[[WIDESINK]], %{{.+}}
// CHECK: %[[RO:.+]] = linalg.generic {{.+}} ins(%[[LOOP]]#0, %[[DENOMINATOR]] : {{.+}}) outs(%[[O]]
// CHECK: %[[RL:.+]] = linalg.generic {{.+}} ins(%[[LOOP]]#1, %[[LOOP]]#2 : {{.+}}) outs(%[[L]]
// CHECK: return %[[RO]], %[[RL]]
func.func @key_blocks(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x6xf32>, %o: tensor<1x1x4x6xf32>, %l: tensor<1x1x4xf32>,
                      %scale: f32, %sink: f32, %doc: tensor<2x?xi32>, %M: index, %N: index, %lo: index, %hi: index, %full_lo: index, %full_hi: index,
                      %b: index, %h: index, %m: index) -> (tensor<1x1x4x6xf32>, tensor<1x1x4xf32>) {
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%lo to %hi, full %full_lo to %full_hi) tile(%b, %h, %m) of(%M, %N)
      captures(%doc[b, n] : tensor<2x?xi32>) {plan = #attn.plan<room = linalg, form = flash, key_block = 32, query_group = 4>}
    : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x6xf32> -> !attn.partial<f32>
    mask(%b1, %h1, %m1, %n, %d) {
      %i = arith.index_cast %d : i32 to index
      %c = arith.cmpi sle, %i, %m1 : index
      attn.yield %c : i1
    }
  %r:2 = attn.finalize %p sink(%sink : f32) outs(%o, %l) layout(bhsd)
    : !attn.partial<f32>, tensor<1x1x4x6xf32>, tensor<1x1x4xf32> -> tensor<1x1x4x6xf32>, tensor<1x1x4xf32>
  return %r#0, %r#1 : tensor<1x1x4x6xf32>, tensor<1x1x4xf32>
}

// -----

// Rows and channels in the order of the layouts, sums in f32, one rounding;
// without a plan a block has 64 keys.
// CHECK-LABEL: func.func @layouts_half(
// CHECK-SAME: %[[Q:[^:,]+]]: tensor<1x4x1x8xf16>, %[[K:[^:,]+]]: tensor<1x1x8x?xf16>
// CHECK-DAG: %[[C64:.+]] = arith.constant 64 : index
// CHECK: tensor.extract_slice %[[Q]][0, 0, 0, 0] [1, 4, 1, 8] [1, 1, 1, 1] : tensor<1x4x1x8xf16> to tensor<4x8xf16>
// CHECK: scf.for %{{.+}} = %{{.+}} to %{{.+}} step %[[C64]]
// CHECK: tensor.extract_slice %[[K]][0, 0, 0, %{{.+}}] {{.+}} to tensor<8x?xf16>
// CHECK: linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, affine_map<(d0, d1, d2) -> (d2, d1)>, affine_map<(d0, d1, d2) -> (d0, d1)>]
// CHECK: scf.yield
// CHECK: linalg.generic {indexing_maps = [{{.+}}, affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>]
// CHECK: %[[R:.+]] = arith.divf {{.+}} : f32
// CHECK-NEXT: arith.truncf %[[R]] : f32 to f16
func.func @layouts_half(%q: tensor<1x4x1x8xf16>, %k: tensor<1x1x8x?xf16>, %v: tensor<1x1x?x6xf16>, %o: tensor<1x4x1x6xf16>,
                        %scale: f32, %lo: index, %hi: index) -> tensor<1x4x1x6xf16> {
  %p = attn.online_sdpa %q, %k, %v scale(%scale) keys(%lo to %hi, full %lo to %hi) tile(%lo, %lo, %lo) of(%hi, %hi) layout(bshd, bhds, bhsd)
    : tensor<1x4x1x8xf16>, tensor<1x1x8x?xf16>, tensor<1x1x?x6xf16> -> !attn.partial<f32>
  %r = attn.finalize %p outs(%o) layout(bshd) : !attn.partial<f32>, tensor<1x4x1x6xf16> -> tensor<1x4x1x6xf16>
  return %r : tensor<1x4x1x6xf16>
}
