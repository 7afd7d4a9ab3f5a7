// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/tie.hpp>

namespace lcsm {

// Whether a coupling erases from the memory after or before its decay.
enum class Order { after_decay, before_decay };

namespace stage {
// Whether two terms are the modulus and the direction of one number.
template <class Modulus, class Direction> inline constexpr bool complex_multiplier = false;
template <class Re, class Im>
inline constexpr bool complex_multiplier<RegisterTerm<Plane::log, combine::LogModulus, Re, Im>, RegisterTerm<Plane::phase, combine::Angle, Re, Im>> = true;
}

// A stage: a product of terms. What it is follows from them.
template <class... Terms> struct Stage {
  static constexpr Axes axes_of([[maybe_unused]] Plane p) {
    Axes x = Axes::none;
    ((x = Terms::plane == p ? x | Terms::axes : x), ...);
    return x;
  }
  static constexpr bool has([[maybe_unused]] Plane p) { return ((Terms::plane == p) || ...); }
  static constexpr Axes axes = (Axes::none | ... | (Terms::plane == Plane::coupling ? Axes::none : Terms::axes));
  static constexpr Source source = (std::max)({Source::fixed, Terms::source...});
  static constexpr Domain domain = (std::max)({Domain::real, Terms::domain...});
  static constexpr bool polar = ((Terms::plane != Plane::factor || Terms::sign) && ...);   // fit to be an oscillation
  static constexpr bool one_hot = (... || [] { if constexpr (requires { Terms::leaf::is_code; }) return true; else return false; }());
  static constexpr Index terms = sizeof...(Terms);
  template <class In> static constexpr bool bound = (Terms::template bound<In> && ...);
  template <class Visit> static constexpr void visit([[maybe_unused]] Visit&& visitor) { (Terms::visit(visitor), ...); }
  template <class Visit> static constexpr void for_each_term([[maybe_unused]] Visit&& visitor) { (visitor(std::type_identity<Terms>{}), ...); }

  // Axes of the step size of a discretised oscillation: of the first leaf of its first term.
  static constexpr Axes step_axes() {
    using First = std::tuple_element_t<0, std::tuple<Terms...>>;
    if constexpr (requires { First::step_axes; }) return First::step_axes; else return First::axes;
  }
  template <class O> using Resolved = Stage<typename stage::resolve<Terms, O>::type...>;

  // A chunk of the stage's coefficients. OTile: the oscillation's tile, for terms tied to it.
  template <class T, class OTile = void> class Tile {
   public:
    static constexpr Domain domain = Stage::domain;
    static constexpr Order coupling_order = [] {
      Order order = Order::after_decay;
      ([&] { if constexpr (Terms::plane == Plane::coupling) order = Terms::order; }(), ...);
      return order;
    }();
    Tile([[maybe_unused]] Arena& arena, [[maybe_unused]] const Extent& n, [[maybe_unused]] Index tokens, [[maybe_unused]] Want want = {}, [[maybe_unused]] const OTile* o = nullptr)
        : terms_{{make<Terms>(arena, n, tokens, want, o)}...} {}
    template <class In> void begin([[maybe_unused]] const In& in, [[maybe_unused]] const Run& run) {
      terms_.apply([&](auto&... t) { (t.begin(in, run), ...); });
    }
    template <class In> void fill([[maybe_unused]] const In& in, [[maybe_unused]] const Run& run, [[maybe_unused]] Index first, [[maybe_unused]] Index count) {
      terms_.apply([&](auto&... t) { (t.fill(in, run, first, count), ...); });
    }

    // x times every term whose axes lie within Only. WithLogs = false leaves the log plane out: running maxima carry it apart.
    template <class V, Axes Only = axes::all, bool WithLogs = true, class F, class A> LCSM_INLINE auto times(F x, Index j, A a, Index c) const {
      return times_from<V, Only, WithLogs, 0>(x, j, a, c);
    }
    template <class V, Axes Only = axes::all> LCSM_INLINE auto value(Index j, Index a, Index c) const {
      using F = field_t<domain == Domain::complex, V>;
      return widen<F>(times<V, Only>(map::constant<V>(1), j, a, c));
    }
    // Of an oscillation: its multiplier without signs and phases, and x times its signs.
    template <class V, Axes Only = axes::all, class A> LCSM_INLINE V magnitude(Index j, A a, Index c) const { return of_plane<V, Plane::log, Only, 0>(map::constant<V>(1), j, a, c); }
    template <class V, Axes Only = axes::all, class A> LCSM_INLINE V signs(V x, Index j, A a, Index c) const { return of_plane<V, Plane::factor, Only, 0>(x, j, a, c); }
    template <class V, Axes Only = axes::all> LCSM_INLINE V log(Index j, Index a, Index c) const { return sum<V, Plane::log, Only, 0>(map::constant<V>(0), j, a, c); }
    template <class V, Axes Only = axes::all, class A> LCSM_INLINE V phase(Index j, A a, Index c) const { return sum<V, Plane::phase, Only, 0>(map::constant<V>(0), j, a, c); }
    template <class V> LCSM_INLINE V step(Index j, Index a, Index c) const { return stage::get<0>(terms_).template step<V>(j, a, c); }
    const auto& coupling() const { return stage::get<coupling_index()>(terms_); }
    template <std::size_t N> const auto& term_tile() const { return stage::get<N>(terms_); }

   private:
    template <class Each> struct tile_of { using type = typename Each::template Tile<T>; };
    template <class Each> requires(stage::is_tied<Each>) struct tile_of<Each> { using type = typename Each::template Tile<T, OTile>; };
    template <class Each> static auto make(Arena& arena, const Extent& n, Index tokens, Want want, [[maybe_unused]] const OTile* o) {
      if constexpr (stage::is_tied<Each>) return typename tile_of<Each>::type(arena, n, tokens, want, o);
      else return typename tile_of<Each>::type(arena, n, tokens, want);
    }
    static constexpr std::size_t coupling_index() {
      std::size_t n = 0, found = 0;
      ((found = Terms::plane == Plane::coupling ? n : found, ++n), ...);
      return found;
    }
    template <std::size_t N> using term = std::tuple_element_t<N, std::tuple<Terms...>>;
    // Whether terms N and N + 1 are modulus and direction of one number, both at hand.
    template <std::size_t N> static constexpr bool is_complex_multiplier() {
      if constexpr (N + 1 < sizeof...(Terms)) return stage::complex_multiplier<term<N>, term<N + 1>> && !time_invariant(term<N>::source); else return false;
    }

    template <class V, Axes Only, bool WithLogs, std::size_t N, class F, class A>
    LCSM_INLINE auto times_from(F x, [[maybe_unused]] Index j, [[maybe_unused]] A a, [[maybe_unused]] Index c) const {
      if constexpr (N == sizeof...(Terms)) return x;
      else if constexpr (WithLogs && is_complex_multiplier<N>() && within(term<N>::axes, Only)) {       // modulus times direction: the number itself
        const auto& z = stage::get<N>(terms_);
        return times_from<V, Only, WithLogs, N + 2>(x * Complex<V>(z.template leaf<0>().template load<V>(j, a, c), z.template leaf<1>().template load<V>(j, a, c)), j, a, c);
      } else if constexpr (term<N>::plane != Plane::coupling && within(term<N>::axes, Only) && (WithLogs || term<N>::plane != Plane::log))
        return times_from<V, Only, WithLogs, N + 1>(x * stage::get<N>(terms_).template value<V>(j, a, c), j, a, c);
      else return times_from<V, Only, WithLogs, N + 1>(x, j, a, c);
    }
    template <class V, Plane P, Axes Only, std::size_t N, class A> LCSM_INLINE V of_plane(V x, [[maybe_unused]] Index j, [[maybe_unused]] A a, [[maybe_unused]] Index c) const {
      if constexpr (N == sizeof...(Terms)) return x;
      else if constexpr (term<N>::plane == P && within(term<N>::axes, Only)) return of_plane<V, P, Only, N + 1>(x * stage::get<N>(terms_).template value<V>(j, a, c), j, a, c);
      else return of_plane<V, P, Only, N + 1>(x, j, a, c);
    }
    template <class V, Plane P, Axes Only, std::size_t N, class A> LCSM_INLINE V sum(V x, [[maybe_unused]] Index j, [[maybe_unused]] A a, [[maybe_unused]] Index c) const {
      if constexpr (N == sizeof...(Terms)) return x;
      else if constexpr (term<N>::plane == P && within(term<N>::axes, Only)) {
        if constexpr (P == Plane::log) return sum<V, P, Only, N + 1>(x + stage::get<N>(terms_).template log<V>(j, a, c), j, a, c);
        else return sum<V, P, Only, N + 1>(x + stage::get<N>(terms_).template phase<V>(j, a, c), j, a, c);
      } else return sum<V, P, Only, N + 1>(x, j, a, c);
    }
    stage::Pack<typename tile_of<Terms>::type...> terms_;
  };
};

namespace stage {
// The stage with its logits over a codebook centred (leaf.hpp).
template <class Term> struct centred { using type = Term; };
template <class Query, class Book> struct centred<LeafTerm<Plane::log, Logits<Query, Book>>> { using type = LeafTerm<Plane::log, Logits<Query, Book, true>>; };
template <class... Terms> struct centred<Stage<Terms...>> { using type = Stage<typename centred<Terms>::type...>; };
}

// Whether a tile of the stage can be read along the keys, as KeyLanes: its terms within a set are rows that are stored.
template <class S> constexpr bool has_key_lanes(Axes only) {
  bool stored = true;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) {
    if (Each::plane == Plane::coupling || !within(Each::axes, only)) return;
    if constexpr (stage::is_tied<Each>) stored = false;
    else if constexpr (requires { Each::in_registers; }) stored = false;
    else if constexpr (requires { typename Each::leaf; }) stored = stored && !requires { Each::leaf::is_code; };
  });
  return stored;
}

// The axes of the terms of a stage that lie within a set, as a constant: which sides of a factored coefficient exist.
template <class S> constexpr bool has_within(Axes only) {
  bool found = false;
  S::for_each_term([&]<class Each>(std::type_identity<Each>) { found = found || (Each::plane != Plane::coupling && within(Each::axes, only)); });
  return found;
}

namespace stage {
template <class S> struct staged { using type = Stage<S>; };
template <class... Terms> struct staged<Stage<Terms...>> { using type = Stage<Terms...>; };
}

// A coupling between keys, m <- D m - write (R^T erase)^T, where R is the memory after or before the decay D. Delta rule, Gated DeltaNet,
// KDA, Comba, RWKV-7 and Householder products are this one form (see docs/algebra.md). Write and Erase are stages, or terms. Spell Write as the
// Expand's own Stage where both are the same, as in every delta rule: chunks then need one triangular solve and half of the products.
template <class Write, class Erase, Order O = Order::after_decay> struct LowRank {
  using write = typename stage::staged<Write>::type;
  using erase = typename stage::staged<Erase>::type;
  static constexpr bool between_keys = within(write::axes | erase::axes, Axes::one | Axes::key) && !write::has(Plane::log) && !erase::has(Plane::log);
  static_assert(between_keys, "lcsm::LowRank: a coupling acts between keys: its write and erase are factors that vary over the key axis alone");
  static constexpr Plane plane = Plane::coupling;
  static constexpr Axes axes = Axes::none;
  static constexpr Source source = (std::max)(write::source, erase::source);
  static constexpr Domain domain = (std::max)(write::domain, erase::domain);
  static constexpr bool sign = false;
  static constexpr Order order = O;
  template <class In> static constexpr bool bound = write::template bound<In> && erase::template bound<In>;
  template <class Visit> static constexpr void visit(Visit&& visitor) { write::visit(visitor), erase::visit(visitor); }
  template <class T> struct Tile {
    typename LowRank::write::template Tile<T> write;
    typename LowRank::erase::template Tile<T> erase;
    Tile(Arena& arena, const Extent& n, Index tokens, Want) : write(arena, n, tokens), erase(arena, n, tokens) {}
    template <class In> void begin(const In& in, const Run& run) { write.begin(in, run), erase.begin(in, run); }
    template <class In> void fill(const In& in, const Run& run, Index first, Index count) { write.fill(in, run, first, count), erase.fill(in, run, first, count); }
  };
};

}  // namespace lcsm
