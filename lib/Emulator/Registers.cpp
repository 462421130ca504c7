//===- Registers.cpp - Special registers ----------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a thread is in its warp, block, cluster and grid.
//
//===----------------------------------------------------------------------===//

#include "lib/Emulator/Launch.h"
#include "lib/Emulator/Machine.h"

using namespace attn::emulator;

static const attn_emu_launch_config &config() {
  return Machine::get().launch().config;
}
static Thread &self() { return Machine::get().current(); }
static uint32_t clusterSize(int d) { return config().cluster[d]; }

extern "C" {

int32_t attn_emu_read_ptx_sreg_tid_x() { return self().id % config().block[0]; }
int32_t attn_emu_read_ptx_sreg_tid_y() {
  return self().id / config().block[0] % config().block[1];
}
int32_t attn_emu_read_ptx_sreg_tid_z() {
  return self().id / config().block[0] / config().block[1];
}
int32_t attn_emu_read_ptx_sreg_ntid_x() { return config().block[0]; }
int32_t attn_emu_read_ptx_sreg_ntid_y() { return config().block[1]; }
int32_t attn_emu_read_ptx_sreg_ntid_z() { return config().block[2]; }
int32_t attn_emu_read_ptx_sreg_ctaid_x() { return self().block->index[0]; }
int32_t attn_emu_read_ptx_sreg_ctaid_y() { return self().block->index[1]; }
int32_t attn_emu_read_ptx_sreg_ctaid_z() { return self().block->index[2]; }
int32_t attn_emu_read_ptx_sreg_nctaid_x() { return config().grid[0]; }
int32_t attn_emu_read_ptx_sreg_nctaid_y() { return config().grid[1]; }
int32_t attn_emu_read_ptx_sreg_nctaid_z() { return config().grid[2]; }
int32_t attn_emu_read_ptx_sreg_laneid() { return self().lane; }
int32_t attn_emu_read_ptx_sreg_warpid() { return self().warp->index; }
int32_t attn_emu_read_ptx_sreg_warpsize() { return kWarpLanes; }
int32_t attn_emu_read_ptx_sreg_cluster_ctarank() { return self().block->rank; }
int32_t attn_emu_read_ptx_sreg_cluster_nctarank() {
  return Machine::get().clusterBlocks();
}
int32_t attn_emu_read_ptx_sreg_cluster_ctaid_x() {
  return self().block->index[0] % clusterSize(0);
}
int32_t attn_emu_read_ptx_sreg_cluster_nctaid_x() { return clusterSize(0); }
int32_t attn_emu_read_ptx_sreg_clusterid_x() {
  return self().block->index[0] / clusterSize(0);
}
int32_t attn_emu_read_ptx_sreg_nclusterid_x() {
  return config().grid[0] / clusterSize(0);
}
int32_t attn_emu_read_ptx_sreg_dynamic_smem_size() {
  return config().dynamicShared;
}

} // extern "C"
