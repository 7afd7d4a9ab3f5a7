// SPDX-License-Identifier: MIT
#include "unit/kernel/code_mixers.hpp"

#include <lcsm/exec/par.hpp>

#include <chrono>
#include <cstring>

using namespace lcsm;
using namespace lcsm::test;

namespace {

template <class T> bool same_bits(const Buffer<T>& x, const Buffer<T>& y) {
  return x.size() == y.size() && x.size() > 0 && std::memcmp(x.data(), y.data(), to_size(x.size()) * sizeof(T)) == 0;
}
template <class M, class T> bool same_state(State<M, T>& x, const State<M, T>& y) {
  bool same = true;
  x.components([&](const char*, const auto& mine, const auto& theirs) { same = same && same_bits(mine, theirs); }, y);
  return same;
}

// All modes on one problem, from an empty memory, in place in a state of their own.
template <class M, class T, class Use> void each_mode(const CodeProblem<T>& p, Use&& use) {
  Tuning tuning{.chunk = 16, .scan_chunk = 24, .scan_units = 1000, .rows = 5};
  const auto in = p.in();
  const auto options = [&](State<M, T>& s) { return Options<T>{.initial = s.view(), .final = s.view(), .tuning = tuning}; };
  use("recurrent", [&](const View<T>& y, State<M, T>& s) { recurrent(exec::seq, M{}, in, y, options(s)); });
  use("scan", [&](const View<T>& y, State<M, T>& s) { scan(exec::seq, M{}, in, y, options(s)); });
  use("chunkwise", [&](const View<T>& y, State<M, T>& s) { chunkwise(exec::seq, M{}, in, y, options(s)); });
  use("attend", [&](const View<T>& y, State<M, T>& s) { attend(exec::seq, M{}, in, y, options(s)); });
  use("step", [&](const View<T>& y, State<M, T>& s) {
    for (Index t = 0; t < p.tokens; ++t) step(M{}, tokens_of(in, t, 1), y.tokens(t, 1), s);
  });
}

}  // namespace

TEMPLATE_TEST_CASE("recurrent, step and any split agree to the bit, as do threads", "[code]", float, double) {
  using T = TestType;
  CodeProblem<T> p(2, 90, 3, 12, 11, 5);
  const auto in = p.in();
  Buffer<T> whole(2, 90, 3, 11), stepped(whole), split(whole), scanned(whole), threads(whole);
  State<Fading, T> a(2, 3, 12, 11), b(a), c(a), d(a), e(a);
  recurrent(exec::seq, Fading{}, in, whole.view(), Options<T>{.final = a});
  for (Index t = 0; t < 90; ++t) step(Fading{}, tokens_of(in, t, 1), stepped.view().tokens(t, 1), b);
  CHECK(same_bits(whole, stepped));
  CHECK(same_state(a, b));
  Index at = 0;
  for (Index part : {0, 1, 16, 40, 33}) {
    recurrent(exec::par, Fading{}, tokens_of(in, at, part), split.view().tokens(at, part), Options<T>{.initial = c, .final = c});
    at += part;
  }
  CHECK(same_bits(whole, split));
  CHECK(same_state(a, c));
  const Tuning tuning{.scan_chunk = 7, .scan_units = 1000};
  scan(exec::seq, Fading{}, in, scanned.view(), Options<T>{.final = d, .tuning = tuning});
  scan(exec::Par{3}, Fading{}, in, threads.view(), Options<T>{.final = e, .tuning = tuning});
  CHECK(same_bits(scanned, threads));
  CHECK(same_state(d, e));
}

TEST_CASE("a closed gate forgets, and small decays after it are kept", "[code]") {
  CodeProblem<double> p(1, 64, 1, 3, 4, 3);
  for (Index t = 0; t < 64; ++t) p.g[t] = t % 20 == 19 ? -std::numeric_limits<double>::infinity() : t % 3 == 0 ? 0.0 : -1e-3 * double(t);
  p.g[40] = -1e300;
  Buffer<double> want(1, 64, 1, 4);
  State<Fading, double> expected(1, 1, 3, 4);
  reference(Fading{}, p.in(), want.view(), {.final = expected});
  each_mode<Fading, double>(p, [&](const char* name, auto&& run) {
    INFO(name);
    Buffer<double> y(1, 64, 1, 4);
    State<Fading, double> state(1, 1, 3, 4);
    run(y.view(), state);
    CHECK(relative_error(y.view(), want.view()) < 1e-14);
    settle(state);
    CHECK(relative_error(std::as_const(state).view().m, std::as_const(expected).view().m) < 1e-14);
    CHECK(state.view().clock.at(0, 0, 0, 0, 0) == 0);
  });
}

TEST_CASE("a decay is as exact after many tokens as after few", "[code]") {
  // A read of the row that every token writes, behind a long clock.
  const Index L = 20000;
  CodeProblem<double> p(1, L, 1, 2, 1, 3);
  p.v.fill(1), p.g.fill(-0.3), p.D.fill(0);
  for (Index t = 0; t < L; ++t) p.code[t] = 0, p.read_code[t] = t % 1000 == 999 ? 0 : 1;
  Buffer<double> want(1, L, 1, 1);
  reference(Fading{}, p.in(), want.view());
  each_mode<Fading, double>(p, [&](const char* name, auto&& run) {
    INFO(name);
    Buffer<double> y(1, L, 1, 1);
    State<Fading, double> state(1, 1, 2, 1);
    run(y.view(), state);
    // sum (n + 4) exp(-0.3 n) = 27: steps of the recurrence (n), exp, products and the sum (4)
    CHECK(std::abs(y[L - 1] - want[L - 1]) <= 27 * std::numeric_limits<double>::epsilon());
  });
}

TEST_CASE("a NaN stays behind its token and in its sequence", "[code]") {
  CodeProblem<double> p(2, 30, 1, 4, 3, 9);
  p.g[17] = NAN, p.v[20 * 3] = NAN;
  each_mode<Fading, double>(p, [&](const char* name, auto&& run) {
    INFO(name);
    Buffer<double> y(2, 30, 1, 3);
    State<Fading, double> state(2, 1, 4, 3);
    run(y.view(), state);
    bool clean = true, spoiled = true;
    for (Index n = 0; n < y.size(); ++n) (n >= 17 * 3 && n < 30 * 3 ? spoiled : clean) &= std::isnan(y[n]) == (n >= 17 * 3 && n < 30 * 3);
    CHECK(clean);
    CHECK(spoiled);
  });
}

TEST_CASE("codes out of range", "[code]") {
  CodeProblem<float> p(1, 2, 1, 4, 3, 9);
  for (std::int32_t bad : {-1, 4, std::numeric_limits<std::int32_t>::max()}) {
    p.code[0] = p.read_code[0] = bad;
    Buffer<float> y(1, 2, 1, 3);
    State<Averages, float> state(1, 1, 4, 3), before(state);
    y.fill(5);
    CHECK_THROWS_AS(recurrent(exec::seq, Averages{}, p.in(), y.view()), ShapeError);
    CHECK(y[0] == 5.0f);
    // A step has no door: it writes no row and reads zeros.
    step(Averages{}, tokens_of(p.in(), 0, 1), y.view().tokens(0, 1), state);
    for (Index c = 0; c < 3; ++c) CHECK(y[c] == 0.0f);
    CHECK(std::memcmp(state.view().m.data, before.view().m.data, 12 * sizeof(float)) == 0);
  }
}

TEST_CASE("the time per token does not depend on the number of codes", "[code]") {
  using Clock = std::chrono::steady_clock;
  const Index L = 200, few = 1 << 10, many = 1 << 18;
  const auto seconds = [&](Index K, auto&& in_state) {
    CodeProblem<float> p(1, L, 1, K, 16, 3, 100);           // 100 different codes in either case
    std::vector<double> best;
    each_mode<Fading, float>(p, [&](const char*, auto&& run) {
      Buffer<float> y(1, L, 1, 16);
      State<Fading, float> state(1, 1, K, 16);
      double least = 1;
      for (int n = 0; n < 30; ++n) {
        const auto start = Clock::now();
        in_state(p, y, state, run);
        least = (std::min)(least, std::chrono::duration<double>(Clock::now() - start).count());
      }
      best.push_back(least);
    });
    return best;
  };
  const auto in_place = [](const auto&, auto& y, auto& state, auto&& run) { run(y.view(), state); };
  const auto alone = [](const auto& p, auto& y, auto&, auto&&) { recurrent(exec::seq, Fading{}, p.in(), y.view()); };
  const char* names[] = {"recurrent", "scan", "chunkwise", "attend", "step"};
  const auto fast = seconds(few, in_place), slow = seconds(many, in_place);
  for (std::size_t n = 0; n < fast.size(); ++n) {
    INFO(names[n] << ": " << fast[n] / double(L) * 1e9 << " ns per token with 2^10 codes, " << slow[n] / double(L) * 1e9 << " with 2^18");
    CHECK(slow[n] < 5 * fast[n]);
  }
  const double fast_alone = seconds(few, alone)[0], slow_alone = seconds(many, alone)[0];
  INFO("without states: " << fast_alone << " s, " << slow_alone << " s");
  CHECK(slow_alone < 5 * fast_alone);
}
