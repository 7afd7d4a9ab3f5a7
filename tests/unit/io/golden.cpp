// SPDX-License-Identifier: MIT
#include "support/golden.hpp"

#include <lcsm/io/safetensors.hpp>
#include <lcsm/io/safetensors_writer.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

using lcsm::DType;
using lcsm::FormatError;
using lcsm::Index;
using lcsm::test::Array;
using lcsm::test::Case;
using lcsm::test::Golden;
using lcsm::test::TemporaryFile;
using Shape = std::vector<Index>;

namespace {

std::vector<std::filesystem::path> files_in(const char* folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(LCSM_TEST_DATA_DIR) / folder))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// A tiny golden file; the test changes one thing of it.
struct Tiny {
  std::string key = "c0.in.x", cases = R"({"c0":{"B":1}})", axes = R"({"x":"[B]"})";
  std::vector<double> numbers{1};
  void write(const TemporaryFile& file) const {
    lcsm::SafetensorsWriter writer;
    writer.add(key, numbers, {static_cast<Index>(numbers.size())});
    writer.metadata("cases", cases);
    writer.metadata("axes", axes);
    writer.write(file.path());
  }
};

}  // namespace

TEST_CASE("a golden file by its cases, roles and names", "[io][golden]") {
  const Golden gla(lcsm::test::golden_path("gla"));
  CHECK(gla.adapter() == "gla");
  CHECK(gla.axes().at("gk") == "[B,L,H,K]");
  REQUIRE(gla.cases().size() == 5);
  const lcsm::test::GoldenCase& c2 = gla.cases()[2];
  CHECK(c2.name == "c2");
  CHECK(c2.size("L") == 63);
  CHECK(c2.flag("initial_state"));
  CHECK(!gla.cases()[0].flag("initial_state"));
  CHECK(!c2.flag("no such flag"));
  CHECK(gla.names("c2", "in") == std::vector<std::string>{"gk", "k", "q", "v"});
  CHECK(gla.names("c2", "w") == std::vector<std::string>{"out.o", "s1.S"});
  CHECK(gla.names("c2", "i").empty());

  const Array q = gla.array("c2", "in", "q"), o = gla.array("c2", "out", "o");
  CHECK(q.dtype == DType::f32);
  CHECK(q.shape == Shape{2, 63, 1, 5});
  CHECK(q.values.size() == 2 * 63 * 5);
  CHECK(o.dtype == DType::f64);
  CHECK(o.shape == Shape{2, 63, 1, 3});
  CHECK(gla.has("c2", "s0", "S"));
  CHECK(!gla.has("c0", "s0", "S"));
  CHECK_THROWS_AS(gla.array("c0", "s0", "S"), FormatError);
  CHECK_THROWS_AS(gla.array("c9", "in", "q"), FormatError);
}

TEST_CASE("numbers of a golden file are those of its formula", "[io][golden]") {
  // One token from a zero state: o = K^-1/2 q (k v^T). Four roundings of a sum of five products, twice.
  const Golden gla(lcsm::test::golden_path("gla"));
  const Array q = gla.array("c0", "in", "q"), k = gla.array("c0", "in", "k"), v = gla.array("c0", "in", "v"), o = gla.array("c0", "out", "o");
  REQUIRE(q.shape == Shape{2, 1, 3, 5});
  REQUIRE(o.shape == Shape{2, 1, 3, 3});
  for (std::size_t head = 0; head < 6; ++head)
    for (std::size_t d = 0; d < 3; ++d) {
      double sum = 0, magnitude = 0;
      for (std::size_t a = 0; a < 5; ++a) {
        const double term = q[head * 5 + a] * k[head * 5 + a] * v[head * 3 + d];
        sum += term, magnitude += std::abs(term);
      }
      CHECK(std::abs(sum / std::sqrt(5.0) - o[head * 3 + d]) <= 16 * 0x1p-52 * magnitude);
    }
}

TEST_CASE("a name may contain dots", "[io][golden]") {
  const Golden hyena(lcsm::test::golden_path("hyena"));
  const std::string first = hyena.cases().front().name;
  const std::vector<std::string> names = hyena.names(first, "par");
  CHECK(std::any_of(names.begin(), names.end(), [](const std::string& name) { return std::count(name.begin(), name.end(), '.') >= 2; }));
  for (const std::string& name : names) CHECK(!hyena.array(first, "par", name).values.empty());
}

TEST_CASE("every golden file opens and every array of it is there", "[io][golden]") {
  const auto files = files_in("golden");
  CHECK(files.size() == 60);
  const std::set<std::string> roles{"in", "par", "s0", "w", "out", "out32", "s1", "aux", "chunk", "grad"};
  for (const auto& path : files) {
    INFO(path.filename().string());
    const Golden golden(path);
    CHECK(!golden.adapter().empty());
    std::size_t arrays = 0;
    for (const auto& each : golden.cases()) {
      const bool fed = !golden.names(each.name, "in").empty() || !golden.names(each.name, "par").empty();
      CHECK(fed);
      CHECK(!golden.names(each.name, "out").empty());
      for (const std::string& role : roles)
        for (const std::string& name : golden.names(each.name, role)) {
          const Array array = golden.array(each.name, role, name);
          Index product = 1;
          for (const Index extent : array.shape) product *= extent;
          if (array.values.size() != lcsm::to_size(product)) FAIL(each.name << "." << role << "." << name);
          ++arrays;
        }
    }
    CHECK(arrays == golden.file().names().size());  // no role that nobody knows
  }
}

TEST_CASE("every case file opens and has a right value for some input", "[io][golden]") {
  const auto files = files_in("cases/data");
  CHECK(files.size() == 41);
  for (const auto& path : files) {
    INFO(path.filename().string());
    const Case one(path);
    CHECK(one.metadata("id") == path.stem().string());
    CHECK(!one.names_in().empty());
    CHECK(!one.names_out().empty());
    CHECK(one.names_in().size() + one.names_out().size() == one.file().names().size());
    for (const std::string& name : one.names_in()) {
      if (one.file().tensor("in." + name).dtype == DType::i64) CHECK(!one.file().values<std::int64_t>("in." + name).empty());  // misuse_01 has extremes
      else CHECK(!one.in(name).values.empty());
    }
  }
  const Case decay(lcsm::test::case_path("decay_01"));
  CHECK(decay.in("g").shape == Shape{1, 64, 1, 4});
  CHECK(decay.in("g")[0] == -5);
  CHECK(decay.out("o").dtype == DType::f64);
  CHECK(decay.has_in("q"));
  CHECK(!decay.has_in("o"));
  CHECK(decay.has_out("o"));
  CHECK_THROWS_AS(decay.in("o"), FormatError);
  CHECK_THROWS_AS(decay.metadata("no such key"), FormatError);
}

TEST_CASE("an empty array is refused", "[io][golden]") {
  const Case empty(lcsm::test::case_path("vq_03"));  // one of its results has no rows
  REQUIRE(empty.has_out("idx_3"));
  CHECK(empty.file().tensor("out.idx_3").shape == Shape{0});
  CHECK_THROWS_AS(empty.out("idx_3"), FormatError);
  TemporaryFile file;
  Tiny{.numbers = {}}.write(file);
  const Golden golden(file.path());
  CHECK(golden.has("c0", "in", "x"));
  CHECK_THROWS_AS(golden.array("c0", "in", "x"), FormatError);
}

TEST_CASE("a golden file that contradicts itself is refused", "[io][golden]") {
  const auto opens = [](const Tiny& tiny) {
    TemporaryFile file;
    tiny.write(file);
    try {
      const Golden golden(file.path());
    } catch (const FormatError&) {
      return false;
    }
    return true;
  };
  CHECK(opens({}));
  CHECK(!opens({.key = "c1.in.x"}));
  CHECK(!opens({.key = "c0.x"}));
  CHECK(!opens({.key = "c0"}));
  CHECK(!opens({.cases = "{}"}));
  CHECK(!opens({.cases = "[]"}));
  CHECK(!opens({.cases = "not JSON"}));
  CHECK(!opens({.cases = R"({"c0":{},"c1":{}})"}));
  CHECK(!opens({.axes = "{}"}));
}

TEST_CASE("integers come as doubles only while those hold them", "[io][golden]") {
  TemporaryFile file;
  lcsm::SafetensorsWriter writer;
  writer.add("in.fits", std::vector<std::int64_t>{(std::int64_t{1} << 53) - 1, -7}, {2});
  writer.add("in.wide", std::vector<std::int64_t>{(std::int64_t{1} << 53) + 1}, {1});
  writer.write(file.path());
  const Case one(file.path());
  CHECK(one.in("fits").values == std::vector<double>{0x1p53 - 1, -7});
  CHECK_THROWS_AS(one.in("wide"), FormatError);
}
