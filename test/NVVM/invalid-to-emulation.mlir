// RUN: attn-opt %s --attn-nvvm-to-emulation --split-input-file --verify-diagnostics

gpu.module @kernels {
  llvm.func @unknown(%x: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{'nvvm.breakpoint' op is not known to the emulator}}
    nvvm.breakpoint
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @foreign(%x: i32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{'arith.addi' op is in a kernel: expects only the dialects llvm and nvvm there}}
    %0 = arith.addi %x, %x : i32
    llvm.return
  }
}
