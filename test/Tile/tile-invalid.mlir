// RUN: attn-opt %s --attn-tile --split-input-file --verify-diagnostics

!t = tensor<1x2x48x64xf32>
func.func @no_plan(%q: !t) -> !t {
  // expected-error@+1 {{'attn.sdpa' op expects a plan: run attn-fuse-plan first}}
  %o = attn.sdpa %q, %q, %q : !t, !t, !t -> !t
  return %o : !t
}

// -----

!t = tensor<1x2x48x64xf32>
func.func @named_variants(%q: !t, %s: f32) -> !t {
  // expected-error@+1 {{'attn.sdpa' op expects named variants to be expanded before tiling: run attn-fuse-variants first}}
  %o = attn.sdpa %q, %q, %q scale(%s) causal(top_left) {plan = #attn.plan<room = cpu, form = flash, query_group = 48>} : !t, !t, !t -> !t
  return %o : !t
}

// -----

!t = tensor<1x2x48x64xf32>
func.func @no_scale(%q: !t) -> !t {
  // expected-error@+1 {{'attn.sdpa' op expects an explicit scale: run attn-fuse-variants first}}
  %o = attn.sdpa %q, %q, %q {plan = #attn.plan<room = cpu, form = flash, query_group = 48>} : !t, !t, !t -> !t
  return %o : !t
}

// -----

!t = tensor<1x2x48x64xf32>
func.func @weights(%q: !t, %s: f32) -> tensor<1x2x48x48xf32> {
  // expected-error@+1 {{'attn.sdpa' op expects a plan of room linalg where the weights are a result}}
  %o, %p = attn.sdpa %q, %q, %q scale(%s) returns(weights) {plan = #attn.plan<room = cpu, form = flash, query_group = 48>} : !t, !t, !t -> !t, tensor<1x2x48x48xf32>
  return %p : tensor<1x2x48x48xf32>
}

// -----

!t = tensor<1x2x48x64xf32>
func.func @no_keys(%q: !t, %k: tensor<1x2x0x64xf32>, %s: f32) -> !t {
  // expected-error@+1 {{'attn.sdpa' op expects a plan of room linalg where a dimension is 0, but got 'tensor<1x2x0x64xf32>'}}
  %o = attn.sdpa %q, %k, %k scale(%s) {plan = #attn.plan<room = cpu, form = flash, query_group = 48>} : !t, tensor<1x2x0x64xf32>, tensor<1x2x0x64xf32> -> !t
  return %o : !t
}
