//===- Blocks.cpp - What surrounds attention, in double precision ---------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Blocks.h"

#include <algorithm>
#include <cmath>

using namespace attn::reference;

Values Values::exact(const double *data, int64_t count) {
  return {std::vector<double>(data, data + count),
          std::vector<double>(static_cast<size_t>(count), 0.0)};
}

/// The error of a sum of `count` products, relative to the sum of magnitudes.
static double errorOfSum(int64_t count, const Precision &precision) {
  const double terms = static_cast<double>(std::max<int64_t>(count, 2));
  return 2.0 * unitRoundoff(precision.accumulator) * std::log2(terms);
}

/// What storing `value` adds to its error.
static double errorOfStore(double value, const Precision &precision) {
  return 1.01 * unitRoundoff(precision.output) * std::abs(value) +
         tinyError(precision.output);
}

// mha_s1
Values attn::reference::project(const Values &x, int64_t rows,
                                const Linear &linear,
                                const Precision &precision) {
  const double relative = errorOfSum(linear.in, precision);
  Values y;
  y.value.resize(static_cast<size_t>(rows * linear.out));
  y.error.resize(y.value.size());
  for (int64_t r = 0; r < rows; ++r) {
    const double *row = x.value.data() + r * linear.in;
    const double *error = x.error.data() + r * linear.in;
    for (int64_t o = 0; o < linear.out; ++o) {
      const double *w = linear.weight + o * linear.in;
      double sum = linear.bias ? linear.bias[o] : 0.0;
      double magnitude = std::abs(sum);
      double inherited = 0.0;
      for (int64_t i = 0; i < linear.in; ++i) {
        sum += row[i] * w[i];
        magnitude += std::abs(row[i] * w[i]);
        // A zero takes nothing over, an infinite error neither.
        if (w[i] != 0.0)
          inherited += error[i] * std::abs(w[i]);
      }
      y.value[r * linear.out + o] = sum;
      y.error[r * linear.out + o] =
          inherited + magnitude * relative + errorOfStore(sum, precision);
    }
  }
  return y;
}

// rope_s1
void attn::reference::rotate(Values &x, const HeadLayout &layout,
                             const Rope &rope, const Precision &precision) {
  const double relative = errorOfSum(2, precision);
  const auto turn = [&](int64_t first, int64_t second, double c, double s) {
    const double a = x.value[first], b = x.value[second];
    const double da = x.error[first], db = x.error[second];
    const double ac = std::abs(c), as = std::abs(s);
    x.value[first] = a * c - b * s;
    x.value[second] = b * c + a * s;
    x.error[first] = da * ac + db * as +
                     relative * (std::abs(a) * ac + std::abs(b) * as) +
                     errorOfStore(x.value[first], precision);
    x.error[second] = db * ac + da * as +
                      relative * (std::abs(b) * ac + std::abs(a) * as) +
                      errorOfStore(x.value[second], precision);
  };
  for (int64_t b = 0; b < layout.batch; ++b) {
    for (int64_t h = 0; h < layout.heads; ++h) {
      for (int64_t s = 0; s < layout.rows; ++s) {
        const int64_t row = layout.offset(b, h, s);
        const int64_t angles = b * rope.batchStride + s * rope.half;
        for (int64_t i = 0; i < rope.half; ++i) {
          const int64_t first = rope.interleaved ? 2 * i : i;
          const int64_t second = rope.interleaved ? 2 * i + 1 : i + rope.half;
          turn(row + first, row + second, rope.cosines[angles + i],
               rope.sines[angles + i]);
        }
      }
    }
  }
}

// qk_norm_s1
void attn::reference::normalize(Values &x, int64_t length, const double *gamma,
                                double eps, const Precision &precision) {
  // The mean, the root, its reciprocal and two products.
  const double relative =
      errorOfSum(length, precision) + 6.0 * unitRoundoff(precision.accumulator);
  const double count = static_cast<double>(length);
  for (size_t row = 0; length > 0 && row < x.value.size(); row += length) {
    double squares = 0.0, inherited = 0.0;
    for (int64_t i = 0; i < length; ++i) {
      squares += x.value[row + i] * x.value[row + i];
      inherited += std::abs(x.value[row + i]) * x.error[row + i];
    }
    const double root = 1.0 / std::sqrt(squares / count + eps);
    // d root / d x_j = -root^3 x_j / length.
    const double rootError = root * root * root * inherited / count;
    for (int64_t i = 0; i < length; ++i) {
      const double value = x.value[row + i];
      const double y = value * root * gamma[i];
      x.error[row + i] = std::abs(gamma[i]) * (root * x.error[row + i] +
                                               rootError * std::abs(value)) +
                         relative * std::abs(y) + errorOfStore(y, precision);
      x.value[row + i] = y;
    }
  }
}

/// Q, K and V as attention reads them: projected, normalized, turned.
namespace {
struct Operands {
  Values q, k, v;
};
} // namespace

static Operands makeOperands(const Block &block, const Shape &shape,
                             const Precision &precision) {
  const int64_t queryRows = shape.batch * shape.queries;
  const int64_t keyRows = shape.batch * shape.keys;
  // mha_s2
  Operands made = {project(block.x, queryRows, block.query, precision),
                   project(block.context, keyRows, block.key, precision),
                   project(block.context, keyRows, block.value, precision)};
  if (block.queryGamma) {
    normalize(made.q, shape.headDim, block.queryGamma, block.eps, precision);
  }
  if (block.keyGamma) {
    normalize(made.k, shape.headDim, block.keyGamma, block.eps, precision);
  }
  if (block.rope.half) {
    rotate(made.q,
           {shape.batch, shape.queryHeads, shape.queries, shape.headDim, true},
           block.rope, precision);
    rotate(made.k,
           {shape.batch, shape.keyHeads, shape.keys, shape.headDim, true},
           block.rope, precision);
  }
  return made;
}

/// Points `values` and `errors` at a projection: rows of all heads.
static void viewHeads(const Values &made, int64_t heads, int64_t rows,
                      int64_t length, View &values, View &errors) {
  values = View::rowMajor(made.value.data(), heads, rows, length);
  errors = View::rowMajor(made.error.data(), heads, rows, length);
}

/// Attention with its heads merged again, [B,M,Hq*Dv]; the weights go to
/// `weights` when it is not null.
static Values attendHeads(const Problem &attention, Values *weights) {
  const Shape &shape = attention.shape;
  Values merged;
  merged.value.resize(static_cast<size_t>(shape.batch * shape.queries *
                                          shape.queryHeads * shape.valueDim));
  merged.error.resize(merged.value.size());
  const HeadLayout layout = {shape.batch, shape.queryHeads, shape.queries,
                             shape.valueDim, true};
  Row row;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t h = 0; h < shape.queryHeads; ++h) {
      for (int64_t m = 0; m < shape.queries; ++m) {
        attendRow(attention, b, h, m, row);
        const int64_t at = layout.offset(b, h, m);
        std::copy(row.output.begin(), row.output.end(),
                  merged.value.begin() + at);
        std::copy(row.outputBound.begin(), row.outputBound.end(),
                  merged.error.begin() + at);
        if (weights) {
          weights->value.insert(weights->value.end(), row.weights.begin(),
                                row.weights.end());
          weights->error.insert(weights->error.end(), row.weightsBound.begin(),
                                row.weightsBound.end());
        }
      }
    }
  }
  return merged;
}

BlockResult attn::reference::attendBlock(const Block &block, bool wantWeights) {
  Problem attention = block.attention;
  Shape &shape = attention.shape;
  shape = {block.batch,
           block.queryHeads,
           block.keyHeads,
           block.queries,
           block.keys,
           block.query.out / block.queryHeads,
           block.value.out / block.keyHeads};
  const Operands made = makeOperands(block, shape, attention.precision);
  viewHeads(made.q, shape.queryHeads, shape.queries, shape.headDim,
            attention.query, attention.queryError);
  viewHeads(made.k, shape.keyHeads, shape.keys, shape.headDim, attention.key,
            attention.keyError);
  viewHeads(made.v, shape.keyHeads, shape.keys, shape.valueDim, attention.value,
            attention.valueError);

  BlockResult result;
  result.heads =
      attendHeads(attention, wantWeights ? &result.weights : nullptr);
  result.output = project(result.heads, shape.batch * shape.queries,
                          block.output, attention.precision);
  return result;
}
