// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/convolution/modal_form.hpp>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <Eigen/SVD>

#include <numbers>
#include <utility>

namespace lcsm {

// What distil makes of kernels [1,L,H,1,C].
//
//     form              delay 1: K_0 = D, K_l = Re sum_n W z^(l-1); of a conjugate pair one mode is kept, with twice its weight
//     singular_values   of each filter's Hankel matrix, descending, [1,1,H,R,C]
//     error             |K - that of the form| / |K| over all L lags, 0 for a kernel of zeros, [1,1,H,1,C]
//
// No form of order r has a Hankel matrix nearer to the kernel's, in its largest singular value, than singular_values[r] (Eckart & Young 1936), so with
// R singular values |K - form| >= singular_values[r] / R^(1/2) for all forms of that order: how they decay tells which order is enough.
struct Distilled {
  ModalForm form;
  Buffer<double> singular_values, error;
};

inline namespace LCSM_ARCH {
namespace distil_layer {

struct Filter {
  std::vector<std::complex<double>> poles, weights;         // log z; one of each pair
  std::vector<double> singular_values;
  double direct = 0, error = 0;
};

// The numbers of rows and columns of the Hankel matrix of `lags` lags: with the one shifted by a lag it reaches the last of them.
inline std::pair<Index, Index> hankel_extents(Index lags, Index most_rows) {
  const Index rows = lags > 0 ? (std::clamp)(lags / 2, Index(1), most_rows) : 0;
  return {rows, lags > 0 ? (std::max)(lags - rows, Index(1)) : 0};
}

// Eigenvalues of the shift in the space of the `order` largest singular vectors, those with negative imaginary parts left out. A template, so that
// only who calls it compiles the factorisations.
template <class Matrix> std::vector<std::complex<double>> poles(const Eigen::VectorXd& k, Index order, Index most_rows, std::vector<double>& singular_values) {
  const auto [rows, columns] = hankel_extents(k.size(), most_rows);
  Matrix hankel(columns, rows), shifted(columns, rows);  // transposed
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c) hankel(c, r) = k(r + c), shifted(c, r) = r + c + 1 < k.size() ? k(r + c + 1) : 0;
  // H^T P = Q R, and the square R has the singular values of H.
  const Eigen::ColPivHouseholderQR<Matrix> qr(hankel);
  const Matrix R = qr.matrixR().topRows(rows).template triangularView<Eigen::Upper>();
  const Eigen::JacobiSVD<Matrix, Eigen::NoQRPreconditioner> svd(R, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const Eigen::VectorXd& sigma = svd.singularValues();
  singular_values.assign(sigma.data(), sigma.data() + sigma.size());
  Index rank = 0;                                           // singular values below this are roundings of the first
  while (rank < (std::min)(order, rows) && sigma(rank) > sigma(0) * double(columns) * std::numeric_limits<double>::epsilon()) ++rank;
  std::vector<std::complex<double>> out;
  if (rank == 0) return out;
  Matrix V = Matrix::Zero(columns, rank);
  V.topRows(rows) = svd.matrixU().leftCols(rank);
  V.applyOnTheLeft(qr.householderQ());
  const Matrix U = qr.colsPermutation() * svd.matrixV().leftCols(rank), product = V.transpose() * shifted * U;
  const Eigen::VectorXd scale = sigma.head(rank).cwiseSqrt().cwiseInverse();
  const Matrix A = scale.asDiagonal() * product.transpose() * scale.asDiagonal();
  // The diagonal blocks of its real Schur form: numbers, and [[a, b], [c, a]] of a pair a +- i |b c|^(1/2). (EigenSolver does the same, and compiles twice as long.)
  const Matrix hessenberg = Eigen::HessenbergDecomposition<Matrix>(A).matrixH();
  Eigen::RealSchur<Matrix> schur(rank);
  const Matrix& blocks = schur.computeFromHessenberg(hessenberg, hessenberg, false).matrixT();
  for (Index n = 0; n < rank; ++n) {
    std::complex<double> z = blocks(n, n);
    if (n + 1 < rank && blocks(n + 1, n) != 0) {
      const double half = (blocks(n, n) - blocks(n + 1, n + 1)) / 2;
      z = {blocks(n + 1, n + 1) + half, std::sqrt(std::abs(half * half + blocks(n + 1, n) * blocks(n, n + 1)))}, ++n;
    }
    out.emplace_back(-std::abs(std::log(std::abs(z))), std::arg(z));
  }
  return out;
}

// Weights that fit k[l] = Re sum_n w_n z_n^l best in the sum of squares, by orthogonal transformations of the matrix of powers itself. What is left of k goes
// to `rest`.
template <class Matrix> std::vector<std::complex<double>> weights(const std::vector<std::complex<double>>& poles, const Eigen::VectorXd& k, Eigen::VectorXd& rest) {
  const Index lags = k.size(), modes = Index(poles.size());
  PowerTables powers(modes, lags);
  std::vector<Index> column;
  Index columns = 0;
  for (Index n = 0; n < modes; ++n) {
    const std::complex<double> z = poles[to_size(n)];
    powers.set(n, z.real(), z.imag());
    column.push_back(columns), columns += z.imag() > 0 && z.imag() < std::numbers::pi ? 2 : 1;
  }
  column.push_back(columns);
  const auto is_pair = [&](Index n) { return column[to_size(n + 1)] - column[to_size(n)] == 2; };
  Matrix basis(lags, columns);
  for (Index n = 0; n < modes; ++n)
    for (Index l = 0; l < lags; ++l) {
      const std::complex<double> x = powers.power(n, l);
      basis(l, column[to_size(n)]) = x.real();
      if (is_pair(n)) basis(l, column[to_size(n)] + 1) = -x.imag();
    }
  const Eigen::RowVectorXd norms = basis.colwise().norm().unaryExpr([](double x) { return x > 0 ? x : 1.0; });
  const Matrix scaled = basis.array().rowwise() / norms.array();
  const Eigen::VectorXd x = scaled.colPivHouseholderQr().solve(k);
  rest = k - scaled * x;
  std::vector<std::complex<double>> out;
  for (Index n = 0; n < modes; ++n) {
    const Index c = column[to_size(n)];
    out.emplace_back(x(c) / norms(c), is_pair(n) ? x(c + 1) / norms(c + 1) : 0);
  }
  return out;
}

template <class S> Filter distil(const View<S>& kernel, Index h, Index c, Index order, Index rows) {
  Filter out;
  if (kernel.time() == 0) return out;
  Eigen::VectorXd k(kernel.time() - 1);
  out.direct = stage::convert<double>(kernel(0, 0, h, c));
  for (Index l = 0; l < k.size(); ++l) k(l) = stage::convert<double>(kernel(0, l + 1, h, c));
  if (k.size() == 0) return out;
  if (!k.allFinite()) {                                     // no poles can be found for it, and it shows
    const double nan = std::numeric_limits<double>::quiet_NaN();
    out.poles.assign(1, {nan, nan}), out.weights.assign(1, {nan, nan}), out.error = nan;
    out.singular_values.assign(to_size(hankel_extents(k.size(), rows).first), nan);
    return out;
  }
  Eigen::VectorXd rest = k;
  out.poles = poles<Eigen::MatrixXd>(k, order, rows, out.singular_values);
  if (!out.poles.empty()) out.weights = weights<Eigen::MatrixXd>(out.poles, k, rest);
  const double size = std::hypot(out.direct, k.stableNorm());
  out.error = size > 0 ? rest.stableNorm() / size : 0;
  return out;
}

}  // namespace distil_layer

// Distillation of long kernels to few modes, after Massaroli et al. 2023 ("Laughing Hyena", https://arxiv.org/abs/2310.18780), whose modal form this is, by
// a realisation from the Hankel matrix instead of a descent: Ho & Kalman 1966, in the balanced form of Juang & Pappa 1985 (ERA). With H[i,j] = K_(i+j+1) and
// H'[i,j] = K_(i+j+2), H = U S V^T cut to `order` singular values, the poles are the eigenvalues of S^(-1/2) U^T H' V S^(-1/2). Poles outside the unit
// circle are reflected into it (z to 1 / conj z), so that every form is stable; with the poles fixed, weights are fitted to all lags by least squares (QR). Sums of
// at most `order` exponentials that do not grow are met to rounding; poles that coincide (l z^l) are found as close ones.
//
// `order` counts a conjugate pair twice, as the real state that it is. `rows` bounds the rows of H, which reaches over all lags: time is O(rows^2 L) and
// memory O((rows + order) L) per filter. All in double. A kernel of which H sees nothing (K_1 = 0 of three lags) has no poles, as its error says. Non-finite kernels
// give NaN. Throws ShapeError and OptionError.
template <class Exec, class S> Distilled distil(const Exec& exec, const View<S>& kernel, Index order, Index rows = 128) {
  modal_layer::check_kernel("distil", "kernel", kernel);
  if (order < 1) raise<OptionError>("distil", "order", "at least 1", door::text(order));
  if (rows < 1) raise<OptionError>("distil", "rows", "at least 1", door::text(rows));
  const Index H = kernel.head(), C = kernel.feature();
  std::vector<distil_layer::Filter> filters(to_size(H * C));
  exec.for_each(H * C, [&](Index item, Index) { filters[to_size(item)] = distil_layer::distil(kernel, item / C, item % C, order, rows); });
  Index modes = 1;
  for (const auto& filter : filters) modes = (std::max)(modes, Index(filter.poles.size()));
  const Index values = kernel.time() > 0 ? distil_layer::hankel_extents(kernel.time() - 1, rows).first : 0;
  Distilled out{ModalForm(H, modes, C, 1), Buffer<double>(1, 1, H, values, C), Buffer<double>(1, 1, H, 1, C)};
  out.form.log_modulus.fill(-std::numeric_limits<double>::infinity());
  for (Index h = 0; h < H; ++h)
    for (Index c = 0; c < C; ++c) {
      const distil_layer::Filter& filter = filters[to_size(h * C + c)];
      for (Index n = 0; n < Index(filter.poles.size()); ++n) {
        const std::complex<double> z = filter.poles[to_size(n)], w = filter.weights[to_size(n)];
        out.form.log_modulus.view().at(0, 0, h, n, c) = z.real(), out.form.phase.view().at(0, 0, h, n, c) = z.imag();
        out.form.W.view().at(0, 0, h, n, c) = w.real(), out.form.W_imag.view().at(0, 0, h, n, c) = w.imag();
      }
      for (Index n = 0; n < Index(filter.singular_values.size()); ++n) out.singular_values.view().at(0, 0, h, n, c) = filter.singular_values[to_size(n)];
      out.form.D.view()(0, 0, h, c) = filter.direct, out.error.view()(0, 0, h, c) = filter.error;
    }
  return out;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
