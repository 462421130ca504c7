// What cannot be done as asked is an error that says why.

// RUN: not attn-opt %s --attn-optimize=prune=zero 2>&1 | FileCheck %s --check-prefix=WORD
// RUN: not attn-opt %s --attn-optimize=prune=0. 2>&1 | FileCheck %s --check-prefix=DOT
// RUN: not attn-opt %s --attn-optimize="prune=0.1 function=nosuch" 2>&1 | FileCheck %s --check-prefix=FUNCTION
// RUN: not attn-opt %s --attn-optimize="prune=1.0 function=plain" 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not attn-opt %s --attn-optimize="prune=0.4 function=plain" 2>&1 | FileCheck %s --check-prefix=HEAD
// RUN: not attn-opt %s --attn-optimize="prune=0.0,0.1,0.2,0.3 function=plain" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not attn-opt %s --attn-optimize="prune=0.1 function=grouped" 2>&1 | FileCheck %s --check-prefix=GROUPS
// RUN: not attn-opt %s --attn-optimize="prune=0.1 function=returns" 2>&1 | FileCheck %s --check-prefix=RETURNS
// RUN: not attn-opt %s --attn-optimize="prune=0.1 function=numbers" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not attn-opt %s --attn-optimize="prune=0.1 function=captures" 2>&1 | FileCheck %s --check-prefix=CAPTURE
// RUN: not attn-opt %s --attn-optimize="prune=0.1 function=dynamic" 2>&1 | FileCheck %s --check-prefix=DYNAMIC
// RUN: not attn-opt %s --attn-optimize="merge=0.0+1 function=plain" 2>&1 | FileCheck %s --check-prefix=CLASSES
// RUN: not attn-opt %s --attn-optimize="merge=0.0+4 function=plain" 2>&1 | FileCheck %s --check-prefix=KEY
// RUN: not attn-opt %s --attn-optimize="merge=0.0+2,0.1+3 function=captures" 2>&1 | FileCheck %s --check-prefix=MOVE
// RUN: not attn-opt %s --attn-optimize="merge=0.0+1 function=dynamic" 2>&1 | FileCheck %s --check-prefix=SHARE
// RUN: not attn-opt %s --attn-optimize="without=lunch" 2>&1 | FileCheck %s --check-prefix=WITHOUT
// RUN: not attn-opt %s --attn-cpu-pipeline="without=lunch" 2>&1 | FileCheck %s --check-prefix=WITHOUT

// WORD: error: heads 'zero': expected LAYER.HEAD, with numbers from 0
// DOT: error: heads '0.': expected LAYER.HEAD, with numbers from 0
// FUNCTION: error: heads '0.1': expected an attn.mha in 'nosuch', found none
// BLOCK: error: heads '1.0': expected a block below 1 of 'plain', found 1
// HEAD: error: 'attn.mha' op heads '0.4': expected heads below 4, found 4
// NONE: error: 'attn.mha' op cannot lose heads 0, 1, 2, 3: no head would be left
// GROUPS: error: 'attn.mha' op cannot lose heads 1: key heads would be left with 1 and 2 query heads, expected as many for each
// RETURNS: error: 'attn.mha' op cannot lose heads 1: it returns its weights, which would be of other heads
// NUMBER: error: 'attn.mha' op cannot lose heads 1: a region reads the head's number
// CAPTURE: error: 'attn.mha' op cannot lose heads 1: a capture is read at the head's number
// DYNAMIC: error: 'attn.mha' op cannot lose heads 1: its weights are of dynamic size or empty
// CLASSES: error: 'attn.mha' op cannot share key heads: expected classes whose sizes have a common divisor, found classes of 2, 1, 1
// KEY: error: 'attn.mha' op heads '0.0+4': expected heads below 4, found 4
// MOVE: error: 'attn.mha' op cannot share key heads: a capture is read at the head's number
// SHARE: error: 'attn.mha' op cannot share key heads: its weights are of dynamic size or empty
// WITHOUT: error: without 'lunch': expected one of these:
// WITHOUT-NEXT: inline-blocks, fold-moves, drop-repeats, prune-heads, merge-heads, fold-affine, fold-scale, fold-biases, one-qkv-product

func.func @plain(%x: tensor<1x?x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4)
    : tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
  return %y : tensor<1x?x4xf32>
}
func.func @grouped(%x: tensor<1x?x4xf32>, %w: tensor<4x4xf32>, %wk: tensor<2x4xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x weights(%w, %wk, %wk, %w) heads(4) kv_heads(2)
    : tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
  return %y : tensor<1x?x4xf32>
}
func.func @returns(%x: tensor<1x?x4xf32>, %w: tensor<4x4xf32>) -> (tensor<1x?x4xf32>, tensor<1x4x?x?xf32>) {
  %y, %p = attn.mha %x weights(%w, %w, %w, %w) heads(4) returns(weights)
    : tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>, tensor<1x4x?x?xf32>
  return %y, %p : tensor<1x?x4xf32>, tensor<1x4x?x?xf32>
}
func.func @numbers(%x: tensor<1x?x4xf32>, %w: tensor<4x4xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4)
    : tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
    mask(%b, %h, %m, %n) {
      %k = arith.cmpi sle, %n, %h : index
      attn.yield %k : i1
    }
  return %y : tensor<1x?x4xf32>
}
func.func @captures(%x: tensor<1x?x4xf32>, %w: tensor<4x4xf32>, %slope: tensor<4xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %w) heads(4) captures(%slope[h] : tensor<4xf32>)
    : tensor<1x?x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32>, tensor<4x4xf32> -> tensor<1x?x4xf32>
    score(%s, %b, %h, %m, %n, %sl) {
      %r = arith.addf %s, %sl : f32
      attn.yield %r : f32
    }
  return %y : tensor<1x?x4xf32>
}
func.func @dynamic(%x: tensor<1x?x4xf32>, %w: tensor<?x4xf32>, %wo: tensor<4x?xf32>) -> tensor<1x?x4xf32> {
  %y = attn.mha %x weights(%w, %w, %w, %wo) heads(4)
    : tensor<1x?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<4x?xf32> -> tensor<1x?x4xf32>
  return %y : tensor<1x?x4xf32>
}
