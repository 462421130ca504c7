// The memory of a call grows with the length S: at S = 16384 a tensor of scores would be a gigabyte,
// while queries, keys, values and output grow by 4 MB together.

// DEFINE: %{tensor} = 1x1x{n}x16xf32=random:1
// RUN: %python %S/Inputs/peak_memory.py 1024 4096 16384 -- attn-run %s --input=%{tensor} --input=%{tensor} --input=%{tensor} > %t
// RUN: FileCheck %s < %t
// CHECK: 4096: {{-?[0-9]}} MB more than 1024
// CHECK: 16384: {{1?[0-9]}} MB more than 1024

func.func @f(%q: tensor<1x1x?x16xf32>, %k: tensor<1x1x?x16xf32>, %v: tensor<1x1x?x16xf32>) -> tensor<1x1x?x16xf32> {
  %o = attn.sdpa %q, %k, %v causal(bottom_right)
    : tensor<1x1x?x16xf32>, tensor<1x1x?x16xf32>, tensor<1x1x?x16xf32> -> tensor<1x1x?x16xf32>
  return %o : tensor<1x1x?x16xf32>
}
