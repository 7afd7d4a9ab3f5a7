// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/buffer.hpp>
#include <lcsm/vq/quantise.hpp>

namespace lcsm {

// How a codebook is used, from the counts of one head [1,1,G,1,S] (moving ones or those of a batch).
struct CodeUsage {
  double entropy = 0, perplexity = 0;        // of the shares n_s / N, in nats, and exp of it: how many codes it is as if were in use. 0 without counts
  double least = 0, mean = 0, most = 0;      // counts
  Index dead = 0;                            // codes with a count below what was asked for
};
template <class C> CodeUsage code_usage(const View<C>& counts, Index head = 0, double dead_below = 1) {
  if (head < 0 || head >= counts.head()) raise<ShapeError>("code_usage", "head", "a head of " + door::text(counts.head()), door::text(head));
  CodeUsage out;
  const Index S = counts.feature();
  double all = 0;
  for (Index s = 0; s < S; ++s) {
    const double n = stage::convert<double>(counts(0, 0, head, s));
    all += n, out.dead += n < dead_below, out.least = s == 0 ? n : (std::min)(out.least, n), out.most = s == 0 ? n : (std::max)(out.most, n);
  }
  if (S == 0 || !(all > 0)) return out;
  out.mean = all / double(S);
  for (Index s = 0; s < S; ++s)
    if (const double share = stage::convert<double>(counts(0, 0, head, s)) / all; share > 0) out.entropy -= share * std::log(share);
  out.perplexity = std::exp(out.entropy);
  return out;
}

// What quantising loses, a head each: sqrt(sum |x - C[codes_of]|^2 / sum |x|^2) over the tokens that are read; 0 if they are all 0 and met.
template <class Exec, class X, class C, class Z> std::vector<double> quantisation_error(const Exec& exec, const View<X>& x, const View<C>& codes, const View<Z>& codes_of, const VqOptions& options = {}) {
  vq::check("quantisation_error", "x", x, codes, options.mask);
  vq::check_codes("quantisation_error", codes_of, x, codes.row(), options.mask);
  const Index H = x.head(), group = H / (std::max)(codes.head(), Index(1));
  std::vector<double> off(to_size(x.batch() * H)), size = off, out(to_size(H));
  vq::for_each_code(exec, codes_of, options.mask, [&](Index b, Index t, Index h, Index s) {
    for (Index k = 0; k < x.feature(); ++k) {
      const double v = stage::convert<double>(x(b, t, h, k)), d = v - stage::convert<double>(codes.at(0, 0, h / group, s, k));
      off[to_size(b * H + h)] += d * d, size[to_size(b * H + h)] += v * v;
    }
  });
  for (Index h = 0; h < H; ++h) {
    double lost = 0, all = 0;
    for (Index b = 0; b < x.batch(); ++b) lost += off[to_size(b * H + h)], all += size[to_size(b * H + h)];
    out[to_size(h)] = lost > 0 ? std::sqrt(lost / all) : 0;
  }
  return out;
}

// cos[s, s'] = C_s . C_s' / (|C_s| |C_s'|) of one head, [1,1,1,S,S]; 0 for a code that is 0.
template <class C> Buffer<double> code_cosines(const View<C>& codes, Index head = 0) {
  if (head < 0 || head >= codes.head()) raise<ShapeError>("code_cosines", "head", "a head of " + door::text(codes.head()), door::text(head));
  const Index S = codes.row();
  Buffer<double> out(1, 1, 1, S, S);
  const auto dot = [&](Index a, Index b) {
    double sum = 0;
    for (Index k = 0; k < codes.feature(); ++k) sum += stage::convert<double>(codes.at(0, 0, head, a, k)) * stage::convert<double>(codes.at(0, 0, head, b, k));
    return sum;
  };
  std::vector<double> norm;
  for (Index s = 0; s < S; ++s) norm.push_back(std::sqrt(dot(s, s)));
  for (Index a = 0; a < S; ++a)
    for (Index b = 0; b < S; ++b) out.view().at(0, 0, 0, a, b) = norm[to_size(a)] > 0 && norm[to_size(b)] > 0 ? dot(a, b) / norm[to_size(a)] / norm[to_size(b)] : 0;
  return out;
}

}  // namespace lcsm
