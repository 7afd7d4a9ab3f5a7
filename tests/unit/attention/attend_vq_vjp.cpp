// SPDX-License-Identifier: MIT
#include <lcsm/attention/attend_vjp.hpp>
#include <lcsm/attention/attend_vq_vjp.hpp>

#include "support/catch.hpp"
#include "unit/attention/vq_call.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

template <class T> void fill(Buffer<T>& x, Random& random) {
  for (T& v : x) v = T(random.uniform(-1, 1));
}
// Sums over up to L queries of what tolerance() says of one.
template <class T> void same(const char* name, const Buffer<T>& given, const Buffer<T>& want, double tolerance) {
  INFO(name);
  double largest = 1;
  for (const T x : want) largest = std::max(largest, std::abs(double(x)));
  CHECK(difference(given, want) <= tolerance * largest);
}

}  // namespace

TEMPLATE_TEST_CASE("the adjoint over a codebook is that over quantised keys, in any blocks and stretches", "[attention][vq]", float, double) {
  using T = TestType;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const VqCall<T> call(random, 90);
    INFO("seed " << seed << ": L " << call.L << ", S " << call.S << ", window " << call.M << ", bias " << call.biased);
    VqAttentionOptions<T> o{.causal = !random.one_in(3), .window = call.M, .far = !random.one_in(4), .block = random.one_of({1, 4, 7, 64}), .stretch = random.one_of({1, 5, 64})};
    AttentionOptions dense{.causal = o.causal};
    Buffer<std::uint8_t> mask(call.B, call.L, 1, 1);
    for (auto& m : mask) m = random.one_in(4) ? 0 : 1;
    if (random.one_in(3)) o.mask = dense.mask = std::as_const(mask).view();
    if (random.one_in(3)) o.direction = dense.direction = Direction::reverse;
    if (!o.far) dense.window = call.M + 1;
    Buffer<T> y_bar(call.B, call.L, call.H, call.D), q(call.q), k(call.quantised), v(call.v), q2(q), k2(k), v2(v);
    fill(y_bar, random);
    // The bias: each token's, or summed.
    const bool own = random.one_in(2);
    Buffer<T> bias(own ? call.B : 1, own ? call.L : 1, call.H, 2 * call.M + 1), bias2(bias);
    for (Buffer<T>* x : {&q, &k, &v, &bias, &q2, &k2, &v2, &bias2}) x->fill(T(77));
    const View<T> none;
    attend_vq_vjp(exec::Par{3}, call.in(), y_bar.view(), VqGradients<T>{q, k, v, call.biased ? bias.view() : none}, o, {.keys = VqKeys::all});
    attend_vjp(exec::seq, SoftmaxAttention{}, call.dense(), y_bar.view(), SoftmaxAttention::In<T>{q2, k2, v2, call.biased ? bias2.view() : none}, dense);
    const double allowed = 8 * tolerance(call);
    same("q", q, q2, allowed), same("k", k, k2, allowed), same("v", v, v2, allowed);
    if (call.biased && !(own && call.B * call.L == 0)) same("bias", bias, bias2, allowed);
    // No thread count changes a bit, and the other rule changes keys alone.
    Buffer<T> q3(q), k3(k), v3(v);
    attend_vq_vjp(exec::seq, call.in(), y_bar.view(), VqGradients<T>{q3, k3, v3, none}, o, {.keys = VqKeys::all});
    CHECK(std::equal(q.begin(), q.end(), q3.begin()));
    CHECK(std::equal(k.begin(), k.end(), k3.begin()));
    CHECK(std::equal(v.begin(), v.end(), v3.begin()));
    attend_vq_vjp(exec::seq, call.in(), y_bar.view(), VqGradients<T>{q3, k3, v3, none}, o, {.keys = VqKeys::window});
    CHECK(std::equal(q.begin(), q.end(), q3.begin()));
    CHECK(std::equal(v.begin(), v.end(), v3.begin()));
  }
}

TEST_CASE("the published rule: keys beyond the window of a block are told nothing, values as said", "[attention][vq]") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(100 + seed);
    const VqCall<double> call(random, 40);
    INFO("seed " << seed << ": L " << call.L << ", window " << call.M);
    const Index block = random.one_of({1, 3, 8}), group = call.H / call.G;
    const bool causal = !random.one_in(3), through = random.one_in(2);
    Buffer<double> y_bar(call.B, call.L, call.H, call.D), k(call.quantised), v(call.v), right_k(k), right_v(v);
    fill(y_bar, random), right_k.fill(0), right_v.fill(0);
    attend_vq_vjp(exec::seq, call.in(), y_bar.view(), VqGradients<double>{{}, k, v, {}}, {.causal = causal, .window = call.M, .block = block}, {.keys = VqKeys::window, .through_counts = through});
    Buffer<double> a(call.B, call.L, call.H, call.L);
    attention_matrix(exec::seq, SoftmaxAttention{}, call.dense(), a.view(), {.causal = causal});
    for (Index b = 0; b < call.B; ++b)
      for (Index h = 0; h < call.H; ++h)
        for (Index t = 0; t < call.L; ++t) {
          const Index first = t / block * block, last = std::min(first + block, call.L), low = first - call.M, high = causal ? call.L : last + call.M;
          std::vector<double> bars;
          double told = 0;
          for (Index s = 0; s < call.L; ++s) {
            double sum = 0;
            for (Index c = 0; c < call.D; ++c) sum += y_bar.view()(b, t, h, c) * call.v.view()(b, s, h / group, c);
            bars.push_back(sum), told += a.view()(b, t, h, s) * sum;
          }
          for (Index s = 0; s < call.L; ++s) {
            const bool local = s >= low && s < high;
            const double alpha = a.view()(b, t, h, s);
            for (Index c = 0; c < call.D && (local || through); ++c) right_v.view()(b, s, h / group, c) += alpha * y_bar.view()(b, t, h, c);
            for (Index f = 0; f < call.K && local; ++f) right_k.view()(b, s, h / group, f) += alpha * (bars[to_size(s)] - told) * call.q.view()(b, t, h, f) / std::sqrt(double(call.K));
          }
        }
    same("k", k, right_k, 8 * tolerance(call)), same("v", v, right_v, 8 * tolerance(call));
  }
}
