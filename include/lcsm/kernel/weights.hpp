// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/kernel/chunk.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The channel side of a chunk: the weight of every write in every row, and of what was before the chunk, by the decays of the head or of each
// value channel and by running maxima.
template <class T, OuterClass X> class ChannelWeights {
 public:
  static constexpr int KP = X.key_complex ? 2 : 1, VP = X.value_complex ? 2 : 1, MP = X.memory_complex() ? 2 : 1;

  ChannelWeights(Arena& arena, Index tokens) : weights_(arena.take<T>((tokens + 1) * (tokens + 2))) {}

  // The logs of a chunk are taken relative to the scale before it, so that they stay small; an empty memory has no scale.
  static double base(double p_start) { return p_start > -1e30 ? p_start : 0; }
  // Weights of row j for the writes l = 0 .. j, and those of all writes at the chunk's end (one weight for all channels).
  const T* row(const ChunkPlanes<T>& p, Index j) const { return weights_ + j * (p.tokens + 1) + 1; }
  const T* end(const ChunkPlanes<T>& p) const { return row(p, p.tokens); }

  // One weight for all channels: weights_[j][l + 1] for l = -1 (what was before) and every write l <= j.
  void products(const ChunkPlanes<T>& p) {
    const Index C = p.tokens, pitch = C + 1;
    T* last = weights_ + C * pitch;                         // the weights at the chunk's end
    last[0] = T(1);
    for (Index j = 0; j < C; ++j) {
      T* row = weights_ + j * pitch;
      if constexpr (X.early) std::copy_n(last, j + 1, row), row[j + 1] = T(1);
      for (Index l = 0; l <= j; ++l) last[l] *= p.one_decay[j];
      last[j + 1] = T(1);
      if constexpr (!X.early) std::copy_n(last, j + 2, row);
    }
  }
  // Scores of reads against writes, times their weights.
  void apply(const ChunkPlanes<T>& p, T* scores, Index pitch) const {
    if constexpr (!X.one_decay && !X.scaled && !X.per_channel()) return;
    for (Index j = 0; j < p.tokens; ++j) {
      const T* w = row(p, j);
      for (Index l = 0; l <= j; ++l) scores[j * pitch + l] *= w[l];
    }
  }
  void by_head(const ChunkPlanes<T>& p, const double* p_start, ChunkEnds<T>& e) {
    const Index C = p.tokens, pitch = C + 1;
    T* last = weights_ + C * pitch;
    if constexpr (!X.scaled) products(p);
    else {
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
  // Weights that differ by channel: C x C x D work, lanes are channels, running from the row back to each write.
  void by_channel(const ChunkPlanes<T>& p, const double* p_start, T* const scores[2], Index pitch, ChunkEnds<T>& e, T* const y[2]) {
    const Index C = p.tokens;
    for_lanes<T>(p.values, [&]<class V>(std::type_identity<V>, Index c) {
      V before = start_of<V>(p_start, c);                    // product, or sum of logs, of the decays so far
      for (Index j = 0; j < C; ++j) {
        const V through = X.scaled ? before + decay_of<V>(p, j, c) : before * decay_of<V>(p, j, c);
        one_row<V>(p, p_start, scores, pitch, e, y, j, c, X.early ? before : through);
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

 private:
  static T relative(double x) { return static_cast<T>((std::max)(x, FromNothing::value)); }
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

  template <class V> LCSM_INLINE static void put_scale(const ChunkPlanes<T>& p, ChunkEnds<T>& e, Index j, Index c, V top) {
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
  template <class V> void one_row(const ChunkPlanes<T>& p, const double* p_start, T* const scores[2], Index pitch, ChunkEnds<T>& e, T* const y[2], Index j, Index c, V before) const {
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
        const V v0 = simd::load<V>(p.v[0] + l * p.column_pitch + column) * w, a0(scores[0][j * pitch + l]);
        sum[0] = simd::fma(a0, v0, sum[0]);
        if constexpr (MP == 2) {
          const V a1(KP == 2 ? scores[KP - 1][j * pitch + l] : T(0)), v1 = VP == 2 ? simd::load<V>(p.v[VP - 1] + l * p.column_pitch + column) * w : map::constant<V>(0);
          if constexpr (VP == 2) sum[1] = simd::fma(a0, v1, sum[1]);
          if constexpr (KP == 2) sum[1] = simd::fma(a1, v0, sum[1]);
          if constexpr (KP == 2 && VP == 2) sum[0] = simd::fma(simd::minus(a1), v1, sum[0]);
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

  T* weights_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
