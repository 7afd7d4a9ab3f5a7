// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/term.hpp>

namespace lcsm {

// Writes and reads that are a function of the oscillation, with no input of their own. A tie sees the oscillation's log, phase, value and
// step at the same token, key and lanes. For gradients, `vjp(o, j, a, c, bar, to)` tells `to` the cotangents of what the tie has read: magnitude
// (|o|), log, phase, step, value.
namespace tie {

template <class V, class O> using value_of = decltype(std::declval<const O&>().template value<V>(Index(0), Index(0), Index(0)));

// 1 - |o|, exact when the gate is nearly open: HGRN, HGRN2, minGRU.
struct Complement {
  static constexpr const char* name = "1 - |o|";
  static constexpr Want want{.logs = true};
  template <class O> static constexpr Axes axes = table_axes(O::axes_of(Plane::log));
  template <class O> static constexpr Domain domain = Domain::real;
  template <class V, class O> LCSM_INLINE static V value(const O& o, Index j, Index a, Index c) { return simd::minus(math::expm1(o.template log<V>(j, a, c))); }
  template <class V, class O, class F, class To> LCSM_INLINE static void vjp(const O&, Index, Index, Index, F bar, To&& to) { to.magnitude(simd::minus(real_part(bar))); }
};

// sqrt(1 - |o|^2): RG-LRU, and the LRU's gain at initialisation.
struct VariancePreserving {
  static constexpr const char* name = "sqrt(1 - |o|^2)";
  static constexpr Want want{.logs = true};
  template <class O> static constexpr Axes axes = table_axes(O::axes_of(Plane::log));
  template <class O> static constexpr Domain domain = Domain::real;
  template <class V, class O> LCSM_INLINE static V value(const O& o, Index j, Index a, Index c) {
    return math::sqrt(simd::minus(math::expm1(map::constant<V>(2) * o.template log<V>(j, a, c))));
  }
  // At |o| = 1 the slope is infinite: that of the square root is kept at 1000, as in google-deepmind/recurrentgemma.
  template <class V, class O, class F, class To> LCSM_INLINE static void vjp(const O& o, Index j, Index a, Index c, F bar, To&& to) {
    const V size = o.template magnitude<V>(j, a, c), open = simd::minus(math::expm1(map::constant<V>(2) * o.template log<V>(j, a, c)));
    to.magnitude(simd::minus(real_part(bar) * size) / math::sqrt((simd::max)(open, map::constant<V>(2.5e-7))));
  }
};

// The step size itself (Euler's rule for the input): Mamba.
struct Euler {
  static constexpr const char* name = "step";
  static constexpr Want want{};
  template <class O> static constexpr Axes axes = O::step_axes();
  template <class O> static constexpr Domain domain = Domain::real;
  template <class V, class O> LCSM_INLINE static V value(const O& o, Index j, Index a, Index c) { return o.template step<V>(j, a, c); }
  template <class V, class O, class F, class To> LCSM_INLINE static void vjp(const O&, Index, Index, Index, F bar, To&& to) { to.step(real_part(bar)); }
};

// exp(z) - 1 with z = x + i y, by expm1 and half angles: neither part of it loses its size to the 1.
template <class V> LCSM_INLINE Complex<V> exp_minus_one(V x, V y) {
  V s, cosine, half, unused;
  math::sincos(y, &s, &cosine), math::sincos(y * map::constant<V>(0.5), &half, &unused);
  return {simd::fma(math::expm1(x), cosine, map::constant<V>(-2) * half * half), math::exp(x) * s};
}

// o - 1: zero-order hold that leaves the division by A to further terms, for a z that is no multiple of A (DSS with two steps).
struct MinusOne {
  static constexpr const char* name = "o - 1";
  static constexpr Want want{.logs = true, .phases = true};
  template <class O> static constexpr Axes axes = table_axes(O::axes);
  template <class O> static constexpr Domain domain = O::domain;
  // Of a negative o, which nothing cancels, -(|o| - 1) - 2.
  template <class V, class O> LCSM_INLINE static auto value(const O& o, Index j, Index a, Index c) {
    const V x = o.template log<V>(j, a, c), zero = map::constant<V>(0), two = map::constant<V>(2), sign = o.template signs<V>(map::constant<V>(1), j, a, c);
    if constexpr (O::domain == Domain::real) {
      const V size = math::expm1(x);
      return V(simd::select(sign < zero, simd::minus(size) - two, size));
    } else {
      const Complex<V> turned = exp_minus_one(x, o.template phase<V>(j, a, c));
      return Complex<V>(simd::select(sign < zero, simd::minus(turned.re) - two, turned.re), simd::select(sign < zero, simd::minus(turned.im), turned.im));
    }
  }
  template <class V, class O, class F, class To> LCSM_INLINE static void vjp(const O&, Index, Index, Index, F bar, To&& to) { to.value(bar); }
};

// (exp(z) - 1) / A = step * phi1(z) with z = log o = step * A, and phi1(0) = 1: S4D, DSS. Written with expm1 and half angles, so that
// nothing cancels when z is small_z (https://doi.org/10.1137/0729014 discusses phi functions); near 0, where in the division by a complex z
// the parts of the quotient would cancel, by its series, which is right in either part.
struct ZeroOrderHold {
  static constexpr const char* name = "zero-order hold";
  static constexpr Want want{.logs = true, .phases = true};
  template <class O> static constexpr Axes axes = table_axes(O::axes);
  template <class O> static constexpr Domain domain = O::domain;
  template <class V, class O> LCSM_INLINE static auto value(const O& o, Index j, Index a, Index c) {
    const V x = o.template log<V>(j, a, c), step = o.template step<V>(j, a, c);
    if constexpr (O::domain == Domain::real) return step * phi1(x); else return step * phi1(x, o.template phase<V>(j, a, c));
  }
  template <class V, class O, class F, class To> LCSM_INLINE static void vjp(const O& o, Index j, Index a, Index c, F bar, To&& to) {
    const V x = o.template log<V>(j, a, c), step = o.template step<V>(j, a, c);
    if constexpr (O::domain == Domain::real) to.step(bar * phi1(x)), to.log(bar * step * slope(x));
    else {
      const V y = o.template phase<V>(j, a, c);
      const Complex<V> by_step = conj(phi1(x, y)) * bar, by_z = conj(slope(x, y)) * bar * step;
      to.step(by_step.re), to.log(by_z.re), to.phase(by_z.im);
    }
  }

  // phi1(z) = (exp(z) - 1) / z, and its derivative (exp(z) - phi1(z)) / z.
  template <class V> LCSM_INLINE static V phi1(V x) {
    const V zero = map::constant<V>(0), one = map::constant<V>(1);
    return simd::select(x == zero, one, math::expm1(x) / simd::select(x == zero, one, x));
  }
  template <class V> LCSM_INLINE static Complex<V> phi1(V x, V y) {
    const auto [re, im] = exp_minus_one(x, y);
    const Complex<V> series = near_zero<V, phi1_ratio, sizeof(simd::scalar_t<V>) == 4 ? 7 : 13>(x, y), far = divide(re, im, x, y);
    const auto small_z = largest(x, y) < map::constant<V>(0.25);
    return {simd::select(small_z, series.re, far.re), simd::select(small_z, series.im, far.im)};
  }
  template <class V> LCSM_INLINE static V slope(V x) { return slope(x, map::constant<V>(0)).re; }
  template <class V> LCSM_INLINE static Complex<V> slope(V x, V y) {
    const Complex<V> one = phi1(x, y), z = exp_minus_one(x, y);
    const Complex<V> series = near_zero<V, slope_ratio, sizeof(simd::scalar_t<V>) == 4 ? 9 : 17>(x, y), far = divide(z.re - one.re + map::constant<V>(1), z.im - one.im, x, y);
    const auto small_z = largest(x, y) < map::constant<V>(0.5);
    return {simd::select(small_z, series.re * map::constant<V>(0.5), far.re), simd::select(small_z, series.im * map::constant<V>(0.5), far.im)};
  }

 private:
  template <class V> LCSM_INLINE static V largest(V x, V y) { return (simd::max)(simd::abs(x), simd::abs(y)); }
  // Divided by z scaled to a largest part of 1, so that tiny z neither under- nor overflows.
  template <class V> LCSM_INLINE static Complex<V> divide(V re, V im, V x, V y) {
    const V zero = map::constant<V>(0), one = map::constant<V>(1), size = largest(x, y), safe = simd::select(size == zero, one, size);
    const V u = x / safe, v = y / safe, norm = simd::fma(u, u, v * v), scale = one / (safe * simd::select(size == zero, one, norm));
    return {simd::fma(re, u, im * v) * scale, simd::fma(im, u, simd::minus(re * v)) * scale};
  }
  // Sums of powers of z whose coefficients c[k] / c[k-1] have the ratio Ratio(k): z^k / (k + 1)! and 2 (k + 1) z^k / (k + 2)!. What is left out is below
  // eps / 2 of the imaginary part, for |z| < 0.36 and |z| < 0.71.
  static constexpr double phi1_ratio(int k) { return 1.0 / (k + 1); }
  static constexpr double slope_ratio(int k) { return (k + 1.0) / (k * (k + 2.0)); }
  template <class V, double (*Ratio)(int), int Order> LCSM_INLINE static Complex<V> near_zero(V x, V y) {
    V re = map::constant<V>(1), im = map::constant<V>(0);
    for (int k = Order; k >= 1; --k) {
      const V part = map::constant<V>(Ratio(k)), u = x * part, v = y * part;
      const V next = simd::fma(u, re, simd::fma(simd::minus(v), im, map::constant<V>(1)));
      im = simd::fma(u, im, v * re), re = next;
    }
    return {re, im};
  }
};

// step / (1 - z / 2) = step (1 + o) / 2 for the bilinear rule o = (1 + z/2) / (1 - z/2).
struct Bilinear {
  static constexpr const char* name = "bilinear";
  static constexpr Want want{};
  template <class O> static constexpr Axes axes = table_axes(O::axes);
  template <class O> static constexpr Domain domain = O::domain;
  template <class V, class O> LCSM_INLINE static auto value(const O& o, Index j, Index a, Index c) {
    const V scale = o.template step<V>(j, a, c) * map::constant<V>(0.5);
    const auto x = o.template value<V>(j, a, c);
    if constexpr (O::domain == Domain::real) return scale * (x + map::constant<V>(1));
    else return Complex<V>(scale * (x.re + map::constant<V>(1)), scale * x.im);
  }
  template <class V, class O, class F, class To> LCSM_INLINE static void vjp(const O& o, Index j, Index a, Index c, F bar, To&& to) {
    const V half = map::constant<V>(0.5);
    const auto x = o.template value<V>(j, a, c);
    to.value(bar * (o.template step<V>(j, a, c) * half));
    if constexpr (O::domain == Domain::real) to.step(bar * (x + map::constant<V>(1)) * half);
    else to.step((bar.re * (x.re + map::constant<V>(1)) + bar.im * x.im) * half);
  }
};

}  // namespace tie

// As written in a stage; the mixer gives it its oscillation.
template <class Tie> struct Tied {
  static constexpr Plane plane = Plane::factor;
};

template <class Tie, class O> struct TiedTo {
  static constexpr Plane plane = Plane::factor;
  static constexpr Axes axes = Tie::template axes<O>;
  static constexpr Source source = O::source;
  static constexpr Domain domain = Tie::template domain<O>;
  static constexpr bool sign = false;
  static constexpr bool complex = domain == Domain::complex;
  static constexpr Axes stored_axes = axes == Axes::none ? Axes::one : axes;
  using rule = Tie;
  template <class In> static constexpr bool bound = true;
  template <class Visit> static constexpr void visit(Visit&&) {}

  // One row per token where that is less than K x D, else in registers.
  template <class T, class OTile> class Moving {
   public:
    static constexpr bool stored = axes != Axes::matrix;
    Moving(Arena& arena, const Extent& n, Index tokens, Want, const OTile* o)
        : o_(o), width_(axes == Axes::key ? n.keys : axes == Axes::value ? n.values : 1), re_(arena.take<T>(stored ? width_ * tokens : 0)),
          im_(arena.take<T>(stored && complex ? width_ * tokens : 0)) {}
    template <class In> void begin(const In&, const Run&) {}
    template <class In> void fill(const In&, const Run&, Index, Index count) {
      if constexpr (stored)
        for (Index j = 0; j < count; ++j)
          for_each_lane(width_, [&]<class V>(std::type_identity<V>, Index n) {
            const auto x = Tie::template value<V>(*o_, j, axes == Axes::key ? n : 0, axes == Axes::value ? n : 0);
            simd::store(re_ + j * width_ + n, real_part(x));
            if constexpr (complex) simd::store(im_ + j * width_ + n, imag_part(x));
          });
    }
    template <class V> LCSM_INLINE auto value(Index j, Index a, Index c) const {
      if constexpr (!stored) return Tie::template value<V>(*o_, j, a, c);
      else if constexpr (complex) return Complex<V>(at<V>(re_, j, a, c), at<V>(im_, j, a, c));
      else return at<V>(re_, j, a, c);
    }
    const OTile& oscillation() const { return *o_; }

   private:
    // Keys are read one at a time from the oscillation's tile, value channels in lanes.
    template <class F> static void for_each_lane(Index n, F&& f) {
      if constexpr (axes == Axes::value) for_lanes<T>(n, f);
      else for (Index a = 0; a < n; ++a) f(std::type_identity<T>{}, a);
    }
    template <class V> LCSM_INLINE V at(const T* rows, Index j, Index a, Index c) const { return stage::at<stored_axes, V>(rows + j * width_, 0, a, c); }
    const OTile* o_;
    Index width_;
    T *re_, *im_;
  };

  // The oscillation does not move: one table, from the oscillation in double.
  template <class T, class OTile> class Still {
   public:
    Still(Arena& arena, const Extent& n, Index, Want, const OTile*)
        : o_(arena, n, 1, Want{true, true}), keys_(rows_of(axes, n.keys)), values_(columns_of(axes, n.values)), re_(arena.take<T>(keys_ * values_)),
          im_(arena.take<T>(complex ? keys_ * values_ : 0)) {}
    template <class In> void begin(const In& in, const Run& run) {
      o_.begin(in, run);
      for (Index a = 0; a < keys_; ++a)
        for (Index c = 0; c < values_; ++c) {
          const auto x = Tie::template value<double>(o_, 0, a, c);
          re_[a * values_ + c] = T(real_part(x));
          if constexpr (complex) im_[a * values_ + c] = T(imag_part(x));
        }
    }
    template <class In> void fill(const In&, const Run&, Index, Index) {}
    template <class V> LCSM_INLINE auto value(Index, Index a, Index c) const {
      if constexpr (complex) return Complex<V>(at<V>(re_, a, c), at<V>(im_, a, c)); else return at<V>(re_, a, c);
    }
    const auto& oscillation() const { return o_; }

   private:
    template <class V> LCSM_INLINE V at(const T* table, Index a, Index c) const { return stage::at<stored_axes, V>(table, values_, a, c); }
    typename O::template Tile<double> o_;
    Index keys_, values_;
    T *re_, *im_;
  };

  template <class T, class OTile> using Tile = std::conditional_t<time_invariant(source), Still<T, OTile>, Moving<T, OTile>>;
};

namespace stage {
template <class Term, class O> struct resolve { using type = Term; };
template <class Tie, class O> struct resolve<Tied<Tie>, O> { using type = TiedTo<Tie, O>; };
template <class Term> inline constexpr bool is_tied = false;
template <class Tie, class O> inline constexpr bool is_tied<TiedTo<Tie, O>> = true;
template <class Term> inline constexpr bool is_unresolved = false;
template <class Tie> inline constexpr bool is_unresolved<Tied<Tie>> = true;
}

}  // namespace lcsm
