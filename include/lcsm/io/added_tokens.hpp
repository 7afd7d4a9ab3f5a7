// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/io/unicode.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcsm::detail {

// Tokens that are found in a text before anything else is done with it: at each place the longest, from left to right.
class AddedTokens {
 public:
  struct Token { std::string text; std::int32_t id; bool lstrip, rstrip; };   // *strip: takes the spaces on that side along

  // False if there is one of the same text. Texts are not empty.
  bool add(Token token) {
    const auto place = std::lower_bound(tokens_.begin(), tokens_.end(), token, [](const Token& a, const Token& b) { return a.text < b.text; });
    if (place != tokens_.end() && place->text == token.text) return false;
    tokens_.insert(place, std::move(token));
    return true;
  }

  // Calls use_text(piece) and use_token(id) in turn; pieces are not empty.
  template <class UseText, class UseToken> void split(std::string_view text, UseText&& use_text, UseToken&& use_token) const {
    std::size_t begin = 0;   // of the text that is not used yet
    for (std::size_t at = 0; at < text.size() && !tokens_.empty();) {
      const Token* found = longest_at(text, at);
      if (found == nullptr) {
        ++at;
        continue;
      }
      const std::size_t matched = at + found->text.size();
      const std::size_t first = found->lstrip ? spaces_before(text, begin, at) : at, last = found->rstrip ? spaces_behind(text, matched) : matched;
      if (first > begin) use_text(text.substr(begin, first - begin));
      use_token(found->id);
      begin = last, at = last;
    }
    if (begin < text.size()) use_text(text.substr(begin));
  }

 private:
  // Bytes narrow down the sorted tokens, one after the other.
  const Token* longest_at(std::string_view text, std::size_t at) const {
    const Token* found = nullptr;
    auto first = tokens_.begin(), last = tokens_.end();
    for (std::size_t n = 0; at + n < text.size(); ++n) {
      const auto byte_of = [n](const Token& token) { return n < token.text.size() ? static_cast<int>(static_cast<unsigned char>(token.text[n])) : -1; };
      const int byte = static_cast<unsigned char>(text[at + n]);
      first = std::partition_point(first, last, [&](const Token& token) { return byte_of(token) < byte; });
      last = std::partition_point(first, last, [&](const Token& token) { return byte_of(token) == byte; });
      if (first == last) break;
      if (first->text.size() == n + 1) found = &*first;
    }
    return found;
  }
  static bool is_space(char32_t c) { return CharacterClasses::get().of(c) == CharacterClass::space; }
  static std::size_t spaces_behind(std::string_view text, std::size_t at) {
    while (at < text.size()) {
      const CodePoint c = read_utf8(text, at);
      if (!is_space(c.value)) break;
      at += c.bytes;
    }
    return at;
  }
  static std::size_t spaces_before(std::string_view text, std::size_t begin, std::size_t at) {
    std::size_t first = at;
    for (std::size_t place = at; place > begin;) {
      if (--place; (static_cast<unsigned char>(text[place]) & 0xC0) == 0x80) continue;   // inside of a character
      const CodePoint c = read_utf8(text, place);
      if (place + c.bytes != first || !is_space(c.value)) break;
      first = place;
    }
    return first;
  }

  std::vector<Token> tokens_;   // sorted
};

}  // namespace lcsm::detail
