// Every promise of every room, broken once.
// RUN: split-file %s %t
// RUN: not attn-opt %t/input.mlir --attn-verify-stage=after=input 2>&1 | FileCheck %t/input.mlir
// RUN: not attn-opt %t/raise.mlir --attn-verify-stage=after=raise 2>&1 | FileCheck %t/raise.mlir
// RUN: not attn-opt %t/optimize.mlir --attn-verify-stage=after=optimize 2>&1 | FileCheck %t/optimize.mlir
// RUN: not attn-opt %t/split-heads.mlir --attn-verify-stage=after=split-heads 2>&1 | FileCheck %t/split-heads.mlir
// RUN: attn-opt %t/fuse.mlir --split-input-file --verify-diagnostics --attn-verify-stage=after=fuse
// RUN: attn-opt %t/tile.mlir --split-input-file --verify-diagnostics --attn-verify-stage=after=tile
// RUN: attn-opt %t/linalg.mlir --split-input-file --verify-diagnostics --attn-verify-stage=after=linalg
// RUN: not attn-opt %t/cpu.mlir --attn-verify-stage=after=cpu 2>&1 | FileCheck %t/cpu.mlir
// RUN: attn-opt %t/nvvm.mlir --split-input-file --verify-diagnostics --attn-verify-stage=after=nvvm
// RUN: not attn-opt %t/cpu.mlir --attn-verify-stage=after=lunch 2>&1 | FileCheck %t/cpu.mlir --check-prefix=WORD

//--- input.mlir
// CHECK: error: after input (input_p1): expects ranked tensors and numbers, but found 'memref<4xf32>'
func.func @input_p1() {
  %0 = memref.alloc() : memref<4xf32>
  return
}

//--- raise.mlir
// CHECK: error: after raise (raise_p1): expects ranked tensors and numbers, but found 'tensor<*xf32>'
func.func @raise_p1(%x: tensor<4xf32>) {
  %0 = tensor.cast %x : tensor<4xf32> to tensor<*xf32>
  return
}

//--- optimize.mlir
// CHECK: error: after optimize (optimize_p1): expects ranked tensors and numbers, but found 'tensor<*xf32>'
func.func @optimize_p1(%x: tensor<4xf32>) {
  %0 = tensor.cast %x : tensor<4xf32> to tensor<*xf32>
  return
}

//--- split-heads.mlir
// CHECK: error: after split-heads (split_heads_p1): expects no op on packed heads, but found 'attn.split_heads'
func.func @split_heads_p1(%x: tensor<1x4x8xf32>) -> tensor<1x2x4x4xf32> {
  %0 = attn.split_heads %x heads(2) : tensor<1x4x8xf32> -> tensor<1x2x4x4xf32>
  return %0 : tensor<1x2x4x4xf32>
}

//--- fuse.mlir
func.func @fuse_p1(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{after fuse (fuse_p1): expects every named variant to be a region, but found a clause}}
  %0 = attn.sdpa %q, %q, %q causal(top_left)
    : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @fuse_p2(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{after fuse (fuse_p2): expects a plan, but found none}}
  %0 = attn.sdpa %q, %q, %q
    : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

//--- tile.mlir
#plan = #attn.plan<room = cpu, form = flash>
func.func @tile_p1(%q: tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32> {
  // expected-error @below {{after tile (tile_p1): expects an attn.sdpa planned for a kernel to be tiled}}
  %0 = attn.sdpa %q, %q, %q {plan = #plan}
    : tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32>, tensor<1x2x4x8xf32> -> tensor<1x2x4x8xf32>
  return %0 : tensor<1x2x4x8xf32>
}

// -----

func.func @tile_p2(%q: tensor<1x1x4x8xf32>, %o: tensor<1x1x4x8xf32>, %s: f32, %i: index)
    -> tensor<1x1x4x8xf32> {
  // expected-error @below {{after tile (tile_p2): expects attn.online_sdpa inside the parallel loop, an scf.forall}}
  %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i)
    : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32> -> !attn.partial<f32>
  %r = attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %r : tensor<1x1x4x8xf32>
}

//--- linalg.mlir
#plan = #attn.plan<room = linalg, form = flash>
func.func @linalg_p1(%q: tensor<1x1x4x8xf32>, %o: tensor<1x1x4x8xf32>, %s: f32, %i: index)
    -> tensor<1x1x4x8xf32> {
  // expected-error @below {{after linalg (linalg_p1): expects no attn op planned for the linalg room}}
  %p = attn.online_sdpa %q, %q, %q scale(%s) keys(%i to %i, full %i to %i) tile(%i, %i, %i) of(%i, %i) {plan = #plan}
    : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32> -> !attn.partial<f32>
  %r = attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %r : tensor<1x1x4x8xf32>
}

// -----

func.func @linalg_p2(%x: tensor<1x4x8xf32>) -> tensor<1x2x4x4xf32> {
  // expected-error @below {{after linalg (linalg_p2): expects attn.online_sdpa and attn.finalize alone of the attn ops, but found 'attn.split_heads'}}
  %0 = attn.split_heads %x heads(2) : tensor<1x4x8xf32> -> tensor<1x2x4x4xf32>
  return %0 : tensor<1x2x4x4xf32>
}

//--- cpu.mlir
// CHECK: error: after cpu (cpu_p1): expects only the LLVM dialect, but found 'func.func'
// WORD: error: unknown stage 'lunch': expected one of input, raise, optimize, split-heads, fuse, tile, linalg, cpu, nvvm
func.func @cpu_p1() {
  return
}

//--- nvvm.mlir
func.func @nvvm_p1(%q: tensor<1x1x4x8xf32>) -> tensor<1x1x4x8xf32> {
  // expected-error @below {{after nvvm (nvvm_p1): expects no attn op, but found 'attn.sdpa'}}
  %o = attn.sdpa %q, %q, %q : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %o : tensor<1x1x4x8xf32>
}

// -----

gpu.module @kernels {
  llvm.func @nvvm_p2(%x: i32) {
    // expected-error @below {{after nvvm (nvvm_p2): expects kernels in the llvm and nvvm dialects, but found 'arith.addi'}}
    %0 = arith.addi %x, %x : i32
    llvm.return
  }
}
