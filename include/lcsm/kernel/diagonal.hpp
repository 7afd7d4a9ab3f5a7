// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/channel_blocks.hpp>
#include <lcsm/call/finish.hpp>
#include <lcsm/kernel/memory.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The recurrence itself, one token of one head: lanes are value channels, keys are walked one by one. The one body behind step, recurrent
// and scan, so they agree to the bit. Instantiated per mixer; every part of the algebra passes through here.
template <class M, class T> class Diagonal {
  using Shape = StateShape<M>;
  static constexpr bool scaled = M::stabiliser::scaled, mean = M::normaliser::mean, quotient = M::normaliser::quotient;
  static constexpr bool early = M::readout::previous, bonus = M::readout::bonus;
  static constexpr bool with_logs = !(scaled || mean);      // whether log planes multiply as they stand
  static constexpr Axes keyed = axes::keyed, channel = axes::channel;
  // The denominator is one number per token unless something in it varies over the value axis.
  static constexpr bool one_denominator = quotient && !overlaps(M::expand::axes | M::oscillation::axes | M::shrink::axes | M::weight::axes, axes::valued);
  static constexpr bool keyed_logs = overlaps(M::log_axes, axes::keyed);

 public:
  Diagonal(Arena& arena, const Extent& n)
      : decay_(arena.take<T>(mean || (scaled && !M::scale_per_channel) ? n.keys : 0)), write_(arena.take<T>(mean || (scaled && !M::scale_per_channel) ? n.keys : 0)),
        z_before_(arena.take<T>(quotient && !Shape::z_per_channel && early ? n.keys : 0)),
        z_before_imag_(arena.take<T>(Shape::z_imag && !Shape::z_per_channel && early ? n.keys : 0)) {}

  // Tokens [0, count) of the tile; out(j) is the row where token j is written.
  template <class Out> void advance(const Tiles<M, T>& tile, Index count, const Memory<M, T>& memory, const Out& out) const {
    const Index D = memory.values;
    if constexpr (channels_apart<M>) {
      const Index block = memory.keys > 1 ? 256 / Index(sizeof(T)) : D;
      for (Index c0 = 0; c0 < D; c0 += block) {
        const Index width = (std::min)(block, D - c0);
        for (Index j = 0; j < count; ++j) {
          const auto y = out(j);
          for_lanes<T>(width, [&]<class V>(std::type_identity<V>, Index c) { channels<V>(tile, j, c0 + c, memory, y, T(1), T(1), T(0), T(0)); });
        }
      }
    } else {
      for (Index j = 0; j < count; ++j) token(tile, j, memory, out(j));
    }
  }

  // Token j alone.
  template <class Y> void advance_one(const Tiles<M, T>& tile, Index j, const Memory<M, T>& memory, const Y& y) const {
    if constexpr (channels_apart<M>)
      for_lanes<T>(memory.values, [&]<class V>(std::type_identity<V>, Index c) { channels<V>(tile, j, c, memory, y, T(1), T(1), T(0), T(0)); });
    else token(tile, j, memory, y);
  }

 private:
  template <class Y> void token(const Tiles<M, T>& tile, Index j, const Memory<M, T>& memory, const Y& y) const {
    T kept(1), bonus_scale(1), p_read(0);
    if constexpr (scaled && !M::scale_per_channel) head_scale(tile, j, memory, kept, bonus_scale, p_read);
    if constexpr (mean) mean_weights(tile, j, memory);
    field_t<M::complex, T> denominator{};
    if constexpr (quotient && !Shape::z_per_channel) denominator = shared_denominator(tile, j, memory, kept, bonus_scale);
    for_lanes<T>(memory.values, [&]<class V>(std::type_identity<V>, Index c) { channels<V>(tile, j, c, memory, y, kept, bonus_scale, p_read, denominator); });
  }

  // RunningMax with one scale for the head: the scaled decay and write of every key.
  void head_scale(const Tiles<M, T>& tile, Index j, const Memory<M, T>& memory, T& kept, T& bonus_scale, T& p_read) const {
    const T p = memory.p[0], own = tile.u.template log<T>(j, 0, 0);
    T next = static_cast<T>(FromNothing::value), at = p;       // the read is scaled as the memory, with a bonus as the larger of it and the own write
    const Index rows = keyed_logs ? memory.keys : 1;
    for (Index a = 0; a < rows; ++a) {
      const T log_e = tile.e.template log<T>(j, a, 0);
      next = larger(next, larger(tile.o.template log<T>(j, a, 0) + p, log_e));
      if constexpr (bonus) at = larger(at, log_e + own);
    }
    for (Index a = 0; a < rows; ++a) decay_[a] = math::exp(tile.o.template log<T>(j, a, 0) + p - next), write_[a] = math::exp(tile.e.template log<T>(j, a, 0) - next);
    if constexpr (early) {
      kept = math::exp(p - at), p_read = at;
      if constexpr (bonus) bonus_scale = math::exp(own + next - at);         // times the scaled write
    } else p_read = next;
    memory.p[0] = next;
  }
  // Mean: the new total weight of every key, and the decay and write of a memory of means as shares of one sum, so that they add up to 1 however
  // large the logs are.
  void mean_weights(const Tiles<M, T>& tile, Index j, const Memory<M, T>& memory) const {
    for (Index a = 0; a < memory.keys; ++a) {
      const T old = memory.z[a] + tile.o.template log<T>(j, a, 0), log_e = tile.e.template log<T>(j, a, 0);
      const T top = larger(larger(old, log_e), T(FromNothing::value)), kept = math::exp(old - top), added = math::exp(log_e - top), sum = kept + added;
      decay_[a] = kept / sum, write_[a] = added / sum, memory.z[a] = top + math::log(sum);
    }
  }
  static T larger(T x, T y) { return x > y ? x : y; }

  // The denominators' memory, one number per key.
  auto shared_denominator(const Tiles<M, T>& tile, Index j, const Memory<M, T>& memory, T kept, T bonus_scale) const {
    using F = field_t<M::complex, T>;
    F sum{};
    [[maybe_unused]] const F taken = erased<T>(tile, j, 0, memory.keys, T(0), [&](Index a) { return load_z(memory, a); });
    for (Index a = 0; a < memory.keys; ++a) {
      const F z = load_z(memory, a), e = write<T>(tile, j, a, 0, T(1), T(0));
      F next = evolve<T>(tile, j, a, 0, z, T(0)) + e;
      if constexpr (M::coupled) next = next - widen_to<F, T>(tile.o.coupling().write.template times<T>(taken, j, a, 0));
      store_z(memory, a, next);
      if constexpr (early) {
        z_before_[a] = real_part(z);
        if constexpr (Shape::z_imag) z_before_imag_[a] = imag_part(z);
      }
      if constexpr (one_denominator) {
        const F read = early ? z * kept + bonus_of<T>(tile, j, a, 0, e, bonus_scale) : next;
        sum = sum + tile.s.template times<T>(read, j, a, 0);
      }
    }
    return sum;
  }
  static auto load_z(const Memory<M, T>& memory, Index a) {
    if constexpr (Shape::z_imag) return Complex<T>(memory.z[a], memory.z_imag[a]); else return memory.z[a];
  }
  template <class F> static void store_z(const Memory<M, T>& memory, Index a, F x) {
    memory.z[a] = real_part(x);
    if constexpr (Shape::z_imag) memory.z_imag[a] = imag_part(x);
  }

  // o m: with the logs as they stand, or as the scaled decays that stabiliser and mean have computed. p_shift: log decay of the lanes.
  template <class V, class F, class P> LCSM_INLINE auto evolve(const Tiles<M, T>& tile, Index j, Index a, Index c, F m, P scale) const {
    using Out = field_t<M::complex, V>;
    const auto turned = tile.o.template times<V, axes::all, with_logs>(m, j, a, c);
    if constexpr (mean || (scaled && !M::scale_per_channel)) return widen_to<Out, V>(turned * V(decay_[keyed_logs || mean ? a : 0]));
    else if constexpr (scaled) return widen_to<Out, V>(turned * V(scale));
    else return widen_to<Out, V>(turned);
  }
  // e x for a weighted input x (or 1).
  template <class V, class X, class P> LCSM_INLINE auto write(const Tiles<M, T>& tile, Index j, Index a, Index c, X x, P scale) const {
    using Out = field_t<M::complex, V>;
    const auto written = tile.e.template times<V, axes::all, with_logs>(x, j, a, c);
    if constexpr (mean || (scaled && !M::scale_per_channel)) return widen_to<Out, V>(written * V(write_[keyed_logs || mean ? a : 0]));
    else if constexpr (scaled) return widen_to<Out, V>(written * V(scale));
    else return widen_to<Out, V>(written);
  }
  // What a coupling takes out of the memory, before or after its decay; memory(a) is its row a.
  template <class V, class P, class Rows> LCSM_INLINE auto erased(const Tiles<M, T>& tile, Index j, Index c, Index keys, P scale, Rows&& memory) const {
    using F = field_t<M::complex, V>;
    F sum{};
    if constexpr (M::coupled)
      for (Index a = 0; a < keys; ++a) {
        F m = memory(a);
        if constexpr (Tiles<M, T>::O::coupling_order == Order::after_decay) m = evolve<V>(tile, j, a, c, m, scale);
        sum = sum + widen_to<F, V>(tile.o.coupling().erase.template times<V>(m, j, a, c));
      }
    return sum;
  }
  template <class V, class F, class P> LCSM_INLINE auto bonus_of(const Tiles<M, T>& tile, Index j, Index a, Index c, F written, P scale) const {
    using Out = field_t<M::complex, V>;
    if constexpr (!bonus) return Out{};
    else {
      const auto x = tile.u.template times<V, axes::all, with_logs>(written, j, a, c);
      if constexpr (scaled) return widen_to<Out, V>(x * V(scale)); else return widen_to<Out, V>(x);
    }
  }
  template <class Out, class V, class X> LCSM_INLINE static Out widen_to(X x) {
    if constexpr (std::is_same_v<Out, X>) return x; else return Out(x);
  }

  template <class V, class Y, class F0>
  LCSM_INLINE void channels(const Tiles<M, T>& tile, Index j, Index c, const Memory<M, T>& memory, const Y& y, T head_kept, T head_bonus, T head_p, F0 head_denominator) const {
    using F = field_t<M::complex, V>;
    constexpr bool reads = !std::is_same_v<Y, Nowhere>, own_scale = scaled && M::scale_per_channel;
    const V zero = map::constant<V>(0);
    V decay = zero, write_scale = zero, kept = V(head_kept), bonus_scale = V(head_bonus), p_read = V(head_p);
    if constexpr (own_scale) {                              // RunningMax per channel
      const V p = simd::load<V>(memory.p + c), own = tile.u.template log<V>(j, 0, c), lowest = map::constant<V>(FromNothing::value);
      V next = lowest, at = p;
      for (Index a = 0; a < (keyed_logs ? memory.keys : 1); ++a) {
        const V log_e = tile.e.template log<V>(j, a, c);
        next = (simd::max)(next, (simd::max)(tile.o.template log<V>(j, a, c) + p, log_e));
        if constexpr (bonus) at = (simd::max)(at, log_e + own);
      }
      if constexpr (!keyed_logs) decay = math::exp(tile.o.template log<V>(j, 0, c) + p - next), write_scale = math::exp(tile.e.template log<V>(j, 0, c) - next);
      kept = early ? math::exp(p - at) : kept, p_read = early ? at : next;
      if constexpr (bonus) bonus_scale = math::exp(own + next - at);
      simd::store(memory.p + c, next);
      if constexpr (keyed_logs) decay = p - next, write_scale = simd::minus(next);      // completed per key below
    }
    const auto x = tile.template input<V>(j, c);
    F numerator{}, denominator{};
    [[maybe_unused]] const F taken = erased<V>(tile, j, c, memory.keys, decay, [&](Index a) { return memory.template load_m<V>(a, c); });
    [[maybe_unused]] F z_taken{};
    if constexpr (quotient && Shape::z_per_channel) z_taken = erased<V>(tile, j, c, memory.keys, decay, [&](Index a) { return memory.template load_z<V>(a, c); });
    for (Index n = 0; n < memory.keys; ++n) {
      const Index a = M::shifts ? memory.keys - 1 - n : n;
      V o_scale = decay, e_scale = write_scale;
      if constexpr (own_scale && keyed_logs) o_scale = math::exp(tile.o.template log<V>(j, a, c) + decay), e_scale = math::exp(tile.e.template log<V>(j, a, c) + write_scale);
      const F m = !M::shifts ? memory.template load_m<V>(a, c) : a > 0 ? memory.template load_m<V>(a - 1, c) : F{};
      F next = next_memory<V>(tile, j, a, c, m, x, o_scale, e_scale);
      if constexpr (M::coupled) next = next - widen_to<F, V>(tile.o.coupling().write.template times<V>(taken, j, a, c));
      memory.store_m(a, c, next);
      if constexpr (reads) {
        F read = next;
        if constexpr (early) read = m * kept + bonus_of<V>(tile, j, a, c, write<V>(tile, j, a, c, x, e_scale), bonus_scale);
        numerator = add_read<V>(tile, j, a, c, read, numerator);
      }
      if constexpr (quotient) {
        if constexpr (Shape::z_per_channel) {
          const F z = memory.template load_z<V>(a, c), e = write<V>(tile, j, a, c, map::constant<V>(1), e_scale);
          F z_next = evolve<V>(tile, j, a, c, z, o_scale) + e;
          if constexpr (M::coupled) z_next = z_next - widen_to<F, V>(tile.o.coupling().write.template times<V>(z_taken, j, a, c));
          memory.store_z(a, c, z_next);
          F read = z_next;
          if constexpr (early) read = z * kept + bonus_of<V>(tile, j, a, c, e, bonus_scale);
          if constexpr (reads) denominator = add_read<V>(tile, j, a, c, read, denominator);
        } else if constexpr (!one_denominator && reads) {
          F read;
          if constexpr (Shape::z_imag) read = F(V(early ? z_before_[a] : memory.z[a]), V(early ? z_before_imag_[a] : memory.z_imag[a])); else read = V(early ? z_before_[a] : memory.z[a]);
          if constexpr (early) read = read * kept + bonus_of<V>(tile, j, a, c, write<V>(tile, j, a, c, map::constant<V>(1), e_scale), bonus_scale);
          denominator = add_read<V>(tile, j, a, c, read, denominator);
        }
      }
    }
    if constexpr (reads) {
      if constexpr (one_denominator) {
        if constexpr (M::complex) denominator = F(V(head_denominator.re), V(head_denominator.im)); else denominator = V(head_denominator);
      }
      finish(tile, j, y, c, numerator, denominator, p_read);
    }
  }

  // o m + e x, the write folded into one fma where its last factor allows it.
  template <class V, class F, class X> LCSM_INLINE auto next_memory(const Tiles<M, T>& tile, Index j, Index a, Index c, F m, X x, V o_scale, V e_scale) const {
    using Out = field_t<M::complex, V>;
    const Out kept = evolve<V>(tile, j, a, c, m, o_scale);
    if constexpr (scaled || mean) return Out(kept + write<V>(tile, j, a, c, x, e_scale));
    else {
      const auto spread = tile.e.template times<V, channel>(x, j, a, c);         // the same for every key: hoisted out of the loop
      const auto weight = tile.e.template times<V, keyed>(map::constant<V>(1), j, a, c);
      return widen_to<Out, V>(multiply_add(weight, spread, kept));
    }
  }
  template <class V, class F> LCSM_INLINE static F add_read(const Tiles<M, T>& tile, Index j, Index a, Index c, F m, F sum) {
    return widen_to<F, V>(multiply_add(tile.s.template times<V>(map::constant<V>(1), j, a, c), m, sum));
  }

  T *decay_, *write_, *z_before_, *z_before_imag_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
