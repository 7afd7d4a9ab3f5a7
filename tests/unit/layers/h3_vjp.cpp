// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/layers/h3_vjp.hpp>

#include "support/catch.hpp"
#include "support/central_difference.hpp"
#include "unit/layers/h3.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

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

TEST_CASE("H3's adjoints of two calls in a row are that of one", "[layers]") {
  constexpr exec::Par one_thread{1};
  for (int n = 0; n < 12; ++n) {
    Random random(900 + std::uint64_t(n));
    const H3Call call(n % 2 == 0, n % 3 == 0, random, 40);
    const Index T = call.tokens, cut = T == 0 ? 0 : random.below(T), past = call.taps - 1;
    INFO("seed " << 900 + n << ", tokens " << T << ", cut at " << cut);
    Buffer<double> y(call.batch, T, call.heads, call.values), y_bar = y;
    for (double& x : y_bar) x = random.uniform(-1, 1);
    const auto keys_buffer = [&] { return Buffer<double>(call.batch, 1, call.heads, past, call.keys); };
    using Memory = State<S4d, double>;
    const Memory nothing(call.batch, call.heads, call.modes, call.width());
    Memory end_bar = nothing;
    Buffer<double> keys_end_bar = keys_buffer();
    end_bar.components([&](const char*, auto& x) {
      for (Index i = 0; i < x.size(); ++i) x[i] = std::remove_cvref_t<decltype(x[i])>(random.uniform(-1, 1));
    });
    for (double& x : keys_end_bar) x = random.uniform(-1, 1);

    // Gradients of one call: the tokens from `first` on, from a state, of the cotangents of the state it ends with.
    struct Gradients {
      H3Call of;
      Memory begin;
      Buffer<double> keys_begin;
    };
    const auto all = [](H3Call& x) { return std::array{&x.q, &x.k, &x.v, &x.shift, &x.skip, &x.log_dt, &x.log_A_real, &x.A_imag, &x.C, &x.C_imag, &x.D}; };
    const auto adjoint = [&](Gradients& g, Index first, Index count, const Memory* begin, const Buffer<double>& keys, const Memory& end, const Buffer<double>& keys_end) {
      const auto part = [&](auto view) { return view.tokens(first, count); };
      const auto repeated = [&](Buffer<double>& x) {
        View<double> out = x.view();
        if (!call.elementwise) out.stride[4] = 0;
        return out;
      };
      H3Call& x = g.of;
      const S4d::In<double> grads{.log_dt = repeated(x.log_dt), .log_A_real = repeated(x.log_A_real), .A_imag = repeated(x.A_imag), .C = repeated(x.C), .C_imag = repeated(x.C_imag), .D = repeated(x.D)};
      const H3Gradients<double> of{.q = part(x.q.view()), .k = part(x.k.view()), .v = part(x.v.view()), .shift = x.shift, .shift_skip = x.skip};
      Options<double> options;
      if (call.mask.size() > 0) options.mask = part(call.mask.view());
      if (begin) options.initial = begin->view();
      const View<const double> bars = part(std::as_const(y_bar).view());
      const StateCotangents<double> states{.final = end.view(), .initial = g.begin.view()};
      const ConvolutionCotangents<double> key_states{std::as_const(keys_end).view(), g.keys_begin.view()};
      const auto run = [&](auto&& f) { f(part(call.q.view()), part(call.k.view()), part(call.v.view())); };
      run([&](const View<const double>& q, const View<const double>& k, const View<const double>& v) {
        if (call.elementwise) h3_elementwise_vjp(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), q, k, v, bars, grads, of, options, {.initial = keys.view()}, states, key_states);
        else h3_vjp(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), q, k, v, bars, grads, of, options, {.initial = keys.view()}, states, key_states);
      });
    };
    const auto poisoned = [&] {
      Gradients g{call, nothing, keys_buffer()};
      for (Buffer<double>* x : all(g.of)) x->fill(77);
      g.begin.components([](const char*, auto& x) { x.fill(std::remove_cvref_t<decltype(x[0])>(77)); });
      g.keys_begin.fill(77);
      return g;
    };

    Memory state = nothing;
    Buffer<double> keys = keys_buffer(), no_keys = keys;
    no_keys.fill(0);
    {
      Options<double> options = call.options();
      if (options.mask) options.mask = options.mask.tokens(0, cut);
      options.final = state.view();
      const auto part = [&](const Buffer<double>& x) { return x.view().tokens(0, cut); };
      if (call.elementwise) h3_elementwise(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), part(call.q), part(call.k), part(call.v), y.view().tokens(0, cut), options, {.final = keys.view()});
      else h3(one_thread, S4d{}, call.in(), call.plan(), call.skip.view(), part(call.q), part(call.k), part(call.v), y.view().tokens(0, cut), options, {.final = keys.view()});
    }
    Gradients whole = poisoned(), first = poisoned(), rest = poisoned();
    adjoint(whole, 0, T, nullptr, no_keys, end_bar, keys_end_bar);
    adjoint(rest, cut, T - cut, &state, keys, end_bar, keys_end_bar);
    adjoint(first, 0, cut, nullptr, no_keys, rest.begin, rest.keys_begin);
    const auto check = [&](const char* name, Index size, auto&& given, auto&& want) {
      INFO(name);
      double worst = 0, largest = 1;
      for (Index i = 0; i < size; ++i) {
        largest = std::max(largest, std::abs(want(i)));
        if (const double off = std::abs(given(i) - want(i)); !(off <= worst)) worst = std::isnan(off) ? HUGE_VAL : off;
      }
      CHECK(worst <= 1e-12 * largest);                     // sums of up to 40 * 9 * 8 terms of about one
    };
    const auto whole_of = all(whole.of), first_of = all(first.of), rest_of = all(rest.of);
    for (std::size_t i = 0; i < whole_of.size(); ++i) {
      const bool tokens = i < 3;                            // q, k and v: each call has its own tokens
      const Buffer<double>&a = *first_of[i], &b = *rest_of[i], &want = *whole_of[i];
      const Index row = tokens ? want.view().stride[1] : 0;
      check(std::to_string(i).c_str(), want.size(), [&](Index k) { return tokens ? (k / row % T < cut ? a[k] : b[k]) : a[k] + b[k]; }, [&](Index k) { return want[k]; });
    }
    check("keys", keys.size(), [&](Index k) { return first.keys_begin[k]; }, [&](Index k) { return whole.keys_begin[k]; });
    std::vector<double> given, want;
    const auto numbers = [](const Memory& m, std::vector<double>& to) {
      m.components([&](const char* name, const auto& x) {
        if (std::string_view(name) != "position") for (const auto v : x) to.push_back(double(v));
      });
    };
    numbers(first.begin, given), numbers(whole.begin, want);
    REQUIRE(given.size() == want.size());
    check("state", Index(want.size()), [&](Index k) { return given[to_size(k)]; }, [&](Index k) { return want[to_size(k)]; });
  }
}
