// SPDX-License-Identifier: MIT
#pragma once

// The adjoints of chunks and of attention against that of the definition, over chunk lengths and lengths of time around them.
#include "support/gradients.hpp"

#include <lcsm/mode/attend_vjp.hpp>

namespace lcsm::test {

// report(name, largest difference, largest number of the second) for every member that a mixer reads.
template <class M, class A, class B, class F> void each_member(const A& given, const B& right, F&& report) {
  M::visit([&]<class Leaf>() {
    door::names_of<Leaf>::each([&]<class Name>() {
      const auto& x = Name::of(given);
      const auto& y = Name::of(right);
      double off = 0, largest = 0;
      for (Index b = 0; b < y.batch(); ++b)
        for (Index t = 0; t < y.time(); ++t)
          for (Index h = 0; h < y.head(); ++h)
            for (Index r = 0; r < y.row(); ++r)
              for (Index f = 0; f < y.feature(); ++f) {
                const double should = double(y.at(b, t, h, r, f)), d = std::abs(double(x.at(b, t, h, r, f)) - should);
                largest = std::max(largest, std::abs(should)), off = std::isnan(d) ? INFINITY : std::max(off, d);
              }
      report(std::string(Name::name), off, largest);
    });
  });
}
// A call's gradients by chunks or by attention and by definition, in double; the largest difference over the largest number of either member.
template <class M, class S> void compare_chunks(RandomCall<M, S, S>& call, Random& random, bool attends = false) {
  INFO((attends ? "attend_vjp, " : "chunkwise_vjp, ") << call.text());
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
  const StateCotangents<S> states{.final = std::as_const(final_bar).view(), .initial = given_bar.view()};
  if (attends) attend_vjp(exec::seq, M{}, call.in, loss.y.view(), given.views, call.options, states); else chunkwise_vjp(exec::seq, M{}, call.in, loss.y.view(), given.views, call.options, states);
  CHECK(given.slack_is_untouched());
  const double tolerance = sizeof(S) == 8 ? 1e-12 : 1e-4;
  each_member<M>(given.views, right.views, [&](const std::string& name, double off, double largest) {
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
      if (chunk == 7 || tokens == 97) compare_chunks<M, S>(call, random, true);
    }
}

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
    compare_chunks<M, double>(call, random), compare_chunks<M, double>(call, random, true);
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
    each_member<M>(together.views, alone.views, [&](const std::string& name, double off, double) {
      INFO(name << ", " << count << " threads");
      CHECK(off == 0);
    });
  }
}

using Gate = LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>;
using HeadGate = LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>;
using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
template <class... M> constexpr bool by_products = (chunk_vjp_kernel<M> && ...);

}  // namespace lcsm::test
