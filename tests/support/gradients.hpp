// SPDX-License-Identifier: MIT
#pragma once

#include "central_difference.hpp"
#include "properties.hpp"
#include "transform_bound.hpp"

#include <lcsm/mode/recurrent_vjp.hpp>
#include <lcsm/mode/reference_vjp.hpp>
#include <lcsm/mode/scan_vjp.hpp>

namespace lcsm::test {

// The members of Inputs, to be written.
template <class S> struct GradientViews {
  View<S> kernel, q, k, v, g, phase, f, i, beta, a, b, u, w, x, x_imag, delta, lower_bound, A, A_imag, B, B_imag, C, C_imag, D, codebook, delta_bias, log_dt, log_A_real, nu_log, theta_log, gamma_log,
      alpha, gamma, recurrent_gate, input_gate, recurrent_param, log_neg_re, W, W_imag, A_log, omega, a_imag, p, dt_bias, r, kk, k_a, log_step, lambda, lambda_imag, erase, erase_imag, f_bias, i_bias, length, log_dt_imag, log_imag, time_decay, write, write_imag;
};

// A poisoned gradient for everything that a mixer reads, with the extents and the repeated axes of the inputs.
template <class M, class S> class RandomGradients {
 public:
  GradientViews<S> views;

  template <class In> RandomGradients(const In& in, Layout layout, Random& random) {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        auto& mine = Name::of(views);
        if (mine.data) return;
        const auto& of = Name::of(in);
        numbers_.emplace_back(of.extent, layout, random);
        mine = numbers_.back().view;
        for (std::size_t x = 0; x < 5; ++x)
          if (of.stride[x] == 0) mine.stride[x] = 0;
      });
    });
  }
  RandomGradients(const RandomGradients&) = delete;
  bool slack_is_untouched() const {
    return std::all_of(numbers_.begin(), numbers_.end(), [](const auto& x) { return x.slack_is_untouched(); });
  }

 private:
  std::deque<Guarded<S>> numbers_;
};

// What a loss is made of: random numbers to multiply the outputs and the final state with.
template <class M> class RandomLoss {
 public:
  Buffer<double> y;
  State<M, double> final;

  RandomLoss(const Shape& n, Index sequences, Random& random) : y(n.batch, n.tokens, n.heads, M::projection::parts * n.values), final(sequences, n.heads, n.keys, n.values) {
    for (double& x : y) x = random.uniform(-1, 1);
    final.components([&](const char* name, auto& buffer) {
      const std::string_view which = name;
      if (which == "position" || which == "clock" || which == "touched") return;
      for (auto& x : buffer) x = static_cast<std::remove_reference_t<decltype(x)>>(random.uniform(-1, 1));
    });
  }
  // The loss of a call in double, and the sum of the sizes of its terms.
  template <class In> std::pair<double, double> of(const In& in, Options<double> options) const {
    Buffer<double> out(y.view().batch(), y.view().time(), y.view().head(), y.view().feature());
    State<M, double> end = final;
    options.final = end.view();
    reference(M{}, in, out.view(), options);
    double loss = 0, size = 0;
    const auto add = [&](double x, double weight) { loss += x * weight, size += std::abs(x * weight); };
    for (Index n = 0; n < out.size(); ++n) add(out[n], y[n]);
    zip_states(std::as_const(end).view(), std::as_const(final).view(), [&](std::string_view name, auto x, auto weight) {
      if (name != "position" && name != "clock" && name != "touched" && std::abs(double(x)) < 1e30) add(double(x), double(weight));
    });
    return {loss, size};
  }
};

// Whether a number is one that a central difference can be taken at.
inline bool is_smooth(double x) { return std::abs(x) < 1e30; }

// The slopes on both sides. At a corner (two logs of one size, a clamp) any number between them is a slope.
template <class F> std::pair<double, double> one_sided_differences(double& x, F&& loss) {
  const double at = x, middle = loss();
  x = at + step_size;
  const double high = loss();
  x = at - step_size;
  const double low = loss();
  x = at;
  return std::minmax({(middle - low) / step_size, (high - middle) / step_size});
}

// The reference adjoint of random calls against central differences of the reference, at `entries` numbers of every input and of the initial state.
template <class M> void check_gradients(std::uint64_t seed, Index calls = 6, Index entries = 4) {
  Random random(seed);
  for (Index round = 0; round < repeated(calls); ++round) {
    using Call = RandomCall<M, double, double>;
    const auto kind = typename Call::Kind(round % 3);
    const Shape n{kind == Call::packed ? 1 : 2, random.between(1, 9), 2, has_keys<M>() ? random.between(1, 4) : 1, random.between(1, 3)};
    Style style;
    style.dense = random.one_in(2);
    Call call(n, style, kind, random);
    INFO(call.text());
    const RandomLoss<M> loss(n, call.sequences, random);
    RandomGradients<M, double> grads(call.in, style.dense ? Layout::dense : any_layout(random), random);
    State<M, double> initial_bar(call.sequences, n.heads, n.keys, n.values);
    reference_vjp(M{}, call.in, loss.y.view(), grads.views, call.options, {.final = loss.final.view(), .initial = initial_bar.view()});
    CHECK(grads.slack_is_untouched());
    const double size = loss.of(call.in, call.options).second + 1;
    const auto check = [&](const std::string& name, double& x, double given) {
      const auto value = [&] { return loss.of(call.in, call.options).first; };
      const double right = is_smooth(x) ? central_difference(x, value) : 0, tolerance = difference_tolerance * size * 10;
      bool fine = std::abs(given - right) <= tolerance;
      if (!fine && is_smooth(x)) {
        const auto [least, most] = one_sided_differences(x, value);
        fine = given >= least - tolerance && given <= most + tolerance;
      }
      INFO(name << ": " << given << " for " << right << ", sizes " << size << ", at " << x);
      CHECK(fine);
    };
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        if (std::string_view(Name::name) == "length") return;         // a count (DSS), which nothing is differentiated by
        const auto of = Name::of(call.in);
        const auto grad = Name::of(grads.views);
        for (Index e = 0; e < entries; ++e) {
          const Index at[] = {random.below(of.batch()), random.below(of.time()), random.below(of.head()), random.below(of.row()), random.below(of.feature())};
          check(Name::name, const_cast<double&>(of.at(at[0], at[1], at[2], at[3], at[4])), grad.at(at[0], at[1], at[2], at[3], at[4]));
        }
      });
    });
    if (call.initial) {
      const StateView<double> state = call.initial->view();
      call.options.initial = std::as_const(*call.initial).view();
      Index left = 0;
      zip_states(state, initial_bar.view(), [&](std::string_view name, auto& x, auto& bar) {
        if constexpr (std::is_same_v<std::remove_reference_t<decltype(x)>, double>) {
          if (name == "clock" || name == "touched" || ++left % 7 != 0) return;
          check("initial " + std::string(name), x, bar);
        }
      });
    }
  }
}

// f(name, given, right, others...) for every number of gradients of one mixer.
template <class M, class F, class A, class... Rest> void zip_gradients(F&& f, const A& given, const Rest&... rest) {
  M::visit([&]<class Leaf>() {
    door::names_of<Leaf>::each([&]<class Name>() {
      const auto& x = Name::of(given);
      for (Index b = 0; b < x.batch(); ++b)
        for (Index t = 0; t < x.time(); ++t)
          for (Index h = 0; h < x.head(); ++h)
            for (Index r = 0; r < x.row(); ++r)
              for (Index c = 0; c < x.feature(); ++c) f(std::string_view(Name::name), x.at(b, t, h, r, c), Name::of(rest).at(b, t, h, r, c)...);
    });
  });
}

// What the adjoint of the definition makes of a call and random cotangents, and how far that of a mode may be from it.
template <class M, class S> class RightGradients {
 public:
  // states: whether the call has states and their cotangents, too.
  explicit RightGradients(const RandomCall<M, S, S>& call, Random& random, bool states = true)
      : call_(call), states_(states), loss_(call.n, call.sequences, random), right_(call.in, Layout::dense, random), plain_(call.in, Layout::dense, random), raised_(call.in, Layout::dense, random), transforms_(call.in, Layout::dense, random),
        right_bar_(fresh<double>()), plain_bar_(right_bar_), raised_bar_(right_bar_), final_bar_(fresh<S>()) {
    const Shape& n = call.n;
    Options<double> wide;
    std::optional<State<M, double>> initial;
    if (call.initial) initial.emplace(fresh<double>()), copy_state(initial->view(), std::as_const(*call.initial).view()), wide.initial = std::as_const(*initial).view();
    wide.sequences = call.options.sequences, wide.mask = call.options.mask, wide.direction = call.options.direction;
    copy_state(final_bar_.view(), loss_.final.view());
    StateCotangents<double> bars{};
    if (states) bars = {.final = loss_.final.view(), .initial = right_bar_.view()};
    reference_vjp(M{}, call.in, y_bar(), right_.views, wide, bars);
    bars.initial = {};
    cost_ = error_cost<M>(error_sums<M>(call.in, wide, n.batch, n.tokens, n.heads, n.values), std::max<Index>(n.tokens, 1), false);
    const auto sums = [&](const auto& to, double raise, State<M, double>& initial_bar) {
      GradientSums<M>::of(call.in, y_bar(), to.views, wide, bars, cost_, raise, states ? &initial_bar : nullptr);
    };
    sums(plain_, 0, plain_bar_), sums(raised_, gradient_tau, raised_bar_);
    zip_gradients<M>([](std::string_view, double& x) { x = 0; }, transforms_.views);
    if constexpr (is_convolvable<M>) if (!states) transform_sums<M>(call.in, y_bar(), transforms_.views, wide, n.values);
  }
  View<const double> y_bar() const { return loss_.y.view(); }

  // run(gradients, states) is to fill both: within the bound, and nothing beside them.
  template <class F> void check(const char* mode, Layout layout, Random& random, F&& run, bool transforms = false) const {
    INFO(mode);
    RandomGradients<M, S> given(call_.in, layout, random);
    State<M, S> given_bar = fresh<S>();
    poison_scratch();
    if (states_) run(given.views, StateCotangents<S>{.final = std::as_const(final_bar_).view(), .initial = given_bar.view()}); else run(given.views, StateCotangents<S>{});
    CHECK(given.slack_is_untouched());
    double worst = 0;
    const double eps = double(std::numeric_limits<S>::epsilon());
    const auto add = [&](std::string_view name, auto x, double y, double s, double more, double transform = 0) {
      const double bound = gradient_bound(s, more, cost_, eps) + (transforms ? eps * transform : 0) + flushed(call_.n.keys, call_.n.tokens, call_.n.values), off = std::abs(double(x) - y);
      if (off <= worst * bound) return;
      worst = std::isnan(off) ? INFINITY : off / bound;
      UNSCOPED_INFO(name << ": " << double(x) << " for " << y << ", " << worst << " of the bound " << bound);
    };
    zip_gradients<M>(add, given.views, right_.views, plain_.views, raised_.views, transforms_.views);
    if (!states_) {
      CHECK(worst <= 1);
      return;
    }
    const std::vector<double> mine = numbers_of(given_bar), right = numbers_of(right_bar_), plain = numbers_of(plain_bar_), raised = numbers_of(raised_bar_);
    for (std::size_t n = 0; n < mine.size(); ++n) add("initial state", mine[n], right[n], plain[n], raised[n]);
    CHECK(worst <= 1);
    if (std::getenv("LCSM_SHOW")) std::printf("%s %g\n", mode, worst);
  }

 private:
  template <class T> State<M, T> fresh() const { return {call_.sequences, call_.n.heads, call_.n.keys, call_.n.values}; }
  template <class T> static std::vector<double> numbers_of(const State<M, T>& state) {
    std::vector<double> out;
    zip_states(state.view(), state.view(), [&](std::string_view name, auto x, auto) {
      if (name != "position" && name != "clock" && name != "touched") out.push_back(double(x));
    });
    return out;
  }
  const RandomCall<M, S, S>& call_;
  bool states_;
  RandomLoss<M> loss_;
  RandomGradients<M, double> right_, plain_, raised_, transforms_;
  State<M, double> right_bar_, plain_bar_, raised_bar_;
  State<M, S> final_bar_;
  ErrorCost cost_;
};

// Every mode's adjoint of random calls against the adjoint of the definition, the states' cotangents included.
template <class M, class S> void check_mode_gradients(std::uint64_t seed, Index calls = 12) {
  Random random(seed);
  for (Index round = 0; round < repeated(calls); ++round) {
    using Call = RandomCall<M, S, S>;
    const auto kind = typename Call::Kind(round % 3);
    const Shape n{kind == Call::packed ? 1 : 2, random.one_of({0, 1, 2, 7, 40, 97}), 2, has_keys<M>() ? random.between(1, 9) : 1, random.between(1, 19)};
    Style style;
    style.dense = random.one_in(2);
    Call call(n, style, kind, random);
    call.options.tuning.scan_units = 1000;
    INFO(call.text());
    const RightGradients<M, S> right(call, random);
    const auto check = [&](const char* mode, auto&& run) { right.check(mode, style.dense ? Layout::dense : any_layout(random), random, run); };
    check("recurrent", [&](const auto& grads, const auto& states) { recurrent_vjp(exec::seq, M{}, call.in, right.y_bar(), grads, call.options, states); });
    if constexpr (is_scannable<M>) check("scan", [&](const auto& grads, const auto& states) { scan_vjp(exec::seq, M{}, call.in, right.y_bar(), grads, call.options, states); });
  }
}

// Nor does anything else that is not a number of the call: the same bits from any number of threads.
template <class M, class S> void check_gradient_bits(std::uint64_t seed, Index calls = 6) {
  Random random(seed);
  for (Index round = 0; round < repeated(calls); ++round) {
    using Call = RandomCall<M, S, S>;
    const Shape n{round % 2 ? 1 : 3, random.one_of({5, 64, 131}), 2, has_keys<M>() ? random.between(1, 9) : 1, random.between(1, 19)};
    Call call(n, {}, round % 2 ? Call::packed : Call::masked, random);
    call.options.tuning.scan_units = 1000;
    INFO(call.text());
    const RandomLoss<M> loss(n, call.sequences, random);
    RandomGradients<M, S> one(call.in, Layout::dense, random), many(call.in, Layout::dense, random);
    const auto same = [&](auto&& run) {
      run(Threads{0}, one.views), poison_scratch(), run(Threads{random.between(2, 5)}, many.views);
      bool all = true;
      zip_gradients<M>([&](std::string_view, S x, S y) { all = all && same_bits(x, y); }, one.views, many.views);
      CHECK(all);
    };
    same([&](const Threads& exec, const auto& grads) { recurrent_vjp(exec, M{}, call.in, loss.y.view(), grads, call.options); });
    if constexpr (is_scannable<M>) same([&](const Threads& exec, const auto& grads) { scan_vjp(exec, M{}, call.in, loss.y.view(), grads, call.options); });
  }
}

// A sequence in one call, and in two with the state handed on and its cotangent handed back: the same gradients, for parameters their sum. The state between
// is one that a forward call leaves, with the decays that codes owe.
template <class M> void check_gradients_of_two_calls(std::uint64_t seed, Index calls = 6) {
  Random random(seed);
  for (Index round = 0; round < repeated(calls); ++round) {
    const Shape n{2, random.between(2, 40), 2, has_keys<M>() ? random.between(1, 6) : 1, random.between(1, 9)};
    RandomCall<M, double, double> call(n, {}, RandomCall<M, double, double>::plain, random);
    call.options.direction = Direction::forward;
    INFO(call.text());
    const RandomLoss<M> loss(n, n.batch, random);
    const RandomGradients<M, double> one(call.in, Layout::dense, random), first(call.in, Layout::dense, random), second(call.in, Layout::dense, random);
    State<M, double> initial_bar(n.batch, n.heads, n.keys, n.values), middle_bar = initial_bar, first_bar = initial_bar, middle = initial_bar;
    const auto y_bar = loss.y.view();
    recurrent_vjp(exec::seq, M{}, call.in, y_bar, one.views, call.options, {.final = loss.final.view(), .initial = initial_bar.view()});

    const Index cut = random.between(1, n.tokens - 1), rest = n.tokens - cut;
    const auto part = [&](const GradientViews<double>& grads, Index from, Index count) {
      GradientViews<double> views = grads;
      M::visit([&]<class Leaf>() {
        door::names_of<Leaf>::each([&]<class Name>() { if (Leaf::streams && !door::is_book<Leaf, Name>()) Name::of(views) = along(Name::of(grads), 1, from, count); });
      });
      return views;
    };
    Buffer<double> y(n.batch, cut, n.heads, M::projection::parts * n.values);
    Options<double> before = call.options, after = call.options;
    before.final = middle.view();
    recurrent(exec::seq, M{}, tokens_of<M>(call.in, 0, cut), y.view(), before);
    before.final = {}, after.initial = std::as_const(middle).view();
    recurrent_vjp(exec::seq, M{}, tokens_of<M>(call.in, cut, rest), y_bar.tokens(cut, rest), part(second.views, cut, rest), after, {.final = loss.final.view(), .initial = middle_bar.view()});
    recurrent_vjp(exec::seq, M{}, tokens_of<M>(call.in, 0, cut), y_bar.tokens(0, cut), part(first.views, 0, cut), before, {.final = std::as_const(middle_bar).view(), .initial = first_bar.view()});

    double largest = 1, worst = 0;
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        const auto &x = Name::of(one.views), &u = Name::of(first.views), &v = Name::of(second.views);
        const bool moves = Leaf::streams && !door::is_book<Leaf, Name>() && !(x.extent[1] == 1 && x.stride[1] == 0);
        for (Index b = 0; b < x.batch(); ++b)
          for (Index t = 0; t < x.time(); ++t)
            for (Index h = 0; h < x.head(); ++h)
              for (Index r = 0; r < x.row(); ++r)
                for (Index c = 0; c < x.feature(); ++c) {
                  const double is = moves ? (t < cut ? u : v).at(b, t, h, r, c) : u.at(b, t, h, r, c) + v.at(b, t, h, r, c), should = x.at(b, t, h, r, c);
                  largest = std::max(largest, std::abs(should)), worst = std::max(worst, std::isnan(is) ? INFINITY : std::abs(is - should));
                }
      });
    });
    zip_states(std::as_const(first_bar).view(), std::as_const(initial_bar).view(), [&](std::string_view name, auto x, auto y) {
      if (name != "position" && name != "clock" && name != "touched") largest = std::max(largest, std::abs(double(y))), worst = std::max(worst, std::abs(double(x) - double(y)));
    });
    INFO("largest gradient " << largest << ", difference " << worst);
    CHECK(worst <= 1e-13 * double(n.tokens * (n.keys + n.values)) * largest);    // a rounding of every sum of a token, of the largest number there is
  }
}

}  // namespace lcsm::test
