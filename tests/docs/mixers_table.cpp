// SPDX-License-Identifier: MIT
// lcsm_mixers_table [--write | --check | --fixture NAME] ROOT: docs/mixers.md of a checkout, from the types of all mixers and the registry
// in recurrences.cpp and systems.cpp. Prints it; writes it; or compares it byte for byte. A registry that contradicts the sources fails.
#include "row.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>

namespace lcsm::docs {
namespace {

const char* const command = "cmake --build build/tests --target docs_mixers";

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string line(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& x : cells) text += " " + x + (x.empty() ? "|" : " |");
  return text + "\n";
}
std::string evidence(const Row& row) {
  if (row.golden.empty()) return "spec";
  std::string text = "golden: ";
  for (const char x : row.golden) text += x == ' ' ? ", " : std::string(1, x);
  return text;
}

std::string page(const std::vector<Row>& rows, const std::map<std::string, std::string>& header, std::string text) {
  std::string table, elsewhere;
  for (const Row& row : rows) {
    const auto file = header.find(row.name);
    table += line({code(row.name), file == header.end() ? "" : file->second, row.e, row.o, row.s, row.parts, row.structure, row.domain, row.modes, evidence(row), row.source});
    elsewhere += line({code(row.name), row.arguments, row.elsewhere});
  }
  for (const auto& [place, content] : {std::pair<std::string, std::string>{"@table@\n", table}, {"@elsewhere@\n", elsewhere}, {"@command@", command}})
    text.replace(text.find(place), place.size(), content);
  return text;
}

// What a check must see.
void spoil(const std::string& how, std::vector<Row>& rows, std::string& committed) {
  if (how == "forgotten") rows.pop_back();
  if (how == "unknown") rows.back().name = "Nobody";
  if (how == "vector") rows.front().golden = "nothing";
  if (how == "subject") rows.front().golden = "gla";
  if (how == "unnamed")
    for (Row& row : rows) row.golden.clear();
  if (how == "page") committed += " ";
}

int report(const std::string& expected, const std::string& committed) {
  if (expected == committed) return 0;
  const auto at = std::mismatch(expected.begin(), expected.end(), committed.begin(), committed.end()).first - expected.begin();
  const auto number = std::count(expected.begin(), expected.begin() + at, '\n') + 1;
  std::printf("docs/mixers.md, line %ld, is not what the code says. To rewrite it: %s\n", long(number), command);
  return 1;
}

int run(const std::string& mode, const std::string& fixture, const std::string& root) {
  const std::string path = root + "/docs/mixers.md";
  std::string committed = read(path);
  std::vector<Row> rows = recurrences();
  for (Row& row : systems()) rows.push_back(std::move(row));
  spoil(fixture, rows, committed);
  const auto header = headers_of_mixers(root);
  const std::vector<std::string> wrong = contradictions(rows, header, root);
  for (const std::string& each : wrong) std::fprintf(stderr, "lcsm_mixers_table: %s\n", each.c_str());
  if (!wrong.empty()) return 1;
  const std::string text = page(rows, header, read(root + "/tests/docs/mixers.md.in"));
  if (mode == "--write") return (std::ofstream(path, std::ios::binary) << text) ? 0 : 1;
  if (!mode.empty()) return report(text, committed);
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace lcsm::docs

int main(int count, char** argument) {
  const std::vector<std::string> all(argument + 1, argument + count);
  const std::string mode = all.size() > 1 ? all.front() : "";
  try {
    if (all.empty() || all.size() != (mode.empty() ? 1u : mode == "--fixture" ? 3u : 2u)) {
      std::fprintf(stderr, "usage: lcsm_mixers_table [--write | --check | --fixture NAME] ROOT\n");
      return 2;
    }
    return lcsm::docs::run(mode, mode == "--fixture" ? all[1] : "", all.back());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "lcsm_mixers_table: %s\n", e.what());
    return 1;
  }
}
