//===- attn_test.c - The C interface from C99 -----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: AttnCAPITests CASE
//
//===----------------------------------------------------------------------===//

#include "attn-c/attn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition)                                                      \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                              \
    }                                                                          \
  } while (0)

static void expect_text(const char *found, const char *expected, int line) {
  if (strcmp(found, expected) != 0) {
    fprintf(stderr, "%s:%d: expected\n  %s\nfound\n  %s\n", __FILE__, line,
            expected, found);
    ++failures;
  }
}

static void expect_error(attn_error *error, const char *location,
                         const char *message, int line) {
  if (!error) {
    fprintf(stderr, "%s:%d: expected an error\n", __FILE__, line);
    ++failures;
    return;
  }
  expect_text(attn_error_location(error), location, line);
  expect_text(attn_error_message(error), message, line);
  attn_error_destroy(error);
}

static void expect_success(attn_error *error, int line) {
  if (!error)
    return;
  fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, line, attn_error_location(error),
          attn_error_message(error));
  exit(1);
}

#define EXPECT_ERROR(call, location, message)                                  \
  expect_error(call, location, message, __LINE__)
#define EXPECT_SUCCESS(call) expect_success(call, __LINE__)

static const char attention[] =
    "func.func @attention(%q: tensor<1x2x?x4xf32>, %k: tensor<1x1x?x4xf32>,\n"
    "    %v: tensor<1x1x?x3xf32>) -> tensor<1x2x?x3xf32> {\n"
    "  %o = attn.sdpa %q, %k, %v causal(bottom_right)\n"
    "    : tensor<1x2x?x4xf32>, tensor<1x1x?x4xf32>, tensor<1x1x?x3xf32>\n"
    "      -> tensor<1x2x?x3xf32>\n"
    "  return %o : tensor<1x2x?x3xf32>\n"
    "}\n";

enum { heads = 2, queries = 3, keys = 5, dim = 4, value_dim = 3 };

static float q[heads * queries * dim], k[keys * dim], v[keys * value_dim],
    o[heads * queries * value_dim];
static double expected[heads * queries * value_dim];

static const int64_t q_sizes[] = {1, heads, queries, dim},
                     q_strides[] = {0, queries * dim * 4, dim * 4, 4},
                     k_sizes[] = {1, 1, keys, dim},
                     k_strides[] = {0, 0, dim * 4, 4},
                     v_sizes[] = {1, 1, keys, value_dim},
                     v_strides[] = {0, 0, value_dim * 4, 4},
                     o_sizes[] = {1, heads, queries, value_dim},
                     o_strides[] = {0, queries * value_dim * 4, value_dim * 4,
                                    4};

/* Fills the tensors and computes the attention in double precision. */
static void prepare(void) {
  unsigned state = 12345;
  float *all[] = {q, k, v};
  size_t counts[] = {sizeof q / 4, sizeof k / 4, sizeof v / 4};
  for (int t = 0; t < 3; ++t)
    for (size_t i = 0; i < counts[t]; ++i) {
      state = state * 1664525u + 1013904223u;
      all[t][i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
  for (int h = 0; h < heads; ++h)
    for (int m = 0; m < queries; ++m) {
      double sum = 0, out[value_dim] = {0};
      for (int n = 0; n <= m + keys - queries; ++n) {
        double s = 0;
        for (int d = 0; d < dim; ++d)
          s += (double)q[(h * queries + m) * dim + d] * k[n * dim + d];
        double p = exp(s / 2);
        sum += p;
        for (int d = 0; d < value_dim; ++d)
          out[d] += p * v[n * value_dim + d];
      }
      for (int d = 0; d < value_dim; ++d)
        expected[(h * queries + m) * value_dim + d] = out[d] / sum;
    }
}

static attn_executable *compile(const char *text) {
  attn_executable *executable = NULL;
  EXPECT_SUCCESS(
      attn_compile(text, strlen(text), "test.mlir", NULL, &executable));
  return executable;
}

static void prepare_call(attn_tensor inputs[3], attn_tensor *output) {
  attn_tensor query = {q, ATTN_F32, 4, q_sizes, q_strides};
  attn_tensor key = {k, ATTN_F32, 4, k_sizes, k_strides};
  attn_tensor value = {v, ATTN_F32, 4, v_sizes, v_strides};
  attn_tensor result = {o, ATTN_F32, 4, o_sizes, o_strides};
  inputs[0] = query;
  inputs[1] = key;
  inputs[2] = value;
  *output = result;
  prepare();
}

static void expect_result(const float *found, int stride) {
  for (int i = 0; i < heads * queries * value_dim; ++i)
    EXPECT(fabs(found[i * stride] - expected[i]) < 1e-6);
}

static void test_parse(void) {
  attn_module *module = NULL;
  const char *bad = "func.func @f(%x: tensor<2xf32>) -> tensor<3xf32> {\n"
                    "  return %x : tensor<2xf32>\n}\n";
  EXPECT_ERROR(attn_module_parse(bad, strlen(bad), "bad.mlir", &module),
               "bad.mlir:2:3",
               "type of return operand 0 ('tensor<2xf32>') doesn't match "
               "function result type ('tensor<3xf32>') in function @f");
  EXPECT(!module);
  EXPECT_SUCCESS(
      attn_module_parse(attention, strlen(attention), "good.mlir", &module));
  char *text = attn_module_print(module);
  EXPECT(strstr(text, "attn.sdpa %q, %k, %v causal(bottom_right)"));
  attn_text_destroy(text);
  attn_module_destroy(module);
  attn_module_destroy(NULL);
  attn_error_destroy(NULL);
  expect_text(attn_dtype_name(ATTN_BF16), "bf16", __LINE__);
  EXPECT(attn_dtype_size(ATTN_BF16) == 2);
  EXPECT(strchr(attn_version(), '.'));
}

static void test_lower(void) {
  char *rooms = attn_rooms(), unknown_room[200];
  EXPECT(strncmp(rooms, "input, raise, optimize, split-heads, fuse, ", 43) ==
         0);
  snprintf(unknown_room, sizeof unknown_room,
           "unknown room 'roof': expected one of %s", rooms);
  attn_text_destroy(rooms);
  attn_module *module = NULL;
  EXPECT_SUCCESS(
      attn_module_parse(attention, strlen(attention), "good.mlir", &module));
  EXPECT_ERROR(
      attn_module_run(module, "builtin.module(no-such-pass)"),
      "MLIR Textual PassPipeline Parser:1:1",
      "'no-such-pass' does not refer to a registered pass or pass pipeline\n"
      "no-such-pass\n^");
  EXPECT_ERROR(attn_module_lower(module, "cpu:z80", NULL), "",
               "unknown target 'cpu:z80': no x86-64 or aarch64 CPU or level is "
               "named 'z80'");
  EXPECT_ERROR(attn_module_lower(module, "cpu:x86-64-v3", "roof"), "",
               unknown_room);
  char *described = NULL;
  EXPECT_SUCCESS(attn_target_describe("cpu:x86-64-v3", &described));
  expect_text(described, "cpu:x86-64-v3 (8 lanes of f32, 16 vector registers)",
              __LINE__);
  attn_text_destroy(described);
  EXPECT_SUCCESS(attn_module_run(
      module, "builtin.module(func.func(attn-split-heads),canonicalize)"));
  EXPECT_SUCCESS(attn_module_lower(module, "cpu:x86-64-v3", "fuse"));
  char *text = attn_module_print(module);
  EXPECT(strstr(text, "plan"));
  EXPECT(!strstr(text, "causal"));
  attn_text_destroy(text);
  attn_module_destroy(module);
}

static void test_compile(void) {
  attn_executable *executable = compile(attention);
  expect_text(attn_executable_entry(executable), "attention", __LINE__);
  EXPECT(attn_executable_num_arguments(executable) == 3);
  EXPECT(attn_executable_num_results(executable) == 1);
  const attn_value *value = attn_executable_argument(executable, 1);
  EXPECT(value->dtype == ATTN_F32 && value->rank == 4 && !value->is_scalar &&
         !value->is_weight && value->sizes[2] == -1 && value->sizes[3] == dim);
  expect_text(value->name, "k", __LINE__);
  EXPECT(attn_executable_result(executable, 0)->sizes[3] == value_dim);

  attn_tensor inputs[3], output;
  prepare_call(inputs, &output);
  int64_t sizes[4];
  EXPECT_SUCCESS(attn_executable_result_sizes(executable, inputs, 3, sizes));
  EXPECT(memcmp(sizes, o_sizes, sizeof sizes) == 0);
  EXPECT_SUCCESS(
      attn_executable_run(executable, inputs, 3, &output, 1, 1, NULL));
  expect_result(o, 1);

  EXPECT_ERROR(attn_executable_run(executable, inputs, 2, &output, 1, 1, NULL),
               "", "entry 'attention' expects 3 arguments, but got 2");
  EXPECT_ERROR(attn_executable_run(executable, inputs, 3, &output, 0, 1, NULL),
               "", "entry 'attention' gives 1 results, but got room for 0");
  inputs[1].dtype = ATTN_BF16;
  EXPECT_ERROR(attn_executable_run(executable, inputs, 3, &output, 1, 1, NULL),
               "",
               "argument #1 (%k): expected 1x1x?x4xf32, but got 1x1x5x4xbf16");
  attn_executable_destroy(executable);

  attn_options options = {"nothing", NULL, 1};
  EXPECT_ERROR(attn_compile(attention, strlen(attention), "test.mlir", &options,
                            &executable),
               "", "no entry 'nothing': expected one of: attention");
}

/* Reversed keys, values with gaps at odd addresses, a result with gaps. */
static void test_strides(void) {
  attn_executable *executable = compile(attention);
  attn_tensor inputs[3], output;
  prepare_call(inputs, &output);
  float reversed[keys * dim];
  for (int n = 0; n < keys; ++n)
    memcpy(reversed + n * dim, k + (keys - 1 - n) * dim, dim * sizeof(float));
  int64_t reversed_strides[] = {8, 8, -dim * 4, 4};
  inputs[1].data = reversed + (keys - 1) * dim;
  inputs[1].strides = reversed_strides;
  char odd[1 + keys * value_dim * 7];
  for (int i = 0; i < keys * value_dim; ++i)
    memcpy(odd + 1 + i * 7, v + i, sizeof(float));
  int64_t odd_strides[] = {0, 0, value_dim * 7, 7};
  inputs[2].data = odd + 1;
  inputs[2].strides = odd_strides;
  float gaps[heads * queries * value_dim * 2];
  for (int i = 0; i < heads * queries * value_dim * 2; ++i)
    gaps[i] = 7;
  int64_t gap_strides[] = {0, queries * value_dim * 8, value_dim * 8, 8};
  output.data = gaps;
  output.strides = gap_strides;
  EXPECT_SUCCESS(
      attn_executable_run(executable, inputs, 3, &output, 1, 1, NULL));
  expect_result(gaps, 2);
  for (int i = 0; i < heads * queries * value_dim; ++i)
    EXPECT(gaps[2 * i + 1] == 7);

  int64_t flat[] = {0, 0, 12, 4};
  output.strides = flat;
  EXPECT_ERROR(
      attn_executable_run(executable, inputs, 3, &output, 1, 1, NULL), "",
      "outputs[0]: expected strides that put no two elements on one place");
  attn_executable_destroy(executable);
}

/* The result may lie on the queries. */
static void test_overlap(void) {
  attn_executable *executable = compile(attention);
  attn_tensor inputs[3], output;
  prepare_call(inputs, &output);
  output.data = q + 1;
  EXPECT_SUCCESS(
      attn_executable_run(executable, inputs, 3, &output, 1, 1, NULL));
  expect_result(q + 1, 1);
  attn_executable_destroy(executable);
}

/* The number of threads does not change a bit. */
static void test_threads(void) {
  attn_executable *executable = compile(attention);
  attn_tensor inputs[3], output;
  prepare_call(inputs, &output);
  EXPECT_SUCCESS(
      attn_executable_run(executable, inputs, 3, &output, 1, 1, NULL));
  float alone[heads * queries * value_dim];
  memcpy(alone, o, sizeof o);
  EXPECT_SUCCESS(
      attn_executable_run(executable, inputs, 3, &output, 1, 4, NULL));
  EXPECT(memcmp(alone, o, sizeof o) == 0);
  attn_executable_destroy(executable);
}

static void test_weights(void) {
  const char *text =
      "func.func @f(%x: tensor<2x4xf32>, %w: tensor<3x4xf32> {attn.weight})\n"
      "    -> tensor<2x3xf32> {\n"
      "  %zero = arith.constant 0.0 : f32\n"
      "  %empty = tensor.empty() : tensor<2x3xf32>\n"
      "  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x3xf32>)\n"
      "      -> tensor<2x3xf32>\n"
      "  %y = linalg.matmul indexing_maps = [\n"
      "      affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, "
      "k)>,\n"
      "      affine_map<(m, n, k) -> (m, n)>]\n"
      "      ins(%x, %w : tensor<2x4xf32>, tensor<3x4xf32>)\n"
      "      outs(%init : tensor<2x3xf32>) -> tensor<2x3xf32>\n"
      "  return %y : tensor<2x3xf32>\n"
      "}\n";
  attn_executable *executable = compile(text), *other = compile(attention);
  EXPECT(attn_executable_argument(executable, 1)->is_weight);
  float x[8], w[12], y[6];
  for (int i = 0; i < 8; ++i)
    x[i] = (float)(i - 3);
  for (int i = 0; i < 12; ++i)
    w[i] = (float)(i % 5) - 1;
  int64_t x_sizes[] = {2, 4}, w_sizes[] = {3, 4}, y_sizes[] = {2, 3},
          strides[] = {16, 4}, y_strides[] = {12, 4};
  attn_tensor inputs[] = {{x, ATTN_F32, 2, x_sizes, strides},
                          {w, ATTN_F32, 2, w_sizes, strides}};
  attn_tensor output = {y, ATTN_F32, 2, y_sizes, y_strides};
  attn_weights *weights = NULL;
  attn_tensor alone[] = {{0}, inputs[1]};
  EXPECT_ERROR(attn_executable_prepack(executable, alone, 1, &weights), "",
               "entry 'f' expects 2 arguments, but got 1");
  EXPECT_SUCCESS(attn_executable_prepack(executable, alone, 2, &weights));
  EXPECT_SUCCESS(
      attn_executable_run(executable, inputs, 2, &output, 1, 1, weights));
  for (int m = 0; m < 2; ++m)
    for (int n = 0; n < 3; ++n) {
      float sum = 0;
      for (int i = 0; i < 4; ++i)
        sum += x[m * 4 + i] * w[n * 4 + i];
      EXPECT(y[m * 3 + n] == sum);
    }
  EXPECT_ERROR(attn_executable_run(other, inputs, 2, &output, 1, 1, weights),
               "", "expected weights that this executable packed");
  attn_weights_destroy(weights);
  attn_executable_destroy(executable);
  attn_executable_destroy(other);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*run)(void);
  } tests[] = {{"parse", test_parse},     {"lower", test_lower},
               {"compile", test_compile}, {"strides", test_strides},
               {"overlap", test_overlap}, {"threads", test_threads},
               {"weights", test_weights}};
  for (size_t i = 0; argc == 2 && i < sizeof tests / sizeof *tests; ++i)
    if (strcmp(tests[i].name, argv[1]) == 0) {
      tests[i].run();
      return failures != 0;
    }
  fprintf(stderr, "usage: AttnCAPITests CASE\n");
  return 2;
}
