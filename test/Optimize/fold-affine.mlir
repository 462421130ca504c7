// What a norm multiplies and adds last goes into the weights that read it.

// RUN: attn-opt %s --attn-optimize-fold-affine --remarks-filter=attn-optimize 2>%t | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: attn-opt %s --attn-optimize=without=fold-affine | FileCheck %s --check-prefix=OFF

#all = affine_map<(b, s, e) -> (b, s, e)>
#row = affine_map<(b, s, e) -> (b, s)>
#channel = affine_map<(b, s, e) -> (e)>
#last = affine_map<(b, s, e) -> (0, 0, e)>
#none = affine_map<(b, s, e) -> ()>

// Constants become constants: w = [[1, 2], [3, 4]] times gamma [2, 10], and w beta = [1*3 + 2*5, 3*3 + 4*5].
// CHECK-LABEL: func.func @norm(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x2xf32>, %[[R:.+]]: tensor<1x?xf32>
// CHECK:         %[[N:.+]] = linalg.generic {{.*}} ins(%[[X]], %[[R]] :
// CHECK-NEXT:    ^bb0(%[[V:.+]]: f32, %[[I:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[T:.+]] = arith.mulf %[[V]], %[[I]]
// CHECK-NEXT:      linalg.yield %[[T]]
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[}}2.000000e+00, 2.000000e+01], [6.000000e+00, 4.000000e+01]]>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<[1.300000e+01, 2.900000e+01]>
// CHECK:         attn.mha %[[N]] weights(%[[W]], %{{[a-z_0-9]+}}, %{{[a-z_0-9]+}}, %{{[a-z_0-9]+}}) bias(%[[B]], %{{.+}}, %{{.+}}, %{{.+}}) heads(2)
// REMARK: [Passed] FoldAffine | Category:attn-optimize | Remark="folded into the weights of 1 blocks: an addend of 2 channels: 8 bytes of weights and 2 FLOP a row less"
// REMARK: [Passed] FoldAffine | Category:attn-optimize | Remark="folded into the weights of 1 blocks: a factor of 2 channels: 8 bytes of weights and 2 FLOP a row less"
// OFF-LABEL: func.func @norm(
// OFF-COUNT-2: arith.mulf
func.func @norm(%x: tensor<1x?x2xf32>, %inverse: tensor<1x?xf32>, %s: index) -> tensor<1x?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %gamma = arith.constant dense<[2.0, 10.0]> : tensor<2xf32>
  %beta = arith.constant dense<[[[3.0, 5.0]]]> : tensor<1x1x2xf32>
  %e = tensor.empty(%s) : tensor<1x?x2xf32>
  %n = linalg.generic {indexing_maps = [#all, #row, #channel, #last, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %inverse, %gamma, %beta : tensor<1x?x2xf32>, tensor<1x?xf32>, tensor<2xf32>, tensor<1x1x2xf32>) outs(%e : tensor<1x?x2xf32>) {
  ^bb0(%v: f32, %i: f32, %g: f32, %b: f32, %o: f32):
    %t = arith.mulf %v, %i : f32
    %tg = arith.mulf %t, %g : f32
    %r = arith.addf %tg, %b : f32
    linalg.yield %r : f32
  } -> tensor<1x?x2xf32>
  %y = attn.mha %n weights(%w, %w, %w, %w) heads(2)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}

// Arguments become code on weights; a generic of which nothing is left goes. Two blocks, and x as context.
// CHECK-LABEL: func.func @factors(
// CHECK-SAME:    %[[X:.+]]: tensor<1x?x2xf64>, %[[M:.+]]: tensor<1x?x2xf64>, %[[G:.+]]: tensor<2xf64>
// CHECK-NOT:     arith.mulf {{.*}}<1x?x2
// CHECK:         %[[WK:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[G]] : tensor<2x2xf64>, tensor<2xf64>)
// CHECK:         %[[WV:.+]] = linalg.generic {{.*}} ins(%{{.+}}, %[[G]] : tensor<2x2xf64>, tensor<2xf64>)
// CHECK:         attn.mha %[[M]] context(%[[X]]) weights(%{{[a-z_0-9]+}}, %[[WK]], %[[WV]], %{{[a-z_0-9]+}}) heads(1)
// CHECK:         attn.mha %[[X]] weights(
// REMARK: [Passed] {{.*}}folded into the weights of 2 blocks: a factor of 2 channels: 16 bytes
func.func @factors(%x: tensor<1x?x2xf64>, %m: tensor<1x?x2xf64>, %g: tensor<2xf64> {attn.weight}, %w: tensor<2x2xf64> {attn.weight}, %s: index) -> (tensor<1x?x2xf64>, tensor<1x?x2xf64>) {
  %e = tensor.empty(%s) : tensor<1x?x2xf64>
  %n = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %g : tensor<1x?x2xf64>, tensor<2xf64>) outs(%e : tensor<1x?x2xf64>) {
  ^bb0(%v: f64, %f: f64, %o: f64):
    %t = arith.mulf %f, %v : f64
    linalg.yield %t : f64
  } -> tensor<1x?x2xf64>
  %y = attn.mha %m context(%n) weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x2xf64>, tensor<1x?x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64> -> tensor<1x?x2xf64>
  %z = attn.mha %n weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64> -> tensor<1x?x2xf64>
  return %y, %z : tensor<1x?x2xf64>, tensor<1x?x2xf64>
}

// Behind a block, by a number: rows of wo and bo; what follows stays.
// CHECK-LABEL: func.func @behind(
// CHECK-DAG:     %[[WO:.+]] = arith.constant dense<{{\[\[}}5.000000e-01, 1.000000e+00], [1.500000e+00, 2.000000e+00]]>
// CHECK:         %[[Y:.+]] = attn.mha %{{.+}} weights(%{{.+}}, %{{.+}}, %{{.+}}, %[[WO]])
// CHECK:         linalg.generic {{.*}} ins(%[[Y]], %{{.+}} :
// CHECK:           arith.addf
// CHECK-NOT:       arith.mulf
// CHECK:         return
// REMARK: [Passed] {{.*}}folded into the output weights: a factor of all channels: 0 bytes of weights and 2 FLOP a row less
func.func @behind(%x: tensor<1x?x2xf32>, %s: index) -> tensor<1x?x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(2)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  %half = arith.constant 0.5 : f32
  %e = tensor.empty(%s) : tensor<1x?x2xf32>
  %z = linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %x : tensor<1x?x2xf32>, tensor<1x?x2xf32>) outs(%e : tensor<1x?x2xf32>) {
  ^bb0(%v: f32, %r: f32, %o: f32):
    %t = arith.mulf %v, %half : f32
    %u = arith.addf %t, %r : f32
    linalg.yield %u : f32
  } -> tensor<1x?x2xf32>
  return %z : tensor<1x?x2xf32>
}

// Factors that were copied to all rows before, by an op or by a generic.
// CHECK-LABEL: func.func @copied(
// CHECK-SAME:    %[[X:.+]]: tensor<3x5x2xf32>
// CHECK:         attn.mha %[[X]] weights(
// REMARK: [Passed] {{.*}}an addend of 2 channels
// REMARK: [Passed] {{.*}}a factor of 2 channels
func.func @copied(%x: tensor<3x5x2xf32>, %g: tensor<2xf32> {attn.weight}, %w: tensor<2x2xf32> {attn.weight}) -> tensor<3x5x2xf32> {
  %e = tensor.empty() : tensor<3x5x2xf32>
  %r = linalg.broadcast ins(%g : tensor<2xf32>) outs(%e : tensor<3x5x2xf32>) dimensions = [0, 1]
  %c = linalg.generic {indexing_maps = [#channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%g : tensor<2xf32>) outs(%e : tensor<3x5x2xf32>) {
  ^bb0(%v: f32, %o: f32):
    linalg.yield %v : f32
  } -> tensor<3x5x2xf32>
  %n = linalg.generic {indexing_maps = [#all, #all, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %r, %c : tensor<3x5x2xf32>, tensor<3x5x2xf32>, tensor<3x5x2xf32>) outs(%e : tensor<3x5x2xf32>) {
  ^bb0(%v: f32, %f: f32, %a: f32, %o: f32):
    %t = arith.mulf %v, %f : f32
    %u = arith.addf %t, %a : f32
    linalg.yield %u : f32
  } -> tensor<3x5x2xf32>
  %y = attn.mha %n weights(%w, %w, %w, %w) heads(1)
    : tensor<3x5x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<3x5x2xf32>
  return %y : tensor<3x5x2xf32>
}

// The sum around the block reads the normed rows too.
// CHECK-LABEL: func.func @post_norm(
// CHECK:         arith.mulf
// REMARK: [Missed] {{.*}}what is last multiplied or added to its rows stays: 'func.return' reads the rows as well
func.func @post_norm(%x: tensor<1x?x2xf32>, %g: tensor<2xf32>, %w: tensor<2x2xf32> {attn.weight}, %s: index) -> (tensor<1x?x2xf32>, tensor<1x?x2xf32>) {
  %e = tensor.empty(%s) : tensor<1x?x2xf32>
  %n = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %g : tensor<1x?x2xf32>, tensor<2xf32>) outs(%e : tensor<1x?x2xf32>) {
  ^bb0(%v: f32, %f: f32, %o: f32):
    %t = arith.mulf %v, %f : f32
    linalg.yield %t : f32
  } -> tensor<1x?x2xf32>
  %y = attn.mha %n weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y, %n : tensor<1x?x2xf32>, tensor<1x?x2xf32>
}

// CHECK-LABEL: func.func @narrow(
// CHECK:         arith.mulf
// REMARK: [Missed] {{.*}}its rows stays: weights of 16 bits would be rounded again
func.func @narrow(%x: tensor<1x?x2xf16>, %g: tensor<2xf16> {attn.weight}, %w: tensor<2x2xf16> {attn.weight}, %s: index) -> tensor<1x?x2xf16> {
  %e = tensor.empty(%s) : tensor<1x?x2xf16>
  %n = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %g : tensor<1x?x2xf16>, tensor<2xf16>) outs(%e : tensor<1x?x2xf16>) {
  ^bb0(%v: f16, %f: f16, %o: f16):
    %t = arith.mulf %v, %f : f16
    linalg.yield %t : f16
  } -> tensor<1x?x2xf16>
  %y = attn.mha %n weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x2xf16>, tensor<2x2xf16>, tensor<2x2xf16>, tensor<2x2xf16>, tensor<2x2xf16> -> tensor<1x?x2xf16>
  return %y : tensor<1x?x2xf16>
}

// A norm that the call steers: its factor would go into the weights in each call.
// CHECK-LABEL: func.func @steered(
// CHECK:         arith.mulf
// REMARK: [Missed] {{.*}}its rows stays: it is known at the call alone
func.func @steered(%x: tensor<1x?x2xf32>, %g: tensor<2xf32>, %w: tensor<2x2xf32> {attn.weight}, %s: index) -> tensor<1x?x2xf32> {
  %e = tensor.empty(%s) : tensor<1x?x2xf32>
  %n = linalg.generic {indexing_maps = [#all, #channel, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %g : tensor<1x?x2xf32>, tensor<2xf32>) outs(%e : tensor<1x?x2xf32>) {
  ^bb0(%v: f32, %f: f32, %o: f32):
    %t = arith.mulf %v, %f : f32
    linalg.yield %t : f32
  } -> tensor<1x?x2xf32>
  %y = attn.mha %n weights(%w, %w, %w, %w) heads(1)
    : tensor<1x?x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32> -> tensor<1x?x2xf32>
  return %y : tensor<1x?x2xf32>
}
