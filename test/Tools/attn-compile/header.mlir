// What the header says: shapes, strides, alignment, sizes that must fit, CPU features, statuses, functions.

// RUN: attn-compile %s --emit=header --target=cpu:x86-64-v3+znver4 | FileCheck %s --match-full-lines --strict-whitespace --check-prefix=HEADER

//      HEADER:/* block: made by attn-compile; do not edit.
// HEADER-NEXT: *
// HEADER-NEXT: *   x: ?x?x24xbf16, any strides, aligned to 2 bytes
// HEADER-NEXT: *   arg1: 72x24xbf16, any strides, aligned to 2 bytes, a weight
// HEADER-NEXT: *   Wo: 24x24xbf16, any strides, aligned to 2 bytes, a weight, 'layer.0\0A.o'
// HEADER-NEXT: *   arg3: ?xi1, any strides, aligned to 1 byte
// HEADER-NEXT: *   arg4: a number, f64
// HEADER-NEXT: *   x_2: a number, i32
// HEADER-NEXT: *   result0: ?x?x24xbf16, row-major, aligned to 2 bytes
// HEADER-NEXT: *   result1: f64 of rank 0, row-major, aligned to 8 bytes
// HEADER-NEXT: *   result2: i32 of rank 0, row-major, aligned to 4 bytes
// HEADER-NEXT: *
// HEADER-NEXT: * Sizes must fit one another:
// HEADER-NEXT: *   arg3.sizes[0] == x.sizes[1]
// HEADER-NEXT: *
// HEADER-NEXT: * Compiled for x86-64-v3, which needs:
// HEADER-NEXT: *   avx avx2 {{.*}}
//      HEADER: * Compiled for znver4, which needs:
// HEADER-NEXT: *   avx avx2 avx512bf16 {{.*}}
//      HEADER: * Needs no library.
//      HEADER:#ifndef ATTN_ENTRY_BLOCK_H
// HEADER-NEXT:#define ATTN_ENTRY_BLOCK_H
//      HEADER:typedef enum block_status {
// HEADER-NEXT:  BLOCK_SUCCESS = 0,
// HEADER-NEXT:  /* Null, or its rank, a size, its strides or alignment. */
// HEADER-NEXT:  BLOCK_BAD_X = 1,
// HEADER-NEXT:  BLOCK_BAD_ARG1 = 2,
// HEADER-NEXT:  BLOCK_BAD_WO = 3,
// HEADER-NEXT:  BLOCK_BAD_ARG3 = 4,
// HEADER-NEXT:  BLOCK_BAD_ARG4 = 5,
// HEADER-NEXT:  BLOCK_BAD_X_2 = 6,
// HEADER-NEXT:  BLOCK_BAD_RESULT0 = 7,
// HEADER-NEXT:  BLOCK_BAD_RESULT1 = 8,
// HEADER-NEXT:  BLOCK_BAD_RESULT2 = 9,
// HEADER-NEXT:  BLOCK_UNSUPPORTED_CPU = -1,
// HEADER-NEXT:  BLOCK_BAD_PACKED = -2, /* too small, or not on a 64-byte line */
// HEADER-NEXT:  BLOCK_BAD_WORKSPACE = -3 /* too small, or not on a 64-byte line */
// HEADER-NEXT:} block_status;
//      HEADER:int32_t block_supported(void);
//      HEADER:block_status block_workspace(
// HEADER-NEXT:    const attn_tensor *x, const attn_tensor *arg1, const attn_tensor *Wo,
// HEADER-NEXT:    const attn_tensor *arg3, double arg4, int32_t x_2, size_t *bytes);
//      HEADER:block_status block_shapes(
// HEADER-NEXT:    const attn_tensor *x, const attn_tensor *arg1, const attn_tensor *Wo,
// HEADER-NEXT:    const attn_tensor *arg3, double arg4, int32_t x_2, attn_tensor *result0,
// HEADER-NEXT:    attn_tensor *result1, attn_tensor *result2);
//      HEADER:size_t block_packed_bytes(void);
//      HEADER:block_status block_prepack(
// HEADER-NEXT:    const attn_tensor *arg1, const attn_tensor *Wo, void *packed,
// HEADER-NEXT:    size_t packed_bytes);
//      HEADER:void block_set_parallel_for(attn_parallel_for *loop);
//      HEADER:block_status block(
// HEADER-NEXT:    const attn_tensor *x, const attn_tensor *arg1, const attn_tensor *Wo,
// HEADER-NEXT:    const attn_tensor *arg3, double arg4, int32_t x_2, const void *packed,
// HEADER-NEXT:    const attn_tensor *result0, const attn_tensor *result1,
// HEADER-NEXT:    const attn_tensor *result2, void *workspace, size_t workspace_bytes);

// `register` is a word of C, `result` a name of the header's, `X` one that statuses cannot tell from `x`.
func.func @block(%x: tensor<?x?x24xbf16>, %register: tensor<72x24xbf16> {attn.weight}, %Wo: tensor<24x24xbf16> {attn.weight, attn.name = "layer.0\n.o"}, %X: tensor<?xi1>,
    %result: f64, %x.2: i32 {attn.name = "*/ int main(void) { /*"}) -> (tensor<?x?x24xbf16>, tensor<f64>, i32) {
  %y = attn.mha %x packed(%register, %Wo) heads(3) keep(%X : tensor<?xi1>)
    : tensor<?x?x24xbf16>, tensor<72x24xbf16>, tensor<24x24xbf16> -> tensor<?x?x24xbf16>
  %r = tensor.from_elements %result : tensor<f64>
  return %y, %r, %x.2 : tensor<?x?x24xbf16>, tensor<f64>, i32
}
