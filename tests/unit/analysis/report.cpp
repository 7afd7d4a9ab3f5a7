// SPDX-License-Identifier: MIT
// The page of examples/coefficient_report shows every mixer of the library: each name of docs/mixers.md is in its sources.
#include "support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

TEST_CASE("the coefficient report has every published mixer", "[analysis]") {
  const std::filesystem::path root = std::filesystem::path(LCSM_TEST_DATA_DIR).parent_path();
  const auto read = [](const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  std::string sources;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "examples/coefficient_report"))
    if (entry.path().extension() == ".cpp") sources += read(entry.path());
  const std::string table = read(root / "docs/mixers.md");
  int rows = 0;
  for (std::size_t at = table.find("\n| `"); at != table.npos; at = table.find("\n| `", at + 1)) {
    const std::size_t begin = at + 4;
    const std::string name = table.substr(begin, table.find('`', begin) - begin);
    INFO(name);
    CHECK((sources.find("REPORT_MIXER(" + name + ",") != sources.npos || sources.find("\"" + name + "\"") != sources.npos));
    ++rows;
  }
  CHECK(rows > 200);                                        // two tables of more than a hundred
}
