// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

#include <algorithm>
#include <vector>

namespace lcsm {

// Retention, Sun et al. 2023 (https://arxiv.org/abs/2307.08621), heads h = 0 ... H-1:
//
//     m_t = (1 - 2^(-5-h)) m_{t-1} + k_t v_t^T          y_t = m_t^T q_t
//
// q, k [B,T,H,K], v [B,T,H,D]. The sources differ in scale and rotation, and those are different models:
//
//     Retention   K^-1/2 on q, no rotation           fla-org/flash-linear-attention: fla/ops/retention/naive.py
//     RetNet      K^-1/2 on k, pairs (2j, 2j+1),     microsoft/torchscale: torchscale/component/multiscale_retention.py
//                 angles 10000^(-j / (K/2 - 1))
//     RetNetFla   K^-1/2 on q, pairs (j, j + K/2),   fla/layers/multiscale_retention.py
//                 angles 10000^(-2j / K)
//
// torchscale's parallel, chunkwise and recurrent forms multiply their outputs by three different positive numbers per token and head, which the
// layer's norm per head takes out again, up to its eps: the plain form is what every mode computes. To have a checkpoint's numbers to the eps, multiply
// y by retnet_parallel_scale, retnet_chunk_scale or retnet_recurrent_scale before the norm.
struct Retention : Mixer<expand::Data<>, oscillation::FixedDecay<rule::Retention>, shrink::Data<map::RsqrtKeys>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct RetNet : Mixer<expand::Data<map::Then<map::RsqrtKeys, map::RotaryPairs>>, oscillation::FixedDecay<rule::Retention>,
                      shrink::Data<map::RotaryPairs>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct RetNetFla : Mixer<expand::Data<map::RotaryHalves>, oscillation::FixedDecay<rule::Retention>,
                         shrink::Data<map::Then<map::RsqrtKeys, map::RotaryHalves>>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};

// Those scales [B,T,H,1], positive, for the first `time` tokens of a sequence; in double throughout. q, k, v are RetNet's inputs. With
// gamma = 1 - 2^(-5-h), q' and k' scaled and rotated as RetNet does, c_n = 1 + gamma + ... + gamma^n:
//
//     recurrent   1 / sqrt(c_t); its memory is m / sqrt(c_t), value channels before keys
//     parallel    1 / (sqrt(c_t) max(r_t, 1))                r_t = |sum_s gamma^(t-s) q'_t . k'_s| / sqrt(c_t), s <= t, in the paper and the releases
//                                                            (0.3.0), or clip(r_t, 1, 5e4) with the sum of moduli in the code since November 2023
//     chunkwise   1 / (sqrt(c_j) max(sigma_j, rho))          j counts from the chunk's start, sigma_j = max(1, that sum of moduli over s in the chunk),
//                                                            rho = max(1, the largest sum_a |S[a,c]|), S = m / c_(chunk-1) before the chunk, 1 in the first
enum class RetNetRow { modulus_of_sum, sum_of_moduli };

namespace retnet {
inline double log_decay(Index head) { return std::log1p(-std::exp2(-5.0 - double(head))); }
inline double weight(Index head, Index n) { return -std::expm1(double(n + 1) * log_decay(head)) * std::exp2(5.0 + double(head)); }   // c_n

template <class Map, class S> void rotated(const View<S>& x, Index b, Index t, Index h, Index heads, std::vector<double>& row) {
  row.resize(to_size(x.feature()));
  for (Index a = 0; a < x.feature(); ++a) row[to_size(a)] = double(x(b, t, h / (heads / x.head()), a));
  map::apply_row<Map>(row.data(), x.feature(), Where{x.feature(), 0, heads, h, t});
}
using Key = map::Then<map::RsqrtKeys, map::RotaryPairs>;
inline double dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t a = 0; a < x.size(); ++a) sum += x[a] * y[a];
  return sum;
}
// For every token, the sum over s in its chunk of gamma^(t-s) q'_t . k'_s, and that of the moduli.
template <class S, class F> void rows(const View<S>& q, const View<S>& k, Index b, Index h, Index heads, Index chunk, F&& use) {
  std::vector<std::vector<double>> keys(to_size((std::min)(chunk, q.time())));
  std::vector<double> query;
  for (Index t = 0; t < q.time(); ++t) {
    rotated<map::RotaryPairs>(q, b, t, h, heads, query), rotated<Key>(k, b, t, h, heads, keys[to_size(t % chunk)]);
    double sum = 0, moduli = 0;
    for (Index s = 0; s <= t % chunk; ++s) {
      const double score = std::exp(double(t % chunk - s) * log_decay(h)) * dot(query, keys[to_size(s)]);
      sum += score, moduli += std::abs(score);
    }
    use(t, sum, moduli);
  }
}
}  // namespace retnet

template <class T> void retnet_recurrent_scale(const View<T>& scale) {
  for (Index b = 0; b < scale.batch(); ++b)
    for (Index t = 0; t < scale.time(); ++t)
      for (Index h = 0; h < scale.head(); ++h) scale(b, t, h, 0) = T(1 / std::sqrt(retnet::weight(h, t)));
}
template <class S, class T>
void retnet_parallel_scale(const View<S>& q, const View<S>& k, const View<T>& scale, RetNetRow row = RetNetRow::modulus_of_sum) {
  const Index heads = scale.head();
  for (Index b = 0; b < scale.batch(); ++b)
    for (Index h = 0; h < heads; ++h)
      retnet::rows(q, k, b, h, heads, std::max<Index>(q.time(), 1), [&](Index t, double sum, double moduli) {
        const double root = std::sqrt(retnet::weight(h, t));
        const double r = row == RetNetRow::modulus_of_sum ? (std::max)(std::abs(sum) / root, 1.0) : std::clamp(moduli / root, 1.0, 5e4);
        scale(b, t, h, 0) = T(1 / (root * r));
      });
}
template <class S, class T> void retnet_chunk_scale(const View<S>& q, const View<S>& k, const View<S>& v, Index chunk, const View<T>& scale) {
  const Index heads = scale.head(), K = k.feature(), D = v.feature();
  std::vector<double> m, key, columns;
  for (Index b = 0; b < scale.batch(); ++b)
    for (Index h = 0; h < heads; ++h) {
      double rho = 1;
      m.assign(to_size(K * D), 0.0);
      retnet::rows(q, k, b, h, heads, chunk, [&](Index t, double, double moduli) {
        if (t > 0 && t % chunk == 0) {
          columns.assign(to_size(D), 0.0);
          for (Index n = 0; n < K * D; ++n) columns[to_size(n % D)] += std::abs(m[to_size(n)]) / retnet::weight(h, chunk - 1);
          rho = 1;
          for (const double x : columns) rho = (std::max)(rho, x);
        }
        const double root = std::sqrt(retnet::weight(h, t % chunk));
        scale(b, t, h, 0) = T(1 / (root * (std::max)({1.0, moduli / root, rho})));
        retnet::rotated<retnet::Key>(k, b, t, h, heads, key);
        for (Index a = 0; a < K; ++a)
          for (Index c = 0; c < D; ++c) {
            double& x = m[to_size(a * D + c)];
            x = std::exp(retnet::log_decay(h)) * x + key[to_size(a)] * double(v(b, t, h / (heads / v.head()), c));
          }
      });
    }
}

}  // namespace lcsm
