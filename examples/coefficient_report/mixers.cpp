// SPDX-License-Identifier: MIT
// One or two of every family; the folder `more` has all others.
#include "registry.hpp"

#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/retnet.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/s4d.hpp>

namespace report {
namespace {

const Part part([] {
  REPORT_MIXER(LinearAttention, "linear attention");
  REPORT_MIXER(RetNet, "fixed decay");
  REPORT_MIXER(Gla, "gated");
  REPORT_MIXER(Mlstm, "gated", [](auto& p, Generator&) { each(p.f, [](double x) { return x > -10 ? x + 3 : x; }); });
  REPORT_MIXER(GatedDeltaNet, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::GatedDeltaNet{}, p, rng); }, {{"a", 20}});
  REPORT_MIXER(RgLru, "per channel", [](auto& p, Generator& rng) { initialise(lcsm::RgLru{}, p, rng); }, {{"recurrent_gate", 20}});
  REPORT_MIXER(Mamba, "state space", [](auto& p, Generator& rng) { initialise(lcsm::Mamba{}, p, rng); }, {{"delta", 6}});
  REPORT_MIXER(S4d, "state space", [](auto& p, Generator& rng) { initialise(lcsm::S4d{}, p, rng); });
  // Taps of a damped cosine, as a trained filter may be.
  REPORT_MIXER(LongConvolution, "convolution", [](auto& p, Generator&) {
    for (Index h = 0; h < p.kernel.head(); ++h)
      for (Index l = 0; l < p.kernel.row(); ++l)
        for (Index c = 0; c < p.kernel.feature(); ++c) p.kernel.at(0, 0, h, l, c) = std::exp(-0.08 * double(l)) * std::cos(0.4 * double((c + 1) * l));
  }, {}, 64);
});

}  // namespace
}  // namespace report
