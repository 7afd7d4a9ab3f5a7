// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend_vjp.hpp>
#include <lcsm/attention/attend_vq.hpp>

namespace lcsm {

// What a key beyond the window is told. The codebook itself has no gradient in either (it follows moving averages); that of a key goes straight through its quantisation.
enum class VqKeys {
  window,              // nothing, as the public block form has it: of keys that are local to the query's block alone. It depends on `block`
  all                  // as attention over all quantised keys would: K D more numbers and operations per code and token
};
// Gradients of q, of the keys before they were quantised [B,T,G,1,K], of v and of the bias (each token's, or summed over batch and tokens); null ones are skipped.
template <class S> struct VqGradients {
  View<S> q{}, k{}, v{}, bias{};
};
struct VqRule {
  VqKeys keys = VqKeys::window;
  bool through_counts = true;                // false: values beyond the window are told nothing either
};

inline namespace LCSM_ARCH {
namespace attention {

// The heads that share one head of codes, query by query; what tokens beyond the window are told is summed per code and handed out when the walk leaves them behind.
template <class T> class VqAdjoint {
 public:
  VqAdjoint(Arena& arena, const Sizes& n, Index codes, const VqAttentionOptions<T>& o, const VqRule& rule, Index length)
      : n_(n), o_(o), rule_(rule), codes_(codes), scratch_(arena, n, codes, o), pitch_(scratch_.memory.pitch), own_(arena, codes, n.values), told_(arena.take<T>(codes * pitch_)), far_bar_(arena.take<T>(codes)),
        bar_(arena.take<T>(pitch_)), code_bar_(arena.take<T>(codes)), key_bar_(arena.take<T>(length * n.width)), value_bar_(arena.take<T>(length * pitch_)),
        turned_(arena.take<T>(rule.keys == VqKeys::all ? codes * n.width * pitch_ : 0)), rest_(arena.take<T>(rule.keys == VqKeys::all ? codes * n.width : 0)) {
    for (Index i = 0; i < snapshots(length); ++i) left_.emplace_back(arena, codes, n.values);
    for (Index i = 0; !o.causal && i < snapshots(length); ++i) right_.emplace_back(arena, codes, n.values);
  }
  template <class In, class Y, class G> void run(const In& in, const Run& first_head, Index heads, const View<Y>& y_bar, const G& grads, double* bias_bar) {
    const VqHead<T, In> head(in, first_head, o_.initial);
    const VqStretches s{head.recent(), head.length(), o_.window, o_.stretch};
    std::fill_n(key_bar_, head.length() * n_.width, T(0)), std::fill_n(value_bar_, head.length() * pitch_, T(0));
    take_snapshots(in, first_head, head, s);
    for (Index h = 0; h < heads; ++h) {
      Run run = first_head;
      run.head += h;
      scratch_.rows.begin(in, run);
      walk(in, run, head, s, y_bar, grads, bias_bar ? bias_bar + h * (2 * n_.bias + 1) : nullptr);
    }
    const auto give = [&](const auto& to, const T* from, Index features, Index pitch) {
      for (Index e = head.recent(); e < head.length() && to; ++e)
        for (Index c = 0; c < features; ++c) to(first_head.batch, first_head.time.token(e - head.recent()), first_head.head / heads, c) = stage::convert<std::remove_cvref_t<decltype(to(0, 0, 0, 0))>>(from[e * pitch + c]);
    };
    give(grads.k, key_bar_, n_.width, n_.width), give(grads.v, value_bar_, n_.values, pitch_);
  }

 private:
  Index snapshots(Index length) const { return o_.far ? length / o_.stretch + 2 : 0; }
  template <class In, class Head> void take_snapshots(const In&, const Run& run, const Head& head, const VqStretches& s) {
    if (!o_.far) return;
    own_.clear();
    if (o_.initial) own_.load(o_.initial->counts(), o_.initial->means(), run.sequence, head.group());
    for (Index i = 0; i < s.count(); ++i) left_[to_size(i)].copy_from(own_), scratch_.absorb(head, s.left(i), s.left(i + 1), own_);
    if (o_.causal) return;
    own_.clear();
    for (Index i = s.count(); i-- > 0;) right_[to_size(i)].copy_from(own_), scratch_.absorb(head, s.right(i), s.right(i + 1), own_);
  }
  // f(first, last, low, high, what lies beyond [low, high) or null) for the blocks of all stretches, forwards or backwards.
  template <class Head, class F> void each_block(const Head& head, const VqStretches& s, bool backwards, F&& f) {
    const Index stretches = s.count();
    for (Index n = 0; n < stretches; ++n) {
      const Index i = backwards ? stretches - 1 - n : n, blocks = (s.first(i + 1) - s.first(i) + o_.block - 1) / o_.block;
      for (Index m = 0; m < blocks; ++m) {
        const Index first = s.first(i) + (backwards ? blocks - 1 - m : m) * o_.block, last = (std::min)(first + o_.block, s.first(i + 1));
        const Index low = (std::max)(first - o_.window, Index(0)), high = o_.causal ? last : (std::min)(last + o_.window, s.length);
        if (o_.far) {
          own_.copy_from(left_[to_size(i)]), scratch_.absorb(head, s.left(i), low, own_);
          if (!o_.causal) own_.merge(right_[to_size(i)]), scratch_.absorb(head, high, s.right(i + 1), own_);
          scratch_.rows.memory(own_);
        }
        scratch_.rows.keys(head, low, high);
        f(first, last, low, high, o_.far ? &own_ : nullptr);
      }
    }
  }
  template <class In, class Head, class Y, class G> void walk(const In& in, const Run& run, const Head& head, const VqStretches& s, const View<Y>& y_bar, const G& grads, double* bias_bar) {
    const bool hands_out = o_.far && rule_.through_counts;
    const auto clear = [&] {
      std::fill_n(told_, codes_ * pitch_, T(0));
      if (rule_.keys == VqKeys::all) std::fill_n(turned_, codes_ * n_.width * pitch_, T(0)), std::fill_n(rest_, codes_ * n_.width, T(0));
    };
    // Older tokens hear of later blocks, so backwards; newer ones (without causality) of earlier blocks, forwards.
    clear();
    Index open = (std::max)(s.length - o_.window, Index(0));
    each_block(head, s, true, [&](Index first, Index last, Index low, Index high, const VqMemory<T>* memory) {
      if (hands_out) hand_out(head, low, (std::min)(open, s.length)), open = (std::min)(open, low);
      for (Index e = last; e-- > first;) row(in, run, s, e, low, high, memory, y_bar, &grads, bias_bar);
    });
    if (hands_out) hand_out(head, 0, open);
    if (o_.causal || !hands_out) return;
    clear();
    open = (std::min)(s.recent + o_.window, s.length);
    each_block(head, s, false, [&](Index first, Index last, Index low, Index high, const VqMemory<T>* memory) {
      hand_out(head, open, high), open = (std::max)(open, high);
      for (Index e = first; e < last; ++e) row(in, run, s, e, low, high, memory, y_bar, static_cast<const G*>(nullptr), nullptr);
    });
    hand_out(head, open, s.length);
  }
  template <class Head> void hand_out(const Head& head, Index from, Index to) {
    for (Index e = from; e < to; ++e) {
      const Index code = head.code(e);
      head.value(e, n_.values, pitch_, scratch_.value);
      for (Index c = 0; c < n_.values; ++c) value_bar_[e * pitch_ + c] += told_[code * pitch_ + c];
      for (Index k = 0; rule_.keys == VqKeys::all && k < n_.width; ++k) {
        T sum = -rest_[code * n_.width + k];
        for (Index c = 0; c < n_.values; ++c) sum = simd::fma(turned_[(code * n_.width + k) * pitch_ + c], scratch_.value[c], sum);
        key_bar_[e * n_.width + k] += sum;
      }
    }
  }
  // grads null: only what the far side is told.
  template <class In, class Y, class G>
  void row(const In& in, const Run& run, const VqStretches& s, Index e, Index low, Index high, const VqMemory<T>* memory, const View<Y>& y_bar, const G* grads, double* bias_bar) {
    VqBlock<T>& rows = scratch_.rows;
    const Index token = run.time.token(e - s.recent), begin = o_.far ? low : (std::max)(e - o_.window, Index(0)), end = o_.causal ? e + 1 : o_.far ? high : (std::min)(e + o_.window + 1, high);
    rows.weights(in, run, token, e, begin, end, memory);
    for (Index c = 0; c < n_.values; ++c) bar_[c] = stage::convert<T>(y_bar(run.batch, token, run.head, c));
    const auto dot = [&](const T* value) {
      T sum(0);
      for (Index c = 0; c < n_.values; ++c) sum = simd::fma(bar_[c], value[c], sum);
      return sum;
    };
    double told = 0;                                        // y . y_bar
    for (Index c = 0; memory && c < codes_; ++c) {
      far_bar_[c] = rows.far()[c] > T(0) ? dot(memory->mean + c * pitch_) : T(0);
      told += double(rows.far()[c]) * double(far_bar_[c]);
    }
    for (Index j = begin; j < end; ++j) told += double(rows.local()[j - begin]) * double(dot(rows.value(j)));
    for (Index c = 0; memory && rule_.through_counts && c < codes_; ++c) {
      if (!(memory->count[c] > 0)) continue;
      const T each = static_cast<T>(double(rows.far()[c]) / memory->count[c]);      // the weight of every token of the code
      for (Index f = 0; f < n_.values; ++f) told_[c * pitch_ + f] = simd::fma(each, bar_[f], told_[c * pitch_ + f]);
      for (Index k = 0; rule_.keys == VqKeys::all && k < n_.width; ++k) {
        const T by = each * rows.query(k);
        rest_[c * n_.width + k] += static_cast<T>(double(by) * told);
        for (Index f = 0; f < n_.values; ++f) turned_[(c * n_.width + k) * pitch_ + f] = simd::fma(by, bar_[f], turned_[(c * n_.width + k) * pitch_ + f]);
      }
    }
    if (!grads) return;
    // Cotangents of logits: of codes, to which those of local keys are added for q.
    for (Index c = 0; c < codes_; ++c) code_bar_[c] = memory ? static_cast<T>(double(rows.far()[c]) * (double(far_bar_[c]) - told)) : T(0);
    const bool own_bias = grads->bias && !bias_bar;
    for (Index offset = 0; own_bias && offset <= 2 * n_.bias; ++offset) put(grads->bias, run, token, offset, T(0));
    for (Index j = begin; j < end; ++j) {
      const T weight = rows.local()[j - begin], bar = static_cast<T>(double(weight) * (double(dot(rows.value(j))) - told));
      for (Index f = 0; f < n_.values; ++f) value_bar_[j * pitch_ + f] = simd::fma(weight, bar_[f], value_bar_[j * pitch_ + f]);
      for (Index k = 0; k < n_.width; ++k) key_bar_[j * n_.width + k] = simd::fma(bar, rows.query(k), key_bar_[j * n_.width + k]);
      code_bar_[rows.code(j)] += bar;
      if (const Index offset = n_.bias + j - e; std::abs(j - e) <= o_.window && offset >= 0 && offset <= 2 * n_.bias) {
        if (bias_bar) bias_bar[offset] += double(bar);
        else if (own_bias) put(grads->bias, run, token, offset, bar);
      }
    }
    for (Index k = 0; grads->q && k < n_.width; ++k) {
      T sum(0);
      for (Index c = 0; c < codes_; ++c) sum = simd::fma(code_bar_[c], rows.book(c, k), sum);
      put(grads->q, run, token, k, static_cast<T>(n_.scale * double(sum)));
    }
  }
  template <class V> static void put(const V& to, const Run& run, Index token, Index f, T x) { to(run.batch, token, run.head, f) = stage::convert<std::remove_cvref_t<decltype(to(0, 0, 0, 0))>>(x); }

  const Sizes& n_;
  const VqAttentionOptions<T>& o_;
  const VqRule rule_;
  Index codes_;
  VqScratch<T> scratch_;
  Index pitch_;
  VqMemory<T> own_;
  std::vector<VqMemory<T>> left_, right_;
  T *told_, *far_bar_, *bar_, *code_bar_, *key_bar_, *value_bar_, *turned_, *rest_;
};

}  // namespace attention

// The adjoint of `attend_vq`, whose inputs and options come first and mean the same (options.final is not looked at; of a state nothing is told); y_bar = dL/dy. The two rules for far keys are
// different gradients of one forward pass: VqKeys::window is what the public block form trains with, VqKeys::all what attention over the quantised keys has; tests compare each with its own. Every
// gradient is written in full. Per head of codes O(T ((K + D) S + (K + D) (window + block))), with VqKeys::all O(T S K D); keeps counts and means every `stretch` tokens, and (K + D) numbers per token. No
// thread count changes a bit. Inputs and gradients must not overlap. Throws as `attend_vq` does.
template <class Exec, class In, class Y, class G, class T = storage_compute_t<std::remove_const_t<Y>>>
void attend_vq_vjp(const Exec& exec, const In& in, const View<Y>& y_bar, const VqGradients<G>& grads, const std::type_identity_t<VqAttentionOptions<T>>& options = {}, const VqRule& rule = {}) {
  using namespace attention;
  const View<const std::remove_const_t<Y>> bars(y_bar);
  VqAttentionOptions<T> o = options;
  o.final = nullptr;
  const Sizes n = check_vq("attend_vq_vjp", in, bars, o);
  const Index codes = in.codes.row(), length = n.queries + o.window;
  adjoint("attend_vq_vjp", exec, n, grads, o.mask, o.workspace, [&](Arena& arena) { return VqAdjoint<T>(arena, n, codes, o, rule, length); },
          [&](auto& heads, Index first, Index count, double* bias_bar) { heads.run(in, run_of(n, first), count, bars, grads, bias_bar); });
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
