// SPDX-License-Identifier: MIT
// Blocks of value channels: the definition's numbers, the same bits for any number of threads, states and saved memories in their places.
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/lcsm.hpp>

#include "support/catch.hpp"
#include "support/properties.hpp"

#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

namespace {

// One view as a row of keys and as a row of value channels, which a block must not narrow; a map of the whole row of channels.
struct Both : Mixer<expand::Data<map::Identity, in::x>, oscillation::PerValue<map::LogSigmoid<>>, shrink::Data<>, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, g{}, q{}; };
};
struct WholeRow : Mixer<expand::Data<>, oscillation::PerValue<map::LogSigmoid<>>, shrink::Data<>, Input<Data<in::v, Axes::value, map::L2Norm>>> {
  template <class T> struct In { View<T> k{}, v{}, g{}, q{}; };
};
struct Stabilised : Mixer<expand::Exp<map::Identity, in::k, Axes::value>, oscillation::Learned<map::NegExp, in::w, Axes::value>, shrink::One, Bonus<LogTerm<Learned<in::u, Axes::value>>>, Quotient<guard::None>, RunningMax<>> {
  template <class T> struct In { View<T> k{}, v{}, w{}, u{}; };
};
// Outputs of two parts, the transition as a number.
struct TwoParts : Mixer<expand::One, oscillation::ComplexMultiplier<>, shrink::One, Input<Data<in::x, Axes::value>, Data<in::x_imag, Axes::value>>, project::Complex> {
  template <class T> struct In { View<T> a{}, a_imag{}, x{}, x_imag{}; };
};
// Views by reference are the caller's, and a const member stays what it is: neither is narrowed.
struct ByReference { View<const float>&a, &b; };
struct Fast { const View<const float> a, b; };
static_assert(splits_channels<FirstOrder, FirstOrder::In<const float>> && splits_channels<FirstOrder, ByReference> && !splits_channels<FirstOrder, Fast>);
static_assert(has_channel_blocks<Both> && !has_channel_blocks<WholeRow> && has_channel_blocks<Stabilised> && has_channel_blocks<Mamba> && has_channel_blocks<FirstOrder>);
static_assert(!has_channel_blocks<LinearAttentionNormalised> && !has_channel_blocks<DeltaRule> && has_channel_blocks<Lru>);

template <class M> constexpr bool same_width = std::is_same_v<M, Both>;

template <class M> void check(Index batch, Index tokens, Index heads, Index keys, Index values) {
  Random random(7 + std::uint64_t(values));
  const Shape n{batch, tokens, heads, same_width<M> ? values : has_keys<M>() ? keys : 1, values};
  RandomCall<M, float, float> call(n, Style{}, RandomCall<M, float, float>::plain, random);
  INFO("B,T,H,K,D " << batch << ", " << tokens << ", " << heads << ", " << n.keys << ", " << values);
  constexpr Index parts = M::projection::parts;
  Buffer<double> want(batch, tokens, heads, parts * values);
  State<M, double> end(batch, heads, n.keys, values);
  reference(M{}, call.in, want.view(), {.final = end});
  Buffer<float> first(batch, tokens, heads, parts * values), y(first);
  State<M, float> state(batch, heads, n.keys, values), again(batch, heads, n.keys, values);
  Saved<M, float> saved(batch, tokens, heads, n.keys, values, 7), saved_again(batch, tokens, heads, n.keys, values, 7);
  recurrent(exec::seq, M{}, call.in, first.view(), Options<float>{.final = state, .saved = saved});
  double worst = 0, largest = 0;
  for (Index i = 0; i < first.size(); ++i) worst = std::isnan(first[i]) ? INFINITY : std::max(worst, std::abs(double(first[i]) - want[i])), largest = std::max(largest, std::abs(want[i]));
  CHECK(worst <= 0x1p-23 * double(4 * (tokens + n.keys) + 40) * (largest + 1));
  for (const Index threads : {1, 2, 3, 7}) {
    y.fill(std::numeric_limits<float>::quiet_NaN()), again.reset();
    recurrent(exec::Par{threads}, M{}, call.in, y.view(), Options<float>{.final = again, .saved = saved_again});
    CHECK(std::equal(first.begin(), first.end(), y.begin()));
    bool same = true;
    state.components([&](const char*, auto& mine, const auto& theirs) { same = same && std::equal(mine.begin(), mine.end(), theirs.begin()); }, again);
    const View<float> a = saved.view().states.m, b = saved_again.view().states.m;
    for (Index s = 0; s < a.batch(); ++s)
      for (Index h = 0; h < heads; ++h)
        for (Index k = 0; k < n.keys; ++k)
          for (Index c = 0; c < values; ++c) same = same && a.at(s, 0, h, k, c) == b.at(s, 0, h, k, c);
    CHECK(same);
    y.fill(std::numeric_limits<float>::quiet_NaN());
    scan(exec::Par{threads}, M{}, call.in, y.view(), Options<float>{.tuning = {.scan_units = 1}});
    CHECK(std::equal(first.begin(), first.end(), y.begin()));
    std::vector<std::byte> room(to_size(workspace_size(exec::Par{threads}, Mode::recurrent, M{}, call.in, y.view())));
    recurrent(exec::Par{threads}, M{}, call.in, y.view(), Options<float>{.workspace = room});
    CHECK(std::equal(first.begin(), first.end(), y.begin()));
  }
  // A channel by itself is the same channel.
  const Index c = values - 1;
  if constexpr (!same_width<M> && has_channel_blocks<M>) {
    Buffer<float> one(batch, tokens, heads, parts);
    recurrent(exec::seq, M{}, of_channels<M>(call.in, values, c, 1), one.view());
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < tokens; ++t)
        for (Index h = 0; h < heads; ++h)
          for (Index part = 0; part < parts; ++part) CHECK(std::abs(one.view()(b, t, h, part) - first.view()(b, t, h, part * values + c)) <= 0x1p-20f * float(largest + 1));
  }
}

}  // namespace

TEMPLATE_TEST_CASE("blocks of channels", "[mode]", FirstOrder, Mamba, Stabilised, Both, WholeRow, TwoParts) {
  for (const Index values : {1, 128, 129, 300}) check<TestType>(2, 19, 2, 5, values);
  check<TestType>(1, 1, 1, 1, 520), check<TestType>(1, 0, 1, 2, 200);
}

TEST_CASE("blocks of channels leave the caller's views alone", "[mode]") {
  constexpr Index T = 9, D = 400;
  Buffer<float> a(1, T, 1, D), b(1, T, 1, D), want(1, T, 1, D), y(want);
  for (Index n = 0; n < a.size(); ++n) a[n] = 0.9f - 1e-4f * float(n), b[n] = std::cos(float(n));
  View<const float> first = std::as_const(a).view(), second = std::as_const(b).view();
  recurrent(exec::seq, FirstOrder{}, FirstOrder::In<const float>{first, second}, want.view());
  recurrent(exec::Par{3}, FirstOrder{}, ByReference{first, second}, y.view());
  CHECK(std::equal(want.begin(), want.end(), y.begin()));
  CHECK((first.feature() == D && first.data == a.data() && second.feature() == D));
  y.fill(0), recurrent(exec::Par{3}, FirstOrder{}, Fast{first, second}, y.view());
  CHECK(std::equal(want.begin(), want.end(), y.begin()));
}
