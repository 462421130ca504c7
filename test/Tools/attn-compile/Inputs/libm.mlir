func.func @bent(%q: tensor<1x2x?x32xf32>) -> tensor<1x2x?x32xf32> {
  %o = attn.sdpa %q, %q, %q : tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32>, tensor<1x2x?x32xf32> -> tensor<1x2x?x32xf32>
    score(%s, %b, %h, %m, %n) {
      %r = math.tan %s : f32
      attn.yield %r : f32
    }
  return %o : tensor<1x2x?x32xf32>
}
