// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk.hpp>
#include <lcsm/kernel/product.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// Matrix products within a chunk, for every mixer whose coefficients factor into a key side and a channel side. Instantiated per structure
// class and type. With q, k, v the planes of a chunk (turned into one frame), row j and earlier row l:
//
//     y_j = w_j,-1 (q_j . D_j) M + sum_{l <= j} w_jl (sum_a q_j[a] k_l[a] prod_{i = l+1..j} d_i[a]) v_l
//     M'  = w_C,-1 D_C M + sum_l k_l (D_C / D_l) w_Cl v_l
//
// d: decay per key; w: weights of the channel side (decay per head or per value channel, running maxima). Sub-blocks of 16 rows bring every
// decay of the key side to the start or the end of a sub-block, from the write onward: no factor exceeds 1 that the decays don't.
template <class T, OuterClass X> class OuterKernel {
 public:
  static constexpr Index sub = 16;
  static constexpr int KP = X.key_complex ? 2 : 1, VP = X.value_complex ? 2 : 1, MP = X.memory_complex() ? 2 : 1;
  static constexpr bool channel_weights = X.per_channel();

  // A chunk brought to its ends: what other chunks and the memory see of it.
  struct Ends {
    T* reads[2] = {};             // q, decayed from the chunk's start
    T* writes[2] = {};            // k, decayed to the chunk's end
    T* inputs[2] = {};            // v, weighted to the chunk's end
    T* key_total = nullptr;       // the chunk's whole decay per key
    T* row_weight = nullptr;      // what a row makes of what was before the chunk: one per row, or a row of value channels
    T* total = nullptr;           // the chunk's weight for what was before it: one number, or a row of value channels
    T* scale = nullptr;           // RunningMax: log scale of each row, and in row `tokens` of the chunk's end, relative to the scale before it
  };

  static Ends make_ends(Arena& arena, const ChunkPlanes<T>& p, Index tokens) {
    Ends e;
    for (int part = 0; part < KP; ++part) e.reads[part] = arena.take<T>(tokens * p.key_pitch), e.writes[part] = arena.take<T>(tokens * p.key_pitch);
    for (int part = 0; part < VP; ++part) e.inputs[part] = arena.take<T>(tokens * p.column_pitch);
    e.key_total = arena.take<T>(p.key_pitch);
    e.row_weight = arena.take<T>(tokens * (channel_weights ? p.value_pitch : 1)), e.total = arena.take<T>(channel_weights ? p.value_pitch : 1);
    e.scale = arena.take<T>(X.scaled ? (tokens + 1) * (X.channel_scale ? p.value_pitch : 1) : 0);
    return e;
  }

  OuterKernel(Arena& arena, const ChunkPlanes<T>& p, Index tokens)
      : pitch_(round_up(tokens, simd::width<Batch<T>>)), transposed_(arena.take<T>(p.key_pitch * pitch_)), weights_(arena.take<T>((tokens + 1) * (tokens + 2))),
        row_(arena.take<T>(p.key_pitch)), prefix_(arena.take<T>(tokens * p.key_pitch)) {
    for (int part = 0; part < KP; ++part) scores_[part] = arena.take<T>(tokens * pitch_);
  }

  // Inside the chunk: y (tokens x columns, VP or MP planes) is written, the ends too. p_start: the running maximum before the chunk, one number or
  // one per value channel (logs of the chunk are taken relative to it).
  void inside(const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const y[2]) {
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(y[part], C * p.column_pitch, T(0));
    key_ends(p, e);
    for (int part = 0; part < KP; ++part) score(p, e, part);
    if constexpr (channel_weights) channel_rows(p, p_start, e, y);
    else {
      head_rows(p, p_start, e);
      for (Index j = 0; j < C; ++j)
        for (int part = 0; part < KP; ++part) {
          T* row = scores_[part] + j * pitch_;
          const T* w = weights_ + j * (C + 1) + 1;
          for (Index l = 0; l <= j; ++l) row[l] *= w[l];
        }
      apply(scores_, p.v, p.column_pitch, C, y);
    }
  }

  // (reads . memory) weighted onto y; reads: C x keys, memory planes keys x columns.
  void from_memory(const ChunkPlanes<T>& p, T* const reads[2], T* const memory[2], Index memory_pitch, const T* row_weight, T* scratch[2], T* const y[2]) const {
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(scratch[part], C * p.column_pitch, T(0));
    const auto add = [&](int q, int m, int out, T sign) {
      if (y[out]) multiply_add(reads[q], p.key_pitch, Index(1), memory[m], memory_pitch, scratch[out], p.column_pitch, C, p.column_pitch, p.keys, sign);
    };
    add(0, 0, 0, T(1));
    if constexpr (MP == 2) {
      add(0, 1, 1, T(1));
      if constexpr (KP == 2) add(1, 1, 0, T(-1)), add(1, 0, 1, T(1));
    }
    for (int part = 0; part < MP; ++part) if (y[part]) add_rows(p, row_weight, scratch[part], y[part]);
  }
  // (reads . writes^T) inputs of an earlier chunk weighted onto y: surrogate attention between two chunks.
  void from_chunk(const ChunkPlanes<T>& p, T* const reads[2], const Ends& earlier, Index count, const T* row_weight, T* scratch[2], T* const y[2]) {
    cross_scores(p, reads, earlier, count);
    const Index C = p.tokens;
    for (int part = 0; part < MP; ++part) if (y[part]) std::fill_n(scratch[part], C * p.column_pitch, T(0));
    const auto add = [&](int a, int v, int out, T sign) {
      if (y[out]) multiply_add(scores_[a], pitch_, Index(1), earlier.inputs[v], p.column_pitch, scratch[out], p.column_pitch, C, p.column_pitch, count, sign);
    };
    planes(add);
    for (int part = 0; part < MP; ++part) if (y[part]) add_rows(p, row_weight, scratch[part], y[part]);
  }
  // The scores alone, C x count, in scores().
  void cross_scores(const ChunkPlanes<T>& p, T* const reads[2], const Ends& earlier, Index count) {
    for (int part = 0; part < KP; ++part) std::fill_n(scores_[part], p.tokens * pitch_, T(0));
    for (int w = 0; w < KP; ++w) {
      transpose(earlier.writes[w], p.key_pitch, count, p.keys);
      multiply_add(reads[0], p.key_pitch, Index(1), transposed_, pitch_, scores_[w], pitch_, p.tokens, round_up(count, simd::width<Batch<T>>), p.keys);
      if constexpr (KP == 2)
        multiply_add(reads[1], p.key_pitch, Index(1), transposed_, pitch_, scores_[1 - w], pitch_, p.tokens, round_up(count, simd::width<Batch<T>>), p.keys, w == 1 ? T(-1) : T(1));
    }
  }
  const T* scores(int part) const { return scores_[part]; }
  // The weight of each write of the chunk at its end (one for all channels).
  const T* end_weights(const ChunkPlanes<T>& p) const { return weights_ + p.tokens * (p.tokens + 1) + 1; }
  Index score_pitch() const { return pitch_; }

  // writes^T inputs: what the chunk adds to the memory; delta planes are overwritten.
  void to_memory(const ChunkPlanes<T>& p, const Ends& e, T* const delta[2]) const {
    for (int part = 0; part < MP; ++part) std::fill_n(delta[part], p.keys * p.column_pitch, T(0));
    planes([&](int k, int v, int out, T sign) {
      multiply_add(e.writes[k], Index(1), p.key_pitch, e.inputs[v], p.column_pitch, delta[out], p.column_pitch, p.keys, p.column_pitch, p.tokens, sign);
    });
  }

 private:
  // The products of the key side's and the channel side's planes.
  template <class Add> static void planes(Add&& add) {
    add(0, 0, 0, T(1));
    if constexpr (KP == 2 && VP == 2) add(1, 1, 0, T(-1)), add(0, 1, 1, T(1)), add(1, 0, 1, T(1));
    else if constexpr (KP == 2) add(1, 0, 1, T(1));
    else if constexpr (VP == 2) add(0, 1, 1, T(1));
  }
  static void apply(T* const scores[2], T* const v[2], Index pitch, Index C, T* const y[2], Index score_pitch) {
    planes([&](int a, int b, int out, T sign) {
      if (y[out]) multiply_add_causal(scores[a], score_pitch, v[b], pitch, y[out], pitch, C, pitch, sign);
    });
  }
  void apply(T* const scores[2], T* const v[2], Index pitch, Index C, T* const y[2]) const { apply(scores, v, pitch, C, y, pitch_); }

  // Reads decayed from the chunk's start, writes to its end, sub-block by sub-block.
  void key_ends(const ChunkPlanes<T>& p, Ends& e) {
    const Index C = p.tokens, K = p.key_pitch;
    for (int part = 0; part < KP; ++part) std::copy_n(p.q[part], C * K, e.reads[part]), std::copy_n(p.k[part], C * K, e.writes[part]);
    std::fill_n(e.key_total, K, T(1));
    if constexpr (!X.key_decay) return;
    for_lanes<T>(K, [&]<class V>(std::type_identity<V>, Index a) {
      V before = map::constant<V>(1);
      for (Index j = 0; j < C; ++j) {
        const V through = before * simd::load<V>(p.key_decay + j * K + a), seen = X.early ? before : through;
        for (int part = 0; part < KP; ++part) simd::store(e.reads[part] + j * K + a, simd::load<V>(p.q[part] + j * K + a) * seen);
        before = through;
      }
      simd::store(e.key_total + a, before);
      V after = map::constant<V>(1);
      for (Index j = C - 1; j >= 0; --j) {
        for (int part = 0; part < KP; ++part) simd::store(e.writes[part] + j * K + a, simd::load<V>(p.k[part] + j * K + a) * after);
        after = after * simd::load<V>(p.key_decay + j * K + a);
      }
    });
  }

  // scores_[part]: the key side's products with all decays, rows j, columns l <= j.
  void score(const ChunkPlanes<T>& p, const Ends&, int part) {
    const Index C = p.tokens;
    std::fill_n(scores_[part], C * pitch_, T(0));
    // Re: q0 k0 - q1 k1; Im: q0 k1 + q1 k0
    const auto pair = [&](int q, int k, T sign) {
      if constexpr (X.key_decay) decayed_scores(p, p.q[q], p.k[k], X.bonus ? p.own[k] : nullptr, scores_[part], sign);
      else plain_scores(p, p.q[q], p.k[k], scores_[part], sign);
    };
    if (part == 0) {
      pair(0, 0, T(1));
      if constexpr (KP == 2) pair(1, 1, T(-1));
    } else if constexpr (KP == 2) pair(0, 1, T(1)), pair(1, 0, T(1));
    if constexpr (X.early && !X.key_decay)                  // an early read does not see its own write, but for the bonus
      for (Index j = 0; j < C; ++j) {
        T& own = scores_[part][j * pitch_ + j];
        own = T(0);
        const auto add = [&](int q, int k, T sign) { if (X.bonus) own += sign * dot(p.q[q] + j * p.key_pitch, p.own[k] + j * p.key_pitch, p.key_pitch); };
        if (part == 0) {
          add(0, 0, T(1));
          if constexpr (KP == 2) add(1, 1, T(-1));
        } else if constexpr (KP == 2) add(0, 1, T(1)), add(1, 0, T(1));
      }
  }
  void plain_scores(const ChunkPlanes<T>& p, const T* q, const T* k, T* out, T sign) {
    const Index C = p.tokens;
    transpose(k, p.key_pitch, C, p.keys);
    for (Index r = 0; r < C; r += sub) {                    // columns beyond the diagonal block are not needed
      const Index rows = (std::min)(sub, C - r);
      multiply_add(q + r * p.key_pitch, p.key_pitch, Index(1), transposed_, pitch_, out + r * pitch_, pitch_, rows, round_up(r + rows, simd::width<Batch<T>>), p.keys, sign);
    }
  }
  void decayed_scores(const ChunkPlanes<T>& p, const T* q, const T* k, const T* own, T* out, T sign) {
    const Index C = p.tokens, K = p.key_pitch;
    for (Index r0 = 0; r0 < C; r0 += sub) {
      const Index r1 = (std::min)(r0 + sub, C);
      // Diagonal sub-block: from the row back to each write.
      for (Index j = r0; j < r1; ++j) {
        T* w = row_;
        std::copy_n(q + j * K, K, w);
        Index l = j;
        if constexpr (X.early) {
          if (X.bonus) out[j * pitch_ + j] += sign * dot(w, own + j * K, K);
          --l;
        }
        for (; l >= r0; --l) {
          if (!(X.early && l == j - 1) && l < j) times(w, p.key_decay + (l + 1) * K, K);
          out[j * pitch_ + l] += sign * dot(w, k + l * K, K);
        }
      }
      if (r0 == 0) continue;
      // Rows decayed from the start of their sub-block; then block after block, back to the chunk's start.
      for_lanes<T>(K, [&]<class V>(std::type_identity<V>, Index a) {
        V before = map::constant<V>(1);
        for (Index j = r0; j < r1; ++j) {
          const V through = before * simd::load<V>(p.key_decay + j * K + a);
          simd::store(prefix_ + (j - r0) * K + a, simd::load<V>(q + j * K + a) * (X.early ? before : through));
          before = through;
        }
      });
      for (Index c0 = r0 - sub; c0 >= 0; c0 -= sub) {
        // Writes decayed to the end of their sub-block, transposed.
        T* w = row_;
        std::fill_n(w, K, T(1));
        for (Index l = c0 + sub - 1; l >= c0; --l) {
          for (Index a = 0; a < p.keys; ++a) transposed_[a * pitch_ + (l - c0)] = k[l * K + a] * w[a];
          times(w, p.key_decay + l * K, K);
        }
        multiply_add(prefix_, K, Index(1), transposed_, pitch_, out + r0 * pitch_ + c0, pitch_, r1 - r0, sub, p.keys, sign);
        for (Index j = 0; j < r1 - r0; ++j) times(prefix_ + j * K, w, K);
      }
    }
  }
  static T dot(const T* x, const T* y, Index n) {           // n is a multiple of the width
    using V = Batch<T>;
    V sum = map::constant<V>(0);
    for (Index a = 0; a < n; a += simd::width<V>) sum = simd::fma(simd::load<V>(x + a), simd::load<V>(y + a), sum);
    return simd::sum(sum);
  }
  static void times(T* x, const T* y, Index n) {
    using V = Batch<T>;
    for (Index a = 0; a < n; a += simd::width<V>) simd::store(x + a, simd::load<V>(x + a) * simd::load<V>(y + a));
  }
  void transpose(const T* k, Index pitch, Index rows, Index keys) {
    const Index padded = round_up(rows, simd::width<Batch<T>>);
    for (Index a = 0; a < keys; ++a) {
      for (Index l = 0; l < rows; ++l) transposed_[a * pitch_ + l] = k[l * pitch + a];
      for (Index l = rows; l < padded; ++l) transposed_[a * pitch_ + l] = T(0);
    }
  }

  // One weight for all channels: weights_[j][l + 1] for l = -1 (what was before) and every write l <= j.
  void head_rows(const ChunkPlanes<T>& p, const double* p_start, Ends& e) {
    const Index C = p.tokens, pitch = C + 1;
    T* last = weights_ + C * pitch;                         // the weights at the chunk's end
    if constexpr (!X.scaled) {
      last[0] = T(1);
      for (Index j = 0; j < C; ++j) {
        T* row = weights_ + j * pitch;
        if constexpr (X.early) std::copy_n(last, j + 1, row), row[j + 1] = T(1);
        for (Index l = 0; l <= j; ++l) last[l] *= p.one_decay[j];
        last[j + 1] = T(1);
        if constexpr (!X.early) std::copy_n(last, j + 2, row);
      }
    } else {
      const double start = base(p_start[0]);
      T* logs = last;
      logs[0] = relative(p_start[0] - start);
      for (Index j = 0; j < C; ++j) {
        T* row = weights_ + j * pitch;
        const T write = relative(double(p.one_write[j]) - start);
        if constexpr (X.early) {
          std::copy_n(logs, j + 1, row);
          row[j + 1] = X.bonus ? write + p.one_own[j] : -std::numeric_limits<T>::infinity();
          e.scale[j] = exponentials(row, j + 2);
        }
        for (Index l = 0; l <= j; ++l) logs[l] += p.one_log[j];
        logs[j + 1] = write;
        if constexpr (!X.early) {
          std::copy_n(logs, j + 2, row);
          e.scale[j] = exponentials(row, j + 2);
        }
      }
      e.scale[C] = exponentials(logs, C + 1);
    }
    for (Index j = 0; j < C; ++j) e.row_weight[j] = weights_[j * pitch];
    e.total[0] = last[0];
    for (Index l = 0; l < C; ++l)
      for (int part = 0; part < VP; ++part) scale_row(p.v[part] + l * p.column_pitch, last[l + 1], e.inputs[part] + l * p.column_pitch, p.column_pitch);
  }
  // The logs of a chunk are taken relative to the scale before it, so that they stay small; an empty memory has no scale.
 public:
  static double base(double p_start) { return p_start > -1e30 ? p_start : 0; }

 private:
  static T relative(double x) { return static_cast<T>(std::max(x, FromNothing::value)); }
  // row <- exp(row - top); returns top.
  static T exponentials(T* row, Index n) {
    T top = static_cast<T>(FromNothing::value);
    for (Index l = 0; l < n; ++l) top = row[l] > top ? row[l] : top;
    for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index l) { simd::store(row + l, math::exp(simd::load<V>(row + l) - V(top))); });
    return top;
  }
  static void scale_row(const T* from, T by, T* to, Index n) {
    using V = Batch<T>;
    const V x(by);
    for (Index c = 0; c < n; c += simd::width<V>) simd::store(to + c, simd::load<V>(from + c) * x);
  }

  // y += weight of the row (or of its channels) times what came from outside the chunk.
  void add_rows(const ChunkPlanes<T>& p, const T* row_weight, const T* from, T* y) const {
    for (Index j = 0; j < p.tokens; ++j) {
      const T* x = from + j * p.column_pitch;
      T* to = y + j * p.column_pitch;
      if constexpr (!channel_weights) {
        const T w = row_weight[j];
        for_lanes<T>(p.column_pitch, [&]<class V>(std::type_identity<V>, Index c) { simd::store(to + c, simd::fma(simd::load<V>(x + c), V(w), simd::load<V>(to + c))); });
      } else {
        const T* w = row_weight + j * p.value_pitch;
        for (Index c = 0; c < p.columns; ++c) to[c] = simd::fma(x[c], w[c < p.values ? c : X.ones == 2 ? c - p.values : 0], to[c]);
      }
    }
  }

  // Weights that differ by channel: C x C x D work, lanes are channels, running from the row back to each write.
  void channel_rows(const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const y[2]) {
    const Index C = p.tokens;
    for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
      V before = start_of<V>(p_start, c);                    // product, or sum of logs, of the decays so far
      for (Index j = 0; j < C; ++j) {
        const V through = X.scaled ? before + decay_of<V>(p, j, c) : before * decay_of<V>(p, j, c);
        one_row<V>(p, p_start, e, y, j, c, X.early ? before : through);
        before = through;
      }
      // The chunk's end.
      V top = map::constant<V>(0), after = map::constant<V>(X.scaled ? 0 : 1);
      if constexpr (X.scaled) {
        top = before;
        for (Index l = C - 1; l >= 0; --l) top = (simd::max)(top, after + write_of<V>(p, p_start, l, c)), after = after + decay_of<V>(p, l, c);
        top = (simd::max)(top, map::constant<V>(FromNothing::value));
        put_scale(p, e, C, c, top);
        after = map::constant<V>(0);
      }
      for (Index l = C - 1; l >= 0; --l) {
        const V w = X.scaled ? math::exp(after + write_of<V>(p, p_start, l, c) - top) : after;
        for (int part = 0; part < VP; ++part)
          for (Index column = c; column < p.columns; column += X.ones == 2 ? p.values : p.columns)
            simd::store(e.inputs[part] + l * p.column_pitch + column, simd::load<V>(p.v[part] + l * p.column_pitch + column) * w);
        after = X.scaled ? after + decay_of<V>(p, l, c) : after * decay_of<V>(p, l, c);
      }
      simd::store(e.total + c, X.scaled ? math::exp(before - top) : before);
    });
    for (int part = 0; part < VP; ++part)
      for (Index l = 0; l < C; ++l)
        for (Index c = p.columns; c < p.column_pitch; ++c) e.inputs[part][l * p.column_pitch + c] = T(0);
  }
  template <class V> LCSM_INLINE static void put_scale(const ChunkPlanes<T>& p, Ends& e, Index j, Index c, V top) {
    if constexpr (X.channel_scale) simd::store(e.scale + j * p.value_pitch + c, top);
    else e.scale[j] = simd::max_lane(top);                  // the same in all lanes
  }
  template <class V> LCSM_INLINE static V start_of(const double* p_start, Index c) {
    if constexpr (!X.scaled) return map::constant<V>(1);
    else {
      alignas(64) T lanes[simd::width<V>];
      for (Index n = 0; n < simd::width<V>; ++n) {
        const double p = p_start[X.channel_scale ? c + n : 0];
        lanes[n] = relative(p - base(p));
      }
      return simd::load<V>(lanes);
    }
  }
  template <class V> LCSM_INLINE static V decay_of(const ChunkPlanes<T>& p, Index j, Index c) {
    if constexpr (X.scaled) return X.channel_scale ? simd::load<V>(p.value_log + j * p.value_pitch + c) : V(p.one_log[j]);
    else {
      V w(p.one_decay[j]);
      if constexpr (X.value_decay) w = w * simd::load<V>(p.value_decay + j * p.value_pitch + c);
      return w;
    }
  }
  template <class V> LCSM_INLINE static V write_of(const ChunkPlanes<T>& p, const double* p_start, Index l, Index c) {
    if constexpr (!X.scaled) return map::constant<V>(0);
    else if constexpr (!X.channel_scale) return V(relative(double(p.one_write[l]) - base(p_start[0])));
    else {
      alignas(64) T lanes[simd::width<V>];
      for (Index n = 0; n < simd::width<V>; ++n) lanes[n] = relative(double(p.value_write[l * p.value_pitch + c + n]) - base(p_start[c + n]));
      return simd::load<V>(lanes);
    }
  }
  template <class V> LCSM_INLINE static V own_of(const ChunkPlanes<T>& p, Index j, Index c) {
    if constexpr (!X.scaled) return map::constant<V>(0);
    else return X.channel_scale ? simd::load<V>(p.value_own + j * p.value_pitch + c) : V(p.one_own[j]);
  }
  template <class V> void one_row(const ChunkPlanes<T>& p, const double* p_start, Ends& e, T* const y[2], Index j, Index c, V before) {
    V top = map::constant<V>(0);
    const Index newest = X.early ? j - 1 : j;
    if constexpr (X.scaled) {
      top = before;
      V after = map::constant<V>(0);
      for (Index l = newest; l >= 0; --l) top = (simd::max)(top, after + write_of<V>(p, p_start, l, c)), after = after + decay_of<V>(p, l, c);
      if constexpr (X.bonus) top = (simd::max)(top, write_of<V>(p, p_start, j, c) + own_of<V>(p, j, c));
      top = (simd::max)(top, map::constant<V>(FromNothing::value));
      put_scale(p, e, j, c, top);
    }
    simd::store(e.row_weight + j * p.value_pitch + c, X.scaled ? math::exp(before - top) : before);
    for (Index column = c; column < p.columns; column += X.ones == 2 ? p.values : p.columns) {
      V sum[2] = {map::constant<V>(0), map::constant<V>(0)}, after = map::constant<V>(X.scaled ? 0 : 1);
      const auto add = [&](Index l, V w) {
        const V v0 = simd::load<V>(p.v[0] + l * p.column_pitch + column) * w, a0(scores_[0][j * pitch_ + l]);
        sum[0] = simd::fma(a0, v0, sum[0]);
        if constexpr (MP == 2) {
          const V a1(KP == 2 ? scores_[KP - 1][j * pitch_ + l] : T(0)), v1 = VP == 2 ? simd::load<V>(p.v[VP - 1] + l * p.column_pitch + column) * w : map::constant<V>(0);
          if constexpr (VP == 2) sum[1] = simd::fma(a0, v1, sum[1]);
          if constexpr (KP == 2) sum[1] = simd::fma(a1, v0, sum[1]);
          if constexpr (KP == 2 && VP == 2) sum[0] = simd::fma(-a1, v1, sum[0]);
        }
      };
      if constexpr (X.bonus) {
        V w = X.scaled ? math::exp(write_of<V>(p, p_start, j, c) + own_of<V>(p, j, c) - top) : map::constant<V>(1);
        if constexpr (X.channel_bonus) w = w * simd::load<V>(p.own_value + j * p.value_pitch + c);
        add(j, w);
      }
      for (Index l = newest; l >= 0; --l) {
        add(l, X.scaled ? math::exp(after + write_of<V>(p, p_start, l, c) - top) : after);
        after = X.scaled ? after + decay_of<V>(p, l, c) : after * decay_of<V>(p, l, c);
      }
      for (int part = 0; part < MP; ++part) if (y[part]) simd::store(y[part] + j * p.column_pitch + column, sum[part]);
    }
  }

  Index pitch_;
  T *transposed_, *weights_, *row_, *prefix_;
  T* scores_[2] = {};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
