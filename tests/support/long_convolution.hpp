// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/long_convolution.hpp>
#include <support/random_mixers.hpp>

#include <cmath>
#include <optional>

namespace lcsm::test {

template <class T> void fill_normal(const Guarded<T>& to, Random& random) {
  to.each([&](T& x) { x = static_cast<T>(storage_compute_t<T>(random.uniform(-1, 1) + random.uniform(-1, 1))); });
}
// The number that a view of an axis that may repeat has at a place.
template <class S> double number(const View<S>& v, Index heads, Index b, Index t, Index h, Index r, Index c) {
  return double(static_cast<storage_compute_t<std::remove_const_t<S>>>(v.data[v.offset(b, t, h / (heads / v.head()), r, c)]));
}

// One random call of a long convolution: S as stored, computed in T.
template <class S, class T = storage_compute_t<S>> struct LongCall {
  Index batch, tokens, heads, features, front, back, sequences, past;
  Layout layout;
  Guarded<S> x, kernel, later, skip;
  std::vector<std::int32_t> offsets;
  std::vector<std::uint8_t> mask;
  std::optional<Guarded<T>> initial;
  ConvolutionOptions<T> options;
  bool has_skip;
  Index x_heads, kernel_heads, kernel_features;

  enum Kind { plain, packed, masked };
  LongCall(Kind kind, Random& random, bool two_sided = false, bool carried = true)
      : batch(kind == packed ? 1 : random.between(1, 2)), tokens(random.one_of({0, 1, 2, 3, 7, 16, 31, 64, 65, 130, 257})), heads(random.one_of({1, 2, 4})),
        features(random.one_of({1, 2, 3, 5, 8, 9, 17})), front(random.one_of({1, 2, 3, 8, 33, 64, 100, 300})), back(two_sided ? random.one_of({1, 2, 40}) : 0), layout(any_layout(random)),
        x(extent(batch, tokens, x_heads = divisor(heads, random), features), layout, random),
        kernel(extent(1, front, kernel_heads = divisor(heads, random), kernel_features = random.one_in(3) ? 1 : features), any_layout(random), random),
        later(extent(1, back, kernel_heads, kernel_features), any_layout(random), random), skip(extent(1, 1, heads, features), any_layout(random), random), has_skip(random.one_in(2)) {
    fill_normal(x, random), fill_normal(kernel, random), fill_normal(later, random), fill_normal(skip, random);
    past = front - 1, sequences = batch;
    if (kind == packed) {
      for (Index at = 0; at < tokens; at = std::min(tokens, at + random.below(tokens / 2 + 2))) offsets.push_back(std::int32_t(at));
      if (offsets.empty()) offsets.push_back(0);
      offsets.push_back(std::int32_t(tokens)), options.sequences = offsets, sequences = Index(offsets.size()) - 1;
    }
    if (kind == masked) {
      for (Index t = 0; t < batch * tokens; ++t) mask.push_back(random.one_in(3) ? 0 : 1);
      options.mask = lcsm::view(std::as_const(mask).data(), batch, tokens, 1, 1);
    }
    if (carried && random.one_in(2)) initial.emplace(std::array<Index, 5>{sequences, 1, heads, past, features}, Layout::rows, random), fill_normal(*initial, random), options.initial = initial->view;
    if (random.one_in(3)) options.direction = Direction::reverse;
  }
  LongCall(const LongCall&) = delete;

  View<const S> taps() const { return repeated(kernel.view); }
  View<const S> later_taps() const { return repeated(later.view); }
  View<const S> skips() const { return has_skip ? View<const S>(skip.view) : View<const S>{}; }
  ConvolutionPlan<T> plan(ConvolutionForm form, Index block) const {
    return ConvolutionPlan<T>(taps(), {.back = back > 0 ? later_taps() : View<const S>{}, .heads = heads, .features = features, .tokens = tokens, .block = block, .form = form});
  }
  double tap(Index l, Index h, Index c) const { return l >= 0 ? number(taps(), heads, 0, l, h, 0, c) : number(later_taps(), heads, 0, -l - 1, h, 0, c); }

  // Tokens of the sequences in the order in which time goes.
  std::vector<std::vector<std::pair<Index, Index>>> timelines() const {
    std::vector<std::vector<std::pair<Index, Index>>> out;
    for (Index n = 0; n < sequences; ++n) {
      out.emplace_back();
      const Index b = offsets.empty() ? n : 0, first = offsets.empty() ? 0 : offsets[to_size(n)], end = offsets.empty() ? tokens : offsets[to_size(n + 1)];
      for (Index t = first; t < end; ++t)
        if (mask.empty() || mask[to_size(b * tokens + t)] != 0) out.back().emplace_back(b, t);
      if (options.direction == Direction::reverse) std::reverse(out.back().begin(), out.back().end());
    }
    return out;
  }
  // Input j of a timeline.
  double input(const std::vector<std::pair<Index, Index>>& time, Index n, Index j, Index h, Index c) const {
    if (j >= 0) return j < Index(time.size()) ? number(View<const S>(x.view), heads, time[to_size(j)].first, time[to_size(j)].second, h, 0, c) : 0;
    return initial && j >= -past ? double(initial->view.at(n, 0, h, past + j, c)) : 0;
  }
  double norm_of_taps(Index h, Index c) const {
    double sum = 0;
    for (Index l = -back; l < front; ++l) sum += tap(l, h, c) * tap(l, h, c);
    return std::sqrt(sum);
  }
  double norm_of_inputs(const std::vector<std::pair<Index, Index>>& time, Index n, Index h, Index c) const {
    double sum = 0;
    for (Index j = -past; j < Index(time.size()); ++j) sum += input(time, n, j, h, c) * input(time, n, j, h, c);
    return std::sqrt(sum);
  }
  std::string text() const {
    std::string s;
    for (const Index n : {batch, tokens, heads, features, front, back}) s += (s.empty() ? "B,T,H,D,front,back = " : ", ") + std::to_string(n);
    return s + (offsets.empty() ? "" : ", packed") + (mask.empty() ? "" : ", masked") + (initial ? ", initial state" : "") + (options.direction == Direction::reverse ? ", reverse" : "") +
           ", layout " + std::to_string(int(layout));
  }

 private:
  static std::array<Index, 5> extent(Index b, Index t, Index h, Index c) { return {b, t, h, 1, c}; }
  static Index divisor(Index heads, Random& random) { return random.one_in(2) ? heads : random.one_in(2) ? 1 : std::max<Index>(heads / 2, 1); }
  View<const S> repeated(View<S> v) const {
    if (kernel_features == 1) v.stride[4] = 0;
    return v;
  }
};

// What Fourier forms may err by, relative to the norms (kernel/negacyclic.hpp), and direct ones, relative to the sum of the terms' sizes.
template <class T> double fourier_cost(const Toeplitz<T>& kernel) {
  return 7 * std::log2(double(kernel.ring().length())) * double(std::numeric_limits<T>::epsilon());
}
template <class T> double direct_cost(Index taps) { return double(taps + 2) * double(std::numeric_limits<T>::epsilon()); }

}  // namespace lcsm::test
