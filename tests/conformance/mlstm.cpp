// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "run.hpp"

#include <lcsm/mixers/mlstm.hpp>

#include <cmath>

namespace lcsm::conformance {
namespace {

// Mixers that show what mLSTM keeps to itself, read through guards of their own: the denominator before its guard (with i = 1, the numerator
// is the denominator), and exp(-p).
struct Bare {
  template <class V> static V apply(V, V) { return map::constant<V>(1); }
};
struct TimesScale {
  template <class V> static V apply(V d, V p) { return d * math::exp(p); }
};
using Forget = MlstmFromNothing::oscillation;
struct RowSum : Mixer<mlstm::Write, Forget, mlstm::Read, Quotient<Bare>, RunningMax<FromNothing>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, i{}, f{}; };
};
struct Scale : Mixer<Stage<LogTerm<Data<in::i, Axes::one>>>, Forget, shrink::One, Quotient<TimesScale>, RunningMax<FromNothing>> {
  template <class T> struct In { View<T> v{}, i{}, f{}; };
};

template <class M> auto attention = []<class T>(const Source<T>& x) {
  return typename M::template In<const T>{.q = x("q"), .k = x("k"), .v = x("v"), .i = x("i"), .f = x("f")};
};

Problem sizes(Case& c) {
  Problem p;
  p.batch = c.size("B"), p.tokens = c.size("L"), p.heads = c.size("H"), p.keys = c.size("K"), p.values = c.size("V"),
  p.prefill = c.size_or("prefill", 0);
  for (const char* name : {"q", "k", "v"}) p.inputs.add(name, c.in(name), "BHLF", "BLH1F");
  p.no_op = {{"i", minus_infinity}, {"f", 1e4}};
  for (const char* name : {"i", "f"}) p.inputs.add(name, c.in(name), "BHL", "BLH11");
  return p;
}

void recurrent_form(Case& c) {
  Problem p = sizes(c);
  p.state(c, "C", "m", "BHKV", "BHKV", "B1HKV"), p.state(c, "n", "z", "BHK", "BHK", "B1H1K"), p.state(c, "m", "p", "BH1", "BH1", "B1H11");
  p.output(c, "o", "BHLV", "BLHV");
  check<Mlstm>(c, p, attention<Mlstm>);
}

void parallel_form(Case& c) {
  Problem p = sizes(c);
  p.output(c, "o", "BHLV", "BLHV"), p.outputs.push_back(c.expected("aux", "o_xlstm", "BHLV", "BLHV"));
  check<MlstmFromNothing>(c, p, attention<MlstmFromNothing>);

  // n = max(|row sum|, exp(-m)) and m itself, of every row.
  p.outputs.clear(), p.values = 1;
  p.inputs.add("v", constant({p.batch, p.tokens, p.heads}, 1), "BLH", "BLH11");
  const Array m = rearranged(c.aux("m"), "BHL", "BLH");
  p.outputs.push_back(c.expected("aux", "n", "BHL", "BLH"));
  p.after([m]<class X>(std::vector<X>& y) {                 // no part of the loss: without slopes
    for (std::size_t n = 0; n < y.size(); ++n) y[n] = X{std::max(std::abs(y[n].x), std::exp(-m[n])), y[n].error, {}};
  });
  check<RowSum>(c, p, attention<RowSum>);
  p.outputs.assign(1, c.expected("aux", "m", "BHL", "BLH", {}, 1)), p.keys = 1;
  p.after([]<class X>(std::vector<X>& y) {
    for (X& v : y) v = -log(v);
  });
  check<Scale>(c, p, []<class T>(const Source<T>& x) { return Scale::In<const T>{.v = x("v"), .i = x("i"), .f = x("f")}; });
}
const bool known = add("mlstm", recurrent_form) && add("mlstm_parallel", parallel_form);

}  // namespace
}  // namespace lcsm::conformance
