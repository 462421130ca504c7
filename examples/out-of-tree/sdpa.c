/* Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
   SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

   Compiles an attention in this process through attn-c/attn.h, runs it, and
   compares it with plain loops. */

#include "attn-c/attn.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { H = 4, M = 19, N = 45, D = 32 };

static const char source[] =
    "func.func @sdpa(%q: tensor<1x4x?x32xf32>, %k: tensor<1x4x?x32xf32>,\n"
    "                %v: tensor<1x4x?x32xf32>) -> tensor<1x4x?x32xf32> {\n"
    "  %o = attn.sdpa %q, %k, %v : tensor<1x4x?x32xf32>,\n"
    "    tensor<1x4x?x32xf32>, tensor<1x4x?x32xf32> -> tensor<1x4x?x32xf32>\n"
    "  return %o : tensor<1x4x?x32xf32>\n"
    "}\n";

static float q[H * M * D], k[H * N * D], v[H * N * D], o[H * M * D];

static void fill(float *data, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

/* [1, H, rows, D], row-major; strides are in bytes. */
static attn_tensor tensor(float *data, int64_t rows, int64_t *sizes,
                          int64_t *strides) {
  attn_tensor result;
  const int64_t shape[4] = {1, H, rows, D};
  const int64_t f = sizeof(float);
  const int64_t steps[4] = {H * rows * D * f, rows * D * f, D * f, f};
  memcpy(sizes, shape, sizeof(shape));
  memcpy(strides, steps, sizeof(steps));
  result.data = data;
  result.dtype = ATTN_F32;
  result.rank = 4;
  result.sizes = sizes;
  result.strides = strides;
  return result;
}

/* Channel d of query m and head h, in double precision. */
static double expected(int h, int m, int d) {
  double sum = 0, all = 0;
  for (int n = 0; n < N; ++n) {
    double score = 0, weight;
    for (int i = 0; i < D; ++i)
      score += (double)q[(h * M + m) * D + i] * k[(h * N + n) * D + i];
    weight = exp(score / sqrt((double)D));
    all += weight;
    sum += weight * v[(h * N + n) * D + d];
  }
  return sum / all;
}

static int failed(attn_error *error) {
  if (!error)
    return 0;
  fprintf(stderr, "sdpa: %s %s\n", attn_error_location(error),
          attn_error_message(error));
  attn_error_destroy(error);
  return 1;
}

int main(void) {
  int64_t sizes[4][4], strides[4][4];
  attn_tensor inputs[3], output;
  attn_executable *executable = NULL;
  double largest = 0;
  fill(q, H * M * D, 1);
  fill(k, H * N * D, 2);
  fill(v, H * N * D, 3);
  inputs[0] = tensor(q, M, sizes[0], strides[0]);
  inputs[1] = tensor(k, N, sizes[1], strides[1]);
  inputs[2] = tensor(v, N, sizes[2], strides[2]);
  output = tensor(o, M, sizes[3], strides[3]);
  if (failed(attn_compile(source, sizeof(source) - 1, "sdpa.mlir", NULL,
                          &executable)) ||
      failed(attn_executable_run(executable, inputs, 3, &output, 1, 0, NULL)))
    return 1;
  attn_executable_destroy(executable);
  for (int h = 0; h < H; ++h)
    for (int m = 0; m < M; ++m)
      for (int d = 0; d < D; ++d) {
        double error = fabs(o[(h * M + m) * D + d] - expected(h, m, d));
        largest = error > largest ? error : largest;
      }
  printf("attn-mlir %s: largest error %.1e\n", attn_version(), largest);
  return largest < 1e-5 ? 0 : 2;
}
