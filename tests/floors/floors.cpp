// SPDX-License-Identifier: MIT
// Reads the include lines of the library and holds them against its floors:
//   lcsm_floors SOURCE_FOLDER     exit status 1 and one line per fault
//   lcsm_floors --fixture NAME    the same over a tiny made-up tree with one fault

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Tree = std::map<std::string, std::string>;  // path relative to the source folder -> text
using Faults = std::vector<std::string>;

constexpr std::size_t largest_header = 20000;
constexpr std::string_view prefix = "include/lcsm/";

const std::map<std::string, int, std::less<>> floors{
    {"version.hpp", 0}, {"config.hpp", 0}, {"error.hpp", 0},                               // below all
    {"tensor", 1},      {"simd", 2},
    {"stage", 3},       {"expand", 4},     {"oscillation", 4}, {"shrink", 4}, {"mixer.hpp", 5},  // the algebra and its short names
    {"call", 6},        {"exec", 6},       {"kernel", 7},      {"mode", 8},        {"describe.hpp", 9},
    {"mixers", 9}, {"vq", 9}, {"attention", 9},      {"convolution", 9}, {"filters", 9}, {"analysis", 10},  {"layers", 10},     {"io", 10},
    {"models", 11},     {"train", 11},     {"tasks", 11},
    {"mixers.hpp", 12}, {"lcsm.hpp", 13},                                                  // the doors
};

// What the door must not bring along.
constexpr std::array<std::string_view, 8> behind_the_door{"analysis/", "layers/", "models/", "train/", "tasks/", "io/", "exec/tbb.hpp", "exec/mpi.hpp"};

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

std::optional<int> floor_of(std::string_view header) {
  const auto found = floors.find(header.substr(0, header.find('/')));
  if (found == floors.end()) return std::nullopt;
  return found->second;
}

std::set<std::string> reachable(const std::map<std::string, std::set<std::string>>& graph, const std::string& from) {
  std::set<std::string> seen;
  std::vector<std::string> open{from};
  while (!open.empty()) {
    const std::string header = open.back();
    open.pop_back();
    const auto node = graph.find(header);
    if (node == graph.end()) continue;
    for (const std::string& next : node->second)
      if (seen.insert(next).second) open.push_back(next);
  }
  return seen;
}

void check_headers(const Tree& tree, Faults& faults) {
  static const std::regex include_line(R"(^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"])");
  std::map<std::string, std::set<std::string>> graph;
  for (const auto& [path, text] : tree) {
    if (!starts_with(path, prefix)) continue;
    const std::string header = path.substr(prefix.size());
    if (text.size() > largest_header) faults.push_back(path + ": " + std::to_string(text.size()) + " bytes, a header has one subject and at most 20000 bytes");
    const std::optional<int> own = floor_of(header);
    if (!own) {
      faults.push_back(path + ": has no floor; name its folder in tests/floors/floors.cpp");
      continue;
    }
    std::set<std::string>& includes = graph[header];
    std::size_t begin = 0;
    while (begin < text.size()) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      const std::string line = text.substr(begin, end - begin);
      begin = end + 1;
      std::smatch match;
      if (!std::regex_search(line, match, include_line)) continue;
      const std::string target = match[2];
      if (match[1] == "\"") faults.push_back(path + ": writes \"" + target + "\", our headers are included as <lcsm/...>");
      if (starts_with(target, "xsimd/") && std::filesystem::path(header).filename() != "simd.hpp")
        faults.push_back(path + ": includes xsimd, which only simd.hpp does");
      if (!starts_with(target, "lcsm/")) continue;
      const std::string other = target.substr(5);
      if (tree.find(std::string(prefix) + other) == tree.end()) {
        faults.push_back(path + ": <" + target + "> does not exist");
        continue;
      }
      if (const std::optional<int> theirs = floor_of(other); theirs && *theirs > *own) faults.push_back(path + ": includes upward, <" + target + ">");
      includes.insert(other);
    }
  }
  for (const auto& [header, includes] : graph)
    if (reachable(graph, header).count(header) != 0) faults.push_back(std::string(prefix) + header + ": is part of a circle");
  for (const std::string& header : reachable(graph, "lcsm.hpp"))
    for (const std::string_view part : behind_the_door)
      if (starts_with(header, part)) faults.push_back("include/lcsm/lcsm.hpp: reaches " + header + ", which only those who ask for it include");
}

bool is_source(const std::filesystem::path& path) {
  static const std::set<std::string> extensions{".hpp", ".h", ".cpp", ".cmake", ".in", ".py", ".sh"};
  static const std::set<std::string> names{"CMakeLists.txt", "run", "check"};
  return extensions.count(path.extension().string()) != 0 || names.count(path.filename().string()) != 0;
}

void check_licences(const Tree& tree, Faults& faults) {
  for (const auto& [path, text] : tree) {
    const std::size_t first = text.find('\n'), second = first == std::string::npos ? first : text.find('\n', first + 1);
    const std::string head = text.substr(0, starts_with(text, "#!") ? second : first);
    if (head.find("SPDX-License-Identifier: MIT") == std::string::npos) faults.push_back(path + ": does not begin with its SPDX-License-Identifier line");
  }
}

Tree read_tree(const std::filesystem::path& source) {
  Tree tree;
  for (const char* folder : {"include", "tests", "bench", "examples", "cmake"}) {
    if (!std::filesystem::exists(source / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(source / folder)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      tree[entry.path().lexically_relative(source).generic_string()].assign(std::istreambuf_iterator<char>(file), {});
    }
  }
  return tree;
}

Tree fixture(std::string_view name) {
  const std::string head = "// SPDX-License-Identifier: MIT\n";
  Tree tree{{"include/lcsm/error.hpp", head}, {"include/lcsm/tensor/a.hpp", head + "#include <lcsm/error.hpp>\n"}, {"include/lcsm/stage/b.hpp", head}};
  if (name == "upward") tree["include/lcsm/tensor/a.hpp"] += "#include <lcsm/stage/b.hpp>\n";
  if (name == "circle") {
    tree["include/lcsm/stage/b.hpp"] += "#include <lcsm/stage/c.hpp>\n";
    tree["include/lcsm/stage/c.hpp"] = head + " #  include <lcsm/stage/b.hpp>\n";
  }
  if (name == "licence") tree["include/lcsm/stage/b.hpp"] = "#pragma once\n" + head;
  if (name == "heavy") tree["include/lcsm/stage/b.hpp"] += std::string(largest_header, ' ');
  if (name == "unknown") tree["include/lcsm/attic/c.hpp"] = head;
  if (name == "door") {
    tree["include/lcsm/io/c.hpp"] = head;
    tree["include/lcsm/lcsm.hpp"] = head + "#include <lcsm/io/c.hpp>\n";
  }
  return tree;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> given(arguments + 1, arguments + count);
  if (given.empty() || given.size() > 2 || (given.size() == 2 && given[0] != "--fixture")) {
    std::cerr << "usage: lcsm_floors SOURCE_FOLDER | --fixture NAME\n";
    return 2;
  }
  const Tree tree = given.size() == 2 ? fixture(given[1]) : read_tree(given[0]);
  Faults faults;
  check_headers(tree, faults);
  check_licences(tree, faults);
  const auto headers = std::count_if(tree.begin(), tree.end(), [](const auto& file) { return starts_with(file.first, prefix); });
  if (headers == 0) faults.push_back("no header was found");
  for (const std::string& fault : faults) std::cout << fault << '\n';
  std::cout << headers << " headers, " << tree.size() << " source files, " << faults.size() << " faults\n";
  return faults.empty() ? 0 : 1;
}
