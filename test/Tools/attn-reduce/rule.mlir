// Open sizes get numbers, bf16 becomes f32, rules lose what does not matter, layouts go.
// REQUIRES: avx2

// RUN: attn-reduce %s --fails=wrong-value --plant=softcap | FileCheck %s
// CHECK:      func.func @rule(%q: tensor<1x1x1x8xf32>, %k: tensor<1x1x2x8xf32>, %v: tensor<1x1x2x1xf32>, %cap: f32) -> tensor<1x1x1x1xf32> {
// CHECK-NEXT: %output = attn.sdpa %q, %k, %v softcap(%cap) : tensor<1x1x1x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x1xf32> -> tensor<1x1x1x1xf32>
// CHECK-NEXT: return %output

// A command knows nothing of numbers: here it fails as long as the rule divides. Captures and clauses
// go, and of the rule the division stays.
// RUN: attn-reduce %s --fails='grep -q divf %%s && exit 3' -o %t.1 --write-test=%t.test
// RUN: FileCheck %s --check-prefix=DIV < %t.1
// DIV:      score(%{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}, %{{[a-z0-9]+}}) {
// DIV-NEXT:   %[[D:.*]] = arith.divf
// DIV-NEXT:   attn.yield %[[D]] : f32
// DIV-NEXT: }
// RUN: FileCheck %s --check-prefix=COMMAND < %t.test
// COMMAND: // {{R}}UN: grep -q divf %s && exit 3
// The same file gives the same result.
// RUN: attn-reduce %s --fails='grep -q divf %%s && exit 3' -o %t.2
// RUN: diff %t.1 %t.2

func.func @rule(%q: tensor<2x?x8x32xbf16>, %k: tensor<2x?x2x32xbf16>, %v: tensor<2x?x2x48xbf16>, %cap: f32,
                %slope: tensor<8xf32>, %sink: tensor<8xf32>, %doc: tensor<2x?xi32>)
    -> (tensor<2x?x8x48xbf16>, tensor<2x8x?xf32>) {
  %o, %lse = attn.sdpa %q, %k, %v softcap(%cap) causal(bottom_right) alibi(%slope : tensor<8xf32>)
      sinks(%sink : tensor<8xf32>) captures(%doc[b, n] : tensor<2x?xi32>) layout(bshd, bshd, bshd, bshd) returns(lse)
    : tensor<2x?x8x32xbf16>, tensor<2x?x2x32xbf16>, tensor<2x?x2x48xbf16> -> tensor<2x?x8x48xbf16>, tensor<2x8x?xf32>
    score(%s, %b, %h, %m, %n, %d) {
      %two = arith.constant 2.0 : f32
      %f = arith.sitofp %d : i32 to f32
      %far = arith.addf %f, %two : f32
      %half = arith.divf %s, %far : f32
      %r = arith.addf %half, %two : f32
      attn.yield %r : f32
    } mask(%b, %h, %m, %n, %d) {
      %zero = arith.constant 0 : i32
      %r = arith.cmpi ne, %d, %zero : i32
      attn.yield %r : i1
    }
  return %o, %lse : tensor<2x?x8x48xbf16>, tensor<2x8x?xf32>
}
