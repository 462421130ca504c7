// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls a compiled entry `attend` (causal, bottom_right) and compares it with
// plain loops in double precision.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { H = 4, Hkv = 2, M = 61, N = 93, D = 40 };

typedef struct {
  void *allocated, *aligned;
  int64_t offset, sizes[4], strides[4];
} memref4;
typedef struct {
  void *allocated, *aligned;
  int64_t offset, sizes[1], strides[1];
} memref1;

int32_t _mlir_ciface_attend(memref4 *q, memref4 *k, memref4 *v, memref4 *o,
                            memref1 *workspace);
int64_t _mlir_ciface_attend_workspace(memref4 *q, memref4 *k, memref4 *v);

// One thread: the tasks in order.
void attn_rt_parallel_for(void (*task)(int64_t, void *), int64_t count,
                          void *context) {
  for (int64_t i = 0; i < count; ++i)
    task(i, context);
}

static float q[H * M * D], k[Hkv * N * D], v[Hkv * N * D], o[H * M * D];

static memref4 make(float *data, int64_t heads, int64_t rows) {
  memref4 m = {
      data, data, 0, {1, heads, rows, D}, {heads * rows * D, rows * D, D, 1}};
  return m;
}

static void fill(float *data, int count, uint32_t seed) {
  for (int i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

int main(void) {
  fill(q, H * M * D, 1);
  fill(k, Hkv * N * D, 2);
  fill(v, Hkv * N * D, 3);
  memref4 mq = make(q, H, M), mk = make(k, Hkv, N), mv = make(v, Hkv, N),
          mo = make(o, H, M);
  int64_t bytes = _mlir_ciface_attend_workspace(&mq, &mk, &mv);
  void *scratch = aligned_alloc(64, (size_t)(bytes + 127) / 64 * 64);
  memref1 workspace = {scratch, scratch, 0, {bytes}, {1}};
  int32_t status = _mlir_ciface_attend(&mq, &mk, &mv, &mo, &workspace);
  if (status != 0) {
    printf("status %d\n", status);
    return 1;
  }
  double worst = 0;
  for (int h = 0; h < H; ++h)
    for (int m = 0; m < M; ++m) {
      const float *row = q + (h * M + m) * D;
      const float *keys = k + (h / (H / Hkv)) * N * D;
      const float *values = v + (h / (H / Hkv)) * N * D;
      double s[N], largest = -INFINITY, sum = 0, out[D] = {0};
      int last = m + N - M;
      for (int n = 0; n <= last; ++n) {
        s[n] = 0;
        for (int d = 0; d < D; ++d)
          s[n] += (double)row[d] * keys[n * D + d];
        s[n] /= sqrt((double)D);
        largest = fmax(largest, s[n]);
      }
      for (int n = 0; n <= last; ++n) {
        double p = exp(s[n] - largest);
        sum += p;
        for (int d = 0; d < D; ++d)
          out[d] += p * values[n * D + d];
      }
      for (int d = 0; d < D; ++d)
        worst = fmax(worst, fabs(out[d] / sum - o[(h * M + m) * D + d]));
    }
  printf("largest difference %s 1e-6\n", worst < 1e-6 ? "below" : "above");
  return worst < 1e-6 ? 0 : 1;
}
