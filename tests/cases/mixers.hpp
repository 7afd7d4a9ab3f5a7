// SPDX-License-Identifier: MIT
#pragma once

// The mixers of the cases, as their formulas say them: without scale, with step sizes as they are.

#include <lcsm/expand/expand.hpp>
#include <lcsm/mixer.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

#include "every_way.hpp"

namespace lcsm::test {

// S_t = diag(exp(g_t)) S_{t-1} + k_t v_t^T, o_t = S_t^T q_t
struct GatedAttention : Mixer<expand::Data<>, oscillation::PerKey<>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};

// h_t = exp(dt A) h_{t-1} + dt B x, y_t = C h_t (+ D x): a step per channel and A [H, N, P]; or one of each per head.
namespace selective {
using Write = Stage<FactorTerm<Data<in::B>>, Tied<tie::Euler>>;
using Read = shrink::Data<map::Identity, in::C>;
using X = Input<Data<in::x, Axes::value>>;
}
struct Selective : Mixer<selective::Write, oscillation::Discretised<Data<in::delta, Axes::value>, Learned<in::A, Axes::matrix>>, selective::Read, selective::X> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}; };
};
struct SelectiveSkip : Mixer<selective::Write, oscillation::Discretised<Data<in::delta, Axes::value>, Learned<in::A, Axes::matrix>>, selective::Read, selective::X,
                             Skip<Learned<in::D, Axes::value>>> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}, D{}; };
};
struct SelectiveScalar : Mixer<selective::Write, oscillation::Discretised<Data<in::delta, Axes::one>, Learned<in::A, Axes::one>>, selective::Read, selective::X> {
  template <class T> struct In { View<T> x{}, delta{}, B{}, C{}, A{}; };
};

// Queries, keys, values and log gates of a file; names may have an ending (q2) or a beginning (K5_V3_q).
template <class T> struct GatedInputs {
  Numbers<T> q, k, v, g;
  explicit GatedInputs(const Case& file, const std::string& before = "", const std::string& after = "")
      : q(file.in(before + "q" + after), "bthf"), k(file.in(before + "k" + after), "bthf"), v(file.in(before + "v" + after), "bthf"), g(file.in(before + "g" + after), "bthf") {}
  GatedAttention::In<const T> in() const { return {.q = q.view(), .k = k.view(), .v = v.view(), .g = g.view()}; }
  Problem problem() const {
    return {.batch = q.shape[0], .tokens = q.shape[1], .heads = q.shape[2], .keys = q.shape[3], .values = v.shape[3]};
  }
};

// A of a file, [H, P, N], when it is one number per head.
template <class T> View<const T> per_head(const Numbers<T>& A) {
  const View<const T> all = A.view();
  for (Index h = 0; h < all.head(); ++h)
    for (Index r = 0; r < all.row(); ++r)
      for (Index f = 0; f < all.feature(); ++f) REQUIRE(all.at(0, 0, h, r, f) == all.at(0, 0, h, 0, 0));
  return all.rows(0, 1).features(0, 1);
}

}  // namespace lcsm::test
