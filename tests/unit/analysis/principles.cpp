// SPDX-License-Identifier: MIT
// The six principles and retention: closed forms, worked figures within their sampling ranges, and laws that tie the figures to the coefficients.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/analysis/attention.hpp>
#include <lcsm/analysis/report.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mixers/dlr.hpp>
#include <lcsm/mixers/gated_delta.hpp>
#include <lcsm/mixers/init.hpp>
#include <lcsm/mixers/kda.hpp>
#include <lcsm/mixers/long_convolution.hpp>
#include <lcsm/mixers/lru.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace lcsm {
namespace {

using namespace analysis;

// Under a decay per head, or none: A = a I, b = 1.
struct Plain : Mixer<expand::Data<>, oscillation::Identity, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct Scaled : Mixer<expand::Data<map::RsqrtKeys>, oscillation::Identity, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}; };
};
struct Damped : Mixer<expand::Data<>, oscillation::Learned<map::Identity, lcsm::in::g, Axes::one>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, g{}; };
};

Buffer<double> normal(init::Generator& rng, Index tokens, Index features, double deviation = 1) {
  Buffer<double> x(1, tokens, 1, features);
  for (double& v : x) v = init::normal(rng, deviation);
  return x;
}
View<const double> number(const Buffer<double>& x) { return parameter(x.data(), 1, 1, x.size()); }

constexpr double eps = std::numeric_limits<double>::epsilon();

// Of the mean of squares of x_ij = q_i . k_j, j <= i, all numbers normal: E x^2 = n, E x^4 = 3 n (n + 2), and two of one row or column share |q|^2 or |k|^2, E x^2 y^2 = n (n + 2).
double deviation_of_mean_square(Index T, Index n) {
  const double pairs = double(T * (T + 1)) / 2, m = double(n);
  double sharing = 0;
  for (Index i = 0; i < T; ++i) sharing += 2 * double(i * (i + 1));
  return std::sqrt(pairs * (2 * m * m + 6 * m) + sharing * 2 * m) / pairs;
}

}  // namespace
}  // namespace lcsm

TEST_CASE("readout: a state against a cache", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(1);
  const Buffer<double> x = normal(rng, 8, 64);
  const Readout linear = readout(dynamics(Plain{}, Plain::In<const double>{.q = x, .k = x, .v = x}), 1000);
  CHECK(linear.finite_state);
  CHECK(linear.state_bytes == 64 * 64 * 4);
  CHECK(linear.cache_bytes == 1000 * 128 * 4);
  CHECK(linear.crossover == 32);
  const Readout softmax = readout(dynamics(SoftmaxAttention{}, SoftmaxAttention::In<const double>{.q = x, .k = x, .v = x}), 1000);
  CHECK_FALSE(softmax.finite_state);
  CHECK_FALSE(softmax.linear);
  CHECK(softmax.state_bytes == softmax.cache_bytes);
  CHECK(softmax.crossover == -1);
  CHECK(readout(dynamics(NormalisedAttention{}, NormalisedAttention::In<const double>{.q = x, .k = x, .v = x}), 1).linear);
}

TEST_CASE("selectivity: a linear readout zeroes n - 1 keys, ReLU half of them, exp none", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(2);
  const Index T = 50;
  const Buffer<double> q = normal(rng, T, 4), k = normal(rng, T, 4), v = normal(rng, T, 1);
  const Dynamics d = dynamics(Plain{}, Plain::In<const double>{.q = q, .k = k, .v = v});
  const Selectivity linear = selectivity(d, coefficients(d));
  CHECK(linear.keys == 50);
  CHECK(linear.key_rank == 4);
  CHECK(linear.zeroed == 3);
  CHECK(linear.zero_share == 0);
  CHECK(linear.block_rank == 4);
  // Signs are as likely as not, and independent from pair to pair: a share of N pairs deviates by 1 / (2 sqrt N).
  const Dynamics relu = dynamics(ReluAttention{}, ReluAttention::In<const double>{.q = q, .k = k, .v = v});
  const Coefficients alpha = coefficients(relu);
  const Selectivity of_relu = selectivity(relu, alpha);
  Index zeros = 0;
  for (Index j = 0; j < T; ++j) zeros += alpha.at(T - 1, j) == 0.0;
  CHECK(std::abs(double(zeros) / 50 - 0.5) < 4 * 0.5 / std::sqrt(50.0));
  CHECK(std::abs(0.44 - 0.5) < 4 * 0.5 / std::sqrt(50.0));
  CHECK(std::abs(of_relu.zero_share - 0.5) < 4 * 0.5 / std::sqrt(1275.0));
  CHECK(std::abs(linear.negative_share - of_relu.zero_share) == 0);
  CHECK(of_relu.zeroed == 49);
  // The real part of n = 3 turning entries is 6 real ones for a complex query, and 3 for a real one.
  const Buffer<double> W = normal(rng, 3, 1), W_imag = normal(rng, 3, 1), angle = normal(rng, 1, 3);
  const auto keyed = [](const Buffer<double>& x) { return parameter(x.data(), 1, 3, 1); };
  const Dynamics turning = dynamics(DlrLambdaImag{}, DlrLambdaImag::In<const double>{.x = v, .phase = parameter(angle.data(), 1, 1, 3), .W = keyed(W), .W_imag = keyed(W_imag)});
  const Selectivity of_complex = selectivity(turning, coefficients(turning));
  CHECK(of_complex.key_rank == 6);
  CHECK(of_complex.zeroed == 5);
  CHECK(of_complex.block_rank == 6);
  const Dynamics real_read = dynamics(DlrLambdaImagWReal{}, DlrLambdaImagWReal::In<const double>{.x = v, .phase = parameter(angle.data(), 1, 1, 3), .W = keyed(W)});
  CHECK(selectivity(real_read, coefficients(real_read)).zeroed == 2);
  const Dynamics softmax = dynamics(SoftmaxAttention{}, SoftmaxAttention::In<const double>{.q = q, .k = k, .v = v});
  const Selectivity of_softmax = selectivity(softmax, coefficients(softmax));
  CHECK(of_softmax.zeroed == 0);
  CHECK(of_softmax.zero_share == 0);
  CHECK(of_softmax.negative_share == 0);
  CHECK(of_softmax.block_rank > 4);
}

TEST_CASE("position: the order of the past is seen if A is not I", "[analysis]") {
  using namespace lcsm;
  // The last output when all earlier pairs are shuffled, relative to it, by the recurrence itself; n = 4, one channel.
  const auto change = [](std::uint64_t seed, double decay, Index T, double* figure) {
    init::Generator rng(seed);
    const Buffer<double> q = normal(rng, T, 4), k = normal(rng, T, 4), v = normal(rng, T, 1);
    Buffer<double> g(1), k2 = k, v2 = v, y(1, T, 1, 1), y2(y);
    g[0] = std::log(decay);
    const std::vector<Index> order = shuffled_past(T, T, seed);
    for (Index t = 0; t < T; ++t) {
      v2[t] = v[order[to_size(t)]];
      for (Index a = 0; a < 4; ++a) k2[t * 4 + a] = k[order[to_size(t)] * 4 + a];
    }
    const Damped::In<const double> in{.q = q, .k = k, .v = v, .g = number(g)}, other{.q = q, .k = k2, .v = v2, .g = number(g)};
    reference(Damped{}, in, y.view()), reference(Damped{}, other, y2.view());
    const Coefficients alpha = coefficients(dynamics(Damped{}, in));
    *figure = position(alpha, coefficients(dynamics(Damped{}, in, {.order = order})), order).permutation;
    double terms = 0;
    for (Index j = 0; j < T; ++j) terms += std::abs(alpha.at(T - 1, j).real() * v[j]);
    return std::array{std::abs(y[T - 1] - y2[T - 1]), std::abs(y[T - 1]), terms};
  };
  const Index T = 10;
  double figure = 0;
  std::vector<double> changes, squares;
  double mean_square = 0, of_figures = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    const auto still = change(seed, 1, T, &figure);
    CHECK(figure == 0);
    CHECK(still[0] <= double(2 * T) * eps * still[2]);
    const auto moved = change(seed, 0.9, T, &figure);
    CHECK(figure > 0.01);
    changes.push_back(moved[0] / moved[1]);
    mean_square += moved[0] * moved[0] / 400, squares.push_back(moved[0] * moved[0]);
    // The figure is the root mean square over values: its square times |alpha|^2 has the same mean.
    init::Generator rng(seed);
    const Buffer<double> q = normal(rng, T, 4), k = normal(rng, T, 4), v = normal(rng, T, 1);
    Buffer<double> g(1);
    g[0] = std::log(0.9);
    const Coefficients alpha = coefficients(dynamics(Damped{}, Damped::In<const double>{.q = q, .k = k, .v = v, .g = number(g)}));
    for (Index j = 0; j < T; ++j) of_figures += figure * figure * std::norm(alpha.at(T - 1, j)) / 400;
  }
  double spread = 0;
  for (const double x : squares) spread += (x - mean_square) * (x - mean_square) / (400.0 * 400.0);
  CHECK(std::abs(mean_square - of_figures) < 4 * std::sqrt(spread));
  std::sort(changes.begin(), changes.end());
  CHECK(changes[40] < 0.37);                                // the worked figure is one draw of these
  CHECK(0.37 < changes[360]);
}

TEST_CASE("transition: eigenvalues in closed form", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(3);
  const Index T = 12, n = 6;
  const Buffer<double> q = normal(rng, T, n), k = normal(rng, T, n), v = normal(rng, T, 2), b = normal(rng, T, 1, 2), a = normal(rng, T, 1), f = normal(rng, T, n), w = normal(rng, T, 2);
  Buffer<double> A_log(1), dt_bias(1), dt_keys(n);
  const auto check = [&](const Dynamics& d, bool conjugates) {
    for (Index t = 0; t < T; ++t) {
      const Matrix m = transition_matrix(d, t);
      std::vector<Number> closed = transition_eigenvalues(d, t), numeric = eigenvalues(m);
      Number trace = 0, squares = 0, product = 1;
      for (const Number& z : closed) trace += z, squares += z * z, product *= z;
      CHECK(std::abs(trace - m.trace()) < 1e-12);
      CHECK(std::abs(squares - (m * m).trace()) < 1e-12);
      // det (D - w v^T) = det D (1 - v^T D^-1 w)
      Number determinant = 1, taken = 1;
      for (Index x = 0; x < n; ++x) determinant *= d.decay[d.at(t, 0) + to_size(x)], taken -= d.erase[d.at(t, 0) + to_size(x)] * d.correct[d.at(t, 0) + to_size(x)] / d.decay[d.at(t, 0) + to_size(x)];
      CHECK(std::abs(product - determinant * taken) < 1e-12);
      const auto by_real = [](const Number& x, const Number& y) { return x.real() < y.real(); };
      if (conjugates) continue;
      std::sort(closed.begin(), closed.end(), by_real), std::sort(numeric.begin(), numeric.end(), by_real);
      for (std::size_t x = 0; x < closed.size(); ++x) CHECK(std::abs(closed[x] - numeric[x]) < 1e-12);
    }
  };
  const Dynamics net = dynamics(GatedDeltaNetNegative{}, GatedDeltaNetNegative::In<const double>{.q = q, .k = k, .v = v, .a = a, .b = b, .A_log = number(A_log), .dt_bias = number(dt_bias)});
  check(net, false);
  Index negative = 0;
  for (Index t = 1; t < T; ++t) {                           // exp(g) (1 - beta |k|^2), beta = 2 sigmoid(b), |k|^2 = 1 but for the norm's 1e-6
    double square = 0;
    for (Index x = 0; x < n; ++x) square += k[t * n + x] * k[t * n + x];
    const double beta = 2 / (1 + std::exp(-b[t])), gate = net.decay[net.at(t, 0)].real(), last = gate * (1 - beta * square / (square + 1e-6));
    negative += last < 0;
    CHECK(std::abs(transition_eigenvalues(net, t).back() - last) < 1e-12);
  }
  const Transition x = transition(net);
  CHECK(std::abs(x.negative_share - double(negative) / double((T - 1) * n)) < 1e-12);
  CHECK(x.complex_share == 0);
  CHECK(x.radius <= 1);
  CHECK(x.commutator > 0.01);
  check(dynamics(KdaLayer{}, KdaLayer::In<const double>{.q = q, .k = k, .v = v, .f = f, .b = b, .A_log = number(A_log), .dt_bias = parameter(std::as_const(dt_keys).data(), 1, 1, n)}), true);

  Buffer<double> nu(2), theta(2), gamma(2), x_imag(v);
  initialise(Lru{}, {.nu_log = parameter(nu.data(), 1, 1, 2), .theta_log = parameter(theta.data(), 1, 1, 2), .gamma_log = parameter(gamma.data(), 1, 1, 2)}, rng, 0.5, 0.9, 3);
  const Dynamics ring = dynamics(Lru{}, Lru::In<const double>{.x = v, .x_imag = x_imag, .nu_log = number(nu), .theta_log = number(theta), .gamma_log = number(gamma)});
  const Transition turning = transition(ring);
  CHECK(turning.complex_share == 1);
  CHECK(turning.radius < 0.9);
  CHECK(turning.commutator == 0);
}

TEST_CASE("scaling: variances against n, and against t", "[analysis]") {
  using namespace lcsm;
  const Index T = 64;
  std::vector<double> widths, variances;
  for (const auto& [n, plain, scaled] : {std::tuple<Index, double, double>{16, 16.5, 1.03}, {256, 247, 0.96}}) {
    init::Generator rng(std::uint64_t(n + 4));
    const Buffer<double> q = normal(rng, T, n), k = normal(rng, T, n), v = normal(rng, T, 1);
    const Dynamics d = dynamics(Plain{}, Plain::In<const double>{.q = q, .k = k, .v = v}), e = dynamics(Scaled{}, Scaled::In<const double>{.q = q, .k = k, .v = v});
    const double range = 4 * deviation_of_mean_square(T, n), m = double(n);
    const Scaling of_plain = scaling(d, coefficients(d)), of_scaled = scaling(e, coefficients(e));
    CHECK(std::abs(of_plain.logit - m) < range);
    CHECK(std::abs(plain - m) < range);                     // the worked figures lie there, too
    CHECK(std::abs(of_scaled.logit - 1) < range / m);
    CHECK(std::abs(scaled - 1) < range / m);
    CHECK(std::abs(of_scaled.logit * m / of_plain.logit - 1) < 1e-12);
    widths.push_back(m), variances.push_back(of_plain.logit);
    // Undamped: the variance of y_t is that of t + 1 terms. The mean of a quarter is over 16 tokens, whose row sums deviate by sqrt(2 / (t + 1)) and share their keys: within a half.
    CHECK(std::abs(of_plain.growth / (7.0 / 3) - 1) < 0.5);
  }
  CHECK(std::abs(width_exponent(widths, variances) - 1) < 0.2);
  // gamma = sqrt(1 - |lambda|^2): the variance of y_t is 1 - |lambda|^(2 t + 2), whatever lambda.
  Buffer<double> nu(2), theta(2), gamma(2);
  init::Generator rng(5);
  initialise(Lru{}, {.nu_log = parameter(nu.data(), 1, 1, 2), .theta_log = parameter(theta.data(), 1, 1, 2), .gamma_log = parameter(gamma.data(), 1, 1, 2)}, rng, 0.5, 0.9);
  const Buffer<double> u = normal(rng, T, 2);
  const Dynamics ring = dynamics(Lru{}, Lru::In<const double>{.x = u, .x_imag = u, .nu_log = number(nu), .theta_log = number(theta), .gamma_log = number(gamma)});
  const Scaling of_ring = scaling(ring, coefficients(ring));
  for (Index t = 0; t < T; ++t) {
    double expected = 0;
    for (Index c = 0; c < 2; ++c) expected += (1 - std::exp(-2 * std::exp(nu[c]) * double(t + 1))) / 2;
    CHECK(std::abs(of_ring.output[to_size(t)] - expected) < 1e-13);
  }
}

TEST_CASE("normalisation: row sums, exponents, state norms", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(6);
  const Index T = 40, n = 5;
  const Buffer<double> q = normal(rng, T, n), k = normal(rng, T, n), v = normal(rng, T, 2), a = normal(rng, T, 1), b = normal(rng, T, 1);
  const Dynamics softmax = dynamics(SoftmaxAttention{}, SoftmaxAttention::In<const double>{.q = q, .k = k, .v = v});
  const Normalisation of_softmax = normalisation(softmax, coefficients(softmax), T);
  for (const double sum : {of_softmax.row_sum_low, of_softmax.row_sum_high, of_softmax.absolute}) CHECK(std::abs(sum - 1) <= double(T) * eps);
  CHECK(of_softmax.state.empty());
  // A decay of one number: exponent and norms in closed form.
  Buffer<double> g(1);
  g[0] = std::log(0.9);
  const Dynamics damped = dynamics(Damped{}, Damped::In<const double>{.q = q, .k = k, .v = v, .g = number(g)});
  const Normalisation of_damped = normalisation(damped, coefficients(damped), 4);
  CHECK(std::abs(of_damped.lyapunov - std::log(0.9)) < 1e-14);
  CHECK(of_damped.growth == of_damped.state[39] / of_damped.state[3]);
  // A coupling: the state's mean square is the sum of the squares of all that is left of impulses, and the exponents add up to the mean of log |det A|.
  Buffer<double> A_log(1), dt_bias(1);
  const Dynamics net = dynamics(GatedDeltaNetNegative{}, GatedDeltaNetNegative::In<const double>{.q = q, .k = k, .v = v, .a = a, .b = b, .A_log = number(A_log), .dt_bias = number(dt_bias)});
  for (const Dynamics* d : {&damped, &net}) {
    std::vector<double> expected(to_size(T));
    for_each_response(*d, 0, [&](Index i, Index, const Number* h) {
      for (Index x = 0; x < n; ++x) expected[to_size(i)] += std::norm(h[x]);
    });
    const std::vector<double> norms = state_norms(*d);
    for (Index t = 0; t < T; ++t) CHECK(std::abs(norms[to_size(t)] * norms[to_size(t)] / expected[to_size(t)] - 1) < 1e-12);
  }
  double sum = 0, logs = 0;
  for (const double x : lyapunov_exponents(net)) {
    CHECK(x <= 0);
    sum += x;
  }
  for (Index t = 1; t < T; ++t)
    for (const Number& z : transition_eigenvalues(net, t)) logs += std::log(std::abs(z)) / double(T - 1);
  CHECK(std::abs(sum - logs) < 1e-11);
}

TEST_CASE("retention: half-lives and phases", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(7);
  const Index T = 100;
  const Buffer<double> q = normal(rng, T, 2), v = normal(rng, T, 3);
  Buffer<double> g(1);
  const auto of = [&](double x) {
    g[0] = std::log(x);
    return retention(dynamics(Damped{}, Damped::In<const double>{.q = q, .k = q, .v = v, .g = number(g)}), 100000);
  };
  const Retention short_one = of(0.9), long_one = of(std::pow(0.5, 1e-5)), integrator = of(1);
  CHECK(std::abs(short_one.median + std::log(2.0) / std::log(0.9)) < 1e-11);
  CHECK(std::abs(short_one.gain - 10) < 1e-12);
  CHECK(short_one.beyond_share == 0);
  CHECK(std::abs(long_one.median / 1e5 - 1) < 1e-9);        // half of it is left after T = 1e5: 1 - x is 6.9e-6
  CHECK(integrator.beyond_share == 1);
  CHECK(integrator.median == HUGE_VAL);
  CHECK(integrator.gain == HUGE_VAL);
  CHECK(of(0.4).within_token_share == 1);
  const Buffer<double> taps = normal(rng, 7, 3), D = normal(rng, 1, 3);
  const Dynamics window = dynamics(LongConvolution{}, LongConvolution::In<const double>{.x = v, .kernel = parameter(taps.data(), 1, 7, 3), .D = number(D)});
  CHECK(retention(window, T).median == 7);
  CHECK(transition(window).zero_share == 1);
  CHECK(normalisation(window, coefficients(window.prefix(20)), 20).growth == 1);
  const Coefficients alpha = coefficients(window);
  for (Index l = 0; l < T; ++l) CHECK(alpha.at(T - 1, T - 1 - l, 1) == (l < 7 ? taps[l * 3 + 1] : 0.0));
}

TEST_CASE("one line for each principle", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(8);
  const Buffer<double> q = normal(rng, 30, 4), v = normal(rng, 30, 4);
  Buffer<double> g(1);
  g[0] = -0.1;
  const Damped::In<const double> in{.q = q, .k = q, .v = v, .g = number(g)};
  const std::vector<Index> order = shuffled_past(10, 30);
  const std::string text = report(figures(dynamics(Damped{}, in), 10, dynamics(Damped{}, in, {.order = order}), order));
  CHECK(std::count(text.begin(), text.end(), '\n') == 7);
  for (const char* word : {"readout: phi = identity (linear)", "selectivity: a query zeroes 3 of 10 keys", "position: ", "transition: scalar; spectral radius 0.905", "scaling: ", "Lyapunov exponent -0.1",
                           "retention: half-lives 6.93, 6.93, 6.93"})
    CHECK(text.find(word) != text.npos);
}

TEST_CASE("no token, and one", "[analysis]") {
  using namespace lcsm;
  init::Generator rng(9);
  Buffer<double> g(1);
  for (const Index T : {0, 1}) {
    const Buffer<double> q = normal(rng, T, 4), v = normal(rng, T, 2);
    const Damped::In<const double> in{.q = q, .k = q, .v = v, .g = number(g)};
    const std::vector<Index> order = shuffled_past(T);
    const Dynamics d = dynamics(Damped{}, in);
    const Figures f = figures(d, T, dynamics(Damped{}, in, {.order = order}), order);
    CHECK(d.tokens == T);
    CHECK(f.position.permutation == 0);
    CHECK(f.selectivity.zeroed == 0);
    CHECK(f.transition.eigenvalues.empty());
    CHECK(f.scaling.growth == 1);
    CHECK(f.normalisation.growth == 1);
    CHECK_FALSE(report(f).empty());
  }
}
