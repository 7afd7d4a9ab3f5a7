// SPDX-License-Identifier: MIT
// What one call, sequence or thread must not see of another.
#include "mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

// Items backwards, each as another worker.
struct Backwards {
  static Index workers(Index n) { return n; }
  template <class F> void for_each(Index n, F&& f) const {
    for (Index item = n; item-- > 0;) f(item, n - 1 - item);
  }
};

}  // namespace

TEMPLATE_TEST_CASE("an unrelated call sees nothing of the one before", "[cases][state_03]", float, double) {
  using T = TestType;
  const Case file(case_path("state_03"));
  const GatedInputs<T> first(file), second(file, "", "2");
  const Array o = file.out("o"), o2 = file.out("o2"), state = file.out("final_state"), state2 = file.out("final_state2");
  std::vector<std::byte> scratch(1 << 20, std::byte(0xff));  // NaN, whatever the type
  for (const bool own : {false, true})                      // the thread's workspace, or the caller's
    for (const Way& way : ways_of<GatedAttention, T>({4, 64})) {
      INFO(way.name << (own ? ", workspace of the caller" : ""));
      const auto call = [&](const GatedInputs<T>& inputs, const Array& right, const Array& right_state) {
        const Problem p = inputs.problem();
        Buffer<T> y(1, p.tokens, 1, 2);
        State<GatedAttention, T> after(1, 1, 2, 2);
        Options<T> options{.final = after};
        if (own) options.workspace = scratch;
        run<GatedAttention>(way, Threads{}, inputs.in(), y.view(), options);
        agrees(widened<T>(y.view()), arrange(right, "bthf"), tolerance<T>(file));
        agrees(widened<T>(after.view().m), arrange(right_state, "bhrf"), tolerance<T>(file));
        return std::pair(widened<T>(y.view()), widened<T>(after.view().m));
      };
      const auto before = call(first, o, state);
      call(second, o2, state2);
      const auto again = call(first, o, state);
      CHECK(same_bits(before.first, again.first));
      CHECK(same_bits(before.second, again.second));
    }
}

TEMPLATE_TEST_CASE("a NaN reaches its own head from its own token on", "[cases][mask_02]", float, double) {
  using T = TestType;
  const Case file(case_path("mask_02"));
  const GatedInputs<T> inputs(file);
  const Array right = file.out("o"), right_state = file.out("final_state");
  Problem p = inputs.problem();
  p.chunks = {4, 8, 64};
  every_way<GatedAttention, T>(inputs.in(), p, [&](const Outcome& x) {
    const View<const double> y = x.y.view(), want = arrange(right, "bthf"), m = x.m.view(), want_m = arrange(right_state, "bhrf");
    for (Index b = 0; b < 3; ++b)
      for (Index h = 0; h < 2; ++h) {
        const bool bad = b == 1 && h == 0;
        agrees(y.batches(b, 1).heads(h, 1).tokens(0, bad ? 11 : 20), want.batches(b, 1).heads(h, 1).tokens(0, bad ? 11 : 20), tolerance<T>(file));
        if (!bad) agrees(m.batches(b, 1).heads(h, 1), want_m.batches(b, 1).heads(h, 1), tolerance<T>(file));
        else
          for (Index t = 11; t < 20; ++t)
            for (Index c = 0; c < 3; ++c) CHECK(std::isnan(y(b, t, h, c)));
      }
  });

  // The kind: a NaN in any one input, at any token, in either direction. Where it is not, every bit is as without it.
  const GatedInputs<T> clean(file, "", "");
  for (const Way& way : ways_of<GatedAttention, T>({8, 64}))
    for (const Direction direction : {Direction::forward, Direction::reverse}) {
      GatedInputs<T> poisoned = clean;
      for (Numbers<T>* x : {&poisoned.q, &poisoned.k, &poisoned.v, &poisoned.g})
        for (Index n = 0; n < x->data.size(); ++n) if (std::isnan(x->data.data()[n])) x->data.data()[n] = T(0.5);
      const GatedInputs<T> whole = poisoned;
      const auto outcome = [&](const GatedInputs<T>& in) {
        Buffer<T> y(3, 20, 2, 3);
        run<GatedAttention>(way, Threads{}, in.in(), y.view(), Options<T>{.direction = direction});
        return widened<T>(y.view());
      };
      const Buffer<double> want = outcome(whole);
      int input = 0;
      for (Numbers<T> GatedInputs<T>::* x : {&GatedInputs<T>::q, &GatedInputs<T>::k, &GatedInputs<T>::v, &GatedInputs<T>::g}) {
        for (const Index at : {0, 7, 8, 12, 19}) {
          INFO(way.name << ", input " << input << ", token " << at << (direction == Direction::reverse ? ", reversed" : ""));
          poisoned = whole;
          (poisoned.*x).data.data()[((1 * 20 + at) * 2 + 1) * 3 + 1] = std::numeric_limits<T>::quiet_NaN();
          const Buffer<double> y = outcome(poisoned);
          bool right_bits = true;
          Index nans = 0;
          for (Index b = 0; b < 3; ++b)
            for (Index t = 0; t < 20; ++t)
              for (Index h = 0; h < 2; ++h)
                for (Index c = 0; c < 3; ++c) {
                  const double given = y.view()(b, t, h, c);
                  const bool later = direction == Direction::forward ? t >= at : t <= at;
                  if (b == 1 && h == 1 && later) nans += std::isnan(given);
                  else right_bits = right_bits && given == want.view()(b, t, h, c);
                }
          CHECK(right_bits);
          CHECK(nans >= 1);                                 // a query's is that of one row, a value's that of one channel
        }
        ++input;
      }
    }
}

TEMPLATE_TEST_CASE("more threads than heads", "[cases][thread_01]", float, double) {
  using T = TestType;
  const Case file(case_path("thread_01"));
  const GatedInputs<T> inputs(file);
  const Array h0 = file.in("h0"), right = file.out("o"), right_state = file.out("final_state");
  for (const Index batches : {1, 2})
    for (const Index heads : {1, 3})
      for (const Way& way : ways_of<GatedAttention, T>({2, 4, 64})) {
        if (way.mode == Mode::reference) continue;
        const auto part = [&](const auto& v) { return v.batches(0, batches).heads(0, heads); };
        const GatedAttention::In<const T> all = inputs.in(), in{.q = part(all.q), .k = part(all.k), .v = part(all.v), .g = part(all.g)};
        const Problem p{.batch = batches, .tokens = 9, .heads = heads, .keys = 2, .values = 3, .initial = part(arrange(h0, "bhrf"))};
        Buffer<double> first_y, first_m;
        const auto call = [&](const std::string& policy, const auto& exec) {
          INFO(way.name << ", " << batches << " x " << heads << ", " << policy);
          Buffer<T> y(batches, 9, heads, 3);
          poison(y);
          State<GatedAttention, T> state = fresh_state<GatedAttention, T>(p);
          run<GatedAttention>(way, exec, in, y.view(), Options<T>{.initial = state, .final = state});
          const Buffer<double> wide_y = widened<T>(y.view()), wide_m = widened<T>(state.view().m);
          if (first_y.size() == 0) {
            agrees(wide_y, part(arrange(right, "bthf")), tolerance<T>(file));
            agrees(wide_m, part(arrange(right_state, "bhrf")), tolerance<T>(file));
            first_y = wide_y, first_m = wide_m;
          }
          CHECK(same_bits(wide_y, first_y));
          CHECK(same_bits(wide_m, first_m));
        };
        for (const Index threads : {0, 1, 2, 3, 4, 7, 16, 64}) call(std::to_string(threads) + " threads", Threads{threads});
        call("backwards", Backwards{});
      }
}
