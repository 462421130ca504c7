//===- HeadKinds.cpp - What kind of head is it ----------------------------===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HeadKinds.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace attn;

static constexpr double leastShare = 1.0 / 3.0, leastSpread = 2.0 / 3.0;
static constexpr int64_t near = 2;

/// A mean over some of the rows; 0 over none.
namespace {
struct Mean {
  double sum = 0;
  int64_t rows = 0;

  void add(double value) {
    sum += value;
    ++rows;
  }
  double get() const { return rows ? sum / static_cast<double>(rows) : 0; }
};
} // namespace

/// No head looks above the diagonal, as under a causal mask.
static bool isCausal(const Sentence &s) {
  if (s.queries != s.keys)
    return false;
  for (int64_t h = 0; h < s.heads; ++h)
    for (int64_t m = 0; m < s.queries; ++m)
      for (int64_t n = m + 1; n < s.keys; ++n)
        if (s.row(h, m)[n] != 0)
          return false;
  return true;
}

/// `row(m)` is the weights of query m.
template <typename RowOf>
static HeadMasses massesOf(const Sentence &s, RowOf row) {
  Mean previous, next, local;
  std::vector<double> column(static_cast<size_t>(s.keys), 0.0);
  for (int64_t m = 0; m < s.queries; ++m) {
    const auto weights = row(m);
    if (m >= 1 && m - 1 < s.keys)
      previous.add(weights(m - 1));
    if (m + 1 < s.keys)
      next.add(weights(m + 1));
    double close = 0;
    for (int64_t n = 0; n < s.keys; ++n) {
      column[n] += weights(n);
      if (std::abs(m - n) <= near)
        close += weights(n);
    }
    local.add(close);
  }
  const double most = *std::max_element(column.begin(), column.end());
  return {previous.get(), next.get(), most / static_cast<double>(s.queries),
          local.get()};
}

static HeadNumbers numbersOf(const Sentence &s, int64_t h, bool causal) {
  const auto visible = [&](int64_t m) { return causal ? m + 1 : s.keys; };
  Mean entropy, spread, distance;
  for (int64_t m = 0; m < s.queries; ++m) {
    double bits = 0, away = 0;
    for (int64_t n = 0; n < s.keys; ++n) {
      const double p = s.row(h, m)[n];
      bits -= p > 0 ? p * std::log(p) : 0;
      away += p * static_cast<double>(std::abs(m - n));
    }
    entropy.add(bits);
    distance.add(away);
    if (visible(m) > 1)
      spread.add(bits / std::log(static_cast<double>(visible(m))));
  }
  HeadNumbers numbers;
  numbers.entropy = entropy.get();
  numbers.spread = spread.get();
  numbers.distance = distance.get();
  numbers.own = massesOf(s, [&](int64_t m) {
    return [row = s.row(h, m)](int64_t n) { return row[n]; };
  });
  numbers.equal = massesOf(s, [&](int64_t m) {
    return [count = visible(m)](int64_t n) {
      return n < count ? 1.0 / static_cast<double>(count) : 0.0;
    };
  });
  return numbers;
}

static double HeadNumbers::*const plainNumbers[] = {
    &HeadNumbers::entropy, &HeadNumbers::spread, &HeadNumbers::distance};
static double HeadMasses::*const massNumbers[] = {
    &HeadMasses::previous, &HeadMasses::next, &HeadMasses::sink,
    &HeadMasses::local};

std::vector<HeadNumbers>
attn::headNumbers(const std::vector<Sentence> &sentences) {
  double rows = 0;
  for (const Sentence &s : sentences)
    rows += static_cast<double>(s.queries);
  std::vector<HeadNumbers> mean(
      sentences.empty() ? 0 : static_cast<size_t>(sentences[0].heads));
  for (const Sentence &s : sentences) {
    if (s.queries == 0)
      continue;
    const double share = static_cast<double>(s.queries) / rows;
    const bool causal = isCausal(s);
    for (int64_t h = 0; h < s.heads; ++h) {
      const HeadNumbers own = numbersOf(s, h, causal);
      for (auto number : plainNumbers)
        mean[h].*number += share * (own.*number);
      for (auto number : massNumbers) {
        mean[h].own.*number += share * (own.own.*number);
        mean[h].equal.*number += share * (own.equal.*number);
      }
    }
  }
  return mean;
}

const char *HeadNumbers::kind() const {
  const auto share = [this](double HeadMasses::*number) {
    const double even = equal.*number;
    return even < 1 ? (own.*number - even) / (1 - even) : 0.0;
  };
  if (share(&HeadMasses::previous) >= leastShare)
    return "previous";
  if (share(&HeadMasses::next) >= leastShare)
    return "next";
  const double sink = share(&HeadMasses::sink),
               local = share(&HeadMasses::local);
  if (std::max(sink, local) >= leastShare)
    return sink >= local ? "sink" : "local";
  return spread >= leastSpread ? "broad" : "other";
}
