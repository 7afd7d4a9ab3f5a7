// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/short_convolution.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/short_convolution.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

using lcsm::Buffer;
using lcsm::ConvolutionOptions;
using lcsm::Index;
using lcsm::View;
using lcsm::exec::seq;

namespace {

template <class T> constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

template <class T> void randomise(Buffer<T>& x, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(-2, 2);
  for (T& v : x) v = T(uniform(engine));
}

// One call's worth of numbers; y starts as NaN.
template <class T> struct Problem {
  Index B, L, H, D, W;
  Buffer<T> x, w, b, state, y;
  Problem(Index batch, Index tokens, Index heads, Index features, Index taps, Index sequences = -1)
      : B(batch), L(tokens), H(heads), D(features), W(taps), x(B, L, H, D), w(1, 1, H, D, W), b(1, 1, H, D), state(sequences < 0 ? B : sequences, 1, H, W - 1, D), y(B, L, H, D) {
    randomise(x, unsigned(L)), randomise(w, unsigned(100 + W)), randomise(b, unsigned(200 + D)), randomise(state, unsigned(300 + L)), y.fill(not_a_number<T>);
  }
  View<const T> in() const { return x.view(); }
  View<const T> weight() const { return lcsm::parameter(w.data(), H, D, W); }
  View<const T> bias() const { return lcsm::parameter(b.data(), H, D); }
  template <class Activation = lcsm::map::Identity, class Exec> void run(const Exec& exec, const ConvolutionOptions<T>& options) {
    lcsm::short_convolution<Activation>(exec, in(), weight(), bias(), y.view(), options);
  }
};

template <class T> bool same(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() && (a.size() == 0 || std::memcmp(a.data(), b.data(), lcsm::to_size(a.size()) * sizeof(T)) == 0);
}
template <class T> bool same(const View<T>& a, const View<T>& b) {
  if (a.extent != b.extent) return false;
  for (Index n = 0; n < a.batch(); ++n)
    for (Index t = 0; t < a.time(); ++t)
      for (Index h = 0; h < a.head(); ++h)
        for (Index r = 0; r < a.row(); ++r)
          for (Index f = 0; f < a.feature(); ++f)
            if (std::memcmp(&a.at(n, t, h, r, f), &b.at(n, t, h, r, f), sizeof(T)) != 0) return false;
  return true;
}

}  // namespace

TEMPLATE_TEST_CASE("a short convolution is its sum, and its state the last inputs", "[layers]", float, double) {
  using T = TestType;
  for (Index W = 1; W <= 7; ++W)
    for (const Index D : {1, 3, 8, 17, 37})
      for (const Index L : {0, 1, 2, 6, 131}) {
        const Index B = 2, H = D == 3 ? 3 : 1;
        Problem<T> p(B, L, H, D, W);
        const Buffer<T> initial = p.state;
        const bool biased = L != 2, given = L != 6;
        INFO("width " << W << ", " << D << " channels, " << L << " tokens");
        lcsm::short_convolution(seq, p.in(), p.weight(), biased ? p.bias() : View<const T>{}, p.y.view(),
                                {.initial = given ? initial.view() : View<const T>{}, .final = p.state.view()});
        bool sums = true, states = true;
        for (Index b = 0; b < B; ++b)
          for (Index h = 0; h < H; ++h)
            for (Index d = 0; d < D; ++d) {
              const auto input = [&](Index j) { return j >= 0 ? p.in()(b, j, h, d) : given ? initial.view().at(b, 0, h, W - 1 + j, d) : T(0); };
              for (Index t = 0; t < L; ++t) {
                const auto sum = lcsm::test::plain_convolution(W, [&](Index k) { return p.weight().at(0, 0, h, d, k); }, biased ? double(p.bias()(0, 0, h, d)) : 0.0, input, t);
                sums = sums && sum.agrees(p.y.view()(b, t, h, d), W);
              }
              for (Index r = 0; r < W - 1; ++r) states = states && p.state.view().at(b, 0, h, r, d) == input(L - (W - 1) + r);
            }
        CHECK(sums);
        CHECK(states);
      }
}

TEST_CASE("splits, steps and threads change no bit", "[layers]") {
  std::mt19937 engine(1);
  for (Index W = 1; W <= 7; ++W) {
    const Index L = 300;                                    // three blocks of tokens
    Problem<float> once(2, L, 2, 19, W);
    const Buffer<float> initial = once.state;
    once.run<lcsm::map::Silu>(seq, {.initial = initial.view(), .final = once.state.view()});

    Problem<float> threads(2, L, 2, 19, W);                 // the initial state is the final one
    threads.run<lcsm::map::Silu>(lcsm::exec::Par{3}, {.initial = threads.state.view(), .final = threads.state.view()});
    CHECK(same(threads.y, once.y));
    CHECK(same(threads.state, once.state));

    Problem<float> parts(2, L, 2, 19, W), steps(2, L, 2, 19, W);
    for (Index t = 0; t < L;) {
      const Index n = std::min<Index>(L - t, std::uniform_int_distribution<Index>(0, t < 20 ? 3 : 170)(engine));
      lcsm::short_convolution<lcsm::map::Silu>(seq, parts.in().tokens(t, n), parts.weight(), parts.bias(), parts.y.view().tokens(t, n),
                                               {.initial = parts.state.view(), .final = parts.state.view()});
      t += n;
    }
    CHECK(same(parts.y, once.y));
    CHECK(same(parts.state, once.state));
    for (Index t = 0; t < L; ++t)
      lcsm::short_convolution_step<lcsm::map::Silu>(steps.in().tokens(t, 1), steps.weight(), steps.bias(), steps.y.view().tokens(t, 1), steps.state.view());
    CHECK(same(steps.y, once.y));
    CHECK(same(steps.state, once.state));
  }
}

TEST_CASE("the map comes after the sum", "[layers]") {
  Problem<float> plain(1, 9, 1, 21, 4), mapped(1, 9, 1, 21, 4);
  plain.run(seq, {}), mapped.run<lcsm::map::Silu>(seq, {});
  for (float& v : plain.y) v = lcsm::map::Silu::apply(v);
  CHECK(same(plain.y, mapped.y));
}

TEST_CASE("packed sequences are separate ones", "[layers]") {
  const std::vector<std::int32_t> offsets{0, 3, 3, 4, 9, 140, 141};
  const Index N = Index(offsets.size()) - 1;
  for (const Index W : {1, 2, 4, 5})
    for (const auto direction : {lcsm::Direction::forward, lcsm::Direction::reverse}) {
      Problem<float> packed(1, 141, 2, 11, W, N), apart(1, 141, 2, 11, W, N);
      packed.run(lcsm::exec::Par{2}, {.initial = packed.state.view(), .final = packed.state.view(), .sequences = offsets, .direction = direction});
      for (Index n = 0; n < N; ++n) {
        const Index first = offsets[lcsm::to_size(n)], count = offsets[lcsm::to_size(n + 1)] - first;
        const View<float> state = apart.state.view().batches(n, 1);
        lcsm::short_convolution(seq, apart.in().tokens(first, count), apart.weight(), apart.bias(), apart.y.view().tokens(first, count),
                                {.initial = state, .final = state, .direction = direction});
      }
      CHECK(same(packed.y, apart.y));
      CHECK(same(packed.state, apart.state));
    }
}

TEST_CASE("masked tokens are not there", "[layers]") {
  std::mt19937 engine(2);
  for (const Index W : {1, 3, 4, 6})
    for (const auto direction : {lcsm::Direction::forward, lcsm::Direction::reverse})
      for (const Index kind : {0, 1, 2, 3}) {               // left padding, right padding, anywhere, nothing left
        const Index B = 2, L = 25;
        Problem<float> masked(B, L, 1, 10, W);
        Buffer<std::uint8_t> mask(B, L, 1, 1);
        for (Index b = 0; b < B; ++b)
          for (Index t = 0; t < L; ++t) mask.view()(b, t, 0, 0) = std::uint8_t(kind == 0 ? t >= 7 * b + 2 : kind == 1 ? t < 20 - 18 * b : kind == 2 ? engine() % 2 * 255 : 0);
        std::vector<Problem<float>> compact;
        for (Index b = 0; b < B; ++b) {
          std::vector<Index> kept;
          for (Index t = 0; t < L; ++t)
            if (mask.view()(b, t, 0, 0) != 0) kept.push_back(t);
          Problem<float>& p = compact.emplace_back(1, Index(kept.size()), 1, 10, W);
          for (Index j = 0; j < p.L; ++j) std::copy_n(&masked.in()(b, kept[lcsm::to_size(j)], 0, 0), 10, &p.x.view()(0, j, 0, 0));
          std::copy_n(masked.state.data() + b * (W - 1) * 10, (W - 1) * 10, p.state.data());
          p.w = masked.w, p.b = masked.b;
          p.run(seq, {.initial = p.state.view(), .final = p.state.view(), .direction = direction});
        }
        for (Index b = 0; b < B; ++b)
          for (Index t = 0; t < L; ++t)
            if (mask.view()(b, t, 0, 0) == 0) std::fill_n(&masked.x.view()(b, t, 0, 0), 10, not_a_number<float>);
        masked.run(seq, {.initial = masked.state.view(), .final = masked.state.view(), .mask = mask.view(), .direction = direction});
        for (Index b = 0; b < B; ++b) {
          const Problem<float>& p = compact[lcsm::to_size(b)];
          bool outputs = true;
          for (Index t = 0, j = 0; t < L; ++t)
            for (Index d = 0, kept = mask.view()(b, t, 0, 0) != 0; d < 10; ++d) {
              outputs = outputs && masked.y.view()(b, t, 0, d) == (kept ? p.y.view()(0, j, 0, d) : 0.0f);
              if (kept && d == 9) ++j;
            }
          CHECK(outputs);
          CHECK(std::equal(p.state.begin(), p.state.end(), masked.state.data() + b * (W - 1) * 10));
        }
        Problem<float> row(1, L, 1, 10, W), alike(1, L, 1, 10, W);  // one mask for all, by stride 0
        row.run(seq, {.mask = mask.view().batches(0, 1), .direction = direction});
        View<std::uint8_t> repeated = mask.view().batches(0, 1);
        repeated.stride[0] = 0;
        alike.run(seq, {.mask = repeated, .direction = direction});
        CHECK(same(row.y, alike.y));
      }
}

TEST_CASE("reverse is the same on reversed time", "[layers]") {
  for (const Index W : {1, 2, 4, 7})
    for (const Index L : {0, 1, 3, 150}) {
      Problem<float> backward(2, L, 2, 9, W), forward(2, L, 2, 9, W);
      backward.run(seq, {.initial = backward.state.view(), .final = backward.state.view(), .direction = lcsm::Direction::reverse});
      const auto turned = [&](auto v) {
        if (L > 0) v.data += (L - 1) * v.stride[1], v.stride[1] = -v.stride[1];
        return v;
      };
      lcsm::short_convolution(seq, turned(forward.in()), forward.weight(), forward.bias(), turned(forward.y.view()), {.initial = forward.state.view(), .final = forward.state.view()});
      CHECK(same(backward.y, forward.y));
      CHECK(same(backward.state, forward.state));
    }
}

TEST_CASE("any strides, and nothing beside the views is read or written", "[layers]") {
  const Index B = 2, L = 12, H = 3, D = 13;
  for (const Index W : {2, 4}) {
    Problem<float> dense(B, L, H, D, W);
    const Buffer<float> initial = dense.state;
    dense.run(seq, {.initial = initial.view(), .final = dense.state.view()});

    // Slices of wide rows, one number off every border; NaN beside them.
    const auto beside = [](std::vector<float>& room, const View<const float>& from, const std::array<Index, 5>& stride, Index first) {
      const View<float> v(room.data() + first, from.extent, stride);
      for (Index b = 0; b < from.batch(); ++b)
        for (Index t = 0; t < from.time(); ++t)
          for (Index h = 0; h < from.head(); ++h)
            for (Index r = 0; r < from.row(); ++r)
              for (Index f = 0; f < from.feature(); ++f) v.at(b, t, h, r, f) = from.at(b, t, h, r, f);
      return View<const float>(v);
    };
    std::vector<float> wide(5000, not_a_number<float>), turned(5000, not_a_number<float>), taps(5000, not_a_number<float>), out(5000, -7.0f), memory(5000, not_a_number<float>);
    const Index row = H * (D + 2) + 3;
    const View<const float> slice = beside(wide, dense.in(), {L * row, row, D + 2, 1, 1}, 1);
    const View<const float> transposed = beside(turned, dense.in(), {H * D * (L + 1), 1, D * (L + 1), 0, L + 1}, 3);  // [B, H, D, L]
    View<const float> weight = beside(taps, dense.weight(), {0, 0, W * (D + 1), 1, D + 1}, 1);                        // taps outside, channels inside
    const View<const float> from = beside(memory, initial.view(), {H * (W - 1) * (D + 3), 0, (W - 1) * (D + 3), D + 3, 1}, 1);
    const View<float> state(memory.data() + 1, from.extent, from.stride);
    for (const bool columns : {false, true})
      for (const View<const float>& x : {slice, transposed}) {
        std::fill(out.begin(), out.end(), -7.0f);
        const View<float> y(out.data() + 1, dense.y.view().extent, columns ? std::array<Index, 5>{H * D * L, 1, D * L, 0, L} : std::array<Index, 5>{L * row, row, D + 2, 1, 1});
        Buffer<float> final = initial;
        lcsm::short_convolution(seq, x, weight, dense.bias(), y, {.initial = from, .final = final.view()});
        CHECK(same(View<const float>(y), View<const float>(dense.y.view())));
        CHECK(same(final, dense.state));
        CHECK(std::count(out.begin(), out.end(), -7.0f) == 5000 - dense.y.size());

        std::fill(out.begin(), out.end(), -7.0f);           // and step by step
        std::vector<float> kept = memory;
        for (Index t = 0; t < L; ++t) lcsm::short_convolution_step(x.tokens(t, 1), weight, dense.bias(), y.tokens(t, 1), state);
        CHECK(same(View<const float>(y), View<const float>(dense.y.view())));
        CHECK(same(View<const float>(state), View<const float>(dense.state.view())));
        CHECK(std::count(out.begin(), out.end(), -7.0f) == 5000 - dense.y.size());
        CHECK(std::count_if(memory.begin(), memory.end(), [](float v) { return v != v; }) == 5000 - initial.size());
        memory = kept;
      }
  }
}

TEST_CASE("axes said to repeat, and heads that share parameters", "[layers]") {
  const Index H = 4, D = 9, W = 4;
  Problem<float> full(2, 6, H, D, W), few(2, 6, 2, D, W);
  for (Index h = 0; h < H; ++h)                             // heads 0, 1 read the first, 2, 3 the second
    std::copy_n(few.w.data() + h / 2 * D * W, D * W, full.w.data() + h * D * W), std::copy_n(few.b.data() + h / 2 * D, D, full.b.data() + h * D);
  Buffer<float> y = full.y;
  full.run(seq, {.initial = full.state.view()});
  lcsm::short_convolution(seq, full.in(), few.weight(), few.bias(), y.view(), {.initial = full.state.view()});
  CHECK(same(y, full.y));
  for (Index t = 0; t < 6; ++t) lcsm::short_convolution_step(full.in().tokens(t, 1), few.weight(), few.bias(), y.view().tokens(t, 1), full.state.view());
  CHECK(same(y, full.y));

  Problem<float> same_x(2, 6, H, D, W);                     // one number for all channels, heads and sequences
  View<const float> one(same_x.x.data(), {1, 6, 1, 1, 1}, {0, 1, 0, 0, 0});
  const std::vector<float> numbers(same_x.x.data(), same_x.x.data() + 6);
  View<const float> one_tap_row(same_x.w.data(), {1, 1, 1, 1, W}, {0, 0, 0, 0, 1}), one_bias(same_x.b.data(), {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0});
  lcsm::short_convolution(seq, one, one_tap_row, one_bias, y.view());
  one.data = numbers.data();
  for (Index n = 0; n < same_x.x.size(); ++n) same_x.x[n] = numbers[lcsm::to_size(n / (H * D) % 6)];
  for (Index n = W; n < same_x.w.size(); ++n) same_x.w[n] = same_x.w[n % W];
  same_x.b.fill(same_x.b[0]), same_x.run(seq, {});
  CHECK(same(y, same_x.y));
}

TEST_CASE("two-byte storage computes in float, and a double state is asked for", "[layers]") {
  Problem<float> p(2, 11, 2, 19, 4);
  const auto stored = [](Buffer<float>& from, Index batch, Index time, Index head, Index row, Index feature) {
    Buffer<lcsm::Bfloat16> to(batch, time, head, row, feature);
    for (Index n = 0; n < to.size(); ++n) to[n] = lcsm::Bfloat16(from[n]), from[n] = float(to[n]);
    return to;
  };
  const Buffer<lcsm::Bfloat16> x = stored(p.x, 2, 11, 2, 1, 19), w = stored(p.w, 1, 1, 2, 19, 4);
  Buffer<lcsm::Bfloat16> y(2, 11, 2, 19);
  Buffer<float> state = p.state, stepped = p.state;
  lcsm::short_convolution(seq, x.view(), lcsm::parameter(w.data(), 2, 19, 4), {}, y.view(), {.initial = state.view(), .final = state.view()});
  p.b.fill(0), p.run(seq, {.initial = p.state.view(), .final = p.state.view()});
  const auto rounded = [&] {
    for (Index n = 0; n < y.size(); ++n)
      if (y[n].bits != lcsm::Bfloat16(p.y[n]).bits) return false;
    return true;
  };
  CHECK(rounded());
  CHECK(same(state, p.state));
  for (lcsm::Bfloat16& v : y) v = lcsm::Bfloat16(0.0f);
  for (Index t = 0; t < 11; ++t)
    lcsm::short_convolution_step(x.view().tokens(t, 1), lcsm::parameter(w.data(), 2, 19, 4), {}, y.view().tokens(t, 1), stepped.view());
  CHECK(rounded());
  CHECK(same(stepped, p.state));

  Problem<double> wide(2, 11, 2, 19, 4);
  for (Index n = 0; n < p.x.size(); ++n) wide.x[n] = p.x[n];
  for (Index n = 0; n < p.w.size(); ++n) wide.w[n] = p.w[n];
  for (Index n = 0; n < p.b.size(); ++n) wide.b[n] = p.b[n];
  Buffer<double> memory = wide.state;
  p.run(seq, {});
  const Buffer<float> in_float = p.y;
  lcsm::short_convolution(seq, p.in(), p.weight(), p.bias(), p.y.view(), ConvolutionOptions<double>{.initial = memory.view(), .final = memory.view()});
  wide.run(seq, {.initial = wide.state.view(), .final = wide.state.view()});
  bool once = true;
  for (Index n = 0; n < p.y.size(); ++n) once = once && p.y[n] == float(wide.y[n]);
  CHECK(once);
  CHECK(same(memory, wide.state));
}

TEST_CASE("a step allocates nothing, throws nothing and may write over its input", "[layers]") {
  Problem<float> p(3, 1, 2, 21, 4), q(3, 1, 2, 21, 4);
  const View<const float> x = p.in(), w = p.weight(), b = p.bias();
  const View<float> y = p.y.view(), state = p.state.view();
  STATIC_REQUIRE(noexcept(lcsm::short_convolution_step(x, w, b, y, state)));
  const long before = lcsm::test::allocations;
  lcsm::short_convolution_step<lcsm::map::Silu>(x, w, b, y, state);
  CHECK(lcsm::test::allocations == before);
  p.run(seq, {});
  if (lcsm::test::allocations_count) CHECK(lcsm::test::allocations > before);   // the count does count
  p.run<lcsm::map::Silu>(seq, {.initial = q.state.view()});
  lcsm::short_convolution_step<lcsm::map::Silu>(q.x.view(), q.weight(), q.bias(), q.x.view(), q.state.view());
  CHECK(same(q.x, p.y));
  CHECK(same(q.state, p.state));
}

TEST_CASE("a NaN stays in its channel, its sequence and its windows", "[layers]") {
  Problem<float> clean(2, 12, 1, 18, 4), sick(2, 12, 1, 18, 4);
  clean.run(seq, {});
  sick.x.view()(1, 5, 0, 17) = not_a_number<float>;
  sick.run(seq, {.final = sick.state.view()});
  bool contained = true;
  for (Index b = 0; b < 2; ++b)
    for (Index t = 0; t < 12; ++t)
      for (Index d = 0; d < 18; ++d) {
        const float y = sick.y.view()(b, t, 0, d);
        contained = contained && (b == 1 && d == 17 && t >= 5 && t < 9 ? y != y : y == clean.y.view()(b, t, 0, d));
      }
  CHECK(contained);
}

TEST_CASE("what does not fit is named at the door, and nothing is written", "[layers]") {
  const Index B = 2, L = 5, H = 2, D = 3, W = 4;
  Problem<float> p(B, L, H, D, W);
  const Buffer<float> before = p.state;
  Buffer<std::uint8_t> mask(B, L, 1, 1);
  const std::vector<std::int64_t> offsets{0, 5}, late{0, 4}, falling{0, 3, 2, 5};
  struct Bad { View<const float> x, weight, bias; View<float> y; ConvolutionOptions<float> options; };
  const auto refused = [&](const std::string& argument, const std::string& expected, const std::string& given, auto&& spoil) {
    Bad bad{p.in(), p.weight(), p.bias(), p.y.view(), {.initial = p.state.view(), .final = p.state.view()}};
    spoil(bad);
    std::string text = "nothing was thrown";
    try {
      lcsm::short_convolution(seq, bad.x, bad.weight, bad.bias, bad.y, bad.options);
    } catch (const lcsm::Error& error) {
      text = error.what();
    }
    CHECK(text == "lcsm::short_convolution: argument '" + argument + "': expected " + expected + ", given " + given);
  };
  refused("x", "batch extent 2", "1", [](Bad& b) { b.x = b.x.batches(0, 1); });      // not said to repeat
  refused("x", "time extent 5", "4", [](Bad& b) { b.x = b.x.tokens(0, 4); });
  refused("x", "head extent 2", "1", [](Bad& b) { b.x = b.x.heads(0, 1); });
  refused("x", "row extent 1", "2", [](Bad& b) { b.x.extent[3] = 2; });
  refused("x", "feature extent 3", "2", [](Bad& b) { b.x = b.x.features(0, 2); });
  refused("x", "data", "a null pointer", [](Bad& b) { b.x.data = nullptr; });
  refused("weight", "row extent 3", "4", [&](Bad& b) { b.weight = lcsm::parameter(p.w.data(), H, W, D); });   // taps and channels swapped
  refused("weight", "a number of heads that divides 2", "3", [](Bad& b) { b.weight.extent[2] = 3; });
  refused("weight", "a feature extent of at least 1 tap", "0", [](Bad& b) { b.weight = b.weight.features(0, 0); });
  refused("weight", "time extent 1", "5", [](Bad& b) { b.weight.extent[1] = 5; });
  refused("weight", "data", "a null pointer", [](Bad& b) { b.weight.data = nullptr; });
  refused("bias", "feature extent 3", "4", [](Bad& b) { b.bias.extent[4] = 4; });
  refused("bias", "row extent 1", "3", [](Bad& b) { b.bias.extent[3] = 3; });
  refused("bias", "data", "a null pointer", [](Bad& b) { b.bias.data = nullptr; });
  refused("y", "row extent 1", "2", [](Bad& b) { b.y.extent[3] = 2; });
  refused("y", "an output of its own in every place", "a view with stride 0", [](Bad& b) { b.y.stride[1] = 0; });
  refused("y", "data", "a null pointer", [](Bad& b) { b.y.data = nullptr; });
  refused("options.initial", "row extent 3", "2", [](Bad& b) { b.options.initial = b.options.initial.rows(0, 2); });
  refused("options.initial", "batch extent 2", "1", [](Bad& b) { b.options.initial = b.options.initial.batches(0, 1); });
  refused("options.initial", "features side by side (stride 1)", "stride 2", [](Bad& b) { b.options.initial.stride[4] = 2; });
  refused("options.initial", "data", "a null pointer", [](Bad& b) { b.options.initial.data = nullptr; });
  refused("options.final", "head extent 2", "1", [](Bad& b) { b.options.final = b.options.final.heads(0, 1); });
  refused("options.final", "an output of its own in every place", "a view with stride 0", [](Bad& b) { b.options.final.stride[0] = 0; });
  refused("sequences", "a batch of 1 for packed sequences", "a batch of 2", [&](Bad& b) { b.options.sequences = offsets; });
  const auto single = [](Bad& b) { b.x = b.x.batches(0, 1), b.y = b.y.batches(0, 1), b.options.initial = b.options.initial.batches(0, 1), b.options.final = b.options.final.batches(0, 1); };
  refused("sequences", "5 at index 1", "4", [&](Bad& b) { single(b), b.options.sequences = late; });
  refused("sequences", "offsets that never decrease", "2 at index 2 after 3", [&](Bad& b) { single(b), b.options.sequences = falling; });
  refused("mask", "either offsets of packed sequences or a mask", "both", [&](Bad& b) { single(b), b.options.sequences = offsets, b.options.mask = mask.view().batches(0, 1); });
  refused("mask", "time extent 5", "4", [&](Bad& b) { b.options.mask = mask.view().tokens(0, 4); });
  CHECK(same(p.state, before));
  CHECK(std::all_of(p.y.begin(), p.y.end(), [](float v) { return v != v; }));
}
