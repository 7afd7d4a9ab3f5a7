// SPDX-License-Identifier: MIT
#pragma once

#include "properties.hpp"

namespace lcsm::test {

// What must hold to the bit, or within the bound where a mode adds in another order. Each check makes its own random calls.
template <class M, class S = float, class T = storage_compute_t<S>> class Invariants {
  using Call = RandomCall<M, S, T>;
  using Result = typename Call::Result;
  static constexpr Index parts = M::projection::parts;

 public:
  explicit Invariants(std::uint64_t seed) : seed_(seed) {}
  void all() {
    cuts(), packed(), masked(), reversed(), threads(), one_state(), containment();
  }

  // Cut anywhere: recurrent and step to the bit, with each other and whole; the others within the bound of the whole.
  void cuts() {
    for_calls(6, Call::plain, [&](const Call& call, Random& random) {
      const Definition<M, S, T> definition(call);
      const Result whole = call.result(Way::recurrent, random);
      for_ways([&](Way way) {
        Result cut = call.empty_result(random);
        State<M, T> state(call.n.batch, call.n.heads, call.n.keys, call.n.values);
        Options<T> options = call.options;
        const bool reverse = options.direction == Direction::reverse;
        for (Index done = 0; done < call.n.tokens || done == 0;) {
          const Index count = std::min(call.n.tokens - done, random.below(call.n.tokens / 2 + 2)),
                      first = reverse ? call.n.tokens - done - count : done;
          options.final = state;
          run<M, S, T>(way, {}, tokens_of<M>(call.in, first, count), cut.y.view.tokens(first, count), options);
          options.initial = std::as_const(state).view();
          done += count;
          if (call.n.tokens == 0) break;
        }
        copy_state(cut.final.view(), std::as_const(state).view());
        if (is_token_by_token(way)) CHECK(cut.same_bits_as(whole));
        else CHECK(definition.worst(call, way, cut) <= 1);
      });
    });
  }

  // Packed sequences are as if each were a call of its own.
  void packed() {
    for_calls(6, Call::packed, [&](const Call& call, Random& random) {
      for_ways([&](Way way) {
        if (way == Way::step || splits_by_shape(way)) return;
        const Result together = call.result(way, random);
        Result apart = call.empty_result(random);
        for (Index n = 0; n < call.sequences; ++n) {
          const Index first = call.offsets[to_size(n)], count = call.offsets[to_size(n + 1)] - first;
          Options<T> options = call.options;
          options.sequences = {}, options.final = sequence_of(apart.final.view(), n);
          if (call.initial) options.initial = sequence_of(std::as_const(*call.initial).view(), n);
          run<M, S, T>(way, {}, tokens_of<M>(call.in, first, count), apart.y.view.tokens(first, count), options);
        }
        CHECK(together.same_bits_as(apart));
      });
    });
  }

  // A masked token, of whatever numbers, is as if it were not there, and writes 0.
  void masked() {
    for_calls(6, Call::masked, [&](Call& call, Random& random) {
      std::vector<std::shared_ptr<void>> kept;
      std::vector<Inputs<S>> compact;                       // of each row of the batch
      std::vector<std::vector<Index>> tokens(to_size(call.n.batch));
      for (Index b = 0; b < call.n.batch; ++b) {
        for (Index t = 0; t < call.n.tokens; ++t)
          if (call.mask[to_size(b * call.n.tokens + t)] != 0) tokens[to_size(b)].push_back(t);
        compact.push_back(map_streams<M>(batch_of<M>(call.in, b, 1), [&]<class E>(View<const E> v) {
          if (v.extent[1] == 1 && v.stride[1] == 0) return v;
          const auto copy =
              std::make_shared<Guarded<E>>(std::array<Index, 5>{1, Index(tokens[to_size(b)].size()), v.head(), v.row(), v.feature()},
                                           Layout::dense, random);
          kept.push_back(copy);
          const View<E> to = copy->view;
          for (Index t = 0; t < to.time(); ++t)
            for (Index h = 0; h < to.head(); ++h)
              for (Index r = 0; r < to.row(); ++r)
                for (Index c = 0; c < to.feature(); ++c) to.at(0, t, h, r, c) = v.at(0, tokens[to_size(b)][to_size(t)], h, r, c);
          View<const E> out = to;
          for (std::size_t x : {0u, 2u, 3u, 4u}) if (v.extent[x] == 1 && v.stride[x] == 0) out.stride[x] = 0;
          return out;
        }));
      }
      for_ways([&](Way way) {
        if (way == Way::step || splits_by_shape(way)) return;
        const Result full = call.result(way, random);
        bool zeros = true, same = true;
        for (Index b = 0; b < call.n.batch; ++b) {
          const Index count = Index(tokens[to_size(b)].size());
          const Shape n{1, count, call.n.heads, call.n.keys, call.n.values};
          Guarded<S> y({1, count, n.heads, 1, parts * n.values}, Layout::dense, random);
          const GuardedState<M, T> final(1, n, Layout::dense, random);
          Options<T> options = call.options;
          options.mask = {}, options.final = final;
          if (call.initial) options.initial = sequence_of(std::as_const(*call.initial).view(), b);
          run<M, S, T>(way, {}, compact[to_size(b)], y.view, options);
          for (Index t = 0, at = 0; t < call.n.tokens; ++t) {
            const View<S> row = full.y.view.batches(b, 1).tokens(t, 1);
            if (at < count && tokens[to_size(b)][to_size(at)] == t) same = same && same_view(row, y.view.tokens(at, 1)), ++at;
            else
              for (Index h = 0; h < n.heads; ++h)
                for (Index c = 0; c < row.feature(); ++c) zeros = zeros && same_bits(row.at(0, 0, h, 0, c), S(0.0f));
          }
          same = same && same_state(sequence_of(full.final.view(), b), final.view());
        }
        CHECK(same);
        CHECK(zeros);
      });
    }, true);
  }

  // Time backwards is the same mixer on the tokens in reverse.
  void reversed() {
    for_calls(6, Call::plain, [&](const Call& call, Random& random) {
      const Inputs<S> turned = backwards<M>(call.in);
      for_ways([&](Way way) {
        Result mirror = call.empty_result(random);
        View<S> y = mirror.y.view;
        if (y.time() > 1) y.data += (y.time() - 1) * y.stride[1], y.stride[1] = -y.stride[1];
        Options<T> options = call.options;
        options.direction = options.direction == Direction::reverse ? Direction::forward : Direction::reverse, options.final = mirror.final;
        run<M, S, T>(way, {}, turned, y, options);
        CHECK(call.result(way, random).same_bits_as(mirror));
      });
    });
  }

  // No number of threads changes a bit.
  void threads() {
    for (const auto kind : {Call::plain, Call::packed, Call::masked})
      for_calls(2, kind, [&](const Call& call, Random& random) {
        for_ways([&](Way way) {
          if (way == Way::step) return;
          const Result alone = call.result(way, random);
          for (const Index count : {1, 2, 3, 7, 64}) {
            INFO(count << " threads");
            CHECK(call.result(way, random, {count}).same_bits_as(alone));
          }
        });
      });
  }

  // The final state may be the initial one, and its numbers are those of a state apart.
  void one_state() {
    for (const auto kind : {Call::plain, Call::packed, Call::masked})
      for_calls(3, kind, [&](const Call& call, Random& random) {
        if (!call.initial) return;
        for_ways([&](Way way) {
          if (way == Way::step) return;
          const Result apart = call.result(way, random);
          const Result in_place = call.empty_result(random);
          copy_state(in_place.final.view(), std::as_const(*call.initial).view());
          Options<T> options = call.options;
          options.initial = in_place.final.view(), options.final = in_place.final.view();
          run<M, S, T>(way, {}, call.in, in_place.y.view, options);
          CHECK(in_place.same_bits_as(apart));
          CHECK(in_place.slack_is_untouched());
          Guarded<S> only_y({call.n.batch, call.n.tokens, call.n.heads, 1, parts * call.n.values}, Layout::dense,
                            random);  // no final state at all
          run<M, S, T>(way, {}, call.in, only_y.view, call.options);
          CHECK(same_view(only_y.view, apart.y.view));
        });
      });
  }

  // A NaN at one token of one head, in all its streams, one after the other: nothing before it, in no other head, in no other sequence.
  void containment() {
    for_calls(3, Call::plain, [&](Call& call, Random& random) {
      if (call.n.tokens == 0) return;
      const Index b = random.below(call.n.batch), t = random.below(call.n.tokens), h = random.below(call.n.heads);
      for_ways([&](Way way) {
        const Result clean = call.result(way, random);
        M::visit([&]<class Leaf>() {
          using Name = typename LeafTraits<Leaf>::name;
          if constexpr (Leaf::streams && !is_code_leaf<Leaf>) {
            const auto v = Name::of(call.in);
            std::vector<S> saved;
            const auto each = [&](auto&& f) {
              for (Index r = 0; r < v.row(); ++r)
                for (Index c = 0; c < v.feature(); ++c) f(const_cast<S&>(v.at(b, t, h, r, c)));
            };
            each([&](S& x) { saved.push_back(x), x = static_cast<S>(std::numeric_limits<float>::quiet_NaN()); });
            const Result dirty = call.result(way, random);
            std::size_t n = 0;
            each([&](S& x) { x = saved[n++]; });
            INFO("NaN in " << Leaf::name << " of sequence " << b << ", token " << t << ", head " << h);
            bool reaches = false, leaks = false;
            for (Index b1 = 0; b1 < call.n.batch; ++b1)
              for (Index h1 = 0; h1 < call.n.heads; ++h1) {
                const bool here = b1 == b && h1 == h;
                if (!here)
                  leaks = leaks ||
                          !same_state(head_of(sequence_of(dirty.final.view(), b1), h1), head_of(sequence_of(clean.final.view(), b1), h1));
                for (Index t1 = 0; t1 < call.n.tokens; ++t1) {
                  const bool later = call.options.direction == Direction::reverse ? t1 <= t : t1 >= t;
                  // The channel of a NaN is summed in another order than its transform, with the same values before it.
                  const bool sums_again = here && way == Way::fourier;
                  const bool same = sums_again && !later ? is_number(dirty.y.view.batches(b1, 1).heads(h1, 1).tokens(t1, 1)) : same_view(dirty.y.view.batches(b1, 1).heads(h1, 1).tokens(t1, 1),
                                              clean.y.view.batches(b1, 1).heads(h1, 1).tokens(t1, 1));
                  if (!(here && later)) leaks = leaks || !same; else reaches = reaches || !same;
                }
              }
            CHECK_FALSE(leaks);
            if constexpr (!M::readout::previous && !M::coded) CHECK(reaches);    // a row of a code may never be read
          }
        });
      });
    }, false, Style{.broadcast = false, .groups = false, .closed_gates = false});
  }

 private:
  static bool is_number(const View<const S>& v) {
    for (Index c = 0; c < v.feature(); ++c)
      if (std::isnan(double(static_cast<storage_compute_t<S>>(v.at(0, 0, 0, 0, c))))) return false;
    return true;
  }
  template <class F> void for_ways(F&& f) {
    for (const Way way : ways)
      if (has_way<M>(way)) {
        INFO(name_of(way));
        f(way);
      }
  }
  template <class F> void for_calls(Index count, typename Call::Kind kind, F&& f, bool poisoned = false, std::optional<Style> fixed = {}) {
    for (Index n = 0; n < repeated(count); ++n) {
      Random random(++seed_);
      const Shape shape = random_shape(has_keys<M>(), kind == Call::packed, random);
      const Style style = fixed ? *fixed : random_style(random);
      Call call(shape, style, kind, random);
      if (poisoned) poison_masked(call);
      INFO("seed " << seed_ << ": " << call.text());
      f(call, random);
    }
  }
  // NaN into every masked token that is not shared with others.
  static void poison_masked(Call& call) {
    map_streams<M>(call.in, [&]<class E>(View<const E> v) {
      if constexpr (std::is_same_v<E, S>)
        if (v.extent[1] == call.n.tokens && v.extent[0] == call.n.batch && !(v.extent[1] == 1 && v.stride[1] == 0) &&
            !(v.extent[0] == 1 && v.stride[0] == 0))
          for (Index b = 0; b < v.batch(); ++b)
            for (Index t = 0; t < v.time(); ++t)
              if (call.mask[to_size(b * call.n.tokens + t)] == 0)
                for (Index h = 0; h < v.head(); ++h)
                  for (Index r = 0; r < v.row(); ++r)
                    for (Index c = 0; c < v.feature(); ++c)
                      const_cast<S&>(v.at(b, t, h, r, c)) = static_cast<S>(std::numeric_limits<float>::quiet_NaN());
      return v;
    });
  }
  std::uint64_t seed_;
};

}  // namespace lcsm::test
