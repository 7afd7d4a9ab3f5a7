// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/recurrent_vjp.hpp>
#include <lcsm/mode/scan.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The adjoint of a stretch is linear in the cotangents of the memory after it: what reaches the memory before it is those times the conjugate of the
// stretch's whole decay, plus what its own tokens read. So cotangents are carried over stretches as memories are, the other way round. Scales and
// means would need more than the decay, and a coupling its transition: their heads are swept as a whole. So are codes, in O(D) per token.
template <class M> inline constexpr bool splits_backwards = !M::stabiliser::scaled && !M::normaliser::mean && !M::coupled && !M::shifts && !is_code_kernel<M>;

// carry: of the memory after a stretch, then of that before it. bar: what the stretch's own tokens read of the memory before it; then what carry was.
template <class M, class T> void carry_back(const Memory<M, double>& carry, const Summary<M, T>& stretch, const Memory<M, double>& bar) {
  using F = field_t<M::complex, double>;
  const auto step = [](F& after, F& own, auto decay) {
    const F before = stage::conjugate<false>(decay) * after + own;
    own = after, after = before;
  };
  for (Index a = 0; a < carry.keys; ++a)
    for (Index c = 0; c < carry.values; ++c) {
      F after = carry.template load_m<double>(a, c), own = bar.template load_m<double>(a, c);
      step(after, own, stretch.product_at(a, c)), carry.store_m(a, c, after), bar.store_m(a, c, own);
    }
  if constexpr (M::normaliser::quotient)
    for (Index r = 0; r < carry.z_rows(); ++r)
      for (Index c = 0; c < carry.z_columns(); ++c) {
        F after = carry.template load_z<double>(r, c), own = bar.template load_z<double>(r, c);
        if constexpr (StateShape<M>::z_per_channel) step(after, own, stretch.product_at(r, c)); else step(after, own, stretch.product_at(c, 0));
        carry.store_z(r, c, after), bar.store_z(r, c, own);
      }
}

template <class Exec, class M, class T, class In, class Y, class G>
void scan_vjp_over_time(const Exec& exec, const Call<M, T, In>& call, const View<Y>& y_bar, const G& grads, const StateCotangents<T>& states) {
  const Extent& n = call.extent;
  const Stretches all(call, call.options.tuning.scan_chunk);
  const Index stretches = all.count(), length = (std::min)(call.options.tuning.scan_chunk, n.tokens);
  std::vector<typename Gradients<M, G, T>::Part> parts;
  for (Index s = 0; s < stretches; ++s) parts.push_back({call.unit(all.unit(s)).batch, call.unit(all.unit(s)).head});
  Arena counting, counting_scan, counting_shared;
  { StretchVjp<M, T> work(counting, n, call.options.tuning.chunk, length, length); }
  { ScanScratch<M, T> scratch(counting_scan, n, call.options.tuning); }
  const auto lay_out = [&](Arena& arena, auto&& use) {
    std::vector<Summary<M, T>> summary;
    std::vector<Memory<M, double>> bars;
    for (Index s = 0; s < stretches; ++s) summary.emplace_back(arena, n.keys, n.values), bars.push_back(Memory<M, double>::in(arena, n.keys, n.values));
    const Gradients<M, G, T> gradients(grads, call, y_bar.batch(), parts, arena);
    use(summary, bars, gradients);
  };
  lay_out(counting_shared, [](auto&&...) {});
  const Index bytes = (std::max)(counting.used(), counting_scan.used()), workers = exec.workers((std::max)(stretches, call.units()));
  if constexpr (measures<Exec>) return void(exec.bytes = Workspace::size(bytes, workers, counting_shared.used()));
  const Workspace workspace("scan_vjp", call.options.workspace, bytes, workers, counting_shared.used());
  Arena shared = workspace.shared();
  lay_out(shared, [&](std::vector<Summary<M, T>>& summary, std::vector<Memory<M, double>>& bars, const Gradients<M, G, T>& gradients) {
    summarise(exec, call, all, workspace, summary, {});
    const auto over = [&]<bool Pulls>(std::bool_constant<Pulls>, Index s, Index worker) {
      const simd::FlushDenormals flush;
      Arena arena = workspace.arena(worker);
      StretchVjp<M, T> work(arena, n, call.options.tuning.chunk, length, length);
      const Run run = call.unit(all.unit(s));
      auto to = gradients.unit(s);
      work.memory.copy_from(summary[to_size(s)].memory), work.tile.begin(call.in, run);
      if constexpr (Pulls) work.bars.begin(), work.bar.copy_from(bars[to_size(s)]); else work.bar.zero();
      work.forward(call.in, run, all.begin(s), all.end(s, run));
      work.template backward<Pulls>(call.in, run, all.begin(s), all.end(s, run), output_bars<M, T>(y_bar, run), to);
      if constexpr (!Pulls) bars[to_size(s)].copy_from(work.bar);
      else {
        work.bars.end(work.tile, call.in, to, run);
        if (states.initial && all.first(all.unit(s)) == s) Memory<M, T>::of(states.initial, run).copy_from(work.bar);
      }
    };
    exec.for_each(stretches, [&](Index s, Index worker) { over(std::false_type{}, s, worker); });
    exec.for_each(call.units(), [&](Index u, Index worker) {
      const Run run = call.unit(u);
      Arena arena = workspace.arena(worker);
      const Memory<M, double> carry = Memory<M, double>::in(arena, n.keys, n.values);
      carry.zero();
      if (states.final) carry.copy_from(Memory<M, const T>::of(states.final, run));
      for (Index s = all.first(u + 1) - 1; s >= all.first(u); --s) carry_back(carry, summary[to_size(s)], bars[to_size(s)]);
      if (states.initial && run.time.length == 0) Memory<M, T>::of(states.initial, run).copy_from(carry);
    });
    exec.for_each(stretches, [&](Index s, Index worker) { over(std::true_type{}, s, worker); });
    gradients.store();
  });
}

// By stretches of time, or as a whole where there are heads enough or a stretch's adjoint does not split.
template <class Exec, class M, class T, class In, class Y, class G>
void sweep_or_split_vjp(const char* function, const Exec& exec, const Call<M, T, In>& call, const View<Y>& y_bar, const G& grads, const StateCotangents<T>& states) {
  const bool whole = is_one_sweep(call);
  if constexpr (splits_backwards<M>) {
    if (!whole) return scan_vjp_over_time(exec, call, y_bar, grads, states);
  }
  sweep_vjp(function, exec, call, y_bar, grads, states);
}

// The adjoint of `scan`: as recurrent_vjp, with time split into stretches where there are few heads (tuning.scan_units, tuning.scan_chunk), whose
// cotangents are carried in double.
template <class Exec, class M, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void scan_vjp(const Exec& exec, M, const In& in, const View<Y>& y_bar, const G& grads, const Options<T>& options = {}, const std::type_identity_t<StateCotangents<T>>& states = {}) {
  constexpr bool inputs = M::template bound<In>, slopes = is_differentiable<M>, scannable = is_scannable<M>;
  if constexpr (!inputs) static_assert(inputs, "lcsm::scan_vjp: the inputs lack a view that this mixer reads: give the aggregate the members its leaves name");
  else if constexpr (!scannable) static_assert(scannable, "lcsm::scan_vjp: a coupling (delta rule) under an elementwise (K x D) stage has a transition for every channel: use lcsm::recurrent_vjp");
  else if constexpr (!slopes) static_assert(slopes, "lcsm::scan_vjp: a map, tie or guard of this mixer has no derivative: give the map `template <class V> static V vjp(V raw, V bar)`");
  else {
    sweep_or_split_vjp("scan_vjp", exec, checked_adjoint<M, T>("scan_vjp", in, y_bar, grads, options, states), y_bar, grads, states);
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
