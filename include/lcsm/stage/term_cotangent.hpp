// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/leaf_cotangent.hpp>
#include <lcsm/stage/term.hpp>

namespace lcsm {

// The dual of term.hpp: what a kernel adds for a term of a coefficient, at token j, key a and the lanes at value channel c.
//
//   add_value   of what the coefficient is multiplied by       add_log, add_phase   of the log or the angle itself
//   add_step    of the step size of a discretised oscillation
//
// Complex cotangents are dL/dRe + i dL/dIm. begin, start, flush, end and Absolute: leaf_cotangent.hpp.
namespace stage {

template <class V> LCSM_INLINE V modulus(V x) { return simd::abs(x); }
template <class V> LCSM_INLINE V modulus(Complex<V> x) { return math::sqrt(simd::fma(x.re, x.re, x.im * x.im)); }
// What a cotangent is multiplied by where its coefficient was multiplied by x.
template <bool Absolute, class F> LCSM_INLINE auto conjugate(F x) {
  if constexpr (Absolute) return modulus(x);
  else if constexpr (is_complex<F>) return conj(x);
  else return x;
}

// Of exp(i angle), whose value is z: the angle's cotangent.
template <bool Absolute, class V, class F> LCSM_INLINE V angle_bar(Complex<V> z, F bar) {
  if constexpr (Absolute || !is_complex<F>) return Absolute ? V(real_part(bar)) : simd::minus(z.im * real_part(bar));
  else return simd::fma(z.re, bar.im, simd::minus(z.im * bar.re));
}

template <Plane P, class Leaf, class T, bool Absolute> class RowCotangent {
 public:
  RowCotangent(Arena& arena, const Extent& n, Index tokens) : leaf_(arena, n, tokens) {}
  void begin() { leaf_.begin(); }
  void start(Index count) { leaf_.start(count); }
  template <class V, class Tile, class F> LCSM_INLINE void add_value([[maybe_unused]] const Tile& tile, Index j, Index a, Index c, F bar) {
    if constexpr (P == Plane::phase) leaf_.add(j, a, c, angle_bar<Absolute, V>(tile.template value<V>(j, a, c), bar));
    else if constexpr (P == Plane::log) leaf_.add_multiplier(j, a, c, V(real_part(bar)));
    else leaf_.add(j, a, c, V(real_part(bar)));
  }
  template <class V, class Tile> LCSM_INLINE void add_log(const Tile&, Index j, Index a, Index c, V bar) { leaf_.add(j, a, c, bar); }
  template <class V, class Tile> LCSM_INLINE void add_phase(const Tile&, Index j, Index a, Index c, V bar) { leaf_.add(j, a, c, bar); }
  template <class V> LCSM_INLINE void add_step(Index j, Index a, Index c, V bar) {
    if constexpr (requires { leaf_.first(); }) leaf_.first().add(j, a, c, bar);
  }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count) { leaf_.flush(tile.leaf(), in, to, run, first, count); }
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) { leaf_.end(tile.leaf(), in, to, run); }

 private:
  LeafCotangent<Leaf, T, P == Plane::log, Absolute> leaf_;
};

template <Plane P, class Combine, class T, bool Absolute, class... Leaves> class RegisterCotangent {
  using Each = std::index_sequence_for<Leaves...>;

 public:
  RegisterCotangent(Arena& arena, const Extent& n, Index tokens) : leaves_{{LeafCotangent<Leaves, T, false, Absolute>(arena, n, tokens)}...} {}
  void begin() { leaves_.apply([](auto&... leaf) { (leaf.begin(), ...); }); }
  void start(Index count) { leaves_.apply([&](auto&... leaf) { (leaf.start(count), ...); }); }
  template <class V, class Tile, class F> LCSM_INLINE void add_value(const Tile& tile, Index j, Index a, Index c, F bar) {
    if constexpr (P == Plane::phase) add_raw(tile, j, a, c, angle_bar<Absolute, V>(tile.template value<V>(j, a, c), bar));
    else if constexpr (P == Plane::log) pull(tile, j, a, c, V(real_part(bar)), [](auto... x) { return combine::multiplier_vjp<Combine>(x...); }, Each{});
    else add_raw(tile, j, a, c, V(real_part(bar)));
  }
  template <class V, class Tile> LCSM_INLINE void add_log(const Tile& tile, Index j, Index a, Index c, V bar) { add_raw(tile, j, a, c, bar); }
  template <class V, class Tile> LCSM_INLINE void add_phase(const Tile& tile, Index j, Index a, Index c, V bar) { add_raw(tile, j, a, c, bar); }
  template <class V> LCSM_INLINE void add_step(Index j, Index a, Index c, V bar) { stage::get<0>(leaves_).add(j, a, c, bar); }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count) { flush(tile, in, to, run, first, count, Each{}); }
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) { end(tile, in, to, run, Each{}); }

 private:
  template <class V, class Tile> LCSM_INLINE void add_raw(const Tile& tile, Index j, Index a, Index c, V bar) {
    pull(tile, j, a, c, bar, [](auto... x) { return Combine::vjp(x...); }, Each{});
  }
  template <class V, class Tile, class Vjp, std::size_t... N>
  LCSM_INLINE void pull(const Tile& tile, Index j, Index a, Index c, V bar, Vjp&& vjp, std::index_sequence<N...>) {
    const auto bars = vjp(Absolute ? map::constant<V>(1) : bar, tile.template leaf<N>().template load<V>(j, a, c)...);
    (stage::get<N>(leaves_).add(j, a, c, Absolute ? V(simd::abs(V(bars[N])) * bar) : V(bars[N])), ...);
  }
  template <class Tile, class In, class To, std::size_t... N>
  void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count, std::index_sequence<N...>) {
    (stage::get<N>(leaves_).flush(tile.template leaf<N>(), in, to, run, first, count), ...);
  }
  template <class Tile, class In, class To, std::size_t... N> void end(const Tile& tile, const In& in, To& to, const Run& run, std::index_sequence<N...>) {
    (stage::get<N>(leaves_).end(tile.template leaf<N>(), in, to, run), ...);
  }
  stage::Pack<LeafCotangent<Leaves, T, false, Absolute>...> leaves_;
};

// A table that no token changes: sums over tokens in double, taken apart once.
template <class Wide, Plane P, Axes X, class T> class TableCotangent {
 public:
  TableCotangent(Arena& arena, const Extent& n, Index)
      : wide_(arena, n, 1), keys_(rows_of(X, n.keys)), values_(columns_of(X, n.values)), value_(arena.take<double>(size())),
        imag_(arena.take<double>(P == Plane::phase ? size() : 0)), raw_(arena.take<double>(P == Plane::factor ? 0 : size())) {}
  void begin() {
    wide_.begin(), wide_.start(1);
    std::fill_n(value_, size(), 0.0);
    if constexpr (P == Plane::phase) std::fill_n(imag_, size(), 0.0);
    if constexpr (P != Plane::factor) std::fill_n(raw_, size(), 0.0);
  }
  void start(Index) {}
  template <class V, class Tile, class F> LCSM_INLINE void add_value(const Tile&, Index, Index a, Index c, F bar) {
    add_to<X>(value_, values_, a, c, V(real_part(bar)));
    if constexpr (P == Plane::phase) add_to<X>(imag_, values_, a, c, V(imag_part(bar)));
  }
  template <class V, class Tile> LCSM_INLINE void add_log(const Tile&, Index, Index a, Index c, V bar) { add_to<X>(raw_, values_, a, c, bar); }
  template <class V, class Tile> LCSM_INLINE void add_phase(const Tile&, Index, Index a, Index c, V bar) { add_to<X>(raw_, values_, a, c, bar); }
  template <class V> LCSM_INLINE void add_step(Index, Index a, Index c, V bar) { wide_.add_step(0, a, c, bar); }
  template <class Tile, class In, class To> void flush(const Tile&, const In&, To&, const Run&, Index, Index) {}
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) {
    for (Index a = 0; a < keys_; ++a)
      for (Index c = 0; c < values_; ++c) {
        const Index n = a * values_ + c;
        if constexpr (P == Plane::phase) wide_.template add_value<double>(tile.wide(), 0, a, c, Complex<double>(value_[n], imag_[n])), wide_.add_phase(tile.wide(), 0, a, c, raw_[n]);
        else wide_.template add_value<double>(tile.wide(), 0, a, c, value_[n]);
        if constexpr (P == Plane::log) wide_.add_log(tile.wide(), 0, a, c, raw_[n]);
      }
    wide_.flush(tile.wide(), in, to, run, 0, 1), wide_.end(tile.wide(), in, to, run);
  }

 private:
  Index size() const { return keys_ * values_; }
  Wide wide_;
  Index keys_, values_;
  double *value_, *imag_, *raw_;
};

template <class Re, class Im, class T, bool Absolute> class ComplexFactorCotangent {
 public:
  ComplexFactorCotangent(Arena& arena, const Extent& n, Index tokens) : re_(arena, n, tokens), im_(arena, n, tokens) {}
  void begin() { re_.begin(), im_.begin(); }
  void start(Index count) { re_.start(count), im_.start(count); }
  template <class V, class Tile, class F> LCSM_INLINE void add_value(const Tile&, Index j, Index a, Index c, F bar) {
    re_.add(j, a, c, V(real_part(bar))), im_.add(j, a, c, Absolute ? V(real_part(bar)) : V(imag_part(bar)));
  }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count) {
    re_.flush(tile.re(), in, to, run, first, count), im_.flush(tile.im(), in, to, run, first, count);
  }
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) { re_.end(tile.re(), in, to, run), im_.end(tile.im(), in, to, run); }

 private:
  LeafCotangent<Re, T, false, Absolute> re_;
  LeafCotangent<Im, T, false, Absolute> im_;
};

// The cotangent of a term; OCot: that of the oscillation, for terms tied to it (stage_cotangent.hpp).
template <class Term, class T, bool Absolute, class OCot> struct cotangent_of;
template <Plane P, class Leaf, bool IsSign, class T, bool Absolute, class OCot> struct cotangent_of<LeafTerm<P, Leaf, IsSign>, T, Absolute, OCot> {
  using type = std::conditional_t<time_invariant(Leaf::source), TableCotangent<RowCotangent<P, Leaf, double, Absolute>, P, Leaf::axes, T>, RowCotangent<P, Leaf, T, Absolute>>;
};
template <Plane P, class Combine, class... Leaves, class T, bool Absolute, class OCot> struct cotangent_of<RegisterTerm<P, Combine, Leaves...>, T, Absolute, OCot> {
  using type = std::conditional_t<time_invariant(RegisterTerm<P, Combine, Leaves...>::source), TableCotangent<RegisterCotangent<P, Combine, double, Absolute, Leaves...>, P, Axes::matrix, T>,
                                  RegisterCotangent<P, Combine, T, Absolute, Leaves...>>;
};
template <class Re, class Im, class T, bool Absolute, class OCot> struct cotangent_of<ComplexFactor<Re, Im>, T, Absolute, OCot> { using type = ComplexFactorCotangent<Re, Im, T, Absolute>; };

}  // namespace stage

}  // namespace lcsm
