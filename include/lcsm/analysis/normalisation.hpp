// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/spectrum.hpp>
#include <lcsm/analysis/text.hpp>

namespace lcsm::analysis {

// Sixth principle, normalisation: eta is needed where |A| may exceed 1 or coefficients are many and positive; it bounds sum_j |alpha_ij|. Without it a contraction (a Lyapunov exponent <= 0) with bounded
// writes has a bounded state.
struct Normalisation {
  Eta eta = Eta::one;
  double row_sum_low = 0, row_sum_high = 0;                 // sum_j alpha_ij over rows (its real part)
  double absolute = 0;                                      // the largest sum_j |alpha_ij|
  double lyapunov = 0;                                      // the largest exponent of all systems, per token
  std::vector<double> state;                                // root mean square of |memory| per value channel for white inputs of variance 1, for every token; as it is stored
  double growth = 1;                                        // of it from token `trained` to the last
};

// The root mean square of |m_t| per value channel for white inputs, exactly: the trace of P <- A P A^H + b k (b k)^H.
inline std::vector<double> state_norms(const Dynamics& d) {
  std::vector<double> out(to_size(d.tokens));
  std::vector<Number> column(to_size(d.width));
  for (Index c = 0; c < d.systems; ++c) {
    std::vector<double> diagonal(to_size(d.width));
    Matrix p = Matrix::Zero(d.coupled ? d.width : 0, d.coupled ? d.width : 0);
    for (Index t = 0; t < d.tokens; ++t) {
      const auto write = Eigen::Map<const Eigen::VectorXcd>(d.write.data() + d.at(t, c), d.width);
      double trace = 0;
      if (d.coupled) {
        const Matrix a = transition_matrix(d, t, c);
        p = (a * p * a.adjoint()).eval() + write * write.adjoint();
        trace = p.trace().real();
      } else
        for (Index n = 0; n < d.width; ++n) {
          const Index a = d.width - 1 - n;
          const double kept = d.shifts ? a > 0 ? diagonal[to_size(a - 1)] : 0 : diagonal[to_size(a)] * std::norm((d.stored_decay.empty() ? d.decay : d.stored_decay)[d.at(t, c) + to_size(a)]);
          trace += diagonal[to_size(a)] = kept + std::norm(write(a));
        }
      out[to_size(t)] += trace / double(d.systems);
    }
  }
  for (double& x : out) x = std::sqrt(x);
  return out;
}

// alpha: of as many of the first tokens as there is a figure for. d may be longer: its state is followed to the end. trained: the length that a model would have been trained at.
inline Normalisation normalisation(const Dynamics& d, const Coefficients& alpha, Index trained) {
  Normalisation n;
  n.eta = d.normaliser, n.row_sum_low = HUGE_VAL, n.row_sum_high = -HUGE_VAL, n.lyapunov = -HUGE_VAL;
  for (Index c = 0; c < alpha.systems; ++c) {
    for (Index i = 0; i < alpha.tokens; ++i) {
      double sum = 0, absolute = 0;
      for (Index j = 0; j <= i; ++j) sum += alpha.at(i, j, c).real(), absolute += std::abs(alpha.at(i, j, c));
      n.row_sum_low = (std::min)(n.row_sum_low, sum), n.row_sum_high = (std::max)(n.row_sum_high, sum), n.absolute = (std::max)(n.absolute, absolute);
    }
    if (d.width > 0) n.lyapunov = (std::max)(n.lyapunov, lyapunov_exponents(d, c).front());
  }
  if (d.finite_state) n.state = state_norms(d);
  if (!n.state.empty() && trained > 0 && trained <= d.tokens && n.state[to_size(trained - 1)] > 0) n.growth = n.state.back() / n.state[to_size(trained - 1)];
  return n;
}
inline std::string line(const Normalisation& n) {
  return std::string("normalisation: eta = ") + name_of(n.eta) + "; row sums " + text(n.row_sum_low) + " to " + text(n.row_sum_high) + ", largest sum of |alpha| " + text(n.absolute) + ", Lyapunov exponent " +
         text(n.lyapunov) + (n.state.empty() ? ", no state" : ", state " + text(n.state.back()) + " at token " + text(Index(n.state.size())) + ", " + text(n.growth) + " times that at the trained length");
}

}  // namespace lcsm::analysis
