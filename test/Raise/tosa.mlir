// TOSA goes through linalg, all of it: nothing else here compiles it.
// RUN: attn-opt %s --attn-raise=require-raised=1 | FileCheck %s
// RUN: attn-run %s --input=2x4x16x8xf32=random:1 --input=2x4x16x8xf32=random:2 --input=2x4x16x8xf32=random:3 | FileCheck %s --check-prefix=NUMBERS
// RUN: attn-opt %s --attn-cpu-pipeline=stop-after=tile --remarks-filter=attn-tile -o /dev/null 2>&1 | FileCheck %s --check-prefix=SKIPS

// CHECK-LABEL: func.func @tosa(
// CHECK-SAME:    %[[Q:.*]]: tensor<2x4x16x8xf32>, %[[K:.*]]: tensor<2x4x16x8xf32>, %[[V:.*]]: tensor<2x4x16x8xf32>)
// CHECK-NOT:     tosa
// CHECK:         attn.sdpa %[[Q]], %[[K]], %[[V]] scale(%{{.*}}) :
// CHECK-SAME:      mask(%{{.*}}, %{{.*}}, %[[M:.*]], %[[N:.*]]) {
// CHECK-DAG:       %[[I:.*]] = arith.index_cast %[[M]] : index to i32
// CHECK-DAG:       %[[J:.*]] = arith.index_cast %[[N]] : index to i32
// CHECK:           %[[KEEP:.*]] = arith.cmpi sge, %[[I]], %[[J]] : i32
// CHECK-NEXT:      attn.yield %[[KEEP]] : i1

// NUMBERS: result #0: 2x4x16x8xf32
// SKIPS: keys that the mask drops for a whole query group are skipped

func.func @tosa(%q: tensor<2x4x16x8xf32>, %k: tensor<2x4x16x8xf32>, %v: tensor<2x4x16x8xf32>) -> tensor<2x4x16x8xf32> {
  %kt = tosa.transpose %k {perms = array<i32: 0, 1, 3, 2>} : (tensor<2x4x16x8xf32>) -> tensor<2x4x8x16xf32>
  %s3 = tosa.const_shape {values = dense<[8, 16, 8]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %q3 = tosa.reshape %q, %s3 : (tensor<2x4x16x8xf32>, !tosa.shape<3>) -> tensor<8x16x8xf32>
  %st = tosa.const_shape {values = dense<[8, 8, 16]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %k3 = tosa.reshape %kt, %st : (tensor<2x4x8x16xf32>, !tosa.shape<3>) -> tensor<8x8x16xf32>
  %v3 = tosa.reshape %v, %s3 : (tensor<2x4x16x8xf32>, !tosa.shape<3>) -> tensor<8x16x8xf32>
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %s = tosa.matmul %q3, %k3, %z, %z : (tensor<8x16x8xf32>, tensor<8x8x16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<8x16x16xf32>
  %s4s = tosa.const_shape {values = dense<[2, 4, 16, 16]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %s4 = tosa.reshape %s, %s4s : (tensor<8x16x16xf32>, !tosa.shape<4>) -> tensor<2x4x16x16xf32>
  %c = "tosa.const"() {values = dense<0.5> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %shift = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %x = tosa.mul %s4, %c, %shift : (tensor<2x4x16x16xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<2x4x16x16xf32>
  %iota = "tosa.const"() {values = dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]> : tensor<16xi32>} : () -> tensor<16xi32>
  %rs = tosa.const_shape {values = dense<[1, 1, 16, 1]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %cs = tosa.const_shape {values = dense<[1, 1, 1, 16]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %m = tosa.reshape %iota, %rs : (tensor<16xi32>, !tosa.shape<4>) -> tensor<1x1x16x1xi32>
  %n = tosa.reshape %iota, %cs : (tensor<16xi32>, !tosa.shape<4>) -> tensor<1x1x1x16xi32>
  %keep = tosa.greater_equal %m, %n : (tensor<1x1x16x1xi32>, tensor<1x1x1x16xi32>) -> tensor<1x1x16x16xi1>
  %low = "tosa.const"() {values = dense<0xFF800000> : tensor<1x1x1x1xf32>} : () -> tensor<1x1x1x1xf32>
  %y = tosa.select %keep, %x, %low : (tensor<1x1x16x16xi1>, tensor<2x4x16x16xf32>, tensor<1x1x1x1xf32>) -> tensor<2x4x16x16xf32>
  %max = tosa.reduce_max %y {axis = 3 : i32} : (tensor<2x4x16x16xf32>) -> tensor<2x4x16x1xf32>
  %d = tosa.sub %y, %max : (tensor<2x4x16x16xf32>, tensor<2x4x16x1xf32>) -> tensor<2x4x16x16xf32>
  %e = tosa.exp %d : (tensor<2x4x16x16xf32>) -> tensor<2x4x16x16xf32>
  %l = tosa.reduce_sum %e {axis = 3 : i32} : (tensor<2x4x16x16xf32>) -> tensor<2x4x16x1xf32>
  %r = tosa.reciprocal %l : (tensor<2x4x16x1xf32>) -> tensor<2x4x16x1xf32>
  %p = tosa.mul %e, %r, %shift : (tensor<2x4x16x16xf32>, tensor<2x4x16x1xf32>, tensor<1xi8>) -> tensor<2x4x16x16xf32>
  %p3s = tosa.const_shape {values = dense<[8, 16, 16]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %p3 = tosa.reshape %p, %p3s : (tensor<2x4x16x16xf32>, !tosa.shape<3>) -> tensor<8x16x16xf32>
  %o = tosa.matmul %p3, %v3, %z, %z : (tensor<8x16x16xf32>, tensor<8x16x8xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<8x16x8xf32>
  %o4s = tosa.const_shape {values = dense<[2, 4, 16, 8]> : tensor<4xindex>} : () -> !tosa.shape<4>
  %o4 = tosa.reshape %o, %o4s : (tensor<8x16x8xf32>, !tosa.shape<4>) -> tensor<2x4x16x8xf32>
  return %o4 : tensor<2x4x16x8xf32>
}
