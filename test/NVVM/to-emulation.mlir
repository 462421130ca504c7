// RUN: attn-opt %s --attn-nvvm-to-emulation --split-input-file | FileCheck %s

// Kernels leave their module; address spaces and what only a GPU knows go.
// CHECK-DAG:   llvm.func @attn_emu_read_ptx_sreg_tid_x() -> i32
// CHECK-LABEL: llvm.func @ids(%arg0: !llvm.ptr) {
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
