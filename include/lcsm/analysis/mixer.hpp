// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/dynamics.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/reference.hpp>

namespace lcsm::analysis {

// Which head of which sequence of a call. `values`: value channels; 0: as many as the inputs say. `order`: the tokens in another order, a permutation of
// 0 .. T-1, each at the position of its place; empty: as they stand.
struct Which {
  Index batch = 0, head = 0, values = 0;
  std::vector<Index> order{};
};

inline namespace LCSM_ARCH {

struct Sizes { Index batch = 1, tokens = 0, heads = 1, values = 0; };

// The sizes of a call, read off the inputs alone.
template <class M, class In> Sizes sizes(const In& in, const Which& which) {
  Sizes n;
  M::visit([&]<class Leaf>() {
    const auto& v = Leaf::view(in);
    if constexpr (Leaf::streams) n.batch = std::max<Index>(n.batch, v.batch()), n.tokens = std::max<Index>(n.tokens, v.time());
    n.heads = std::max<Index>(n.heads, v.head());
  });
  n.values = which.values > 0 ? which.values : std::max<Index>(door::value_width<M>(in), 1);
  const auto within = [](const char* argument, Index index, Index extent) {
    if (index < 0 || index >= extent) raise<ShapeError>("analysis::dynamics", argument, "between 0 and " + door::text(extent - 1), door::text(index));
  };
  within("which.batch", which.batch, n.batch), within("which.head", which.head, n.heads);
  if (!which.order.empty() && Index(which.order.size()) != n.tokens) raise<ShapeError>("analysis::dynamics", "which.order", door::text(n.tokens) + " tokens", door::text(Index(which.order.size())));
  for (const Index t : which.order) within("which.order", t, n.tokens);
  return n;
}

inline Number number(double x) { return x; }
inline Number number(Complex<double> x) { return {x.re, x.im}; }

// The row of a mixer, of an empty memory: what the definition (mode/reference.hpp) reads of the inputs token by token, and the scales, weights and denominators that it comes to.
// `in` as for any mode, in any storage; computed in double. The input is looked at for its shape alone, the skip not at all. Throws as `reference` does.
template <class M, class In> Dynamics dynamics(M, const In& in, const Which& which = {}) {
  constexpr bool inputs = M::template bound<In>;
  Dynamics d;
  if constexpr (!inputs) static_assert(inputs, "lcsm::analysis::dynamics: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else {
    using F = field_t<M::complex, double>;
    constexpr bool scaled = M::stabiliser::scaled, mean = M::normaliser::mean, weighs = scaled || mean;
    const Sizes n = sizes<M>(in, which);
    const Options<double> options{};
    const Call<M, double, In> call("analysis::dynamics", in, options, n.batch, n.tokens, n.heads, n.values);
    Run run = call.run(which.batch, which.head);
    if (!which.order.empty()) run.time.table = which.order.data();

    d.tokens = n.tokens, d.width = call.extent.keys, d.values = n.values, d.systems = M::per_channel ? n.values : 1;
    d.structure = M::structure, d.coupled = M::coupled, d.shifts = M::shifts, d.complex = M::complex, d.time_invariant = M::time_invariant, d.previous = M::readout::previous;
    d.normaliser = M::normaliser::quotient ? Eta::quotient : mean ? Eta::mean : Eta::one;
    d.projection = M::projection::scale, d.whole = matrix_planes<M> == 2;
    if (M::complex) d.phi_name = d.whole ? "identity" : d.projection == 2 ? "2 Re" : "Re";
    using Shape = StateShape<M>;
    d.state_numbers = d.width * n.values * (Shape::has_imag ? 2 : 1) + (Shape::has_z ? d.width * (Shape::z_per_channel ? n.values : 1) * (Shape::z_imag ? 2 : 1) : 0) +
                      (Shape::has_p ? (M::scale_per_channel ? n.values : 1) : 0);
    d.cache_numbers = d.width + n.values;

    const auto entries = [&](bool present) { return std::vector<Number>(present ? to_size(n.tokens * d.systems * d.width) : 0); };
    const std::size_t rows = to_size(n.tokens * d.systems);
    d.decay = entries(true), d.write = entries(true), d.read = entries(true), d.correct = entries(d.coupled), d.erase = entries(d.coupled), d.stored_decay = entries(scaled);
    d.scale.resize(rows), d.eta.resize(M::normaliser::quotient ? rows : 0), d.log_scale.resize(scaled ? rows : 0), d.own.resize(d.previous ? rows : 0);

    const Workspace scratch("analysis::dynamics", {}, naive::scratch_bytes<M>(call.extent), 1);
    Arena arena = scratch.arena(0);
    Tiles<M, double> tile(arena, call.extent, 1);
    naive::ReferenceMemory<M> memory(d.width, d.systems);
    tile.begin(in, run);
    for (Index t = 0; t < n.tokens; ++t) {
      tile.fill(in, run, t, 1);
      const std::vector<double> p = memory.p;
      const std::vector<F> z = memory.z;
      std::vector<double> read_scale(to_size(d.systems));
      naive::reference_token<M, false>(tile, memory, d.systems, [&](Index c, auto, auto denominator, double at) {
        read_scale[to_size(c)] = at;
        if constexpr (M::normaliser::quotient) d.eta[to_size(t * d.systems + c)] = M::normaliser::guard::apply(double(real_part(denominator)), at);
      });
      for (Index c = 0; c < d.systems; ++c) {
        const std::size_t row = to_size(t * d.systems + c);
        const double p_before = p[to_size(c)], p_after = memory.p[to_size(c)], kept = scaled && d.previous ? std::exp(p_before - read_scale[to_size(c)]) : 1;
        d.scale[row] = naive::modulus(tile.e.template times<double, axes::channel>(1.0, 0, 0, c));
        if constexpr (scaled) d.log_scale[row] = p_after;
        for (Index a = 0; a < d.width; ++a) {
          const std::size_t i = d.at(t, c) + to_size(a), entry = to_size(a * d.systems + c);
          const Number factor = number(tile.e.template times<double, axes::all, !weighs>(1.0, 0, a, c)), s = number(tile.s.template value<double>(0, a, c));
          const double log_e = weighs ? tile.e.template log<double>(0, a, c) : 0;
          d.decay[i] = number(tile.o.template value<double>(0, a, c)), d.write[i] = factor, d.read[i] = s * kept;
          if constexpr (weighs) {                           // the logs, against the scale of the head or the weight of the key
            const double before = mean ? real_part(z[entry]) : p_before, after = mean ? real_part(memory.z[entry]) : p_after;
            const Number applied = number(tile.o.template times<double, axes::all, false>(1.0, 0, a, c)) * std::exp(before + tile.o.template log<double>(0, a, c) - after);
            (mean ? d.decay : d.stored_decay)[i] = applied, d.write[i] = factor * std::exp(log_e - after);
          }
          if constexpr (M::coupled) {
            d.correct[i] = number(tile.o.coupling().write.template value<double>(0, a, c)), d.erase[i] = number(tile.o.coupling().erase.template value<double>(0, a, c));
            if constexpr (std::remove_cvref_t<decltype(tile.o)>::coupling_order == Order::after_decay) d.erase[i] *= d.decay[i];
          }
          if constexpr (M::readout::bonus) {
            const double log_u = scaled ? tile.u.template log<double>(0, 0, c) - read_scale[to_size(c)] : 0;
            d.own[row] += s * number(tile.u.template times<double, axes::all, !weighs>(1.0, 0, a, c)) * factor * std::exp(log_e + log_u);
          }
        }
      }
    }
  }
  return d;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm::analysis
