// RUN: attn-opt %s --attn-fuse=target=nvvm:sm_90a | FileCheck %s
// RUN: attn-opt %s --attn-fuse=target=nvvm-emulation:sm_90a | FileCheck %s
// RUN: attn-opt %s --attn-fuse=target=nvvm:sm_90a --remarks-filter=attn-fuse -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: attn-opt %s --attn-fuse=target=nvvm:sm_80 --remarks-filter=attn-fuse -o /dev/null 2>&1 | FileCheck %s --check-prefix=OLD

// Every key is kept: the largest block that fits.
// CHECK-LABEL: func @full
// CHECK:         #attn.plan<room = nvvm, form = flash, key_block = 176, query_group = 128, warpgroups = 2, stages = 2>
// OLD:           Reason="there is no tensor-core kernel for sm_80", Remark="#attn.plan<room = linalg
func.func @full(%q: tensor<1x?x?x128xbf16>) -> tensor<1x?x?x128xbf16> {
  %o = attn.sdpa %q, %q, %q : tensor<1x?x?x128xbf16>, tensor<1x?x?x128xbf16>, tensor<1x?x?x128xbf16> -> tensor<1x?x?x128xbf16>
  return %o : tensor<1x?x?x128xbf16>
}

// CHECK-LABEL: func @masked
// CHECK:         #attn.plan<room = nvvm, form = flash, key_block = 128, query_group = 128, warpgroups = 2, stages = 2>
func.func @masked(%q: tensor<1x?x?x128xf16>) -> tensor<1x?x?x128xf16> {
  %o = attn.sdpa %q, %q, %q causal(top_left) : tensor<1x?x?x128xf16>, tensor<1x?x?x128xf16>, tensor<1x?x?x128xf16> -> tensor<1x?x?x128xf16>
  return %o : tensor<1x?x?x128xf16>
}

// CHECK-LABEL: func @small_heads
// CHECK:         key_block = 128, query_group = 192, warpgroups = 3, stages = 2>
func.func @small_heads(%q: tensor<1x?x?x64xbf16>) -> tensor<1x?x?x64xbf16> {
  %o = attn.sdpa %q, %q, %q : tensor<1x?x?x64xbf16>, tensor<1x?x?x64xbf16>, tensor<1x?x?x64xbf16> -> tensor<1x?x?x64xbf16>
  return %o : tensor<1x?x?x64xbf16>
}

// CHECK-LABEL: func @single_precision
// CHECK:         room = linalg
// REMARK:        Reason="the tensor-core kernels take f16 and bf16"
func.func @single_precision(%q: tensor<1x?x?x64xf32>) -> tensor<1x?x?x64xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<1x?x?x64xf32>, tensor<1x?x?x64xf32>, tensor<1x?x?x64xf32> -> tensor<1x?x?x64xf32>
  return %o : tensor<1x?x?x64xf32>
}

// CHECK-LABEL: func @odd_heads
// CHECK:         room = linalg
// REMARK:        Reason="the tensor-core kernels take head sizes that are multiples of 8 up to 256, not 65"
func.func @odd_heads(%q: tensor<1x?x?x65xf16>) -> tensor<1x?x?x65xf16> {
  %o = attn.sdpa %q, %q, %q : tensor<1x?x?x65xf16>, tensor<1x?x?x65xf16>, tensor<1x?x?x65xf16> -> tensor<1x?x?x65xf16>
  return %o : tensor<1x?x?x65xf16>
}

// CHECK-LABEL: func @weights
// CHECK:         room = linalg
// REMARK:        Reason="the weights are a result, so the scores must stand in memory"
func.func @weights(%q: tensor<1x2x9x64xbf16>) -> tensor<1x2x9x9xf32> {
  %o, %p = attn.sdpa %q, %q, %q returns(weights) : tensor<1x2x9x64xbf16>, tensor<1x2x9x64xbf16>, tensor<1x2x9x64xbf16> -> tensor<1x2x9x64xbf16>, tensor<1x2x9x9xf32>
  return %p : tensor<1x2x9x9xf32>
}
