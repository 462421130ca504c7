// RUN: attn-opt %s --attn-nvvm-to-llvm | FileCheck %s

// An index has 32 bits in a kernel; elementary functions are machine instructions.
// CHECK-LABEL: llvm.func @kernel
// CHECK-NOT:     arith.
// CHECK-NOT:     math.
// CHECK:         llvm.add %{{.*}}, %{{.*}} : i32
// CHECK-NOT:     i64
// e^x = 2^(x log2(e)), ln x = log2(x) ln(2)
// CHECK:         %[[A:.*]] = llvm.fmul %[[X:.*]], %{{.*}} : f32
// CHECK-NEXT:    llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%[[A]])
// CHECK:         %[[L:.*]] = llvm.call_intrinsic "llvm.nvvm.lg2.approx.f"
// CHECK-NEXT:    llvm.fmul %[[L]]
// tanh x = 1 - 2 / (1 + e^2x)
// CHECK:         %[[E:.*]] = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"
// CHECK-NEXT:    %[[D:.*]] = llvm.fadd %[[E]]
// CHECK-NEXT:    %[[Q:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%[[D]])
// CHECK:         llvm.intr.fma(%[[Q]]
// x / y = x * rcp(y)
// CHECK:         %[[R:.*]] = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"
// CHECK-NEXT:    llvm.fmul %{{.*}}, %[[R]]
// CHECK:         llvm.cond_br
gpu.module @m {
  llvm.func @kernel(%n: i32, %x: f32, %out: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %i = arith.index_cast %n : i32 to index
    %j = affine.apply affine_map<(d0) -> (d0 + 3)>(%i)
    %positive = arith.cmpi sgt, %j, %i : index
    %e = math.exp %x : f32
    %l = math.log %e : f32
    %t = math.tanh %l : f32
    %d = arith.divf %t, %x : f32
    scf.if %positive {
      llvm.store %d, %out : f32, !llvm.ptr<1>
    }
    llvm.return
  }
}
