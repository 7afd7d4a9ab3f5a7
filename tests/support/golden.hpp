// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcsm::test {

// Numbers of a test file as doubles, each exactly what is stored.
struct Array {
  std::vector<Index> shape;
  std::vector<double> values;
  DType dtype;
  double operator[](std::size_t n) const { return values.at(n); }
};

inline std::filesystem::path golden_path(const std::string& mixer) { return std::filesystem::path(LCSM_TEST_DATA_DIR) / "golden" / (mixer + ".safetensors"); }
inline std::filesystem::path case_path(const std::string& id) { return std::filesystem::path(LCSM_TEST_DATA_DIR) / "cases/data" / (id + ".safetensors"); }

namespace detail {

// Absent and empty arrays are refused: a comparison of nothing would pass.
inline Array read_array(const SafetensorsFile& file, const std::string& key) {
  const SafetensorsTensor& tensor = file.tensor(key);
  const auto refuse = [&](const char* what) { raise<FormatError>("lcsm::test: file '" + file.path().string() + "': tensor '" + key + "': " + what); };
  if (tensor.size() == 0) refuse("expected at least one element, given none");
  Array out{tensor.shape, file.values<double>(key, Rounding::nearest), tensor.dtype};
  if (tensor.dtype == DType::i64 || tensor.dtype == DType::u64)
    for (const double x : out.values)
      if (std::abs(x) >= 0x1p53) refuse("expected integers below 2^53 in magnitude, given a larger one");
  return out;
}

inline const std::string& metadata(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) raise<FormatError>("lcsm::test: file '" + file.path().string() + "': no metadata '" + key + "'");
  return found->second;
}

inline nlohmann::json json_metadata(const SafetensorsFile& file, const std::string& key) {
  nlohmann::json json = nlohmann::json::parse(metadata(file, key), nullptr, false);
  if (!json.is_object() || json.empty()) raise<FormatError>("lcsm::test: file '" + file.path().string() + "': metadata '" + key + "' is no JSON object with members");
  return json;
}

inline std::vector<std::string> names_after(const SafetensorsFile& file, const std::string& prefix) {
  std::vector<std::string> names;
  for (const std::string& key : file.names())
    if (key.compare(0, prefix.size(), prefix) == 0) names.push_back(key.substr(prefix.size()));
  return names;
}

}  // namespace detail

struct GoldenCase {
  std::string name;
  nlohmann::json attributes;  // sizes and flags: {"B": 2, "L": 63, "initial_state": true, ...}
  Index size(const std::string& key) const { return attributes.at(key).get<Index>(); }
  bool flag(const std::string& key) const { return attributes.value(key, false); }
};

// tests/golden/<mixer>.safetensors: keys are <case>.<role>.<name>, of which only the first two dots separate.
class Golden {
 public:
  explicit Golden(const std::filesystem::path& path) : file_(path), axes_(detail::json_metadata(file_, "axes")) {
    const nlohmann::json cases = detail::json_metadata(file_, "cases");
    for (const auto& [name, attributes] : cases.items()) {
      if (detail::names_after(file_, name + ".").empty()) refuse("case '" + name + "' has no tensor");
      cases_.push_back({name, attributes});
    }
    for (const std::string& key : file_.names()) {
      const std::size_t first = key.find('.'), second = first == std::string::npos ? first : key.find('.', first + 1);
      if (second == std::string::npos || !cases.contains(key.substr(0, first))) refuse("tensor '" + key + "' is not <case>.<role>.<name> of a listed case");
    }
  }

  const SafetensorsFile& file() const { return file_; }
  const std::string& metadata(const std::string& key) const { return detail::metadata(file_, key); }
  const std::string& adapter() const { return metadata("adapter"); }     // the family that the file belongs to
  const nlohmann::json& axes() const { return axes_; }                   // {"q": "[B,L,H,K]", ...}
  const std::vector<GoldenCase>& cases() const { return cases_; }

  bool has(const std::string& in_case, const std::string& role, const std::string& name) const { return file_.contains(key(in_case, role, name)); }
  Array array(const std::string& in_case, const std::string& role, const std::string& name) const { return detail::read_array(file_, key(in_case, role, name)); }
  std::vector<std::string> names(const std::string& in_case, const std::string& role) const { return detail::names_after(file_, in_case + "." + role + "."); }

 private:
  static std::string key(const std::string& in_case, const std::string& role, const std::string& name) { return in_case + "." + role + "." + name; }
  void refuse(const std::string& what) const { raise<FormatError>("lcsm::test: file '" + file_.path().string() + "': " + what); }
  SafetensorsFile file_;
  nlohmann::json axes_;
  std::vector<GoldenCase> cases_;
};

// tests/cases/data/<id>.safetensors: keys in.<name> and out.<name>.
class Case {
 public:
  explicit Case(const std::filesystem::path& path) : file_(path) {}
  const SafetensorsFile& file() const { return file_; }
  const std::string& metadata(const std::string& key) const { return detail::metadata(file_, key); }
  Array in(const std::string& name) const { return detail::read_array(file_, "in." + name); }
  Array out(const std::string& name) const { return detail::read_array(file_, "out." + name); }
  bool has_in(const std::string& name) const { return file_.contains("in." + name); }
  bool has_out(const std::string& name) const { return file_.contains("out." + name); }
  std::vector<std::string> names_in() const { return detail::names_after(file_, "in."); }
  std::vector<std::string> names_out() const { return detail::names_after(file_, "out."); }

 private:
  SafetensorsFile file_;
};

}  // namespace lcsm::test
