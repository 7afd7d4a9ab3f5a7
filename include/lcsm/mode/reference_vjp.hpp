// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/cotangents.hpp>
#include <lcsm/call/gradients.hpp>
#include <lcsm/mode/differentiable.hpp>
#include <lcsm/mode/reference.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace naive {

template <bool Absolute, class F> F conj_of(F x) {
  if constexpr (!Absolute && is_complex<F>) return conj(x); else return x;
}

// The cotangents of one head's memory. What all value channels share (z, p) is a sum over them: each channel has its own part.
template <class M> struct ReferenceBar {
  using F = typename ReferenceMemory<M>::F;
  using Shape = lcsm::StateShape<M>;
  Index K, D;
  std::vector<F> m, z;
  std::vector<double> p;

  explicit ReferenceBar(const ReferenceMemory<M>& shape) : K(shape.K), D(shape.D), m(shape.m.size()), z(shape.m.size()), p(shape.p.size()) {}

  void load(const StateView<const double>& s, const ReferenceMemory<M>& memory, Index n, Index h, Index values) {
    for (Index a = 0; a < K; ++a)
      for (Index c = 0; c < values; ++c) m[to_size(a * D + c)] = pair(s.m, s.m_imag, n, h, a, c);
    if constexpr (Shape::has_z)
      for (Index a = 0; a < K; ++a)
        for (Index c = 0; c < (Shape::z_per_channel ? values : 1); ++c) z[to_size(a * D + c)] = Shape::z_per_channel ? pair(s.z, s.z_imag, n, h, a, c) : pair(s.z, s.z_imag, n, h, 0, a);
    if constexpr (Shape::has_p) {
      for (Index c = 0; c < s.p.feature(); ++c) p[to_size(c)] = s.p.at(n, 0, h, 0, c);
      for (Index c = 0; c < D; ++c) p[to_size(c)] -= scaled_along(memory, c);   // p alone, the true memory held fixed
    }
  }
  void store(const StateView<double>& s, const ReferenceMemory<M>& memory, Index n, Index h, Index values) const {
    for (Index a = 0; a < K; ++a)
      for (Index c = 0; c < values; ++c) unpair(s.m, s.m_imag, n, h, a, c, m[to_size(a * D + c)]);
    if constexpr (Shape::has_z)
      for (Index a = 0; a < K; ++a) {
        F sum{};
        for (Index c = 0; c < D; ++c) {
          sum = sum + z[to_size(a * D + c)];
          if (Shape::z_per_channel && c < values) unpair(s.z, s.z_imag, n, h, a, c, z[to_size(a * D + c)]);
        }
        if constexpr (!Shape::z_per_channel) unpair(s.z, s.z_imag, n, h, 0, a, sum);
      }
    if constexpr (Shape::has_p) {
      for (Index c = 0; c < s.p.feature(); ++c) s.p.at(n, 0, h, 0, c) = 0;
      for (Index c = 0; c < D; ++c)
        if (s.p.feature() > 0) s.p.at(n, 0, h, 0, M::scale_per_channel ? c : 0) += p[to_size(c)] + scaled_along(memory, c);
    }
  }

 private:
  // The memory is stored times exp(-p).
  double scaled_along(const ReferenceMemory<M>& memory, Index c) const {
    double sum = 0;
    for (Index a = 0; a < K; ++a) {
      const std::size_t at = to_size(a * D + c);
      sum += real_part(conj_of<false>(memory.m[at]) * m[at]) + real_part(conj_of<false>(memory.z[at]) * z[at]);
    }
    return sum;
  }
  template <class T> static F pair(const View<T>& re, const View<T>& im, Index n, Index h, Index a, Index c) {
    if constexpr (M::complex) return F(re.at(n, 0, h, a, c), im ? im.at(n, 0, h, a, c) : 0.0); else return re.at(n, 0, h, a, c);
  }
  static void unpair(const View<double>& re, const View<double>& im, Index n, Index h, Index a, Index c, F x) {
    re.at(n, 0, h, a, c) = real_part(x);
    if (im) im.at(n, 0, h, a, c) = imag_part(x);
  }
};

// What a token has read of one value channel.
template <class F> struct Read {
  F numerator{}, denominator{};
  double p = 0;
};

// Cotangents of it: of the numerator, of the denominator, and of the log scale of both with their true sizes held fixed.
template <class F> struct ReadBar {
  F numerator{};
  double denominator = 0, scale = 0;
};

// The adjoint of finish(), without the skip.
template <class M, bool Absolute, class F> ReadBar<F> read_bar(F numerator, F denominator, double p, F y_bar) {
  y_bar = y_bar * double(M::projection::scale);
  if constexpr (!M::normaliser::quotient) return {y_bar};
  else {
    using Guard = typename M::normaliser::guard;
    const double d = real_part(denominator), divisor = Guard::apply(d, p);
    const auto slopes = Guard::slopes(d, p);
    const F n_bar = y_bar * (1 / divisor);
    const double along = real_part(conj_of<Absolute>(numerator) * n_bar);                    // <y, y_bar>
    return {n_bar, -(along / divisor) * slopes.d, along * ((d * slopes.d - slopes.p) / divisor - 1)};
  }
}

// The cotangents of one token's outputs, and of what it has read.
template <class M, bool Absolute, class Y> struct OutputBars {
  using F = field_t<M::complex, double>;
  const Read<F>* read;
  const View<Y>& y_bar;
  Index offset, values;
  F output(Index c) const {
    const auto at = [&](Index f) { return coefficient<Absolute, double>(double(static_cast<storage_compute_t<std::remove_const_t<Y>>>(y_bar.data[offset + f * y_bar.stride[4]]))); };
    if constexpr (M::projection::parts == 2) return F(at(c), at(values + c)); else return widen<F>(at(c));
  }
  ReadBar<F> operator()(Index c) const { return read_bar<M, Absolute>(read[c].numerator, read[c].denominator, read[c].p, output(c)); }
};

// The adjoint of reference_token: `bar` holds the cotangents of the memory after the token, then of that before it. `read(c)` gives a ReadBar.
template <class M, bool Absolute, class Read>
void reference_token_vjp(const Tiles<M, double>& tile, Cotangents<M, double, Absolute>& to, const ReferenceMemory<M>& before, const ReferenceMemory<M>& after, ReferenceBar<M>& bar,
                         Index values, Read&& read) {
  using F = field_t<M::complex, double>;
  constexpr bool weighs = Tiles<M, double>::weighs, scaled = M::stabiliser::scaled, quotient = M::normaliser::quotient, late = std::remove_cvref_t<decltype(tile.o)>::coupling_order == Order::after_decay;
  constexpr double minus = Absolute ? 1 : -1;
  const Index K = before.K, D = before.D;
  const auto of = [](auto x) { return coefficient<Absolute, F>(x); };
  const auto cj = [](F x) { return conj_of<Absolute>(x); };
  const auto log = [](const auto& stage, Index a, Index c) { return stage.template log<double>(0, a, c); };
  for (Index c = 0; c < std::max<Index>(values, M::per_channel ? 0 : 1); ++c) {
    const ReadBar<F> r = c < values ? read(c) : ReadBar<F>{};
    const F i = c < values ? of(tile.template input<double>(0, c)) : F{}, n_bar = r.numerator, d_bar = widen<F>(r.denominator);
    const double p0 = before.p[to_size(c)], p1 = after.p[to_size(c)], own = scaled ? tile.u.template log<double>(0, 0, c) : 0.0;
    double p1_bar = bar.p[to_size(c)] + (M::readout::previous ? 0.0 : r.scale), p0_bar = 0, at = p0;
    if constexpr (scaled && M::readout::previous) {         // the scale of the read is one of the logs that it is the largest of
      Index largest = -1;
      for (Index a = 0; a < (M::readout::bonus ? K : 0); ++a)
        if (const double x = log(tile.e, a, c) + own; x > at) at = x, largest = a;
      if (largest < 0) p0_bar += r.scale; else to.e.template add_log<double>(tile.e, 0, largest, c, r.scale), to.u.template add_log<double>(tile.u, 0, 0, c, r.scale);
    }
    const auto decay = [&](Index a) {
      if constexpr (scaled) return of(tile.o.template times<double, axes::all, false>(1.0, 0, a, c)) * std::exp(log(tile.o, a, c) + p0 - p1); else return of(tile.o.template value<double>(0, a, c));
    };
    F erased{}, z_erased{}, erased_bar{}, z_erased_bar{}, i_bar{};
    if constexpr (M::coupled)
      for (Index a = 0; a < K; ++a) {
        const auto& k = tile.o.coupling();
        const F erase = of(k.erase.template value<double>(0, a, c)) * (late ? decay(a) : widen<F>(1.0)), write = of(k.write.template value<double>(0, a, c));
        const std::size_t n = to_size(a * D + c);
        erased = erased + erase * before.m[n], z_erased = z_erased + erase * before.z[n];
        const F s = M::readout::previous ? F{} : cj(of(tile.s.template value<double>(0, a, c)));
        erased_bar = erased_bar + cj(write) * (bar.m[n] + s * n_bar) * minus, z_erased_bar = z_erased_bar + cj(write) * (bar.z[n] + s * d_bar) * minus;
      }
    for (Index a = 0; a < K; ++a) {
      const std::size_t n = to_size(a * D + c);
      const F m0 = !M::shifts ? before.m[n] : a > 0 ? before.m[to_size((a - 1) * D + c)] : F{}, z0 = before.z[n], s = of(tile.s.template value<double>(0, a, c)), factor = of(tile.e.template times<double, axes::all, !weighs>(1.0, 0, a, c));
      const double log_e = weighs ? log(tile.e, a, c) : 0.0;
      F m_bar = bar.m[n], z_bar = bar.z[n], m0_bar{}, z0_bar{}, s_bar{};
      if constexpr (!M::readout::previous) s_bar = cj(after.m[n]) * n_bar + cj(after.z[n]) * d_bar, m_bar = m_bar + cj(s) * n_bar, z_bar = z_bar + cj(s) * d_bar;
      else {
        const double kept = std::exp(scaled ? p0 - at : 0.0), weight = std::exp(scaled ? log_e + own - at : log_e);
        F bonus{};
        if constexpr (M::readout::bonus) {
          const F u = of(tile.u.template times<double, axes::all, !weighs>(1.0, 0, a, c)), bonus_bar = cj(s) * (cj(i) * n_bar + d_bar);
          bonus = u * factor * weight, i_bar = i_bar + cj(bonus) * cj(s) * n_bar;
          to.u.template add<double, axes::all, !weighs>(tile.u, 0, a, c, cj(factor) * bonus_bar * weight), to.e.template add<double, axes::all, !weighs>(tile.e, 0, a, c, cj(u) * bonus_bar * weight);
          if constexpr (weighs) {
            const double log_bar = real_part(cj(bonus) * bonus_bar);
            to.u.template add_log<double>(tile.u, 0, a, c, log_bar), to.e.template add_log<double>(tile.e, 0, a, c, log_bar);
          }
        }
        s_bar = cj(m0 * kept + bonus * i) * n_bar + cj(z0 * kept + bonus) * d_bar, m0_bar = cj(s) * n_bar * kept, z0_bar = cj(s) * d_bar * kept;
      }
      to.s.template add<double>(tile.s, 0, a, c, s_bar);

      if constexpr (M::normaliser::mean) {                  // the shares of the old weight and of the new one are a softmax of their logs
        const double old = real_part(z0) + log(tile.o, a, c), top = (std::max)(old, log_e), kept = std::exp(old - top) / (std::exp(old - top) + std::exp(log_e - top)), added = 1 - kept;
        const double i_re = real_part(i), f = real_part(factor), m = real_part(m_bar), sign = real_part(of(tile.o.template times<double, axes::all, false>(1.0, 0, a, c)));
        const double shift = kept * added * (sign * real_part(m0) + minus * f * i_re) * m;
        const double old_bar = shift + kept * real_part(z_bar), new_bar = minus * shift + added * real_part(z_bar);
        to.o.template add_log<double>(tile.o, 0, a, c, old_bar), to.e.template add_log<double>(tile.e, 0, a, c, new_bar);
        to.e.template add<double, axes::all, false>(tile.e, 0, a, c, widen<F>(added * i_re * m));
        i_bar = i_bar + widen<F>(f * added * m), bar.m[n] = widen<F>(sign * kept * m), bar.z[n] = widen<F>(old_bar);
      } else {
        const F o = decay(a), e = factor * std::exp(log_e - (scaled ? p1 : 0.0));
        F o_bar = cj(m0) * m_bar, e_bar = cj(i) * m_bar;
        if constexpr (quotient) o_bar = o_bar + cj(z0) * z_bar, e_bar = e_bar + z_bar, z0_bar = z0_bar + cj(o) * z_bar;
        m0_bar = m0_bar + cj(o) * m_bar, i_bar = i_bar + cj(e) * m_bar;
        if constexpr (M::coupled) {
          const auto& k = tile.o.coupling();
          auto& k_to = to.o.coupling();
          const F erase = of(k.erase.template value<double>(0, a, c)), along = cj(m0) * erased_bar + cj(z0) * z_erased_bar;
          k_to.write.template add<double>(k.write, 0, a, c, (cj(erased) * m_bar + cj(z_erased) * z_bar) * minus);
          if constexpr (late) o_bar = o_bar + cj(erase) * along;
          k_to.erase.template add<double>(k.erase, 0, a, c, late ? cj(o) * along : along);
          const F taken = late ? cj(erase) * cj(o) : cj(erase);
          m0_bar = m0_bar + taken * erased_bar, z0_bar = z0_bar + taken * z_erased_bar;
        }
        if constexpr (!scaled) to.o.template add<double>(tile.o, 0, a, c, o_bar), to.e.template add<double>(tile.e, 0, a, c, e_bar);
        else {
          const F turn = cj(o) * o_bar;
          to.o.template add_log<double>(tile.o, 0, a, c, real_part(turn)), to.o.template add_phase<double>(tile.o, 0, a, c, Absolute ? real_part(turn) : imag_part(turn));
          to.e.template add<double, axes::all, false>(tile.e, 0, a, c, e_bar * std::exp(log_e - p1)), to.e.template add_log<double>(tile.e, 0, a, c, real_part(cj(e) * e_bar));
        }
        if constexpr (!M::shifts) bar.m[n] = m0_bar, bar.z[n] = z0_bar;
        else {                                              // to the key that it came from
          if (a > 0) bar.m[to_size((a - 1) * D + c)] = m0_bar;
          bar.m[n] = F{};
        }
      }
    }
    if constexpr (scaled) {                                 // p1 is the largest of the logs: the one it came from gets its cotangent
      Index decayed = -1, written = -1;
      for (Index a = 0; a < K && decayed < 0 && written < 0; ++a)
        if (log(tile.o, a, c) + p0 == p1) decayed = a; else if (log(tile.e, a, c) == p1) written = a;
      if (written >= 0) to.e.template add_log<double>(tile.e, 0, written, c, p1_bar);
      else if (decayed >= 0) to.o.template add_log<double>(tile.o, 0, decayed, c, p1_bar), p0_bar += p1_bar;
      bar.p[to_size(c)] = p0_bar;
    }
    if constexpr (M::skip::present) {
      if (c < values) {
        const double y_bar = real_part(read.output(c)), skip = tile.d.template load<double>(0, 0, c), x = tile.i_re.template load<double>(0, 0, c);
        to.d.add(0, 0, c, y_bar * (Absolute ? std::abs(x) : x)), i_bar = i_bar + widen<F>(y_bar * (Absolute ? std::abs(skip) : skip));
      }
    }
    if (c < values) to.template add_input<double>(0, c, i_bar);
  }
}

// Scratch: of the one worker, and what workers would share.
template <class M, class G, class C> std::pair<Index, Index> adjoint_bytes(const C& call, Index batch, const G& grads) {
  Arena counting, shared;
  { Tiles<M, double> tile(counting, call.extent, 1); Cotangents<M, double> bars(counting, call.extent, 1); }
  Gradients<M, G, double>(grads, call, batch, shared);
  return {counting.used(), shared.used()};
}

}  // namespace naive

// The adjoint of the definition, in float64 whatever the types of the views: the plain loop over the tokens in reverse, with every memory kept. The vjp
// of every mode is compared with it. y_bar: dL/dy, as y; grads: an aggregate of mutable views with the names of the inputs', written in full, where a null
// view (or no member) asks for nothing and an axis of extent 1 and stride 0 is summed over; so are heads that share a view. Tokens off the timelines get 0.
// Complex cotangents are dL/dRe + i dL/dIm. options: as in the call itself; final is not written. Inputs and gradients must not overlap. Throws
// ShapeError, SequenceError or OptionError before anything is written.
template <class M, class In, class Y, class G>
void reference_vjp(M, const In& in, const View<Y>& y_bar, const G& grads, const std::type_identity_t<Options<double>>& options = {}, const std::type_identity_t<StateCotangents<double>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::reference_vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::reference_vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else {
    using F = field_t<M::complex, double>;
    const auto call = checked_adjoint<M, double>("reference_vjp", in, y_bar, grads, options, states);
    door::nothing_saved("reference_vjp", options);
    const Index values = call.extent.values;
    const auto [bytes, shared_bytes] = naive::adjoint_bytes<M>(call, y_bar.batch(), grads);
    const Workspace scratch("reference_vjp", options.workspace, bytes, 1, shared_bytes);
    Arena shared = scratch.shared();
    const Gradients<M, G, double> gradients(grads, call, y_bar.batch(), shared);
    for (Index unit = 0; unit < call.units(); ++unit) {
      const Run run = call.unit(unit);
      auto to = gradients.unit(unit);
      Arena arena = scratch.arena(0);
      Tiles<M, double> tile(arena, call.extent, 1);
      Cotangents<M, double> bars(arena, call.extent, 1);
      std::vector<naive::ReferenceMemory<M>> memory(to_size(run.time.length) + 1, naive::ReferenceMemory<M>(call.extent.keys, values));
      std::vector<naive::Read<F>> reads(to_size(run.time.length * values));
      if (options.initial) memory[0].load(options.initial, run.sequence, run.head, values);
      tile.begin(in, run), bars.begin();
      for (Index j = 0; j < run.time.length; ++j) {
        tile.fill(in, run, j, 1), memory[to_size(j + 1)] = memory[to_size(j)];
        naive::reference_token<M, false>(tile, memory[to_size(j + 1)], values, [&](Index c, F numerator, F denominator, double p) { reads[to_size(j * values + c)] = {numerator, denominator, p}; });
      }
      naive::ReferenceBar<M> bar(memory.back());
      if (states.final) bar.load(states.final, memory.back(), run.sequence, run.head, values);
      for (Index j = run.time.length - 1; j >= 0; --j) {
        const naive::OutputBars<M, false, Y> output{reads.data() + j * values, y_bar, y_bar.offset(run.batch, run.time.token(j), run.head, 0, 0), values};
        tile.fill(in, run, j, 1), bars.start(1);
        naive::reference_token_vjp<M, false>(tile, bars, memory[to_size(j)], memory[to_size(j + 1)], bar, values, output);
        bars.flush(tile, in, to, run, j, 1);
      }
      bars.end(tile, in, to, run);
      if (states.initial) bar.store(states.initial, memory.front(), run.sequence, run.head, values);
    }
    gradients.store();
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
