// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/spectrum.hpp>
#include <lcsm/analysis/text.hpp>

namespace lcsm::analysis {

// Fourth principle, the structure of A_t: a scalar or real diagonal in [0, 1] forgets, a negative eigenvalue alternates (state tracking needs it), a complex one turns, a coupling erases (1 - beta
// |k|^2 = 0) or reflects (-1), and matrices that do not commute keep the order of what they did.
struct Transition {
  Structure structure = Structure::identity;
  bool coupled = false, shifts = false;
  std::vector<Number> eigenvalues;                          // of all tokens but the first, and all systems
  double radius = 0;                                        // the largest |eigenvalue|
  double distance = 0;                                      // |A_t - I| / sqrt n, Frobenius, on average
  double zero_share = 0, negative_share = 0, complex_share = 0;
  double commutator = 0;                                    // the largest |A_t A_s - A_s A_t| / (|A_t| |A_s|) of neighbours; 0 of diagonals
};

inline Transition transition(const Dynamics& d) {
  Transition x;
  x.structure = d.structure, x.coupled = d.coupled, x.shifts = d.shifts;
  double distance = 0;
  for (Index c = 0; c < d.systems; ++c) {
    Matrix before;
    for (Index t = 1; t < d.tokens; ++t) {
      const std::vector<Number> e = transition_eigenvalues(d, t, c);
      x.eigenvalues.insert(x.eigenvalues.end(), e.begin(), e.end());
      if (!d.coupled && !d.shifts) {
        double sum = 0;
        for (const Number& z : e) sum += std::norm(z - 1.0);
        distance += std::sqrt(sum / double(d.width));
        continue;
      }
      const Matrix a = transition_matrix(d, t, c);
      distance += (a - Matrix::Identity(d.width, d.width)).norm() / std::sqrt(double(d.width));
      if (t > 1 && d.coupled && a.norm() * before.norm() > 0) x.commutator = (std::max)(x.commutator, (a * before - before * a).norm() / (a.norm() * before.norm()));
      before = a;
    }
  }
  Index zeros = 0, negative = 0, turning = 0;
  for (const Number& z : x.eigenvalues) {
    const double size = std::abs(z);
    x.radius = (std::max)(x.radius, size);
    if (size < 1e-12) ++zeros;
    else if (std::abs(z.imag()) > 1e-9 * size) ++turning;
    else if (z.real() < 0) ++negative;
  }
  const double all = (std::max)(double(x.eigenvalues.size()), 1.0);
  x.distance = distance / (std::max)(double((d.tokens - 1) * d.systems), 1.0);
  x.zero_share = double(zeros) / all, x.negative_share = double(negative) / all, x.complex_share = double(turning) / all;
  return x;
}
inline std::string line(const Transition& x) {
  return std::string("transition: ") + (x.shifts ? "shift" : name_of(x.structure)) + (x.coupled ? ", coupled" : "") + "; spectral radius " + text(x.radius) + ", distance to I " + text(x.distance) +
         ", negative " + percent(x.negative_share) + ", complex " + percent(x.complex_share) + ", zero " + percent(x.zero_share) + ", commutator " + text(x.commutator);
}

}  // namespace lcsm::analysis
