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

// -----

module attributes {gpu.container_module} {
  gpu.module @kernels {
    llvm.func @f(%x: i32) attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
  func.func @mismatch(%x: f32) {
    %c1 = arith.constant 1 : index
    // expected-error @below {{'gpu.launch_func' op passes 'f32' where the kernel 'f' expects 'i32'}}
    gpu.launch_func @kernels::@f blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1) args(%x : f32)
    return
  }
}

// -----

gpu.module @kernels {
  llvm.func @other_asm() attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{'llvm.inline_asm' op is not known to the emulator: "membar.sys;"}}
    llvm.inline_asm has_side_effects asm_dialect = att "membar.sys;", "" : () -> ()
    llvm.return
  }
}

// -----

gpu.module @kernels {
  llvm.func @other_intrinsic(%x: f32) attributes {gpu.kernel, nvvm.kernel} {
    // expected-error @below {{'llvm.call_intrinsic' op of 'llvm.nvvm.sin.approx.f' is not known to the emulator}}
    %0 = llvm.call_intrinsic "llvm.nvvm.sin.approx.f"(%x) : (f32) -> f32
    llvm.return
  }
}
