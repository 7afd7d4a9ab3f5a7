// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace lcsm::detail {

template <class T> inline constexpr bool is_json_list = false;
template <class T> inline constexpr bool is_json_list<std::vector<T>> = true;

// A value in a JSON file, with what an error says of it: the file and the way from its top to here ("model.vocab", "merges[3]").
class JsonReader {
 public:
  // `where` begins every message: "lcsm::ConfigFile: file 'config.json'". The value must outlive this.
  JsonReader(std::string where, std::string key, const nlohmann::json& value) : where_(std::move(where)), key_(std::move(key)), value_(&value) {}

  const nlohmann::json& value() const noexcept { return *value_; }
  [[noreturn]] void fail(std::string_view expected, std::string_view given) const {
    std::string message = where_ + ": ";
    if (!key_.empty()) message.append("key '").append(key_).append("': ");
    raise<FormatError>(message.append("expected ").append(expected).append(", given ").append(given));
  }
  [[noreturn]] void fail(std::string_view expected) const { fail(expected, brief(*value_)); }

  // Members of an object; null is as if the key were not there.
  bool has(std::string_view key) const {
    const auto found = object().find(std::string(key));
    return found != value_->end() && !found->is_null();
  }
  JsonReader at(std::string_view key) const {
    const auto found = object().find(std::string(key));
    return {where_, (key_.empty() ? "" : key_ + ".").append(key), found == value_->end() ? nothing() : *found};
  }
  template <class T> T get(std::string_view key) const { return at(key).as<T>(); }
  template <class T> T get(std::string_view key, T otherwise) const { return has(key) ? get<T>(key) : std::move(otherwise); }
  // Elements of an array.
  std::size_t size() const { return array().size(); }
  JsonReader at(std::size_t n) const { return {where_, key_ + "[" + std::to_string(n) + "]", array()[n]}; }

  template <class T> T as() const {
    if constexpr (std::same_as<T, bool>) {
      if (!value_->is_boolean()) fail("true or false");
      return value_->get<bool>();
    } else if constexpr (std::integral<T>) {
      using limits = std::numeric_limits<T>;
      if (!value_->is_number_integer() || (value_->is_number_unsigned() ? !std::in_range<T>(value_->get<std::uint64_t>()) : !std::in_range<T>(value_->get<std::int64_t>())))
        fail("an integer from " + std::to_string((limits::min)()) + " to " + std::to_string((limits::max)()));
      return value_->is_number_unsigned() ? static_cast<T>(value_->get<std::uint64_t>()) : static_cast<T>(value_->get<std::int64_t>());
    } else if constexpr (std::floating_point<T>) {
      const double number = number_of(*value_);
      if (std::isfinite(number) && std::fabs(number) > (std::numeric_limits<T>::max)()) fail("a number that the type holds");
      return static_cast<T>(number);
    } else if constexpr (std::same_as<T, std::string>) {
      if (!value_->is_string()) fail("a text");
      return value_->get<std::string>();
    } else {
      static_assert(is_json_list<T>, "lcsm: a value of a JSON file is a bool, an integer, a floating number, a std::string or a std::vector of these");
      T list;
      for (std::size_t n = 0; n < size(); ++n) list.push_back(at(n).template as<typename T::value_type>());
      return list;
    }
  }

  // Part of a message, whatever the file holds: cut short, and never an exception because of what is not UTF-8.
  static std::string brief(const nlohmann::json& value) {
    if (value.is_null()) return "nothing";
    if (value.is_number_float() && !std::isfinite(value.get<double>())) return std::isnan(value.get<double>()) ? "NaN" : value.get<double>() > 0 ? "Infinity" : "-Infinity";
    std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > 80) text.replace(77, std::string::npos, "...");
    return text;
  }

 private:
  static const nlohmann::json& nothing() {
    static const nlohmann::json null;
    return null;
  }
  // {"__float__": "Infinity"} is how some writers spell what JSON does not have.
  double number_of(const nlohmann::json& value) const {
    if (value.is_number()) return value.get<double>();
    if (value.is_object() && value.size() == 1 && value.contains("__float__"))
      for (const auto& [name, number] : {std::pair{"Infinity", HUGE_VAL}, std::pair{"-Infinity", -HUGE_VAL}, std::pair{"NaN", std::nan("")}})
        if (value["__float__"] == name) return number;
    fail("a number");
  }
  const nlohmann::json& object() const {
    if (!value_->is_object()) fail("an object");
    return *value_;
  }
  const nlohmann::json& array() const {
    if (!value_->is_array()) fail("a list");
    return *value_;
  }
  std::string where_, key_;
  const nlohmann::json* value_;
};

}  // namespace lcsm::detail
