// SPDX-License-Identifier: MIT
#pragma once

#include "composition.hpp"

#include <support/properties.hpp>

#include <cstdio>
#include <utility>

namespace lcsm::grid {

using namespace lcsm::test;

// The columns of a row: every way to run a mixer, the attention matrix times the input, and a sequence cut in two.
enum class Column { recurrent, step, sweep, scan, chunkwise, attend, mix, convolve, fourier, matrix, split };
inline constexpr int columns = 11;

// Largest errors over their bounds (above 1 is wrong), or the library's reason for not having a mode.
struct Result {
  double worst[columns] = {};
  const char* why_not[columns] = {};
  bool fine() const {
    for (const double x : worst) if (!(x <= 1)) return false;
    return true;
  }
};

// One mixer in all of its modes: a batch of two, two heads, three keys and five channels, 19 tokens in chunks of 7 from a state; then the matrix, which
// has no state; then the same sequence in two calls.
template <class M, class T> Result check(std::uint64_t seed) {
  Result out;
  const auto take = [&](Column c, double x) {
    double& worst = out.worst[int(c)];
    if (!(x <= worst)) worst = x;
  };
  using Call = RandomCall<M, T, T>;
  const Shape n{2, 19, 2, has_keys<M>() ? Index(3) : Index(1), 5};
  Random random(seed);
  Style style = random_style(random);
  const Index layout = random.below(2);
  style.dense = layout == 0;
  {
    Call call(n, style, Call::plain, random);
    if (!call.initial) call.initial.emplace(random_state<M, T, T>(n.batch, n, style, random)), call.options.initial = std::as_const(*call.initial).view();
    call.options.direction = Direction::forward;
    call.options.tuning.rows = 3, call.options.tuning.chunk = 7, call.options.tuning.scan_chunk = 5;
    const Definition<M, T, T> definition(call);
    for (const Way way : ways) {
      if (has_way<M>(way)) take(Column(int(way)), definition.worst(call, way, call.result(way, random, exec::seq)));
      else out.why_not[int(way)] = why_not<M>(way == Way::chunkwise ? Mode::chunkwise : way == Way::attend ? Mode::attention : way == Way::convolve || way == Way::fourier ? Mode::convolution : Mode::scan);
    }
    auto cut = call.empty_result(random);
    const Index first = 8;
    State<M, T> state(n.batch, n.heads, n.keys, n.values);
    Options<T> options = call.options;
    options.final = state;
    run<M, T, T, exec::Seq>(Way::mix, exec::seq, tokens_of<M>(call.in, 0, first), cut.y.view.tokens(0, first), options);
    options.initial = std::as_const(state).view(), options.final = cut.final.view();
    run<M, T, T, exec::Seq>(Way::mix, exec::seq, tokens_of<M>(call.in, first, n.tokens - first), cut.y.view.tokens(first, n.tokens - first), options);
    take(Column::split, definition.worst(call, Way::mix, cut));
  }
  Call call(n, style, Call::plain, random);
  call.initial.reset(), call.options.initial = {};
  call.options.tuning.chunk = 7;
  const Definition<M, T, T> definition(call);
  const test::Guarded<T> a({n.batch, n.tokens, n.heads, attention_rows<M>(n.values), n.tokens}, any_layout(random), random);
  attention_matrix(exec::seq, M{}, call.in, a.view, call.options);
  take(Column::matrix, definition.worst_of_matrix(call, a.view));
  return out;
}

// The tab-separated table.
inline void print_row(const std::string& names, const Result& r) {
  std::printf("%s\t%s", r.fine() ? "ok" : "WRONG", names.c_str());
  for (int c = 0; c < columns; ++c)
    if (r.why_not[c]) std::printf("\tno: %s", r.why_not[c]); else std::printf("\t%.2g", r.worst[c]);
  std::printf("\n");
}

inline std::string names_of(int triple) {
  std::string text = std::to_string(triple);
  const auto x = levels_of(choice(triple));
  for (int f = 0; f < factors; ++f) text += "\t" + level_name(f, x[std::size_t(f)]);
  return text;
}
template <int N, class T> bool run_composition() {
  using M = Composition<N>;
  const Result r = check<M, T>(std::uint64_t(N) + 1);
  print_row(names_of(N) + "\t" + (sizeof(T) == 8 ? "double" : "float"), r);
  return r.fine();
}

}  // namespace lcsm::grid
