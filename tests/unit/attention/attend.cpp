// SPDX-License-Identifier: MIT
#include "unit/attention/definition.hpp"

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>

#include "support/catch.hpp"
#include "support/central_difference.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

using Real = long double;

template <class A, class T> void check_forward(std::uint64_t seed) {
  Random random(seed);
  const RandomAttention<T> call(random);
  INFO("seed " << seed << ": B " << call.batch << ", T " << call.queries << ", S " << call.keys << ", H " << call.heads << " of " << call.groups << ", K " << call.width << ", D " << call.values);
  const auto in = call.template in<A>();
  Guarded<T> y({call.batch, call.queries, call.heads, 1, call.values}, any_layout(random), random), again({call.batch, call.queries, call.heads, 1, call.values}, Layout::dense, random);
  Guarded<T> a({call.batch, call.queries, call.heads, 1, call.keys}, any_layout(random), random);
  attend(exec::Par{3}, A{}, in, y.view, call.options), attend(exec::seq, A{}, in, again.view, call.options);
  attention_matrix(exec::Par{2}, A{}, in, a.view, call.options);
  CHECK(y.slack_is_untouched());
  CHECK(a.slack_is_untouched());
  constexpr Real eps = std::numeric_limits<T>::epsilon();
  Real worst = 0;
  Index told = 0, zeros = 0, ones = 0;
  bool same = true;
  AttentionDefinition<typename A::weight>::each_row(in, call.batch, call.options, [&](const auto& row) {
    for (Index c = 0; c < call.values; ++c, ++told) {
      Real sum = 0, bound = 0;
      for (const auto& k : row.keys) {
        const Real value = Real(in.v(row.batch, k.token, row.head / (call.heads / call.groups), c));
        sum += k.alpha * value, bound += (k.unsure + std::abs(k.alpha) * Real(70 + call.keys / 32)) * std::abs(value);
      }
      const Real off = std::abs(Real(y.view(row.batch, row.token, row.head, c)) - sum);
      worst = std::max(worst, std::isnan(off) ? INFINITY : off / (eps * bound + std::numeric_limits<T>::min()));
      same = same && y.view(row.batch, row.token, row.head, c) == again.view(row.batch, row.token, row.head, c);
    }
    for (const auto& k : row.keys) {
      const Real off = std::abs(Real(a.view(row.batch, row.token, row.head, k.token)) - k.alpha);
      worst = std::max(worst, std::isnan(off) ? INFINITY : off / (eps * (k.unsure + 2 * std::abs(k.alpha)) + std::numeric_limits<T>::min()));
      ++ones;
    }
  });
  CHECK(worst <= 1);
  CHECK(same);
  // What no row has is 0: padding, and what is not seen.
  y.each([&](T x) { zeros += x == T(0); });
  CHECK(zeros >= call.batch * call.queries * call.heads * call.values - told);
  Index entries = 0;
  a.each([&](T x) { entries += x != T(0); });
  CHECK(entries <= ones);
}

template <class A, class T> void check_adjoint(std::uint64_t seed) {
  Random random(seed);
  const RandomAttention<T> call(random, 70);
  INFO("seed " << seed << ": B " << call.batch << ", T " << call.queries << ", S " << call.keys << ", H " << call.heads << " of " << call.groups << ", K " << call.width << ", D " << call.values);
  const auto in = call.template in<A>();
  Guarded<T> y_bar({call.batch, call.queries, call.heads, 1, call.values}, any_layout(random), random);
  y_bar.each([&](T& x) { x = static_cast<T>(random.uniform(-1, 1)); });
  Guarded<T> q(call.q.view.extent, any_layout(random), random), k(call.k.view.extent, any_layout(random), random), v(call.v.view.extent, any_layout(random), random), bias(call.bias.view.extent, any_layout(random), random);
  const typename A::template In<T> grads{q.view, k.view, v.view, call.biased ? bias.view : View<T>()};
  attend_vjp(exec::Par{3}, A{}, in, View<const T>(y_bar.view), grads, call.options);
  for (const Guarded<T>* g : {&q, &k, &v}) CHECK(g->slack_is_untouched());
  // The gradient as its formula says, with the sizes of its terms.
  struct Sums {
    std::vector<Real> x, size;
    View<double> shape{};
    explicit Sums(const std::array<Index, 5>& extent) {
      Index run = 1;
      shape.extent = extent;
      for (std::size_t a = 5; a-- > 0;) shape.stride[a] = run, run *= extent[a];
      x.assign(to_size(run), 0), size = x;
    }
    void add(Index b, Index t, Index h, Index f, Real term, Real of) { const std::size_t n = to_size(shape.offset(b, t, h, 0, f)); x[n] += term, size[n] += of; }
  };
  Sums right_q(q.view.extent), right_k(k.view.extent), right_v(v.view.extent), right_bias(bias.view.extent);
  const Index group = call.heads / call.groups, R = call.offsets / 2;
  using W = typename A::weight;
  AttentionDefinition<W>::each_row(in, call.batch, call.options, [&](const auto& row) {
    const Index g = row.head / group;
    std::vector<Real> dp, dp_size;
    Real told = 0, told_size = 0, unsure = 0;
    for (const auto& key : row.keys) {
      Real sum = 0, size = 0;
      for (Index c = 0; c < call.values; ++c) {
        const Real bar = Real(y_bar.view(row.batch, row.token, row.head, c)), value = Real(in.v(row.batch, key.token, g, c));
        sum += bar * value, size += std::abs(bar * value);
        right_v.add(row.batch, key.token, g, c, key.alpha * bar, (std::abs(key.alpha) + key.unsure) * std::abs(bar));
      }
      dp.push_back(sum), dp_size.push_back(size), told += key.alpha * sum, told_size += (std::abs(key.alpha) + key.unsure) * size, unsure += key.unsure * row.eta / std::abs(row.sum);
    }
    const Real scale = (call.options.scale != 0 ? Real(call.options.scale) : 1 / std::sqrt(Real(call.width))) / (call.options.by_visible ? Real(row.keys.size()) : 1);
    for (std::size_t n = 0; n < row.keys.size(); ++n) {
      const auto& key = row.keys[n];
      Real ds, size;
      if constexpr (W::sum == weight::Sum::exact) ds = key.alpha * (dp[n] - told), size = (std::abs(key.alpha) + key.unsure) * (dp_size[n] + told_size);
      else if constexpr (W::sum == weight::Sum::bounded) {
        const bool divides = std::abs(row.sum) > 1;
        ds = (dp[n] - (divides ? (row.sum > 0 ? told : -told) : 0)) / row.eta, size = (dp_size[n] + told_size) / row.eta;
        if (divides) size += told_size * unsure / row.eta;   // of the sum that told is divided by
      } else {
        ds = AttentionDefinition<W>::slope(key.logit) * dp[n];
        size = (std::abs(AttentionDefinition<W>::slope(key.logit)) + 4 * (key.unsure + 10)) * dp_size[n];
      }
      for (Index c = 0; c < call.width; ++c) {
        const Real query = scale * Real(in.q(row.batch, row.token, row.head, c)), other = scale * Real(in.k(row.batch, key.token, g, c));
        right_q.add(row.batch, row.token, row.head, c, ds * other, size * std::abs(other)), right_k.add(row.batch, key.token, g, c, ds * query, size * std::abs(query));
      }
      if (const Index offset = R + key.position - row.position; call.biased && offset >= 0 && offset <= 2 * R) right_bias.add(call.own_bias ? row.batch : 0, call.own_bias ? row.token : 0, bias.view.head() == 1 ? 0 : row.head, offset, ds, size);
    }
  });
  constexpr Real eps = std::numeric_limits<T>::epsilon();
  const auto check = [&](const char* name, const Guarded<T>& given, const Sums& right) {
    INFO(name);
    Real worst = 0;
    for (Index b = 0; b < given.view.batch(); ++b)
      for (Index t = 0; t < given.view.time(); ++t)
        for (Index h = 0; h < given.view.head(); ++h)
          for (Index f = 0; f < given.view.feature(); ++f) {
            const std::size_t n = to_size(right.shape.offset(b, t, h, 0, f));
            const Real bound = eps * Real(2 * call.values + 2 * call.width + call.keys + 40) * right.size[n], off = std::abs(Real(given.view(b, t, h, f)) - right.x[n]);
            worst = std::max(worst, std::isnan(off) ? INFINITY : off / (bound + std::numeric_limits<T>::min()));
          }
    CHECK(worst <= 1);
  };
  check("q", q, right_q), check("k", k, right_k), check("v", v, right_v);
  if (call.biased) check("bias", bias, right_bias);
}

// Slopes of a plain loss: nothing here knows how the adjoint is computed.
template <class A> void check_slopes(std::uint64_t seed) {
  Random random(seed);
  RandomAttention<double> call(random, 8);
  const auto in = call.in<A>();
  Buffer<double> y_bar(call.batch, call.queries, call.heads, call.values);
  for (double& x : y_bar) x = random.uniform(-1, 1);
  const auto loss = [&] {
    double sum = 0;
    AttentionDefinition<typename A::weight>::each_row(in, call.batch, call.options, [&](const auto& row) {
      for (const auto& k : row.keys)
        for (Index c = 0; c < call.values; ++c) sum += double(k.alpha) * in.v(row.batch, k.token, row.head / (call.heads / call.groups), c) * y_bar.view()(row.batch, row.token, row.head, c);
    });
    return sum;
  };
  Guarded<double> q(call.q.view.extent, Layout::dense, random), k(call.k.view.extent, Layout::dense, random), v(call.v.view.extent, Layout::dense, random), bias(call.bias.view.extent, Layout::dense, random);
  attend_vjp(exec::seq, A{}, in, y_bar.view(), typename A::template In<double>{q.view, k.view, v.view, call.biased ? bias.view : View<double>()}, call.options);
  const auto check = [&](const char* name, const Guarded<double>& x, const Guarded<double>& given) {
    INFO("seed " << seed << ", " << name);
    double worst = 0, largest = 1;
    std::vector<double> bars;
    given.each([&](double g) { bars.push_back(g); });
    std::size_t n = 0;
    x.each([&](double& number) {
      const double want = central_difference(number, loss), off = std::abs(bars[n++] - want);
      largest = std::max(largest, std::abs(want)), worst = std::isnan(off) ? INFINITY : std::max(worst, off);
    });
    CHECK(worst <= difference_tolerance * largest);
  };
  check("q", call.q, q), check("k", call.k, k), check("v", call.v, v);
  if (call.biased) check("bias", call.bias, bias);
}

}  // namespace

TEMPLATE_TEST_CASE("attention, its matrix and its adjoint are those of the formula", "[attention]", weight::Softmax, weight::Sigmoid, weight::Relu, weight::SquaredRelu, weight::Laplace, weight::Normalised) {
  using A = Attention<TestType>;
  for (std::uint64_t seed = 0; seed < 25; ++seed) check_forward<A, float>(seed), check_adjoint<A, float>(200 + seed);
  if constexpr (A::weight::sum != weight::Sum::none)        // the other type where rows are divided
    for (std::uint64_t seed = 0; seed < 25; ++seed) check_forward<A, double>(100 + seed), check_adjoint<A, double>(300 + seed);
  if constexpr (!std::is_same_v<TestType, weight::Relu>)     // a kink within a difference
    for (std::uint64_t seed = 0; seed < 15; ++seed) check_slopes<A>(400 + seed);
}

TEST_CASE("softmax attention of any size of logits", "[attention]") {
  // exp of these overflows or vanishes in every type: only differences count.
  for (const float shift : {-3e4f, 0.0f, 3e4f}) {
    Buffer<float> q(1, 100, 1, 1), k(1, 100, 1, 1), v(1, 100, 1, 1), y(1, 100, 1, 1), bias(1, 1, 1, 201);
    q.fill(1), bias.fill(shift);
    for (Index t = 0; t < 100; ++t) k[t] = float(t % 7), v[t] = float(t);
    attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const float>{q, k, v, bias}, y.view());
    double sum = 0, all = 0;
    for (Index s = 0; s < 100; ++s) sum += std::exp(double(s % 7)) * double(s), all += std::exp(double(s % 7));
    CHECK(std::abs(double(y[99]) - sum / all) <= 2e-3 * sum / all);   // the shifted logits have 11 bits behind the point
  }
  // A row that sees nothing but -infinity is 0; others are what they are without those keys. NaN stays in its row.
  constexpr float inf = std::numeric_limits<float>::infinity();
  const float q[] = {1, 1, 1}, k[] = {-inf, 0, 1}, v[] = {5, 6, 7};
  float y[3];
  attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const float>{view(q, 1, 3, 1, 1), view(k, 1, 3, 1, 1), view(v, 1, 3, 1, 1), {}}, view(y, 1, 3, 1, 1));
  CHECK(y[0] == 0);
  CHECK(y[1] == 6);
  CHECK(std::abs(y[2] - (6 + 7 * std::exp(1.0f)) / (1 + std::exp(1.0f))) < 1e-6f);
  const float nan_q[] = {1, std::numeric_limits<float>::quiet_NaN(), 1}, plain_k[] = {0, 0, 1};
  attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const float>{view(nan_q, 1, 3, 1, 1), view(plain_k, 1, 3, 1, 1), view(v, 1, 3, 1, 1), {}}, view(y, 1, 3, 1, 1));
  CHECK((y[0] == 5 && std::isnan(y[1]) && !std::isnan(y[2])));
}

TEST_CASE("a cache of keys and values, token by token, is the whole call", "[attention]") {
  Random random(3);
  const Index B = 2, T = 70, H = 4, G = 2, K = 5, D = 6;
  Buffer<float> q(B, T, H, K), k(B, T, G, K), v(B, T, G, D), whole(B, T, H, D), y(B, T, H, D);
  for (Buffer<float>* x : {&q, &k, &v})
    for (float& n : *x) n = float(random.uniform(-2, 2));
  const AttentionOptions options{.window = 33};
  attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const float>{q, k, v, {}}, whole.view(), options);
  KeyValueCache<float> cache(B, G, K, D, 2);
  STATIC_REQUIRE(!FiniteState<SoftmaxAttention>);
  const auto more = [&](Index first, Index count) {
    cache.append(k.view().tokens(first, count), v.view().tokens(first, count));
    attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const float>{q.view().tokens(first, count), cache.k(), cache.v(), {}}, y.view().tokens(first, count), options);
  };
  more(0, 40);                                              // a prompt, then single tokens, one of them twice
  for (Index t = 40; t < T; ++t) {
    if (t == 50) more(50, 1), cache.truncate(50);
    more(t, 1);
  }
  CHECK(cache.tokens() == T);
  CHECK(cache.bytes() == B * T * G * (K + D) * 4);
  double worst = 0;
  for (Index n = 0; n < y.size(); ++n) worst = std::max(worst, std::abs(double(y[n]) - double(whole[n])));
  CHECK(worst <= 1e-5);                                     // blocks of keys begin elsewhere: another order of up to 33 terms of about 1
  CHECK_THROWS_AS(cache.truncate(T + 1), ShapeError);
  CHECK_THROWS_AS(cache.append(q.view(), v.view()), ShapeError);
}

TEST_CASE("attention that does not fit is named, and nothing is written", "[attention]") {
  Buffer<float> q(2, 6, 4, 3), k(2, 6, 2, 3), v(2, 6, 2, 5), y(2, 6, 4, 5), even(1, 1, 4, 4);
  for (Buffer<float>* x : {&q, &k, &v, &even}) x->fill(0);
  y.fill(-7);
  std::vector<std::byte> little(10);
  std::vector<std::int32_t> offsets{0, 3, 6};
  using In = SoftmaxAttention::In<const float>;
  const auto refused = [&](const std::string& argument, const In& in, const AttentionOptions& options) {
    std::string text = "nothing was thrown";
    try { attend(exec::seq, SoftmaxAttention{}, in, y.view(), options); } catch (const Error& error) { text = error.what(); }
    INFO(text);
    CHECK(text.starts_with("lcsm::attend: argument '" + argument + "': expected "));
  };
  const In good{q, k, v, {}};
  refused("k", {q, k.view().features(0, 2), v, {}}, {});
  refused("k", {q, k.view().tokens(0, 5), v.view().tokens(0, 5), {}}, {});
  refused("v", {q, k, v.view().tokens(0, 5), {}}, {});
  refused("bias", {q, k, v, even}, {});
  refused("window", good, {.window = -1});
  refused("chunk", good, {.chunk = -1});
  refused("mask", good, {.mask = Buffer<std::uint8_t>(2, 5, 1, 1).view()});
  refused("sequences", good, {.sequences = offsets});
  refused("workspace", good, {.workspace = little});
  {
    Buffer<float> fewer(2, 3, 4, 5);
    CHECK_THROWS_AS(attend(exec::seq, SoftmaxAttention{}, In{q.view().tokens(0, 3), k, v, {}}, fewer.view(), {.direction = Direction::reverse}), SequenceError);
  }
  CHECK(std::count(y.begin(), y.end(), -7.0f) == y.size());
}
