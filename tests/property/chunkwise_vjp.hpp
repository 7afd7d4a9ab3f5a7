// SPDX-License-Identifier: MIT
#pragma once

// The adjoints of chunks and of attention against that of the definition, over chunk lengths and lengths of time around them.
#include "support/gradients.hpp"

#include <lcsm/mode/attend_vjp.hpp>

namespace lcsm::test {

// A call's gradients by chunks or by attention.
template <class M, class S> void compare_chunks(RandomCall<M, S, S>& call, Random& random, bool attends = false) {
  INFO(call.text());
  const RightGradients<M, S> right(call, random);
  right.check(attends ? "attend_vjp" : "chunkwise_vjp", any_layout(random), random, [&](const auto& grads, const auto& states) {
    if (attends) attend_vjp(exec::seq, M{}, call.in, right.y_bar(), grads, call.options, states); else chunkwise_vjp(exec::seq, M{}, call.in, right.y_bar(), grads, call.options, states);
  });
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

// Every second gate is one of these: closed (exactly 0 where it is the multiplier, else a log of -50 or -infinity), or so open that it rounds to 1.
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
    bool all = true;
    zip_gradients<M>([&](std::string_view, float x, float y) { all = all && same_bits(x, y); }, together.views, alone.views);
    INFO(count << " threads");
    CHECK(all);
  }
}

using Gate = LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>;
using HeadGate = LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>;
using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
template <class... M> constexpr bool by_products = (chunk_vjp_kernel<M> && ...);

}  // namespace lcsm::test
