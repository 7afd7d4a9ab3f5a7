// SPDX-License-Identifier: MIT
#include "golden.hpp"

#include <lcsm/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace lcsm::test {
namespace {

[[noreturn]] void refuse(const SafetensorsFile& file, const std::string& what) { raise<FormatError>("lcsm::test: file '" + file.path().string() + "': " + what); }

Array read_array(const SafetensorsFile& file, const std::string& key) {
  const SafetensorsTensor& tensor = file.tensor(key);
  if (tensor.size() == 0) refuse(file, "tensor '" + key + "': expected at least one element, given none");
  Array out{tensor.shape, file.values<double>(key, Rounding::nearest), tensor.dtype};
  if (tensor.dtype == DType::i64 || tensor.dtype == DType::u64)
    for (const double x : out.values)
      if (std::abs(x) >= 0x1p53) refuse(file, "tensor '" + key + "': expected integers below 2^53 in magnitude, given a larger one");
  return out;
}

const std::string& metadata_of(const SafetensorsFile& file, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) refuse(file, "no metadata '" + key + "'");
  return found->second;
}
nlohmann::json json_metadata(const SafetensorsFile& file, const std::string& key) {
  nlohmann::json json = nlohmann::json::parse(metadata_of(file, key), nullptr, false);
  if (!json.is_object() || json.empty()) refuse(file, "metadata '" + key + "' is no JSON object with members");
  return json;
}

std::vector<std::string> names_after(const SafetensorsFile& file, const std::string& prefix) {
  std::vector<std::string> names;
  for (const std::string& key : file.names())
    if (key.compare(0, prefix.size(), prefix) == 0) names.push_back(key.substr(prefix.size()));
  return names;
}

std::string joined(const std::string& in_case, const std::string& role, const std::string& name) { return in_case + "." + role + "." + name; }

}  // namespace

std::filesystem::path golden_path(const std::string& mixer) { return std::filesystem::path(LCSM_TEST_DATA_DIR) / "golden" / (mixer + ".safetensors"); }
std::filesystem::path case_path(const std::string& id) { return std::filesystem::path(LCSM_TEST_DATA_DIR) / "cases/data" / (id + ".safetensors"); }

struct GoldenCase::Attributes {
  nlohmann::json json;
};
Index GoldenCase::size(const std::string& key) const { return attributes_->json.at(key).get<Index>(); }
Index GoldenCase::size(const std::string& key, Index otherwise) const { return attributes_->json.value(key, otherwise); }
bool GoldenCase::flag(const std::string& key) const { return attributes_->json.value(key, false); }
double GoldenCase::number(const std::string& key) const { return attributes_->json.at(key).get<double>(); }
std::string GoldenCase::text(const std::string& key) const { return attributes_->json.at(key).get<std::string>(); }
std::string GoldenCase::text(const std::string& key, const std::string& otherwise) const { return attributes_->json.value(key, otherwise); }
std::vector<std::string> GoldenCase::list(const std::string& key) const { return attributes_->json.value(key, std::vector<std::string>()); }

Golden::Golden(const std::filesystem::path& path) : file_(std::make_shared<const SafetensorsFile>(path)), axes_(json_metadata(*file_, "axes").get<std::map<std::string, std::string>>()) {
  const nlohmann::json cases = json_metadata(*file_, "cases");
  for (const auto& [name, attributes] : cases.items()) {
    if (names_after(*file_, name + ".").empty()) refuse(*file_, "case '" + name + "' has no tensor");
    GoldenCase one;
    one.name = name, one.attributes_ = std::make_shared<const GoldenCase::Attributes>(GoldenCase::Attributes{attributes});
    cases_.push_back(std::move(one));
  }
  for (const std::string& key : file_->names()) {
    const std::size_t first = key.find('.'), second = first == std::string::npos ? first : key.find('.', first + 1);
    if (second == std::string::npos || !cases.contains(key.substr(0, first))) refuse(*file_, "tensor '" + key + "' is not <case>.<role>.<name> of a listed case");
  }
}
const std::string& Golden::metadata(const std::string& key) const { return metadata_of(*file_, key); }
bool Golden::has(const std::string& in_case, const std::string& role, const std::string& name) const { return file_->contains(joined(in_case, role, name)); }
Array Golden::array(const std::string& in_case, const std::string& role, const std::string& name) const { return read_array(*file_, joined(in_case, role, name)); }
std::vector<std::string> Golden::names(const std::string& in_case, const std::string& role) const { return names_after(*file_, in_case + "." + role + "."); }

Case::Case(const std::filesystem::path& path) : file_(std::make_shared<const SafetensorsFile>(path)) {}
const std::string& Case::metadata(const std::string& key) const { return metadata_of(*file_, key); }
Array Case::in(const std::string& name) const { return read_array(*file_, "in." + name); }
Array Case::out(const std::string& name) const { return read_array(*file_, "out." + name); }
std::vector<std::int64_t> Case::integers(const std::string& key) const { return file_->values<std::int64_t>(key); }
bool Case::has_in(const std::string& name) const { return file_->contains("in." + name); }
bool Case::has_out(const std::string& name) const { return file_->contains("out." + name); }
std::vector<std::string> Case::names_in() const { return names_after(*file_, "in."); }
std::vector<std::string> Case::names_out() const { return names_after(*file_, "out."); }

}  // namespace lcsm::test
