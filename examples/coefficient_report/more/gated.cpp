// SPDX-License-Identifier: MIT
#include "../registry.hpp"

#include <lcsm/mixers/fast_weights.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn2.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/rwkv6.hpp>

namespace report {
namespace {

// A raw gate as trained ones are, about 0.95.
double mostly_open(double x) { return x > -10 ? x + 3 : x; }

const Part part([] {
  REPORT_MIXER(DecayingFastWeights, "gated", [](auto& p, Generator&) { each(p.g, mostly_open), each(p.f, mostly_open); });
  REPORT_MIXER(GatedFastWeights, "gated", [](auto& p, Generator& ) { each(p.f, log_decay); });
  REPORT_MIXER(GlaLayerGate, "gated");
  REPORT_MIXER(SimpleGla, "gated");
  REPORT_MIXER(GateLoop, "gated", [](auto& p, Generator&) { each(p.g, mostly_open); });
  REPORT_MIXER(GateLoopScalar, "gated", [](auto& p, Generator&) { each(p.g, mostly_open); });
  REPORT_MIXER(GateLoopMaximallyHeaded, "gated", [](auto& p, Generator&) { each(p.g, mostly_open); });
  REPORT_MIXER(GateLoopOperator, "gated");
  REPORT_MIXER(GateLoopOperatorScalar, "gated");
  REPORT_MIXER(GateLoopAttention, "gated", [](auto& p, Generator& ) { each(p.a, mostly_open); });
  REPORT_MIXER(Hgrn2, "gated", [](auto& p, Generator& ) { fill(p.lower_bound, 0.5); });
  REPORT_MIXER(Hgrn2Unscaled, "gated", [](auto& p, Generator& ) { fill(p.lower_bound, 0.5); });
  REPORT_MIXER(Rwkv6, "gated", [](auto& p, Generator& ) { each(p.w, log_decay), initialise(lcsm::Rwkv6{}, p, 2, 12); });
  REPORT_MIXER(Rwkv6Layer, "gated", [](auto& p, Generator& ) { initialise(lcsm::Rwkv6Layer{}, p, 2, 12); }, {{"w", 20}});
  REPORT_MIXER(Mlstm, "gated", [](auto& p, Generator&) { each(p.f, mostly_open); });
  REPORT_MIXER(MlstmFromNothing, "gated", [](auto& p, Generator& ) { each(p.f, mostly_open); });
  REPORT_MIXER(MlstmLayer, "gated", [](auto& p, Generator& rng) { initialise(lcsm::MlstmLayer{}, p, rng); });
});

}  // namespace
}  // namespace report
