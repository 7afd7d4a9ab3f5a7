// SPDX-License-Identifier: MIT
// Decays and rotations that no token changes, or only its position.
#include "property/published.hpp"

#include <lcsm/mixers/cosformer.hpp>
#include <lcsm/mixers/lrpe.hpp>
#include <lcsm/mixers/retnet.hpp>
#include <lcsm/mixers/tnl.hpp>

TEST_CASE("published mixers of fixed decays and rotations: packed, masked, reversed, grouped", "[property]") {
  using namespace lcsm;
  test::check_published<RetNetFla, Lightning, LightningFla, Tnl, TnlSiluValue, TnlLrpe, CosFormer, LrpeRotate, LrpeRotateLow, LrpeRotateHigh, LrpeCosine,
                        LrpeCosineLow, LrpeCosineHigh, LrpeLearned>();
}
