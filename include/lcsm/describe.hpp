// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/abilities.hpp>

#include <string>

namespace lcsm {

// The words of describe(). A term, leaf, map or guard of one's own needs none: its `name`, axes and source are read off it.
namespace words {

inline void field(std::string& line, const std::string& text, std::size_t width) {
  line += text;
  line.append(text.size() < width ? width - text.size() : 1, ' ');
}

// What a map does to its arguments, which are leaves or maps of leaves: softplus(x), L2 norm of x.
inline std::string applied(const std::string& map, const std::string& x) { return map.find(' ') == map.npos ? map + "(" + x + ")" : map + " of " + x; }
template <class Map> struct MapOf {
  static std::string of(const std::string& x) {
    if constexpr (std::is_same_v<Map, map::Identity>) return x; else return applied(map::name_of<Map>(), x);
  }
};
template <int Tau> struct MapOf<map::LogSigmoid<Tau>> {
  static std::string of(const std::string& x) { return "log sigmoid(" + x + ")" + (Tau == 1 ? "" : " / " + std::to_string(Tau)); }
};
template <> struct MapOf<map::RsqrtKeys> { static std::string of(const std::string& x) { return x + " / sqrt K"; } };
template <class... Maps> struct MapOf<map::Then<Maps...>> {
  static std::string of(std::string x) { return ((x = MapOf<Maps>::of(x)), ...), x; }
};
template <class Map, class Combine> struct MapOf<combine::Of<Map, Combine>> {
  static std::string of(const std::string& x) { return MapOf<Map>::of(MapOf<Combine>::of(x)); }
};
template <class Combine> std::string combined(const std::string& x) {
  if constexpr (requires { Combine::name; }) return MapOf<Combine>::of(x); else return applied(combine::name_of<Combine>(), x);
}

// Leaves.
template <class Leaf> struct LeafOf {
  static std::string of() { if constexpr (requires { Leaf::name; }) return Leaf::name; else return "a leaf"; }
};
template <class... Leaves> std::string list() {
  std::string x;
  ((x += (x.empty() ? "" : ", ") + LeafOf<Leaves>::of()), ...);
  return x;
}
template <class Name, Axes X, Source S, class Map> struct LeafOf<Named<Name, X, S, Map>> { static std::string of() { return MapOf<Map>::of(Name::name); } };
template <class Combine, class... Leaves> struct LeafOf<Joined<Combine, Leaves...>> { static std::string of() { return combined<Combine>(list<Leaves...>()); } };
template <class Name> struct LeafOf<OneHot<Name>> { static std::string of() { return std::string("one-hot(") + Name::name + ")"; } };
template <class Query, class Book> struct LeafOf<Logits<Query, Book>> {
  static std::string of() { return std::string(Query::name) + " . " + Book::name + "[a]"; }
};

// Terms.
template <class Term> struct TermOf {
  static std::string of() { if constexpr (requires { typename Term::leaf; }) return LeafOf<typename Term::leaf>::of(); else return "a term"; }
  static std::string source() { return name_of(Term::source); }
};
template <Plane P, class Leaf> struct TermOf<LeafTerm<P, Leaf, true>> {
  static std::string of() { return LeafOf<Leaf>::of() + ", which is 1 or -1"; }
  static std::string source() { return name_of(Leaf::source); }
};
template <Plane P, class Combine, class... Leaves> struct TermOf<MatrixTerm<P, Combine, Leaves...>> {
  static std::string of() { return combined<Combine>(list<Leaves...>()); }
  static std::string source() { return name_of(MatrixTerm<P, Combine, Leaves...>::source); }
};
template <class Re, class Im> struct TermOf<ComplexFactor<Re, Im>> {
  static std::string of() { return LeafOf<Re>::of() + " + i " + LeafOf<Im>::of(); }
  static std::string source() { return name_of(ComplexFactor<Re, Im>::source); }
};
template <class Tie, class O> struct TermOf<TiedTo<Tie, O>> {
  static std::string of() { return Tie::name; }
  static std::string source() { return "tied"; }
};
template <class S> std::string factors() {
  std::string text;
  S::for_each_term([&]<class Term>(std::type_identity<Term>) { text += (text.empty() ? "" : " x ") + TermOf<Term>::of(); });
  return text;
}
template <class Write, class Erase, Order O> struct TermOf<LowRank<Write, Erase, O>> {
  static std::string of() {
    return "low rank: write " + factors<typename LowRank<Write, Erase>::write>() + ", erase " + factors<typename LowRank<Write, Erase>::erase>() + (O == Order::after_decay ? " after the decay" : " before the decay");
  }
  static std::string source() { return name_of(LowRank<Write, Erase, O>::source); }
};

// One line per term: stage, plane, axes, source, what it reads.
template <class S> std::string stage(const char* letter) {
  if constexpr (S::terms == 0) return std::string(letter) + "  1\n";
  else {
    std::string text;
    S::for_each_term([&]<class Term>(std::type_identity<Term>) {
      std::string line;
      field(line, letter, 3), field(line, name_of(Term::plane), 10), field(line, Term::plane == Plane::coupling ? "key x key" : name_of(Term::axes), 11);
      field(line, TermOf<Term>::source(), 10);
      text += line + TermOf<Term>::of() + "\n";
    });
    return text;
  }
}

template <class Guard> struct GuardOf { static std::string of() { return "a guarded denominator"; } };
template <> struct GuardOf<guard::None> { static std::string of() { return "d"; } };
template <int N> struct GuardOf<guard::Add<N>> { static std::string of() { return "(d + 1e" + std::to_string(N) + ")"; } };
template <int N> struct GuardOf<guard::Floor<N>> { static std::string of() { return "max(d, 1e" + std::to_string(N) + ")"; } };
template <int N> struct GuardOf<guard::AtLeastOne<N>> { static std::string of() { return "(max(|d|, exp(-p)) + 1e" + std::to_string(N) + ")"; } };

template <class M> std::string parts() {
  using N = typename M::normaliser;
  std::string text = "i  " + LeafOf<typename M::input::leaf>::of();
  if constexpr (M::input::domain == Domain::complex) text += " + i " + LeafOf<typename M::input::imag>::of();
  text += "\n";
  if constexpr (M::readout::bonus) text += "reads what was before the token, and its own write times u:\n" + stage<typename M::weight>("u");
  else if constexpr (M::readout::previous) text += "reads what was before the token\n";
  if constexpr (N::quotient) text += "y / " + GuardOf<typename N::guard>::of() + ", d the same recurrence with i = 1, " + (M::denominator_per_channel ? "one per value channel\n" : "one per head\n");
  if constexpr (N::mean) text += "every memory entry is a mean over its own total weight\n";
  if constexpr (M::stabiliser::scaled) text += std::string("memory is stored times exp(-p), p the running maximum of the logs, one per ") + (M::scale_per_channel ? "value channel\n" : "head\n");
  if constexpr (M::complex) text += M::projection::parts == 2 ? "y = [Re | Im]\n" : M::projection::scale == 2 ? "y = 2 Re\n" : "y = Re\n";
  if constexpr (M::skip::present) text += "y + " + LeafOf<typename M::skip::leaf>::of() + " i\n";
  return text;
}

template <class M> std::string modes() {
  std::string have = "modes: step", missing;
  for (const Mode mode : {Mode::reference, Mode::recurrent, Mode::scan, Mode::chunkwise, Mode::attention}) {
    if (has_mode<M>(mode)) have += std::string(", ") + name_of(mode);
    else missing += std::string("no ") + name_of(mode) + ": " + why_not<M>(mode) + "\n";
  }
  return have + "\n" + missing;
}

}  // namespace words

// A mixer's algebra in words: the terms of e, o and s, each with plane, axes, source and map; its parts; what is computed from them; its modes, and
// for each that is missing the reason.
template <class M> std::string describe(M = {}) {
  std::string text = words::stage<typename M::expand>("e") + words::stage<typename M::oscillation>("o") + words::stage<typename M::shrink>("s") + words::parts<M>();
  text += std::string("structure ") + name_of(M::structure) + ", " + name_of(M::domain) + (M::time_invariant ? ", time-invariant" : ", varies with time");
  text += std::string(M::factors ? ", factors into keys and channels" : ", does not factor into keys and channels") + (M::coupled ? ", couples keys\n" : "\n");
  return text + words::modes<M>();
}

}  // namespace lcsm
