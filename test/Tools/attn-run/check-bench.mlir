// --check judges, --bench times.
// REQUIRES: avx2

// DEFINE: %{inputs} = --input=1x2x65x32xf32=random:1 --input=1x2x65x32xf32=random:2 --input=1x2x65x32xf32=random:3

// RUN: attn-run %s %{inputs} --check | FileCheck %s --check-prefix=CHECK
// CHECK: check: attn.sdpa at check-bench.mlir:[[#]]:8, output: ok, max error {{.*}} over 4160 elements

// 2 * 2 heads * (32 + 32) * 65^2 / 2: the causal half.
// RUN: attn-run %s %{inputs} --threads=1 --bench --bench-readings=1 --bench-seconds=1 2>%t | FileCheck %s --check-prefix=BENCH
// RUN: count 0 < %t
// BENCH: bench: {{.*}} ms a call of CPU time, {{.*}} ms wall, 1 thread
// BENCH-NEXT: bench: kept {{[0-9]+}} of {{[0-9]+}} readings
// BENCH-NEXT: bench: 0.0005408 GFLOP a call, {{.*}} GFLOP/s, peak {{.*}} GFLOP/s ({{16|8}} f32 lanes)
// BENCH-NEXT: bench: share of peak {{.*}} (median of the kept), {{.*}} (ungated)

func.func @f(%q: tensor<1x2x?x32xf32>, %k: tensor<1x2x?x32xf32>, %v: tensor<1x2x?x32xf32>)
    -> tensor<1x2x?x32xf32> {
  %o = attn.sdpa %q, %k, %v causal(top_left)
    : tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x2x?x32xf32>
  return %o : tensor<1x2x?x32xf32>
}
