// Attention whose weights are multiplied once more: no attention that attn.sdpa could say.
// It is also what test/Raise/raise-declined.mlir and docs/pipeline.md show.

func.func @scaled(%q: tensor<6x33x16xf32>, %k: tensor<6x45x16xf32>, %v: tensor<6x45x24xf32>) -> tensor<6x33x24xf32> {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant dense<0.5> : tensor<6x33x45xf32>
  %t = tensor.empty() : tensor<6x16x45xf32>
  %kt = linalg.transpose ins(%k : tensor<6x45x16xf32>) outs(%t : tensor<6x16x45xf32>) permutation = [0, 2, 1]
  %e = tensor.empty() : tensor<6x33x45xf32>
  %i = linalg.fill ins(%zero : f32) outs(%e : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %s = linalg.batch_matmul
    ins(%q, %kt : tensor<6x33x16xf32>, tensor<6x16x45xf32>)
    outs(%i : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %p = linalg.softmax dimension(2)
    ins(%s : tensor<6x33x45xf32>)
    outs(%e : tensor<6x33x45xf32>) -> tensor<6x33x45xf32>
  %oe = tensor.empty() : tensor<6x33x24xf32>
  %oi = linalg.fill ins(%zero : f32)
    outs(%oe : tensor<6x33x24xf32>) -> tensor<6x33x24xf32>
  // Here.
  %x = arith.mulf %p, %half : tensor<6x33x45xf32>
  %o = linalg.batch_matmul
    ins(%x, %v : tensor<6x33x45xf32>, tensor<6x45x24xf32>)
    outs(%oi : tensor<6x33x24xf32>) -> tensor<6x33x24xf32>
  return %o : tensor<6x33x24xf32>
}
