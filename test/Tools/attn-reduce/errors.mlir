// What is wrong with the call, and what is not a failure.

// RUN: not attn-reduce %s 2>&1 | FileCheck %s --match-full-lines --check-prefix=HOW
// HOW: error: --fails is missing: expected crash, wrong-value, error or a command such as 'attn-opt --attn-fuse %s'
// RUN: not attn-reduce %t.nothere.mlir --fails=crash 2>&1 | FileCheck %s --match-full-lines --check-prefix=FILE
// FILE: error: {{[^ ]+}}nothere.mlir: No such file or directory
// RUN: not attn-reduce %s --fails=crash 2>&1 | FileCheck %s --match-full-lines --check-prefix=ENTRY
// ENTRY: error: the module has 2 entries, name one of: f, g
// RUN: not attn-reduce %s --fails=crash --entry=f --input=1xf32=0 --input=1xf32=0 2>&1 | FileCheck %s --match-full-lines --check-prefix=MANY
// MANY: error: entry 'f' takes 1 inputs, but got --input 2 times
// RUN: not attn-reduce %s --fails=crash --entry=f --target=gpu 2>&1 | FileCheck %s --match-full-lines --check-prefix=TARGET
// TARGET: error: unknown target 'gpu': expected cpu, cpu:<name>, linalg, nvvm:<chip> or nvvm-emulation:<chip>
// RUN: not attn-reduce %s --fails=wrong-value --entry=f --input=1x5x9xf32=random:1 2>&1 | FileCheck %s --match-full-lines --check-prefix=SHAPE
// SHAPE: error: --fails=wrong-value: the file does not fail so; it said: argument #0 (%x): expected 1x5x8xf32, but got 1x5x9xf32
// RUN: not attn-reduce %s --fails='attn-opt %%s' 2>&1 | FileCheck %s --match-full-lines --check-prefix=COMMAND
// COMMAND: error: the command does not fail on the file
// RUN: not attn-reduce %s --fails='exit 3' -o %t/no/folder.mlir 2>&1 | FileCheck %s --match-full-lines --check-prefix=OUTPUT
// OUTPUT: error: {{[^ ]+}}folder.mlir: No such file or directory

// Out of tries: the best so far, and it says so.
// RUN: attn-reduce %s --fails='exit 3' --max-tries=1 2>&1 | FileCheck %s --check-prefix=CUT
// CUT: attn-reduce: {{[0-9]+}} lines to {{[0-9]+}}, 1 tries, {{.*}}; cut short, not the smallest

// The message must stay the same: this one needs the variant, not only some error.
// RUN: attn-reduce %s --fails='attn-opt --attn-linalg=all %%s' | FileCheck %s --check-prefix=SAME
// SAME: func.func @g(
// SAME-NEXT: attn.sdpa %{{.*}} causal(top_left) :
// SAME-NEXT: return

// Everything a user needs fits one screen.
// RUN: attn-reduce --help > %t.help
// RUN: %python -c "import sys; assert len(open(sys.argv[1]).readlines()) <= 40" %t.help
// RUN: FileCheck %s --check-prefix=HELP < %t.help
// HELP: USAGE: attn-reduce [options] FILE.mlir
// HELP-NOT: plant
// HELP: --fails=<how>
// HELP: --write-test=<file>

func.func @f(%x: tensor<1x5x8xf32>) -> tensor<1x5x8xf32> {
  return %x : tensor<1x5x8xf32>
}

func.func @g(%q: tensor<1x2x5x8xf32>, %c: f32) -> tensor<1x2x5x8xf32> {
  %o = attn.sdpa %q, %q, %q softcap(%c) causal(top_left) : tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32> -> tensor<1x2x5x8xf32>
  return %o : tensor<1x2x5x8xf32>
}
