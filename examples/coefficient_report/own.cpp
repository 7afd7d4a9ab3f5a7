// SPDX-License-Identifier: MIT
// A mixer composed here goes through the same functions as published ones.
#include "registry.hpp"

#include <lcsm/analysis/impulse.hpp>
#include <lcsm/analysis/report.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace report {
namespace {

namespace analysis = lcsm::analysis;

// [mixer]
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, lcsm::oscillation::Polar<>, lcsm::shrink::Data<lcsm::map::RsqrtKeys>> {
  template <class T> struct In { lcsm::View<T> q{}, k{}, v{}, g{}, phase{}; };
};
// [mixer] end

}  // namespace

bool look_at_own() {
  const Index T = 48;
  Mine::In<double> in;
  std::deque<lcsm::Buffer<double>> storage;
  for (const auto& [view, name] : {std::pair{&in.q, "q"}, {&in.k, "k"}, {&in.v, "v"}, {&in.g, "own gate"}, {&in.phase, "phase"}})
    draw(*view = storage.emplace_back(1, T, 1, keys).view(), name, true, true, {}, {});
  // [use]
  const analysis::Dynamics row = analysis::dynamics(Mine{}, in);                     // A, b k, q, phi and eta of one head, as numbers
  const analysis::Coefficients alpha = analysis::coefficients(row);                  // [systems, T, T]
  const analysis::Coefficients impulses = analysis::coefficients_by_impulse(Mine{}, in);   // the same through the recurrent mode

  const std::vector<lcsm::Index> order = analysis::shuffled_past(T);
  const analysis::Figures figures = analysis::figures(row, T, analysis::dynamics(Mine{}, in, {.order = order}), order);
  std::printf("a mixer of one's own: alpha by impulses and from its row differ by %.1e\n%s\n", analysis::agreement(alpha, impulses).relative(), analysis::report(figures).c_str());
  // [use] end
  return analysis::agreement(alpha, impulses).relative() < 1e-12;
}

}  // namespace report
