//===- SemanticsTest.cpp - The rules of the language, by hand -------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One test per semantic label of dialects/attn/README.md: ops in f64 whose
// weights and outputs can be written down, judged by the reference, which must
// find them right, and must find them wrong when they are not.
//
//===----------------------------------------------------------------------===//

#include "tools/attn-run/Check.h"

#include "attn/Dialect/Attn/IR/Attn.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>
#include <limits>

#include "gtest/gtest.h"

using namespace mlir;
using namespace attn;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double quietNaN = std::numeric_limits<double>::quiet_NaN();

Tensor tensorOf(ArrayRef<int64_t> shape, ArrayRef<double> values,
                Dtype type = Dtype::F64) {
  Tensor tensor = *Tensor::allocate(shape, type);
  EXPECT_EQ(tensor.size(), int64_t(values.size()));
  for (auto [i, value] : llvm::enumerate(values))
    tensor.set(i, value);
  return tensor;
}

std::vector<double> repeated(int64_t count, double value) {
  return std::vector<double>(count, value);
}

/// 0, 1, 2, ...
std::vector<double> counted(int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double(i));
  return values;
}

/// One attn.sdpa of one batch with D = Dv = 1. All queries are 1, so that the
/// score of a key is its element.
struct Attention {
  std::string clauses;
  std::vector<double> keys = repeated(4, 0.0), values = counted(4);
  int64_t heads = 1, kvHeads = 1, queries = 3;
  /// Further operands: `%t: type`, and their values.
  std::string arguments;
  std::vector<Tensor> operands;
  std::string regions;
  std::string scale = "scale(%scale)";
};

class Semantics : public testing::Test {
protected:
  Semantics() {
    context.loadDialect<AttnDialect, arith::ArithDialect, func::FuncDialect,
                        math::MathDialect>();
  }

  bool judge(StringRef text, ArrayRef<Tensor> inputs,
             ArrayRef<Tensor> outputs) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module) {
      ADD_FAILURE() << text.str();
      return false;
    }
    auto noRun = [](ModuleOp, StringRef,
                    ArrayRef<Tensor>) -> llvm::Expected<std::vector<Tensor>> {
      return llvm::createStringError("nothing to tap");
    };
    llvm::Expected<CheckReport> report = checkEntry(
        module->lookupSymbol<func::FuncOp>("f"), inputs, outputs, noRun);
    if (report)
      return report->passed();
    ADD_FAILURE() << llvm::toString(report.takeError());
    return false;
  }

  /// Judges `a` with weights proportional to `shares` [heads, queries, keys]
  /// of `total`s that are their sums plus `outside`.
  bool weighs(const Attention &a, std::vector<double> shares,
              double outside = 0.0) {
    const int64_t n = a.keys.size() / a.kvHeads, rows = a.heads * a.queries;
    EXPECT_EQ(int64_t(shares.size()), rows * n);
    std::vector<double> outputs(rows, 0.0), lse(rows, -infinity);
    for (int64_t row = 0; row < rows; ++row) {
      double sum = 0.0;
      for (int64_t i = 0; i < n; ++i)
        sum += shares[row * n + i];
      if (sum == 0.0)
        continue;
      lse[row] = std::log(sum);
      const int64_t kvHead = row / a.queries / (a.heads / a.kvHeads);
      for (int64_t i = 0; i < n; ++i) {
        double &share = shares[row * n + i];
        share /= sum + outside;
        if (share != 0.0)
          outputs[row] += share * a.values[kvHead * n + i];
      }
    }
    return judgeAttention(a, repeated(rows, 1.0), outputs, lse, shares);
  }

  bool judgeAttention(const Attention &a, ArrayRef<double> q,
                      ArrayRef<double> o, ArrayRef<double> lse,
                      ArrayRef<double> p) {
    const int64_t n = a.keys.size() / a.kvHeads;
    auto type = [&](int64_t heads, int64_t rows) {
      return llvm::formatv("tensor<1x{0}x{1}x1xf64>", heads, rows).str();
    };
    const std::string qType = type(a.heads, a.queries),
                      kType = type(a.kvHeads, n);
    const std::string results =
        llvm::formatv("{0}, tensor<1x{1}x{2}xf64>, tensor<1x{1}x{2}x{3}xf64>",
                      qType, a.heads, a.queries, n);
    const std::string text = llvm::formatv(
        "func.func @f(%q: {0}, %k: {1}, %v: {1}, %scale: f64{2}) -> ({3}) {{\n"
        "  %o, %l, %p = attn.sdpa %q, %k, %v {4} {5} returns(lse, weights)\n"
        "    : {0}, {1}, {1} -> {3}\n{6}\n"
        "  return %o, %l, %p : {3}\n}",
        qType, kType, a.arguments.empty() ? "" : ", " + a.arguments, results,
        a.scale, a.clauses, a.regions);
    const int64_t h = a.heads, g = a.kvHeads, m = a.queries;
    std::vector<Tensor> inputs{
        tensorOf({1, h, m, 1}, q), tensorOf({1, g, n, 1}, a.keys),
        tensorOf({1, g, n, 1}, a.values), tensorOf({}, {1.0})};
    llvm::append_range(inputs, a.operands);
    return judge(text, inputs,
                 {tensorOf({1, h, m, 1}, o), tensorOf({1, h, m}, lse),
                  tensorOf({1, h, m, n}, p)});
  }

  MLIRContext context;
};

/// Shares exp(score(m, n)) of one head.
template <typename Score>
std::vector<double> sharesOf(int64_t queries, int64_t keys, Score score) {
  std::vector<double> shares;
  for (int64_t m = 0; m < queries; ++m)
    for (int64_t n = 0; n < keys; ++n)
      shares.push_back(std::exp(score(double(m), double(n))));
  return shares;
}

/// -inf where a key is dropped, else 0.
double keptIf(bool condition) { return condition ? 0.0 : -infinity; }

TEST_F(Semantics, sdpa_s1) {
  Attention a;
  a.keys = counted(4);
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double, double n) { return n; })));
  EXPECT_FALSE(
      weighs(a, sharesOf(3, 4, [](double, double n) { return 1.0001 * n; })));
  // The default scale of D = 1 is 1; of D = 4 it is 1/2.
  a.scale = "";
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double, double n) { return n; })));
  const std::vector<double> scores{0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0};
  const double high = std::exp(2.0) / (1.0 + std::exp(2.0));
  EXPECT_TRUE(judge(
      R"mlir(func.func @f(%q: tensor<1x1x1x4xf64>, %k: tensor<1x1x2x4xf64>) -> tensor<1x1x1x4xf64> {
        %o = attn.sdpa %q, %k, %k : tensor<1x1x1x4xf64>, tensor<1x1x2x4xf64>, tensor<1x1x2x4xf64> -> tensor<1x1x1x4xf64>
        return %o : tensor<1x1x1x4xf64>
      })mlir",
      {tensorOf({1, 1, 1, 4}, repeated(4, 1.0)),
       tensorOf({1, 1, 2, 4}, scores)},
      {tensorOf({1, 1, 1, 4}, repeated(4, high))}));
}

TEST_F(Semantics, sdpa_s2) {
  Attention a;
  a.heads = 4;
  a.kvHeads = 2;
  a.queries = 1;
  a.keys = {0.0, 0.0, 0.0, 1.0};
  a.values = {1.0, 2.0, 3.0, 4.0};
  const double e = std::exp(1.0);
  EXPECT_TRUE(weighs(a, {1, 1, 1, 1, 1, e, 1, e}));
  EXPECT_FALSE(weighs(a, {1, 1, 1, e, 1, 1, 1, e}));
}

TEST_F(Semantics, sdpa_s3) {
  Attention a;
  a.keys[1] = quietNaN;
  a.values[1] = infinity;
  a.arguments = "%keep: tensor<4xi1>";
  a.operands = {tensorOf({4}, {1, 0, 1, 1}, Dtype::I1)};
  a.clauses = "keep(%keep : tensor<4xi1>)";
  EXPECT_TRUE(weighs(a, {1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1}));
}

TEST_F(Semantics, sdpa_s4) {
  Attention a;
  a.values[2] = quietNaN;
  a.arguments = "%t: tensor<4xf64>";
  a.clauses = "additive(%t : tensor<4xf64>)";
  a.operands = {tensorOf({4}, {0, 0, -infinity, 0})};
  EXPECT_TRUE(weighs(a, {1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1}));
  // Equal scores are a mean of V, however low they are. (The bound grows with
  // what is added, so that only the smaller of the two can convict.)
  Attention low;
  low.arguments = a.arguments;
  low.clauses = a.clauses;
  const std::vector<double> quarters(12, 0.25);
  for (double score : {-1e4, std::numeric_limits<double>::lowest()}) {
    low.operands = {tensorOf({4}, repeated(4, score))};
    EXPECT_TRUE(judgeAttention(low, repeated(3, 1.0), repeated(3, 1.5),
                               repeated(3, score + std::log(4.0)), quarters));
  }
  low.operands = {tensorOf({4}, repeated(4, -1e4))};
  EXPECT_FALSE(judgeAttention(low, repeated(3, 1.0), repeated(3, 0.0),
                              repeated(3, -infinity), repeated(12, 0.0)));
}

TEST_F(Semantics, sdpa_s5) {
  Attention a;
  a.keys = repeated(4, quietNaN);
  a.arguments = "%t: tensor<1xi32>";
  a.clauses = "kv_lens(%t : tensor<1xi32>)";
  a.operands = {tensorOf({1}, {0}, Dtype::I32)};
  EXPECT_TRUE(weighs(a, repeated(12, 0.0)));
  Attention none;
  none.keys = none.values = {};
  EXPECT_TRUE(weighs(none, {}));
  EXPECT_FALSE(judgeAttention(none, repeated(3, 1.0), repeated(3, 0.0),
                              repeated(3, 0.0), {}));
}

TEST_F(Semantics, sdpa_s6) {
  Attention a;
  a.arguments = "%t: tensor<1xf64>";
  a.clauses = "sinks(%t : tensor<1xf64>)";
  a.operands = {tensorOf({1}, {std::log(3.0)})};
  // Four keys of share 1, three parts sunk; the LSE is log 4.
  EXPECT_TRUE(weighs(a, repeated(12, 1.0), 3.0));
  EXPECT_FALSE(weighs(a, repeated(12, 1.0)));
}

TEST_F(Semantics, sdpa_s7) {
  // 2 * (2 tanh(n / 2)) - |n - m| / 4 + n / 8: the cap before the region, what
  // is added after it. The region doubles, the clauses stand in another order.
  Attention a;
  a.keys = counted(4);
  a.arguments = "%c: f64, %slope: tensor<1xf64>, %t: tensor<4xf64>";
  a.operands = {tensorOf({}, {2.0}), tensorOf({1}, {0.25}),
                tensorOf({4}, {0.0, 0.125, 0.25, 0.375})};
  a.clauses = "additive(%t : tensor<4xf64>) alibi(%slope : tensor<1xf64>) "
              "causal(top_left) softcap(%c)";
  a.regions = "score(%s, %b, %h, %m, %n) {\n"
              "  %two = arith.constant 2.0 : f64\n"
              "  %r = arith.mulf %s, %two : f64\n"
              "  attn.yield %r : f64\n}";
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double m, double n) {
                       return 4.0 * std::tanh(n / 2.0) - std::abs(n - m) / 4.0 +
                              n / 8.0 + keptIf(n <= m);
                     })));
  EXPECT_FALSE(weighs(a, sharesOf(3, 4, [](double m, double n) {
                        return 2.0 * std::tanh(n) - std::abs(n - m) / 4.0 +
                               n / 8.0 + keptIf(n <= m);
                      })));
}

TEST_F(Semantics, sdpa_s8) {
  Attention a;
  auto diagonal = [](double offset, double length) {
    return sharesOf(3, 4, [=](double m, double n) {
      return keptIf(n <= m + offset && n < length);
    });
  };
  a.clauses = "causal(top_left)";
  EXPECT_TRUE(weighs(a, diagonal(0, 4)));
  EXPECT_FALSE(weighs(a, diagonal(1, 4)));
  a.clauses = "causal(bottom_right)";
  EXPECT_TRUE(weighs(a, diagonal(1, 4)));
  a.arguments = "%i: index, %t: tensor<1xi64>";
  a.operands = {tensorOf({}, {-1}, Dtype::Index),
                tensorOf({1}, {2}, Dtype::I64)};
  a.clauses = "causal(%i)";
  EXPECT_TRUE(weighs(a, diagonal(-1, 4)));
  a.clauses = "causal(bottom_right) kv_lens(%t : tensor<1xi64>)";
  EXPECT_TRUE(weighs(a, diagonal(-1, 2)));
}

TEST_F(Semantics, sdpa_s9) {
  Attention a;
  auto band = [](double low, double high) {
    return sharesOf(3, 4, [=](double m, double n) {
      return keptIf(m + low <= n && n <= m + high);
    });
  };
  a.clauses = "window(1, 0)";
  EXPECT_TRUE(weighs(a, band(-1, 0)));
  a.clauses = "window(-1, 1)";
  EXPECT_TRUE(weighs(a, band(-9, 1)));
  a.clauses = "window(0, -1)";
  EXPECT_TRUE(weighs(a, band(0, 9)));
  a.clauses = "window(1, 9) causal(bottom_right)";
  EXPECT_TRUE(weighs(a, band(0, 1)));
  EXPECT_FALSE(weighs(a, band(-1, 1)));
}

TEST_F(Semantics, sdpa_s10) {
  Attention a;
  a.arguments = "%t: tensor<1xi32>";
  a.clauses = "kv_lens(%t : tensor<1xi32>)";
  a.operands = {tensorOf({1}, {2}, Dtype::I32)};
  EXPECT_TRUE(weighs(a, {1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0}));
}

TEST_F(Semantics, sdpa_s11) {
  Attention a;
  a.arguments = "%t: tensor<1xf64>";
  a.operands = {tensorOf({1}, {0.5})};
  a.clauses = "alibi(%t : tensor<1xf64>)";
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double m, double n) {
                       return -0.5 * std::abs(n - m);
                     })));
  a.clauses += " causal(bottom_right)";
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double m, double n) {
                       return -0.5 * std::abs(n - (m + 1.0)) +
                              keptIf(n <= m + 1.0);
                     })));
}

TEST_F(Semantics, sdpa_s12) {
  Attention a;
  a.keys = counted(4);
  a.arguments = "%c: f64";
  a.clauses = "softcap(%c)";
  a.operands = {tensorOf({}, {1.5})};
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double, double n) {
                       return 1.5 * std::tanh(n / 1.5);
                     })));
  a.operands = {tensorOf({}, {0.0})};
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double, double n) { return n; })));
}

TEST_F(Semantics, sdpa_s13) {
  Attention a;
  a.arguments = "%t: tensor<3x1xf64>, %u: tensor<1x1x1x4xi1>";
  a.clauses = "additive(%t : tensor<3x1xf64>) keep(%u : tensor<1x1x1x4xi1>)";
  a.operands = {tensorOf({3, 1}, {0.0, 1.0, 2.0}),
                tensorOf({1, 1, 1, 4}, {0, 1, 1, 0}, Dtype::I1)};
  EXPECT_TRUE(weighs(a, sharesOf(3, 4, [](double m, double n) {
                       return m + keptIf(n == 1.0 || n == 2.0);
                     })));
}

TEST_F(Semantics, sdpa_s14) {
  Attention a;
  a.queries = 2;
  a.keys = repeated(2, 0.0);
  a.values = {1.0, 3.0};
  const double log2 = std::log(2.0);
  EXPECT_TRUE(judgeAttention(a, {quietNaN, 1.0}, {quietNaN, 2.0},
                             {quietNaN, log2}, {quietNaN, quietNaN, 0.5, 0.5}));
  EXPECT_FALSE(judgeAttention(a, {quietNaN, 1.0}, {quietNaN, quietNaN},
                              {quietNaN, log2},
                              {quietNaN, quietNaN, 0.5, 0.5}));
  // A score of +inf: one-hot or NaN.
  a.queries = 1;
  a.keys = {infinity, 0.0};
  EXPECT_TRUE(judgeAttention(a, {1.0}, {1.0}, {infinity}, {1.0, 0.0}));
  EXPECT_TRUE(
      judgeAttention(a, {1.0}, {quietNaN}, {quietNaN}, {quietNaN, quietNaN}));
  EXPECT_FALSE(judgeAttention(a, {1.0}, {3.0}, {infinity}, {0.0, 1.0}));
}

TEST_F(Semantics, sdpa_s15) {
  Attention a;
  auto chunks = [](double offset) {
    return sharesOf(3, 4, [=](double m, double n) {
      return keptIf(std::floor((m + offset) / 2) == std::floor(n / 2));
    });
  };
  a.clauses = "chunked(2)";
  EXPECT_TRUE(weighs(a, chunks(0)));
  EXPECT_FALSE(weighs(a, chunks(1)));
  a.arguments = "%i: index";
  a.operands = {tensorOf({}, {-1}, Dtype::Index)};
  // Query 0 stands before the first key, in a chunk without keys.
  a.clauses = "causal(%i) chunked(2)";
  EXPECT_TRUE(weighs(a, {0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0}));
}

TEST_F(Semantics, sdpa_s16) {
  Attention a;
  a.clauses = "dilated(2)";
  EXPECT_TRUE(weighs(a, {1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0}));
  a.clauses = "causal(bottom_right) dilated(3)";
  EXPECT_TRUE(weighs(a, {0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 1}));
}

TEST_F(Semantics, sdpa_s17) {
  Attention a;
  a.arguments = "%first: tensor<1xi32>";
  a.operands = {tensorOf({1}, {2}, Dtype::I32)};
  a.clauses = "causal(top_left) prefix(%first : tensor<1xi32>)";
  EXPECT_TRUE(weighs(a, {1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0}));
  a.clauses += " window(-1, 0)";
  EXPECT_TRUE(weighs(a, {1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0}));
}

TEST_F(Semantics, sdpa_s18) {
  Attention a;
  a.arguments = "%mine: tensor<3xi32>, %its: tensor<1x4xi32>";
  a.operands = {tensorOf({3}, {7, 0, 7}, Dtype::I32),
                tensorOf({1, 4}, {7, 7, 0, 1}, Dtype::I32)};
  a.clauses = "documents(%mine, %its : tensor<3xi32>, tensor<1x4xi32>)";
  EXPECT_TRUE(weighs(a, {1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0}));
  EXPECT_FALSE(weighs(a, {1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0}));
}

TEST_F(Semantics, sdpa_s19) {
  Attention a;
  a.heads = 2;
  a.kvHeads = 1;
  // Blocks of two queries and three keys, the same in both heads.
  a.arguments = "%t: tensor<1x2x2xi1>";
  a.operands = {tensorOf({1, 2, 2}, {1, 0, 0, 1}, Dtype::I1)};
  a.clauses = "block_sparse(%t : tensor<1x2x2xi1>, 2, 3)";
  const std::vector<double> head{1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1};
  std::vector<double> shares(head);
  llvm::append_range(shares, head);
  EXPECT_TRUE(weighs(a, shares));
  shares[11] = 0;
  EXPECT_FALSE(weighs(a, shares));
}

TEST_F(Semantics, sdpa_s20) {
  Attention a;
  a.arguments = "%t: tensor<3xi64>";
  // One key of a cache; query 2 follows query 0, query 1 stands alone.
  a.operands = {tensorOf({3}, {0b001, 0b010, 0b101}, Dtype::I64)};
  a.clauses = "causal(bottom_right) tree(%t : tensor<3xi64>)";
  EXPECT_TRUE(weighs(a, {1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 1}));
  EXPECT_FALSE(weighs(a, {1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1}));
}

TEST_F(Semantics, sdpa_s21) {
  // Four buckets up to distance 4, for keys before the query alone: 0, 1, 2 and
  // the rest; twice as many where keys behind it have their own.
  Attention a;
  a.queries = 1;
  a.keys = repeated(7, 0.0);
  a.values = counted(7);
  a.arguments = "%i: index, %t: tensor<1x4xf64>";
  a.operands = {tensorOf({}, {5}, Dtype::Index),
                tensorOf({1, 4}, {0.0, 1.0, 2.0, 3.0})};
  a.clauses = "causal(%i) relative_bias(%t : tensor<1x4xf64>, 4)";
  const double e = std::exp(1.0);
  EXPECT_TRUE(weighs(a, {e * e * e, e * e * e, e * e * e, e * e, e, 1, 0}));
  a.arguments = "%t: tensor<1x8xf64>";
  a.operands = {tensorOf({1, 8}, counted(8))};
  a.clauses = "relative_bias(%t : tensor<1x8xf64>, 4, bidirectional)";
  std::vector<double> shares;
  for (int bucket : {0, 5, 6, 7, 7, 7, 7})
    shares.push_back(std::exp(bucket));
  EXPECT_TRUE(weighs(a, shares));
  shares[2] *= e;
  EXPECT_FALSE(weighs(a, shares));
}

TEST_F(Semantics, sdpa_s22) {
  // Sequences of one and two queries and of one and three keys.
  Attention a;
  a.arguments = "%qs: tensor<3xi32>, %ks: tensor<3xi64>";
  a.operands = {tensorOf({3}, {0, 1, 3}, Dtype::I32),
                tensorOf({3}, {0, 1, 4}, Dtype::I64)};
  const std::string ragged = "ragged(%qs, %ks : tensor<3xi32>, tensor<3xi64>)";
  a.clauses = ragged;
  EXPECT_TRUE(weighs(a, {1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1}));
  EXPECT_FALSE(weighs(a, {1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1}));
  a.clauses = "causal(top_left) " + ragged;
  EXPECT_TRUE(weighs(a, {1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0}));
  a.clauses = "causal(bottom_right) " + ragged;
  EXPECT_TRUE(weighs(a, {1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1}));
  a.clauses = "causal(bottom_right) window(1, 0) " + ragged;
  EXPECT_TRUE(weighs(a, {1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 1}));
  // The last query is in no sequence.
  a.clauses = ragged;
  a.operands[0] = tensorOf({3}, {0, 1, 2}, Dtype::I32);
  EXPECT_TRUE(weighs(a, {1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0}));
}

TEST_F(Semantics, gather_pages_s1) {
  const char *text = R"mlir(
    func.func @f(%p: tensor<2x1x2x1xf64>, %t: tensor<2x2xi32>, %l: tensor<2xi32>) -> tensor<2x1x4x1xf64> {
      %r = attn.gather_pages %p, %t, %l : tensor<2x1x2x1xf64>, tensor<2x2xi32>, tensor<2xi32> -> tensor<2x1x4x1xf64>
      return %r : tensor<2x1x4x1xf64>
    })mlir";
  // The second entry has one row; the table's last number is no page.
  const Tensor inputs[] = {tensorOf({2, 1, 2, 1}, {1, 2, 3, 4}),
                           tensorOf({2, 2}, {1, 0, 1, 99}, Dtype::I32),
                           tensorOf({2}, {4, 1}, Dtype::I32)};
  EXPECT_TRUE(
      judge(text, inputs, {tensorOf({2, 1, 4, 1}, {3, 4, 1, 2, 3, 0, 0, 0})}));
  EXPECT_FALSE(
      judge(text, inputs, {tensorOf({2, 1, 4, 1}, {3, 4, 1, 2, 3, 4, 0, 0})}));
}

/// Three parts of one row of two channels.
constexpr const char *merge = R"mlir(
func.func @f(%o: tensor<3x1x1x1x2xf64>, %l: tensor<3x1x1x1xf64>, %s: tensor<1xf64>) -> (tensor<1x1x1x2xf64>, tensor<1x1x1xf64>) {
  %r, %lse = attn.merge %o, %l sinks(%s : tensor<1xf64>)
    : tensor<3x1x1x1x2xf64>, tensor<3x1x1x1xf64> -> tensor<1x1x1x2xf64>, tensor<1x1x1xf64>
  return %r, %lse : tensor<1x1x1x2xf64>, tensor<1x1x1xf64>
})mlir";

TEST_F(Semantics, merge_s1) {
  // Sums of exponentials 1, 2 and 5; no sink.
  const double logs[] = {0.0, std::log(2.0), std::log(5.0)};
  const Tensor inputs[] = {tensorOf({3, 1, 1, 1, 2}, {8, 0, 4, 2, 0, 8}),
                           tensorOf({3, 1, 1, 1}, logs),
                           tensorOf({1}, {-infinity})};
  auto judged = [&](double first, double second, double lse) {
    return judge(
        merge, inputs,
        {tensorOf({1, 1, 1, 2}, {first, second}), tensorOf({1, 1, 1}, {lse})});
  };
  EXPECT_TRUE(judged(2.0, 5.5, std::log(8.0)));
  EXPECT_FALSE(judged(2.0, 5.5 + 1e-9, std::log(8.0)));
  EXPECT_FALSE(judged(2.0, 5.5, std::log(8.0) + 1e-9));
}

TEST_F(Semantics, merge_s2) {
  const Tensor sink = tensorOf({1}, {-infinity});
  const double parts[] = {quietNaN, infinity, 4, 2, quietNaN, quietNaN};
  auto judged = [&](ArrayRef<double> lses, ArrayRef<double> output,
                    double lse) {
    return judge(
        merge,
        {tensorOf({3, 1, 1, 1, 2}, parts), tensorOf({3, 1, 1, 1}, lses), sink},
        {tensorOf({1, 1, 1, 2}, output), tensorOf({1, 1, 1}, {lse})});
  };
  EXPECT_TRUE(judged({-infinity, 3.0, -infinity}, {4, 2}, 3.0));
  EXPECT_FALSE(judged({-infinity, 3.0, -infinity}, {quietNaN, 2}, 3.0));
  EXPECT_TRUE(judged(repeated(3, -infinity), {0, 0}, -infinity));
  EXPECT_FALSE(judged(repeated(3, -infinity), {0, 0}, quietNaN));
  EXPECT_FALSE(judged({0.0, 3.0, -infinity}, {4, 2}, 3.0));
}

TEST_F(Semantics, merge_s3) {
  // Each part's sum is 1, the sink's 5: three eighths of the outputs are left.
  const Tensor inputs[] = {tensorOf({3, 1, 1, 1, 2}, {8, 0, 0, 8, 0, 0}),
                           tensorOf({3, 1, 1, 1}, repeated(3, 0.0)),
                           tensorOf({1}, {std::log(5.0)})};
  auto judged = [&](double output, double lse) {
    return judge(
        merge, inputs,
        {tensorOf({1, 1, 1, 2}, {output, output}), tensorOf({1, 1, 1}, {lse})});
  };
  EXPECT_TRUE(judged(1.0, std::log(3.0)));
  EXPECT_FALSE(judged(8.0 / 3.0, std::log(3.0)));
  EXPECT_FALSE(judged(1.0, std::log(8.0)));
}

/// Two rows of one channel; two query heads of one channel share a key head.
constexpr const char *packedBlock = R"mlir(
func.func @f(%x: tensor<1x2x1xf64>, %w: tensor<4x1xf64>, %wo: tensor<1x2xf64>, %b: tensor<4xf64>, %bo: tensor<1xf64>)
    -> (tensor<1x2x1xf64>, tensor<1x2x2x2xf64>) {
  %y, %p = attn.mha %x packed(%w, %wo) bias(%b, %bo) heads(2) kv_heads(1) returns(weights)
    : tensor<1x2x1xf64>, tensor<4x1xf64>, tensor<1x2xf64>, tensor<4xf64>, tensor<1xf64> -> tensor<1x2x1xf64>, tensor<1x2x2x2xf64>
  return %y, %p : tensor<1x2x1xf64>, tensor<1x2x2x2xf64>
})mlir";

TEST_F(Semantics, mha_s1) {
  const double x[] = {1.0, 2.0};
  // Rows of q of head 0, q of head 1, k, v.
  const double w[] = {0.5, -1.0, 2.0, 3.0}, b[] = {0.25, 0.5, -1.0, 1.0};
  const double wo[] = {1.0, -2.0}, bo = 0.125;
  double p[8], y[2] = {bo, bo};
  for (int h = 0; h < 2; ++h)
    for (int m = 0; m < 2; ++m) {
      double s[2], v[2];
      for (int n = 0; n < 2; ++n) {
        s[n] = (w[h] * x[m] + b[h]) * (w[2] * x[n] + b[2]);
        v[n] = w[3] * x[n] + b[3];
      }
      double *row = p + h * 4 + m * 2;
      row[1] = 1.0 / (1.0 + std::exp(s[0] - s[1]));
      row[0] = 1.0 - row[1];
      y[m] += wo[h] * (row[0] * v[0] + row[1] * v[1]);
    }
  const Tensor inputs[] = {tensorOf({1, 2, 1}, x), tensorOf({4, 1}, w),
                           tensorOf({1, 2}, wo), tensorOf({4}, b),
                           tensorOf({1}, {bo})};
  EXPECT_TRUE(judge(packedBlock, inputs,
                    {tensorOf({1, 2, 1}, y), tensorOf({1, 2, 2, 2}, p)}));
  y[1] += 1e-9;
  EXPECT_FALSE(judge(packedBlock, inputs,
                     {tensorOf({1, 2, 1}, y), tensorOf({1, 2, 2, 2}, p)}));
}

/// One head of two channels whose projections pass x through.
constexpr const char *turnedBlock = R"mlir(
func.func @f(%x: tensor<1x2x2xf64>, %w: tensor<2x2xf64>, %cos: tensor<2x1xf64>, %sin: tensor<2x1xf64>, %g: tensor<2xf64>, %one: f64)
    -> (tensor<1x2x2xf64>, tensor<1x1x2x2xf64>) {
  %y, %p = attn.mha %x weights(%w, %w, %w, %w) heads(1) rope(%cos, %sin : tensor<2x1xf64>, tensor<2x1xf64>)
      qk_norm(%g, %g : tensor<2xf64>, tensor<2xf64>) eps(0.0) scale(%one) returns(weights)
    : tensor<1x2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64>, tensor<2x2xf64> -> tensor<1x2x2xf64>, tensor<1x1x2x2xf64>
  return %y, %p : tensor<1x2x2xf64>, tensor<1x1x2x2xf64>
})mlir";

TEST_F(Semantics, mha_s2) {
  // Row 0 stays, row 1 makes a quarter turn: (a, b) -> (-b, a). gamma tells the
  // channels apart, so turning first would give other heads.
  const double x[] = {3.0, 4.0, 4.0, 3.0}, r = std::sqrt(12.5);
  const double heads[2][2] = {{3.0 / r, 8.0 / r}, {-6.0 / r, 4.0 / r}};
  double p[4], y[4];
  for (int m = 0; m < 2; ++m) {
    double s[2];
    for (int n = 0; n < 2; ++n)
      s[n] = heads[m][0] * heads[n][0] + heads[m][1] * heads[n][1];
    p[2 * m + 1] = 1.0 / (1.0 + std::exp(s[0] - s[1]));
    p[2 * m] = 1.0 / (1.0 + std::exp(s[1] - s[0]));
    for (int d = 0; d < 2; ++d)
      y[2 * m + d] = p[2 * m] * x[d] + p[2 * m + 1] * x[2 + d];
  }
  EXPECT_TRUE(judge(turnedBlock,
                    {tensorOf({1, 2, 2}, x), tensorOf({2, 2}, {1, 0, 0, 1}),
                     tensorOf({2, 1}, {1, 0}), tensorOf({2, 1}, {0, 1}),
                     tensorOf({2}, {1, 2}), tensorOf({}, {1.0})},
                    {tensorOf({1, 2, 2}, y), tensorOf({1, 1, 2, 2}, p)}));
}

TEST_F(Semantics, rope_s1) {
  // R = 4 of 5 channels: a quarter turn of the first pair, none of the second.
  for (bool pairs : {false, true}) {
    const std::string text = llvm::formatv(
        "func.func @f(%x: tensor<1x1x1x5xf64>, %c: tensor<1x2xf64>, %s: "
        "tensor<1x2xf64>) -> tensor<1x1x1x5xf64> {{\n"
        "  %r = attn.rope %x, %c, %s {0} layout(bhsd) : tensor<1x1x1x5xf64>, "
        "tensor<1x2xf64>, tensor<1x2xf64>\n"
        "  return %r : tensor<1x1x1x5xf64>\n}",
        pairs ? "interleaved" : "");
    const std::vector<double> half{-3, 2, 1, 4, 5}, interleaved{-2, 1, 3, 4, 5};
    const std::vector<Tensor> inputs{tensorOf({1, 1, 1, 5}, {1, 2, 3, 4, 5}),
                                     tensorOf({1, 2}, {0, 1}),
                                     tensorOf({1, 2}, {1, 0})};
    EXPECT_EQ(judge(text, inputs, {tensorOf({1, 1, 1, 5}, half)}), !pairs);
    EXPECT_EQ(judge(text, inputs, {tensorOf({1, 1, 1, 5}, interleaved)}),
              pairs);
  }
}

TEST_F(Semantics, qk_norm_s1) {
  const char *text = R"mlir(
    func.func @f(%x: tensor<1x2xf64>, %g: tensor<2xf64>) -> tensor<1x2xf64> {
      %r = attn.qk_norm %x, %g eps(3.5) : tensor<1x2xf64>, tensor<2xf64>
      return %r : tensor<1x2xf64>
    })mlir";
  // The mean of squares is 12.5.
  EXPECT_TRUE(judge(text, {tensorOf({1, 2}, {3, 4}), tensorOf({2}, {1, 2})},
                    {tensorOf({1, 2}, {0.75, 2.0})}));
  EXPECT_FALSE(judge(text, {tensorOf({1, 2}, {3, 4}), tensorOf({2}, {1, 2})},
                     {tensorOf({1, 2}, {0.75, 1.0})}));
}

} // namespace
