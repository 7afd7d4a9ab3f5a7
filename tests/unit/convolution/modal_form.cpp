// SPDX-License-Identifier: MIT
#include <lcsm/convolution/modal_form.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/recurrent_vjp.hpp>

#include "support/bound.hpp"
#include "support/catch.hpp"

#include <cmath>
#include <random>

using namespace lcsm;

namespace {
constexpr Index T = 80, H = 2, N = 3;
constexpr double eps = 0x1p-52;

struct Random {
  std::mt19937_64 rng{8};
  double operator()() { return double(rng() >> 11) * 0x1p-52 - 1; }
};
ModalForm random_form(Index features, Index delay) {
  Random random;
  ModalForm form(H, N, features, delay);
  for (double& x : form.log_modulus) x = -std::exp(2 * random() - 3);
  for (Buffer<double>* b : {&form.phase, &form.W, &form.W_imag, &form.D})
    for (double& x : *b) x = random();
  return form;
}
Buffer<double> impulse(Index features) {
  Buffer<double> x(1, T, H, features);
  for (Index h = 0; h < H; ++h)
    for (Index c = 0; c < features; ++c) x.view()(0, 0, h, c) = 1;
  return x;
}
// A mode's response is within the derived bound of its own, and the kernel errs by less (modal.hpp).
template <class M, class In> void is_kernel(const In& in, const Buffer<double>& y, const View<const double>& kernel, Index features) {
  const auto sums = test::error_sums<M>(in, {}, 1, T, H, features);
  const auto cost = test::error_cost<M>(sums, T, false);
  for (Index t = 0, at = 0; t < T; ++t)
    for (Index h = 0; h < H; ++h)
      for (Index c = 0; c < features; ++c, ++at) {
        const double bound = (cost.of(sums.y[to_size(at)]) + 20 * sums.y[to_size(at)].s + 2 * sums.y[to_size(at)].w) * eps;
        CHECK(std::abs(y[at] - kernel(0, t, h, kernel.feature() == 1 ? 0 : c)) <= bound);
      }
}
}  // namespace

TEST_CASE("the response of a form to an impulse is its kernel", "[convolution]") {
  constexpr Index C = 2;
  const Buffer<double> x = impulse(C);
  Buffer<double> y(1, T, H, C), kernel(1, T, H, C);
  const auto check = [&]<class M>(M) {
    ModalForm form = random_form(C, Index(M::readout::previous));
    form.log_modulus.view().at(0, 0, 0, 0, 0) = -std::numeric_limits<double>::infinity();  // z = 0
    const auto in = form.template inputs<M>(x.view());
    recurrent(exec::seq, M{}, in, y.view());
    modal_kernel(exec::seq, form, kernel.view());
    is_kernel<M>(in, y, kernel, C);
  };
  check(Modal{}), check(ModalDelayed{});

  // One filter for the channels of a head: chunks are matrix products.
  const ModalForm one = random_form(1, 0);
  const auto keys = [](const Buffer<double>& b) { return View<const double>(b.data(), {1, 1, H, 1, N}, {0, 0, N, 0, 1}); };
  ModalShared::In<const double> in{.x = x, .log_modulus = keys(one.log_modulus), .phase = keys(one.phase), .W = keys(one.W), .W_imag = keys(one.W_imag), .D = one.D};
  in.D.stride[4] = 0;
  Buffer<double> of_one(1, T, H, 1);
  modal_kernel(exec::seq, one, of_one.view());
  chunkwise(exec::seq, ModalShared{}, in, y.view());
  is_kernel<ModalShared>(in, y, of_one, C);

  Buffer<double> none(1, 0, H, C), other(1, 4, H, C + 1);
  CHECK_NOTHROW(modal_kernel(exec::seq, random_form(C, 1), none.view()));
  CHECK_THROWS_AS(modal_kernel(exec::seq, random_form(C, 1), other.view()), ShapeError);
}

TEST_CASE("the adjoint of a kernel is that of the recurrence it belongs to", "[convolution]") {
  constexpr Index C = 2;
  const Buffer<double> x = impulse(C);
  const ModalForm form = random_form(C, 0);
  Buffer<double> bar(1, T, H, C);
  Random random;
  for (double& v : bar) v = random();
  ModalForm of_kernel(H, N, C), of_modes(H, N, C);
  modal_kernel_vjp(exec::seq, form.parameters(), std::as_const(bar).view(), ModalParameters<double>{of_kernel.log_modulus, of_kernel.phase, of_kernel.W, of_kernel.W_imag});
  recurrent_vjp(exec::seq, Modal{}, form.inputs<Modal>(x.view()), std::as_const(bar).view(),
                Modal::In<double>{.x = {}, .log_modulus = of_modes.log_modulus, .phase = of_modes.phase, .W = of_modes.W, .W_imag = of_modes.W_imag, .D = of_modes.D}, Options<double>{});
  for (const auto member : {&ModalForm::log_modulus, &ModalForm::phase, &ModalForm::W, &ModalForm::W_imag})
    for (Index n = 0; n < form.W.size(); ++n) {
      // Sums over at most T tokens of numbers below T times 2^(1/2); either way errs by the age of a term and the number of terms.
      CHECK(std::abs((of_kernel.*member)[n] - (of_modes.*member)[n]) <= double(T * T) * 1.5 * double(4 * T) * eps);
    }
  for (Index n = 0; n < of_modes.D.size(); ++n) CHECK(of_modes.D[n] == bar[n]);
}
