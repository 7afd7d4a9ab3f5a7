// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/view.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <vector>

// HiPPO-LegS, Gu et al. 2020 (https://arxiv.org/abs/2008.07669), and what state-space models start from: plus a matrix of rank one it is
// normal, A + p p^T = -1/2 + S with S skew-symmetric (Gu et al. 2021, https://arxiv.org/abs/2111.00396; state-spaces/s4:
// src/models/hippo/hippo.py).
namespace lcsm::hippo {

// A[r,c], and the input vector B[r]; p[r] = B[r] / sqrt 2.
inline double legs(Index r, Index c) {
  return r > c ? -std::sqrt(double((2 * r + 1) * (2 * c + 1))) : r == c ? -double(r + 1) : 0.0;
}
inline double legs_input(Index r) { return std::sqrt(double(2 * r + 1)); }
inline double legs_rank_one(Index r) { return std::sqrt(double(r) + 0.5); }

// The eigenvalues -1/2 + i imag of A + p p^T of size n, imag ascending (so imag[n-1-j] = -imag[j]), and their unit eigenvectors, vector(j)[r],
// whose first entry is real and not negative. Those of -imag are the conjugates.
struct Modes {
  Index size = 0;
  std::vector<double> imag;
  std::vector<std::complex<double>> vectors;
  const std::complex<double>* vector(Index j) const { return vectors.data() + j * size; }
  // V^* x for a real x(r): what the mode j sees of it.
  template <class F> std::complex<double> seen(Index j, F&& x) const {
    std::complex<double> sum = 0;
    for (Index r = 0; r < size; ++r) sum += std::conj(vector(j)[r]) * x(r);
    return sum;
  }
};

// One-sided Jacobi rotations R make the columns of S R orthogonal, to full relative accuracy of their lengths, which are the singular values:
// |imag|, each twice. A column of R, r, and that of S R, imag u, make the eigenvector (r - i u) / sqrt 2.
inline Modes legs_modes(Index n) {
  std::vector<double> a(to_size(n * n), 0.0), rotation = a;
  const auto column = [n](std::vector<double>& x, Index c) { return x.data() + c * n; };
  for (Index c = 0; c < n; ++c) {
    column(rotation, c)[c] = 1;
    for (Index r = 0; r < n; ++r)
      if (r != c) column(a, c)[r] = (r > c ? -0.5 : 0.5) * std::sqrt(double((2 * r + 1) * (2 * c + 1)));
  }
  for (bool turned = true; turned;) {
    turned = false;
    for (Index p = 0; p < n; ++p)
      for (Index q = p + 1; q < n; ++q) {
        const double *x = column(a, p), *y = column(a, q);
        const double pp = std::inner_product(x, x + n, x, 0.0), qq = std::inner_product(y, y + n, y, 0.0), pq = std::inner_product(x, x + n, y, 0.0);
        if (std::abs(pq) <= 1e-15 * double(n) * std::sqrt(pp * qq)) continue;
        turned = true;
        const double zeta = (qq - pp) / (2 * pq), t = (zeta < 0 ? -1 : 1) / (std::abs(zeta) + std::sqrt(1 + zeta * zeta)),
                     c = 1 / std::sqrt(1 + t * t), s = c * t;
        for (std::vector<double>* m : {&a, &rotation})
          for (Index r = 0; r < n; ++r) {
            double &u = column(*m, p)[r], &v = column(*m, q)[r];
            const double before = u;
            u = c * before - s * v, v = s * before + c * v;
          }
      }
  }
  std::vector<double> sizes(to_size(n));
  std::vector<Index> order(to_size(n));
  for (Index c = 0; c < n; ++c) {
    const double* x = column(a, c);
    sizes[to_size(c)] = std::sqrt(std::inner_product(x, x + n, x, 0.0)), order[to_size(c)] = c;
  }
  std::sort(order.begin(), order.end(), [&](Index x, Index y) { return sizes[to_size(x)] < sizes[to_size(y)]; });

  Modes out{n, std::vector<double>(to_size(n)), std::vector<std::complex<double>>(to_size(n * n))};
  const auto keep = [&](Index j, bool null) {               // the vector j from the column that its size came from
    const Index from = order[to_size(null ? 0 : 2 * (j - (n + 1) / 2) + (n % 2 == 0 ? 0 : 1))];
    const double size = sizes[to_size(from)];
    std::complex<double>* v = out.vectors.data() + j * n;
    for (Index r = 0; r < n; ++r)
      v[r] = {column(rotation, from)[r], null ? 0.0 : -column(a, from)[r] / size};
    double norm = 0;
    for (Index r = 0; r < n; ++r) norm += std::norm(v[r]);
    const std::complex<double> turn = std::conj(v[0]) / (std::abs(v[0]) * std::sqrt(norm));
    for (Index r = 0; r < n; ++r) v[r] *= turn;
    v[0] = std::abs(v[0]);
    out.imag[to_size(j)] = null ? 0 : size;
  };
  if (n % 2 != 0) keep(n / 2, true);
  for (Index j = (n + 1) / 2; j < n; ++j) {
    keep(j, false);
    out.imag[to_size(n - 1 - j)] = -out.imag[to_size(j)];
    for (Index r = 0; r < n; ++r) out.vectors[to_size((n - 1 - j) * n + r)] = std::conj(out.vector(j)[r]);
  }
  return out;
}

}  // namespace lcsm::hippo
