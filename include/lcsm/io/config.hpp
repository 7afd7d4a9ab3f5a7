// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/io/json_file.hpp>
#include <lcsm/io/json_reader.hpp>

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcsm {

// A configuration file: one JSON object, typed by who reads it. NaN, Infinity and -Infinity stand for numbers, as Python writes them. What is wrong is a
// FormatError that names the file, the key, what was expected and what was given. A null is as if its key were not there, and of equal keys the last
// counts, as in Python.
//
//   const lcsm::ConfigFile config("model/config.json");
//   const auto layers = config.get<lcsm::Index>("num_hidden_layers");                       // must be there
//   const auto eps = config.get<float>("layer_norm_epsilon", 1e-5f);                        // otherwise 1e-5
//   const auto limits = config.get<std::vector<double>>("time_step_limit", {0, infinity});
class ConfigFile {
 public:
  // Throws FormatError if the file cannot be read or holds anything but one JSON object.
  explicit ConfigFile(std::filesystem::path path) : path_(std::move(path)) {
    detail::JsonFile file("ConfigFile", path_, detail::BareNumbers::accepted);
    where_ = file.where(), json_ = std::make_shared<const nlohmann::json>(file.take()), value_ = json_.get();
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  bool contains(std::string_view key) const { return reader().has(key); }   // and is not null
  std::vector<std::string> keys() const {                                   // sorted; also those that are null
    std::vector<std::string> keys;
    for (const auto& [key, value] : value_->items()) keys.push_back(key);
    return keys;
  }

  // T is bool, an integer, float, double, std::string or a std::vector of these. Throws FormatError if the key is not there or if its value is no T:
  // true and 1.0 are no integers, 1 is a floating number, and nothing is cut to fit.
  template <class T> T get(std::string_view key) const { return reader().get<T>(key); }
  // The same, `otherwise` if the key is not there; a value of another type is refused all the same.
  template <class T> T get(std::string_view key, T otherwise) const { return reader().get<T>(key, std::move(otherwise)); }

  // The object under a key, as a file of its own. Throws FormatError if it is not there or no object.
  ConfigFile section(std::string_view key) const {
    const detail::JsonReader inner = reader().at(key);
    if (!inner.value().is_object()) inner.fail("an object");
    ConfigFile section(*this);
    section.value_ = &inner.value(), section.key_ = (key_.empty() ? "" : key_ + ".").append(key);
    return section;
  }

 private:
  detail::JsonReader reader() const { return {where_, key_, *value_}; }
  std::filesystem::path path_;
  std::string where_, key_;
  std::shared_ptr<const nlohmann::json> json_;
  const nlohmann::json* value_ = nullptr;   // in json_
};

}  // namespace lcsm
