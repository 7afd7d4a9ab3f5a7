// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend.hpp>
#include <lcsm/attention/vq.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/vq/codebook.hpp>
#include <lcsm/vq/quantise.hpp>

#include "support/arrange.hpp"
#include "support/random_mixers.hpp"

#include <algorithm>
#include <cmath>

namespace lcsm::test {

// Random inputs; codes beyond `used` are taken by no key.
template <class T> struct VqCall {
  Index B, L, H, G, S, K, D, M;
  Buffer<T> q, codes, v, bias, quantised;
  Buffer<std::int32_t> codes_of;
  bool biased;
  explicit VqCall(Random& random, Index most = 150)
      : B(random.between(1, 2)), L(random.below(most)), H(0), G(random.between(1, 2)), S(random.between(1, 20)), K(random.between(1, 9)), D(random.between(1, 10)), M(random.one_of({0, 1, 3, 8, 40})), biased(random.one_in(2)) {
    H = G * random.between(1, 2);
    const auto fill = [&](Buffer<T>& to, Index b, Index t, Index h, Index r, Index f, double size) {
      to = Buffer<T>(b, t, h, r, f);
      for (T& x : to) x = T(random.uniform(-size, size));
    };
    fill(q, B, L, H, 1, K, 2), fill(codes, 1, 1, G, S, K, 2), fill(v, B, L, G, 1, D, 1), fill(bias, random.one_in(2) ? B : 1, 1, H, 1, 2 * M + 1, 2);
    if (bias.view().batch() == B && random.one_in(2)) fill(bias, B, L, H, 1, 2 * M + 1, 2);
    codes_of = Buffer<std::int32_t>(B, L, G, 1);
    const Index used = random.between(1, S);
    for (auto& z : codes_of) z = std::int32_t(random.below(used));
    quantised = Buffer<T>(B, L, G, K);
    quantise(exec::seq, codes.view(), codes_of.view(), quantised.view());
  }
  VqInputs<const T> in(Index first, Index count) const {
    View<const T> own = biased ? bias.view() : View<const T>();
    if (biased && own.time() == L) own = own.tokens(first, count);
    return {q.view().tokens(first, count), codes.view(), v.view().tokens(first, count), own, codes_of.view().tokens(first, count)};
  }
  VqInputs<const T> in() const { return in(0, L); }
  SoftmaxAttention::In<const T> dense() const { return {q.view(), quantised.view(), v.view(), biased ? bias.view() : View<const T>()}; }
};
// A softmax of logits up to 40 that err by (K + 60) eps, of values up to 1, in sums of up to L terms.
template <class T> double tolerance(const VqCall<T>& c) { return 4 * double(std::numeric_limits<T>::epsilon()) * double(2 * c.K + 100 + c.L); }
template <class T> double difference(const Buffer<T>& a, const Buffer<T>& b) {
  double worst = 0;
  for (Index n = 0; n < a.size(); ++n) worst = std::isnan(a[n] - b[n]) ? INFINITY : std::max(worst, std::abs(double(a[n]) - double(b[n])));
  return worst;
}

// A case of transformer-vq/transformer_vq@21943e4: VQAttention.attn: (q + u') . C and (q + v') . r_d at lags d up to M, r = r_proj^T [sin; cos](d / 10000^(2i / D)).
template <class T> struct TransformerVqGolden {
  Index B, L, H, K, V, S, M, D;
  double by;
  Array q_of, k_of, v_of, sums, counts, u, vb, projection;
  Buffer<T> q, bias, v, y;
  Buffer<std::int32_t> z;
  Codebook<T> book;
  std::vector<double> position;                             // r_d[h,k] by lag, with its factor
  TransformerVqGolden(const Golden& file, const GoldenCase& c)
      : B(c.size("B")), L(c.size("T")), H(c.size("H")), K(c.size("K")), V(c.size("V")), S(c.size("S")), M(c.size("mem_len")), D(c.size("D")), by(std::pow(double(K), -0.25)), q(B, L, H, K), bias(B, L, H, 2 * M + 1),
        v(B, L, H, V), y(B, L, H, V), z(B, L, H, 1), book(H, S, K) {
    const auto get = [&](const char* role, const char* name) { return file.array(c.name, role, name); };
    q_of = get("in", "q"), k_of = get("in", "k"), v_of = get("in", "v"), sums = get("par", "c_sum"), counts = get("par", "c_count"), u = get("par", "u"), vb = get("par", "vb"), projection = get("par", "r_proj");
    for (Index d = 0; d <= M; ++d)
      for (Index n = 0; n < H * K; ++n) {
        double r = 0;
        for (Index i = 0; i < D; ++i) r += sinusoid(d, i) * projection[to_size(i * H * K + n)];
        position.push_back(by * r);
      }
    bias.fill(T(0));
    const View<const double> q0 = arrange(q_of, "bhtf"), v0 = arrange(v_of, "bhtf");
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < L; ++t)
        for (Index h = 0; h < H; ++h) {
          for (Index k = 0; k < K; ++k) q.view()(b, t, h, k) = T(q0(b, t, h, k) + by * u[to_size(h * K + k)]);
          for (Index f = 0; f < V; ++f) v.view()(b, t, h, f) = T(v0(b, t, h, f));
          for (Index d = 0; d <= M; ++d) {
            double sum = 0;
            for (Index k = 0; k < K; ++k) sum += (q0(b, t, h, k) + by * vb[to_size(h * K + k)]) * r(d, h, k);
            bias.view()(b, t, h, M - d) = T(sum);
          }
        }
    book.restore(arrange(counts, "hf"), arrange(sums, "hrf"));
    const std::vector<T> keys(k_of.values.begin(), k_of.values.end());
    nearest_codes(exec::seq, arrange(keys.data(), k_of.shape, "bhtf"), book.codes(), z.view());
  }
  double sinusoid(Index d, Index i) const {
    const double angle = double(d) / std::pow(10000.0, 2 * double(i % (D / 2)) / double(D));
    return i < D / 2 ? std::sin(angle) : std::cos(angle);
  }
  double r(Index d, Index h, Index k) const { return position[to_size((d * H + h) * K + k)]; }
  VqInputs<const T> in() const { return {q, book.codes(), v, bias, z}; }
};

}  // namespace lcsm::test
