// RUN: attn-opt %s --attn-nvvm-to-emulation | FileCheck %s

// A launch registers the buffers that it passes, and hands a struct with its sizes, a function that unpacks the
// arguments, and the places of the arguments to the emulator.
// CHECK-LABEL: llvm.func internal @scale_emulated(%arg0: !llvm.ptr) {
// CHECK:         %[[P0:.*]] = llvm.getelementptr %arg0[0]
// CHECK:         %[[A0:.*]] = llvm.load %[[P0]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[X:.*]] = llvm.load %[[A0]] : !llvm.ptr -> !llvm.ptr
// CHECK:         llvm.getelementptr %arg0[1]
// CHECK:         %[[N:.*]] = llvm.load %{{.*}} : !llvm.ptr -> i32
// CHECK:         llvm.call @scale(%[[X]], %[[N]])
// CHECK-LABEL: func.func @entry
// CHECK-DAG:     %[[CONFIG:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(ptr, ptr, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32, i32)>
// CHECK:         memref.extract_strided_metadata %arg0
// CHECK:         memref.extract_aligned_pointer_as_index %arg0
// CHECK:         llvm.call @attn_emu_add_buffer(
// CHECK:         %[[THUNK:.*]] = llvm.mlir.addressof @scale_emulated
// CHECK:         llvm.call @attn_emu_launch(%[[CONFIG]], %[[THUNK]], %{{.*}}) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
// CHECK-NOT:     gpu.launch_func
module attributes {gpu.container_module} {
  gpu.module @kernels {
    llvm.func @scale(%x: !llvm.ptr<1>, %n: i32) attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
  func.func @entry(%x: memref<?x4xf32>, %n: i32) {
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %bytes = arith.constant 512 : i32
    gpu.launch_func @kernels::@scale blocks in (%c1, %c1, %c1) threads in (%c64, %c1, %c1) dynamic_shared_memory_size %bytes args(%x : memref<?x4xf32>, %n : i32)
    return
  }
}
