// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/simd/math.hpp>

namespace lcsm {

// Elementwise maps: an empty type with
//
//   template <class V> static V apply(V raw);                   V is float, double or a SIMD batch of either
//   template <class V> static V multiplier(V raw);              optional, for gates: exp(apply(raw)) when that is cheaper
//   template <class V> static V vjp(V raw, V bar);              for gradients: bar * apply'(raw); 0 on the closed side of a clamp
//   template <class V> static V multiplier_vjp(V raw, V bar);   optional, where a multiplier of 0 has a slope: bar * multiplier'(raw)
//   static constexpr bool light, light_multiplier;              optional: apply, multiplier take an instruction or two: done where the number is read,
//                                                               where the others are done once and stored
//
// A map that feeds a log plane is a gate: apply gives the log of the multiplier, -infinity for a closed gate.
namespace map {

template <class V> LCSM_INLINE V constant(double x) { return V(simd::scalar_t<V>(x)); }

struct Identity {
  static constexpr const char* name = "identity";
  static constexpr bool light = true;
  template <class V> LCSM_INLINE static V apply(V x) { return x; }
  template <class V> LCSM_INLINE static V vjp(V, V bar) { return bar; }
};
struct Negate {
  static constexpr const char* name = "-x";
  static constexpr bool light = true;
  template <class V> LCSM_INLINE static V apply(V x) { return simd::minus(x); }
  template <class V> LCSM_INLINE static V vjp(V, V bar) { return simd::minus(bar); }
};
struct Exp {
  static constexpr const char* name = "exp";
  template <class V> LCSM_INLINE static V apply(V x) { return math::exp(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return math::exp(x) * bar; }
};
struct NegExp {
  static constexpr const char* name = "-exp";
  template <class V> LCSM_INLINE static V apply(V x) { return simd::minus(math::exp(x)); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::minus(math::exp(x) * bar); }
};
struct NegSquare {
  static constexpr const char* name = "-x^2";
  template <class V> LCSM_INLINE static V apply(V x) { return simd::minus(x * x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return constant<V>(-2) * x * bar; }
};
struct Sigmoid {
  static constexpr const char* name = "sigmoid";
  template <class V> LCSM_INLINE static V apply(V x) { return math::sigmoid(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return math::sigmoid(x) * math::sigmoid(simd::minus(x)) * bar; }
};
struct TwiceSigmoid {                                       // of a delta rule's beta: 1 - beta may be negative (https://arxiv.org/abs/2411.12537)
  static constexpr const char* name = "2 sigmoid";
  template <class V> LCSM_INLINE static V apply(V x) { const V y = math::sigmoid(x); return y + y; }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return constant<V>(2) * Sigmoid::vjp(x, bar); }
};
struct Softplus {
  static constexpr const char* name = "softplus";
  template <class V> LCSM_INLINE static V apply(V x) { return math::softplus(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return math::sigmoid(x) * bar; }
};
struct Tanh {
  static constexpr const char* name = "tanh";
  template <class V> LCSM_INLINE static V apply(V x) { return math::tanh(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return constant<V>(4) * Sigmoid::vjp(x + x, bar); }
};
struct Relu {
  static constexpr const char* name = "relu";
  template <class V> LCSM_INLINE static V apply(V x) { return simd::select(x < constant<V>(0), constant<V>(0), x); }   // NaN stays NaN
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::select(x > constant<V>(0), bar, constant<V>(0)); }
};
struct ReluSquared {
  static constexpr const char* name = "relu^2";
  template <class V> LCSM_INLINE static V apply(V x) { const V y = Relu::apply(x); return y * y; }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return constant<V>(2) * Relu::apply(x) * bar; }
};
struct Square {
  static constexpr const char* name = "x^2";
  template <class V> LCSM_INLINE static V apply(V x) { return x * x; }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return constant<V>(2) * x * bar; }
};
struct EluPlusOne {
  static constexpr const char* name = "elu+1";
  template <class V> LCSM_INLINE static V apply(V x) { return simd::select(x > constant<V>(0), x + constant<V>(1), math::exp(x)); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::select(x > constant<V>(0), bar, math::exp(x) * bar); }
};
struct Elu {
  static constexpr const char* name = "elu";
  template <class V> LCSM_INLINE static V apply(V x) { return simd::select(x > constant<V>(0), x, math::expm1(x)); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return EluPlusOne::vjp(x, bar); }
};
template <int N, int Sign = 1> struct AtMost {              // min(x, Sign 10^N)
  static constexpr const char* name = "at most";
  static constexpr double most = [] {
    double size = 1;
    for (int n = N; n < 0; ++n) size /= 10;
    for (int n = N; n > 0; --n) size *= 10;
    return Sign * size;
  }();
  template <class V> LCSM_INLINE static V apply(V x) { return simd::select(x > constant<V>(most), constant<V>(most), x); }   // NaN stays NaN
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::select(x > constant<V>(most), constant<V>(0), bar); }
};
struct Silu {
  static constexpr const char* name = "silu";
  template <class V> LCSM_INLINE static V apply(V x) { return x * math::sigmoid(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { const V y = math::sigmoid(x); return y * simd::fma(x, math::sigmoid(simd::minus(x)), constant<V>(1)) * bar; }
};
struct Positive {                                           // minGRU's g: continuous, growing and above 0
  static constexpr const char* name = "x + 1/2 or sigmoid";
  template <class V> LCSM_INLINE static V apply(V x) { return simd::select(x < constant<V>(0), math::sigmoid(x), x + constant<V>(0.5)); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::select(x < constant<V>(0), Sigmoid::vjp(x, bar), bar); }
};

// Gates.
template <int Tau = 1> struct LogSigmoid {                  // multiplier sigmoid(x)^(1 / tau)
  static constexpr const char* name = Tau == 1 ? "log sigmoid" : "log sigmoid / tau";
  template <class V> LCSM_INLINE static V apply(V x) {
    if constexpr (Tau == 1) return math::log_sigmoid(x); else return math::log_sigmoid(x) * constant<V>(1.0 / Tau);
  }
  template <class V> LCSM_INLINE static V multiplier(V x) {
    if constexpr (Tau == 1) return math::sigmoid(x); else return math::exp(apply(x));
  }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return math::sigmoid(simd::minus(x)) * constant<V>(1.0 / Tau) * bar; }
};
struct LogComplement {                                      // multiplier 1 - sigmoid(x): the gate of which x opens the write
  static constexpr const char* name = "log (1 - sigmoid)";
  template <class V> LCSM_INLINE static V apply(V x) { return math::log_sigmoid(simd::minus(x)); }
  template <class V> LCSM_INLINE static V multiplier(V x) { return math::sigmoid(simd::minus(x)); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::minus(math::sigmoid(x) * bar); }
};
struct Rwkv7Decay {                                         // log multiplier -exp(-1/2) sigmoid(x), never below 0.545
  static constexpr const char* name = "-e^-1/2 sigmoid";
  template <class V> LCSM_INLINE static V apply(V x) { return constant<V>(-0.60653065971263342) * math::sigmoid(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return constant<V>(-0.60653065971263342) * Sigmoid::vjp(x, bar); }
};
struct LogAbs {                                             // the input is the multiplier itself; its sign is a term of its own
  static constexpr const char* name = "log |x|";
  static constexpr bool light_multiplier = true;
  template <class V> LCSM_INLINE static V apply(V x) { return math::log(simd::abs(x)); }
  template <class V> LCSM_INLINE static V multiplier(V x) { return simd::abs(x); }
  template <class V> LCSM_INLINE static V vjp(V x, V bar) { return simd::select(bar == constant<V>(0), bar, bar / x); }
  template <class V> LCSM_INLINE static V multiplier_vjp(V x, V bar) { return simd::select(x < constant<V>(0), simd::minus(bar), bar); }
};
struct Sign {                                               // +1 or -1
  static constexpr const char* name = "sign";
  static constexpr bool light = true;
  template <class V> LCSM_INLINE static V apply(V x) { return simd::select(x < constant<V>(0), constant<V>(-1), constant<V>(1)); }
  template <class V> LCSM_INLINE static V vjp(V, V) { return constant<V>(0); }
};

}  // namespace map

namespace stage {
template <class Map, class V> concept HasMultiplier = requires(V x) { Map::multiplier(x); };
template <class Map, class V> LCSM_INLINE V multiplier(V raw) {
  if constexpr (HasMultiplier<Map, V>) return Map::multiplier(raw); else return math::exp(Map::apply(raw));
}
template <class Map, class V> LCSM_INLINE V multiplier_vjp(V raw, V bar) {
  if constexpr (requires { Map::multiplier_vjp(raw, bar); }) return Map::multiplier_vjp(raw, bar); else return Map::vjp(raw, bar * stage::multiplier<Map>(raw));
}
}

}  // namespace lcsm
