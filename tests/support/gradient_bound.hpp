// SPDX-License-Identifier: MIT
#pragma once

#include "bound.hpp"

#include <lcsm/mode/reference_vjp.hpp>

namespace lcsm::test {

// How far a gradient may be from exact arithmetic, derived as the bound of the outputs is (error_sums.hpp). A gradient is a sum of products of
// coefficients, cotangents and slopes. Let S be the sum of their absolute values, and S(tau) the same with every multiplier of the oscillation raised by
// the factor 1 + tau (B + (C + E T) l), l = |log o| + |phase| of the step: a term that has lived through n steps, forwards and backwards, grows by
// 1 + tau (B n + (C + E T) L) or more. So
//
//     error <= eps (A S + (S(tau) - S) / tau)
//
// with the costs A, B, C, E of error_cost. A quotient's numerator and denominator are raised and lowered by what they may err. tau is small enough for
// (1 + tau x)^T not to matter and large enough for the difference to keep 9 digits. A: activations of what is read and of what is told, a slope of a map
// (8 ulp), and the sums over keys, channels and a block of tokens.
//
// A computation that adds logs up over tokens has their gradients as sums from the end: a token's is the difference of what is read from it on and what is
// written from it on, in which all terms that do not cross it cancel; and so is that of a log which is written beside a running maximum or total, by what
// it adds to either. `cumulated` adds so many times the sum of their sizes: such a computation may err by eps 2 (T + A) of it.
inline constexpr double gradient_tau = 1e-9;
inline double slope_cost(const ErrorCost& cost) { return 2 * cost.s + 16; }
inline double gradient_bound(double plain, double raised, const ErrorCost& cost, double eps) { return eps * (slope_cost(cost) * plain + (raised - plain) / gradient_tau); }
inline double cumulated_raise(const ErrorCost& cost, Index tokens) { return gradient_tau * 2 * (double(tokens) + slope_cost(cost)); }
// What flushed subnormal numbers of float may take: a product in each of K T terms.
inline double flushed(Index keys, Index tokens, Index values) { return 8 * double((keys + 1) * (tokens + 1) * (values + 1)) * double(std::numeric_limits<float>::min()); }

template <class M> class GradientSums {
 public:
  // S (raise = 0) or S(tau) (raise = gradient_tau) of every gradient that `grads` has, and of the initial state, if wanted.
  template <class In, class G>
  static void of(const In& in, const View<const double>& y_bar, const G& grads, const Options<double>& options, const StateCotangents<double>& states, const ErrorCost& cost, double raise, State<M, double>* initial,
                 double cumulated = 0) {
    const auto call = checked_adjoint<M, double>("gradient_sums", in, y_bar, grads, options, states);
    const Extent& n = call.extent;
    const Index values = n.values, K = n.keys, D = std::max<Index>(values, 1);
    const auto lay_out = [&](Arena& arena, auto&& use) {
      Tiles<M, double> tile(arena, n, 1);
      typename M::oscillation::template Tile<double> logs(arena, n, 1, Want{true, true});
      Cotangents<M, double, true> bars(arena, n, 1);
      use(tile, logs, bars);
    };
    Arena counting, counting_shared;
    lay_out(counting, [](auto&...) {});
    Gradients<M, G, double>(grads, call, y_bar.batch(), counting_shared);
    Buffer<std::byte> scratch(counting.used()), room(counting_shared.used() + 1);   // an arena without memory counts, and leaves gradients as they were
    Arena shared(room.data(), counting_shared.used());
    const Gradients<M, G, double> gradients(grads, call, y_bar.batch(), shared);
    for (Index unit = 0; unit < call.units(); ++unit) {
      const Run run = call.unit(unit);
      auto to = gradients.unit(unit);
      Arena arena(scratch.data(), counting.used());
      lay_out(arena, [&](auto& tile, auto& logs, auto& bars) {
        const std::size_t T = to_size(run.time.length);
        Memory start(K, values);
        if (options.initial) start.load(options.initial, run.sequence, run.head, values);
        const Memory truth = start;
        if (options.initial) absolute(start);
        std::vector<Memory> before(T, start), after(T, start);
        std::vector<naive::Read<F>> read(T * to_size(values));
        std::vector<Sizes> size(T * to_size(values)), low(T * to_size(values));
        std::vector<std::vector<double>> weight(T, std::vector<double>(to_size(K * D)));
        Memory plain = truth, memory = start, still = start;
        tile.begin(in, run), logs.begin(in, run), bars.begin();
        for (std::size_t j = 0; j < T; ++j) {
          tile.fill(in, run, Index(j), 1), logs.fill(in, run, Index(j), 1);
          const std::vector<double> p0 = plain.p;
          naive::reference_token<M, false>(tile, plain, values, [&](Index c, F x, F z, double p) { read[j * to_size(values) + to_size(c)] = {x, z, p}; });
          for (Index a = 0; a < K; ++a)
            for (Index c = 0; c < D; ++c) {
              const Index column = values > 0 ? c : 0;
              double l = std::abs(logs.template log<double>(0, a, column)) + std::abs(logs.template phase<double>(0, a, column));
              if constexpr (M::stabiliser::scaled) l += std::min(std::abs(p0[to_size(c)]), 1e3) + std::min(std::abs(plain.p[to_size(c)]), 1e3);
              weight[j][to_size(a * D + c)] = cost.w + (cost.g + cost.q * double(T)) * std::min(l, 1e4);
            }
          memory.p = p0, still.p = p0;
          grow(memory, weight[j], raise), before[j] = memory;
          naive::reference_token<M, true>(tile, memory, values, [&](Index c, F x, F z, double) { size[j * to_size(values) + to_size(c)] = {real_part(x), real_part(z)}; });
          naive::reference_token<M, true>(tile, still, values, [&](Index c, F x, F z, double) { low[j * to_size(values) + to_size(c)] = {real_part(x), real_part(z)}; });
          after[j] = memory;
        }
        naive::ReferenceBar<M> bar(start);
        if (states.final) bar.load(states.final, Memory(K, values), run.sequence, run.head, values);
        absolute(bar);
        std::vector<double> told(to_size(K * D));           // the terms of the loss that this token or a later one reads
        const auto tell = [&](const Memory& m, auto&& m_bar) {
          for (std::size_t n = 0; n < told.size(); ++n) told[n] += naive::modulus(m.m[n]) * m_bar(n).first + (M::normaliser::mean ? 0 : naive::modulus(m.z[n]) * m_bar(n).second);
        };
        if (cumulated > 0) tell(memory, [&](std::size_t n) { return std::pair(naive::modulus(bar.m[n]), naive::modulus(bar.z[n])); });
        for (std::size_t j = T; j-- > 0;) {
          Bars out;
          for (Index c = 0; c < values; ++c) {
            const std::size_t at = j * to_size(values) + to_size(c);
            const auto number = [&](Index f) { return std::abs(y_bar.at(run.batch, run.time.token(Index(j)), run.head, 0, f)); };
            const F y = widen<F>(number(c) + (M::projection::parts == 2 ? number(values + c) : 0.0));
            out.y.push_back(y);
            naive::ReadBar<F> x{y * double(M::projection::scale)};
            if constexpr (M::normaliser::quotient) {
              using Guard = typename M::normaliser::guard;
              const double d = real_part(read[at].denominator), divisor = Guard::apply(d, read[at].p), err = raise > 0 ? 1 : 0;
              const double top = naive::modulus(read[at].numerator) + err * (size[at].numerator - low[at].numerator + raise * cost.s * size[at].numerator);
              const double under = std::max(std::abs(divisor) - err * (size[at].denominator - low[at].denominator + raise * cost.s * size[at].denominator), std::abs(divisor) / 2);
              const auto slopes = Guard::slopes(d, read[at].p);
              const double n_bar = real_part(x.numerator) / under;
              x = {widen<F>(n_bar), top * n_bar / under * std::abs(slopes.d), top * n_bar * std::abs((d * slopes.d - slopes.p) / divisor - 1) + raise * cost.s * top * n_bar};
            }
            out.read.push_back(x);
          }
          tile.fill(in, run, Index(j), 1), bars.start(1);
          naive::reference_token_vjp<M, true>(tile, bars, before[j], after[j], bar, values, out);
          if (cumulated > 0) {
            tell(after[j], [&](std::size_t n) {
              const Index a = Index(n) / D, c = Index(n) % D;
              if (c >= values) return std::pair(0.0, 0.0);
              const double s = naive::modulus(tile.s.template value<double>(0, a, c));
              return std::pair(s * naive::modulus(out.read[to_size(c)].numerator), s * std::abs(out.read[to_size(c)].denominator));
            });
            for (Index a = 0; a < K; ++a)
              for (Index c = 0; c < values; ++c) {
                const double more = cumulated * told[to_size(a * D + c)];
                bars.o.template add_log<double>(tile.o, 0, a, c, more), bars.o.template add_phase<double>(tile.o, 0, a, c, more);
                if constexpr (M::stabiliser::scaled || M::normaliser::mean) bars.e.template add_log<double>(tile.e, 0, a, c, more);
              }
          }
          bars.flush(tile, in, to, run, Index(j), 1);
          grow(bar, weight[j], raise);
        }
        bars.end(tile, in, to, run);
        if (initial) {                                      // a modulus bounds both parts of a complex number
          for (F& m : bar.m) m = both(m);
          for (F& z : bar.z) z = both(z);
          bar.store(initial->view(), start, run.sequence, run.head, values);
        }
      });
    }
    gradients.store();
  }

 private:
  using F = field_t<M::complex, double>;
  using Memory = naive::ReferenceMemory<M>;

  struct Bars {
    std::vector<F> y;
    std::vector<naive::ReadBar<F>> read;
    F output(Index c) const { return y[to_size(c)]; }
    naive::ReadBar<F> operator()(Index c) const { return read[to_size(c)]; }
  };
  struct Sizes { double numerator = 0, denominator = 0; };

  static F both(F x) {
    if constexpr (is_complex<F>) return F(x.re, x.re); else return x;
  }
  template <class X> static void absolute(X& x) {
    for (F& m : x.m) m = widen<F>(naive::modulus(m));
    if constexpr (!M::normaliser::mean || std::is_same_v<X, naive::ReferenceBar<M>>) for (F& z : x.z) z = widen<F>(naive::modulus(z));
    if constexpr (std::is_same_v<X, naive::ReferenceBar<M>>) for (double& p : x.p) p = std::abs(p);
  }
  template <class X> static void grow(X& x, const std::vector<double>& weight, double raise) {
    for (std::size_t n = 0; n < x.m.size(); ++n) {
      x.m[n] = x.m[n] * (1 + raise * weight[n]);
      if constexpr (M::normaliser::quotient) x.z[n] = x.z[n] * (1 + raise * weight[n]);
    }
  }
};

}  // namespace lcsm::test
