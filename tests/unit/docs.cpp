// SPDX-License-Identifier: MIT
// Code in the documents is cut from programs that are compiled and run: `<!-- cut: examples/NAME.cpp PART -->` stands before a block, the program
// has the same lines between `// [PART]` and `// [PART] end`.
#include <support/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

const std::filesystem::path root = std::filesystem::path(LCSM_TEST_DATA_DIR).parent_path();

std::vector<std::string> lines_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}
// The lines of a part, without the indentation that all of them share.
std::vector<std::string> part_of(const std::vector<std::string>& lines, const std::string& part) {
  std::vector<std::string> out;
  bool inside = false;
  for (const std::string& line : lines) {
    const std::size_t at = line.find_first_not_of(' ');
    const std::string_view text = at == line.npos ? std::string_view() : std::string_view(line).substr(at);
    if (text == "// [" + part + "] end") break;
    if (inside) out.push_back(line);
    if (text == "// [" + part + "]") inside = true;
  }
  std::size_t indent = std::string::npos;
  for (const std::string& line : out)
    if (!line.empty()) indent = (std::min)(indent, line.find_first_not_of(' '));
  for (std::string& line : out)
    if (!line.empty()) line.erase(0, indent);
  return out;
}

std::vector<std::filesystem::path> documents() {
  std::vector<std::filesystem::path> out{root / "README.md"};
  for (const auto& entry : std::filesystem::directory_iterator(root / "docs")) out.push_back(entry.path());
  return out;
}

struct Cut { std::string document, file, part; std::vector<std::string> lines; };
std::vector<Cut> cuts() {
  std::vector<Cut> out;
  for (const auto& document : documents()) {
    const std::vector<std::string> lines = lines_of(document);
    for (std::size_t n = 0; n < lines.size(); ++n) {
      static const std::string open = "<!-- cut: ", close = " -->";
      if (lines[n].rfind(open, 0) != 0) continue;
      const std::string inner = lines[n].substr(open.size(), lines[n].size() - open.size() - close.size());
      Cut cut{document.filename().string(), inner.substr(0, inner.find(' ')), inner.substr(inner.find(' ') + 1), {}};
      for (n += 2; n < lines.size() && lines[n] != "```"; ++n) cut.lines.push_back(lines[n]);
      out.push_back(cut);
    }
  }
  return out;
}
// What stands between `open` and `close` in a line, every time.
template <class Use> void each_between(const std::string& line, std::string_view open, char close, Use&& use) {
  for (std::size_t at = line.find(open); at != line.npos; at = line.find(open, at)) {
    const std::size_t first = at + open.size(), last = line.find(close, first);
    if (last == line.npos) return;
    use(line.substr(first, last - first)), at = last + 1;
  }
}

}  // namespace

TEST_CASE("code in the documents is the code of the examples") {
  const std::vector<Cut> all = cuts();
  for (const Cut& cut : all) {
    INFO(cut.document << ": " << cut.file << " " << cut.part);
    REQUIRE_FALSE(cut.lines.empty());
    CHECK(cut.lines == part_of(lines_of(root / cut.file), cut.part));
  }
  CHECK(std::any_of(all.begin(), all.end(), [](const Cut& cut) { return cut.document == "README.md"; }));
  CHECK(std::any_of(all.begin(), all.end(), [](const Cut& cut) { return cut.document == "adding_a_mixer.md"; }));
}

TEST_CASE("links and paths in the documents lead somewhere") {
  int links = 0, paths = 0;
  for (const auto& document : documents())
    for (const std::string& line : lines_of(document)) {
      INFO(document.filename().string() << ": " << line);
      each_between(line, "](", ')', [&](std::string target) {
        target = target.substr(0, target.find('#'));
        if (target.empty() || target.rfind("http", 0) == 0) return;
        CHECK(std::filesystem::exists(document.parent_path() / target));
        ++links;
      });
      each_between(line, "`", '`', [&](const std::string& quoted) {
        for (const char* folder : {"include/", "tests/", "examples/", "bench/", "docs/"})
          if (quoted.rfind(folder, 0) == 0 && quoted.find_first_of(" *<") == quoted.npos) {
            CHECK(std::filesystem::exists(root / quoted));
            ++paths;
          }
      });
    }
  CHECK(links > 0);
  CHECK(paths > 0);
}
