//===- SdpaSource.cpp - The kernel behind one kind of call ----------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The clauses of attn.sdpa say nearly all. A diagonal for window and ALiBi that
// causal does not share has no clause, so there the rule is written as code.
//
//===----------------------------------------------------------------------===//

#include "SdpaSource.h"

namespace attn::python {
namespace {

struct Writer {
  explicit Writer(const SdpaSignature &signature) : of(signature) {}

  std::string type(attn_dtype dtype) const { return attn_dtype_name(dtype); }
  std::string accumulator() const {
    return of.dtype == ATTN_F64 ? "f64" : "f32";
  }
  std::string tensor(Layout layout, bool oneRow, int64_t columns) const {
    std::string text = "tensor<";
    for (int d : layoutOrders[static_cast<int>(layout)])
      text += (d == 3             ? std::to_string(columns)
               : d == 2 && oneRow ? "1"
                                  : "?") +
              std::string("x");
    return text + type(of.dtype) + ">";
  }
  std::string mask() const {
    std::string text = "tensor<";
    for (int i = 0; i < of.maskRank; ++i)
      text += of.maskOnes >> i & 1 ? "1x" : "?x";
    return text + type(of.mask == MaskKind::Keep ? ATTN_I1 : of.maskType) + ">";
  }
  std::string perHead() const { return "tensor<?x" + accumulator() + ">"; }

  std::string query() const { return tensor(of.query, of.oneQuery, of.dim); }
  std::string key() const { return tensor(of.key, false, of.dim); }
  std::string value() const { return tensor(of.value, false, of.valueDim); }
  std::string output() const {
    return tensor(of.output, of.oneQuery, of.valueDim);
  }
  std::string lse() const {
    return std::string("tensor<?x?x") + (of.oneQuery ? "1" : "?") + "x" +
           accumulator() + ">";
  }

  /// Window and ALiBi as code, on the diagonal %off[b].
  bool asRegions() const { return of.diagonal == Diagonal::PerBatch; }
  std::string argument(Operand operand) const;
  std::string clauses() const;
  std::string regions() const;
  std::string scoreRegion() const;
  std::string maskRegion() const;

  const SdpaSignature &of;
};

std::string Writer::argument(Operand operand) const {
  switch (operand) {
  case Operand::Query:
    return "%q: " + query();
  case Operand::Key:
    return "%k: " + key();
  case Operand::Value:
    return "%v: " + value();
  case Operand::Scale:
    return "%scale: " + accumulator();
  case Operand::Softcap:
    return "%softcap: " + accumulator();
  case Operand::Offset:
    return "%offset: index";
  case Operand::Offsets:
    return "%offsets: tensor<?xi64>";
  case Operand::WindowLeft:
    return "%left: index";
  case Operand::WindowRight:
    return "%right: index";
  case Operand::Alibi:
    return "%alibi: " + perHead();
  case Operand::Mask:
    return "%mask: " + mask();
  case Operand::Lengths:
    return "%lengths: tensor<?xi64>";
  case Operand::Sinks:
    return "%sinks: " + perHead();
  }
  return "";
}

std::string Writer::clauses() const {
  std::string text = " scale(%scale)";
  if (of.softcap)
    text += " softcap(%softcap)";
  if (of.causal)
    text += of.diagonal == Diagonal::TopLeft       ? " causal(top_left)"
            : of.diagonal == Diagonal::BottomRight ? " causal(bottom_right)"
                                                   : " causal(%offset)";
  bool window = of.windowLeft || of.windowRight;
  if (window && !asRegions())
    text += std::string(" window(") + (of.windowLeft ? "%left" : "-1") + ", " +
            (of.windowRight ? "%right" : "-1") + ")";
  if (of.alibi && !asRegions())
    text += " alibi(%alibi : " + perHead() + ")";
  if (of.mask == MaskKind::Additive)
    text += " additive(%mask : " + mask() + ")";
  if (of.mask == MaskKind::Keep)
    text += " keep(%mask : " + mask() + ")";
  if (of.lengths)
    text += " kv_lens(%lengths : tensor<?xi64>)";
  if (of.sinks)
    text += " sinks(%sinks : " + perHead() + ")";
  if (asRegions()) {
    text += " captures(%offsets[b] : tensor<?xi64>";
    if (of.windowLeft)
      text += ", %left[] : index";
    if (of.windowRight)
      text += ", %right[] : index";
    if (of.alibi)
      text += ", %alibi[h] : " + perHead();
    text += ")";
  }
  text += std::string(" layout(") + layoutNames[static_cast<int>(of.query)];
  for (Layout layout : {of.key, of.value, of.output})
    text += std::string(", ") + layoutNames[static_cast<int>(layout)];
  return text + (of.lse ? ") returns(lse)" : ")");
}

/// s - slope * |n - (m + offset)|
std::string Writer::scoreRegion() const {
  std::string acc = accumulator();
  return "    score(%s, %b, %h, %m, %n, %off" +
         std::string(of.windowLeft ? ", %l" : "") +
         (of.windowRight ? ", %r" : "") +
         ", %slope) {\n"
         "      %o = arith.index_cast %off : i64 to index\n"
         "      %d = arith.subi %n, %m : index\n"
         "      %e = arith.subi %d, %o : index\n"
         "      %i = arith.index_cast %e : index to i64\n"
         "      %f = arith.sitofp %i : i64 to " +
         acc + "\n      %a = math.absf %f : " + acc +
         "\n      %t = arith.mulf %slope, %a : " + acc +
         "\n      %u = arith.subf %s, %t : " + acc +
         "\n      attn.yield %u : " + acc + "\n    }\n";
}

/// m + offset - left <= n <= m + offset + right
std::string Writer::maskRegion() const {
  std::string text = "    mask(%b, %h, %m, %n, %off" +
                     std::string(of.windowLeft ? ", %l" : "") +
                     (of.windowRight ? ", %r" : "") +
                     (of.alibi ? ", %slope" : "") +
                     ") {\n"
                     "      %o = arith.index_cast %off : i64 to index\n"
                     "      %at = arith.addi %m, %o : index\n";
  if (of.windowLeft)
    text += "      %low = arith.subi %at, %l : index\n"
            "      %k0 = arith.cmpi sge, %n, %low : index\n";
  if (of.windowRight)
    text += "      %high = arith.addi %at, %r : index\n"
            "      %k1 = arith.cmpi sle, %n, %high : index\n";
  if (of.windowLeft && of.windowRight)
    text += "      %keep = arith.andi %k0, %k1 : i1\n"
            "      attn.yield %keep : i1\n";
  else
    text += of.windowLeft ? "      attn.yield %k0 : i1\n"
                          : "      attn.yield %k1 : i1\n";
  return text + "    }\n";
}

std::string Writer::regions() const {
  std::string text;
  if (asRegions() && of.alibi)
    text += scoreRegion();
  if (asRegions() && (of.windowLeft || of.windowRight))
    text += maskRegion();
  return text;
}

} // namespace

std::vector<Operand> operandsOf(const SdpaSignature &of) {
  std::vector<Operand> operands = {Operand::Query, Operand::Key, Operand::Value,
                                   Operand::Scale};
  auto add = [&](bool present, Operand operand) {
    if (present)
      operands.push_back(operand);
  };
  add(of.softcap, Operand::Softcap);
  add(of.diagonal == Diagonal::Offset, Operand::Offset);
  add(of.diagonal == Diagonal::PerBatch, Operand::Offsets);
  add(of.windowLeft, Operand::WindowLeft);
  add(of.windowRight, Operand::WindowRight);
  add(of.alibi, Operand::Alibi);
  add(of.mask != MaskKind::None, Operand::Mask);
  add(of.lengths, Operand::Lengths);
  add(of.sinks, Operand::Sinks);
  return operands;
}

std::string sdpaSource(const SdpaSignature &signature) {
  Writer writer(signature);
  std::string text = "func.func @sdpa(";
  const char *separator = "";
  for (Operand operand : operandsOf(signature)) {
    text += separator + writer.argument(operand);
    separator = ", ";
  }
  std::string results = writer.output();
  if (signature.lse)
    results += ", " + writer.lse();
  text += ")\n    -> (" + results + ") {\n  %o" +
          std::string(signature.lse ? ", %lse" : "") +
          " = attn.sdpa %q, %k, %v" + writer.clauses() +
          "\n    : " + writer.query() + ", " + writer.key() + ", " +
          writer.value() + " -> " + results + "\n" + writer.regions() +
          "  return %o" + (signature.lse ? ", %lse" : "") + " : " + results +
          "\n}\n";
  return text;
}

} // namespace attn::python
