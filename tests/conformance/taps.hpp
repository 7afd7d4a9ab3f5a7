// SPDX-License-Identifier: MIT
#pragma once

#include "dense.hpp"
#include "gate.hpp"

#include <algorithm>
#include <functional>

namespace lcsm::conformance {

// The slopes by each number of the file as one term: what is computed in many layers has as many terms as there are numbers, not ways to them.
inline Number gathered(Number x) {
  std::sort(x.terms.begin(), x.terms.end(), [](const Term& a, const Term& b) { return a.of != b.of ? std::less<>()(a.of, b.of) : a.at < b.at; });
  std::vector<Term> out;
  for (const Term& t : x.terms)
    if (!out.empty() && out.back().of == t.of && out.back().at == t.at)
      out.back().error += t.error + rounding * (std::abs(out.back().slope) + std::abs(t.slope)), out.back().slope += t.slope;
    else out.push_back(t);
  x.terms = std::move(out);
  return x;
}
// Rows through a published linear layer, [outputs, inputs] and [outputs].
inline void linear(const Array& w, const Array& b, std::vector<Number>& x) {
  dense(w, x);
  const std::size_t outputs = to_size(w.shape.at(0));
  for (std::size_t n = 0; n < x.size(); ++n) x[n] = gathered(b.values.empty() ? std::move(x[n]) : x[n] + b.number(n % outputs));
}

inline std::vector<Number> numbers_of(const Array& x) {
  std::vector<Number> out;
  for (std::size_t n = 0; n < x.values.size(); ++n) out.push_back(x.number(n));
  return out;
}

// A reference's convolution, by transforms, of taps [taps, channels] with x [batch, tokens, channels], both an adapter's own. Lag l is that of the token l after, if reverse.
// How far its outputs may be from ours; and its gradients by x and by the taps, where the loss says y_bar, beside the sizes of the sums that they are.
struct Errors { std::vector<double> error, size; };
struct Convolution {
  Index batch, tokens, channels;
  bool reverse = false;

  std::vector<double> outputs(const std::vector<Number>& taps, const std::vector<Number>& x) const {
    std::vector<double> out = convolution_error(values_of(taps), values_of(x), batch, tokens, channels);
    each(taps, [&](std::size_t l, std::size_t s, std::size_t t) { out[t] += taps[l].error * std::abs(x[s].x) + std::abs(taps[l].x) * x[s].error; });
    return out;
  }
  Errors by_inputs(const std::vector<Number>& taps, const std::vector<double>& y_bar) const {
    Errors out{convolution_error(values_of(taps), y_bar, batch, tokens, channels), std::vector<double>(y_bar.size())};
    each(taps, [&](std::size_t l, std::size_t s, std::size_t t) { out.error[s] += taps[l].error * std::abs(y_bar[t]), out.size[s] += std::abs(taps[l].x * y_bar[t]); });
    return out;
  }
  Errors by_taps(const std::vector<Number>& taps, const std::vector<Number>& x, const std::vector<double>& y_bar) const {
    Errors out{std::vector<double>(taps.size()), std::vector<double>(taps.size())};
    const auto rows = Index(x.size()) / batch;
    for (Index b = 0; b < batch; ++b) {
      const std::vector<double> inputs = values_of({x.begin() + b * rows, x.begin() + (b + 1) * rows});
      const std::vector<double> error = convolution_error(inputs, {y_bar.begin() + b * rows, y_bar.begin() + (b + 1) * rows}, 1, tokens, channels);
      for (std::size_t l = 0; l < taps.size(); ++l) out.error[l] += error[l % to_size(channels)];
    }
    each(taps, [&](std::size_t l, std::size_t s, std::size_t t) { out.error[l] += x[s].error * std::abs(y_bar[t]), out.size[l] += std::abs(x[s].x * y_bar[t]); });
    return out;
  }

 private:
  // f(tap, input, output).
  template <class F> void each(const std::vector<Number>& taps, F&& f) const {
    for (Index l = 0; l * channels < Index(taps.size()); ++l)
      for (Index b = 0; b < batch; ++b)
        for (Index t = 0; t < tokens; ++t)
          if (const Index s = reverse ? t + l : t - l; s >= 0 && s < tokens)
            for (Index c = 0; c < channels; ++c) f(to_size(l * channels + c), to_size((b * tokens + s) * channels + c), to_size((b * tokens + t) * channels + c));
  }
};
// Numbers whose cotangents the reference may have wrong by so much: each takes its error along, relative to the sum that it is.
inline std::vector<Number> unsure(std::vector<Number> numbers, const Errors& e) {
  for (std::size_t n = 0; n < e.size.size(); ++n)
    if (e.size[n] > 0)
      for (Term& t : numbers[n].terms) t.error += std::abs(t.slope) * e.error[n] / e.size[n];
  return numbers;
}

// Taps of the library's filter against expected ones: a row of its own.
inline void compare_filter(Case& c, const Expected& x, const std::vector<double>& given, const std::vector<Number>& ours) {
  std::vector<double> bound;
  for (const Number& tap : ours) bound.push_back(2 * tap.error);   // the library's order of sums is a third one
  Comparison comparison;
  comparison.add(x, given, bound, bound, 1e-11);
  c.compared(x), c.report().add(comparison.row("filter", "double", x.tensor));
}

}  // namespace lcsm::conformance
