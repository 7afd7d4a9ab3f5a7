// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/layers/h3_vjp.hpp>

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "unit/layers/h3.hpp"

#include <algorithm>
#include <cmath>

using namespace lcsm;
using namespace lcsm::test;

TEST_CASE("H3's gradients are slopes", "[layers]") {
  constexpr exec::Par one_thread{1};
  for (int n = 0; n < 12; ++n) {
    Random random(800 + std::uint64_t(n));
    H3Call call(n % 2 == 0, n % 3 == 0, random, 7);
    INFO("seed " << 800 + n << ", tokens " << call.tokens << ", keys " << call.keys << ", values " << call.values);
    Buffer<double> y_bar(call.batch, call.tokens, call.heads, call.values);
    for (double& x : y_bar) x = random.uniform(-1, 1);
    const auto loss = [&] {
      double sum = 0;
      const auto y = call.defined();
      for (std::size_t i = 0; i < y.size(); ++i) sum += y[i].x * y_bar[Index(i)];
      return sum;
    };
    H3Call bars = call;
    for (Buffer<double>* x : {&bars.q, &bars.k, &bars.v, &bars.shift, &bars.skip, &bars.log_dt, &bars.log_A_real, &bars.A_imag, &bars.C, &bars.C_imag, &bars.D}) x->fill(77);
    const auto repeated = [&](Buffer<double>& x) {
      View<double> out = x.view();
      if (!call.elementwise) out.stride[4] = 0;
      return out;
    };
    const S4d::In<double> grads{.log_dt = repeated(bars.log_dt), .log_A_real = repeated(bars.log_A_real), .A_imag = repeated(bars.A_imag), .C = repeated(bars.C), .C_imag = repeated(bars.C_imag), .D = repeated(bars.D)};
    const H3Gradients<double> of{.q = bars.q, .k = bars.k, .v = bars.v, .shift = bars.shift, .shift_skip = bars.skip};
    const View<const double> q = std::as_const(call.q).view(), k = std::as_const(call.k).view(), v = std::as_const(call.v).view();
    if (call.elementwise) h3_elementwise_vjp(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), q, k, v, y_bar.view(), grads, of, call.options());
    else h3_vjp(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), q, k, v, y_bar.view(), grads, of, call.options());
    const auto check = [&](const char* name, Buffer<double>& x, const Buffer<double>& given) {
      INFO(name);
      double worst = 0, largest = 1;
      for (Index i = 0; i < x.size(); ++i) {
        const double want = std::isnan(x[i]) ? 0 : central_difference(x[i], loss);   // padding
        largest = std::max(largest, std::abs(want));
        if (const double off = std::abs(given[i] - want); !(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
      }
      CHECK(worst <= difference_tolerance * largest);
    };
    check("q", call.q, bars.q), check("k", call.k, bars.k), check("v", call.v, bars.v), check("shift", call.shift, bars.shift), check("shift_skip", call.skip, bars.skip);
    check("log_dt", call.log_dt, bars.log_dt), check("log_A_real", call.log_A_real, bars.log_A_real), check("A_imag", call.A_imag, bars.A_imag);
    check("C", call.C, bars.C), check("C_imag", call.C_imag, bars.C_imag), check("D", call.D, bars.D);
  }
}
