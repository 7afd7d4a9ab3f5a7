// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/vq.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace attention {

// Who counts what, along the positions e of a head (the state's recent tokens first): the queries of stretch i are [first(i), first(i + 1)). The tokens older than the window of
// its first are [0, left(i)), those newer than that of its last [right(i + 1), length).
struct VqStretches {
  Index recent, length, window, stretch;
  Index count() const { return (std::max)((length - recent + stretch - 1) / stretch, Index(1)); }
  Index first(Index i) const { return (std::min)(recent + i * stretch, length); }
  Index left(Index i) const { return i < count() ? (std::max)(first(i) - window, Index(0)) : (std::max)(length - window, Index(0)); }
  Index right(Index i) const { return (std::min)(first(i) + window, length); }
};

template <class T> struct VqScratch {
  VqBlock<T> rows;
  VqMemory<T> memory;
  T* value;
  VqScratch(Arena& arena, const Sizes& n, Index codes, const VqAttentionOptions<T>& o) : rows(arena, n, codes, o.window, o.block), memory(arena, codes, n.values), value(arena.take<T>(memory.pitch)) {}
  template <class Head> void absorb(const Head& head, Index from, Index to, const VqMemory<T>& into) const {
    for (Index e = from; e < to; ++e) head.value(e, into.values, into.pitch, value), into.add(head.code(e), value);
  }
};

}  // namespace attention

// Attention over a codebook (Lingle 2023, https://arxiv.org/abs/2309.16354; transformer-vq/transformer_vq: nn/attn.py), in linear time:
//
//     y[t] = sum over the s that t sees of softmax(scale q[t] . C[z_s] + [|s - t| <= window] bias[s - t]) v[s]
//
// for any block and stretch the softmax over all keys, as attention over the quantised keys computes it, O(T ((K + D) S + D (window + block))): what left the window of a block is counted,
//
//     n[z] += 1,  u[z] += (v - u[z]) / n[z]            logits of codes: scale q . C + log n            their values: u
//
// and both parts share one maximum and one denominator. Counts are in double, exact to 2^53 tokens. Step by step it is the recurrence (T = 1, initial and final one state); stretches run side
// by side and merge, which is its scan; attention_matrix(SoftmaxAttention{}, ...) of the quantised keys is its matrix. Without causality a query sees both sides, each with its own counts, and
// states do not apply. far = false: the window alone. A query that sees nothing gets 0. No thread count changes a bit; stretches round their means in another order. Masked tokens are not read, count for nothing
// and get 0. Inputs, y and states must not overlap (but final may be initial). Throws before anything is written: ShapeError, SequenceError, OptionError, WorkspaceError.
template <class Exec, class In, class S, class T = storage_compute_t<S>>
void attend_vq(const Exec& exec, const In& in, const View<S>& y, const std::type_identity_t<VqAttentionOptions<T>>& o = {}) {
  using namespace attention;
  const Sizes n = check_vq("attend_vq", in, y, o);
  const Index codes = in.codes.row(), group = n.groups > 0 ? n.heads / n.groups : 1;
  const bool counts = o.far || o.final, both = o.far && !o.causal;
  struct Item { Index unit, stretch; };
  std::vector<Item> items;
  std::vector<Index> first_item;
  const auto stretches = [&](Index unit) {
    const Index sequence = unit / n.heads, recent = o.initial ? o.initial->recent(sequence) : 0;
    return VqStretches{recent, recent + n.streams[to_size(sequence)].length, o.window, o.stretch};
  };
  for (Index unit = 0; unit < n.units(); ++unit) {
    first_item.push_back(Index(items.size()));
    for (Index i = 0; i < stretches(unit).count(); ++i) items.push_back({unit, i});
  }
  first_item.push_back(Index(items.size()));
  Arena counting, counting_shared;
  VqScratch<T>(counting, n, codes, o);
  // Each item's counts and means: first what it adds, then those of all before it (left) or behind it (right). And those at the end of every unit.
  const auto memories = [&](Arena& arena, Index count) {
    std::vector<VqMemory<T>> out;
    for (Index i = 0; i < count; ++i) out.emplace_back(arena, codes, n.values);
    return out;
  };
  const Index all = Index(items.size());
  memories(counting_shared, (counts ? all : 0) + (both ? all : 0) + (o.final ? n.units() : 0));
  const Workspace workspace("attend_vq", o.workspace, counting.used(), exec.workers(all), counting_shared.used());
  Arena shared = workspace.shared();
  const std::vector<VqMemory<T>> left = memories(shared, counts ? all : 0), right = memories(shared, both ? all : 0), after = memories(shared, o.final ? n.units() : 0);
  zero_padding(o.mask, y);
  // f(scratch, run, head, its stretches, stretch, item) of every item.
  const auto each_item = [&](auto&& f) {
    exec.for_each(all, [&](Index item, Index worker) {
      const simd::FlushDenormals flush;
      Arena arena = workspace.arena(worker);
      VqScratch<T> scratch(arena, n, codes, o);
      const Run run = run_of(n, items[to_size(item)].unit);
      f(scratch, run, VqHead<T, In>(in, run, o.initial), stretches(items[to_size(item)].unit), items[to_size(item)].stretch, to_size(item));
    });
  };

  if (counts) {
    each_item([&](VqScratch<T>& scratch, const Run&, const auto& head, const VqStretches& s, Index i, std::size_t item) {
      left[item].clear(), scratch.absorb(head, s.left(i), s.left(i + 1), left[item]);
      if (both) right[item].clear(), scratch.absorb(head, s.right(i), s.right(i + 1), right[item]);
    });
    exec.for_each(n.units(), [&](Index unit, Index worker) {
      const simd::FlushDenormals flush;
      Arena arena = workspace.arena(worker);
      const VqScratch<T> scratch(arena, n, codes, o);
      const VqMemory<T>& carry = scratch.memory;
      const Run run = run_of(n, unit);
      const auto exchange = [&](const VqMemory<T>& own) { own.swap(carry), carry.merge_behind(own); };
      carry.clear();
      if (o.initial) carry.load(o.initial->counts(), o.initial->means(), run.sequence, run.head / group);
      for (Index i = first_item[to_size(unit)]; i < first_item[to_size(unit + 1)]; ++i) exchange(left[to_size(i)]);
      if (o.final) after[to_size(unit)].copy_from(carry);
      if (!both) return;
      carry.clear();
      for (Index i = first_item[to_size(unit + 1)]; i-- > first_item[to_size(unit)];) exchange(right[to_size(i)]);
    });
  }
  // Every stretch from what was counted before it, block by block.
  each_item([&](VqScratch<T>& scratch, const Run& run, const auto& head, const VqStretches& s, Index i, std::size_t item) {
    scratch.rows.begin(in, run);
    Index counted = s.left(i);
    for (Index first = s.first(i); first < s.first(i + 1); first += o.block) {
      const Index last = (std::min)(first + o.block, s.first(i + 1)), low = (std::max)(first - o.window, Index(0)), high = o.causal ? last : (std::min)(last + o.window, s.length);
      const VqMemory<T>* far = nullptr;
      if (o.far) {
        scratch.absorb(head, counted, low, left[item]), counted = low, far = &left[item];
        if (both) {                                         // the other side grows from its end: nothing is taken off again
          scratch.memory.copy_from(left[item]), scratch.memory.merge(right[item]), scratch.absorb(head, high, s.right(i + 1), scratch.memory);
          far = &scratch.memory;
        }
        scratch.rows.memory(*far);
      }
      scratch.rows.keys(head, low, high);
      const auto seen = [&](Index e) {
        return std::pair<Index, Index>(o.far ? low : (std::max)(e - o.window, Index(0)), o.causal ? e + 1 : o.far ? high : (std::min)(e + o.window + 1, high));
      };
      scratch.rows.rows(in, run, s.recent, first, last, seen, far, y);
    }
  });
  if (!o.final) return;
  for (Index unit = 0; unit < n.units(); unit += group) {
    const Run run = run_of(n, unit);
    const VqHead<T, In> head(in, run, o.initial);
    const Index kept = (std::min)(o.window, head.length()), g = run.head / group;
    std::vector<std::int32_t> code;
    std::vector<T> value(to_size(kept * n.values));
    for (Index e = 0; e < kept; ++e) code.push_back(std::int32_t(head.code(head.length() - kept + e))), head.value(head.length() - kept + e, n.values, n.values, value.data() + e * n.values);
    o.final->store(run.sequence, g, after[to_size(unit)].count, after[to_size(unit)].mean, after[to_size(unit)].pitch, code, value);
  }
  for (Index sequence = 0; sequence < Index(n.streams.size()) && n.heads > 0; ++sequence) {
    const VqStretches s = stretches(sequence * n.heads);
    o.final->recent(sequence, (std::min)(o.window, s.length));
  }
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
