// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/io/unicode_tables.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lcsm::detail {

// A byte that begins no well-formed sequence (Unicode, table 3-7) is a code point of its own, behind all others: whatever the bytes are, they come back.
inline constexpr char32_t first_stray_byte = 0x110000;
struct CodePoint { char32_t value; std::size_t bytes; };

inline CodePoint read_utf8(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t n) { return static_cast<unsigned char>(text[at + n]); };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const CodePoint stray{first_stray_byte + lead, 1};
  const std::size_t more = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
  if (more == 0 || text.size() - at <= more) return stray;
  // Neither overlong forms nor surrogates nor what lies behind U+10FFFF.
  const unsigned lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80, highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < lowest || byte(1) > highest) return stray;
  char32_t value = lead & (0x3Fu >> more);
  for (std::size_t n = 1; n <= more; ++n) {
    if ((byte(n) & 0xC0) != 0x80) return stray;
    value = (value << 6) | (byte(n) & 0x3Fu);
  }
  return {value, more + 1};
}

inline void append_utf8(std::string& text, char32_t c) {
  const auto put = [&](char32_t byte) { text.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  const auto put_low = [&](int shift) { put(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) put(c);
  else if (c < 0x800) put(0xC0 | (c >> 6)), put_low(0);
  else if (c < 0x10000) put(0xE0 | (c >> 12)), put_low(6), put_low(0);
  else if (c < first_stray_byte) put(0xF0 | (c >> 18)), put_low(12), put_low(6), put_low(0);
  else put(c - first_stray_byte);
}

// The numbers of a table, one after the other.
class UnicodeTable {
 public:
  explicit UnicodeTable(std::string_view digits) : digits_(digits) {}
  explicit operator bool() const noexcept { return !digits_.empty(); }
  char32_t number() {
    char32_t value = 0;
    for (int shift = 0;; shift += 5) {
      const char32_t digit = digit_of(digits_.front());
      digits_.remove_prefix(1);
      value |= (digit & 31) << shift;
      if (digit < 32) return value;
    }
  }
  char32_t after(char32_t before) {
    const char32_t value = number(), half = value >> 1;
    return value & 1 ? before - half - 1 : before + half;
  }

 private:
  static char32_t digit_of(char c) {
    if (c >= 'a') return static_cast<char32_t>(c - 'a' + 26);
    if (c >= 'A') return static_cast<char32_t>(c - 'A');
    return c == '+' ? 62 : c == '/' ? 63 : static_cast<char32_t>(c - '0' + 52);
  }
  std::string_view digits_;
};

// What the words of a tokenizer are made of: \p{L}, \p{N}, \s and the rest, to which stray bytes belong.
enum class CharacterClass : std::uint8_t { other, letter, number, space };

class CharacterClasses {
 public:
  static const CharacterClasses& get() {
    static const CharacterClasses classes;
    return classes;
  }
  CharacterClass of(char32_t c) const noexcept {
    if (c < ascii_.size()) return ascii_[c];
    const auto found = std::upper_bound(ranges_.begin(), ranges_.end(), c, [](char32_t value, const Range& range) { return value < range.first; });
    return found != ranges_.begin() && c <= (found - 1)->last ? (found - 1)->what : CharacterClass::other;
  }

 private:
  struct Range { char32_t first, last; CharacterClass what; };
  CharacterClasses() {
    read(unicode::letters, CharacterClass::letter), read(unicode::numbers, CharacterClass::number), read(unicode::spaces, CharacterClass::space);
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    for (const Range& range : ranges_)
      for (char32_t c = range.first; c <= range.last && c < ascii_.size(); ++c) ascii_[c] = range.what;
  }
  void read(std::string_view digits, CharacterClass what) {
    char32_t next = 0;
    for (UnicodeTable table(digits); table;) {
      const char32_t first = next + table.number(), last = first + table.number();
      ranges_.push_back({first, last, what});
      next = last + 1;
    }
  }
  std::array<CharacterClass, 128> ascii_{};
  std::vector<Range> ranges_;
};

}  // namespace lcsm::detail
