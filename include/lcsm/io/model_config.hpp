// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/mapped_file.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lcsm {

namespace detail {
template <class T> inline constexpr bool is_list = false;
template <class T> inline constexpr bool is_list<std::vector<T>> = true;
}  // namespace detail

// The config.json beside a checkpoint, or an object within it. Numbers may be the bare words Infinity, -Infinity and NaN, which Python's json writes and JSON does not know, or
// {"__float__": "Infinity"}, as newer writers have it. A value that is null counts as absent. What is missing or of another kind is a FormatError that names the file, the key, what was expected and what was given.
class ModelConfig {
  using Json = nlohmann::json;

 public:
  explicit ModelConfig(const std::filesystem::path& path) : file_(path.string()) {
    const MappedFile bytes(path);
    json_ = Json::parse(quoted({reinterpret_cast<const char*>(bytes.bytes().data()), bytes.bytes().size()}), nullptr, false);
    if (!json_.is_object()) raise<FormatError>("lcsm::ModelConfig: file '" + file_ + "': expected a JSON object, given other bytes");
  }

  bool contains(const std::string& key) const { return json_.contains(key) && !json_[key].is_null(); }

  // T: bool, an integer, a floating type, std::string, or a vector of these. Integers are numbers without a fraction that fit; a floating type takes any number.
  template <class T> T get(const std::string& key) const {
    if (!contains(key)) fail(key, name<T>(), "nothing");
    return as<T>(key, json_[key]);
  }
  template <class T> T get(const std::string& key, T otherwise) const { return contains(key) ? as<T>(key, json_[key]) : otherwise; }
  ModelConfig object(const std::string& key) const {
    if (!contains(key) || !json_[key].is_object()) fail(key, "an object", contains(key) ? text_of(json_[key]) : "nothing");
    return {file_, within_ + key + ".", json_[key]};
  }

 private:
  ModelConfig(std::string file, std::string within, Json json) : file_(std::move(file)), within_(std::move(within)), json_(std::move(json)) {}

  // The bare words as texts that no writer would write, told apart by a first character.
  static std::string quoted(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    bool in_text = false;
    for (std::size_t at = 0; at < text.size();) {
      const char c = text[at];
      if (in_text && c == '\\' && at + 1 < text.size()) { out.append(text.substr(at, 2)), at += 2; continue; }
      if (c == '"') in_text = !in_text;
      std::string_view word;
      if (!in_text)
        for (const std::string_view one : {"-Infinity", "Infinity", "NaN"})
          if (word.empty() && text.substr(at).starts_with(one)) word = one;
      if (word.empty()) out += c, ++at;
      else out.append("\"\\u0001").append(word).append("\""), at += word.size();
    }
    return out;
  }
  static std::string text_of(const Json& value) {
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 80) text.replace(77, std::string::npos, "...");
    return text;
  }
  [[noreturn]] void fail(const std::string& key, const std::string& expected, const std::string& given) const {
    raise<FormatError>("lcsm::ModelConfig: file '" + file_ + "': '" + within_ + key + "': expected " + expected + ", given " + given);
  }
  template <class T> static std::string name() {
    if constexpr (detail::is_list<T>) return "a list";
    else if constexpr (std::is_same_v<T, bool>) return "true or false";
    else if constexpr (std::is_same_v<T, std::string>) return "a text";
    else if constexpr (std::is_integral_v<T>) return "an integer from " + std::to_string(std::numeric_limits<T>::lowest()) + " to " + std::to_string((std::numeric_limits<T>::max)());
    else return "a number";
  }
  template <class T> T as(const std::string& key, const Json& value) const {
    if constexpr (detail::is_list<T>) {
      if (!value.is_array()) fail(key, name<T>(), text_of(value));
      T out;
      for (const Json& one : value) out.push_back(as<typename T::value_type>(key, one));
      return out;
    } else {
      if constexpr (std::is_same_v<T, bool>) {
        if (value.is_boolean()) return value.get<bool>();
      } else if constexpr (std::is_same_v<T, std::string>) {
        if (value.is_string() && word_of(value).empty()) return value.get<std::string>();
      } else if constexpr (std::is_integral_v<T>) {
        if (value.is_number_unsigned() && std::in_range<T>(value.get<std::uint64_t>())) return static_cast<T>(value.get<std::uint64_t>());
        if (value.is_number_integer() && !value.is_number_unsigned() && std::in_range<T>(value.get<std::int64_t>())) return static_cast<T>(value.get<std::int64_t>());
        if (value.is_number_float()) {
          const double number = value.get<double>();
          constexpr double exact = 9007199254740992.0;            // 2^53
          if (number >= -exact && number <= exact && double(std::int64_t(number)) == number && std::in_range<T>(std::int64_t(number))) return static_cast<T>(std::int64_t(number));
        }
      } else {
        static_assert(std::is_floating_point_v<T>, "lcsm::ModelConfig: bool, integers, floating types, std::string, and vectors of these");
        if (value.is_number()) return value.get<T>();
        const std::string word = word_of(value);
        if (word == "Infinity" || word == "-Infinity") return word.front() == '-' ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::infinity();
        if (word == "NaN") return std::numeric_limits<T>::quiet_NaN();
      }
      fail(key, name<T>(), text_of(value));
    }
  }
  // Infinity, -Infinity or NaN, in either spelling; else nothing.
  static std::string word_of(const Json& value) {
    const Json* of = &value;
    if (value.is_object() && value.size() == 1 && value.contains("__float__")) of = &value["__float__"];
    if (!of->is_string()) return "";
    const auto text = of->get<std::string>();
    return of != &value ? text : text.starts_with('\x01') ? text.substr(1) : "";
  }

  std::string file_, within_;
  Json json_;
};

}  // namespace lcsm
