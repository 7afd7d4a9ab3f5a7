// SPDX-License-Identifier: MIT
// Step sizes and input factors where the textbook formulas cancel or overflow.
#include "mixers.hpp"

using namespace lcsm;
using namespace lcsm::test;

namespace {

// y_t = m_t with the zero-order hold as write: after one token of x = 1 the memory is (exp(dt lambda) - 1) / lambda, a mode per key. Coefficients of the
// token are computed in T, parameters in double.
template <class Step, class A, class Angle> using Turning = oscillation::Discretised<Step, A, Term<Plane::phase, combine::Product, Step, Angle>>;

struct Moving : Mixer<expand::Tied<tie::ZeroOrderHold>, Turning<Data<in::delta, Axes::one>, Data<in::A>, Data<in::A_imag>>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, delta{}, A{}, A_imag{}; };
};
struct Still : Mixer<expand::Tied<tie::ZeroOrderHold>, Turning<Learned<in::delta, Axes::one>, Learned<in::A>, Learned<in::A_imag>>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, delta{}, A{}, A_imag{}; };
};
struct RealMoving : Mixer<expand::Tied<tie::ZeroOrderHold>, oscillation::Discretised<Data<in::delta, Axes::one>, Data<in::A>>, shrink::One, Input<Data<in::x, Axes::value>>> {
  template <class T> struct In { View<T> x{}, delta{}, A{}; };
};

// Close to a number, relative to itself.
void near(double given, double right, double limit) {
  INFO(given << " for " << right);
  CHECK(std::abs(given - right) <= limit * std::abs(right));
}

}  // namespace

TEMPLATE_TEST_CASE("softplus and its slope, far out on both sides", "[cases][disc_01]", float, double) {
  using T = TestType;
  using V = Batch<T>;
  const Case file(case_path("disc_01"));
  const Array x = file.in("x"), value = file.out("softplus"), slope = file.out("derivative");
  const double limit = tolerance<T>(file);
  for (std::size_t n = 0; n < x.values.size(); ++n) {
    const T at = static_cast<T>(x[n]);
    const auto check = [&](T given, double right) {
      if (right >= double(std::numeric_limits<T>::min())) near(double(given), right, limit);
      else CHECK((given >= 0 && std::abs(double(given) - right) <= double(std::numeric_limits<T>::denorm_min())));
    };
    check(math::softplus(at), value[n]), check(math::sigmoid(at), slope[n]), check(math::exp(math::log_sigmoid(at)), slope[n]);
    alignas(64) T lanes[simd::width<V>];
    simd::store(lanes, V(math::softplus<V>(V(at))));
    for (const T lane : lanes) check(lane, value[n]);
    simd::store(lanes, V(math::sigmoid<V>(V(at))));
    for (const T lane : lanes) check(lane, slope[n]);
  }
}

TEMPLATE_TEST_CASE("zero-order hold around a pole at 0", "[cases][disc_02]", float, double) {
  using T = TestType;
  const Case file(case_path("disc_02"));
  const Numbers<T> re(file.in("lam_re"), "f"), im(file.in("lam_im"), "f"), dt(file.in("dt"), "f");
  const Array phi_re = file.out("phi_re"), phi_im = file.out("phi_im");
  const double limit = tolerance<T>(file), step = double(dt.view()(0, 0, 0, 0));
  const T one = 1;
  const View<const T> x = parameter(&one, 1, 1);
  const Problem p{.batch = 1, .tokens = 1, .heads = 1, .keys = 10, .values = 1};
  const auto check = [&](const Outcome& out) {
    for (Index n = 0; n < 10; ++n) {
      INFO("lambda = " << re.view()(0, 0, 0, n) << " + " << im.view()(0, 0, 0, n) << " i");
      near(out.m[n], step * phi_re[to_size(n)], limit), near(out.m_imag[n], step * phi_im[to_size(n)], limit);
    }
  };
  const auto streams = [](View<const T> v) { return v.stride[0] = v.stride[1] = 0, v; };
  every_way<Moving, T>(Moving::In<const T>{.x = x, .delta = streams(dt.view()), .A = streams(re.view()), .A_imag = streams(im.view())}, p, check);
  every_way<Still, T>(Still::In<const T>{.x = x, .delta = dt.view(), .A = re.view(), .A_imag = im.view()}, p, check);
  every_way<RealMoving, T>(RealMoving::In<const T>{.x = x, .delta = streams(dt.view()), .A = streams(re.view())}, p, [&](const Outcome& out) {
    Index real = 0;
    for (Index n = 0; n < 10; ++n)
      if (im.view()(0, 0, 0, n) == 0) ++real, near(out.m[n], step * phi_re[to_size(n)], limit);
    CHECK(real == 5);
  });
}

// The kind: any small pole, in any direction, against the series; both parts, each relative to itself.
TEMPLATE_TEST_CASE("zero-order hold around a pole at 0, of any size and direction", "[cases][disc_02]", float, double) {
  using T = TestType;
  const double limit = tolerance<T>(Case(case_path("disc_02")));
  std::vector<T> re, im;
  for (const double size : {1e-30, 1e-20, 1e-12, 1e-8, 1e-6, 1e-4, 1e-3, 0.01, 0.1, 0.2, 0.249, 0.2501, 0.3, 0.5, 0.9})
    for (int angle = 0; angle < 16; ++angle) re.push_back(static_cast<T>(size * std::cos(0.1 + 0.39 * angle))), im.push_back(static_cast<T>(size * std::sin(0.1 + 0.39 * angle)));
  const Index K = Index(re.size());
  const T one = 1;
  const View<const T> x = parameter(&one, 1, 1), A = parameter(re.data(), 1, K), A_imag = parameter(im.data(), 1, K);
  const Problem p{.batch = 1, .tokens = 1, .heads = 1, .keys = K, .values = 1};
  const auto check = [&](const Outcome& out) {
    for (Index n = 0; n < K; ++n) {
      const long double u = static_cast<long double>(re[to_size(n)]), v = static_cast<long double>(im[to_size(n)]);
      long double a = 1, b = 0;                             // 1 + z/2 (1 + z/3 (1 + ...)), |z| < 1
      for (int k = 24; k >= 1; --k) {
        const long double next = 1 + (u * a - v * b) / (k + 1);
        b = (u * b + v * a) / (k + 1), a = next;
      }
      INFO("z = " << u << " + " << v << " i");
      near(out.m[n], double(a), limit), near(out.m_imag[n], double(b), limit);
    }
  };
  every_way<Moving, T>(Moving::In<const T>{.x = x, .delta = x, .A = A, .A_imag = A_imag}, p, check);
  every_way<Still, T>(Still::In<const T>{.x = x, .delta = x, .A = A, .A_imag = A_imag}, p, check);
}
