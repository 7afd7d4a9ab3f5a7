// SPDX-License-Identifier: MIT
#include <lcsm/io/mapped_file.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <type_traits>
#include <utility>

using lcsm::MappedFile;
using lcsm::test::TemporaryFile;

static_assert(!std::is_copy_constructible_v<MappedFile> && !std::is_copy_assignable_v<MappedFile>);

TEST_CASE("the bytes of a file, in place across moves", "[io]") {
  const std::string text = std::string("one\0two", 7) + std::string(10000, 'x');
  const TemporaryFile on_disk(text), other_on_disk("other");
  MappedFile file(on_disk.path());
  REQUIRE(file.bytes().size() == text.size());
  CHECK(std::string(reinterpret_cast<const char*>(file.bytes().data()), text.size()) == text);
  CHECK(reinterpret_cast<std::uintptr_t>(file.bytes().data()) % alignof(std::max_align_t) == 0);
  const std::byte* const first = file.bytes().data();
  MappedFile moved = std::move(file);
  CHECK(moved.bytes().data() == first);
  CHECK(file.bytes().empty());  // NOLINT: the moved-from state is part of the contract
  MappedFile other(other_on_disk.path());
  other = std::move(moved);
  CHECK(other.bytes().data() == first);
  CHECK(other.path() == on_disk.path());
}

TEST_CASE("an empty file has no bytes, a missing one is an error", "[io]") {
  const TemporaryFile empty("");
  CHECK(MappedFile(empty.path()).bytes().empty());
  CHECK_THROWS_AS(MappedFile(empty.path() / "missing"), lcsm::FormatError);
  CHECK_THROWS_AS(MappedFile(std::filesystem::temp_directory_path()), lcsm::FormatError);
}
