// SPDX-License-Identifier: MIT
#pragma once

#include "trace.hpp"

#include <support/arrange.hpp>

#include <deque>
#include <map>

namespace lcsm::conformance {

// A layer's formula in steps, all numbers in the order of the file.
struct Formula {
  Trace trace;
  std::map<std::string, Leaf> leaves;                       // inputs and parameters by the file's names
  Numbers y;
  // What cotangents of steps err by beyond the running bound (a reference's transforms), where they are bars; null: nothing.
  std::function<std::vector<double>(const std::vector<Bar>& bars)> unsure;

  const Numbers& leaf(const std::string& name, const Array& x) {
    Leaf& to = leaves[name];
    to.of = numbers_of_file(x), to.steps = trace.steps(to.of);
    return to.steps;
  }
  template <class F> Numbers each(const Numbers& x, F&& f) {
    Numbers out;
    for (std::size_t n = 0; n < x.size(); ++n) out.push_back(trace.step(f(x[n], n)));
    return out;
  }
  std::vector<Bar> pull(const std::vector<double>& weight) const {
    std::vector<Bar> bars = trace.pull(y, weight);
    return unsure ? trace.pull(y, weight, unsure(bars)) : bars;
  }
};
// The features [first, first + count) of rows of `width`.
inline Numbers features(const Numbers& x, Index width, Index first, Index count) {
  Numbers out;
  for (auto row = x.begin(); row != x.end(); row += width) out.insert(out.end(), row + first, row + first + count);
  return out;
}
inline Numbers transposed(const Numbers& x, Index rows) {
  Numbers out;
  const std::size_t r = to_size(rows), columns = x.size() / r;
  for (std::size_t c = 0; c < columns; ++c)
    for (std::size_t n = 0; n < r; ++n) out.push_back(x[n * columns + c]);
  return out;
}

// A layer's arrays in T, laid out as those of the file.
template <class T> class LayerArrays {
 public:
  View<const T> copy(const Array& x, std::string_view axes) {
    return test::arrange(static_cast<const T*>(numbers_.emplace_back(x.values.begin(), x.values.end()).data()), x.shape, axes);
  }
  // What the layer is to fill, by a name.
  View<T> fresh(const std::string& name, const Array& x, std::string_view axes) {
    std::vector<T>& to = made_[name];
    to.assign(x.values.size(), std::numeric_limits<T>::quiet_NaN());
    return test::arrange(to.data(), x.shape, axes);
  }
  std::vector<double> given(const std::string& name) const { return {made_.at(name).begin(), made_.at(name).end()}; }

 private:
  std::deque<std::vector<T>> numbers_;
  std::map<std::string, std::vector<T>> made_;
};

// A layer's output `name` and, where the file has a loss, all gradients. Call<T>(c): forward() gives output(), backward(weight) then gradient(name).
template <template <class> class Call> void check_layer(Case& c, const Expected& want, const Formula& ours, const Formula& file) {
  const auto run = [&]<class T>(T) {
    Call<T> call(c);
    FormulaRow<T> row(want, ours.y, file.y);
    row.add(call.forward()), row.report(c, "layer");
    Ledger* ledger = c.ledger();
    const std::vector<double>& weight = want.values.weight;
    if (!ledger || weight.empty()) return;
    ledger->first_use(want.tensor, want.key);
    call.backward({want.values.shape, weight});
    const std::vector<Bar> bars = ours.pull(weight), theirs = file.pull(weight);
    for (const auto& [name, leaf] : ours.leaves) add_gradients<T>(*ledger, "layer", leaf, bars, file.leaves.at(name), theirs, call.gradient(name));
  };
  run(double()), run(float());
}

}  // namespace lcsm::conformance
