//===- Abi.h - What emulated kernels call -----------------------*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn-nvvm-to-emulation writes calls of these functions. Shared addresses are
// 32-bit offsets into the block's shared memory; bits 24 and up name a block of
// the cluster, as mapa makes them. `site` says which op stands at which place
// of the source; it must live as long as the program.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EMULATOR_ABI_H
#define ATTN_EMULATOR_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// @{ Special registers, by their PTX names.
int32_t attn_emu_read_ptx_sreg_tid_x(void);
int32_t attn_emu_read_ptx_sreg_tid_y(void);
int32_t attn_emu_read_ptx_sreg_tid_z(void);
int32_t attn_emu_read_ptx_sreg_ntid_x(void);
int32_t attn_emu_read_ptx_sreg_ntid_y(void);
int32_t attn_emu_read_ptx_sreg_ntid_z(void);
int32_t attn_emu_read_ptx_sreg_ctaid_x(void);
int32_t attn_emu_read_ptx_sreg_ctaid_y(void);
int32_t attn_emu_read_ptx_sreg_ctaid_z(void);
int32_t attn_emu_read_ptx_sreg_nctaid_x(void);
int32_t attn_emu_read_ptx_sreg_nctaid_y(void);
int32_t attn_emu_read_ptx_sreg_nctaid_z(void);
int32_t attn_emu_read_ptx_sreg_laneid(void);
int32_t attn_emu_read_ptx_sreg_warpid(void);
int32_t attn_emu_read_ptx_sreg_warpsize(void);
int32_t attn_emu_read_ptx_sreg_cluster_ctarank(void);
int32_t attn_emu_read_ptx_sreg_cluster_nctarank(void);
int32_t attn_emu_read_ptx_sreg_cluster_ctaid_x(void);
int32_t attn_emu_read_ptx_sreg_cluster_nctaid_x(void);
int32_t attn_emu_read_ptx_sreg_clusterid_x(void);
int32_t attn_emu_read_ptx_sreg_nclusterid_x(void);
int32_t attn_emu_read_ptx_sreg_dynamic_smem_size(void);
/// @}

/// @{ Addresses: checked, and made ones of this machine. `access` is 0 to read,
/// 1 to write, 2 for both at once (atomics).
void *attn_emu_shared_address(uint32_t address, int32_t bytes, int32_t align,
                              int32_t access, const char *site);
void *attn_emu_global_address(void *address, int32_t bytes, int32_t align,
                              int32_t access, const char *site);
void *attn_emu_generic_address(void *address, int32_t bytes, int32_t align,
                               int32_t access, const char *site);
/// A shared address in the generic address space, unchecked.
void *attn_emu_shared_to_generic(uint32_t address);
uint32_t attn_emu_generic_to_shared(void *address, const char *site);
uint32_t attn_emu_mapa(uint32_t address, int32_t rank, const char *site);
/// @}

/// @{ Barriers of a block, a warp and a cluster. A count of 0 is the block's.
void attn_emu_barrier(int32_t id, int32_t count, const char *site);
void attn_emu_barrier_arrive(int32_t id, int32_t count, const char *site);
void attn_emu_bar_warp_sync(int32_t mask, const char *site);
void attn_emu_cluster_arrive(const char *site);
void attn_emu_cluster_wait(const char *site);
/// @}

/// @{ mbarrier. An arrival returns an opaque state that holds the phase.
void attn_emu_mbarrier_init(uint32_t address, int32_t count, const char *site);
void attn_emu_mbarrier_inval(uint32_t address, const char *site);
int64_t attn_emu_mbarrier_arrive(uint32_t address, int32_t count,
                                 const char *site);
int64_t attn_emu_mbarrier_arrive_expect_tx(uint32_t address, int32_t bytes,
                                           const char *site);
void attn_emu_mbarrier_expect_tx(uint32_t address, int32_t bytes,
                                 const char *site);
/// Waits until the phase with this parity is over.
void attn_emu_mbarrier_wait_parity(uint32_t address, int32_t parity,
                                   const char *site);
/// Waits until the phase of an arrival is over.
void attn_emu_mbarrier_wait_state(uint32_t address, int64_t state,
                                  const char *site);
/// @}

/// @{ Warp instructions.
int32_t attn_emu_shfl_sync(int32_t mask, int32_t value, int32_t offset,
                           int32_t maskAndClamp, int32_t kind,
                           const char *site);
int32_t attn_emu_vote_sync(int32_t mask, int32_t predicate, int32_t kind,
                           const char *site);
int32_t attn_emu_redux_sync(int32_t value, int32_t mask, int32_t kind,
                            const char *site);
int32_t attn_emu_elect_sync(int32_t mask, const char *site);
void attn_emu_ldmatrix(int32_t *registers, uint32_t address, int32_t count,
                       int32_t transposed, const char *site);
void attn_emu_stmatrix(uint32_t address, const int32_t *registers,
                       int32_t count, int32_t transposed, const char *site);
/// mma.m16n8kK: A, B and C (f32) one after the other in `registers`; D takes
/// the place of C. `type`: 0 f16, 1 bf16, 2 tf32.
void attn_emu_mma_sync(int32_t *registers, int32_t k, int32_t type,
                       const char *site);
void attn_emu_setmaxregister(int32_t count, int32_t increase, const char *site);
/// @}

/// @{ cp.async of 4, 8 or 16 bytes; of the source `sourceBytes` are read, the
/// rest is zero.
void attn_emu_cp_async(uint32_t destination, const void *source, int32_t bytes,
                       int32_t sourceBytes, const char *site);
void attn_emu_cp_async_commit(const char *site);
void attn_emu_cp_async_wait(int32_t pending, const char *site);
void attn_emu_cp_async_mbarrier_arrive(uint32_t barrier, int32_t noinc,
                                       const char *site);
/// @}

/// @{ Bulk and tensor copies. `coordinates` are innermost first; a
/// `multicastMask` of 0 is the block that the destination names.
void attn_emu_tensor_load(uint32_t destination, const void *map,
                          uint32_t barrier, const int32_t *coordinates,
                          int32_t rank, int32_t multicastMask,
                          const char *site);
void attn_emu_tensor_store(const void *map, uint32_t source,
                           const int32_t *coordinates, int32_t rank,
                           const char *site);
void attn_emu_bulk_load(uint32_t destination, const void *source,
                        uint32_t barrier, int32_t bytes, int32_t multicastMask,
                        const char *site);
void attn_emu_bulk_store(void *destination, uint32_t source, int32_t bytes,
                         const char *site);
void attn_emu_bulk_commit(const char *site);
void attn_emu_bulk_wait(int32_t pending, int32_t read, const char *site);
/// @}

/// @{ Fences. Of the proxies only generic to asynchronous is modelled.
void attn_emu_fence_proxy_async(const char *site);
void attn_emu_fence_mbarrier_init(const char *site);
/// @}

/// @{ wgmma m64nNk16 with f32 accumulators, which are read and written in
/// `accumulators` (N / 2 of them). `type`: 0 f16, 1 bf16. What `layout` bits
/// mean: 1 A is M-major, 2 B is N-major.
void attn_emu_wgmma_fence(const char *site);
void attn_emu_wgmma_ss(float *accumulators, int32_t n, int32_t type,
                       int64_t descriptorA, int64_t descriptorB, int32_t scaleD,
                       int32_t scaleA, int32_t scaleB, int32_t layout,
                       const char *site);
void attn_emu_wgmma_rs(float *accumulators, int32_t n, int32_t type,
                       const int32_t *registersA, int64_t descriptorB,
                       int32_t scaleD, int32_t scaleA, int32_t scaleB,
                       int32_t layout, const char *site);
void attn_emu_wgmma_commit(const char *site);
/// Waits for all but the last `pending` groups, and puts the results of those
/// that are done into the `count` accumulators given.
void attn_emu_wgmma_wait(float *accumulators, int32_t count, int32_t pending,
                         const char *site);
/// Reports a use of an accumulator that is still in flight.
void attn_emu_wgmma_use(float accumulator, const char *site);
/// @}

/// @{ Approximate instructions, wrong within their documented error.
float attn_emu_ex2_approx(float x);
float attn_emu_ex2_approx_ftz(float x);
float attn_emu_lg2_approx(float x);
float attn_emu_rcp_approx(float x);
float attn_emu_rsqrt_approx(float x);
float attn_emu_sqrt_approx(float x);
float attn_emu_tanh_approx(float x);
/// @}

/// cvt.rn.bf16.f32.
uint16_t attn_emu_f32_to_bf16(float x);

/// @{ For host code.
/// Writes a tensor map of 128 bytes: sizes, strides (bytes, all but the
/// innermost, which is dense) and box are innermost first; the swizzle is 0,
/// 32, 64 or 128 bytes. Returns 0, or 1 and leaves a report in the session.
int32_t attn_emu_encode_tensor_map(void *map, void *data, int32_t elementBytes,
                                   int32_t rank, const int64_t *sizes,
                                   const int64_t *strides, const int32_t *box,
                                   int32_t swizzle, const char *site);
/// Lets the kernels of the session access a buffer.
void attn_emu_add_buffer(void *data, int64_t bytes);
/// `value` for a kernel's parameter of 32 bits; a fault of the launch at `site`
/// where it does not fit.
int32_t attn_emu_narrow(int64_t value, const char *site);
struct attn_emu_launch_config {
  const char *kernel;
  const char *site;
  int32_t grid[3];
  int32_t block[3];
  int32_t cluster[3];
  /// Bytes of shared memory whose offsets the compiler fixed, and after them
  /// those that the launch asks for.
  int32_t staticShared;
  int32_t dynamicShared;
};
/// Runs a grid: each thread calls kernel(arguments). Returns 0, or 1 when the
/// session has a fault.
int32_t attn_emu_launch(const struct attn_emu_launch_config *config,
                        void (*kernel)(void **arguments), void **arguments);
/// @}

#ifdef __cplusplus
} // extern "C"
#endif

#endif // ATTN_EMULATOR_ABI_H
