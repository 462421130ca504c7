// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// all-MiniLM-L6-v2, a sentence encoder: 6 layers, 12 heads of 32 channels, 384
// channels per token, 1536 inside the feed-forward.  Batch and length are dynamic.
//
//   @encode   token ids and a mask (true: a token, false: padding) -> unit vectors
//   @weights  the same inputs -> every head's attention weights, layer by layer
//
//   attn-run minilm.mlir --entry=encode --weights=@model.safetensors \
//     --input=@ids.npy --input=@mask.npy --output=vectors.npy
//
// Each attention block is one attn.mha; everything else is plain linalg on
// tensors.  Weights keep PyTorch's layout [out, in] and are found in the
// safetensors file by attn.name.

!ids = tensor<?x?xi64>                // [batch, position]
!mask = tensor<?x?xi1>
!keys = tensor<?x1x1x?xi1>            // [batch, head, query, key]
!tokens = tensor<?x?x384xf32>         // [batch, position, channel]
!inner = tensor<?x?x1536xf32>
!maps = tensor<?x12x?x?xf32>          // [batch, head, query, key]
!vectors = tensor<?x384xf32>          // [batch, channel]
!vec = tensor<384xf32>
!mat = tensor<384x384xf32>
!wide = tensor<1536x384xf32>
!widevec = tensor<1536xf32>
!tall = tensor<384x1536xf32>
!words = tensor<30522x384xf32>
!positions = tensor<512x384xf32>
!kinds = tensor<2x384xf32>

#all = affine_map<(b, s, e) -> (b, s, e)>
#token = affine_map<(b, s, e) -> (b, s)>        // one value per token
#channel = affine_map<(b, s, e) -> (e)>         // one value per channel
#pooled = affine_map<(b, s, e) -> (b, e)>       // one value per sentence and channel
#lhs = affine_map<(b, s, n, k) -> (b, s, k)>    // y[b,s,n] += x[b,s,k] * w[n,k]
#rhs = affine_map<(b, s, n, k) -> (n, k)>
#out = affine_map<(b, s, n, k) -> (b, s, n)>
#bs = affine_map<(b, s) -> (b, s)>
#bs_b = affine_map<(b, s) -> (b)>
#be = affine_map<(b, e) -> (b, e)>
#be_b = affine_map<(b, e) -> (b)>

// words[id] + positions[s] + types[0], normalised.  An id or a position outside
// its table reads the table's last row, never memory behind it.
func.func private @embed(%ids: !ids, %words: !words, %positions: !positions,
                         %types: !kinds, %gamma: !vec, %beta: !vec) -> !tokens {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %last_word = arith.constant 30521 : index
  %last_position = arith.constant 511 : index
  %b = tensor.dim %ids, %c0 : !ids
  %s = tensor.dim %ids, %c1 : !ids
  %type0 = tensor.extract_slice %types[0, 0] [1, 384] [1, 1] : !kinds to !vec
  %init = tensor.empty(%b, %s) : !tokens
  %sum = linalg.generic {indexing_maps = [#token, #channel, #all],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%ids, %type0 : !ids, !vec) outs(%init : !tokens) {
  ^bb0(%id: i64, %type: f32, %o: f32):
    %row = arith.index_cast %id : i64 to index
    %word_row = arith.minui %row, %last_word : index
    %at = linalg.index 1 : index
    %position_row = arith.minui %at, %last_position : index
    %e = linalg.index 2 : index
    %word = tensor.extract %words[%word_row, %e] : !words
    %position = tensor.extract %positions[%position_row, %e] : !positions
    %wp = arith.addf %word, %type : f32
    %wpt = arith.addf %wp, %position : f32
    linalg.yield %wpt : f32
  } -> !tokens
  %y = call @layer_norm(%sum, %gamma, %beta) : (!tokens, !vec, !vec) -> !tokens
  return %y : !tokens
}

// gamma * (x - mean) / sqrt(variance + 1e-12) + beta over the channels of a token.
func.func private @layer_norm(%x: !tokens, %gamma: !vec, %beta: !vec) -> !tokens {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 384.0 : f32
  %eps = arith.constant 1.0e-12 : f32
  %b = tensor.dim %x, %c0 : !tokens
  %s = tensor.dim %x, %c1 : !tokens
  %per_token = tensor.empty(%b, %s) : tensor<?x?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%per_token : tensor<?x?xf32>) -> tensor<?x?xf32>
  %sum = linalg.generic {indexing_maps = [#all, #token],
                         iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : !tokens) outs(%zeros : tensor<?x?xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %a = arith.addf %acc, %v : f32
    linalg.yield %a : f32
  } -> tensor<?x?xf32>
  %squares = linalg.generic {indexing_maps = [#all, #token, #token],
                             iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %sum : !tokens, tensor<?x?xf32>) outs(%zeros : tensor<?x?xf32>) {
  ^bb0(%v: f32, %total: f32, %acc: f32):
    %mean = arith.divf %total, %count : f32
    %d = arith.subf %v, %mean : f32
    %dd = arith.mulf %d, %d : f32
    %a = arith.addf %acc, %dd : f32
    linalg.yield %a : f32
  } -> tensor<?x?xf32>
  %init = tensor.empty(%b, %s) : !tokens
  %y = linalg.generic {indexing_maps = [#all, #token, #token, #channel, #channel, #all],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %sum, %squares, %gamma, %beta
          : !tokens, tensor<?x?xf32>, tensor<?x?xf32>, !vec, !vec) outs(%init : !tokens) {
  ^bb0(%v: f32, %total: f32, %square: f32, %g: f32, %bt: f32, %o: f32):
    %mean = arith.divf %total, %count : f32
    %variance = arith.divf %square, %count : f32
    %safe = arith.addf %variance, %eps : f32
    %inverse = math.rsqrt %safe : f32
    %d = arith.subf %v, %mean : f32
    %n = arith.mulf %d, %inverse : f32
    %ng = arith.mulf %n, %g : f32
    %r = arith.addf %ng, %bt : f32
    linalg.yield %r : f32
  } -> !tokens
  return %y : !tokens
}

// x + y, where a block's input meets its output.
func.func private @add(%x: !tokens, %y: !tokens) -> !tokens {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c0 : !tokens
  %s = tensor.dim %x, %c1 : !tokens
  %init = tensor.empty(%b, %s) : !tokens
  %z = linalg.generic {indexing_maps = [#all, #all, #all],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %y : !tokens, !tokens) outs(%init : !tokens) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> !tokens
  return %z : !tokens
}

// x W^T + bias, from 384 channels to 1536.
func.func private @linear_up(%x: !tokens, %w: !wide, %bias: !widevec) -> !inner {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !tokens
  %s = tensor.dim %x, %c1 : !tokens
  %init = tensor.empty(%b, %s) : !inner
  %zeros = linalg.fill ins(%zero : f32) outs(%init : !inner) -> !inner
  %xw = linalg.generic {indexing_maps = [#lhs, #rhs, #out],
                        iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : !tokens, !wide) outs(%zeros : !inner) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %p = arith.mulf %l, %r : f32
    %a = arith.addf %acc, %p : f32
    linalg.yield %a : f32
  } -> !inner
  %y = linalg.generic {indexing_maps = [#all, #channel, #all],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%xw, %bias : !inner, !widevec) outs(%init : !inner) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> !inner
  return %y : !inner
}

// x W^T + bias, from 1536 channels back to 384.
func.func private @linear_down(%x: !inner, %w: !tall, %bias: !vec) -> !tokens {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : !inner
  %s = tensor.dim %x, %c1 : !inner
  %init = tensor.empty(%b, %s) : !tokens
  %zeros = linalg.fill ins(%zero : f32) outs(%init : !tokens) -> !tokens
  %xw = linalg.generic {indexing_maps = [#lhs, #rhs, #out],
                        iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : !inner, !tall) outs(%zeros : !tokens) {
  ^bb0(%l: f32, %r: f32, %acc: f32):
    %p = arith.mulf %l, %r : f32
    %a = arith.addf %acc, %p : f32
    linalg.yield %a : f32
  } -> !tokens
  %y = linalg.generic {indexing_maps = [#all, #channel, #all],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%xw, %bias : !tokens, !vec) outs(%init : !tokens) {
  ^bb0(%l: f32, %r: f32, %o: f32):
    %a = arith.addf %l, %r : f32
    linalg.yield %a : f32
  } -> !tokens
  return %y : !tokens
}

// x/2 * (1 + erf(x / sqrt 2)): the exact GELU, not its tanh relative.
func.func private @gelu(%x: !inner) -> !inner {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %half = arith.constant 0.5 : f32
  %one = arith.constant 1.0 : f32
  %sqrt_half = arith.constant 0.707106769 : f32
  %b = tensor.dim %x, %c0 : !inner
  %s = tensor.dim %x, %c1 : !inner
  %init = tensor.empty(%b, %s) : !inner
  %y = linalg.generic {indexing_maps = [#all, #all],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : !inner) outs(%init : !inner) {
  ^bb0(%v: f32, %o: f32):
    %t = arith.mulf %v, %sqrt_half : f32
    %erf = math.erf %t : f32
    %u = arith.addf %erf, %one : f32
    %h = arith.mulf %v, %half : f32
    %r = arith.mulf %h, %u : f32
    linalg.yield %r : f32
  } -> !inner
  return %y : !inner
}

// A layer after its attention %a: add and normalise, feed forward, add and normalise.
func.func private @feed_forward(%x: !tokens, %a: !tokens, %g1: !vec, %b1: !vec, %wi: !wide, %bi: !widevec,
                                %wf: !tall, %bf: !vec, %g2: !vec, %b2: !vec) -> !tokens {
  %xa = call @add(%x, %a) : (!tokens, !tokens) -> !tokens
  %y = call @layer_norm(%xa, %g1, %b1) : (!tokens, !vec, !vec) -> !tokens
  %up = call @linear_up(%y, %wi, %bi) : (!tokens, !wide, !widevec) -> !inner
  %act = call @gelu(%up) : (!inner) -> !inner
  %down = call @linear_down(%act, %wf, %bf) : (!inner, !tall, !vec) -> !tokens
  %yd = call @add(%y, %down) : (!tokens, !tokens) -> !tokens
  %z = call @layer_norm(%yd, %g2, %b2) : (!tokens, !vec, !vec) -> !tokens
  return %z : !tokens
}

func.func private @layer(%x: !tokens, %keep: !keys,
                         %wq: !mat, %bq: !vec, %wk: !mat, %bk: !vec, %wv: !mat, %bv: !vec, %wo: !mat, %bo: !vec,
                         %g1: !vec, %b1: !vec, %wi: !wide, %bi: !widevec, %wf: !tall, %bf: !vec,
                         %g2: !vec, %b2: !vec) -> !tokens {
  %a = attn.mha %x weights(%wq, %wk, %wv, %wo) bias(%bq, %bk, %bv, %bo) heads(12) keep(%keep : !keys)
      : !tokens, !mat, !mat, !mat, !mat, !vec, !vec, !vec, !vec -> !tokens
  %y = call @feed_forward(%x, %a, %g1, %b1, %wi, %bi, %wf, %bf, %g2, %b2)
      : (!tokens, !tokens, !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  return %y : !tokens
}

// @layer that also hands out what each head looks at.
func.func private @layer_with_weights(%x: !tokens, %keep: !keys,
                         %wq: !mat, %bq: !vec, %wk: !mat, %bk: !vec, %wv: !mat, %bv: !vec, %wo: !mat, %bo: !vec,
                         %g1: !vec, %b1: !vec, %wi: !wide, %bi: !widevec, %wf: !tall, %bf: !vec,
                         %g2: !vec, %b2: !vec) -> (!tokens, !maps) {
  %a, %p = attn.mha %x weights(%wq, %wk, %wv, %wo) bias(%bq, %bk, %bv, %bo) heads(12) keep(%keep : !keys)
      returns(weights) : !tokens, !mat, !mat, !mat, !mat, !vec, !vec, !vec, !vec -> !tokens, !maps
  %y = call @feed_forward(%x, %a, %g1, %b1, %wi, %bi, %wf, %bf, %g2, %b2)
      : (!tokens, !tokens, !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  return %y, %p : !tokens, !maps
}

// The mask as attention reads it: the same for every head and query.
func.func private @keys(%mask: !mask) -> !keys {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = tensor.dim %mask, %c0 : !mask
  %s = tensor.dim %mask, %c1 : !mask
  %keep = tensor.expand_shape %mask [[0], [1, 2, 3]] output_shape [%b, 1, 1, %s]
      : !mask into !keys
  return %keep : !keys
}

// The mean of a sentence's tokens, padding left out, scaled to length 1.
func.func private @sentence_vector(%x: !tokens, %mask: !mask) -> !vectors {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %least = arith.constant 1.0e-12 : f32
  %b = tensor.dim %x, %c0 : !tokens
  %per_sentence = tensor.empty(%b) : tensor<?xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%per_sentence : tensor<?xf32>) -> tensor<?xf32>
  %init = tensor.empty(%b) : !vectors
  %sums = linalg.fill ins(%zero : f32) outs(%init : !vectors) -> !vectors
  %sum = linalg.generic {indexing_maps = [#all, #token, #pooled],
                         iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%x, %mask : !tokens, !mask) outs(%sums : !vectors) {
  ^bb0(%v: f32, %k: i1, %acc: f32):
    %t = arith.select %k, %v, %zero : f32
    %a = arith.addf %acc, %t : f32
    linalg.yield %a : f32
  } -> !vectors
  %count = linalg.generic {indexing_maps = [#bs, #bs_b], iterator_types = ["parallel", "reduction"]}
      ins(%mask : !mask) outs(%zeros : tensor<?xf32>) {
  ^bb0(%k: i1, %acc: f32):
    %t = arith.uitofp %k : i1 to f32
    %a = arith.addf %acc, %t : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %mean = linalg.generic {indexing_maps = [#be, #be_b, #be], iterator_types = ["parallel", "parallel"]}
      ins(%sum, %count : !vectors, tensor<?xf32>) outs(%init : !vectors) {
  ^bb0(%v: f32, %n: f32, %o: f32):
    %n1 = arith.maximumf %n, %one : f32
    %m = arith.divf %v, %n1 : f32
    linalg.yield %m : f32
  } -> !vectors
  %square = linalg.generic {indexing_maps = [#be, #be_b], iterator_types = ["parallel", "reduction"]}
      ins(%mean : !vectors) outs(%zeros : tensor<?xf32>) {
  ^bb0(%v: f32, %acc: f32):
    %vv = arith.mulf %v, %v : f32
    %a = arith.addf %acc, %vv : f32
    linalg.yield %a : f32
  } -> tensor<?xf32>
  %unit = linalg.generic {indexing_maps = [#be, #be_b, #be], iterator_types = ["parallel", "parallel"]}
      ins(%mean, %square : !vectors, tensor<?xf32>) outs(%init : !vectors) {
  ^bb0(%v: f32, %ss: f32, %o: f32):
    %norm = math.sqrt %ss : f32
    %safe = arith.maximumf %norm, %least : f32
    %u = arith.divf %v, %safe : f32
    linalg.yield %u : f32
  } -> !vectors
  return %unit : !vectors
}

func.func @encode(
    %ids: !ids, %mask: !mask,
    %words: !words {attn.weight, attn.name = "embeddings.word_embeddings.weight"},
    %positions: !positions {attn.weight, attn.name = "embeddings.position_embeddings.weight"},
    %types: !kinds {attn.weight, attn.name = "embeddings.token_type_embeddings.weight"},
    %ge: !vec {attn.weight, attn.name = "embeddings.LayerNorm.weight"},
    %be: !vec {attn.weight, attn.name = "embeddings.LayerNorm.bias"},
    %wq.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.self.query.weight"},
    %bq.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.self.query.bias"},
    %wk.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.self.key.weight"},
    %bk.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.self.key.bias"},
    %wv.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.self.value.weight"},
    %bv.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.self.value.bias"},
    %wo.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.output.dense.weight"},
    %bo.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.output.dense.bias"},
    %g1.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.output.LayerNorm.weight"},
    %b1.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.output.LayerNorm.bias"},
    %wi.0: !wide {attn.weight, attn.name = "encoder.layer.0.intermediate.dense.weight"},
    %bi.0: !widevec {attn.weight, attn.name = "encoder.layer.0.intermediate.dense.bias"},
    %wf.0: !tall {attn.weight, attn.name = "encoder.layer.0.output.dense.weight"},
    %bf.0: !vec {attn.weight, attn.name = "encoder.layer.0.output.dense.bias"},
    %g2.0: !vec {attn.weight, attn.name = "encoder.layer.0.output.LayerNorm.weight"},
    %b2.0: !vec {attn.weight, attn.name = "encoder.layer.0.output.LayerNorm.bias"},
    %wq.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.self.query.weight"},
    %bq.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.self.query.bias"},
    %wk.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.self.key.weight"},
    %bk.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.self.key.bias"},
    %wv.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.self.value.weight"},
    %bv.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.self.value.bias"},
    %wo.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.output.dense.weight"},
    %bo.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.output.dense.bias"},
    %g1.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.output.LayerNorm.weight"},
    %b1.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.output.LayerNorm.bias"},
    %wi.1: !wide {attn.weight, attn.name = "encoder.layer.1.intermediate.dense.weight"},
    %bi.1: !widevec {attn.weight, attn.name = "encoder.layer.1.intermediate.dense.bias"},
    %wf.1: !tall {attn.weight, attn.name = "encoder.layer.1.output.dense.weight"},
    %bf.1: !vec {attn.weight, attn.name = "encoder.layer.1.output.dense.bias"},
    %g2.1: !vec {attn.weight, attn.name = "encoder.layer.1.output.LayerNorm.weight"},
    %b2.1: !vec {attn.weight, attn.name = "encoder.layer.1.output.LayerNorm.bias"},
    %wq.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.self.query.weight"},
    %bq.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.self.query.bias"},
    %wk.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.self.key.weight"},
    %bk.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.self.key.bias"},
    %wv.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.self.value.weight"},
    %bv.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.self.value.bias"},
    %wo.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.output.dense.weight"},
    %bo.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.output.dense.bias"},
    %g1.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.output.LayerNorm.weight"},
    %b1.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.output.LayerNorm.bias"},
    %wi.2: !wide {attn.weight, attn.name = "encoder.layer.2.intermediate.dense.weight"},
    %bi.2: !widevec {attn.weight, attn.name = "encoder.layer.2.intermediate.dense.bias"},
    %wf.2: !tall {attn.weight, attn.name = "encoder.layer.2.output.dense.weight"},
    %bf.2: !vec {attn.weight, attn.name = "encoder.layer.2.output.dense.bias"},
    %g2.2: !vec {attn.weight, attn.name = "encoder.layer.2.output.LayerNorm.weight"},
    %b2.2: !vec {attn.weight, attn.name = "encoder.layer.2.output.LayerNorm.bias"},
    %wq.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.self.query.weight"},
    %bq.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.self.query.bias"},
    %wk.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.self.key.weight"},
    %bk.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.self.key.bias"},
    %wv.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.self.value.weight"},
    %bv.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.self.value.bias"},
    %wo.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.output.dense.weight"},
    %bo.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.output.dense.bias"},
    %g1.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.output.LayerNorm.weight"},
    %b1.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.output.LayerNorm.bias"},
    %wi.3: !wide {attn.weight, attn.name = "encoder.layer.3.intermediate.dense.weight"},
    %bi.3: !widevec {attn.weight, attn.name = "encoder.layer.3.intermediate.dense.bias"},
    %wf.3: !tall {attn.weight, attn.name = "encoder.layer.3.output.dense.weight"},
    %bf.3: !vec {attn.weight, attn.name = "encoder.layer.3.output.dense.bias"},
    %g2.3: !vec {attn.weight, attn.name = "encoder.layer.3.output.LayerNorm.weight"},
    %b2.3: !vec {attn.weight, attn.name = "encoder.layer.3.output.LayerNorm.bias"},
    %wq.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.self.query.weight"},
    %bq.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.self.query.bias"},
    %wk.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.self.key.weight"},
    %bk.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.self.key.bias"},
    %wv.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.self.value.weight"},
    %bv.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.self.value.bias"},
    %wo.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.output.dense.weight"},
    %bo.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.output.dense.bias"},
    %g1.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.output.LayerNorm.weight"},
    %b1.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.output.LayerNorm.bias"},
    %wi.4: !wide {attn.weight, attn.name = "encoder.layer.4.intermediate.dense.weight"},
    %bi.4: !widevec {attn.weight, attn.name = "encoder.layer.4.intermediate.dense.bias"},
    %wf.4: !tall {attn.weight, attn.name = "encoder.layer.4.output.dense.weight"},
    %bf.4: !vec {attn.weight, attn.name = "encoder.layer.4.output.dense.bias"},
    %g2.4: !vec {attn.weight, attn.name = "encoder.layer.4.output.LayerNorm.weight"},
    %b2.4: !vec {attn.weight, attn.name = "encoder.layer.4.output.LayerNorm.bias"},
    %wq.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.self.query.weight"},
    %bq.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.self.query.bias"},
    %wk.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.self.key.weight"},
    %bk.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.self.key.bias"},
    %wv.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.self.value.weight"},
    %bv.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.self.value.bias"},
    %wo.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.output.dense.weight"},
    %bo.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.output.dense.bias"},
    %g1.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.output.LayerNorm.weight"},
    %b1.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.output.LayerNorm.bias"},
    %wi.5: !wide {attn.weight, attn.name = "encoder.layer.5.intermediate.dense.weight"},
    %bi.5: !widevec {attn.weight, attn.name = "encoder.layer.5.intermediate.dense.bias"},
    %wf.5: !tall {attn.weight, attn.name = "encoder.layer.5.output.dense.weight"},
    %bf.5: !vec {attn.weight, attn.name = "encoder.layer.5.output.dense.bias"},
    %g2.5: !vec {attn.weight, attn.name = "encoder.layer.5.output.LayerNorm.weight"},
    %b2.5: !vec {attn.weight, attn.name = "encoder.layer.5.output.LayerNorm.bias"})
    -> !vectors {
  %x0 = call @embed(%ids, %words, %positions, %types, %ge, %be)
      : (!ids, !words, !positions, !kinds, !vec, !vec) -> !tokens
  %keep = call @keys(%mask) : (!mask) -> !keys
  %x1 = call @layer(%x0, %keep,
      %wq.0, %bq.0, %wk.0, %bk.0, %wv.0, %bv.0, %wo.0, %bo.0,
      %g1.0, %b1.0, %wi.0, %bi.0, %wf.0, %bf.0, %g2.0, %b2.0)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  %x2 = call @layer(%x1, %keep,
      %wq.1, %bq.1, %wk.1, %bk.1, %wv.1, %bv.1, %wo.1, %bo.1,
      %g1.1, %b1.1, %wi.1, %bi.1, %wf.1, %bf.1, %g2.1, %b2.1)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  %x3 = call @layer(%x2, %keep,
      %wq.2, %bq.2, %wk.2, %bk.2, %wv.2, %bv.2, %wo.2, %bo.2,
      %g1.2, %b1.2, %wi.2, %bi.2, %wf.2, %bf.2, %g2.2, %b2.2)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  %x4 = call @layer(%x3, %keep,
      %wq.3, %bq.3, %wk.3, %bk.3, %wv.3, %bv.3, %wo.3, %bo.3,
      %g1.3, %b1.3, %wi.3, %bi.3, %wf.3, %bf.3, %g2.3, %b2.3)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  %x5 = call @layer(%x4, %keep,
      %wq.4, %bq.4, %wk.4, %bk.4, %wv.4, %bv.4, %wo.4, %bo.4,
      %g1.4, %b1.4, %wi.4, %bi.4, %wf.4, %bf.4, %g2.4, %b2.4)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  %x6 = call @layer(%x5, %keep,
      %wq.5, %bq.5, %wk.5, %bk.5, %wv.5, %bv.5, %wo.5, %bo.5,
      %g1.5, %b1.5, %wi.5, %bi.5, %wf.5, %bf.5, %g2.5, %b2.5)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> !tokens
  %v = call @sentence_vector(%x6, %mask) : (!tokens, !mask) -> !vectors
  return %v : !vectors
}

// The same model, asked for what its heads look at: a query's row over the keys, one tensor per layer.
func.func @weights(
    %ids: !ids, %mask: !mask,
    %words: !words {attn.weight, attn.name = "embeddings.word_embeddings.weight"},
    %positions: !positions {attn.weight, attn.name = "embeddings.position_embeddings.weight"},
    %types: !kinds {attn.weight, attn.name = "embeddings.token_type_embeddings.weight"},
    %ge: !vec {attn.weight, attn.name = "embeddings.LayerNorm.weight"},
    %be: !vec {attn.weight, attn.name = "embeddings.LayerNorm.bias"},
    %wq.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.self.query.weight"},
    %bq.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.self.query.bias"},
    %wk.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.self.key.weight"},
    %bk.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.self.key.bias"},
    %wv.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.self.value.weight"},
    %bv.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.self.value.bias"},
    %wo.0: !mat {attn.weight, attn.name = "encoder.layer.0.attention.output.dense.weight"},
    %bo.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.output.dense.bias"},
    %g1.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.output.LayerNorm.weight"},
    %b1.0: !vec {attn.weight, attn.name = "encoder.layer.0.attention.output.LayerNorm.bias"},
    %wi.0: !wide {attn.weight, attn.name = "encoder.layer.0.intermediate.dense.weight"},
    %bi.0: !widevec {attn.weight, attn.name = "encoder.layer.0.intermediate.dense.bias"},
    %wf.0: !tall {attn.weight, attn.name = "encoder.layer.0.output.dense.weight"},
    %bf.0: !vec {attn.weight, attn.name = "encoder.layer.0.output.dense.bias"},
    %g2.0: !vec {attn.weight, attn.name = "encoder.layer.0.output.LayerNorm.weight"},
    %b2.0: !vec {attn.weight, attn.name = "encoder.layer.0.output.LayerNorm.bias"},
    %wq.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.self.query.weight"},
    %bq.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.self.query.bias"},
    %wk.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.self.key.weight"},
    %bk.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.self.key.bias"},
    %wv.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.self.value.weight"},
    %bv.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.self.value.bias"},
    %wo.1: !mat {attn.weight, attn.name = "encoder.layer.1.attention.output.dense.weight"},
    %bo.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.output.dense.bias"},
    %g1.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.output.LayerNorm.weight"},
    %b1.1: !vec {attn.weight, attn.name = "encoder.layer.1.attention.output.LayerNorm.bias"},
    %wi.1: !wide {attn.weight, attn.name = "encoder.layer.1.intermediate.dense.weight"},
    %bi.1: !widevec {attn.weight, attn.name = "encoder.layer.1.intermediate.dense.bias"},
    %wf.1: !tall {attn.weight, attn.name = "encoder.layer.1.output.dense.weight"},
    %bf.1: !vec {attn.weight, attn.name = "encoder.layer.1.output.dense.bias"},
    %g2.1: !vec {attn.weight, attn.name = "encoder.layer.1.output.LayerNorm.weight"},
    %b2.1: !vec {attn.weight, attn.name = "encoder.layer.1.output.LayerNorm.bias"},
    %wq.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.self.query.weight"},
    %bq.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.self.query.bias"},
    %wk.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.self.key.weight"},
    %bk.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.self.key.bias"},
    %wv.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.self.value.weight"},
    %bv.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.self.value.bias"},
    %wo.2: !mat {attn.weight, attn.name = "encoder.layer.2.attention.output.dense.weight"},
    %bo.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.output.dense.bias"},
    %g1.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.output.LayerNorm.weight"},
    %b1.2: !vec {attn.weight, attn.name = "encoder.layer.2.attention.output.LayerNorm.bias"},
    %wi.2: !wide {attn.weight, attn.name = "encoder.layer.2.intermediate.dense.weight"},
    %bi.2: !widevec {attn.weight, attn.name = "encoder.layer.2.intermediate.dense.bias"},
    %wf.2: !tall {attn.weight, attn.name = "encoder.layer.2.output.dense.weight"},
    %bf.2: !vec {attn.weight, attn.name = "encoder.layer.2.output.dense.bias"},
    %g2.2: !vec {attn.weight, attn.name = "encoder.layer.2.output.LayerNorm.weight"},
    %b2.2: !vec {attn.weight, attn.name = "encoder.layer.2.output.LayerNorm.bias"},
    %wq.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.self.query.weight"},
    %bq.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.self.query.bias"},
    %wk.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.self.key.weight"},
    %bk.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.self.key.bias"},
    %wv.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.self.value.weight"},
    %bv.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.self.value.bias"},
    %wo.3: !mat {attn.weight, attn.name = "encoder.layer.3.attention.output.dense.weight"},
    %bo.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.output.dense.bias"},
    %g1.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.output.LayerNorm.weight"},
    %b1.3: !vec {attn.weight, attn.name = "encoder.layer.3.attention.output.LayerNorm.bias"},
    %wi.3: !wide {attn.weight, attn.name = "encoder.layer.3.intermediate.dense.weight"},
    %bi.3: !widevec {attn.weight, attn.name = "encoder.layer.3.intermediate.dense.bias"},
    %wf.3: !tall {attn.weight, attn.name = "encoder.layer.3.output.dense.weight"},
    %bf.3: !vec {attn.weight, attn.name = "encoder.layer.3.output.dense.bias"},
    %g2.3: !vec {attn.weight, attn.name = "encoder.layer.3.output.LayerNorm.weight"},
    %b2.3: !vec {attn.weight, attn.name = "encoder.layer.3.output.LayerNorm.bias"},
    %wq.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.self.query.weight"},
    %bq.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.self.query.bias"},
    %wk.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.self.key.weight"},
    %bk.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.self.key.bias"},
    %wv.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.self.value.weight"},
    %bv.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.self.value.bias"},
    %wo.4: !mat {attn.weight, attn.name = "encoder.layer.4.attention.output.dense.weight"},
    %bo.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.output.dense.bias"},
    %g1.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.output.LayerNorm.weight"},
    %b1.4: !vec {attn.weight, attn.name = "encoder.layer.4.attention.output.LayerNorm.bias"},
    %wi.4: !wide {attn.weight, attn.name = "encoder.layer.4.intermediate.dense.weight"},
    %bi.4: !widevec {attn.weight, attn.name = "encoder.layer.4.intermediate.dense.bias"},
    %wf.4: !tall {attn.weight, attn.name = "encoder.layer.4.output.dense.weight"},
    %bf.4: !vec {attn.weight, attn.name = "encoder.layer.4.output.dense.bias"},
    %g2.4: !vec {attn.weight, attn.name = "encoder.layer.4.output.LayerNorm.weight"},
    %b2.4: !vec {attn.weight, attn.name = "encoder.layer.4.output.LayerNorm.bias"},
    %wq.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.self.query.weight"},
    %bq.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.self.query.bias"},
    %wk.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.self.key.weight"},
    %bk.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.self.key.bias"},
    %wv.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.self.value.weight"},
    %bv.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.self.value.bias"},
    %wo.5: !mat {attn.weight, attn.name = "encoder.layer.5.attention.output.dense.weight"},
    %bo.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.output.dense.bias"},
    %g1.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.output.LayerNorm.weight"},
    %b1.5: !vec {attn.weight, attn.name = "encoder.layer.5.attention.output.LayerNorm.bias"},
    %wi.5: !wide {attn.weight, attn.name = "encoder.layer.5.intermediate.dense.weight"},
    %bi.5: !widevec {attn.weight, attn.name = "encoder.layer.5.intermediate.dense.bias"},
    %wf.5: !tall {attn.weight, attn.name = "encoder.layer.5.output.dense.weight"},
    %bf.5: !vec {attn.weight, attn.name = "encoder.layer.5.output.dense.bias"},
    %g2.5: !vec {attn.weight, attn.name = "encoder.layer.5.output.LayerNorm.weight"},
    %b2.5: !vec {attn.weight, attn.name = "encoder.layer.5.output.LayerNorm.bias"})
    -> (!maps, !maps, !maps, !maps, !maps, !maps) {
  %x0 = call @embed(%ids, %words, %positions, %types, %ge, %be)
      : (!ids, !words, !positions, !kinds, !vec, !vec) -> !tokens
  %keep = call @keys(%mask) : (!mask) -> !keys
  %x1, %p0 = call @layer_with_weights(%x0, %keep,
      %wq.0, %bq.0, %wk.0, %bk.0, %wv.0, %bv.0, %wo.0, %bo.0,
      %g1.0, %b1.0, %wi.0, %bi.0, %wf.0, %bf.0, %g2.0, %b2.0)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> (!tokens, !maps)
  %x2, %p1 = call @layer_with_weights(%x1, %keep,
      %wq.1, %bq.1, %wk.1, %bk.1, %wv.1, %bv.1, %wo.1, %bo.1,
      %g1.1, %b1.1, %wi.1, %bi.1, %wf.1, %bf.1, %g2.1, %b2.1)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> (!tokens, !maps)
  %x3, %p2 = call @layer_with_weights(%x2, %keep,
      %wq.2, %bq.2, %wk.2, %bk.2, %wv.2, %bv.2, %wo.2, %bo.2,
      %g1.2, %b1.2, %wi.2, %bi.2, %wf.2, %bf.2, %g2.2, %b2.2)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> (!tokens, !maps)
  %x4, %p3 = call @layer_with_weights(%x3, %keep,
      %wq.3, %bq.3, %wk.3, %bk.3, %wv.3, %bv.3, %wo.3, %bo.3,
      %g1.3, %b1.3, %wi.3, %bi.3, %wf.3, %bf.3, %g2.3, %b2.3)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> (!tokens, !maps)
  %x5, %p4 = call @layer_with_weights(%x4, %keep,
      %wq.4, %bq.4, %wk.4, %bk.4, %wv.4, %bv.4, %wo.4, %bo.4,
      %g1.4, %b1.4, %wi.4, %bi.4, %wf.4, %bf.4, %g2.4, %b2.4)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> (!tokens, !maps)
  %x6, %p5 = call @layer_with_weights(%x5, %keep,
      %wq.5, %bq.5, %wk.5, %bk.5, %wv.5, %bv.5, %wo.5, %bo.5,
      %g1.5, %b1.5, %wi.5, %bi.5, %wf.5, %bf.5, %g2.5, %b2.5)
      : (!tokens, !keys, !mat, !vec, !mat, !vec, !mat, !vec, !mat, !vec,
         !vec, !vec, !wide, !widevec, !tall, !vec, !vec, !vec) -> (!tokens, !maps)
  return %p0, %p1, %p2, %p3, %p4, %p5 : !maps, !maps, !maps, !maps, !maps, !maps
}
