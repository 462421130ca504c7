// RUN: attn-opt %s --split-input-file --verify-diagnostics
// One function per constraint of dialects/attn/README.md, named after it.

func.func @online_sdpa_c1(%q: tensor<1x1x4x8xf32>, %k: tensor<?x8xf32>, %v: tensor<1x1x?x8xf32>, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects key of rank 4, but got 'tensor<?x8xf32>'}}
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i)
    : tensor<1x1x4x8xf32>, tensor<?x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32>
  return
}

// -----

func.func @online_sdpa_c2(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x8xf32>, %s: f64, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects scale and accumulator of type 'f32', but got 'f64' and 'f64'}}
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i)
    : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f64>
  return
}

// -----

func.func @online_sdpa_c3(%q: tensor<1x2x4x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects heads of key (2) to equal one (1)}}
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i)
    : tensor<1x2x4x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> !attn.partial<f32>
  return
}

// -----

func.func @online_sdpa_c3_layout(%q: tensor<1x1x4x8xf32>, %k: tensor<1x3x1x8xf32>, %v: tensor<1x1x?x8xf32>, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects batch of key (3) to equal one (1)}}
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) layout(bhsd, hbsd, bhsd)
    : tensor<1x1x4x8xf32>, tensor<1x3x1x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32>
  return
}

// -----

func.func @online_sdpa_c4(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x?x8xf32>, %v: tensor<1x1x?x8xi8>, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects value of type f64, f32, f16 or bf16, but got 'tensor<1x1x?x8xi8>'}}
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i)
    : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xi8> -> !attn.partial<f32>
  return
}

// -----

func.func @online_sdpa_c5(%q: tensor<1x1x4x8xf32>, %k: tensor<1x1x5x8xf32>, %v: tensor<1x1x6x8xf32>, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects value length (6) to equal key length (5)}}
  %p = attn.online_sdpa %q, %k, %v scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i)
    : tensor<1x1x4x8xf32>, tensor<1x1x5x8xf32>, tensor<1x1x6x8xf32> -> !attn.partial<f32>
  return
}

// -----

!t = tensor<1x1x4x8xf32>
func.func @online_sdpa_c6(%q: !t, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects a mask region and a plan beside a blocks region}}
  %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) {plan = #attn.plan<room = cpu, form = flash>}
    : !t, !t, !t -> !attn.partial<f32>
    blocks(%b, %h, %m0, %m1, %n0, %n1) {
      %yes = arith.constant true
      attn.yield %yes, %yes : i1, i1
    }
  return
}

// -----

!t = tensor<1x1x4x8xf32>
func.func @online_sdpa_c7(%q: !t, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects the blocks region to yield 'i1', 'i1'}}
  %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) {plan = #attn.plan<room = cpu, form = flash>}
    : !t, !t, !t -> !attn.partial<f32>
    mask(%b, %h, %m, %n) {
      %keep = arith.cmpi sle, %n, %m : index
      attn.yield %keep : i1
    } blocks(%b, %h, %m0, %m1, %n0, %n1) {
      %some = arith.cmpi slt, %n0, %m1 : index
      attn.yield %some : i1
    }
  return
}

// -----

!t = tensor<1x1x4x8xf32>
func.func @online_sdpa_c7_arguments(%q: !t, %s: f32, %i: index) {
  // expected-error@+1 {{'attn.online_sdpa' op expects the blocks region to be one block with arguments ('index', 'index', 'index', 'index', 'index', 'index'), but got ('index', 'index')}}
  %p = "attn.online_sdpa"(%q, %q, %q, %s, %i, %i, %i, %i, %i, %i, %i, %i, %i) ({}, {
    ^bb0(%b: index, %h: index, %m: index, %n: index):
      %keep = arith.cmpi sle, %n, %m : index
      "attn.yield"(%keep) : (i1) -> ()
    }, {
    ^bb0(%n0: index, %n1: index):
      %some = arith.cmpi slt, %n0, %n1 : index
      "attn.yield"(%some, %some) : (i1, i1) -> ()
    }) {plan = #attn.plan<room = cpu, form = flash>}
    : (!t, !t, !t, f32, index, index, index, index, index, index, index, index, index) -> !attn.partial<f32>
  return
}

// -----

!t = tensor<1x1x4x8xf32>
func.func @yields_one_value(%q: !t) {
  // expected-error@+1 {{'attn.sdpa' op expects the mask region to yield 'i1'}}
  %o = attn.sdpa %q, %q, %q : !t, !t, !t -> !t
    mask(%b, %h, %m, %n) {
      %keep = arith.cmpi sle, %n, %m : index
      attn.yield %keep, %keep : i1, i1
    }
  return
}

// -----

func.func @finalize_c1(%p: !attn.partial<f32>, %o0: tensor<1x1x4x8xf32>, %o1: tensor<1x1x4xf32>, %o2: tensor<1x1x4x8xf32>) {
  // expected-error@+1 {{'attn.finalize' op expects one or two destinations, but got 3}}
  %r0, %r1, %r2 = attn.finalize %p outs(%o0, %o1, %o2) layout(bhsd)
    : !attn.partial<f32>, tensor<1x1x4x8xf32>, tensor<1x1x4xf32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>, tensor<1x1x4xf32>, tensor<1x1x4x8xf32>
  return
}

// -----

func.func @finalize_c1_rank(%p: !attn.partial<f32>, %o0: tensor<4x8xf32>) {
  // expected-error@+1 {{'attn.finalize' op expects output of rank 4, but got 'tensor<4x8xf32>'}}
  %r0 = attn.finalize %p outs(%o0) layout(bhsd)
    : !attn.partial<f32>, tensor<4x8xf32> -> tensor<4x8xf32>
  return
}

// -----

func.func @finalize_c2(%p: !attn.partial<f32>, %o0: tensor<1x1x4x8xf32>, %o1: tensor<1x1x4xf16>) {
  // expected-error@+1 {{'attn.finalize' op expects lse of element type 'f32', but got 'tensor<1x1x4xf16>'}}
  %r0, %r1 = attn.finalize %p outs(%o0, %o1) layout(bhsd)
    : !attn.partial<f32>, tensor<1x1x4x8xf32>, tensor<1x1x4xf16> -> tensor<1x1x4x8xf32>, tensor<1x1x4xf16>
  return
}

// -----

func.func @finalize_c2_sink(%p: !attn.partial<f32>, %o0: tensor<1x1x4x8xf32>, %s: f16) {
  // expected-error@+1 {{'attn.finalize' op expects sink of type 'f32', but got 'f16'}}
  %r0 = attn.finalize %p sink(%s : f16) outs(%o0) layout(bhsd)
    : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @finalize_c3(%p: !attn.partial<f64>, %o0: tensor<1x1x4x8xf32>) {
  // expected-error@+1 {{'attn.finalize' op expects an output that accumulates in 'f64', but got 'tensor<1x1x4x8xf32>'}}
  %r0 = attn.finalize %p outs(%o0) layout(bhsd)
    : !attn.partial<f64>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @finalize_c4(%p: !attn.partial<f32>, %o0: tensor<2x1x4x8xf32>) {
  // expected-error@+1 {{'attn.finalize' op expects batch of output (2) to equal one (1)}}
  %r0 = attn.finalize %p outs(%o0) layout(bhsd)
    : !attn.partial<f32>, tensor<2x1x4x8xf32> -> tensor<2x1x4x8xf32>
  return
}

// -----

func.func @finalize_c4_sinks(%p: !attn.partial<f32>, %o0: tensor<1x4x1x8xf32>, %s: f32) {
  // expected-error@+1 {{'attn.finalize' op expects sinks (2) to equal heads of output (4)}}
  %r0 = attn.finalize %p sink(%s, %s : f32, f32) outs(%o0) layout(bhsd)
    : !attn.partial<f32>, tensor<1x4x1x8xf32> -> tensor<1x4x1x8xf32>
  return
}

// -----

func.func @finalize_c4_lse(%p: !attn.partial<f32>, %o0: tensor<1x1x4x8xf32>, %o1: tensor<1x1x5xf32>) {
  // expected-error@+1 {{'attn.finalize' op expects lse of shape [1, 1, 4], but got 'tensor<1x1x5xf32>'}}
  %r0, %r1 = attn.finalize %p outs(%o0, %o1) layout(bhsd)
    : !attn.partial<f32>, tensor<1x1x4x8xf32>, tensor<1x1x5xf32> -> tensor<1x1x4x8xf32>, tensor<1x1x5xf32>
  return
}

// -----

func.func @packed_matmul_c1(%x: tensor<?x8xf32>, %w: tensor<24x8xf32>, %y: tensor<?x24xf32>) {
  // expected-error@+1 {{'attn.packed_matmul' op expects packed weight of rank 3, but got 'tensor<24x8xf32>'}}
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<?x8xf32>, tensor<24x8xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func @packed_matmul_c2(%x: tensor<?x8xf32>, %w: tensor<2x9x16xf32>, %y: tensor<?x24xf32>) {
  // expected-error@+1 {{'attn.packed_matmul' op expects depth of the packed weight (9) to equal columns of x (8)}}
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<?x8xf32>, tensor<2x9x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func @packed_matmul_c2_panels(%x: tensor<?x8xf32>, %w: tensor<3x8x16xf32>, %y: tensor<?x24xf32>) {
  // expected-error@+1 {{'attn.packed_matmul' op expects 2 panels of 16 columns, but got 3}}
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<?x8xf32>, tensor<3x8x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func @packed_matmul_c2_width(%x: tensor<?x8xf32>, %w: tensor<2x8x0xf32>, %y: tensor<?x24xf32>) {
  // expected-error@+1 {{'attn.packed_matmul' op expects a static panel width >= 1, but got 'tensor<2x8x0xf32>'}}
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<?x8xf32>, tensor<2x8x0xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func @packed_matmul_c3(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %b: tensor<16xf32>, %y: tensor<?x24xf32>) {
  // expected-error@+1 {{'attn.packed_matmul' op expects size of bias (16) to equal columns of the destination (24)}}
  %r = attn.packed_matmul %x, %w bias(%b : tensor<16xf32>) outs(%y) : tensor<?x8xf32>, tensor<2x8x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func @packed_matmul_c4(%x: tensor<?x8xi8>, %w: tensor<2x8x16xf32>, %y: tensor<?x24xf32>) {
  // expected-error@+1 {{'attn.packed_matmul' op expects x of type f64, f32, f16 or bf16, but got 'tensor<?x8xi8>'}}
  %r = attn.packed_matmul %x, %w outs(%y) : tensor<?x8xi8>, tensor<2x8x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return
}

// -----

func.func private @sum(%i: index, %x: memref<?xf64>)
func.func @parallel_call_c1(%n: index, %x: memref<?xf32>) {
  // expected-error@+1 {{'attn.parallel_call' op expects @sum to take an index and the arguments given, and to return nothing}}
  attn.parallel_call @sum(%n) args(%x) : memref<?xf32>
  return
}

// -----

func.func @parallel_call_c1_unknown(%n: index) {
  // expected-error@+1 {{'attn.parallel_call' op expects a function, but found no @nobody}}
  attn.parallel_call @nobody(%n)
  return
}

// -----

func.func @bf16_dot(%x: vector<8xf32>) {
  // expected-error@+1 {{'attn.bf16_dot' op operand #0 must be fixed-length vector of 32-bit float values of length 16, but got 'vector<8xf32>'}}
  %r = attn.bf16_dot %x, %x, %x : vector<8xf32>
  return
}
