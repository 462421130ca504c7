//===- Timing.cpp - How fast attn-run found it ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// --bench.
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Flops.h"
#include "Peak.h"
#include "Run.h"

#include "attn/Runtime/Abi.h"

using namespace llvm;

namespace attn {

/// The work of a call, or 0 when it cannot be told.
Expected<double> Run::flopsOf(mlir::ModuleOp source, StringRef entryName,
                              ArrayRef<Tensor> inputs) {
  Expected<Compiler::Module> copy = compiler.inlined(source, pipeline());
  if (!copy)
    return copy.takeError();
  Expected<mlir::func::FuncOp> entry = findEntry(**copy, entryName);
  if (!entry)
    return entry.takeError();
  return countFlops(*entry, inputs).value_or(0);
}

/// --bench.
Error Run::time(mlir::ModuleOp source, const Executable &executable,
                ArrayRef<Tensor> inputs) {
  if (!canReadPeak(target.f32Lanes))
    return createStringError("--bench has no peak loop for target '" +
                             target.str() + "'");
  Expected<double> flops =
      flopsOf(source, executable.signature().entry, inputs);
  if (!flops)
    return flops.takeError();
  SmallVector<TensorView> views = viewsOf(inputs);
  Expected<PackedWeights> packed = executable.prepack(views);
  if (!packed)
    return packed.takeError();
  CallOptions call = this->call;
  call.weights = &*packed;
  Expected<std::vector<Tensor>> room = executable.call(views, call);
  if (!room)
    return room.takeError();
  SmallVector<TensorView> outputs = viewsOf(*room);

  BenchOptions options;
  options.f32Lanes = target.f32Lanes;
  options.threads = attn_rt_get_num_threads();
  options.flops = *flops;
  options.readings = flags.benchReadings;
  options.seconds = flags.benchSeconds;
  Expected<std::vector<Reading>> readings =
      bench([&] { return executable.run(views, outputs, call); }, options);
  if (!readings)
    return readings.takeError();
  printBench(outs(), *readings, options);
  return Error::success();
}

} // namespace attn
