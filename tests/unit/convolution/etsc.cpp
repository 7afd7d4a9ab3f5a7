// SPDX-License-Identifier: MIT
#include <lcsm/convolution/etsc.hpp>
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/scan.hpp>

#include "support/bound.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <random>

using namespace lcsm;

namespace {
constexpr double eps = 0x1p-52;
constexpr Index B = 2, H = 2, C = 3;

struct Filter {
  std::mt19937_64 rng{6};
  Buffer<double> q, log_decay{1, 1, H, 1, C};
  Index n;
  // g = 1, or one per channel.
  Filter(Index taps, bool decays) : q(1, taps, H, 1, C), n(taps) {
    for (double& x : q) x = double(float(random()));
    for (double& x : log_decay) x = decays ? -0.05 - 0.1 * std::abs(random()) : 0;
  }
  double random() { return double(rng() >> 11) * 0x1p-52 - 1; }
  double log(Index h, Index c) const { return log_decay.view()(0, 0, h, c); }
  // g^l q[l], with q[n] = -sum q.
  long double tap(Index l, Index h, Index c) const {
    long double x = 0;
    if (l < n) x = q.view()(0, l, h, c);
    else for (Index k = 0; k < n; ++k) x -= q.view()(0, k, h, c);
    return x * (l == 0 ? 1 : std::exp(static_cast<long double>(l) * static_cast<long double>(log(h, c))));
  }
  // What g^-l times a lag of the form may err by: n/2 modes, of size 2 sum |q| / M each; phases are rounded: l pi eps / 2.
  double error(Index l, Index h, Index c) const {
    double sum = 0;
    for (Index k = 0; k < n; ++k) sum += std::abs(q.view()(0, k, h, c));
    return 2 * sum * (double(2 * n) + 24 + double(l) * (2 + std::abs(log(h, c)))) * eps;
  }
  View<const double> decay() const { return log_decay; }
};

enum class Way { recurrent, sweep, scan, attend };
template <class T, class In> void run(Way way, const In& in, const View<T>& y) {
  Options<T> options;
  options.tuning.scan_units = way == Way::scan ? 1000000 : 1, options.tuning.scan_chunk = 16;
  if (way == Way::recurrent) recurrent(exec::seq, Modal{}, in, y, options);
  else if (way == Way::attend) attend(exec::seq, Modal{}, in, y, options);
  else scan(exec::seq, Modal{}, in, y, options);
}
}  // namespace

TEST_CASE("taps as modes: exact below n lags, periodic behind them", "[convolution]") {
  for (const bool decays : {false, true})
    for (const Index n : {1, 2, 3, 4, 7, 8, 63, 64, 130}) {
      const Filter filter(n, decays);
      const ModalForm form = etsc(exec::par, filter.q.view(), filter.decay());
      CHECK(form.modes() == (n + 1) / 2);
      CHECK(form.delay == 0);
      const Index L = 3 * (n + 1) + 5;
      Buffer<double> kernel(1, L, H, 1, C);
      modal_kernel(exec::seq, form, kernel.view());
      for (Index l = 0; l < L; ++l)
        for (Index h = 0; h < H; ++h)
          for (Index c = 0; c < C; ++c) {
            const double g = filter.log(h, c), shift = std::exp(double(l - l % (n + 1)) * g);
            INFO("n " << n << " lag " << l);
            CHECK(std::abs(kernel.view()(0, l, h, c) - shift * double(filter.tap(l % (n + 1), h, c))) <= std::exp(double(l) * g) * filter.error(l, h, c));
          }
    }
  // One decay for all, of 0, and taps of float.
  Buffer<float> taps(1, 4, 1, 2);
  for (Index k = 0; k < taps.size(); ++k) taps[k] = float(k + 1);
  const double closed = -std::numeric_limits<double>::infinity();
  Buffer<double> kernel(1, 9, 1, 2);
  modal_kernel(exec::seq, etsc(exec::seq, taps.view(), View<const double>(&closed, {1, 1, 1, 1, 1}, {0, 0, 0, 0, 0})), kernel.view());
  for (Index l = 0; l < 9; ++l)
    for (Index c = 0; c < 2; ++c) CHECK(std::abs(kernel.view()(0, l, 0, c) - (l == 0 ? double(c + 1) : 0.0)) <= 1e-14);
}

TEMPLATE_TEST_CASE("taps as modes run in every mode of Modal, and with their window at any length", "[convolution]", double, float) {
  using T = TestType;
  const double unit = std::is_same_v<T, float> ? 0x1p-23 : eps;
  for (const bool decays : {false, true})
    for (const Index n : {1, 2, 5, 24})
      for (const bool window : {false, true}) {
        Filter filter(n, decays);
        const ModalForm form = etsc(exec::seq, filter.q.view(), filter.decay());
        const Index tokens = window ? 10 * n + 3 : n;
        Buffer<T> x(B, tokens, H, C), corrected(x), late(x), ring(B, 1, H, n + 1, C), y(x);
        for (T& v : x) v = T(float(filter.random()));
        corrected = x;
        if (window)                                         // in pieces, the first one in place
          for (Index first = 0, count = 1; first < tokens; first += count, count = std::min<Index>(2 * count + 1, tokens - first)) {
            const auto part = [&](Buffer<T>& b) { return b.view().tokens(first, count); };
            etsc_window(exec::par, filter.q.view(), part(first == 0 ? corrected : x), part(corrected), part(late), ring.view(), filter.decay());
          }
        Buffer<double> wide(B, tokens, H, C);
        std::copy(corrected.begin(), corrected.end(), wide.begin());
        const auto exact = form.template inputs<Modal>(std::as_const(wide).view());
        const auto sums = test::error_sums<Modal>(exact, {}, B, tokens, H, C);
        for (const Way way : {Way::recurrent, Way::sweep, Way::scan, Way::attend}) {
          run(way, form.template inputs<Modal>(std::as_const(corrected).view()), y.view());
          const auto cost = test::error_cost<Modal>(sums, tokens, false);
          for (Index b = 0, at = 0; b < B; ++b)
            for (Index t = 0; t < tokens; ++t)
              for (Index h = 0; h < H; ++h)
                for (Index c = 0; c < C; ++c, ++at) {
                  long double right = 0;
                  double of_form = 0;                       // what the form's kernel, the window's numbers and a repeated kernel may differ by
                  for (Index l = 0; l <= t; ++l) {
                    if (l < n) right += filter.tap(l, h, c) * static_cast<long double>(x.view()(b, t - l, h, c));
                    of_form += std::exp(double(l) * filter.log(h, c)) * filter.error(l, h, c) * std::abs(wide.view()(b, t - l, h, c));
                  }
                  const double end = double(late.view()(b, t, h, c)), got = double(y.view()(b, t, h, c)) + end;
                  const double bound = of_form + (cost.of(sums.y[to_size(at)]) + 2 * sums.y[to_size(at)].s) * unit + 2 * unit * (std::abs(end) + std::abs(got));
                  INFO("n " << n << " way " << int(way) << " token " << t << (window ? " window" : ""));
                  CHECK(std::abs(got - double(right)) <= bound);
                  CHECK(std::abs(got - double(right)) <= (std::is_same_v<T, float> ? 1e-4 : 1e-11));  // of numbers about 1
                }
        }
      }
}

TEST_CASE("taps and windows: what is wrong is told before anything is written", "[convolution]") {
  Buffer<double> taps(1, 4, 2, 3), none(1, 0, 2, 3), decay(1, 1, 2, 1, 2), x(2, 5, 2, 3), ring(2, 1, 2, 5, 3), few(2, 1, 2, 4, 3);
  CHECK_THROWS_WITH(etsc(exec::seq, none.view()), "lcsm::etsc: argument 'taps': expected at least one tap, given none");
  CHECK_THROWS_WITH(etsc(exec::seq, taps.view(), View<const double>(decay)), "lcsm::etsc: argument 'log_decay': expected feature extent 3, given 2");
  CHECK_THROWS_WITH(etsc_window(exec::seq, taps.view(), x.view(), x.view(), x.view(), few.view()), "lcsm::etsc_window: argument 'ring': expected row extent 5, given 4");
  CHECK_NOTHROW(etsc_window(exec::seq, taps.view(), x.view(), x.view(), Buffer<double>(x).view(), ring.view()));
  const ModalForm form = etsc(exec::seq, taps.view());
  CHECK_THROWS_AS(form.inputs<ModalDelayed>(std::as_const(x).view()), OptionError);
}
