// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/dtype.hpp>
#include <lcsm/tensor/index.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace lcsm {

static_assert(std::endian::native == std::endian::little, "lcsm: safetensors files are little-endian and are written as memory holds them");

// Collects tensors (row-major, dense, copied) and writes them as one safetensors file. The same tensors and metadata give the same bytes in
// whichever order they were added: wide element types come first, so that every tensor is aligned, equal ones by name.
class SafetensorsWriter {
 public:
  void add(std::string name, DType dtype, std::span<const std::byte> bytes, std::vector<Index> shape) {
    if (name == "__metadata__" || !is_text(name)) fail(name, "a name that is UTF-8 and not __metadata__", "another");
    Index expected = static_cast<Index>(dtype_size(dtype));
    for (const Index extent : shape)
      if (extent < 0 || __builtin_mul_overflow(expected, extent, &expected)) fail(name, "extents >= 0 and fewer than 2^63 bytes", brief(shape));
    if (to_size(expected) != bytes.size())
      fail(name, std::to_string(expected) + " bytes for " + std::string(dtype_name(dtype)) + " " + brief(shape), std::to_string(bytes.size()));
    if (tensors_.find(name) != tensors_.end()) fail(name, "every name once", "it twice");
    tensors_.emplace(std::move(name), Tensor{dtype, std::move(shape), {bytes.begin(), bytes.end()}});
  }
  // Numbers of a type that has a dtype, contiguous: std::vector, std::span, Buffer, an array ...
  template <std::ranges::contiguous_range Numbers> void add(std::string name, const Numbers& numbers, std::vector<Index> shape) {
    using T = std::ranges::range_value_t<Numbers>;
    add(std::move(name), dtype_of<T>, std::as_bytes(std::span<const T>(std::ranges::data(numbers), std::ranges::size(numbers))), std::move(shape));
  }
  void metadata(std::string key, std::string value) {
    if (!is_text(key) || !is_text(value)) fail("__metadata__", "UTF-8", "other bytes");
    metadata_.insert_or_assign(std::move(key), std::move(value));
  }

  // Beside the target first, then renamed: a reader sees the old file or the new one, never a part, and one that maps the old one keeps it.
  void write(const std::filesystem::path& path) const {
    std::filesystem::path beside = path;
    beside += ".part";
    std::error_code error;
    {
      std::ofstream stream(beside, std::ios::binary | std::ios::trunc);
      const std::string text = header();
      const std::uint64_t length = text.size();
      stream.write(reinterpret_cast<const char*>(&length), 8);
      stream.write(text.data(), static_cast<std::streamsize>(text.size()));
      for (const auto* entry : in_order())
        stream.write(reinterpret_cast<const char*>(entry->second.bytes.data()), static_cast<std::streamsize>(entry->second.bytes.size()));
      stream.close();
      if (!stream) error = std::make_error_code(std::errc::io_error);
    }
    if (!error) std::filesystem::rename(beside, path, error);
    if (!error) return;
    const std::string reason = error.message();
    std::filesystem::remove(beside, error);
    raise<FormatError>("lcsm::SafetensorsWriter: file '" + path.string() + "': cannot be written: " + reason);
  }

 private:
  struct Tensor { DType dtype; std::vector<Index> shape; std::vector<std::byte> bytes; };
  using Tensors = std::map<std::string, Tensor, std::less<>>;

  [[noreturn]] static void fail(std::string_view name, std::string_view expected, std::string_view given) {
    std::string message = "lcsm::SafetensorsWriter: tensor '";
    raise<FormatError>(message.append(name).append("': expected ").append(expected).append(", given ").append(given));
  }
  static bool is_text(const std::string& text) {
    const nlohmann::json json(text);
    return nlohmann::json::parse(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) == json;
  }
  static std::string brief(const std::vector<Index>& shape) { return nlohmann::json(shape).dump(); }

  std::vector<const Tensors::value_type*> in_order() const {
    std::vector<const Tensors::value_type*> order;
    for (const auto& entry : tensors_) order.push_back(&entry);
    std::sort(order.begin(), order.end(), [](auto* a, auto* b) {
      const std::size_t x = dtype_size(a->second.dtype), y = dtype_size(b->second.dtype);
      return x != y ? x > y : a->first < b->first;
    });
    return order;
  }
  std::string header() const {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    if (!metadata_.empty()) json["__metadata__"] = metadata_;
    std::uint64_t begin = 0;
    for (const auto* entry : in_order()) {
      const Tensor& tensor = entry->second;
      const std::uint64_t end = begin + tensor.bytes.size();
      json[entry->first] = {{"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
      begin = end;
    }
    std::string text = json.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');  // the data then begins on a border of 8 bytes
    return text;
  }

  Tensors tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace lcsm
