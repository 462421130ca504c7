//===- Sdpa.cpp - attn_mlir.sdpa ------------------------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Traces rules, finds or compiles the kernel, calls it.
//
//===----------------------------------------------------------------------===//

#include "Sdpa.h"
#include "Errors.h"
#include "SdpaCall.h"
#include "SdpaKernels.h"
#include "Values.h"

#include <nanobind/stl/string.h>

namespace attn::python {

static SdpaRules::Region toRegion(nb::handle region) {
  if (region.is_none())
    return {};
  return {nb::cast<std::string>(region[0]), nb::cast<std::string>(region[1])};
}

/// score_mod and mask_mod as MLIR, and the arrays that they look at.
void SdpaCall::traceRules() {
  if (given.scoreMod.is_none() && given.maskMod.is_none())
    return;
  nb::object traced =
      nb::module_::import_("attn_mlir.rules")
          .attr("trace")(given.scoreMod, given.maskMod, isF64 ? "f64" : "f32");
  SdpaRules rules;
  rules.score = toRegion(traced[3]);
  rules.mask = toRegion(traced[4]);
  for (nb::handle capture : traced[0])
    rules.captures.push_back(nb::cast<std::string>(capture));
  for (nb::handle type : traced[1])
    rules.types.push_back(nb::cast<std::string>(type));
  for (nb::handle array : traced[2])
    captured.emplace_back(array, "a captured array");
  traced[5](batches, heads, queries, keys);
  signature.rules = rulesNumber(std::move(rules));
}

/// Where key n stands for query m: n - (m + offset) is their distance.
int64_t SdpaCall::offset(int64_t batch) const {
  switch (signature.diagonal) {
  case Diagonal::TopLeft:
    return 0;
  case Diagonal::BottomRight:
    return (lengths.empty() ? keys : lengths[batch]) - queries;
  default:
    return explicitOffset;
  }
}

/// Clauses share the diagonal of causal; without it, or where its diagonal is
/// nobody's, the rule is written another way.
void SdpaCall::chooseDiagonal() {
  bool used = signature.windowLeft || signature.windowRight || signature.alibi;
  if (signature.causal || signature.diagonal == Diagonal::TopLeft)
    return;
  if (!used) {
    signature.diagonal = Diagonal::TopLeft;
    return;
  }
  for (int64_t b = 0; b < batches; ++b)
    offsets.push_back(offset(b));
  signature.diagonal = Diagonal::PerBatch;
}

nb::object SdpaCall::run() {
  inputs = {input(0, q, signature.query), input(1, k, signature.key),
            input(2, v, signature.value)};
  nb::object result = nb::borrow(given.out), lse;
  const int64_t sizes[] = {batches, heads, queries, valueDim};
  if (!out) {
    result = newArray(q.kind(), q.dtype(), sizes, 4);
    out.emplace(result, "out", /*writable=*/true);
  }
  std::vector<attn_tensor> outputs = {laidOut(*out, signature.output)};
  std::optional<Array> lseArray;
  if (signature.lse) {
    lse = newArray(q.kind(), isF64 ? ATTN_F64 : ATTN_F32, sizes, 3);
    lseArray.emplace(lse, "lse", /*writable=*/true);
    outputs.push_back(lseArray->tensor());
  }
  bool isEmpty = batches == 0 || heads == 0 || queries == 0;
  if (!isEmpty && (valueDim != 0 || signature.lse)) {
    const SdpaKernel &kernel = findKernel(signature, text(given.target));
    addOperands(kernel.operands);
    for (const Array &array : captured)
      inputs.push_back(array.tensor());
    attn_error *error;
    {
      nb::gil_scoped_release release;
      error =
          attn_executable_run(kernel.executable, inputs.data(), inputs.size(),
                              outputs.data(), outputs.size(), threads, nullptr);
    }
    throwIf(error);
  }
  if (given.out.is_none())
    result = finishArray(std::move(result), given.q, q.kind());
  if (!signature.lse)
    return result;
  return nb::make_tuple(result, finishArray(std::move(lse), given.q, q.kind()));
}

nb::object sdpa(const SdpaArguments &arguments) {
  return SdpaCall(arguments).run();
}

} // namespace attn::python
