//===- attn.h - attn-mlir for every language that calls C ---------*- C -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses MLIR, runs rooms and passes on it, compiles an entry for a target
// and calls it with strided tensors.
//
// A function that can fail returns null, or an error that the caller
// destroys; then it has written nothing through its other arguments. Strings
// that come in are UTF-8 and end with 0. Distinct objects may be used by
// several threads at once; an attn_executable may be called by several
// threads at once, an attn_module may not.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_C_ATTN_H
#define ATTN_C_ATTN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define ATTN_API __attribute__((visibility("default")))
#else
#define ATTN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors and texts ---------------------------------------------------- */

typedef struct attn_error attn_error;

/* What went wrong; several lines when several things did. */
ATTN_API const char *attn_error_message(const attn_error *error);
/* Where in the source, `file.mlir:3:8`, or an empty string. */
ATTN_API const char *attn_error_location(const attn_error *error);
/* Destroys an error; null is allowed, here and in every other destroy. */
ATTN_API void attn_error_destroy(attn_error *error);

/* Frees a text that a function of this header made. */
ATTN_API void attn_text_destroy(char *text);

/* The version of attn-mlir, `0.1.0`. */
ATTN_API const char *attn_version(void);

/* ---- Tensors --------------------------------------------------------------
 */

/* Element types. ATTN_I1 takes a byte that is 0 or 1; ATTN_INDEX has 64 bits.
 */
typedef enum attn_dtype {
  ATTN_F64,
  ATTN_F32,
  ATTN_F16,
  ATTN_BF16,
  ATTN_I64,
  ATTN_I32,
  ATTN_I16,
  ATTN_I8,
  ATTN_I1,
  ATTN_INDEX
} attn_dtype;

/* `f32`, as in MLIR. */
ATTN_API const char *attn_dtype_name(attn_dtype dtype);
/* Bytes of one element. */
ATTN_API size_t attn_dtype_size(attn_dtype dtype);

/* Reads or writes one element at any address; writing rounds. Integers of more
   than 53 bits lose their last digits. */
ATTN_API double attn_number_load(attn_dtype dtype, const void *from);
ATTN_API void attn_number_store(attn_dtype dtype, double value, void *to);

/* The caller's memory seen as a tensor: element (i, j, ...) lies strides[0] * i
   + strides[1] * j + ... BYTES after `data`. Strides may be 0, negative, or no
   multiple of the element's size. Sizes are not negative. */
typedef struct attn_tensor {
  void *data;
  attn_dtype dtype;
  int32_t rank;
  const int64_t *sizes;
  const int64_t *strides;
} attn_tensor;

/* 1 when two elements may lie on one place: not a tensor to write to. */
ATTN_API int attn_tensor_overlaps_itself(const attn_tensor *tensor);

/* 1 when compiled code reads the tensor in place: its elements lie row-major,
   without gaps, aligned to their size. */
ATTN_API int attn_tensor_is_row_major(const attn_tensor *tensor);

/* An argument or a result of an entry. Lives as long as its executable. */
typedef struct attn_value {
  attn_dtype dtype;
  int32_t rank;
  const int64_t *sizes; /* -1 where only a call says the size */
  int is_scalar;        /* a number (f32), not a tensor (tensor<f32>) */
  int is_weight;        /* marked attn.weight */
  const char *name;     /* attn.name, else the name in the source, else "" */
} attn_value;

/* ---- Modules: text that passes work on ------------------------------------
 */

typedef struct attn_module attn_module;

/* Parses `length` bytes of MLIR text; `name` stands in locations. */
ATTN_API attn_error *attn_module_parse(const char *text, size_t length,
                                       const char *name, attn_module **module);
ATTN_API void attn_module_destroy(attn_module *module);

/* Runs a pipeline, written as for attn-opt:
   `builtin.module(func.func(attn-split-heads))`. After an error the module is
   as the failing pass left it. */
ATTN_API attn_error *attn_module_run(attn_module *module, const char *pipeline);

/* Runs the rooms up to `stop_after` (`fuse`; null: all) for a target (`cpu`,
   `cpu:znver3`, `linalg`; null: `cpu`). */
ATTN_API attn_error *attn_module_lower(attn_module *module, const char *target,
                                       const char *stop_after);

/* The rooms in their order, `input, split-heads, ...`. */
ATTN_API char *attn_rooms(void);

/* What compiling for a target does: the machine, a table of rooms with their
   times, and remarks with the plans and their reasons. Uses the module up. */
ATTN_API attn_error *attn_module_explain(attn_module *module,
                                         const char *target, char **text);

/* What a target string means here: `cpu:znver4 (16 lanes of f32, 32 vector
   registers)`. */
ATTN_API attn_error *attn_target_describe(const char *target, char **text);

/* The module as text. */
ATTN_API char *attn_module_print(const attn_module *module);

/* ---- Executables ----------------------------------------------------------
 */

typedef struct attn_executable attn_executable;

/* How to compile. All zero is the default. */
typedef struct attn_options {
  const char *entry;  /* a public function; null: the only one, or `main` */
  const char *target; /* one that runs on this machine; null: `cpu` */
  int no_cache;       /* neither look into the cache nor write to it */
} attn_options;

/* Compiles an entry of a source text in this process. `options` may be null. */
ATTN_API attn_error *attn_compile(const char *text, size_t length,
                                  const char *name, const attn_options *options,
                                  attn_executable **executable);
ATTN_API void attn_executable_destroy(attn_executable *executable);

ATTN_API const char *attn_executable_entry(const attn_executable *executable);
ATTN_API size_t
attn_executable_num_arguments(const attn_executable *executable);
ATTN_API size_t attn_executable_num_results(const attn_executable *executable);
/* `i` is below the number of arguments, or of results. */
ATTN_API const attn_value *
attn_executable_argument(const attn_executable *executable, size_t i);
ATTN_API const attn_value *
attn_executable_result(const attn_executable *executable, size_t i);

/* Writes the sizes of all results for these arguments, one result after the
   other, to `sizes`, which has room for the sum of their ranks. Checks the
   arguments and reads none of their elements. */
ATTN_API attn_error *
attn_executable_result_sizes(const attn_executable *executable,
                             const attn_tensor *inputs, size_t num_inputs,
                             int64_t *sizes);

/* What was computed from an entry's weights alone; stale when they change. Of
   `inputs`, one for each argument, only those marked attn.weight are looked at.
 */
typedef struct attn_weights attn_weights;
ATTN_API attn_error *attn_executable_prepack(const attn_executable *executable,
                                             const attn_tensor *inputs,
                                             size_t num_inputs,
                                             attn_weights **weights);
ATTN_API void attn_weights_destroy(attn_weights *weights);

/* Runs the entry. Inputs are only read; those with gaps, with a dimension out
   of order or not aligned to their elements are copied first. Outputs have the
   sizes that attn_executable_result_sizes says and any strides that put no two
   elements on one place; they may overlap inputs, but not each other. `threads`
   0 means one per CPU. `weights` comes from attn_executable_prepack, or is
   null: weights are then packed for this call. */
ATTN_API attn_error *attn_executable_run(const attn_executable *executable,
                                         const attn_tensor *inputs,
                                         size_t num_inputs,
                                         const attn_tensor *outputs,
                                         size_t num_outputs, int threads,
                                         const attn_weights *weights);

/* ---- Ahead of time --------------------------------------------------------
 */

/* An entry compiled for C programs: docs/ahead-of-time.md has its functions. */
typedef struct attn_program attn_program;

typedef enum attn_program_kind {
  ATTN_PROGRAM_OBJECT,        /* relocatable, ELF */
  ATTN_PROGRAM_SHARED_OBJECT, /* linked by a linker that is in PATH */
  ATTN_PROGRAM_ASSEMBLY,
  ATTN_PROGRAM_LLVM_IR,
  ATTN_PROGRAM_HEADER /* in C99, of the object */
} attn_program_kind;

/* Compiles an entry of a source text. The target may name several CPUs, of
   which one is chosen when the code runs (`cpu:x86-64-v3+x86-64-v4`); no_cache
   has no meaning here. `c_name` is what C calls the entry; null: as the source
   does. */
ATTN_API attn_error *attn_program_compile(const char *text, size_t length,
                                          const char *name,
                                          const attn_options *options,
                                          const char *c_name,
                                          attn_program **program);
/* What belongs in a file of that kind: `size` bytes, and a zero behind them;
   freed by attn_text_destroy. */
ATTN_API attn_error *attn_program_emit(attn_program *program,
                                       attn_program_kind kind, char **bytes,
                                       size_t *size);
ATTN_API void attn_program_destroy(attn_program *program);

/* ---- The cache ------------------------------------------------------------
 */

/* Compiled code is kept for other processes in $ATTN_MLIR_CACHE_DIR (empty:
   nowhere), else $XDG_CACHE_HOME/attn-mlir, else ~/.cache/attn-mlir. */
typedef struct attn_cache_contents {
  uint64_t files, bytes, max_bytes;
} attn_cache_contents;

/* What is in the cache; its folder, or an empty text when there is none. */
ATTN_API char *attn_cache_info(attn_cache_contents *contents);
/* Removes all of it. */
ATTN_API attn_error *attn_cache_clear(void);
/* Why nothing could be written to it, the first time it is asked after that
   happened; null else. Compilation goes on without. */
ATTN_API char *attn_cache_take_warning(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ATTN_C_ATTN_H */
