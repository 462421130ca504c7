// RUN: attn-emulate %s --kernel=ids --grid=2,3 --block=4,16 --tensor=o=6x64xi32=0 --arg=o --print=o | FileCheck %s

// tid is x fastest; each thread writes 1000 block + 100 tid.y + tid.x, block = ctaid.x + 2 ctaid.y.
// CHECK:      o: 6x64xi32
// CHECK-NEXT: {{^}}0 1 2 3 100 101 102 103 200 201 202 203
// CHECK-NEXT: {{^}}1000 1001 1002 1003 1100
// CHECK:      {{^}}5000 5001 {{.*}} 6500 6501 6502 6503{{$}}
gpu.module @kernels {
  llvm.func @ids(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %c100 = llvm.mlir.constant(100 : i32) : i32
    %c1000 = llvm.mlir.constant(1000 : i32) : i32
    %c64 = llvm.mlir.constant(64 : i32) : i32
    %tx = nvvm.read.ptx.sreg.tid.x : i32
    %ty = nvvm.read.ptx.sreg.tid.y : i32
    %nx = nvvm.read.ptx.sreg.ntid.x : i32
    %bx = nvvm.read.ptx.sreg.ctaid.x : i32
    %by = nvvm.read.ptx.sreg.ctaid.y : i32
    %by2 = llvm.mul %by, %c2 : i32
    %block = llvm.add %bx, %by2 : i32
    %row = llvm.mul %ty, %nx : i32
    %tid = llvm.add %row, %tx : i32
    %base = llvm.mul %block, %c64 : i32
    %at = llvm.add %base, %tid : i32
    %v0 = llvm.mul %block, %c1000 : i32
    %v1 = llvm.mul %ty, %c100 : i32
    %v2 = llvm.add %v0, %v1 : i32
    %v = llvm.add %v2, %tx : i32
    %p = llvm.getelementptr %out[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %p : i32, !llvm.ptr<1>
    llvm.return
  }
}
