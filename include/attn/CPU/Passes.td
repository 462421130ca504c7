//===- Passes.td - The passes of the CPU room --------------*- tablegen -*-===//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===----------------------------------------------------------------------===//

#ifndef ATTN_CPU_PASSES
#define ATTN_CPU_PASSES

include "mlir/Pass/PassBase.td"

def CPUPackWeightsPass : Pass<"attn-cpu-pack-weights", "::mlir::func::FuncOp"> {
  let summary = "Turn products with a matrix into packed products";
  let description = [{
    Reads: contractions `y[p..., n] = sum_k x[p..., k] w[n, k]` (or `w[k, n]`) on
    tensors, as linalg.generic or named ops, onto a zero-filled accumulator of
    the accumulator type, with a w of static size. Each becomes
    `attn.packed_matmul` with w packed in panels of NR columns, together with a
    bias and a rounding that follow it alone; leading dimensions of x are
    collapsed. NR is three vectors (48 for 16 lanes, 24 for 8), four of NEON's.
    Declines everything else, which becomes loops.
  }];
  let options = [Option<"lanes", "lanes", "int64_t", "8", "32-bit lanes of a vector register">];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def CPUAssertsPass : Pass<"attn-cpu-asserts", "::mlir::func::FuncOp"> {
  let summary = "Make NaN of elements whose cf.assert does not hold";
  let description = [{
    Reads: `cf.assert` in `linalg.generic` on tensors, such as exporters put
    before a look-up in a table. The elements that the body yields become NaN
    (integers: the lowest) where the condition does not hold, and positions of
    `tensor.extract` in it are clamped, so that nothing outside is read. Asserts
    of `true` go. Declines all others with an error: a failed assert would end
    the caller's process.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def CPUFuseElementwisePass : Pass<"attn-cpu-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "Fuse elementwise operations on tensors where nothing is computed twice";
  let description = [{
    Reads: linalg on tensors. A producer with one use goes into its consumer.
    Declines a producer that reads its destination, and one that divides or
    calls a function per row of a consumer that runs per element.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def CPUHoistWeightsPass : Pass<"attn-cpu-hoist-weights", "::mlir::ModuleOp"> {
  let summary = "Compute what depends on weights alone in a function of its own";
  let description = [{
    Reads: public functions on tensors whose weights are marked `attn.weight`;
    constant tensors count as weights. What is computed from weights alone moves
    to `f_prepack(inputs) -> packed`, marked `attn.prepack`, and becomes further
    arguments of `f`, whose attribute `attn.packed` lists their types. Views of
    weights and tensors of dynamic size stay.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def CPUEntryABIPass : Pass<"attn-cpu-entry-abi", "::mlir::ModuleOp"> {
  let summary = "Give every public function the entry ABI";
  let description = [{
    Reads: a module whose public functions with a body (the entries) work on
    tensors and call nothing that has a body. Makes of an entry `f`:

    | function | what it does |
    |---|---|
    | `f(inputs, packed, outputs, workspace) -> i32` | checks the static sizes that the types promise, the sizes of the outputs, and runs; the status is 0 or the position of the offending argument plus one |
    | `f_shapes(inputs, dims)` | writes the sizes of all results, one after another |
    | `f_workspace(inputs) -> i64` | says how many bytes of workspace a call needs |

    and the private functions `f_body` (the work) and `f_dims` (the dynamic
    sizes of the results). Tensors become memrefs of identity layout, results
    become out-parameters, scalars stay values. A function marked
    `attn.prepack` gets out-parameters and nothing else.

    Fails when a result's size depends on values, on recursion, and on a
    function of several blocks.

    ```text
    func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32>
    // becomes
    func.func @f(%x: memref<?x?xf32>, %out: memref<?x?xf32>, %workspace: memref<?xi8>) -> i32 attributes {llvm.emit_c_interface}
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::func::FuncDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect",
    "::mlir::affine::AffineDialect"];
}

def CPUOutlineTasksPass : Pass<"attn-cpu-outline-tasks", "::mlir::ModuleOp"> {
  let summary = "Turn parallel loops into calls of the runtime";
  let description = [{
    Reads: `scf.forall` on memrefs. The body of each becomes a private function
    of the linearised index and what the body uses, the loop an
    `attn.parallel_call`. Constants are made again in the task; tasks with equal
    bodies become one function. A loop inside a parallel loop becomes a serial
    one.

    ```text
    scf.forall (%i, %j) in (%m, 4) { memref.store %x, %out[%i, %j] }
    // becomes
    attn.parallel_call @f_task(%count) args(%x, %out)
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
}

def CPUParallelizePass : Pass<"attn-cpu-parallelize", "::mlir::func::FuncOp"> {
  let summary = "Cut big linalg ops into parallel tasks";
  let description = [{
    Reads: linalg ops on memrefs. Each that works on more than 16384 elements,
    or on an unknown number, is cut along its outer parallel dimensions into an
    `scf.forall` whose tasks are about that large; reductions stay whole. Copies
    become linalg ops first. Leaves small ops and ops in an `scf.forall` alone.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def CPUWorkspacePass : Pass<"attn-cpu-workspace", "::mlir::ModuleOp"> {
  let summary = "Place buffers in the workspace argument";
  let description = [{
    Reads: `f_body`, `f_dims` and `f_workspace` as attn-cpu-entry-abi made them,
    on memrefs. A memref.alloc outside of parallel loops whose size follows from
    the arguments' sizes becomes a memref.view of the workspace, 64-byte aligned;
    buffers of equal size share a place when their uses do not overlap.
    `f_workspace` returns the sum. Other buffers: small static ones move to the
    stack, the rest is freed at the end of its block.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect", "::mlir::memref::MemRefDialect"];
}

def CPULoopsPass : Pass<"attn-cpu-loops"> {
  let summary = "Turn linalg ops on memrefs into loops";
  let description = [{
    Loops in the order of the op's iterators. An innermost reduction is carried
    as a loop value, and a sum in it may be reassociated (fastmath reassoc), so
    that LLVM makes vector code of it.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def CPUMathPass : Pass<"attn-cpu-math", "::mlir::ModuleOp"> {
  let summary = "Replace elementary functions by arithmetic";
  let description = [{
    Every function of the math dialect that is no instruction, and arith.remf,
    of f16, bf16, f32 and f64, scalars and vectors, become fma, select and
    integer arithmetic, so that loops with them can be vectorised and objects
    need no libm. exp, exp2, log, tanh and erf of f32 are computed in f32, with
    errors of a few units in the last place, the others in f64. Special values
    as in C, but that sin, cos and tan of an f64 beyond 2^45 are NaN. Powers and
    trigonometric functions of vectors that stand in a module four times become
    one private function each. Powers of integers become products, wrapping.
    Leaves what is an instruction to LLVM. Conversions to bf16 from f64 and from
    integers that f32 does not hold go through f32 and still round once. An op
    on numbers of another format, such as f8E4M3FN, is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def CPUBF16BitsPass : Pass<"attn-cpu-bf16-bits", "::mlir::ModuleOp"> {
  let summary = "Turn bf16 into the integers that it is stored as";
  let description = [{
    Reads: a module in which no operation computes in bf16, as
    arith-emulate-unsupported-floats, math-extend-to-supported-types and
    arith-expand leave it. Replaces bf16 by i16 in all types and constants.
    `attn.packed` keeps its types.
  }];
}

def CPUToLLVMPass : Pass<"attn-cpu-to-llvm", "::mlir::ModuleOp"> {
  let summary = "Convert what is left to the LLVM dialect";
  let description = [{
    Reads: functions on memrefs with arith, cf, func, index, math (only what is
    an instruction), memref, ub and `attn.parallel_call`. Leaves nothing but the
    LLVM dialect. `attn.parallel_call` becomes a struct of the arguments on the
    stack, a function that unpacks it, and a call of `attn_rt_parallel_for`.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def CPUTileMatmulPass : Pass<"attn-cpu-tile-matmul"> {
  let summary = "Cut packed products into parallel tasks";
  let description = [{
    Reads: `attn.packed_matmul` on buffers. Puts each into an `scf.forall` over
    blocks of rows and panels of columns, so that a task multiplies some rows
    with one panel, and the tasks of the same rows follow one another. Leaves products inside an `scf.forall` alone.
  }];
  let options = [Option<"rowsPerTask", "rows-per-task", "int64_t", "128",
                        "rows of x that one task multiplies">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def CPUKernelsPass : Pass<"attn-cpu-kernels"> {
  let summary = "Emit vector code for the tile-level ops";
  let description = [{
    Reads: buffers; `attn.online_sdpa` with a plan next to its `attn.finalize`,
    `attn.packed_matmul` with one panel. Replaces them by scf, memref, arith,
    math and vector ops of one native width, one value per register.
  }];
  let options = [Option<"lanes", "lanes", "int64_t", "8",
                        "32-bit lanes of a vector register (products; attention has its plan)">,
                 Option<"bf16Products", "bf16-products", "bool", "false",
                        "whether the target has attn.bf16_dot">];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def CPUResolveExpandShapePass : Pass<"attn-cpu-resolve-expand-shape"> {
  let summary = "Turn memref.expand_shape into memref.reinterpret_cast";
  let description = [{
    Sizes are operands of the op, strides follow from them, so that a group may
    have several dynamic sizes, which upstream's lowering does not expect.
    This pass cannot fail.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

#endif // ATTN_CPU_PASSES
