// SPDX-License-Identifier: MIT
#include <lcsm/io/config.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using lcsm::ConfigFile;
using lcsm::FormatError;
using lcsm::test::TemporaryFile;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

ConfigFile config_of(const std::string& text) { return ConfigFile(TemporaryFile(text).path()); }
template <class F> std::string refusal(F&& f) {
  try {
    f();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "nothing";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("values by type", "[io]") {
  const TemporaryFile file(R"({"model_type": "mamba2", "layers": 24, "eps": 1e-5, "tied": true, "none": null, "big": 18446744073709551615, "low": -9223372036854775808,
    "list": [1, 2, 3], "empty": [], "names": ["a", "b"], "flags": [true, false], "nested": [[1], [2, 3]], "inner": {"state": 128, "deeper": {"x": 1}}, "a.b": 5})");
  const ConfigFile config(file.path());
  CHECK(config.path() == file.path());
  CHECK(config.get<std::string>("model_type") == "mamba2");
  CHECK(config.get<int>("layers") == 24);
  CHECK(config.get<std::int64_t>("layers") == 24);
  CHECK(config.get<std::uint8_t>("layers") == 24);
  CHECK(config.get<double>("layers") == 24);
  CHECK(config.get<double>("eps") == 1e-5);
  CHECK(config.get<float>("eps") == 1e-5f);
  CHECK(config.get<bool>("tied"));
  CHECK(config.get<std::uint64_t>("big") == (std::numeric_limits<std::uint64_t>::max)());
  CHECK(config.get<std::int64_t>("low") == (std::numeric_limits<std::int64_t>::min)());
  CHECK(config.get<std::vector<int>>("list") == std::vector<int>{1, 2, 3});
  CHECK(config.get<std::vector<double>>("list") == std::vector<double>{1, 2, 3});
  CHECK(config.get<std::vector<int>>("empty").empty());
  CHECK(config.get<std::vector<std::string>>("names") == std::vector<std::string>{"a", "b"});
  CHECK(config.get<std::vector<bool>>("flags") == std::vector<bool>{true, false});
  CHECK(config.get<std::vector<std::vector<int>>>("nested") == std::vector<std::vector<int>>{{1}, {2, 3}});
  CHECK(config.get<int>("a.b") == 5);
  CHECK(config.keys() == std::vector<std::string>{"a.b", "big", "empty", "eps", "flags", "inner", "layers", "list", "low", "model_type", "names", "nested", "none", "tied"});

  const ConfigFile inner = config.section("inner");
  CHECK(inner.get<int>("state") == 128);
  CHECK(inner.section("deeper").get<int>("x") == 1);
  CHECK(inner.keys() == std::vector<std::string>{"deeper", "state"});
}

TEST_CASE("what is not there has a default, and so has null", "[io]") {
  const ConfigFile config = config_of(R"({"none": null, "layers": 24, "text": "x"})");
  CHECK(config.contains("layers"));
  CHECK(!config.contains("none"));
  CHECK(!config.contains("absent"));
  CHECK(config.get<int>("absent", 7) == 7);
  CHECK(config.get<int>("none", 7) == 7);
  CHECK(config.get<int>("layers", 7) == 24);
  CHECK(config.get<std::string>("absent", "silu") == "silu");
  CHECK(config.get<bool>("absent", true));
  CHECK(config.get<std::vector<double>>("absent", {0, infinity}) == std::vector<double>{0, infinity});
  CHECK(contains(refusal([&] { config.get<int>("text", 7); }), "key 'text': expected an integer"));
}

TEST_CASE("numbers that JSON does not have", "[io]") {
  const ConfigFile config = config_of(
      "{\"limits\": [0.0, Infinity], \"low\": -Infinity, \"nan\":NaN,\"null\": null, \"mixed\": [null, Infinity, null, -Infinity, NaN, 1], \"inner\": {\"x\":Infinity}, \"last\": null}");
  CHECK(config.get<std::vector<double>>("limits") == std::vector<double>{0, infinity});
  CHECK(config.get<float>("low") == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(config.get<double>("nan")));
  CHECK(!config.contains("null"));
  CHECK(!config.contains("last"));
  CHECK(config.section("inner").get<double>("x") == infinity);
  CHECK(contains(refusal([&] { config.get<std::vector<double>>("mixed"); }), "key 'mixed[0]': expected a number, given nothing"));
  CHECK(contains(refusal([&] { config.get<int>("low"); }), "key 'low': expected an integer"));
  CHECK(contains(refusal([&] { config.get<int>("low"); }), "given -Infinity"));
  CHECK(contains(refusal([&] { config.get<std::string>("nan"); }), "given NaN"));
}

TEST_CASE("numbers that some writers spell as objects") {
  const ConfigFile config = config_of(R"({"limits": [0.0, {"__float__": "Infinity"}], "low": {"__float__": "-Infinity"}, "nan": {"__float__": "NaN"}, "other": {"__float__": "inf"}, "two": {"__float__": "NaN", "x": 1}})");
  CHECK(config.get<std::vector<float>>("limits") == std::vector<float>{0, std::numeric_limits<float>::infinity()});
  CHECK(config.get<double>("low") == -std::numeric_limits<double>::infinity());
  CHECK(std::isnan(config.get<double>("nan")));
  CHECK(contains(refusal([&] { config.get<double>("other"); }), "key 'other': expected a number"));
  CHECK(contains(refusal([&] { config.get<double>("two"); }), "key 'two': expected a number"));
  CHECK(contains(refusal([&] { config.get<int>("low"); }), "key 'low': expected an integer"));
}

TEST_CASE("texts that spell them stay as they are", "[io]") {
  const ConfigFile config = config_of(R"({"Infinity": "NaN", "a": "to Infinity and -Infinity, \"NaN\" \\", "b": Infinity, "c\"": "\\\"Infinity", "null": "null", "d": [ "NaN" , NaN ]})");
  CHECK(config.get<std::string>("Infinity") == "NaN");
  CHECK(config.get<std::string>("a") == "to Infinity and -Infinity, \"NaN\" \\");
  CHECK(config.get<double>("b") == infinity);
  CHECK(config.get<std::string>("c\"") == "\\\"Infinity");
  CHECK(config.get<std::string>("null") == "null");
  CHECK(contains(refusal([&] { config.get<std::vector<std::string>>("d"); }), "key 'd[1]': expected a text, given NaN"));
}

TEST_CASE("a value of another type is refused by file and key", "[io]") {
  const TemporaryFile file(R"({"i": 300, "n": -1, "f": 1.0, "b": true, "s": "24", "l": [1, "x"], "o": {"i": "deep"}, "big": 1e300, "long": ")" + std::string(200, 'x') + R"("})");
  const ConfigFile config(file.path());
  const std::string start = "lcsm::ConfigFile: file '" + file.path().string() + "': key '";
  CHECK(refusal([&] { config.get<int>("absent"); }) == start + "absent': expected an integer from -2147483648 to 2147483647, given nothing");
  CHECK(refusal([&] { config.get<std::uint8_t>("i"); }) == start + "i': expected an integer from 0 to 255, given 300");
  CHECK(refusal([&] { config.get<std::uint64_t>("n"); }) == start + "n': expected an integer from 0 to 18446744073709551615, given -1");
  CHECK(contains(refusal([&] { config.get<int>("f"); }), "'f': expected an integer from -2147483648 to 2147483647, given 1.0"));
  CHECK(contains(refusal([&] { config.get<int>("b"); }), "given true"));
  CHECK(contains(refusal([&] { config.get<int>("s"); }), "given \"24\""));
  CHECK(contains(refusal([&] { config.get<bool>("i"); }), "'i': expected true or false, given 300"));
  CHECK(contains(refusal([&] { config.get<double>("b"); }), "'b': expected a number, given true"));
  CHECK(contains(refusal([&] { config.get<float>("big"); }), "'big': expected a number that the type holds, given 1e+300"));
  CHECK(contains(refusal([&] { config.get<std::string>("i"); }), "'i': expected a text, given 300"));
  CHECK(contains(refusal([&] { config.get<std::vector<int>>("i"); }), "'i': expected a list, given 300"));
  CHECK(contains(refusal([&] { config.get<std::vector<int>>("l"); }), "'l[1]': expected an integer"));
  CHECK(contains(refusal([&] { config.section("i"); }), "'i': expected an object, given 300"));
  CHECK(contains(refusal([&] { config.section("absent"); }), "'absent': expected an object, given nothing"));
  CHECK(refusal([&] { config.section("o").get<int>("i"); }) == start + "o.i': expected an integer from -2147483648 to 2147483647, given \"deep\"");
  CHECK(refusal([&] { config.get<int>("long"); }).size() < start.size() + 200);
}

TEST_CASE("what is no configuration is refused by file and line", "[io]") {
  const auto opened = [](const std::string& text) { return refusal([&] { config_of(text); }); };
  const std::string none = "expected a JSON object, given text that is none from line ";
  for (const char* text : {"", " ", "{", "{\"a\"", "{\"a\": }", "{\"a\": 1,}", "{\"a\": nan}", "{\"a\": +Infinity}", "{\"a\": --Infinity}", "{\"a\": - Infinity}", "{\"a\": -NaN}", "{\"a\": Infinityx}", "{\"a\": 1Infinity}",
                           "{\"a\": 1.Infinity}", "{\"a\": nullnull}", "{\"a\": NaN NaN}", "{a: 1}", "{'a': 1}", "{\"a\": 1} x", "// comment\n{}", "{\"a\": \"\xFF\"}", "{\"a\": 1e999}", "{\"a\": \"\\", "{\"a\": \"Infinity"}) {
    INFO(text);
    CHECK(contains(opened(text), none));
    CHECK(contains(opened(text), "lcsm::ConfigFile: file '"));
  }
  CHECK(contains(opened("{\n\"a\": Infinity,\n\"b\": ,\n\"c\": 1}\n"), none + "3 on"));
  CHECK(contains(opened("[1]"), "expected a JSON object, given a JSON array"));
  CHECK(contains(opened("Infinity"), "expected a JSON object, given a JSON number"));
  CHECK(contains(opened(std::string("{}\n\0", 4)), "a zero byte in line 2"));
  CHECK(contains(opened("{\"a\": " + std::string(200000, '[') + std::string(200000, ']') + "}"), "at most 100 levels"));
  CHECK(contains(opened("{\"a\": " + std::string(200000, '[')), "at most 100 levels"));
  CHECK(config_of("{\"a\": " + std::string(90, '[') + std::string(90, ']') + "}").contains("a"));
  CHECK(config_of("{\"a\": 1, \"a\": 2}").get<int>("a") == 2);
  CHECK_THROWS_AS(ConfigFile("absent/config.json"), FormatError);
}
