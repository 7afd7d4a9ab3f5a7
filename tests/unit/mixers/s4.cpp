// SPDX-License-Identifier: MIT
#include <lcsm/mixers/s4.hpp>
#include <lcsm/mixers/s4d.hpp>

#include "unit/mixers/against_golden.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/scan.hpp>

#include <Eigen/LU>

#include <cmath>
#include <complex>

using namespace lcsm;
using namespace lcsm::test;

namespace {
using Z = std::complex<double>;
constexpr Index B = 2, T = 70, H = 3, modes = 4, N = 2 * modes;

// Parameters of H channels as published, and what the mixer reads.
struct Layer {
  Buffer<double> log_dt, real, imag, P, P_imag, in_B, in_B_imag, C, C_imag, x, D;
  Buffer<double> g, phase, write, write_imag, erase, erase_imag, out_B, out_B_imag, out_C, out_C_imag;
  Layer()
      : log_dt(1, 1, H, 1), real(1, 1, H, modes), imag(real), P(real), P_imag(real), in_B(real), in_B_imag(real), C(real), C_imag(real), x(B, T, H, 1), D(1, 1, H, 1),
        g(1, 1, H, N), phase(g), write(g), write_imag(g), erase(g), erase_imag(g), out_B(g), out_B_imag(g), out_C(g), out_C_imag(g) {
    init::Generator rng(4);
    initialise(S4{}, S4Parameters<double>{log_dt, real, imag, P, P_imag, in_B, in_B_imag, C, C_imag}, rng);
    for (double& v : x) v = init::normal(rng);
    for (double& v : D) v = init::normal(rng);
  }
  S4::In<const double> in() {
    s4_discretise(S4Parameters<const double>{log_dt, real, imag, P, P_imag, in_B, in_B_imag, C, C_imag},
                  S4::In<double>{.x = {}, .g = g, .phase = phase, .write = write, .write_imag = write_imag, .erase = erase, .erase_imag = erase_imag, .B = out_B, .B_imag = out_B_imag,
                                 .C = out_C, .C_imag = out_C_imag, .D = {}});
    return {.x = x, .g = g, .phase = phase, .write = write, .write_imag = write_imag, .erase = erase, .erase_imag = erase_imag, .B = out_B, .B_imag = out_B_imag, .C = out_C,
            .C_imag = out_C_imag, .D = D};
  }
};
}  // namespace

TEST_CASE("HiPPO-LegS plus its rank one is -1/2 and a skew matrix, whose eigenvectors are these", "[mixers]") {
  for (const Index n : {1, 2, 5, 8, 16}) {
    const hippo::Modes legs = hippo::legs_modes(n);
    const auto normal = [](Index r, Index c) { return hippo::legs(r, c) + hippo::legs_rank_one(r) * hippo::legs_rank_one(c); };
    const double scale = double(n * n);                     // entries are below 2 n
    for (Index r = 0; r < n; ++r)
      for (Index c = 0; c < n; ++c) CHECK(std::abs(normal(r, c) + normal(c, r) + (r == c ? 1 : 0)) <= 4e-15 * double(n));
    for (Index j = 0; j < n; ++j) {
      CHECK(legs.imag[to_size(j)] == -legs.imag[to_size(n - 1 - j)]);
      if (j > 0) CHECK(legs.imag[to_size(j)] > legs.imag[to_size(j - 1)]);
      const Z* v = legs.vector(j);
      double norm = 0;
      for (Index r = 0; r < n; ++r) {
        Z sum = 0;
        for (Index c = 0; c < n; ++c) sum += normal(r, c) * v[c];
        CHECK(std::abs(sum - Z(-0.5, legs.imag[to_size(j)]) * v[r]) <= 1e-14 * scale);
        norm += std::norm(v[r]);
      }
      CHECK(std::abs(norm - 1) <= 1e-15 * double(n));
      CHECK((v[0].imag() == 0 && v[0].real() > 0));
    }
    for (Index r = 0; r < n; ++r) {                         // V V^* x = x
      Z sum = 0;
      for (Index j = 0; j < n; ++j) sum += legs.vector(j)[r] * legs.seen(j, hippo::legs_input);
      CHECK(std::abs(sum - hippo::legs_input(r)) <= 1e-14 * scale);
    }
  }
}

TEST_CASE("S4 is the dense HiPPO system, sampled by the bilinear rule", "[mixers]") {
  Layer p;
  using Matrix = Eigen::Matrix<double, N, N>;
  using Vector = Eigen::Matrix<double, N, 1>;
  const hippo::Modes legs = hippo::legs_modes(N);
  Matrix A;
  Vector b;
  for (Index r = 0; r < N; ++r) {
    b(r) = hippo::legs_input(r);
    for (Index c = 0; c < N; ++c) A(r, c) = hippo::legs(r, c);
  }
  Buffer<double> want(B, T, H, 1), last(B, 1, H, modes), last_imag(last);
  for (Index h = 0; h < H; ++h) {
    const double dt = std::exp(p.log_dt[h]);
    const Eigen::PartialPivLU<Matrix> implicit(Matrix::Identity() - dt / 2 * A);
    const Matrix A_bar = implicit.solve(Matrix(Matrix::Identity() + dt / 2 * A));
    const Vector b_bar = implicit.solve(Vector(dt * b));
    Vector c = Vector::Zero();                              // C V^*, of both halves
    for (Index r = 0; r < N; ++r)
      for (Index j = 0; j < modes; ++j) c(r) += 2 * (Z(p.C[h * modes + j], p.C_imag[h * modes + j]) * std::conj(legs.vector(modes + j)[r])).real();
    for (Index n = 0; n < B; ++n) {
      Vector m = Vector::Zero();
      for (Index t = 0; t < T; ++t) {
        const double x = p.x.view()(n, t, h, 0);
        m = A_bar * m + b_bar * x;
        want.view()(n, t, h, 0) = c.dot(m) + p.D[h] * x;
      }
      for (Index j = 0; j < modes; ++j) {
        const Z seen = legs.seen(modes + j, [&](Index r) { return m(r); });
        last.view().at(n, 0, h, 0, j) = seen.real(), last_imag.view().at(n, 0, h, 0, j) = seen.imag();
      }
    }
  }
  const S4::In<const double> in = p.in();
  State<S4, double> state(B, H, N, 1);
  run<S4>(in, want, state, false);
  for (Index n = 0; n < B; ++n)
    for (Index h = 0; h < H; ++h)
      for (Index j = 0; j < modes; ++j) {
        CHECK(std::abs(state.view().m.at(n, 0, h, j, 0) - last.view().at(n, 0, h, 0, j)) < 1e-11);
        CHECK(std::abs(state.view().m_imag.at(n, 0, h, j, 0) - last_imag.view().at(n, 0, h, 0, j)) < 1e-11);
        CHECK(std::abs(state.view().m_imag.at(n, 0, h, j, 0) + state.view().m_imag.at(n, 0, h, modes + j, 0)) < 1e-11);
      }
  Buffer<double> y(B, T, H, 1);
  const auto alike = [&](auto&& mode) {
    y.fill(0), mode();
    close(y, want);
  };
  alike([&] { scan(exec::seq, S4{}, in, y.view()); });
  alike([&] { chunkwise(exec::seq, S4{}, in, y.view()); });
}

TEST_CASE("S4 without its rank one is S4D by the bilinear rule", "[mixers]") {
  Layer p;
  p.P.fill(0), p.P_imag.fill(0);
  Buffer<double> y(B, T, H, 1), z(B, T, 1, H);
  reference(S4{}, p.in(), y.view());
  // Channels are heads there, and the value axis here.
  const auto turned = [](const Buffer<double>& x) {
    View<const double> v = x.view();
    if (v.time() == 1) v.extent = {1, 1, 1, v.feature(), v.head()}, v.stride = {0, 0, 0, v.stride[4], v.stride[2]};
    else v.extent[4] = v.head(), v.stride[4] = v.stride[2], v.extent[2] = 1;
    return v;
  };
  reference(S4dBilinear{},
            S4dBilinear::In<const double>{.x = turned(p.x), .log_dt = turned(p.log_dt), .log_A_real = turned(p.real), .A_imag = turned(p.imag), .B = turned(p.in_B),
                                          .B_imag = turned(p.in_B_imag), .C = turned(p.C), .C_imag = turned(p.C_imag), .D = turned(p.D)},
            z.view());
  for (Index n = 0; n < B; ++n)
    for (Index t = 0; t < T; ++t)
      for (Index h = 0; h < H; ++h) CHECK(std::abs(y.view()(n, t, h, 0) - z.view()(n, t, 0, h)) < 1e-12);
}
