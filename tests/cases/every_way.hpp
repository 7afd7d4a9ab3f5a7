// SPDX-License-Identifier: MIT
#pragma once

// One call in every mode that its mixer has, with other chunk sizes, rows per tile, thread counts and aliasing; what must be the same bits is held to it.

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/abilities.hpp>
#include <lcsm/mode/attention.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/mode/convolve.hpp>
#include <lcsm/mode/recurrent.hpp>
#include <lcsm/mode/reference.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/mode/step.hpp>

#include "support/arrange.hpp"
#include "support/catch.hpp"

#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace lcsm::test {

// Numbers in the middle of NaNs and on no border: who reads past an end shows it in the results, who writes there is caught.
template <class T> class Guarded {
 public:
  Guarded(Index size, T value) : size_(size), all_(to_size(size + 2 * margin), std::numeric_limits<T>::quiet_NaN()) { std::fill_n(data(), size, value); }
  T* data() { return all_.data() + margin; }
  const T* data() const { return all_.data() + margin; }
  Index size() const { return size_; }
  bool intact() const {
    for (Index n = 0; n < margin; ++n)
      if (!std::isnan(all_[to_size(n)]) || !std::isnan(all_[to_size(margin + size_ + n)])) return false;
    return true;
  }

 private:
  static constexpr Index margin = 67;
  Index size_;
  std::vector<T> all_;
};

// An array of a file as T (its inputs are exact in float), in the order `axes` says (support/arrange.hpp).
template <class T> struct Numbers {
  std::vector<Index> shape;
  std::string axes;
  Guarded<T> data;
  Numbers(const Array& a, std::string_view order) : shape(a.shape), axes(order), data(Index(a.values.size()), T(0)) {
    for (Index n = 0; n < data.size(); ++n) data.data()[n] = static_cast<T>(a.values[to_size(n)]);
  }
  View<const T> view() const { return arrange(data.data(), shape, axes); }
};

// The tolerance that a case comes with, as a part of the largest value. What is so many eps in float is so many in double.
template <class T> double tolerance(const Case& file) {
  const std::string& text = file.metadata("check.tol");
  const std::size_t at = text.find("<= ");
  const double float_tolerance = std::stod(at == std::string::npos ? text : text.substr(at + 3));
  REQUIRE((float_tolerance > 0 && float_tolerance <= 1e-3));
  return std::is_same_v<T, float> ? float_tolerance : float_tolerance * 0x1p-29;
}

struct Problem {
  Index batch = 1, tokens = 0, heads = 1, keys = 1, values = 1;
  std::vector<Index> chunks{4, 16, 64};
  View<const double> initial{};                             // of m; others start at nothing seen
  std::vector<std::int64_t> offsets{};
  View<const std::uint8_t> mask{};
  Direction direction = Direction::forward;

  Index sequences() const { return offsets.empty() ? batch : Index(offsets.size()) - 1; }
};

// What a call left behind, in double.
struct Outcome {
  std::string way;
  Buffer<double> y, m, m_imag, z;
};

// A policy of the tests' own, so that all of them share one instantiation: no thread at all (0), or some.
struct Threads {
  Index count = 0;
  Index workers(Index n) const { return count == 0 ? exec::seq.workers(n) : exec::Par{count}.workers(n); }
  template <class F> void for_each(Index n, F&& f) const {
    if (count == 0) exec::seq.for_each(n, f); else exec::Par{count}.for_each(n, f);
  }
};

struct Way {
  Mode mode;
  Tuning tuning;
  std::string name;
  int bits = 0;                                             // ways of one number agree in every bit
};
template <class M, class T> std::vector<Way> ways_of(const std::vector<Index>& chunks) {
  std::vector<Way> out;
  Tuning tuning;
  if (std::is_same_v<T, double>) out.push_back({Mode::reference, tuning, "reference", 1});
  out.push_back({Mode::recurrent, tuning, "recurrent", 2});
  tuning.rows = 3, out.push_back({Mode::recurrent, tuning, "recurrent, three rows at a time", 2});
  int bits = 3;
  if (has_mode<M>(Mode::scan)) {
    out.push_back({Mode::scan, Tuning{}, "scan", bits++});
    for (const Index length : {1, 4, 7}) {
      Tuning split;
      split.scan_units = 1 << 20, split.scan_chunk = length;
      out.push_back({Mode::scan, split, "scan over stretches of " + std::to_string(length), bits++});
    }
  }
  for (const Mode mode : {Mode::chunkwise, Mode::attention})
    if (has_mode<M>(mode))
      for (const Index chunk : chunks) {
        Tuning size;
        size.chunk = chunk;
        out.push_back({mode, size, std::string(name_of(mode)) + ", chunks of " + std::to_string(chunk), bits++});
      }
  if (has_mode<M>(Mode::convolution)) out.push_back({Mode::convolution, Tuning{.form = ConvolutionForm::direct}, "convolve", bits++});
  return out;
}
template <class M, class Exec, class T, class In> void run(const Way& way, const Exec& exec, const In& in, const View<T>& y, Options<T> options) {
  options.tuning = way.tuning;
  switch (way.mode) {
    case Mode::reference:
      if constexpr (std::is_same_v<T, double>) reference(M{}, in, y, options);
      break;
    case Mode::recurrent: recurrent(exec, M{}, in, y, options); break;
    case Mode::scan: scan(exec, M{}, in, y, options); break;
    case Mode::chunkwise:
      if constexpr (has_mode<M>(Mode::chunkwise)) chunkwise(exec, M{}, in, y, options);
      break;
    case Mode::attention: attend(exec, M{}, in, y, options); break;
    case Mode::convolution:
      if constexpr (has_mode<M>(Mode::convolution)) convolve(exec, M{}, in, y, options);
      break;
  }
}

// The inputs of some tokens: the streams among the members, sliced.
template <class M, class In> In tokens_of(const In& in, Index first, Index count) {
  In part = in;
  M::visit([&]<class Leaf>() {
    if constexpr (Leaf::streams) {
      auto& view = const_cast<std::remove_cvref_t<decltype(Leaf::view(part))>&>(Leaf::view(part));
      if (view.time() != 1 || view.stride[1] != 0) view = Leaf::view(in).tokens(first, count);
    }
  });
  return part;
}

template <class M, class T> State<M, T> fresh_state(const Problem& p) {
  State<M, T> state(p.sequences(), p.heads, p.keys, p.values);
  if (p.initial) {
    const View<T> m = state.view().m;
    for (Index n = 0; n < m.batch(); ++n)
      for (Index h = 0; h < m.head(); ++h)
        for (Index a = 0; a < m.row(); ++a)
          for (Index c = 0; c < m.feature(); ++c) m.at(n, 0, h, a, c) = static_cast<T>(p.initial.at(n, 0, h, a, c));
  }
  return state;
}
template <class T> void poison(Buffer<T>& x) {
  if constexpr (std::is_floating_point_v<T>) x.fill(std::numeric_limits<T>::quiet_NaN()); else x.fill(T(-1));
}
template <class T> Buffer<double> widened(const View<const T>& x) {
  Buffer<double> out(x.batch(), x.time(), x.head(), x.row(), x.feature());
  for (Index b = 0, n = 0; b < x.batch(); ++b)
    for (Index t = 0; t < x.time(); ++t)
      for (Index h = 0; h < x.head(); ++h)
        for (Index r = 0; r < x.row(); ++r)
          for (Index f = 0; f < x.feature(); ++f) out[n++] = double(x.at(b, t, h, r, f));
  return out;
}
inline bool same_bits(const Buffer<double>& x, const Buffer<double>& y) {
  return x.size() == y.size() && (x.size() == 0 || std::memcmp(x.data(), y.data(), to_size(x.size()) * sizeof(double)) == 0);
}

// Calls check(outcome) for the first of each kind; outputs and final states are NaN before every call. A mixer whose inputs are of another type than
// T computes in T all the same.
template <class M, class T, class In, class Check> void every_way(const In& in, const Problem& p, Check&& check) {
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  constexpr Index parts = M::projection::parts;
  const State<M, T> start = fresh_state<M, T>(p);
  std::vector<std::pair<int, Outcome>> seen;
  const auto compare = [&](int bits, Outcome outcome) {
    for (const auto& [group, first] : seen)
      if (group == bits) {
        CHECK(same_bits(outcome.y, first.y));
        CHECK(same_bits(outcome.m, first.m));
        CHECK(same_bits(outcome.m_imag, first.m_imag));
        CHECK(same_bits(outcome.z, first.z));
        return;
      }
    check(std::as_const(outcome));
    seen.emplace_back(bits, std::move(outcome));
  };
  const auto one = [&](const std::string& name, int bits, bool in_place, auto&& call) {
    INFO(name << (in_place ? ", final = initial" : "") << (std::is_same_v<T, float> ? ", float" : ", double"));
    Guarded<T> y(p.batch * p.tokens * p.heads * parts * p.values, nan), memory(p.sequences() * p.heads * p.keys * p.values, nan);
    State<M, T> state = start;
    if (!in_place) state.components([](const char*, auto& x) { poison(x); });
    StateView<T> final = state;
    final.m = lcsm::view(memory.data(), p.sequences(), 1, p.heads, p.keys, p.values);
    if (in_place) std::copy_n(start.view().m.data, memory.size(), memory.data());
    const View<T> out = lcsm::view(y.data(), p.batch, p.tokens, p.heads, parts * p.values);
    call(out, state, final);
    CHECK(y.intact());
    CHECK(memory.intact());
    for (Index n = 0; n < p.sequences(); ++n) {
      Index length = p.offsets.empty() ? p.tokens : Index(p.offsets[to_size(n + 1)] - p.offsets[to_size(n)]);
      if (p.mask) {
        length = 0;
        for (Index t = 0; t < p.tokens; ++t) length += p.mask.at(n, t, 0, 0, 0) != 0;
      }
      CHECK(Index(final.position.at(n, 0, 0, 0, 0)) == length);
    }
    compare(bits, {name, widened<T>(out), widened<T>(final.m), widened<T>(final.m_imag), widened<T>(final.z)});
  };

  for (const Way& way : ways_of<M, T>(p.chunks))
    for (const Index threads : {0, 1, 3}) {
      const bool in_place = threads == 3;
      if (way.mode == Mode::reference && threads == 1) continue;
      one(way.name + ", " + std::to_string(threads) + " threads", way.bits, in_place, [&](const View<T>& y, State<M, T>&, const StateView<T>& final) {
        Options<T> options{.final = final, .mask = p.mask, .direction = p.direction};
        if (in_place) options.initial = final; else if (p.initial) options.initial = start.view();
        if (!p.offsets.empty()) options.sequences = p.offsets;
        run<M>(way, Threads{threads}, in, y, options);
      });
    }
  if (!p.offsets.empty() || p.mask) return;                 // a step is one token of every sequence
  one("step", 2, true, [&](const View<T>& y, State<M, T>& state, const StateView<T>& final) {
    for (Index j = 0; j < p.tokens; ++j) {
      const Index t = p.direction == Direction::reverse ? p.tokens - 1 - j : j;
      step(M{}, tokens_of<M>(in, t, 1), y.tokens(t, 1), state);
    }
    std::copy_n(state.view().m.data, final.m.extent[0] * final.m.stride[0], final.m.data);
  });
}

// Output and final memory against a file's, within `limit` of the largest of each. `memory`: where the axes of the file's state go.
inline void agrees(const View<const double>& given, const View<const double>& right, double limit) { CHECK(relative_error(given, right) <= limit); }
template <class T> auto agrees_with(const Case& file, std::string output, std::string state, std::string memory = "bhrf") {
  return [=, y = file.out(output), m = file.out(state), limit = tolerance<T>(file)](const Outcome& x) {
    agrees(x.y, arrange(y, "bthf"), limit);
    agrees(x.m, arrange(m, memory), limit);
  };
}

}  // namespace lcsm::test
