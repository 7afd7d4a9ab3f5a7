// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/sum_onto.hpp>
#include <lcsm/kernel/powers.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/simd/denormals.hpp>
#include <lcsm/stage/leaf.hpp>
#include <lcsm/tensor/buffer.hpp>

namespace lcsm {

// N modes per channel, z_n = exp(log_modulus_n + i phase_n) with weights W_n + i W_imag_n: views [1,1,H,N,D], any of whose axes may say that it
// does not vary (extent 1, stride 0); a number of heads that divides H is shared in groups, as inputs of mixers are. Logs of -inf are z = 0.
template <class T> struct ModalParameters { View<T> log_modulus{}, phase{}, W{}, W_imag{}; };

namespace door {

template <class P> void modes_axes(const char* function, const char* name, const View<P>& v, Index heads, Index modes, Index features) {
  data(function, name, v), grouped_heads(function, name, v, heads);
  axis(function, name, v, 0, 1, true), axis(function, name, v, 1, 1, true), axis(function, name, v, 3, modes, true), axis(function, name, v, 4, features, true);
}
// The number of modes, those of the first view that has an axis of them.
template <class P> Index modes(const char* function, const ModalParameters<P>& p, Index heads, Index features, bool weights) {
  Index count = 1;
  for (const View<P>& v : {p.W_imag, p.W, p.phase, p.log_modulus})
    if (v && !(v.row() == 1 && v.stride[3] == 0)) count = v.row();
  modes_axes(function, "log_modulus", p.log_modulus, heads, count, features), modes_axes(function, "phase", p.phase, heads, count, features);
  if (weights) modes_axes(function, "W", p.W, heads, count, features), modes_axes(function, "W_imag", p.W_imag, heads, count, features);
  return count;
}
template <class P> void modes_gradients(const char* function, const ModalParameters<P>& grads, Index heads, Index count, Index features) {
  const auto check = [&](const char* name, const View<P>& v) {
    if (v) output_axes(function, name, v), modes_axes(function, name, v, heads, count, features);
  };
  check("gradient of log_modulus", grads.log_modulus), check("gradient of phase", grads.phase), check("gradient of W", grads.W), check("gradient of W_imag", grads.W_imag);
}
// A stream [batch, T, H, 1, D], of any extents but that of its rows.
template <class S> void stream(const char* function, const char* name, const View<S>& v) {
  data(function, name, v), axis(function, name, v, 3, 1, true);
}

}  // namespace door

inline namespace LCSM_ARCH {
namespace modal_layer {

template <class P> double number(const View<P>& v, Index heads, Index h, Index n, Index c) { return stage::convert<double>(v.at(0, 0, h / (heads / v.head()), v.row() == 1 ? 0 : n, v.feature() == 1 ? 0 : c)); }
template <class P> std::complex<double> weight(const ModalParameters<P>& p, Index heads, Index h, Index n, Index c) {
  return {number(p.W, heads, h, n, c), number(p.W_imag, heads, h, n, c)};
}

// f(tables, h, c) for every filter, with tables of its modes.
template <class Exec, class P, class F> void for_each_filter(const Exec& exec, const ModalParameters<P>& p, Index heads, Index features, Index count, Index lags, F&& f) {
  const Index filters = heads * features;
  std::vector<PowerTables> tables(to_size((std::min)(filters, Index(exec.workers(filters)))), PowerTables(count, lags));
  exec.for_each(filters, [&](Index item, Index worker) {
    const simd::FlushDenormals flush;
    const Index h = item / features, c = item % features;
    PowerTables& own = tables[to_size(worker)];
    for (Index n = 0; n < count; ++n) own.set(n, number(p.log_modulus, heads, h, n, c), number(p.phase, heads, h, n, c));
    f(own, h, c);
  });
}

// Gradients of modes, one for every filter and mode, and then summed in order over what shares a number.
class ModeGradients {
 public:
  ModeGradients(Index heads, Index count, Index features) : heads_(heads), count_(count), features_(features), pole_(1, 1, heads, count, 2 * features), weight_(pole_) {}
  void pole(Index h, Index n, Index c, std::complex<double> x) { put(pole_, h, n, c, x); }
  void weight(Index h, Index n, Index c, std::complex<double> x) { put(weight_, h, n, c, x); }
  template <class G> void finish(const ModalParameters<G>& grads) const {
    share(grads.log_modulus, pole_, 0), share(grads.phase, pole_, 1), share(grads.W, weight_, 0), share(grads.W_imag, weight_, 1);
  }

 private:
  static void put(Buffer<double>& to, Index h, Index n, Index c, std::complex<double> x) {
    to.view().at(0, 0, h, n, 2 * c) = x.real(), to.view().at(0, 0, h, n, 2 * c + 1) = x.imag();
  }
  template <class G> void share(const View<G>& to, const Buffer<double>& from, Index part) const {
    if (to) sum_onto(exec::seq, to, View<const double>(from.data() + part, {1, 1, heads_, count_, features_}, {0, 0, count_ * 2 * features_, 2 * features_, 2}));
  }
  Index heads_, count_, features_;
  Buffer<double> pole_, weight_;                            // [Re, Im] of each channel side by side
};

template <class S> void check_kernel(const char* function, const char* name, const View<S>& kernel) {
  door::stream(function, name, kernel), door::axis(function, name, kernel, 0, 1, true);
}

}  // namespace modal_layer

// The kernel of a sum of modes, the convolution mode of every diagonal time-invariant mixer (Gu et al. 2022, https://arxiv.org/abs/2206.11893, section 3.3):
//
//     kernel[l,c] = scale Re sum_n W[n,c] z[n,c]^l,  l = 0 ... L - 1          scale 2: one mode of each conjugate pair is given
//
// kernel [1,L,H,1,D], lag 0 first. Matrix products of power tables in double (powers.hpp), rounded once to the kernel's type, 2 N L products and sums per
// channel. A lag errs by 14 + 2 N eps, plus l |log_modulus| eps, of sum |W z^l|, and the rounding. Powers below 1e-300 are 0. Throws ShapeError before
// anything is written.
template <class Exec, class P, class S> void modal_kernel(const Exec& exec, const ModalParameters<P>& p, const View<S>& kernel, double scale = 1) {
  using namespace modal_layer;
  check_kernel("modal_kernel", "kernel", kernel), door::output_axes("modal_kernel", "kernel", kernel);
  const Index H = kernel.head(), D = kernel.feature(), N = door::modes("modal_kernel", p, H, D, true);
  for_each_filter(exec, p, H, D, N, kernel.time(), [&](PowerTables& z, Index h, Index c) {
    z.evaluate([&](Index n) { return scale * weight(p, H, h, n, c); }, [&](Index first, const double* from, Index count) {
      for (Index k = 0; k < count; ++k) kernel(0, first + k, h, c) = stage::convert<S>(from[k]);
    });
  });
}

// Its adjoint. kernel_bar as the kernel, gradients as the parameters (null views are not computed, axes of stride 0 are summed), written:
//
//     dW[n] = scale sum_l kernel_bar[l] conj(z^l)          d(log_modulus + i phase)[n] = scale sum_l kernel_bar[l] l conj(W z^l)
//
// as dL/dRe + i dL/dIm, from the same tables.
template <class Exec, class P, class S, class G>
void modal_kernel_vjp(const Exec& exec, const ModalParameters<P>& p, const View<S>& kernel_bar, const ModalParameters<G>& grads, double scale = 1) {
  using namespace modal_layer;
  check_kernel("modal_kernel_vjp", "kernel_bar", kernel_bar);
  const Index H = kernel_bar.head(), D = kernel_bar.feature(), N = door::modes("modal_kernel_vjp", p, H, D, true);
  door::modes_gradients("modal_kernel_vjp", grads, H, N, D);
  ModeGradients sums(H, N, D);
  for_each_filter(exec, p, H, D, N, kernel_bar.time(), [&](PowerTables& z, Index h, Index c) {
    std::vector<std::complex<double>> plain(to_size(N)), weighted(plain);
    z.sums(
        [&](Index first, double* to, Index count) {
          for (Index k = 0; k < count; ++k) to[k] = stage::convert<double>(kernel_bar(0, first + k, h, c));
        },
        plain.data(), weighted.data());
    for (Index n = 0; n < N; ++n) {
      sums.weight(h, n, c, scale * std::conj(plain[to_size(n)]));
      sums.pole(h, n, c, scale * std::conj(weight(p, H, h, n, c) * weighted[to_size(n)]));
    }
  });
  sums.finish(grads);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
