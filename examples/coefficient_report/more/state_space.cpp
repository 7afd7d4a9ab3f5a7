// SPDX-License-Identifier: MIT
#include "../registry.hpp"

#include <lcsm/mixers/dlr.hpp>
#include <lcsm/mixers/dss.hpp>
#include <lcsm/mixers/lru.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/mamba2.hpp>
#include <lcsm/mixers/mega_ema.hpp>
#include <lcsm/mixers/s4.hpp>
#include <lcsm/mixers/s4d.hpp>
#include <lcsm/mixers/s5.hpp>

#include <array>

namespace report {
namespace {

template <class F> void for_keys(const View<double>& v, F&& f) {
  lcsm::init::fill(v, [&](Index, Index a, Index) { return f(a); });
}
void start_dlr(const View<double>& log_neg_re, const View<double>& phase, const View<double>& W, const View<double>& W_imag, Generator& rng) {
  initialise(lcsm::Dlr{}, {.log_neg_re = log_neg_re, .phase = phase, .W = W, .W_imag = W_imag}, rng);
}
template <class Views> void start_s5(const Views& p, Generator& rng) {
  lcsm::Buffer<double> B(1, 1, 1, values, values), B_imag(B), C(B), C_imag(B);
  for (Index h = 0; h < heads; ++h)
    initialise(lcsm::S5{}, {.log_step = p.log_step.heads(h, 1), .lambda = p.lambda.heads(h, 1), .lambda_imag = p.lambda_imag.heads(h, 1)}, {B, B_imag, C, C_imag}, rng);
}

const Part part([] {
  REPORT_MIXER(MambaLog, "state space", [](auto& p, Generator& rng) { initialise(lcsm::MambaLog{}, p, rng); }, {{"delta", 6}});
  REPORT_MIXER(MambaStep, "state space", [](auto& p, Generator& ) { each(p.delta, [](double x) { return std::exp(-3.5 + x); }), for_keys(p.A, [](Index a) { return -double(a + 1); }); }, {{"delta", 4}});
  REPORT_MIXER(MambaConstant, "state space", [](auto& p, Generator& ) { each(p.delta, [](double x) { return std::exp(-3.5 + x); }), for_keys(p.A, [](Index a) { return -double(a + 1); }); }, {{"delta", 4}});
  REPORT_MIXER(MambaComplex, "state space", [](auto& p, Generator& ) { each(p.delta, [](double x) { return std::exp(-3.5 + x); }), for_keys(p.A, [](Index) { return -0.5; }), for_keys(p.A_imag, [](Index a) { return 3.14159265358979 * double(a); }); }, {{"delta", 4}});
  REPORT_MIXER(Mamba2, "state space", [](auto& p, Generator& rng) { initialise(lcsm::Mamba2{}, p, rng); }, {{"delta", 6}});
  REPORT_MIXER(Mamba2Log, "state space", [](auto& p, Generator& rng) { initialise(lcsm::Mamba2Log{}, p, rng); }, {{"delta", 6}});
  REPORT_MIXER(Mamba2Discrete, "state space");
  REPORT_MIXER(S4dWithB, "state space", [](auto& p, Generator& rng) { initialise(lcsm::S4dWithB{}, p, rng); });
  REPORT_MIXER(S4dBilinear, "state space", [](auto& p, Generator& rng) { initialise(lcsm::S4dBilinear{}, p, rng); });
  REPORT_MIXER(S4, "state space", [](auto& p, Generator& rng) {
    const Index half = keys / 2;
    std::array<lcsm::Buffer<double>, 9> drawn;
    for (auto& x : drawn) x = lcsm::Buffer<double>(1, 1, heads, half);
    drawn[0] = lcsm::Buffer<double>(1, 1, heads, 1);
    const lcsm::S4Parameters<double> published{drawn[0], drawn[1], drawn[2], drawn[3], drawn[4], drawn[5], drawn[6], drawn[7], drawn[8]};
    initialise(lcsm::S4{}, published, rng), s4_discretise(published, p);
  });
  REPORT_MIXER(DssExp, "state space", [](auto& p, Generator& rng) { initialise(lcsm::DssExp{}, p, rng); });
  REPORT_MIXER(DssExpNoScale, "state space", [](auto& p, Generator& rng) { initialise(lcsm::DssExpNoScale{}, p, rng); });
  REPORT_MIXER(DssExpReIm, "state space", [](auto& p, Generator& rng) { initialise(lcsm::DssExpReIm{}, p, rng); });
  REPORT_MIXER(DssClip, "state space", [](auto& p, Generator& rng) { initialise(lcsm::DssClip{}, p, rng); });
  REPORT_MIXER(DssClipNoScale, "state space", [](auto& p, Generator& rng) { initialise(lcsm::DssClipNoScale{}, p, rng); });
  REPORT_MIXER(DssSoftmax, "state space", [](auto& p, Generator& rng) { fill(p.length, 64), initialise(lcsm::DssSoftmax{}, p, rng); });
  // Eigenvalues of HiPPO-N, one of each pair, and a step for each.
  REPORT_MIXER(S5, "state space", [](auto& p, Generator& rng) { start_s5(p, rng); });
  REPORT_MIXER(S5Bilinear, "state space", [](auto& p, Generator& rng) { start_s5(p, rng); });
  REPORT_MIXER(S5Clipped, "state space", [](auto& p, Generator& rng) { start_s5(p, rng); });
  REPORT_MIXER(S5BilinearClipped, "state space", [](auto& p, Generator& rng) { start_s5(p, rng); });
  REPORT_MIXER(Dlr, "state space", [](auto& p, Generator& rng) { initialise(lcsm::Dlr{}, p, rng); });
  REPORT_MIXER(DlrImag, "state space", [](auto& p, Generator& rng) { start_dlr(p.log_neg_re, p.phase, p.W, p.W_imag, rng); });
  REPORT_MIXER(DlrSum, "state space", [](auto& p, Generator& rng) { start_dlr(p.log_neg_re, p.phase, p.W, p.W_imag, rng); });
  REPORT_MIXER(DlrLambdaImag, "state space", [](auto& p, Generator& rng) { start_dlr({}, p.phase, p.W, p.W_imag, rng); });
  REPORT_MIXER(DlrLambdaImagWReal, "state space", [](auto& p, Generator& rng) { start_dlr({}, p.phase, p.W, {}, rng); });
  REPORT_MIXER(DlrLambdaRealWReal, "state space", [](auto& p, Generator& rng) { start_dlr(p.log_neg_re, {}, p.W, {}, rng); });
  REPORT_MIXER(Lru, "state space", [](auto& p, Generator& rng) { initialise(lcsm::Lru{}, p, rng, 0.5, 0.99); });
  REPORT_MIXER(MegaEma, "state space", [](auto& p, Generator& rng) { initialise(lcsm::MegaEma{}, p, rng); });
});

}  // namespace
}  // namespace report
