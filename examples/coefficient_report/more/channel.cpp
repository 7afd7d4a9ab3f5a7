// SPDX-License-Identifier: MIT
#include "../registry.hpp"

#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/mingru.hpp>
#include <lcsm/mixers/minlstm.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/rwkv4.hpp>

namespace report {
namespace {

const Part part([] {
  REPORT_MIXER(GateLoopSimple, "per channel", [](auto& p, Generator& ) { each(p.a, [](double x) { return x == 0 ? 0 : sigmoid(x + 2); }); }, {{"a", 0}});
  REPORT_MIXER(GatedLinearRnn, "per channel");
  REPORT_MIXER(GatedLinearRnnTied, "per channel", {{"i", 20}});
  // Multipliers of either sign.
  REPORT_MIXER(FirstOrder, "per channel", [](auto& p, Generator& ) { each(p.a, [](double x) { return std::tanh(1.5 * x); }); }, {{"a", 0}});
  REPORT_MIXER(Hgrn, "per channel");
  REPORT_MIXER(HgrnReal, "per channel", [](auto& p, Generator& ) { fill(p.lower_bound, 0.5); });
  REPORT_MIXER(HgrnComplex, "per channel", [](auto& p, Generator& ) { fill(p.lower_bound, 0.5), initialise(lcsm::HgrnComplex{}, p); });
  REPORT_MIXER(MinGru, "per channel", {{"i", 20}});
  REPORT_MIXER(MinGruLinear, "per channel", {{"i", 20}});
  REPORT_MIXER(MinLstm, "per channel");
  REPORT_MIXER(MinLstmLinear, "per channel");
  REPORT_MIXER(MinLstmUnscaled, "per channel");
  REPORT_MIXER(Rwkv4, "per channel", [](auto& p, Generator& ) { initialise(lcsm::Rwkv4{}, p, 2, 12); });
  REPORT_MIXER(RgLru, "per channel", [](auto& p, Generator& rng) { initialise(lcsm::RgLru{}, p, rng); }, {{"recurrent_gate", 20}});
  REPORT_MIXER(RgLruUnreset, "per channel", [](auto& p, Generator& rng) { initialise(lcsm::RgLruUnreset{}, p, rng); }, {{"recurrent_gate", 20}});
});

}  // namespace
}  // namespace report
