// SPDX-License-Identifier: MIT
#pragma once

#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/mode/recurrent.hpp>

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

// Packed sequences, masks, direction and grouped heads of published mixers that no golden file runs; the conformance program has the others.
// Their kernels are those of their structure, which other tests run in every mode. What is a mixer's own are its terms: how they read tokens,
// positions and heads, and every mode reads them through the same tiles. So one mode in one type is enough here, and that is quick to compile.
namespace lcsm::test {

// What a call is made of beside the inputs.
struct Calls {
  Index batch = 1, tokens = 0;
  std::vector<std::int32_t> offsets{};
  std::vector<std::uint8_t> mask{};
  Direction direction = Direction::forward;
  Index sequences() const { return offsets.empty() ? batch : Index(offsets.size()) - 1; }
};
// For every component of a state, its numbers per sequence.
using Held = std::vector<std::vector<double>>;

// A mixer whose type is forgotten.
struct Published {
  struct Input {
    std::string name;
    bool streams;
    Axes axes;
  };
  std::vector<Input> inputs;
  bool keyed = false;
  Index parts = 1;
  static constexpr Index heads = 4, values = 3;
  Index keys() const { return keyed ? 4 : 1; }
  std::function<Held(const std::vector<View<const float>>& views, const Calls& call, const Held& initial, std::vector<float>& y)> run;
};

template <class M> Published published() {
  Published p;
  p.keyed = has_keys<M>(), p.parts = M::projection::parts;
  M::visit([&]<class Leaf>() { p.inputs.push_back({Leaf::name, Leaf::streams, Leaf::axes}); });
  p.run = [keys = p.keys()](const std::vector<View<const float>>& views, const Calls& call, const Held& initial, std::vector<float>& y) {
    constexpr Index width = M::projection::parts * Published::values;
    typename M::template In<const float> in{};
    std::size_t n = 0;
    M::visit([&]<class Leaf>() { LeafTraits<Leaf>::name::of(in) = views[n++]; });
    State<M, float> state(call.sequences(), Published::heads, keys, Published::values);
    n = 0;
    state.components([&](const char*, auto& buffer) {
      for (Index i = 0; !initial.empty() && i < buffer.size(); ++i) buffer[i] = static_cast<std::remove_cvref_t<decltype(buffer[0])>>(initial[n][to_size(i)]);
      ++n;
    });
    Options<float> options{.final = state.view(), .sequences = call.offsets.empty() ? Sequences() : Sequences(call.offsets), .direction = call.direction};
    if (!initial.empty()) options.initial = std::as_const(state).view();
    if (!call.mask.empty()) options.mask = lcsm::view(call.mask.data(), call.batch, call.tokens, 1, 1);
    y.assign(to_size(call.batch * call.tokens * Published::heads * width), std::numeric_limits<float>::quiet_NaN());
    recurrent(exec::seq, M{}, in, lcsm::view(y.data(), call.batch, call.tokens, Published::heads, width), options);
    Held out;
    state.components([&](const char*, const auto& buffer) { out.emplace_back(buffer.begin(), buffer.end()); });
    return out;
  };
  return p;
}

class PublishedCheck {
 public:
  PublishedCheck(const Published& p, std::uint64_t seed) : p_(p), random_(seed) {
    for (const auto& input : p_.inputs) {
      Numbers x;
      x.heads = Published::heads, x.rows = input.axes == Axes::matrix ? p_.keys() : 1;
      x.features = input.axes == Axes::one ? 1 : input.axes == Axes::key ? p_.keys() : Published::values;
      const auto before = std::find_if(p_.inputs.begin(), p_.inputs.end(), [&](const auto& other) { return other.name == input.name; });
      const std::size_t first = to_size(Index(before - p_.inputs.begin()));
      if (first < numbers_.size()) x = numbers_[first];      // two leaves of one name
      else
        for (Index n = 0; n < (input.streams ? rows * longest : 1) * x.heads * x.rows * x.features; ++n) x.values.push_back(number(input.name));
      numbers_.push_back(std::move(x));
    }
  }

  void all() {
    // What the rows give one by one, from states that earlier tokens have left.
    for (Index b = 0; b < rows; ++b) {
      Held start;
      const Run earlier = run({.batch = 1, .tokens = 4}, tokens(b, 5, 4), {});
      start = earlier.state;
      starts_.push_back(start);
      alone_.push_back(run({.batch = 1, .tokens = lengths[b]}, tokens(b, 0, lengths[b]), start));
      for (const float x : alone_.back().y) REQUIRE(std::isfinite(x));
    }
    packed(), masked(), reversed(), grouped();
  }

 private:
  static constexpr Index rows = 3, longest = 9, lengths[rows] = {5, 9, 3};
  struct Numbers {
    std::vector<float> values;                              // [rows, longest] or nothing, heads, rows, features
    Index heads = 0, rows = 0, features = 0;
    Index width() const { return heads * rows * features; }
  };
  struct Place { Index row, token; };                       // token -1: garbage
  using Places = std::vector<Place>;
  struct Run {
    std::vector<float> y;
    Held state;
  };

  float number(const std::string& name) {
    if (name == "lower_bound") return float(random_.uniform(0.1, 0.9));
    return float(random_.uniform(-1, 1));
  }
  static Places tokens(Index row, Index first, Index count) {
    Places out;
    for (Index t = first; t < first + count; ++t) out.push_back({row, t});
    return out;
  }
  Run run(const Calls& call, const Places& from, const Held& initial) { return run(call, from, initial, numbers_); }
  Run run(const Calls& call, const Places& from, const Held& initial, const std::vector<Numbers>& numbers) {
    std::vector<std::vector<float>> kept;
    std::vector<View<const float>> views;
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      const Numbers& x = numbers[n];
      if (!p_.inputs[n].streams) {
        views.push_back(parameter(x.values.data(), x.heads, x.rows, x.features));
        continue;
      }
      std::vector<float>& values = kept.emplace_back();
      for (const Place& place : from)
        for (Index i = 0; i < x.width(); ++i)
          values.push_back(place.token < 0 ? (i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : 1e38f) : x.values[to_size((place.row * longest + place.token) * x.width() + i)]);
      views.push_back(lcsm::view(std::as_const(values).data(), call.batch, call.tokens, x.heads, x.rows, x.features));
    }
    Run out;
    out.state = p_.run(views, call, initial, out.y);
    return out;
  }
  // States of sequences, one after the other.
  static Held joined(const std::vector<Held>& parts) {
    Held out = parts[0];
    for (std::size_t n = 1; n < parts.size(); ++n)
      for (std::size_t c = 0; c < out.size(); ++c) out[c].insert(out[c].end(), parts[n][c].begin(), parts[n][c].end());
    return out;
  }
  std::vector<float> token_of(const std::vector<float>& y, Index token) const {
    const std::ptrdiff_t width = Published::heads * p_.parts * Published::values;
    return {y.begin() + token * width, y.begin() + (token + 1) * width};
  }

  void packed() {
    INFO("packed");
    Calls call{.batch = 1, .offsets = {0}};
    Places from;
    for (Index b = 0; b < rows; ++b) {
      const Places more = tokens(b, 0, lengths[b]);
      from.insert(from.end(), more.begin(), more.end());
      call.offsets.push_back(std::int32_t(from.size()));
      if (b == 0) call.offsets.push_back(call.offsets.back());              // an empty one
    }
    call.tokens = Index(from.size());
    const Run together = run(call, from, joined({starts_[0], starts_[2], starts_[1], starts_[2]}));
    std::vector<float> y;
    for (const Run& one : alone_) y.insert(y.end(), one.y.begin(), one.y.end());
    CHECK(together.y == y);
    CHECK(together.state == joined({alone_[0].state, starts_[2], alone_[1].state, alone_[2].state}));
  }
  void masked() {
    INFO("masked");
    Calls call{.batch = rows, .tokens = 14};
    Places from;
    for (Index b = 0; b < rows; ++b)
      for (Index t = 0, next = 0; t < call.tokens; ++t) {
        const Index left = lengths[b] - next;
        const bool here = left > 0 && t > 0 && (left >= call.tokens - 1 - t || random_.one_in(2));
        from.push_back(here ? Place{b, next++} : Place{0, -1}), call.mask.push_back(here);
      }
    const Run together = run(call, from, joined(starts_));
    bool same = true;
    for (Index b = 0; b < rows; ++b)
      for (Index t = 0; t < call.tokens; ++t) {
        const std::vector<float> y = token_of(together.y, b * call.tokens + t);
        const Place& place = from[to_size(b * call.tokens + t)];
        same = same && y == (place.token < 0 ? std::vector<float>(y.size()) : token_of(alone_[to_size(b)].y, place.token));
      }
    CHECK(same);
    CHECK(together.state == joined({alone_[0].state, alone_[1].state, alone_[2].state}));
  }
  void reversed() {
    INFO("reversed");
    for (Index b = 0; b < rows; ++b) {
      Places from = tokens(b, 0, lengths[b]);
      std::reverse(from.begin(), from.end());
      const Run turned = run({.batch = 1, .tokens = lengths[b], .direction = Direction::reverse}, from, starts_[to_size(b)]);
      for (Index t = 0; t < lengths[b]; ++t) CHECK(token_of(turned.y, lengths[b] - 1 - t) == token_of(alone_[to_size(b)].y, t));
      CHECK(turned.state == alone_[to_size(b)].state);
    }
  }
  // Every second input for groups of two heads, the others for all four; and the other way round.
  void grouped() {
    INFO("grouped");
    for (const std::size_t which : {0u, 1u}) {
      std::vector<Numbers> few = numbers_, copied = numbers_;
      for (std::size_t n = 0; n < numbers_.size(); ++n) {
        const Numbers& x = numbers_[n];
        const Index groups = n % 2 == which ? 2 : 1, one = x.rows * x.features;
        few[n].heads = groups, few[n].values.clear(), copied[n].values.clear();
        for (Index at = 0; at < Index(x.values.size()); at += x.width())
          for (Index h = 0; h < Published::heads; ++h) {
            const auto from = x.values.begin() + at + h / (Published::heads / groups) * one;
            copied[n].values.insert(copied[n].values.end(), from, from + one);
            if (h < groups) few[n].values.insert(few[n].values.end(), x.values.begin() + at + h * one, x.values.begin() + at + (h + 1) * one);
          }
      }
      const Calls call{.batch = 1, .tokens = longest};
      const Run once = run(call, tokens(1, 0, longest), starts_[1], few), each = run(call, tokens(1, 0, longest), starts_[1], copied);
      CHECK(once.y == each.y);
      CHECK(once.state == each.state);
      CHECK_FALSE(once.y == alone_[1].y);                   // heads do differ
    }
  }

  Published p_;
  Random random_;
  std::vector<Numbers> numbers_;
  std::vector<Held> starts_;
  std::vector<Run> alone_;
};

template <class... M> void check_published() {
  std::uint64_t seed = 0;
  const auto check = [&](const Published& p) {
    INFO("mixer " << seed << " of the list");
    PublishedCheck(p, ++seed).all();
  };
  (check(published<M>()), ...);
}

}  // namespace lcsm::test
