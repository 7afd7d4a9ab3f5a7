// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/maps.hpp>

#include <cmath>

namespace lcsm::combine {

// Maps of several leaves: `apply(V...)`, and `multiplier(V...)` where a gate has it cheaper. Combined in registers when the result is a
// K x D table that varies with the token, stored otherwise.

struct Product {
  static constexpr const char* name = "product";
  template <class V, class... W> LCSM_INLINE static V apply(V x, W... y) { return (x * ... * y); }
};
struct Sum {
  static constexpr const char* name = "sum";
  template <class V, class... W> LCSM_INLINE static V apply(V x, W... y) { return (x + ... + y); }
};
template <class Map, class Combine = Product> struct Of {   // Map(Combine(x, y, ...))
  static constexpr const char* name = Map::name;
  template <class... V> LCSM_INLINE static auto apply(V... x) { return Map::apply(Combine::apply(x...)); }
  template <class... V> LCSM_INLINE static auto multiplier(V... x) { return stage::multiplier<Map>(Combine::apply(x...)); }
};

// HGRN: the multiplier is bound + (1 - bound) sigmoid(x). Its log is taken from the distance to 1, which keeps the tied write
// 1 - o = (1 - bound) sigmoid(-x) exact when the gate is nearly open.
struct LowerBound {
  static constexpr const char* name = "lower bound";
  template <class V> LCSM_INLINE static V apply(V x, V bound) {
    const V one = map::constant<V>(1), closed = (one - bound) * math::sigmoid(-x);
    return simd::select(closed < map::constant<V>(0.5), math::log1p(-closed), math::log(multiplier(x, bound)));
  }
  template <class V> LCSM_INLINE static V multiplier(V x, V bound) {
    return simd::fma(map::constant<V>(1) - bound, math::sigmoid(x), bound);
  }
};

// minLSTM: the multiplier is the share f / (f + i) of two sigmoids of raw x and y, by their logs: both may be nearly closed.
struct Share {
  static constexpr const char* name = "f / (f + i)";
  template <class V> LCSM_INLINE static V apply(V x, V y) { return math::log_sigmoid(math::log_sigmoid(x) - math::log_sigmoid(y)); }
  template <class V> LCSM_INLINE static V multiplier(V x, V y) { return math::sigmoid(math::log_sigmoid(x) - math::log_sigmoid(y)); }
};

// GateLoop from two numbers of the token, z = re + i im: the multiplier is sigmoid(|z|) exp(i arg z). At z = 0 the angle is 0.
struct ModulusGate {
  static constexpr const char* name = "log sigmoid |z|";
  template <class V> LCSM_INLINE static V apply(V re, V im) { return math::log_sigmoid(modulus(re, im)); }
  template <class V> LCSM_INLINE static V multiplier(V re, V im) { return math::sigmoid(modulus(re, im)); }

 private:
  template <class V> LCSM_INLINE static V modulus(V re, V im) { return math::sqrt(simd::fma(re, re, im * im)); }
};
struct Angle {
  static constexpr const char* name = "arg z";
  template <class V> LCSM_INLINE static V apply(V re, V im) {
    simd::scalar_t<V> x[simd::width<V>], y[simd::width<V>];
    simd::store(x, re), simd::store(y, im);
    for (Index l = 0; l < simd::width<V>; ++l) y[l] = std::atan2(y[l], x[l]);
    return simd::load<V>(y);
  }
};

// RG-LRU: log o = -8 r softplus(parameter), r already through its sigmoid.
struct RecurrentGate {
  static constexpr const char* name = "-8 r softplus";
  template <class V> LCSM_INLINE static V apply(V r, V parameter) { return map::constant<V>(-8) * r * math::softplus(parameter); }
};

// The bilinear rule, o = (1 + z/2) / (1 - z/2) with z = step (re + i im), re <= 0: its log magnitude and its angle. Without cancellation:
// |1 + z/2|^2 - |1 - z/2|^2 = 2 Re z, and o has the direction of 1 - |z|^2 / 4 + i Im z.
struct BilinearLog {
  static constexpr const char* name = "bilinear, log";
  template <class V> LCSM_INLINE static V apply(V step, V re, V im) {
    const V half = map::constant<V>(0.5), x = step * re, y = step * im * half, d = map::constant<V>(1) - x * half;
    return half * math::log1p((x + x) / simd::fma(d, d, y * y));
  }
};
struct BilinearAngle {
  static constexpr const char* name = "bilinear, angle";
  template <class V> LCSM_INLINE static V apply(V step, V re, V im) {
    static_assert(simd::width<V> == 1, "lcsm::combine::BilinearAngle: of parameters only, the arc tangent has no lanes");
    const V x = step * re, y = step * im;
    return std::atan2(y, V(1) - V(0.25) * (x * x + y * y));
  }
};

// RWKV-7: the key k (1 + (sigmoid(a) - 1) k_a).
struct Rwkv7Key {
  static constexpr const char* name = "k (1 + (sigmoid - 1) k_a)";
  template <class V> LCSM_INLINE static V apply(V k, V a, V k_a) { return k * simd::fma(-math::sigmoid(-a), k_a, map::constant<V>(1)); }
};

// Mega: the multiplier is 1 - p a.
struct Damped {
  static constexpr const char* name = "1 - p a";
  template <class V> LCSM_INLINE static V apply(V p, V a) { return math::log1p(-(p * a)); }
  template <class V> LCSM_INLINE static V multiplier(V p, V a) { return simd::fma(-p, a, map::constant<V>(1)); }
};

template <class Combine> constexpr const char* name_of() {
  if constexpr (requires { Combine::name; }) return Combine::name; else return "map of several";
}
template <class Combine, class... V> LCSM_INLINE auto multiplier(V... raw) {
  if constexpr (requires { Combine::multiplier(raw...); }) return Combine::multiplier(raw...);
  else return math::exp(Combine::apply(raw...));
}

}  // namespace lcsm::combine
