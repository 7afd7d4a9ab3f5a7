// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/convolution/modal.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>

namespace lcsm {

namespace modal {
namespace in {
LCSM_NAME(log_modulus);
}
template <Axes X> using Oscillation = Stage<LogTerm<Learned<in::log_modulus, X>>, PhaseTerm<Learned<lcsm::in::phase, X>>>;
template <Axes X> using Read = Stage<ComplexFactor<Learned<lcsm::in::W, X>, Learned<lcsm::in::W_imag, X>>>;
using X = Input<Data<lcsm::in::x, Axes::value>>;
using Direct = Skip<Learned<lcsm::in::D, Axes::value>>;
}

// A sum of modes as a mixer, z = exp(log_modulus + i phase):
//
//     m_t[n,c] = z[n,c] m_{t-1}[n,c] + x_t[c]                 y_t[c] = Re sum_n W[n,c] m_t[n,c] + D[c] x_t[c]
//
// x [B,T,H,1,C], every parameter but D [1,H,N,C]: what modal_kernel takes, and with D = 0 its kernel; D [1,H,C]. Parameters have a type of their own: z is
// computed in double and rounded once, so phases are best kept in double beside streams of float (In<const float, const double>).
//
// ModalDelayed reads before the token: K_0 = D and K_l = Re sum_n W z^(l-1), as distilled kernels have it, where a small z could not be divided by. Modes
// that all the channels of a head share (x with one filter per head) are keys, and then matrix products: ModalShared, with log_modulus, phase, W, W_imag [1,H,N]. The
// others are elementwise, so chunks are those of a convolution and not of `chunkwise`.
struct Modal : Mixer<expand::One, modal::Oscillation<Axes::matrix>, modal::Read<Axes::matrix>, modal::X, modal::Direct> {
  template <class T, class P = T> struct In { View<T> x{}; View<P> log_modulus{}, phase{}, W{}, W_imag{}, D{}; };
};
struct ModalDelayed : Mixer<expand::One, modal::Oscillation<Axes::matrix>, modal::Read<Axes::matrix>, modal::X, modal::Direct, Previous> {
  template <class T, class P = T> struct In { View<T> x{}; View<P> log_modulus{}, phase{}, W{}, W_imag{}, D{}; };
};
struct ModalShared : Mixer<expand::One, modal::Oscillation<Axes::key>, modal::Read<Axes::key>, modal::X, modal::Direct> {
  template <class T, class P = T> struct In { View<T> x{}; View<P> log_modulus{}, phase{}, W{}, W_imag{}, D{}; };
};

// Kernels as modes, in double: what etsc and distil make. Modes [1,1,H,N,C], D [1,1,H,1,C].
//
//     delay 0, of Modal           K_l = Re sum_n W z^l, and D more at lag 0
//     delay 1, of ModalDelayed    K_0 = D, K_l = Re sum_n W z^(l-1)
//
// A filter that needs fewer modes than its neighbours has some with a log of -inf and no weight.
struct ModalForm {
  Buffer<double> log_modulus, phase, W, W_imag, D;
  Index delay = 0;

  ModalForm() = default;
  ModalForm(Index heads, Index modes, Index features, Index delay_of_reads = 0)
      : log_modulus(1, 1, heads, modes, features), phase(log_modulus), W(log_modulus), W_imag(log_modulus), D(1, 1, heads, 1, features), delay(delay_of_reads) {}

  Index heads() const noexcept { return D.view().head(); }
  Index modes() const noexcept { return W.view().row(); }
  Index features() const noexcept { return D.view().feature(); }
  ModalParameters<const double> parameters() const { return {log_modulus, phase, W, W_imag}; }
  // The inputs of a call, M as `delay` has it.
  template <class M, class T> typename M::template In<const T, const double> inputs(const View<const T>& x) const {
    static_assert(std::is_same_v<M, Modal> || std::is_same_v<M, ModalDelayed>, "lcsm::ModalForm: the modes of a form are those of Modal or ModalDelayed");
    if (delay != Index(M::readout::previous)) raise<OptionError>("ModalForm::inputs", "M", delay == 0 ? "Modal: this form has no delay" : "ModalDelayed: this form reads before the token", "the other");
    return {.x = x, .log_modulus = log_modulus, .phase = phase, .W = W, .W_imag = W_imag, .D = D};
  }
};

inline namespace LCSM_ARCH {

// The kernel of a form, [1,L,H,1,C].
template <class Exec, class S> void modal_kernel(const Exec& exec, const ModalForm& form, const View<S>& kernel) {
  modal_layer::check_kernel("modal_kernel", "kernel", kernel), door::output_axes("modal_kernel", "kernel", kernel);
  door::axis("modal_kernel", "kernel", kernel, 2, form.heads(), false), door::axis("modal_kernel", "kernel", kernel, 4, form.features(), false);
  const Index first = (std::min)(form.delay, kernel.time());
  modal_kernel(exec, form.parameters(), kernel.tokens(first, kernel.time() - first));
  if (kernel.time() == 0) return;
  for (Index h = 0; h < form.heads(); ++h)
    for (Index c = 0; c < form.features(); ++c) {
      S& to = kernel(0, 0, h, c);
      const double direct = form.D.view()(0, 0, h, c);
      to = stage::convert<S>(form.delay > 0 ? direct : direct + stage::convert<double>(to));
    }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
