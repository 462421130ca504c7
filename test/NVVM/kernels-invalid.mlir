// RUN: attn-opt %s --attn-nvvm-kernels --split-input-file --verify-diagnostics

#plan = #attn.plan<room = nvvm, form = flash, key_block = 120, query_group = 128, warpgroups = 2, stages = 2>
func.func @plan(%q: memref<1x1x128x64xbf16>, %s: f32, %i: index) {
  %n = arith.constant 128 : index
  scf.forall (%b, %h, %m) in (1, 1, 1) {
    // expected-error @below {{expects a plan with key_block a multiple of 16 up to 256, at most 3 warpgroups and query_group = 64 * warpgroups, but got #attn.plan<room = nvvm, form = flash, key_block = 120, query_group = 128, warpgroups = 2, stages = 2>}}
    %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %n, full %i to %n) tile(%b, %h, %m) of(%n, %n) {plan = #plan}
      : memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16> -> !attn.partial<f32>
    attn.finalize %p outs(%q) layout(bhsd) : !attn.partial<f32>, memref<1x1x128x64xbf16>
  }
  return
}

// -----

#plan = #attn.plan<room = nvvm, form = flash, key_block = 128, query_group = 128, warpgroups = 2, stages = 2>
func.func @no_loop(%q: memref<1x1x128x64xbf16>, %s: f32, %i: index) {
  // expected-error @below {{expects to stand in an scf.forall over (b, h, m)}}
  %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) {plan = #plan}
    : memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16> -> !attn.partial<f32>
  attn.finalize %p outs(%q) layout(bhsd) : !attn.partial<f32>, memref<1x1x128x64xbf16>
  return
}

// -----

#cpu = #attn.plan<room = cpu, form = flash>
func.func @other_room(%q: memref<1x1x128x64xbf16>, %s: f32, %i: index) {
  scf.forall (%b, %h, %m) in (1, 1, 1) {
    // expected-error @below {{expects a plan of room nvvm: run attn-fuse-plan with target nvvm:sm_90a first}}
    %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%b, %h, %m) of(%i, %i) {plan = #cpu}
      : memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16> -> !attn.partial<f32>
    attn.finalize %p outs(%q) layout(bhsd) : !attn.partial<f32>, memref<1x1x128x64xbf16>
  }
  return
}

// -----

func.func @loop(%x: memref<4xf32>, %y: memref<4xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-error @below {{expects straight-line code around attention on a GPU, but found 'scf.for'}}
  scf.for %i = %c0 to %n step %c1 {
    linalg.copy ins(%x : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

func.func @effect(%x: memref<4xf32>, %y: memref<4xf32>) {
  linalg.generic {indexing_maps = [affine_map<(i) -> (i)>], iterator_types = ["parallel"]} outs(%x : memref<4xf32>) {
  ^bb0(%a: f32):
    %i = linalg.index 0 : index
    // expected-error @below {{in linalg on a GPU: expects scalar code without effects}}
    memref.store %a, %y[%i] : memref<4xf32>
    linalg.yield %a : f32
  }
  return
}

// -----

// Several steps of the parallel loops would write one element.
func.func @twice(%x: memref<4x4xf32>, %y: memref<4xf32>) {
  // expected-error @below {{expects one element of each result per step of the parallel loops, but got the map affine_map<(d0, d1) -> (d0)>}}
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "parallel"]}
    ins(%x : memref<4x4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  }
  return
}

// -----

#plan = #attn.plan<room = nvvm, form = flash, key_block = 128, query_group = 64, stages = 2, blocks = 132>
func.func @shared_blocks(%q: memref<1x1x128x64xbf16>, %s: f32, %i: index) {
  %n = arith.constant 128 : index
  scf.forall (%b, %h, %m) in (1, 1, 1) {
    // expected-error @below {{expects a plan with at least 2 warpgroups where blocks have several tasks, but got}}
    %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %n, full %i to %n) tile(%b, %h, %m) of(%n, %n) {plan = #plan}
      : memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16>, memref<1x1x128x64xbf16> -> !attn.partial<f32>
    attn.finalize %p outs(%q) layout(bhsd) : !attn.partial<f32>, memref<1x1x128x64xbf16>
  }
  return
}
