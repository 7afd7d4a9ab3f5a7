// SPDX-License-Identifier: MIT
// Attention, one or two mixers of every family, and one that is composed here; the folder `more` has all others.
#include "add_attention.hpp"

#include <lcsm/analysis/impulse.hpp>
#include <lcsm/analysis/position.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace report {
namespace {

const Part part([] {
  add_attention<lcsm::weight::Softmax>("SoftmaxAttention");
  add_attention<lcsm::weight::Relu>("ReluAttention");
  REPORT_MIXER(LinearAttention, "linear attention");
  REPORT_MIXER(Gla, "gated");
  REPORT_MIXER(GatedDeltaNet, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::GatedDeltaNet{}, p, rng); }, {{"a", 20}});
  REPORT_MIXER(Mamba, "state space", [](auto& p, Generator& rng) { initialise(lcsm::Mamba{}, p, rng); }, {{"delta", 6}});
  REPORT_MIXER(S4d, "state space", [](auto& p, Generator& rng) { initialise(lcsm::S4d{}, p, rng); });
  // Taps of a damped cosine, as a trained filter may be.
  REPORT_MIXER(LongConvolution, "convolution", [](auto& p, Generator&) {
    for (Index h = 0; h < p.kernel.head(); ++h)
      for (Index l = 0; l < p.kernel.row(); ++l)
        for (Index c = 0; c < p.kernel.feature(); ++c) p.kernel.at(0, 0, h, l, c) = std::exp(-0.08 * double(l)) * std::cos(0.4 * double((c + 1) * l));
  }, {}, 64);
});

// [mixer]
struct Mine : lcsm::Mixer<lcsm::expand::Data<>, lcsm::oscillation::Polar<>, lcsm::shrink::Data<lcsm::map::RsqrtKeys>> {
  template <class T> struct In { lcsm::View<T> q{}, k{}, v{}, g{}, phase{}; };
};
// [mixer] end

}  // namespace

Own own_mixer() {
  namespace analysis = lcsm::analysis;
  const Index T = 48;
  Mine::In<double> in;
  std::deque<lcsm::Buffer<double>> storage;
  for (const auto& [view, name] : {std::pair{&in.q, "q"}, {&in.k, "k"}, {&in.v, "v"}, {&in.g, "own gate"}, {&in.phase, "phase"}})
    draw(*view = storage.emplace_back(1, T, 1, keys).view(), name, true, true, {}, {});
  // [use]
  const analysis::Dynamics row = analysis::dynamics(Mine{}, in);                     // A, b k, q, phi and eta of one head, as numbers
  const analysis::Coefficients alpha = analysis::coefficients(row);                  // [systems, T, T]
  const analysis::Coefficients impulses = analysis::coefficients_by_impulse(Mine{}, in);   // the same through the recurrent mode
  // [use] end
  const std::vector<Index> order = analysis::shuffled_past(T);
  return {order, row, analysis::dynamics(Mine{}, in, {.order = order}), analysis::agreement(alpha, impulses).relative()};
}

}  // namespace report
