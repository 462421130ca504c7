// Whatever is wrong with the input: one line that says what was expected and what was found.

// DEFINE: %{run} = not attn-run %s --entry=f
// DEFINE: %{q} = --input=1x2x5x8xf32=random:1
// DEFINE: %{k} = --input=1x2x7x8xf32=random:2

// RUN: %{run} 2>&1 | FileCheck %s --match-full-lines --check-prefix=NONE
// NONE: error: argument #0 (%q) of 'f' is missing: give --input once more, for instance --input=1x2x8x8xf32=random:1
// RUN: %{run} %{q} %{k} 2>&1 | FileCheck %s --match-full-lines --check-prefix=THIRD
// THIRD: error: argument #2 (%v) of 'f' is missing: give --input once more, for instance --input=1x2x8x8xf32=random:1
// RUN: %{run} %{q} %{k} %{k} %{k} 2>&1 | FileCheck %s --match-full-lines --check-prefix=FOUR
// FOUR: error: entry 'f' takes 3 inputs, but got --input 4 times
// RUN: %{run} %{q} --input=1x2x7x9xf32=0 %{k} 2>&1 | FileCheck %s --match-full-lines --check-prefix=SHAPE
// SHAPE: error: argument #1 (%k): expected 1x2x?x8xf32, but got 1x2x7x9xf32
// RUN: %{run} %{q} %{k} --input=1x2x7x8xf16=0 2>&1 | FileCheck %s --match-full-lines --check-prefix=DTYPE
// DTYPE: error: argument #2 (%v): expected 1x2x?x8xf32, but got 1x2x7x8xf16
// RUN: %{run} %{q} %{k} --input=1x2x9x8xf32=0 2>&1 | FileCheck %s --match-full-lines --check-prefix=LENGTH
// LENGTH: error: argument #2 (%v): expected dimension 2 to be 7, which is dimension 2 of argument #1 (%k), but got 1x2x9x8xf32
// RUN: %{run} %{q} %{k} --input=@%t.nothere.npy 2>&1 | FileCheck %s --match-full-lines --check-prefix=FILE
// FILE: error: argument #2 (%v): cannot open '{{[^ ]+}}nothere.npy': No such file or directory
// RUN: %{run} %{q} %{k} %{k} --output=%t/no/folder/o.npy 2>&1 | FileCheck %s --match-full-lines --check-prefix=OUTPUT
// OUTPUT: error: cannot write '{{[^ ]+}}/o.npy': No such file or directory
// RUN: %{run} %{q} %{k} %{k} --output=a --output=b 2>&1 | FileCheck %s --match-full-lines --check-prefix=OUTPUTS
// OUTPUTS: error: entry 'f' gives 1 results, but got --output 2 times
// RUN: %{run} --weights=w.npz 2>&1 | FileCheck %s --match-full-lines --check-prefix=AT
// AT: error: --weights=w.npz: expected @ before the path of a file

// RUN: not attn-run %s 2>&1 | FileCheck %s --match-full-lines --check-prefix=ENTRY
// ENTRY: error: the module has 2 entries, name one of: f, g
// RUN: not attn-run %s --entry=h 2>&1 | FileCheck %s --match-full-lines --check-prefix=NAME
// NAME: error: no entry 'h': expected one of: f, g
// RUN: not attn-run %s --entry=f --target=gpu 2>&1 | FileCheck %s --match-full-lines --check-prefix=TARGET
// TARGET: error: unknown target 'gpu': expected cpu, cpu:<name>, linalg, nvvm:<chip> or nvvm-emulation:<chip>
// RUN: not attn-run %s --entry=f --stop-after=lunch 2>&1 | FileCheck %s --match-full-lines --check-prefix=STAGE
// STAGE: error: --stop-after=lunch: expected one of input, raise, optimize, split-heads, fuse, tile, linalg, cpu, nvvm
// RUN: not attn-run %s --entry=f --threads=-1 2>&1 | FileCheck %s --match-full-lines --check-prefix=THREADS
// THREADS: error: --threads=-1: expected 0 or more
// RUN: not attn-run %t.nothere.mlir 2>&1 | FileCheck %s --match-full-lines --check-prefix=SOURCE
// SOURCE: error: {{[^ ]+}}nothere.mlir: No such file or directory
// RUN: echo "func.func @f(" > %t.bad.mlir && not attn-run %t.bad.mlir 2>&1 | FileCheck %s --match-full-lines --check-prefix=PARSE
// PARSE: {{[^ ]+}}bad.mlir:1:14: error: expected non-function type

func.func @f(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>)
    -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %k, %v
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}

func.func @g() {
  return
}
