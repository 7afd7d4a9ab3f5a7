// SPDX-License-Identifier: MIT
// Gates per head, key and value channel.
#include "property/published.hpp"

#include <lcsm/mixers/fast_weights.hpp>
#include <lcsm/mixers/gateloop.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/hgrn2.hpp>
#include <lcsm/mixers/mingru.hpp>
#include <lcsm/mixers/minlstm.hpp>
#include <lcsm/mixers/rglru.hpp>
#include <lcsm/mixers/rwkv6.hpp>

TEST_CASE("published mixers of gates: packed, masked, reversed, grouped", "[property]") {
  using namespace lcsm;
  test::check_published<DecayingFastWeights, GatedFastWeights, GlaLayerGate, GateLoop, GateLoopScalar, GateLoopMaximallyHeaded, HgrnReal, HgrnComplex,
                        Hgrn2Unscaled, MinGruLinear, MinLstm, MinLstmLinear, MinLstmUnscaled, RgLruUnreset, Rwkv6Layer>();
}
