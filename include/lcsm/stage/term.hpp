// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/complex.hpp>
#include <lcsm/stage/leaf_tile.hpp>

#include <tuple>

namespace lcsm {

// What a kernel asks of a term's tile beside its value.
struct Want { bool logs = false, phases = false, units = true; };

// The tile of a term answers, for token j, key a and the lanes at value channel c:
//
//   value<V>   what the coefficient is multiplied by: the factor, exp(log), or exp(i phase) (made with Want::units)
//   log<V>     the log itself, for running maxima, means and ties     (made with Want::logs)
//   phase<V>   the angle itself, for chunks that add angles up        (made with Want::phases)
//   step<V>    the first of several leaves: the step size of a discretised oscillation
namespace stage {

template <class V> LCSM_INLINE Complex<V> unit(V angle) {
  V s, c;
  math::sincos(angle, &s, &c);
  return {c, s};
}

// One stored leaf, a row for every token.
template <Plane P, class Leaf, class T> class RowTile {
 public:
  RowTile(Arena& arena, const Extent& n, Index tokens, Want want)
      : value_(arena, n, tokens), raw_(arena, n, P == Plane::log && want.logs ? tokens : 0), want_log_(P == Plane::log && want.logs), want_unit_(P == Plane::phase && want.units), columns_(n.values),
        cos_(arena.take<T>(want_unit_ ? value_.width() * tokens : 0)), sin_(arena.take<T>(want_unit_ ? value_.width() * tokens : 0)) {}
  template <class In> void begin(const In& in, const Run& run) {
    value_.begin(in, run);
    if (want_log_) raw_.begin(in, run);
  }
  template <class In> void fill(const In& in, const Run& run, Index first, Index count) {
    value_.fill(in, run, first, count);
    if (want_log_) raw_.fill(in, run, first, count);
    if constexpr (P == Plane::phase)
      for (Index j = 0; want_unit_ && j < count; ++j) {
        const auto turn = [&](Index to, Index n, auto... key) {
          for_lanes<T>(n, [&]<class V>(std::type_identity<V>, Index a) {
            const Complex<V> z = unit(value_.template along<V>(j, a, key...));
            simd::store(cos_ + j * value_.width() + to + a, z.re), simd::store(sin_ + j * value_.width() + to + a, z.im);
          });
        };
        if constexpr (Leaf::axes == Axes::matrix) {         // rows that are read in place may lie apart
          for (Index to = 0; to < value_.width(); to += columns_) turn(to, columns_, to / columns_);
        } else turn(0, value_.width());
      }
  }
  template <class V, class A> LCSM_INLINE auto value(Index j, A a, Index c) const {
    if constexpr (P == Plane::phase) return Complex<V>(at<V>(cos_, j, a, c), at<V>(sin_, j, a, c)); else return value_.template load<V>(j, a, c);
  }
  template <class V, class A> LCSM_INLINE V log(Index j, A a, Index c) const { return raw_.template load<V>(j, a, c); }
  template <class V, class A> LCSM_INLINE V phase(Index j, A a, Index c) const { return value_.template load<V>(j, a, c); }
  template <class V> LCSM_INLINE V step(Index j, Index a, Index c) const { return value_.first().template load<V>(j, a, c); }
  const auto& leaf() const { return value_; }

 private:
  template <class V, class A> LCSM_INLINE V at(const T* rows, Index j, A a, Index c) const { return stage::at<Leaf::axes, V>(rows + j * value_.width(), columns_, a, c); }
  LeafTile<Leaf, T, P == Plane::log> value_;
  LeafTile<Leaf, T> raw_;
  bool want_log_, want_unit_;
  Index columns_;
  T *cos_, *sin_;
};

// Several leaves whose combination varies with the token and lives in registers, the leaves are stored or in place: a K x D table, or what takes an instruction or two. An angle's
// Combine may have `unit`, exp(i angle) itself.
template <Plane P, class Combine, class T, class... Leaves> class RegisterTile {
 public:
  RegisterTile(Arena& arena, const Extent& n, Index tokens, Want) : leaves_{{LeafTile<Leaves, T>(arena, n, tokens)}...} {}
  template <class In> void begin(const In& in, const Run& run) { leaves_.apply([&](auto&... leaf) { (leaf.begin(in, run), ...); }); }
  template <class In> void fill(const In& in, const Run& run, Index first, Index count) {
    leaves_.apply([&](auto&... leaf) { (leaf.fill(in, run, first, count), ...); });
  }
  template <class V> LCSM_INLINE auto value(Index j, Index a, Index c) const {
    if constexpr (P == Plane::log) return leaves_.apply([&](const auto&... leaf) { return V(combine::multiplier<Combine>(leaf.template load<V>(j, a, c)...)); });
    else if constexpr (P == Plane::phase) {
      if constexpr (combine::has_unit<Combine, V>) return leaves_.apply([&](const auto&... leaf) { return Combine::unit(leaf.template load<V>(j, a, c)...); });
      else return unit(raw<V>(j, a, c));
    } else return raw<V>(j, a, c);
  }
  template <class V> LCSM_INLINE V log(Index j, Index a, Index c) const { return raw<V>(j, a, c); }
  template <class V> LCSM_INLINE V phase(Index j, Index a, Index c) const { return raw<V>(j, a, c); }
  template <class V> LCSM_INLINE V step(Index j, Index a, Index c) const { return stage::get<0>(leaves_).template load<V>(j, a, c); }
  template <std::size_t N> const auto& leaf() const { return stage::get<N>(leaves_); }

 private:
  template <class V> LCSM_INLINE V raw(Index j, Index a, Index c) const {
    return leaves_.apply([&](const auto&... leaf) { return V(Combine::apply(leaf.template load<V>(j, a, c)...)); });
  }
  stage::Pack<LeafTile<Leaves, T>...> leaves_;
};

// What no token changes: evaluated once per call in double, rounded once.
template <class Wide, Plane P, Axes X, class T> class TableTile {
 public:
  TableTile(Arena& arena, const Extent& n, Index, Want)
      : wide_(arena, n, 1, Want{true, true}), keys_(rows_of(X, n.keys)), values_(columns_of(X, n.values)), value_(arena.take<T>(size())),
        imag_(arena.take<T>(P == Plane::phase ? size() : 0)), raw_(arena.take<T>(P == Plane::factor ? 0 : size())) {}
  template <class In> void begin(const In& in, const Run& run) {
    wide_.begin(in, run), wide_.fill(in, run, 0, 1);
    for (Index a = 0; a < keys_; ++a)
      for (Index c = 0; c < values_; ++c) {
        const Index n = a * values_ + c;
        const auto x = wide_.template value<double>(0, a, c);
        value_[n] = T(real_part(x));
        if constexpr (P == Plane::phase) imag_[n] = T(imag_part(x)), raw_[n] = T(wide_.template phase<double>(0, a, c));
        if constexpr (P == Plane::log) raw_[n] = T(wide_.template log<double>(0, a, c));
      }
  }
  template <class In> void fill(const In&, const Run&, Index, Index) {}
  template <class V, class A> LCSM_INLINE auto value(Index, A a, Index c) const {
    if constexpr (P == Plane::phase) return Complex<V>(at<V>(value_, a, c), at<V>(imag_, a, c)); else return at<V>(value_, a, c);
  }
  template <class V, class A> LCSM_INLINE V log(Index, A a, Index c) const { return at<V>(raw_, a, c); }
  template <class V, class A> LCSM_INLINE V phase(Index, A a, Index c) const { return at<V>(raw_, a, c); }
  template <class V> LCSM_INLINE V step(Index j, Index a, Index c) const { return V(wide_.template step<double>(j, a, c)); }
  const Wide& wide() const { return wide_; }

 private:
  Index size() const { return keys_ * values_; }
  template <class V, class A> LCSM_INLINE V at(const T* table, A a, Index c) const { return stage::at<X, V>(table, values_, a, c); }
  Wide wide_;
  Index keys_, values_;
  T *value_, *imag_, *raw_;
};

}  // namespace stage

// One leaf, feeding one plane.
template <Plane P, class Leaf, bool IsSign = false> struct LeafTerm {
  static constexpr Plane plane = P;
  static constexpr Axes axes = Leaf::axes;
  static constexpr Source source = Leaf::source;
  static constexpr Domain domain = P == Plane::phase ? Domain::complex : Domain::real;
  static constexpr bool sign = IsSign;
  using leaf = Leaf;
  template <class In> static constexpr bool bound = Leaf::template bound<In>;
  template <class Visit> static constexpr void visit(Visit&& visitor) { Leaf::visit(visitor); }
  template <class T> using Tile = std::conditional_t<time_invariant(source), stage::TableTile<stage::RowTile<P, Leaf, double>, P, axes, T>, stage::RowTile<P, Leaf, T>>;
};

// Several leaves, combined in registers: to a K x D table if together they span one.
template <Plane P, class Combine, class... Leaves> struct RegisterTerm {
  static constexpr bool in_registers = true;
  static constexpr Plane plane = P;
  static constexpr Axes axes = table_axes((Leaves::axes | ...));
  static constexpr Source source = (std::max)({Leaves::source...});
  static constexpr Domain domain = P == Plane::phase ? Domain::complex : Domain::real;
  static constexpr bool sign = false;
  static constexpr Axes step_axes = std::tuple_element_t<0, std::tuple<Leaves...>>::axes;
  template <class In> static constexpr bool bound = (Leaves::template bound<In> && ...);
  template <class Visit> static constexpr void visit(Visit&& visitor) { (Leaves::visit(visitor), ...); }
  template <class T> using Tile = std::conditional_t<time_invariant(source), stage::TableTile<stage::RegisterTile<P, Combine, double, Leaves...>, P, axes, T>,
                                                     stage::RegisterTile<P, Combine, T, Leaves...>>;
};

// A map of several leaves: stored if they share one axis, a RegisterTerm if together they span K x D.
template <Plane P, class Combine, class First, class... Rest>
using Term = std::conditional_t<table_axes((First::axes | ... | Rest::axes)) == Axes::matrix, RegisterTerm<P, Combine, First, Rest...>,
                                LeafTerm<P, Joined<Combine, First, Rest...>>>;

template <class Leaf> using FactorTerm = LeafTerm<Plane::factor, Leaf>;
template <class Leaf> using LogTerm = LeafTerm<Plane::log, Leaf>;
template <class Leaf> using PhaseTerm = LeafTerm<Plane::phase, Leaf>;
template <class Leaf> using SignTerm = LeafTerm<Plane::factor, Leaf, true>;   // +1 or -1: the one factor that an oscillation may have

// A complex factor given as two leaves.
template <class Re, class Im> struct ComplexFactor {
  static_assert(Re::axes == Im::axes, "lcsm::ComplexFactor: the real and the imaginary leaf vary over the same axes");
  static constexpr Plane plane = Plane::factor;
  static constexpr Axes axes = Re::axes;
  static constexpr Source source = (std::max)(Re::source, Im::source);
  static constexpr Domain domain = Domain::complex;
  static constexpr bool sign = false;
  template <class In> static constexpr bool bound = Re::template bound<In> && Im::template bound<In>;
  template <class Visit> static constexpr void visit(Visit&& visitor) { Re::visit(visitor), Im::visit(visitor); }
  template <class T> class Tile {
   public:
    Tile(Arena& arena, const Extent& n, Index tokens, Want) : re_(arena, n, tokens), im_(arena, n, tokens) {}
    template <class In> void begin(const In& in, const Run& run) { re_.begin(in, run), im_.begin(in, run); }
    template <class In> void fill(const In& in, const Run& run, Index first, Index count) { re_.fill(in, run, first, count), im_.fill(in, run, first, count); }
    template <class V, class A> LCSM_INLINE Complex<V> value(Index j, A a, Index c) const { return {re_.template load<V>(j, a, c), im_.template load<V>(j, a, c)}; }
    const auto& re() const { return re_; }
    const auto& im() const { return im_; }

   private:
    LeafTile<Re, T> re_;
    LeafTile<Im, T> im_;
  };
};

}  // namespace lcsm
