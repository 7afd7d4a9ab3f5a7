// SPDX-License-Identifier: MIT
#include <lcsm/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

using lcsm::FormatError;
using lcsm::SafetensorsFile;
using lcsm::test::TemporaryFile;

namespace {

std::string with_length(std::uint64_t length, const std::string& rest) {
  std::string bytes;
  for (int n = 0; n < 8; ++n) bytes += static_cast<char>((length >> (8 * n)) & 0xFF);
  return bytes + rest;
}
std::string file_of(const std::string& header, std::size_t data) { return with_length(header.size(), header + std::string(data, '\x3F')); }
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) { return R"({"x":)" + entry(dtype, shape, offsets) + "}"; }
std::string two(const std::string& first, const std::string& second) {
  return R"({"x":)" + entry(R"("F32")", "[2]", first) + R"(,"y":)" + entry(R"("F32")", "[2]", second) + "}";
}

// Opens the file and touches every byte that it claims to hold.
std::size_t read_all(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  std::size_t sum = 0;
  for (const std::string& name : file.names()) {
    for (const std::byte b : file.tensor(name).bytes) sum += std::to_integer<std::size_t>(b);
    sum += file.values<double>(name, lcsm::Rounding::nearest).size();
  }
  return sum;
}

std::string refusal(const std::string& bytes) {
  const TemporaryFile file(bytes);
  try {
    read_all(file.path());
  } catch (const FormatError& error) {
    return error.what();
  }
  return "accepted";
}

struct Fault { const char* what; std::string bytes; const char* says; };

}  // namespace

TEST_CASE("what the faults below are made from is accepted", "[io]") {
  CHECK(refusal(file_of("{}", 0)) == "accepted");
  CHECK(refusal(file_of("{}      ", 0)) == "accepted");
  CHECK(refusal(file_of(tensor(R"("F32")", "[2]", "[0,8]"), 8)) == "accepted");
  CHECK(refusal(file_of(tensor(R"("F32")", "[]", "[0,4]"), 4)) == "accepted");
  CHECK(refusal(file_of(tensor(R"("F32")", "[0,3]", "[0,0]"), 0)) == "accepted");
  CHECK(refusal(file_of(two("[0,8]", "[8,16]"), 16)) == "accepted");
  CHECK(refusal(file_of(two("[8,16]", "[0,8]"), 16)) == "accepted");
  CHECK(refusal(file_of(R"({"__metadata__":{"a":"b"}})", 0)) == "accepted");
}

TEST_CASE("every malformed file is refused", "[io]") {
  const std::string good = file_of(tensor(R"("F32")", "[2]", "[0,8]"), 8), f32 = R"("F32")";
  constexpr std::uint64_t huge = (std::numeric_limits<std::uint64_t>::max)();
  const std::vector<Fault> faults{
      {"empty file", "", "8 bytes of header length"},
      {"seven bytes", good.substr(0, 7), "8 bytes of header length"},
      {"length alone", good.substr(0, 8), "bytes left in the file"},
      {"cut in the header", good.substr(0, 20), "bytes left in the file"},
      {"cut in the data", good.substr(0, good.size() - 1), "data_offsets with begin <= end"},
      {"more data than tensors", good + "x", "8 bytes of data, given 9"},
      {"data without tensors", file_of("{}", 1), "0 bytes of data, given 1"},
      {"length 0", with_length(0, "{}"), "JSON object"},
      {"length one too large", with_length(3, "{}"), "bytes left in the file"},
      {"length above the limit", with_length(100'000'001, "{}"), "at most 100000000"},
      {"length 2^64 - 1", with_length(huge, "{}"), "at most 100000000"},
      {"length that wraps with its prefix", with_length(huge - 7, "{}"), "at most 100000000"},
      {"length 2^63", with_length(std::uint64_t{1} << 63, "{}"), "at most 100000000"},

      {"not JSON", file_of("{tensor}", 0), "JSON object"},
      {"noise", file_of("\xDE\xAD\xBE\xEF", 0), "JSON object"},
      {"an array", file_of("[]", 0), "JSON object"},
      {"a number", file_of("1", 0), "JSON object"},
      {"byte order mark", file_of("\xEF\xBB\xBF{}", 0), "JSON object"},
      {"leading space", file_of(" {}", 0), "JSON object"},
      {"zero bytes behind", file_of(std::string("{}\0\0", 4), 0), "JSON object"},
      {"text behind", file_of("{} {}", 0), "JSON object"},
      {"unfinished", file_of(R"({"x":)", 0), "JSON object"},
      {"comment", file_of("{/**/}", 0), "JSON object"},
      {"invalid UTF-8 in a name", file_of("{\"\xFF\":" + entry(f32, "[0]", "[0,0]") + "}", 0), "JSON object"},
      {"infinite number", file_of(tensor(f32, "[1e999]", "[0,0]"), 0), "JSON object"},
      {"deep nesting", file_of(R"({"x":)" + std::string(100000, '[') + std::string(100000, ']') + "}", 0), "three levels"},
      {"shape of arrays", file_of(tensor(f32, "[[2]]", "[0,8]"), 8), "three levels"},

      {"a name twice", file_of(R"({"x":)" + entry(f32, "[0]", "[0,0]") + R"(,"x":)" + entry(f32, "[0]", "[0,0]") + "}", 0), "'x' twice"},
      {"a name twice, once escaped", file_of(R"({"x":)" + entry(f32, "[0]", "[0,0]") + R"(,"\u0078":)" + entry(f32, "[0]", "[0,0]") + "}", 0), "'x' twice"},
      {"shape twice", file_of(R"({"x":{"dtype":"F32","shape":[2],"shape":[1],"data_offsets":[0,4]}})", 4), "'shape' twice"},
      {"metadata twice", file_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "'__metadata__' twice"},
      {"metadata key twice", file_of(R"({"__metadata__":{"a":"b","a":"c"}})", 0), "'a' twice"},
      {"metadata no object", file_of(R"({"__metadata__":"a"})", 0), "an object of texts"},
      {"metadata value no text", file_of(R"({"__metadata__":{"a":1}})", 0), "a text for 'a'"},

      {"entry no object", file_of(R"({"x":1})", 0), "dtype, shape and data_offsets"},
      {"entry an array", file_of(R"({"x":["dtype","shape","data_offsets"]})", 0), "dtype, shape and data_offsets"},
      {"entry empty", file_of(R"({"x":{}})", 0), "dtype, shape and data_offsets"},
      {"no dtype", file_of(R"({"x":{"shape":[0],"data_offsets":[0,0]}})", 0), "dtype, shape and data_offsets"},
      {"no shape", file_of(R"({"x":{"dtype":"F32","data_offsets":[0,0]}})", 0), "dtype, shape and data_offsets"},
      {"no offsets", file_of(R"({"x":{"dtype":"F32","shape":[0]}})", 0), "dtype, shape and data_offsets"},
      {"unknown member", file_of(R"({"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0],"scale":2}})", 0), "dtype, shape and data_offsets"},

      {"unknown dtype", file_of(tensor(R"("F8_E4M3")", "[8]", "[0,8]"), 8), "F8_E4M3"},
      {"dtype in small letters", file_of(tensor(R"("f32")", "[2]", "[0,8]"), 8), "a dtype among"},
      {"dtype no text", file_of(tensor("7", "[2]", "[0,8]"), 8), "a dtype among"},
      {"dtype null", file_of(tensor("null", "[2]", "[0,8]"), 8), "a dtype among"},

      {"shape no array", file_of(tensor(f32, "2", "[0,8]"), 8), "a shape that is an array"},
      {"shape an object", file_of(tensor(f32, "{}", "[0,4]"), 4), "a shape that is an array"},
      {"negative extent", file_of(tensor(f32, "[-2]", "[0,8]"), 8), "extents from 0"},
      {"two negative extents", file_of(tensor(f32, "[-1,-2]", "[0,8]"), 8), "extents from 0"},
      {"fractional extent", file_of(tensor(f32, "[2.0]", "[0,8]"), 8), "extents from 0"},
      {"extent a text", file_of(tensor(f32, R"(["2"])", "[0,8]"), 8), "extents from 0"},
      {"extent null", file_of(tensor(f32, "[null]", "[0,8]"), 8), "extents from 0"},
      {"extent 2^63", file_of(tensor(f32, "[9223372036854775808]", "[0,8]"), 8), "extents from 0"},
      {"extent above 2^64", file_of(tensor(f32, "[18446744073709551618]", "[0,8]"), 8), "extents from 0"},
      {"bytes that wrap to 8", file_of(tensor(f32, "[4611686018427387906]", "[0,8]"), 8), "fewer than 2^63 bytes"},
      {"product that wraps to 0", file_of(tensor(f32, "[4294967296,4294967296]", "[0,0]"), 0), "fewer than 2^63 bytes"},
      {"product that wraps to 8", file_of(tensor(R"("U8")", "[2305843009213693953,8]", "[0,8]"), 8), "fewer than 2^63 bytes"},
      {"size too small", file_of(tensor(f32, "[3]", "[0,8]"), 8), "12 bytes for F32 [3], given 8"},
      {"size too large", file_of(tensor(f32, "[1]", "[0,8]"), 8), "4 bytes for F32 [1], given 8"},
      {"size of another dtype", file_of(tensor(R"("F64")", "[2]", "[0,8]"), 8), "16 bytes for F64 [2], given 8"},
      {"empty shape with bytes", file_of(tensor(f32, "[0]", "[0,8]"), 8), "0 bytes for F32 [0], given 8"},

      {"offsets no array", file_of(tensor(f32, "[2]", "8"), 8), "data_offsets [begin, end]"},
      {"one offset", file_of(tensor(f32, "[2]", "[8]"), 8), "data_offsets [begin, end]"},
      {"three offsets", file_of(tensor(f32, "[2]", "[0,8,8]"), 8), "data_offsets [begin, end]"},
      {"negative begin", file_of(tensor(f32, "[2]", "[-8,0]"), 8), "data_offsets [begin, end]"},
      {"negative end", file_of(tensor(f32, "[2]", "[0,-8]"), 8), "data_offsets [begin, end]"},
      {"fractional offset", file_of(tensor(f32, "[2]", "[0,8.0]"), 8), "data_offsets [begin, end]"},
      {"begin after end", file_of(tensor(f32, "[2]", "[8,0]"), 8), "begin <= end"},
      {"end behind the data", file_of(tensor(f32, "[2]", "[8,16]"), 8), "begin <= end <= 8"},
      {"begin and end behind the data", file_of(tensor(f32, "[0]", "[64,64]"), 8), "begin <= end <= 8"},
      {"offsets near 2^64", file_of(tensor(f32, "[2]", "[18446744073709551608,18446744073709551615]"), 8), "begin <= end <= 8"},
      {"offset above 2^64", file_of(tensor(f32, "[2]", "[0,18446744073709551624]"), 8), "data_offsets [begin, end]"},
      {"the same bytes twice", file_of(two("[0,8]", "[0,8]"), 8), "from byte 8 on"},
      {"overlap", file_of(two("[0,8]", "[4,12]"), 12), "from byte 8 on"},
      {"hole", file_of(two("[0,8]", "[12,20]"), 20), "from byte 8 on"},
      {"hole at the start", file_of(tensor(f32, "[1]", "[4,8]"), 8), "from byte 0 on"},
      {"nothing, inside of another", file_of(R"({"x":)" + entry(f32, "[2]", "[0,8]") + R"(,"y":)" + entry(f32, "[0]", "[4,4]") + "}", 8), "from byte 8 on"},
  };
  for (const Fault& fault : faults) {
    const std::string message = refusal(fault.bytes);
    INFO(fault.what << ": " << message.substr(0, 400));
    CHECK(message.find("lcsm::SafetensorsFile: file '") == 0);
    CHECK(message.find(fault.says) != std::string::npos);
  }
}

TEST_CASE("every file cut short is refused, and so is every one with a byte more", "[io]") {
  const std::string good = file_of(two("[0,8]", "[8,16]"), 16);
  std::size_t accepted = 0;
  for (std::size_t length = 0; length < good.size(); ++length) accepted += refusal(good.substr(0, length)) == "accepted";
  CHECK(accepted == 0);
  CHECK(refusal(good + '\0') != "accepted");
}

TEST_CASE("any one byte changed is either legal or refused", "[io]") {
  const std::string good = file_of(R"({"x":)" + entry(R"("F32")", "[2]", "[0,8]") + R"(,"__metadata__":{"a":"b"}})", 8);
  std::size_t refused = 0;
  for (std::size_t n = 0; n + 8 < good.size(); ++n)
    for (const int flip : {0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xFF}) {
      std::string bytes = good;
      bytes[n] = static_cast<char>(bytes[n] ^ flip);
      refused += refusal(bytes) != "accepted";  // nothing but a FormatError may come out, and no read outside of the file
    }
  CHECK(refused > good.size());
}

TEST_CASE("what is no regular file is refused", "[io]") {
  CHECK_THROWS_AS(SafetensorsFile(TemporaryFile().path()), FormatError);
  CHECK_THROWS_AS(SafetensorsFile(std::filesystem::temp_directory_path()), FormatError);
  CHECK_THROWS_AS(SafetensorsFile(std::filesystem::path()), FormatError);
}
