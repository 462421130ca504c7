//===- attention.h - Attention by hand, the limit of a core -----*- C++ -*-===//
//
// Part of attn-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What generated code is held against: f32, one thread, dense [heads, length,
// size] tensors, 16 lanes with AVX-512, else 8. The lanes hold queries
// (S^T = K Q^T, O^T = V^T P^T), so that K and V are read as scalars from their
// rows and never packed; the accumulators of a score tile begin at minus the
// maximum of the keys before, and a block whose sum says that this maximum was
// too low is done again. Built by benchmarks/attention.py, never installed.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_BENCHMARKS_LIMIT_ATTENTION_H
#define ATTN_BENCHMARKS_LIMIT_ATTENTION_H

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace limit {

#if defined(__AVX512F__)
constexpr int lanes = 16;
#else
constexpr int lanes = 8;
#endif
using Vec = float __attribute__((ext_vector_type(lanes)));
typedef float UnalignedVec __attribute__((ext_vector_type(lanes), aligned(4)));
using IntVec = int __attribute__((ext_vector_type(lanes)));

#define LIMIT_ALWAYS __attribute__((always_inline))
#define LIMIT_INLINE inline LIMIT_ALWAYS
#define LIMIT_UNROLL _Pragma("clang loop unroll(full)")

inline Vec load(const float *from) {
  return *reinterpret_cast<const Vec *>(from);
}
inline void store(float *to, Vec x) { *reinterpret_cast<Vec *>(to) = x; }

/// 2^x for x <= 30, relative error 2e-7; below -126 it stays at 2^-126.
LIMIT_INLINE Vec exp2Of(Vec x) {
  x = __builtin_elementwise_max(x, (Vec)(-126.0f));
  Vec shifted = x + 12582912.0f; // 1.5 * 2^23: rounds to an integer
  Vec r = x - (shifted - 12582912.0f);
  Vec p = (Vec)(0.001327647198f);
  for (float c : {0.009675541334f, 0.05550713274f, 0.2402211972f, 0.6931469671f,
                  1.000000072f})
    p = __builtin_elementwise_fma(p, r, (Vec)(c));
  return (Vec)((IntVec)p + ((IntVec)shifted << 23));
}

/// Calls f(integral_constant<0>), f(integral_constant<1>), ...
template <class F, int... I>
LIMIT_INLINE void forEach(std::integer_sequence<int, I...>, F &&f) {
  (f(std::integral_constant<int, I>{}), ...);
}

/// Exchanges the off-diagonal blocks of `Step` lanes of two rows.
template <int Step, int... L>
LIMIT_INLINE void exchange(Vec &a, Vec &b, std::integer_sequence<int, L...>) {
  Vec x = a, y = b;
  a = __builtin_shufflevector(x, y, ((L & Step) ? lanes + L - Step : L)...);
  b = __builtin_shufflevector(x, y, ((L & Step) ? lanes + L : L + Step)...);
}

LIMIT_INLINE void transpose(Vec *rows) {
  auto stage = [&](auto step) LIMIT_ALWAYS {
    LIMIT_UNROLL for (int i = 0; i < lanes; ++i) if (!(i & step))
        exchange<step>(rows[i], rows[i + step],
                       std::make_integer_sequence<int, lanes>());
  };
  if constexpr (lanes == 16)
    stage(std::integral_constant<int, 8>());
  stage(std::integral_constant<int, 4>());
  stage(std::integral_constant<int, 2>());
  stage(std::integral_constant<int, 1>());
}

/// Lines of the next head, fetched a few at a time between score tiles.
struct Ahead {
  const char *at[4];
  long left = 0;
  int perTile = 0;
  LIMIT_INLINE void step() {
    if (left <= 0)
      return;
    for (const char *&p : at) {
      for (int i = 0; i < perTile; ++i)
        __builtin_prefetch(p + 64 * i, 0, 2);
      p += 64 * perTile;
    }
    left -= perTile;
  }
};

enum class Want { Weights, Scores };

/// D: head size. NV: vectors of queries in a tile. RK, RV: keys of a score
/// tile, channels of an output tile. BC: keys per block. G: query tiles that
/// walk through the keys together.
template <int D, int NV, int RK, int RV, int BC, int G>
class Attention {
  static constexpr int queries = NV * lanes;
  static constexpr int seed = 16; // keys that give the first maximum

  struct alignas(64) Tile {
    float q[D * queries], o[D * queries];
    Vec start[NV], sum[NV]; // minus the maximum so far
    long keys, full, first; // keys seen by all queries; number of query 0
    int count;
    bool fresh;
  };
  struct alignas(64) Scratch {
    float p[BC * queries];
    Tile tiles[G];
  };

  /// A tile of R keys: weights (summed into `stat`) or scores (their maxima).
  template <int R, Want want, bool Masked, int J0>
  static LIMIT_INLINE void scoreTile(const float *k, const float *q,
                                     const Vec *start, float *p, Vec *stat,
                                     int ahead) {
    constexpr int width = NV - J0;
    Vec acc[R][width];
    LIMIT_UNROLL for (int r = 0; r < R; ++r)
        LIMIT_UNROLL for (int j = 0; j < width; ++j) acc[r][j] =
            want == Want::Weights ? start[J0 + j] : (Vec)(0.0f);
#pragma clang loop unroll(disable)
    for (int d0 = 0; d0 < D; d0 += 16) {
      LIMIT_UNROLL for (int r = 0; r < R; ++r)
          __builtin_prefetch(k + (R + r) * D + d0);
#pragma clang loop unroll_count(4)
      for (int d = d0; d < d0 + 16; ++d) {
        Vec b[width];
        LIMIT_UNROLL for (int j = 0; j < width; ++j) b[j] =
            load(q + d * queries + (J0 + j) * lanes);
        LIMIT_UNROLL for (int r = 0; r < R; ++r)
            LIMIT_UNROLL for (int j = 0; j < width; ++j) acc[r][j] =
                __builtin_elementwise_fma((Vec)(k[r * D + d]), b[j], acc[r][j]);
      }
    }
    IntVec lane;
    for (int i = 0; i < lanes; ++i)
      lane[i] = i;
    LIMIT_UNROLL for (int r = 0; r < R; ++r)
        LIMIT_UNROLL for (int j = 0; j < width; ++j) {
      Vec x = acc[r][j], &s = stat[J0 + j];
      if constexpr (want == Want::Weights)
        x = exp2Of(x);
      if constexpr (Masked)
        x = lane + (J0 + j) * lanes >= ahead + r
                ? x
                : (Vec)(want == Want::Weights ? 0.0f : -INFINITY);
      s = want == Want::Weights ? s + x : __builtin_elementwise_max(s, x);
      store(p + r * queries + (J0 + j) * lanes, x);
    }
  }

  template <Want want, bool Masked, int J0 = 0, int R = RK>
  static __attribute__((noinline)) void scores(const float *k, const Tile &t,
                                               float *p, Vec *into, int count,
                                               int ahead, Ahead &next) {
    Vec stat[NV];
    std::copy_n(into, NV, stat);
    int i = 0;
    for (; i + R <= count; i += R) {
      scoreTile<R, want, Masked, J0>(k + i * D, t.q, t.start, p + i * queries,
                                     stat, ahead + i);
      next.step();
    }
    for (; i < count; ++i)
      scoreTile<1, want, Masked, J0>(k + i * D, t.q, t.start, p + i * queries,
                                     stat, ahead + i);
    std::copy_n(stat, NV, into);
  }

  /// Scores in `p` become weights.
  static void weigh(float *p, int count, const Vec *start, Vec *sum) {
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < NV; ++j) {
        float *at = p + i * queries + j * lanes;
        Vec e = exp2Of(load(at) + start[j]);
        store(at, e);
        sum[j] += e;
      }
  }

  template <bool Fresh>
  static LIMIT_INLINE void outputTile(const float *v, const float *p, float *o,
                                      int full, int diagonal) {
    Vec acc[RV][NV];
    LIMIT_UNROLL for (int r = 0; r < RV; ++r)
        LIMIT_UNROLL for (int j = 0; j < NV; ++j) acc[r][j] =
            Fresh ? (Vec)(0.0f) : load(o + r * queries + j * lanes);
    auto add = [&](int count, auto j0) LIMIT_ALWAYS {
#pragma clang loop unroll_count(4)
      for (int i = 0; i < count; ++i) {
        Vec b[NV];
        LIMIT_UNROLL for (int j = j0; j < NV; ++j) b[j] =
            load(p + i * queries + j * lanes);
        LIMIT_UNROLL for (int r = 0; r < RV; ++r)
            LIMIT_UNROLL for (int j = j0; j < NV; ++j) acc[r][j] =
                __builtin_elementwise_fma((Vec)(v[i * D + r]), b[j], acc[r][j]);
      }
      v += count * D;
      p += count * queries;
    };
    add(full, std::integral_constant<int, 0>());
    if (diagonal > 0)
      forEach(std::make_integer_sequence<int, NV>(), [&](auto j0) LIMIT_ALWAYS {
        add(std::clamp(diagonal - j0 * lanes, 0, lanes), j0);
      });
    LIMIT_UNROLL for (int r = 0; r < RV; ++r)
        LIMIT_UNROLL for (int j = 0; j < NV; ++j)
            store(o + r * queries + j * lanes, acc[r][j]);
  }

  template <bool Fresh>
  static __attribute__((noinline)) void
  outputs(const float *v, const float *p, float *o, int full, int diagonal) {
    for (int d = 0; d < D; d += RV)
      outputTile<Fresh>(v + d, p, o + d * queries, full, diagonal);
  }

  /// The block's sum was too large, or no number: its true maximum, again.
  static __attribute__((noinline)) void redo(Tile &t, float *p, const float *k,
                                             int from, int count, bool diagonal,
                                             int ahead, Vec *sum, Ahead &next) {
    Vec top[NV];
    for (int j = 0; j < NV; ++j)
      top[j] = -t.start[j];
    auto again =
        diagonal ? scores<Want::Scores, true> : scores<Want::Scores, false>;
    again(k + from * D, t, p + from * queries, top, count - from, ahead + from,
          next);
    for (int j = 0; j < NV; ++j) {
      Vec factor = exp2Of(-t.start[j] - top[j]);
      t.sum[j] *= factor;
      auto scale = [&](float *at) { store(at, load(at) * factor); };
      for (int d = 0; d < (t.fresh ? 0 : D); ++d)
        scale(t.o + d * queries + j * lanes);
      for (int i = 0; i < from; ++i)
        scale(p + i * queries + j * lanes);
      t.start[j] = -top[j];
      sum[j] = (Vec)(0.0f);
    }
    weigh(p + from * queries, count - from, t.start, sum);
  }

  /// Keys [key, key + count) for one tile of queries.
  static void block(Tile &t, float *p, const float *k, const float *v, long key,
                    int count, Ahead &next) {
    bool diagonal = key >= t.full;
    int from = 0, ahead = static_cast<int>(key - t.first);
    k += key * D;
    v += key * D;
    if (t.fresh) {
      Vec top[NV];
      std::fill_n(top, NV, (Vec)(-INFINITY));
      from = std::min(count, seed);
      auto first =
          diagonal ? scores<Want::Scores, true> : scores<Want::Scores, false>;
      first(k, t, p, top, from, ahead, next);
      for (int j = 0; j < NV; ++j)
        t.start[j] = -top[j];
      weigh(p, from, t.start, t.sum);
    }
    Vec sum[NV];
    std::fill_n(sum, NV, (Vec)(0.0f));
    if (!diagonal)
      scores<Want::Weights, false>(k + from * D, t, p + from * queries, sum,
                                   count - from, 0, next);
    else
      forEach(std::make_integer_sequence<int, NV>(), [&](auto j0) LIMIT_ALWAYS {
        int begin = std::max<int>(from, j0 * lanes);
        int end = std::min<int>(count, (j0 + 1) * lanes);
        constexpr int left = NV - j0;
        if (begin < end)
          scores<Want::Weights, true, j0, left <= 2 ? 8 : 4>(
              k + begin * D, t, p + begin * queries, sum, end - begin,
              ahead + begin, next);
      });
    bool again = false;
    for (int j = 0; j < NV; ++j)
      again |= __builtin_reduce_or(~(sum[j] <= 16777216.0f)) != 0;
    if (__builtin_expect(again, 0))
      redo(t, p, k, from, count, diagonal, ahead, sum, next);
    for (int j = 0; j < NV; ++j)
      t.sum[j] += sum[j];
    auto add = t.fresh ? outputs<true> : outputs<false>;
    add(v, p, t.o, diagonal ? 0 : count, diagonal ? count : 0);
    t.fresh = false;
  }

  static void begin(Tile &t, const float *q, long first, long queriesInAll,
                    long keysInAll, bool causal) {
    t.first = first;
    t.count = static_cast<int>(std::min<long>(queries, queriesInAll - first));
    t.keys = causal ? std::min(keysInAll, first + t.count) : keysInAll;
    t.full = causal ? std::min(keysInAll, first) : keysInAll;
    t.fresh = true;
    std::fill_n(t.sum, NV, (Vec)(0.0f));
    float scale = 1.4426950408889634f / std::sqrt(static_cast<float>(D));
    for (int j = 0; j < NV; ++j)
      for (int d = 0; d < D; d += lanes) {
        Vec rows[lanes];
        for (int i = 0; i < lanes; ++i) {
          const float *row = q + (first + j * lanes + i) * D + d;
          rows[i] = j * lanes + i < t.count
                        ? scale * *reinterpret_cast<const UnalignedVec *>(row)
                        : (Vec)(0.0f);
        }
        transpose(rows);
        for (int i = 0; i < lanes; ++i)
          store(t.q + (d + i) * queries + j * lanes, rows[i]);
      }
  }

  static void finish(const Tile &t, float *o) {
    for (int j = 0; j < NV; ++j)
      for (int d = 0; d < D; d += lanes) {
        Vec rows[lanes], inverse = 1.0f / t.sum[j];
        for (int i = 0; i < lanes; ++i)
          rows[i] = inverse * load(t.o + (d + i) * queries + j * lanes);
        transpose(rows);
        for (int i = 0; i < lanes && j * lanes + i < t.count; ++i) {
          float *row = o + (t.first + j * lanes + i) * D + d;
          *reinterpret_cast<UnalignedVec *>(row) = rows[i];
        }
      }
  }

public:
  static_assert(D % RV == 0 && D % lanes == 0 && BC >= queries);

  /// `causal`: query i sees the keys up to i.
  static void run(const float *q, const float *k, const float *v, float *o,
                  long heads, long m, long n, bool causal) {
    static Scratch *scratch = static_cast<Scratch *>(
        aligned_alloc(4096, (sizeof(Scratch) + 4095) / 4096 * 4096));
    const long group = G * queries, groups = (m + group - 1) / group;
    const bool fetch = heads * (m + n) * D * 8 > 400000 && n <= 256;
    for (long task = 0; task < heads * groups; ++task) {
      long h = task / groups, first = task % groups * group;
      Ahead next;
      if (fetch && h + 1 < heads) {
        long lines = n * D / 16 / groups, skip = (task % groups) * lines * 16;
        next.at[0] = reinterpret_cast<const char *>(k + (h + 1) * n * D + skip);
        next.at[1] = reinterpret_cast<const char *>(v + (h + 1) * n * D + skip);
        next.at[2] = reinterpret_cast<const char *>(q + (h + 1) * m * D + skip);
        next.at[3] = reinterpret_cast<const char *>(o + (h + 1) * m * D + skip);
        next.left = lines;
        next.perTile = static_cast<int>(lines * RK / (n * G) + 1);
      }
      int count = 0;
      long keys = 0;
      for (; count < G && first + count * queries < m; ++count) {
        Tile &t = scratch->tiles[count];
        begin(t, q + h * m * D, first + count * queries, m, n, causal);
        keys = std::max(keys, t.keys);
      }
      for (long key = 0; key < keys; key += BC)
        for (int g = 0; g < count; ++g) {
          Tile &t = scratch->tiles[g];
          long end = std::min(key + BC, t.keys), at = key;
          for (long stop : {std::min(end, t.full), end})
            if (at < stop) {
              block(t, scratch->p, k + h * n * D, v + h * n * D, at,
                    static_cast<int>(stop - at), next);
              at = stop;
            }
        }
      for (int g = 0; g < count; ++g)
        finish(scratch->tiles[g], o + h * m * D);
    }
  }
};

} // namespace limit

#endif // ATTN_BENCHMARKS_LIMIT_ATTENTION_H
