// SPDX-License-Identifier: MIT
#include "subject.hpp"

namespace lcsm::conformance {

std::vector<double> rows_of(const std::vector<double>& x, const std::vector<Index>& rows, std::size_t width) {
  if (rows.empty()) return x;
  std::vector<double> out;
  for (const Index row : rows)
    for (std::size_t n = 0; n < width; ++n) out.push_back(row < 0 ? 0 : x.at(to_size(row) * width + n));
  return out;
}

bool each_other(const std::vector<Index>& rows, std::size_t size, std::size_t width, const std::function<bool(std::size_t, std::size_t)>& f) {
  if (rows.empty()) return true;
  std::vector<bool> mine(size / width);
  for (const Index row : rows) mine.at(to_size(row)) = true;
  for (std::size_t row = 0; row < mine.size(); ++row)
    if (!mine[row] && !f(row * width, (row + 1) * width)) return false;
  return true;
}

std::vector<double> Both::output() const {
  std::vector<double> y = first_->output();
  const std::vector<double> other = second_->output();
  if (join_ == Join::beside) y.insert(y.end(), other.begin(), other.end());
  else
    for (std::size_t n = 0; n < y.size(); ++n) y[n] += other.at(n);
  return y;
}

Sums join_sums(Sums first, const Sums& second, Both::Join join) {
  std::vector<test::ErrorSums>& y = first.terms.y;
  if (join == Both::Join::beside) y.insert(y.end(), second.terms.y.begin(), second.terms.y.end());
  else
    for (std::size_t n = 0; n < y.size(); ++n) {
      const test::ErrorSums& x = second.terms.y.at(n);
      y[n] = {y[n].s + x.s, y[n].w + x.w, y[n].g + x.g, y[n].q + x.q};
    }
  auto& f = first.terms.fourier;
  const auto& g = second.terms.fourier;
  if (join == Both::Join::beside) f.insert(f.end(), g.begin(), g.end());
  else
    for (std::size_t n = 0; n < f.size(); ++n) f[n] += g.at(n);
  return first;
}

}  // namespace lcsm::conformance
