// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"

#include <algorithm>

namespace lcsm::conformance {

using Numbers = std::vector<Number>;

// A formula of many steps in numbers (number.hpp), where slopes by the file itself would have as many terms as the file has numbers: each step's slopes are by
// the steps that it is made of, and the loss is pulled back through them. Cotangents err by the cotangents and slopes that they are made of, and by a rounding
// of each product and of each sum.
class Trace {
 public:
  // x as a number of its own for what comes after.
  Number step(const Number& x) {
    steps_.push_back(x.terms);
    return {x.x, x.error, {{here(), Index(steps_.size()) - 1}}};
  }
  Numbers steps(const Numbers& x) {
    Numbers out;
    for (const Number& v : x) out.push_back(step(v));
    return out;
  }

  // The cotangents of all steps where the loss is sum weight y. unsure: what else those of steps err by, or nothing.
  std::vector<Bar> pull(const Numbers& y, const std::vector<double>& weight, const std::vector<double>& unsure = {}) const {
    std::vector<Bar> bars(steps_.size());
    const auto add = [&](const std::vector<Term>& terms, double x, double error) {
      for (const Term& t : terms) {
        if (t.of != here()) continue;                       // of a file's number: a leaf
        Bar& to = bars[to_size(t.at)];
        to.x += t.slope * x, to.size += std::abs(t.slope * x), ++to.terms;
        to.bound += std::abs(t.slope) * error + std::abs(x) * t.error + 2 * rounding * std::abs(t.slope * x);
      }
    };
    for (std::size_t n = 0; n < y.size(); ++n) add(y[n].terms, weight.at(n), 0);
    for (std::size_t n = steps_.size(); n-- > 0;) {
      Bar& b = bars[n];
      b.bound += rounding * double(b.terms) * b.size + (unsure.empty() ? 0 : unsure[n]);
      add(steps_[n], b.x, b.bound);
    }
    return bars;
  }
  // Where a step's cotangent is.
  static std::size_t index(const Number& step) { return to_size(step.terms.at(0).at); }

 private:
  static const std::string* here() {
    static const std::string name;
    return &name;
  }
  std::vector<std::vector<Term>> steps_;
};

// Numbers of a file, which float rounds.
inline Numbers numbers_of_file(const Array& x) {
  Numbers out;
  for (std::size_t n = 0; n < x.values.size(); ++n) out.push_back(x.number(n, rounding / 2 * std::abs(x[n])));
  return out;
}

// Steps that layers share. Rows of x through w [outputs, inputs]:
inline Numbers dense(Trace& trace, const Numbers& w, const Numbers& x, Index inputs) {
  Numbers out;
  for (std::size_t row = 0; row < x.size(); row += to_size(inputs))
    for (std::size_t o = 0; o < w.size(); o += to_size(inputs)) {
      Sum<Number> sum;
      for (std::size_t i = 0; i < to_size(inputs); ++i) sum.add(w[o + i], x[row + i]);
      out.push_back(trace.step(sum.total()));
    }
  return out;
}
// (x - mean, if centred) / sqrt(mean of its squares + epsilon), for stretches of `width` numbers.
inline Numbers normalised(Trace& trace, const Numbers& x, Index width, bool centred, double epsilon) {
  Numbers out;
  for (std::size_t first = 0; first < x.size(); first += to_size(width)) {
    Number mean;
    for (Index c = 0; centred && c < width; ++c) mean += x[first + to_size(c)];
    mean = trace.step(mean * (1 / double(width)));
    Sum<Number> squares;
    Numbers off;
    for (Index c = 0; c < width; ++c) off.push_back(trace.step(x[first + to_size(c)] - mean)), squares.add(off.back(), off.back());
    const Number by = trace.step(inverse(sqrt(trace.step(squares.total() * (1 / double(width)) + Number{epsilon}))));
    for (const Number& v : off) out.push_back(trace.step(v * by));
  }
  return out;
}
// What weighs the values of a row: exp of its logits over their sum.
inline Numbers softmax(Trace& trace, const Numbers& logits) {
  double top = minus_infinity;
  for (const Number& x : logits) top = std::max(top, x.x);
  Numbers weights, out;
  Number sum;
  for (const Number& x : logits) {
    const Number off = x + Number{-top};
    const double e = std::exp(off.x);
    weights.push_back(trace.step(function(off, e, e, e))), sum += weights.back();
  }
  const Number by = trace.step(inverse(trace.step(sum)));
  for (const Number& w : weights) out.push_back(trace.step(w * by));
  return out;
}

// A row of the report: what is given in T, once or more often, for a tensor whose formula gives `ours` with our roundings, and `file` with the reference's.
template <class T> inline constexpr const char* name_of_type = std::is_same_v<T, double> ? "double" : "float";
template <class T> inline constexpr double units = double(std::numeric_limits<T>::epsilon()) / rounding;
template <class T> class FormulaRow {
 public:
  FormulaRow(const Expected& x, const Numbers& ours, const Numbers& file) : x_(x) {
    for (std::size_t n = 0; n < ours.size(); ++n) bound_.push_back(units<T> * ours[n].error), file_.push_back(file[n].error);
  }
  void add(const std::vector<double>& given) { comparison_.add(x_, given, bound_, file_, std::is_same_v<T, float> ? 1e-4 : 1e-11); }
  void report(Case& c, const std::string& mode) { c.compared(x_), c.report().add(comparison_.row(mode, name_of_type<T>, x_.tensor)), comparison_ = {}; }

 private:
  const Expected& x_;
  std::vector<double> bound_, file_;
  Comparison comparison_;
};

// Numbers made of those of a file, and what a trace calls them.
struct Leaf { Numbers of, steps; };
// Their cotangents, as a mode gives them in T and as the traces have them, with our roundings and with the reference's.
template <class T> void add_gradients(Ledger& ledger, const std::string& mode, const Leaf& leaf, const std::vector<Bar>& ours, const Leaf& same, const std::vector<Bar>& file, const std::vector<double>& given) {
  for (std::size_t n = 0; n < leaf.of.size(); ++n) {
    const Bar &b = ours[Trace::index(leaf.steps[n])], &f = file[Trace::index(same.steps[n])];
    ledger.add({mode, name_of_type<T>}, leaf.of[n].terms, {given.at(n), units<T> * b.bound, f.bound, b.size});
  }
}

}  // namespace lcsm::conformance
