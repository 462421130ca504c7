// Whatever is wrong: one line that says what was expected and what was found, exit code 1, and no file.

// DEFINE: %{f} = not attn-compile %s --entry=f
// RUN: rm -rf %t && mkdir %t

// RUN: %{f} 2>&1 | FileCheck %s --match-full-lines --check-prefix=KIND
// KIND: error: -o -: its suffix names no kind: expected --emit with one of mlir, llvm, asm, obj, header, so, ptx, cubin, bundle
// RUN: %{f} -o %t/f.exe 2>&1 | FileCheck %s --match-full-lines --check-prefix=SUFFIX
// SUFFIX: error: -o {{[^ ]+}}/f.exe: its suffix names no kind: expected --emit with one of mlir, llvm, asm, obj, header, so, ptx, cubin, bundle
// RUN: %{f} --emit=exe -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=EMIT
// EMIT: error: --emit=exe: expected one of mlir, llvm, asm, obj, header, so, ptx, cubin, bundle
// RUN: %{f} --stop-after=fuse -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=STOP
// STOP: error: --stop-after gives a module: expected --emit=mlir, but found obj
// RUN: %{f} --stop-after=lunch 2>&1 | FileCheck %s --match-full-lines --check-prefix=STAGE
// STAGE: error: --stop-after=lunch: expected one of input, raise, optimize, split-heads, fuse, tile, linalg, cpu, nvvm
// RUN: %{f} --no-such -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=OPTION
// OPTION: attn-compile: Unknown command line argument '--no-such'.  Try: '{{[^ ]+}}attn-compile --help'

// RUN: %{f} --target=gpu -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=TARGET
// TARGET: error: unknown target 'gpu': expected cpu, cpu:<name>, linalg, nvvm:<chip> or nvvm-emulation:<chip>
// RUN: %{f} --target=cpu:x86-64-v3+ -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=EMPTY
// EMPTY: error: target 'cpu:' names no CPU: expected cpu or cpu:<name>
// RUN: %{f} --target=cpu:x86-64-v3+abacus -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=NAME
// NAME: error: unknown target 'cpu:abacus': no x86-64 or aarch64 CPU or level is named 'abacus'
// RUN: %{f} --target=cpu:x86-64-v3+armv8-a -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=MIXED
// MIXED: error: target 'cpu:x86-64-v3+armv8-a': expected levels of one architecture
// RUN: %{f} --target=cpu:x86-64-v3+znver3+x86-64-v3 -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=TWICE
// TWICE: error: target 'cpu:x86-64-v3+znver3+x86-64-v3' names 'x86-64-v3' twice
// RUN: %{f} --target=nvvm:sm_90a -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=GPU
// GPU: error: target 'nvvm:sm_90a': expected cpu, cpu:<name> or linalg, of which C functions can be made
// RUN: %{f} --target=cpu:x86-64-v3+x86-64-v4 -o %t/f.mlir 2>&1 | FileCheck %s --match-full-lines --check-prefix=MODULE
// MODULE: error: target 'cpu:x86-64-v3+x86-64-v4': expected one CPU to see modules, but found 2
// RUN: %{f} --target=cpu:x86-64-v3+x86-64-v4 --dump-stages=%t/stages -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=DUMP
// DUMP: error: --dump-stages: expected a target with one CPU, but got 'cpu:x86-64-v3+x86-64-v4'

// RUN: %{f} --target=cpu:x86-64-v3+x86-64-v4 --html=%t/page.html -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=PAGE
// PAGE: error: --html: expected a target with one CPU, but got 'cpu:x86-64-v3+x86-64-v4'
// RUN: %{f} --html=%t/no/page.html 2>&1 | FileCheck %s --match-full-lines --check-prefix=NOPAGE
// NOPAGE: error: {{[^ ]+}}/no/page.html: No such file or directory

// RUN: not attn-compile %S/../attn-run/errors.mlir -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=ENTRY
// ENTRY: error: the module has 2 entries, name one of: f, g
// RUN: not attn-compile %s --entry=h -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=ABSENT
// ABSENT: error: no entry 'h': expected one of: f, main, deep, ranked, odd
// RUN: not attn-compile %s -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=MAIN
// MAIN: error: entry 'main': expected a name that a C function can have: give it another (--name)
// RUN: %{f} --name=2f -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=RENAMED
// RENAMED: error: entry '2f': expected a name that a C function can have: give it another (--name)
// RUN: %{f} --name=odd -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=OTHER
// OTHER: error: entry 'f' cannot be named 'odd': the module has another of this name
// RUN: not attn-compile %s --entry=deep -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=DEEP
// DEEP: error: argument #0 (%x): expected at most 8 dimensions for C, but found 9
// RUN: not attn-compile %s --entry=ranked -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=RANKED
// RANKED: error: entry 'ranked': expected argument #0 to be a ranked tensor or a number, but found tensor<*xf32>
// RUN: not attn-compile %s --entry=odd -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=ODD
// ODD: error: entry 'odd': expected argument #0 to be a ranked tensor or a number, but found tensor<2xi5>

// RUN: not attn-compile %t/nothere.mlir -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=SOURCE
// SOURCE: error: {{[^ ]+}}nothere.mlir: No such file or directory
// RUN: echo "func.func @f(" > %t/bad && not attn-compile %t/bad -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=PARSE
// PARSE: {{[^ ]+}}/bad:1:14: error: expected non-function type
// RUN: head -c 4096 %attn_obj_root/bin/attn-compile > %t/noise && not attn-compile %t/noise -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=NOISE
// NOISE: {{[^ ]+}}/noise:1:1: error: unexpected character
// RUN: echo "func.func private @f()" > %t/empty && not attn-compile %t/empty -o %t/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=NONE
// NONE: error: the module has no public function with a body to enter

// What is there stays as it is until all of the new is written.
// RUN: echo old > %t/kept.o && not attn-compile %s --entry=main -o %t/kept.o 2>&1 && FileCheck %s --check-prefix=OLD < %t/kept.o
// OLD: old
// RUN: echo mine > %t/mine.h && %{f} -o %t/mine.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=MINE
// MINE: error: {{[^ ]+}}/mine.h: the header would go there, but a file that is no header of attn-compile is in its place
// RUN: FileCheck %s --check-prefix=STILL < %t/mine.h && not ls %t/mine.o
// STILL: mine
// RUN: %{f} --emit=obj -o %t/f.h 2>&1 | FileCheck %s --match-full-lines --check-prefix=SAME
// SAME: error: -o {{[^ ]+}}/f.h: expected another suffix, for the header goes there
// RUN: %{f} -o %t/no/folder/f.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=FOLDER
// FOLDER: error: {{[^ ]+}}/no/folder/f.o: No such file or directory
// RUN: mkdir %t/d.o && %{f} -o %t/d.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=ISDIR
// ISDIR: error: {{[^ ]+}}/d.o: Is a directory
// RUN: mkdir %t/e.h && %{f} -o %t/e.o 2>&1 | FileCheck %s --match-full-lines --check-prefix=HDIR
// HDIR: error: {{[^ ]+}}/e.h: Is a directory
// RUN: not ls %t/e.o
// A full disk.
// RUN: %{f} --emit=obj -o /dev/full 2>&1 | FileCheck %s --match-full-lines --check-prefix=FULL
// FULL: error: /dev/full: No space left on device
// RUN: not bash -c 'attn-compile %s --entry=f --emit=obj > /dev/full' 2>&1 | FileCheck %s --match-full-lines --check-prefix=STDOUT
// STDOUT: error: -: No space left on device

// RUN: env PATH= %{f} -o %t/f.so 2>&1 | FileCheck %s --match-full-lines --check-prefix=LINKER
// LINKER: error: no linker in PATH: expected one of ld.lld-22, ld.lld, {{x86_64|aarch64}}-linux-gnu-ld, ld
// RUN: not attn-compile %S/Inputs/calls-out.mlir -o %t/f.so 2>&1 | FileCheck %s --match-full-lines --check-prefix=OPEN
// OPEN: error: linking with {{[^ ]+}} failed: undefined symbol: elsewhere

// RUN: ls %t | FileCheck %s --check-prefix=LEFT
// LEFT: bad
// LEFT-NEXT: d.o
// LEFT-NEXT: e.h
// LEFT-NEXT: empty
// LEFT-NEXT: kept.o
// LEFT-NEXT: mine.h
// LEFT-NEXT: noise
// LEFT-NOT: {{.}}

func.func @f(%q: tensor<1x2x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %k, %v : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
func.func @deep(%x: tensor<1x1x1x1x1x1x1x1x1xf32>) -> tensor<2xf32> {
  %0 = tensor.empty() : tensor<2xf32>
  return %0 : tensor<2xf32>
}
func.func @ranked(%x: tensor<*xf32>) {
  return
}
func.func @odd(%x: tensor<2xi5>) {
  return
}
