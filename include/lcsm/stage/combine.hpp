// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/complex.hpp>
#include <lcsm/stage/maps.hpp>

#include <array>
#include <cmath>
#include <complex>

namespace lcsm {

namespace stage {
// The arc tangent of tables that are made once per call, lane by lane.
template <class V> V atan2(V y, V x) {
  if constexpr (simd::width<V> == 1) return std::atan2(y, x);
  else {
    simd::scalar_t<V> a[simd::width<V>], b[simd::width<V>];
    simd::store(a, y), simd::store(b, x);
    for (std::size_t n = 0; n < std::size_t(simd::width<V>); ++n) a[n] = std::atan2(a[n], b[n]);
    return simd::load<V>(a);
  }
}
}

namespace combine {

// Maps of several leaves: `apply(V...)`, and `multiplier(V...)` where a gate has it cheaper. Combined in registers when the result is a
// K x D table that varies with the token, stored otherwise. For gradients: `vjp(bar, V...)`, an array of bar times each partial derivative, and
// `multiplier_vjp` where a multiplier of 0 has a slope.

template <class Combine, class V> concept has_unit = requires(V x) { Combine::unit(x, x); };

struct Product {
  static constexpr const char* name = "product";
  template <class V, class... W> LCSM_INLINE static V apply(V x, W... y) { return (x * ... * y); }
  template <class V, class... W> LCSM_INLINE static std::array<V, 1 + sizeof...(W)> vjp(V bar, V x, W... y) {
    const std::array<V, 1 + sizeof...(W)> of{x, y...};
    std::array<V, 1 + sizeof...(W)> bars;
    for (std::size_t n = 0; n < of.size(); ++n) {
      bars[n] = bar;
      for (std::size_t m = 0; m < of.size(); ++m)
        if (m != n) bars[n] = bars[n] * of[m];
    }
    return bars;
  }
};
struct Sum {
  static constexpr const char* name = "sum";
  template <class V, class... W> LCSM_INLINE static V apply(V x, W... y) { return (x + ... + y); }
  template <class V, class... W> LCSM_INLINE static std::array<V, 1 + sizeof...(W)> vjp(V bar, V, W...) {
    std::array<V, 1 + sizeof...(W)> bars;
    for (V& each : bars) each = bar;
    return bars;
  }
};
template <class Map, class Combine = Product> struct Of {   // Map(Combine(x, y, ...))
  static constexpr const char* name = Map::name;
  template <class... V> LCSM_INLINE static auto apply(V... x) { return Map::apply(Combine::apply(x...)); }
  template <class... V> LCSM_INLINE static auto multiplier(V... x) { return stage::multiplier<Map>(Combine::apply(x...)); }
  template <class V, class... W> LCSM_INLINE static auto vjp(V bar, W... x) { return Combine::vjp(V(Map::vjp(V(Combine::apply(x...)), bar)), x...); }
  template <class V, class... W> LCSM_INLINE static auto multiplier_vjp(V bar, W... x) {
    return Combine::vjp(V(stage::multiplier_vjp<Map>(V(Combine::apply(x...)), bar)), x...);
  }
};

// HGRN: the multiplier is bound + (1 - bound) sigmoid(x). Its log is taken from the distance to 1, which keeps the tied write
// 1 - o = (1 - bound) sigmoid(-x) exact when the gate is nearly open.
struct LowerBound {
  static constexpr const char* name = "lower bound";
  template <class V> LCSM_INLINE static V apply(V x, V bound) {
    const V one = map::constant<V>(1), closed = (one - bound) * math::sigmoid(simd::minus(x));
    return simd::select(closed < map::constant<V>(0.5), math::log1p(simd::minus(closed)), math::log(multiplier(x, bound)));
  }
  template <class V> LCSM_INLINE static V multiplier(V x, V bound) {
    return simd::fma(map::constant<V>(1) - bound, math::sigmoid(x), bound);
  }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V x, V bound) { return multiplier_vjp(bar / multiplier(x, bound), x, bound); }
  template <class V> LCSM_INLINE static std::array<V, 2> multiplier_vjp(V bar, V x, V bound) {
    const V closed = math::sigmoid(simd::minus(x));
    return {bar * (map::constant<V>(1) - bound) * math::sigmoid(x) * closed, bar * closed};
  }
};

// minLSTM: the multiplier is the share f / (f + i) of two sigmoids of raw x and y, by their logs: both may be nearly closed.
struct Share {
  static constexpr const char* name = "f / (f + i)";
  template <class V> LCSM_INLINE static V apply(V x, V y) { return math::log_sigmoid(math::log_sigmoid(x) - math::log_sigmoid(y)); }
  template <class V> LCSM_INLINE static V multiplier(V x, V y) { return math::sigmoid(math::log_sigmoid(x) - math::log_sigmoid(y)); }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V x, V y) {
    const V part = bar * math::sigmoid(math::log_sigmoid(y) - math::log_sigmoid(x));
    return {part * math::sigmoid(simd::minus(x)), simd::minus(part * math::sigmoid(simd::minus(y)))};
  }
};

// The multiplier is z = re + i im itself, with Angle: by its modulus and direction where a kernel tells these apart. Neither overflows nor vanishes before z does. At z = 0 the angle is
// 0, so that the slope by im is 0 there.
struct LogModulus {
  static constexpr const char* name = "log |z|";
  template <class V> LCSM_INLINE static V apply(V re, V im) { return math::log(multiplier(re, im)); }
  template <class V> LCSM_INLINE static V multiplier(V re, V im) {
    const V x = simd::abs(re), y = simd::abs(im), most = (simd::max)(x, y), least = (simd::min)(x, y), zero = map::constant<V>(0), one = map::constant<V>(1);
    const V part = least / simd::select(most == zero, one, most);
    return most * math::sqrt(simd::fma(part, part, one));
  }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V re, V im) {
    const V r = multiplier(re, im), zero = map::constant<V>(0), part = simd::select(r == zero, zero, bar / r);
    return {simd::select(r == zero, zero, part * (re / r)), simd::select(r == zero, zero, part * (im / r))};
  }
  template <class V> LCSM_INLINE static std::array<V, 2> multiplier_vjp(V bar, V re, V im) {
    const V r = multiplier(re, im), zero = map::constant<V>(0), one = map::constant<V>(1), by = simd::select(r == zero, one, r);
    return {simd::select(r == zero, bar, bar * (re / by)), bar * (im / by)};
  }
};
// GateLoop from two numbers of the token, z = re + i im: the multiplier is sigmoid(|z|) exp(i arg z). At z = 0 the angle is 0.
struct ModulusGate {
  static constexpr const char* name = "log sigmoid |z|";
  template <class V> LCSM_INLINE static V apply(V re, V im) { return math::log_sigmoid(modulus(re, im)); }
  template <class V> LCSM_INLINE static V multiplier(V re, V im) { return math::sigmoid(modulus(re, im)); }

  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V re, V im) {
    const V r = modulus(re, im), zero = map::constant<V>(0), part = simd::select(r == zero, zero, bar * math::sigmoid(simd::minus(r)) / r);
    return {part * re, part * im};
  }
 private:
  template <class V> LCSM_INLINE static V modulus(V re, V im) { return math::sqrt(simd::fma(re, re, im * im)); }
};
struct Angle {
  static constexpr const char* name = "arg z";
  // z / |z| without its angle.
  template <class V> LCSM_INLINE static Complex<V> unit(V re, V im) {
    const V size = LogModulus::multiplier(re, im), zero = map::constant<V>(0), one = map::constant<V>(1);
    return {simd::select(size == zero, one, re / simd::select(size == zero, one, size)), simd::select(size == zero, zero, im / simd::select(size == zero, one, size))};
  }
  template <class V> LCSM_INLINE static V apply(V re, V im) {
    simd::scalar_t<V> x[simd::width<V>], y[simd::width<V>];
    simd::store(x, re), simd::store(y, im);
    for (Index l = 0; l < simd::width<V>; ++l) y[l] = std::atan2(y[l], x[l]);
    return simd::load<V>(y);
  }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V re, V im) {
    const V norm = simd::fma(re, re, im * im), zero = map::constant<V>(0), part = simd::select(norm == zero, zero, bar / norm);
    return {-(part * im), part * re};
  }
};

// RG-LRU: log o = -8 r softplus(parameter), r already through its sigmoid.
struct RecurrentGate {
  static constexpr const char* name = "-8 r softplus";
  template <class V> LCSM_INLINE static V apply(V r, V parameter) { return map::constant<V>(-8) * r * math::softplus(parameter); }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V r, V parameter) {
    const V part = map::constant<V>(-8) * bar;
    return {part * math::softplus(parameter), part * r * math::sigmoid(parameter)};
  }
};

// The bilinear rule, o = (1 + z/2) / (1 - z/2) with z = step (re + i im), re <= 0: its log magnitude and its angle. Without cancellation:
// |1 + z/2|^2 - |1 - z/2|^2 = 2 Re z, and o has the direction of 1 - |z|^2 / 4 + i Im z.
//
// For gradients: d log o / dz = 1 / (1 - z^2 / 4).
template <class V> LCSM_INLINE std::array<V, 3> bilinear_vjp(V log_bar, V angle_bar, V step, V re, V im) {
  const V quarter = map::constant<V>(0.25), x = step * re, y = step * im;
  const V u = map::constant<V>(1) - quarter * simd::fma(x, x, simd::minus(y * y)), v = map::constant<V>(-0.5) * x * y, norm = simd::fma(u, u, v * v);
  const V x_bar = simd::fma(log_bar, u, -(angle_bar * v)) / norm, y_bar = simd::fma(log_bar, v, angle_bar * u) / norm;
  return {simd::fma(x_bar, re, y_bar * im), x_bar * step, y_bar * step};
}
struct BilinearLog {
  static constexpr const char* name = "bilinear, log";
  template <class V> LCSM_INLINE static V apply(V step, V re, V im) {
    const V half = map::constant<V>(0.5), x = step * re, y = step * im * half, d = map::constant<V>(1) - x * half;
    return half * math::log1p((x + x) / simd::fma(d, d, y * y));
  }
  template <class V> LCSM_INLINE static std::array<V, 3> vjp(V bar, V step, V re, V im) { return bilinear_vjp(bar, map::constant<V>(0), step, re, im); }
};
struct BilinearAngle {
  static constexpr const char* name = "bilinear, angle";
  template <class V> LCSM_INLINE static V apply(V step, V re, V im) {
    const V x = step * re, y = step * im;
    return stage::atan2(y, map::constant<V>(1) - map::constant<V>(0.25) * (x * x + y * y));
  }
  template <class V> LCSM_INLINE static std::array<V, 3> vjp(V bar, V step, V re, V im) { return bilinear_vjp(map::constant<V>(0), bar, step, re, im); }
};

// 1 / (re + i im) with |re + i im|^2 taken to be at least 10^N: its parts.
template <int N> struct ReciprocalReal {
  static constexpr const char* name = "Re 1/z";
  template <class V> LCSM_INLINE static V norm(V re, V im) {
    const V least = map::constant<V>(map::AtMost<N>::most), norm = simd::fma(re, re, im * im);
    return simd::select(norm < least, least, norm);
  }
  template <class V> LCSM_INLINE static V apply(V re, V im) { return re / norm(re, im); }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V re, V im) {
    const V least = map::constant<V>(map::AtMost<N>::most), size = norm(re, im), zero = map::constant<V>(0);
    const auto clamped = simd::fma(re, re, im * im) < least;
    const V part = bar / size / size;
    return {simd::select(clamped, bar / least, part * simd::fma(im, im, simd::minus(re * re))), simd::select(clamped, zero, map::constant<V>(-2) * part * re * im)};
  }
};
template <int N> struct ReciprocalImag {
  static constexpr const char* name = "Im 1/z";
  template <class V> LCSM_INLINE static V apply(V re, V im) { return simd::minus(im) / ReciprocalReal<N>::norm(re, im); }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V re, V im) {
    const auto [x, y] = ReciprocalReal<N>::vjp(bar, im, re);                 // -im / n is minus the other with its two exchanged
    return {simd::minus(y), simd::minus(x)};
  }
};

// DSS: the weight of a mode in a softmax over the positions 0 ... L - 1 of a kernel, z = (step re, step_imag im):
//
//     w = (exp(z) - 1) / ((exp(L z) - 1) (re + i im)),     with -z for z, times exp(-(L - 1) z), if re > 0
//
// where 1 / x is conj(x) / (|x|^2 + 10^-7). Its log magnitude and its angle; of parameters, evaluated in double.
struct SoftmaxLog {
  static constexpr const char* name = "softmax over positions, log";
  template <class V> LCSM_INLINE static V apply(V step, V step_imag, V re, V im, V length) { return V(of(step, step_imag, re, im, length).real()); }
  template <class V> static std::complex<double> of(V step, V step_imag, V re, V im, V length) {
    static_assert(simd::width<V> == 1, "lcsm::combine::SoftmaxLog: of parameters only, it has no lanes");
    using Z = std::complex<double>;
    const Z lambda(re, im), z(double(step) * re, double(step_imag) * im);
    const bool grows = re > 0;
    const Z decays = grows ? -z : z, x = minus_one(double(length) * decays) * lambda;
    const Z w = minus_one(decays) * std::conj(x) / (std::norm(x) + 1e-7);
    const Z last = grows ? (double(length) - 1) * z : Z(0);
    return {std::log(std::abs(w)) - last.real(), std::arg(w) - last.imag()};
  }

  // Of log w (bar.real()) and arg w (bar.imag()) together; the length has no slope.
  template <class V> static std::array<V, 5> vjp(std::complex<double> bar, V step, V step_imag, V re, V im, V length) {
    using Z = std::complex<double>;
    const Z lambda(re, im), z(double(step) * re, double(step_imag) * im);
    const bool grows = re > 0;
    const Z decays = grows ? -z : z, many = minus_one(double(length) * decays), x = many * lambda;
    const double size = std::norm(x), share = (1e-7 - size) / (1e-7 + size);
    const Z x_bar(share * bar.real(), -bar.imag());         // of log x: conj(x) / (|x|^2 + 1e-7) turns the other way
    const Z decays_bar = std::conj(1.0 + 1.0 / minus_one(decays)) * bar + std::conj(double(length) * (1.0 + 1.0 / many)) * x_bar;
    const Z z_bar = grows ? -decays_bar - (double(length) - 1) * bar : decays_bar, lambda_bar = x_bar / std::conj(lambda);
    return {V(z_bar.real() * re), V(z_bar.imag() * im), V(z_bar.real() * step + lambda_bar.real()), V(z_bar.imag() * step_imag + lambda_bar.imag()), V(0)};
  }
  template <class V> static std::array<V, 5> vjp(V bar, V step, V step_imag, V re, V im, V length) {
    return vjp(std::complex<double>(bar, 0), step, step_imag, re, im, length);
  }
 private:
  static std::complex<double> minus_one(std::complex<double> z) {            // exp(z) - 1
    const double half = std::sin(z.imag() / 2);
    return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half, std::exp(z.real()) * std::sin(z.imag())};
  }
};
struct SoftmaxAngle {
  static constexpr const char* name = "softmax over positions, angle";
  template <class V> LCSM_INLINE static V apply(V step, V step_imag, V re, V im, V length) {
    return V(SoftmaxLog::of(step, step_imag, re, im, length).imag());
  }
  template <class V> static std::array<V, 5> vjp(V bar, V step, V step_imag, V re, V im, V length) {
    return SoftmaxLog::vjp(std::complex<double>(0, bar), step, step_imag, re, im, length);
  }
};

// RWKV-7: the key k (1 + (sigmoid(a) - 1) k_a).
struct Rwkv7Key {
  static constexpr const char* name = "k (1 + (sigmoid - 1) k_a)";
  template <class V> LCSM_INLINE static V apply(V k, V a, V k_a) { return k * simd::fma(simd::minus(math::sigmoid(simd::minus(a))), k_a, map::constant<V>(1)); }
  template <class V> LCSM_INLINE static std::array<V, 3> vjp(V bar, V k, V a, V k_a) {
    const V closed = math::sigmoid(simd::minus(a));
    return {bar * simd::fma(simd::minus(closed), k_a, map::constant<V>(1)), bar * k * k_a * closed * math::sigmoid(a), simd::minus(bar * k * closed)};
  }
};

// Mega: the multiplier is 1 - p a.
struct Damped {
  static constexpr const char* name = "1 - p a";
  template <class V> LCSM_INLINE static V apply(V p, V a) { return math::log1p(simd::minus(p * a)); }
  template <class V> LCSM_INLINE static V multiplier(V p, V a) { return simd::fma(simd::minus(p), a, map::constant<V>(1)); }
  template <class V> LCSM_INLINE static std::array<V, 2> vjp(V bar, V p, V a) { return multiplier_vjp(bar / multiplier(p, a), p, a); }
  template <class V> LCSM_INLINE static std::array<V, 2> multiplier_vjp(V bar, V p, V a) { return {simd::minus(bar * a), simd::minus(bar * p)}; }
};

template <class Combine> constexpr const char* name_of() {
  if constexpr (requires { Combine::name; }) return Combine::name; else return "map of several";
}
template <class Combine, class... V> LCSM_INLINE auto multiplier(V... raw) {
  if constexpr (requires { Combine::multiplier(raw...); }) return Combine::multiplier(raw...);
  else return math::exp(Combine::apply(raw...));
}
template <class Combine, class V, class... W> LCSM_INLINE auto multiplier_vjp(V bar, W... raw) {
  if constexpr (requires { Combine::multiplier_vjp(bar, raw...); }) return Combine::multiplier_vjp(bar, raw...);
  else return Combine::vjp(V(bar * combine::multiplier<Combine>(raw...)), raw...);
}

}  // namespace combine

}  // namespace lcsm
