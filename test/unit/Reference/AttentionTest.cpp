//===- AttentionTest.cpp - The judge is itself judged ---------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// By hand-made rows, by an independent computation in float that must lie
// within the bound, and by small faults that must not.
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Attention.h"
#include "attn/Reference/Compare.h"

#include <cmath>
#include <limits>
#include <random>

#include "gtest/gtest.h"

using namespace attn::reference;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double quietNaN = std::numeric_limits<double>::quiet_NaN();

/// A problem with its data: random normal, rounded to `type`.
struct Case {
  Shape shape;
  Dtype type;
  std::vector<double> q, k, v;

  Case(const Shape &shape, Dtype type, double deviation, unsigned seed)
      : shape(shape), type(type) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal(0.0, deviation);
    const auto fill = [&](std::vector<double> &data, int64_t count) {
      data.resize(static_cast<size_t>(count));
      for (double &x : data) {
        x = roundTo(type, normal(generator));
      }
    };
    fill(q, shape.batch * shape.queryHeads * shape.queries * shape.headDim);
    fill(k, shape.batch * shape.keyHeads * shape.keys * shape.headDim);
    fill(v, shape.batch * shape.keyHeads * shape.keys * shape.valueDim);
  }

  Problem problem() const {
    Problem made;
    made.shape = shape;
    made.query = View::headMajor(q.data(), shape.queryHeads, shape.queries,
                                 shape.headDim);
    made.key =
        View::headMajor(k.data(), shape.keyHeads, shape.keys, shape.headDim);
    made.value =
        View::headMajor(v.data(), shape.keyHeads, shape.keys, shape.valueDim);
    made.scale = 1.0 / std::sqrt(static_cast<double>(shape.headDim));
    made.precision = Precision::forInputs(type);
    return made;
  }
};

/// The same row in float, in the order a simple kernel would use.
std::vector<double> floatRow(const Problem &problem, int64_t b, int64_t h,
                             int64_t m, double faultInScale = 1.0) {
  const Shape &shape = problem.shape;
  std::vector<float> s(shape.keys, -INFINITY);
  float top = -INFINITY;
  const float scale = static_cast<float>(problem.scale * faultInScale);
  for (int64_t n = 0; n < shape.keys; ++n) {
    if (problem.mask && !problem.mask(b, h, m, n)) {
      continue;
    }
    float sum = 0.0f;
    for (int64_t d = 0; d < shape.headDim; ++d) {
      sum += static_cast<float>(problem.query.row(b, h, m)[d]) *
             static_cast<float>(problem.key.row(b, problem.keyHead(h), n)[d]);
    }
    s[n] = sum * scale;
    if (problem.score) {
      s[n] = static_cast<float>(problem.score(s[n], b, h, m, n));
    }
    top = std::max(top, s[n]);
  }
  float total = 0.0f;
  std::vector<float> o(shape.valueDim, 0.0f);
  for (int64_t n = 0; n < shape.keys; ++n) {
    if (s[n] == -INFINITY) {
      continue;
    }
    const float p = std::exp(s[n] - top);
    total += p;
    for (int64_t d = 0; d < shape.valueDim; ++d) {
      o[d] += p * static_cast<float>(
                      problem.value.row(b, problem.keyHead(h), n)[d]);
    }
  }
  std::vector<double> result;
  for (float x : o) {
    result.push_back(
        roundTo(problem.precision.output, total > 0.0f ? x / total : 0.0f));
  }
  return result;
}

/// The worst ratio of the float computation over the whole problem.
Verdict judgeFloat(const Problem &problem, double faultInScale = 1.0) {
  const Shape &shape = problem.shape;
  std::vector<double> found;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t h = 0; h < shape.queryHeads; ++h) {
      for (int64_t m = 0; m < shape.queries; ++m) {
        const std::vector<double> row =
            floatRow(problem, b, h, m, faultInScale);
        found.insert(found.end(), row.begin(), row.end());
      }
    }
  }
  return compareAttention(problem, {found.data(), nullptr, nullptr});
}

TEST(Rounding, KnownValues) {
  EXPECT_EQ(unitRoundoff(Dtype::F32), std::ldexp(1.0, -24));
  EXPECT_EQ(unitRoundoff(Dtype::BF16), std::ldexp(1.0, -8));
  EXPECT_EQ(roundTo(Dtype::F32, 0.1), static_cast<double>(0.1f));
  EXPECT_EQ(roundTo(Dtype::F32, 1e-45), static_cast<double>(1e-45f));
  EXPECT_EQ(roundTo(Dtype::F16, 65519.0), 65504.0);
  EXPECT_EQ(roundTo(Dtype::F16, 65520.0), infinity);
  EXPECT_EQ(roundTo(Dtype::F16, -65520.0), -infinity);
  EXPECT_EQ(roundTo(Dtype::F16, std::ldexp(1.5, -25)), std::ldexp(1.0, -24));
  EXPECT_EQ(roundTo(Dtype::BF16, 1.0 + std::ldexp(1.0, -8)), 1.0);
  EXPECT_EQ(roundTo(Dtype::BF16, 1.0 + std::ldexp(3.0, -8)),
            1.0 + std::ldexp(4.0, -8));
  EXPECT_EQ(largestFinite(Dtype::F32),
            static_cast<double>(std::numeric_limits<float>::max()));
  EXPECT_TRUE(std::isnan(roundTo(Dtype::BF16, quietNaN)));
}

TEST(Attention, TwoKeysByHand) {
  Case data({1, 1, 1, 1, 2, 1, 2}, Dtype::F64, 1.0, 1);
  data.q = {1.0};
  data.k = {0.0, std::log(3.0)};
  data.v = {1.0, 10.0, 5.0, 20.0};
  Problem problem = data.problem();
  Row row;
  attendRow(problem, 0, 0, 0, row);
  EXPECT_NEAR(row.weights[0], 0.25, 1e-15);
  EXPECT_NEAR(row.weights[1], 0.75, 1e-15);
  EXPECT_NEAR(row.output[0], 4.0, 1e-14);
  EXPECT_NEAR(row.output[1], 17.5, 1e-14);
  EXPECT_NEAR(row.lse, std::log(4.0), 1e-15);

  // A sink of weight 4 halves the weights; the lse does not see it.
  problem.sinks = {std::log(4.0)};
  attendRow(problem, 0, 0, 0, row);
  EXPECT_NEAR(row.weights[1], 0.375, 1e-15);
  EXPECT_NEAR(row.output[0], 2.0, 1e-14);
  EXPECT_NEAR(row.lse, std::log(4.0), 1e-15);
  problem.sinks = {-infinity};
  attendRow(problem, 0, 0, 0, row);
  EXPECT_NEAR(row.weights[1], 0.75, 1e-15);
  problem.sinks = {1000.0};
  attendRow(problem, 0, 0, 0, row);
  EXPECT_EQ(row.output[0], 0.0);
}

TEST(Attention, HeadsOfQueriesShareKeys) {
  const Case data({2, 6, 2, 3, 5, 4, 3}, Dtype::F64, 1.0, 2);
  const Problem problem = data.problem();
  EXPECT_EQ(problem.keyHead(0), 0);
  EXPECT_EQ(problem.keyHead(2), 0);
  EXPECT_EQ(problem.keyHead(3), 1);
  EXPECT_EQ(problem.keyHead(5), 1);
  Row row;
  attendRow(problem, 1, 4, 2, row);
  double weight = 0.0;
  for (double p : row.weights) {
    weight += p;
  }
  EXPECT_NEAR(weight, 1.0, 1e-15);
}

TEST(Attention, DroppedKeysTakeNoPart) {
  Case data({1, 1, 1, 1, 3, 2, 2}, Dtype::F32, 1.0, 3);
  data.k[2] = quietNaN;
  data.v[2] = infinity;
  Problem problem = data.problem();
  problem.mask = [](int64_t, int64_t, int64_t, int64_t n) { return n != 1; };
  Row row;
  attendRow(problem, 0, 0, 0, row);
  EXPECT_EQ(row.weights[1], 0.0);
  EXPECT_TRUE(std::isfinite(row.output[0]) && std::isfinite(row.output[1]));

  // A score of -inf drops the key as well.
  data.k[2] = 0.0;
  problem.mask = nullptr;
  problem.score = [](double s, int64_t, int64_t, int64_t, int64_t n) {
    return n == 1 ? -infinity : s;
  };
  attendRow(problem, 0, 0, 0, row);
  EXPECT_TRUE(std::isfinite(row.output[0]));

  // No kept key: exactly 0 and -inf, and a bound that allows nothing else.
  problem.mask = [](int64_t, int64_t, int64_t, int64_t) { return false; };
  attendRow(problem, 0, 0, 0, row);
  EXPECT_EQ(row.output[0], 0.0);
  EXPECT_EQ(row.outputBound[0], 0.0);
  EXPECT_EQ(row.lse, -infinity);
  const double zeros[2] = {}, low = -infinity, wrong[2] = {0.0, 1e-30};
  const Verdict good = compareAttention(problem, {zeros, &low, nullptr});
  EXPECT_TRUE(good.output.withinBound() && good.lse.withinBound());
  const Verdict bad = compareAttention(problem, {wrong, &quietNaN, nullptr});
  EXPECT_FALSE(bad.output.withinBound());
  EXPECT_FALSE(bad.lse.withinBound());
}

TEST(Attention, KeptNaNAndInfinity) {
  Case data({1, 1, 1, 2, 3, 2, 2}, Dtype::F32, 1.0, 4);
  data.q[0] = quietNaN;
  Row row;
  attendRow(data.problem(), 0, 0, 0, row);
  EXPECT_TRUE(std::isnan(row.output[0]) && std::isnan(row.lse));
  attendRow(data.problem(), 0, 0, 1, row);
  EXPECT_TRUE(std::isfinite(row.output[0]) && std::isfinite(row.lse));

  // A kept score of +inf: NaN and the one-hot limit are both right.
  Case hot({1, 1, 1, 1, 2, 1, 1}, Dtype::F32, 1.0, 5);
  hot.q = {1.0};
  hot.k = {infinity, 0.0};
  hot.v = {3.0, 4.0};
  const double limit = 3.0, other = 4.0;
  for (double found : {limit, quietNaN}) {
    EXPECT_TRUE(compareAttention(hot.problem(), {&found, nullptr, nullptr})
                    .output.withinBound());
  }
  EXPECT_FALSE(compareAttention(hot.problem(), {&other, nullptr, nullptr})
                   .output.withinBound());
}

TEST(Attention, NoKeysAtAll) {
  const Case data({2, 2, 1, 3, 0, 4, 5}, Dtype::F32, 1.0, 6);
  Row row;
  attendRow(data.problem(), 1, 1, 2, row);
  EXPECT_EQ(row.output, std::vector<double>(5, 0.0));
  EXPECT_EQ(row.lse, -infinity);
}

TEST(Bound, HoldsForFloatAndCatchesFaults) {
  unsigned seed = 100;
  for (Dtype type : {Dtype::F32, Dtype::F16, Dtype::BF16}) {
    for (double deviation : {0.02, 1.0, 3.0}) {
      for (int64_t keys : {1, 2, 17, 129}) {
        for (int64_t dim : {1, 2, 40, 128}) {
          const Case data({1, 2, 1, 5, keys, dim, 3}, type, deviation, ++seed);
          const Verdict right = judgeFloat(data.problem());
          EXPECT_LE(right.output.ratio, 1.0)
              << "std " << deviation << " N " << keys << " D " << dim;
          EXPECT_EQ(right.output.judged, 30);
        }
      }
    }
  }
  // A scale that is off by 1e-4 is seen in f32, one by 3% in bf16.
  EXPECT_GT(
      judgeFloat(Case({1, 2, 1, 5, 64, 64, 8}, Dtype::F32, 1.0, 7).problem(),
                 1.0001)
          .output.ratio,
      1.0);
  EXPECT_GT(
      judgeFloat(Case({1, 2, 1, 5, 64, 64, 8}, Dtype::BF16, 1.0, 8).problem(),
                 1.1)
          .output.ratio,
      1.0);
}

TEST(Bound, MaskedKeysDoNotLoosenIt) {
  const Case data({1, 1, 1, 4, 64, 64, 8}, Dtype::F32, 1.0, 9);
  const Problem plain = data.problem();
  for (double low : {-1e9, -3.4028234663852886e38}) {
    Problem masked = plain;
    masked.score = [low](double s, int64_t, int64_t, int64_t, int64_t n) {
      return n >= 32 ? s + low : s;
    };
    Row row;
    attendRow(masked, 0, 0, 1, row);
    EXPECT_LT(row.outputBound[0], 1e-3);
    EXPECT_FALSE(row.overflow);
    EXPECT_LE(judgeFloat(masked).output.ratio, 1.0);
  }
}

TEST(Bound, LargeErrorsAreNotLinear) {
  // All scores near 1e9, where floats are 64 apart: a float kernel sees ties
  // where the reference sees one key.
  Case data({1, 1, 1, 1, 2, 1, 1}, Dtype::F32, 1.0, 11);
  data.q = {1.0};
  data.k = {0.0, 20.0};
  data.v = {8.0, 0.01};
  Problem problem = data.problem();
  problem.score = [](double s, int64_t, int64_t, int64_t, int64_t) {
    return s - 1e9;
  };
  EXPECT_LE(judgeFloat(problem).output.ratio, 1.0);
  // Lowest floats beside a sink: weight 0, and a bound that is a number.
  problem.score = [](double, int64_t, int64_t, int64_t, int64_t) {
    return -largestFinite(Dtype::F32);
  };
  problem.sinks = {0.0};
  Row row;
  attendRow(problem, 0, 0, 0, row);
  EXPECT_EQ(row.output[0], 0.0);
  EXPECT_FALSE(std::isnan(row.outputBound[0]));
}

TEST(Bound, SteepScoresWidenIt) {
  const Case data({1, 1, 1, 1, 16, 16, 2}, Dtype::F32, 1.0, 10);
  Problem problem = data.problem();
  Row once, steep;
  attendRow(problem, 0, 0, 0, once);
  problem.score = [](double s, int64_t, int64_t, int64_t, int64_t) {
    return 8.0 * s;
  };
  attendRow(problem, 0, 0, 0, steep);
  EXPECT_GT(steep.lseBound, 4.0 * once.lseBound);
}

TEST(Compare, RatioRules) {
  EXPECT_EQ(errorRatio(1.0, 1.5, 1.0, Dtype::F32), 0.5);
  EXPECT_EQ(errorRatio(1.0, 1.0, 0.0, Dtype::F32), 0.0);
  EXPECT_EQ(errorRatio(1.0, 2.0, 0.0, Dtype::F32), infinity);
  EXPECT_EQ(errorRatio(1.0, quietNaN, 1.0, Dtype::F32), infinity);
  EXPECT_EQ(errorRatio(quietNaN, quietNaN, 1.0, Dtype::F32), 0.0);
  EXPECT_EQ(errorRatio(quietNaN, 1.0, 1.0, Dtype::F32), infinity);
  EXPECT_EQ(errorRatio(1.0, 1.0, quietNaN, Dtype::F32), infinity);
  // 65530 is out of range for f16, 60000 is not.
  EXPECT_EQ(errorRatio(65530.0, infinity, 1.0, Dtype::F16), 0.0);
  EXPECT_EQ(errorRatio(60000.0, infinity, 1.0, Dtype::F16), infinity);
  EXPECT_EQ(errorRatio(65530.0, -infinity, 1.0, Dtype::F16), infinity);
}

TEST(Compare, NamesTheWorstElement) {
  Worst worst;
  EXPECT_TRUE(worst.withinBound());
  worst.see(0, 1.0, 1.1, 1.0, Dtype::F32);
  worst.see(1, 1.0, 3.0, 1.0, Dtype::F32);
  worst.see(2, 1.0, 2.5, 10.0, Dtype::F32);
  EXPECT_EQ(worst.index, 1);
  EXPECT_EQ(worst.ratio, 2.0);
  EXPECT_EQ(worst.judged, 3);
  EXPECT_FALSE(worst.withinBound());
}

} // namespace
