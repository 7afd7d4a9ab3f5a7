// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend_vjp.hpp>

#include "support/random_mixers.hpp"

#include <cmath>
#include <vector>

namespace lcsm::test {

// Attention as its formula says, in long double, row by row, with the sizes of all terms and what a computation in a type may err by, in units of its eps.
template <class W> struct AttentionDefinition {
  using Real = long double;
  struct Number { Real x = 0, size = 0; };
  struct Key { Index token, position; Real logit, weight, alpha, unsure; };   // unsure: of alpha, in units of eps
  struct QueryRow { Index batch, token, head, position; std::vector<Key> keys; Real sum = 0, eta = 1, top = 0; };

  template <class In, class F> static void each_row(const In& in, Index batch, const AttentionOptions& o, F&& f) {
    const Index T = in.q.time(), S = in.k.time(), H = in.q.head(), K = in.q.feature(), R = in.bias ? in.bias.feature() / 2 : -1;
    std::vector<std::pair<Index, std::vector<Index>>> streams;      // batch and tokens, in their order
    if (o.sequences.given())
      for (Index n = 0; n + 1 < o.sequences.size(); ++n) {
        streams.push_back({0, {}});
        for (Index t = o.sequences[n]; t < o.sequences[n + 1]; ++t) streams.back().second.push_back(t);
      }
    else
      for (Index b = 0; b < batch; ++b) {
        streams.push_back({b, {}});
        for (Index t = 0; t < S; ++t)
          if (!o.mask || o.mask.at(b, t, 0, 0, 0) != 0) streams.back().second.push_back(t);
      }
    for (auto& [b, tokens] : streams) {
      if (o.direction == Direction::reverse) std::reverse(tokens.begin(), tokens.end());
      const Index L = Index(tokens.size());
      for (Index h = 0; h < H; ++h)
        for (Index p = S - T; p < L; ++p) {
          QueryRow row{b, tokens[to_size(p)] - (S - T), h, p, {}};
          std::vector<Index> seen;
          for (Index s = 0; s < L; ++s)
            if ((!o.causal || s <= p) && (o.window == 0 || std::abs(s - p) < o.window) && (o.chunk == 0 || s / o.chunk == p / o.chunk)) seen.push_back(s);
          for (const Index s : seen) {
            Number x;
            const Real scale = (o.scale != 0 ? Real(o.scale) : 1 / std::sqrt(Real(K))) / (o.by_visible ? Real(seen.size()) : 1);
            for (Index k = 0; k < K; ++k) {
              const Real term = scale * Real(in.q(b, row.token, group(in.q, h, H), k)) * Real(in.k(b, tokens[to_size(s)], group(in.k, h, H), k));
              x.x += term, x.size += std::abs(term);
            }
            Real bias = 0;
            if (R >= 0 && std::abs(s - p) <= R) bias = Real(in.bias(in.bias.batch() == 1 ? 0 : b, in.bias.time() == 1 ? 0 : row.token, group(in.bias, h, H), R + s - p));
            row.keys.push_back({tokens[to_size(s)], s, x.x + bias, 0, 0, Real(K + 3) * x.size + std::abs(bias) + std::abs(x.x + bias)});
          }
          weigh(row);
          f(row);
        }
    }
  }
  static Real slope(Real logit) {
    if constexpr (W::shifted) return 1; else return Real(W::slope(double(logit)));
  }

 private:
  template <class V> static Index group(const V& v, Index h, Index heads) { return h / (heads / v.head()); }
  static Real phi(Real x) {
    if constexpr (W::shifted) return std::exp(x);
    else if constexpr (std::is_same_v<W, weight::Sigmoid>) return 1 / (1 + std::exp(-x));
    else if constexpr (std::is_same_v<W, weight::Relu>) return std::max<Real>(x, 0);
    else if constexpr (std::is_same_v<W, weight::SquaredRelu>) return std::max<Real>(x, 0) * std::max<Real>(x, 0);
    else if constexpr (std::is_same_v<W, weight::Laplace>) return std::erfc((Real(0.707107) - x) / (Real(0.282095) * std::sqrt(Real(2)))) / 2;
    else return x;
  }
  static void weigh(QueryRow& row) {
    if (W::shifted) {
      row.top = -INFINITY;
      for (const Key& k : row.keys) row.top = std::max(row.top, k.logit);
    }
    Real unsure = 0, size = 0;
    for (Key& k : row.keys) {
      // 8 ulp of the weight's function, three of what it is taken of; its slope near the logit, where that is not the weight itself
      const Real steep = W::shifted ? 0 : std::abs(slope(k.logit)) + (std::is_same_v<W, weight::SquaredRelu> || std::is_same_v<W, weight::Laplace> ? 4 * k.unsure * std::numeric_limits<float>::epsilon() : 0);
      k.weight = phi(k.logit - row.top), k.unsure = W::shifted ? k.weight * (2 * k.unsure + std::abs(row.top) + 8) : steep * (k.unsure + 3 * (std::abs(k.logit) + 1)) + 8 * std::abs(k.weight);
      row.sum += k.weight, unsure += k.unsure, size += std::abs(k.weight);
    }
    unsure += size * Real(row.keys.size());
    row.eta = W::sum == weight::Sum::none ? 1 : W::sum == weight::Sum::exact ? row.sum : std::max<Real>(std::abs(row.sum), 1);
    for (Key& k : row.keys) {
      k.alpha = k.weight / row.eta, k.unsure = k.unsure / row.eta + 2 * std::abs(k.alpha);
      if (W::sum != weight::Sum::none) k.unsure += std::abs(k.alpha) * unsure / row.eta;
    }
  }
};

// A random call: shapes, options, numbers and layouts.
struct AttentionShape {
  Index batch, queries, keys, groups, heads, width, values, offsets;
  std::vector<std::int32_t> table;
  Buffer<std::uint8_t> mask_bytes{};
  AttentionOptions options{};
  bool biased, shared_bias, own_bias;                       // own: each token has one

  AttentionShape(Random& random, Index most)
      : batch(random.between(1, 2)), queries(random.one_of({0, 1, 2, 15, 16, 17, 63, 64, 65, 130, 200}) % (most + 1)), keys(queries), groups(random.between(1, 2)), heads(groups * random.between(1, 2)), width(random.one_of({1, 3, 8, 17})),
        values(random.one_of({1, 4, 7, 16, 33})), offsets(2 * random.below(10) + 1), biased(random.one_in(2)), shared_bias(random.one_in(2)), own_bias(random.one_in(3)) {
    const Index kind = random.below(4);
    if (kind == 1) {
      batch = 1;
      table = {0, std::int32_t(queries / 3), std::int32_t(queries / 3), std::int32_t(queries)};
      options.sequences = table;
    } else if (kind == 2) {
      mask_bytes = Buffer<std::uint8_t>(batch, queries, 1, 1);
      for (auto& m : mask_bytes) m = random.one_in(3) ? 0 : 1;
      options.mask = std::as_const(mask_bytes).view();
    } else if (kind == 3) keys += random.below(40);
    if (kind != 3 && random.one_in(3)) options.direction = Direction::reverse;
    options.causal = !random.one_in(3), options.window = random.one_in(3) ? random.between(1, 90) : 0, options.chunk = random.one_in(3) ? random.between(1, 90) : 0;
    options.by_visible = random.one_in(4), options.scale = random.one_in(3) ? 0.7 : 0;
  }
  AttentionShape(const AttentionShape&) = delete;           // the options point at its members
};
template <class S> struct RandomAttention : AttentionShape {
  Guarded<S> q, k, v, bias;
  explicit RandomAttention(Random& random, Index most = 200)
      : AttentionShape(random, most), q({batch, queries, heads, 1, width}, any_layout(random), random), k({batch, keys, groups, 1, width}, any_layout(random), random),
        v({batch, keys, groups, 1, values}, any_layout(random), random), bias({own_bias ? batch : 1, own_bias ? queries : 1, shared_bias && !own_bias ? 1 : heads, 1, offsets}, any_layout(random), random) {
    for (const auto& [to, size] : {std::pair{&q, 2.0}, {&k, 2.0}, {&v, 1.0}, {&bias, 1.0}}) to->each([&, &size = size](S& x) { x = static_cast<S>(random.uniform(-size, size)); });
  }
  template <class A> auto in() const {
    return typename A::template In<const S>{q.view, k.view, v.view, biased ? View<const S>(bias.view) : View<const S>()};
  }
};

}  // namespace lcsm::test
