// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/mega.hpp>
#include <lcsm/mixers/mega_ema.hpp>

namespace lcsm::test {

// The parameters of a Mega layer by the published names, and the axes of their arrays.
template <class S> struct MegaLayerParameters {
  MegaEma::In<S> memory;
  MegaMaps<S> maps;
  template <class F> void each(F&& f) {
    f("move.delta", memory.delta, "frn"), f("move.alpha", memory.alpha, "frn"), f("move.beta", memory.beta, "frn"), f("move.gamma", memory.gamma, "fr"), f("move.omega", memory.omega, "f");
    f("norm.norm.weight", maps.norm_gain, "f"), f("norm.norm.bias", maps.norm_bias, "f"), f("v_proj.weight", maps.v, "rf"), f("v_proj.bias", maps.v_bias, "f"), f("mx_proj.weight", maps.mx, "rf");
    f("mx_proj.bias", maps.mx_bias, "f"), f("gamma", maps.gamma, "rf"), f("beta", maps.beta, "rf"), f("h_proj.weight", maps.h, "rf"), f("h_proj.bias", maps.h_bias, "f"), f("rel_pos_bias.rel_pos_bias", maps.relative, "f");
  }
};

}  // namespace lcsm::test
