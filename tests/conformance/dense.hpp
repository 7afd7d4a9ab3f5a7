// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <complex>
#include <limits>

namespace lcsm::conformance {

// x w^T + b in double: x [..., inputs], rows of w [outputs, inputs] are outputs. `lost` is how far two such sums, in different orders, may be
// apart: each of the two errs by at most eps / 2 of the sum of moduli for every product.
struct Dense {
  Array y;
  std::vector<double> lost;
  template <class X> X number(std::size_t n) const { return y.number<X>(n, lost[n]); }
};
inline Dense dense(const Array& x, const Array& w, const Array& b = {}) {
  const std::size_t outputs = to_size(w.shape.at(0)), inputs = to_size(w.shape.at(1)), rows = x.values.size() / inputs;
  Dense out;
  std::vector<Number> y;
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t o = 0; o < outputs; ++o) {
      Sum<Number> sum;
      for (std::size_t i = 0; i < inputs; ++i) sum.add(w.number(o * inputs + i), x.number(row * inputs + i));
      if (!b.values.empty()) sum.add(b.number(o), {1});
      out.lost.push_back(double(inputs + 1) * rounding * sum.size()), y.push_back(sum.total());
    }
  std::vector<Index> shape = x.shape;
  shape.back() = w.shape[0];
  out.y = array_of(std::move(shape), std::move(y));
  return out;
}
// The same as the last step of a layer.
template <class X> void dense(const Array& w, std::vector<X>& y) {
  const std::size_t outputs = to_size(w.shape.at(0)), inputs = to_size(w.shape.at(1));
  std::vector<X> out;
  for (std::size_t row = 0; row < y.size() / inputs; ++row)
    for (std::size_t o = 0; o < outputs; ++o) {
      Sum<X> sum;
      for (std::size_t i = 0; i < inputs; ++i) sum.add(w.number<X>(o * inputs + i), y[row * inputs + i]);
      out.push_back(sum.total());
    }
  y = std::move(out);
}

// m_t = a_t m_{t-1} + k_t v_t^T, y_t = Re(m_t)^T q_t with one multiplier per token and head, and what absolute errors dq, dk, dv, da of its
// inputs do to y, to first order. q, k [B,T,H,K], v, y [B,T,H,D], a [B,T,H].
struct HeadRecurrence {
  std::size_t batch = 0, tokens = 0, heads = 0, keys = 0, values = 0;
  std::vector<double> q, k, v, dq, dk, dv;
  std::vector<std::complex<double>> a;
  std::vector<double> da;

  struct Result { std::vector<double> y, sums, error; };    // sums: of the moduli of all terms
  Result run() const {
    Result out;
    for (std::vector<double>* x : {&out.y, &out.sums, &out.error}) x->assign(batch * tokens * heads * values, 0.0);
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t h = 0; h < heads; ++h) {
        std::vector<std::complex<double>> m(keys * values);
        std::vector<double> size(keys * values), error(keys * values);
        for (std::size_t t = 0; t < tokens; ++t) {
          const std::size_t at = (b * tokens + t) * heads + h;
          for (std::size_t c = 0; c < values; ++c)
            for (std::size_t r = 0; r < keys; ++r) {
              const std::size_t n = r * values + c, key = at * keys + r, value = at * values + c;
              const double decay = std::abs(a[at]);
              error[n] = decay * error[n] + da[at] * std::abs(m[n]) + dk[key] * std::abs(v[value]) + std::abs(k[key]) * dv[value];
              size[n] = decay * size[n] + std::abs(k[key] * v[value]);
              m[n] = a[at] * m[n] + k[key] * v[value];
              out.y[value] += q[key] * m[n].real(), out.sums[value] += std::abs(q[key]) * size[n];
              out.error[value] += std::abs(q[key]) * error[n] + dq[key] * std::abs(m[n]);
            }
        }
      }
    return out;
  }
};

}  // namespace lcsm::conformance
