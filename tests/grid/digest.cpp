// SPDX-License-Identifier: MIT
// Reads rows of the programs grid.whole.* and grid.named.* and writes the tables of docs/composition_grid.md: kinds against modes, kinds against
// parts, what is refused and what modes are missing.
#include "covering.hpp"

#include <algorithm>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace {

using namespace lcsm::grid;

constexpr int columns = 11;
constexpr const char* column_names[columns] = {"recurrent", "step", "scan, one piece", "scan, split", "chunkwise", "attend", "mix", "convolve", "convolve, Fourier", "matrix", "two calls"};

struct Row {
  bool fine;
  int triple;                          // -1: a named one
  std::string name;
  std::vector<std::string> cells;
};
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, '\t');) out.push_back(field);
  return out;
}
bool is_missing(const std::string& cell) { return cell.rfind("no: ", 0) == 0; }
std::vector<Row> read(std::istream& in) {
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    const auto f = fields_of(line);
    if (f.size() < columns + 2 || (f[0] != "ok" && f[0] != "WRONG")) continue;
    rows.push_back({f[0] == "ok", f.size() == columns + factors + 3 ? std::stoi(f[1]) : -1, f[1], {f.end() - columns, f.end()}});
  }
  return rows;
}

void heading(const std::string& first, const std::vector<std::string>& others) {
  std::cout << "| " << first << " |";
  for (const auto& x : others) std::cout << " " << x << " |";
  std::cout << "\n|---|";
  for (std::size_t n = 0; n < others.size(); ++n) std::cout << "---|";
  std::cout << "\n";
}
void kinds_and_modes(const std::vector<Row>& rows) {
  std::vector<std::string> names{"compositions"};
  names.insert(names.end(), column_names, column_names + columns);
  for (int f = 0; f < 3; ++f) {
    std::cout << "\n";
    heading(factor_names[f], names);
    for (int level = 0; level < levels[std::size_t(f)]; ++level) {
      int all = 0, have[columns] = {}, right[columns] = {};
      double worst[columns] = {};
      for (const Row& row : rows) {
        if (row.triple < 0 || levels_of(choice(row.triple))[std::size_t(f)] != level) continue;
        ++all;
        for (int c = 0; c < columns; ++c) {
          const std::string& cell = row.cells[std::size_t(c)];
          if (is_missing(cell)) continue;
          const double x = std::stod(cell);
          ++have[c], right[c] += x <= 1 ? 1 : 0, worst[c] = x <= worst[c] ? worst[c] : x;
        }
      }
      std::cout << "| " << level_name(f, level) << " | " << all << " |";
      for (int c = 0; c < columns; ++c) {
        if (have[c] == 0) std::cout << " - |";
        else {
          std::cout << " " << right[c];
          if (right[c] != have[c]) std::cout << " of " << have[c];
          std::ostringstream text;
          text.precision(1);
          text << worst[c];
          std::cout << " (" << text.str() << ") |";
        }
      }
      std::cout << "\n";
    }
  }
}
void kinds_and_parts() {
  std::map<std::array<int, 4>, int> count;
  for (int n = 0; n < triples; ++n) {
    const auto x = levels_of(choice(n));
    for (int f = 0; f < 3; ++f)
      for (int g = 3; g < factors; ++g) ++count[{f, x[std::size_t(f)], g, x[std::size_t(g)]}];
  }
  std::vector<std::string> names;
  for (int g = 3; g < factors; ++g)
    for (int j = 0; j < levels[std::size_t(g)]; ++j) names.push_back(std::string(j == 0 ? factor_names[g] + std::string(": ") : "") + level_name(g, j));
  for (int f = 0; f < 3; ++f) {
    std::cout << "\n";
    heading(factor_names[f], names);
    for (int i = 0; i < levels[std::size_t(f)]; ++i) {
      std::cout << "| " << level_name(f, i) << " |";
      for (int g = 3; g < factors; ++g)
        for (int j = 0; j < levels[std::size_t(g)]; ++j) {
          const int n = count[{f, i, g, j}];
          if (n == 0) std::cout << " x |"; else std::cout << " " << n << " |";
        }
      std::cout << "\n";
    }
  }
}
void missing(const std::vector<Row>& rows) {
  std::map<std::string, std::map<std::string, int>> count;
  for (const Row& row : rows)
    for (int c = 0; c < columns; ++c)
      if (is_missing(row.cells[std::size_t(c)])) ++count[row.cells[std::size_t(c)].substr(4)][column_names[c]];
  std::cout << "\n";
  heading("the library's reason", {"mode: compositions without it"});
  for (const auto& [reason, modes] : count) {
    std::cout << "| " << reason << " |";
    for (const auto& [mode, n] : modes) std::cout << " " << mode << ": " << n << ";";
    std::cout << " |\n";
  }
}
void named(const std::vector<Row>& rows) {
  std::cout << "\n";
  heading("by the paper's code", {column_names, column_names + columns});
  for (const Row& row : rows) {
    if (row.triple >= 0) continue;
    std::cout << "| " << row.name << " |";
    for (const auto& cell : row.cells) std::cout << " " << (is_missing(cell) ? "-" : cell) << " |";
    std::cout << "\n";
  }
}

}  // namespace

int main() {
  const auto rows = read(std::cin);
  std::set<int> seen;
  int wrong = 0;
  for (const Row& row : rows) {
    if (row.triple >= 0) seen.insert(row.triple);
    wrong += row.fine ? 0 : 1;
  }
  std::cout << seen.size() << " of " << triples << " triples and " << rows.size() - seen.size() << " named compositions were run, " << wrong << " of them wrong.\n";
  for (const Row& row : rows)
    if (!row.fine) {
      std::cout << "- wrong: " << row.name;
      if (row.triple >= 0)
        for (int f = 0; f < factors; ++f) std::cout << (f == 0 ? " " : "; ") << factor_names[f] << " " << level_name(f, levels_of(choice(row.triple))[std::size_t(f)]);
      std::cout << "\n";
    }
  std::cout << "\n## Kinds and modes\n\nCompositions that agree with the definition (largest error over its bound). A mode that a composition does not have is not counted.\n";
  kinds_and_modes(rows);
  missing(rows);
  named(rows);
  std::cout << "\n## Kinds and parts\n\nCompositions in which both occur; x: no legal composition has both.\n";
  kinds_and_parts();
}
