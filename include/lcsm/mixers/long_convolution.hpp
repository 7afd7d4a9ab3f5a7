// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/stage/rules.hpp>

namespace lcsm {

// A causal convolution with a free kernel of L taps per channel, Map acting on the taps:
//
//     m_t[a,c] = m_{t-1}[a-1,c], m_t[0,c] = x_t[c]          y_t[c] = sum over a < L of map(kernel[a,c]) m_t[a,c] + D[c] x_t[c]
//
// x [B,T,H,D]; kernel [H,L,D] as parameter(data, H, L, D), tap a being that of a tokens ago: the published [channels, L] seen through strides; D [H,D]. The memory is
// the last L inputs, so a state costs nothing and any mode may follow any other; `convolve` (which `mix` takes) is the fast one, `step` decodes at O(L) per token
// and channel. Taps that come from other parameters are computed first (filters/): SGConv's, Hyena's, TNN's, CKConv's, or those of a state space
// (convolution_kernel). Fu et al. 2023 (https://arxiv.org/abs/2302.06646).
template <class Map> struct MappedConvolution : Mixer<Stage<FactorTerm<Fixed<rule::FirstKey, Axes::key>>>, oscillation::Shift, Stage<FactorTerm<Learned<in::kernel, Axes::matrix, Map>>>,
                                             Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {
  template <class T> struct In { View<T> x{}, kernel{}, D{}; };
};
struct LongConvolution : MappedConvolution<map::Identity> {};

}  // namespace lcsm
