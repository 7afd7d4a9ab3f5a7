// SPDX-License-Identifier: MIT
// Discretised oscillations, normalised and scaled memories.
#include "property/published.hpp"

#include <lcsm/mixers/lightnet.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mamba2.hpp>
#include <lcsm/mixers/mlstm.hpp>
#include <lcsm/mixers/s4.hpp>
#include <lcsm/mixers/s5.hpp>

TEST_CASE("published mixers of state spaces and normalised memories: packed, masked, reversed, grouped", "[property]") {
  using namespace lcsm;
  test::check_published<LinearTransformer, LightNetLayer, MlstmLayer, MambaLog, Mamba2Log, S4, S5Clipped, S5BilinearClipped>();
}
