// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls an entry on a CPU that it was not compiled for.

#include "decoder.h"

#include <stdio.h>

int main(void) {
  static float data[8 * 64];
  attn_tensor q = {data, 4, {1, 1, 8, 64}, {0}},
              k = {data, 4, {1, 1, 2, 64}, {0}}, o = q, shaped = {0};
  size_t bytes = 99;
  int workspace, shapes, run;
  data[0] = 7;
  workspace = decoder_workspace(&q, &k, &k, &bytes);
  shapes = decoder_shapes(&q, &k, &k, &shaped);
  run = decoder(&q, &k, &k, &o, NULL, 0);
  printf("%d %d %d, %s\n", workspace, shapes, run,
         bytes == 99 && shaped.rank == 0 && data[0] == 7 ? "untouched"
                                                         : "touched");
  return 0;
}
