// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/door.hpp>
#include <lcsm/call/tiles.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/kernel/powers.hpp>
#include <lcsm/mode/kernel_of.hpp>

#include <complex>

namespace lcsm {
inline namespace LCSM_ARCH {

// Mixers whose taps are sums over the memory of weight times power, k_l = sum_a (s[a] e[a]) o[a]^l: nothing mixes or moves keys, and what is read is the memory after its token.
template <class M> inline constexpr bool is_modal = is_convolvable<M> && !M::coupled && !M::shifts && !M::readout::previous && !M::readout::bonus;

// The taps of such a mixer by tables of powers in double (powers.hpp): matrix products of 4 K operations a tap and channel. k as of convolution_kernel.
template <class Exec, class M, class In, class S> void modal_taps(const Exec& exec, M, const In& in, const View<S>& k) {
  using Kernel = KernelOf<M>;
  constexpr Index planes = matrix_planes<M>;
  const auto call = checked_call<Kernel, double>("convolution_kernel", in, k, Options<double>{});
  const Index L = k.time(), H = call.extent.heads, K = call.extent.keys, D = call.extent.values;
  Arena counting;
  { Tiles<Kernel, double> tile(counting, call.extent, 1, true); }
  const Workspace workspace("convolution_kernel", {}, counting.used(), 1);
  Arena arena = workspace.arena(0);
  Tiles<Kernel, double> tile(arena, call.extent, 1, true);
  std::vector<PowerTables> tables(to_size(exec.workers((std::max<Index>)(D, 1))), PowerTables(K, L));
  std::vector<std::complex<double>> weights(to_size(K) * tables.size());
  for (Index h = 0; h < H && L > 0; ++h) {
    const Run run = call.unit(h);
    tile.begin(in, run), tile.fill(in, run, 0, 1);
    exec.for_each(D, [&](Index c, Index worker) {
      PowerTables& z = tables[to_size(worker)];
      std::complex<double>* const w = weights.data() + worker * K;
      for (Index a = 0; a < K; ++a) {
        const auto number = [](auto x) { return std::complex<double>(real_part(x), imag_part(x)); };
        const double turned = tile.o.template signs<double>(1.0, 0, a, c) < 0 ? 3.14159265358979323846 : 0.0;
        z.set(a, tile.o.template log<double>(0, a, c), tile.o.template phase<double>(0, a, c) + turned);
        w[a] = number(tile.e.template value<double>(0, a, c)) * number(tile.s.template value<double>(0, a, c)) * double(Kernel::projection::scale);
      }
      for (Index plane = 0; plane < planes; ++plane)        // the imaginary part of a sum is the real part of -i times it
        z.evaluate([&](Index a) { return plane == 0 ? w[a] : std::complex<double>(w[a].imag(), -w[a].real()); },
                   [&](Index first, const double* values, Index count) { for (Index l = 0; l < count; ++l) k.at(0, first + l, h, 0, plane * D + c) = static_cast<S>(values[l]); });
    });
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
