// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/io/unicode.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace lcsm::detail {

// Normalisation Form C (Unicode Standard Annex 15): decomposed canonically, marks ordered by their classes, composed again. Stray bytes stay and
// nothing is composed across them.
class Nfc {
 public:
  static const Nfc& get() {
    static const Nfc nfc;
    return nfc;
  }

  std::string operator()(std::string_view text) const {
    if (!may_change(text)) return std::string(text);
    std::vector<Mark> marks;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = read_utf8(text, at);
      decompose(c.value, marks);
      at += c.bytes;
    }
    order(marks);
    compose(marks);
    std::string out;
    out.reserve(text.size());
    for (const Mark& mark : marks) append_utf8(out, mark.value);
    return out;
  }

 private:
  struct Mark { char32_t value; std::uint8_t combining_class; std::size_t place = 0; };
  static constexpr char32_t syllables = 0xAC00, leads = 0x1100, vowels = 0x1161, trails = 0x11A7;         // Hangul (the Standard, 3.12)
  static constexpr char32_t lead_count = 19, vowel_count = 21, trail_count = 28, syllable_count = lead_count * vowel_count * trail_count;
  static constexpr char32_t first_of_interest = 0x300;   // all before compose to themselves and follow nothing

  Nfc() {
    char32_t next = 0;
    for (UnicodeTable table(unicode::combining_classes); table;) {
      const char32_t first = next + table.number(), last = first + table.number();
      const auto combining_class = static_cast<std::uint8_t>(table.number());
      for (char32_t c = first; c <= last; ++c) combining_classes_.emplace(c, combining_class), changing_.insert(c);
      next = last + 1;
    }
    read_mappings(unicode::compositions, [&](char32_t c, char32_t a, char32_t b) { compositions_.emplace(pair(a, b), c), changing_.insert(b); });
    read_mappings(unicode::decompositions, [&](char32_t c, char32_t, char32_t) { changing_.insert(c); });
    for (char32_t c = vowels; c < vowels + vowel_count; ++c) changing_.insert(c);
    for (char32_t c = trails + 1; c < trails + trail_count; ++c) changing_.insert(c);
  }
  template <class Use> void read_mappings(std::string_view digits, Use&& use) {
    char32_t c = 0, a = 0, b = 0;
    for (UnicodeTable table(digits); table;) {
      c += table.number(), a = table.after(a), b = table.after(b);
      decompositions_.emplace(c, std::pair(a, b));
      use(c, a, b);
    }
  }
  static std::uint64_t pair(char32_t a, char32_t b) { return (std::uint64_t{a} << 32) | b; }

  // Whether anything is in there that NFC replaces, moves or joins to what is before it: most texts are done here.
  bool may_change(std::string_view text) const {
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = read_utf8(text, at);
      if (c.value >= first_of_interest && changing_.count(c.value) != 0) return true;
      at += c.bytes;
    }
    return false;
  }

  void decompose(char32_t c, std::vector<Mark>& out) const {
    if (c - syllables < syllable_count) {
      const char32_t n = c - syllables, trail = n % trail_count;
      out.push_back({leads + n / (vowel_count * trail_count), 0});
      out.push_back({vowels + n / trail_count % vowel_count, 0});
      if (trail != 0) out.push_back({trails + trail, 0});
    } else if (const auto found = decompositions_.find(c); c >= 0xC0 && found != decompositions_.end()) {
      decompose(found->second.first, out);   // a few levels
      if (found->second.second != 0) decompose(found->second.second, out);
    } else {
      const auto mark = combining_classes_.find(c);
      out.push_back({c, mark == combining_classes_.end() ? std::uint8_t{0} : mark->second});
    }
  }

  static void order(std::vector<Mark>& marks) {
    const auto is_starter = [](const Mark& mark) { return mark.combining_class == 0; };
    for (auto first = marks.begin(); first != marks.end();) {
      first = std::find_if_not(first, marks.end(), is_starter);
      const auto last = std::find_if(first, marks.end(), is_starter);
      for (auto mark = first; mark != last; ++mark) mark->place = static_cast<std::size_t>(mark - first);   // clang 19 warns of std::stable_sort in libstdc++ 12
      std::sort(first, last, [](const Mark& a, const Mark& b) { return std::tie(a.combining_class, a.place) < std::tie(b.combining_class, b.place); });
      first = last;
    }
  }

  void compose(std::vector<Mark>& marks) const {
    std::size_t size = 0, starter = 0;
    bool has_starter = false;
    for (const Mark mark : marks) {
      // Nothing of the same or a higher class may stand between the two.
      const bool reaches = has_starter && (size == starter + 1 || marks[size - 1].combining_class < mark.combining_class);
      const char32_t whole = reaches ? composed(marks[starter].value, mark.value) : 0;
      if (whole != 0) {
        marks[starter].value = whole;
        continue;
      }
      if (mark.combining_class == 0) starter = size, has_starter = true;
      marks[size++] = mark;
    }
    marks.resize(size);
  }

  char32_t composed(char32_t a, char32_t b) const {   // 0 if the two do not compose
    if (a - leads < lead_count && b - vowels < vowel_count) return syllables + ((a - leads) * vowel_count + (b - vowels)) * trail_count;
    if (a - syllables < syllable_count && (a - syllables) % trail_count == 0 && b - trails - 1 < trail_count - 1) return a + (b - trails);
    const auto found = compositions_.find(pair(a, b));
    return found == compositions_.end() ? 0 : found->second;
  }

  std::unordered_map<char32_t, std::uint8_t> combining_classes_;
  std::unordered_map<char32_t, std::pair<char32_t, char32_t>> decompositions_;
  std::unordered_map<std::uint64_t, char32_t> compositions_;
  std::unordered_set<char32_t> changing_;
};

}  // namespace lcsm::detail
