// SPDX-License-Identifier: MIT
#pragma once

#include "modes.hpp"
#include "subject.hpp"

#include <support/bound.hpp>
#include <support/transform_bound.hpp>

#include <algorithm>
#include <deque>
#include <limits>

namespace lcsm::conformance {

// One type of policy for one thread and for all: a mode is compiled once.
inline constexpr exec::Par one_thread{1};

// Gradients of all that a mixer reads, laid out as its inputs are.
template <class M, class S> class InputBars {
 public:
  typename M::template In<S> views{};

  template <class In> InputBars(const In& in, const Inputs& inputs) : inputs_(inputs) {
    M::visit([&]<class Leaf>() {
      door::names_of<Leaf>::each([&]<class Name>() {
        const auto& from = Name::of(in);
        if (auto& to = Name::of(views); !to.data) to = like(from.data, from.extent, from.stride);
      });
    });
  }
  InputBars(const InputBars&) = delete;
  decltype(Pulled::inputs) numbers() const {
    decltype(Pulled::inputs) out;
    for (const auto& [of, x] : numbers_) out.emplace_back(of, std::vector<double>(x.begin(), x.end()));
    return out;
  }

 private:
  template <class Extents> View<S> like(const void* data, const Extents& extent, const Extents& stride) {
    const Array& of = inputs_.at(data);
    numbers_.emplace_back(&of, std::vector<S>(of.values.size(), S(77)));
    View<S> v;
    v.data = numbers_.back().second.data(), v.extent = extent, v.stride = stride;
    return v;
  }
  const Inputs& inputs_;
  std::deque<std::pair<const Array*, std::vector<S>>> numbers_;
};

template <class M, class T, class Bind> class Model : public Subject {
 public:
  Model(const Problem& p, const Bind& bind)
      : p_(p),
        bind_(bind),
        start_(p.sequences(), p.heads, p.keys, p.values),
        state_(start_),
        y_(p.batch, p.tokens, p.heads, M::projection::parts * p.values) {
    std::set<std::string> left;
    for (const auto& [name, unused] : p.initial) left.insert(name);
    start_.components([&](const char* name, auto& buffer) {
      using element = std::remove_cvref_t<decltype(buffer[0])>;
      const auto found = p.initial.find(name);
      if (std::string_view(name) == "position") buffer.fill(element(p.position));
      if (found == p.initial.end()) return;
      left.erase(name);
      const std::vector<double>& from = found->second.values;
      if (Index(from.size()) != buffer.size())
        refuse(std::string(name) + "' has " + std::to_string(buffer.size()) + " numbers, given " + std::to_string(from.size()));
      for (Index n = 0; n < buffer.size(); ++n) buffer[n] = static_cast<element>(from[to_size(n)]);
    });
    if (!left.empty()) refuse(*left.begin() + "' is no component of this mixer");
  }
  const State<M, T>& start() const { return start_; }

  void restart() override { state_ = start_, y_.fill(std::numeric_limits<T>::quiet_NaN()); }
  bool is_double() const override { return std::is_same_v<T, double>; }
  Index tokens() const override { return p_.tokens; }
  std::vector<double> output() const override { return rows_of({y_.begin(), y_.end()}, p_.rows, width()); }
  States state() const override {
    States out = components_of(state_);
    for (auto& [name, x] : out) x = rows_of(x, p_.slots, x.size() / slots());
    return out;
  }
  std::unique_ptr<Subject> with(const Change& change) const override { return std::make_unique<Model>(change(p_), bind_); }
  std::string stray() const override {
    if (!p_.others_silent) return "";
    if (!each_other(p_.rows, to_size(y_.size()), width(), [&](std::size_t n, std::size_t end) {
          return std::all_of(y_.begin() + n, y_.begin() + end, [](T x) { return x == T(0); });
        })) return "a masked token wrote something";
    const States now = components_of(state_), then = components_of(start_);
    for (std::size_t c = 0; c < now.size(); ++c)
      if (!each_other(p_.slots, now[c].second.size(), now[c].second.size() / slots(), [&](std::size_t n, std::size_t end) {
            return std::equal(now[c].second.begin() + std::ptrdiff_t(n), now[c].second.begin() + std::ptrdiff_t(end), then[c].second.begin() + std::ptrdiff_t(n));
          })) return "the state of an empty sequence changed";
    return "";
  }

  void run(Way way, Index first, Index count) override {
    const bool reverse = p_.direction == Direction::reverse;
    const Index token = reverse ? p_.tokens - first - count : first;
    const View<T> y = y_.view().tokens(token, count);
    const auto in = bind_(Source<T>{p_.inputs, token, count});
    Options<T> options;
    if (first > 0 || !p_.initial.empty() || p_.position > 0) options.initial = std::as_const(state_).view();
    else if (way != Way::step && way != Way::matrix)                       // all of the final state is to be written
      state_.components([](const char*, auto& buffer) { buffer.fill(std::remove_cvref_t<decltype(buffer[0])>(77)); });
    options.final = state_.view(), options.direction = p_.direction, options.sequences = sequences(), options.mask = mask();
    options.tuning.scan_chunk = 32, options.tuning.scan_units = 1000;      // always split over time
    if (way == Way::small_chunks) options.tuning.chunk = 16;
    if constexpr (std::is_same_v<T, double>) {
      if (way == Way::reference) reference(M{}, in, y, options);
    }
    if (way == Way::recurrent) recurrent(one_thread, M{}, in, y, options);
    if (way == Way::step)
      for (Index j = 0; j < count; ++j) {
        const Index t = reverse ? p_.tokens - 1 - first - j : first + j;
        step(M{}, bind_(Source<T>{p_.inputs, t, 1}), y_.view().tokens(t, 1), state_);
      }
    if constexpr (has_mode<M>(Mode::scan)) {
      if (way == Way::scan) scan(one_thread, M{}, in, y, options);
    }
    if constexpr (has_mode<M>(Mode::chunkwise)) {
      if (way == Way::chunkwise || way == Way::small_chunks) chunkwise(one_thread, M{}, in, y, options);
    }
    if constexpr (has_mode<M>(Mode::attention)) {
      if (way == Way::attend) attend(one_thread, M{}, in, y, options);
      if (way == Way::matrix) multiply(in, y);
    }
    if (way == Way::mix) mix(exec::par, M{}, in, y, options);
    if constexpr (has_mode<M>(Mode::convolution)) {
      options.tuning.form = way == Way::fourier ? ConvolutionForm::fourier : ConvolutionForm::direct;
      if (way == Way::convolve || way == Way::fourier) convolve(one_thread, M{}, in, y, options);
    }
  }

  Pulled pulled(Way way, const std::vector<double>& y_bar, const States& final) const override {
    if constexpr (!is_differentiable<M> || (std::is_same_v<T, float> && *without_adjoints)) return {};
    else {
      return adjoint(y_bar, final, [&](const auto& in, const View<const T>& y, const auto& grads, Options<T> options, const StateView<const T>& end, State<M, T>* begin) {
        StateCotangents<T> states{.final = end};
        if (begin) states.initial = begin->view();
        options.tuning.scan_chunk = 32, options.tuning.scan_units = 1000;
        if (way == Way::small_chunks) options.tuning.chunk = 16;
        if constexpr (std::is_same_v<T, double>) if (way == Way::reference) reference_vjp(M{}, in, y, grads, options, states);
#ifdef LCSM_LONG_TESTS
        if (way == Way::recurrent) recurrent_vjp(one_thread, M{}, in, y, grads, options, states);
        if constexpr (is_scannable<M>) if (way == Way::scan) scan_vjp(one_thread, M{}, in, y, grads, options, states);
        if constexpr (is_chunkable<M>) if (way == Way::chunkwise || way == Way::small_chunks) chunkwise_vjp(one_thread, M{}, in, y, grads, options, states);
        if (way == Way::attend) attend_vjp(one_thread, M{}, in, y, grads, options, states);
        options.tuning.form = way == Way::fourier ? ConvolutionForm::fourier : ConvolutionForm::direct;
        if (way == Way::mix) vjp(exec::par, M{}, in, y, grads, options, states);
        if constexpr (is_convolvable<M>) if (way == Way::convolve || way == Way::fourier) convolve_vjp(one_thread, M{}, in, y, grads, options, states);
#endif
      });
    }
  }
  AdjointSums adjoint_sums(const std::vector<double>& y_bar, const std::vector<double>& y_error, const States& final, const test::ErrorCost& ours, const test::ErrorCost& file) const override {
    if constexpr (!is_differentiable<M> || !std::is_same_v<T, double>) return {};
    else {
      const auto sums = [&](const std::vector<double>& bar, const States& end, const test::ErrorCost& cost, double raise, double cumulated) {
        return adjoint(bar, end, [&](const auto& in, const View<const T>& y, const auto& grads, const Options<T>& options, const StateView<const T>& final_bar, State<M, T>* begin) {
          test::GradientSums<M>::of(in, y, grads, options, {.final = final_bar}, cost, raise, begin, cumulated);
        });
      };
      Pulled transforms;
#ifdef LCSM_LONG_TESTS
      if constexpr (is_convolvable<M>)
        if (final.empty() && p_.initial.empty())
          transforms = adjoint(y_bar, {}, [&](const auto& in, const View<const T>& y, const auto& grads, const Options<T>& options, const StateView<const T>&, State<M, T>*) {
            test::transform_sums<M>(in, y, grads, options, p_.values);
          });
#endif
      return {sums(y_bar, final, ours, 0, 0), sums(y_bar, final, ours, test::gradient_tau, 0), sums(y_bar, final, file, test::gradient_tau, test::cumulated_raise(file, p_.tokens)),
              sums(y_error, {}, ours, 0, 0), sums(y_bar, final, ours, 0, 1), std::move(transforms)};
    }
  }

 private:
  // f(in, y_bar, gradients, options, cotangent of the final state, that of the initial one or null) for all tokens.
  template <class F> Pulled adjoint(const std::vector<double>& y_bar, const States& final, F&& f) const {
    const auto in = bind_(Source<T>{p_.inputs, 0, p_.tokens});
    const InputBars<M, T> grads(in, p_.inputs);
    Buffer<T> y(p_.batch, p_.tokens, p_.heads, M::projection::parts * p_.values);
    for (Index n = 0; n < y.size(); ++n) y[n] = T(y_bar.at(to_size(n)));
    State<M, T> end(p_.sequences(), p_.heads, p_.keys, p_.values), begin = end;
    for (const auto& [wanted, numbers] : final)
      end.components([&, &of = numbers, &component = wanted](const char* name, auto& buffer) {
        if (component != name) return;
        for (Index n = 0; n < buffer.size(); ++n) buffer[n] = static_cast<std::remove_cvref_t<decltype(buffer[0])>>(of.at(to_size(n)));
      });
    Options<T> options;
    if (!p_.initial.empty() || p_.position > 0) options.initial = start_.view();
    options.direction = p_.direction;
    f(in, View<const T>(y.view()), grads.views, options, final.empty() ? StateView<const T>() : std::as_const(end).view(), p_.initial.empty() ? nullptr : &begin);
    return {grads.numbers(), p_.initial.empty() ? States() : components_of(begin)};
  }
  std::size_t width() const { return to_size(M::projection::parts * p_.values); }
  std::size_t slots() const { return to_size(p_.sequences() * p_.heads); }
  Sequences sequences() const { return p_.offsets.empty() ? Sequences() : Sequences(p_.offsets); }
  View<const std::uint8_t> mask() const {
    return p_.mask.empty() ? View<const std::uint8_t>() : lcsm::view(p_.mask.data(), p_.batch, p_.tokens, 1, 1);
  }
  // The components of a state; the position, which the heads of a sequence share, for each of them.
  States components_of(const State<M, T>& state) const {
    States out;
    state.components([&](const char* name, const auto& buffer) {
      const Index copies = std::string_view(name) == "position" ? p_.heads : 1;
      std::vector<double> wide;
      for (const auto x : buffer) wide.insert(wide.end(), to_size(copies), static_cast<double>(x));
      out.emplace_back(name, std::move(wide));
    });
    return out;
  }
  // y = A i + D i, from nothing: A after normalisation and projection. A complex matrix has its imaginary part in a second plane. Between sequences and
  // at masked tokens A is 0.
  template <class In> void multiply(const In& in, const View<T>& y) {
    Options<T> options;
    options.direction = p_.direction, options.sequences = sequences(), options.mask = mask();
    const Index rows = attention_rows<M>(p_.values), plane = rows / matrix_planes<M>;
    Buffer<T> a(y.batch(), y.time(), y.head(), rows, y.time());
    attention_matrix(one_thread, M{}, in, a.view(), options);
    const Call<M, T, In> call("matrix", in, options, y.batch(), y.time(), y.head(), p_.values);
    Arena counting;
    { Tiles<M, T> tile(counting, call.extent, y.time()); }
    Buffer<std::byte> scratch(counting.used());
    y_.fill(T(0));
    for (Index unit = 0; unit < call.units(); ++unit) {
      const Run run = call.unit(unit);
      Arena arena(scratch.data(), counting.used());
      Tiles<M, T> tile(arena, call.extent, y.time());
      tile.begin(in, run), tile.fill(in, run, 0, run.time.length);
      for (Index row = 0; row < run.time.length; ++row)
        for (Index c = 0; c < p_.values; ++c) {
          const Index t = run.time.token(row);
          double re = 0, im = 0;
          for (Index j = 0; j < run.time.length; ++j) {
            const Index s = run.time.token(j), r = M::per_channel ? c : 0;
            const auto i = tile.template input<T>(j, c);
            const double a_re = double(a.view().at(run.batch, t, run.head, r, s)),
                         a_im = plane < rows ? double(a.view().at(run.batch, t, run.head, plane + r, s)) : 0;
            re += a_re * double(real_part(i)) - a_im * double(imag_part(i)), im += a_im * double(real_part(i)) + a_re * double(imag_part(i));
            if constexpr (M::skip::present) if (s == t) re += double(tile.d.template load<T>(j, 0, c)) * double(real_part(i));
          }
          y(run.batch, t, run.head, c) = T(re);
          if constexpr (M::projection::parts == 2) y(run.batch, t, run.head, p_.values + c) = T(im);
        }
      for (Index row = 0; row < run.time.length; ++row)
        for (Index j = 0; j < run.time.length; ++j)
          for (Index r = 0; r < rows; ++r) a.view().at(run.batch, run.time.token(row), run.head, r, run.time.token(j)) = T(0);
    }
    if (!std::all_of(a.begin(), a.end(), [](T x) { return x == T(0); })) y_.fill(std::numeric_limits<T>::quiet_NaN());
  }
  [[noreturn]] static void refuse(const std::string& what) { raise<FormatError>("lcsm_conformance: initial state '" + what); }
  const Problem p_;
  const Bind& bind_;
  State<M, T> start_, state_;
  Buffer<T> y_;
};

template <class M>
inline constexpr Abilities abilities_of{[](Way w) { return why_not<M>(mode_of(w)); }, [](Way w) { return owes<M>(w); },
                                        test::error_cost<M>, window::is_window<M>};

template <class M, class Bind> Sums sums_of(const Problem& p, const Bind& bind, const State<M, double>& start, Index count) {
  Options<double> options;
  options.initial = start.view(), options.direction = p.direction;
  const Index token = p.direction == Direction::reverse ? p.tokens - count : 0;
  const auto in = bind(Source<double>{p.inputs, token, count});
  Sums sums{test::error_sums<M>(in, options, p.batch, count, p.heads, p.values), {}};
  if constexpr (M::stabiliser::scaled) {
    State<M, double> end = start;
    options.final = end.view();
    Buffer<double> y(p.batch, count, p.heads, M::projection::parts * p.values);
    reference(M{}, in, y.view(), options);
    end.components([&](const char* name, const auto& buffer) {
      if (std::string_view(name) == "p") sums.p.assign(buffer.begin(), buffer.end());
    });
  }
  return sums;
}

// Runs a case in every mode of the mixer, in double and float. bind(Source<T>) makes the mixer's aggregate.
template <class M, class Bind> void check(Case& c, const Problem& p, const Bind& bind) {
  Model<M, double, Bind> wide(p, bind);
  Model<M, float, Bind> narrow(p, bind);
  const Sums sums = sums_of<M>(p, bind, wide.start(), p.tokens);
  compare(c, p, wide, narrow, abilities_of<M>, sums, sums_of<M>(p, bind, wide.start(), p.prefill));
  differentiate(c, {{p, wide, narrow}}, Both::Join::sum, abilities_of<M>, sums);
}
// The same for two: p also says what is expected; q needs its inputs and direction alone.
template <class M, class Bind> void check_both(Case& c, const Problem& p, const Problem& q, Both::Join join, const Bind& bind) {
  const auto two = [&]<class T>(T) {
    return Both(std::make_unique<Model<M, T, Bind>>(p, bind), std::make_unique<Model<M, T, Bind>>(q, bind), join);
  };
  Both wide = two(double()), narrow = two(float());
  Model<M, double, Bind> one(p, bind), other(q, bind);
  Model<M, float, Bind> one_narrow(p, bind), other_narrow(q, bind);
  const Sums sums = join_sums(sums_of<M>(p, bind, one.start(), p.tokens), sums_of<M>(q, bind, other.start(), q.tokens), join);
  compare(c, p, wide, narrow, abilities_of<M>, sums, {});
  differentiate(c, {{p, one, one_narrow}, {q, other, other_narrow}}, join, abilities_of<M>, sums);
}

}  // namespace lcsm::conformance
