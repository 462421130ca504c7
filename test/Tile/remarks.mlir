// Why keys are skipped, or not.
// RUN: attn-opt %s --attn-fuse --attn-tile --remarks-filter=attn-tile -o /dev/null 2>&1 | FileCheck %s
// RUN: attn-opt %s --attn-fuse --attn-tile --remarks-filter-missed=attn-tile -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// MISSED-NOT: [Passed]
// MISSED-NOT: [Analysis]
// MISSED-COUNT-2: [Missed] KeyRange | Category:attn-tile
// MISSED-NOT: [Missed]

// CHECK: remarks.mlir:[[#@LINE+2]]:8: remark: [Analysis] KeyRange | Category:attn-tile | Remark="no mask: every query sees every key"
func.func @all(%q: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}

// CHECK: [Passed] KeyRange | Category:attn-tile | Remark="keys that the mask drops for a whole query group are skipped"
func.func @causal(%q: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %q, %q causal(top_left) window(64, 0) : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}

// Documents are known by the smallest and the largest of a block.
// CHECK: [Passed] KeyRange | Category:attn-tile | Remark="blocks of keys that the mask drops for a whole query group are skipped, after a test of each"
func.func @documents(%q: tensor<1x2x?x8xf32>, %doc: tensor<?xi32>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %q, %q causal(top_left) captures(%doc[m] : tensor<?xi32>, %doc[n] : tensor<?xi32>)
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
    mask(%b, %h, %m, %n, %mine, %its) {
      %same = arith.cmpi eq, %mine, %its : i32
      attn.yield %same : i1
    }
  return %o : tensor<1x2x?x8xf32>
}

// CHECK: [Passed] KeyRange | Category:attn-tile | Remark="blocks of keys that the mask drops for a whole query group are skipped, after a test of each"
func.func @dilated(%q: tensor<1x2x?x8xf32>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %q, %q
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
    mask(%b, %h, %m, %n) {
      %four = arith.constant 4 : index
      %r = arith.remsi %n, %four : index
      %s = arith.remsi %m, %four : index
      %same = arith.cmpi eq, %r, %s : index
      attn.yield %same : i1
    }
  return %o : tensor<1x2x?x8xf32>
}

// An element per query and key is known where it is looked at, not before.
// CHECK: [Missed] KeyRange | Category:attn-tile | Reason="capture #0 at m or n is not solved for n", Remark="a part of the mask skips keys, another is evaluated for each"
func.func @by_tensor(%q: tensor<1x2x?x8xf32>, %keep: tensor<?x?xi1>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %q, %q causal(top_left) keep(%keep : tensor<?x?xi1>)
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
  return %o : tensor<1x2x?x8xf32>
}

// A key that one side may keep is not dropped by the other.
// CHECK: [Missed] KeyRange | Category:attn-tile | Reason="capture #0 at m or n is not solved for n", Remark="no keys are skipped: the mask is evaluated for each"
func.func @either(%q: tensor<1x2x?x8xf32>, %keep: tensor<?x?xi1>) -> tensor<1x2x?x8xf32> {
  %o = attn.sdpa %q, %q, %q captures(%keep[m, n] : tensor<?x?xi1>)
    : tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x2x?x8xf32>
    mask(%b, %h, %m, %n, %far) {
      %past = arith.cmpi sle, %n, %m : index
      %keep = arith.ori %far, %past : i1
      attn.yield %keep : i1
    }
  return %o : tensor<1x2x?x8xf32>
}
