// SPDX-License-Identifier: MIT
#include <lcsm/io/nfc.hpp>

#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

using lcsm::detail::append_utf8;
using lcsm::detail::CharacterClass;
using lcsm::detail::CharacterClasses;
using lcsm::detail::CodePoint;
using lcsm::detail::first_stray_byte;
using lcsm::detail::Nfc;
using lcsm::detail::read_utf8;

namespace {

nlohmann::json truth() {
  std::ifstream file(std::filesystem::path(LCSM_TEST_DATA_DIR) / "unit" / "io" / "tokenizer" / "unicode.json");
  return nlohmann::json::parse(file);
}

class Crc32 {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      crc_ ^= static_cast<unsigned char>(c);
      for (int bit = 0; bit < 8; ++bit) crc_ = (crc_ >> 1) ^ (0xEDB88320u & (0u - (crc_ & 1)));
    }
  }
  std::uint32_t value() const { return ~crc_; }

 private:
  std::uint32_t crc_ = 0xFFFFFFFFu;
};

template <class Use> void for_each_code_point(Use&& use) {
  for (char32_t c = 0; c < first_stray_byte; ++c)
    if (c < 0xD800 || c >= 0xE000) use(c);
}
std::string utf8(std::u32string_view text) {
  std::string out;
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}
std::u32string code_points(const std::string& text) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = read_utf8(text, at);
    out += c.value, at += c.bytes;
  }
  return out;
}
std::uint32_t checksum_of_all(std::u32string_view before, std::u32string_view behind) {
  Crc32 crc;
  const std::string first = utf8(before), last = utf8(behind);
  for_each_code_point([&](char32_t c) {
    std::string text = first;
    append_utf8(text, c);
    crc.add(Nfc::get()(text + last)), crc.add("\n");
  });
  return crc.value();
}

}  // namespace

TEST_CASE("UTF-8: every code point, and the bytes that are none", "[io]") {
  for_each_code_point([](char32_t c) {
    std::string text;
    append_utf8(text, c);
    const CodePoint read = read_utf8(text, 0);
    if (read.value != c || read.bytes != text.size()) FAIL(static_cast<std::uint32_t>(c));
    if (text.size() > 1 && read_utf8(std::string_view(text).substr(0, text.size() - 1), 0).bytes != 1) FAIL("cut: " << static_cast<std::uint32_t>(c));
  });
  for (const char* text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE4\xB8(", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    const CodePoint read = read_utf8(text, 0);
    CHECK(read.bytes == 1);
    CHECK(read.value == first_stray_byte + static_cast<unsigned char>(text[0]));
    CHECK(utf8(code_points(text)) == text);
  }
}

TEST_CASE("classes of all code points are those that the tokenizers library splits by", "[io]") {
  const nlohmann::json expected = truth();
  std::vector<int> counts(4);
  Crc32 crc;
  for_each_code_point([&](char32_t c) {
    const CharacterClass what = CharacterClasses::get().of(c);
    ++counts[static_cast<std::size_t>(what)];
    crc.add(std::string_view("OLNS").substr(static_cast<std::size_t>(what), 1));
  });
  CHECK(counts[1] == expected["letters"].get<int>());
  CHECK(counts[2] == expected["numbers"].get<int>());
  CHECK(counts[3] == expected["spaces"].get<int>());
  CHECK(crc.value() == expected["classes_crc32"].get<std::uint32_t>());
  CHECK(CharacterClasses::get().of(first_stray_byte + 0xA0) == CharacterClass::other);
}

TEST_CASE("NFC of all code points, alone and beside others, is that of Python", "[io]") {
  const nlohmann::json expected = truth();
  CHECK(checksum_of_all(U"", U"") == expected["alone_crc32"].get<std::uint32_t>());
  CHECK(checksum_of_all(U"a\u0301", U"") == expected["behind_crc32"].get<std::uint32_t>());
  CHECK(checksum_of_all(U"", U"\u0323\u0301\u11a8") == expected["before_crc32"].get<std::uint32_t>());
}

TEST_CASE("NFC of all that decomposes, and of all pairs of its halves, is that of Python", "[io]") {
  const nlohmann::json expected = truth();
  Crc32 whole, pairs;
  whole.add(Nfc::get()(expected["decomposed"].get<std::string>())), whole.add("\n");
  CHECK(whole.value() == expected["decomposed_crc32"].get<std::uint32_t>());
  for (const char32_t a : code_points(expected["firsts"].get<std::string>()))
    for (const char32_t b : code_points(expected["seconds"].get<std::string>())) pairs.add(Nfc::get()(utf8(std::u32string{a, b}))), pairs.add("\n");
  CHECK(pairs.value() == expected["pairs_crc32"].get<std::uint32_t>());
}

TEST_CASE("NFC: marks, Hangul, stray bytes", "[io]") {
  const auto nfc = [](std::u32string_view text) { return code_points(Nfc::get()(utf8(text))); };
  CHECK(nfc(U"") == U"");
  CHECK(nfc(U"e\u0301") == U"\u00e9");
  CHECK(nfc(U"\u0301e\u0301") == U"\u0301\u00e9");
  CHECK(nfc(U"s\u0307\u0323") == U"\u1e69");                       // ordered first
  CHECK(nfc(U"q\u0307\u0323") == U"q\u0323\u0307");
  CHECK(nfc(U"a\u0305\u0301") == U"a\u0305\u0301");                // a mark of the same class stands between
  CHECK(nfc(U"a\u0327\u0301") == U"\u00e1\u0327");                 // one of another does not
  CHECK(nfc(U"\u212b\u2126") == U"\u00c5\u03a9");
  CHECK(nfc(U"\u0958\ufb1d") == U"\u0915\u093c\u05d9\u05b4");      // never composed
  CHECK(nfc(U"\u1112\u1161\u11ab\u1100\u1173\u11af") == U"\ud55c\uae00");
  CHECK(nfc(U"\uac00\u11a8\uac01\u11a8\uac00\u11a7") == U"\uac01\uac01\u11a8\uac00\u11a7");
  CHECK(Nfc::get()("e\xFF\xCC\x81") == "e\xFF\xCC\x81");
  CHECK(Nfc::get()("e\xCC\x81\xCC") == "\xC3\xA9\xCC");
}
