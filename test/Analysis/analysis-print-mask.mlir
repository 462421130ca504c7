// RUN: attn-opt %s --attn-fuse-variants --attn-analysis-print-mask -o /dev/null 2>&1 | FileCheck %s --match-full-lines
// RUN: attn-opt %s --attn-analysis-print-mask -o /dev/null 2>&1 | FileCheck %s --check-prefix=NAMED

// Blocks of 64 without a plan: `.` empty, `#` full, `+` partial.
// NAMED: remark: named variants: run attn-fuse-variants first
// CHECK:      {{.*}}analysis-print-mask.mlir:[[#@LINE+9]]:8: remark: mask: (n - m <= 0 and -n + m <= 100)
// CHECK-NEXT:   keys: bounds of the loop
// CHECK-NEXT:   300 x 300, groups of 64 queries, blocks of 64 keys: 0 full, 12 partial, 13 empty of 25
// CHECK-NEXT:     +....
// CHECK-NEXT:     ++...
// CHECK-NEXT:     +++..
// CHECK-NEXT:     .+++.
// CHECK-NEXT:     ..+++
func.func @window(%q: tensor<1x2x300x8xf32>) -> tensor<1x2x300x8xf32> {
  %o = attn.sdpa %q, %q, %q causal(top_left) window(100, 0) : tensor<1x2x300x8xf32>, tensor<1x2x300x8xf32>, tensor<1x2x300x8xf32> -> tensor<1x2x300x8xf32>
  return %o : tensor<1x2x300x8xf32>
}

// Chunks of 128, in blocks of the plan.
// CHECK:      {{.*}}: remark: mask: <arith.floordivsi>
// CHECK-NEXT:   keys: bounds of the loop, a test of each block
// CHECK-NEXT:   256 x 384, groups of 64 queries, blocks of 64 keys: 8 full, 0 partial, 16 empty of 24
// CHECK-NEXT:     ##....
// CHECK-NEXT:     ##....
// CHECK-NEXT:     ..##..
// CHECK-NEXT:     ..##..
func.func @chunks(%q: tensor<1x2x256x8xf32>, %k: tensor<1x2x384x8xf32>) -> tensor<1x2x256x8xf32> {
  %o = attn.sdpa %q, %k, %k {plan = #attn.plan<room = cpu, form = flash, key_block = 64, query_group = 64>}
    : tensor<1x2x256x8xf32>, tensor<1x2x384x8xf32>, tensor<1x2x384x8xf32> -> tensor<1x2x256x8xf32>
    mask(%b, %h, %m, %n) {
      %c = arith.constant 128 : index
      %x = arith.floordivsi %m, %c : index
      %y = arith.floordivsi %n, %c : index
      %k0 = arith.cmpi eq, %x, %y : index
      attn.yield %k0 : i1
    }
  return %o : tensor<1x2x256x8xf32>
}

// 2 x 64 blocks for each letter. Documents are not known before the call, the
// future is.
// CHECK:      {{.*}}: remark: mask: (<capture #0> and n - m <= 0)
// CHECK-NEXT:   keys: bounds of the loop, a test of each block
// CHECK-NEXT:   128 x 8192, groups of 64 queries, blocks of 128 keys: 0 full, 0 partial, 2 unknown, 126 empty of 128
// CHECK-NEXT:     ?...............................................................
// CHECK-NEXT:     ?...............................................................
func.func @documents(%q: tensor<1x2x128x8xf32>, %k: tensor<1x2x8192x8xf32>, %doc: tensor<8192xi32>) -> tensor<1x2x128x8xf32> {
  %o = attn.sdpa %q, %k, %k causal(top_left) captures(%doc[m] : tensor<8192xi32>, %doc[n] : tensor<8192xi32>)
    : tensor<1x2x128x8xf32>, tensor<1x2x8192x8xf32>, tensor<1x2x8192x8xf32> -> tensor<1x2x128x8xf32>
    mask(%b, %h, %m, %n, %x, %y) {
      %k0 = arith.cmpi eq, %x, %y : i32
      attn.yield %k0 : i1
    }
  return %o : tensor<1x2x128x8xf32>
}

// CHECK:      {{.*}}: remark: mask: n - capture #0 <= -1
// CHECK-NEXT:   keys: bounds of the loop
// CHECK-NEXT:   lengths are not known before the call
// CHECK:      {{.*}}: remark: no mask
func.func @dynamic(%q: tensor<1x2x?x8xf32>, %lens: tensor<1xi64>) -> (tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) {
  %o = attn.sdpa %q, %q, %q kv_lens(%lens : tensor<1xi64>) : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  %p = attn.sdpa %q, %q, %q : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  return %o, %p : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>
}
