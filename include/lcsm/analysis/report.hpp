// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/normalisation.hpp>
#include <lcsm/analysis/position.hpp>
#include <lcsm/analysis/readout.hpp>
#include <lcsm/analysis/retention.hpp>
#include <lcsm/analysis/scaling.hpp>
#include <lcsm/analysis/selectivity.hpp>
#include <lcsm/analysis/transition.hpp>

namespace lcsm::analysis {

// All principles of one head.
struct Figures {
  Readout readout;
  Selectivity selectivity;
  Position position;
  Transition transition;
  Scaling scaling;
  Normalisation normalisation;
  Retention retention;
};

// d: of T tokens, the length a model is trained at, or of more (ten times T tells how its state goes on). shuffled: the same read in `order`, shuffled_past(T, d.tokens) as Which::order.
inline Figures figures(const Dynamics& d, Index T, const Dynamics& shuffled, const std::vector<Index>& order) {
  const Dynamics trained = d.prefix(T);
  const Coefficients alpha = coefficients(trained);
  return {.readout = readout(d, T), .selectivity = selectivity(trained, alpha), .position = position(alpha, coefficients(shuffled.prefix(T)), order), .transition = transition(trained),
          .scaling = scaling(trained, alpha), .normalisation = normalisation(d, alpha, T), .retention = retention(trained, T)};
}
// One line for each.
inline std::string report(const Figures& f) {
  return line(f.readout) + "\n" + line(f.selectivity) + "\n" + line(f.position) + "\n" + line(f.transition) + "\n" + line(f.scaling) + "\n" + line(f.normalisation) + "\n" + line(f.retention) + "\n";
}

}  // namespace lcsm::analysis
