// RUN: attn-opt %s --attn-cpu-math | FileCheck %s
// The values are checked in math-accuracy.test and math-rules.mlir, what it refuses in math-invalid.mlir.

// CHECK-LABEL: func.func @scalars
// CHECK-NOT:     math.{{exp|exp2|log|tanh|erf}}
// CHECK:         return
func.func @scalars(%x: f32, %y: f64) -> (f32, f32, f64, f64, f64) {
  %0 = math.exp %x : f32
  %1 = math.erf %0 : f32
  %2 = math.tanh %y : f64
  %3 = math.log %2 : f64
  %4 = math.exp2 %3 : f64
  return %0, %1, %2, %3, %4 : f32, f32, f64, f64, f64
}

// An integer is read off the sum with 1.5 * 2^23, which is defined for NaN.
// CHECK-LABEL: func.func @vectors
// CHECK-NOT:     arith.fptosi
// CHECK:         arith.addf %{{.+}}, %{{.+}} : vector<16xf32>
// CHECK:         arith.bitcast %{{.+}} : vector<16xf32> to vector<16xi32>
// CHECK-NOT:     arith.fptosi
// CHECK:         return
func.func @vectors(%x: vector<16xf32>) -> vector<16xf32> {
  %0 = math.exp %x : vector<16xf32>
  return %0 : vector<16xf32>
}

// Narrow types are computed in f32.
// CHECK-LABEL: func.func @narrow
// CHECK:         arith.extf %{{.+}} : bf16 to f32
// CHECK:         arith.truncf %{{.+}} : f32 to bf16
func.func @narrow(%x: bf16) -> bf16 {
  %0 = math.tanh %x : bf16
  return %0 : bf16
}

// Of the others f32 is computed in f64, f16 through f32, and a remainder is a loop until all lanes are done.
// CHECK-LABEL: func.func @others
// CHECK-NOT:     math.{{pow|sin|cos|tan|cbrt|clamp|fpowi}}
// CHECK:         arith.extf %{{.+}} : vector<8xf32> to vector<8xf64>
// CHECK-NOT:     math.{{pow|sin|cos|tan|cbrt|clamp|fpowi}}
// CHECK:         scf.while
// CHECK:           vector.reduction <or>
// CHECK-NOT:     arith.remf
// CHECK:         return
func.func @others(%x: vector<8xf32>, %y: f16, %n: i32) -> (vector<8xf32>, f16, f16) {
  %sin, %cos = math.sincos %x : vector<8xf32>
  %0 = math.powf %sin, %cos : vector<8xf32>
  %1 = math.clampf %0 to [%sin, %cos] : vector<8xf32>
  %2 = arith.remf %1, %x : vector<8xf32>
  %3 = math.cbrt %y : f16
  %4 = math.fpowi %y, %n : f16, i32
  return %2, %3, %4 : vector<8xf32>, f16, f16
}

// A power of integers takes a product and a square for each bit, the first product being x; kinds of numbers are told by magnitude.
// CHECK-LABEL: func.func @whole
// CHECK-NOT:     math.{{ipowi|isinf|isnormal}}
// CHECK-COUNT-30: arith.muli %{{.+}}, %{{.+}} : vector<4xi16>
// CHECK:         math.absf
// CHECK-NOT:     math.{{ipowi|isinf|isnormal}}
// CHECK:         return
func.func @whole(%x: vector<4xi16>, %y: vector<4xf32>, %z: f64) -> (vector<4xi16>, vector<4xi1>, i1) {
  %0 = math.ipowi %x, %x : vector<4xi16>
  %1 = math.isinf %y : vector<4xf32>
  %2 = math.isnormal %z : f64
  return %0, %1, %2 : vector<4xi16>, vector<4xi1>, i1
}

// What is an instruction stays.
// CHECK-LABEL: func.func @untouched
// CHECK:         math.sqrt
// CHECK:         math.fma
func.func @untouched(%x: f32) -> f32 {
  %0 = math.sqrt %x : f32
  %1 = math.fma %0, %x, %x : f32
  return %1 : f32
}

// CHECK-LABEL: func.func @two_steps
// CHECK:         arith.extf %{{.+}} : bf16 to f32
// CHECK:         arith.extf %{{.+}} : f32 to f64
func.func @two_steps(%x: bf16) -> f64 {
  %0 = arith.extf %x : bf16 to f64
  return %0 : f64
}
