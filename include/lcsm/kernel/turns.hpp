// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/complex.hpp>
#include <lcsm/simd/math.hpp>
#include <lcsm/stage/arena.hpp>
#include <lcsm/stage/leaf_tile.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The turns of keys, or of value channels, since a chunk's start: angles are added up in double, as their sum grows with the chunk, signs are multiplied;
// what numbers are turned by are units, in T, made once a token. Nothing is there without angles and signs.
template <class T, bool Angles, bool Signs> class Turns {
 public:
  static constexpr bool any = Angles || Signs;

  // keeps_before: what was before a token is asked for.
  Turns(Arena& arena, Index n, bool keeps_before = false)
      : n_(n), angle_(arena.take<double>(Angles ? n : 0)), sign_(arena.take<T>(Signs ? n : 0)), re_(arena.take<T>(any ? n : 0)), im_(arena.take<T>(Angles ? n : 0)),
        before_re_(arena.take<T>(any && keeps_before ? n : 0)), before_im_(arena.take<T>(Angles && keeps_before ? n : 0)), keeps_before_(keeps_before) {}

  void start() const {
    if constexpr (Angles) std::fill_n(angle_, n_, 0.0), std::fill_n(im_, n_, T(0));
    if constexpr (Signs) std::fill_n(sign_, n_, T(1));
    if constexpr (any) std::fill_n(re_, n_, T(1));
  }
  // One token on. phase(type of lanes, n, at) and sign(x, n, at), x times the token's sign; `at` is what tiles are asked for, KeyLanes if Keys. In lanes if Lanes.
  template <bool Lanes, bool Keys, class Phase, class Sign> void turn([[maybe_unused]] Phase&& phase, [[maybe_unused]] Sign&& sign) const {
    if constexpr (any) {
      if (keeps_before_) {
        std::copy_n(re_, n_, before_re_);
        if constexpr (Angles) std::copy_n(im_, n_, before_im_);
      }
      const auto one = [&]<class V>(std::type_identity<V> type, Index n, auto at) {
        V s = map::constant<V>(1);
        if constexpr (Signs) s = sign(simd::load<V>(sign_ + n), at), simd::store(sign_ + n, s);
        if constexpr (Angles) {
          V sine, cosine;
          math::sincos(add<V>(n, phase(type, at)), &sine, &cosine);
          simd::store(re_ + n, V(s * cosine)), simd::store(im_ + n, V(s * sine));
        } else simd::store(re_ + n, s);
      };
      if constexpr (Lanes) for_lanes<T>(n_, [&]<class V>(std::type_identity<V> type, Index n) { if constexpr (Keys) one(type, n, KeyLanes{n}); else one(type, n, n); });
      else for (Index n = 0; n < n_; ++n) one(std::type_identity<T>{}, n, n);
    }
  }
  // The turn so far, or its conjugate; and that before the last token.
  template <class V> LCSM_INLINE auto unit(Index n, bool conjugate) const { return of<V>(re_, im_, n, conjugate); }
  template <class V> LCSM_INLINE auto before(Index n, bool conjugate) const { return of<V>(before_re_, before_im_, n, conjugate); }

 private:
  template <class V> LCSM_INLINE static auto of(const T* re, [[maybe_unused]] const T* im, Index n, [[maybe_unused]] bool conjugate) {
    if constexpr (Angles) {
      const V y = simd::load<V>(im + n);
      return Complex<V>(simd::load<V>(re + n), conjugate ? simd::minus(y) : y);
    } else return simd::load<V>(re + n);
  }
  // The sum of angles with one more; in float without its whole turns.
  template <class V> LCSM_INLINE V add(Index n, V phase) const {
    if constexpr (std::is_same_v<T, double>) {
      const V sum = simd::load<V>(angle_ + n) + phase;
      simd::store(angle_ + n, sum);
      return sum;
    } else {
      constexpr double turn = 6.283185307179586476925286766559, rest = 2.4492935982947064e-16, shift = 0x1.8p52;     // turn + rest is 2 pi
      simd::Widened<V> wide = simd::widen<V>(phase);
      using D = simd::Doubles<V>;
      for (std::size_t i = 0; i < wide.size(); ++i) {
        double* const at = angle_ + n + Index(i) * simd::width<D>;
        const D sum = simd::load<D>(at) + wide[i];
        simd::store(at, sum);
        const D whole = simd::fma<D>(sum, D(1 / turn), D(shift)) - D(shift);
        wide[i] = simd::fma<D>(whole, D(-rest), simd::fma<D>(whole, D(-turn), sum));
      }
      return simd::narrow<V>(wide);
    }
  }

  Index n_;
  double* angle_;
  T *sign_, *re_, *im_, *before_re_, *before_im_;
  bool keeps_before_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
