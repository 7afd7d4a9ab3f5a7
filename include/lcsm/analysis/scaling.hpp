// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/coefficients.hpp>
#include <lcsm/analysis/text.hpp>

namespace lcsm::analysis {

// Fifth principle, scaling: with q and k of variance 1 the variance of q^T b k is b^2 n, so b = n^-1/2 keeps it at 1; and what a decay a accumulates is b^2 / (1 - |a|^2), so
// b = sqrt(1 - |a|^2) or 1 - a keeps that.
struct Scaling {
  double logit = 0;                                         // mean square of q_i^T b_j k_j, j <= i, before any decay
  std::vector<double> output;                               // variance of y_t for white values of variance 1, for every t: sum_j |alpha_tj|^2
  double growth = 1;                                        // of the latter from the second quarter to the last
};

inline Scaling scaling(const Dynamics& d, const Coefficients& alpha) {
  Scaling s;
  double sum = 0;
  for (Index c = 0; c < d.systems; ++c)
    for (Index j = 0; j < d.tokens; ++j) {
      const double scale = d.projection * (d.log_scale.empty() ? 1 : std::exp(d.log_scale[to_size(j * d.systems + c)]));
      for (Index i = j; i < d.tokens; ++i) {
        const Number x = scale * d.reading(i, c, d.write.data() + d.at(j, c));
        sum += d.whole ? std::norm(x) : x.real() * x.real();
      }
    }
  s.logit = sum / (std::max)(double(d.systems * d.tokens * (d.tokens + 1)) / 2, 1.0);
  for (Index t = 0; t < d.tokens; ++t) {
    double variance = 0;
    for (Index c = 0; c < d.systems; ++c)
      for (Index j = 0; j <= t; ++j) variance += std::norm(alpha.at(t, j, c));
    s.output.push_back(variance / double(d.systems));
  }
  const auto mean = [&](Index from, Index to) {
    double total = 0;
    for (Index t = from; t < to; ++t) total += s.output[to_size(t)];
    return total / double(to - from);
  };
  const Index T = d.tokens;
  if (T >= 4 && mean(T / 4, T / 2) > 0) s.growth = mean(T - T / 4, T) / mean(T / 4, T / 2);
  return s;
}
// The exponent p of variance ~ width^p, by least squares in logs.
inline double width_exponent(const std::vector<double>& widths, const std::vector<double>& variances) {
  double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
  const double n = double(widths.size());
  for (std::size_t m = 0; m < widths.size(); ++m) mean_x += std::log(widths[m]) / n, mean_y += std::log(variances[m]) / n;
  for (std::size_t m = 0; m < widths.size(); ++m) {
    const double x = std::log(widths[m]) - mean_x;
    xx += x * x, xy += x * (std::log(variances[m]) - mean_y);
  }
  return xy / xx;
}
inline std::string line(const Scaling& s) {
  return "scaling: variance of q.h " + text(s.logit) + ", of the output " + text(s.output.empty() ? 0 : s.output.back()) + " at the last token, growing by " + text(s.growth) + " from the second quarter to the last";
}

}  // namespace lcsm::analysis
