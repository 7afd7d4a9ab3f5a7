// SPDX-License-Identifier: MIT
// Special values of vector functions, and memories that decay below the smallest normal number.
#include "mixers.hpp"

#include <lcsm/simd/denormals.hpp>

#include <cfenv>
#include <ctime>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

using namespace lcsm;
using namespace lcsm::test;

namespace {

// RetNet with a decay of one's own per head.
struct Decaying : Mixer<expand::Data<>, oscillation::Learned<map::LogAbs, in::a, Axes::one>, shrink::Data<>> {
  template <class T> struct In { View<T> q{}, k{}, v{}, a{}; };
};

constexpr Index L = 2048, H = 4, K = 16, D = 16;

// One token is written by the first call, or by each.
template <class T> struct Stream {
  Buffer<T> q{1, L, H, K}, k{1, L, H, K}, v{1, L, H, D}, a{1, 1, H, 1}, y{1, L, H, D};
  Stream(const Array& gamma, bool silent) {
    q.fill(T(1)), k.fill(T(silent ? 0 : 1)), v.fill(T(silent ? 0 : 1));
    std::fill_n(k.data(), H * K, T(1)), std::fill_n(v.data(), H * D, T(1));
    for (Index h = 0; h < H; ++h) a[h] = static_cast<T>(gamma[to_size(h)]);
  }
  Decaying::In<const T> in() const { return {.q = q.view(), .k = k.view(), .v = v.view(), .a = parameter(a.data(), H, 1)}; }
};

double cpu_seconds() { return double(std::clock()) / CLOCKS_PER_SEC; }    // of this process alone: others' load does not count

// A call, or as many steps, over the stream from a state.
template <class T> void call(const Way* way, const Stream<T>& s, View<T> y, State<Decaying, T>& state) {
  if (way) return run<Decaying>(*way, Threads{}, s.in(), y, Options<T>{.initial = state, .final = state});
  for (Index t = 0; t < L; ++t) step(Decaying{}, tokens_of<Decaying>(s.in(), t, 1), y.tokens(t, 1), state);
}

template <class T> std::vector<Way> modes() {
  std::vector<Way> out;
  for (const Way& way : ways_of<Decaying, T>({64}))
    if (way.mode != Mode::reference && way.mode != Mode::attention && way.tuning.rows != 3 && way.tuning.scan_chunk > 4) out.push_back(way);
  out.back().tuning = Tuning{};
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a memory decays to 0 and not to the numbers below the normal ones", "[cases][fpenv_01]", float, double) {
  using T = TestType;
  const Case file(case_path("fpenv_01"));
  const Array gamma = file.in("gamma"), at = file.in("t"), right = file.out("o_at_t"), first = file.out("first_t_subnormal_state");
  const Stream<T> silent(gamma, true);
  const double smallest = double(std::numeric_limits<T>::min()), limit = tolerance<T>(file);
  // In float, gamma^t runs out of digits at the t of the file; a double holds all of them.
  for (const Way& way : modes<T>()) {
    INFO(way.name);
    Buffer<T> y(1, L, H, D);
    State<Decaying, T> state(1, H, K, D);
    call(&way, silent, y.view(), state);
    for (Index n = 0; n < 8; ++n)
      for (Index h = 0; h < H; ++h) {
        const Index t = Index(at[to_size(n)]);
        INFO("t = " << t << ", gamma = " << gamma[to_size(h)]);
        const double want = right[to_size(n * H + h)], given = double(y.view()(0, t, h, D - 1));
        if (want >= 16 * smallest && (std::is_same_v<T, double> || double(t) < first[to_size(h)]))
          CHECK(std::abs(given - want) <= want * (limit + double(t) * double(std::numeric_limits<T>::epsilon())));    // a rounding per token
        else CHECK((given >= 0 && given <= 16 * smallest));
      }
    // Then silence alone, until even gamma = 0.99 is far below: T alone decides how long.
    Stream<T> nothing(gamma, true);
    nothing.k.fill(T(0)), nothing.v.fill(T(0));
    for (Index n = 0; n < (std::is_same_v<T, float> ? 5 : 40); ++n) call(&way, nothing, y.view(), state);
    bool zero = true;
    for (const double m : widened<T>(state.view().m)) zero = zero && m == 0;
    for (Index h = 0; h < H; ++h) zero = zero && y.view()(0, L - 1, h, 0) == 0;
#if defined(__SSE2__)
    CHECK(zero);
#endif
  }
}

TEMPLATE_TEST_CASE("a step flushes as a call does", "[cases][fpenv_01]", float, double) {
  using T = TestType;
  const Case file(case_path("fpenv_01"));
  const Stream<T> silent(file.in("gamma"), true);
  const Way recurrent = modes<T>().front();
  REQUIRE(recurrent.mode == Mode::recurrent);
  State<Decaying, T> by_call(1, H, K, D), by_step = by_call;
  Buffer<T> y(1, L, H, D), z(1, L, H, D);
  for (Index n = 0; n < (std::is_same_v<T, float> ? 1 : 8); ++n) call(&recurrent, silent, y.view(), by_call), call<T>(nullptr, silent, z.view(), by_step);
  CHECK(same_bits(widened<T>(y.view()), widened<T>(z.view())));
  CHECK(same_bits(widened<T>(by_call.view().m), widened<T>(by_step.view().m)));
}

TEMPLATE_TEST_CASE("silence is no slower than an input", "[cases][fpenv_01]", float, double) {
  using T = TestType;
  const Case file(case_path("fpenv_01"));
  const Stream<T> silent(file.in("gamma"), true), active(file.in("gamma"), false);
  std::vector<Way> ways = modes<T>();
  for (std::size_t n = 0; n <= ways.size(); ++n) {
    const Way* way = n < ways.size() ? &ways[n] : nullptr;
    INFO((way ? way->name : "step"));
    Buffer<T> y(1, L, H, D);
    State<Decaying, T> quiet(1, H, K, D), busy = quiet;
    Stream<T> nothing(file.in("gamma"), true);
    nothing.k.fill(T(0)), nothing.v.fill(T(0));
    call(way, silent, y.view(), quiet), call(way, active, y.view(), busy);
    const Way fast = ways.front();
    for (Index j = 0; j < (std::is_same_v<T, float> ? 4 : 36); ++j) call(&fast, nothing, y.view(), quiet);
    double best[2] = {1e9, 1e9};
    for (int turn = 0; turn < 3 || (turn < 25 && best[true] > 3 * best[false]); ++turn)     // by turns, the best of each
      for (const bool silence : {true, false}) {
        const double start = cpu_seconds();
        call(way, silence ? nothing : active, y.view(), silence ? quiet : busy);
        best[silence] = std::min(best[silence], cpu_seconds() - start);
      }
    CHECK(best[true] <= 3 * best[false]);
  }
}

#if defined(__SSE2__)
TEST_CASE("the caller's floating-point mode is as before", "[cases][fpenv_01]") {
  const Case file(case_path("fpenv_01"));
  const Stream<float> silent(file.in("gamma"), true);
  const unsigned before = _mm_getcsr();
  struct Restore { unsigned csr; ~Restore() { _mm_setcsr(csr); } } restore{before};
  constexpr unsigned flags = 0x3f;                          // exceptions seen: they may be set, not taken back
  for (const unsigned mode : {0x1f80u, 0x1fc0u, 0x9f80u, 0x9fc0u, 0x7f80u, 0x1fa0u}) {    // flushing or not, rounding to zero, a flag that is up
    std::vector<Way> ways = modes<float>();
    for (std::size_t n = 0; n <= ways.size(); ++n) {
      const Way* way = n < ways.size() ? &ways[n] : nullptr;
      INFO((way ? way->name : "step") << ", mode " << mode);
      Buffer<float> y(1, L, H, D);
      State<Decaying, float> state(1, H, K, D);
      _mm_setcsr(mode);
      call(way, silent, y.view(), state);
      const unsigned after = _mm_getcsr();
      _mm_setcsr(before);
      CHECK((after & ~flags) == (mode & ~flags));
      CHECK((after & mode & flags) == (mode & flags));
    }
  }
  // Also when something is thrown, and one inside the other.
  try {
    const simd::FlushDenormals outer;
    const simd::FlushDenormals inner;
    throw 1;
  } catch (int) {
    CHECK((_mm_getcsr() & 0x8040) == (before & 0x8040));
  }
}
#endif

TEMPLATE_TEST_CASE("special values of exp, log, tanh and sigmoid", "[cases][fpenv_02]", float, double) {
  using T = TestType;
  using V = Batch<T>;
  const Case file(case_path("fpenv_02"));
  const Array x = file.in("x"), x_log = file.in("x_log");
  const double limit = tolerance<T>(file), smallest = double(std::numeric_limits<T>::min()), largest = double(std::numeric_limits<T>::max());
  const auto check = [&](T given, double right) {
    INFO(given << " for " << right);
    if (std::isnan(right)) CHECK(std::isnan(given));
    else if (std::abs(right) > largest) CHECK((std::isinf(given) && std::signbit(given) == std::signbit(right)));
    else if (std::abs(right) < smallest) CHECK(std::abs(double(given) - right) <= double(std::numeric_limits<T>::denorm_min()));   // outside of calls nothing is flushed
    else CHECK(std::abs(double(given) - right) <= limit * std::abs(right));
  };
  const auto both = [&](T at, double right, auto&& f) {
    INFO("at " << at);
    check(f(at), right);
    alignas(64) T lanes[simd::width<V>];
    for (Index place = 0; place < simd::width<V>; ++place) { // among others, in any lane
      std::fill_n(lanes, simd::width<V>, T(0.5));
      lanes[place] = at;
      const T own = T(f(T(0.5)));
      simd::store(lanes, V(f(simd::load<V>(lanes))));
      for (Index n = 0; n < simd::width<V>; ++n)
        if (n == place) check(lanes[n], right); else CHECK(lanes[n] == own);
    }
  };
  const Array exp = file.out("exp"), tanh = file.out("tanh"), sigmoid = file.out("sigmoid"), log = file.out("log");
  for (std::size_t n = 0; n < x.values.size(); ++n) {
    const T at = static_cast<T>(x[n]);
    both(at, exp[n], [](auto v) { return math::exp(v); });
    both(at, tanh[n], [](auto v) { return math::tanh(v); });
    both(at, sigmoid[n], [](auto v) { return math::sigmoid(v); });
  }
  for (std::size_t n = 0; n < x_log.values.size(); ++n) both(static_cast<T>(x_log[n]), log[n], [](auto v) { return math::log(v); });
}
