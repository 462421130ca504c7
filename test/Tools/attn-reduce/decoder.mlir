// A file of 200 lines on which a planted fault shows becomes the op at fault with the one clause that
// matters, and a test that fails as long as the fault is there.
// REQUIRES: avx2

// DEFINE: %{file} = %S/Inputs/decoder.mlir --entry=decoder

// This compiler forgets the cap where D >= 8.
// RUN: attn-reduce %{file} --fails=wrong-value --plant=softcap --write-test=%t.value.mlir -o %t.small.mlir 2>&1 | FileCheck %s --check-prefix=SAID
// SAID: attn-reduce: the file fails: numbers off
// SAID-NEXT: attn-reduce: 143 lines to 7, {{[0-9]+}} tries, {{[0-9.]+}} s{{$}}
// RUN: FileCheck %s --check-prefix=VALUE --match-full-lines < %t.small.mlir
// VALUE:      module {
// VALUE-NEXT:   func.func @decoder({{.*}}) -> tensor<1x1x1x1xf32> {
// VALUE-NEXT:     %output = attn.sdpa {{%[a-z0-9]+, %[a-z0-9]+, %[a-z0-9]+}} softcap(%cap) : tensor<1x1x1x8xf32>, tensor<1x1x2x8xf32>, tensor<1x1x2x1xf32> -> tensor<1x1x1x1xf32>
// VALUE-NEXT:     return %output : tensor<1x1x1x1xf32>
// VALUE-NEXT:   }
// VALUE-NEXT: }
// It still fails, and its test, which lit can run, passes with a compiler without the fault.
// RUN: attn-reduce %t.small.mlir --fails=wrong-value --plant=softcap --max-tries=0 -o %t.again.mlir
// RUN: diff %t.small.mlir %t.again.mlir
// RUN: FileCheck %s --check-prefix=TEST < %t.value.mlir
// TEST: // {{R}}UN: attn-run %s --target=cpu --check --input={{.*}} | FileCheck %s
// TEST: // CHECK: ok, max error
// RUN: %python %S/Inputs/run_lines.py %t.value.mlir

// This one crashes on a window over grouped heads.
// RUN: attn-reduce %{file} --fails=crash --plant=window --steps --write-test=%t.crash.mlir 2>%t.steps | FileCheck %s --check-prefix=CRASH
// CRASH:      func.func @decoder
// CRASH-NEXT: %output = attn.mha {{.*}} heads(2) kv_heads(1) window(5, 3) : tensor<1x1x1xf32>, tensor<2x1xf32>, tensor<1x1xf32>, tensor<1x1xf32>, tensor<1x2xf32> -> tensor<1x1x1xf32>
// CRASH-NEXT: return %output
// RUN: FileCheck %s --check-prefix=STEPS < %t.steps
// STEPS: attn-reduce: the file fails: Aborted before the first room
// STEPS-NEXT: attn-reduce: drop function @other, {{[0-9]+}} lines
// STEPS-NEXT: attn-reduce: inline the calls
// STEPS-NEXT: attn-reduce: attn.mha alone, 7 lines
// STEPS: attn-reduce: H = 2, Hkv = 1
// RUN: %python %S/Inputs/run_lines.py %t.crash.mlir

// Without the fault there is nothing to reduce.
// RUN: not attn-reduce %{file} --fails=crash 2>&1 | FileCheck %s --match-full-lines --check-prefix=FINE
// FINE: error: --fails=crash: the file does not fail so
