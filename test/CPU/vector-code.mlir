// What surrounds attention is vector code in the end: an embedding's rows are
// gathered, added and stored 8 channels at a time.
//
// RUN: attn-opt %s --attn-cpu-pipeline=target=cpu:x86-64-v3 | mlir-translate --mlir-to-llvmir \
// RUN:   | opt -O2 -mcpu=x86-64-v3 -mtriple=x86_64-linux-gnu -S | FileCheck %s

// CHECK-LABEL: define internal {{.*}} @embed_body_task
// CHECK:         vector.body:
// CHECK-DAG:       load <8 x float>
// CHECK-DAG:       fadd <8 x float>
// CHECK-DAG:       fadd <8 x float>
// CHECK:           store <8 x float>
func.func @embed(%ids: tensor<?x?xi64>, %words: tensor<30522x384xf32>, %positions: tensor<512x384xf32>, %t: tensor<384xf32>) -> tensor<?x?x384xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %last_word = arith.constant 30521 : index
  %last_position = arith.constant 511 : index
  %b = tensor.dim %ids, %c0 : tensor<?x?xi64>
  %s = tensor.dim %ids, %c1 : tensor<?x?xi64>
  %init = tensor.empty(%b, %s) : tensor<?x?x384xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(b,s,e)->(b,s)>, affine_map<(b,s,e)->(e)>, affine_map<(b,s,e)->(b,s,e)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids, %t : tensor<?x?xi64>, tensor<384xf32>) outs(%init : tensor<?x?x384xf32>) {
  ^bb0(%id: i64, %type: f32, %o: f32):
    %row = arith.index_cast %id : i64 to index
    %word_row = arith.minui %row, %last_word : index
    %at = linalg.index 1 : index
    %position_row = arith.minui %at, %last_position : index
    %e = linalg.index 2 : index
    %word = tensor.extract %words[%word_row, %e] : tensor<30522x384xf32>
    %position = tensor.extract %positions[%position_row, %e] : tensor<512x384xf32>
    %wp = arith.addf %word, %type : f32
    %wpt = arith.addf %wp, %position : f32
    linalg.yield %wpt : f32
  } -> tensor<?x?x384xf32>
  return %sum : tensor<?x?x384xf32>
}
