// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/stage.hpp>
#include <lcsm/stage/term_cotangent.hpp>

namespace lcsm {

// The dual of stage.hpp: cotangents of a coefficient, handed to its terms. begin, start, flush, end and Absolute: leaf_cotangent.hpp.
template <class S, class T, bool Absolute = false, class OCot = void> class StageCotangent;

namespace stage {

// What a tie tells of the oscillation that it has read, passed on.
template <class V, bool Absolute, class OCot, class OTile> struct Told {
  OCot& cotangent;
  const OTile& tile;
  Index j, a, c;
  V size;                              // with Absolute the tie is asked for its slopes, which are multiplied here

  template <class F> LCSM_INLINE void value(F bar) const { cotangent.template add<V>(tile, j, a, c, scaled(bar)); }
  LCSM_INLINE void magnitude(V bar) const { cotangent.template add_magnitude<V>(tile, j, a, c, scaled(bar)); }
  LCSM_INLINE void log(V bar) const { cotangent.template add_log<V>(tile, j, a, c, scaled(bar)); }
  LCSM_INLINE void phase(V bar) const { cotangent.template add_phase<V>(tile, j, a, c, scaled(bar)); }
  LCSM_INLINE void step(V bar) const { cotangent.template add_step<V>(j, a, c, scaled(bar)); }

 private:
  template <class F> LCSM_INLINE auto scaled(F bar) const {
    if constexpr (Absolute) return V(modulus(bar) * size); else return bar;
  }
};
template <class Tie, class V, bool Absolute, class OCot, class OTile, class F> LCSM_INLINE void tell(OCot& cotangent, const OTile& tile, Index j, Index a, Index c, F bar) {
  const Told<V, Absolute, OCot, OTile> to{cotangent, tile, j, a, c, V(real_part(bar))};
  if constexpr (!Absolute) Tie::template vjp<V>(tile, j, a, c, bar, to);
  else {
    Tie::template vjp<V>(tile, j, a, c, widen<F>(map::constant<V>(1)), to);
    if constexpr (is_complex<F>) Tie::template vjp<V>(tile, j, a, c, F(map::constant<V>(0), map::constant<V>(1)), to);
  }
}

// A tie to an oscillation that moves: stored rows are taken apart when the chunk is done, before the oscillation's own are.
template <class Term, class T, bool Absolute, class OCot> class TiedCotangent {
  using Tie = typename Term::rule;
  static constexpr Axes axes = Term::axes;
  static constexpr bool stored = axes != Axes::matrix;

 public:
  TiedCotangent(Arena& arena, const Extent& n, Index tokens, OCot* o)
      : o_(o), width_(axes == Axes::key ? n.keys : axes == Axes::value ? n.values : 1), re_(arena.take<T>(stored ? width_ * tokens : 0)),
        im_(arena.take<T>(stored && Term::complex ? width_ * tokens : 0)) {}
  void begin() {}
  void start(Index count) {
    if constexpr (stored) std::fill_n(re_, width_ * count, T(0));
    if constexpr (stored && Term::complex) std::fill_n(im_, width_ * count, T(0));
  }
  template <class V, class Tile, class F> LCSM_INLINE void add_value(const Tile& tile, Index j, Index a, Index c, F bar) {
    if constexpr (stored) {
      add_to<axes>(re_ + j * width_, width_, a, c, V(real_part(bar)));
      if constexpr (Term::complex) add_to<axes>(im_ + j * width_, width_, a, c, V(imag_part(bar)));
    } else tell<Tie, V, Absolute>(*o_, tile.oscillation(), j, a, c, field<V>(bar));
  }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In&, To&, const Run&, Index, Index count) {
    if constexpr (stored)
      for (Index j = 0; j < count; ++j)
        for (Index n = 0; n < width_; ++n) {
          const T re = re_[j * width_ + n];
          if constexpr (Term::complex) tell<Tie, T, Absolute>(*o_, tile.oscillation(), j, key(n), value(n), Complex<T>(re, im_[j * width_ + n]));
          else tell<Tie, T, Absolute>(*o_, tile.oscillation(), j, key(n), value(n), re);
        }
  }
  template <class Tile, class In, class To> void end(const Tile&, const In&, To&, const Run&) {}

 private:
  template <class V, class F> LCSM_INLINE static auto field(F bar) {
    if constexpr (Term::complex) return widen<Complex<V>>(bar); else return V(real_part(bar));
  }
  static Index key(Index n) { return axes == Axes::key ? n : 0; }
  static Index value(Index n) { return axes == Axes::value ? n : 0; }
  OCot* o_;
  Index width_;
  T *re_, *im_;
};

// A tie to one that stands still: its table, taken apart once.
template <class Term, class O, bool Absolute> class StillTiedCotangent {
  using Tie = typename Term::rule;
  static constexpr Axes axes = Term::axes == Axes::none ? Axes::one : Term::axes;

 public:
  StillTiedCotangent(Arena& arena, const Extent& n, Index, const void*)
      : o_(arena, n, 1), keys_(rows_of(axes, n.keys)), values_(columns_of(axes, n.values)), re_(arena.take<double>(keys_ * values_)),
        im_(arena.take<double>(Term::complex ? keys_ * values_ : 0)) {}
  void begin() {
    o_.begin(), o_.start(1), std::fill_n(re_, keys_ * values_, 0.0);
    if constexpr (Term::complex) std::fill_n(im_, keys_ * values_, 0.0);
  }
  void start(Index) {}
  template <class V, class Tile, class F> LCSM_INLINE void add_value(const Tile&, Index, Index a, Index c, F bar) {
    add_to<axes>(re_, values_, a, c, V(real_part(bar)));
    if constexpr (Term::complex) add_to<axes>(im_, values_, a, c, V(imag_part(bar)));
  }
  template <class Tile, class In, class To> void flush(const Tile&, const In&, To&, const Run&, Index, Index) {}
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) {
    for (Index a = 0; a < keys_; ++a)
      for (Index c = 0; c < values_; ++c) {
        const double re = re_[a * values_ + c];
        if constexpr (Term::complex) tell<Tie, double, Absolute>(o_, tile.oscillation(), 0, a, c, Complex<double>(re, im_[a * values_ + c]));
        else tell<Tie, double, Absolute>(o_, tile.oscillation(), 0, a, c, re);
      }
    o_.flush(tile.oscillation(), in, to, run, 0, 1), o_.end(tile.oscillation(), in, to, run);
  }

 private:
  StageCotangent<O, double, Absolute> o_;
  Index keys_, values_;
  double *re_, *im_;
};
template <class Tie, class O, class T, bool Absolute, class OCot> struct cotangent_of<TiedTo<Tie, O>, T, Absolute, OCot> {
  using Term = TiedTo<Tie, O>;
  using type = std::conditional_t<time_invariant(Term::source), StillTiedCotangent<Term, O, Absolute>, TiedCotangent<Term, T, Absolute, OCot>>;
};

template <class Write, class Erase, class T, bool Absolute> struct LowRankCotangent {
  StageCotangent<Write, T, Absolute> write;
  StageCotangent<Erase, T, Absolute> erase;
  LowRankCotangent(Arena& arena, const Extent& n, Index tokens) : write(arena, n, tokens), erase(arena, n, tokens) {}
  void begin() { write.begin(), erase.begin(); }
  void start(Index count) { write.start(count), erase.start(count); }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count) {
    write.flush(tile.write, in, to, run, first, count), erase.flush(tile.erase, in, to, run, first, count);
  }
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) { write.end(tile.write, in, to, run), erase.end(tile.erase, in, to, run); }
};
template <class Write, class Erase, Order R, class T, bool Absolute, class OCot> struct cotangent_of<LowRank<Write, Erase, R>, T, Absolute, OCot> {
  using type = LowRankCotangent<typename LowRank<Write, Erase, R>::write, typename LowRank<Write, Erase, R>::erase, T, Absolute>;
};

}  // namespace stage

template <class... Terms, class T, bool Absolute, class OCot> class StageCotangent<Stage<Terms...>, T, Absolute, OCot> {
  template <std::size_t N> using term = std::tuple_element_t<N, std::tuple<Terms...>>;
  template <class Each> using cotangent = typename stage::cotangent_of<Each, T, Absolute, OCot>::type;
  using Each = std::index_sequence_for<Terms...>;

 public:
  StageCotangent([[maybe_unused]] Arena& arena, [[maybe_unused]] const Extent& n, [[maybe_unused]] Index tokens, [[maybe_unused]] OCot* o = nullptr) : terms_{{make<Terms>(arena, n, tokens, o)}...} {}
  void begin() { terms_.apply([](auto&... t) { (t.begin(), ...); }); }
  void start([[maybe_unused]] Index count) { terms_.apply([&](auto&... t) { (t.start(count), ...); }); }
  template <class Tile, class In, class To> void flush(const Tile& tile, const In& in, To& to, const Run& run, Index first, Index count) { flush(tile, in, to, run, first, count, Each{}); }
  template <class Tile, class In, class To> void end(const Tile& tile, const In& in, To& to, const Run& run) { end(tile, in, to, run, Each{}); }

  // The cotangent of what Stage::Tile::times multiplies by: every term within Only gets it times the conjugate of the others.
  template <class V, Axes Only = axes::all, bool WithLogs = true, class Tile, class F> LCSM_INLINE void add(const Tile& tile, Index j, Index a, Index c, F bar) {
    each<V, 0, false>([](auto t) { return term<t>::plane != Plane::coupling && within(term<t>::axes, Only) && (WithLogs || term<t>::plane != Plane::log); }, tile, j, a, c, bar);
  }
  // Of the magnitude without signs and phases.
  template <class V, class Tile> LCSM_INLINE void add_magnitude(const Tile& tile, Index j, Index a, Index c, V bar) {
    each<V, 0, false>([](auto t) { return term<t>::plane == Plane::log; }, tile, j, a, c, bar);
  }
  template <class V, Axes Only = axes::all, class Tile> LCSM_INLINE void add_log(const Tile& tile, Index j, Index a, Index c, V bar) { add_raw<V, Plane::log, Only, 0>(tile, j, a, c, bar); }
  template <class V, Axes Only = axes::all, class Tile> LCSM_INLINE void add_phase(const Tile& tile, Index j, Index a, Index c, V bar) { add_raw<V, Plane::phase, Only, 0>(tile, j, a, c, bar); }
  template <class V> LCSM_INLINE void add_step(Index j, Index a, Index c, V bar) { stage::get<0>(terms_).add_step(j, a, c, bar); }
  auto& coupling() { return coupling_from<0>(); }

 private:
  template <class Term> static auto make(Arena& arena, const Extent& n, Index tokens, [[maybe_unused]] OCot* o) {
    if constexpr (stage::is_tied<Term>) return cotangent<Term>(arena, n, tokens, o); else return cotangent<Term>(arena, n, tokens);
  }
  template <std::size_t N> auto& coupling_from() {
    if constexpr (term<N>::plane == Plane::coupling) return stage::get<N>(terms_); else return coupling_from<N + 1>();
  }
  template <class V, std::size_t N, bool, class Takes, class Tile, class F> LCSM_INLINE void each(Takes takes, const Tile& tile, Index j, Index a, Index c, F bar) {
    if constexpr (N < sizeof...(Terms)) {
      constexpr std::integral_constant<std::size_t, N> n{};
      if constexpr (Takes{}(n)) stage::get<N>(terms_).template add_value<V>(tile.template term_tile<N>(), j, a, c, without<V, N, 0>(takes, tile, j, a, c, bar));
      each<V, N + 1, false>(takes, tile, j, a, c, bar);
    }
  }
  template <class V, std::size_t Skipped, std::size_t N, class Takes, class Tile, class F> LCSM_INLINE auto without(Takes takes, const Tile& tile, Index j, Index a, Index c, F bar) const {
    if constexpr (N == sizeof...(Terms)) return bar;
    else {
      constexpr std::integral_constant<std::size_t, N> n{};
      if constexpr (N != Skipped && Takes{}(n)) return without<V, Skipped, N + 1>(takes, tile, j, a, c, bar * stage::conjugate<Absolute>(tile.template term_tile<N>().template value<V>(j, a, c)));
      else return without<V, Skipped, N + 1>(takes, tile, j, a, c, bar);
    }
  }
  template <class V, Plane P, Axes Only, std::size_t N, class Tile> LCSM_INLINE void add_raw(const Tile& tile, Index j, Index a, Index c, V bar) {
    if constexpr (N < sizeof...(Terms)) {
      if constexpr (term<N>::plane == P && within(term<N>::axes, Only)) {
        if constexpr (P == Plane::log) stage::get<N>(terms_).add_log(tile.template term_tile<N>(), j, a, c, bar);
        else stage::get<N>(terms_).add_phase(tile.template term_tile<N>(), j, a, c, bar);
      }
      add_raw<V, P, Only, N + 1>(tile, j, a, c, bar);
    }
  }
  template <class Tile, class In, class To, std::size_t... N>
  void flush([[maybe_unused]] const Tile& tile, [[maybe_unused]] const In& in, [[maybe_unused]] To& to, [[maybe_unused]] const Run& run, [[maybe_unused]] Index first, [[maybe_unused]] Index count, std::index_sequence<N...>) {
    (stage::get<N>(terms_).flush(tile.template term_tile<N>(), in, to, run, first, count), ...);
  }
  template <class Tile, class In, class To, std::size_t... N>
  void end([[maybe_unused]] const Tile& tile, [[maybe_unused]] const In& in, [[maybe_unused]] To& to, [[maybe_unused]] const Run& run, std::index_sequence<N...>) {
    (stage::get<N>(terms_).end(tile.template term_tile<N>(), in, to, run), ...);
  }
  stage::Pack<cotangent<Terms>...> terms_;
};

}  // namespace lcsm
