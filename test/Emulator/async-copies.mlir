// cp.async with zero fill and an mbarrier, and bulk copies.
// DEFINE: %{run} = attn-emulate %s --block=32 --shared=1024 --tensor=i=128xi32=iota --tensor=o=128xi32=-1 --arg=i --arg=o --print=o
// RUN: %{run} --kernel=fill --schedule=late | FileCheck %s --check-prefix=FILL
// RUN: %{run} --kernel=arrive --schedule=late | FileCheck %s --check-prefix=ARRIVE
// RUN: %{run} --kernel=arrive --schedule=random --seed=3 | FileCheck %s --check-prefix=ARRIVE
// RUN: %{run} --kernel=bulk --schedule=late | FileCheck %s --check-prefix=BULK
// RUN: not %{run} --kernel=unfenced 2>&1 | FileCheck %s --check-prefix=UNFENCED

// Lane l copies 4 words but reads only the first l % 4 of them: the rest is zero.
// FILL: {{^}}0 0 0 0 4 0 0 0 8 9 0 0 12 13 14 0 0 0 0 0 20 0 0 0
// All 32 lanes' copies arrive at one barrier, and then lane l reads what lane 31 - l copied.
// ARRIVE: {{^}}124 120 116 112 108 {{.*}} 4 0 -1 -1
// 64 bytes to shared memory by a bulk copy and back to another place.
// BULK: {{^}}-1 -1 -1 -1 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -1
// UNFENCED: missing fence: {{.*}} reads shared address 1024, which thread 0 wrote without a fence.proxy.async after it
gpu.module @kernels {
  llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.mlir.global internal @bar() {addr_space = 3 : i32, alignment = 8 : i64} : !llvm.array<8 x i8>
  llvm.func @fill(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %word = llvm.mul %lane, %c4 : i32
    %low = llvm.and %lane, %c3 : i32
    %bytes = llvm.mul %low, %c4 : i32
    %to = llvm.getelementptr %s[%word] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %from = llvm.getelementptr %in[%word] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    nvvm.cp.async.shared.global %to, %from, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
    nvvm.cp.async.commit.group
    nvvm.cp.async.wait.group 0
    %v = llvm.load %to {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xi32>
    %p = llvm.getelementptr %out[%word] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %p {alignment = 16 : i64} : vector<4xi32>, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @arrive(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c31 = llvm.mlir.constant(31 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %m = llvm.mlir.constant(-1 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %b = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %first = llvm.icmp "eq" %lane, %c0 : i32
    llvm.cond_br %first, ^init, ^copy
  ^init:
    nvvm.mbarrier.init %b, %c32 : !llvm.ptr<3>, i32
    llvm.br ^copy
  ^copy:
    nvvm.bar.warp.sync %m : i32
    %word = llvm.mul %lane, %c4 : i32
    %to = llvm.getelementptr %s[%word] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %from = llvm.getelementptr %in[%word] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    nvvm.cp.async.shared.global %to, %from, 16, cache = cg : !llvm.ptr<3>, !llvm.ptr<1>
    nvvm.cp.async.mbarrier.arrive %b {noinc = true} : !llvm.ptr<3>
    nvvm.mbarrier.try_wait.parity %b, %c0, %c1 : !llvm.ptr<3>, i32, i32
    %other = llvm.sub %c31, %lane : i32
    %oword = llvm.mul %other, %c4 : i32
    %there = llvm.getelementptr %s[%oword] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %v = llvm.load %there : !llvm.ptr<3> -> i32
    %p = llvm.getelementptr %out[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %v, %p : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @bulk(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %bytes = llvm.mlir.constant(64 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %b = llvm.mlir.addressof @bar : !llvm.ptr<3>
    %e = nvvm.elect.sync -> i1
    llvm.cond_br %e, ^one, ^end
  ^one:
    nvvm.mbarrier.init %b, %c1 : !llvm.ptr<3>, i32
    nvvm.fence.mbarrier.init
    nvvm.mbarrier.arrive.expect_tx %b, %bytes : !llvm.ptr<3>, i32
    %d = llvm.addrspacecast %s : !llvm.ptr<3> to !llvm.ptr<7>
    nvvm.cp.async.bulk.shared.cluster.global %d, %in, %b, %bytes : !llvm.ptr<7>, !llvm.ptr<1>
    nvvm.mbarrier.try_wait.parity %b, %c0, %c1 : !llvm.ptr<3>, i32, i32
    %p = llvm.getelementptr %out[4] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    nvvm.cp.async.bulk.global.shared.cta %p, %s, %bytes : !llvm.ptr<1>, !llvm.ptr<3>
    nvvm.cp.async.bulk.commit.group
    nvvm.cp.async.bulk.wait_group 0
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @unfenced(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c7 = llvm.mlir.constant(7 : i32) : i32
    %bytes = llvm.mlir.constant(16 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %e = nvvm.elect.sync -> i1
    llvm.cond_br %e, ^one, ^end
  ^one:
    llvm.store %c7, %s : i32, !llvm.ptr<3>
    nvvm.cp.async.bulk.global.shared.cta %out, %s, %bytes : !llvm.ptr<1>, !llvm.ptr<3>
    nvvm.cp.async.bulk.commit.group
    nvvm.cp.async.bulk.wait_group 0
    llvm.br ^end
  ^end:
    llvm.return
  }
}
