// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/bpe_file.hpp>
#include <lcsm/io/unicode.hpp>
#include <lcsm/tensor/index.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <queue>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lcsm {

namespace bpe {

// GPT-2's pattern of words: a contraction, or letters, or numbers, or other characters, each behind at most one blank, or spaces. Of spaces before a word the last is left to the word
// if it is a blank, else a word of its own: 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ (github.com/openai/gpt-2, src/encoder.py).
inline std::size_t word_end(std::string_view text, std::size_t begin) {
  using unicode::Kind;
  if (text[begin] == '\'')
    for (const std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"})
      if (text.substr(begin + 1).starts_with(ending)) return begin + 1 + ending.size();
  const auto run = [&](Kind kind, std::size_t at, std::size_t& last) {
    while (at < text.size()) {
      const auto [code, bytes] = unicode::character_at(text, at);
      if (unicode::kind_of(code) != kind) break;
      last = at, at += bytes;
    }
    return at;
  };
  std::size_t last = begin;
  const std::size_t first = begin + (text[begin] == ' ' ? 1 : 0);
  if (first < text.size())
    if (const Kind kind = unicode::kind_of(unicode::character_at(text, first).code); kind != Kind::space) return run(kind, first, last);
  const std::size_t end = run(Kind::space, begin, last);
  return end == text.size() || last == begin ? end : last;
}

}  // namespace bpe

// A byte-level BPE tokeniser (GPT-2, GPT-NeoX and their heirs) as tokenizer.json describes it (github.com/huggingface/tokenizers). Text is split at added tokens and into words by GPT-2's
// pattern; the bytes of a word are merged pair by pair, the earliest merge of the file first and of equal ones the leftmost: O(n log n) in the bytes of a word. Any bytes are text; what is
// not UTF-8 counts as punctuation. A file that asks for NFC is taken at its word: text is not normalised, so give it in NFC. What else a file asks for and is not here (other patterns,
// normalisers, dropout, ...) is a FormatError that names it. Reading changes nothing: threads may share one tokeniser.
class ByteLevelBpe {
 public:
  using Id = std::int32_t;
  enum class Special { keep, skip };

  explicit ByteLevelBpe(const std::filesystem::path& path) : file_(bpe::read(path)) {
    for (std::size_t n = 0; n < file_.added.size(); ++n) starts_[byte(file_.added[n].content.front())].push_back(n);
    for (auto& of_byte : starts_)
      std::stable_sort(of_byte.begin(), of_byte.end(), [&](std::size_t a, std::size_t b) { return file_.added[a].content.size() > file_.added[b].content.size(); });
  }

  // One more than the largest id; there may be holes.
  Index size() const noexcept { return Index(file_.pieces.size()); }
  bool contains(Id id) const noexcept { return id >= 0 && id < size() && file_.pieces[to_size(id)].known; }
  // The bytes of a token; they need not be whole characters.
  std::string_view bytes(Id id) const {
    if (!contains(id)) raise<OptionError>("ByteLevelBpe", "id", "that of a token, less than " + std::to_string(size()), std::to_string(id));
    return file_.pieces[to_size(id)].bytes;
  }
  // The token of just these bytes, as the file counts it; -1 where there is none.
  Id id(std::string_view bytes) const {
    const auto found = file_.ids.find(std::string(bytes));
    return found == file_.ids.end() ? -1 : found->second;
  }

  // Special::keep: with the special tokens that the file puts around a text. Text that holds the content of a special token is that token, either way.
  std::vector<Id> encode(std::string_view text, Special special = Special::keep) const {
    std::vector<Id> out;
    if (special == Special::keep) out = file_.before;
    split(text, false, out, [&](std::string_view part) {
      split(part, true, out, [&](std::string_view rest) { words(rest, out); });
    });
    if (special == Special::keep) out.insert(out.end(), file_.after.begin(), file_.after.end());
    return out;
  }
  std::string decode(std::span<const Id> ids, Special special = Special::keep) const {
    std::string out;
    for (const Id id : ids)
      if (const std::string_view piece = bytes(id); special == Special::keep || !file_.pieces[to_size(id)].special) out += piece;
    return out;
  }

 private:
  struct Symbol { Id id; Index previous, next; };            // id -1: merged into the one before it
  struct Step {
    Index rank, at;
    Id left, right, merged;
    bool operator>(const Step& o) const { return std::pair(rank, at) > std::pair(o.rank, o.at); }
  };

  static std::size_t byte(char c) { return static_cast<unsigned char>(c); }

  // Added tokens from left to right, the longest first; those of one kind (normalized or not) at a time, as the file's own library does it.
  template <class Rest> void split(std::string_view text, bool normalized, std::vector<Id>& out, Rest&& rest) const {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const bpe::Added* found = nullptr;
      for (const std::size_t n : starts_[byte(text[at])])
        if (const bpe::Added& added = file_.added[n]; !found && added.normalized == normalized && text.substr(at).starts_with(added.content)) found = &added;
      if (!found) { ++at; continue; }
      std::size_t begin = at, end = at + found->content.size();
      at = end;
      if (begin < done) continue;
      if (found->strips_left) begin = space_before(text, done, begin);
      if (found->strips_right)
        for (unicode::Character c{}; end < text.size() && unicode::is_space((c = unicode::character_at(text, end)).code);) end += c.bytes;
      if (begin > done) rest(text.substr(done, begin - done));
      out.push_back(found->id), done = end;
    }
    if (done < text.size()) rest(text.substr(done));
  }
  // Where the spaces begin that end at `end`.
  static std::size_t space_before(std::string_view text, std::size_t begin, std::size_t end) {
    std::size_t first = end;
    for (std::size_t at = begin; at < end;) {
      const auto [code, bytes] = unicode::character_at(text, at);
      if (!unicode::is_space(code)) first = end; else if (first == end) first = at;
      at += bytes;
    }
    return first;
  }

  void words(std::string_view text, std::vector<Id>& out) const {
    std::string prefixed;
    if (file_.blank_first && !text.starts_with(' ')) prefixed.append(" ").append(text), text = prefixed;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = file_.splits_words ? bpe::word_end(text, begin) : text.size();
      word(text.substr(begin, end - begin), out), begin = end;
    }
  }
  void word(std::string_view text, std::vector<Id>& out) const {
    if (file_.whole_words)
      if (const auto found = file_.ids.find(std::string(text)); found != file_.ids.end()) return out.push_back(found->second);
    std::vector<Symbol> symbols(text.size());
    for (std::size_t n = 0; n < text.size(); ++n) {
      symbols[n] = {file_.of_byte[byte(text[n])], Index(n) - 1, Index(n) + 1};
      if (symbols[n].id < 0) raise<OptionError>("ByteLevelBpe::encode", "text", "bytes that have a token", "byte " + std::to_string(byte(text[n])));
    }
    std::priority_queue<Step, std::vector<Step>, std::greater<>> steps;
    const Index size = Index(symbols.size());
    const auto offer = [&](Index at) {
      if (at < 0 || symbols[to_size(at)].next >= size) return;
      const Id left = symbols[to_size(at)].id, right = symbols[to_size(symbols[to_size(at)].next)].id;
      if (const auto found = file_.merges.find(bpe::pair_key(left, right)); found != file_.merges.end()) steps.push({found->second.rank, at, left, right, found->second.id});
    };
    for (Index at = 0; at + 1 < size; ++at) offer(at);
    while (!steps.empty()) {
      const Step step = steps.top();
      steps.pop();
      Symbol& left = symbols[to_size(step.at)];
      if (left.id != step.left || left.next >= size || symbols[to_size(left.next)].id != step.right) continue;   // one of the two has been merged since
      Symbol& right = symbols[to_size(left.next)];
      left.id = step.merged, left.next = right.next, right.id = -1;
      if (left.next < size) symbols[to_size(left.next)].previous = step.at;
      offer(left.previous), offer(step.at);
    }
    for (const Symbol& symbol : symbols)
      if (symbol.id >= 0) out.push_back(symbol.id);
  }

  bpe::File file_;
  std::array<std::vector<std::size_t>, 256> starts_;         // the added tokens that begin with a byte, the longest first
};

}  // namespace lcsm
