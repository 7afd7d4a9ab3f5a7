// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/abilities.hpp>
#include <lcsm/stage/rules.hpp>

#include <string>
#include <vector>

namespace lcsm {

// The words of describe(). A term, leaf, map or guard of one's own needs none: its `name`, axes and source are read off it.
namespace words {

inline void field(std::string& line, const std::string& text, std::size_t width) {
  line += text;
  line.append(text.size() < width ? width - text.size() : 1, ' ');
}

// Where `what` first stands in x outside of brackets; npos if nowhere.
inline std::size_t outside(const std::string& x, const std::string& what) {
  int depth = 0;
  for (std::size_t n = 0; n < x.size(); ++n) {
    if (depth == 0 && x.compare(n, what.size(), what) == 0) return n;
    depth += x[n] == '(' || x[n] == '[' ? 1 : x[n] == ')' || x[n] == ']' ? -1 : 0;
  }
  return x.npos;
}
inline bool begins(const std::string& x, const std::string& with) { return x.compare(0, with.size(), with) == 0; }
// As a factor: in brackets if it is more than one word.
inline std::string grouped(const std::string& x) {
  for (const char* sign : {" + ", " - ", " / ", " of ", ", "})
    if (outside(x, sign) != x.npos) return "(" + x + ")";
  return x[0] == '-' ? "(" + x + ")" : x;
}
// Without the brackets around all of it.
inline std::string bare(const std::string& x) {
  int depth = 0;
  for (std::size_t n = 0; n + 1 < x.size(); ++n)
    if (depth += x[n] == '(' ? 1 : x[n] == ')' ? -1 : 0; depth == 0) return x;
  return x.size() > 1 && x[0] == '(' ? x.substr(1, x.size() - 2) : x;
}
inline std::string times(const std::string& x, const std::string& y) {
  if (x.empty() || y.empty()) return x + y;
  const auto minus = [](const std::string& z) { return z[0] == '-' && grouped(z.substr(1)) == z.substr(1); };
  if (minus(x) && minus(y)) return times(x.substr(1), y.substr(1));
  if (minus(x) || minus(y)) return "-" + times(minus(x) ? x.substr(1) : x, minus(y) ? y.substr(1) : y);
  return grouped(x) + " " + grouped(y);
}
inline std::string plus(const std::string& x, const std::string& y) {
  return x.empty() || y.empty() ? x + y : y[0] == '-' ? x + " - " + y.substr(1) : x + " + " + y;
}
inline std::string complex(const std::string& re, const std::string& im) {
  if (begins(re, "Re ") && im == "Im " + re.substr(3)) return re.substr(3);
  return plus(re == "0" ? "" : re, im == "1" ? "i" : im == "-1" ? "-i" : "i " + grouped(im));
}

// What a map does to its arguments, which are leaves or maps of leaves: softplus(x), L2 norm of x; the x in a name like -x^2 is replaced.
inline std::string applied(const std::string& map, const std::string& x) {
  const auto letter = [&](std::size_t n) { return n < map.size() && ((map[n] | 32) >= 'a' && (map[n] | 32) <= 'z'); };
  for (std::size_t n = 0; n < map.size(); ++n)
    if (map[n] == 'x' && !letter(n - 1) && !letter(n + 1)) return map.substr(0, n) + (map[n + 1] == '|' ? x : grouped(x)) + map.substr(n + 1);
  return map.find(' ') == map.npos ? map + "(" + x + ")" : map + " of " + grouped(x);
}
template <class Map> struct MapOf {
  static std::string of(const std::string& x) {
    if constexpr (std::is_same_v<Map, map::Identity>) return x; else return applied(map::name_of<Map>(), x);
  }
};
template <int Tau> struct MapOf<map::LogSigmoid<Tau>> {
  static std::string of(const std::string& x) { return "log sigmoid(" + x + ")" + (Tau == 1 ? "" : " / " + std::to_string(Tau)); }
};
template <> struct MapOf<map::LogComplement> { static std::string of(const std::string& x) { return "log (1 - sigmoid(" + x + "))"; } };
template <> struct MapOf<map::TwiceSigmoid> { static std::string of(const std::string& x) { return "2 sigmoid(" + x + ")"; } };
template <> struct MapOf<map::Rwkv7Decay> { static std::string of(const std::string& x) { return "-exp(-1/2) sigmoid(" + x + ")"; } };
template <> struct MapOf<map::EluPlusOne> { static std::string of(const std::string& x) { return "elu(" + x + ") + 1"; } };
template <> struct MapOf<map::Positive> { static std::string of(const std::string& x) { return "(" + x + " < 0 ? sigmoid(" + x + ") : " + x + " + 1/2)"; } };
template <int N, int Sign> struct MapOf<map::AtMost<N, Sign>> {
  static std::string of(const std::string& x) { return "min(" + x + ", " + (Sign < 0 ? "-" : "") + "1e" + std::to_string(N) + ")"; }
};
template <> struct MapOf<map::RsqrtKeys> { static std::string of(const std::string& x) { return grouped(x) + " / sqrt K"; } };
template <class... Maps> struct MapOf<map::Then<Maps...>> {
  static std::string of(std::string x) { return ((x = MapOf<Maps>::of(x)), ...), x; }
};

// What a map of several does to its arguments.
using Arguments = std::vector<std::string>;
template <class Combine> struct CombineOf {
  static std::string of(const Arguments& x) {
    std::string list;
    for (const std::string& each : x) list += (list.empty() ? "" : ", ") + each;
    return applied(combine::name_of<Combine>(), list);
  }
};
template <> struct CombineOf<combine::Product> {
  static std::string of(const Arguments& x) {
    std::string product;
    for (const std::string& each : x) product = times(product, each);
    return product;
  }
};
template <> struct CombineOf<combine::Sum> {
  static std::string of(const Arguments& x) {
    std::string sum;
    for (const std::string& each : x) sum = plus(sum, each);
    return sum;
  }
};
template <class Map, class Combine> struct CombineOf<combine::Of<Map, Combine>> {
  static std::string of(const Arguments& x) { return MapOf<Map>::of(CombineOf<Combine>::of(x)); }
};
template <> struct CombineOf<combine::LowerBound> {
  static std::string of(const Arguments& x) { return "log (" + x[1] + " + (1 - " + x[1] + ") sigmoid(" + x[0] + "))"; }
};
template <> struct CombineOf<combine::Share> {
  static std::string of(const Arguments& x) { return "log (sigmoid(" + x[0] + ") / (sigmoid(" + x[0] + ") + sigmoid(" + x[1] + ")))"; }
};
template <> struct CombineOf<combine::ModulusGate> { static std::string of(const Arguments& x) { return "log sigmoid(|" + complex(x[0], x[1]) + "|)"; } };
template <> struct CombineOf<combine::Angle> { static std::string of(const Arguments& x) { return "arg(" + complex(x[0], x[1]) + ")"; } };
template <> struct CombineOf<combine::RecurrentGate> { static std::string of(const Arguments& x) { return "-8 " + x[0] + " softplus(" + x[1] + ")"; } };
template <> struct CombineOf<combine::Damped> { static std::string of(const Arguments& x) { return "log (1 - " + times(x[0], x[1]) + ")"; } };
template <> struct CombineOf<combine::Rwkv7Key> {
  static std::string of(const Arguments& x) { return x[0] + " (1 + (sigmoid(" + x[1] + ") - 1) " + x[2] + ")"; }
};
template <int N> struct CombineOf<combine::ReciprocalReal<N>> { static std::string of(const Arguments& x) { return "Re 1 / (" + complex(x[0], x[1]) + ")"; } };
template <int N> struct CombineOf<combine::ReciprocalImag<N>> { static std::string of(const Arguments& x) { return "Im 1 / (" + complex(x[0], x[1]) + ")"; } };
inline std::string bilinear(const Arguments& x) { return "bilinear(" + times(x[0], complex(x[1], x[2])) + ")"; }
template <> struct CombineOf<combine::BilinearLog> { static std::string of(const Arguments& x) { return "log |" + bilinear(x) + "|"; } };
template <> struct CombineOf<combine::BilinearAngle> { static std::string of(const Arguments& x) { return "arg " + bilinear(x); } };
inline std::string softmax(const Arguments& x) {
  return "softmax(" + complex(times(x[0], x[2]), times(x[1], x[3])) + ", " + x[4] + " positions) / (" + complex(x[2], x[3]) + ")";
}
template <> struct CombineOf<combine::SoftmaxLog> { static std::string of(const Arguments& x) { return "log |" + softmax(x) + "|"; } };
template <> struct CombineOf<combine::SoftmaxAngle> { static std::string of(const Arguments& x) { return "arg " + softmax(x); } };

// Leaves; `at`: with their index, a of a key, c of a value channel.
inline std::string index(Axes x) { return x == Axes::key ? "[a]" : x == Axes::value ? "[c]" : x == Axes::matrix ? "[a,c]" : ""; }
template <class Leaf> struct LeafOf {
  static std::string of(bool = false) { if constexpr (requires { Leaf::name; }) return Leaf::name; else return "a leaf"; }
};
template <int N, Axes X> struct LeafOf<Fixed<rule::Constant<N>, X>> { static std::string of(bool = false) { return std::to_string(N); } };
template <Axes X> struct LeafOf<Fixed<rule::ResetAtStart, X>> { static std::string of(bool = false) { return "log (0 at the start, else 1)"; } };
template <class Name, Axes X, Source S, class Map> struct LeafOf<Named<Name, X, S, Map>> {
  static std::string of(bool at = false) { return MapOf<Map>::of(Name::name + (at ? index(X) : "")); }
};
template <class Combine, class... Leaves> struct LeafOf<Joined<Combine, Leaves...>> {
  static std::string of(bool at = false) { return CombineOf<Combine>::of({LeafOf<Leaves>::of(at)...}); }
};
template <class Name> struct LeafOf<OneHot<Name>> { static std::string of(bool = false) { return std::string("one-hot(") + Name::name + ")"; } };
template <class Query, class Book, bool Centred> struct LeafOf<Logits<Query, Book, Centred>> {
  static std::string of(bool = false) { return std::string(Query::name) + " . " + Book::name + "[a]"; }
};

// Terms.
template <class Term> struct TermOf {
  static std::string of(bool at = false) { if constexpr (requires { typename Term::leaf; }) return LeafOf<typename Term::leaf>::of(at); else return "a term"; }
  static std::string source() { return name_of(Term::source); }
};
template <Plane P, class Combine, class... Leaves> struct TermOf<RegisterTerm<P, Combine, Leaves...>> {
  static std::string of(bool at = false) { return CombineOf<Combine>::of({LeafOf<Leaves>::of(at)...}); }
  static std::string source() { return name_of(RegisterTerm<P, Combine, Leaves...>::source); }
};
template <class Re, class Im> struct TermOf<ComplexFactor<Re, Im>> {
  static std::string of(bool at = false) { return complex(LeafOf<Re>::of(at), LeafOf<Im>::of(at)); }
  static std::string source() { return name_of(ComplexFactor<Re, Im>::source); }
};
template <class Tie, class O> struct TermOf<TiedTo<Tie, O>> {
  static std::string of(bool = false) { return Tie::name; }
  static std::string source() { return "tied"; }
};

// A stage as one formula: factors, and an exp of the sum of logs and angles. A coupling makes it a matrix over the keys, (I - write erase^T)
// times the decay, or the decay minus write erase^T.
template <class S> std::string formula(bool at = true) {
  std::string product, phases, sum, taken;
  Arguments logs;
  bool before = false;
  S::for_each_term([&]<class Term>(std::type_identity<Term>) {
    if constexpr (Term::plane == Plane::coupling) {
      const std::string write = formula<typename Term::write>(false), erase = formula<typename Term::erase>(false);
      taken = (erase[0] == '-' ? " + " : " - ") + grouped(write) + " " + grouped(erase[0] == '-' ? erase.substr(1) : erase) + "^T";
      before = Term::order == Order::before_decay;
    } else {
      const std::string x = TermOf<Term>::of(at);
      if constexpr (Term::plane == Plane::log) logs.push_back(x);
      else if constexpr (Term::plane == Plane::phase) phases = plus(phases, x);
      else product = times(product, x);
    }
  });
  const std::string polar = begins(phases, "arg ") ? phases.substr(4) : "";
  for (const std::string& x : logs) {
    if (!polar.empty() && x == "log |" + polar + "|") product = times(product, polar), phases.clear();
    else if (begins(x, "log ") && outside(x, " / ") == x.npos) product = times(product, x.substr(4));
    else sum = plus(sum, x);
  }
  if (!phases.empty()) sum = plus(sum, "i " + grouped(phases));
  if (!sum.empty()) product = times(product, "exp(" + sum + ")");
  if (taken.empty()) return product.empty() ? "1" : bare(product);
  return before ? product + taken : product.empty() ? "I" + taken : "(I" + taken + ") " + product;
}
template <class Write, class Erase, Order O> struct TermOf<LowRank<Write, Erase, O>> {
  static std::string of(bool = false) {
    return "low rank: write " + formula<typename LowRank<Write, Erase>::write>(false) + ", erase " + formula<typename LowRank<Write, Erase>::erase>(false) +
           (O == Order::after_decay ? " after the decay" : " before the decay");
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
      text += line + TermOf<Term>::of() + (Term::sign ? ", which is 1 or -1\n" : "\n");
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
  for (const Mode mode : {Mode::reference, Mode::recurrent, Mode::scan, Mode::chunkwise, Mode::attention, Mode::convolution}) {
    if (has_mode<M>(mode)) have += std::string(", ") + name_of(mode);
    else if (mode != Mode::convolution || M::time_invariant) missing += std::string("no ") + name_of(mode) + ": " + why_not<M>(mode) + "\n";
  }
  return have + "\n" + missing;
}

}  // namespace words

// A mixer's algebra in words: the terms of e, o and s, each with plane, axes, source and map; its parts; what is computed from them; its modes, and
// for each that is missing the reason.
template <class M> std::string describe(M = {}) {
  std::string text = words::stage<typename M::expand>("e") + words::stage<typename M::oscillation>("o") + words::stage<typename M::shrink>("s") + words::parts<M>();
  if (M::shifts) text += "o  every key's memory moves on to the next key\n";
  text += std::string("structure ") + name_of(M::structure) + ", " + name_of(M::domain) + (M::time_invariant ? ", time-invariant" : ", varies with time");
  text += std::string(M::factors ? ", factors into keys and channels" : ", does not factor into keys and channels") + (M::coupled ? ", couples keys\n" : "\n");
  return text + words::modes<M>();
}

}  // namespace lcsm
