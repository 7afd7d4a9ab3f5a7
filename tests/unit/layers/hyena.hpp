// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/hyena.hpp>

#include "support/random_mixers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace lcsm::test {

// A random call of a Hyena operator without projections, and its definition as plain loops over long doubles.
template <class T> struct HyenaCall {
  enum Kind { plain, packed, masked };
  Index batch, tokens, order, features, taps, window, sequences;   // window: taps of the short convolution, 0: none
  std::vector<std::int32_t> offsets{};
  Buffer<std::uint8_t> mask{};
  Buffer<T> u, kernel, skip, weight, bias, window_before, inputs_before;
  Direction direction;
  bool started;

  HyenaCall(Kind kind, Random& random, Index most_tokens = 70, Index most_taps = 90)
      : batch(kind == packed ? 1 : random.between(1, 2)), tokens(random.below(most_tokens)), order(random.between(2, 4)), features(random.one_of({1, 2, 3, 5, 9})), taps(random.between(1, most_taps)),
        window(random.one_of({0, 1, 2, 3, 3})), sequences(batch), direction(random.one_in(3) ? Direction::reverse : Direction::forward), started(random.one_in(2)) {
    if (kind == packed) {
      offsets = {0, std::int32_t(tokens / 3), std::int32_t(tokens / 3), std::int32_t(tokens)}, sequences = 3;
    }
    const auto fill = [&](Buffer<T>& to, Index b, Index t, Index h, Index r, Index f, double scale = 1) {
      to = Buffer<T>(b, t, h, r, f);
      for (T& v : to) v = T(scale * random.uniform(-1, 1));
    };
    fill(u, batch, tokens, order + 1, 1, features), fill(kernel, 1, taps, order - 1, 1, features, 0.5), fill(skip, 1, 1, order - 1, 1, features);
    fill(weight, 1, 1, order + 1, features, window), fill(bias, 1, 1, order + 1, 1, features);
    fill(window_before, sequences, 1, order + 1, std::max<Index>(window - 1, 0), features), fill(inputs_before, sequences, 1, order - 1, taps - 1, features);
    if (kind != masked) return;
    mask = Buffer<std::uint8_t>(batch, tokens, 1, 1);
    for (std::uint8_t& m : mask) m = random.one_in(3) ? 0 : 1;
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < tokens; ++t)
        if (mask.view()(b, t, 0, 0) == 0)
          for (Index h = 0; h < order + 1; ++h)
            for (Index c = 0; c < features; ++c) u.view()(b, t, h, c) = std::numeric_limits<T>::quiet_NaN();
  }

  HyenaParameters<const T> parameters() const {
    HyenaParameters<const T> p{.skip = skip};
    if (window > 0) p.weight = weight, p.bias = bias;
    return p;
  }
  HyenaStates<const T> before() const {
    if (!started) return {};
    return {.window = window > 0 ? window_before.view() : View<const T>{}, .inputs = inputs_before};
  }
  struct State {
    Buffer<T> window, inputs;
    HyenaStates<T> views(bool mixes) { return {.window = mixes ? window.view() : View<T>{}, .inputs = inputs.view()}; }
  };
  State state() const { return {window_before, inputs_before}; }
  HyenaOptions<T> options() const {
    HyenaOptions<T> o{.initial = before(), .direction = direction};
    if (!offsets.empty()) o.sequences = offsets;
    if (mask.size() > 0) o.mask = mask.view();
    return o;
  }
  HyenaPlan<T> plan(ConvolutionForm form) const { return HyenaPlan<T>(kernel.view(), tokens, form); }

  // A sum, the sizes of its terms, and what transforms err by: norms of taps times norms of their inputs' sizes, brought through all that follows.
  struct Number { long double x = 0, size = 0, norms = 0; };
  struct Defined { std::vector<Number> y, window, inputs; };
  Defined defined() const {
    Defined out{std::vector<Number>(to_size(batch * tokens * features)), std::vector<Number>(to_size(window_before.size())), std::vector<Number>(to_size(inputs_before.size()))};
    for (Index n = 0; n < sequences; ++n) {
      std::vector<std::pair<Index, Index>> time;
      const Index b = offsets.empty() ? n : 0, first = offsets.empty() ? 0 : offsets[to_size(n)], end = offsets.empty() ? tokens : offsets[to_size(n + 1)];
      for (Index t = first; t < end; ++t)
        if (mask.size() == 0 || mask.view()(b, t, 0, 0) != 0) time.emplace_back(b, t);
      if (direction == Direction::reverse) std::reverse(time.begin(), time.end());
      const Index length = Index(time.size());
      for (Index c = 0; c < features; ++c) {
        // A convolution with `count` taps, tap l of lag l, over what came before and now.
        const auto convolved = [&](const std::vector<Number>& x, Index count, auto&& tap, auto&& before, auto&& after, long double constant) {
          const auto input = [&](Index j) { return j >= 0 ? x[to_size(j)] : Number{before(count - 1 + j), std::abs(before(count - 1 + j)), 0}; };
          std::vector<Number> y;
          for (Index j = 0; j < length; ++j) {
            Number sum{constant, std::abs(constant), 0};
            for (Index l = 0; l < count; ++l) sum.x += tap(l) * input(j - l).x, sum.size += std::abs(tap(l)) * input(j - l).size, sum.norms += std::abs(tap(l)) * input(j - l).norms;
            y.push_back(sum);
          }
          for (Index r = 0; r < count - 1; ++r) after(r, input(length - (count - 1) + r));
          return y;
        };
        const auto state_of = [&](const Buffer<T>& from, Index h) {
          return [&, h](Index r) { return started && r >= 0 ? static_cast<long double>(from.view().at(n, 0, h, r, c)) : 0.0L; };
        };
        const auto state_to = [&](std::vector<Number>& to, const View<const T>& like, Index h) {
          return [&to, like, n, h, c](Index r, const Number& x) { to[to_size(like.offset(n, 0, h, r, c))] = x; };
        };
        std::vector<std::vector<Number>> parts(to_size(order + 1));
        for (Index h = 0; h < order + 1; ++h) {
          std::vector<Number> x;
          for (const auto& [row, t] : time) x.push_back({u.view()(row, t, h, c), std::abs(static_cast<long double>(u.view()(row, t, h, c))), 0});
          parts[to_size(h)] = window == 0 ? x : convolved(x, window, [&](Index l) { return static_cast<long double>(weight.view().at(0, 0, h, c, window - 1 - l)); }, state_of(window_before, h), state_to(out.window, window_before.view(), h), bias.view().at(0, 0, h, 0, c));
        }
        std::vector<Number> v = parts.back();
        const auto gate = [&](Index i) {
          for (Index j = 0; j < length; ++j) {
            const Number& by = parts[to_size(i)][to_size(j)];
            v[to_size(j)] = {v[to_size(j)].x * by.x, v[to_size(j)].size * by.size, v[to_size(j)].norms * by.size};
          }
        };
        for (Index o = 0; o < order - 1; ++o) {
          gate(order - 1 - o);
          const std::vector<Number> gated = v;
          const auto tap = [&](Index l) { return static_cast<long double>(kernel.view().at(0, l, o, 0, c)); };
          const auto before = state_of(inputs_before, o);
          long double of_taps = 0, of_inputs = 0;
          for (Index l = 0; l < taps; ++l) of_taps += tap(l) * tap(l);
          for (Index r = 0; r < taps - 1; ++r) of_inputs += before(r) * before(r);
          for (const Number& x : gated) of_inputs += x.size * x.size;
          v = convolved(gated, taps, tap, before, state_to(out.inputs, inputs_before.view(), o), 0);
          const long double d = skip.view().at(0, 0, o, 0, c);
          for (Index j = 0; j < length; ++j) {
            const Number& by = gated[to_size(j)];
            v[to_size(j)].x += d * by.x, v[to_size(j)].size += std::abs(d) * by.size, v[to_size(j)].norms += std::abs(d) * by.norms + std::sqrt(of_taps * of_inputs);
          }
        }
        gate(0);
        for (Index j = 0; j < length; ++j) out.y[to_size((time[to_size(j)].first * tokens + time[to_size(j)].second) * features + c)] = v[to_size(j)];
      }
    }
    return out;
  }
  // How far a result may be off. A term passes the sums of every convolution (taps + 2, and one of the skip), one of the short one for each part that it is a product of, and
  // the gates; transforms err by norms (mode/long_convolution.hpp).
  double bound(const Number& of, const HyenaPlan<T>& plan) const {
    const double eps = double(std::numeric_limits<T>::epsilon()), terms = double(order - 1) * double(taps + 4) + double(order + 1) * double(window + 1) + double(order);
    double transforms = 0;
    for (Index o = 0; o < plan.filters(); ++o)
      if (!plan[o].toeplitz().is_direct()) transforms = std::max(transforms, 7 * std::log2(double(plan[o].toeplitz().ring().length())));
    return eps * (terms * double(of.size) + transforms * double(of.norms));
  }
};

}  // namespace lcsm::test
