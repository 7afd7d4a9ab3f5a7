// SPDX-License-Identifier: MIT
#include <lcsm/mixers/dlr.hpp>

#include "unit/mixers/against_golden.hpp"

#include <cmath>
#include <string>

using namespace lcsm;
using namespace lcsm::test;

namespace {
template <class M> void kernel(Against& at) {
  const auto want = at("out", "kernel", "hft");
  Buffer<double> impulse(1, want.time(), 1, want.feature());
  for (Index c = 0; c < want.feature(); ++c) impulse.view()(0, 0, 0, c) = 1;
  typename M::template In<const double> in{.x = std::as_const(impulse).view()};
  constexpr bool complex = requires { in.W_imag; };
  if constexpr (requires { in.log_neg_re; }) in.log_neg_re = at("par", "Lambda_log_neg_re", "f");
  if constexpr (requires { in.phase; }) in.phase = at("par", "Lambda_im", "f");
  in.W = at("par", "W", complex ? "hfrn" : "hfr", 0);
  if constexpr (complex) in.W_imag = at("par", "W", "hfrn", 1);
  State<M, double> state(1, want.head(), in.W.row(), want.feature());
  run<M>(in, want, state, false);
}
}  // namespace

TEST_CASE("DLR: the response to an impulse is its kernel", "[mixers]") {
  Index seen = 0;
  for_each_case("dlr", [&](Against& at) {
    const std::string version = at.golden.text("version"), real = at.golden.text("kernel_to_real");
    if (real == "prod") return;                              // not linear in the weights
    ++seen;
    if (version.empty() && real == "real") kernel<Dlr>(at);
    else if (version.empty() && real == "sum") kernel<DlrSum>(at);
    else if (version == "Lambda_imag_W_real") kernel<DlrLambdaImagWReal>(at);
    else if (version == "Lambda_real_W_real") kernel<DlrLambdaRealWReal>(at);
    else FAIL("no mixer for version '" << version << "', " << real);
  });
  CHECK(seen == 4);
}

TEST_CASE("DLR: the sum is the real and the imaginary part", "[mixers]") {
  init::Generator rng(9);
  constexpr Index T = 20, N = 5, H = 3;
  Buffer<double> x(1, T, 1, H), p(N), phase(N), W(1, 1, 1, N, H), W_imag(W), re(x), im(x), sum(x), rotation(x), undamped(x), none(N);
  init::fill(x, [](Index, Index, Index) { return 0.0; });
  for (double& v : x) v = init::normal(rng);
  initialise(Dlr{}, {.log_neg_re = p, .phase = phase, .W = W, .W_imag = W_imag}, rng);
  CHECK(phase[1] == 2 * std::numbers::pi / N);
  for (double v : p) CHECK((2 * v * v >= 1e-4 * (1 - 1e-14) && 2 * v * v <= 1e-1));
  const auto in = [&]<class M>(M) {
    return typename M::template In<const double>{.x = x, .log_neg_re = p, .phase = phase, .W = W, .W_imag = W_imag};
  };
  reference(Dlr{}, in(Dlr{}), re.view());
  reference(DlrImag{}, in(DlrImag{}), im.view());
  reference(DlrSum{}, in(DlrSum{}), sum.view());
  for (Index n = 0; n < re.size(); ++n) CHECK(std::abs(re[n] + im[n] - sum[n]) < 1e-14);
  // Without its decay it is the version Lambda_imag.
  reference(DlrLambdaImag{}, DlrLambdaImag::In<const double>{.x = x, .phase = phase, .W = W, .W_imag = W_imag}, rotation.view());
  reference(Dlr{}, Dlr::In<const double>{.x = x, .log_neg_re = none, .phase = phase, .W = W, .W_imag = W_imag}, undamped.view());
  for (Index n = 0; n < re.size(); ++n) CHECK(rotation[n] == undamped[n]);
}

TEST_CASE("DLR-prod: its modes are sums of two", "[mixers]") {
  init::Generator rng(13);
  constexpr Index T = 30, N = 4, H = 2, C = 2, pairs = N * (N + 1) / 2;
  Buffer<double> x(1, T, 1, H), p(N), phase(N), W(1, 1, C, N, H), W_imag(W), re(1, T, C, H), im(re), prod(re);
  Buffer<double> of_p(pairs), of_phase(pairs), of_W(1, 1, C, pairs, H), of_W_imag(of_W);
  for (Index c = 0; c < H; ++c) x[c] = 1;
  initialise(Dlr{}, {.x = {}, .log_neg_re = p, .phase = phase, .W = W, .W_imag = W_imag}, rng, 1e-4, 1e-1, DlrStart::normal);
  for (double v : phase) CHECK((v >= 0 && v < 2 * std::numbers::pi));
  const Dlr::In<const double> in{.x = x, .log_neg_re = p, .phase = phase, .W = W, .W_imag = W_imag};
  dlr_product(in, DlrImag::In<double>{.x = {}, .log_neg_re = of_p, .phase = of_phase, .W = of_W, .W_imag = of_W_imag});
  reference(Dlr{}, in, re.view());
  reference(DlrImag{}, DlrImag::In<const double>{.x = x, .log_neg_re = p, .phase = phase, .W = W, .W_imag = W_imag}, im.view());
  reference(DlrImag{}, DlrImag::In<const double>{.x = x, .log_neg_re = of_p, .phase = of_phase, .W = of_W, .W_imag = of_W_imag}, prod.view());
  // Weights are below 2 / N each, so all terms together below 4 in size.
  for (Index n = 0; n < re.size(); ++n) CHECK(std::abs(re[n] * im[n] - prod[n]) < 1e-14);
}
