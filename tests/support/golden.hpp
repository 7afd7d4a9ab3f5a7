// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/dtype.hpp>
#include <lcsm/tensor/index.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace lcsm {
class SafetensorsFile;
}

// Compiled once (golden.cpp): a JSON parser in every test would cost more than most of them.
namespace lcsm::test {

// Numbers of a test file as doubles, each exactly what is stored.
struct Array {
  std::vector<Index> shape;
  std::vector<double> values;
  DType dtype;
  double operator[](std::size_t n) const { return values.at(n); }
};

std::filesystem::path golden_path(const std::string& mixer);
std::filesystem::path case_path(const std::string& id);

class GoldenCase {
 public:
  std::string name;
  // Sizes and flags: {"B": 2, "L": 63, "initial_state": true, ...}. Without `otherwise` the key must be there.
  Index size(const std::string& key) const;
  Index size(const std::string& key, Index otherwise) const;
  bool flag(const std::string& key) const;                  // false if it is not there
  double number(const std::string& key) const;
  std::string text(const std::string& key) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  std::vector<std::string> list(const std::string& key) const;   // empty if it is not there

 private:
  friend class Golden;
  struct Attributes;
  std::shared_ptr<const Attributes> attributes_;
};

// tests/golden/<mixer>.safetensors: keys are <case>.<role>.<name>, of which only the first two dots separate. Absent and empty arrays are refused: a
// comparison of nothing would pass.
class Golden {
 public:
  explicit Golden(const std::filesystem::path& path);

  const SafetensorsFile& file() const { return *file_; }
  const std::string& metadata(const std::string& key) const;
  const std::string& adapter() const { return metadata("adapter"); }     // the family that the file belongs to
  const std::map<std::string, std::string>& axes() const { return axes_; }   // {"q": "[B,L,H,K]", ...}
  const std::vector<GoldenCase>& cases() const { return cases_; }

  bool has(const std::string& in_case, const std::string& role, const std::string& name) const;
  Array array(const std::string& in_case, const std::string& role, const std::string& name) const;
  std::vector<std::string> names(const std::string& in_case, const std::string& role) const;

 private:
  std::shared_ptr<const SafetensorsFile> file_;
  std::map<std::string, std::string> axes_;
  std::vector<GoldenCase> cases_;
};

// tests/cases/data/<id>.safetensors: keys in.<name> and out.<name>.
class Case {
 public:
  explicit Case(const std::filesystem::path& path);
  const SafetensorsFile& file() const { return *file_; }
  const std::string& metadata(const std::string& key) const;
  Array in(const std::string& name) const;
  Array out(const std::string& name) const;
  std::vector<std::int64_t> integers(const std::string& key) const;      // "in.x": all of their 64 bits
  bool has_in(const std::string& name) const;
  bool has_out(const std::string& name) const;
  std::vector<std::string> names_in() const;
  std::vector<std::string> names_out() const;

 private:
  std::shared_ptr<const SafetensorsFile> file_;
};

}  // namespace lcsm::test
