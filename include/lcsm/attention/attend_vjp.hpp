// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace attention {

// The adjoint of the heads that share one head of keys, row by row: lanes are keys, whose cotangents are summed in place.
template <class W, class T> class Adjoint {
  using V = Batch<T>;

 public:
  Adjoint(Arena& arena, const Sizes& n, const AttentionOptions& o)
      : n_(n), logits_(arena, n, o), pitch_(round_up(n.keys, Logits<T>::keys)), key_(arena.take<T>(n.width * pitch_)), value_(arena.take<T>(n.values * pitch_)), key_bar_(arena.take<T>(n.width * pitch_)),
        value_bar_(arena.take<T>(n.values * pitch_)), x_(arena.take<T>(pitch_)), bar_(arena.take<T>(pitch_)) {}

  // bias_bar: [2R+1] of the unit's heads, one after the other; null: not asked for, or each token has its own.
  template <class In, class Y, class G> void run(const In& in, const Run& first_head, Index heads, const View<Y>& y_bar, const G& grads, double* bias_bar) {
    const Index length = first_head.time.length;
    std::fill_n(key_bar_, n_.width * pitch_, T(0)), std::fill_n(value_bar_, n_.values * pitch_, T(0));
    take(in.k, first_head, n_.width, key_), take(in.v, first_head, n_.values, value_);
    for (Index h = 0; h < heads; ++h) {
      Run run = first_head;
      run.head += h;
      for (Index j = 0; j < logits_.length(run); ++j) row(in, run, j, y_bar, grads, bias_bar ? bias_bar + h * (2 * n_.bias + 1) : nullptr);
    }
    const Index group = first_head.head / heads;
    const auto give = [&](const auto& to, const T* from, Index features) {
      for (Index s = 0; s < length && to; ++s)
        for (Index c = 0; c < features; ++c) to(first_head.batch, first_head.time.token(s), group, c) = stage::convert<std::remove_cvref_t<decltype(to(0, 0, 0, 0))>>(from[c * pitch_ + s]);
    };
    give(grads.k, key_bar_, n_.width), give(grads.v, value_bar_, n_.values);
  }

 private:
  template <class S> void take(const View<S>& v, const Run& run, Index features, T* to) const {
    for (Index c = 0; c < features; ++c) {
      for (Index s = 0; s < run.time.length; ++s) to[c * pitch_ + s] = stage::convert<T>(v(run.batch, run.time.token(s), stage::group_of(v, run), c));
      std::fill(to + c * pitch_ + run.time.length, to + (c + 1) * pitch_, T(0));
    }
  }
  // to[s] += by from[s], for the keys seen.
  static void add(T* to, const T* from, T by, const Range& r) {
    for_lanes<T>(r.count(), [&]<class U>(std::type_identity<U>, Index s) { simd::store(to + r.begin + s, simd::fma(U(by), simd::load<U>(from + r.begin + s), simd::load<U>(to + r.begin + s))); });
  }
  template <class In, class Y, class G> void row(const In& in, const Run& run, Index j, const View<Y>& y_bar, const G& grads, double* bias_bar) {
    const Range r = logits_.range(run, j);
    const Index at = logits_.token(run, j), position = logits_.position(j), begin = r.begin / Logits<T>::keys * Logits<T>::keys;
    logits_.take_queries(in, run, j, 1);
    for (Index s = begin; s < r.end; s += Logits<T>::keys) logits_.row(0, j, s, x_ + s, key_ + s, pitch_);
    std::fill(bar_ + begin, bar_ + r.end, T(0));
    for (Index c = 0; c < n_.values; ++c) add(bar_, value_ + c * pitch_, stage::convert<T>(y_bar(run.batch, at, run.head, c)), r);      // by the weights
    // x_ becomes the weights alpha, bar_ the cotangents of the logits.
    T top = T(0), sum(0);
    if constexpr (W::shifted) {
      top = -std::numeric_limits<T>::infinity();
      for (Index s = r.begin; s < r.end; ++s) top = x_[s] > top ? x_[s] : top;
      if (top == -std::numeric_limits<T>::infinity()) top = T(0);
    }
    double told = 0;                                        // y . y_bar times eta
    for (Index s = r.begin; s < r.end; ++s) {
      const T logit = x_[s];
      x_[s] = W::apply(static_cast<T>(logit - top)), sum += x_[s], told += double(x_[s]) * double(bar_[s]);
      if constexpr (!W::shifted) {
        if constexpr (W::sum == weight::Sum::none) bar_[s] *= static_cast<T>(W::slope(double(logit)));
      }
    }
    const T eta = divisor<W>(sum);
    for (Index s = r.begin; s < r.end; ++s) {
      if constexpr (W::sum == weight::Sum::exact) bar_[s] = static_cast<T>(double(x_[s]) / double(eta) * (double(bar_[s]) - told / double(eta)));
      if constexpr (W::sum == weight::Sum::bounded) bar_[s] = static_cast<T>((double(bar_[s]) - (std::abs(sum) > T(1) ? told / double(sum) : 0)) / double(eta));
      x_[s] /= eta;
    }
    for (Index c = 0; c < n_.values; ++c) add(value_bar_ + c * pitch_, x_, stage::convert<T>(y_bar(run.batch, at, run.head, c)), r);
    const T by = static_cast<T>(logits_.scale(run, j));
    for (Index k = 0; k < n_.width; ++k) {
      if (grads.q) {
        V part = V(T(0));
        T rest(0);
        for_lanes<T>(r.count(), [&]<class U>(std::type_identity<U>, Index s) {
          const U product = simd::load<U>(bar_ + r.begin + s) * simd::load<U>(key_ + k * pitch_ + r.begin + s);
          if constexpr (std::is_same_v<U, V>) part = part + product; else rest += product;
        });
        grads.q(run.batch, at, run.head, k) = stage::convert<std::remove_cvref_t<decltype(grads.q(0, 0, 0, 0))>>(by * (simd::sum(part) + rest));
      }
      add(key_bar_ + k * pitch_, bar_, by * stage::convert<T>(in.q(run.batch, at, stage::group_of(in.q, run), k)), r);
    }
    for (Index s = r.begin; bias_bar && s < r.end; ++s)
      if (const Index offset = n_.bias + s - position; offset >= 0 && offset <= 2 * n_.bias) bias_bar[offset] += double(bar_[s]);
    if (!grads.bias || bias_bar) return;
    for (Index offset = 0; offset <= 2 * n_.bias; ++offset) {
      const Index s = offset + position - n_.bias;
      grads.bias(run.batch, at, run.head, offset) = stage::convert<std::remove_cvref_t<decltype(grads.bias(0, 0, 0, 0))>>(s >= r.begin && s < r.end ? bar_[s] : T(0));
    }
  }

  const Sizes& n_;
  Logits<T> logits_;
  Index pitch_;
  T *key_, *value_, *key_bar_, *value_bar_, *x_, *bar_;
};

// The frame of an adjoint: gradients are checked, padding gets 0, each head of keys is one worker's, biases are summed. make(arena): the scratch of a worker, laid out and counted by the same call;
// walk(scratch, first query head of a unit, how many share its keys, where their bias is summed or null).
template <class Exec, class G, class Make, class Walk>
void adjoint(const char* function, const Exec& exec, const Sizes& n, const G& grads, const View<const std::uint8_t>& mask, std::span<std::byte> given, Make&& make, Walk&& walk) {
  const auto wanted = [&](const char* name, const auto& g, Index batch, Index tokens, Index heads, Index features) {
    if (!g) return;
    const Index extent[] = {batch, tokens, heads, 1, features};
    for (std::size_t a = 0; a < 5; ++a) door::axis(function, name, g, a, extent[a], false);
    door::output_axes(function, name, g);
  };
  wanted("grads.q", grads.q, n.batch, n.queries, n.heads, n.width), wanted("grads.k", grads.k, n.batch, n.keys, n.groups, n.width), wanted("grads.v", grads.v, n.batch, n.keys, n.groups, n.values);
  if (grads.bias && n.bias < 0) raise<ShapeError>(function, "grads.bias", "none without a bias", "one");
  const bool summed = grads.bias && grads.bias.batch() == 1 && grads.bias.time() == 1;      // over batch and tokens
  wanted("grads.bias", grads.bias, summed ? 1 : n.batch, summed ? 1 : n.queries, summed && grads.bias.head() == 1 ? 1 : n.heads, 2 * n.bias + 1);
  const Index heads = n.groups > 0 ? n.heads / n.groups : 0, offsets = 2 * n.bias + 1, units = Index(n.streams.size()) * n.groups, sums = summed ? n.units() * offsets : 0;
  Arena counting, counting_shared;
  make(counting);
  counting_shared.take<double>(sums);
  const Workspace workspace(function, given, counting.used(), exec.workers(units), counting_shared.used());
  Arena shared = workspace.shared();
  double* const bias_bar = shared.take<double>(sums);
  std::fill_n(bias_bar, sums, 0.0);
  const auto pad = [&](const auto& g) { if (g) zero_padding(mask, g); };
  pad(grads.q), pad(grads.k), pad(grads.v);
  if (!summed) pad(grads.bias);
  exec.for_each(units, [&](Index unit, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    auto scratch = make(arena);
    const Index first = unit / n.groups * n.heads + unit % n.groups * heads;
    walk(scratch, first, heads, summed ? bias_bar + first * offsets : nullptr);
  });
  if (summed) sum_bias(bias_bar, n, grads.bias);
}

}  // namespace attention

// The adjoint of `attend`: y_bar = dL/dy [B,T,H,1,D]; grads: Attention::In of the gradients wanted, each written in full with the extents of its input (bias: each token's, or summed over batch and tokens, then of H heads or summed over them, too), null
// ones skipped. Heads that share keys and values add up; masked tokens get 0. Weights are made again, a row at a time, and never kept. O(T S (K + D)); parallel over sequences and heads
// of keys. No thread count changes a bit. ReLU has slope 0 at 0; max(|sum|, 1) that of the 1 at 1. Inputs and gradients must not overlap. Throws as `attend` does.
template <class Exec, class W, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void attend_vjp(const Exec& exec, Attention<W>, const In& in, const View<Y>& y_bar, const G& grads, const AttentionOptions& options = {}) {
  const View<const std::remove_const_t<Y>> bars(y_bar);
  const attention::Sizes n = attention::check("attend_vjp", "y_bar", in, bars, options, false);
  attention::adjoint("attend_vjp", exec, n, grads, options.mask, options.workspace, [&](Arena& arena) { return attention::Adjoint<W, T>(arena, n, options); },
                     [&](auto& heads, Index first, Index count, double* bias_bar) { heads.run(in, attention::run_of(n, first), count, bars, grads, bias_bar); });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
