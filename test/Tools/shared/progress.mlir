// Work that takes longer than half a second says so on a terminal, in one line that is taken back, and
// nowhere else.
// REQUIRES: avx2

// DEFINE: %{tensor} = 1x2x65x32xf32=random:1
// DEFINE: %{bench} = attn-run %s --input=%{tensor} --input=%{tensor} --input=%{tensor} --bench --bench-readings=100000 --bench-seconds=2
// DEFINE: %{terminal} = %python %S/../Inputs/on_terminal.py

// RUN: %{terminal} 80 %{bench} | FileCheck %s --implicit-check-not='\n'
// CHECK: {{^}}\r\x1b[Kattn-run: timing, kept {{[0-9]+}} of {{[0-9]+}} readings, {{[0-9.]+}} s\r{{$}}
// The last thing is an empty line.
// CHECK: {{^}}\r\x1b[K{{$}}

// No line is wider than the terminal: 19 characters on 20 columns.
// RUN: %{terminal} 20 %{bench} | FileCheck %s --check-prefix=NARROW
// NARROW: {{^}}\r\x1b[Kattn-run: timing, k\r{{$}}

// RUN: env ATTN_MLIR_PROGRESS=0 %{terminal} 80 %{bench} | FileCheck %s --check-prefix=OFF --allow-empty
// OFF-NOT: {{.}}
// RUN: %{bench} >%t 2>%t.pipe
// RUN: count 0 < %t.pipe

// The reducer says what it tries, and in the end what it did.
// RUN: %{terminal} 100 attn-reduce %s --fails='sleep 0.3; exit 3' --max-tries=4 | FileCheck %s --check-prefix=REDUCE
// REDUCE: attn-reduce: {{the file as it is|try [1-4], [0-9]+ lines: drop}}
// REDUCE: attn-reduce: drop {{.*}} lines

func.func @f(%q: tensor<1x2x?x32xf32>, %k: tensor<1x2x?x32xf32>, %v: tensor<1x2x?x32xf32>)
    -> tensor<1x2x?x32xf32> {
  %o = attn.sdpa %q, %k, %v
    : tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x2x?x32xf32>
  return %o : tensor<1x2x?x32xf32>
}
