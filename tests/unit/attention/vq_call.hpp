// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend.hpp>
#include <lcsm/attention/vq.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/vq/quantise.hpp>

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

}  // namespace lcsm::test
