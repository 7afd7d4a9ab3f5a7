// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/cotangents.hpp>
#include <lcsm/kernel/diagonal.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of the recurrence, one token of one head: time walked backwards with the conjugate decay. Lanes are value channels. Derived as
// naive::reference_token_vjp is, which says the same in plain loops; what channels share (denominators, scales, means) is summed over them here.
template <class M, class T> class DiagonalVjp {
  using Shape = StateShape<M>;
  static constexpr bool scaled = M::stabiliser::scaled, mean = M::normaliser::mean, quotient = M::normaliser::quotient, weighs = scaled || mean;
  static constexpr bool early = M::readout::previous, bonus = M::readout::bonus, late = Tiles<M, T>::O::coupling_order == Order::after_decay;
  static constexpr bool shared_z = quotient && !Shape::z_per_channel, own_scale = scaled && M::scale_per_channel;
  template <class V> using Field = field_t<M::complex, V>;

 public:
  DiagonalVjp(Arena& arena, const Extent& n)
      : n_re_(arena.take<T>(n.values)), n_im_(arena.take<T>(M::complex ? n.values : 0)), d_(arena.take<T>(quotient ? n.values : 0)), scale_(arena.take<T>(own_scale ? n.values : 0)),
        at_(arena.take<T>(own_scale ? n.values : 0)), z_read_(arena.take<T>(shared_z || mean ? n.keys : 0)), z_read_im_(arena.take<T>(shared_z && Shape::z_imag ? n.keys : 0)) {}

  // One token: of the tile, with the memory on both sides of it, and the cotangents of the memory.
  struct Token {
    const Tiles<M, T>& tile;
    Cotangents<M, T>& to;
    Index j;
    const Memory<M, T>&before, &after, &bar;
  };
  // bar: the cotangents of the memory after it, then of that before it. With Pulls
  // the cotangents of the coefficients go to `to`; without, only the memory's are carried.
  template <bool Pulls, class Row> void token(const Token& t, const Row& y_bar) {
    const Index D = t.before.values;
    if constexpr (shared_z || mean) std::fill_n(z_read_, t.before.keys, T(0));
    if constexpr (shared_z && Shape::z_imag) std::fill_n(z_read_im_, t.before.keys, T(0));
    head_scale_bar_ = T(0);
    if constexpr (scaled && !own_scale) head_at_ = read_scale<T>(t, 0);
    for_lanes<T>(D, [&]<class V>(std::type_identity<V>, Index c) { read<Pulls, V>(t, c, y_bar); });
    for_lanes<T>(D, [&]<class V>(std::type_identity<V>, Index c) {
      const auto i = t.tile.template input<V>(t.j, c);
      const Field<V> n_bar = load_n<V>(c);
      Field<V> i_bar = channel<Pulls, V>(t, c, n_bar, i);
      if constexpr (quotient && Shape::z_per_channel) denominators<Pulls, V>(t, c, simd::load<V>(d_ + c));
      if constexpr (bonus) i_bar = i_bar + own_write<Pulls, V>(t, c, n_bar, i);
      if constexpr (Pulls) {
        if constexpr (M::skip::present) {
          const V y = y_bar.template output<V>(c).first, x = t.tile.i_re.template load<V>(t.j, 0, c);
          t.to.d.add(t.j, 0, c, y * x), i_bar = i_bar + widen<Field<V>>(y * t.tile.d.template load<V>(t.j, 0, c));
        }
        t.to.template add_input<V>(t.j, c, i_bar);
      }
    });
    if constexpr (shared_z) denominators<Pulls, T>(t, 0, T(0));
    if constexpr (mean) weights<Pulls>(t);
    if constexpr (scaled) {
      if constexpr (own_scale) for_lanes<T>(D, [&]<class V>(std::type_identity<V>, Index c) { scales<Pulls, V>(t, c, simd::load<V>(scale_ + c)); });
      else scales<Pulls, T>(t, 0, head_scale_bar_);
    }
  }

 private:
  template <class V> LCSM_INLINE static V scale_of(const T* p, Index c) {
    if constexpr (own_scale) return simd::load<V>(p + c); else return V(p[0]);
  }
  template <class V> LCSM_INLINE static auto conjugate(V x) { return stage::conjugate<false>(x); }
  template <class V, class X> LCSM_INLINE static Field<V> widened(X x) {
    if constexpr (std::is_same_v<Field<V>, X>) return x; else return Field<V>(x);
  }
  template <class V> LCSM_INLINE Field<V> load_n(Index c) const {
    if constexpr (M::complex) return {simd::load<V>(n_re_ + c), simd::load<V>(n_im_ + c)}; else return simd::load<V>(n_re_ + c);
  }

  // The coefficients, scaled as the memory is.
  template <class V> LCSM_INLINE Field<V> decay(const Token& t, Index a, Index c) const {
    if constexpr (!scaled) return t.tile.o.template value<V>(t.j, a, c) * widened<V>(map::constant<V>(1));
    else return widened<V>(t.tile.o.template times<V, axes::all, false>(math::exp(t.tile.o.template log<V>(t.j, a, c) + scale_of<V>(t.before.p, c) - scale_of<V>(t.after.p, c)), t.j, a, c));
  }
  template <class V> LCSM_INLINE V write_weight(const Token& t, Index a, Index c) const {
    if constexpr (scaled) return math::exp(t.tile.e.template log<V>(t.j, a, c) - scale_of<V>(t.after.p, c)); else return map::constant<V>(1);
  }
  template <class V> LCSM_INLINE auto factor(const Token& t, Index a, Index c) const { return t.tile.e.template times<V, axes::all, !weighs>(map::constant<V>(1), t.j, a, c); }
  // The log scale of what is read: with the own write under a bonus.
  template <class V> LCSM_INLINE V read_scale(const Token& t, Index c) const {
    if constexpr (!early) return scale_of<V>(t.after.p, c);
    else {
      [[maybe_unused]] const V own = t.tile.u.template log<V>(t.j, 0, c);
      V at = scale_of<V>(t.before.p, c);
      if constexpr (bonus) for (Index a = 0; a < t.before.keys; ++a) at = (simd::max)(at, t.tile.e.template log<V>(t.j, a, c) + own);
      return at;
    }
  }
  template <class V> LCSM_INLINE V at_of(Index c) const {
    if constexpr (!scaled) return map::constant<V>(0);
    else if constexpr (own_scale) return simd::load<V>(at_ + c);
    else return V(head_at_);
  }
  template <class V> LCSM_INLINE V kept(const Token& t, Index c) const {
    if constexpr (scaled) return math::exp(scale_of<V>(t.before.p, c) - at_of<V>(c)); else return map::constant<V>(1);
  }
  // Of the own write that a bonus weighs: exp of the logs that are kept apart.
  template <class V> LCSM_INLINE V own_weight(const Token& t, Index a, Index c) const {
    if constexpr (scaled) return math::exp(t.tile.e.template log<V>(t.j, a, c) + t.tile.u.template log<V>(t.j, 0, c) - at_of<V>(c)); else return map::constant<V>(1);
  }
  template <class V> LCSM_INLINE Field<V> own_bonus(const Token& t, Index a, Index c) const {
    if constexpr (!bonus) return {};
    else return widened<V>(t.tile.u.template times<V, axes::all, !weighs>(factor<V>(t, a, c), t.j, a, c)) * own_weight<V>(t, a, c);
  }
  // The memory of the denominators for key a: one row that all channels share, or one number per channel.
  template <class V> LCSM_INLINE Field<V> load_z(const Memory<M, T>& memory, Index a, Index c) const {
    if constexpr (!shared_z) return widened<V>(memory.template load_z<V>(a, c));
    else if constexpr (Shape::z_imag) return {V(memory.z[a]), V(memory.z_imag[a])};
    else return V(memory.z[a]);
  }
  LCSM_INLINE static void store_shared(const Memory<M, T>& memory, Index a, Field<T> x) {
    memory.z[a] = real_part(x);
    if constexpr (Shape::z_imag) memory.z_imag[a] = imag_part(x);
  }

  // From the outputs' cotangents to those of numerator, denominator and scale; and what the read says to Shrink.
  template <bool Pulls, class V, class Row>
  LCSM_INLINE void read(const Token& t, Index c, const Row& y_bar) {
    const auto [y_re, y_im] = y_bar.template output<V>(c);
    const V projected = y_re * map::constant<V>(M::projection::scale);
    Field<V> n_bar;
    if constexpr (M::complex) n_bar = Field<V>(projected, y_im); else n_bar = projected;
    if constexpr (own_scale) simd::store(at_ + c, read_scale<V>(t, c));
    V d_bar = map::constant<V>(0);
    if constexpr (quotient) {
      Field<V> numerator{}, denominator{};
      const auto i = t.tile.template input<V>(t.j, c);
      for (Index a = 0; a < t.before.keys; ++a) {
        const auto s = t.tile.s.template times<V>(map::constant<V>(1), t.j, a, c);
        numerator = numerator + s * memory_read<V>(t, a, c, i), denominator = denominator + s * weight_read<V>(t, a, c);
      }
      const V p = at_of<V>(c), d = real_part(denominator), divisor = M::normaliser::guard::apply(d, p);
      const auto slopes = M::normaliser::guard::slopes(d, p);
      if constexpr (M::complex) n_bar = Field<V>(n_bar.re / divisor, n_bar.im / divisor); else n_bar = n_bar / divisor;
      const V along = real_part(conjugate(numerator) * n_bar);
      d_bar = simd::minus(along / divisor) * slopes.d;
      simd::store(d_ + c, d_bar);
      if constexpr (scaled) {
        const V scale_bar = along * ((d * slopes.d - slopes.p) / divisor - map::constant<V>(1));
        if constexpr (own_scale) simd::store(scale_ + c, scale_bar); else head_scale_bar_ += simd::sum(scale_bar);
      }
    }
    simd::store(n_re_ + c, real_part(n_bar));
    if constexpr (M::complex) simd::store(n_im_ + c, imag_part(n_bar));
    if constexpr (Pulls || shared_z) {
      const auto i = t.tile.template input<V>(t.j, c);
      for (Index a = 0; a < t.before.keys; ++a) {
        Field<V> s_bar = conjugate(memory_read<V>(t, a, c, i)) * n_bar;
        if constexpr (quotient) s_bar = s_bar + conjugate(weight_read<V>(t, a, c)) * d_bar;
        if constexpr (Pulls) t.to.s.template add<V>(t.tile.s, t.j, a, c, s_bar);
        if constexpr (shared_z) {
          const auto s = conjugate(t.tile.s.template times<V>(map::constant<V>(1), t.j, a, c));
          z_read_[a] += simd::sum(real_part(s) * d_bar);
          if constexpr (Shape::z_imag) z_read_im_[a] += simd::sum(imag_part(s) * d_bar);
        }
      }
    }
  }
  template <class V, class X> LCSM_INLINE Field<V> memory_read(const Token& t, Index a, Index c, X i) const {
    if constexpr (!early) return widened<V>(t.after.template load_m<V>(a, c));
    else return widened<V>(t.before.template load_m<V>(a, c)) * kept<V>(t, c) + widened<V>(own_bonus<V>(t, a, c) * i);
  }
  template <class V> LCSM_INLINE Field<V> weight_read(const Token& t, Index a, Index c) const {
    if constexpr (!early) return load_z<V>(t.after, a, c); else return load_z<V>(t.before, a, c) * kept<V>(t, c) + own_bonus<V>(t, a, c);
  }

  // One column of the memory, m <- o m + e x - write (erase . m): the memory's cotangent and those of e, o and the coupling; returns that of x.
  // read(a): what the read of the token adds, after the write (Post) or before the decay.
  template <bool Pulls, class V, class X, class Before, class LoadBar, class StoreBar, class Read, class Decay>
  LCSM_INLINE Field<V> column(const Token& t, Index c, X x, Before&& m0, LoadBar&& bar, StoreBar&& put, Read&& reading, Decay&& decay_at) const {
    Field<V> x_bar{}, erased{}, erased_bar{};
    const auto after_read = [&](Index a) {
      if constexpr (early) return bar(a); else return bar(a) + reading(a);
    };
    if constexpr (M::coupled)
      for (Index a = 0; a < t.before.keys; ++a) {
        const auto& k = t.tile.o.coupling();
        Field<V> m = m0(a);
        if constexpr (late) m = decay_at(a).first * m;
        erased = erased + widened<V>(k.erase.template times<V>(m, t.j, a, c));
        erased_bar = erased_bar - widened<V>(conjugate(k.write.template times<V>(map::constant<V>(1), t.j, a, c)) * after_read(a));
      }
    for (Index a = 0; a < t.before.keys; ++a) {
      const Field<V> m_bar = after_read(a), before = !M::shifts ? m0(a) : a > 0 ? m0(a - 1) : Field<V>{};
      const auto [o, weight] = decay_at(a);
      const auto e = factor<V>(t, a, c);
      x_bar = x_bar + widened<V>(conjugate(e) * m_bar) * weight;
      Field<V> o_bar = conjugate(before) * m_bar, next = conjugate(o) * m_bar;
      [[maybe_unused]] const Field<V> e_bar = widened<V>(conjugate(x) * m_bar);
      if constexpr (early) next = next + reading(a);
      if constexpr (M::coupled) {
        const auto& k = t.tile.o.coupling();
        auto& k_to = t.to.o.coupling();
        const auto erase = conjugate(k.erase.template times<V>(map::constant<V>(1), t.j, a, c));
        const Field<V> along = conjugate(before) * erased_bar;
        if constexpr (late) o_bar = o_bar + erase * along, next = next + widened<V>(erase * (conjugate(o) * erased_bar)); else next = next + widened<V>(erase * erased_bar);
        if constexpr (Pulls) {
          k_to.write.template add<V>(k.write, t.j, a, c, widened<V>(conjugate(erased) * m_bar) * map::constant<V>(-1));
          if constexpr (late) k_to.erase.template add<V>(k.erase, t.j, a, c, conjugate(o) * along); else k_to.erase.template add<V>(k.erase, t.j, a, c, along);
        }
      }
      if constexpr (mean) {                                 // o and e are shares of one sum: a softmax of their logs
        z_read_[a] += simd::sum(weight * (real_part(o) * real_part(before) - abs(real_part(o)) * real_part(e) * real_part(x)) * real_part(m_bar));
        if constexpr (Pulls) t.to.e.template add<V, axes::all, false>(t.tile.e, t.j, a, c, e_bar * weight);
      } else if constexpr (Pulls && scaled) {
        const auto turn = conjugate(o) * o_bar;
        t.to.o.template add_log<V>(t.tile.o, t.j, a, c, real_part(turn)), t.to.o.template add_phase<V>(t.tile.o, t.j, a, c, imag_part(turn));
        t.to.e.template add<V, axes::all, false>(t.tile.e, t.j, a, c, e_bar * weight), t.to.e.template add_log<V>(t.tile.e, t.j, a, c, real_part(conjugate(e) * e_bar) * weight);
      } else if constexpr (Pulls) t.to.o.template add<V>(t.tile.o, t.j, a, c, o_bar), t.to.e.template add<V>(t.tile.e, t.j, a, c, e_bar);
      if constexpr (!M::shifts) put(a, next);
      else {                                                // to the key that it came from, which has been read
        if (a > 0) put(a - 1, next);
        if (a + 1 == t.before.keys) put(a, Field<V>{});
      }
    }
    return x_bar;
  }
  template <bool Pulls, class V, class X>
  LCSM_INLINE Field<V> channel(const Token& t, Index c, Field<V> n_bar, X i) const {
    return column<Pulls, V>(
        t, c, i, [&](Index a) { return widened<V>(t.before.template load_m<V>(a, c)); }, [&](Index a) { return widened<V>(t.bar.template load_m<V>(a, c)); },
        [&](Index a, Field<V> x) { t.bar.store_m(a, c, x); },
        [&](Index a) { return widened<V>(conjugate(t.tile.s.template times<V>(map::constant<V>(1), t.j, a, c)) * n_bar) * (early ? kept<V>(t, c) : map::constant<V>(1)); },
        [&](Index a) { return coefficients<V>(t, a, c); });
  }
  // The decay, and the weight of the write where logs are kept apart.
  template <class V> LCSM_INLINE std::pair<Field<V>, V> coefficients(const Token& t, Index a, Index c) const {
    if constexpr (mean) {
      const auto [share, added] = shares(t, a);
      return {widened<V>(t.tile.o.template times<V, axes::all, false>(V(share), t.j, a, c)), V(added)};
    } else return {decay<V>(t, a, c), write_weight<V>(t, a, c)};
  }
  std::pair<T, T> shares(const Token& t, Index a) const {
    const T old = t.before.z[a] + t.tile.o.template log<T>(t.j, a, 0), log_e = t.tile.e.template log<T>(t.j, a, 0);
    const T top = (std::max)({old, log_e, T(FromNothing::value)}), kept = math::exp(old - top), added = math::exp(log_e - top);
    return {kept / (kept + added), added / (kept + added)};
  }

  // The same recurrence with an input of 1: the denominators, of a channel or of all of them.
  template <bool Pulls, class V>
  LCSM_INLINE void denominators(const Token& t, Index c, V d_bar) const {
    column<Pulls, V>(
        t, c, map::constant<V>(1), [&](Index a) { return load_z<V>(t.before, a, c); }, [&](Index a) { return load_z<V>(t.bar, a, c); },
        [&](Index a, Field<V> x) {
          if constexpr (shared_z) store_shared(t.bar, a, x); else t.bar.store_z(a, c, x);
        },
        [&](Index a) {
          const V scale = early ? kept<V>(t, c) : map::constant<V>(1);
          if constexpr (!shared_z) return widened<V>(conjugate(t.tile.s.template times<V>(map::constant<V>(1), t.j, a, c)) * d_bar) * scale;
          else if constexpr (Shape::z_imag) return Field<V>(z_read_[a], z_read_im_[a]) * scale;
          else return widened<V>(z_read_[a]) * scale;
        },
        [&](Index a) { return coefficients<V>(t, a, c); });
  }
  // The token's own write, as a bonus reads it: returns the cotangent of the input.
  template <bool Pulls, class V, class X>
  LCSM_INLINE Field<V> own_write(const Token& t, Index c, Field<V> n_bar, X i) const {
    Field<V> i_bar{};
    for (Index a = 0; a < t.before.keys; ++a) {
      const auto s = conjugate(t.tile.s.template times<V>(map::constant<V>(1), t.j, a, c)), e = factor<V>(t, a, c), u = t.tile.u.template times<V, axes::all, !weighs>(map::constant<V>(1), t.j, a, c);
      const V weight = own_weight<V>(t, a, c);
      const Field<V> own = own_bonus<V>(t, a, c);
      Field<V> inner = widened<V>(conjugate(i) * n_bar);
      if constexpr (quotient) inner = inner + widened<V>(simd::load<V>(d_ + c));
      const Field<V> bonus_bar = widened<V>(s * inner);
      i_bar = i_bar + widened<V>(conjugate(own) * widened<V>(s * n_bar));
      if constexpr (Pulls) {
        t.to.u.template add<V, axes::all, !weighs>(t.tile.u, t.j, a, c, widened<V>(conjugate(e) * bonus_bar) * weight), t.to.e.template add<V, axes::all, !weighs>(t.tile.e, t.j, a, c, widened<V>(conjugate(u) * bonus_bar) * weight);
        if constexpr (weighs) {
          const V log_bar = real_part(conjugate(own) * bonus_bar);
          t.to.u.template add_log<V>(t.tile.u, t.j, a, c, log_bar), t.to.e.template add_log<V>(t.tile.e, t.j, a, c, log_bar);
        }
      }
    }
    return i_bar;
  }
  // Mean: the log weights of the keys.
  template <bool Pulls> void weights(const Token& t) const {
    for (Index a = 0; a < t.before.keys; ++a) {
      const auto [share, added] = shares(t, a);
      const T old_bar = z_read_[a] + share * t.bar.z[a], new_bar = added * t.bar.z[a] - z_read_[a];
      if constexpr (Pulls) t.to.o.template add_log<T>(t.tile.o, t.j, a, 0, old_bar), t.to.e.template add_log<T>(t.tile.e, t.j, a, 0, new_bar);
      t.bar.z[a] = old_bar;
    }
  }
  // Scales: each is the largest of some logs, and the one that it came from gets its cotangent.
  template <bool Pulls, class V>
  LCSM_INLINE void scales(const Token& t, Index c, V read_bar) const {
    const V zero = map::constant<V>(0), p0 = scale_of<V>(t.before.p, c), p1 = scale_of<V>(t.after.p, c);
    V left = scale_of<V>(t.bar.p, c), p0_bar = zero;
    if constexpr (!early) left = left + read_bar;
    else {
      const V at = at_of<V>(c), own = t.tile.u.template log<V>(t.j, 0, c);
      V rest = read_bar;
      const V kept = simd::select(p0 == at, rest, zero);
      p0_bar = kept, rest = rest - kept;
      for (Index a = 0; a < (bonus ? t.before.keys : 0); ++a) {
        const V taken = simd::select(t.tile.e.template log<V>(t.j, a, c) + own == at, rest, zero);
        if constexpr (Pulls) t.to.e.template add_log<V>(t.tile.e, t.j, a, c, taken), t.to.u.template add_log<V>(t.tile.u, t.j, 0, c, taken);
        rest = rest - taken;
      }
    }
    for (Index a = 0; a < t.before.keys; ++a) {
      const V decayed = simd::select(t.tile.o.template log<V>(t.j, a, c) + p0 == p1, left, zero);
      left = left - decayed, p0_bar = p0_bar + decayed;
      const V written = simd::select(t.tile.e.template log<V>(t.j, a, c) == p1, left, zero);
      left = left - written;
      if constexpr (Pulls) t.to.o.template add_log<V>(t.tile.o, t.j, a, c, decayed), t.to.e.template add_log<V>(t.tile.e, t.j, a, c, written);
    }
    if constexpr (own_scale) simd::store(t.bar.p + c, p0_bar); else t.bar.p[0] = p0_bar;
  }

  T *n_re_, *n_im_, *d_, *scale_, *at_, *z_read_, *z_read_im_;
  T head_scale_bar_ = T(0), head_at_ = T(0);
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
