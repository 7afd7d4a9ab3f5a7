// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/coefficients.hpp>
#include <lcsm/analysis/mixer.hpp>
#include <lcsm/attention/attend.hpp>
#include <lcsm/exec/seq.hpp>

namespace lcsm::analysis {
inline namespace LCSM_ARCH {

namespace scalar { template <class W> double phi(double x) { return W::apply(x); } }

// Attention with a weight that is not linear is a row of the same table: A = I, b = the scale of the logits, phi the weight, eta its sum, and no finite state. Causal, one sequence
// per batch; a window and a bias are taken as they are.
template <class W, class In> Dynamics dynamics(Attention<W>, const In& in, const Which& which = {}, const AttentionOptions& options = {}) {
  constexpr const char* function = "analysis::dynamics";
  if (!options.causal || options.sequences.given() || options.mask || options.direction == Direction::reverse)
    raise<OptionError>(function, "options", "causal attention of whole sequences in forward direction", "another");
  const double place = 0;                                   // a matrix as large as there would be one
  const attention::Sizes n = attention::check(function, "in", in, View<const double>(&place, {in.q.batch(), in.q.time(), in.q.head(), 1, in.k.time()}, {}), options, true);
  if (n.queries != n.keys) raise<ShapeError>(function, "k", "as many tokens as q", door::text(n.keys) + " for " + door::text(n.queries));
  const auto token = [&](Index t) { return which.order.empty() ? t : which.order[to_size(t)]; };
  Dynamics d;
  d.tokens = n.keys, d.width = n.width, d.values = in.v.feature();
  d.decay.assign(to_size(d.tokens * d.width), 1), d.write.resize(d.decay.size()), d.read.resize(d.decay.size());
  d.scale.assign(to_size(d.tokens), n.scale);
  const bool linear = std::is_same_v<W, weight::Normalised>;
  if (!linear) d.phi = scalar::phi<W>, d.phi_name = W::sum == weight::Sum::exact ? "exp" : W::name;
  d.normaliser = W::sum == weight::Sum::exact ? Eta::row_sum : W::sum == weight::Sum::bounded ? Eta::bounded_row_sum : Eta::one;
  d.finite_state = false, d.cache_numbers = n.width + d.values;
  if (n.bias >= 0) d.bias.resize(to_size(d.tokens * d.tokens));
  const Run run{.extent = {n.batch, n.keys, n.heads, n.width, d.values}, .time = {}, .batch = which.batch, .head = which.head};
  const Index group = stage::group_of(in.k, run);
  for (Index t = 0; t < d.tokens; ++t) {
    const attention::Range range = attention::seen_by(t, d.tokens, options);
    d.first.push_back(range.begin);
    for (Index a = 0; a < d.width; ++a) {
      d.write[d.at(t, 0) + to_size(a)] = n.scale * stage::convert<double>(in.k(which.batch, token(t), group, a));
      d.read[d.at(t, 0) + to_size(a)] = stage::convert<double>(in.q(which.batch, token(t), which.head, a)) / (options.by_visible ? double(range.count()) : 1);
    }
    for (Index s = range.begin; n.bias >= 0 && s <= t; ++s)
      if (t - s <= n.bias) d.bias[to_size(t * d.tokens + s)] = stage::convert<double>(in.bias(in.bias.batch() == 1 ? 0 : which.batch, in.bias.time() == 1 ? 0 : token(t), stage::group_of(in.bias, run), n.bias + s - t));
  }
  return d;
}

// By impulses through `attend`, with a cache for a state: the value of token j is 1 in channel j and 0 in all others, so that one query reads the whole row. Token by token.
template <class W, class In> Coefficients coefficients_by_impulse(Attention<W>, const In& in, const Which& which = {}, const AttentionOptions& options = {}) {
  const Index tokens = in.q.time(), group = which.head / (in.q.head() / in.k.head());
  Coefficients out(tokens, 1, false);
  KeyValueCache<double> cache(1, 1, in.k.feature(), tokens);
  Buffer<double> q(1, 1, 1, in.q.feature()), k(1, 1, 1, in.k.feature()), v(1, 1, 1, tokens), y(1, 1, 1, tokens);
  for (Index t = 0; t < tokens; ++t) {
    const Index token = which.order.empty() ? t : which.order[to_size(t)];
    for (Index a = 0; a < q.size(); ++a) q[a] = stage::convert<double>(in.q(which.batch, token, which.head, a)), k[a] = stage::convert<double>(in.k(which.batch, token, group, a));
    v.fill(0), v[t] = 1;
    cache.append(k.view(), v.view());
    typename Attention<W>::template In<const double> one{.q = q, .k = cache.k(), .v = cache.v()};
    Buffer<double> bias;
    if (in.bias) {
      bias = Buffer<double>(1, 1, 1, in.bias.feature());
      for (Index r = 0; r < bias.size(); ++r) bias[r] = stage::convert<double>(in.bias(in.bias.batch() == 1 ? 0 : which.batch, in.bias.time() == 1 ? 0 : token, which.head / (in.q.head() / in.bias.head()), r));
      one.bias = bias;
    }
    attend(exec::seq, Attention<W>{}, one, y.view(), options);
    for (Index j = 0; j <= t; ++j) out.at(t, j) = y[j];
  }
  return out;
}

}  // namespace LCSM_ARCH
}  // namespace lcsm::analysis
