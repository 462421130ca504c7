// RUN: attn-opt %s --split-input-file --verify-diagnostics --attn-cpu-math

func.func @eight_bits(%x: f32) -> f32 {
  // expected-error-re @+1 {{{{^}}'arith.truncf' op expects numbers of f16, bf16, f32 or f64, but got 'f8E4M3FN'{{$}}}}
  %0 = arith.truncf %x : f32 to f8E4M3FN
  %1 = arith.extf %0 : f8E4M3FN to f32
  return %1 : f32
}

// -----

func.func @vector(%x: vector<4xf80>) -> vector<4xf80> {
  // expected-error-re @+1 {{{{^}}'math.absf' op expects numbers of f16, bf16, f32 or f64, but got 'f80'{{$}}}}
  %0 = math.absf %x : vector<4xf80>
  return %0 : vector<4xf80>
}
