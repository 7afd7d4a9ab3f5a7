// SPDX-License-Identifier: MIT
#pragma once

#include "bound.hpp"
#include "catch.hpp"
#include "random_mixers.hpp"

#include <lcsm/call/workspace.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include <cstdlib>
#include <optional>
#include <string>

namespace lcsm::test {

// A policy of the user's own: one type for any number of threads, 0 for exec::seq.
struct Threads {
  Index count = 0;
  Index workers(Index n) const { return count == 0 ? exec::seq.workers(n) : exec::Par{count}.workers(n); }
  template <class F> void for_each(Index n, F&& f) const {
    if (count == 0) exec::seq.for_each(n, f); else exec::Par{count}.for_each(n, f);
  }
};

// Ways to run a mixer. sweep and scan are the scan with all of time in one piece, and split; convolve and fourier the forms of a convolution.
enum class Way { recurrent, step, sweep, scan, chunkwise, attend, mix, convolve, fourier };
inline constexpr Way ways[] = {Way::recurrent, Way::step, Way::sweep, Way::scan, Way::chunkwise, Way::attend, Way::mix, Way::convolve, Way::fourier};
constexpr const char* name_of(Way w) {
  constexpr const char* names[] = {"recurrent", "step", "scan in one piece", "scan", "chunkwise", "attend", "mix", "convolve, direct", "convolve, Fourier"};
  return names[int(w)];
}
template <class M> constexpr bool has_way(Way w) {
  switch (w) {
    case Way::sweep: case Way::scan: return has_mode<M>(Mode::scan);
    case Way::chunkwise: return has_mode<M>(Mode::chunkwise);
    case Way::attend: return has_mode<M>(Mode::attention);
    case Way::convolve: case Way::fourier: return has_mode<M>(Mode::convolution);
    default: return true;
  }
}
// Cut anywhere, the bits are those of the whole.
constexpr bool is_token_by_token(Way w) { return w == Way::recurrent || w == Way::step; }
// How time is split depends on a call's shape, and with it the order of sums.
constexpr bool splits_by_shape(Way w) { return w == Way::scan || w == Way::mix || w == Way::convolve || w == Way::fourier; }

// The thread's scratch holds no result between calls: poison must not be seen.
inline void poison_scratch() {
  constexpr Index bytes = 1 << 20;
  const Workspace scratch("poison_scratch", {}, bytes, 1);
  std::memset(scratch.arena(0).take<unsigned char>(bytes), poison, to_size(bytes));
}

template <class M, class S, class T, class Exec = Threads>
void run(Way way, const std::type_identity_t<Exec>& exec, const Inputs<S>& in, const View<S>& y, Options<T> options) {
  poison_scratch();
  options.tuning.scan_units = way == Way::scan ? 1000000 : 1;
  if (way == Way::recurrent) recurrent(exec, M{}, in, y, options);
  if constexpr (has_way<M>(Way::scan))
    if (way == Way::sweep || way == Way::scan) scan(exec, M{}, in, y, options);
  if constexpr (has_way<M>(Way::chunkwise))
    if (way == Way::chunkwise) chunkwise(exec, M{}, in, y, options);
  if constexpr (has_way<M>(Way::attend))
    if (way == Way::attend) attend(exec, M{}, in, y, options);
  if (way == Way::mix) mix(exec, M{}, in, y, options);
  if constexpr (has_way<M>(Way::convolve))
    if (way == Way::convolve || way == Way::fourier) {
      options.tuning.form = way == Way::convolve ? ConvolutionForm::direct : ConvolutionForm::fourier;
      options.tuning.block = options.tuning.rows == 16 ? 0 : options.tuning.rows;        // chosen, or a few tokens
      convolve(exec, M{}, in, y, options);
    }
  if (way == Way::step) {                                   // no options but the state and the direction
    LCSM_ASSERT(!options.sequences.given() && !options.mask);
    State<M, T> state(y.batch(), y.head(), options.final.m.row(), y.feature() / M::projection::parts);
    if (options.initial) copy_state(state.view(), options.initial);
    for (Index j = 0; j < y.time(); ++j) {
      const Index t = options.direction == Direction::reverse ? y.time() - 1 - j : j;
      step(M{}, tokens_of<M>(in, t, 1), y.tokens(t, 1), state);
    }
    copy_state(options.final, std::as_const(state).view());
  }
}

// A state that some tokens have left behind, in the type of the calls.
template <class M, class T, class S> State<M, T> random_state(Index sequences, const Shape& n, const Style& style, Random& random) {
  const Shape earlier{sequences, 6, n.heads, n.keys, n.values};
  const RandomInputs<M, S> before(earlier, style, random);
  State<M, double> wide(sequences, n.heads, n.keys, n.values);
  Buffer<double> y(sequences, 6, n.heads, M::projection::parts * n.values);
  reference(M{}, before.in, y.view(), {.final = wide});
  State<M, T> state(sequences, n.heads, n.keys, n.values);
  copy_state(state.view(), std::as_const(wide).view());
  return state;
}

// One random call: inputs, options and everything that it writes, all with poison around them.
template <class M, class S, class T = storage_compute_t<S>> class RandomCall {
 public:
  static constexpr Index parts = M::projection::parts;
  Shape n;
  Index sequences;
  RandomInputs<M, S> inputs;
  std::vector<std::int32_t> offsets;
  std::vector<std::uint8_t> mask;
  std::optional<State<M, T>> initial;
  Options<T> options;
  const Inputs<S>& in;

  // With what beside plain sequences.
  enum Kind { plain, packed, masked };
  RandomCall(const Shape& shape, const Style& style, Kind kind, Random& random)
      : n(shape), sequences(shape.batch), inputs(n, style, random), in(inputs.in), layout_(style.dense ? Layout::dense : any_layout(random)) {
    if (kind == packed) {
      LCSM_ASSERT(n.batch == 1);
      for (Index at = 0; at < n.tokens; at = std::min(n.tokens, at + random.below(n.tokens / 2 + 2))) offsets.push_back(std::int32_t(at));
      offsets.push_back(std::int32_t(n.tokens));
      if (offsets[0] != 0 || offsets.size() < 2) offsets.insert(offsets.begin(), 0);
      options.sequences = offsets;
      sequences = Index(offsets.size()) - 1;
    }
    if (kind == masked) {
      for (Index t = 0; t < n.batch * n.tokens; ++t) mask.push_back(random.one_in(3) ? 0 : std::uint8_t(random.between(1, 255)));
      options.mask = lcsm::view(std::as_const(mask).data(), n.batch, n.tokens, 1, 1);
    }
    if (random.one_in(2)) initial.emplace(random_state<M, T, S>(sequences, n, style, random)), options.initial = std::as_const(*initial).view();
    if (random.one_in(3)) options.direction = Direction::reverse;
    options.tuning.rows = random.one_of({1, 3, 16}), options.tuning.chunk = random.one_of({1, 7, 16, 17, 64}),
    options.tuning.scan_chunk = random.one_of({1, 2, 5, 32});
  }
  RandomCall(const RandomCall&) = delete;
  bool is_plain() const { return offsets.empty() && mask.empty(); }

  // What a way makes of it.
  struct Result {
    Guarded<S> y;
    GuardedState<M, T> final;
    bool slack_is_untouched() const { return y.slack_is_untouched() && final.slack_is_untouched(); }
    bool same_bits_as(const Result& other) const { return same_view(y.view, other.y.view) && same_state(final.view(), other.final.view()); }
  };
  Result empty_result(Random& random) const {
    return {Guarded<S>({n.batch, n.tokens, n.heads, 1, parts * n.values}, layout_, random),
            GuardedState<M, T>(sequences, n, layout_ == Layout::strided ? Layout::rows : layout_, random)};
  }
  template <class Exec = Threads> Result result(Way way, Random& random, const Exec& exec = {}) const {
    Result out = empty_result(random);
    Options<T> full = options;
    full.final = out.final.view();
    run<M, S, T, Exec>(way, exec, in, out.y.view, full);
    return out;
  }
  std::string text() const {
    return n.text() + (offsets.empty() ? "" : ", packed") + (mask.empty() ? "" : ", masked") + (initial ? ", initial state" : "") +
           (options.direction == Direction::reverse ? ", reverse" : "") + ", rows " + std::to_string(options.tuning.rows) + ", chunk " +
           std::to_string(options.tuning.chunk) + ", scan_chunk " + std::to_string(options.tuning.scan_chunk) + ", layout " +
           std::to_string(int(layout_));
  }

 private:
  Layout layout_;
};

// The definition and its error sums, once per call.
template <class M, class S, class T> class Definition {
 public:
  explicit Definition(const RandomCall<M, S, T>& call)
      : n_(call.n),
        y_(call.n.batch, call.n.tokens, call.n.heads, M::projection::parts * call.n.values),
        final_(call.sequences, call.n.heads, call.n.keys, call.n.values) {
    Options<double> wide;
    std::optional<State<M, double>> initial;
    if (call.initial)
      initial.emplace(call.sequences, call.n.heads, call.n.keys, call.n.values),
          copy_state(initial->view(), std::as_const(*call.initial).view()), wide.initial = std::as_const(*initial).view();
    wide.sequences = call.options.sequences, wide.mask = call.options.mask, wide.direction = call.options.direction;
    sums_ = error_sums<M>(call.in, wide, call.n.batch, call.n.tokens, call.n.heads, call.n.values);
    wide.final = final_;
    reference(M{}, call.in, y_.view(), wide);
  }

  // The same of A i, plus the skip, for the surrogate attention matrix of a call without an initial state.
  double worst_of_matrix(const RandomCall<M, S, T>& call, const View<const T>& a) const {
    constexpr Index planes = matrix_planes<M>;
    const ErrorCost cost = error_cost<M>(sums_, std::max<Index>(n_.tokens, 1), false);
    const auto number = [&]<class Leaf>(std::type_identity<Leaf>, Index b, Index t, Index h, Index c) {
      const auto v = Leaf::view(call.in);
      const auto at = [&](std::size_t x, Index n) { return v.extent[x] == 1 ? 0 : n; };
      return double(static_cast<storage_compute_t<S>>(v.at(at(0, b), at(1, t), h / (n_.heads / v.head()), 0, at(4, c))));
    };
    double most = 0;
    Index at = 0;
    for (Index b = 0; b < n_.batch; ++b)
      for (Index t = 0; t < n_.tokens; ++t)
        for (Index h = 0; h < n_.heads; ++h)
          for (Index part = 0; part < M::projection::parts; ++part)
            for (Index c = 0; c < n_.values; ++c, ++at) {
              double sum = 0;
              for (Index s = 0; s < n_.tokens; ++s) {
                const Index row = M::per_channel ? c : 0, rows = M::per_channel ? n_.values : 1;
                const double re = double(a.at(b, t, h, row, s)), im = planes == 2 ? double(a.at(b, t, h, rows + row, s)) : 0.0;
                const double x = number(std::type_identity<typename M::input::leaf>{}, b, s, h, c);
                const double y = M::input::domain == Domain::complex ? number(std::type_identity<typename M::input::imag>{}, b, s, h, c) : 0.0;
                sum += part == 0 ? re * x - im * y : re * y + im * x;
              }
              if constexpr (M::skip::present)
                if (part == 0) sum += number(std::type_identity<typename M::skip::leaf>{}, b, t, h, c) *
                       number(std::type_identity<typename M::input::leaf>{}, b, t, h, c);
              const bool seen = !call.options.mask || call.mask[to_size(b * n_.tokens + t)] != 0;
              const double off =
                  seen ? std::abs(sum - y_[at]) / (double(std::numeric_limits<T>::epsilon()) * cost.of(sums_.y[to_size(at)]) + flushed())
                       : 0;
              if (!(off <= most)) most = std::isnan(off) ? std::numeric_limits<double>::infinity() : off;
            }
    return most;
  }

  // The largest error over its bound; above 1 is wrong, as is a NaN.
  double worst(const RandomCall<M, S, T>& call, Way way, const typename RandomCall<M, S, T>::Result& result) const {
    const double eps = double(std::numeric_limits<T>::epsilon()), ceiling = sizeof(T) == 8 ? 1e-11 : 1e-4;
    // Output rounded to a storage of fewer bits.
    const double storage = sizeof(S) < sizeof(T) ? (std::is_same_v<S, float> ? 0x1p-24 : 0x1p-8) : 0;
    const Index tokens = std::max<Index>(n_.tokens, 1);     // tokens that end up in one sum
    ErrorCost cost = error_cost<M>(sums_,
                                   way == Way::attend                         ? tokens
                                   : way == Way::chunkwise || way == Way::mix ? std::min(call.options.tuning.chunk, tokens)
                                                                              : 1,
                                   false);
    double most = 0, largest = 0, given = 0, right = 0;
    for (const double x : y_) largest = std::max(largest, std::abs(x));
    const auto add = [&](double x, double want, double bound) {
      const double off = std::abs(x - want) / (bound + flushed());
      if (!(off <= most)) most = std::isnan(off) ? std::numeric_limits<double>::infinity() : off, given = x, right = want;
    };
    const auto transform = [&](std::size_t n) { return way == Way::fourier || (way == Way::mix && window::is_window<M>) ? eps * fourier_cost(n_.tokens) * sums_.fourier[n] : 0; };
    const auto y = result.y.view;
    Index at = 0;
    for (Index b = 0; b < y.batch(); ++b)
      for (Index t = 0; t < y.time(); ++t)
        for (Index h = 0; h < y.head(); ++h)
          for (Index c = 0; c < y.feature(); ++c, ++at)
            add(double(static_cast<storage_compute_t<S>>(y.at(b, t, h, 0, c))), y_[at],
                std::min(eps * cost.of(sums_.y[to_size(at)]) + transform(to_size(at)), ceiling * largest) + storage * std::abs(y_[at]));
    const double at_y = most, top = largest;
    const auto s = result.final.view();
    const auto w = std::as_const(final_).view();
    largest = 0;
    for (Index n = 0; n < w.m.batch() * w.m.stride[0]; ++n) largest = std::max(largest, std::abs(w.m.data[n]));
    // Scaled memories are compared at one scale, and rows of codes with the decay that they are still owed.
    const auto scale = [&](Index n, Index h, Index a, Index c) {
      if constexpr (StateShape<M>::lazy) {
        const Clock now{s.clock.at(n, 0, h, 0, 0), s.clock.at(n, 0, h, 1, 0)}, touched{s.touched.at(n, 0, h, 0, a), s.touched.at(n, 0, h, 1, a)};
        return std::exp(now.since(touched));
      } else if constexpr (!StateShape<M>::has_p) return 1.0;
      else {
        const Index f = s.p.feature() > 1 ? c : 0;
        const double mine = double(s.p.at(n, 0, h, 0, f)), right = w.p.at(n, 0, h, 0, f);
        return mine < -1e37 && right < -1e37 ? 1.0 : std::exp(mine - right);           // nothing seen: the start is a rounding apart
      }
    };
    const auto compare = [&](const View<T>& mine, const View<const double>& want, const std::vector<ErrorSums>& sums, double limit,
                             bool key_is_row = true) {
      Index i = 0;
      for (Index n = 0; n < mine.batch(); ++n)
        for (Index h = 0; h < mine.head(); ++h)
          for (Index r = 0; r < mine.row(); ++r)
            for (Index c = 0; c < mine.feature(); ++c, ++i)
              add(double(mine.at(n, 0, h, r, c)) * scale(n, h, key_is_row ? r : c, c), want.at(n, 0, h, r, c),
                  std::min(eps * cost.of(sums[to_size(i)]), limit));
    };
    // A scale |p| rounds by eps |p| / 2 at every token: quotients do not see it, but a memory does.
    const double limit = M::stabiliser::scaled ? std::numeric_limits<double>::infinity() : ceiling * largest;
    compare(s.m, w.m, sums_.m, limit);
    if constexpr (StateShape<M>::has_imag) compare(s.m_imag, w.m_imag, sums_.m, limit);
    if constexpr (M::normaliser::quotient) compare(s.z, w.z, sums_.z, std::numeric_limits<double>::infinity(), StateShape<M>::z_per_channel);
    if constexpr (StateShape<M>::z_imag) compare(s.z_imag, w.z_imag, sums_.z, std::numeric_limits<double>::infinity());
    for (Index n = 0; n < s.position.batch(); ++n)
      if (s.position.at(n, 0, 0, 0, 0) != w.position.at(n, 0, 0, 0, 0)) most = std::numeric_limits<double>::infinity();
    if (most > 1)
      UNSCOPED_INFO("outputs " << at_y << " of the bound, with the final state " << most << ": " << given << " for " << right
                               << ", largest |y| " << top);
    return most;
  }

 private:
  // Results below the least normal number may become 0: a product in each of K T terms, and what multiplies it afterwards is below 8.
  double flushed() const { return 8 * double((n_.keys + 1) * (n_.tokens + 1)) * double(std::numeric_limits<float>::min()); }
  Shape n_;
  Buffer<double> y_;
  State<M, double> final_;
  CallSums sums_;
};

// LCSM_PROPERTY_REPEAT=50 in the environment makes 50 times as many calls, for a search that takes its time.
inline Index repeated(Index calls) {
  const char* times = std::getenv("LCSM_PROPERTY_REPEAT");
  return calls * (times ? std::max(1, std::atoi(times)) : 1);
}
inline Shape random_shape(bool keys, bool one_batch, Random& random) {
  Shape n;
  n.batch = one_batch ? 1 : random.between(1, 3), n.heads = random.one_of({1, 2, 4, 6}),
  n.tokens = random.one_of({0, 1, 2, 6, 7, 8, 15, 16, 17, 31, 63, 64, 65, 97});
  n.keys = keys ? random.one_of({1, 2, 3, 5, 8, 9, 16, 17, 33}) : 1, n.values = random.one_of({1, 2, 3, 4, 7, 8, 9, 15, 17, 19, 33, 65, 131});
  return n;
}
inline Style random_style(Random& random) {
  return {.dense = random.one_in(3),
          .broadcast = random.one_in(2),
          .groups = random.one_in(2),
          .closed_gates = random.one_in(3),
          .gate_shift = double(random.between(-4, 4)),
          .gate_scale = double(random.between(1, 8))};
}

// Every mode against the definition, over random calls.
template <class M, class S, class T> void check_modes(std::uint64_t seed, Index calls = 24) {
  for (Index n = 0; n < repeated(calls); ++n) {
    Random random(seed + std::uint64_t(n));
    using Call = RandomCall<M, S, T>;
    const auto kind = typename Call::Kind(n % 3);
    Shape shape = random_shape(has_keys<M>(), kind == Call::packed, random);
    if (n == 0) shape = {1, 1000, 2, has_keys<M>() ? 3 : 1, 5};
    const Style style = random_style(random);
    const Call call(shape, style, kind, random);
    const Definition<M, S, T> definition(call);
    for (const Way way : ways) {
      if (!has_way<M>(way) || (way == Way::step && !call.is_plain())) continue;
      if (way == Way::attend && !attends_in_blocks<M> && shape.tokens > 100) continue;     // O(T^2 K D)
      INFO("seed " << seed + std::uint64_t(n) << ": " << name_of(way) << ", " << call.text());
      const auto result = call.result(way, random);
      CHECK(definition.worst(call, way, result) <= 1);
      CHECK(result.slack_is_untouched());
    }
  }
}

// The surrogate attention matrix, applied, against the definition.
template <class M, class T> void check_matrix(std::uint64_t seed, Index calls = 9) {
  using Call = RandomCall<M, T, T>;
  for (Index n = 0; n < repeated(calls); ++n) {
    Random random(seed + std::uint64_t(n));
    const auto kind = typename Call::Kind(n % 3);
    const Shape shape = random_shape(has_keys<M>(), kind == Call::packed, random);
    Call call(shape, random_style(random), kind, random);
    call.initial.reset(), call.options.initial = {};
    const Definition<M, T, T> definition(call);
    INFO("seed " << seed + std::uint64_t(n) << ": matrix, " << call.text());
    const Guarded<T> a({shape.batch, shape.tokens, shape.heads, attention_rows<M>(shape.values), shape.tokens}, any_layout(random), random);
    attention_matrix(Threads{}, M{}, call.in, a.view, call.options);
    CHECK(definition.worst_of_matrix(call, a.view) <= 1);
    CHECK(a.slack_is_untouched());
  }
}

}  // namespace lcsm::test
