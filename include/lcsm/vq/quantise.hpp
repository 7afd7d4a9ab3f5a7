// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/finish.hpp>
#include <lcsm/vq/nearest.hpp>

#include <cmath>

namespace lcsm {
inline namespace LCSM_ARCH {
namespace vq {

// f(b, t, h, code) for the tokens that are read, one sequence after the other; each sequence by one worker.
template <class Exec, class Z, class F> void for_each_code(const Exec& exec, const View<Z>& codes_of, const View<const std::uint8_t>& mask, F&& f) {
  exec.for_each(codes_of.batch(), [&](Index b, Index) {
    for (Index t = 0; t < codes_of.time(); ++t)
      for (Index h = 0; is_there(mask, b, t) && h < codes_of.head(); ++h) f(b, t, h, Index(codes_of(b, t, h, 0)));
  });
}
inline Index tokens_there(const View<const std::uint8_t>& mask, Index batch, Index time) {
  Index n = 0;
  for (Index b = 0; b < batch; ++b)
    for (Index t = 0; t < time; ++t) n += is_there(mask, b, t);
  return n;
}

}  // namespace vq

// y[b,t,h] = C[h, codes_of[b,t,h]]: vectors as their codes say, [B,T,H,1,K]; masked tokens get 0. codes [1,1,G,S,K]. Throws before anything is written: ShapeError,
// also of a code that does not exist.
template <class Exec, class C, class Z, class S> void quantise(const Exec& exec, const View<C>& codes, const View<Z>& codes_of, const View<S>& y, const VqOptions& options = {}) {
  vq::check("quantise", "y", y, codes, options.mask), door::output_axes("quantise", "y", y);
  vq::check_codes("quantise", codes_of, y, codes.row(), options.mask);
  zero_padding(options.mask, y);
  const Index group = y.head() / (std::max)(codes.head(), Index(1));
  vq::for_each_code(exec, codes_of, options.mask, [&](Index b, Index t, Index h, Index s) {
    for (Index k = 0; k < y.feature(); ++k) y(b, t, h, k) = stage::convert<S>(stage::convert<storage_compute_t<S>>(codes.at(0, 0, h / group, s, k)));
  });
}

// The loss that ties vectors to their codes: the mean over tokens, of the sum over heads, of |x - C[h, codes_of]|^2. No gradient to the codes. In double. 0 without tokens.
template <class Exec, class X, class C, class Z> double commitment_loss(const Exec& exec, const View<X>& x, const View<C>& codes, const View<Z>& codes_of, const VqOptions& options = {}) {
  vq::check("commitment_loss", "x", x, codes, options.mask);
  vq::check_codes("commitment_loss", codes_of, x, codes.row(), options.mask);
  const Index group = x.head() / (std::max)(codes.head(), Index(1));
  std::vector<double> of(to_size(x.batch()));
  vq::for_each_code(exec, codes_of, options.mask, [&](Index b, Index t, Index h, Index s) {
    double sum = 0;
    for (Index k = 0; k < x.feature(); ++k) {
      const double off = stage::convert<double>(x(b, t, h, k)) - stage::convert<double>(codes.at(0, 0, h / group, s, k));
      sum += off * off;
    }
    of[to_size(b)] += sum;
  });
  double sum = 0;
  for (const double one : of) sum += one;
  const Index tokens = vq::tokens_there(options.mask, x.batch(), x.time());
  return tokens > 0 ? sum / double(tokens) : 0;
}

// The adjoint of quantising, straight through: x_bar = y_bar + commitment 2 (x - C[h, codes_of]) / tokens, as if y were x, and nothing to the codes (which follow their
// moving averages). y_bar: {} for the loss alone; commitment: its weight, 0 for none (x is then not read). x_bar is written in full, 0 at masked tokens, and may be y_bar. Codes
// count as constants: the slope of the search itself is 0 nearly everywhere, so differences across a border of cells are no test of this.
template <class Exec, class X, class C, class Z, class Y, class G>
void quantise_vjp(const Exec& exec, const View<X>& x, const View<C>& codes, const View<Z>& codes_of, const View<Y>& y_bar, const View<G>& x_bar, double commitment = 0, const VqOptions& options = {}) {
  vq::check("quantise_vjp", "x_bar", x_bar, codes, options.mask), door::output_axes("quantise_vjp", "x_bar", x_bar);
  vq::check_codes("quantise_vjp", codes_of, x_bar, codes.row(), options.mask);
  const auto like = [&](const char* name, const auto& v) { vq::check_rows("quantise_vjp", name, v, x_bar.batch(), x_bar.time(), x_bar.head(), x_bar.feature(), false); };
  if (y_bar) like("y_bar", y_bar);
  if (commitment != 0) like("x", x);
  const Index group = x_bar.head() / (std::max)(codes.head(), Index(1)), tokens = vq::tokens_there(options.mask, x_bar.batch(), x_bar.time());
  const double weight = tokens > 0 ? 2 * commitment / double(tokens) : 0;
  vq::for_each_code(exec, codes_of, options.mask, [&](Index b, Index t, Index h, Index s) {
    for (Index k = 0; k < x_bar.feature(); ++k) {
      double bar = y_bar ? stage::convert<double>(y_bar(b, t, h, k)) : 0;
      if (commitment != 0) bar += weight * (stage::convert<double>(x(b, t, h, k)) - stage::convert<double>(codes.at(0, 0, h / group, s, k)));
      x_bar(b, t, h, k) = stage::convert<G>(bar);
    }
  });
  zero_padding(options.mask, x_bar);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
