// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mixers/init.hpp>
#include <lcsm/vq/nearest.hpp>

#include <vector>

namespace lcsm {

// How codes follow from their counts n and sums m:
//
//     code_s = m_s / max(n_s, least_count)                                                 Lingle 2023, the default
//     code_s = m_s / ((n_s + smoothing) / (N + S smoothing) N),   N = sum over s of n_s    smoothing > 0: van den Oord et al. 2017; nothing changes while N = 0
//
// and a code with n_s < keep_below stays what it was. Every code is finite as long as sums are: a dead code (n_s = m_s = 0) becomes 0 unless it is kept.
struct CodeRule {
  double least_count = 0.01, smoothing = 0, keep_below = 0;
};

// What a batch says of a codebook: how many vectors took each code, and their sums. Batches of other threads or ranks are merged, in an order of the caller's.
class CodeStatistics {
 public:
  CodeStatistics(Index heads, Index codes, Index features) : counts_(1, 1, heads, 1, codes), sums_(1, 1, heads, codes, features) { clear(); }

  View<const double> counts() const { return counts_.view(); }       // [1,1,G,1,S]
  View<const double> sums() const { return sums_.view(); }           // [1,1,G,S,K]
  void clear() { counts_.fill(0), sums_.fill(0); }

  // Vectors x [B,T,H,1,K] with their codes [B,T,H,1,1]; H is a multiple of G, whose groups add up. Masked tokens are left out. In double, token by token: no
  // thread count changes a bit. Throws ShapeError before anything is added.
  template <class Exec, class X, class Z> void add(const Exec& exec, const View<X>& x, const View<Z>& codes_of, const VqOptions& options = {}) {
    const View<const double> all = sums();
    vq::check("CodeStatistics::add", "x", x, all, options.mask);
    vq::check_codes("CodeStatistics::add", codes_of, x, all.row(), options.mask);
    constexpr Index block = 64;
    const Index G = all.head(), group = x.head() / G, blocks = (x.feature() + block - 1) / block;
    exec.for_each(G * (blocks + 1), [&](Index item, Index) {
      const Index g = item / (blocks + 1), part = item % (blocks + 1), begin = part * block, end = (std::min)(begin + block, x.feature());
      for (Index b = 0; b < x.batch(); ++b)
        for (Index t = 0; t < x.time(); ++t)
          for (Index h = g * group; vq::is_there(options.mask, b, t) && h < (g + 1) * group; ++h) {
            const Index s = Index(codes_of(b, t, h, 0));
            if (part == blocks) counts_.view()(0, 0, g, s) += 1;
            else for (Index k = begin; k < end; ++k) sums_.view().at(0, 0, g, s, k) += stage::convert<double>(x(b, t, h, k));
          }
    });
  }
  void merge(const CodeStatistics& other) {
    if (other.sums().extent != sums().extent) raise<ShapeError>("CodeStatistics::merge", "other", "as many heads, codes and features", "others");
    for (Index n = 0; n < counts_.size(); ++n) counts_[n] += other.counts_[n];
    for (Index n = 0; n < sums_.size(); ++n) sums_[n] += other.sums_[n];
  }

 private:
  Buffer<double> counts_, sums_;
};

// A codebook is a value: counts, sums and the codes that follow from them. Copy it to keep it; nothing else changes it, neither a search nor an adjoint.
template <class T> class Codebook {
 public:
  explicit Codebook(Index heads = 0, Index codes = 0, Index features = 0, const CodeRule& rule = {})
      : rule_(rule), counts_(1, 1, heads, 1, codes), sums_(1, 1, heads, codes, features), codes_(1, 1, heads, codes, features) {
    if (!(rule.least_count > 0) && !(rule.smoothing > 0)) raise<OptionError>("Codebook", "rule.least_count", "above 0, or smoothing above 0", std::to_string(rule.least_count));
    counts_.fill(0), sums_.fill(0), codes_.fill(T(0));
  }

  View<const T> codes() const { return codes_.view(); }              // [1,1,G,S,K]
  View<const double> counts() const { return counts_.view(); }       // [1,1,G,1,S]
  View<const double> sums() const { return sums_.view(); }           // [1,1,G,S,K]
  const CodeRule& rule() const { return rule_; }

  // n = decay n + (1 - decay) weight (counts of the batch), sums alike; then the codes. weight: batches that make an update (blocks times devices in the published
  // code). Call it after the batch's codes have been used: outputs come from the codebook before its update. O(S K).
  void update(const CodeStatistics& batch, double decay = 0.99, double weight = 1) {
    if (batch.sums().extent != sums().extent) raise<ShapeError>("Codebook::update", "batch", "as many heads, codes and features", "others");
    if (!(decay >= 0 && decay <= 1)) raise<OptionError>("Codebook::update", "decay", "between 0 and 1", std::to_string(decay));
    blend(counts_, batch.counts(), decay, (1 - decay) * weight), blend(sums_, batch.sums(), decay, (1 - decay) * weight);
    refresh();
  }
  // Counts and sums as they are somewhere else: [1,1,G,1,S] and [1,1,G,S,K]. codes: those that no rule makes (kept ones), or {}: all follow from the rule.
  template <class C, class S> void restore(const View<C>& counts, const View<S>& sums, const View<const T>& codes = {}) {
    same("counts", counts, counts_.view()), same("sums", sums, sums_.view());
    if (codes) same("codes", codes, codes_.view());
    copy(counts, counts_), copy(sums, sums_);
    if (codes) copy(codes, codes_); else refresh();
  }
  // One code of one head: a count of 1 and x [K] as its sum. What a caller does with a dead code.
  template <class X> void set(Index head, Index code, const X* x, double count = 1) {
    counts_.view()(0, 0, head, code) = count;
    for (Index k = 0; k < sums_.view().feature(); ++k) {
      sums_.view().at(0, 0, head, code, k) = count * stage::convert<double>(x[k]), codes_.view().at(0, 0, head, code, k) = stage::convert<T>(x[k]);
    }
  }

  // Sums from a normal distribution, counts of 1: deviation 0 means (heads S)^-1/2, the published variance scaling as its framework reads the shape (inferred).
  void initialise(init::Generator& rng, double deviation = 0) {
    const double of = deviation > 0 ? deviation : 1 / std::sqrt(double((std::max)(counts_.size(), Index(1))));
    counts_.fill(1);
    for (double& m : sums_) m = init::normal(rng, of);
    take();
  }
  // Vectors drawn from x [B,T,H,1,K] (H a multiple of G), every token at most once while there are enough; masked ones never. Without any token nothing changes.
  template <class X> void initialise(init::Generator& rng, const View<X>& x, const VqOptions& options = {}) { draw("Codebook::initialise", rng, x, options, std::numeric_limits<double>::infinity()); }
  // The same for the codes with n_s < below alone; says how many.
  template <class X> Index revive(init::Generator& rng, const View<X>& x, double below, const VqOptions& options = {}) { return draw("Codebook::revive", rng, x, options, below); }

 private:
  static void blend(Buffer<double>& to, const View<const double>& from, double keep, double add) {
    for (Index n = 0; n < to.size(); ++n) to[n] = keep * to[n] + add * from.data[n];
  }
  template <class V, class W> static void same(const char* name, const V& given, const W& wanted) {
    for (std::size_t a = 0; a < 5; ++a) door::axis("Codebook::restore", name, given, a, wanted.extent[a], false);
    door::data("Codebook::restore", name, given);
  }
  template <class V, class B> static void copy(const V& from, B& to) {
    const auto view = to.view();
    for (Index h = 0; h < view.head(); ++h)
      for (Index r = 0; r < view.row(); ++r)
        for (Index f = 0; f < view.feature(); ++f) view.at(0, 0, h, r, f) = stage::convert<std::remove_cvref_t<decltype(to[0])>>(from.at(0, 0, h, r, f));
  }
  // codes = sums, as all counts are 1.
  void take() { copy(std::as_const(sums_).view(), codes_); }
  void refresh() {
    const View<double> n = counts_.view();
    for (Index g = 0; g < n.head(); ++g) {
      double all = 0;
      for (Index s = 0; s < n.feature(); ++s) all += n(0, 0, g, s);
      if (rule_.smoothing > 0 && all == 0) continue;
      for (Index s = 0; s < n.feature(); ++s) {
        const double own = n(0, 0, g, s);
        if (own < rule_.keep_below) continue;
        const double by = rule_.smoothing > 0 ? (own + rule_.smoothing) / (all + double(n.feature()) * rule_.smoothing) * all : (std::max)(own, rule_.least_count);
        for (Index k = 0; k < sums_.view().feature(); ++k) codes_.view().at(0, 0, g, s, k) = stage::convert<T>(sums_.view().at(0, 0, g, s, k) / by);
      }
    }
  }
  template <class X> Index draw(const char* function, init::Generator& rng, const View<X>& x, const VqOptions& options, double below) {
    const View<const T> book = codes();
    vq::check(function, "x", x, book, options.mask);
    Index drawn = 0;
    const Index G = book.head(), group = x.head() / (std::max)(G, Index(1));
    std::vector<T> row(to_size(x.feature()));
    for (Index g = 0; g < G; ++g) {
      std::vector<std::array<Index, 3>> from;
      for (Index b = 0; b < x.batch(); ++b)
        for (Index t = 0; t < x.time(); ++t)
          for (Index h = g * group; vq::is_there(options.mask, b, t) && h < (g + 1) * group; ++h) from.push_back({b, t, h});
      std::size_t left = from.size();
      for (Index s = 0; s < book.row() && !from.empty(); ++s) {
        if (!(counts()(0, 0, g, s) < below)) continue;
        if (left == 0) left = from.size();
        std::swap(from[std::size_t(rng() % left)], from[left - 1]);
        const auto [b, t, h] = from[--left];
        for (Index k = 0; k < x.feature(); ++k) row[to_size(k)] = stage::convert<T>(x(b, t, h, k));
        set(g, s, row.data()), ++drawn;
      }
    }
    return drawn;
  }

  CodeRule rule_;
  Buffer<double> counts_, sums_;
  Buffer<T> codes_;
};

}  // namespace lcsm
