// SPDX-License-Identifier: MIT
// The monoid of summaries, on numbers that every order of operations represents exactly: a difference of one bit is a wrong law.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/expand/expand.hpp>
#include <lcsm/kernel/carry.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace {

using namespace lcsm;

struct PerKey : Mixer<expand::Data<>, oscillation::Multiplier<Axes::key>, shrink::Data<>, Quotient<guard::None>> {};
struct PerValue : Mixer<expand::Data<>, oscillation::PerValue<>, shrink::Data<>, Quotient<guard::None>> {};
struct Complex : Mixer<expand::Data<>, oscillation::Polar<>, shrink::Data<>, Quotient<guard::None>> {};
struct Entries : Mixer<expand::Data<>, oscillation::Elementwise<>, shrink::Data<>> {};
struct Sums : Mixer<expand::Data<>, oscillation::Identity, shrink::Data<>> {};
struct Scaled : Mixer<expand::Exp<>, oscillation::Scalar<>, shrink::Data<>, Quotient<guard::None>, RunningMax<>> {};
struct ScaledByKey : Mixer<expand::Exp<>, oscillation::PerKey<>, shrink::Data<>, Quotient<guard::None>, RunningMax<FromZero>> {};
struct ScaledByValue
    : Mixer<Stage<LogTerm<Data<in::k, Axes::value>>>, oscillation::PerValue<>, shrink::One, Quotient<guard::None>, RunningMax<>> {};
struct Means : Mixer<expand::Exp<>, oscillation::PerKey<>, shrink::Data<>, Mean> {};

constexpr Index K = 3, D = 5;

// A summary that can be copied.
template <class M> class Element {
 public:
  Element() : bytes_(size()), arena_(bytes_.data(), bytes_.size()), summary_(arena_, K, D) { summary_.clear(); }
  Element(const Element& other) : Element() { std::copy_n(other.bytes_.data(), bytes_.size(), bytes_.data()); }
  Element& operator=(const Element&) = delete;

  // Small integers. Logs lie so far apart that exp of a difference is 0 or 1; those of means differ all.
  Element& randomise(test::Random& random) {
    const auto integers = [&](double* x, Index n) { for (Index i = 0; i < n; ++i) x[i] = double(random.between(-3, 3)); };
    const Memory<M, double>& m = summary_.memory;
    for (Index a = 0; a < K; ++a) {
      integers(m.m + a * m.row, D);
      if constexpr (M::complex) integers(m.m_imag + a * m.row_imag, D);
    }
    if constexpr (M::normaliser::quotient)
      for (Index a = 0; a < m.z_rows(); ++a) {
        integers(m.z + a * m.z_row, m.z_columns());
        if constexpr (M::complex) integers(m.z_imag + a * m.z_row_imag, m.z_columns());
      }
    integers(summary_.re, summary_.rows * summary_.columns);
    if constexpr (M::complex) integers(summary_.im, summary_.rows * summary_.columns);
    for (Index n = 0; n < summary_.log_rows * summary_.log_columns; ++n) summary_.log[n] = -1e6 * double(random.below(3));
    if constexpr (Summary<M, double>::grows)                 // at least as much as any key
      for (Index c = 0; c < m.scales(); ++c) {
        summary_.growth[c] = summary_.log_at(0, c);
        for (Index a = 1; a < K; ++a) summary_.growth[c] = std::max(summary_.growth[c], summary_.log_at(a, c));
      }
    if constexpr (M::stabiliser::scaled) for (Index c = 0; c < m.scales(); ++c) m.p[c] = 1e6 * double(random.between(-3, 3));
    if constexpr (M::normaliser::mean) for (Index a = 0; a < K; ++a) m.z[a] = 1e3 * (1e3 * double(random.between(-3, 3)) + double(++count_));
    return *this;
  }
  friend Element operator*(Element earlier, const Element& later) {
    join(earlier.summary_, later.summary_);
    return earlier;
  }
  friend bool operator==(const Element& x, const Element& y) {
    bool same = true;
    const auto compare = [&](const double* a, const double* b, Index n) { for (Index i = 0; i < n; ++i) same = same && a[i] == b[i]; };
    x.summary_.memory.zip(y.summary_.memory, compare);
    compare(x.summary_.re, y.summary_.re, x.summary_.rows * x.summary_.columns);
    if constexpr (Summary<M, double>::complex) compare(x.summary_.im, y.summary_.im, x.summary_.rows * x.summary_.columns);
    compare(x.summary_.log, y.summary_.log, x.summary_.log_rows * x.summary_.log_columns);
    if constexpr (Summary<M, double>::grows) compare(x.summary_.growth, y.summary_.growth, x.summary_.memory.scales());
    return same;
  }

 private:
  static Index size() {
    Arena counting;
    Summary<M, double>(counting, K, D);
    return counting.used();
  }
  static inline Index count_ = 0;
  Buffer<std::byte> bytes_;
  Arena arena_;
  Summary<M, double> summary_;
};

// Every bracketing of the elements [first, last).
template <class M> std::vector<Element<M>> products(const std::vector<Element<M>>& all, std::size_t first, std::size_t last) {
  if (last - first == 1) return {all[first]};
  std::vector<Element<M>> out;
  for (std::size_t cut = first + 1; cut < last; ++cut)
    for (const Element<M>& x : products(all, first, cut))
      for (const Element<M>& y : products(all, cut, last)) out.push_back(x * y);
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("summaries form a monoid", "[carry]", PerKey, PerValue, Complex, Entries, Sums, Scaled, ScaledByKey, ScaledByValue, Means) {
  using E = Element<TestType>;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    test::Random random(seed);
    std::vector<E> x;
    for (int n = 0; n < 5; ++n) x.push_back(E().randomise(random));
    const std::vector<E> all = products(x, 0, x.size());
    REQUIRE(all.size() == 14);
    bool associative = true;
    for (const E& product : all) associative = associative && product == all[0];
    CHECK(associative);
    CHECK(E() * x[0] == x[0]);
    CHECK(x[0] * E() == x[0]);
  }
}

TEMPLATE_TEST_CASE("the order of summaries matters where something decays", "[carry]", PerKey, PerValue, Complex, Entries, Scaled,
                   ScaledByKey, ScaledByValue, Means) {
  using E = Element<TestType>;
  int differ = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    test::Random random(seed);
    E x, y;
    x.randomise(random), y.randomise(random);
    differ += x * y == y * x ? 0 : 1;
  }
  CHECK(differ >= 25);
}
