// SPDX-License-Identifier: MIT
// Attention over quantised keys as a mixer: softmax attention, however large the logits and however near to the queries the codes are that nobody took.
#include <lcsm/attention/attend_vjp.hpp>
#include <lcsm/attention/attend_vq.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/lcsm.hpp>
#include <lcsm/mixers/longvq.hpp>
#include <lcsm/mode/vjp.hpp>
#include <lcsm/vq/quantise.hpp>

#include "support/arrange.hpp"
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

using Far = lcsm::TransformerVq;
static_assert(std::is_same_v<LongVq<>::memory, MegaEma> && FiniteState<LongVq<>>);

constexpr Index B = 2, L = 75, H = 2, S = 12, W = 4, D = 5;

// Queries of size `scale`; the last six codes are taken by nobody, and are thirty times as long if `near`.
template <class T> struct Problem {
  Buffer<T> q{B, L, H, W}, codebook{1, 1, H, S, W}, v{B, L, H, D}, keys{B, L, H, W};
  Buffer<std::int32_t> code{B, L, H, 1};
  double largest = 0;                                       // sum of |q[r] C[r]| of a logit

  Problem(double scale, bool near, std::uint64_t seed) {
    Random random(seed);
    for (T& x : q) x = T(random.uniform(-scale, scale));
    for (Buffer<T>* part : {&codebook, &v})
      for (T& x : *part) x = T(random.uniform(-1, 1));
    for (std::int32_t& z : code) z = std::int32_t(random.below(S - 6));
    for (Index h = 0; near && h < H; ++h)
      for (Index a = S - 6; a < S; ++a)
        for (Index r = 0; r < W; ++r) codebook.view().at(0, 0, h, a, r) *= T(30);
    quantise(exec::seq, codebook.view(), code.view(), keys.view());
    for (Index t = 0; t < L; ++t)
      for (Index a = 0; a < S - 6; ++a) {
        double sum = 0;
        for (Index r = 0; r < W; ++r) sum += std::abs(double(q.view()(0, t, 0, r)) * double(codebook.view().at(0, 0, 0, a, r)));
        largest = std::max(largest, sum);
      }
  }
  typename Far::In<const T> in(Index first = 0, Index count = L) const {
    return {.code = code.view().tokens(first, count), .q = q.view().tokens(first, count), .codebook = codebook.view(), .v = v.view().tokens(first, count), .codes = S};
  }
  // Logits err by W + 2 roundings of their largest, twice for the difference of two; then a quotient of sums of up to L terms of values up to 1.
  double tolerance() const { return 2 * double(std::numeric_limits<T>::epsilon()) * (2 * (W + 2) * largest + L + 8); }
};

template <class T> void near(const View<T>& given, const Buffer<double>& want, double tolerance) {
  double worst = 0;
  for (Index b = 0; b < B; ++b)
    for (Index t = 0; t < L; ++t)
      for (Index h = 0; h < H; ++h)
        for (Index f = 0; f < given.feature(); ++f) {
          const double off = std::abs(double(given(b, t, h, f)) - want.view()(b, t, h, f));
          worst = std::isnan(off) ? INFINITY : std::max(worst, off);
        }
  CHECK(worst <= tolerance);
}

template <class T> Buffer<double> widened(const Buffer<T>& x) {
  Buffer<double> out(x.view().batch(), x.view().time(), x.view().head(), x.view().row(), x.view().feature());
  std::copy(x.begin(), x.end(), out.begin());
  return out;
}

template <class Run> void every_problem(double most, Run&& run) {
  std::uint64_t seed = 1;
  for (const double scale : {1.0, 40.0, 300.0})
    for (const bool near : {false, true}) {
      if (scale > most) continue;
      INFO("queries of " << scale << (near ? ", codes that nobody took are nearer" : ""));
      run(scale, near, seed++);
    }
}

}  // namespace

TEMPLATE_TEST_CASE("attention over codes is softmax attention in every mode", "[mixers][vq]", float, double) {
  every_problem(300, [](double scale, bool is_near, std::uint64_t seed) {
    const Problem<TestType> call(scale, is_near, seed);
    const Buffer<double> q = widened(call.q), k = widened(call.keys), v = widened(call.v);
    Buffer<double> want(B, L, H, D), exact(B, L, H, D);
    attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const double>{q.view(), k.view(), v.view(), {}}, want.view(), {.scale = 1});
    Buffer<TestType> y(B, L, H, D);
    const auto check = [&](const char* mode) {
      INFO(mode);
      near(std::as_const(y).view(), want, call.tolerance());
      y.fill(std::numeric_limits<TestType>::quiet_NaN());
    };
    y.fill(std::numeric_limits<TestType>::quiet_NaN());
    reference(Far{}, call.in(), y.view()), check("reference");
    recurrent(exec::seq, Far{}, call.in(), y.view()), check("recurrent");
    scan(exec::Par{2}, Far{}, call.in(), y.view()), check("scan");
    chunkwise(exec::seq, Far{}, call.in(), y.view(), {.tuning = {.chunk = 16}}), check("chunkwise");
    attend(exec::seq, Far{}, call.in(), y.view(), {.tuning = {.chunk = 16}}), check("attend");
    mix(exec::seq, Far{}, call.in(), y.view()), check("mix");
    attend_vq(exec::seq, VqInputs<const TestType>{call.q.view(), call.codebook.view(), call.v.view(), {}, call.code.view()}, y.view(), {.scale = 1}), check("in blocks");
    Buffer<TestType> a(B, L, H, 1, L);
    attention_matrix(exec::seq, Far{}, call.in(), a.view());
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < L; ++t)
        for (Index h = 0; h < H; ++h)
          for (Index c = 0; c < D; ++c) {
            TestType sum(0);
            for (Index s = 0; s <= t; ++s) sum += a.view().at(b, t, h, 0, s) * call.v.view()(b, s, h, c);
            y.view()(b, t, h, c) = sum;
          }
    check("matrix");
    // Cut anywhere, then by steps: a code that the first part took is there for the second.
    for (const Index cut : {Index(1), Index(17), L - 1}) {
      State<Far, TestType> state(B, H, S, D);
      Options<TestType> o{.initial = state, .final = state};
      chunkwise(exec::seq, Far{}, call.in(0, cut), y.view().tokens(0, cut), o), scan(exec::seq, Far{}, call.in(cut, L - cut), y.view().tokens(cut, L - cut), o), check("cut");
      state.reset();
      recurrent(exec::seq, Far{}, call.in(0, cut), y.view().tokens(0, cut), o);
      for (Index t = cut; t < L; ++t) step(Far{}, call.in(t, 1), y.view().tokens(t, 1), state);
      check("cut, then steps");
    }
  });
}

TEMPLATE_TEST_CASE("gradients of attention over codes are those of softmax attention, in every mode", "[mixers][vq]", float, double) {
  // Logits of a float beyond 1000 err by more than their gradients are large.
  every_problem(std::is_same_v<TestType, float> ? 40 : 300, [](double scale, bool is_near, std::uint64_t seed) {
    const Problem<TestType> call(scale, is_near, seed);
    Random random(seed + 100);
    Buffer<TestType> y_bar(B, L, H, D);
    for (TestType& x : y_bar) x = TestType(random.uniform(-1, 1));
    const Buffer<double> q = widened(call.q), k = widened(call.keys), v = widened(call.v), bar = widened(y_bar);
    Buffer<double> q_want(B, L, H, W), k_want(B, L, H, W), v_want(B, L, H, D);
    attend_vjp(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const double>{q.view(), k.view(), v.view(), {}}, bar.view(), SoftmaxAttention::In<double>{q_want.view(), k_want.view(), v_want.view(), {}}, {.scale = 1});
    // How far each gradient may be off: a weight p = softmax errs by 2 rho p (1 - p), rho the error of a logit, and 8 roundings, or vanishes below the smallest normal number; an output by the sum of these; and what p is multiplied by
    // has L + D roundings.
    const double eps = double(std::numeric_limits<TestType>::epsilon()), rho = eps * (2 * (W + 2) * call.largest + 8), least = double((std::numeric_limits<TestType>::min)());
    Buffer<double> p(B, L, H, 1, L), book_want(1, 1, H, S, W), q_off(B, L, H, W), v_off(B, L, H, D), book_off(1, 1, H, S, W);
    attention_matrix(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const double>{q.view(), k.view(), v.view(), {}}, p.view(), {.scale = 1});
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < L; ++t)
        for (Index h = 0; h < H; ++h) {
          const Index own = call.code.view()(b, t, h, 0);
          for (Index r = 0; r < W; ++r) book_want.view().at(0, 0, h, own, r) += k_want.view()(b, t, h, r);
          double y[D] = {}, y_off = 0, size = 0;
          for (Index s = 0; s <= t; ++s) {
            const double w = p.view().at(b, t, h, 0, s);
            y_off += 2 * rho * w * (1 - w) + 8 * eps * w + least;
            for (Index c = 0; c < D; ++c) y[c] += w * v.view()(b, s, h, c);
          }
          for (Index c = 0; c < D; ++c) size += std::abs(bar.view()(b, t, h, c));
          for (Index s = 0; s <= t; ++s) {
            const double w = p.view().at(b, t, h, 0, s), w_off = 2 * rho * w * (1 - w) + 8 * eps * w + least;
            const Index code = call.code.view()(b, s, h, 0);
            double slope = 0;
            for (Index c = 0; c < D; ++c) slope += std::abs(bar.view()(b, t, h, c) * (v.view()(b, s, h, c) - y[c])), v_off.view()(b, s, h, c) += (w_off + L * eps * w) * std::abs(bar.view()(b, t, h, c));
            const double off = w_off * slope + w * (y_off * size + (L + D) * eps * (slope + size));
            for (Index r = 0; r < W; ++r) {
              q_off.view()(b, t, h, r) += off * std::abs(double(call.codebook.view().at(0, 0, h, code, r)));
              book_off.view().at(0, 0, h, code, r) += off * std::abs(q.view()(b, t, h, r));
            }
          }
        }
    Buffer<TestType> q_bar(B, L, H, W), book_bar(1, 1, H, S, W), v_bar(B, L, H, D);
    const typename Far::In<TestType> grads{.q = q_bar.view(), .codebook = book_bar.view(), .v = v_bar.view()};
    const auto check = [&](const char* mode) {
      INFO(mode);
      const auto within = [&](const char* name, const Buffer<TestType>& given, const Buffer<double>& right, const Buffer<double>& off) {
        double worst = 0, largest = 0, largest_off = 0;
        for (Index n = 0; n < given.size(); ++n) largest = std::max(largest, std::abs(right[n])), largest_off = std::max(largest_off, off[n]), worst = std::isnan(given[n]) ? INFINITY : std::max(worst, std::abs(double(given[n]) - right[n]) / std::max(off[n], least));
        INFO(name);
        CHECK(worst <= 1);
        CHECK(largest_off < 0.25 * largest);                 // a bound that tells right from wrong
      };
      within("v", v_bar, v_want, v_off), within("q", q_bar, q_want, q_off), within("codebook", book_bar, book_want, book_off);
      for (Buffer<TestType>* x : {&q_bar, &book_bar, &v_bar}) x->fill(std::numeric_limits<TestType>::quiet_NaN());
    };
    recurrent_vjp(exec::seq, Far{}, call.in(), y_bar.view(), grads), check("recurrent");
    scan_vjp(exec::seq, Far{}, call.in(), y_bar.view(), grads), check("scan");
    chunkwise_vjp(exec::seq, Far{}, call.in(), y_bar.view(), grads, {.tuning = {.chunk = 16}}), check("chunkwise");
    vjp(exec::seq, Far{}, call.in(), y_bar.view(), grads), check("vjp");
    if constexpr (std::is_same_v<TestType, double>) reference_vjp(Far{}, call.in(), y_bar.view(), grads), check("reference");
  });
}
