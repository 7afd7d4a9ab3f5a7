// SPDX-License-Identifier: MIT
#include "adapters.hpp"
#include "gate.hpp"
#include "run.hpp"

#include <lcsm/vq/codebook.hpp>

namespace lcsm::conformance {
namespace {

// The search, and the counts and sums after an update. Sums are in double whatever the type; the codes are rounded to it.
template <class T> void quantiser(Case& c) {
  const Index B = c.size("B"), L = c.size("L"), H = c.size("H"), S = c.size("S"), K = c.size("K");
  const double g = c.number("c_gamma"), p = c.number("n_block_per_update"), unit = std::numeric_limits<T>::epsilon(), wide = std::numeric_limits<double>::epsilon();
  const Array vectors = rearranged(c.in("vecs"), "BHLK", "BLHK"), sums = c.par("c_sum"), counts = c.par("c_count"), mask = c.par("mask");
  const std::vector<T> numbers(vectors.values.begin(), vectors.values.end());
  const std::vector<std::uint8_t> there(mask.values.begin(), mask.values.end());
  const View<const T> x = view(numbers.data(), B, L, H, K);
  Codebook<T> book(H, S, K);
  book.restore(view(counts.values.data(), 1, 1, H, S), view(sums.values.data(), 1, 1, H, S, K));
  Buffer<std::int32_t> code(B, L, H, 1);
  Buffer<T> distance(B, L, H, 1);
  nearest_codes(one_thread, x, book.codes(), code.view(), distance.view());
  std::vector<double> magnitudes;
  for (const double v : vectors.values) magnitudes.push_back(std::abs(v));
  CodeStatistics batch(H, S, K), sizes(H, S, K);
  const VqOptions options{.mask = c.withheld() ? View<const std::uint8_t>() : view(there.data(), B, L, 1, 1)};
  batch.add(one_thread, x, code.view(), options), sizes.add(one_thread, view(std::as_const(magnitudes).data(), B, L, H, K), code.view(), options);
  const View<const T> codes = book.codes();
  std::vector<double> far, far_error, far_file, found, none(to_size(B * L * H));
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t < L; ++t)
      for (Index h = 0; h < H; ++h) {
        const Index s = code.view()(b, t, h, 0);
        double own = 0, turned = 0, size = 0;
        for (Index k = 0; k < K; ++k) {
          const double v = double(x(b, t, h, k)), e = double(codes.at(0, 0, h, s, k));
          own += (v - e) * (v - e), turned += 2 * std::abs((v - e) * e), size += (std::abs(v) + std::abs(e)) * (std::abs(v) + std::abs(e));
        }
        found.push_back(double(s)), far.push_back(double(distance.view()(b, t, h, 0)));
        far_error.push_back(unit * (double(K + 2) * own + turned));
        far_file.push_back(wide * double(K + 4) * size);     // by |x|^2 - 2 x.C + |C|^2
      }
  book.update(batch, g, p);
  const auto blended = [&](const View<const double>& now, const View<const double>& size, const std::vector<double>& before, std::vector<double>& bound) {
    std::vector<double> out;
    for (std::size_t n = 0; n < before.size(); ++n)
      out.push_back(now.data[n]), bound.push_back(wide * double(B * L + 4) * (g * std::abs(before[n]) + (1 - g) * p * size.data[n]));
    return out;
  };
  std::vector<double> count_bound, sum_bound;
  const std::vector<double> new_counts = blended(book.counts(), sizes.counts(), counts.values, count_bound), new_sums = blended(book.sums(), sizes.sums(), sums.values, sum_bound);
  const auto row = [&](const char* mode, const Expected& want, const std::vector<double>& given, const std::vector<double>& bound, const std::vector<double>& file) {
    Comparison comparison;
    comparison.add(want, given, bound, file, std::is_same_v<T, float> ? 1e-4 : 1e-11);
    c.compared(want), c.report().add(comparison.row(mode, std::is_same_v<T, float> ? "float" : "double", want.tensor));
  };
  row("search", c.expected("aux", "z", "BHL", "BLH"), found, none, none);
  row("search", c.expected("out", "errs2", "BHL", "BLH"), far, far_error, far_file);
  row("update, masked", c.expected("out", "c_count_tgt", "HS", "HS"), new_counts, count_bound, count_bound);
  row("update, masked", c.expected("out", "c_sum_tgt", "HSK", "HSK"), new_sums, sum_bound, sum_bound);
}
void vq_codebook(Case& c) {
  quantiser<double>(c), quantiser<float>(c);
}
const bool known = add("vq_codebook", vq_codebook);

}  // namespace
}  // namespace lcsm::conformance
