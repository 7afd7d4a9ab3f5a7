// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/held.hpp>
#include <lcsm/call/options.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace lcsm {

// The door of every call: sizes are read off, every argument is checked, and what is wrong is said once, before anything is written.
namespace door {

inline std::string text(Index n) { return std::to_string(n); }

// One axis of a view: as long as expected, or said to be the same along it (extent 1, stride 0).
template <class T> void axis(const char* function, const char* argument, const View<T>& v, std::size_t axis, Index expected, bool may_repeat) {
  static constexpr const char* names[] = {"batch", "time", "head", "row", "feature"};
  const Index given = v.extent[axis];
  const bool repeats = may_repeat && given == 1 && v.stride[axis] == 0;
  if (given != expected && !repeats) raise<ShapeError>(function, argument, std::string(names[axis]) + " extent " + text(expected), text(given));
}
template <class T> bool empty(const View<T>& v) {
  for (Index n : v.extent)
    if (n == 0) return true;
  return false;
}
template <class T> void data(const char* function, const char* argument, const View<T>& v) {
  if (!v.data && !empty(v)) raise<ShapeError>(function, argument, "data", "a null pointer");
}
template <class T> void grouped_heads(const char* function, const char* argument, const View<T>& v, Index heads) {
  const Index given = v.head();
  if (heads == 0 ? given < 0 : (given < 1 || heads % given != 0)) raise<ShapeError>(function, argument, "a number of heads that divides " + text(heads), text(given));
}
template <class T> void output_axes(const char* function, const char* argument, const View<T>& v) {
  if (empty(v)) return;                                     // the dense strides of no numbers are 0
  for (std::size_t x = 0; x < View<T>::axes; ++x)
    if (v.extent[x] > 1 && v.stride[x] == 0) raise<ShapeError>(function, argument, "an output of its own in every place", "a view with stride 0");
}

// Leaves: which extent is the key width, and whether all of them agree with the call.
template <class Leaf> concept Code = requires { Leaf::is_code; };

template <class Leaf, class In> Index keys_of(const In& in) {
  if constexpr (Code<Leaf>) return Index(in.codes);
  else if constexpr (requires { Leaf::book(in); }) return Leaf::book(in).row();
  else {
    const auto& v = Leaf::view(in);
    const std::size_t x = Leaf::axes == Axes::matrix ? 3 : 4;
    if (Leaf::axes != Axes::key && Leaf::axes != Axes::matrix) return -1;
    return v.extent[x] == 1 && v.stride[x] == 0 ? -1 : v.extent[x];
  }
}

template <class Leaf, class In> void leaf(const char* function, const In& in, const Extent& n, Index batch, Index tokens) {
  const auto& v = Leaf::view(in);
  const char* name = Leaf::name;
  data(function, name, v);
  axis(function, name, v, 0, Leaf::streams ? batch : 1, true), axis(function, name, v, 1, Leaf::streams ? tokens : 1, true);
  grouped_heads(function, name, v, n.heads);
  if constexpr (Code<Leaf>) {
    axis(function, name, v, 3, 1, true), axis(function, name, v, 4, 1, true);
    for (Index b = 0; b < v.batch(); ++b)
      for (Index t = 0; t < v.time(); ++t)
        for (Index h = 0; h < v.head(); ++h) {
          const auto code = v.at(b, t, h, 0, 0);
          if (Index(code) < 0 || Index(code) >= n.keys)
            raise<ShapeError>(function, name, "codes in [0, " + text(n.keys) + ")", text(Index(code)) + " at token " + text(t));
        }
  } else if constexpr (requires { Leaf::book(in); }) {
    const auto& book = Leaf::book(in);
    data(function, Leaf::book_name, book);
    axis(function, name, v, 3, 1, true);
    axis(function, Leaf::book_name, book, 0, 1, true), axis(function, Leaf::book_name, book, 1, 1, true);
    grouped_heads(function, Leaf::book_name, book, n.heads);
    axis(function, Leaf::book_name, book, 3, n.keys, false), axis(function, Leaf::book_name, book, 4, v.feature(), false);
  } else {
    axis(function, name, v, 3, Leaf::axes == Axes::matrix ? n.keys : 1, true);
    axis(function, name, v, 4, Leaf::axes == Axes::one ? 1 : Leaf::axes == Axes::key ? n.keys : n.values, true);
  }
}

template <class T> void component(const char* function, const char* which, const char* name, const View<T>& v, Index sequences, Index heads, Index rows, Index features) {
  const std::string argument = std::string(which) + "." + name;
  const Index expected[] = {sequences, 1, heads, rows, features};
  for (std::size_t x = 0; x < 5; ++x) axis(function, argument.c_str(), v, x, expected[x], false);
  data(function, argument.c_str(), v);
  if constexpr (!std::is_const_v<T>) output_axes(function, argument.c_str(), v);
  if (v.stride[4] != 1 && features > 1) raise<ShapeError>(function, argument, "features side by side (stride 1)", "stride " + text(v.stride[4]));
}
template <class M, class T> void state(const char* function, const char* which, const StateView<T>& s, const Extent& n) {
  using Shape = StateShape<M>;
  component(function, which, "m", s.m, n.sequences, n.heads, n.keys, n.values);
  if constexpr (Shape::has_imag) component(function, which, "m_imag", s.m_imag, n.sequences, n.heads, n.keys, n.values);
  const Index z_rows = Shape::z_per_channel ? n.keys : 1, z_features = Shape::z_per_channel ? n.values : n.keys;
  if constexpr (Shape::has_z) component(function, which, "z", s.z, n.sequences, n.heads, z_rows, z_features);
  if constexpr (Shape::z_imag) component(function, which, "z_imag", s.z_imag, n.sequences, n.heads, z_rows, z_features);
  if constexpr (Shape::has_p) component(function, which, "p", s.p, n.sequences, n.heads, 1, M::scale_per_channel ? n.values : 1);
  if constexpr (Shape::lazy) component(function, which, "touched", s.touched, n.sequences, n.heads, 2, n.keys), component(function, which, "clock", s.clock, n.sequences, n.heads, 2, 1);
  component(function, which, "position", s.position, n.sequences, 1, 1, 1);
}

// The key width: from the leaves, else from a state, else 1.
template <class M, class In> Index key_width(const In& in, Index from_state) {
  Index keys = -1;
  M::visit([&]<class Leaf>() {
    if (const Index k = keys_of<Leaf>(in); keys < 0 && k >= 0) keys = k;
  });
  return keys >= 0 ? keys : from_state >= 0 ? from_state : 1;
}
// The value width where no output says it: from the leaves of the value axis; -1 if all of them are the same along it.
template <class M, class In> Index value_width(const In& in) {
  Index values = -1;
  M::visit([&]<class Leaf>() {
    if constexpr (Leaf::axes == Axes::value || Leaf::axes == Axes::matrix) {
      const auto& v = Leaf::view(in);
      if (values < 0 && !(v.extent[4] == 1 && v.stride[4] == 0)) values = v.extent[4];
    }
  });
  return values;
}
template <class M, class In> void inputs(const char* function, const In& in, const Extent& n, Index batch, Index tokens) {
  M::visit([&]<class Leaf>() { leaf<Leaf>(function, in, n, batch, tokens); });
}

template <class M, class T> void saved(const char* function, const SavedView<T>& s, const Extent& n, const std::vector<Timeline>& streams) {
  if (s.every < 1) raise<OptionError>(function, "saved.every", "at least 1", text(s.every));
  if (s.blocks < 1) raise<OptionError>(function, "saved.blocks", "at least 1", text(s.blocks));
  Extent all = n;
  all.sequences *= s.blocks;
  state<M>(function, "saved", s.states, all);
  for (const Timeline& time : streams)
    if (time.length > s.blocks * s.every) raise<OptionError>(function, "saved", "room for " + text(time.length) + " tokens", text(s.blocks * s.every));
}

inline void tuning(const char* function, const Tuning& t) {
  const auto positive = [&](const char* name, Index value) {
    if (value < 1) raise<OptionError>(function, std::string("tuning.") + name, "at least 1", text(value));
  };
  positive("chunk", t.chunk), positive("scan_chunk", t.scan_chunk), positive("scan_units", t.scan_units), positive("rows", t.rows), positive("streamed", t.streamed);
}
inline void offsets(const char* function, const Sequences& s, Index batch, Index tokens) {
  const auto fail = [&](const std::string& expected, const std::string& given) { raise<SequenceError>(function, "sequences", expected, given); };
  if (batch != 1) fail("a batch of 1 for packed sequences", "a batch of " + text(batch));
  if (s.size() < 2) fail("at least 2 offsets", text(s.size()));
  if (s[0] != 0) fail("0 at index 0", text(s[0]));
  for (Index n = 1; n < s.size(); ++n)
    if (s[n] < s[n - 1]) fail("offsets that never decrease", text(s[n]) + " at index " + text(n) + " after " + text(s[n - 1]));
    else if (s[n] > tokens) fail("no offset above " + text(tokens), text(s[n]) + " at index " + text(n));
  if (s[s.size() - 1] != tokens) fail(text(tokens) + " at index " + text(s.size() - 1), text(s[s.size() - 1]));
}

// The streams of a call: how many sequences there are and which tokens each of them has. From any options with sequences, mask and direction.
template <class Opt> std::vector<Timeline> timelines(const char* function, Index batch, Index tokens, const Opt& opt, std::vector<Index>& table) {
  const bool reverse = opt.direction == Direction::reverse;
  std::vector<Timeline> out;
  data(function, "mask", opt.mask);
  if (opt.sequences.given()) {
    offsets(function, opt.sequences, batch, tokens);
    if (opt.mask) raise<SequenceError>(function, "mask", "either offsets of packed sequences or a mask", "both");
    for (Index n = 0; n + 1 < opt.sequences.size(); ++n) {
      const Index begin = opt.sequences[n], end = opt.sequences[n + 1];
      out.push_back({.length = end - begin, .begin = reverse ? end - 1 : begin, .step = reverse ? -1 : 1});
    }
  } else if (opt.mask) {
    axis(function, "mask", opt.mask, 0, batch, true), axis(function, "mask", opt.mask, 1, tokens, false);
    for (std::size_t x = 2; x < 5; ++x) axis(function, "mask", opt.mask, x, 1, true);
    table.reserve(to_size(batch * tokens));
    std::vector<Index> ends;
    for (Index b = 0; b < batch; ++b) {
      for (Index j = 0; j < tokens; ++j)
        if (const Index t = reverse ? tokens - 1 - j : j; opt.mask.at(b, t, 0, 0, 0) != 0) table.push_back(t);
      ends.push_back(Index(table.size()));
    }
    for (Index b = 0; b < batch; ++b) {
      const Index begin = b > 0 ? ends[to_size(b - 1)] : 0;
      out.push_back({.length = ends[to_size(b)] - begin, .table = table.data() + begin});
    }
  } else {
    for (Index b = 0; b < batch; ++b) out.push_back({.length = tokens, .begin = reverse ? std::max<Index>(tokens - 1, 0) : 0, .step = reverse ? -1 : 1});
  }
  return out;
}

// Modes that keep no memories on their way.
template <class T> void nothing_saved(const char* function, const Options<T>& opt) {
  if (opt.saved) raise<OptionError>(function, "saved", "no saved memories: this mode has none", "some");
}

}  // namespace door

// A checked call.
template <class M, class T, class In> struct Call {
  const In& in;
  const Options<T>& options;
  Extent extent;
  bool packed;
  std::vector<Index> table;
  std::vector<Timeline> streams;
  std::vector<Index> held_from;

  // batch, tokens, heads, values: read off the output.
  Call(const char* function, const In& inputs, const Options<T>& opt, Index batch, Index tokens, Index heads, Index values)
      : in(inputs), options(opt), packed(opt.sequences.given()) {
    door::tuning(function, opt.tuning);
    door::data(function, "initial.m", opt.initial.m), door::data(function, "final.m", opt.final.m);
    streams = door::timelines(function, batch, tokens, opt, table);
    const Index from_state = opt.initial ? opt.initial.m.row() : opt.final ? opt.final.m.row() : -1;
    extent = {Index(streams.size()), tokens, heads, door::key_width<M>(in, from_state), values};
    door::inputs<M>(function, in, extent, batch, tokens);
    if (opt.initial) door::state<M>(function, "initial", opt.initial, extent);
    if (opt.final) door::state<M>(function, "final", opt.final, extent);
    if (opt.saved) {
      if constexpr (M::coded) raise<OptionError>(function, "saved", "no saved memories: those of codes are not kept in blocks", "some");
      door::saved<M>(function, opt.saved, extent, streams);
    }
    if (opt.initial)
      for (Index n = 0; n < extent.sequences; ++n) streams[to_size(n)].position = Index(opt.initial.position.at(n, 0, 0, 0, 0));
    if constexpr (held_codes<M>) {
      held_from.resize(to_size(units() * extent.keys));
      for (Index u = 0; u < units(); ++u) fill_held<M>(held_from.data() + u * extent.keys, in, unit(u), opt.initial);
    }
  }

  Run run(Index sequence, Index head) const {
    const Index* held = held_codes<M> ? held_from.data() + (sequence * extent.heads + head) * extent.keys : nullptr;
    return {.extent = extent, .time = streams[to_size(sequence)], .batch = packed ? 0 : sequence, .head = head, .sequence = sequence, .held_from = held};
  }
  Index units() const { return extent.sequences * extent.heads; }
  Run unit(Index n) const { return run(n / extent.heads, n % extent.heads); }
};

// The tokens seen, in the final state. Heads share the count, so it is written once all of them are done.
template <class Call> void finish_positions(const Call& call) {
  if (const auto& saved = call.options.saved)
    for (Index n = 0; n < call.extent.sequences; ++n)
      for (Index b = 0; b < saved.blocks; ++b) {
        const Timeline& time = call.streams[to_size(n)];
        saved.states.position.at(n * saved.blocks + b, 0, 0, 0, 0) = b * saved.every < time.length ? time.position + b * saved.every : -1;
      }
  if (!call.options.final) return;
  for (Index n = 0; n < call.extent.sequences; ++n) {
    const Timeline& time = call.streams[to_size(n)];
    call.options.final.position.at(n, 0, 0, 0, 0) = time.position + time.length;
  }
}

// The same with an output [B, T, H, 1, parts * D], as nearly every mode has one.
template <class M, class T, class In, class S> Call<M, T, In> checked_call(const char* function, const In& in, const View<S>& y, const Options<T>& opt) {
  constexpr Index parts = M::projection::parts;
  door::data(function, "y", y), door::axis(function, "y", y, 3, 1, true), door::output_axes(function, "y", y);
  if (y.feature() % parts != 0) raise<ShapeError>(function, "y", "a feature extent that holds " + door::text(parts) + " parts", door::text(y.feature()));
  return Call<M, T, In>(function, in, opt, y.batch(), y.time(), y.head(), y.feature() / parts);
}

}  // namespace lcsm
