// SPDX-License-Identifier: MIT
#pragma once

#include "support/arrange.hpp"
#include "support/bound.hpp"
#include "support/catch.hpp"

#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

#include <limits>
#include <optional>
#include <random>

namespace lcsm::test {

// Both ends are codes.
struct Counts : Mixer<expand::Code<>, oscillation::Identity, shrink::Code<>> {};
struct Fading : Mixer<expand::Code<>, oscillation::Scalar<>, shrink::Code<>, Skip<Learned<in::D, Axes::value>>> {};
struct Learning : Mixer<expand::Code<>, oscillation::Learned<map::Identity, in::a, Axes::one>, shrink::Code<>, Previous> {};
struct Retaining : Mixer<expand::Code<>, oscillation::FixedDecay<rule::Retention>, shrink::Code<>, Quotient<guard::Add<-3>>> {};
struct Resetting : Mixer<expand::Code<>, Stage<LogTerm<Fixed<rule::ResetAtStart>>, LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>>, shrink::Code<>> {};
// With a channel side at both ends, and averages of what was there before.
struct Sided : Mixer<Stage<FactorTerm<OneHot<in::code>>, FactorTerm<Data<in::f, Axes::one>>, FactorTerm<Data<in::b, Axes::value>>>, oscillation::Scalar<>,
                     Stage<FactorTerm<Data<in::u, Axes::value>>, FactorTerm<OneHot<in::read_code>>>, Previous> {};
struct Averages : Mixer<Stage<FactorTerm<OneHot<in::code>>, LogTerm<Data<in::f, Axes::one>>>, oscillation::Scalar<map::LogSigmoid<>>,
                        Stage<FactorTerm<OneHot<in::read_code>>, FactorTerm<Data<in::u, Axes::value>>>, Quotient<guard::Add<-3>>, Previous> {};
// Attention over a codebook, and what the generic kernels do.
struct Codebook : Mixer<expand::Code<>, oscillation::Identity, shrink::CodebookExp<>, Quotient<guard::None>> {};
struct Written : Mixer<expand::Code<>, oscillation::Identity, shrink::Data<>, Previous> {};
struct WrittenFading : Mixer<expand::Code<>, oscillation::Scalar<>, shrink::Data<>> {};
struct Read : Mixer<expand::Data<>, oscillation::PerKey<map::LogSigmoid<>, in::q>, shrink::Code<>> {};
struct PerChannel : Mixer<expand::Code<>, oscillation::PerValue<map::LogSigmoid<>, in::b>, shrink::Code<>> {};

template <class V> struct CodeInputs {
  View<const std::int32_t> code{}, read_code{};
  View<V> v{}, g{}, a{}, f{}, b{}, u{}, k{}, q{}, D{}, codebook{};
  Index codes = 0;
};

// Random inputs of every name, and the views of them.
template <class T> struct CodeProblem {
  Index batch, tokens, heads, keys, values;
  Buffer<std::int32_t> code, read_code;
  Buffer<T> v, g, a, f, b, u, k, q, D, codebook;
  std::mt19937 random;

  CodeProblem(Index B, Index L, Index H, Index K, Index V, unsigned seed, Index used = 0)
      : batch(B),
        tokens(L),
        heads(H),
        keys(K),
        values(V),
        code(B, L, H, 1),
        read_code(B, L, H, 1),
        v(B, L, H, V),
        g(B, L, H, 1),
        a(1, 1, H, 1),
        f(B, L, H, 1),
        b(B, L, H, V),
        u(B, L, H, V),
        k(B, L, H, K <= 64 ? K : 0),
        q(B, L, H, K <= 64 ? K : 0),
        D(1, 1, H, V),
        codebook(1, 1, H, K <= 64 ? K : 0, 3),
        random(seed) {
    for (auto* x : {&v, &b, &u, &k, &q, &D, &codebook}) draw(*x, -1, 1);
    draw(f, T(0.1), 1), draw(g, T(-0.3), 0), draw(a, T(-0.1), T(-0.001));
    std::uniform_int_distribution<std::int32_t> any(0, std::int32_t(K - 1)), few(0, std::int32_t(used > 0 ? used - 1 : K - 1));
    const auto pick = [&] { return used > 0 ? std::int32_t((Index(few(random)) * 7919) % K) : any(random); };
    for (auto& x : code) x = pick();
    for (auto& x : read_code) x = pick();
  }
  void draw(Buffer<T>& to, T low, T high) {
    std::uniform_real_distribution<T> number(low, high);
    for (T& x : to) x = number(random);
  }
  CodeInputs<const T> in() const {
    CodeInputs<const T> x{.code = code.view(),
                          .read_code = read_code.view(),
                          .v = v.view(),
                          .g = g.view(),
                          .f = f.view(),
                          .b = b.view(),
                          .u = u.view(),
                          .k = k.view(),
                          .codes = keys};
    x.a = parameter(a.data(), heads, 1), x.D = parameter(D.data(), heads, values),
    x.codebook = parameter(codebook.data(), heads, codebook.view().row(), 3);
    x.q = q.view();
    return x;
  }
  // The query of a codebook is as wide as its rows.
  CodeInputs<const T> in(const Buffer<T>& query) const {
    CodeInputs<const T> x = in();
    x.q = query.view();
    return x;
  }
};

// The tokens [first, first + count) of streams; parameters stay.
template <class V> CodeInputs<V> tokens_of(CodeInputs<V> in, Index first, Index count) {
  in.code = in.code.tokens(first, count), in.read_code = in.read_code.tokens(first, count);
  for (auto* x : {&in.v, &in.g, &in.f, &in.b, &in.u, &in.k, &in.q}) *x = x->tokens(first, count);
  return in;
}

template <class M, class To, class From> State<M, To> converted(const State<M, From>& from) {
  State<M, To> to(from.sequences(), from.heads(), from.keys(), from.values());
  const auto copy = [](const auto& x, auto y) {
    const auto* in = x.data;
    auto* out = y.data;
    for (Index n = 0; n < x.extent[0] * x.stride[0]; ++n) out[n] = std::remove_reference_t<decltype(*out)>(in[n]);
  };
  const StateView<const From> x = from.view();
  const StateView<To> y = to.view();
  copy(x.m, y.m), copy(x.z, y.z), copy(x.touched, y.touched), copy(x.clock, y.clock), copy(x.position, y.position);
  return to;
}
// m and z as numbers of now, whatever the state's clock says.
template <class M, class T> naive::ReferenceMemory<M> settled(const State<M, T>& state, Index n, Index h) {
  const State<M, double> wide = converted<M, double>(state);
  naive::ReferenceMemory<M> memory(state.keys(), state.values());
  memory.load(wide.view(), n, h, state.values());
  return memory;
}

// A mode against the definition: outputs and the final state within the derived bound. Rows, not keys, end up in a sum.
struct CodeRun {
  bool from_state = true;
  Direction direction = Direction::forward;
  Sequences sequences{};
  View<const std::uint8_t> mask{};
};
template <class M, class T, class Run>
void check_mode(const CodeProblem<T>& p, const CodeInputs<const T>& in, const CodeRun& how, Index summed, Run&& run) {
  const Index N = how.sequences.given() ? how.sequences.size() - 1 : p.batch;
  State<M, T> initial(N, p.heads, p.keys, p.values), final(N, p.heads, p.keys, p.values);
  std::mt19937 random(7);
  std::uniform_real_distribution<double> number(-1, 1);
  initial.components([&]([[maybe_unused]] const char* name, auto& x) {
    using Each = std::remove_reference_t<decltype(x[0])>;
    if constexpr (std::is_floating_point_v<Each>) {
      const bool weights = name[0] == 'z' || name[0] == 't';
      for (Each& e : x) e = static_cast<Each>(weights ? 0.5 + 0.5 * number(random) : number(random));
    }
  });
  if constexpr (StateShape<M>::lazy) initial.view().clock.at(0, 0, 0, 0, 0) = -0.25;
  Options<T> options{.final = final, .sequences = how.sequences, .mask = how.mask, .direction = how.direction};
  State<M, double> initial_wide = converted<M, double>(initial), final_wide(initial_wide);
  Options<double> wide{.final = final_wide, .sequences = how.sequences, .mask = how.mask, .direction = how.direction};
  if (how.from_state) options.initial = initial.view(), wide.initial = initial_wide.view();
  Buffer<T> y(p.batch, p.tokens, p.heads, p.values);
  Buffer<double> want(p.batch, p.tokens, p.heads, p.values);
  y.fill(T(-99));
  reference(M{}, in, want.view(), wide);
  run(in, y.view(), options);
  CallSums sums = error_sums<M>(in, wide, p.batch, p.tokens, p.heads, p.values);
  if (M::expand::one_hot || M::shrink::one_hot) sums.keys = M::expand::one_hot && M::shrink::one_hot ? 1 : p.keys;
  const ErrorCost cost = error_cost<M>(sums, summed, true);
  const double eps = double(std::numeric_limits<T>::epsilon()), tiny = double(std::numeric_limits<T>::min());
  double worst = 0, largest = 0;
  for (Index n = 0; n < y.size(); ++n) {
    const double off = std::abs(double(y[n]) - want[n]);
    worst = (std::max)(worst, std::isnan(off) ? INFINITY : off / (eps * cost.of(sums.y[to_size(n)]) + tiny)),
    largest = (std::max)(largest, std::abs(want[n]));
  }
  CHECK(worst <= 1);
  CHECK((largest > 0 || p.tokens == 1));                   // a single token may read a row that nobody wrote
  double state_worst = 0;
  for (Index n = 0; n < N; ++n)
    for (Index h = 0; h < p.heads; ++h) {
      const auto is = settled<M>(final, n, h), should = settled<M>(final_wide, n, h);
      for (Index e = 0; e < p.keys * p.values; ++e) {
        const double off = std::abs(is.m[to_size(e)] - should.m[to_size(e)]);
        state_worst = (std::max)(
            state_worst,
            std::isnan(off) ? INFINITY : off / (eps * cost.of(sums.m[to_size((n * p.heads + h) * p.keys * p.values + e)]) + tiny));
      }
      if constexpr (M::normaliser::quotient)
        for (Index a = 0; a < p.keys; ++a) {
          const double off = std::abs(is.z[to_size(a * p.values)] - should.z[to_size(a * p.values)]);
          state_worst = (std::max)(
              state_worst, std::isnan(off) ? INFINITY : off / (eps * cost.of(sums.z[to_size((n * p.heads + h) * p.keys + a)]) + tiny));
        }
      CHECK(final.view().position.at(n, 0, 0, 0, 0) == final_wide.view().position.at(n, 0, 0, 0, 0));
    }
  CHECK(state_worst <= 1);

  // Without a final state the memory is the call's own: the same outputs.
  Buffer<T> again(y.view().batch(), p.tokens, p.heads, p.values);
  options.final = {};
  run(in, again.view(), options);
  bool same = true;
  for (Index n = 0; n < y.size(); ++n) same = same && (y[n] == again[n] || (how.mask && y[n] == T(0)));
  CHECK(same);
}

// Every mode that a code mixer has, in small blocks.
template <class M, class T> void check_modes(const CodeProblem<T>& p, const CodeInputs<const T>& in, const CodeRun& how) {
  const auto tuned = [](Options<T> o, Index chunk) {
    o.tuning.chunk = chunk, o.tuning.scan_chunk = chunk, o.tuning.scan_units = 1000, o.tuning.rows = 3;
    return o;
  };
  {
    INFO("recurrent");
    check_mode<M, T>(p, in, how, 1, [&](const auto& i, const auto& y, const auto& o) { recurrent(exec::seq, M{}, i, y, tuned(o, 1)); });
  }
  if constexpr (is_code_kernel<M>) {
    INFO("attend");
    check_mode<M, T>(p, in, how, p.tokens, [&](const auto& i, const auto& y, const auto& o) { attend(exec::seq, M{}, i, y, o); });
  }
  for (Index chunk : {1, 4, 37}) {
    INFO("chunk " << chunk);
    { INFO("scan"); check_mode<M, T>(p, in, how, 1, [&](const auto& i, const auto& y, const auto& o) { scan(exec::seq, M{}, i, y, tuned(o, chunk)); }); }
    {
      INFO("chunkwise");
      check_mode<M, T>(p, in, how, 37,
                       [&](const auto& i, const auto& y, const auto& o) { chunkwise(exec::seq, M{}, i, y, tuned(o, chunk)); });
    }
  }
}

template <class M, class T> void check_shapes() {
  unsigned seed = 1;
  for (const auto& [B, L, H, K, D] : {std::array<Index, 5>{2, 40, 2, 5, 3}, {1, 75, 1, 1, 17}, {1, 50, 2, 1000, 8}, {3, 1, 1, 2, 1}}) {
    if (!is_code_kernel<M> && K > 64) continue;
    INFO("B " << B << " T " << L << " H " << H << " K " << K << " D " << D);
    CodeProblem<T> p(B, L, H, K, D, seed++, K > 64 ? 20 : 0);
    Buffer<T> query(B, L, H, 3);
    p.draw(query, -1, 1);
    constexpr bool book = std::is_same_v<typename M::resolved_shrink, shrink::CodebookExp<>>;
    const auto in = book ? p.in(query) : p.in();
    check_modes<M, T>(p, in, {.from_state = false});
    check_modes<M, T>(p, in, {});
    check_modes<M, T>(p, in, {.direction = Direction::reverse});
    Buffer<std::uint8_t> mask(B, L, 1, 1);
    for (Index n = 0; n < mask.size(); ++n) mask[n] = n % 3 != 1;
    if (L > 1) check_modes<M, T>(p, in, {.mask = mask.view()});
    if (B == 1) {
      const std::vector<std::int64_t> offsets{0, 3, 3, 30, L};
      check_modes<M, T>(p, in, {.sequences = offsets});
    }
  }
}

}  // namespace lcsm::test
