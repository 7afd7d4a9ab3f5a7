// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/io/unicode.hpp>

#include <cstddef>
#include <string_view>

namespace lcsm::detail {

// GPT-2's words (github.com/openai/gpt-2, src/encoder.py), which the other byte-level tokenizers kept.
inline constexpr std::string_view gpt2_pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

// The length of the word at the beginning of a text that is not empty: the first alternative of the pattern that matches.
inline std::size_t gpt2_word(std::string_view text) {
  for (const std::string_view contraction : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
    if (text.front() == '\'' && text.starts_with(contraction)) return contraction.size();

  const CharacterClasses& classes = CharacterClasses::get();
  const auto class_at = [&](std::size_t at, std::size_t& bytes) {
    const CodePoint c = read_utf8(text, at);
    bytes = c.bytes;
    return classes.of(c.value);
  };
  std::size_t bytes = 0, end = text.front() == ' ' && text.size() > 1 ? 1 : 0;
  const CharacterClass what = class_at(end, bytes);
  if (end == 1 && what == CharacterClass::space) end = 0, bytes = 1;   // the blank belongs to the spaces

  std::size_t last = end;   // where the last character of the run begins
  do {
    last = end, end += bytes;
  } while (end < text.size() && class_at(end, bytes) == what);
  // \s+(?!\S) leaves the last space to the word behind it; a single one is taken by \s+.
  return what == CharacterClass::space && end < text.size() && last > 0 ? last : end;
}

template <class Use> void for_each_gpt2_word(std::string_view text, Use&& use) {
  while (!text.empty()) {
    const std::size_t length = gpt2_word(text);
    use(text.substr(0, length));
    text.remove_prefix(length);
  }
}

}  // namespace lcsm::detail
