// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixer.hpp>

namespace lcsm {

// Whether all maps, ties and guards of a mixer have derivatives.
namespace slopes {

struct Told {
  template <class F> void value(F) const {}
  template <class V> void magnitude(V) const {}
  template <class V> void log(V) const {}
  template <class V> void phase(V) const {}
  template <class V> void step(V) const {}
};

template <class Combine, std::size_t N> struct of_combine {
  static constexpr bool known = []<std::size_t... Nth>(std::index_sequence<Nth...>) { return requires(double x) { Combine::vjp(x, (void(Nth), x)...); }; }(std::make_index_sequence<N>{});
};
template <class Map, class Combine, std::size_t N> struct of_combine<combine::Of<Map, Combine>, N> { static constexpr bool known = map::Slope<Map>::known && of_combine<Combine, N>::known; };

template <class Leaf> inline constexpr bool of_leaf = false;
template <class Name, Axes X, Source S, class Map> inline constexpr bool of_leaf<Named<Name, X, S, Map>> = map::Slope<Map>::known;
template <class Rule, Axes X> inline constexpr bool of_leaf<Fixed<Rule, X>> = true;
template <class Name> inline constexpr bool of_leaf<OneHot<Name>> = true;
template <class Query, class Book, bool Centred> inline constexpr bool of_leaf<Logits<Query, Book, Centred>> = true;
template <class Combine, class... Leaves> inline constexpr bool of_leaf<Joined<Combine, Leaves...>> = of_combine<Combine, sizeof...(Leaves)>::known && (of_leaf<Leaves> && ...);

template <class Term> inline constexpr bool of_term = false;
template <class S> constexpr bool of_stage() {
  bool known = true;
  S::for_each_term([&]<class Term>(std::type_identity<Term>) { known = known && of_term<Term>; });
  return known;
}
template <Plane P, class Leaf, bool IsSign> inline constexpr bool of_term<LeafTerm<P, Leaf, IsSign>> = of_leaf<Leaf>;
template <Plane P, class Combine, class... Leaves>
inline constexpr bool of_term<RegisterTerm<P, Combine, Leaves...>> = of_combine<Combine, sizeof...(Leaves)>::known && (of_leaf<Leaves> && ...);
template <class Re, class Im> inline constexpr bool of_term<ComplexFactor<Re, Im>> = of_leaf<Re> && of_leaf<Im>;
template <class Tie, class O> inline constexpr bool of_term<TiedTo<Tie, O>> = [] {
  using Tile = typename O::template Tile<double>;
  using F = field_t<TiedTo<Tie, O>::complex, double>;
  return requires(const Tile& o, F bar, Told to) { Tie::template vjp<double>(o, Index(0), Index(0), Index(0), bar, to); };
}();
template <class Write, class Erase, Order R>
inline constexpr bool of_term<LowRank<Write, Erase, R>> = of_stage<typename LowRank<Write, Erase, R>::write>() && of_stage<typename LowRank<Write, Erase, R>::erase>();

template <class Normaliser> constexpr bool of_normaliser() {
  if constexpr (Normaliser::quotient) return requires(double d) { Normaliser::guard::slopes(d, d); }; else return true;
}

}  // namespace slopes

template <class M>
inline constexpr bool is_differentiable = slopes::of_stage<typename M::expand>() && slopes::of_stage<typename M::oscillation>() && slopes::of_stage<typename M::shrink>() &&
    slopes::of_stage<typename M::weight>() && slopes::of_leaf<typename M::input::leaf> && (M::input::domain == Domain::real || slopes::of_leaf<typename M::input::imag>) &&
    (!M::skip::present || slopes::of_leaf<typename M::skip::leaf>) && slopes::of_normaliser<typename M::normaliser>();
template <class M> concept Differentiable = is_differentiable<M>;

}  // namespace lcsm
