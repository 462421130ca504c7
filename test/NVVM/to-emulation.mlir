// RUN: attn-opt %s --attn-nvvm-to-emulation --split-input-file | FileCheck %s

// Kernels leave their module; address spaces and what only a GPU knows go.
// CHECK:       llvm.func @attn_emu_read_ptx_sreg_tid_x() -> i32
// CHECK-LABEL: llvm.func @ids(%arg0: !llvm.ptr) attributes {attn.emulated_shared = 0 : i32} {
// CHECK:         %[[TID:.*]] = llvm.call @attn_emu_read_ptx_sreg_tid_x() : () -> i32
// CHECK:         llvm.getelementptr %arg0[%[[TID]]] : (!llvm.ptr, i32) -> !llvm.ptr, f32
// CHECK-NOT:   gpu.module
gpu.module @kernels {
  llvm.func @ids(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 32>} {
    %tid = nvvm.read.ptx.sreg.tid.x : i32
    %p = llvm.getelementptr %out[%tid] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    llvm.return
  }
}

// -----

// A shared variable of 48 bytes lies at the base, 1024; the dynamic part follows at the next multiple of 1024.
// Every access asks for its address: bytes, alignment, 0 to read or 1 to write, and the place.
// CHECK:       llvm.mlir.global private constant @[[$SITE:.*]]("llvm.load at {{.*}}to-emulation.mlir:[[# @LINE + 19]]:{{[0-9]+}}\00")
// CHECK-LABEL: llvm.func @shared
// CHECK-SAME:    attn.emulated_shared = 48 : i32
// CHECK:         %[[FIXED:.*]] = llvm.mlir.constant(1024 : i64)
// CHECK:         llvm.inttoptr %[[FIXED]]
// CHECK:         %[[DYNAMIC:.*]] = llvm.mlir.constant(2048 : i64)
// CHECK:         llvm.inttoptr %[[DYNAMIC]]
// CHECK:         llvm.mlir.addressof @[[$SITE]]
// CHECK:         %[[ADDRESS:.*]] = llvm.call @attn_emu_shared_address(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) : (i32, i32, i32, i32, !llvm.ptr) -> !llvm.ptr
// CHECK:         llvm.load %[[ADDRESS]] : !llvm.ptr -> f32
// The same address by assembly.
// CHECK:         %[[AGAIN:.*]] = llvm.mlir.constant(2048 : i64)
// CHECK:         llvm.inttoptr %[[AGAIN]]
gpu.module @kernels {
  llvm.mlir.global internal @fixed() {addr_space = 3 : i32} : !llvm.array<48 x i8>
  llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @shared() attributes {gpu.kernel, nvvm.kernel} {
    %f = llvm.mlir.addressof @fixed : !llvm.ptr<3>
    %d = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %x = llvm.load %f : !llvm.ptr<3> -> f32
    llvm.store %x, %d : f32, !llvm.ptr<3>
    %own = llvm.inline_asm has_side_effects asm_dialect = att "mov.b64 $0, dynsmem;", "=l" : () -> !llvm.ptr<3>
    llvm.store %x, %own : f32, !llvm.ptr<3>
    llvm.return
  }
}

// -----

// What uses an accumulator that may be in flight is guarded; handing it on is not.
// CHECK-LABEL: llvm.func @early
// CHECK:         llvm.call @attn_emu_wgmma_rs(
// CHECK:         llvm.extractvalue %{{.*}}[0]
// CHECK-NOT:     attn_emu_wgmma_use
// CHECK:         llvm.call @attn_emu_wgmma_wait(
// CHECK:         %[[DONE:.*]] = llvm.load
// CHECK:         llvm.call @attn_emu_wgmma_use(%[[DONE]], %{{.*}})
// CHECK-NEXT:    llvm.fadd %[[DONE]], %[[DONE]]
gpu.module @kernels {
  llvm.func @early(%a: i32, %b: i64, %x: f32) attributes {gpu.kernel, nvvm.kernel} {
    %r = llvm.inline_asm has_side_effects asm_dialect = att "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {$0, $1, $2, $3}, {$8, $9, $10, $11}, $12, 1, 1, 1, 1;", "=f,=f,=f,=f,0,1,2,3,r,r,r,r,l" %x, %x, %x, %x, %a, %a, %a, %a, %b : (f32, f32, f32, f32, i32, i32, i32, i32, i64) -> !llvm.struct<(f32, f32, f32, f32)>
    %0 = llvm.extractvalue %r[0] : !llvm.struct<(f32, f32, f32, f32)>
    %w = llvm.inline_asm has_side_effects asm_dialect = att "wgmma.wait_group.sync.aligned 0;", "=f,0,~{memory}" %0 : (f32) -> f32
    %s = llvm.fadd %w, %w : f32
    llvm.return
  }
}
