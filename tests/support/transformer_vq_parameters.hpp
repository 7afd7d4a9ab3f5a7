// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/transformer_vq.hpp>

namespace lcsm::test {

// The published names of the parameters of a Transformer-VQ layer, and the axes of their arrays ([inputs, outputs]).
template <class S, class F> void each(TransformerVqMaps<S>& m, F&& f) {
  f("ln_g", m.norm_gain, "f"), f("ln_b", m.norm_bias, "f"), f("W_q", m.q, "fr"), f("W_kvg", m.kvg, "fr"), f("W_res", m.out, "fr"), f("u", m.content_bias, "f"), f("vb", m.position_bias, "f"), f("r_proj", m.positions, "fr");
}

}  // namespace lcsm::test
