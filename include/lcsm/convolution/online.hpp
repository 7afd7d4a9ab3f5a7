// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/mode/long_convolution.hpp>

#include <bit>
#include <vector>

namespace lcsm {

// What an online convolution may be told: how its transforms are laid in time, and up to how many taps are summed directly.
//
//   relaxed    the least work: O(log^2 L) per token in the mean. A token at a multiple of 2^n pays for a transform of that size
//   bounded    no token pays for a transform of all channels: those of a level have until the next one is due, and are done group by group. About twice the work
enum class Latency { relaxed, bounded };
template <class P> struct OnlineChoice {
  Index heads = 0, features = 0;       // of the inputs; 0: as many as the kernel has
  Latency latency = Latency::relaxed;
  Index direct = 32;
};

inline namespace LCSM_ARCH {

// A long convolution whose inputs come one by one: its taps, and their spectra level by level. Immutable; sequences share it. The relaxed multiplication
// of van der Hoeven (2002), for filters known in advance as in Oncescu et al. 2024 (https://arxiv.org/abs/2410.12982); bounded, the partitions of Gardner (1995).
//
// relaxed    After c tokens, with U the largest power of two that divides c (at most the first that holds the kernel), the last U inputs meet the lags up to
//            2U - 1 and give the outputs [c, c + U) what they owe them: every pair of input and output meets in one such square.
// bounded    Lags below 2B are summed directly; lags [2U, 4U), U = B, 2B, 4B ..., meet blocks of U inputs, whose first output is due U tokens later.
//
// kernel [1, L, H, 1, D] as of a ConvolutionPlan. Throws ShapeError.
template <class T> class OnlineKernel {
 public:
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;
  // One size of blocks: spectra of the lags [lag, lag + count), for every group of channels; outputs [first, last) of a product are tokens from `due` after the block on.
  struct Level {
    Index inputs = 0, lag = 0, count = 0, first = 0, last = 0, due = 0;
    Negacyclic<T> ring;
    Buffer<T> spectra;
  };

  template <class P> explicit OnlineKernel(const View<P>& kernel, const OnlineChoice<std::remove_const_t<P>>& choice = {}) : latency_(choice.latency) {
    // The door of plans; direct, so that it keeps all taps.
    const ConvolutionPlan<T> plan(kernel, {.heads = choice.heads, .features = choice.features, .form = ConvolutionForm::direct});
    if (choice.direct < 1) raise<OptionError>("OnlineKernel", "direct", "at least 1", door::text(choice.direct));
    taps_ = kernel.time(), heads_ = plan.toeplitz().heads(), features_ = plan.toeplitz().features(), groups_ = plan.toeplitz().groups();
    lags_ = plan.toeplitz().lags();
    const Index block = Index(std::bit_ceil(to_size(choice.direct)));
    direct_ = latency_ == Latency::relaxed ? block : 2 * block;
    if (latency_ == Latency::relaxed) {
      largest_ = Index(std::bit_ceil(to_size((std::max)(taps_ - 1, Index(1)))));
      for (Index u = 2 * block; u <= largest_; u *= 2) add_level({.inputs = u, .lag = 0, .count = 2 * u, .first = u, .last = 2 * u, .due = 0, .ring = Negacyclic<T>(2 * u), .spectra = {}});
    } else {
      largest_ = block;
      for (Index u = block; 2 * u < taps_; u *= 2) add_level({.inputs = u, .lag = 2 * u, .count = 2 * u, .first = 0, .last = 3 * u - 1, .due = u, .ring = Negacyclic<T>(3 * u), .spectra = {}}), largest_ = u;
    }
  }
  Index taps() const noexcept { return taps_; }
  Index heads() const noexcept { return heads_; }
  Index features() const noexcept { return features_; }
  Index groups() const noexcept { return groups_; }
  Latency latency() const noexcept { return latency_; }
  Index direct() const noexcept { return direct_; }        // relaxed: the largest square that is summed; bounded: lags that are
  Index largest() const noexcept { return largest_; }
  const std::vector<Level>& levels() const noexcept { return levels_; }
  V lag(Index group, Index l) const { return simd::load<V>(lags_.data() + (group * taps_ + l) * W); }
  // Places of a ring that holds all inputs and outputs that any level may still look at.
  Index places() const noexcept { return Index(std::bit_ceil(to_size((std::max)(8 * largest_, taps_ + 1)))); }

 private:
  void add_level(Level level) {
    level.spectra = Buffer<T>(groups_ * level.ring.size());
    for (Index g = 0; g < groups_; ++g)
      level.ring.values(level.spectra.data() + g * level.ring.size(), 0, level.count, [&](Index m) { return level.lag + m < taps_ ? lag(g, level.lag + m) : V(T(0)); });
    levels_.push_back(std::move(level));
  }
  Latency latency_;
  Index taps_ = 0, heads_ = 0, features_ = 0, groups_ = 0, direct_ = 0, largest_ = 1;
  Buffer<T> lags_;
  std::vector<Level> levels_;
};

// The sequences of an online convolution between two tokens: a value to copy (which forks them), of one kernel's shape. Nothing seen at first.
template <class T> class OnlineConvolution {
 public:
  using V = Batch<T>;
  static constexpr Index W = simd::width<V>;

  OnlineConvolution(const OnlineKernel<T>& kernel, Index sequences)
      : sequences_(sequences), places_(kernel.places()), inputs_(sequences * kernel.groups() * places_ * W), owed_(inputs_.size()), done_(kernel.levels().size(), 0) {
    Index most = 0;
    for (const auto& level : kernel.levels()) most = (std::max)(most, level.ring.size());
    scratch_ = Buffer<T>(most);
  }
  Index sequences() const noexcept { return sequences_; }
  Index position() const noexcept { return position_; }

  // One token of every sequence: x_t, y_t [N, 1, H, 1, D], skip parameter(data, H, D) or {}. y_t = sum of kernel_l x_{t-l} + skip x_t. Allocates nothing and throws
  // nothing: shapes are asserted. Errors as of long_convolution's Fourier form, with windows that are blocks of powers of two.
  template <class X, class P, class S> void step(const OnlineKernel<T>& kernel, const View<X>& x, const View<P>& skip, const View<S>& y) noexcept {
    const Index groups = kernel.groups(), H = kernel.heads(), D = kernel.features(), t = tokens_;
    LCSM_ASSERT(x.time() == 1 && y.time() == 1 && y.batch() == sequences_ && y.head() == H && y.feature() == D && places_ == kernel.places());
    for (Index n = 0; n < sequences_; ++n)
      for (Index g = 0; g < groups; ++g) {
        const V u = ChannelLanes<T, X>(x, H, D, g).load(x.batch() == 1 ? 0 : n, 0);
        simd::store(at(inputs_, kernel, n, g, t), u);
        T* owed = at(owed_, kernel, n, g, t);
        V sum = simd::fma(kernel.lag(g, 0), u, simd::load<V>(owed));
        if (kernel.latency() == Latency::bounded)
          for (Index l = (std::min)({kernel.direct(), kernel.taps(), t + 1}) - 1; l >= 1; --l) sum = simd::fma(kernel.lag(g, l), simd::load<V>(at(inputs_, kernel, n, g, t - l)), sum);
        if (given(skip)) sum = simd::fma(ChannelLanes<T, P>(skip, H, D, g).load(0, 0), u, sum);
        ChannelLanes<T, S>(y, H, D, g).store(n, 0, sum);
        simd::store(owed, V(T(0)));                         // its place is for a later token
      }
    ++tokens_, ++position_;
    if (kernel.latency() == Latency::relaxed) relax(kernel); else spread(kernel);
  }

  // A prompt at once, by the plan of the same kernel: y [N, T, H, 1, D] as of long_convolution, and what it still owes to the tokens behind it. Only the first
  // call of a sequence may be a prompt. Throws as long_convolution, and OptionError if something was seen before. Memory for the tail is allocated.
  template <class Exec, class X, class P, class S>
  void prefill(const Exec& exec, const OnlineKernel<T>& kernel, const ConvolutionPlan<T>& plan, const View<X>& x, const View<P>& skip, const View<S>& y) {
    constexpr const char* function = "OnlineConvolution::prefill";
    const Index T_ = x.time(), groups = kernel.groups();
    if (position_ > 0) raise<OptionError>(function, "state", "one that has seen nothing", door::text(position_) + " tokens seen");
    if (plan.toeplitz().front() != kernel.taps() || plan.toeplitz().back() > 0) raise<ShapeError>(function, "plan", "the kernel of " + door::text(kernel.taps()) + " taps", door::text(plan.toeplitz().front()) + " and " + door::text(plan.toeplitz().back()) + " of what is to come");
    if (plan.toeplitz().heads() != kernel.heads() || plan.toeplitz().features() != kernel.features())
      raise<ShapeError>(function, "plan", door::text(kernel.heads()) + " heads of " + door::text(kernel.features()) + " channels", door::text(plan.toeplitz().heads()) + " of " + door::text(plan.toeplitz().features()));
    door::axis(function, "y", y, 0, sequences_, false);
    long_convolution(exec, plan, x, skip, y);
    // The outputs of the next taps - 1 tokens, with inputs of 0.
    const Toeplitz<T>& toeplitz = plan.toeplitz();
    const Index tail = kernel.taps() - 1;
    Timeline time;
    time.length = T_;
    const Workspace workspace(function, {}, toeplitz.scratch(), exec.workers(sequences_ * groups));
    exec.for_each(sequences_ * groups, [&](Index item, Index worker) {
      const Index n = item / groups, g = item % groups;
      const ChannelStream<T, X> in(x, {}, kernel.heads(), kernel.features(), time, n, n, g);
      for (Index first = 0; first < tail; first += toeplitz.block())
        toeplitz.template operator()<false>(g, T_ + first, (std::min)(toeplitz.block(), tail - first), workspace.arena(worker), in,
                                            [&](Index t, V sum) { simd::store(at(owed_, kernel, n, g, t - T_), sum); });
    });
    position_ = T_;
  }

 private:
  T* at(Buffer<T>& ring, const OnlineKernel<T>& kernel, Index n, Index g, Index t) { return ring.data() + ((n * kernel.groups() + g) * places_ + t % places_) * W; }

  void relax(const OnlineKernel<T>& kernel) {
    const Index c = tokens_, u = (std::min)(c & -c, kernel.largest());
    if (u <= kernel.direct()) {
      for (Index n = 0; n < sequences_; ++n)
        for (Index g = 0; g < kernel.groups(); ++g)
          for (Index r = 0; r < u; ++r) {
            T* owed = at(owed_, kernel, n, g, c + r);
            V sum = simd::load<V>(owed);
            for (Index q = 0; q < u; ++q)
              if (u + r - q < kernel.taps()) sum = simd::fma(kernel.lag(g, u + r - q), simd::load<V>(at(inputs_, kernel, n, g, c - u + q)), sum);
            simd::store(owed, sum);
          }
    } else
      for (const auto& level : kernel.levels())
        if (level.inputs == u)
          for (Index n = 0; n < sequences_; ++n)
            for (Index g = 0; g < kernel.groups(); ++g) block(kernel, level, n, g, c);
  }
  void spread(const OnlineKernel<T>& kernel) {
    const Index all = sequences_ * kernel.groups();
    for (std::size_t l = 0; l < kernel.levels().size(); ++l) {
      const auto& level = kernel.levels()[l];
      const Index u = level.inputs, c = tokens_ / u * u;
      if (c == 0) continue;
      if (tokens_ == c) done_[l] = 0;
      for (const Index end = (std::min)(all, done_[l] + divide_up(all, u)); done_[l] < end; ++done_[l]) block(kernel, level, done_[l] / kernel.groups(), done_[l] % kernel.groups(), c);
    }
  }
  // What the last block of inputs before token c owes to the tokens behind it.
  void block(const OnlineKernel<T>& kernel, const typename OnlineKernel<T>::Level& level, Index n, Index g, Index c) {
    const auto& ring = level.ring;
    ring.values(scratch_.data(), 0, level.inputs, [&](Index m) { return simd::load<V>(at(inputs_, kernel, n, g, c - level.inputs + m)); });
    ring.template multiply<false>(scratch_.data(), level.spectra.data() + g * ring.size());
    ring.sequence(scratch_.data(), level.first, level.last, [&](Index m, V y) {
      T* owed = at(owed_, kernel, n, g, c + level.due + m - level.first);
      simd::store(owed, simd::load<V>(owed) + y);
    });
  }

  Index sequences_ = 0, places_ = 0, tokens_ = 0, position_ = 0;
  Buffer<T> inputs_, owed_;
  std::vector<Index> done_;                                 // groups of each level's present block
  Buffer<T> scratch_;
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
