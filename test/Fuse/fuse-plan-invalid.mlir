// RUN: not attn-opt %s --attn-fuse-plan=target=cpu 2>&1 | FileCheck %s --check-prefix=UNRESOLVED
// RUN: not attn-opt %s --attn-fuse-plan=target=cpu:i386 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not attn-opt %s --attn-fuse=target=gpu 2>&1 | FileCheck %s --check-prefix=KIND

// UNRESOLVED: error: expects a target that names the processor, such as cpu:x86-64-v3 or nvvm:sm_90a, but got cpu
// UNKNOWN: error: {{.*}}i386
// KIND: error: {{.*}}gpu
func.func @f() {
  return
}
