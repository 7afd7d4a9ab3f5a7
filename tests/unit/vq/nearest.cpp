// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/tensor/buffer.hpp>
#include <lcsm/tensor/half.hpp>
#include <lcsm/vq/nearest.hpp>

#include "support/catch.hpp"
#include "support/golden.hpp"
#include "support/random_mixers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace lcsm;
using namespace lcsm::test;

namespace {

// The definition: differences, squares and sums in long double, the lowest index of the least.
template <class X, class C> std::vector<long double> distances(const View<X>& x, const View<C>& codes, Index b, Index t, Index h) {
  std::vector<long double> all;
  for (Index s = 0; s < codes.row(); ++s) {
    long double sum = 0;
    for (Index k = 0; k < x.feature(); ++k) {
      const long double off = static_cast<long double>(stage::convert<double>(x(b, t, h, k))) - static_cast<long double>(stage::convert<double>(codes.at(0, 0, h / (x.head() / codes.head()), s, k)));
      sum += off * off;
    }
    all.push_back(sum);
  }
  return all;
}

template <class S, class T = storage_compute_t<S>> void check_random(std::uint64_t seed) {
  Random random(seed);
  const Index batch = random.between(0, 3), tokens = random.one_of({0, 1, 3, 4, 63, 64, 65, 130}), groups = random.between(1, 3), heads = groups * random.between(1, 2);
  const Index codes = random.one_of({1, 2, 7, 8, 15, 16, 17, 40, 100}), features = random.one_of({1, 2, 3, 8, 13});
  const double scale = random.one_of({0, 1}) ? 1 : std::pow(10.0, random.uniform(-3, 3)), offset = random.one_of({0, 1}) ? 0 : 1000 * scale;
  INFO("seed " << seed << ": " << batch << ", " << tokens << ", " << heads << " of " << groups << ", " << codes << " codes of " << features);
  const Guarded<S> x({batch, tokens, heads, 1, features}, any_layout(random), random), book({1, 1, groups, codes, features}, any_layout(random), random);
  for (const Guarded<S>* v : {&x, &book}) v->each([&](S& n) { n = static_cast<S>(static_cast<T>(offset + scale * random.uniform(-1, 1))); });
  Buffer<std::uint8_t> mask(batch, tokens, 1, 1);
  for (auto& m : mask) m = random.one_in(4) ? 0 : std::uint8_t(random.between(1, 255));
  const bool masked = random.one_in(2);
  Guarded<std::int16_t> code({batch, tokens, heads, 1, 1}, any_layout(random), random);
  Guarded<T> distance({batch, tokens, heads, 1, 1}, any_layout(random), random);
  VqOptions options;
  if (masked) options.mask = std::as_const(mask).view();
  for (Index b = 0; b < batch && masked; ++b)
    for (Index t = 0; t < tokens; ++t)
      for (Index h = 0; h < heads && mask.view()(b, t, 0, 0) == 0; ++h)
        for (Index k = 0; k < features; ++k) x.view(b, t, h, k) = std::numeric_limits<S>::quiet_NaN();
  nearest_codes(exec::Par{random.between(1, 3)}, View<const S>(x.view), View<const S>(book.view), code.view, distance.view, options);
  CHECK(code.slack_is_untouched());
  CHECK(distance.slack_is_untouched());
  long double worst = 0;
  for (Index b = 0; b < batch; ++b)
    for (Index t = 0; t < tokens; ++t)
      for (Index h = 0; h < heads; ++h) {
        const Index z = code.view(b, t, h, 0);
        if (masked && mask.view()(b, t, 0, 0) == 0) {
          if (z != 0 || distance.view(b, t, h, 0) != 0) FAIL("a masked token has code " << z);
          continue;
        }
        const std::vector<long double> all = distances(x.view, book.view, b, t, h);
        const long double least = *std::min_element(all.begin(), all.end()), unit = static_cast<long double>(std::numeric_limits<T>::epsilon()) * static_cast<long double>(features + 2);
        REQUIRE(z >= 0);
        REQUIRE(z < codes);
        worst = std::max({worst, (all[to_size(z)] - least) / (unit * least + std::numeric_limits<long double>::min()), std::abs(static_cast<long double>(distance.view(b, t, h, 0)) - all[to_size(z)]) / (unit * least + std::numeric_limits<long double>::min())});
      }
  CHECK(worst <= 1);
}

}  // namespace

TEST_CASE("the nearest code of random vectors", "[vq]") {
  for (std::uint64_t seed = 0; seed < 80; ++seed) check_random<float>(seed), check_random<double>(1000 + seed);
  for (std::uint64_t seed = 0; seed < 20; ++seed) check_random<Bfloat16>(2000 + seed);
}

TEST_CASE("the nearest code far from the origin", "[vq][vq_01]") {
  const Case file(case_path("vq_01"));
  for (const std::string which : {"far", "near"}) {
    const Array x = file.in("x_" + which), codes = file.in("codes_" + which), d2 = file.out("d2_" + which), idx = file.out("idx_" + which);
    const auto check = [&]<class T>(T) {
      std::vector<T> vectors(x.values.begin(), x.values.end()), book(codes.values.begin(), codes.values.end()), distance(idx.values.size());
      std::vector<std::int64_t> z(idx.values.size(), -1);
      const Index n = Index(z.size());
      nearest_codes(exec::seq, lcsm::view<const T>(vectors.data(), 1, n, 1, 4), lcsm::view<const T>(book.data(), 1, 1, 1, 16, 4), lcsm::view(z.data(), 1, n, 1, 1), lcsm::view(distance.data(), 1, n, 1, 1));
      for (std::size_t k = 0; k < z.size(); ++k) {
        CHECK(double(z[k]) == idx[k]);
        CHECK(std::abs(double(distance[k]) - d2[k]) <= 6 * double(std::numeric_limits<T>::epsilon()) * d2[k]);
      }
    };
    check(float()), check(double());
  }
}

TEST_CASE("the lowest of equally near codes", "[vq][vq_02]") {
  const Case file(case_path("vq_02"));
  const Array x = file.in("x"), codes = file.in("codes"), idx = file.out("idx");
  const auto check = [&]<class T>(T) {
    const std::vector<T> vectors(x.values.begin(), x.values.end()), book(codes.values.begin(), codes.values.end());
    std::vector<std::int32_t> z(27, -1);
    nearest_codes(exec::seq, lcsm::view(vectors.data(), 1, 27, 1, 2), lcsm::view(book.data(), 1, 1, 1, 20, 2), lcsm::view(z.data(), 1, 27, 1, 1));
    for (std::size_t k = 0; k < z.size(); ++k) CHECK(double(z[k]) == idx[k]);
    std::fill(z.begin(), z.end(), -1);
    nearest_codes(exec::seq, lcsm::view(vectors.data(), 1, 27, 1, 2), lcsm::view(book.data(), 1, 1, 1, 1, 2), lcsm::view(z.data(), 1, 27, 1, 1));   // one code only
    CHECK(std::count(z.begin(), z.end(), 0) == 27);
    nearest_codes(exec::seq, lcsm::view(vectors.data(), 1, 0, 1, 2), lcsm::view(book.data(), 1, 1, 1, 20, 2), lcsm::view(z.data(), 1, 0, 1, 1));
  };
  check(float()), check(double());
}

// Ties in every pair of lanes and blocks: copies of one code among others that are farther.
TEST_CASE("copies of a code are as near as it, wherever they stand", "[vq]") {
  Random random(5);
  for (int round = 0; round < 200; ++round) {
    const Index S = random.between(2, 70), K = random.between(1, 9), a = random.below(S), b = random.below(S);
    Buffer<float> codes(1, 1, 1, S, K), x(1, 5, 1, K);
    for (float& v : codes) v = float(random.uniform(5, 9));
    for (Index k = 0; k < K; ++k) codes.view().at(0, 0, 0, a, k) = codes.view().at(0, 0, 0, b, k) = float(random.uniform(-1, 1));
    for (float& v : x) v = float(random.uniform(-1, 1));
    Buffer<int> z(1, 5, 1, 1);
    nearest_codes(exec::seq, x.view(), codes.view(), z.view());
    for (const int one : z) CHECK(one == std::min(a, b));
  }
}

TEST_CASE("squares that leave the range of the type", "[vq]") {
  for (const float size : {1e-30f, 1e-38f, 1e25f, 1e38f}) {
    INFO(size);
    Buffer<float> codes(1, 1, 1, 20, 2), x(1, 20, 1, 2), distance(1, 20, 1, 1);
    for (Index s = 0; s < 20; ++s)
      for (Index k = 0; k < 2; ++k) codes.view().at(0, 0, 0, s, k) = size * (float((s * 7 + k * 3) % 20) / 20), x.view()(0, s, 0, k) = codes.view().at(0, 0, 0, s, k) + size / 1000;
    Buffer<int> z(1, 20, 1, 1);
    nearest_codes(exec::seq, x.view(), codes.view(), z.view(), distance.view());
    for (Index t = 0; t < 20; ++t) CHECK(z[t] == t);
  }
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const float codes[] = {1, 2, 3}, x[] = {nan, inf, -inf, 2.9f};
  int z[] = {-1, -1, -1, -1};
  float far[4];
  nearest_codes(exec::seq, lcsm::view(x, 1, 4, 1, 1), lcsm::view(codes, 1, 1, 1, 3, 1), lcsm::view(z, 1, 4, 1, 1), lcsm::view(far, 1, 4, 1, 1));
  CHECK((z[0] == 0 && z[1] == 0 && z[2] == 0 && z[3] == 2));
  CHECK((std::isnan(far[0]) && far[1] == inf && far[2] == inf));
}

TEST_CASE("a search that does not fit is named, and nothing is written", "[vq]") {
  Buffer<float> x(2, 6, 4, 3), codes(1, 1, 2, 300, 3);
  Buffer<int> z(2, 6, 4, 1);
  x.fill(0), codes.fill(0), z.fill(-7);
  std::vector<std::byte> little(10);
  const auto refused = [&](const std::string& argument, auto&& call) {
    std::string text = "nothing was thrown";
    try { call(); } catch (const Error& error) { text = error.what(); }
    INFO(text);
    CHECK(text.starts_with("lcsm::nearest_codes: argument '" + argument + "': expected "));
  };
  refused("codes", [&] { nearest_codes(exec::seq, x.view(), codes.view().features(0, 2), z.view()); });
  refused("codes", [&] { nearest_codes(exec::seq, x.view(), codes.view().rows(0, 0), z.view()); });
  refused("codes", [&] { nearest_codes(exec::seq, x.view(), Buffer<float>(1, 1, 3, 300, 3).view(), z.view()); });
  refused("codes_of", [&] { nearest_codes(exec::seq, x.view(), codes.view(), z.view().tokens(0, 5)); });
  refused("distance", [&] { nearest_codes(exec::seq, x.view(), codes.view(), z.view(), Buffer<float>(2, 6, 3, 1).view()); });
  refused("mask", [&] { nearest_codes(exec::seq, x.view(), codes.view(), z.view(), {}, {.mask = Buffer<std::uint8_t>(2, 5, 1, 1).view()}); });
  refused("workspace", [&] { nearest_codes(exec::seq, x.view(), codes.view(), z.view(), {}, {.workspace = little}); });
  Buffer<std::int8_t> narrow(2, 6, 4, 1);
  refused("codes_of", [&] { nearest_codes(exec::seq, x.view(), codes.view(), narrow.view()); });
  CHECK(std::count(z.begin(), z.end(), -7) == z.size());
}
