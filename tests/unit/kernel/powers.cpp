// SPDX-License-Identifier: MIT
#include <lcsm/kernel/powers.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <numbers>
#include <random>

using namespace lcsm;

namespace {
using Exact = std::complex<long double>;

// z^l in long double. Products of 34 bits with l below 2^30 are exact there; the C library reduces any angle.
Exact exact_power(double log_modulus, double phase, Index l) {
  if (l == 0) return 1;
  const long double n = static_cast<long double>(l), scale = std::ldexp(1.0L, std::ilogb(phase == 0 ? 1 : phase) - 33);
  const long double leading = std::trunc(static_cast<long double>(phase) / scale) * scale, rest = static_cast<long double>(phase) - leading;
  const auto turn = [](long double x) { return Exact(std::cos(x), std::sin(x)); };
  return std::exp(n * static_cast<long double>(log_modulus)) * turn(n * leading) * turn(n * rest);
}
double distance(std::complex<double> got, Exact right) { return double(std::abs(Exact(got.real(), got.imag()) - right)); }

constexpr double eps = 0x1p-52, turn = 2 * std::numbers::pi;
// A table's entry: three functions of 1 ulp and four products and sums; the tables' product has two entries.
double bound(double log_modulus, Index l, double size) {
  const double of_log = l == 0 || size == 0 ? 0 : double(l) * std::abs(log_modulus);
  return (12 + of_log) * eps * size + 2e-300;
}
}  // namespace

TEST_CASE("powers of modes: any angle at any lag", "[convolution]") {
  const Index L = (Index(1) << 20) + 3;
  const std::vector<std::pair<double, double>> modes{{0, 1}, {0, -1}, {0, 0}, {0, turn / 3}, {0, 3.1 * 0.37}, {-1e-6, 100.0 / 3}, {0, 1e5 / 7}, {0, -1e9 / 3},
                                                     {-1e-3, 2}, {-5, 1}, {1e-5, 0.1}, {-std::numeric_limits<double>::infinity(), 2.5}, {-800, 1}};
  PowerTables tables(Index(modes.size()), L);
  for (std::size_t n = 0; n < modes.size(); ++n) tables.set(Index(n), modes[n].first, modes[n].second);
  std::mt19937_64 rng(1);
  std::vector<Index> lags{0, 1, 2, 7, 8, 1000, 1023, 1024, 1025, Index(1) << 17, 524287, 1048575, L - 1};
  for (int k = 0; k < 200; ++k) lags.push_back(Index(rng() % std::uint64_t(L)));
  for (std::size_t n = 0; n < modes.size(); ++n)
    for (const Index l : lags) {
      const Exact right = exact_power(modes[n].first, modes[n].second, l);
      INFO("log " << modes[n].first << " phase " << modes[n].second << " lag " << l);
      CHECK(distance(tables.power(Index(n), l), right) <= bound(modes[n].first, l, double(std::abs(right))));
    }
  CHECK(tables.power(11, 0) == 1.0);
  CHECK(tables.power(11, 1) == 0.0);
}

TEST_CASE("powers of modes: lanes and single numbers have the same bits, and small ones are 0", "[convolution]") {
  const std::vector<double> l{0, 1, 2, 3, 690, 700, 705, 709, 100000, 5, 6};
  std::vector<double> re(l.size()), im(l.size());
  mode_powers(-1, 0.7, l.data(), Index(l.size()), re.data(), im.data());
  for (std::size_t k = 0; k < l.size(); ++k) {
    double x, y;
    mode_powers(-1, 0.7, &l[k], 1, &x, &y);
    CHECK((x == re[k] && y == im[k]));
    CHECK((std::abs(x) >= 0x1p-1022 || x == 0));
    CHECK((l[k] < 691 || (x == 0 && y == 0)));
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  mode_powers(nan, nan, l.data(), 2, re.data(), im.data());
  CHECK((re[0] == 1 && im[0] == 0));
  CHECK((std::isnan(re[1]) && std::isnan(im[1])));
}

TEST_CASE("sums over modes and over lags are those of the definition", "[convolution]") {
  std::mt19937_64 rng(2);
  const auto random = [&] { return double(rng() >> 11) * 0x1p-52 - 1; };
  for (const Index N : {1, 3, 17})
    for (const Index L : {1, 2, 8, 9, 63, 64, 65, 300, 2049, 5000}) {
      PowerTables tables(N, L);
      std::vector<double> log(to_size(N)), phase(to_size(N)), x(to_size(L)), got(to_size(L), std::nan(""));
      std::vector<std::complex<double>> w(to_size(N)), plain(to_size(N)), weighted(to_size(N));
      for (Index n = 0; n < N; ++n) {
        log[to_size(n)] = -std::exp(3 * random() - 4), phase[to_size(n)] = 4 * random(), w[to_size(n)] = {random(), random()};
        tables.set(n, log[to_size(n)], phase[to_size(n)]);
      }
      for (double& v : x) v = random();
      Index next = 0;
      tables.evaluate([&](Index n) { return w[to_size(n)]; }, [&](Index first, const double* values, Index count) {
        CHECK(first == next);
        std::copy_n(values, count, got.data() + first), next = first + count;
      });
      CHECK(next == L);
      tables.sums([&](Index first, double* to, Index count) { std::copy_n(x.data() + first, count, to); }, plain.data(), weighted.data());
      std::vector<Exact> right_plain(to_size(N)), right_weighted(to_size(N));
      std::vector<double> size_plain(to_size(N)), size_weighted(to_size(N));
      for (Index l = 0; l < L; ++l) {
        long double sum = 0;
        double bound_of_sum = 0;
        for (Index n = 0; n < N; ++n) {
          const Exact z = exact_power(log[to_size(n)], phase[to_size(n)], l), W(w[to_size(n)].real(), w[to_size(n)].imag());
          const double size = double(std::abs(z)), err = bound(log[to_size(n)], l, size), X = std::abs(x[to_size(l)]);
          sum += (W * z).real();
          bound_of_sum += std::abs(w[to_size(n)]) * (err + (2 + 2 * double(N)) * eps * size);
          right_plain[to_size(n)] += static_cast<long double>(x[to_size(l)]) * z, right_weighted[to_size(n)] += static_cast<long double>(double(l) * x[to_size(l)]) * z;
          // Sums within a row, over rows, and the weights' products; at most as many roundings as lags.
          size_plain[to_size(n)] += X * (err + (double(L) + 6) * eps * size), size_weighted[to_size(n)] += double(l) * X * (err + (double(L) + 8) * eps * size);
        }
        CHECK(double(std::abs(static_cast<long double>(got[to_size(l)]) - sum)) <= bound_of_sum);
      }
      for (Index n = 0; n < N; ++n) {
        CHECK(distance(plain[to_size(n)], right_plain[to_size(n)]) <= size_plain[to_size(n)]);
        CHECK(distance(weighted[to_size(n)], right_weighted[to_size(n)]) <= size_weighted[to_size(n)]);
      }
    }
}
