// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/coefficients.hpp>

#include <Eigen/Eigenvalues>
#include <Eigen/SVD>

#include <algorithm>

// Matrices of a row of numbers, and their spectra, by Eigen.
namespace lcsm::analysis {

using Matrix = Eigen::MatrixXcd;

// Descending. Of any shape: filled up with zeros to a square, which Eigen compiles several times faster.
inline std::vector<double> singular_values(const Matrix& x) {
  if (x.size() == 0) return {};
  const Index n = (std::max)(x.rows(), x.cols());
  Matrix square = Matrix::Zero(n, n);
  square.topLeftCorner(x.rows(), x.cols()) = x;
  const Eigen::VectorXd s = Eigen::JacobiSVD<Matrix, Eigen::NoQRPreconditioner>(square).singularValues();
  return {s.data(), s.data() + (std::min)(x.rows(), x.cols())};
}

// Columns made orthonormal in place, each against those before it, and what was left of each of them. With `pivot` the longest remaining one comes next, and one that is below `part` of the
// first is 0, so that those which are not count the rank. A column is cleaned of those before it once more when its turn comes: what is left may be small against what was taken out.
inline std::vector<double> orthonormalise(Matrix& x, bool pivot = false, double part = 1e-10) {
  std::vector<double> left(to_size(x.cols()));
  const auto take_out = [&](Index from, Index of) {
    const Number along = x.col(of).dot(x.col(from));
    x.col(from) -= along * x.col(of);
  };
  for (Index c = 0; c < x.cols(); ++c) {
    for (Index other = c + 1; pivot && other < x.cols(); ++other)
      if (x.col(other).squaredNorm() > x.col(c).squaredNorm()) x.col(other).swap(x.col(c));
    for (int again = 0; again < 2; ++again)
      for (Index before = 0; before < c; ++before) take_out(c, before);
    const double length = x.col(c).norm();
    if (!(length > (pivot ? part * left[0] : 0))) {
      x.col(c).setZero();
      continue;
    }
    left[to_size(c)] = length, x.col(c) /= length;
    for (Index other = c + 1; other < x.cols(); ++other) take_out(other, c);
  }
  return left;
}

// By Householder's reflections to Hessenberg form, then Eigen's QR iteration.
inline std::vector<Number> eigenvalues(Matrix x) {
  const Index n = x.rows();
  if (n == 0) return {};
  for (Index k = 0; k + 2 < n; ++k) {
    Eigen::VectorXcd v = x.col(k).tail(n - k - 1);
    const Number first = v(0) == 0.0 ? Number(1) : v(0) / std::abs(v(0));
    v(0) += first * v.norm();
    const double size = v.squaredNorm();
    if (size == 0) continue;
    for (Index c = 0; c < n; ++c) x.col(c).tail(n - k - 1) -= (2 / size * v.dot(x.col(c).tail(n - k - 1))) * v;
    for (Index r = 0; r < n; ++r) {
      Number along = 0;
      for (Index c = 0; c < v.size(); ++c) along += x(r, k + 1 + c) * v(c);
      for (Index c = 0; c < v.size(); ++c) x(r, k + 1 + c) -= 2 / size * along * std::conj(v(c));
    }
    x.col(k).tail(n - k - 2).setZero();
  }
  Eigen::ComplexSchur<Matrix> schur(n);
  schur.computeFromHessenberg(x, x, false);
  const Eigen::VectorXcd e = schur.matrixT().diagonal();
  return {e.data(), e.data() + n};
}
// How many are above `part` of the largest.
inline Index rank(const std::vector<double>& singular, double part = 1e-10) {
  return Index(std::count_if(singular.begin(), singular.end(), [&](double s) { return s > part * singular.front(); }));
}
// exp of the entropy of the singular values as shares of their sum (Roy & Vetterli 2007): the number of directions in use.
inline double effective_rank(const std::vector<double>& singular) {
  double sum = 0, entropy = 0;
  for (const double s : singular) sum += s;
  if (!(sum > 0)) return 0;
  for (const double s : singular)
    if (s > 0) entropy -= s / sum * std::log(s / sum);
  return std::exp(entropy);
}

// A_t of a system, n x n.
inline Matrix transition_matrix(const Dynamics& d, Index t, Index c = 0) {
  Matrix m = Matrix::Zero(d.width, d.width);
  for (Index a = 0; a < d.width; ++a) {
    const std::size_t at = d.at(t, c) + to_size(a);
    if (!d.shifts) m(a, a) = d.decay[at];
    else if (a > 0) m(a, a - 1) = 1;
    for (Index b = 0; d.coupled && b < d.width; ++b) m(a, b) -= d.correct[at] * d.erase[d.at(t, c) + to_size(b)];
  }
  return m;
}
// Its eigenvalues: in closed form but for a coupling under a decay that differs from key to key. A shift: n times 0. A diagonal: its entries. x I - w v^T: x, n - 1 times, and
// x - v^T w, so 1 - beta |k|^2 of a delta rule.
inline std::vector<Number> transition_eigenvalues(const Dynamics& d, Index t, Index c = 0) {
  const auto decay = d.decay.begin() + std::ptrdiff_t(d.at(t, c));
  std::vector<Number> out(decay, decay + d.width);
  if (d.shifts) std::fill(out.begin(), out.end(), Number(0));
  else if (d.coupled && (d.structure == Structure::identity || d.structure == Structure::scalar)) {
    for (Index a = 0; a < d.width; ++a) out.back() -= d.correct[d.at(t, c) + to_size(a)] * d.erase[d.at(t, c) + to_size(a)];
  } else if (d.coupled) out = eigenvalues(transition_matrix(d, t, c));
  return out;
}

// Lyapunov exponents of a system, descending: the growth rates (1/T) log of the singular directions of A_{T-1} ... A_1, by orthogonal factors taken out token by token. A diagonal's are the means of
// its logs. Minus infinity: a closed gate, or a shift. A_0 acts on nothing and does not count.
inline std::vector<double> lyapunov_exponents(const Dynamics& d, Index c = 0) {
  std::vector<double> sum(to_size(d.width));
  const double steps = double(std::max<Index>(d.tokens - 1, 1));
  if (d.shifts) std::fill(sum.begin(), sum.end(), d.tokens > 1 ? -HUGE_VAL : 0.0);
  else if (!d.coupled)
    for (Index t = 1; t < d.tokens; ++t)
      for (Index a = 0; a < d.width; ++a) sum[to_size(a)] += std::log(std::abs(d.decay[d.at(t, c) + to_size(a)]));
  else {
    Matrix frame = Matrix::Identity(d.width, d.width);
    for (Index t = 1; t < d.tokens; ++t) {
      frame = transition_matrix(d, t, c) * frame;
      const std::vector<double> left = orthonormalise(frame);
      for (Index a = 0; a < d.width; ++a) sum[to_size(a)] += std::log(left[to_size(a)]);
    }
  }
  for (double& x : sum) x /= steps;
  std::sort(sum.begin(), sum.end(), std::greater<>());
  return sum;
}

// Rows and columns of alpha.
inline Matrix block(const Coefficients& alpha, Index c, Index row, Index column, Index rows, Index columns) {
  Matrix m(rows, columns);
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < columns; ++j) m(i, j) = alpha.at(row + i, column + j, c);
  return m;
}

}  // namespace lcsm::analysis
