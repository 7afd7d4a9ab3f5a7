// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/logits.hpp>
#include <lcsm/call/finish.hpp>
#include <lcsm/call/workspace.hpp>
#include <lcsm/simd/denormals.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace attention {

// Some rows of one head, over blocks of keys: sums of weighted values, of weights, and the largest logit so far, which all weights are relative to.
template <class W, class T> class Rows {
  using V = Batch<T>;
  static constexpr T lowest = -std::numeric_limits<T>::infinity();

 public:
  static constexpr Index rows = Logits<T>::rows, keys = Logits<T>::keys;
  Logits<T> logits;

  Rows(Arena& arena, const Sizes& n, const AttentionOptions& o)
      : logits(arena, n, o), values_(n.values), pitch_(round_up(n.values, simd::width<V>)), value_(arena.take<T>(keys * pitch_)), out_(arena.take<T>(rows * pitch_)), x_(arena.take<T>(keys)) {}

  template <class In, class S> void run(const In& in, const Run& run, Index first, Index count, const View<S>& y) {
    logits.take_queries(in, run, first, count);
    std::fill_n(out_, rows * pitch_, T(0));
    for (Index i = 0; i < count; ++i) top_[i] = lowest, sum_[i] = T(0);
    const Index from = logits.range(run, first).begin, to = logits.range(run, first + count - 1).end;      // ranges never move back
    for (Index at = from; at < to; at += keys) {
      const Index tokens = (std::min)(keys, to - at);
      logits.take_keys(in, run, at, tokens), take_values(in, run, at, tokens);
      for (Index i = 0; i < count; ++i) {
        const Range r = logits.range(run, first + i);
        const Index begin = (std::max)(r.begin - at, Index(0)), end = (std::min)(r.end - at, tokens);
        if (begin < end) add(i, first + i, at, begin, end);
      }
    }
    for (Index i = 0; i < count; ++i) {
      const Row<S> row{y.data + y.offset(run.batch, logits.token(run, first + i), run.head, 0, 0), y.stride[4]};
      const T by = divisor<W>(sum_[i]);
      for_lanes<T>(values_, [&]<class U>(std::type_identity<U>, Index c) { row.put(c, U(simd::load<U>(out_ + i * pitch_ + c) / U(by))); });
    }
  }

 private:
  template <class In> void take_values(const In& in, const Run& run, Index first, Index count) {
    for (Index j = 0; j < count; ++j)
      for (Index c = 0; c < values_; ++c)
        value_[j * pitch_ + c] = stage::convert<T>(in.v(run.batch, run.time.token(first + j), stage::group_of(in.v, run), c));
    for (Index j = 0; j < count; ++j) std::fill(value_ + j * pitch_ + values_, value_ + (j + 1) * pitch_, T(0));
  }
  void add(Index i, Index query, Index first, Index begin, Index end) {
    logits.row(i, query, first, x_);
    T* out = out_ + i * pitch_;
    if constexpr (W::shifted) {
      T top = top_[i];
      for (Index j = begin; j < end; ++j) top = x_[j] > top ? x_[j] : top;
      if (top > top_[i]) {
        const T kept = math::exp(top_[i] - top);
        sum_[i] *= kept, top_[i] = top;
        for (Index c = 0; c < pitch_; c += simd::width<V>) simd::store(out + c, simd::load<V>(out + c) * V(kept));
      }
      const T shift = top == lowest ? T(0) : top;           // nothing but -infinity so far: weights of 0
      for (Index j = 0; j < keys; j += simd::width<V>) simd::store(x_ + j, W::apply(V(simd::load<V>(x_ + j) - V(shift))));
    } else
      for (Index j = 0; j < keys; j += simd::width<V>) simd::store(x_ + j, W::apply(simd::load<V>(x_ + j)));
    T sum(0);
    for (Index j = begin; j < end; ++j) sum += x_[j];
    sum_[i] += sum;
    for (Index c = 0; c < pitch_; c += simd::width<V>) {
      V total = V(T(0));
      for (Index j = begin; j < end; ++j) total = simd::fma(V(x_[j]), simd::load<V>(value_ + j * pitch_ + c), total);
      simd::store(out + c, simd::load<V>(out + c) + total);
    }
  }
  Index values_, pitch_;
  T *value_, *out_, *x_;
  T top_[rows], sum_[rows];
};

// f(run, first row, rows, worker) for blocks of the rows of every head.
template <class T, class Exec, class F> void for_each_block(const Exec& exec, const Sizes& n, F&& f) {
  constexpr Index rows = Logits<T>::rows;
  const Index blocks = (n.queries + rows - 1) / rows;
  exec.for_each(n.units() * blocks, [&](Index item, Index worker) {
    const Run run = run_of(n, item / blocks);
    const Index length = run.time.length - (n.keys - n.queries), first = item % blocks * rows;
    if (first < length) f(run, first, (std::min)(rows, length - first), worker);
  });
}

}  // namespace attention

// Attention: y[t] = sum over the s that t sees of alpha[t,s] v[s], alpha[t,s] = phi(scale q[t] . k[s] + bias[s - t]) / eta[t]; weights: attention/weight.hpp, inputs, ranges
// and options: attention/attention.hpp. y [B,T,H,1,D]. In blocks of keys, O(T S (K + D)) time, no T x S matrix; under softmax everything is relative to the largest logit so far, and a
// row that sees nothing but -infinity is 0. A NaN or infinite logit reaches its own row. Every block's sum is rounded once more: errors grow as (K + D's share + 64 + S / 64) eps of the
// sizes of the terms. No thread count changes a bit. Masked tokens are not read and get 0. Inputs and y must not overlap. Throws before anything is written: ShapeError, SequenceError,
// OptionError, WorkspaceError.
template <class Exec, class W, class In, class S, class T = storage_compute_t<S>> void attend(const Exec& exec, Attention<W>, const In& in, const View<S>& y, const AttentionOptions& options = {}) {
  const attention::Sizes n = attention::check("attend", "y", in, y, options, false);
  Arena counting;
  attention::Rows<W, T>(counting, n, options);
  const Workspace workspace("attend", options.workspace, counting.used(), exec.workers(n.units() * ((n.queries + attention::Logits<T>::rows - 1) / attention::Logits<T>::rows)));
  zero_padding(options.mask, y);
  attention::for_each_block<T>(exec, n, [&](const Run& run, Index first, Index count, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    attention::Rows<W, T>(arena, n, options).run(in, run, first, count, y);
  });
}

// a[t,s] = alpha[t,s], [B,T,H,1,S]; 0 where t does not see s, and at masked tokens and between packed sequences. in.v is not looked at. As `attend` otherwise.
template <class Exec, class W, class In, class S, class T = storage_compute_t<S>>
void attention_matrix(const Exec& exec, Attention<W>, const In& in, const View<S>& a, const AttentionOptions& options = {}) {
  const attention::Sizes n = attention::check("attention_matrix", "a", in, a, options, true);
  using Logits = attention::Logits<T>;
  const Index pitch = round_up(n.keys, Logits::keys);
  const auto lay_out = [&](Arena& arena) {
    Logits logits(arena, n, options);
    return std::pair(logits, arena.take<T>(Logits::rows * pitch));
  };
  Arena counting;
  lay_out(counting);
  const Workspace workspace("attention_matrix", options.workspace, counting.used(), exec.workers(n.units() * ((n.queries + Logits::rows - 1) / Logits::rows)));
  for (Index b = 0; b < a.batch(); ++b)
    for (Index t = 0; t < a.time(); ++t)
      for (Index h = 0; h < a.head(); ++h)
        for (Index s = 0; s < a.feature(); ++s) a(b, t, h, s) = stage::convert<S>(T(0));
  attention::for_each_block<T>(exec, n, [&](const Run& run, Index first, Index count, Index worker) {
    const simd::FlushDenormals flush;
    Arena arena = workspace.arena(worker);
    auto [logits, x] = lay_out(arena);
    logits.take_queries(in, run, first, count);
    const Index from = logits.range(run, first).begin, to = logits.range(run, first + count - 1).end;
    for (Index at = from; at < to; at += Logits::keys) {
      logits.take_keys(in, run, at, (std::min)(Logits::keys, to - at));
      for (Index i = 0; i < count; ++i) logits.row(i, first + i, at, x + i * pitch + at - from);
    }
    for (Index i = 0; i < count; ++i) {
      const attention::Range r = logits.range(run, first + i);
      T* row = x + i * pitch - from;
      T top = W::shifted ? -std::numeric_limits<T>::infinity() : T(0), sum(0);
      for (Index s = r.begin; W::shifted && s < r.end; ++s) top = row[s] > top ? row[s] : top;
      if (top == -std::numeric_limits<T>::infinity()) top = T(0);
      for (Index s = r.begin; s < r.end; ++s) row[s] = W::apply(static_cast<T>(row[s] - top)), sum += row[s];
      const T by = attention::divisor<W>(sum);
      for (Index s = r.begin; s < r.end; ++s) a(run.batch, logits.token(run, first + i), run.head, run.time.token(s)) = stage::convert<S>(static_cast<T>(row[s] / by));
    }
  });
}

// No finite state: nothing to scan, to chunk or to step.
template <class Exec, class W, class In, class S> void scan(const Exec&, Attention<W>, const In&, const View<S>&, const AttentionOptions& = {}) {
  static_assert(!std::is_same_v<W, W>, "lcsm::scan: attention with a weight that is not linear keeps every key and value, no finite state: use lcsm::attend");
}
template <class Exec, class W, class In, class S> void chunkwise(const Exec&, Attention<W>, const In&, const View<S>&, const AttentionOptions& = {}) {
  static_assert(!std::is_same_v<W, W>, "lcsm::chunkwise: attention with a weight that is not linear keeps every key and value, no finite state: use lcsm::attend");
}
template <class Exec, class W, class In, class S> void recurrent(const Exec&, Attention<W>, const In&, const View<S>&, const AttentionOptions& = {}) {
  static_assert(!std::is_same_v<W, W>, "lcsm::recurrent: attention with a weight that is not linear keeps every key and value, no finite state: use lcsm::attend with a KeyValueCache");
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
