// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/spectrum.hpp>
#include <lcsm/analysis/text.hpp>

namespace lcsm::analysis {

// How long modes keep what they were told, against a length of T tokens. A mode of multiplier x halves every -ln 2 / ln |x| tokens; to keep a part c over T tokens takes |x| >= c^(1/T). Data-dependent
// decays count by their mean logs, couplings by their Lyapunov exponents.
struct Retention {
  Index tokens = 0;
  std::vector<double> half_lives;                           // of all systems' modes, ascending; infinity: does not decay. A shift keeps for exactly n tokens
  double low = 0, median = 0, high = 0;                     // their quartiles
  double beyond_share = 0;                                  // half-life > T: integrators
  double within_token_share = 0;                            // half-life < 1
  std::vector<double> phases;                               // mean |angle| per token of the diagonal's entries, ascending
  double slow_phase_share = 0;                              // of phases below 2 pi / T: not one turn in T tokens
  double gain = 0;                                          // the largest gain of a constant input, |1 / (1 - x)|, of the mean multipliers; infinity: an integrator
};

inline Retention retention(const Dynamics& d, Index T) {
  Retention r;
  r.tokens = T;
  for (Index c = 0; c < d.systems; ++c) {
    for (const double x : lyapunov_exponents(d, c)) r.half_lives.push_back(d.shifts ? double(d.width) : x > -1e-15 ? HUGE_VAL : -std::log(2.0) / x);
    for (Index a = 0; a < d.width && !d.shifts; ++a) {
      double angle = 0, log_size = 0, sizes = 0;
      for (Index t = 1; t < d.tokens; ++t) {
        const Number x = d.decay[d.at(t, c) + to_size(a)];
        angle += x == 0.0 ? 0 : std::arg(x), sizes += x == 0.0 ? 0 : std::abs(std::arg(x)), log_size += std::log(std::abs(x));
      }
      const double steps = double(std::max<Index>(d.tokens - 1, 1)), distance = std::abs(1.0 - std::polar(std::exp(log_size / steps), angle / steps));
      r.phases.push_back(sizes / steps);
      if (!d.coupled) r.gain = (std::max)(r.gain, distance > 1e-15 ? 1 / distance : HUGE_VAL);
    }
  }
  std::sort(r.half_lives.begin(), r.half_lives.end()), std::sort(r.phases.begin(), r.phases.end());
  if (r.half_lives.empty()) return r;
  const auto share = [](const std::vector<double>& x, auto&& is) { return x.empty() ? 0 : double(std::count_if(x.begin(), x.end(), is)) / double(x.size()); };
  const auto quantile = [&](double q) { return r.half_lives[std::size_t(q * double(r.half_lives.size() - 1) + 0.5)]; };
  r.low = quantile(0.25), r.median = quantile(0.5), r.high = quantile(0.75);
  r.beyond_share = share(r.half_lives, [&](double x) { return x > double(T); }), r.within_token_share = share(r.half_lives, [](double x) { return x < 1; });
  r.slow_phase_share = share(r.phases, [&](double x) { return x < 2 * std::acos(-1.0) / double(T); });
  return r;
}
inline std::string line(const Retention& r) {
  return "retention: half-lives " + text(r.low) + ", " + text(r.median) + ", " + text(r.high) + " tokens (quartiles); " + percent(r.beyond_share) + " beyond " + text(r.tokens) + ", " + percent(r.within_token_share) +
         " within a token; phases up to " + text(r.phases.empty() ? 0 : r.phases.back()) + " a token; gain of a constant " + text(r.gain);
}

}  // namespace lcsm::analysis
