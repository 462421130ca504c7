//===- Symbols.cpp - What emulated code may call --------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions of Abi.h by name.
//
//===----------------------------------------------------------------------===//

#include "attn/Emulator/Abi.h"
#include "attn/Emulator/Emulator.h"

namespace attn::emulator {

const std::vector<Symbol> &symbols() {
#define ATTN_EMU_SYMBOL(name)                                                  \
  {                                                                            \
    "attn_emu_" #name, reinterpret_cast<void *>(&attn_emu_##name)              \
  }
  static const std::vector<Symbol> all = {
      ATTN_EMU_SYMBOL(add_buffer),
      ATTN_EMU_SYMBOL(narrow),
      ATTN_EMU_SYMBOL(bar_warp_sync),
      ATTN_EMU_SYMBOL(barrier),
      ATTN_EMU_SYMBOL(barrier_arrive),
      ATTN_EMU_SYMBOL(bulk_commit),
      ATTN_EMU_SYMBOL(bulk_load),
      ATTN_EMU_SYMBOL(bulk_store),
      ATTN_EMU_SYMBOL(bulk_wait),
      ATTN_EMU_SYMBOL(cluster_arrive),
      ATTN_EMU_SYMBOL(cluster_wait),
      ATTN_EMU_SYMBOL(cp_async),
      ATTN_EMU_SYMBOL(cp_async_commit),
      ATTN_EMU_SYMBOL(cp_async_mbarrier_arrive),
      ATTN_EMU_SYMBOL(cp_async_wait),
      ATTN_EMU_SYMBOL(elect_sync),
      ATTN_EMU_SYMBOL(encode_tensor_map),
      ATTN_EMU_SYMBOL(ex2_approx),
      ATTN_EMU_SYMBOL(ex2_approx_ftz),
      ATTN_EMU_SYMBOL(f32_to_bf16),
      ATTN_EMU_SYMBOL(fence_mbarrier_init),
      ATTN_EMU_SYMBOL(fence_proxy_async),
      ATTN_EMU_SYMBOL(generic_address),
      ATTN_EMU_SYMBOL(generic_to_shared),
      ATTN_EMU_SYMBOL(global_address),
      ATTN_EMU_SYMBOL(launch),
      ATTN_EMU_SYMBOL(ldmatrix),
      ATTN_EMU_SYMBOL(lg2_approx),
      ATTN_EMU_SYMBOL(mapa),
      ATTN_EMU_SYMBOL(mbarrier_arrive),
      ATTN_EMU_SYMBOL(mbarrier_arrive_expect_tx),
      ATTN_EMU_SYMBOL(mbarrier_expect_tx),
      ATTN_EMU_SYMBOL(mbarrier_init),
      ATTN_EMU_SYMBOL(mbarrier_inval),
      ATTN_EMU_SYMBOL(mbarrier_wait_parity),
      ATTN_EMU_SYMBOL(mbarrier_wait_state),
      ATTN_EMU_SYMBOL(mma_sync),
      ATTN_EMU_SYMBOL(rcp_approx),
      ATTN_EMU_SYMBOL(read_ptx_sreg_cluster_ctaid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_cluster_ctarank),
      ATTN_EMU_SYMBOL(read_ptx_sreg_cluster_nctaid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_cluster_nctarank),
      ATTN_EMU_SYMBOL(read_ptx_sreg_clusterid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_ctaid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_ctaid_y),
      ATTN_EMU_SYMBOL(read_ptx_sreg_ctaid_z),
      ATTN_EMU_SYMBOL(read_ptx_sreg_dynamic_smem_size),
      ATTN_EMU_SYMBOL(read_ptx_sreg_laneid),
      ATTN_EMU_SYMBOL(read_ptx_sreg_nclusterid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_nctaid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_nctaid_y),
      ATTN_EMU_SYMBOL(read_ptx_sreg_nctaid_z),
      ATTN_EMU_SYMBOL(read_ptx_sreg_ntid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_ntid_y),
      ATTN_EMU_SYMBOL(read_ptx_sreg_ntid_z),
      ATTN_EMU_SYMBOL(read_ptx_sreg_tid_x),
      ATTN_EMU_SYMBOL(read_ptx_sreg_tid_y),
      ATTN_EMU_SYMBOL(read_ptx_sreg_tid_z),
      ATTN_EMU_SYMBOL(read_ptx_sreg_warpid),
      ATTN_EMU_SYMBOL(read_ptx_sreg_warpsize),
      ATTN_EMU_SYMBOL(redux_sync),
      ATTN_EMU_SYMBOL(rsqrt_approx),
      ATTN_EMU_SYMBOL(setmaxregister),
      ATTN_EMU_SYMBOL(shared_address),
      ATTN_EMU_SYMBOL(shared_to_generic),
      ATTN_EMU_SYMBOL(shfl_sync),
      ATTN_EMU_SYMBOL(sqrt_approx),
      ATTN_EMU_SYMBOL(stmatrix),
      ATTN_EMU_SYMBOL(tanh_approx),
      ATTN_EMU_SYMBOL(tensor_load),
      ATTN_EMU_SYMBOL(tensor_store),
      ATTN_EMU_SYMBOL(vote_sync),
      ATTN_EMU_SYMBOL(wgmma_commit),
      ATTN_EMU_SYMBOL(wgmma_fence),
      ATTN_EMU_SYMBOL(wgmma_rs),
      ATTN_EMU_SYMBOL(wgmma_ss),
      ATTN_EMU_SYMBOL(wgmma_use),
      ATTN_EMU_SYMBOL(wgmma_wait),
  };
#undef ATTN_EMU_SYMBOL
  return all;
}

} // namespace attn::emulator
