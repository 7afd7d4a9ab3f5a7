// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/where.hpp>

#include <cmath>
#include <limits>

// Rules of Fixed leaves: hand-crafted numbers, in double. On a log plane `at` is the log of the multiplier, on a phase plane an angle.
namespace lcsm::rule {

template <int N> struct Constant {
  static constexpr const char* name = "constant";
  static double at(const Where&, Index) { return N; }
};

// The first key alone, as a factor.
struct FirstKey {
  static constexpr const char* name = "1 at key 0";
  static double at(const Where&, Index a) { return a == 0 ? 1 : 0; }
};

// An input that is 1 at the first token of a sequence and 0 behind it: the output is the mixer's convolution kernel.
struct Impulse {
  static constexpr const char* name = "1 at start";
  static constexpr bool positional = true;
  static double at(const Where& w, Index) { return w.position == 0 ? 1 : 0; }
};

// RetNet: the multiplier of head h is 1 - 2^(-5-h).
struct Retention {
  static constexpr const char* name = "log (1 - 2^(-5-h))";
  static double at(const Where& w, Index) { return std::log1p(-std::exp2(-5.0 - double(w.head))); }
};

// Angles 10000^(-2a/K) per key, those of rotary embeddings.
struct RotaryAngle {
  static constexpr const char* name = "10000^(-2a/K)";
  static double at(const Where& w, Index a) { return std::pow(1e4, -2.0 * double(a) / double(w.keys)); }
};
// The same on the keys of the higher frequencies alone, or of the lower ones; the other half does not turn.
struct RotaryAngleHigh {
  static constexpr const char* name = "10000^(-2a/K), a < K/2";
  static double at(const Where& w, Index a) { return a < w.keys / 2 ? RotaryAngle::at(w, a) : 0.0; }
};
struct RotaryAngleLow {
  static constexpr const char* name = "10000^(-2a/K), a >= K/2";
  static double at(const Where& w, Index a) { return a < w.keys / 2 ? 0.0 : RotaryAngle::at(w, a); }
};

// Closed at the first token of a sequence, else open: what an initial state brought in is forgotten at position 0.
struct ResetAtStart {
  static constexpr const char* name = "reset at start";
  static constexpr bool positional = true;
  static double at(const Where& w, Index) { return w.position == 0 ? -std::numeric_limits<double>::infinity() : 0.0; }
};

}  // namespace lcsm::rule
