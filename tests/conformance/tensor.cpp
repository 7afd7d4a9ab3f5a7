// SPDX-License-Identifier: MIT
#include "tensor.hpp"

#include <set>

namespace lcsm::conformance {

Array named(Array x, const std::string& name) {
  static std::set<std::string> names;
  const std::string* of = &*names.insert(name).first;
  Array::Slopes slopes;
  for (Index n = 0; n < Index(x.values.size()); ++n) slopes.push_back({{of, n}});
  x.slopes = std::make_shared<const Array::Slopes>(std::move(slopes));
  return x;
}

Array array_of(std::vector<Index> shape, std::vector<Number> numbers) {
  Array out{std::move(shape), {}};
  Array::Slopes slopes;
  bool any = false;
  for (Number& x : numbers) out.values.push_back(x.x), any = any || !x.terms.empty(), slopes.push_back(std::move(x.terms));
  if (any) out.slopes = std::make_shared<const Array::Slopes>(std::move(slopes));
  return out;
}

Array picked(const Array& x, std::vector<Index> shape, const std::vector<Index>& at) {
  Array out{std::move(shape), {}, x.f32};
  Array::Slopes slopes;
  for (const Index n : at) {
    out.values.push_back(x.values.at(to_size(n)));
    if (!x.weight.empty()) out.weight.push_back(x.weight.at(to_size(n)));
    if (x.slopes) slopes.push_back(x.slopes->at(to_size(n)));
  }
  if (x.slopes) out.slopes = std::make_shared<const Array::Slopes>(std::move(slopes));
  return out;
}

Array rearranged(const Array& x, std::string_view from, std::string_view to) {
  if (from.size() != x.shape.size())
    raise<FormatError>("lcsm_conformance: expected axes " + std::string(from) + ", given " + std::to_string(x.shape.size()) + " axes");
  std::vector<Index> from_stride(from.size());
  Index stride = 1;
  for (std::size_t a = from.size(); a-- > 0;) from_stride[a] = stride, stride *= x.shape[a];
  std::vector<Index> shape, strides, order;
  for (const char axis : to) {
    const std::size_t a = axis == '1' ? std::string_view::npos : from.find(axis);
    if (axis != '1' && a == std::string_view::npos)
      raise<FormatError>("lcsm_conformance: no axis " + std::string(1, axis) + " in " + std::string(from));
    shape.push_back(axis == '1' ? 1 : x.shape[a]), strides.push_back(axis == '1' ? 0 : from_stride[a]);
  }
  for (std::size_t a = 0; a < from.size(); ++a)
    if ((from[a] == '1' || to.find(from[a]) == std::string_view::npos) && x.shape[a] != 1)
      raise<FormatError>("lcsm_conformance: axis " + std::string(1, from[a]) + " of length " + std::to_string(x.shape[a]) +
                         " has no place in " + std::string(to));
  std::vector<Index> at(to.size());
  for (std::size_t n = 0; n < x.values.size(); ++n) {
    Index offset = 0;
    for (std::size_t a = 0; a < to.size(); ++a) offset += at[a] * strides[a];
    order.push_back(offset);
    for (std::size_t a = to.size(); a-- > 0;) {
      if (++at[a] < shape[a]) break;
      at[a] = 0;
    }
  }
  return picked(x, std::move(shape), order);
}

Array part(const Array& x, int which) {
  if (x.shape.empty() || x.shape.back() != 2) raise<FormatError>("lcsm_conformance: expected a complex array, whose last axis has length 2");
  std::vector<Index> shape = x.shape, at;
  shape.pop_back();
  for (Index n = which; n < Index(x.values.size()); n += 2) at.push_back(n);
  return picked(x, std::move(shape), at);
}

Array reshaped(Array x, std::vector<Index> shape) {
  Index size = 1;
  for (const Index n : shape) size *= n;
  if (size != Index(x.values.size()))
    raise<FormatError>("lcsm_conformance: " + std::to_string(x.values.size()) + " numbers have no shape of " + std::to_string(size));
  x.shape = std::move(shape);
  return x;
}

Array slice(const Array& x, Index first, Index count) {
  std::vector<Index> shape = x.shape, at;
  const Index row = Index(x.values.size()) / x.shape.at(0);
  shape[0] = count;
  for (Index n = first * row; n < (first + count) * row; ++n) at.push_back(n);
  return picked(x, std::move(shape), at);
}

Array channels(const Array& x, Index first, Index count) {
  std::vector<Index> shape = x.shape, at;
  for (Index row = 0; row < Index(x.values.size()); row += shape.back())
    for (Index c = 0; c < count; ++c) at.push_back(row + first + c);
  shape.back() = count;
  return picked(x, std::move(shape), at);
}

Array constant(std::vector<Index> shape, double value) {
  Index size = 1;
  for (const Index n : shape) size *= n;
  return {std::move(shape), std::vector<double>(to_size(size), value)};
}

void Inputs::add(const std::string& name, const Array& x, std::string_view from, std::string_view to) {
  if (to.size() != 5) raise<FormatError>("lcsm_conformance: an input has five axes, given '" + std::string(to) + "'");
  Tensor t{rearranged(x, from, to), {}, {}};
  for (std::size_t a = 0; a < 5; ++a) t.absent[a] = to[a] == '1';
  t.narrow_down();
  tensors_.insert_or_assign(name, std::move(t));
}

const Array& Inputs::at(const void* data) const {
  for (const auto& [name, x] : tensors_)
    if (x.wide.values.data() == data || x.narrow.data() == data) return x.wide;
  raise<FormatError>("lcsm_conformance: a view of no input");
}

// f(name, number, tensor), which may change the tensor.
template <class F> Inputs Inputs::each(F&& f) const {
  Inputs out = *this;
  int number = 0;
  for (auto& [name, x] : out.tensors_) f(name, number++, x), x.narrow_down();
  return out;
}

Inputs Inputs::at(Index batch, Index tokens, const std::vector<Place>& from, const Fill& fill) const {
  return each([&](const std::string& name, int, Tensor& x) {
    if (x.absent[1]) return;
    const Index times = x.wide.shape[1], width = x.wide.shape[2] * x.wide.shape[3] * x.wide.shape[4];
    std::vector<double> values;
    for (const Place& place : from)
      for (Index n = 0; n < width; ++n)
        values.push_back(place.time < 0 ? fill(name, n) : x.wide[to_size(((x.absent[0] ? 0 : place.batch) * times + place.time) * width + n)]);
    x.wide.values = std::move(values), x.wide.shape[0] = batch, x.wide.shape[1] = tokens, x.absent[0] = false;
  });
}

Inputs Inputs::heads_repeated(int which, Index times) const {
  return each([&](const std::string&, int number, Tensor& x) {
    if (x.absent[2] || number % 2 != which) return;
    const Index width = x.wide.shape[3] * x.wide.shape[4];
    std::vector<double> values;
    for (auto head = x.wide.values.begin(); head != x.wide.values.end(); head += width)
      for (Index n = 0; n < times; ++n) values.insert(values.end(), head, head + width);
    x.wide.values = std::move(values), x.wide.shape[2] *= times;
  });
}

Inputs Inputs::rows_as_heads() const {
  return each([&](const std::string&, int, Tensor& x) {
    if (x.absent[0]) return;
    const Index batch = x.wide.shape[0], times = x.wide.shape[1], width = x.wide.shape[3] * x.wide.shape[4];
    std::vector<double> values;
    for (Index t = 0; t < times; ++t)
      for (Index b = 0; b < batch; ++b) {
        const auto row = x.wide.values.begin() + (b * times + t) * width;
        values.insert(values.end(), row, row + width);
      }
    x.wide.values = std::move(values), x.wide.shape[0] = 1, x.wide.shape[2] = batch, x.absent[2] = false;
  });
}

Inputs Inputs::head_shared(int which, Index copies) const {
  return each([&](const std::string&, int number, Tensor& x) {
    if (x.absent[2] || number % 2 != which) return;
    const Index heads = x.wide.shape[2], width = x.wide.shape[3] * x.wide.shape[4];
    std::vector<double> values;
    for (auto row = x.wide.values.begin(); row != x.wide.values.end(); row += heads * width)
      for (Index n = 0; n < copies; ++n) values.insert(values.end(), row, row + width);
    x.wide.values = std::move(values), x.wide.shape[2] = copies;
  });
}

}  // namespace lcsm::conformance
