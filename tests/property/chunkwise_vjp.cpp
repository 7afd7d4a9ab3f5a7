// SPDX-License-Identifier: MIT
// The adjoint of chunks against that of the definition: structures, channel sides, readouts, gates that close, and how time is cut.
#include "support/gradients.hpp"

#include <lcsm/mode/chunkwise_vjp.hpp>

namespace {

using namespace lcsm;
using namespace lcsm::test;

// A call's gradients by chunks and by definition, in double; the largest difference over the largest number of either member.
template <class M, class S> void compare_chunks(RandomCall<M, S, S>& call, Random& random) {
  INFO(call.text());
  const Shape& n = call.n;
  const RandomLoss<M> loss(n, call.sequences, random);
  RandomGradients<M, double> right(call.in, Layout::dense, random);
  RandomGradients<M, S> given(call.in, any_layout(random), random);
  Options<double> wide;
  std::optional<State<M, double>> initial;
  if (call.initial) initial.emplace(call.sequences, n.heads, n.keys, n.values), copy_state(initial->view(), std::as_const(*call.initial).view()), wide.initial = std::as_const(*initial).view();
  wide.sequences = call.options.sequences, wide.mask = call.options.mask, wide.direction = call.options.direction;
  State<M, double> right_bar(call.sequences, n.heads, n.keys, n.values);
  State<M, S> given_bar(call.sequences, n.heads, n.keys, n.values), final_bar(call.sequences, n.heads, n.keys, n.values);
  copy_state(final_bar.view(), loss.final.view());
  reference_vjp(M{}, call.in, loss.y.view(), right.views, wide, {.final = loss.final.view(), .initial = right_bar.view()});
  poison_scratch();
  chunkwise_vjp(exec::seq, M{}, call.in, loss.y.view(), given.views, call.options, {.final = std::as_const(final_bar).view(), .initial = given_bar.view()});
  CHECK(given.slack_is_untouched());
  const double tolerance = sizeof(S) == 8 ? 1e-12 : 1e-4;
  compare_gradients<M>(given.views, right.views, [&](const std::string& name, double off, double largest) {
    INFO(name << ": off " << off << ", largest " << largest);
    CHECK(off <= tolerance * (largest + 1));
  });
  double off = 0, largest = 0;
  zip_states(std::as_const(given_bar).view(), std::as_const(right_bar).view(), [&](std::string_view name, auto x, auto y) {
    if (name == "position" || name == "clock" || name == "touched") return;
    const double d = std::abs(double(x) - double(y));
    off = std::isnan(d) ? INFINITY : std::max(off, d), largest = std::max(largest, std::abs(double(y)));
  });
  INFO("initial state: off " << off << ", largest " << largest);
  CHECK(off <= tolerance * (largest + 1));
}
template <class M, class S> void check(std::uint64_t seed) {
  Random random(seed);
  int round = 0;
  for (const Index chunk : {1, 7, 16, 64})
    for (const Index tokens : {Index(0), Index(1), chunk - 1, chunk, chunk + 1, Index(97)}) {
      using Call = RandomCall<M, S, S>;
      const auto kind = typename Call::Kind(round++ % 3);
      Style style;
      style.dense = random.one_in(2);
      Call call({kind == Call::packed ? 1 : 2, tokens, 2, has_keys<M>() ? random.between(1, 19) : 1, random.between(1, 19)}, style, kind, random);
      call.options.tuning.chunk = chunk;
      compare_chunks<M, S>(call, random);
    }
}

using Gate = LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>;
using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
template <Axes X = Axes::key> using Open = FactorTerm<Data<std::conditional_t<X == Axes::key, in::k, in::beta>, X, map::Sigmoid>>;
struct Ring {
  static constexpr const char* name = "ring";
  static double at(const Where&, Index a) { return 0.3 * double(a + 1); }
};

struct Plain : Mixer<Stage<FactorTerm<Data<in::k>>, Beta>, oscillation::Identity, shrink::Data<map::Silu>> {};
struct Headed : Mixer<expand::Data<>, oscillation::Scalar<map::LogSigmoid<>>, Stage<FactorTerm<Data<in::q>>, FactorTerm<Data<in::b, Axes::value>>>, Skip<Learned<in::D, Axes::value>>> {};
struct Keyed : Mixer<Stage<Tied<tie::Complement>, FactorTerm<Data<in::beta, Axes::value>>>, Stage<Gate, LogTerm<Learned<in::w, Axes::one, map::NegExp>>>, shrink::Data<>> {};
struct Divided : Mixer<Stage<Open<>, Open<Axes::value>>, Stage<Gate>, Stage<FactorTerm<Data<in::q, Axes::key, map::Sigmoid>>, FactorTerm<Data<in::b, Axes::value, map::Sigmoid>>>, Quotient<guard::Add<0>>> {};
struct EarlyHead : Mixer<Stage<Open<>>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Data<map::Sigmoid>, Previous, Quotient<guard::AtLeastOne<-3>>> {};
template <Axes X> struct SignedBonus : Mixer<expand::Data<>, oscillation::Multiplier<X>, shrink::Data<>, Bonus<FactorTerm<Data<in::u, Axes::key, map::Exp>>>> {};
struct Turned : Mixer<expand::Data<>, Stage<Gate, PhaseTerm<Data<in::phase>>>, shrink::Data<>> {};
struct TurnedWhole : Mixer<Stage<ComplexFactor<Data<in::B>, Data<in::B_imag>>>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Learned<in::phase, Axes::one>>>, shrink::Data<>,
                           Input<Data<in::x, Axes::value>, Data<in::x_imag, Axes::value>>, project::Complex, Bonus<FactorTerm<Data<in::u>>>> {};
struct TurnedSides : Mixer<Stage<Open<>>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Fixed<Ring, Axes::key>>, PhaseTerm<Fixed<Ring, Axes::value>>>,
                           Stage<FactorTerm<Data<in::q, Axes::key, map::Sigmoid>>, FactorTerm<Data<in::b, Axes::value>>>, Quotient<guard::AtLeastOne<0>>> {};

template <class... M> constexpr bool by_products = (chunk_vjp_kernel<M> && ...);
static_assert(by_products<Plain, Headed, Keyed, Divided, EarlyHead, SignedBonus<Axes::one>, SignedBonus<Axes::key>, Turned, TurnedWhole, TurnedSides>);

// Every second gate is closed: exactly 0 where it is the multiplier, else a log of -50 or -infinity.
template <class M> void check_closed(std::uint64_t seed, std::vector<double> raw) {
  Random random(seed);
  for (const Index chunk : {7, 16, 64}) {
    RandomCall<M, double, double> call({2, 50, 2, 5, 6}, {.dense = true, .broadcast = false, .groups = false}, RandomCall<M, double, double>::plain, random);
    call.options.tuning.chunk = chunk;
    const auto g = call.in.g;
    for (Index t = 0; t < g.time(); ++t)
      for (Index f = 0; f < g.feature(); ++f)
        if (random.one_in(2)) const_cast<double&>(g.at(0, t, 0, 0, f)) = raw[to_size(random.below(Index(raw.size())))];
    compare_chunks<M, double>(call, random);
  }
}
// No thread count changes a bit.
template <class M> void check_threads(std::uint64_t seed) {
  Random random(seed);
  RandomCall<M, float, float> call({3, 40, 4, 5, 6}, {}, RandomCall<M, float, float>::masked, random);
  const RandomLoss<M> loss(call.n, call.sequences, random);
  RandomGradients<M, float> alone(call.in, Layout::dense, random);
  chunkwise_vjp(exec::seq, M{}, call.in, loss.y.view(), alone.views, call.options);
  for (const Index count : {1, 2, 3, 7}) {
    RandomGradients<M, float> together(call.in, Layout::dense, random);
    chunkwise_vjp(exec::Par{count}, M{}, call.in, loss.y.view(), together.views, call.options);
    compare_gradients<M>(together.views, alone.views, [&](const std::string& name, double off, double) {
      INFO(name << ", " << count << " threads");
      CHECK(off == 0);
    });
  }
}

}  // namespace

TEMPLATE_TEST_CASE("chunkwise_vjp: one decay for all keys", "[property]", Plain, Headed, EarlyHead) { check<TestType, double>(10); }
TEMPLATE_TEST_CASE("chunkwise_vjp: decays of the keys", "[property]", Keyed, Divided) { check<TestType, double>(20); }
TEMPLATE_TEST_CASE("chunkwise_vjp: multipliers of either sign", "[property]", SignedBonus<Axes::one>, SignedBonus<Axes::key>) { check<TestType, double>(30); }
TEMPLATE_TEST_CASE("chunkwise_vjp: memories that turn", "[property]", Turned, TurnedWhole, TurnedSides) { check<TestType, double>(40); }
TEMPLATE_TEST_CASE("chunkwise_vjp: in float", "[property]", Headed, Divided, Turned) { check<TestType, float>(50); }
TEST_CASE("chunkwise_vjp: gates that close", "[property]") {
  constexpr double closed = -std::numeric_limits<double>::infinity();
  check_closed<Headed>(60, {-50, closed}), check_closed<Keyed>(61, {-50, closed}), check_closed<Turned>(62, {-50, closed});
  check_closed<SignedBonus<Axes::one>>(63, {0.0, -0.0}), check_closed<SignedBonus<Axes::key>>(64, {0.0, -0.0});
}
TEMPLATE_TEST_CASE("chunkwise_vjp: threads", "[property]", Headed, Divided, Turned) { check_threads<TestType>(70); }
