// Every kind of output, named by --emit or by the suffix of -o.

// RUN: rm -rf %t && mkdir %t

// RUN: attn-compile %s --target=cpu:x86-64-v3 -o %t/f.mlir && FileCheck %s --check-prefix=MLIR < %t/f.mlir
// MLIR: llvm.func @_mlir_ciface_f_workspace(
// MLIR-NOT: attn.

// RUN: attn-compile %s --target=cpu:x86-64-v3 --emit=llvm | FileCheck %s --check-prefix=LLVM
// LLVM: define i32 @f(
// LLVM: attributes #{{.*}} "target-cpu"="x86-64" "target-features"="{{.*}}+avx2{{.*}}" "tune-cpu"="x86-64-v3"
// RUN: attn-compile %s --target=cpu:x86-64-v3 -o %t/f.ll && attn-compile %s --target=cpu:x86-64-v3 --emit=llvm > %t/g.ll && cmp %t/f.ll %t/g.ll

// RUN: attn-compile %s --target=cpu:x86-64-v3 -o %t/f.s && FileCheck %s --check-prefix=ASM < %t/f.s
// ASM: vfmadd{{.*}}ymm
// ASM: .globl f{{$}}

// One thread needs nothing: no symbol is left open. The same bytes each time.
// RUN: attn-compile %s --target=cpu:x86-64-v3 -o %t/f.o && llvm-nm %t/f.o | FileCheck %s --check-prefix=OBJ --implicit-check-not=' U '
// OBJ: T f
// OBJ-NEXT: T f_set_parallel_for
// OBJ-NEXT: T f_shapes
// OBJ-NEXT: T f_supported
// OBJ-NEXT: T f_workspace
// RUN: attn-compile %s --target=cpu:x86-64-v3 --emit=obj > %t/g.o && cmp %t/f.o %t/g.o
// The header lies beside it, and is what --emit=header gives.
// RUN: attn-compile %s --target=cpu:x86-64-v3 --emit=header | cmp - %t/f.h

// RUN: attn-compile %s --target=cpu:x86-64-v3+x86-64-v4 -o %t/both.so
// RUN: llvm-readelf --dyn-syms --dynamic %t/both.so | FileCheck %s --check-prefix=SO --implicit-check-not=UND{{.*}}[a-z] --implicit-check-not=NEEDED
// SO: FUNC GLOBAL DEFAULT {{.*}} f{{$}}
// RUN: test -e %t/both.h

// A kernel stays small at each level.
// RUN: attn-compile %s --target=cpu:x86-64-v4+x86-64-v3 -o %t/both.o
// RUN: %python -c "import os; size = os.path.getsize('%t/both.o'); assert size < 2 * 65536, size"
// RUN: llvm-nm %t/both.o | FileCheck %s --check-prefix=BOTH --implicit-check-not=' U '
// BOTH: t attn.0.f
// BOTH: t attn.1.f
// AVX-512 stays in its own level.
// RUN: llvm-objdump -d --disassemble-symbols=attn.0.in.f_body_task_thunk,attn.0.f,f,attn.level,attn.tensor,memset %t/both.o | FileCheck %s --check-prefix=LEVEL0 --implicit-check-not=zmm
// LEVEL0: ymm
// RUN: llvm-objdump -d --disassemble-symbols=attn.1.in.f_body_task_thunk %t/both.o | FileCheck %s --check-prefix=LEVEL1
// LEVEL1: vfmadd{{.*}}zmm

// Under another name.
// RUN: attn-compile %s --target=cpu:x86-64-v3 --name=fast_attention -o %t/named.o
// RUN: llvm-nm --extern-only --format=just-symbols %t/named.o | FileCheck %s --check-prefix=NAMED --match-full-lines --implicit-check-not=f
// NAMED: fast_attention
// NAMED-NEXT: fast_attention_set_parallel_for
// NAMED-NEXT: fast_attention_shapes
// NAMED-NEXT: fast_attention_supported
// NAMED-NEXT: fast_attention_workspace

// A rule that calls what elsewhere is libm needs no library either, on no target.
// DEFINE: %{elementary} = attn-compile %S/Inputs/elementary.mlir -o %t/elementary.o
// DEFINE: %{undefined} = llvm-nm -u %t/elementary.o | FileCheck %s --check-prefix=ALONE --allow-empty
// ALONE-NOT: {{.}}
// RUN: %{elementary} --entry=of_f32 --target=cpu:x86-64-v3 && %{undefined}
// RUN: FileCheck %s --check-prefix=NOTHING < %t/elementary.h
// NOTHING: Needs no library.
// RUN: %{elementary} --entry=of_f32 --target=cpu:armv8-a && %{undefined}
// RUN: %{elementary} --entry=of_f64 --target=cpu:x86-64-v3 && %{undefined}
// RUN: %{elementary} --entry=of_f16 --target=linalg:x86-64-v3 && %{undefined}

// What the source declares and does not define is named.
// RUN: attn-compile %S/Inputs/calls-out.mlir --target=cpu:x86-64-v3 -o %t/open.o
// RUN: FileCheck %s --check-prefix=NEEDS < %t/open.h
// NEEDS: Needs no library but one that has
// NEEDS-NEXT: * elsewhere

// Devices and pipes get the bytes and nothing beside them.
// RUN: attn-compile %s --emit=obj -o /dev/null && not ls /dev/null.h
// A link stays one.
// RUN: touch %t/real.s && ln -s real.s %t/link.s && attn-compile %s --target=cpu:x86-64-v3 -o %t/link.s && cmp %t/real.s %t/f.s

// The module on its way.
// RUN: attn-compile %s --stop-after=fuse --target=cpu:x86-64-v3 --dump-stages=%t/stages | FileCheck %s --check-prefix=STOP
// STOP: attn.sdpa {{.*}}plan = #attn.plan
// RUN: attn-compile %s --stop-after=split-heads -o %t/stopped.mlir && FileCheck %s --check-prefix=SPLIT < %t/stopped.mlir
// SPLIT: attn.sdpa
// RUN: attn-compile %s --target=cpu:armv8-a -o %t/arm.o --dump-stages=%t/stages
// RUN: ls %t/stages | FileCheck %s --check-prefix=STAGES
// STAGES: input.mlir
// STAGES: cpu.mlir
// RUN: llvm-readelf -h %t/arm.o | FileCheck %s --check-prefix=ARM
// ARM: Machine: AArch64

func.func @f(%q: tensor<1x2x?x32xf32>, %k: tensor<1x2x?x32xf32>, %v: tensor<1x2x?x32xf32>) -> tensor<1x2x?x32xf32> {
  %o = attn.sdpa %q, %k, %v : tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x2x?x32xf32>
  return %o : tensor<1x2x?x32xf32>
}
