// RUN: attn-opt %s --attn-fuse-plan=target=cpu:x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4
// RUN: attn-opt %s --attn-fuse-plan | FileCheck %s --check-prefixes=CHECK,V3
// RUN: attn-opt %s --attn-fuse-plan=target=linalg | FileCheck %s --check-prefixes=CHECK,LINALG
// RUN: attn-opt %s --attn-fuse-plan=target=cpu:x86-64-v4 --remarks-filter=attn-fuse -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: func @long_queries
// V4:            #attn.plan<room = cpu, form = flash, lanes = 16, query_vectors = 4, key_rows = 4, value_rows = 4, key_block = 64, query_group = 64>
// V3:            #attn.plan<room = cpu, form = flash, lanes = 8, query_vectors = 3, key_rows = 4, value_rows = 4, key_block = 128, query_group = 24>
// LINALG:        #attn.plan<room = linalg, form = unfused>
// REMARK:        remark: [Passed] Plan | Category:attn-fuse | Reason="16 lanes of f32 on x86-64-v4", Remark="#attn.plan<room = cpu
func.func @long_queries(%q: tensor<1x?x?x64xf32>) -> tensor<1x?x?x64xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<1x?x?x64xf32>, tensor<1x?x?x64xf32>, tensor<1x?x?x64xf32> -> tensor<1x?x?x64xf32>
  return %o : tensor<1x?x?x64xf32>
}

// 9 queries: the second dimension in memory.
// CHECK-LABEL: func @few_queries
// V4:            lanes = 16, key_rows = 8, value_rows = 8, key_block = 64, query_group = 16
// V3:            query_vectors = 2, key_rows = 4, value_rows = 4, key_block = 64, query_group = 16
// LINALG:        room = linalg
func.func @few_queries(%q: tensor<1x9x4x128xbf16>) -> tensor<1x9x4x128xbf16> {
  %o = attn.sdpa %q, %q, %q layout(bshd, bshd, bshd, bshd) : tensor<1x9x4x128xbf16>, tensor<1x9x4x128xbf16>, tensor<1x9x4x128xbf16> -> tensor<1x9x4x128xbf16>
  return %o : tensor<1x9x4x128xbf16>
}

// CHECK-LABEL: func @weights
// CHECK:         #attn.plan<room = linalg, form = unfused>
// REMARK:        remark: [Missed] Plan | Category:attn-fuse | Reason="the weights are a result, so the scores must stand in memory", Remark="#attn.plan<room = linalg
func.func @weights(%q: tensor<1x2x9x4xf32>) -> tensor<1x2x9x9xf32> {
  %o, %p = attn.sdpa %q, %q, %q returns(weights) : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>, tensor<1x2x9x9xf32>
  return %p : tensor<1x2x9x9xf32>
}

// CHECK-LABEL: func @by_hand
// CHECK:         #attn.plan<room = cpu, form = flash, lanes = 2, query_vectors = 2, query_group = 7>
// REMARK:        Reason="written by hand"{{.*}}query_group = 7>
func.func @by_hand(%q: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> {
  %o = attn.sdpa %q, %q, %q {plan = #attn.plan<room = cpu, form = flash, lanes = 2, query_vectors = 2, query_group = 7>}
    : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return %o : tensor<1x2x9x4xf32>
}
