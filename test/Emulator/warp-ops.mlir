// DEFINE: %{run} = attn-emulate %s --block=32 --tensor=o=32xi32=0 --arg=o --print=o
// RUN: %{run} --kernel=butterfly --schedule=late | FileCheck %s --check-prefix=BFLY
// RUN: %{run} --kernel=down | FileCheck %s --check-prefix=DOWN
// RUN: %{run} --kernel=segment | FileCheck %s --check-prefix=SEGMENT
// RUN: %{run} --kernel=ballot --schedule=random | FileCheck %s --check-prefix=BALLOT
// RUN: %{run} --kernel=redux | FileCheck %s --check-prefix=REDUX
// RUN: %{run} --kernel=elect | FileCheck %s --check-prefix=ELECT

// Lane l reads lane l ^ 2.
// BFLY: {{^}}2 3 0 1 6 7 4 5
// Lane l reads lane l + 30, or itself beyond the warp.
// DOWN: {{^}}30 31 2 3 4 5
// Segments of 8 lanes (mask 0x18): lane l reads lane 1 of its own.
// SEGMENT: {{^}}1 1 1 1 1 1 1 1 9 9 9 9 9 9 9 9 17
// Bits of the even lanes, 0x55555555.
// BALLOT: {{^}}1431655765 1431655765
// The largest of 0 ... 31.
// REDUX: {{^}}31 31 31
// The first lane of the mask 0xf0 is elected, once.
// ELECT: {{^}}0 0 0 0 1 0 0 0 0
gpu.module @kernels {
  llvm.func @butterfly(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %m = llvm.mlir.constant(-1 : i32) : i32
    %o = llvm.mlir.constant(2 : i32) : i32
    %c = llvm.mlir.constant(31 : i32) : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %r = nvvm.shfl.sync bfly %m, %t, %o, %c : i32 -> i32
    %p = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %r, %p : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @down(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %m = llvm.mlir.constant(-1 : i32) : i32
    %o = llvm.mlir.constant(30 : i32) : i32
    %c = llvm.mlir.constant(31 : i32) : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %r = nvvm.shfl.sync down %m, %t, %o, %c : i32 -> i32
    %p = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %r, %p : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @segment(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %m = llvm.mlir.constant(-1 : i32) : i32
    %o = llvm.mlir.constant(1 : i32) : i32
    %c = llvm.mlir.constant(6175 : i32) : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %r = nvvm.shfl.sync idx %m, %t, %o, %c : i32 -> i32
    %p = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %r, %p : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @ballot(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %m = llvm.mlir.constant(-1 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %zero = llvm.mlir.constant(0 : i32) : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %low = llvm.and %t, %one : i32
    %even = llvm.icmp "eq" %low, %zero : i32
    %r = nvvm.vote.sync ballot %m, %even -> i32
    %p = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %r, %p : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @redux(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %m = llvm.mlir.constant(-1 : i32) : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %r = nvvm.redux.sync max %t, %m : i32 -> i32
    %p = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %r, %p : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @elect(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %m = llvm.mlir.constant(240 : i32) : i32
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %two = llvm.mlir.constant(2 : i32) : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %group = llvm.lshr %t, %two : i32
    %in = llvm.icmp "eq" %group, %one : i32
    llvm.cond_br %in, ^inside, ^end
  ^inside:
    %e = nvvm.elect.sync %m -> i1
    %r = llvm.zext %e : i1 to i32
    %p = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %r, %p : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
}
