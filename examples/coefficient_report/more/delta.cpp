// SPDX-License-Identifier: MIT
#include "../registry.hpp"

#include <lcsm/mixers/comba.hpp>
#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/dplr.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gdn2.hpp>
#include <lcsm/mixers/kda.hpp>

namespace report {
namespace {

// b[t] = -beta a[t], beta of the token between 0 and 1.
void opposite(const View<double>& a, const View<double>& b) {
  for (Index t = 0; t < b.time(); ++t)
    for (Index h = 0; h < b.head(); ++h) {
      const double beta = sigmoid(b(0, t, h, 0));
      for (Index c = 0; c < b.feature(); ++c) b(0, t, h, c) = -beta * a(0, t, h, c);
    }
}

const Part part([] {
  REPORT_MIXER(DeltaRule, "delta rule", [](auto& p, Generator& ) { unit(p.k); });
  REPORT_MIXER(DeltaRuleNorm, "delta rule");
  REPORT_MIXER(DeltaNet, "delta rule");
  REPORT_MIXER(DeltaNetNegative, "delta rule");
  REPORT_MIXER(GatedDeltaRule, "delta rule", [](auto& p, Generator& ) { unit(p.k); });
  REPORT_MIXER(GatedDeltaRuleNorm, "delta rule");
  REPORT_MIXER(GatedDeltaNetNegative, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::GatedDeltaNetNegative{}, p, rng); }, {{"a", 20}});
  REPORT_MIXER(Kda, "delta rule", [](auto& p, Generator& ) { unit(p.k); });
  REPORT_MIXER(KdaNorm, "delta rule");
  REPORT_MIXER(KdaLayer, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::KdaLayer{}, p, rng); }, {{"f", 20}});
  REPORT_MIXER(KdaLayerNegative, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::KdaLayerNegative{}, p, rng); }, {{"f", 20}});
  REPORT_MIXER(KdaLayerSafe, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::KdaLayerSafe{}, p, rng); }, {{"f", 20}});
  REPORT_MIXER(KdaLayerSafeNegative, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::KdaLayerSafeNegative{}, p, rng); }, {{"f", 20}});
  REPORT_MIXER(Gdn2, "delta rule", [](auto& p, Generator& ) { unit(p.k), each(p.b, sigmoid), each(p.w, sigmoid); }, {{"w", 0}});
  REPORT_MIXER(Gdn2Layer, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::Gdn2Layer{}, p, rng); }, {{"f", 20}, {"w", 0}});
  REPORT_MIXER(Gdn2LayerNegative, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::Gdn2LayerNegative{}, p, rng); }, {{"f", 20}, {"w", 0}});
  REPORT_MIXER(Gdn2LayerSafe, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::Gdn2LayerSafe{}, p, rng); }, {{"f", 20}, {"w", 0}});
  REPORT_MIXER(Gdn2LayerSafeNegative, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::Gdn2LayerSafeNegative{}, p, rng); }, {{"f", 20}, {"w", 0}});
  REPORT_MIXER(Comba, "delta rule", [](auto& p, Generator& ) { unit(p.k), unit(p.p), each(p.p, [](double x) { return 0.7 * x; }); });
  REPORT_MIXER(CombaDecayed, "delta rule", [](auto& p, Generator& ) { unit(p.k), unit(p.p), each(p.p, [](double x) { return 0.7 * x; }); });
  REPORT_MIXER(CombaLayer, "delta rule", [](auto& p, Generator& rng) { initialise(lcsm::CombaLayer{}, p, rng); }, {{"a", 20}});
  // A contraction: b = -beta a, |a| = 1.
  REPORT_MIXER(Iplr, "delta rule", [](auto& p, Generator& ) { unit(p.a), opposite(p.a, p.b); });
  REPORT_MIXER(Dplr, "delta rule", [](auto& p, Generator& ) { unit(p.a), opposite(p.a, p.b); });
  REPORT_MIXER(Rwkv7, "delta rule", [](auto& p, Generator& ) { each(p.w, log_decay), unit(p.a), opposite(p.a, p.b); });
  REPORT_MIXER(Rwkv7Layer, "delta rule", [](auto& p, Generator& ) { initialise(lcsm::Rwkv7Layer{}, p); }, {{"w", 20}});
});

}  // namespace
}  // namespace report
