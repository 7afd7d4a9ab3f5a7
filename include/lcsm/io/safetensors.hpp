// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/dtype.hpp>
#include <lcsm/io/mapped_file.hpp>
#include <lcsm/tensor/index.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lcsm {

static_assert(std::endian::native == std::endian::little, "lcsm: safetensors files are little-endian and are read in place");

// One tensor of an open file: row-major, dense. `bytes` points into the file and lives as long as it does; it need not be aligned.
struct SafetensorsTensor {
  DType dtype;
  std::vector<Index> shape;  // empty for a single number
  std::span<const std::byte> bytes;
  Index size() const noexcept { return static_cast<Index>(bytes.size() / dtype_size(dtype)); }
};

// Whether values<T>() may change a number: `nearest` allows any floating type to take any number, rounded to nearest even, and any integer
// type to take integers that fit it.
enum class Rounding { forbidden, nearest };

namespace detail {

struct SafetensorsHeader {
  std::map<std::string, SafetensorsTensor, std::less<>> tensors;
  std::map<std::string, std::string> metadata;
};

// Format (github.com/huggingface/safetensors, README, "Format"): 8 bytes, the length of the header as a little-endian integer; the header, a
// JSON object from '{' on, {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, ..., "__metadata__": {"key": "text"}},
// padded with spaces; the data, to which the offsets are relative, covered by the tensors without a hole, an overlap or a rest.
class SafetensorsParser {
 public:
  SafetensorsParser(const std::filesystem::path& path, std::span<const std::byte> file) : path_(path), file_(file) {}

  SafetensorsHeader parse() {
    constexpr std::uint64_t prefix = 8, largest_header = 100'000'000;  // the limit of the reference implementation
    if (file_.size() < prefix) fail("", "8 bytes of header length", std::to_string(file_.size()) + " bytes in all");
    std::uint64_t length = 0;
    std::memcpy(&length, file_.data(), prefix);
    if (length > largest_header) fail("", "a header of at most 100000000 bytes", std::to_string(length));
    if (length > file_.size() - prefix) fail("", "a header of " + std::to_string(length) + " bytes", std::to_string(file_.size() - prefix) + " bytes left in the file");
    const std::string_view text(reinterpret_cast<const char*>(file_.data() + prefix), static_cast<std::size_t>(length));
    data_ = file_.subspan(static_cast<std::size_t>(prefix + length));
    // The JSON parser would skip a byte order mark and take a zero byte for the end of its input.
    if (text.empty() || text.front() != '{' || text.find('\0') != std::string_view::npos) fail("", "a header that is a JSON object", "other bytes");

    const nlohmann::json json = read_json(text);
    SafetensorsHeader header;
    std::vector<Place> places;
    for (const auto& [name, entry] : json.items()) {
      if (name == "__metadata__") read_metadata(entry, header.metadata);
      else header.tensors.emplace(name, read_tensor(name, entry, places));
    }
    check_cover(places);
    return header;
  }

 private:
  struct Place { std::uint64_t begin, end; std::string name; };

  [[noreturn]] void fail(std::string_view tensor, std::string_view expected, std::string_view given) const {
    std::string message = "lcsm::SafetensorsFile: file '" + path_.string() + "': ";
    if (!tensor.empty()) message.append("tensor '").append(tensor).append("': ");
    raise<FormatError>(message.append("expected ").append(expected).append(", given ").append(given));
  }

  nlohmann::json read_json(std::string_view text) const {
    using Event = nlohmann::json::parse_event_t;
    std::array<std::set<std::string>, 2> seen;  // the names so far in the header and in the entry being read
    const auto watch = [&](int depth, Event event, nlohmann::json& parsed) {
      if ((event == Event::object_start || event == Event::array_start) && depth > 2) fail("", "a header of three levels", "a deeper one");
      if (event == Event::object_start && depth < 2) seen[static_cast<std::size_t>(depth)].clear();
      if (event == Event::key && depth <= 2 && !seen[static_cast<std::size_t>(depth - 1)].insert(parsed.get<std::string>()).second)
        fail(depth == 1 ? parsed.get<std::string>() : "", "every name once", "'" + parsed.get<std::string>() + "' twice");
      return true;
    };
    nlohmann::json json = nlohmann::json::parse(text.begin(), text.end(), watch, false);
    if (!json.is_object()) fail("", "a header that is a JSON object", "text that is none");
    return json;
  }

  void read_metadata(const nlohmann::json& entry, std::map<std::string, std::string>& metadata) const {
    if (!entry.is_object()) fail("__metadata__", "an object of texts", entry.type_name());
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) fail("__metadata__", "a text for '" + key + "'", value.type_name());
      metadata.emplace(key, value.get<std::string>());
    }
  }

  SafetensorsTensor read_tensor(const std::string& name, const nlohmann::json& entry, std::vector<Place>& places) const {
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
      fail(name, "an object of dtype, shape and data_offsets", brief(entry));
    const nlohmann::json &type = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
    const std::optional<DType> dtype = type.is_string() ? dtype_from_name(type.get<std::string>()) : std::nullopt;
    if (!dtype) fail(name, "a dtype among BOOL, U8 .. U64, I8 .. I64, F16, BF16, F32, F64", brief(type));

    if (!shape.is_array()) fail(name, "a shape that is an array", brief(shape));
    SafetensorsTensor tensor{*dtype, {}, {}};
    Index bytes = static_cast<Index>(dtype_size(*dtype));
    for (const nlohmann::json& extent : shape) {
      if (!extent.is_number_unsigned() || !std::in_range<Index>(extent.get<std::uint64_t>())) fail(name, "extents from 0 to 2^63 - 1", brief(shape));
      tensor.shape.push_back(static_cast<Index>(extent.get<std::uint64_t>()));
      if (__builtin_mul_overflow(bytes, tensor.shape.back(), &bytes)) fail(name, "fewer than 2^63 bytes", brief(shape));
    }

    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
      fail(name, "data_offsets [begin, end]", brief(offsets));
    const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
    if (begin > end || end > data_.size()) fail(name, "data_offsets with begin <= end <= " + std::to_string(data_.size()), brief(offsets));
    if (end - begin != static_cast<std::uint64_t>(bytes))
      fail(name, std::to_string(bytes) + " bytes for " + std::string(dtype_name(*dtype)) + " " + brief(shape), std::to_string(end - begin));
    tensor.bytes = data_.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
    places.push_back({begin, end, name});
    return tensor;
  }

  void check_cover(std::vector<Place>& places) const {
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
    std::uint64_t covered = 0;
    for (const Place& place : places) {
      if (place.begin != covered)
        fail(place.name, "data from byte " + std::to_string(covered) + " on, where the one before ends", std::to_string(place.begin));
      covered = place.end;
    }
    if (covered != data_.size()) fail("", std::to_string(covered) + " bytes of data", std::to_string(data_.size()));
  }

  // Part of a message, whatever the file holds: cut short, and never an exception because of what is not UTF-8.
  static std::string brief(const nlohmann::json& value) {
    std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > 80) text.replace(77, std::string::npos, "...");
    return text;
  }

  const std::filesystem::path& path_;
  std::span<const std::byte> file_, data_;
};

}  // namespace detail

// A safetensors file, memory-mapped and checked as a whole when it is opened: what is wrong with it is a FormatError that names the file, the
// tensor, what was expected and what was given. Nothing is read outside of the file, whatever it holds. Tensors without elements are legal.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(std::filesystem::path path)
      : file_(std::move(path)), header_(detail::SafetensorsParser(file_.path(), file_.bytes()).parse()) {}

  const std::filesystem::path& path() const noexcept { return file_.path(); }
  const std::map<std::string, std::string>& metadata() const noexcept { return header_.metadata; }
  bool contains(std::string_view name) const { return header_.tensors.find(name) != header_.tensors.end(); }
  std::vector<std::string> names() const {  // sorted
    std::vector<std::string> names;
    for (const auto& [name, tensor] : header_.tensors) names.push_back(name);
    return names;
  }
  const SafetensorsTensor& tensor(std::string_view name) const {
    const auto found = header_.tensors.find(name);
    if (found == header_.tensors.end()) fail(name, "one of the " + std::to_string(header_.tensors.size()) + " tensors of the file", "a name that it does not hold");
    return found->second;
  }

  // The elements in place. T must be the type of the file, and the file must have them aligned; values() takes anything.
  template <class T> std::span<const T> span(std::string_view name) const {
    const SafetensorsTensor& found = tensor(name);
    if (found.dtype != dtype_of<T>) fail(name, dtype_name(dtype_of<T>), dtype_name(found.dtype));
    if (reinterpret_cast<std::uintptr_t>(found.bytes.data()) % alignof(T) != 0)
      fail(name, "data on a border of " + std::to_string(alignof(T)) + " bytes", "data that is not: read it by values()");
    if constexpr (std::is_same_v<T, bool>) check_booleans(name, found);
    return {reinterpret_cast<const T*>(found.bytes.data()), to_size(found.size())};
  }

  // A copy of the elements as T. Refuses a dtype of which T cannot hold every number (64-bit integers as double, double as float), unless
  // rounding is asked for; floating numbers never become integers. 64-bit integers reach the two-byte types by way of double.
  template <class T> std::vector<T> values(std::string_view name, Rounding rounding = Rounding::forbidden) const {
    static_assert(!std::is_same_v<T, bool>, "lcsm::SafetensorsFile: std::vector<bool> has no elements; read values<std::uint8_t>");
    const SafetensorsTensor& found = tensor(name);
    std::vector<T> out(to_size(found.size()));
    if (found.dtype == dtype_of<T>) {
      if (!out.empty()) std::memcpy(out.data(), found.bytes.data(), found.bytes.size());
      return out;
    }
    with_dtype(found.dtype, [&]<class S>() { convert<S>(name, found, rounding, out); });
    return out;
  }

 private:
  [[noreturn]] void fail(std::string_view name, std::string_view expected, std::string_view given) const {
    std::string message = "lcsm::SafetensorsFile: file '" + path().string() + "': tensor '";
    raise<FormatError>(message.append(name).append("': expected ").append(expected).append(", given ").append(given));
  }

  void check_booleans(std::string_view name, const SafetensorsTensor& found) const {
    for (const std::byte b : found.bytes)
      if (b > std::byte{1}) fail(name, "bytes 0 and 1 in a BOOL", std::to_string(std::to_integer<int>(b)));
  }

  template <class S, class T> void convert(std::string_view name, const SafetensorsTensor& found, Rounding rounding, std::vector<T>& out) const {
    constexpr bool from_floating = detail::number_range<S>::value.floating, to_floating = detail::number_range<T>::value.floating;
    if constexpr (from_floating && !to_floating) {
      fail(name, std::string(dtype_name(dtype_of<T>)) + " or another integer", dtype_name(found.dtype));
    } else {
      if (!converts_exactly<S, T> && rounding == Rounding::forbidden)
        fail(name, "numbers that " + std::string(dtype_name(dtype_of<T>)) + " holds exactly (or Rounding::nearest)", dtype_name(found.dtype));
      if constexpr (std::is_same_v<S, bool>) check_booleans(name, found);
      const std::byte* from = found.bytes.data();
      for (T& to : out) {
        S number;
        std::memcpy(&number, from, sizeof(S));
        from += sizeof(S);
        to = convert_one<S, T>(name, number);
      }
    }
  }

  template <class S, class T> T convert_one(std::string_view name, S number) const {
    constexpr bool from_two_bytes = !std::is_arithmetic_v<S>, to_two_bytes = !std::is_arithmetic_v<T>;
    if constexpr (from_two_bytes) {
      const auto exact = static_cast<std::conditional_t<std::is_same_v<T, double>, double, float>>(number);
      return static_cast<T>(exact);
    } else if constexpr (to_two_bytes) {
      if constexpr (sizeof(S) > 4) return T(static_cast<double>(number));
      else return T(number);
    } else if constexpr (std::is_integral_v<S> && std::is_integral_v<T> && !converts_exactly<S, T>) {
      if (!std::in_range<T>(number)) fail(name, "integers that " + std::string(dtype_name(dtype_of<T>)) + " holds", std::to_string(number));
      return static_cast<T>(number);
    } else {
      return static_cast<T>(number);
    }
  }

  MappedFile file_;
  detail::SafetensorsHeader header_;
};

}  // namespace lcsm
