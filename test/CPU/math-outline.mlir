// RUN: attn-opt %s --attn-cpu-math --split-input-file | FileCheck %s

// Four powers of vectors of one type: one function, called; each call with its
// own operands, also where an op had one twice.
// CHECK-LABEL: func.func @powers
// CHECK-SAME:  %[[X:.+]]: vector<8xf32>, %[[Y:.+]]: vector<8xf32>
func.func @powers(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  // CHECK-NEXT: %[[A:.+]] = call @attn_powf(%[[X]], %[[X]])
  // CHECK-NEXT: %[[B:.+]] = call @attn_powf(%[[A]], %[[Y]])
  // CHECK-NEXT: %[[C:.+]] = call @attn_powf(%[[Y]], %[[B]])
  // CHECK-NEXT: %[[D:.+]] = call @attn_powf(%[[C]], %[[A]])
  // CHECK-NEXT: return %[[D]]
  %a = math.powf %x, %x : vector<8xf32>
  %b = math.powf %a, %y : vector<8xf32>
  %c = math.powf %y, %b : vector<8xf32>
  %d = math.powf %c, %a : vector<8xf32>
  return %d : vector<8xf32>
}
// CHECK:       func.func private @attn_powf(%{{.+}}: vector<8xf32>, %{{.+}}: vector<8xf32>) -> vector<8xf32> attributes {passthrough = ["noinline"]}
// CHECK-NOT:   math.powf

// -----

// Few, scalars, or short functions: where they stand.
// CHECK-LABEL: func.func @few
// CHECK-NOT:   call @
func.func @few(%x: vector<8xf32>, %s: f32) -> (vector<8xf32>, f32) {
  %a = math.sin %x : vector<8xf32>
  %b = math.sin %a : vector<8xf32>
  %c = math.sin %b : vector<8xf32>
  %d = math.exp %c : vector<8xf32>
  %e = math.exp %d : vector<8xf32>
  %f = math.exp %e : vector<8xf32>
  %g = math.exp %f : vector<8xf32>
  %t = math.sin %s : f32
  %u = math.sin %t : f32
  %v = math.sin %u : f32
  %w = math.sin %v : f32
  return %g, %w : vector<8xf32>, f32
}
