// What a wrong command line is told; exit code 1, while a kernel's fault ends with 2.
// RUN: not attn-emulate %s --kernel=c 2>&1 | FileCheck %s --match-full-lines --check-prefix=NAME
// RUN: not attn-emulate %s 2>&1 | FileCheck %s --match-full-lines --check-prefix=SEVERAL
// RUN: not attn-emulate %s --kernel=a 2>&1 | FileCheck %s --match-full-lines --check-prefix=COUNT
// RUN: not attn-emulate %s --kernel=a --arg=f32:1 --arg=i32:1 2>&1 | FileCheck %s --match-full-lines --check-prefix=TYPE
// RUN: not attn-emulate %s --kernel=a --arg=x --arg=i32:1 2>&1 | FileCheck %s --match-full-lines --check-prefix=TENSOR
// RUN: not attn-emulate %s --kernel=a --tensor=x=4xf32=iota --arg=map:x:8 --arg=i32:1 2>&1 | FileCheck %s --match-full-lines --check-prefix=MAP
// RUN: not attn-emulate %s --kernel=b --schedule=soon 2>&1 | FileCheck %s --match-full-lines --check-prefix=SCHEDULE
// RUN: not attn-emulate %s --kernel=b --block=4096 2>&1 | FileCheck %s --match-full-lines --check-prefix=BLOCK
// RUN: not attn-emulate %s --kernel=b --grid=1,1,1,1 2>&1 | FileCheck %s --match-full-lines --check-prefix=GRID

// NAME: error: the file has no kernel 'c'
// SEVERAL: error: the file has several kernels: say --kernel=a or another
// COUNT: error: kernel 'a' expects 2 arguments, but found 0
// TYPE: error: argument 0 of kernel 'a' expects !llvm.ptr, but found f32
// TENSOR: error: --arg=x: expected the name of a --tensor, but got 'x'
// MAP: error: invalid operand: tensor map: expects rows of the box as wide as the swizzle of 128 bytes, but got 32
// SCHEDULE: error: --schedule: expected eager, late or random, but got 'soon'
// BLOCK: invalid operand: launch of kernel 'b': expects at most 1024 threads in a block, but got 4096
// GRID: error: --grid: expected at most 3 sizes, but found 4
gpu.module @kernels {
  llvm.func @a(%x: !llvm.ptr<1>, %n: i32) attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
  llvm.func @b() attributes {gpu.kernel, nvvm.kernel} {
    llvm.return
  }
}
