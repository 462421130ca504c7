// RUN: attn-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" --cse --canonicalize | FileCheck %s
// What the tile level writes, it writes in place.

// CHECK-LABEL: func.func @group_into_slice(
// CHECK-SAME:    %[[Q:.+]]: memref<1x1x4x8xf32>, %[[K:.+]]: memref<1x1x?x8xf32>, %[[O:.+]]: memref<1x1x16x8xf32>
// CHECK-NOT:     memref.alloc
// CHECK-NOT:     memref.copy
// CHECK-DAG:     %[[P:.+]] = attn.online_sdpa %[[Q]], %[[K]], %[[K]] {{.*}} captures(%{{.+}}[b, n] : memref<2x?xi32>) : memref<1x1x4x8xf32>, memref<1x1x?x8xf32>, memref<1x1x?x8xf32> -> !attn.partial<f32> mask(
// CHECK-DAG:     %[[T:.+]] = memref.subview %[[O]][0, 0, %{{.+}}, 0] [1, 1, 4, 8]
// CHECK:         attn.finalize %[[P]] outs(%[[T]]) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x8xf32, {{.*}}>
// CHECK-NOT:     memref.copy
// CHECK:         return
func.func @group_into_slice(%q: tensor<1x1x4x8xf32> {bufferization.writable = false}, %k: tensor<1x1x?x8xf32> {bufferization.writable = false},
    %o: tensor<1x1x16x8xf32> {bufferization.writable = true}, %s: f32, %m: index, %n: index, %doc: tensor<2x?xi32> {bufferization.writable = false}) -> tensor<1x1x16x8xf32> {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %p = attn.online_sdpa %q, %k, %k scale(%s) keys(%c0 to %n, full %c0 to %c0) tile(%c0, %c0, %m) of(%c16, %n) captures(%doc[b, n] : tensor<2x?xi32>)
      : tensor<1x1x4x8xf32>, tensor<1x1x?x8xf32>, tensor<1x1x?x8xf32> -> !attn.partial<f32>
    mask(%b, %h, %mm, %nn, %d) {
      %zero = arith.constant 0 : i32
      %c = arith.cmpi ne, %d, %zero : i32
      attn.yield %c : i1
    }
  %t = tensor.extract_slice %o[0, 0, %m, 0] [1, 1, 4, 8] [1, 1, 1, 1] : tensor<1x1x16x8xf32> to tensor<1x1x4x8xf32>
  %r = attn.finalize %p outs(%t) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  %y = tensor.insert_slice %r into %o[0, 0, %m, 0] [1, 1, 4, 8] [1, 1, 1, 1] : tensor<1x1x4x8xf32> into tensor<1x1x16x8xf32>
  return %y : tensor<1x1x16x8xf32>
}

// CHECK-LABEL: func.func @with_lse(
// CHECK-SAME:    %[[P:.+]]: !attn.partial<f32>, %[[O:.+]]: memref<1x1x4x8xf32>, %[[L:.+]]: memref<1x1x4xf32>, %[[S:.+]]: f32
// CHECK-NOT:     memref.alloc
// CHECK:         attn.finalize %[[P]] sink(%[[S]] : f32) outs(%[[O]], %[[L]]) layout(bhsd) : !attn.partial<f32>, memref<1x1x4x8xf32>, memref<1x1x4xf32>
func.func @with_lse(%p: !attn.partial<f32>, %o: tensor<1x1x4x8xf32> {bufferization.writable = true}, %l: tensor<1x1x4xf32> {bufferization.writable = true}, %s: f32)
    -> (tensor<1x1x4x8xf32>, tensor<1x1x4xf32>) {
  %r:2 = attn.finalize %p sink(%s : f32) outs(%o, %l) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32>, tensor<1x1x4xf32> -> tensor<1x1x4x8xf32>, tensor<1x1x4xf32>
  return %r#0, %r#1 : tensor<1x1x4x8xf32>, tensor<1x1x4xf32>
}

// CHECK-LABEL: func.func @packed_matmul(
// CHECK-SAME:    %[[X:.+]]: memref<?x8xf32>, %[[W:.+]]: memref<2x8x16xf32>, %[[B:.+]]: memref<24xf32>, %[[Y:.+]]: memref<?x24xf32>
// CHECK-NOT:     memref.alloc
// CHECK:         attn.packed_matmul %[[X]], %[[W]] bias(%[[B]] : memref<24xf32>) outs(%[[Y]]) : memref<?x8xf32>, memref<2x8x16xf32>, memref<?x24xf32>{{$}}
func.func @packed_matmul(%x: tensor<?x8xf32>, %w: tensor<2x8x16xf32>, %b: tensor<24xf32>, %y: tensor<?x24xf32> {bufferization.writable = true}) -> tensor<?x24xf32> {
  %r = attn.packed_matmul %x, %w bias(%b : tensor<24xf32>) outs(%y) : tensor<?x8xf32>, tensor<2x8x16xf32>, tensor<?x24xf32> -> tensor<?x24xf32>
  return %r : tensor<?x24xf32>
}

// The destination is read after it was overwritten: a copy is needed and made.
// CHECK-LABEL: func.func @old_destination_lives(
// CHECK-SAME:    %[[P:.+]]: !attn.partial<f32>, %[[O:.+]]: memref<1x1x4x8xf32>
// CHECK:         %[[A:.+]] = memref.alloc
// CHECK:         attn.finalize %[[P]] outs(%[[A]])
func.func @old_destination_lives(%p: !attn.partial<f32>, %o: tensor<1x1x4x8xf32> {bufferization.writable = true}) -> (tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>) {
  %r = attn.finalize %p outs(%o) layout(bhsd) : !attn.partial<f32>, tensor<1x1x4x8xf32> -> tensor<1x1x4x8xf32>
  return %r, %o : tensor<1x1x4x8xf32>, tensor<1x1x4x8xf32>
}
