// SPDX-License-Identifier: MIT
#include <lcsm/io/safetensors.hpp>
#include <lcsm/io/safetensors_writer.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using lcsm::Bfloat16;
using lcsm::DType;
using lcsm::Float16;
using lcsm::FormatError;
using lcsm::Index;
using lcsm::Rounding;
using lcsm::SafetensorsFile;
using lcsm::SafetensorsWriter;
using lcsm::test::TemporaryFile;

namespace {

std::string file_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// What the format can hold of T at its ends and around zero.
template <class T> std::vector<T> samples() {
  using limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, Bfloat16>)
    return {T(0), T(-1.5f), T::from_bits(1), T::from_bits(0x7BFF), T(std::numeric_limits<float>::infinity())};
  else return {T(0), T(1), limits::lowest(), (limits::max)(), limits::denorm_min()};
}

template <class T> void round_trip(DType dtype) {
  const std::vector<T> numbers = samples<T>();
  TemporaryFile file;
  SafetensorsWriter writer;
  writer.add("x", numbers, {1, 5});
  writer.write(file.path());
  const SafetensorsFile read(file.path());
  CHECK(read.tensor("x").dtype == dtype);
  CHECK(read.tensor("x").shape == std::vector<Index>{1, 5});
  CHECK(read.values<T>("x") == numbers);
  const auto span = read.span<T>("x");
  CHECK(std::vector<T>(span.begin(), span.end()) == numbers);
}

template <class T> void write_one(const TemporaryFile& file, const std::vector<T>& numbers) {
  SafetensorsWriter writer;
  writer.add("x", numbers, {static_cast<Index>(numbers.size())});
  writer.write(file.path());
}

std::string message_of(const TemporaryFile& file) {
  try {
    const SafetensorsFile read(file.path());
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("every element type comes back as it was written", "[io]") {
  round_trip<std::uint8_t>(DType::u8);
  round_trip<std::int8_t>(DType::i8);
  round_trip<std::uint16_t>(DType::u16);
  round_trip<std::int16_t>(DType::i16);
  round_trip<std::uint32_t>(DType::u32);
  round_trip<std::int32_t>(DType::i32);
  round_trip<std::uint64_t>(DType::u64);
  round_trip<std::int64_t>(DType::i64);
  round_trip<Float16>(DType::f16);
  round_trip<Bfloat16>(DType::bf16);
  round_trip<float>(DType::f32);
  round_trip<double>(DType::f64);

  TemporaryFile file;
  SafetensorsWriter writer;
  writer.add("yes", std::array<bool, 3>{true, false, true}, {3});
  writer.write(file.path());
  const SafetensorsFile read(file.path());
  CHECK(read.tensor("yes").dtype == DType::boolean);
  CHECK(read.values<std::uint8_t>("yes") == std::vector<std::uint8_t>{1, 0, 1});
  CHECK(read.values<double>("yes") == std::vector<double>{1, 0, 1});
  CHECK(read.span<bool>("yes")[2]);
}

TEST_CASE("names, shapes and metadata", "[io]") {
  TemporaryFile file;
  SafetensorsWriter writer;
  writer.add("layer.0.weight", std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
  writer.add("scalar", std::vector<double>{7}, {});
  writer.add("nothing", std::vector<double>{}, {4, 0, 2});
  writer.add("\xC3\xA9 \"quoted\"\n", std::vector<std::int8_t>{-1}, {1});
  writer.metadata("format", "pt");
  writer.metadata("cases", R"({"c0": {"B": 2}})");
  writer.write(file.path());

  SafetensorsFile opened(file.path());
  const SafetensorsFile read = std::move(opened);  // the spans stay where they are
  CHECK(read.path() == file.path());
  CHECK(read.names() == std::vector<std::string>{"layer.0.weight", "nothing", "scalar", "\xC3\xA9 \"quoted\"\n"});
  CHECK(read.contains("scalar"));
  CHECK(!read.contains("__metadata__"));
  CHECK(!read.contains("layer"));
  CHECK(read.tensor("scalar").shape.empty());
  CHECK(read.tensor("scalar").size() == 1);
  CHECK(read.tensor("nothing").shape == std::vector<Index>{4, 0, 2});
  CHECK(read.values<double>("nothing").empty());
  CHECK(read.values<float>("nothing", Rounding::nearest).empty());
  CHECK(read.span<double>("nothing").empty());
  CHECK(read.span<float>("layer.0.weight")[5] == 6);
  CHECK(read.metadata() == std::map<std::string, std::string>{{"cases", R"({"c0": {"B": 2}})"}, {"format", "pt"}});
  CHECK_THROWS_AS(read.tensor("layer"), FormatError);
  CHECK_THROWS_AS(read.values<float>("layer"), FormatError);
  CHECK_THROWS_AS(read.span<float>("layer"), FormatError);
}

TEST_CASE("a file holds the same bytes in whichever order tensors are added, each tensor aligned", "[io]") {
  const std::vector<std::uint8_t> bytes{1, 2, 3};
  const std::vector<float> floats{4, 5};
  const std::vector<double> doubles{6};
  TemporaryFile one_way, other_way;
  SafetensorsWriter a, b;
  a.add("b", bytes, {3}), a.add("f", floats, {2}), a.add("d", doubles, {1}), a.add("a", bytes, {3});
  a.metadata("x", "1"), a.metadata("y", "2");
  a.write(one_way.path());
  b.metadata("y", "2"), b.metadata("x", "1");
  b.add("a", bytes, {3}), b.add("d", doubles, {1}), b.add("f", floats, {2}), b.add("b", bytes, {3});
  b.write(other_way.path());
  CHECK(file_bytes(one_way.path()) == file_bytes(other_way.path()));
  std::uint64_t length = 0;
  std::memcpy(&length, file_bytes(one_way.path()).data(), 8);
  CHECK(length % 8 == 0);
  const SafetensorsFile read(one_way.path());
  CHECK(read.span<double>("d")[0] == 6);
  CHECK(read.span<float>("f")[1] == 5);
}

TEST_CASE("an open file keeps its numbers while it is written anew", "[io]") {
  TemporaryFile file;
  write_one(file, std::vector<double>(10000, 1.0));
  const SafetensorsFile before(file.path());
  write_one(file, std::vector<double>{2.0});
  CHECK(before.span<double>("x")[9999] == 1.0);
  CHECK(SafetensorsFile(file.path()).values<double>("x") == std::vector<double>{2.0});
}

TEST_CASE("an empty file of tensors is legal", "[io]") {
  TemporaryFile file;
  SafetensorsWriter().write(file.path());
  CHECK(SafetensorsFile(file.path()).names().empty());
  CHECK(SafetensorsFile(file.path()).metadata().empty());
}

TEST_CASE("conversions that keep every number need not be asked for", "[io]") {
  TemporaryFile file;
  write_one(file, std::vector<Bfloat16>{Bfloat16(1.5f), Bfloat16(-0x1p-133), Bfloat16(0x1p127)});
  CHECK(SafetensorsFile(file.path()).values<float>("x") == std::vector<float>{1.5f, -0x1p-133f, 0x1p127f});
  CHECK(SafetensorsFile(file.path()).values<double>("x") == std::vector<double>{1.5, -0x1p-133, 0x1p127});
  write_one(file, std::vector<Float16>{Float16(0x1p-24f), Float16(65504)});
  CHECK(SafetensorsFile(file.path()).values<float>("x") == std::vector<float>{0x1p-24f, 65504});
  write_one(file, std::vector<float>{0.1f});
  CHECK(SafetensorsFile(file.path()).values<double>("x") == std::vector<double>{static_cast<double>(0.1f)});
  write_one(file, std::vector<std::int32_t>{-2147483647 - 1, 2147483647});
  CHECK(SafetensorsFile(file.path()).values<double>("x") == std::vector<double>{-0x1p31, 0x1p31 - 1});
  CHECK(SafetensorsFile(file.path()).values<std::int64_t>("x") == std::vector<std::int64_t>{-2147483648, 2147483647});
  write_one(file, std::vector<std::uint8_t>{255});
  CHECK(SafetensorsFile(file.path()).values<Bfloat16>("x") == std::vector<Bfloat16>{Bfloat16(255)});
}

TEST_CASE("conversions that may change a number happen only when asked", "[io]") {
  TemporaryFile file;
  write_one(file, std::vector<std::int64_t>{(std::int64_t{1} << 53) + 1, -3});
  const SafetensorsFile integers(file.path());
  CHECK_THROWS_AS(integers.values<double>("x"), FormatError);
  CHECK(integers.values<double>("x", Rounding::nearest) == std::vector<double>{0x1p53, -3});
  CHECK_THROWS_AS(integers.values<std::int32_t>("x"), FormatError);
  CHECK_THROWS_AS(integers.values<std::int32_t>("x", Rounding::nearest), FormatError);  // out of its range
  CHECK_THROWS_AS(integers.values<std::uint64_t>("x", Rounding::nearest), FormatError);
  CHECK(integers.values<std::int64_t>("x")[0] == (std::int64_t{1} << 53) + 1);

  write_one(file, std::vector<double>{0.1, 1e300, 1 + 0x1p-8 + 0x1p-30});
  const SafetensorsFile doubles(file.path());
  CHECK_THROWS_AS(doubles.values<float>("x"), FormatError);
  CHECK_THROWS_AS(doubles.values<std::int32_t>("x", Rounding::nearest), FormatError);
  CHECK_THROWS_AS(doubles.values<Bfloat16>("x"), FormatError);
  CHECK(doubles.values<float>("x", Rounding::nearest) == std::vector<float>{0.1f, std::numeric_limits<float>::infinity(), 1 + 0x1p-8f});
  CHECK(doubles.values<Bfloat16>("x", Rounding::nearest)[2].bits == 0x3F81);

  write_one(file, std::vector<std::int32_t>{7, 255});
  const SafetensorsFile codes(file.path());
  CHECK_THROWS_AS(codes.values<float>("x"), FormatError);
  CHECK(codes.values<std::uint8_t>("x", Rounding::nearest) == std::vector<std::uint8_t>{7, 255});
  write_one(file, std::vector<Float16>{Float16(1 + 0x1p-10f)});
  CHECK_THROWS_AS(SafetensorsFile(file.path()).values<Bfloat16>("x"), FormatError);
  CHECK(SafetensorsFile(file.path()).values<Bfloat16>("x", Rounding::nearest)[0].bits == 0x3F80);
}

TEST_CASE("access in place asks for the very type and its alignment", "[io]") {
  TemporaryFile file;
  write_one(file, std::vector<float>{1, 2});
  const SafetensorsFile read(file.path());
  CHECK(read.span<float>("x")[1] == 2);
  CHECK_THROWS_AS(read.span<double>("x"), FormatError);
  CHECK_THROWS_AS(read.span<std::int32_t>("x"), FormatError);

  const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  const float number = 0.25f;
  bytes += header + "\x07" + std::string(reinterpret_cast<const char*>(&number), 4);
  const TemporaryFile crooked(bytes);
  const SafetensorsFile odd(crooked.path());
  const bool aligned = reinterpret_cast<std::uintptr_t>(odd.tensor("x").bytes.data()) % 4 == 0;
  REQUIRE(!aligned);
  CHECK_THROWS_AS(odd.span<float>("x"), FormatError);
  CHECK(odd.values<float>("x") == std::vector<float>{0.25f});
  CHECK(odd.values<double>("x") == std::vector<double>{0.25});
}

TEST_CASE("a boolean that is neither 0 nor 1 is refused", "[io]") {
  TemporaryFile file;
  SafetensorsWriter writer;
  const std::array<std::byte, 2> bytes{std::byte{1}, std::byte{2}};
  writer.add("x", DType::boolean, bytes, {2});
  writer.write(file.path());
  const SafetensorsFile read(file.path());
  CHECK_THROWS_AS(read.values<std::uint8_t>("x"), FormatError);
  CHECK_THROWS_AS(read.span<bool>("x"), FormatError);
}

TEST_CASE("a message names file, tensor, expected and given", "[io]") {
  TemporaryFile file;
  write_one(file, std::vector<float>{1});
  const SafetensorsFile read(file.path());
  try {
    read.values<std::int32_t>("x");
    FAIL("no error");
  } catch (const FormatError& error) {
    const std::string message = error.what();
    CHECK(message == "lcsm::SafetensorsFile: file '" + file.path().string() + "': tensor 'x': expected I32 or another integer, given F32");
  }
  std::string bytes = file_bytes(file.path());
  bytes.pop_back();
  const TemporaryFile cut(bytes);
  CHECK(message_of(cut) == "lcsm::SafetensorsFile: file '" + cut.path().string() + "': tensor 'x': expected data_offsets with begin <= end <= 3, given [0,4]");
}

TEST_CASE("the writer refuses what no reader could read", "[io]") {
  SafetensorsWriter writer;
  const std::vector<float> two{1, 2};
  writer.add("x", two, {2});
  CHECK_THROWS_AS(writer.add("x", two, {2}), FormatError);
  CHECK_THROWS_AS(writer.add("y", two, {3}), FormatError);
  CHECK_THROWS_AS(writer.add("y", two, {-1, -2}), FormatError);
  CHECK_THROWS_AS(writer.add("y", two, {Index{1} << 40, Index{1} << 40}), FormatError);
  CHECK_THROWS_AS(writer.add("__metadata__", two, {2}), FormatError);
  CHECK_THROWS_AS(writer.add("\xFF", two, {2}), FormatError);
  CHECK_THROWS_AS(writer.metadata("key", "\xC3"), FormatError);
  const TemporaryFile file;
  CHECK_THROWS_AS(writer.write(file.path() / "no_such_folder" / "x"), FormatError);
  writer.write(file.path());
  CHECK(SafetensorsFile(file.path()).names() == std::vector<std::string>{"x"});
}
