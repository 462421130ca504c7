/* Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
   SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

   Calls the entry of ../02-gqa-causal.mlir, compiled to decoder.o with its
   header decoder.h, and compares it with plain loops. C99, no library but libc
   and libm; with -DWITH_RUNTIME several threads, through libattn_runtime. */

#include "decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef WITH_RUNTIME
#include "attn/Runtime/Abi.h"
#endif

enum { M = 37, N = 200, H = 8, HKV = 2, D = 64, WINDOW = 63 };

static float q[M * H * D], k[N * HKV * D], v[N * HKV * D], o[M * H * D];

static void fill(float *data, size_t count, uint32_t seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    data[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
  }
}

/* Memory on a 64-byte line; free `*whole`. */
static void *lines(size_t bytes, void **whole) {
  uintptr_t address;
  *whole = malloc(bytes + 63);
  if (!*whole)
    exit(1);
  address = (uintptr_t)*whole;
  return (void *)((address + 63) / 64 * 64);
}

/* The row of query m and head h, in double precision: it sees the key of its
   own place and WINDOW before that; places count from the end. */
static void reference(int m, int h, double *row) {
  int kv = h / (H / HKV), last = m + N - M;
  double weights[N] = {0}, top = -INFINITY, sum = 0;
  for (int n = last - WINDOW; n <= last; ++n) {
    double s = 0;
    for (int d = 0; d < D; ++d)
      s += (double)q[(m * H + h) * D + d] * k[(n * HKV + kv) * D + d];
    weights[n] = s / sqrt(D);
    top = fmax(top, weights[n]);
  }
  for (int n = last - WINDOW; n <= last; ++n)
    sum += weights[n] = exp(weights[n] - top);
  for (int d = 0; d < D; ++d) {
    row[d] = 0;
    for (int n = last - WINDOW; n <= last; ++n)
      row[d] += weights[n] / sum * v[(n * HKV + kv) * D + d];
  }
}

static double largest_difference(void) {
  double largest = 0, row[D];
  for (int m = 0; m < M; ++m)
    for (int h = 0; h < H; ++h) {
      reference(m, h, row);
      for (int d = 0; d < D; ++d)
        largest = fmax(largest, fabs(row[d] - o[(m * H + h) * D + d]));
    }
  return largest;
}

int main(void) {
  attn_tensor tq = {q, 4, {1, M, H, D}, {0}}, tk = {k, 4, {1, N, HKV, D}, {0}},
              tv = {v, 4, {1, N, HKV, D}, {0}}, to = {o, 4, {1, M, H, D}, {0}};
  size_t bytes;
  void *whole, *workspace;
  decoder_status status;
  double difference;

  if (!decoder_supported()) {
    printf("this CPU is not supported\n");
    return 2;
  }
  printf("level %d\n", (int)decoder_supported());
  fill(q, M * H * D, 1);
  fill(k, N * HKV * D, 2);
  fill(v, N * HKV * D, 3);

  status = decoder_workspace(&tq, &tk, &tv, &bytes);
  if (status != DECODER_SUCCESS)
    return 1;
  workspace = lines(bytes, &whole);
#ifdef WITH_RUNTIME
  decoder_set_parallel_for(attn_rt_parallel_for);
  printf("threads %d\n", (int)attn_rt_get_num_threads());
#endif
  status = decoder(&tq, &tk, &tv, &to, workspace, bytes);
  free(whole);
  if (status != DECODER_SUCCESS) {
    printf("status %d\n", (int)status);
    return 1;
  }
  difference = largest_difference();
  printf("largest difference %.1e\n", difference);
  return difference < 1e-6 ? 0 : 1;
}
