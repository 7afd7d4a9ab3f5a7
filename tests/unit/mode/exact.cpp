// SPDX-License-Identifier: MIT
// Integer inputs and decays of 0, 1, -1 and a few halves: every mode is exact, for every length and however time is cut into pieces.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace {

using namespace lcsm;

struct PerKey : Mixer<expand::Data<>, oscillation::Multiplier<Axes::key>, shrink::Data<>> {};
struct PerValue : Mixer<expand::Data<>, oscillation::Multiplier<Axes::value>, shrink::Data<>> {};
struct PerHead : Mixer<expand::Data<>, oscillation::Multiplier<Axes::one>, shrink::Data<>, Previous> {};
struct RankOne : Mixer<expand::Data<>,
                       Stage<LogTerm<Data<in::g, Axes::key, map::LogAbs>>, SignTerm<Data<in::g, Axes::key, map::Sign>>,
                             LogTerm<Data<in::f, Axes::value, map::LogAbs>>>,
                       shrink::Data<>> {};
struct Entries : Mixer<expand::Data<>, oscillation::Multiplier<Axes::matrix>, shrink::Data<>> {};

constexpr Index K = 3, D = 5, longest = 70;

// m <- o m + k v, y = q . m in integers: units of 2^-8.
template <class M> class Numbers {
 public:
  test::Inputs<float> in;
  explicit Numbers(std::uint64_t seed) : random_(seed) {
    in.q = integers(1, K), in.k = integers(1, K), in.v = integers(1, D);
    Index halves = 8;
    const auto gates = [&](Index rows, Index features) {
      const View<float> g = stream(rows, features);
      for (Index t = 0; t < longest; ++t) {
        const bool half = halves > 0 && random_.one_in(8);
        if (half) --halves;
        for (Index a = 0; a < rows; ++a)
          for (Index c = 0; c < features; ++c) g.at(0, t, 0, a, c) = half ? 0.5f : random_.one_in(9) ? 0.0f : random_.one_in(3) ? -1.0f : 1.0f;
      }
      return g;
    };
    constexpr Axes x = M::oscillation::axes;
    if constexpr (x == (Axes::key | Axes::value)) in.g = gates(1, K), in.f = gates(1, D);
    else in.g = gates(x == Axes::matrix ? K : 1, x == Axes::one ? 1 : x == Axes::key ? K : D);
  }
  // Of the tokens in the order of time, from nothing.
  void exact(Index tokens, bool reverse, std::vector<float>& y, std::vector<float>& m) const {
    std::vector<std::int64_t> memory(to_size(K * D), 0);
    y.assign(to_size(tokens * D), 0);
    for (Index j = 0; j < tokens; ++j) {
      const Index t = reverse ? tokens - 1 - j : j;
      const auto read = [&](Index c) {
        std::int64_t sum = 0;
        for (Index a = 0; a < K; ++a) sum += std::int64_t(in.q(0, t, 0, a)) * memory[to_size(a * D + c)];
        y[to_size(t * D + c)] = float(sum) / 256;
      };
      for (Index c = 0; c < D; ++c) {
        if (M::readout::previous) read(c);
        for (Index a = 0; a < K; ++a) {
          std::int64_t& x = memory[to_size(a * D + c)];
          x = std::int64_t(double(x) * decay(t, a, c)) + 256 * std::int64_t(in.k(0, t, 0, a)) * std::int64_t(in.v(0, t, 0, c));
        }
        if (!M::readout::previous) read(c);
      }
    }
    m.resize(memory.size());
    for (std::size_t n = 0; n < m.size(); ++n) m[n] = float(memory[n]) / 256;
  }

 private:
  double decay(Index t, Index a, Index c) const {
    constexpr Axes x = M::oscillation::axes;
    if constexpr (x == (Axes::key | Axes::value)) return double(in.g(0, t, 0, a)) * double(std::abs(in.f(0, t, 0, c)));
    else return double(in.g.at(0, t, 0, x == Axes::matrix ? a : 0, x == Axes::one ? 0 : x == Axes::key ? a : c));
  }
  View<float> stream(Index rows, Index features) { return buffers_.emplace_back(1, longest, 1, rows, features).view(); }
  View<const float> integers(Index rows, Index features) {
    const View<float> v = stream(rows, features);
    for (Index n = 0; n < longest * rows * features; ++n) v.data[n] = float(random_.between(-2, 2));
    return v;
  }
  test::Random random_;
  std::deque<Buffer<float>> buffers_;
};

// Calls run(y, options) for every length and both directions; each result must be the exact one.
template <class M, class Run> void check_lengths(const Numbers<M>& numbers, Run&& run) {
  std::vector<float> y, m;
  for (Index tokens = 0; tokens <= longest; ++tokens)
    for (const bool reverse : {false, true}) {
      numbers.exact(tokens, reverse, y, m);
      Buffer<float> out(1, tokens, 1, 1, D);
      out.fill(std::numeric_limits<float>::quiet_NaN());
      State<M, float> state(1, 1, K, D);
      Options<float> options;
      options.final = state, options.direction = reverse ? Direction::reverse : Direction::forward;
      run(test::tokens_of<M>(numbers.in, 0, tokens), out.view(), options);
      INFO(tokens << " tokens" << (reverse ? ", reverse" : ""));
      CHECK(std::equal(out.begin(), out.end(), y.begin(), y.end()));
      CHECK(std::equal(m.begin(), m.end(), state.view().m.data));
    }
}

}  // namespace

TEMPLATE_TEST_CASE("the scan is exact on integers for every length and stretch", "[scan]", PerKey, PerValue, PerHead, RankOne, Entries) {
  const Numbers<TestType> numbers(11);
  for (Index stretch = 1; stretch <= 9; ++stretch) {
    INFO("stretches of " << stretch);
    check_lengths(numbers, [&](const auto& in, const View<float>& y, Options<float> options) {
      options.tuning.scan_chunk = stretch, options.tuning.scan_units = 100, options.tuning.rows = stretch % 4 + 1;
      scan(exec::seq, TestType{}, in, y, options);
    });
  }
}
TEMPLATE_TEST_CASE("the recurrence is exact on integers for every length", "[recurrent]", PerKey, PerValue, PerHead, RankOne, Entries) {
  check_lengths(Numbers<TestType>(12), [](const auto& in, const View<float>& y, const Options<float>& options) {
    recurrent(exec::seq, TestType{}, in, y, options);
  });
}
TEMPLATE_TEST_CASE("chunks are exact on integers for every length and chunk", "[chunkwise]", PerKey, PerValue, PerHead, RankOne) {
  const Numbers<TestType> numbers(13);
  for (const Index chunk : {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 33, 64}) {
    INFO("chunks of " << chunk);
    check_lengths(numbers, [&](const auto& in, const View<float>& y, Options<float> options) {
      options.tuning.chunk = chunk;
      chunkwise(exec::seq, TestType{}, in, y, options);
    });
  }
}
