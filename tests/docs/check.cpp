// SPDX-License-Identifier: MIT
#include "row.hpp"

#include <lcsm/io/safetensors.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace lcsm::docs {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::vector<fs::path> files_in(const fs::path& folder, const char* extension) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == extension) out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

// A mixer is a struct with a base class at the left margin.
std::map<std::string, std::string> headers_of_mixers(const std::string& root) {
  static const std::regex mixer(R"((^|\n)struct (\w+)\s*:\s)");
  std::map<std::string, std::string> out;
  for (const fs::path& path : files_in(fs::path(root) / "include/lcsm/mixers", ".hpp")) {
    const std::string text = text_of(path);
    for (std::sregex_iterator at(text.begin(), text.end(), mixer), end; at != end; ++at) out[(*at)[2]] = path.stem().string();
  }
  return out;
}

std::vector<std::string> contradictions(const std::vector<Row>& rows, const std::map<std::string, std::string>& header, const std::string& root) {
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const Row& row : rows) {
    if (!header.contains(row.name)) out.push_back(row.name + ": no struct of this name in include/lcsm/mixers");
    if (!seen.insert(row.name).second) out.push_back(row.name + " has two rows");
  }
  for (const auto& [name, file] : header)
    if (!seen.contains(name)) out.push_back(name + " (mixers/" + file + ".hpp) has no row");

  // Adapters are registered by name: add("gla", gla).
  static const std::regex registered(R"rx(\badd\("(\w+)", \w+(<\w+>)?\))rx");
  std::map<std::string, std::string> sources;
  for (const fs::path& path : files_in(fs::path(root) / "tests/conformance", ".cpp")) {
    const std::string text = text_of(path);
    for (std::sregex_iterator at(text.begin(), text.end(), registered), end; at != end; ++at) sources[(*at)[1]] += text;
  }
  std::set<std::string> named;
  for (const Row& row : rows) {
    std::istringstream names(row.golden);
    for (std::string name; names >> name;) {
      named.insert(name);
      const fs::path path = fs::path(root) / "tests/golden" / (name + ".safetensors");
      if (!fs::exists(path)) {
        out.push_back(row.name + ": no file tests/golden/" + name + ".safetensors");
        continue;
      }
      const std::string adapter = SafetensorsFile(path).metadata().at("adapter");
      const auto source = sources.find(adapter);
      if (source == sources.end()) out.push_back(row.name + ": nothing in tests/conformance adds the adapter of " + name + ", '" + adapter + "'");
      else if (!std::regex_search(source->second, std::regex("\\b" + row.name + "\\b")))
        out.push_back(row.name + ": the adapter of " + name + " does not name it");
    }
  }
  for (const fs::path& path : files_in(fs::path(root) / "tests/golden", ".safetensors")) {
    if (named.contains(path.stem().string())) continue;
    const auto metadata = SafetensorsFile(path).metadata();
    const auto adapter = metadata.find("adapter");
    // An adapter that runs no mixer (a quantiser) has no row.
    if (adapter != metadata.end() && sources.contains(adapter->second) && std::regex_search(sources[adapter->second], std::regex("\\bcheck(_both)?<"))) out.push_back("tests/golden/" + path.filename().string() + " is named by no row");
  }
  return out;
}

}  // namespace lcsm::docs
