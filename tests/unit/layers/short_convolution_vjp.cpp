// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/short_convolution_vjp.hpp>

#include "support/catch.hpp"
#include "support/gradients.hpp"
#include "support/short_convolution.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

using lcsm::Bfloat16;
using lcsm::Buffer;
using lcsm::ConvolutionCotangents;
using lcsm::ConvolutionGradients;
using lcsm::ConvolutionOptions;
using lcsm::Direction;
using lcsm::Index;
using lcsm::to_size;
using lcsm::View;
using lcsm::exec::Par;
using lcsm::exec::seq;
using lcsm::map::Identity;
using lcsm::map::Silu;
using lcsm::test::Guarded;
using lcsm::test::Layout;
using lcsm::test::Random;

namespace {

using Real = long double;
using Extents = std::array<Index, 5>;

// A call: what goes in, and how. Everything lies in memory as it likes, but for the features of states.
template <class S> struct Problem {
  Index B, L, H, D, W, N;
  Random& random;
  std::vector<std::int32_t> offsets;
  Buffer<std::uint8_t> bytes;
  Guarded<S> x, w, b, y_bar;
  Guarded<lcsm::storage_compute_t<S>> initial, final_bar;
  bool biased = true, started = true, final_counts = true;
  Direction direction = Direction::forward;

  Problem(Index batch, Index tokens, Index heads, Index features, Index taps, Random& engine, Layout layout = Layout::dense, std::vector<std::int32_t> packed = {}, bool masked = false)
      : B(batch), L(tokens), H(heads), D(features), W(taps), N(packed.empty() ? B : Index(packed.size()) - 1), random(engine), offsets(packed),
        x({B, L, H, 1, D}, layout, random), w({1, 1, H, D, W}, layout, random), b({1, 1, H, 1, D}, layout, random), y_bar({B, L, H, 1, D}, layout, random),
        initial({N, 1, H, W - 1, D}, row_layout(layout), random), final_bar({N, 1, H, W - 1, D}, row_layout(layout), random) {
    x.each(uniform()), w.each(uniform()), b.each(uniform()), y_bar.each(uniform()), initial.each(uniform()), final_bar.each(uniform());
    if (!masked) return;
    bytes = Buffer<std::uint8_t>(B, L, 1, 1);
    for (std::uint8_t& m : bytes) m = random.one_in(3) ? 0 : 255;
  }
  static Layout row_layout(Layout layout) { return layout == Layout::strided ? Layout::rows : layout; }
  auto uniform() const {
    return [this](auto& v) { v = std::remove_reference_t<decltype(v)>(random.uniform(-2, 2)); };
  }

  View<const S> bias() const { return biased ? View<const S>(b.view) : View<const S>{}; }
  template <class T> ConvolutionOptions<T> options() const {
    ConvolutionOptions<T> o{.mask = bytes.view(), .direction = direction};
    if (!offsets.empty()) o.sequences = offsets;
    if (started) o.initial = initial.view;
    return o;
  }
  template <class T> ConvolutionCotangents<T> states(View<T> initial_bar = {}) const {
    return {final_counts ? View<const T>(final_bar.view) : View<const T>{}, initial_bar};
  }
  template <class Activation, class Exec, class G> void pull(const Exec& exec, const G& grads, View<lcsm::storage_compute_t<S>> initial_bar = {}) const {
    using T = lcsm::storage_compute_t<S>;
    lcsm::short_convolution_vjp<Activation>(exec, x.view, w.view, bias(), y_bar.view, grads, options<T>(), states<T>(initial_bar));
  }
  // The tokens of a sequence as its windows see them.
  std::vector<Index> timeline(Index n) const {
    std::vector<Index> tokens;
    const Index begin = offsets.empty() ? 0 : offsets[to_size(n)], end = offsets.empty() ? L : offsets[to_size(n + 1)];
    for (Index t = begin; t < end; ++t)
      if (bytes.size() == 0 || bytes[n * L + t] != 0) tokens.push_back(t);
    if (direction == Direction::reverse) std::reverse(tokens.begin(), tokens.end());
    return tokens;
  }
  Index batch(Index n) const { return offsets.empty() ? n : 0; }
};

// Poisoned places for all gradients.
template <class S, class P = S, class T = lcsm::storage_compute_t<S>> struct Bars {
  Guarded<S> x;
  Guarded<P> w, b;
  Guarded<T> initial;
  template <class Q> explicit Bars(const Problem<Q>& p, Layout layout = Layout::dense)
      : x({p.B, p.L, p.H, 1, p.D}, layout, p.random), w({1, 1, p.H, p.D, p.W}, layout, p.random), b({1, 1, p.H, 1, p.D}, layout, p.random),
        initial({p.N, 1, p.H, p.W - 1, p.D}, Problem<Q>::row_layout(layout), p.random) {}
  ConvolutionGradients<S, P> views() const { return {x.view, w.view, b.view}; }
  bool slack_is_untouched() const { return x.slack_is_untouched() && w.slack_is_untouched() && b.slack_is_untouched() && initial.slack_is_untouched(); }
  bool is_untouched() const { return x.is_untouched() && w.is_untouched() && b.is_untouched() && initial.is_untouched(); }
};

// f' by its formula, with the largest |f''| and the error of f' as the library computes it, in units of u: each sigmoid is within 4 u, each operation 1 u.
struct Slope { Real value, curvature, units; };
template <class Activation> Slope slope(Real c) {
  if constexpr (std::is_same_v<Activation, Identity>) return {1, 0, 0};
  else {
    const Real up = 1 / (1 + std::exp(-c)), down = 1 / (1 + std::exp(c));
    return {up * (1 + c * down), 0.5L, 11 * up * (1 + std::abs(c) * down)};
  }
}

// A sum of terms that are each known to within `slack`.
struct Sum {
  Real value = 0, magnitude = 0, slack = 0;
  void add(Real factor, Real x, Real error) { value += factor * x, magnitude += std::abs(factor * x), slack += std::abs(factor) * error; }
};
template <class T> Real gamma(Index n) {
  const Real nu = Real(n) * std::numeric_limits<T>::epsilon() / 2;
  return nu / (1 - nu);
}

// The gradients by their formulas, token after token, each number with what computing in T may cost.
template <class T, class Activation> struct Plain {
  std::vector<Sum> x, w, b, initial;
  Extents of_x, of_w, of_b, of_initial;

  template <class S> explicit Plain(const Problem<S>& p)
      : x(to_size(p.B * p.L * p.H * p.D)), w(to_size(p.H * p.D * p.W)), b(to_size(p.H * p.D)), initial(to_size(p.N * p.H * (p.W - 1) * p.D)), of_x(p.x.view.extent), of_w(p.w.view.extent),
        of_b(p.b.view.extent), of_initial(p.initial.view.extent) {
    const Index past = p.W - 1;
    for (Index n = 0; n < p.N; ++n) {
      const std::vector<Index> tokens = p.timeline(n);
      const Index length = Index(tokens.size()), batch = p.batch(n);
      for (Index h = 0; h < p.H; ++h)
        for (Index d = 0; d < p.D; ++d) {
          const auto input = [&](Index j) -> Real { return j >= 0 ? Real(double(p.x.view(batch, tokens[to_size(j)], h, d))) : p.started ? Real(p.initial.view.at(n, 0, h, past + j, d)) : 0; };
          const auto weight = [&](Index k) { return Real(double(p.w.view.at(0, 0, h, d, k))); };
          const auto x_bar = [&](Index j) -> Sum& {
            return j >= 0 ? x[to_size(((batch * p.L + tokens[to_size(j)]) * p.H + h) * p.D + d)] : initial[to_size(((n * p.H + h) * past + past + j) * p.D + d)];
          };
          for (Index t = 0; t < length; ++t) {
            const auto sum = lcsm::test::plain_convolution(p.W, weight, p.biased ? double(p.b.view(0, 0, h, d)) : 0.0, input, t);
            const Slope f = slope<Activation>(sum.value);
            const Real y_bar = double(p.y_bar.view(batch, tokens[to_size(t)], h, d)), c_bar = f.value * y_bar;
            const Real error = std::abs(y_bar) * (f.curvature * sum.template bound<T>(p.W) + f.units * gamma<T>(1)) * 1.01L;
            for (Index k = 0; k < p.W; ++k) {
              x_bar(t - past + k).add(weight(k), c_bar, error);
              w[to_size((h * p.D + d) * p.W + k)].add(input(t - past + k), c_bar, error);
            }
            b[to_size(h * p.D + d)].add(1, c_bar, error);
          }
          if (p.final_counts)
            for (Index r = 0; r < past; ++r) x_bar(length - past + r).add(1, p.final_bar.view.at(n, 0, h, r, d), 0);
        }
    }
  }
};

// Whether each number of a gradient is the sum of what shares its place, of which `in_t` additions each are in T and all others in double.
template <class T, class S> bool agrees(const View<S>& given, const std::vector<Sum>& sums, const Extents& n, Index in_t) {
  const Real storage = sizeof(S) == 2 ? 0x1p-8L : Real(std::numeric_limits<std::conditional_t<sizeof(S) == 2, float, S>>::epsilon()) / 2;
  std::vector<Sum> total(to_size(given.batch() * given.time() * given.head() * given.row() * given.feature()));
  const Index terms = sums.empty() || total.empty() ? 0 : Index(sums.size() / total.size());
  const auto place = [&](std::size_t a, Index at) { return at * given.extent[a] / n[a]; };
  const Sum* from = sums.data();
  for (Index b = 0; b < n[0]; ++b)
    for (Index t = 0; t < n[1]; ++t)
      for (Index h = 0; h < n[2]; ++h)
        for (Index r = 0; r < n[3]; ++r)
          for (Index f = 0; f < n[4]; ++f, ++from) {
            Sum& to = total[to_size((((place(0, b) * given.time() + place(1, t)) * given.head() + place(2, h)) * given.row() + place(3, r)) * given.feature() + place(4, f))];
            to.value += from->value, to.magnitude += from->magnitude, to.slack += from->slack;
          }
  const Sum* right = total.data();
  for (Index b = 0; b < given.batch(); ++b)
    for (Index t = 0; t < given.time(); ++t)
      for (Index h = 0; h < given.head(); ++h)
        for (Index r = 0; r < given.row(); ++r)
          for (Index f = 0; f < given.feature(); ++f, ++right) {
            const Real rest = right->slack + right->magnitude * (gamma<T>(in_t) + gamma<double>(terms));
            if (!(std::abs(Real(double(given.at(b, t, h, r, f))) - right->value) <= rest + storage * (std::abs(right->value) + rest))) return false;
          }
  return true;
}
template <class T, class Activation, class S, class P, class Q> void check(const Problem<Q>& p, const Bars<S, P, T>& bars) {
  const Plain<T, Activation> right(p);
  // A cotangent of an input passes a product or a sum for each tap, and the final state's. Those of the parameters pass one a token, in double.
  CHECK(agrees<T>(bars.x.view, right.x, right.of_x, p.W + 1));
  const Index tokens = p.B * p.L + 2;
  CHECK(agrees<double>(bars.w.view, right.w, right.of_w, tokens));
  CHECK(agrees<double>(bars.b.view, right.b, right.of_b, tokens));
  CHECK(agrees<T>(bars.initial.view, right.initial, right.of_initial, p.W + 1));
  CHECK(bars.slack_is_untouched());
}

template <class T> bool same(const Guarded<T>& a, const Guarded<T>& b) {
  std::vector<T> left, right;
  a.each([&](const T& v) { left.push_back(v); }), b.each([&](const T& v) { right.push_back(v); });
  return a.view.extent == b.view.extent && std::equal(left.begin(), left.end(), right.begin(), [](const T& u, const T& v) { return lcsm::test::same_bits(u, v); });
}
template <class S, class P, class T> bool same(const Bars<S, P, T>& a, const Bars<S, P, T>& b) { return same(a.x, b.x) && same(a.w, b.w) && same(a.b, b.b) && same(a.initial, b.initial); }

std::vector<std::int32_t> random_offsets(Index tokens, Random& random) {
  std::vector<std::int32_t> offsets{0};
  for (Index at = 0; at < tokens; at = std::min(tokens, at + random.below(tokens / 2 + 2))) offsets.push_back(std::int32_t(at));
  offsets.push_back(std::int32_t(tokens));
  return offsets;
}

}  // namespace

TEMPLATE_TEST_CASE("short_convolution_vjp: the adjoint is its sums, however things lie in memory", "[layers]", float, double) {
  using T = TestType;
  Random random(1);
  for (Index round = 0; round < 60; ++round) {
    const Index kind = round % 3, L = random.one_of({0, 1, 2, 6, 40, 131, 290}), H = random.one_of({1, 2, 4});
    const Layout layout = lcsm::test::any_layout(random);
    Problem<T> p(kind == 1 ? 1 : 2, L, H, random.one_of({1, 3, 8, 17, 37}) + (round % 10 == 0 ? 512 : 0), round % 20 == 7 ? 150 : random.between(1, 7), random, layout,
                 kind == 1 ? random_offsets(L, random) : std::vector<std::int32_t>{}, kind == 2);
    p.biased = !random.one_in(3), p.started = !random.one_in(3), p.final_counts = !random.one_in(3), p.direction = Direction(random.below(2));
    Bars<T> bars(p, layout);
    const auto repeat = [&](View<T>& v, Index often) {      // the axes to sum over, and heads that share a row
      for (std::size_t a = 0; a < 5; ++a)
        if (random.one_in(often)) v.extent[a] = std::min<Index>(v.extent[a], 1), v.stride[a] = 0;
      if (v.head() == 4 && random.one_in(2)) v.extent[2] = 2;
    };
    if (round % 2 == 1) repeat(bars.x.view, 4), repeat(bars.w.view, 4), repeat(bars.b.view, 4);
    const bool silu = random.one_in(2);
    INFO("kind " << kind << ", " << p.L << " tokens, " << p.H << " heads of " << p.D << ", width " << p.W << ", silu " << silu << ", bias " << p.biased << ", state " << p.started);
    if (silu) p.template pull<Silu>(Par{2}, bars.views(), bars.initial.view), check<T, Silu>(p, bars);
    else p.template pull<Identity>(Par{2}, bars.views(), bars.initial.view), check<T, Identity>(p, bars);
  }
}

TEST_CASE("short_convolution_vjp: an input that repeats has the gradient of all its places", "[layers]") {
  Random random(2);
  Problem<double> p(2, 9, 4, 5, 3, random);
  View<const double> one = p.x.view, same_row = p.w.view;
  one.extent = {1, 9, 1, 1, 1}, one.stride = {0, one.stride[1], 0, 0, 0}, same_row.extent = {1, 1, 2, 1, 3}, same_row.stride[3] = 0;
  Bars<double> bars(p), full(p);
  bars.x.view.extent = one.extent, bars.x.view.stride = {0, 1, 0, 0, 0}, bars.w.view.extent = same_row.extent, bars.w.view.stride[3] = 0;
  lcsm::short_convolution_vjp<Silu>(seq, one, same_row, p.bias(), p.y_bar.view, bars.views(), p.options<double>(), p.states<double>(bars.initial.view));
  for (Index b = 0; b < 2; ++b)                             // the same in full
    for (Index t = 0; t < 9; ++t)
      for (Index h = 0; h < 4; ++h)
        for (Index d = 0; d < 5; ++d) p.x.view(b, t, h, d) = one(0, t, 0, 0);
  Buffer<double> rows(1, 1, 2, 1, 3);
  for (Index h = 0; h < 2; ++h)
    for (Index k = 0; k < 3; ++k) rows.view().at(0, 0, h, 0, k) = same_row.at(0, 0, h, 0, k);
  for (Index h = 0; h < 4; ++h)
    for (Index d = 0; d < 5; ++d)
      for (Index k = 0; k < 3; ++k) p.w.view.at(0, 0, h, d, k) = rows.view().at(0, 0, h / 2, 0, k);
  full.x.view = {full.x.view.data, bars.x.view.extent, bars.x.view.stride}, full.w.view.extent = bars.w.view.extent, full.w.view.stride = bars.w.view.stride;
  p.pull<Silu>(seq, full.views(), full.initial.view);
  CHECK(same(bars, full));
  check<double, Silu>(p, full);
}

TEMPLATE_TEST_CASE("short_convolution_vjp: central differences", "[layers]", Identity, Silu, lcsm::map::Tanh, lcsm::map::Softplus, lcsm::map::Square) {
  Random random(3);
  for (Index round = 0; round < 12; ++round) {
    const Index kind = round % 3, L = random.between(1, 9);
    Problem<double> p(kind == 1 ? 1 : 2, L, 2, 3, random.between(1, 5), random, lcsm::test::any_layout(random), kind == 1 ? random_offsets(L, random) : std::vector<std::int32_t>{}, kind == 2);
    p.direction = Direction(round / 3 % 2);
    Bars<double> bars(p);
    p.pull<TestType>(seq, bars.views(), bars.initial.view);
    Buffer<double> y(p.B, p.L, p.H, p.D), final(p.N, 1, p.H, p.W - 1, p.D);
    const auto loss = [&](bool size) {
      auto options = p.options<double>();
      options.final = final.view();
      lcsm::short_convolution<TestType>(seq, View<const double>(p.x.view), View<const double>(p.w.view), p.bias(), y.view(), options);
      double sum = 0;
      const auto add = [&](const View<double>& a, const View<double>& b) {
        for (Index n = 0; n < a.batch(); ++n)
          for (Index t = 0; t < a.time(); ++t)
            for (Index h = 0; h < a.head(); ++h)
              for (Index r = 0; r < a.row(); ++r)
                for (Index d = 0; d < a.feature(); ++d) sum += size ? std::abs(a.at(n, t, h, r, d) * b.at(n, t, h, r, d)) : a.at(n, t, h, r, d) * b.at(n, t, h, r, d);
      };
      add(y.view(), p.y_bar.view), add(final.view(), p.final_bar.view);
      return sum;
    };
    const double size = loss(true) + 1;
    const auto differences = [&](const Guarded<double>& of, const Guarded<double>& bar) {
      std::vector<double> given;
      bar.each([&](double v) { given.push_back(v); });
      std::size_t n = 0, wrong = 0;
      of.each([&](double& v) {
        const double right = lcsm::test::central_difference(v, [&] { return loss(false); });
        if (!(std::abs(given[n++] - right) <= 10 * lcsm::test::difference_tolerance * size)) ++wrong;
      });
      return wrong;
    };
    CHECK(differences(p.x, bars.x) == 0);
    CHECK(differences(p.w, bars.w) == 0);
    CHECK(differences(p.b, bars.b) == 0);
    CHECK(differences(p.initial, bars.initial) == 0);
  }
}

TEST_CASE("short_convolution_vjp: packed sequences are separate ones", "[layers]") {
  Random random(4);
  const std::vector<std::int32_t> offsets{0, 3, 3, 4, 9, 137, 138};
  for (const Index W : {1, 2, 4, 5})
    for (const auto direction : {Direction::forward, Direction::reverse}) {
      Problem<double> p(1, 138, 2, 11, W, random, Layout::dense, offsets);
      p.direction = direction;
      Bars<double> packed(p), apart(p);
      p.pull<Silu>(Par{2}, packed.views(), packed.initial.view);
      for (Index n = 0; n < p.N; ++n) {                     // one block of tokens each: their sums are added in the same order
        const Index first = offsets[to_size(n)], count = offsets[to_size(n + 1)] - first;
        Bars<double> own(p);
        lcsm::short_convolution_vjp<Silu>(seq, p.x.view.tokens(first, count), p.w.view, p.bias(), p.y_bar.view.tokens(first, count),
                                          ConvolutionGradients<double>{apart.x.view.tokens(first, count), own.w.view, own.b.view},
                                          ConvolutionOptions<double>{.initial = p.initial.view.batches(n, 1), .direction = direction},
                                          {p.final_bar.view.batches(n, 1), apart.initial.view.batches(n, 1)});
        const auto add = [&](const Guarded<double>& to, const Guarded<double>& from) {
          std::vector<double> numbers;
          from.each([&](double v) { numbers.push_back(v); });
          std::size_t at = 0;
          to.each([&](double& v) { v = n == 0 ? numbers[at] : v + numbers[at], ++at; });
        };
        add(apart.w, own.w), add(apart.b, own.b);
      }
      CHECK(same(packed, apart));
    }
}

TEST_CASE("short_convolution_vjp: masked tokens are not there, and get 0", "[layers]") {
  Random random(5);
  for (const Index W : {1, 3, 4, 6})
    for (const auto direction : {Direction::forward, Direction::reverse})
      for (const Index kind : {0, 1, 2, 3}) {               // left padding, right padding, anywhere, nothing left
        const Index L = 25;
        Problem<float> p(1, L, 2, 10, W, random, Layout::dense, {}, true);
        p.direction = direction;
        for (Index t = 0; t < L; ++t) p.bytes[t] = std::uint8_t(kind == 0 ? t >= 7 : kind == 1 ? t < 19 : kind == 2 ? random.below(2) * 255 : 0);
        std::vector<Index> kept = p.timeline(0);
        std::sort(kept.begin(), kept.end());
        Problem<float> c(1, Index(kept.size()), 2, 10, W, random);
        c.direction = direction;
        const auto copy = [](const Guarded<float>& to, const Guarded<float>& from) {
          std::vector<float> numbers;
          from.each([&](float v) { numbers.push_back(v); });
          std::size_t at = 0;
          to.each([&](float& v) { v = numbers[at++]; });
        };
        copy(c.w, p.w), copy(c.b, p.b), copy(c.initial, p.initial), copy(c.final_bar, p.final_bar);
        for (Index t = 0, j = 0; t < L; ++t)
          for (Index h = 0; h < 2; ++h)
            for (Index d = 0; d < 10; ++d) {
              float &x = p.x.view(0, t, h, d), &y_bar = p.y_bar.view(0, t, h, d);
              if (p.bytes[t] == 0) x = y_bar = NAN;
              else c.x.view(0, j, h, d) = x, c.y_bar.view(0, j, h, d) = y_bar, j += h == 1 && d == 9;
            }
        Bars<float> masked(p), compact(c), spread(p);
        p.pull<Silu>(seq, masked.views(), masked.initial.view), c.pull<Silu>(seq, compact.views(), compact.initial.view);
        spread.x.each([](float& v) { v = 0; });
        for (Index j = 0; j < c.L; ++j)
          for (Index h = 0; h < 2; ++h)
            for (Index d = 0; d < 10; ++d) spread.x.view(0, kept[to_size(j)], h, d) = compact.x.view(0, j, h, d);
        CHECK(same(masked.x, spread.x));
        CHECK(same(masked.w, compact.w));
        CHECK(same(masked.b, compact.b));
        CHECK(same(masked.initial, compact.initial));

        Bars<float> once(p);                                // summed over channels, padding adds nothing
        once.x.view.extent[4] = 1, once.x.view.stride[4] = 0;
        p.pull<Silu>(seq, once.views());
        bool sums = true;
        for (Index t = 0; t < L; ++t)
          for (Index h = 0; h < 2; ++h) {
            double total = 0;
            for (Index d = 0; d < 10; ++d) total += double(masked.x.view(0, t, h, d));
            sums = sums && once.x.view(0, t, h, 0) == float(total);
          }
        CHECK(sums);
      }
}

TEST_CASE("short_convolution_vjp: reverse is the same on reversed time", "[layers]") {
  Random random(6);
  for (const Index W : {1, 2, 4, 7})
    for (const Index L : {0, 1, 3, 150}) {
      Problem<float> p(2, L, 2, 9, W, random);
      Bars<float> backward(p), forward(p);
      p.direction = Direction::reverse, p.pull<Silu>(seq, backward.views(), backward.initial.view);
      const auto turn = [&](View<float>& v) {
        if (L > 0) v.data += (L - 1) * v.stride[1], v.stride[1] = -v.stride[1];
      };
      turn(p.x.view), turn(p.y_bar.view), turn(forward.x.view);
      p.direction = Direction::forward, p.pull<Silu>(seq, forward.views(), forward.initial.view);
      turn(forward.x.view);
      CHECK(same(backward, forward));
    }
}

TEST_CASE("short_convolution_vjp: a call cut in two, states and their cotangents carried, is one call", "[layers]") {
  Random random(7);
  for (Index W = 1; W <= 6; ++W)
    for (const Index cut : {0, 1, 2, 7, 128, 199, 200}) {
      Problem<double> p(2, 200, 2, 9, W, random);
      Bars<double> once(p), late(p), early(p);
      p.pull<Silu>(Par{2}, once.views(), once.initial.view);
      Buffer<double> y(2, 200, 2, 9), middle(2, 1, 2, W - 1, 9), memory(2, 1, 2, W - 1, 9);
      lcsm::short_convolution<Silu>(seq, p.x.view.tokens(0, cut), p.w.view, p.bias(), y.view().tokens(0, cut), {.initial = p.initial.view, .final = middle.view()});
      for (Index n = 0; n < 2; ++n)
        for (Index h = 0; h < 2; ++h)
          for (Index r = 0; r < W - 1; ++r)
            for (Index d = 0; d < 9; ++d) memory.view().at(n, 0, h, r, d) = p.final_bar.view.at(n, 0, h, r, d);
      const auto part = [&](const Bars<double>& to, Index first, Index count, View<const double> initial) {   // the cotangents move in their own place
        lcsm::short_convolution_vjp<Silu>(Par{2}, p.x.view.tokens(first, count), p.w.view, p.bias(), p.y_bar.view.tokens(first, count),
                                          ConvolutionGradients<double>{early.x.view.tokens(first, count), to.w.view, to.b.view}, ConvolutionOptions<double>{.initial = initial},
                                          {memory.view(), memory.view()});
      };
      part(late, cut, 200 - cut, middle.view()), part(early, 0, cut, p.initial.view);
      CHECK(same(early.x, once.x));
      bool carried = true;
      for (Index n = 0; n < 2; ++n)
        for (Index h = 0; h < 2; ++h)
          for (Index r = 0; r < W - 1; ++r)
            for (Index d = 0; d < 9; ++d) carried = carried && memory.view().at(n, 0, h, r, d) == once.initial.view.at(n, 0, h, r, d);
      CHECK(carried);
      std::vector<double> rest;
      late.w.each([&](double v) { rest.push_back(v); }), late.b.each([&](double v) { rest.push_back(v); });
      std::size_t at = 0;
      early.w.each([&](double& v) { v += rest[at++]; }), early.b.each([&](double& v) { v += rest[at++]; });
      const Plain<double, Silu> right(p);
      CHECK(agrees<double>(early.w.view, right.w, right.of_w, 2 * 200 + 3));
      CHECK(agrees<double>(early.b.view, right.b, right.of_b, 2 * 200 + 3));
    }
}

TEST_CASE("short_convolution_vjp: no number of threads changes a bit", "[layers]") {
  Random random(8);
  for (const bool sums : {false, true})
    for (const Index W : {2, 4}) {
      Problem<float> p(3, 700, 2, 21, W, random);
      Bars<float> one(p);
      const auto run = [&](const auto& exec, Bars<float>& bars) {
        if (sums) bars.x.view.extent[0] = bars.x.view.extent[2] = 1, bars.x.view.stride[0] = bars.x.view.stride[2] = 0;
        p.pull<Silu>(exec, bars.views(), bars.initial.view);
      };
      run(seq, one);
      for (const Index threads : {1, 2, 3, 7}) {
        Bars<float> many(p);
        run(Par{threads}, many);
        CHECK(same(many, one));
      }
    }
}

TEST_CASE("short_convolution_vjp: what is not asked for is left alone", "[layers]") {
  Random random(9);
  Problem<float> p(2, 140, 2, 9, 4, random);
  Bars<float> all(p);
  p.pull<Silu>(seq, all.views(), all.initial.view);
  for (Index wanted = 0; wanted < 16; ++wanted) {
    Bars<float> some(p);
    ConvolutionGradients<float> grads = some.views();
    if ((wanted & 1) == 0) grads.x = {};
    if ((wanted & 2) == 0) grads.weight.data = nullptr;
    if ((wanted & 4) == 0) grads.bias = {};
    p.pull<Silu>(seq, grads, (wanted & 8) != 0 ? some.initial.view : View<float>{});
    CHECK(((wanted & 1) != 0 ? same(some.x, all.x) : some.x.is_untouched()));
    CHECK(((wanted & 2) != 0 ? same(some.w, all.w) : some.w.is_untouched()));
    CHECK(((wanted & 4) != 0 ? same(some.b, all.b) : some.b.is_untouched()));
    CHECK(((wanted & 8) != 0 ? same(some.initial, all.initial) : some.initial.is_untouched()));
  }
  struct { View<float> weight; } only;                      // any aggregate will do
  Bars<float> own(p);
  only.weight = own.w.view;
  p.pull<Silu>(seq, only);
  CHECK(same(own.w, all.w));
}

TEST_CASE("short_convolution_vjp: two-byte storage computes in float, and double is asked for", "[layers]") {
  Random random(10);
  Problem<Bfloat16> p(2, 131, 2, 19, 4, random, Layout::strided);
  Problem<float> f(2, 131, 2, 19, 4, random);
  const auto copy = [](const auto& to, const auto& from) {
    std::vector<float> numbers;
    from.each([&](auto v) { numbers.push_back(float(v)); });
    std::size_t at = 0;
    to.each([&](float& v) { v = numbers[at++]; });
  };
  copy(f.x, p.x), copy(f.w, p.w), copy(f.b, p.b), copy(f.y_bar, p.y_bar), copy(f.initial, p.initial), copy(f.final_bar, p.final_bar);
  Bars<Bfloat16, float> halves(p, Layout::strided);
  Bars<float> wide(f);
  p.pull<Silu>(seq, halves.views(), halves.initial.view), f.pull<Silu>(seq, wide.views(), wide.initial.view);
  check<float, Silu>(p, halves);
  Guarded<Bfloat16> rounded(halves.x.view.extent, Layout::dense, random);
  std::vector<float> numbers;
  wide.x.each([&](float v) { numbers.push_back(v); });
  std::size_t at = 0;
  rounded.each([&](Bfloat16& v) { v = Bfloat16(numbers[at++]); });
  CHECK(same(halves.x, rounded));
  CHECK(same(halves.w, wide.w));
  CHECK(same(halves.b, wide.b));
  CHECK(same(halves.initial, wide.initial));

  Bars<float, double, double> in_double(f);                 // float views, computed in double: as precise as their storage
  f.started = f.final_counts = false;
  lcsm::short_convolution_vjp<Silu>(seq, f.x.view, f.w.view, f.bias(), f.y_bar.view, in_double.views(), ConvolutionOptions<double>{}, {{}, in_double.initial.view});
  check<double, Silu>(f, in_double);
}

TEST_CASE("short_convolution_vjp: a NaN stays in its channel, its sequence and its windows", "[layers]") {
  Random random(11);
  Problem<float> p(2, 12, 1, 18, 4, random);
  Bars<float> clean(p), sick(p);
  p.pull<Silu>(seq, clean.views());
  p.y_bar.view(1, 5, 0, 17) = NAN;
  p.pull<Silu>(seq, sick.views());
  bool contained = true;
  for (Index d = 0; d < 18; ++d) {
    for (Index b = 0; b < 2; ++b)
      for (Index t = 0; t < 12; ++t) {
        const float bar = sick.x.view(b, t, 0, d);
        contained = contained && (b == 1 && d == 17 && t >= 2 && t <= 5 ? bar != bar : bar == clean.x.view(b, t, 0, d));
      }
    for (Index k = 0; k < 4; ++k) {
      const float bar = sick.w.view.at(0, 0, 0, d, k);
      contained = contained && (d == 17 ? bar != bar : bar == clean.w.view.at(0, 0, 0, d, k));
    }
  }
  CHECK(contained);
}

TEST_CASE("short_convolution_vjp: what does not fit is named at the door, and nothing is written", "[layers]") {
  Random random(12);
  const Index B = 2, L = 5, H = 2, D = 3, W = 4;
  Problem<float> p(B, L, H, D, W, random);
  Buffer<std::uint8_t> mask(B, L, 1, 1);
  const std::vector<std::int64_t> offsets{0, 5};
  struct Bad { View<float> x, weight, bias, y_bar; ConvolutionGradients<float> grads; ConvolutionOptions<float> options; ConvolutionCotangents<float> states; };
  const auto refused = [&](const std::string& argument, const std::string& expected, const std::string& given, auto&& spoil) {
    const Bars<float> bars(p);
    Bad bad{p.x.view, p.w.view, p.b.view, p.y_bar.view, bars.views(), p.options<float>(), p.states<float>(bars.initial.view)};
    spoil(bad);
    std::string text = "nothing was thrown";
    try {
      lcsm::short_convolution_vjp<Silu>(seq, bad.x, bad.weight, bad.bias, bad.y_bar, bad.grads, bad.options, bad.states);
    } catch (const lcsm::Error& error) {
      text = error.what();
    }
    CHECK(text == "lcsm::short_convolution_vjp: argument '" + argument + "': expected " + expected + ", given " + given);
    CHECK(bars.is_untouched());
  };
  refused("x", "batch extent 2", "1", [](Bad& b) { b.x = b.x.batches(0, 1); });
  refused("weight", "row extent 3", "2", [](Bad& b) { b.weight = b.weight.rows(0, 2); });
  refused("bias", "feature extent 3", "4", [](Bad& b) { b.bias.extent[4] = 4; });
  refused("y_bar", "row extent 1", "2", [](Bad& b) { b.y_bar.extent[3] = 2; });
  refused("y_bar", "data", "a null pointer", [](Bad& b) { b.y_bar.data = nullptr; });
  refused("mask", "time extent 5", "4", [&](Bad& b) { b.options.mask = mask.view().tokens(0, 4); });
  refused("sequences", "a batch of 1 for packed sequences", "a batch of 2", [&](Bad& b) { b.options.sequences = offsets; });
  refused("options.initial", "row extent 3", "2", [](Bad& b) { b.options.initial = b.options.initial.rows(0, 2); });
  refused("options.final", "head extent 2", "1", [&](Bad& b) { b.options.final = p.final_bar.view.heads(0, 1); });
  refused("gradient of x", "batch extent 2", "1", [](Bad& b) { b.grads.x = b.grads.x.batches(0, 1); });   // not said to repeat
  refused("gradient of x", "time extent 5", "4", [](Bad& b) { b.grads.x = b.grads.x.tokens(0, 4); });
  refused("gradient of x", "a number of heads that divides 2", "3", [](Bad& b) { b.grads.x.extent[2] = 3; });
  refused("gradient of x", "row extent 1", "2", [](Bad& b) { b.grads.x.extent[3] = 2; });
  refused("gradient of x", "feature extent 3", "2", [](Bad& b) { b.grads.x = b.grads.x.features(0, 2); });
  refused("gradient of x", "an output of its own in every place", "a view with stride 0", [](Bad& b) { b.grads.x.stride[1] = 0; });
  refused("gradient of weight", "row extent 3", "4", [&](Bad& b) { b.grads.weight = lcsm::parameter(b.grads.weight.data, H, W, D); });
  refused("gradient of weight", "feature extent 4", "3", [](Bad& b) { b.grads.weight = b.grads.weight.features(0, 3); });
  refused("gradient of weight", "batch extent 1", "2", [](Bad& b) { b.grads.weight.extent[0] = 2, b.grads.weight.stride[0] = 100; });
  refused("gradient of weight", "an output of its own in every place", "a view with stride 0", [](Bad& b) { b.grads.weight.stride[4] = 0; });
  refused("gradient of bias", "feature extent 3", "2", [](Bad& b) { b.grads.bias = b.grads.bias.features(0, 2); });
  refused("gradient of bias", "row extent 1", "3", [](Bad& b) { b.grads.bias.extent[3] = 3; });
  refused("states.final", "batch extent 2", "1", [](Bad& b) { b.states.final = b.states.final.batches(0, 1); });
  refused("states.final", "features side by side (stride 1)", "stride 2", [](Bad& b) { b.states.final.stride[4] = 2; });
  refused("states.initial", "row extent 3", "2", [](Bad& b) { b.states.initial = b.states.initial.rows(0, 2); });
  refused("states.initial", "data", "a null pointer", [](Bad& b) { b.states.initial.data = nullptr; });
  refused("states.initial", "an output of its own in every place", "a view with stride 0", [](Bad& b) { b.states.initial.stride[2] = 0; });
}
