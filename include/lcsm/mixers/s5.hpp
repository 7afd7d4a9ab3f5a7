// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/mixers/hippo.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {

namespace s5 {
namespace in { LCSM_NAME(log_step); LCSM_NAME(lambda); LCSM_NAME(lambda_imag); }
using Step = Learned<in::log_step, Axes::value, map::Exp>;
using Raw = Learned<in::lambda, Axes::value>;
using Clipped = Learned<in::lambda, Axes::value, map::AtMost<-4, -1>>;
using Imag = Learned<in::lambda_imag, Axes::value>;
using X = Input<Data<lcsm::in::x, Axes::value>, Data<lcsm::in::x_imag, Axes::value>>;

template <class Re> using Held = oscillation::Discretised<Step, Re, Term<Plane::phase, combine::Product, Step, Imag>>;
template <class Re>
using Bilinear = Stage<Term<Plane::log, combine::BilinearLog, Step, Re, Imag>, Term<Plane::phase, combine::BilinearAngle, Step, Re, Imag>>;
template <class T> struct In { View<T> x{}, x_imag{}, log_step{}, lambda{}, lambda_imag{}; };
}

// The diagonal core of S5, Smith et al. 2022 (https://arxiv.org/abs/2208.04933; lindermanlab/S5: s5/ssm.py; also s5-pytorch), one system with P
// complex states and a step for each of them, sampled by zero-order hold (S5) or the bilinear rule (S5Bilinear):
//
//     m_t = lambda_bar m_{t-1} + phi (B u_t)                  y_t = 2 Re(C m_t) + D u_t
//
//     S5           lambda_bar = exp(step lambda)                              phi = (lambda_bar - 1) / lambda
//     S5Bilinear   lambda_bar = (1 + step lambda / 2) / (1 - step lambda / 2)     phi = step / (1 - step lambda / 2)
//
// step = exp(log_step), lambda + i lambda_imag the eigenvalues; Clipped: min(lambda, -10^-4), "clip_eigs".
//
// States are the value axis (K = 1). The mixer's input is B u in two parts, x and x_imag [B,T,1,P], its output both parts of m, [B,T,1,2P] =
// [Re | Im]; log_step, lambda, lambda_imag [1,P]. The dense maps around it, factor 2 (with conj_sym, where one of each conjugate pair is stored)
// and D u are those of layers/mimo.hpp; two directions are a C [H,2P] there. As an operator on u the layer is the H x H matrix
// 2 Re C lambda_bar^(i-j) phi B; the attention matrix of the mixer is that of its diagonal.
struct S5 : Mixer<expand::Tied<tie::ZeroOrderHold>, s5::Held<s5::Raw>, shrink::One, s5::X, project::Complex> {
  template <class T> using In = s5::In<T>;
};
struct S5Bilinear : Mixer<expand::Tied<tie::Bilinear>, s5::Bilinear<s5::Raw>, shrink::One, s5::X, project::Complex> {
  template <class T> using In = s5::In<T>;
};
struct S5Clipped : Mixer<expand::Tied<tie::ZeroOrderHold>, s5::Held<s5::Clipped>, shrink::One, s5::X, project::Complex> {
  template <class T> using In = s5::In<T>;
};
struct S5BilinearClipped : Mixer<expand::Tied<tie::Bilinear>, s5::Bilinear<s5::Clipped>, shrink::One, s5::X, project::Complex> {
  template <class T> using In = s5::In<T>;
};

// The dense maps as they start with the core: B [P,In], C [Out,P] (or [Out,2P], two directions).
template <class T> struct S5Maps { View<T> B{}, B_imag{}, C{}, C_imag{}; };
// What C is drawn from, N being all states, conjugates included:
//   rows      each part of variance 1 / N, times V ("trunc_standard_normal", the default of the code)
//   lecun     each part of variance 1 / (Out N), times V ("lecun_normal")
//   complex   each part of variance 1/2, not multiplied by V ("complex_normal")
enum class S5Read { rows, lecun, complex };

// HiPPO-N: `blocks` copies of the eigenvalues of LegS' normal part of their size, imaginary parts ascending, the negative half of them where one
// of each conjugate pair is stored (conjugate); B = V^* (variance 1 / N), log_step uniform in [log low, log high]. Normal draws are truncated,
// but those of `complex`. The layer's D is normal. Throws ShapeError if the blocks do not divide.
inline void initialise(S5, const S5::In<double>& p, const S5Maps<double>& maps, init::Generator& rng, Index blocks = 1, bool conjugate = true,
                       S5Read read = S5Read::rows, double low = 1e-3, double high = 1e-1) {
  const Index states = p.lambda_imag.feature();
  if (blocks < 1 || states % blocks != 0)
    raise<ShapeError>("initialise", "blocks", "a number that divides " + std::to_string(states) + " states", std::to_string(blocks));
  const Index kept = states / blocks, size = conjugate ? 2 * kept : kept;
  const hippo::Modes modes = hippo::legs_modes(size);
  init::fill(p.log_step, [&](Index, Index, Index) { return std::log(init::log_uniform(rng, low, high)); });
  init::fill(p.lambda, [](Index, Index, Index) { return -0.5; });
  init::fill(p.lambda_imag, [&](Index, Index, Index n) { return modes.imag[to_size(n % kept)]; });
  std::vector<std::complex<double>> drawn(to_size(size));
  const double all = double(size * blocks);
  for (Index c = 0; c < maps.B.feature(); ++c)
    for (Index block = 0; block < blocks; ++block) {
      for (auto& x : drawn) x = init::truncated_normal(rng, 1 / std::sqrt(all));
      for (Index j = 0; j < kept; ++j) {
        const std::complex<double> b = modes.seen(j, [&](Index r) { return drawn[to_size(r)]; });
        maps.B.at(0, 0, 0, block * kept + j, c) = b.real(), maps.B_imag.at(0, 0, 0, block * kept + j, c) = b.imag();
      }
    }
  const auto part = [&] {
    if (read == S5Read::complex) return init::normal(rng, std::sqrt(0.5));
    return init::truncated_normal(rng, 1 / std::sqrt(read == S5Read::rows ? all : all * double(maps.C.row())));
  };
  for (Index o = 0; o < maps.C.row(); ++o)
    for (Index from = 0; from < maps.C.feature(); from += kept) {
      for (auto& x : drawn) x.real(part()), x.imag(part());
      for (Index j = 0; j < kept; ++j) {
        std::complex<double> c = drawn[to_size(j)];
        if (read != S5Read::complex) {                        // a row of C V
          c = 0;
          for (Index r = 0; r < size; ++r) c += drawn[to_size(r)] * modes.vector(j)[r];
        }
        maps.C.at(0, 0, 0, o, from + j) = c.real(), maps.C_imag.at(0, 0, 0, o, from + j) = c.imag();
      }
    }
}

}  // namespace lcsm
