// The options that attn-opt has beside MlirOptMain's.

// RUN: attn-opt --help | FileCheck %s
// CHECK-DAG: --attn-debug=<pass>
// CHECK-DAG: --canonicalize
