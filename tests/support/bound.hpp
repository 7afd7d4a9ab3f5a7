// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/reference.hpp>
#include <support/error_sums.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lcsm::test {

// A mixer whose maps of rows add terms that may cancel says which mixer has the sizes of these terms in its place, as M::sizes.
template <class M> auto sizes_of() {
  if constexpr (requires { typename M::sizes; }) return typename M::sizes{}; else return M{};
}

// The norms of a convolution's taps and of its inputs (the largest of all sequences), by head and channel.
struct ChannelNorms { std::vector<double> taps, inputs; };
template <class M, class In> ChannelNorms channel_norms(const Call<M, double, In>& call) {
  const Extent& n = call.extent;
  ChannelNorms out{std::vector<double>(to_size(n.heads * n.values)), std::vector<double>(to_size(n.heads * n.values))};
  if constexpr (is_convolvable<M> && KernelOf<M>::template bound<In>) {
    if (n.tokens == 0 || n.values == 0) return out;
    Buffer<double> k(1, n.tokens, n.heads, attention_rows<M>(n.values));
    convolution_kernel(exec::seq, M{}, call.in, k.view());
    const Index width = k.view().feature() / matrix_planes<M>;
    const LeafRows<typename M::input::leaf, double> re(exec::seq, call, true);
    const LeafRows<typename M::input::imag, double> im(exec::seq, call, M::input::domain == Domain::complex);
    constexpr Index W = simd::width<Batch<double>>;
    for (Index channel = 0; channel < n.heads * n.values; ++channel) {
      double taps = 0, inputs = 0;
      for (Index plane = 0; plane < matrix_planes<M>; ++plane)
        for (Index l = 0; l < n.tokens; ++l) {
          const double x = k.view().at(0, l, channel / n.values, 0, plane * width + (width == 1 ? 0 : channel % n.values));
          taps += x * x;
        }
      for (Index s = 0; s < n.sequences; ++s) {
        const Run run = call.run(s, 0);
        double sum = 0;
        const auto add = [&](const auto& rows) {
          const auto stream = rows.stream(call.in, n, run, channel / W);
          double lanes[W];
          for (Index t = 0; t < run.time.length; ++t) simd::store(lanes, stream(t)), sum += lanes[channel % W] * lanes[channel % W];
        };
        add(re);
        if (M::input::domain == Domain::complex) add(im);
        inputs = std::max(inputs, sum);
      }
      out.taps[to_size(channel)] = std::sqrt(taps), out.inputs[to_size(channel)] = std::sqrt(inputs);
    }
  }
  return out;
}
// The sums of a call (error_sums.hpp says what they are). in, options: of a call in double; the rest is the shape of y.
template <class M, class In>
CallSums error_sums(const In& in, const Options<double>& options, Index batch, Index tokens, Index heads, Index values) {
  using Sizes = decltype(sizes_of<M>());
  using Memory = naive::ReferenceMemory<Sizes>;
  using F = typename Memory::F;
  using Shape = StateShape<M>;
  constexpr bool quotient = M::normaliser::quotient;
  constexpr Index parts = M::projection::parts;
  const Call<M, double, In> call("error_sums", in, options, batch, tokens, heads, values);
  const Extent& n = call.extent;
  const Index K = n.keys, D = std::max<Index>(values, 1), z_width = Shape::z_per_channel ? K * values : K;
  CallSums out;
  out.keys = K;
  const ChannelNorms norms = channel_norms(call);
  if constexpr (is_convolvable<M>)
    for (Index row = 0; row < batch * tokens * heads; ++row)
      for (Index c = 0; c < parts * values; ++c) {
        const std::size_t channel = to_size(row % heads * values + c % values);
        out.fourier.push_back(norms.taps[channel] * norms.inputs[channel]);
      }
  out.y.resize(to_size(batch * tokens * heads * parts * values)), out.m.resize(to_size(n.sequences * heads * K * values));
  if (Shape::has_z) out.z.resize(to_size(n.sequences * heads * z_width));

  const auto lay_out = [&](Arena& arena, auto&& use) {
    Tiles<M, double> tile(arena, n, 1);
    Tiles<Sizes, double> sizes(arena, n, 1);
    typename M::oscillation::template Tile<double> logs(arena, n, 1, Want{true, true});
    use(tile, sizes, logs);
  };
  Arena counting;
  lay_out(counting, [](auto&, auto&, auto&) {});
  Buffer<std::byte> scratch(counting.used());
  for (Index unit = 0; unit < call.units(); ++unit) {
    const Run run = call.unit(unit);
    Arena arena(scratch.data(), counting.used());
    lay_out(arena, [&](auto& tile, auto& sizes, auto& logs) {
      tile.begin(in, run), sizes.begin(in, run), logs.begin(in, run);
      naive::ReferenceMemory<M> plain(K, values);
      const Memory none(K, values);
      Memory memory[4] = {none, none, none, none};
      if (options.initial) {
        plain.load(options.initial, run.sequence, run.head, values);
        memory[0].load(options.initial, run.sequence, run.head, values);
        for (F& x : memory[0].m) x = widen<F>(naive::modulus(x));
        if constexpr (quotient) for (F& x : memory[0].z) x = widen<F>(naive::modulus(x));
        memory[1] = memory[2] = memory[3] = memory[0];
      }
      std::vector<F> numerator(to_size(D)), denominator(to_size(D));
      std::vector<double> scale(to_size(D)), before;
      std::vector<F> weight_before;
      std::vector<ErrorSums> weights(to_size(K));
      for (Index j = 0; j < run.time.length; ++j) {
        tile.fill(in, run, j, 1), sizes.fill(in, run, j, 1), logs.fill(in, run, j, 1);
        before = plain.p, weight_before = plain.z;
        naive::reference_token<M, false>(tile, plain, values, [&](Index c, F x, F z, double p) {
          numerator[to_size(c)] = x, denominator[to_size(c)] = z, scale[to_size(c)] = p;
        });
        for (Index a = 0; a < K; ++a)
          for (Index c = 0; c < D; ++c) {
            const Index column = values > 0 ? c : 0;
            double l = std::abs(logs.template log<double>(0, a, column)) + std::abs(logs.template phase<double>(0, a, column));
            if constexpr (M::stabiliser::scaled) l += std::min(std::abs(before[to_size(c)]), 1e3) + std::min(std::abs(plain.p[to_size(c)]), 1e3);
            l = std::min(l, 1e4);                            // a closed gate: what it multiplies is 0 anyway
            if constexpr (M::stabiliser::scaled || M::normaliser::mean)
              out.peak = std::max(out.peak, std::min(std::abs(tile.e.template log<double>(0, a, column)), 1e3) +
                                                std::min(std::abs(plain.p[to_size(c)]), 1e3));
            const auto grow = [&](std::vector<F> Memory::* x) {
              const std::size_t at = to_size(a * D + c);
              const F s = (memory[0].*x)[at], w = (memory[1].*x)[at], g = (memory[2].*x)[at];
              (memory[3].*x)[at] = (memory[3].*x)[at] + g + (w + s) * widen<F>(l);
              (memory[2].*x)[at] = g + s * widen<F>(l);
              (memory[1].*x)[at] = w + s;
            };
            grow(&Memory::m);
            if constexpr (quotient) grow(&Memory::z);
          }
        // The log of a total weight errs absolutely: by what its step rounds, and by the share of the old weight in what came before.
        if constexpr (M::normaliser::mean)
          for (Index a = 0; a < K; ++a) {
            const double was = real_part(weight_before[to_size(a * D)]), is = real_part(plain.z[to_size(a * D)]), l = logs.template log<double>(0, a, 0);
            ErrorSums& x = weights[to_size(a)];
            x.s = std::abs(is) + 1, x.w = std::exp(was + l - is) * x.w + std::abs(is) + std::abs(l) + 6;
          }
        const Index row = ((run.batch * tokens + run.time.token(j)) * heads + run.head) * parts * values;
        double ErrorSums::* const kind[] = {&ErrorSums::s, &ErrorSums::w, &ErrorSums::g, &ErrorSums::q};
        for (int x = 0; x < 4; ++x)
          naive::reference_token<Sizes, true>(sizes, memory[x], values, [&](Index c, F read, F weight, double) {
            double sum = real_part(read);
            if constexpr (quotient) {
              const double divisor = M::normaliser::guard::apply(real_part(denominator[to_size(c)]), scale[to_size(c)]);
              sum = (sum + naive::modulus(numerator[to_size(c)]) / std::abs(divisor) * real_part(weight)) / std::abs(divisor);
            }
            sum *= M::projection::scale;
            if constexpr (M::skip::present) sum += std::abs(tile.d.template load<double>(0, 0, c) * tile.i_re.template load<double>(0, 0, c));
            for (Index part = 0; part < parts; ++part) out.y[to_size(row + part * values + c)].*kind[x] = sum;
          });
      }
      const Index first = run.sequence * heads + run.head;
      const auto keep = [&](std::vector<ErrorSums>& to, Index at, std::vector<F> Memory::* x, Index from) {
        const auto of = [&](int y) { return real_part((memory[y].*x)[to_size(from)]); };
        to[to_size(at)] = {of(0), of(1), of(2), of(3)};
      };
      for (Index a = 0; a < K; ++a) {
        for (Index c = 0; c < values; ++c) {
          keep(out.m, (first * K + a) * values + c, &Memory::m, a * D + c);
          if constexpr (quotient && Shape::z_per_channel) keep(out.z, first * z_width + a * values + c, &Memory::z, a * D + c);
        }
        if constexpr (M::normaliser::mean) out.z[to_size(first * z_width + a)] = weights[to_size(a)];
        if constexpr (quotient && !Shape::z_per_channel) keep(out.z, first * z_width + a, &Memory::z, a * D);
      }
    });
  }
  return out;
}

// The operations of a mode. summed: tokens that end up in one sum; any_form: of a computation that may add logs and angles up over tokens. Our
// modes multiply decays and add angles in double; only the scales of running maxima are sums of logs.
//   A  e and s: a map (2 ulp), its scale and the product with the rest, i: a rounding, finish: three: 10 in all. Every number that is summed
//      costs half an eps: keys and tokens. Scaled memories: exp of a difference of logs, each of them rounded.
//   B  multiplier 2, product and sum 1/2 each; without oscillation the sum alone; a phase adds 2 ulp of sin and cos and a complex product,
//      whose error is sqrt(5) eps / 2 instead of eps / 2 (Brent, Percival, Zimmermann 2007, https://doi.org/10.1090/S0025-5718-07-01931-X)
//   C  two maps and two products: the longest chain that leads to a log (RG-LRU: -8 sigmoid(r) softplus(parameter))
//   E  half an eps per partial sum
// The log of a total weight (Mean): s is its size plus 1, w adds up its size, its log decay and 6 at every step: half an eps of the result, exp and
// log1p of at most 2 ulp of numbers below 1 each, and the sum of log and decay.
template <class M> ErrorCost error_cost(const CallSums& sums, Index summed, bool any_form) {
  ErrorCost cost;
  cost.s = 10 + 0.5 * double(sums.keys + summed) + sums.peak;
  cost.w = M::structure == Structure::identity && !M::coupled ? 0.5 : 3;
  if (M::complex) cost.s *= 2.25, cost.w = cost.w < 3 ? 1.2 : 6;
  cost.g = M::structure == Structure::identity ? 0 : 5;
  cost.q = M::structure != Structure::identity && (any_form || (M::stabiliser::scaled && summed > 1)) ? 0.5 : 0;
  return cost;
}

}  // namespace lcsm::test
