// SPDX-License-Identifier: MIT
// The adjoints of codes: within the bound of support/gradient_bound.hpp of the definition's, and no dearer for more codes.
#include "support/gradients.hpp"
#if defined(LCSM_LONG_TESTS)
#include "unit/kernel/code_mixers.hpp"
#endif

#include <lcsm/kernel/gate_tree.hpp>
#include <lcsm/mode/vjp.hpp>

#include <chrono>

namespace {

using namespace lcsm;
using namespace lcsm::test;

// Gates that shut nearly everything, and gates of which one in eight is exactly 0.
struct Steep {                                              // -10 x^2
  template <class V> static V apply(V x) { return map::constant<V>(-10) * x * x; }
  template <class V> static V vjp(V x, V bar) { return map::constant<V>(-20) * x * bar; }
};
struct Shut {                                               // multiplier 1 - x^2 / 4, closed below -3/4
  template <class V> static V apply(V x) { return math::log(multiplier(x)); }
  template <class V> static V multiplier(V x) { return simd::select(x < map::constant<V>(-0.75), map::constant<V>(0), V(map::constant<V>(1) - x * x * map::constant<V>(0.25))); }
  template <class V> static V vjp(V x, V bar) { return simd::select(bar == map::constant<V>(0), bar, multiplier_vjp(x, V(bar / multiplier(x)))); }
  template <class V> static V multiplier_vjp(V x, V bar) { return map::constant<V>(-0.5) * x * bar; }     // that of the closed ones as well
};
struct Strong : Mixer<expand::Code<>, oscillation::Scalar<Steep>, shrink::Code<>> {};
struct Closed : Mixer<Stage<FactorTerm<OneHot<in::code>>, FactorTerm<Data<in::f, Axes::one, map::Sigmoid>>>, oscillation::Scalar<Shut>, Stage<FactorTerm<OneHot<in::read_code>>, FactorTerm<Data<in::u, Axes::value>>>,
                      Quotient<guard::Add<0>>> {};
struct TiedGate : Mixer<Stage<FactorTerm<OneHot<in::code>>, Tied<tie::Complement>>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Code<>> {};
struct Weighed : Mixer<Stage<FactorTerm<OneHot<in::code>>, LogTerm<Data<in::f, Axes::one>>>, oscillation::Scalar<Shut>,
                       Stage<FactorTerm<OneHot<in::read_code>>, FactorTerm<Data<in::u, Axes::value, map::Exp>>>, Quotient<guard::Add<-3>>, Previous, Skip<Learned<in::D, Axes::value>>> {};

// Without states a call has the rows that it touches, where there are more codes: the same numbers.
template <class M, class S> void check_few_rows(std::uint64_t seed) {
  Random random(seed);
  for (Index round = 0; round < repeated(12); ++round) {
    using Call = RandomCall<M, S, S>;
    const auto kind = typename Call::Kind(round % 3);
    const Shape n{kind == Call::packed ? 1 : 2, random.one_of({1, 5, 40}), 2, random.between(2, 200), random.between(1, 19)};
    Call call(n, {}, kind, random);
    INFO(call.text());
    const RandomLoss<M> loss(n, call.sequences, random);
    const State<M, S> nothing(call.sequences, n.heads, n.keys, n.values);
    RandomGradients<M, S> few(call.in, Layout::dense, random), all(call.in, Layout::dense, random);
    const auto y_bar = loss.y.view();
    bool same = true;
    const auto compare = [&] { zip_gradients<M>([&](std::string_view, S x, S y) { same = same && same_bits(x, y); }, few.views, all.views); };
    recurrent_vjp(exec::seq, M{}, call.in, y_bar, all.views, call.options, {.final = nothing.view()});
    poison_scratch(), recurrent_vjp(exec::seq, M{}, call.in, y_bar, few.views, call.options), compare();
    poison_scratch(), vjp(exec::seq, M{}, call.in, y_bar, few.views, call.options), compare();
    poison_scratch(), chunkwise_vjp(exec::seq, M{}, call.in, y_bar, few.views, call.options), compare();
    CHECK(same);
  }
}

// The fastest of some calls, in seconds, for so many codes.
template <class M> double seconds(Index codes) {
  Random random(1);
  const Shape n{1, 1000, 1, codes, 32};
  const RandomInputs<M, double> inputs(n, {.dense = true, .broadcast = false}, random);
  const RandomGradients<M, double> grads(inputs.in, Layout::dense, random);
  Buffer<double> y_bar(n.batch, n.tokens, n.heads, n.values);
  y_bar.fill(1);
  double least = INFINITY;
  for (int call = 0; call < 9; ++call) {
    const auto start = std::chrono::steady_clock::now();
    vjp(exec::seq, M{}, inputs.in, std::as_const(y_bar).view(), grads.views, Options<double>{});
    least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return least;
}

}  // namespace

TEST_CASE("a tree of gates: products of ranges, and their cotangents without the gate itself", "[property]") {
  Random random(100);
  for (Index tokens = 0; tokens <= 40; ++tokens) {
    Buffer<std::byte> scratch(4 * 64 + 64 * tokens);
    Arena arena(scratch.data(), scratch.size());
    GateTree tree(arena, tokens);
    std::vector<double> gate(to_size(tokens)), bar(to_size(tokens));
    tree.begin(tokens);
    for (Index t = 0; t < tokens; ++t) tree.set(t, gate[to_size(t)] = random.one_in(8) ? 0 : random.uniform(0, 1));
    tree.build();
    const auto product = [&](Index first, Index end, Index without) {
      double x = 1;
      for (Index t = first; t < end; ++t) x *= t == without ? 1 : gate[to_size(t)];
      return x;
    };
    const double tolerance = double(2 * tokens + 20) * 0x1p-53;              // a rounding of every factor and of every sum, all of one sign
    for (int n = 0; n < 20; ++n) {
      const Index first = random.between(0, tokens), end = random.between(first, tokens);
      CHECK(std::abs(tree.product(first, end) - product(first, end, -1)) <= tolerance * product(first, end, -1));
      const double x = random.uniform(0, 1);
      tree.add(first, end, x);
      for (Index t = first; t < end; ++t) bar[to_size(t)] += x * product(first, end, t);
    }
    for (Index t = tokens - 1; t >= 0; --t) CHECK(std::abs(tree.take(t) - bar[to_size(t)]) <= tolerance * bar[to_size(t)]);
  }
}

static_assert(is_code_kernel<Strong> && is_code_kernel<Closed> && is_code_kernel<TiedGate> && is_code_kernel<Weighed>);
TEST_CASE("adjoints of codes: every side of both ends, closed gates", "[property]") { check_mode_gradients<Weighed, double>(1000); }
TEST_CASE("adjoints of codes: few rows or all of them, the same bits in every mode", "[property]") { check_few_rows<Weighed, double>(2000); }
TEST_CASE("adjoints of codes: no thread count changes a bit", "[property]") { check_gradient_bits<Weighed, double>(3000); }
TEST_CASE("adjoints of codes: two calls are one", "[property]") { check_gradients_of_two_calls<Weighed>(4000); }
TEST_CASE("adjoints of codes: the cost does not grow with their number", "[property]") {
  const double few = seconds<Weighed>(Index(1) << 10), many = seconds<Weighed>(Index(1) << 18);
  INFO("2^10 codes: " << few * 1e3 << " ms, 2^18 codes: " << many * 1e3 << " ms");
  CHECK(many < 5 * few);
}

#if defined(LCSM_LONG_TESTS)
TEMPLATE_TEST_CASE("adjoints of codes: both ends", "[property]", Strong, Closed, TiedGate, Weighed, Counts, Fading, Learning, Retaining, Resetting, Sided, Averages) {
  check_mode_gradients<TestType, double>(5000), check_mode_gradients<TestType, float>(6000);
  check_few_rows<TestType, double>(7000), check_gradient_bits<TestType, double>(8000), check_gradients_of_two_calls<TestType>(9000);
}
TEMPLATE_TEST_CASE("adjoints of codes: one end", "[property]", Codebook, Written, WrittenFading, Read, PerChannel) {
  check_mode_gradients<TestType, double>(10000), check_mode_gradients<TestType, float>(11000), check_gradients_of_two_calls<TestType>(12000);
}
#endif
