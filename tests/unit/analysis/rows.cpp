// SPDX-License-Identifier: MIT
// Rows (A, b, phi, eta) written by hand, as papers have them: their coefficients reproduce the outputs of the library, and its own rows say the same.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/analysis/attention.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/mlstm.hpp>

namespace lcsm {
namespace {

using analysis::Dynamics, analysis::Eta, analysis::Number;
constexpr Index T = 12, n = 4, D = 3;

struct Tokens {
  Buffer<double> q{1, T, 1, n}, k{1, T, 1, n}, v{1, T, 1, D}, key_gate{1, T, 1, n}, gate{1, T, 1, 1}, write{1, T, 1, 1};
  Tokens() {
    test::Random random(11);
    for (Buffer<double>* x : {&q, &k, &v}) for (double& z : *x) z = random.uniform(-1.5, 1.5);
    for (Buffer<double>* x : {&key_gate, &gate}) for (double& z : *x) z = random.uniform(-1, 0);
    for (double& z : write) z = random.uniform(0, 1);
  }
};

// q_i and k_j as they are; A = I, b = 1.
Dynamics plain(const Tokens& x, double q_scale = 1) {
  Dynamics d;
  d.tokens = T, d.width = n, d.values = D;
  d.decay.assign(to_size(T * n), 1), d.scale.assign(to_size(T), 1);
  for (Index t = 0; t < T * n; ++t) d.write.push_back(x.k[t]), d.read.push_back(q_scale * x.q[t]);
  return d;
}
template <class F> void each(Dynamics& d, F&& f) {
  for (Index t = 0; t < T; ++t)
    for (Index a = 0; a < n; ++a) f(t, t * n + a, d.at(t, 0) + to_size(a));
}
// y = sum_j alpha_ij v_j against y; and alpha against the library's row. allowed: of the sums of sizes, beside rounding.
void check(const char* name, const Tokens& x, const Dynamics& by_hand, const Dynamics& by_library, const Buffer<double>& y, double allowed = 0) {
  INFO(name);
  const analysis::Coefficients alpha = analysis::coefficients(by_hand);
  const analysis::Agreement same = analysis::agreement(alpha, analysis::coefficients(by_library));
  CHECK(same.relative() <= 1e-14 + allowed);
  CHECK(same.largest > 0.05);
  for (Index i = 0; i < T; ++i)
    for (Index c = 0; c < D; ++c) {
      double sum = 0, size = 0;
      for (Index j = 0; j <= i; ++j) sum += alpha.at(i, j).real() * x.v[j * D + c], size += std::abs(alpha.at(i, j).real() * x.v[j * D + c]);
      // A product of up to T transitions of n entries, and a sum of T terms that may themselves be differences of terms a few times their size.
      CHECK(std::abs(sum - y[i * D + c]) <= (double(T * (n + 18)) * 8 * std::numeric_limits<double>::epsilon() + allowed) * size);
    }
}

}  // namespace
}  // namespace lcsm

TEST_CASE("rows written by hand reproduce outputs", "[analysis]") {
  using namespace lcsm;
  const Tokens x;
  Buffer<double> y(1, T, 1, D);
  const double rsqrt = 1 / std::sqrt(double(n));
  {
    Dynamics d = plain(x);                                  // A = I, b = n^-1/2, phi = exp, eta = sum of the row
    for (Number& z : d.write) z *= rsqrt;
    d.phi = [](double z) { return std::exp(z); }, d.normaliser = Eta::row_sum;
    const SoftmaxAttention::In<const double> in{.q = x.q, .k = x.k, .v = x.v};
    attend(exec::seq, SoftmaxAttention{}, in, y.view());
    check("softmax", x, d, analysis::dynamics(SoftmaxAttention{}, in), y);
  }
  {
    Dynamics d = plain(x, rsqrt);                           // A = diag(exp g), b = 1, phi and eta 1
    each(d, [&](Index, Index key, std::size_t at) { d.decay[at] = std::exp(x.key_gate[key]); });
    const Gla::In<const double> in{.q = x.q, .k = x.k, .v = x.v, .g = x.key_gate};
    reference(Gla{}, in, y.view());
    check("GLA", x, d, analysis::dynamics(Gla{}, in), y);
  }
  {
    // A = sigmoid(f), b = exp(i), eta = max(|sum of the row|, 1), without any running maximum. The library adds 1e-6 to the denominator of a memory that is kept times exp(-p).
    Dynamics d = plain(x, rsqrt);
    double p = 0, largest = 0;
    each(d, [&](Index t, Index, std::size_t at) { d.decay[at] = 1 / (1 + std::exp(-x.gate[t])), d.write[at] *= std::exp(x.write[t]); });
    for (Index t = 0; t < T; ++t) p = std::max(p - std::log1p(std::exp(-x.gate[t])), x.write[t]), largest = std::max(largest, p);
    d.normaliser = Eta::bounded_row_sum;
    const Mlstm::In<const double> in{.q = x.q, .k = x.k, .v = x.v, .i = x.write, .f = x.gate};
    reference(Mlstm{}, in, y.view());
    check("mLSTM", x, d, analysis::dynamics(Mlstm{}, in), y, 1e-6 * std::exp(largest));
  }
  {
    Dynamics d = plain(x, rsqrt);                           // A = exp(g) (I - beta k k^T), b = beta
    d.coupled = true, d.correct.resize(d.write.size()), d.erase.resize(d.write.size());
    each(d, [&](Index t, Index key, std::size_t at) {
      const double decay = std::exp(x.gate[t]);
      d.decay[at] = decay, d.write[at] *= x.write[t], d.correct[at] = x.write[t] * x.k[key], d.erase[at] = decay * x.k[key];
    });
    const GatedDeltaRule::In<const double> in{.q = x.q, .k = x.k, .v = x.v, .g = x.gate, .beta = x.write};
    reference(GatedDeltaRule{}, in, y.view());
    check("gated delta rule", x, d, analysis::dynamics(GatedDeltaRule{}, in), y);
  }
}
