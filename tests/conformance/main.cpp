// SPDX-License-Identifier: MIT
// lcsm_conformance [--self-test] [file or folder ...]: golden files against every mode of the library. See README.md.
#include "adapters.hpp"
#include "tape.hpp"

#include <support/golden.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>

namespace lcsm::conformance {

std::map<std::string, Adapter>& adapters() {
  static std::map<std::string, Adapter> all;
  return all;
}
bool add(const char* name, Adapter adapter) { return adapters().emplace(name, adapter).second; }

bool comes_later(const std::string& name) {
  static const std::set<std::string> names{
      "abc", "gated_delta_product", "gated_oja_rule", "gsa", "mamba3", "model", "momentum_delta_rule",
      "precond_gated_delta_rule", "precond_kda"};
  return names.contains(name);
}

namespace {

Report run_case(const test::Golden& golden, const test::GoldenCase& about, Adapter adapter, Fault fault = {}, Tape* tape = nullptr) {
  Report report;
  Case c(golden, about, report, std::move(fault), tape);
  try {
    adapter(c);
    c.finish();
  } catch (const std::exception& e) {
    report.fail("-", e.what());
  }
  return report;
}

struct Totals { long passed = 0, failed = 0, skipped = 0; };

void print(const std::string& file, const std::string& name, const Row& row, Totals& totals) {
  static constexpr const char* words[] = {"PASS", "FAIL", "SKIP", "n/a"};
  const bool measured = row.verdict == Verdict::pass || (row.verdict == Verdict::fail && row.bound > 0);
  char numbers[64] = "-\t-";
  if (measured) std::snprintf(numbers, sizeof numbers, "%.2e\t%.2e", row.error, row.bound);
  std::printf("%s\t%s\t%s\t%s\t%s\t%s\t%s%s%s\n", file.c_str(), name.c_str(), row.mode.c_str(), row.dtype.c_str(), row.tensor.c_str(),
              numbers, words[int(row.verdict)], row.note.empty() ? "" : "\t", row.note.c_str());
  totals.passed += row.verdict == Verdict::pass, totals.failed += row.verdict == Verdict::fail, totals.skipped += row.verdict == Verdict::skip;
}

void check_file(const std::filesystem::path& path, Totals& totals) {
  const std::string file = path.stem().string();
  const auto whole = [&](Verdict verdict, const std::string& note) { print(file, "-", {"-", "-", "-", 0, 0, verdict, note}, totals); };
  try {
    const test::Golden golden(path);
    const std::string& name = golden.adapter();
    const auto found = adapters().find(name);
    if (found == adapters().end()) {
      if (comes_later(name)) whole(Verdict::skip, "adapter '" + name + "' comes later"); else whole(Verdict::fail, "no adapter '" + name + "'");
      return;
    }
    for (const test::GoldenCase& about : golden.cases()) {
      const Report report = run_case(golden, about, found->second);
      for (const Row& row : report.rows()) print(file, about.name, row, totals);
    }
  } catch (const std::exception& e) {
    whole(Verdict::fail, e.what());
  }
}

bool is_variant(const std::string& mode) {
  for (const char* name : {", packed", ", masked", ", padded", ", reversed", ", grouped"})
    if (mode.ends_with(name)) return true;
  return false;
}

// Every tensor that is compared, once with one number off by a thousandth of the largest, once with a NaN, once absent: all of its rows
// must be red. A program that passes wrong numbers is worse than none.
void test_itself(const std::filesystem::path& path, Totals& totals) {
  const test::Golden golden(path);
  const auto found = adapters().find(golden.adapter());
  if (found == adapters().end()) return;
  const std::string file = path.stem().string();
  const auto name_of = [](const Row& row) { return row.tensor.substr(0, row.tensor.find('[')); };
  for (const test::GoldenCase& about : golden.cases()) {
    std::set<std::string> tensors;
    Tape tape;
    const Report sound = run_case(golden, about, found->second, {}, &tape);
    const auto with = [&](Fault::Kind kind, const std::string& tensor) {
      tape.rewind();
      return run_case(golden, about, found->second, {kind, tensor}, &tape);
    };
    for (const Row& row : sound.rows())
      if (row.verdict == Verdict::pass && row.tensor != "position") tensors.insert(name_of(row));
    if (tensors.empty()) print(file, about.name, {"self-test", "-", "-", 0, 0, Verdict::fail, "no tensor is compared"}, totals);
    for (const std::string& tensor : tensors) {
      const auto judge = [&](const Report& report, const char* word, bool anywhere) {
        long red = 0, green = 0;
        for (const Row& row : report.rows())
          if (const bool mine = name_of(row) == tensor; mine || anywhere)
            red += row.verdict == Verdict::fail, green += mine && row.verdict == Verdict::pass;
        const bool good = red > 0 && green == 0;
        print(file, about.name,
              {"self-test", "-", tensor, 0, 0, good ? Verdict::pass : Verdict::fail,
               std::string(word) + ": " + std::to_string(red) + " red, " + std::to_string(green) + " green"},
              totals);
      };
      judge(with(Fault::Kind::number, tensor), "a wrong number", false);
      judge(with(Fault::Kind::not_a_number, tensor), "a NaN", false);
      judge(with(Fault::Kind::missing, tensor), "no tensor", true);
    }
    // Variants without what makes them variants, in every mode and type.
    std::map<std::string, bool> seen;
    const Report plain = run_case(golden, about, found->second, {Fault::Kind::option, ""});
    for (const Row& row : plain.rows())
      if (is_variant(row.mode)) seen[row.mode + ", " + row.dtype] |= row.verdict == Verdict::fail;
    for (const auto& [call, red] : seen)
      print(file, about.name, {"self-test", "-", call, 0, 0, red ? Verdict::pass : Verdict::fail, red ? "the option withheld: red" : "the option withheld: green"}, totals);
  }
}

int run(const std::vector<std::string>& arguments) {
  bool self_test = false;
  std::vector<std::filesystem::path> files;
  for (const std::string& a : arguments) {
    if (a == "--self-test") self_test = true;
    else if (std::filesystem::is_directory(a)) {
      for (const auto& entry : std::filesystem::directory_iterator(a))
        if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
    } else files.emplace_back(a);
  }
  if (files.empty()) {
    std::fprintf(stderr, "usage: lcsm_conformance [--self-test] file.safetensors|folder ...\n");
    return 2;
  }
  std::sort(files.begin(), files.end());
  Totals totals;
  std::printf("file\tcase\tmode\tdtype\ttensor\terror\tbound\tverdict\tnote\n");
  for (const std::filesystem::path& path : files)
    if (self_test) test_itself(path, totals); else check_file(path, totals);
  std::printf("%ld passed, %ld failed, %ld skipped\n", totals.passed, totals.failed, totals.skipped);
  return totals.failed > 0 || totals.passed + totals.skipped == 0 ? 1 : 0;
}

}  // namespace
}  // namespace lcsm::conformance

int main(int count, char** arguments) { return lcsm::conformance::run({arguments + 1, arguments + count}); }
