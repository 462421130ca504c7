// TMA by hand: one lane loads a box and copies shared memory out as it lies there.
// DEFINE: %{run} = attn-emulate %s --block=32 --shared=4096 --arg=o --print=o
// RUN: %{run} --kernel=load2 --tensor=i=16x64xbf16=iota --tensor=o=16x64xbf16=0 --arg=map:i:64x8 --arg=i32:0 --arg=i32:0 --arg=i32:1024 | FileCheck %s --check-prefix=SWIZZLE128
// RUN: %{run} --kernel=load2 --tensor=i=16x32xbf16=iota --tensor=o=16x64xbf16=0 --arg=map:i:32x8:64 --arg=i32:0 --arg=i32:0 --arg=i32:512 --schedule=late | FileCheck %s --check-prefix=SWIZZLE64
// RUN: %{run} --kernel=load2 --tensor=i=3x16xbf16=1 --tensor=o=16x64xbf16=0 --arg=map:i:16x4:0 --arg=i32:8 --arg=i32:1 --arg=i32:128 --schedule=random | FileCheck %s --check-prefix=EDGE
// RUN: not %{run} --kernel=load2 --tensor=i=16x64xbf16=iota --tensor=o=16x64xbf16=0 --arg=map:i:64x16 --arg=i32:0 --arg=i32:0 --arg=i32:1024 2>&1 | FileCheck %s --check-prefix=BYTES
// RUN: not %{run} --kernel=load2 --tensor=i=16x64xbf16=iota --tensor=o=16x64xbf16=0 --arg=map:i:48x8 --arg=i32:0 --arg=i32:0 --arg=i32:1024 2>&1 | FileCheck %s --check-prefix=BOX
// RUN: not %{run} --kernel=load2 --tensor=i=16x64xbf16=iota --tensor=o=16x64xbf16=0 --arg=o --arg=i32:0 --arg=i32:0 --arg=i32:1024 2>&1 | FileCheck %s --check-prefix=NOMAP

// Rows of 128 bytes; row r holds 64 r + c (all exact below 257). Its pieces of 8 elements are exchanged by r:
// piece p of row r lies at piece p ^ r. Row 1 begins with the elements 8 ... of the row, 72, 73, ...
// SWIZZLE128:      {{^}}0 1 2 3 4 5 6 7 8 9
// SWIZZLE128-NEXT: {{^}}72 73 74 75 76 77 78 79 64 65 66
// SWIZZLE128-NEXT: {{^}}144 145 {{.*}} 128 129
// Rows of 64 bytes, two to a line of 128: pieces are exchanged by address bits 7 and 8, so rows 0 and 1 (32 numbers
// each) stay, and in row 2 (numbers 64 ...) neighbours change places.
// SWIZZLE64:      {{^}}0 1 2 3 4 5 6 7 8 9
// SWIZZLE64-NEXT: {{^}}72 73 74 75 76 77 78 79 64 65
// The box begins at column 8 of 16 and row 1 of 3: eight ones and eight zeros in two rows, then two rows of zeros.
// The mbarrier still counts all 128 bytes.
// EDGE: {{^}}1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0
// 1024 bytes too many: they are missing in the end.
// BYTES: deadlock: {{.*}} nobody can go on
// BYTES: mbarrier at shared address 0 is in phase 0 with 0 of 1 arrivals and -1024 bytes to come
// BOX: error: invalid operand: tensor map: expects rows of the box as wide as the swizzle of 128 bytes, but got 96
// NOMAP: invalid operand: {{.*}}: expects a tensor map
gpu.module @kernels {
  llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.mlir.global internal @bar() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<8 x i8>
  llvm.func @load2(%out: !llvm.ptr<1>, %map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant}, %x: i32, %y: i32, %bytes: i32) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %m = llvm.mlir.constant(-1 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %b = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %first = llvm.icmp "eq" %lane, %c0 : i32
    llvm.cond_br %first, ^issue, ^wait
  ^issue:
    nvvm.mbarrier.init %b, %c1 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    %d = llvm.addrspacecast %s : !llvm.ptr<3> to !llvm.ptr<7>
    nvvm.mbarrier.arrive.expect_tx %b, %bytes : !llvm.ptr<3>, i32
    nvvm.cp.async.bulk.tensor.shared.cluster.global %d, %map, %b, box[%x, %y] : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    nvvm.bar.warp.sync %m : i32
    nvvm.mbarrier.try_wait.parity %b, %c0, %c1 : !llvm.ptr<3>, i32, i32
    llvm.br ^loop(%lane : i32)
  ^loop(%i: i32):
    %from = llvm.getelementptr %s[%i] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %w = llvm.load %from : !llvm.ptr<3> -> i32
    %to = llvm.getelementptr %out[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %w, %to : i32, !llvm.ptr<1>
    %warp = llvm.mlir.constant(32 : i32) : i32
    %next = llvm.add %i, %warp : i32
    %all = llvm.mlir.constant(256 : i32) : i32
    %more = llvm.icmp "ult" %next, %all : i32
    llvm.cond_br %more, ^loop(%next : i32), ^end
  ^end:
    llvm.return
  }
}
