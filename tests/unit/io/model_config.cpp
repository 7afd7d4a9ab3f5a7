// SPDX-License-Identifier: MIT
#include <lcsm/io/model_config.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using lcsm::FormatError;
using lcsm::ModelConfig;
using lcsm::test::TemporaryFile;

namespace {

ModelConfig config(const std::string& text) {
  const TemporaryFile file(text);
  return ModelConfig(file.path());
}

}  // namespace

TEST_CASE("values of a configuration") {
  const ModelConfig c = config(R"({"layers": 24, "eps": 1e-5, "tied": true, "name": "a \"NaN\" b\\", "limit": [0.0, Infinity], "low": -Infinity, "odd": NaN, "none": null, "whole": 64.0,
                                   "negative": -3, "kinds": ["recurrent", "attention"], "rope": {"theta": 10000, "scaled": {"by": 2}}, "large": 18446744073709551615, "Infinity": 1, "newer": [0.0, {"__float__": "Infinity"}, {"__float__": "-Infinity"}]})");
  CHECK(c.get<int>("layers") == 24);
  CHECK(c.get<float>("layers") == 24.0f);
  CHECK(c.get<double>("eps") == 1e-5);
  CHECK(c.get<float>("eps") == 1e-5f);
  CHECK(c.get<bool>("tied"));
  CHECK(c.get<std::string>("name") == "a \"NaN\" b\\");
  CHECK(c.get<std::vector<double>>("limit") == std::vector<double>{0, std::numeric_limits<double>::infinity()});
  CHECK(c.get<std::vector<float>>("newer") == std::vector<float>{0, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()});
  CHECK(c.get<float>("low") == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(c.get<double>("odd")));
  CHECK(c.get<std::int64_t>("whole") == 64);
  CHECK(c.get<int>("negative") == -3);
  CHECK(c.get<std::vector<std::string>>("kinds") == std::vector<std::string>{"recurrent", "attention"});
  CHECK(c.object("rope").get<double>("theta") == 10000);
  CHECK(c.object("rope").object("scaled").get<int>("by") == 2);
  CHECK(c.get<std::uint64_t>("large") == std::numeric_limits<std::uint64_t>::max());
  CHECK(c.get<int>("Infinity") == 1);                      // a name is not a word
}

TEST_CASE("absent values") {
  const ModelConfig c = config(R"({"none": null, "here": 1})");
  CHECK_FALSE(c.contains("none"));
  CHECK_FALSE(c.contains("other"));
  CHECK(c.contains("here"));
  CHECK(c.get<int>("none", 7) == 7);
  CHECK(c.get<std::string>("other", "x") == "x");
  CHECK(c.get<int>("here", 7) == 1);
}

TEST_CASE("what is missing or of another kind is named") {
  const ModelConfig c = config(R"({"n": 2.5, "big": 3000000000, "minus": -1, "t": "x", "i": Infinity, "l": [1, "x"], "o": {"n": "y"}, "huge": 1e300, "word": {"__float__": "Inf"}})");
  CHECK_THROWS_WITH(c.get<double>("word"), Catch::Matchers::Contains("'word': expected a number"));
  CHECK_THROWS_WITH(c.get<int>("n"), Catch::Matchers::EndsWith("': 'n': expected an integer from -2147483648 to 2147483647, given 2.5"));
  CHECK_THROWS_WITH(c.get<int>("big"), Catch::Matchers::Contains("'big': expected an integer") && Catch::Matchers::EndsWith("given 3000000000"));
  CHECK_THROWS_WITH(c.get<unsigned>("minus"), Catch::Matchers::Contains("'minus': expected an integer from 0"));
  CHECK_THROWS_WITH(c.get<double>("t"), Catch::Matchers::EndsWith("'t': expected a number, given \"x\""));
  CHECK_THROWS_WITH(c.get<bool>("n"), Catch::Matchers::EndsWith("'n': expected true or false, given 2.5"));
  CHECK_THROWS_WITH(c.get<std::string>("i"), Catch::Matchers::Contains("'i': expected a text"));
  CHECK_THROWS_WITH(c.get<int>("i"), Catch::Matchers::Contains("'i': expected an integer"));
  CHECK_THROWS_WITH(c.get<int>("huge"), Catch::Matchers::Contains("'huge': expected an integer"));
  CHECK_THROWS_WITH(c.get<std::vector<int>>("l"), Catch::Matchers::EndsWith("given \"x\""));
  CHECK_THROWS_WITH(c.get<std::vector<int>>("n"), Catch::Matchers::Contains("'n': expected a list"));
  CHECK_THROWS_WITH(c.get<int>("absent"), Catch::Matchers::EndsWith("given nothing"));
  CHECK_THROWS_WITH(c.object("o").get<int>("n"), Catch::Matchers::Contains("'o.n': expected an integer"));
  CHECK_THROWS_WITH(c.object("n"), Catch::Matchers::EndsWith("'n': expected an object, given 2.5"));
  CHECK_THROWS_AS(c.object("absent"), FormatError);
  for (const char* text : {"", "[1]", "{\"a\": Infinit}", "{\"a\": +Infinity}", "{\"a\": 1", "{\"a\": 1e999}", "Infinity"}) CHECK_THROWS_AS(config(text), FormatError);
}
