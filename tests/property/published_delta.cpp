// SPDX-License-Identifier: MIT
// Delta rules.
#include "property/published.hpp"

#include <lcsm/mixers/comba.hpp>
#include <lcsm/mixers/delta_rule.hpp>
#include <lcsm/mixers/dplr.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/gdn2.hpp>
#include <lcsm/mixers/kda.hpp>

TEST_CASE("published delta rules: packed, masked, reversed, grouped", "[property]") {
  using namespace lcsm;
  test::check_published<CombaLayer, DeltaRuleNorm, DeltaNet, DeltaNetNegative, Rwkv7, Rwkv7Layer, GatedDeltaNet, GatedDeltaNetNegative, Gdn2Layer,
                        Gdn2LayerNegative, Gdn2LayerSafe, Gdn2LayerSafeNegative, KdaNorm, KdaLayerNegative, KdaLayerSafe, KdaLayerSafeNegative>();
}
