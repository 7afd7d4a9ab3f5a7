// SPDX-License-Identifier: MIT
#pragma once

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/filters/mlp.hpp>

#include <cmath>
#include <functional>

// What the tests of filters share. F is a filter; taps of lags before 0 (`back`) are 0 for those that have none.
namespace lcsm::test {

template <class S> struct NamedView { std::string name; View<S>* view; };

template <class S> void list_of(std::vector<NamedView<S>>& out, filter::MlpMaps<S>& mlp) {
  const auto layer = [&](const std::string& name, filter::Linear<S>& l) {
    out.push_back({name + ".weight", &l.weight}), out.push_back({name + ".bias", &l.bias}), out.push_back({name + ".gain", &l.gain});
  };
  layer("mlp.input", mlp.input);
  for (std::size_t k = 0; k < mlp.hidden.size(); ++k) layer("mlp.hidden[" + std::to_string(k) + "]", mlp.hidden[k]);
  layer("mlp.output", mlp.output);
}
// The views of an aggregate of parameters, by name. Filters differ in which of these they have.
template <class S, class In> std::vector<NamedView<S>> list(In& in) {
  std::vector<NamedView<S>> out;
  if constexpr (requires { in.taps; }) out.push_back({"taps", &in.taps});
  if constexpr (requires { in.z; }) out.push_back({"z", &in.z}), out.push_back({"t", &in.t}), out.push_back({"freq", &in.freq}), out.push_back({"deltas", &in.deltas});
  if constexpr (requires { in.gamma; }) out.push_back({"gamma", &in.gamma});
  if constexpr (requires { in.kernels; }) {
    for (std::size_t i = 0; i < in.kernels.size(); ++i) out.push_back({"kernels[" + std::to_string(i) + "]", &in.kernels[i]});
    out.push_back({"multiplier", &in.multiplier}), out.push_back({"decay", &in.decay}), out.push_back({"norm", &in.norm});
  }
  if constexpr (requires { in.mlp; }) list_of(out, in.mlp);
  return out;
}
template <class To, class From> void take_structure(To& to, const From& from) {
  if constexpr (requires { to.kernels; }) to.kernels.resize(from.kernels.size());
  if constexpr (requires { to.mlp; }) to.mlp.hidden.resize(from.mlp.hidden.size());
}

// Parameters of type S in storage of their own, with poison between them.
template <class F, class S> class Parameters {
 public:
  typename F::template In<S> in;
  explicit Parameters(Layout layout = Layout::dense, std::uint64_t seed = 1) : layout_(layout), random_(seed) {}
  Parameters(const Parameters&) = delete;

  View<S> add(const std::array<Index, 5>& extent) { return numbers_.emplace_back(extent, layout_, random_).view; }
  View<S> add(Index heads, Index rows, Index features) { return add({1, 1, heads, rows, features}); }
  void add_mlp(Index inputs, Index width, Index hidden, Index heads, Index features, bool bias = true, bool gain = false) {
    const auto layer = [&](Index h, Index rows, Index columns, bool biased) {
      filter::Linear<S> l{.weight = add(h, rows, columns)};
      if (biased) l.bias = add(h, 1, rows);
      if (gain) l.gain = add(h, 1, rows);
      return l;
    };
    in.mlp.input = layer(1, width, inputs, true);
    for (Index k = 0; k < hidden; ++k) in.mlp.hidden.push_back(layer(1, width, width, true));
    in.mlp.output = layer(heads, features, width, bias);
  }
  // The same places as those of others, for their numbers in this type or for their gradient.
  template <class Other> void take_places(const Parameters<F, Other>& other) {
    take_structure(in, other.in);
    auto mine = list<S>(in);
    auto theirs = list<Other>(const_cast<Parameters<F, Other>&>(other).in);
    for (std::size_t k = 0; k < mine.size(); ++k)
      if (*theirs[k].view) *mine[k].view = add(theirs[k].view->extent);
  }
  template <class Other> void take(const Parameters<F, Other>& other) {
    take_places(other);
    auto mine = list<S>(in);
    auto theirs = list<Other>(const_cast<Parameters<F, Other>&>(other).in);
    for (std::size_t k = 0; k < mine.size(); ++k)
      each(*mine[k].view, [&](S& x, Index t, Index h, Index r, Index f) { x = stage::convert<S>(stage::convert<double>(theirs[k].view->at(0, t, h, r, f))); });
  }
  void randomise(double low = -1, double high = 1) {
    for (auto& [name, view] : list<S>(in))
      each(*view, [&](S& x, Index, Index, Index, Index) { x = S(random_.uniform(low, high)); });
  }
  typename F::template In<const S> constant() const {
    typename F::template In<const S> out;
    take_structure(out, in);
    auto to = list<const S>(out);
    auto from = list<S>(const_cast<Parameters&>(*this).in);
    for (std::size_t k = 0; k < to.size(); ++k) *to[k].view = *from[k].view;
    return out;
  }
  bool slack_is_untouched() const {
    return std::all_of(numbers_.begin(), numbers_.end(), [](const auto& x) { return x.slack_is_untouched(); });
  }
  bool is_untouched() const {
    bool all = slack_is_untouched();
    for (auto& [name, view] : list<S>(const_cast<Parameters&>(*this).in)) each(*view, [&](S& x, Index, Index, Index, Index) { all = all && is_poison(x); });
    return all;
  }
  template <class G> static void each(const View<S>& v, G&& f) {
    for (Index t = 0; t < v.time(); ++t)
      for (Index h = 0; h < v.head(); ++h)
        for (Index r = 0; r < v.row(); ++r)
          for (Index c = 0; c < v.feature(); ++c) f(v.at(0, t, h, r, c), t, h, r, c);
  }

 private:
  Layout layout_;
  Random random_;
  std::deque<Guarded<S>> numbers_;
};

struct KernelShape { Index taps, heads, features, back = 0; };
// Taps, or their cotangents, and those of lags before 0.
template <class T> struct Kernel {
  Random random;
  Guarded<T> front, back;
  Kernel(const KernelShape& n, Layout layout, std::uint64_t seed = 2) : random(seed), front({1, n.taps, n.heads, 1, n.features}, layout, random), back({1, n.back, n.heads, 1, n.features}, layout, random) {}
  template <class G> void each(G&& f) {
    for (const View<T>& v : {front.view, back.view})
      for (Index l = 0; l < v.time(); ++l)
        for (Index h = 0; h < v.head(); ++h)
          for (Index d = 0; d < v.feature(); ++d) f(v(0, l, h, d));
  }
  void randomise() { each([&](T& x) { x = T(random.uniform(-1, 1)); }); }
};
template <class F, class P, class T> void run_taps(const F& f, const Parameters<F, P>& p, const Kernel<T>& k) {
  if constexpr (requires { f.taps(p.constant(), k.front.view, k.back.view); }) f.taps(p.constant(), k.front.view, k.back.view); else f.taps(p.constant(), k.front.view);
}
template <class F, class P, class T, class G> void run_vjp(const F& f, const Parameters<F, P>& p, const Kernel<T>& bar, const Parameters<F, G>& to) {
  if constexpr (requires { f.taps_vjp(p.constant(), bar.front.view, bar.back.view, to.in); }) f.taps_vjp(p.constant(), bar.front.view, bar.back.view, to.in);
  else f.taps_vjp(p.constant(), bar.front.view, to.in);
}

// Every number of every gradient against a central difference.
template <class F> void check_differences(const F& f, Parameters<F, double>& p, const KernelShape& n) {
  Kernel<double> bar(n, Layout::strided, 3), k(n, Layout::dense);
  bar.randomise();
  Parameters<F, double> gradient(Layout::strided);
  gradient.take_places(p);
  run_vjp(f, p, bar, gradient);
  CHECK(gradient.slack_is_untouched());
  double size = 1;
  const auto loss = [&] {
    run_taps(f, p, k);
    std::vector<double> taps, bars;
    k.each([&](double x) { taps.push_back(x); }), bar.each([&](double x) { bars.push_back(x); });
    double sum = 0;
    for (std::size_t l = 0; l < taps.size(); ++l) sum += taps[l] * bars[l], size = std::max(size, std::abs(taps[l]));
    return sum;
  };
  auto values = list<double>(p.in), gradients = list<double>(gradient.in);
  bool any = n.taps + n.back == 0;
  for (std::size_t v = 0; v < values.size(); ++v)
    Parameters<F, double>::each(*values[v].view, [&](double& x, Index t, Index h, Index r, Index c) {
      const double given = gradients[v].view->at(0, t, h, r, c), right = central_difference(x, loss), tolerance = 10 * difference_tolerance * size * double(n.taps + n.back);
      any = any || given != 0;
      if (std::abs(given - right) <= tolerance) return;
      INFO(values[v].name << " at " << t << "," << h << "," << r << "," << c << ": " << given << " for " << right);
      CHECK(std::abs(given - right) <= tolerance);
    });
  CHECK(any);
}

// Numbers stored as P and T, with gaps: those computed from the same numbers in double, rounded once.
template <class P, class T, class F> void check_storage_of(const F& f, const Parameters<F, double>& values, const KernelShape& n) {
  Parameters<F, P> narrow(Layout::strided, 5), narrow_gradient(Layout::strided, 6);
  Parameters<F, double> wide, wide_gradient;
  narrow.take(values), narrow_gradient.take_places(values), wide.take(narrow), wide_gradient.take_places(values);
  Kernel<T> k(n, Layout::strided), bar(n, Layout::strided, 7);
  Kernel<double> right(n, Layout::dense), right_bar(n, Layout::dense);
  run_taps(f, narrow, k), run_taps(f, wide, right);
  std::vector<double> want;
  right.each([&](double x) { want.push_back(stage::convert<double>(stage::convert<T>(x))); });
  bool same = true;
  std::size_t at = 0;
  k.each([&](T x) { same = same && stage::convert<double>(x) == want[at++]; });
  CHECK(same);
  CHECK((k.front.slack_is_untouched() && k.back.slack_is_untouched()));

  bar.randomise();
  std::vector<double> bars;
  bar.each([&](T x) { bars.push_back(stage::convert<double>(x)); });
  at = 0;
  right_bar.each([&](double& x) { x = bars[at++]; });
  run_vjp(f, narrow, bar, narrow_gradient), run_vjp(f, wide, right_bar, wide_gradient);
  auto a = list<P>(narrow_gradient.in);
  auto b = list<double>(wide_gradient.in);
  for (std::size_t v = 0; v < a.size(); ++v) {
    bool alike = true;
    Parameters<F, P>::each(*a[v].view, [&](P x, Index t, Index h, Index r, Index c) { alike = alike && same_bits(x, stage::convert<P>(b[v].view->at(0, t, h, r, c))); });
    INFO(a[v].name);
    CHECK(alike);
  }
  CHECK(narrow_gradient.slack_is_untouched());
}

template <class F> void check_storage(const F& f, const Parameters<F, double>& values, const KernelShape& n) {
  check_storage_of<float, Bfloat16>(f, values, n);
#ifdef LCSM_LONG_TESTS
  check_storage_of<Float16, float>(f, values, n);
#endif
}

// A parameter that repeats along an axis is that number everywhere; its gradient along that axis is the sum.
template <class F> void check_sharing(const F& f, const Parameters<F, double>& values, const KernelShape& n, const std::string& name, std::size_t axis) {
  INFO(name << ", axis " << axis);
  Parameters<F, double> shared, spread, of_shared, of_spread;
  shared.take(values), spread.take(values), of_shared.take_places(values), of_spread.take_places(values);
  const auto find = [&](Parameters<F, double>& p) -> View<double>& {
    for (auto& v : list<double>(p.in))
      if (v.name == name) return *v.view;
    FAIL("no parameter " << name);
    return *list<double>(p.in)[0].view;
  };
  View<double>&one = find(shared), &all = find(spread), &sum = find(of_shared), &parts = find(of_spread);
  REQUIRE(all.extent[axis] > 1);
  one = one.slice(axis, 0, 1), sum = sum.slice(axis, 0, 1), one.stride[axis] = sum.stride[axis] = 0;
  const auto zero = [&](Index at, std::size_t a) { return a == axis ? 0 : at; };
  Parameters<F, double>::each(all, [&](double& x, Index t, Index h, Index r, Index c) { x = one.at(0, zero(t, 1), zero(h, 2), zero(r, 3), zero(c, 4)); });
  Kernel<double> a(n, Layout::dense), b(n, Layout::dense), bar(n, Layout::dense, 9);
  run_taps(f, shared, a), run_taps(f, spread, b);
  std::vector<double> x;
  a.each([&](double v) { x.push_back(v); });
  std::size_t at = 0;
  bool same = true;
  b.each([&](double v) { same = same && v == x[at++]; });
  CHECK(same);
  bar.randomise();
  run_vjp(f, shared, bar, of_shared), run_vjp(f, spread, bar, of_spread);
  Parameters<F, double>::each(sum, [&](double& given, Index t, Index h, Index r, Index c) {
    double right = 0, size = 0;
    Parameters<F, double>::each(parts, [&](double& part, Index t1, Index h1, Index r1, Index c1) {
      if (zero(t1, 1) == t && zero(h1, 2) == h && zero(r1, 3) == r && zero(c1, 4) == c) right += part, size += std::abs(part);
    });
    CHECK(std::abs(given - right) <= 4 * double(parts.extent[axis]) * 0x1p-53 * size);
  });
}

// A call that must throw E for the argument, and leave what it writes as it is.
template <class E, class Call> void expect_error(const std::string& argument, Call&& call) {
  INFO("argument " << argument);
  try {
    call();
    CHECK(false);
  } catch (const E& e) {
    INFO(e.what());
    CHECK(std::string(e.what()).find("argument '" + argument + "'") != std::string::npos);
    CHECK(std::string(e.what()).find("lcsm::filter::") == 0);
  }
}
// The rows of an error that a view of other extents makes, for each parameter of a filter and for its gradient.
template <class F> void check_wrong_shapes(const F& f, const Parameters<F, double>& values, const KernelShape& n) {
  Parameters<F, double> p, gradient;
  p.take(values), gradient.take_places(values);
  Kernel<double> k(n, Layout::dense), bar(n, Layout::dense);
  bar.randomise();
  const auto untouched = [&] {
    bool all = true;
    k.each([&](double x) { all = all && is_poison(x); });
    return all && gradient.is_untouched();
  };
  auto views = list<double>(p.in), gradients = list<double>(gradient.in);
  for (std::size_t v = 0; v < views.size(); ++v) {
    if (!*views[v].view) continue;
    const View<double> was = *views[v].view, of = *gradients[v].view;
    views[v].view->extent[0] = 2;
    expect_error<ShapeError>(views[v].name, [&] { run_taps(f, p, k); }), expect_error<ShapeError>(views[v].name, [&] { run_vjp(f, p, bar, gradient); });
    *views[v].view = was;
    if (was.head() > 1) {
      views[v].view->extent[2] = was.head() + 1;
      expect_error<ShapeError>(views[v].name, [&] { run_taps(f, p, k); });
      *views[v].view = was;
    }
    gradients[v].view->extent[4] += 1;
    expect_error<ShapeError>("gradient of " + gradients[v].name, [&] { run_vjp(f, p, bar, gradient); });
    *gradients[v].view = of;
    if (of.feature() > 1) {
      gradients[v].view->stride[4] = 0;
      expect_error<ShapeError>("gradient of " + gradients[v].name, [&] { run_vjp(f, p, bar, gradient); });
      *gradients[v].view = of;
    }
    CHECK(untouched());
  }
  const View<double> was = k.front.view, bars = bar.front.view;
  k.front.view.stride[1] = 0, bar.front.view.extent[0] = 2;
  expect_error<ShapeError>("kernel", [&] { run_taps(f, p, k); }), expect_error<ShapeError>("kernel_bar", [&] { run_vjp(f, p, bar, gradient); });
  k.front.view = was, k.front.view.data = nullptr, bar.front.view = bars, bar.front.view.extent[3] = 2;
  expect_error<ShapeError>("kernel", [&] { run_taps(f, p, k); }), expect_error<ShapeError>("kernel_bar", [&] { run_vjp(f, p, bar, gradient); });
  k.front.view = was;
  CHECK(untouched());
}

// The network by plain loops. f maps a row.
using Doubles = std::vector<double>;
inline Doubles network(const filter::MlpMaps<double>& p, Doubles x, const std::function<Doubles(Doubles)>& f, bool residual = false) {
  const auto layer = [](const filter::Linear<double>& l, const Doubles& in) {
    Doubles out;
    for (Index h = 0; h < l.weight.head(); ++h)
      for (Index r = 0; r < l.weight.row(); ++r) {
        double sum = 0, norm = 0;
        for (Index c = 0; c < l.weight.feature(); ++c) sum += l.weight.at(0, 0, h, r, c) * in[to_size(c)], norm += std::pow(l.weight.at(0, 0, h, r, c), 2);
        out.push_back((l.gain ? l.gain(0, 0, h, r) * sum / std::sqrt(norm) : sum) + (l.bias ? l.bias(0, 0, h, r) : 0));
      }
    return out;
  };
  x = layer(p.input, x);
  for (const filter::Linear<double>& l : p.hidden) {
    Doubles more = layer(l, f(x));
    for (std::size_t c = 0; c < more.size() && residual; ++c) more[c] += x[c];
    x = more;
  }
  return layer(p.output, f(x));
}

}  // namespace lcsm::test
