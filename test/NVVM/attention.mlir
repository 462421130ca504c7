// The whole way to kernels in nvvm, counted: products of the tensor cores, exponentials, waits.

// RUN: attn-opt %s --attn-nvvm-pipeline -o %t
// RUN: FileCheck %s < %t
// RUN: grep -c 'nvvm.wgmma.mma_async' %t | FileCheck %s --check-prefix=SS
// RUN: grep -c 'inline_asm .*wgmma.mma_async' %t | FileCheck %s --check-prefix=RS
// RUN: grep -c 'ex2.approx' %t | FileCheck %s --check-prefix=EX2

// The first block, the masked ones and the full ones: 8 steps of 16 channels each.
// SS: {{^}}24{{$}}
// Masked blocks, full blocks and the last one: 8 steps of 16 keys each.
// RS: {{^}}24{{$}}
// 64 elements per thread in three bodies, and two rows' rescaling in two of them; one in the
// function that mends rows.
// EX2: {{^}}197{{$}}

// CHECK:       module attributes {gpu.container_module}
// CHECK:       gpu.module @f_kernels [#nvvm.target<O = 3, chip = "sm_90a", features = "+ptx80">]
// CHECK:         llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
// CHECK:         llvm.func @f_attention_0(%{{.*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}
// CHECK-SAME:      gpu.kernel, nvvm.kernel, nvvm.maxntid = array<i32: 384>, nvvm.minctasm = 1 : i32
// CHECK:           nvvm.mbarrier.init
// CHECK:           nvvm.fence.mbarrier.init
// CHECK:           nvvm.barrier
// CHECK:           nvvm.setmaxregister decrease 24
// CHECK:           nvvm.mbarrier.arrive.expect_tx {{.*}} : !llvm.ptr<3>, i32
// CHECK:           nvvm.cp.async.bulk.tensor.shared.cluster.global
// CHECK:           nvvm.setmaxregister increase 240
// CHECK:           nvvm.mbarrier.try_wait.parity
// CHECK:           nvvm.wgmma.fence.aligned
// CHECK-COUNT-8:   nvvm.wgmma.mma_async {{.*}} <m = 64, n = 128, k = 16>
// CHECK:           nvvm.wgmma.commit.group.sync.aligned
// CHECK:           nvvm.barrier.arrive
// CHECK:           llvm.inline_asm has_side_effects {{.*}} "wgmma.wait_group.sync.aligned 0;", "=f,=f,{{.*}},0,1,{{.*}},~{memory}"
// CHECK:           llvm.inline_asm has_side_effects {{.*}} "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {$0, $1, {{.*}}}, {$128, $129, $130, $131}, $132, 1, 1, 1, 1;"
// CHECK:           nvvm.stmatrix
// CHECK:           nvvm.fence.proxy
// CHECK:           nvvm.cp.async.bulk.tensor.global.shared.cta
// CHECK:           nvvm.cp.async.bulk.wait_group 0 {read}
func.func @f(%q: tensor<?x?x?x128xbf16>, %k: tensor<?x?x?x128xbf16>, %v: tensor<?x?x?x128xbf16>) -> tensor<?x?x?x128xbf16> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right) : tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16>, tensor<?x?x?x128xbf16> -> tensor<?x?x?x128xbf16>
  return %o : tensor<?x?x?x128xbf16>
}
