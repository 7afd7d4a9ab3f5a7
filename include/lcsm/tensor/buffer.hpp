// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/view.hpp>

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

namespace lcsm {

// Owned, zero-initialised numbers on a 64-byte border, for those who have no tensor of their own. Its view is dense and row-major.
template <class T> class Buffer {
  static_assert(std::is_trivially_copyable_v<T>, "lcsm::Buffer: holds plain numbers");

 public:
  Buffer() = default;
  Buffer(Index batch, Index time, Index head, Index row, Index feature) : shape_(lcsm::view<T>(nullptr, batch, time, head, row, feature)) { allocate(); }
  Buffer(Index batch, Index time, Index head, Index feature) : Buffer(batch, time, head, 1, feature) {}
  explicit Buffer(Index size) : Buffer(1, 1, 1, 1, size) {}
  Buffer(const Buffer& other) : shape_(other.shape_) { allocate(), std::copy_n(other.data(), other.size(), data()); }
  Buffer(Buffer&& other) noexcept : shape_(std::exchange(other.shape_, {})), data_(std::move(other.data_)) {}
  Buffer& operator=(Buffer other) noexcept { std::swap(shape_, other.shape_), std::swap(data_, other.data_); return *this; }

  Index size() const noexcept { return shape_.extent[0] * shape_.stride[0]; }
  T* data() noexcept { return data_.get(); }
  const T* data() const noexcept { return data_.get(); }
  T& operator[](Index n) noexcept { return data_.get()[n]; }
  const T& operator[](Index n) const noexcept { return data_.get()[n]; }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size(); }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size(); }
  void fill(T value) { std::fill_n(data(), size(), value); }

  View<T> view() noexcept { return {data(), shape_.extent, shape_.stride}; }
  View<const T> view() const noexcept { return {data(), shape_.extent, shape_.stride}; }
  operator View<T>() noexcept { return view(); }
  operator View<const T>() const noexcept { return view(); }

 private:
  struct Free { void operator()(T* p) const noexcept { ::operator delete(p, std::align_val_t(64)); } };
  void allocate() {
    if (size() == 0) return;                                // no numbers, no memory: the view is null
    data_.reset(static_cast<T*>(::operator new(to_size(size()) * sizeof(T), std::align_val_t(64))));
    std::fill_n(data_.get(), size(), T{});
  }
  View<T> shape_;
  std::unique_ptr<T, Free> data_;
};

}  // namespace lcsm
