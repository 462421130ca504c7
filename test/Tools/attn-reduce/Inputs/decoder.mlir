// Two layers of a decoder and what stands around them: long enough to be worth reducing.
// The ops carry every kind of clause; the planted faults need one of them.

func.func private @halve(%x: tensor<2x37x64xf32>) -> tensor<2x37x64xf32> {
  %half = arith.constant 0.5 : f32
  %empty = tensor.empty() : tensor<2x37x64xf32>
  %all = linalg.fill ins(%half : f32) outs(%empty : tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %y = linalg.mul ins(%x, %all : tensor<2x37x64xf32>, tensor<2x37x64xf32>)
                  outs(%empty : tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  return %y : tensor<2x37x64xf32>
}

func.func private @project(%x: tensor<2x37x64xf32>, %w: tensor<64x64xf32>) -> tensor<2x37x64xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x37x64xf32>
  %clean = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x37x64xf32>, tensor<64x64xf32>) outs(%clean : tensor<2x37x64xf32>) {
    ^bb0(%a: f32, %c: f32, %acc: f32):
      %p = arith.mulf %a, %c : f32
      %s = arith.addf %acc, %p : f32
      linalg.yield %s : f32
  } -> tensor<2x37x64xf32>
  return %y : tensor<2x37x64xf32>
}

func.func private @residual(%x: tensor<2x37x64xf32>, %y: tensor<2x37x64xf32>) -> tensor<2x37x64xf32> {
  %empty = tensor.empty() : tensor<2x37x64xf32>
  %z = linalg.add ins(%x, %y : tensor<2x37x64xf32>, tensor<2x37x64xf32>)
                  outs(%empty : tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  return %z : tensor<2x37x64xf32>
}

func.func @other(%x: tensor<2x37x64xf32>) -> tensor<2x37x64xf32> {
  %y = call @halve(%x) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  return %y : tensor<2x37x64xf32>
}

func.func @decoder(
    %x: tensor<2x37x64xf32>,
    %slope: tensor<8xf32>,
    %sink: tensor<8xf32>,
    %cap: f32,
    %doc: tensor<2x37xi32>,
    %cos: tensor<37x4xf32>,
    %sin: tensor<37x4xf32>,
    %gamma: tensor<8xf32>,
    %bias: tensor<1x8x37x37xf32>,
    %keep: tensor<2x1x1x37xi1>,
    %wq0: tensor<64x64xf32>,
    %wk0: tensor<64x64xf32>,
    %wv0: tensor<64x64xf32>,
    %wo0: tensor<64x64xf32>,
    %wa0: tensor<64x64xf32>,
    %wb0: tensor<64x64xf32>,
    %wc0: tensor<64x64xf32>,
    %wd0: tensor<64x64xf32>,
    %mq0: tensor<64x64xf32>,
    %mk0: tensor<32x64xf32>,
    %mv0: tensor<32x64xf32>,
    %mo0: tensor<64x64xf32>,
    %bq0: tensor<64xf32>,
    %bk0: tensor<32xf32>,
    %bv0: tensor<32xf32>,
    %bo0: tensor<64xf32>,
    %wq1: tensor<64x64xf32>,
    %wk1: tensor<64x64xf32>,
    %wv1: tensor<64x64xf32>,
    %wo1: tensor<64x64xf32>,
    %wa1: tensor<64x64xf32>,
    %wb1: tensor<64x64xf32>,
    %wc1: tensor<64x64xf32>,
    %wd1: tensor<64x64xf32>,
    %mq1: tensor<64x64xf32>,
    %mk1: tensor<32x64xf32>,
    %mv1: tensor<32x64xf32>,
    %mo1: tensor<64x64xf32>,
    %bq1: tensor<64xf32>,
    %bk1: tensor<32xf32>,
    %bv1: tensor<32xf32>,
    %bo1: tensor<64xf32>) -> (tensor<2x37x64xf32>, tensor<2x8x37xf32>) {
  // Layer 0.
  %q0 = call @project(%x, %wq0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %qh0 = attn.split_heads %q0 heads(8) : tensor<2x37x64xf32> -> tensor<2x8x37x8xf32>
  %k0 = call @project(%x, %wk0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %kh0 = attn.split_heads %k0 heads(8) : tensor<2x37x64xf32> -> tensor<2x8x37x8xf32>
  %v0 = call @project(%x, %wv0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %vh0 = attn.split_heads %v0 heads(8) : tensor<2x37x64xf32> -> tensor<2x8x37x8xf32>
  %qn0 = attn.qk_norm %qh0, %gamma eps(1.0e-6) : tensor<2x8x37x8xf32>, tensor<8xf32>
  %qr0 = attn.rope %qn0, %cos, %sin layout(bhsd) : tensor<2x8x37x8xf32>, tensor<37x4xf32>, tensor<37x4xf32>
  %kn0 = attn.qk_norm %kh0, %gamma eps(1.0e-6) : tensor<2x8x37x8xf32>, tensor<8xf32>
  %kr0 = attn.rope %kn0, %cos, %sin layout(bhsd) : tensor<2x8x37x8xf32>, tensor<37x4xf32>, tensor<37x4xf32>
  %o0, %lse0 = attn.sdpa %qr0, %kr0, %vh0 causal(bottom_right) additive(%bias : tensor<1x8x37x37xf32>) keep(%keep : tensor<2x1x1x37xi1>)
      captures(%slope[h] : tensor<8xf32>, %doc[b, m] : tensor<2x37xi32>, %doc[b, n] : tensor<2x37xi32>) returns(lse)
    : tensor<2x8x37x8xf32>, tensor<2x8x37x8xf32>, tensor<2x8x37x8xf32> -> tensor<2x8x37x8xf32>, tensor<2x8x37xf32>
    score(%s, %b, %h, %m, %n, %sl, %mine, %its) {
      %far = arith.constant 127.0 : f32
      %d = arith.subi %m, %n : index
      %i = arith.index_cast %d : index to i32
      %f = arith.sitofp %i : i32 to f32
      %a = math.absf %f : f32
      %c = arith.minimumf %a, %far : f32
      %t = arith.mulf %sl, %c : f32
      %r = arith.subf %s, %t : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %sl, %mine, %its) {
      %same = arith.cmpi eq, %mine, %its : i32
      attn.yield %same : i1
    }
  %oh0 = attn.merge_heads %o0 : tensor<2x8x37x8xf32> -> tensor<2x37x64xf32>
  %p0 = call @project(%oh0, %wo0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %r0 = call @residual(%x, %p0) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %y0 = attn.mha %r0 weights(%mq0, %mk0, %mv0, %mo0) bias(%bq0, %bk0, %bv0, %bo0) heads(8) kv_heads(4) window(5, 3)
    : tensor<2x37x64xf32>, tensor<64x64xf32>, tensor<32x64xf32>, tensor<32x64xf32>, tensor<64x64xf32>, tensor<64xf32>, tensor<32xf32>, tensor<32xf32>, tensor<64xf32> -> tensor<2x37x64xf32>
  %s0 = call @residual(%r0, %y0) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %ma0 = call @project(%s0, %wa0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %ha0 = call @halve(%ma0) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %mb0 = call @project(%ha0, %wb0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %hb0 = call @halve(%mb0) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %mc0 = call @project(%hb0, %wc0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %hc0 = call @halve(%mc0) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %md0 = call @project(%hc0, %wd0) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %hd0 = call @halve(%md0) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %t0 = call @residual(%s0, %hd0) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  // Layer 1.
  %q1 = call @project(%t0, %wq1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %qh1 = attn.split_heads %q1 heads(8) : tensor<2x37x64xf32> -> tensor<2x8x37x8xf32>
  %k1 = call @project(%t0, %wk1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %kh1 = attn.split_heads %k1 heads(8) : tensor<2x37x64xf32> -> tensor<2x8x37x8xf32>
  %v1 = call @project(%t0, %wv1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %vh1 = attn.split_heads %v1 heads(8) : tensor<2x37x64xf32> -> tensor<2x8x37x8xf32>
  %qn1 = attn.qk_norm %qh1, %gamma eps(1.0e-6) : tensor<2x8x37x8xf32>, tensor<8xf32>
  %qr1 = attn.rope %qn1, %cos, %sin layout(bhsd) : tensor<2x8x37x8xf32>, tensor<37x4xf32>, tensor<37x4xf32>
  %kn1 = attn.qk_norm %kh1, %gamma eps(1.0e-6) : tensor<2x8x37x8xf32>, tensor<8xf32>
  %kr1 = attn.rope %kn1, %cos, %sin layout(bhsd) : tensor<2x8x37x8xf32>, tensor<37x4xf32>, tensor<37x4xf32>
  %o1, %lse1 = attn.sdpa %qr1, %kr1, %vh1 softcap(%cap) causal(top_left) alibi(%slope : tensor<8xf32>) sinks(%sink : tensor<8xf32>)
      captures(%slope[h] : tensor<8xf32>, %doc[b, m] : tensor<2x37xi32>, %doc[b, n] : tensor<2x37xi32>) returns(lse)
    : tensor<2x8x37x8xf32>, tensor<2x8x37x8xf32>, tensor<2x8x37x8xf32> -> tensor<2x8x37x8xf32>, tensor<2x8x37xf32>
    score(%s, %b, %h, %m, %n, %sl, %mine, %its) {
      %far = arith.constant 127.0 : f32
      %d = arith.subi %m, %n : index
      %i = arith.index_cast %d : index to i32
      %f = arith.sitofp %i : i32 to f32
      %a = math.absf %f : f32
      %c = arith.minimumf %a, %far : f32
      %t = arith.mulf %sl, %c : f32
      %r = arith.subf %s, %t : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %sl, %mine, %its) {
      %same = arith.cmpi eq, %mine, %its : i32
      attn.yield %same : i1
    }
  %oh1 = attn.merge_heads %o1 : tensor<2x8x37x8xf32> -> tensor<2x37x64xf32>
  %p1 = call @project(%oh1, %wo1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %r1 = call @residual(%t0, %p1) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %y1 = attn.mha %r1 weights(%mq1, %mk1, %mv1, %mo1) bias(%bq1, %bk1, %bv1, %bo1) heads(8) kv_heads(4) causal(top_left)
    : tensor<2x37x64xf32>, tensor<64x64xf32>, tensor<32x64xf32>, tensor<32x64xf32>, tensor<64x64xf32>, tensor<64xf32>, tensor<32xf32>, tensor<32xf32>, tensor<64xf32> -> tensor<2x37x64xf32>
  %s1 = call @residual(%r1, %y1) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %ma1 = call @project(%s1, %wa1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %ha1 = call @halve(%ma1) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %mb1 = call @project(%ha1, %wb1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %hb1 = call @halve(%mb1) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %mc1 = call @project(%hb1, %wc1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %hc1 = call @halve(%mc1) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %md1 = call @project(%hc1, %wd1) : (tensor<2x37x64xf32>, tensor<64x64xf32>) -> tensor<2x37x64xf32>
  %hd1 = call @halve(%md1) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %t1 = call @residual(%s1, %hd1) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u0 = call @residual(%t1, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u1 = call @halve(%u0) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u2 = call @halve(%u1) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u3 = call @residual(%u2, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u4 = call @halve(%u3) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u5 = call @halve(%u4) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u6 = call @residual(%u5, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u7 = call @halve(%u6) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u8 = call @halve(%u7) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u9 = call @residual(%u8, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u10 = call @halve(%u9) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u11 = call @halve(%u10) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u12 = call @residual(%u11, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u13 = call @halve(%u12) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u14 = call @halve(%u13) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u15 = call @residual(%u14, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u16 = call @halve(%u15) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u17 = call @halve(%u16) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u18 = call @residual(%u17, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u19 = call @halve(%u18) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u20 = call @halve(%u19) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u21 = call @residual(%u20, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u22 = call @halve(%u21) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u23 = call @halve(%u22) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u24 = call @residual(%u23, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u25 = call @halve(%u24) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u26 = call @halve(%u25) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u27 = call @residual(%u26, %x) : (tensor<2x37x64xf32>, tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u28 = call @halve(%u27) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  %u29 = call @halve(%u28) : (tensor<2x37x64xf32>) -> tensor<2x37x64xf32>
  return %u29, %lse1 : tensor<2x37x64xf32>, tensor<2x8x37xf32>
}
