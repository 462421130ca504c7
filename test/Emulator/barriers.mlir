// Named barriers, mbarriers and their misuse.
// DEFINE: %{run} = attn-emulate %s --shared=256 --tensor=o=4xi32=0 --arg=o --print=o
// RUN: %{run} --kernel=phases --block=32 | FileCheck %s --check-prefix=PHASES
// RUN: %{run} --kernel=handoff --block=64 --schedule=late | FileCheck %s --check-prefix=HANDOFF
// RUN: %{run} --kernel=handoff --block=64 --schedule=random --seed=5 | FileCheck %s --check-prefix=HANDOFF
// RUN: not %{run} --kernel=stuck --block=32 2>&1 | FileCheck %s --check-prefix=STUCK
// RUN: not %{run} --kernel=over --block=32 2>&1 | FileCheck %s --check-prefix=OVER
// RUN: not %{run} --kernel=missing --block=32 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not %{run} --kernel=counts --block=64 2>&1 | FileCheck %s --check-prefix=COUNTS
// RUN: not %{run} --kernel=names --block=64 2>&1 | FileCheck %s --check-prefix=NAMES

// A barrier of count 1 starts in phase 0: the phase before it, of parity 1, is over; after one arrival that of
// parity 0 is, after two that of parity 1 again. The state of an arrival names its phase.
// PHASES: {{^}}1 2 3 0
// Warp 1 waits for what warp 0 stores.
// HANDOFF: {{^}}42 0 0 0
// STUCK:      deadlock: kernel 'stuck': nobody can go on
// STUCK-NEXT: block (0,0,0) warp 0 wait in nvvm.mbarrier.try_wait.parity at {{.*}}barriers.mlir:{{.*}}: mbarrier at shared address 0 is in phase 0 with 2 of 2 arrivals and 0 bytes to come
// OVER: barrier misuse: kernel 'over', block (0,0,0), thread 0 (warp 0, lane 0), nvvm.mbarrier.arrive at {{.*}}: 3 arrivals, but the phase expects 2 more of 2 (nvvm.mbarrier.init at {{.*}})
// MISSING: barrier misuse: {{.*}} no mbarrier was initialised at shared address 8
// COUNTS: barrier misuse: {{.*}} nvvm.barrier at {{.*}}: barrier 3 expects 32 threads here, but 64 where its phase began (nvvm.barrier.arrive at {{.*}})
// NAMES: barrier misuse: {{.*}} expects a barrier from 0 to 15, but got 16
gpu.module @kernels {
  llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
  llvm.func @phases(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %b = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %first = llvm.icmp "eq" %t, %c0 : i32
    llvm.cond_br %first, ^one, ^end
  ^one:
    nvvm.mbarrier.init %b, %c1 : !llvm.ptr<3>, i32
    nvvm.mbarrier.try_wait.parity %b, %c1, %c1 : !llvm.ptr<3>, i32, i32
    llvm.store %c1, %out : i32, !llvm.ptr<1>
    %s = nvvm.mbarrier.arrive %b : !llvm.ptr<3> -> i64
    nvvm.mbarrier.try_wait.parity %b, %c0, %c1 : !llvm.ptr<3>, i32, i32
    %p1 = llvm.getelementptr %out[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %c2, %p1 : i32, !llvm.ptr<1>
    %u = nvvm.mbarrier.arrive %b : !llvm.ptr<3> -> i64
    %w = nvvm.mbarrier.try_wait %b, %u : !llvm.ptr<3>, i64 -> i1
    nvvm.mbarrier.try_wait.parity %b, %c1, %c1 : !llvm.ptr<3>, i32, i32
    %p2 = llvm.getelementptr %out[2] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32
    llvm.store %c3, %p2 : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @handoff(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c5 = llvm.mlir.constant(5 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %c64 = llvm.mlir.constant(64 : i32) : i32
    %v = llvm.mlir.constant(42 : i32) : i32
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %low = llvm.icmp "ult" %t, %c32 : i32
    llvm.cond_br %low, ^writer, ^reader
  ^writer:
    llvm.store %v, %s : i32, !llvm.ptr<3>
    nvvm.barrier.arrive id = %c5 number_of_threads = %c64
    llvm.br ^end
  ^reader:
    nvvm.barrier id = %c5 number_of_threads = %c64
    %x = llvm.load %s : !llvm.ptr<3> -> i32
    llvm.store %x, %out : i32, !llvm.ptr<1>
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @stuck(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c0 = llvm.mlir.constant(0 : i32) : i32
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %m = llvm.mlir.constant(-1 : i32) : i32
    %b = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %e = nvvm.elect.sync -> i1
    llvm.cond_br %e, ^one, ^all
  ^one:
    nvvm.mbarrier.init %b, %c2 : !llvm.ptr<3>, i32
    llvm.br ^all
  ^all:
    nvvm.bar.warp.sync %m : i32
    nvvm.mbarrier.try_wait.parity %b, %c0, %c2 : !llvm.ptr<3>, i32, i32
    llvm.return
  }
  llvm.func @over(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %b = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %e = nvvm.elect.sync -> i1
    llvm.cond_br %e, ^one, ^end
  ^one:
    nvvm.mbarrier.init %b, %c2 : !llvm.ptr<3>, i32
    %s = nvvm.mbarrier.arrive %b, %c3 : !llvm.ptr<3> -> i64
    llvm.br ^end
  ^end:
    llvm.return
  }
  llvm.func @missing(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %b = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %b1 = llvm.getelementptr %b[8] : (!llvm.ptr<3>) -> !llvm.ptr<3>, i8
    %s = nvvm.mbarrier.arrive %b1 : !llvm.ptr<3> -> i64
    llvm.return
  }
  llvm.func @counts(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c32 = llvm.mlir.constant(32 : i32) : i32
    %c64 = llvm.mlir.constant(64 : i32) : i32
    nvvm.barrier.arrive id = %c3 number_of_threads = %c64
    nvvm.barrier id = %c3 number_of_threads = %c32
    llvm.return
  }
  llvm.func @names(%out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %c16 = llvm.mlir.constant(16 : i32) : i32
    %c64 = llvm.mlir.constant(64 : i32) : i32
    nvvm.barrier id = %c16 number_of_threads = %c64
    llvm.return
  }
}
