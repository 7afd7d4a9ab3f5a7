// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/layers/h3.hpp>
#include <lcsm/mixers/s4d.hpp>

#include "support/random_mixers.hpp"

#include <complex>
#include <limits>
#include <vector>

namespace lcsm::test {

// A random call of H3 with S4D, and its definition as plain loops. Parameters of the SSM are one for each head, or (elementwise) for each channel.
struct H3Call {
  bool elementwise;
  Index batch, tokens, heads, keys, values, taps, modes;
  Buffer<std::uint8_t> mask{};
  Buffer<double> q, k, v, shift, skip, log_dt, log_A_real, A_imag, C, C_imag, D;

  H3Call(bool by_element, bool masked, Random& random, Index most_tokens = 60)
      : elementwise(by_element), batch(random.between(1, 2)), tokens(random.below(most_tokens)), heads(random.between(1, 3)), keys(random.one_of({1, 2, 5, 9})), values(by_element ? keys : random.one_of({1, 3, 8})),
        taps(random.between(1, 6)), modes(random.between(1, 4)) {
    const auto fill = [&](Buffer<double>& to, Index b, Index t, Index r, Index f, double low, double high) {
      to = Buffer<double>(b, t, heads, r, f);
      for (double& x : to) x = random.uniform(low, high);
    };
    const Index own = elementwise ? keys : 1;
    fill(q, batch, tokens, 1, keys, -1, 1), fill(k, batch, tokens, 1, keys, -1, 1), fill(v, batch, tokens, 1, values, -1, 1), fill(shift, 1, taps, 1, keys, -1, 1), fill(skip, 1, 1, 1, keys, -1, 1);
    fill(log_dt, 1, 1, 1, own, -3, -1), fill(log_A_real, 1, 1, modes, own, -1, 0.5), fill(A_imag, 1, 1, modes, own, 0, 4), fill(C, 1, 1, modes, own, -1, 1), fill(C_imag, 1, 1, modes, own, -1, 1), fill(D, 1, 1, 1, own, -1, 1);
    if (!masked) return;
    mask = Buffer<std::uint8_t>(batch, tokens, 1, 1);
    for (std::uint8_t& m : mask) m = random.one_in(3) ? 0 : 1;
    for (Index b = 0; b < batch; ++b)
      for (Index t = 0; t < tokens; ++t)
        if (!there(b, t))
          for (Buffer<double>* x : {&q, &k, &v})
            for (Index h = 0; h < heads; ++h)
              for (Index c = 0; c < x->view().feature(); ++c) x->view()(b, t, h, c) = std::numeric_limits<double>::quiet_NaN();
  }
  bool there(Index b, Index t) const { return mask.size() == 0 || mask.view()(b, t, 0, 0) != 0; }
  Index width() const { return elementwise ? keys : keys * values; }
  ConvolutionPlan<double> plan() const { return ConvolutionPlan<double>(shift.view(), {.form = ConvolutionForm::direct}); }
  S4d::In<const double> in() const {
    const auto repeated = [&](const Buffer<double>& x) {
      View<const double> out = x.view();
      if (!elementwise) out.stride[4] = 0;
      return out;
    };
    return {.log_dt = repeated(log_dt), .log_A_real = repeated(log_A_real), .A_imag = repeated(A_imag), .C = repeated(C), .C_imag = repeated(C_imag), .D = repeated(D)};
  }
  Options<double> options() const {
    Options<double> o;
    if (mask.size() > 0) o.mask = mask.view();
    return o;
  }

  struct Number { double x = 0, size = 0; };                // a sum and the sizes of its terms
  std::vector<Number> defined() const {
    using Z = std::complex<double>;
    std::vector<Number> y(to_size(batch * tokens * heads * values));
    for (Index b = 0; b < batch; ++b)
      for (Index h = 0; h < heads; ++h)
        for (Index a = 0; a < keys; ++a)
          for (Index c = elementwise ? a : 0; c < (elementwise ? a + 1 : values); ++c) {
            const Index own = elementwise ? c : 0;
            std::vector<Index> time;
            for (Index t = 0; t < tokens; ++t)
              if (there(b, t)) time.push_back(t);
            std::vector<Z> m(to_size(modes));
            std::vector<double> sizes(to_size(modes));
            for (std::size_t j = 0; j < time.size(); ++j) {
              const double dt = std::exp(log_dt.view()(0, 0, h, own)), d = skip.view()(0, 0, h, a);
              Number key{d * k.view()(b, time[j], h, a), std::abs(d * k.view()(b, time[j], h, a))};
              for (std::size_t l = 0; l < to_size(taps) && l <= j; ++l) {
                const double term = shift.view()(0, Index(l), h, a) * k.view()(b, time[j - l], h, a);
                key.x += term, key.size += std::abs(term);
              }
              const double value = v.view()(b, time[j], h, c), D_of = D.view()(0, 0, h, own);
              Number sum{D_of * key.x * value, std::abs(D_of * value) * key.size};
              for (Index n = 0; n < modes; ++n) {
                const auto of = [&](const Buffer<double>& x) { return x.view().at(0, 0, h, n, own); };
                const Z lambda(-std::exp(of(log_A_real)), of(A_imag)), bar = std::exp(dt * lambda), write = (bar - 1.0) / lambda, read(of(C), of(C_imag));
                Z& memory = m[to_size(n)];
                double& size = sizes[to_size(n)];
                memory = bar * memory + write * key.x * value, size = std::abs(bar) * size + std::abs(write * value) * key.size;
                sum.x += 2 * (read * memory).real(), sum.size += 2 * std::abs(read) * size;
              }
              Number& to = y[to_size(((b * tokens + time[j]) * heads + h) * values + c)];
              to.x += q.view()(b, time[j], h, a) * sum.x, to.size += std::abs(q.view()(b, time[j], h, a)) * sum.size;
            }
          }
    return y;
  }
  // The keys' sums and products, the sum over them, and the mixer: 25 roundings, 2 for each mode, and at each of the tokens before 6 of its complex product. As much again here.
  double cost() const { return 2 * std::numeric_limits<double>::epsilon() * double(taps + 4 + keys + 2 + 25 + 2 * modes + 6 * tokens); }
};

}  // namespace lcsm::test
