// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <cmath>
#include <vector>

namespace lcsm::test {

// How far a mode may be from exact arithmetic: cost * eps * (sums over the terms), derived and never fitted. eps is the distance from 1 to
// the next number of the type; one rounding is eps / 2, a vector function errs by 2 ulp <= 2 eps.
//
// A term of y[c] at token t is the product s[a,c] o_t ... o_{t-n+1} e[a,c] i[c] of age n. Let L be the sum of |log o| + |phase| over the n
// steps it has lived through. Whatever the order in which a mode multiplies and adds, a term's relative error is, to first order, at most
//
//     A     activations of e, i and s, their products, the sums over keys and over tokens of one chunk, the finish
//   + B n   each step rounds its multiplier (2 ulp), the product and the sum
//   + C L   a computed log errs relatively (by its own maps), and exp turns that into a relative error of the multiplier
//   + E n L a mode that adds logs or angles up rounds each of at most n partial sums, and none of these is above L
//
// so the error of y is bounded by A s + B w + C g + E q, where s, w, g, q are sums of the absolute values of the terms, weighted by 1, n + 1,
// 1 + L and (n + 1)(1 + L). All four follow the recurrence with every coefficient replaced by its modulus, written T(memory) here:
//
//     s <- T(s)      w <- T(w + s)      g <- T(g + l s)      q <- T(q + g + l (w + s))            l = |log o| + |phase| of the token
//
// because a term's weights change by (n + 2) - (n + 1) = 1, by l, and by (n + 2)(1 + L + l) - (n + 1)(1 + L) = (1 + L) + l (n + 2), while a
// new term enters with weight 1. A running maximum p adds its own subtractions to the logs: l + |p before| + |p after| at each step.
// A quotient N / D has |dN| / D + |N| |dD| / D^2, which is the same linear form in the sums of N and D.
struct ErrorSums {
  double s = 0, w = 0, g = 0, q = 0;
};
struct ErrorCost {
  double s = 0, w = 0, g = 0, q = 0;
  double of(const ErrorSums& x) const { return s * x.s + w * x.w + g * x.g + q * x.q; }
};

// What transforms err by (kernel/negacyclic.hpp), relative to the product of two norms; T tokens and as many taps fit into 4 T numbers.
inline double fourier_cost(Index tokens) { return 7 * std::log2(4 * double(tokens) + 16); }

// Sums for every output [B, T, H, parts * D], and for every entry of the final memory and of its denominators.
struct CallSums {
  std::vector<ErrorSums> y, m, z;
  std::vector<double> fourier;         // of a convolution, as y: the norm of the channel's taps times that of its inputs, which transforms err by
  Index keys = 0;
  double peak = 0;                     // largest |log e| + |p| where memories are scaled by running maxima or means
};

}  // namespace lcsm::test
