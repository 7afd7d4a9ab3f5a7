// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/finish.hpp>
#include <lcsm/call/workspace.hpp>

#include <cmath>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace naive {

inline double modulus(double x) { return std::abs(x); }
inline double modulus(Complex<double> x) { return std::hypot(x.re, x.im); }
template <bool Absolute, class F, class X> F coefficient(X x) {
  if constexpr (Absolute) return widen<F>(modulus(x)); else return widen<F>(x);
}

// The memory of one head in double, every component spread over all K x D entries.
template <class M> struct ReferenceMemory {
  using F = field_t<M::complex, double>;
  using Shape = lcsm::StateShape<M>;
  Index K, D;
  std::vector<F> m, z;
  std::vector<double> p;

  ReferenceMemory(Index keys, Index values)
      : K(keys), D(std::max<Index>(values, 1)), m(to_size(K * D)), z(to_size(K * D), widen<F>(M::normaliser::mean ? FromNothing::value : 0.0)), p(to_size(D), M::stabiliser::start) {}

  void load(const StateView<const double>& s, Index n, Index h, Index values) {
    for (Index a = 0; a < K; ++a)
      for (Index c = 0; c < values; ++c) m[to_size(a * D + c)] = pair(s.m, s.m_imag, n, h, a, c);
    if constexpr (Shape::has_z)
      for (Index a = 0; a < K; ++a)
        for (Index c = 0; c < D; ++c) z[to_size(a * D + c)] = Shape::z_per_channel ? (c < values ? pair(s.z, s.z_imag, n, h, a, c) : F{}) : pair(s.z, s.z_imag, n, h, 0, a);
    if constexpr (Shape::has_p)
      for (Index c = 0; c < D; ++c) if (s.p.feature() > 0) p[to_size(c)] = s.p.at(n, 0, h, 0, M::scale_per_channel ? c : 0);
    if constexpr (Shape::lazy)                              // what a decay still owes to each code
      for (Index a = 0; a < K; ++a) {
        const Clock now{s.clock.at(n, 0, h, 0, 0), s.clock.at(n, 0, h, 1, 0)}, touched{s.touched.at(n, 0, h, 0, a), s.touched.at(n, 0, h, 1, a)};
        const double owed = std::exp(now.since(touched));
        for (Index c = 0; c < D; ++c) m[to_size(a * D + c)] = m[to_size(a * D + c)] * owed, z[to_size(a * D + c)] = z[to_size(a * D + c)] * owed;
      }
  }
  void store(const StateView<double>& s, Index n, Index h, Index values) const {
    for (Index a = 0; a < K; ++a)
      for (Index c = 0; c < values; ++c) unpair(s.m, s.m_imag, n, h, a, c, m[to_size(a * D + c)]);
    if constexpr (Shape::has_z)
      for (Index a = 0; a < K; ++a) {
        if constexpr (!Shape::z_per_channel) unpair(s.z, s.z_imag, n, h, 0, a, z[to_size(a * D)]);
        else for (Index c = 0; c < values; ++c) unpair(s.z, s.z_imag, n, h, a, c, z[to_size(a * D + c)]);
      }
    if constexpr (Shape::has_p) for (Index c = 0; c < s.p.feature(); ++c) s.p.at(n, 0, h, 0, c) = p[to_size(c)];
    if constexpr (Shape::lazy) {
      s.clock.at(n, 0, h, 0, 0) = s.clock.at(n, 0, h, 1, 0) = 0;
      for (Index a = 0; a < K; ++a) s.touched.at(n, 0, h, 0, a) = s.touched.at(n, 0, h, 1, a) = 0;
    }
  }

 private:
  template <class T> static F pair(const View<T>& re, const View<T>& im, Index n, Index h, Index a, Index c) {
    if constexpr (M::complex) return F(re.at(n, 0, h, a, c), im ? im.at(n, 0, h, a, c) : 0.0); else return re.at(n, 0, h, a, c);
  }
  static void unpair(const View<double>& re, const View<double>& im, Index n, Index h, Index a, Index c, F x) {
    re.at(n, 0, h, a, c) = real_part(x);
    if (im) im.at(n, 0, h, a, c) = imag_part(x);
  }
};

// The definition: the plain loop, one token. `read(c, numerator, denominator, p)` sees every read. With Absolute each coefficient is
// replaced by its modulus: the sums of the absolute values of the terms, which is what error bounds are made of.
template <class M, bool Absolute, class Read>
void reference_token(const Tiles<M, double>& tile, ReferenceMemory<M>& memory, Index values, Read&& read) {
  using F = field_t<M::complex, double>;
  constexpr bool weighs = Tiles<M, double>::weighs, scaled = M::stabiliser::scaled;
  const Index K = memory.K, D = memory.D;
  const auto of = [](auto x) { return coefficient<Absolute, F>(x); };
  for (Index c = 0; c < std::max<Index>(values, M::per_channel ? 0 : 1); ++c) {
    double& p = memory.p[to_size(c)];
    double next = 0, at = 0, own = 0;                       // log scales: after the write, of the read, of the bonus
    if constexpr (scaled) {
      next = FromNothing::value, at = p, own = tile.u.template log<double>(0, 0, c);
      for (Index a = 0; a < K; ++a) {
        const double log_e = tile.e.template log<double>(0, a, c);
        next = (std::max)({next, tile.o.template log<double>(0, a, c) + p, log_e});
        if constexpr (M::readout::bonus) at = (std::max)(at, log_e + own);
      }
    }
    const auto decay = [&](Index a) {                       // by its log: exp(log) may be 0 where exp(log + p - next) is not
      if constexpr (scaled) return of(tile.o.template times<double, axes::all, false>(1.0, 0, a, c)) * std::exp(tile.o.template log<double>(0, a, c) + p - next);
      else return of(tile.o.template value<double>(0, a, c));
    };
    F erased{}, z_erased{}, numerator{}, denominator{};
    if constexpr (M::coupled)
      for (Index a = 0; a < K; ++a) {
        F erase = of(tile.o.coupling().erase.template value<double>(0, a, c));
        if constexpr (std::remove_cvref_t<decltype(tile.o)>::coupling_order == Order::after_decay) erase = erase * decay(a);
        erased = erased + erase * memory.m[to_size(a * D + c)], z_erased = z_erased + erase * memory.z[to_size(a * D + c)];
      }
    for (Index n = 0; n < K; ++n) {
      const Index a = M::shifts ? K - 1 - n : n;            // from the last key on, whose memory is not needed any more
      F &m = memory.m[to_size(a * D + c)], &z = memory.z[to_size(a * D + c)];
      const F m0 = !M::shifts ? m : a > 0 ? memory.m[to_size((a - 1) * D + c)] : F{}, z0 = z, i = c < values ? of(tile.template input<double>(0, c)) : F{}, s = of(tile.s.template value<double>(0, a, c));
      const F factor = of(tile.e.template times<double, axes::all, !weighs>(1.0, 0, a, c));
      const double log_e = weighs ? tile.e.template log<double>(0, a, c) : 0.0;
      F o = decay(a), e = factor * std::exp(log_e - next);
      if constexpr (M::normaliser::mean) {                  // m holds the mean, z the log of its weight
        const double old = real_part(z0) + tile.o.template log<double>(0, a, c), top = (std::max)(old, log_e);
        const double kept = std::exp(old - top), added = std::exp(log_e - top), sum = kept + added;
        z = widen<F>(top + std::log(sum)), o = of(tile.o.template times<double, axes::all, false>(kept / sum, 0, a, c)), e = factor * (added / sum);
      }
      m = o * m0 + e * i;
      if constexpr (M::normaliser::quotient) z = o * z0 + e;
      if constexpr (M::coupled) {
        const F write = of(tile.o.coupling().write.template value<double>(0, a, c)) * widen<F>(Absolute ? 1.0 : -1.0);
        m = m + write * erased;
        if constexpr (M::normaliser::quotient) z = z + write * z_erased;
      }
      if constexpr (!M::readout::previous) numerator = numerator + s * m, denominator = denominator + s * z;
      else {
        const double kept = std::exp(scaled ? p - at : 0.0);
        F bonus{};
        if constexpr (M::readout::bonus) bonus = of(tile.u.template times<double, axes::all, !weighs>(1.0, 0, a, c)) * factor * std::exp(scaled ? log_e + own - at : log_e);
        numerator = numerator + s * (m0 * kept + bonus * i), denominator = denominator + s * (z0 * kept + bonus);
      }
    }
    if (c < values) read(c, numerator, denominator, M::readout::previous ? at : next);
    if constexpr (scaled) p = next;
  }
}

template <class M> Index scratch_bytes(const Extent& n) {
  Arena counting;
  { Tiles<M, double> tile(counting, n, 1); }
  return counting.used();
}

}  // namespace naive

// The definition, in float64 whatever the types of the views: T plain steps per head, in order. Everything else in the library is compared
// with it. Formula, shapes and parts: mixer.hpp; options: call/options.hpp. Inputs and y must not overlap. Throws ShapeError, SequenceError
// or OptionError before anything is written.
template <class M, class In, class S>
void reference(M, const In& in, const View<S>& y, const std::type_identity_t<Options<double>>& options = {}) {
  constexpr bool inputs = M::template bound<In>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::reference: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else {
    const auto call = checked_call<M, double>("reference", in, y, options);
    door::nothing_saved("reference", options);
    const Workspace scratch("reference", options.workspace, naive::scratch_bytes<M>(call.extent), 1);
    zero_padding(call, y);
    for (Index unit = 0; unit < call.units(); ++unit) {
      const Run run = call.unit(unit);
      Arena arena = scratch.arena(0);
      Tiles<M, double> tile(arena, call.extent, 1);
      naive::ReferenceMemory<M> memory(call.extent.keys, call.extent.values);
      if (options.initial) memory.load(options.initial, run.sequence, run.head, call.extent.values);
      tile.begin(in, run);
      for (Index j = 0; j < run.time.length; ++j) {
        tile.fill(in, run, j, 1);
        const Row<S> row = output_row(y, run, j);
        naive::reference_token<M, false>(tile, memory, call.extent.values,
                                          [&](Index c, auto numerator, auto denominator, double p) { finish(tile, 0, row, c, numerator, denominator, p); });
      }
      if (options.final) memory.store(options.final, run.sequence, run.head, call.extent.values);
    }
    finish_positions(call);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
