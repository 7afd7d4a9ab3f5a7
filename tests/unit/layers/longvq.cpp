// SPDX-License-Identifier: MIT
#include <lcsm/attention/attend.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/longvq.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/vq/codebook.hpp>

#include "support/catch.hpp"
#include "unit/layers/mega.hpp"

#include <cmath>
#include <limits>

using namespace lcsm;
using namespace lcsm::test;

namespace {

// The layer as attention over all keys, which are k + (C[z] - k) with the bracket held fast: what straight through means. Keeps the commitment loss, too.
struct Dense {
  const MegaLayer& layer;
  const LongVqOptions& o;
  Codebook<double> book;
  Buffer<std::int32_t> codes_of;
  Buffer<double> held{}, y;
  double commitment = 0;
  Dense(const MegaLayer& l, const LongVqOptions& options, Index codes, init::Generator& rng) : layer(l), o(options), book(1, codes, l.Z), codes_of(l.batch, l.time, 1, 1), y(l.batch, l.time, 1, l.D) {
    Buffer<double> some(1, codes, 1, l.Z);
    for (double& v : some) v = init::normal(rng, 0.7);
    book.initialise(rng, some.view());
  }
  void run() {
    gated_memory_layer::Pass<double> pass("test", layer.p.maps, layer.x.view(), o.epsilon);
    MegaEma::In<const double> memory = layer.p.memory;
    const MegaOptions of_memory = longvq_layer::of_memory(o);
    pass.forward(
        exec::seq, layer.p.maps, layer.x.view(), [&](const View<const double>& xn, const View<double>& to) { memory.x = xn, mix(exec::seq, MegaEma{}, memory, to, mega_layer::memory_options<double>(of_memory)); },
        [&](const View<const double>& q, const View<const double>& k, const View<const double>& v, const View<double>& to) {
          const auto rms = [&](const View<const double>& x) {
            Buffer<double> out(x.batch(), x.time(), 1, x.feature());
            for (Index b = 0; b < x.batch(); ++b)
              for (Index t = 0; t < x.time(); ++t) {
                double square = 0;
                for (Index c = 0; c < x.feature(); ++c) square += x(b, t, 0, c) * x(b, t, 0, c) / double(x.feature());
                for (Index c = 0; c < x.feature(); ++c) out.view()(b, t, 0, c) = x(b, t, 0, c) / std::sqrt(square + o.key_epsilon) / std::pow(double(x.feature()), 0.25);
              }
            return out;
          };
          Buffer<double> qn = rms(q), kn = rms(k);
          if (held.size() == 0 && kn.size() > 0) {
            held = kn;
            nearest_codes(exec::seq, kn.view(), book.codes(), codes_of.view());
            for (Index b = 0; b < layer.batch; ++b)
              for (Index t = 0; t < layer.time; ++t)
                for (Index c = 0; c < layer.Z; ++c) held.view()(b, t, 0, c) = book.codes().at(0, 0, 0, codes_of.view()(b, t, 0, 0), c) - kn.view()(b, t, 0, c);
          }
          commitment = 0;
          for (Index b = 0; b < layer.batch; ++b)
            for (Index t = 0; t < layer.time; ++t)
              for (Index c = 0; c < layer.Z; ++c) {
                const double code = book.codes().at(0, 0, 0, codes_of.view()(b, t, 0, 0), c);
                commitment += std::pow(kn.view()(b, t, 0, c) - code, 2) / double(layer.batch * layer.time);
                kn.view()(b, t, 0, c) += held.view()(b, t, 0, c);
              }
          // The bias counts within the window alone.
          Buffer<double> bias(1, 1, 1, 2 * o.window + 1);
          const View<const double> own = layer.p.maps.relative;
          const Index R = own.feature() / 2;
          for (Index d = -o.window; d <= o.window; ++d) bias[o.window + d] = std::abs(d) <= R ? own(0, 0, 0, R + d) : 0;
          attend(exec::seq, SoftmaxAttention{}, SoftmaxAttention::In<const double>{qn, kn, v, bias}, to, {.scale = 1, .causal = o.causal, .direction = o.direction});
        });
    pass.output(exec::seq, layer.x.view(), y.view());
  }
};

}  // namespace

TEST_CASE("LongVQ is gated attention over the codes of its memory, and its gradients go straight through", "[layers][vq]") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    MegaLayer layer(random, 9);
    init::Generator rng(seed);
    const LongVqOptions o{.window = random.one_of({0, 2, 5}), .block = random.one_of({1, 3}), .causal = !random.one_in(3), .rule = {.keys = VqKeys::all}, .commitment = random.one_in(2) ? 0.3 : 0.0, .direction = random.one_in(2) ? Direction::reverse : Direction::forward};
    INFO("seed " << seed << ", tokens " << layer.time << ", window " << o.window);
    Dense dense(layer, o, 4, rng);
    dense.run();
    Buffer<double> y(layer.batch, layer.time, 1, layer.D), x_bar(y), keys(layer.batch, layer.time, 1, layer.Z);
    Buffer<std::int32_t> codes_of(layer.batch, layer.time, 1, 1);
    longvq(exec::Par{2}, LongVq<>{}, layer.p.memory, layer.p.maps, dense.book.codes(), std::as_const(layer.x).view(), y.view(), o, codes_of.view(), keys.view());
    CHECK(largest_difference(y, dense.y) <= 1e-12);
    CHECK(std::equal(codes_of.begin(), codes_of.end(), dense.codes_of.begin()));
    CodeStatistics batch(1, 4, layer.Z);
    batch.add(exec::seq, keys.view(), codes_of.view());      // what the codebook learns from

    const Codebook<double> before = dense.book;
    longvq_vjp(exec::Par{2}, LongVq<>{}, layer.p.memory, layer.p.maps, dense.book.codes(), std::as_const(layer.x).view(), layer.y_bar.view(), layer.grads.memory, layer.grads.maps, x_bar.view(), o);
    CHECK(std::equal(before.codes().data, before.codes().data + 4 * layer.Z, dense.book.codes().data));
    const auto loss = [&] {
      dense.run();
      double sum = o.commitment * dense.commitment;
      for (Index n = 0; n < y.size(); ++n) sum += dense.y[n] * layer.y_bar[n];
      return sum;
    };
    constexpr double tolerance = 100 * difference_tolerance;  // two norms of one to four features, one behind the other
    check_slopes("x", layer.x.data(), x_bar.data(), x_bar.size(), tolerance, loss), check_parameter_slopes(layer, tolerance, loss);
  }
}

TEST_CASE("LongVQ: padding is not read, and another memory is another type", "[layers][vq]") {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Random random(50 + seed);
    MegaLayer layer(random, 40);
    init::Generator rng(seed);
    const Index T = layer.time, D = layer.D;
    Codebook<double> book(1, 5, layer.Z);
    book.initialise(rng, 0.5);
    LongVqOptions o{.window = 4, .block = 3};
    Buffer<double> log_dt(1, 1, 1, D), A(1, 1, 1, 2, D), A_imag(A), C(A), C_imag(A), skip(1, 1, 1, D);
    log_dt.fill(-2), skip.fill(1);
    A.fill(-0.5), A_imag.fill(1), C.fill(0.5), C_imag.fill(0.25);
    const S4d::In<const double> memory{.log_dt = log_dt, .log_A_real = A, .A_imag = A_imag, .C = C, .C_imag = C_imag, .D = skip};
    const auto run = [&](const View<const double>& x, const View<double>& y) { longvq(exec::seq, LongVq<S4d>{}, memory, layer.p.maps, book.codes(), x, y, o); };
    Buffer<double> y(layer.batch, T, 1, D), wide(layer.batch, 2 * T, 1, D), wide_y(wide);
    run(layer.x.view(), y.view());
    Buffer<std::uint8_t> mask(layer.batch, 2 * T, 1, 1);
    wide.fill(std::numeric_limits<double>::quiet_NaN()), mask.fill(0);
    for (Index b = 0; b < layer.batch; ++b)
      for (Index t = 0; t < T; ++t) {
        mask.view()(b, 2 * t, 0, 0) = 1;
        for (Index c = 0; c < D; ++c) wide.view()(b, 2 * t, 0, c) = layer.x.view()(b, t, 0, c);
      }
    o.mask = std::as_const(mask).view();
    run(wide.view(), wide_y.view());
    double worst = 0;
    for (Index b = 0; b < layer.batch; ++b)
      for (Index t = 0; t < 2 * T; ++t)
        for (Index c = 0; c < D; ++c) {
          const double off = std::abs(wide_y.view()(b, t, 0, c) - (t % 2 == 0 ? y.view()(b, t / 2, 0, c) : 0));
          worst = std::isnan(off) ? INFINITY : std::max(worst, off);
        }
    CHECK(worst <= 1e-12);
  }
}
