// SPDX-License-Identifier: MIT
// Couplings in chunks, scans and blocks against the definition. Transitions here are contractions (unit keys, beta in (0, 1), decays at most 1),
// so that an error made at a token never grows: what every mode may err by is a few roundings for each token, times the largest memory.
#include "support/properties.hpp"

namespace {

using namespace lcsm;
using namespace lcsm::test;

using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
using Unit = FactorTerm<Data<in::k, Axes::key, map::L2Norm>>;
using Other = FactorTerm<Data<in::b, Axes::key>>;
using HeadDecay = LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>;
using KeyDecay = LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>;
using Turn = PhaseTerm<Data<in::phase, Axes::key>>;
using Sign = SignTerm<Data<in::a, Axes::key, map::Sign>>;
template <Order O = Order::after_decay> using Householder = LowRank<Stage<Beta, Unit>, Stage<Unit>, O>;
template <class Decay, class... More> using Delta = Mixer<Stage<Beta, Unit>, Stage<Decay, Householder<>>, shrink::Data<map::RsqrtKeys>, More...>;
template <class Decay, class... More> using Apart = Mixer<Stage<Other>, Stage<Decay, Householder<Order::before_decay>>, shrink::Data<map::RsqrtKeys>, More...>;

using Plain = Mixer<Stage<Beta, Unit>, Stage<Householder<>>, shrink::Data<>>;
using Gated = Delta<HeadDecay>;
using Kda = Delta<KeyDecay>;
using DeltaBefore = Mixer<Stage<Beta, Unit>, Stage<HeadDecay, Householder<Order::before_decay>>, shrink::Data<>>;
using ApartAfter = Mixer<Stage<Other>, Stage<HeadDecay, Householder<>>, shrink::Data<>>;
using GatedEarly = Delta<HeadDecay, Previous>;
using ApartBonus = Apart<KeyDecay, Bonus<FactorTerm<Learned<in::u, Axes::key>>>>;
using GatedQuotient = Delta<HeadDecay, Quotient<guard::Add<1>>>;
using Turning = Mixer<Stage<Beta, Unit>, Stage<KeyDecay, Turn, Householder<>>, shrink::Data<>>;
using TurningBefore = Mixer<Stage<Other>, Stage<Turn, Householder<Order::before_decay>>, shrink::Data<>, project::TwiceReal>;
using Signed = Mixer<Stage<Other>, Stage<HeadDecay, Sign, Householder<Order::before_decay>>, shrink::Data<>, Previous>;
using ChannelDecay = Mixer<Stage<Beta, Unit>, Stage<LogTerm<Data<in::g, Axes::value, map::LogSigmoid<>>>, Householder<>>, shrink::Data<>>;

// The largest error of a mode over what contractions allow: each token rounds a few products of its keys' sums.
template <class M, class S> double worst(Way way, std::uint64_t seed) {
  double worst = 0;
  Random random(seed);
  for (const Index tokens : {1, 15, 16, 17, 100, 250}) {
    const Shape n{1, tokens, 2, random.between(1, 20), random.between(1, 20)};
    const RandomCall<M, S> call(n, {}, RandomCall<M, S>::plain, random);
    auto wide = call.empty_result(random);
    Buffer<double> y(n.batch, n.tokens, n.heads, M::projection::parts * n.values);
    State<M, double> state(n.batch, n.heads, n.keys, n.values), start(n.batch, n.heads, n.keys, n.values);
    Options<double> options{.final = state, .direction = call.options.direction};
    if (call.initial) copy_state(start.view(), std::as_const(*call.initial).view()), options.initial = std::as_const(start).view();
    reference(M{}, call.in, y.view(), options);
    const auto result = call.result(way, random);
    double error = 0, largest = 0;
    for (Index t = 0; t < n.tokens; ++t)
      for (Index h = 0; h < n.heads; ++h)
        for (Index c = 0; c < y.view().feature(); ++c) {
          const double exact = y.view().at(0, t, h, 0, c);
          largest = std::max(largest, std::abs(exact)), error = std::max(error, std::abs(exact - double(result.y.view.at(0, t, h, 0, c))));
        }
    for (Index m = 0; m < n.heads * n.keys * n.values; ++m) largest = std::max(largest, std::abs(state.view().m.data[m]));
    const double eps = std::numeric_limits<S>::epsilon(), allowed = eps * double(4 + n.tokens) * double(4 + n.keys) * largest;
    worst = std::max(worst, allowed > 0 ? error / allowed : error > 0 ? 1e300 : 0);
  }
  return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("couplings: what contractions allow", "[unit]", Plain, Gated, Kda, DeltaBefore, ApartAfter, GatedEarly, ApartBonus, GatedQuotient, Turning, TurningBefore, Signed,
                   ChannelDecay) {
  STATIC_REQUIRE(TestType::coupled);
  STATIC_REQUIRE(outer_kernel<TestType> != std::is_same_v<TestType, ChannelDecay>);
  for (const Way way : {Way::recurrent, Way::sweep, Way::scan, Way::chunkwise, Way::attend}) {
    CAPTURE(name_of(way));
    CHECK(worst<TestType, double>(way, 17) <= 1);
  }
}
