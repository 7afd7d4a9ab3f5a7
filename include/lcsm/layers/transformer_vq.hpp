// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/attention/attend_vq_vjp.hpp>
#include <lcsm/layers/gated_memory.hpp>
#include <lcsm/vq/quantise.hpp>

namespace lcsm {

// The parameters of a Transformer-VQ layer: D features, H heads of keys of K and values of V. Weights are [outputs, inputs] (the published kernels are [inputs, outputs], seen through strides).
template <class S> struct TransformerVqMaps {
  View<S> norm_gain{}, norm_bias{};          // [D], or {}
  View<S> q{}, kvg{};                        // [H K, D]; [H K + 2 H V, D]: the rows of all keys, all values, all gates
  View<S> out{};                             // [O, H V]
  View<S> content_bias{}, position_bias{};   // [H K]: added to queries before they meet keys, and positions; or {}
  View<S> positions{};                       // [H K, P]: what makes keys of the sinusoids of lags; or {}: no bias of positions
};
struct TransformerVqOptions {
  Index heads = 1;
  Index window = 512;                        // lags up to it have a bias; the published memory length
  Index block = 512;                         // queries of a block: sets what VqKeys::window means, and nothing else
  bool far = true;
  VqRule rule{};
  double commitment = 0;
  double epsilon = 1e-6;                     // of all norms
  Sequences sequences{};
  View<const std::uint8_t> mask{};
};

inline namespace LCSM_ARCH {
namespace transformer_vq_layer {

template <class T> class Pass {
 public:
  template <class P, class X> Pass(const char* function, const TransformerVqMaps<P>& m, const View<const T>& codes, const View<X>& x, const TransformerVqOptions& options)
      : o(options), batch(x.batch()), time(x.time()), D(x.feature()), H(options.heads), K(codes.feature()), V((m.kvg.row() - H * K) / (std::max)(2 * H, Index(1))), P_(m.positions ? m.positions.feature() : 0) {
    if (H < 1) raise<OptionError>(function, "heads", "at least 1", door::text(H));
    dense_layer::stream(function, "x", x, batch, time, D, false);
    const auto map = [&](const char* name, const View<P>& v, Index rows, Index columns) { dense_layer::parameter(function, name, v, rows, columns); };
    map("q", m.q, H * K, D), map("kvg", m.kvg, H * K + 2 * H * V, D), map("out", m.out, m.out.row(), H * V);
    if (m.content_bias) map("content_bias", m.content_bias, 1, H * K);
    if (m.position_bias) map("position_bias", m.position_bias, 1, H * K);
    if (m.positions) map("positions", m.positions, H * K, P_);
    if (P_ % 2 != 0) raise<ShapeError>(function, "positions", "an even number of sinusoids", door::text(P_));
    if (o.window < 0) raise<OptionError>(function, "window", "0 or more", door::text(o.window));
    for (auto [to, width] : {std::pair{&xn, D}, {&q_raw, H * K}, {&q, H * K}, {&content, H * K}, {&kvg, H * K + 2 * H * V}, {&k, H * K}, {&v, H * V}, {&a, H * V}, {&gated, H * V}}) *to = Buffer<T>(batch, time, 1, width);
    codes_of = Buffer<std::int32_t>(batch, time, H, 1);
    bias = Buffer<T>(batch, time, H, P_ > 0 ? 2 * o.window + 1 : 0);
    gain = Buffer<T>(1, 1, 1, H * K), gain.fill(static_cast<T>(std::pow(double((std::max)(K, Index(1))), -0.25)));
    // Keys of lags, with the factor of the others.
    lag = Buffer<double>(1, P_ > 0 ? o.window + 1 : 0, H, K);
    for (Index d = 0; d < lag.view().time(); ++d)
      for (Index n = 0; n < H * K; ++n) {
        double sum = 0;
        for (Index i = 0; i < P_; ++i) sum += sinusoid(d, i) * stage::convert<double>(m.positions.at(0, 0, 0, n, i));
        lag.view()(0, d, n / K, n % K) = factor() * sum;
      }
  }
  const TransformerVqOptions o;
  const Index batch, time, D, H, K, V, P_;
  Buffer<T> xn, q_raw, q, content, kvg, k, v, a, gated, bias, gain;
  Buffer<double> lag;
  Buffer<std::int32_t> codes_of;

  template <class Exec, class P, class X> void forward(const Exec& exec, const TransformerVqMaps<P>& m, const View<const T>& codes, const View<X>& x) {
    using gated_memory_layer::each;
    norm(exec, of_x(m), x, xn.view());
    dense(exec, m.q, {}, read(xn), q_raw.view()), dense(exec, m.kvg, {}, read(xn), kvg.view());
    norm(exec, of_keys(), read(q_raw), q.view()), norm(exec, of_keys(), View<const T>(part(kvg, 0, H * K)), k.view());
    each(exec, v.view(), [&](Index b, Index t, Index c) { return gated_memory_layer::silu(kvg.view()(b, t, 0, H * K + c)); });
    each(exec, content.view(), [&](Index b, Index t, Index n) { return q.view()(b, t, 0, n) + bias_of(m.content_bias, n); });
    nearest_codes(exec, View<const T>(heads(k, K)), codes, codes_of.view(), {}, {.mask = o.mask});
    if (P_ > 0) gate_layer::for_each_token(exec, bias.view(), [&](Index b, Index t) {
      for (Index h = 0; h < H; ++h)
        for (Index d = 0; d <= o.window; ++d) {
          double sum = 0;
          for (Index n = 0; n < K; ++n) sum += (double(q.view()(b, t, 0, h * K + n)) + double(bias_of(m.position_bias, h * K + n))) * lag.view()(0, d, h, n);
          bias.view()(b, t, h, o.window - d) = static_cast<T>(sum);
          if (d > 0) bias.view()(b, t, h, o.window + d) = T(0);          // lags to come are not seen
        }
    });
    attend_vq(exec, inputs(codes), heads(a, V), of_attention());
    each(exec, gated.view(), [&](Index b, Index t, Index c) { return a.view()(b, t, 0, c) * gated_memory_layer::silu(kvg.view()(b, t, 0, H * K + H * V + c)); });
  }
  template <class Exec, class P, class X, class Y, class S, class Q>
  void backward(const Exec& exec, const TransformerVqMaps<P>& m, const View<const T>& codes, const View<X>& x, const View<Y>& y_bar, const View<S>& x_bar, const TransformerVqMaps<Q>& grads) {
    using gated_memory_layer::each, gated_memory_layer::silu, gated_memory_layer::silu_slope, gated_memory_layer::sum_rows;
    Buffer<T> gated_bar(gated), a_bar(a), kvg_bar(kvg), q_bar(q), k_bar(k), v_bar(v), bias_bar(bias), xn_bar(xn), more(xn);
    dense_vjp(exec, m.out, read(gated), y_bar, DenseGradients<T, Q>{gated_bar.view(), grads.out, {}});
    each(exec, a_bar.view(), [&](Index b, Index t, Index c) { return gated_bar.view()(b, t, 0, c) * silu(kvg.view()(b, t, 0, H * K + H * V + c)); });
    each(exec, part(kvg_bar, H * K + H * V, H * V), [&](Index b, Index t, Index c) { return gated_bar.view()(b, t, 0, c) * a.view()(b, t, 0, c) * silu_slope(kvg.view()(b, t, 0, H * K + H * V + c)); });
    attend_vq_vjp(exec, inputs(codes), View<const T>(heads(a_bar, V)), VqGradients<T>{heads(q_bar, K), heads(k_bar, K), heads(v_bar, V), P_ > 0 ? bias_bar.view() : View<T>()}, of_attention(), o.rule);
    quantise_vjp(exec, View<const T>(heads(k, K)), codes, View<const std::int32_t>(codes_of.view()), View<const T>(heads(k_bar, K)), heads(k_bar, K), o.commitment, {.mask = o.mask});
    sum_rows(exec, grads.content_bias, 0, batch, time, [&](Index b, Index t, Index n) { return factor() * double(q_bar.view()(b, t, 0, n)); });
    const auto at = [&](Index b, Index t, Index h, Index d) { return double(bias_bar.view()(b, t, h, o.window - d)); };
    if (P_ > 0) {
      if (grads.position_bias) exec.for_each(H * K, [&](Index n, Index) {
        double sum = 0;
        for (Index b = 0; b < batch; ++b)
          for (Index t = 0; t < time; ++t)
            for (Index d = 0; d <= o.window; ++d) sum += at(b, t, n / K, d) * lag.view()(0, d, n / K, n % K);
        grads.position_bias(0, 0, 0, n) = stage::convert<Q>(factor() * sum);
      });
      if (grads.positions) exec.for_each(H * K, [&](Index n, Index) {
        std::vector<double> told(to_size(o.window + 1));
        for (Index b = 0; b < batch; ++b)
          for (Index t = 0; t < time; ++t) {
            const double query = factor() * (double(q.view()(b, t, 0, n)) + double(bias_of(m.position_bias, n)));
            for (Index d = 0; d <= o.window; ++d) told[to_size(d)] += at(b, t, n / K, d) * query;
          }
        for (Index i = 0; i < P_; ++i) {
          double sum = 0;
          for (Index d = 0; d <= o.window; ++d) sum += told[to_size(d)] * sinusoid(d, i);
          grads.positions.at(0, 0, 0, n, i) = stage::convert<Q>(sum);
        }
      });
      each(exec, q_bar.view(), [&](Index b, Index t, Index n) {
        double sum = double(q_bar.view()(b, t, 0, n));
        for (Index d = 0; d <= o.window; ++d) sum += at(b, t, n / K, d) * lag.view()(0, d, n / K, n % K);
        return static_cast<T>(sum);
      });
    }
    norm_vjp(exec, of_keys(), read(q_raw), read(q_bar), NormGradients<T>{q_bar.view()});
    norm_vjp(exec, of_keys(), View<const T>(part(kvg, 0, H * K)), read(k_bar), NormGradients<T>{part(kvg_bar, 0, H * K)});
    each(exec, part(kvg_bar, H * K, H * V), [&](Index b, Index t, Index c) { return v_bar.view()(b, t, 0, c) * silu_slope(kvg.view()(b, t, 0, H * K + c)); });
    dense_vjp(exec, m.q, read(xn), read(q_bar), DenseGradients<T, Q>{xn_bar.view(), grads.q, {}});
    dense_vjp(exec, m.kvg, read(xn), read(kvg_bar), DenseGradients<T, Q>{more.view(), grads.kvg, {}});
    each(exec, xn_bar.view(), [&](Index b, Index t, Index c) { return xn_bar.view()(b, t, 0, c) + more.view()(b, t, 0, c); });
    norm_vjp(exec, of_x(m), x, read(xn_bar), NormGradients<S, Q>{x_bar, grads.norm_gain, grads.norm_bias});
  }

 private:
  double factor() const { return std::pow(double((std::max)(K, Index(1))), -0.25); }
  double sinusoid(Index d, Index i) const {
    const double angle = double(d) / std::pow(10000.0, 2 * double(i % (P_ / 2)) / double(P_));
    return i < P_ / 2 ? std::sin(angle) : std::cos(angle);
  }
  template <class P> Norm<P> of_x(const TransformerVqMaps<P>& m) const { return {NormKind::rms, m.norm_gain, m.norm_bias, o.epsilon}; }
  Norm<const T> of_keys() const { return {NormKind::rms, gain.view(), {}, o.epsilon, H}; }
  template <class P> T bias_of(const View<P>& v, Index n) const { return v ? static_cast<T>(factor() * stage::convert<double>(v(0, 0, 0, n))) : T(0); }
  static View<const T> read(const Buffer<T>& x) { return x.view(); }
  static View<T> part(Buffer<T>& x, Index first, Index count) { return x.view().features(first, count); }
  // Features of all heads, side by side, as heads.
  View<T> heads(Buffer<T>& x, Index width) const { return lcsm::view(x.data(), batch, time, H, width); }
  VqAttentionOptions<T> of_attention() const {
    VqAttentionOptions<T> out;
    out.scale = 1, out.window = o.window, out.far = o.far, out.block = o.block, out.sequences = o.sequences, out.mask = o.mask;
    return out;
  }
  VqInputs<const T> inputs(const View<const T>& codes) { return {View<const T>(heads(content, K)), codes, View<const T>(heads(v, V)), P_ > 0 ? View<const T>(bias.view()) : View<const T>(), View<const std::int32_t>(codes_of.view())}; }
};

}  // namespace transformer_vq_layer

// Transformer-VQ's layer, Lingle 2023 (https://arxiv.org/abs/2309.16354; transformer-vq/transformer_vq: nn/attn.py, VQAttention):
//
//     xn = rms(x) gain + bias        q = rms(W_q xn) K^-1/4, [k | v | g] = W_kvg xn, k = rms(k) K^-1/4 (of each head), v = silu(v), g = silu(g)
//     a = attention over the codes of k, with logits (q + u) . C[z_s] + [t - s <= window] (q + w) . R(t - s)        y = W_out (a g)
//
// u, w = K^-1/4 times content_bias and position_bias, R(d) = K^-1/4 positions [sin; cos](d / 10000^(2i / P)). x [B,T,1,1,D], y [B,T,1,1,O]; codes [1,1,H,S,K] (vq/codebook.hpp). codes_of [B,T,H,1,1] and keys
// [B,T,1,1,H K], for the codebook's statistics, may be {}. Computed in T; allocates about 4 H K + 5 H V + 2 D + H (2 window + 1) numbers per token. Padding writes 0. Throws ShapeError,
// SequenceError or OptionError before anything is written.
template <class Exec, class P, class X, class S, class T = storage_compute_t<S>>
void transformer_vq(const Exec& exec, const TransformerVqMaps<const P>& maps, const std::type_identity_t<View<const T>>& codes, const View<X>& x, const View<S>& y, const TransformerVqOptions& options = {}, const View<std::int32_t>& codes_of = {},
                    const std::type_identity_t<View<T>>& keys = {}) {
  dense_layer::stream("transformer_vq", "y", y, x.batch(), x.time(), maps.out.row(), true);
  Buffer<std::remove_const_t<X>> own;
  const auto in = gated_memory_layer::without_padding<T>(View<const std::remove_const_t<X>>(x), options, own);
  transformer_vq_layer::Pass<T> pass("transformer_vq", maps, codes, in, options);
  if (codes_of) vq::check_rows("transformer_vq", "codes_of", codes_of, x.batch(), x.time(), options.heads, 1, true);
  if (keys) dense_layer::stream("transformer_vq", "keys", keys, x.batch(), x.time(), pass.H * pass.K, true);
  pass.forward(exec, maps, codes, in);
  dense<T>(exec, maps.out, {}, std::as_const(pass.gated).view(), y);
  zero_padding(options.mask, y);
  if (codes_of)
    for (Index b = 0; b < x.batch(); ++b)
      for (Index t = 0; t < x.time(); ++t)
        for (Index h = 0; h < options.heads; ++h) codes_of(b, t, h, 0) = pass.codes_of.view()(b, t, h, 0);
  if (keys) gated_memory_layer::each(exec, keys, [&](Index b, Index t, Index c) { return pass.k.view()(b, t, 0, c); });
}

// Its adjoint: inputs and options as those of `transformer_vq`, y_bar = dL/dy; gradients of the maps and x_bar in full, null ones skipped, nothing to the codebook. Keys are told by options.rule, and by the
// commitment loss.
template <class Exec, class P, class X, class Y, class Q, class S, class T = storage_compute_t<std::remove_const_t<Y>>>
void transformer_vq_vjp(const Exec& exec, const TransformerVqMaps<const P>& maps, const std::type_identity_t<View<const T>>& codes, const View<X>& x, const View<Y>& y_bar, const TransformerVqMaps<Q>& grads, const View<S>& x_bar,
                        const TransformerVqOptions& options = {}) {
  dense_layer::stream("transformer_vq_vjp", "y_bar", y_bar, x.batch(), x.time(), maps.out.row(), false);
  if (x_bar) dense_layer::stream("transformer_vq_vjp", "x_bar", x_bar, x.batch(), x.time(), x.feature(), true);
  Buffer<std::remove_const_t<X>> own;
  Buffer<std::remove_const_t<Y>> own_bar;
  const auto in = gated_memory_layer::without_padding<T>(View<const std::remove_const_t<X>>(x), options, own);
  const auto bars = gated_memory_layer::without_padding<T>(View<const std::remove_const_t<Y>>(y_bar), options, own_bar);
  transformer_vq_layer::Pass<T> pass("transformer_vq_vjp", maps, codes, in, options);
  pass.forward(exec, maps, codes, in);
  pass.backward(exec, maps, codes, in, bars, x_bar, grads);
  if (x_bar) zero_padding(options.mask, x_bar);
}

}  // namespace LCSM_ARCH
}  // namespace lcsm
