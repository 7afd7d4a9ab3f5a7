// SPDX-License-Identifier: MIT
// The adjoint of the maps around a diagonal mixer against central differences of `mimo`, in one and in two directions, packed, masked, from a state.
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/layers/mimo_vjp.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/mixers/s5.hpp>

#include "support/gradients.hpp"

using namespace lcsm;

namespace {

struct Kind {
  const char* name;
  bool two = false, matrix = false, skip = true, packed = false, masked = false, state = false;
};
constexpr Kind kinds[] = {{.name = "plain"}, {.name = "no skip", .skip = false}, {.name = "a dense D", .matrix = true, .packed = true}, {.name = "two directions", .two = true, .masked = true},
                          {.name = "from a state", .packed = true, .state = true}};

// Numbers of a call, and room for as many gradients.
struct Trial {
  static constexpr Index batch = 2, time = 7, inputs = 3, states = 4;
  Kind kind;
  Index outputs, sequences;
  Buffer<double> u, B, B_imag, C, C_imag, D, log_step, lambda, lambda_imag, y_bar;
  std::vector<std::int32_t> offsets{0, 3, 3, 7};
  std::vector<std::uint8_t> mask{1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0};
  State<S5, double> initial, final_bar;

  explicit Trial(const Kind& k)
      : kind(k), outputs(k.matrix ? 2 : inputs), sequences(k.packed ? 3 : batch), u(rows(), time, 1, inputs), B(1, 1, 1, states, inputs), B_imag(B), C(1, 1, 1, outputs, k.two ? 2 * states : states), C_imag(C),
        D(1, 1, 1, k.matrix ? outputs : 1, inputs), log_step(states), lambda(states), lambda_imag(states), y_bar(rows(), time, 1, outputs), initial(sequences, 1, 1, states), final_bar(sequences, 1, 1, states) {
    init::Generator rng(5);
    for (Buffer<double>* x : all()) for (double& v : *x) v = init::normal(rng);
    for (double& v : y_bar) v = init::normal(rng);
    for (double& v : lambda) v = -init::uniform(rng, 0.1, 1);
    for (double& v : log_step) v = std::log(init::uniform(rng, 0.05, 0.3));
    for (State<S5, double>* s : {&initial, &final_bar})
      s->components([&](const char* name, auto& x) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(x)>, Buffer<double>>) if (std::string_view(name)[0] == 'm') for (double& v : x) v = init::normal(rng);
      });
  }
  Index rows() const { return kind.packed ? 1 : batch; }
  std::vector<Buffer<double>*> all() { return {&u, &B, &B_imag, &C, &C_imag, &D, &log_step, &lambda, &lambda_imag}; }
  MimoMaps<const double> maps() const { return {.B = B, .B_imag = B_imag, .C = C, .C_imag = C_imag, .D = kind.skip ? D.view() : View<const double>{}}; }
  S5::In<const double> in() const { return {.log_step = log_step, .lambda = lambda, .lambda_imag = lambda_imag}; }
  Options<double> options() const {
    Options<double> o;
    if (kind.packed) o.sequences = offsets;
    if (kind.masked) o.mask = lcsm::view(mask.data(), batch, time, 1, 1);
    if (kind.state) o.initial = initial.view();
    return o;
  }
  double loss() const {
    Buffer<double> y(rows(), time, 1, outputs);
    State<S5, double> final(sequences, 1, 1, states);
    Options<double> o = options();
    if (kind.state) o.final = final;
    mimo(exec::seq, S5{}, in(), maps(), u.view(), y.view(), o);
    double sum = 0;
    for (Index n = 0; n < y.size(); ++n) sum += y[n] * y_bar[n];
    if (kind.state) test::zip_states(std::as_const(final).view(), final_bar.view(), [&](std::string_view name, auto x, auto w) { if (name[0] == 'm') sum += double(x) * double(w); });
    return sum;
  }
};

}  // namespace

TEST_CASE("mimo_vjp: central differences", "[mimo]") {
  for (const Kind& kind : kinds) {
    INFO(kind.name);
    Trial t(kind);
    Trial g(kind);                                          // its numbers are where the gradients go
    for (Buffer<double>* x : g.all()) x->fill(std::numeric_limits<double>::quiet_NaN());
    State<S5, double> initial_bar(t.sequences, 1, 1, Trial::states);
    StateCotangents<double> cotangents;
    if (kind.state) cotangents = {.final = std::as_const(t.final_bar).view(), .initial = initial_bar.view()};
    const auto run = [&](const auto& exec, Trial& to) {
      mimo_vjp(exec, S5{}, t.in(), t.maps(), t.u.view(), std::as_const(t.y_bar).view(), S5::In<double>{.log_step = to.log_step.view(), .lambda = to.lambda.view(), .lambda_imag = to.lambda_imag.view()},
               MimoMaps<double>{.B = to.B.view(), .B_imag = to.B_imag.view(), .C = to.C.view(), .C_imag = to.C_imag.view(), .D = kind.skip ? to.D.view() : View<double>{}}, to.u.view(), t.options(), cotangents);
    };
    run(exec::seq, g);
    const double size = std::abs(t.loss()) + 10;
    const auto numbers = t.all(), given = g.all();
    for (std::size_t b = 0; b < numbers.size(); ++b) {
      if (numbers[b] == &t.D && !kind.skip) continue;
      INFO("gradient " << b);
      for (Index n = 0; n < numbers[b]->size(); ++n) {
        const double right = test::central_difference((*numbers[b])[n], [&] { return t.loss(); });
        CHECK(std::abs((*given[b])[n] - right) <= 10 * test::difference_tolerance * size);
      }
    }
    if (kind.state)
      test::zip_states(t.initial.view(), initial_bar.view(), [&](std::string_view name, auto& x, auto& bar) {
        if constexpr (std::is_same_v<std::remove_reference_t<decltype(x)>, double>)
          if (name[0] == 'm') CHECK(std::abs(double(bar) - test::central_difference(x, [&] { return t.loss(); })) <= 10 * test::difference_tolerance * size);
      });
    Trial h(kind);
    run(exec::Par{3}, h);
    const auto again = h.all();
    for (std::size_t b = 0; b < again.size(); ++b)
      if (again[b] != &h.D || kind.skip) CHECK(std::equal(again[b]->begin(), again[b]->end(), given[b]->begin()));
  }
}

TEST_CASE("mimo_vjp: wrong arguments", "[mimo]") {
  Trial t(kinds[0]);
  Buffer<double> wrong(1, 1, 1, 3, 3);
  const auto call = [&](const MimoMaps<double>& maps, const View<double>& u_bar) {
    mimo_vjp(exec::seq, S5{}, t.in(), t.maps(), t.u.view(), std::as_const(t.y_bar).view(), S5::In<double>{}, maps, u_bar);
  };
  const auto fails = [&](const MimoMaps<double>& maps, const View<double>& u_bar, const std::string& name) {
    try {
      call(maps, u_bar);
      FAIL("no error for " << name);
    } catch (const ShapeError& e) {
      INFO(e.what());
      CHECK(std::string(e.what()).find(name) != std::string::npos);
    }
  };
  fails({.B = wrong.view()}, {}, "gradient of B"), fails({.C_imag = wrong.view()}, {}, "gradient of C_imag"), fails({.D = wrong.view()}, {}, "gradient of D"), fails({}, wrong.view(), "u_bar");
}
