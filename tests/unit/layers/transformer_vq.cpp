// SPDX-License-Identifier: MIT
// The published layer itself is held by tests/conformance/transformer_vq.cpp.
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/transformer_vq.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/vq/codebook.hpp>

#include "support/arrange.hpp"
#include "support/catch.hpp"
#include "support/transformer_vq_parameters.hpp"

#include <cmath>
#include <deque>
#include <limits>

using namespace lcsm;
using namespace lcsm::test;

namespace {

template <class T> struct Published {
  std::deque<std::vector<T>> numbers;
  TransformerVqMaps<const T> maps;
  TransformerVqMaps<T> grads;
  View<const T> x, y_bar;
  View<T> y, x_bar;
  Codebook<T> book;
  TransformerVqOptions options;
  Published(const Golden& file, const GoldenCase& c) : book(c.size("H"), c.size("S"), c.size("K")) {
    const auto take = [&](const Array& a, const char* axes) { return arrange(static_cast<const T*>(numbers.emplace_back(a.values.begin(), a.values.end()).data()), a.shape, axes); };
    const auto fresh = [&](const Array& a, const char* axes) { return arrange(numbers.emplace_back(a.values.size(), T(77)).data(), a.shape, axes); };
    each(maps, [&](const char* name, View<const T>& v, const char* axes) { v = take(file.array(c.name, "par", name), axes); });
    each(grads, [&](const char* name, View<T>& v, const char* axes) { v = fresh(file.array(c.name, "par", name), axes); });
    x = take(file.array(c.name, "in", "x"), "btf"), y_bar = take(file.array(c.name, "w", "out.y"), "btf"), y = fresh(file.array(c.name, "out", "y"), "btf"), x_bar = fresh(file.array(c.name, "in", "x"), "btf");
    const Array counts = file.array(c.name, "par", "c_count"), sums = file.array(c.name, "par", "c_sum");
    book.restore(arrange(counts, "hf"), arrange(sums, "hrf"));
    options.heads = c.size("H"), options.window = c.size("mem_len"), options.block = c.size("block_len"), options.far = c.flag("agg_cache");
  }
  void run(const TransformerVqOptions& o) {
    transformer_vq(exec::par, maps, book.codes(), x, y, o), transformer_vq_vjp(exec::par, maps, book.codes(), x, y_bar, grads, x_bar, o);
  }
};

}  // namespace

TEST_CASE("Transformer-VQ: padding is not read, blocks change nothing", "[layers][vq]") {
  const Golden file(golden_path("transformer_vq_layer"));
  const GoldenCase& c = file.cases().front();
  Published<double> plain(file, c), padded(file, c);
  TransformerVqOptions o = plain.options;
  o.rule.keys = VqKeys::all;                                // the other rule depends on blocks
  plain.run(o);
  const Index B = plain.x.batch(), T = plain.x.time(), D = plain.x.feature();
  Buffer<double> x(B, 2 * T, 1, D), y(B, 2 * T, 1, D), y_bar(x), x_bar(x);
  Buffer<std::uint8_t> mask(B, 2 * T, 1, 1);
  x.fill(std::numeric_limits<double>::quiet_NaN()), y_bar.fill(std::numeric_limits<double>::infinity()), mask.fill(0);
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t < T; ++t) {
      mask.view()(b, 2 * t, 0, 0) = 1;
      for (Index f = 0; f < D; ++f) x.view()(b, 2 * t, 0, f) = plain.x(b, t, 0, f), y_bar.view()(b, 2 * t, 0, f) = plain.y_bar(b, t, 0, f);
    }
  TransformerVqOptions other = o;
  other.block = 1000, other.mask = std::as_const(mask).view();
  Buffer<std::int32_t> codes_of(B, 2 * T, o.heads, 1);
  transformer_vq(exec::seq, plain.maps, plain.book.codes(), std::as_const(x).view(), y.view(), other, codes_of.view());
  transformer_vq_vjp(exec::seq, plain.maps, plain.book.codes(), std::as_const(x).view(), std::as_const(y_bar).view(), padded.grads, x_bar.view(), other);
  double worst = 0, largest = 1;
  const auto compare = [&](double given, double want) { largest = std::max(largest, std::abs(want)), worst = std::isnan(given) ? INFINITY : std::max(worst, std::abs(given - want)); };
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t < 2 * T; ++t)
      for (Index f = 0; f < D; ++f) {
        compare(y.view()(b, t, 0, f), t % 2 == 0 ? plain.y(b, t / 2, 0, f) : 0);
        compare(x_bar.view()(b, t, 0, f), t % 2 == 0 ? plain.x_bar(b, t / 2, 0, f) : 0);
      }
  std::vector<View<double>> want;
  each(plain.grads, [&](const char*, View<double>& v, const char*) { want.push_back(v); });
  std::size_t n = 0;
  each(padded.grads, [&](const char*, View<double>& v, const char*) {
    for (Index r = 0; r < v.row(); ++r)
      for (Index f = 0; f < v.feature(); ++f) compare(v.at(0, 0, 0, r, f), want[n].at(0, 0, 0, r, f));
    ++n;
  });
  CHECK(worst <= 1e-12 * largest);
}
