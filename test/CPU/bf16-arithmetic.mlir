// RUN: attn-opt %s --attn-cpu=target=cpu:x86-64-v3 | FileCheck %s

// Arithmetic goes through f32, and no bf16 reaches LLVM.
// CHECK-LABEL: llvm.func internal @sum_body
// CHECK-NOT:     bf16
// CHECK:         llvm.fadd %{{.+}}, %{{.+}} : f32
// CHECK-NOT:     bf16
// CHECK:         llvm.return
func.func @sum(%x: tensor<8xbf16>, %y: tensor<8xbf16>) -> tensor<8xbf16> {
  %e = tensor.empty() : tensor<8xbf16>
  %0 = linalg.add ins(%x, %y : tensor<8xbf16>, tensor<8xbf16>) outs(%e : tensor<8xbf16>) -> tensor<8xbf16>
  %1 = linalg.exp ins(%0 : tensor<8xbf16>) outs(%e : tensor<8xbf16>) -> tensor<8xbf16>
  %2 = linalg.sqrt ins(%1 : tensor<8xbf16>) outs(%e : tensor<8xbf16>) -> tensor<8xbf16>
  return %2 : tensor<8xbf16>
}
