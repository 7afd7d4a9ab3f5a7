// SPDX-License-Identifier: MIT
#pragma once

#include "number.hpp"

#include <lcsm/tensor/view.hpp>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lcsm::conformance {

// Numbers of a file as doubles, each exactly what is stored. (tests/support/golden.hpp has the like without slopes.)
struct Array {
  using Slopes = std::vector<std::vector<Term>>;
  std::vector<Index> shape;
  std::vector<double> values;
  bool f32 = false;                      // stored as F32: as a result right only to 2^-24
  std::shared_ptr<const Slopes> slopes{};  // of every number by those of the file; null: there are none, or none are wanted
  std::vector<double> weight{};          // of outputs and final states: their weights in the file's loss; empty: none
  double operator[](std::size_t n) const { return values[n]; }
  // With its slopes, if they are wanted.
  template <class X = Number> X number(std::size_t n, double error = 0) const {
    X out{values.at(n), error, {}};
    if constexpr (std::is_same_v<X, Number>) if (slopes) out.terms = (*slopes)[n];
    return out;
  }
};

// The array whose numbers are those of the file itself.
Array named(Array x, const std::string& name);
Array array_of(std::vector<Index> shape, std::vector<Number> numbers);
// The numbers x[at[n]], with all that is known of them.
Array picked(const Array& x, std::vector<Index> shape, const std::vector<Index>& at);

// The numbers of an array with its axes in another order. One letter per axis; '1' in `to` is a new axis of length 1, '1' in `from` an axis
// of length 1 that goes away. "BHLK" -> "BLH1K" is what [B, T, H, row, feature] wants.
Array rearranged(const Array& x, std::string_view from, std::string_view to);
// One part of a complex array, whose last axis is (real, imaginary): 0 or 1.
Array part(const Array& x, int which);
// The same shape, every number through f.
template <class F> Array mapped(const Array& x, F&& f) {
  std::vector<Number> numbers;
  for (std::size_t n = 0; n < x.values.size(); ++n) numbers.push_back(f(x.number(n)));
  return array_of(x.shape, std::move(numbers));
}
Array reshaped(Array x, std::vector<Index> shape);
// The part [first, first + count) of the first axis, of the last axis.
Array slice(const Array& x, Index first, Index count);
Array channels(const Array& x, Index first, Index count);
Array constant(std::vector<Index> shape, double value);

// Inputs of a mixer with our five axes, in double and in float.
class Inputs {
 public:
  // `to` has five characters. Its second one says whether this is a stream (a letter) or a parameter ('1').
  void add(const std::string& name, const Array& x, std::string_view from, std::string_view to);
  const std::vector<Index>& shape(const std::string& name) const { return tensors_.at(name).wide.shape; }
  // The input whose numbers a view of all tokens begins with.
  const Array& at(const void* data) const;

  // The same inputs in a call that is made differently. `at`: streams with tokens of the given place, b * tokens + t for each of the new ones in
  // turn; from < 0 is a token of its own, made of fill(name, n).
  struct Place { Index batch, time; };
  using Fill = std::function<double(const std::string& name, Index n)>;
  Inputs at(Index batch, Index tokens, const std::vector<Place>& from, const Fill& fill) const;
  // Every second input (0: the first, third ...; 1: the others; -1: none) with each of its heads `times` over.
  Inputs heads_repeated(int which, Index times) const;
  // Rows of the batch as heads, for one head.
  Inputs rows_as_heads() const;
  // Every second input with the head 0 alone, which then serves all; or with `copies` of it.
  Inputs head_shared(int which, Index copies) const;

  // The tokens [first, first + count) of every stream, and every parameter.
  template <class T> View<const T> view(const std::string& name, Index first, Index count) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) raise<FormatError>("lcsm_conformance: the adapter gives no input '" + name + "'");
    const Tensor& x = found->second;
    View<const T> v;
    if constexpr (std::is_same_v<T, double>) v.data = x.wide.values.data(); else v.data = x.narrow.data();
    Index stride = 1;
    for (std::size_t a = 5; a-- > 0;) {
      v.extent[a] = x.wide.shape[a];
      v.stride[a] = x.absent[a] ? 0 : stride;
      stride *= x.wide.shape[a];
    }
    return x.absent[1] ? v : v.tokens(first, count);
  }

 private:
  struct Tensor {
    Array wide;
    std::vector<float> narrow;
    std::array<bool, 5> absent;
    void narrow_down() { narrow.assign(wide.values.begin(), wide.values.end()); }
  };
  template <class F> Inputs each(F&& f) const;
  std::map<std::string, Tensor> tensors_;
};

// What an adapter fills an aggregate from: x("q") is a view of some tokens of that input.
template <class T> struct Source {
  const Inputs& inputs;
  Index first, count;
  View<const T> operator()(const char* name) const { return inputs.view<T>(name, first, count); }
};

}  // namespace lcsm::conformance
