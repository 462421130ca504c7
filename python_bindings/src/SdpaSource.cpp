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
  Writer(const SdpaSignature &signature, const SdpaRules &rules)
      : of(signature), rules(rules) {}

  std::string type(attn_dtype dtype) const { return attn_dtype_name(dtype); }
  std::string accumulator() const {
    return of.dtype == ATTN_F64 ? "f64" : "f32";
  }
  /// A size that the code knows, or `otherwise` for 0.
  static std::string size(int64_t known, const std::string &otherwise = "?") {
    return known ? std::to_string(known) : otherwise;
  }
  /// Heads, rows and columns of q, k, v or the output.
  struct Sizes {
    int64_t heads, rows, columns;
  };
  Sizes querySizes() const { return {of.heads, of.queries, of.dim}; }
  Sizes keySizes() const { return {of.kvHeads, 0, of.dim}; }
  Sizes valueSizes() const { return {of.kvHeads, 0, of.valueDim}; }
  std::string tensor(Layout layout, const Sizes &sizes) const {
    const std::string logical[] = {"?", size(sizes.heads), size(sizes.rows),
                                   std::to_string(sizes.columns)};
    std::string text = "tensor<";
    for (int d : layoutOrders[static_cast<int>(layout)])
      text += logical[d] + "x";
    return text + type(of.dtype) + ">";
  }
  bool isSliced(int operand) const { return of.sliced >> operand & 1; }
  /// Of what is a slice, the tensor around it.
  std::string around(int operand, const std::string &inside) const {
    return isSliced(operand) ? "tensor<?x?x?x?x" + type(of.dtype) + ">"
                             : inside;
  }
  std::string mask() const {
    std::string text = "tensor<";
    for (int i = 0; i < of.maskRank; ++i)
      text += of.maskOnes >> i & 1 ? "1x" : "?x";
    return text + type(of.mask == MaskKind::Keep ? ATTN_I1 : of.maskType) + ">";
  }
  std::string perHead() const { return "tensor<?x" + accumulator() + ">"; }

  std::string query() const { return tensor(of.query, querySizes()); }
  std::string key() const { return tensor(of.key, keySizes()); }
  std::string value() const { return tensor(of.value, valueSizes()); }
  std::string output() const {
    return tensor(of.output, {of.heads, of.queries, of.valueDim});
  }
  std::string lse() const {
    return "tensor<?x" + size(of.heads) + "x" + size(of.queries) + "x" +
           accumulator() + ">";
  }

  /// Window and ALiBi as code, on the diagonal %off[b].
  bool asRegions() const { return of.diagonal == Diagonal::PerBatch; }
  std::string argument(Operand operand) const;
  std::string slice(int operand, const char *name, Layout layout,
                    const Sizes &sizes, const std::string &inside) const;
  std::string slices() const;
  std::string clauses() const;
  std::string captures() const;
  std::string regions() const;
  std::string regionHead(const char *name, const char *first) const;
  std::string alibiLines(const std::string &score) const;
  std::string windowLines() const;

  const SdpaSignature &of;
  const SdpaRules &rules;
};

std::string Writer::argument(Operand operand) const {
  switch (operand) {
  case Operand::Query:
    return std::string(isSliced(0) ? "%q0: " : "%q: ") + around(0, query());
  case Operand::Key:
    return std::string(isSliced(1) ? "%k0: " : "%k: ") + around(1, key());
  case Operand::Value:
    return std::string(isSliced(2) ? "%v0: " : "%v: ") + around(2, value());
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
  case Operand::QuerySizes:
    return "%qd: tensor<?x?x?xi8>";
  case Operand::KeySizes:
    return "%kd: tensor<?x?x?xi8>";
  case Operand::ValueSizes:
    return "%vd: tensor<?x?x?xi8>";
  }
  return "";
}

/// `%q = tensor.extract_slice %q0`, from its start.
std::string Writer::slice(int operand, const char *name, Layout layout,
                          const Sizes &sizes, const std::string &inside) const {
  if (!isSliced(operand))
    return "";
  std::string lines, list;
  for (int d = 0; d < 3; ++d)
    lines += std::string("  ") + name + "bhs"[d] + " = tensor.dim " + name +
             "d, %c" + std::to_string(d) + "i : tensor<?x?x?xi8>\n";
  const std::string logical[] = {
      name + std::string("b"), size(sizes.heads, name + std::string("h")),
      size(sizes.rows, name + std::string("s")), std::to_string(sizes.columns)};
  // Channels are last in every layout.
  for (int d : layoutOrders[static_cast<int>(layout)])
    list += logical[d] + (d == 3 ? "" : ", ");
  return lines + "  " + name + " = tensor.extract_slice " + name +
         "0[0, 0, 0, 0] [" + list +
         "] [1, 1, 1, 1] : " + around(operand, inside) + " to " + inside + "\n";
}

std::string Writer::slices() const {
  if (!of.sliced)
    return "";
  std::string text;
  for (int d = 0; d < 3; ++d)
    text += "  %c" + std::to_string(d) + "i = arith.constant " +
            std::to_string(d) + " : index\n";
  return text + slice(0, "%q", of.query, querySizes(), query()) +
         slice(1, "%k", of.key, keySizes(), key()) +
         slice(2, "%v", of.value, valueSizes(), value());
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
  text += captures();
  text += std::string(" layout(") + layoutNames[static_cast<int>(of.query)];
  for (Layout layout : {of.key, of.value, of.output})
    text += std::string(", ") + layoutNames[static_cast<int>(layout)];
  return text + (of.lse ? ") returns(lse)" : ")");
}

std::string Writer::captures() const {
  std::string text;
  auto add = [&](const std::string &capture) {
    text += (text.empty() ? " captures(" : ", ") + capture;
  };
  if (asRegions()) {
    add("%offsets[b] : tensor<?xi64>");
    if (of.windowLeft)
      add("%left[] : index");
    if (of.windowRight)
      add("%right[] : index");
    if (of.alibi)
      add("%alibi[h] : " + perHead());
  }
  for (size_t i = 0; i < rules.captures.size(); ++i)
    add(rules.captures[i] + " : " + rules.types[i]);
  return text.empty() ? text : text + ")";
}

/// Both regions take every capture.
std::string Writer::regionHead(const char *name, const char *first) const {
  std::string text = std::string("    ") + name + "(" + first;
  if (asRegions())
    text += std::string(", %off") + (of.windowLeft ? ", %l" : "") +
            (of.windowRight ? ", %r" : "") + (of.alibi ? ", %slope" : "");
  for (size_t i = 0; i < rules.captures.size(); ++i)
    text += ", %e" + std::to_string(i);
  return text + ") {\n";
}

/// %u = score - slope * |n - (m + offset)|
std::string Writer::alibiLines(const std::string &score) const {
  std::string acc = accumulator();
  return "      %o = arith.index_cast %off : i64 to index\n"
         "      %d = arith.subi %n, %m : index\n"
         "      %e = arith.subi %d, %o : index\n"
         "      %i = arith.index_cast %e : index to i64\n"
         "      %f = arith.sitofp %i : i64 to " +
         acc + "\n      %a = math.absf %f : " + acc +
         "\n      %t = arith.mulf %slope, %a : " + acc +
         "\n      %u = arith.subf " + score + ", %t : " + acc + "\n";
}

/// %window = m + offset - left <= n <= m + offset + right
std::string Writer::windowLines() const {
  std::string text = "      %o = arith.index_cast %off : i64 to index\n"
                     "      %at = arith.addi %m, %o : index\n";
  const char *low = of.windowRight ? "%above" : "%window",
             *high = of.windowLeft ? "%below" : "%window";
  if (of.windowLeft)
    text += std::string("      %low = arith.subi %at, %l : index\n      ") +
            low + " = arith.cmpi sge, %n, %low : index\n";
  if (of.windowRight)
    text += std::string("      %high = arith.addi %at, %r : index\n      ") +
            high + " = arith.cmpi sle, %n, %high : index\n";
  if (of.windowLeft && of.windowRight)
    text += "      %window = arith.andi %above, %below : i1\n";
  return text;
}

/// The function's own rules first: score_mod before ALiBi.
std::string Writer::regions() const {
  std::string text, acc = accumulator();
  bool alibi = asRegions() && of.alibi;
  if (alibi || !rules.score.result.empty()) {
    std::string score = rules.score.result.empty() ? "%s" : rules.score.result;
    text += regionHead("score", "%s, %b, %h, %m, %n") + rules.score.lines;
    if (alibi) {
      text += alibiLines(score);
      score = "%u";
    }
    text += "      attn.yield " + score + " : " + acc + "\n    }\n";
  }
  bool window = asRegions() && (of.windowLeft || of.windowRight);
  if (!window && rules.mask.result.empty())
    return text;
  std::string keep = window ? "%window" : rules.mask.result;
  text += regionHead("mask", "%b, %h, %m, %n") + rules.mask.lines;
  if (window)
    text += windowLines();
  if (window && !rules.mask.result.empty()) {
    text +=
        "      %both = arith.andi %window, " + rules.mask.result + " : i1\n";
    keep = "%both";
  }
  return text + "      attn.yield " + keep + " : i1\n    }\n";
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
  add(of.sliced & 1, Operand::QuerySizes);
  add(of.sliced & 2, Operand::KeySizes);
  add(of.sliced & 4, Operand::ValueSizes);
  return operands;
}

std::string sdpaSource(const SdpaSignature &signature, const SdpaRules &rules) {
  Writer writer(signature, rules);
  std::string text = "func.func @sdpa(";
  const char *separator = "";
  for (Operand operand : operandsOf(signature)) {
    text += separator + writer.argument(operand);
    separator = ", ";
  }
  for (size_t i = 0; i < rules.types.size(); ++i)
    text += ", %c" + std::to_string(i) + ": " + rules.types[i];
  std::string results = writer.output();
  if (signature.lse)
    results += ", " + writer.lse();
  text += ")\n    -> (" + results + ") {\n" + writer.slices() + "  %o" +
          std::string(signature.lse ? ", %lse" : "") +
          " = attn.sdpa %q, %k, %v" + writer.clauses() +
          "\n    : " + writer.query() + ", " + writer.key() + ", " +
          writer.value() + " -> " + results + "\n" + writer.regions() +
          "  return %o" + (signature.lse ? ", %lse" : "") + " : " + results +
          "\n}\n";
  return text;
}

} // namespace attn::python
