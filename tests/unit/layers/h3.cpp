// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>

#include "support/catch.hpp"
#include "unit/layers/h3.hpp"

#include <algorithm>
#include <string>

using namespace lcsm;
using namespace lcsm::test;

namespace {

constexpr exec::Par one_thread{1};                          // one type of policy: everything is compiled once

void run(const H3Call& call, Index first, Index count, const View<double>& y, const Options<double>& options, const H3Keys<double>& keys = {}, const exec::Par& exec = one_thread) {
  const auto part = [&](const Buffer<double>& x) { return x.view().tokens(first, count); };
  if (call.elementwise) h3_elementwise(exec, S4d{}, call.in(), call.plan(), call.skip.view(), part(call.q), part(call.k), part(call.v), y.tokens(first, count), options, keys);
  else h3(exec, S4d{}, call.in(), call.plan(), call.skip.view(), part(call.q), part(call.k), part(call.v), y.tokens(first, count), options, keys);
}
double worst(const H3Call& call, const Buffer<double>& y) {
  double most = 0;
  const auto want = call.defined();
  for (std::size_t n = 0; n < want.size(); ++n)
    if (const double off = std::abs(y[Index(n)] - want[n].x), x = off == 0 ? 0 : off / (call.cost() * want[n].size); !(x <= most)) most = std::isnan(x) ? HUGE_VAL : x;
  return most;
}

}  // namespace

TEST_CASE("H3: shifted keys, outer products or elements, the state space and the query", "[layers]") {
  for (int n = 0; n < 40; ++n) {
    Random random(300 + std::uint64_t(n));
    const H3Call call(n % 2 == 0, n % 3 == 0, random);
    INFO("seed " << 300 + n << ", tokens " << call.tokens << ", keys " << call.keys << ", values " << call.values);
    Buffer<double> y(call.batch, call.tokens, call.heads, call.values), again = y;
    y.fill(7), run(call, 0, call.tokens, y.view(), call.options()), run(call, 0, call.tokens, again.view(), call.options(), {}, exec::Par{3});
    CHECK(worst(call, y) <= 1);
    CHECK(std::equal(y.begin(), y.end(), again.begin()));
    if (call.mask.size() > 0) continue;
    // A prompt, then token by token: the state is all that they know of what came before.
    State<S4d, double> state(call.batch, call.heads, call.modes, call.width());
    Buffer<double> keys(call.batch, 1, call.heads, call.taps - 1, call.keys);
    const Index prompt = call.tokens / 2;
    y.fill(7), run(call, 0, prompt, y.view(), {.final = state}, {.final = keys.view()});
    for (Index t = prompt; t < call.tokens; ++t) run(call, t, 1, y.view(), {.initial = state, .final = state}, {std::as_const(keys).view(), keys.view()});
    CHECK(worst(call, y) <= 1);
  }
}

TEST_CASE("H3: rows of a batch packed into one, and reversed time", "[layers]") {
  for (int n = 0; n < 8; ++n) {
    Random random(400 + std::uint64_t(n));
    const H3Call call(false, false, random);
    const Index B = call.batch, T = call.tokens;
    Buffer<double> y(B, T, call.heads, call.values), other = y;
    run(call, 0, T, y.view(), {});
    const auto as_one = [&](auto v) {
      v.extent[0] = 1, v.extent[1] = B * T;
      return v;
    };
    std::vector<std::int32_t> offsets;
    for (Index b = 0; b <= B; ++b) offsets.push_back(std::int32_t(b * T));
    h3(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), as_one(call.q.view()), as_one(call.k.view()), as_one(call.v.view()), as_one(other.view()), {.sequences = offsets});
    CHECK(std::equal(y.begin(), y.end(), other.begin()));
    if (T == 0) continue;
    const auto turned = [&](auto v) {
      v.data += (T - 1) * v.stride[1], v.stride[1] = -v.stride[1];
      return v;
    };
    h3(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), turned(call.q.view()), turned(call.k.view()), turned(call.v.view()), turned(other.view()), {.direction = Direction::reverse});
    CHECK(std::equal(y.begin(), y.end(), other.begin()));
  }
}

TEST_CASE("H3: what does not fit is named at the door, and nothing is written", "[layers]") {
  Random random(3);
  H3Call call(false, false, random);
  while (call.tokens < 2 || call.keys < 2 || call.taps < 2) call = H3Call(false, false, random);
  Buffer<double> y(call.batch, call.tokens, call.heads, call.values), keys(call.batch, 1, call.heads, call.taps - 1, call.keys);
  y.fill(7), keys.fill(7);
  const auto refused = [&](const std::string& argument, const View<const double>& q, const View<const double>& v, const View<const double>& skip, const View<double>& final) {
    std::string text = "nothing was thrown";
    try {
      h3(one_thread, S4d{}, call.in(), call.plan(), skip, q, call.k.view(), v, y.view(), {}, {.final = final});
    } catch (const Error& error) {
      text = error.what();
    }
    CHECK(text.starts_with("lcsm::h3: argument '" + argument + "': expected "));
  };
  const View<const double> q = std::as_const(call.q).view(), v = std::as_const(call.v).view(), skip = std::as_const(call.skip).view();
  refused("q", q.features(0, call.keys - 1), v, skip, keys.view());
  refused("v", q, v.tokens(0, 1), skip, keys.view());
  refused("shift_skip", q, v, skip.features(0, call.keys - 1), keys.view());
  refused("keys.final", q, v, skip, keys.view().rows(0, call.taps - 2));
  CHECK(std::all_of(y.begin(), y.end(), [](double x) { return x == 7; }));
  CHECK(std::all_of(keys.begin(), keys.end(), [](double x) { return x == 7; }));
}
