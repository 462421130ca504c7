// The layouts of ldmatrix, stmatrix and mma.sync, by hand.
// DEFINE: %{run} = attn-emulate %s --block=32 --shared=1024 --print=o
// RUN: %{run} --kernel=load --tensor=i=64xi32=iota --tensor=o=32x2xi16=0 --arg=i --arg=o | FileCheck %s --check-prefix=LOAD
// RUN: %{run} --kernel=load_trans --tensor=i=64xi32=iota --tensor=o=32x2xi16=0 --arg=i --arg=o | FileCheck %s --check-prefix=TRANS
// RUN: %{run} --kernel=multiply --tensor=i=64xi32=iota --tensor=o=32x4xf32=0 --arg=i --arg=o | FileCheck %s --check-prefix=MMA

// Shared memory holds the 16-bit numbers of i = 0, 1, 2, ... in 32-bit words: element (r, c) of the
// matrix is word r * 4 + c / 2 when c is even and 0 when it is odd. Lane 4 g + t gets (g, 2 t) and
// (g, 2 t + 1), that is word 4 g + t: its own number.
// LOAD:      {{^}}0 0
// LOAD-NEXT: {{^}}1 0
// LOAD-NEXT: {{^}}2 0
// LOAD:      {{^}}31 0
// Transposed, lane 4 g + t gets (2 t, g) and (2 t + 1, g): words 8 t + g / 2 and 4 more, when g is even.
// TRANS:      {{^}}0 4
// TRANS-NEXT: {{^}}8 12
// TRANS-NEXT: {{^}}16 20
// TRANS-NEXT: {{^}}24 28
// TRANS-NEXT: {{^}}0 0
// TRANS:      {{^}}1 5
// TRANS-NEXT: {{^}}9 13
// A (16 x 16) is 1 in column 2 and 0 elsewhere, but row 3 has 2 there; B (16 x 8) is 1 in row 2 at column 5;
// C is 10. So D is 10, 11 in column 5, and 12 in row 3 of it. Column 5 is the second of lane 4 g + 2.
// MMA:      {{^}}10 10 10 10
// MMA-NEXT: {{^}}10 10 10 10
// MMA-NEXT: {{^}}10 11 10 11
// MMA:      {{^}}10 12 10 11
gpu.module @kernels {
  llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

  // Words 2 tid and 2 tid + 1 of the input to shared memory.
  llvm.func @fill(%in: !llvm.ptr<1>) {
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %one = llvm.mlir.constant(1 : i32) : i32
    %m = llvm.mlir.constant(-1 : i32) : i32
    %t2 = llvm.mul %t, %one : i32
    %i0 = llvm.add %t, %t2 : i32
    %g = llvm.getelementptr %in[%i0] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    %v = llvm.load %g {alignment = 8 : i64} : !llvm.ptr<1> -> vector<2xi32>
    %p = llvm.getelementptr %s[%i0] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    llvm.store %v, %p {alignment = 8 : i64} : vector<2xi32>, !llvm.ptr<3>
    nvvm.bar.warp.sync %m : i32
    llvm.return
  }
  llvm.func @load(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    llvm.call @fill(%in) : (!llvm.ptr<1>) -> ()
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c7 = llvm.mlir.constant(7 : i32) : i32
    %r = llvm.and %t, %c7 : i32
    %w = llvm.mul %r, %c4 : i32
    %p = llvm.getelementptr %s[%w] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %x = nvvm.ldmatrix %p {num = 1 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> i32
    %q = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %x, %q : i32, !llvm.ptr<1>
    llvm.return
  }
  llvm.func @load_trans(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    llvm.call @fill(%in) : (!llvm.ptr<1>) -> ()
    %s = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
    %t = nvvm.read.ptx.sreg.tid.x : i32
    %c4 = llvm.mlir.constant(4 : i32) : i32
    %c7 = llvm.mlir.constant(7 : i32) : i32
    %r = llvm.and %t, %c7 : i32
    %w = llvm.mul %r, %c4 : i32
    %p = llvm.getelementptr %s[%w] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i32
    %x = nvvm.ldmatrix %p {num = 1 : i32, layout = #nvvm.mma_layout<col>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> i32
    %q = llvm.getelementptr %out[%t] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i32
    llvm.store %x, %q : i32, !llvm.ptr<1>
    llvm.return
  }
  // A in registers: a0 holds (g, 2 t .. 2 t + 1), a1 (g + 8, the same). B: b0 holds (2 t .. 2 t + 1, g).
  llvm.func @multiply(%in: !llvm.ptr<1>, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %zero = llvm.mlir.constant(0 : i32) : i32
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c2 = llvm.mlir.constant(2 : i32) : i32
    %c3 = llvm.mlir.constant(3 : i32) : i32
    %c5 = llvm.mlir.constant(5 : i32) : i32
    %one_bf16 = llvm.mlir.constant(0x3f80 : i32) : i32
    %two_bf16 = llvm.mlir.constant(0x4000 : i32) : i32
    %ten = llvm.mlir.constant(10.0 : f32) : f32
    %lane = nvvm.read.ptx.sreg.laneid : i32
    %g = llvm.lshr %lane, %c2 : i32
    %t = llvm.and %lane, %c3 : i32
    %k2 = llvm.icmp "eq" %t, %c1 : i32
    %row3 = llvm.icmp "eq" %g, %c3 : i32
    %value = llvm.select %row3, %two_bf16, %one_bf16 : i1, i32
    %a0 = llvm.select %k2, %value, %zero : i1, i32
    %a1 = llvm.select %k2, %one_bf16, %zero : i1, i32
    %n5 = llvm.icmp "eq" %g, %c5 : i32
    %here = llvm.and %k2, %n5 : i1
    %b0 = llvm.select %here, %one_bf16, %zero : i1, i32
    %d = nvvm.mma.sync A[%a0, %a1, %zero, %zero] B[%b0, %zero] C[%ten, %ten, %ten, %ten] {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, shape = #nvvm.shape<m = 16, n = 8, k = 16>, multiplicandAPtxType = #nvvm.mma_type<bf16>, multiplicandBPtxType = #nvvm.mma_type<bf16>} : (i32, i32, f32) -> !llvm.struct<(f32, f32, f32, f32)>
    %p = llvm.getelementptr %out[%lane] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, !llvm.array<4 x f32>
    llvm.store %d, %p {alignment = 16 : i64} : !llvm.struct<(f32, f32, f32, f32)>, !llvm.ptr<1>
    llvm.return
  }
}
