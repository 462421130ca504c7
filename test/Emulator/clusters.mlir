// Two blocks of a cluster: remote stores, remote arrivals, a multicast copy.
// DEFINE: %{run} = attn-emulate %s --cluster=2 --shared=4096 --print=o
// RUN: %{run} --kernel=exchange --grid=4 --block=32 --tensor=o=4xi32=0 --arg=o --schedule=late | FileCheck %s --check-prefix=EXCHANGE
// RUN: %{run} --kernel=multicast --grid=2 --block=32 --tensor=i=8x64xbf16=iota --tensor=o=2x32xi32=0 --arg=o --arg=map:i:64x8 --schedule=random | FileCheck %s --check-prefix=MULTICAST
// RUN: not %{run} --kernel=exchange --grid=3 --block=32 --tensor=o=4xi32=0 --arg=o 2>&1 | FileCheck %s --check-prefix=GRID
// RUN: not %{run} --kernel=beyond --grid=2 --block=32 --tensor=o=4xi32=0 --arg=o 2>&1 | FileCheck %s --check-prefix=BEYOND

// Each block stores 10 + its index in the other's shared memory and arrives at the other's barrier.
// EXCHANGE: {{^}}11 10 13 12
// Block 0 loads a box for both; each copies the first 32 words of what it got: bf16 pairs 0 1, 2 3, ...
// MULTICAST: o: 2x32xi32
// MULTICAST-NEXT: {{^}}[[FIRST:1065353216 1077952512 .*]]{{$}}
// MULTICAST-NEXT: {{^}}[[FIRST]]{{$}}
// GRID: invalid operand: launch of kernel 'exchange': expects a grid of whole clusters, but dimension 0 has 3 blocks in clusters of 2
// BEYOND: invalid operand: {{.*}} expects a rank below the cluster's 2 blocks, but got 2
gpu.module @kernels {
  llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.mlir.global internal @bar() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<8 x i8>
  llvm.func @exchange(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c10 = llvm.mlir.constant(10 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %b = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %block = nvvm.read.ptx.sreg.ctaid.x : i32
    %rank = nvvm.read.ptx.sreg.cluster.ctarank : i32
    %other = llvm.xor %rank, %c1 : i32
    %first = llvm.icmp "eq" %lane, %c0 : i32
    llvm.cond_br %first, ^init, ^meet
  ^init:
    nvvm.mbarrier.init %b, %c1 : !llvm.ptr<3>, i32
    llvm.br ^meet
  ^meet:
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned}
    llvm.cond_br %first, ^send, ^receive
  ^send:
    %v = llvm.add %block, %c10 : i32
    %there = nvvm.mapa %s, %other : !llvm.ptr<3> -> !llvm.ptr<7>
    llvm.store %v, %there : i32, !llvm.ptr<7>
    %bthere = nvvm.mapa %b, %other : !llvm.ptr<3> -> !llvm.ptr<7>
    nvvm.mbarrier.arrive %bthere : !llvm.ptr<7>
    llvm.br ^receive
  ^receive:
    nvvm.mbarrier.try_wait.parity %b, %c0, %c1 : !llvm.ptr<3>, i32, i32
    %x = llvm.load %s : !llvm.ptr<3> -> i32
    %p = llvm.getelementptr %out[%block] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %x, %p : i32, !llvm.ptr<1>
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned}
    llvm.return
  }
  llvm.func @multicast(%out: !llvm.ptr<1>, %map: !llvm.ptr {llvm.byval = !llvm.array<128 x i8>, llvm.align = 64 : i64, nvvm.grid_constant}) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %both = llvm.mlir.constant(3 : i16) : i16
    %bytes = llvm.mlir.constant(1024 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %b = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %rank = nvvm.read.ptx.sreg.cluster.ctarank : i32
    %first = llvm.icmp "eq" %lane, %c0 : i32
    llvm.cond_br %first, ^init, ^meet
  ^init:
    nvvm.mbarrier.init %b, %c1 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    nvvm.mbarrier.arrive.expect_tx %b, %bytes : !llvm.ptr<3>, i32
    llvm.br ^meet
  ^meet:
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned}
    %lead = llvm.icmp "eq" %rank, %c0 : i32
    %issues = llvm.and %lead, %first : i1
    llvm.cond_br %issues, ^issue, ^wait
  ^issue:
    %d = llvm.addrspacecast %s : !llvm.ptr<3> to !llvm.ptr<7>
    nvvm.cp.async.bulk.tensor.shared.cluster.global %d, %map, %b, box[%c0, %c0] multicast_mask = %both : !llvm.ptr<7>, !llvm.ptr
    llvm.br ^wait
  ^wait:
    nvvm.mbarrier.try_wait.parity %b, %c0, %c1 : !llvm.ptr<3>, i32, i32
    %from = llvm.getelementptr %s[%lane] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %x = llvm.load %from : !llvm.ptr<3> -> i32
    %row = llvm.mul %rank, %c32 : i32
    %at = llvm.add %row, %lane : i32
    %p = llvm.getelementptr %out[%at] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %x, %p : i32, !llvm.ptr<1>
    nvvm.cluster.arrive {aligned}
    nvvm.cluster.wait {aligned}
    llvm.return
  }
  llvm.func @beyond(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %there = nvvm.mapa %s, %c2 : !llvm.ptr<3> -> !llvm.ptr<7>
    llvm.store %c2, %there : i32, !llvm.ptr<7>
    llvm.return
  }
}
