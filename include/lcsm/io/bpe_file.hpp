// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/mapped_file.hpp>
#include <lcsm/io/unicode.hpp>
#include <lcsm/tensor/index.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

// What a tokenizer.json says of a byte-level BPE (github.com/huggingface/tokenizers).
namespace lcsm::bpe {

using Id = std::int32_t;

struct Added {
  std::string content;
  Id id;
  bool normalized, strips_left, strips_right;
};
struct Piece {
  std::string bytes;
  bool known = false, special = false;
};
struct Merge {
  Index rank;
  Id id;
};
constexpr std::uint64_t pair_key(Id left, Id right) { return std::uint64_t(std::uint32_t(left)) << 32 | std::uint32_t(right); }

struct File {
  std::vector<Piece> pieces;                              // by id
  std::unordered_map<std::string, Id> ids;                // by bytes
  std::array<Id, 256> of_byte{};                          // -1: none
  std::unordered_map<std::uint64_t, Merge> merges;        // by pair_key
  std::vector<Added> added;
  std::vector<Id> before, after;                          // around every text
  bool blank_first = false, splits_words = true, whole_words = false;
};

// Tokens are written in characters that stand for bytes: printable ones of Latin-1 for themselves, the others, in order, from U+0100 on. -1: stands for none.
inline constexpr auto bytes_of_characters = [] {
  std::array<int, 0x144> table{};
  int next = 0x100;
  for (int c = 0; c < 0x100; ++c) {
    const bool printable = (c >= 33 && c <= 126) || (c >= 161 && c <= 172) || (c >= 174);
    table[to_size(c)] = printable ? c : -1;
    if (!printable) table[to_size(next++)] = c;
  }
  return table;
}();
constexpr int byte_of(char32_t code) { return code < bytes_of_characters.size() ? bytes_of_characters[code] : -1; }
// A token with other characters is its own text.
inline std::string bytes_of(std::string_view token) {
  std::string out;
  for (std::size_t at = 0; at < token.size();) {
    const auto [code, bytes] = unicode::character_at(token, at);
    const int b = byte_of(code);
    if (b < 0) return std::string(token);
    out += static_cast<char>(b), at += bytes;
  }
  return out;
}

class Reader {
  using Json = nlohmann::json;

 public:
  explicit Reader(const std::filesystem::path& path) : path_(path) {}

  File read() {
    const MappedFile bytes(path_);
    const std::string_view text(reinterpret_cast<const char*>(bytes.bytes().data()), bytes.bytes().size());
    const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
    if (!json.is_object()) fail("", "a JSON object", "other bytes");
    file_.of_byte.fill(-1);
    vocabulary(member(json, "model"));
    added(member(json, "added_tokens"));
    normaliser(member(json, "normalizer")), words(member(json, "pre_tokenizer"));
    if (const Json& decoder = member(json, "decoder"); !decoder.is_null() && type_of(decoder) != "ByteLevel") fail("decoder", "ByteLevel", brief(decoder));
    around(member(json, "post_processor"));
    return std::move(file_);
  }

 private:
  [[noreturn]] void fail(std::string_view place, std::string_view expected, std::string_view given) const {
    std::string message = "lcsm::ByteLevelBpe: file '" + path_.string() + "': ";
    if (!place.empty()) message.append(place).append(": ");
    raise<FormatError>(message.append("expected ").append(expected).append(", given ").append(given));
  }
  static std::string brief(const Json& value) {
    std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
    if (text.size() > 80) text.replace(77, std::string::npos, "...");
    return text;
  }
  static const Json& member(const Json& of, const char* name) {
    static const Json none;
    if (!of.is_object()) return none;
    const auto found = of.find(name);
    return found == of.end() ? none : *found;
  }
  std::string text(std::string_view place, const Json& value) const {
    if (!value.is_string()) fail(place, "a text", brief(value));
    return value.get<std::string>();
  }
  bool flag(std::string_view place, const Json& of, const char* name, bool otherwise) const {
    const Json& value = member(of, name);
    if (value.is_null()) return otherwise;
    if (!value.is_boolean()) fail(place, std::string("true or false for ") + name, brief(value));
    return value.get<bool>();
  }
  std::string type_of(const Json& of) const {
    const Json& type = member(of, "type");
    return type.is_string() ? type.get<std::string>() : "";
  }
  Id id(std::string_view place, const Json& value) const {
    constexpr std::uint64_t most = 1 << 22;                // a list is kept of all ids
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= most) fail(place, "an id from 0 to 4194303", brief(value));
    return static_cast<Id>(value.get<std::uint64_t>());
  }
  void piece(std::string_view place, const std::string& token, Id id, bool special) {
    if (file_.pieces.size() <= to_size(id)) file_.pieces.resize(to_size(id) + 1);
    Piece& piece = file_.pieces[to_size(id)];
    const std::string bytes = bytes_of(token);
    if (piece.known && piece.bytes != bytes) fail(place, "one token of id " + std::to_string(id), brief(Json(piece.bytes)) + " and " + brief(Json(bytes)));
    piece = {bytes, true, special}, file_.ids.emplace(bytes, id);
  }

  void vocabulary(const Json& model) {
    if (!model.is_object()) fail("model", "an object", brief(model));
    if (const Json& type = member(model, "type"); !type.is_null() && type != "BPE") fail("model", "BPE", brief(type));
    for (const char* name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"})
      if (const Json& value = member(model, name); !value.is_null() && value != "" && value != 0.0) fail("model", std::string("no ") + name, brief(value));
    if (flag("model", model, "byte_fallback", false)) fail("model", "no byte_fallback", "true");
    file_.whole_words = flag("model", model, "ignore_merges", false);
    const Json &vocab = member(model, "vocab"), &merges = member(model, "merges");
    if (!vocab.is_object()) fail("model.vocab", "an object of ids", brief(vocab));
    for (const auto& [token, value] : vocab.items()) {
      const Id number = id("model.vocab", value);
      piece("model.vocab", token, number, false), tokens_.emplace(token, number);
      if (const auto [code, bytes] = unicode::character_at(token, 0); bytes == token.size())
        if (const int b = byte_of(code); b >= 0) file_.of_byte[to_size(b)] = number;
    }
    if (!merges.is_array()) fail("model.merges", "an array of pairs", brief(merges));
    Index rank = 0;
    for (const Json& pair : merges) {
      const auto [left, right] = halves(pair);
      const Id a = token(pair, left), b = token(pair, right), both = token(pair, left + right);
      file_.merges.insert_or_assign(pair_key(a, b), Merge{rank++, both});
    }
  }
  // "left right", or since 2024 ["left", "right"].
  std::pair<std::string, std::string> halves(const Json& pair) const {
    if (pair.is_array() && pair.size() == 2) return {text("model.merges", pair[0]), text("model.merges", pair[1])};
    const std::string both = text("model.merges", pair);
    const std::size_t blank = both.find(' ');
    if (blank == std::string::npos || both.find(' ', blank + 1) != std::string::npos) fail("model.merges", "two tokens and a blank between them", brief(pair));
    return {both.substr(0, blank), both.substr(blank + 1)};
  }
  Id token(const Json& pair, const std::string& of) const {
    const auto found = tokens_.find(of);
    if (found == tokens_.end()) fail("model.merges", "tokens of the vocabulary, merged into one", brief(pair));
    return found->second;
  }

  void added(const Json& tokens) {
    if (!tokens.is_null() && !tokens.is_array()) fail("added_tokens", "an array", brief(tokens));
    for (const Json& each : tokens) {
      const std::string content = text("added_tokens", member(each, "content"));
      const Id number = id("added_tokens", member(each, "id"));
      if (content.empty()) fail("added_tokens", "a content", brief(each));
      if (flag("added_tokens", each, "single_word", false)) fail("added_tokens", "no single_word", brief(each));
      const bool special = flag("added_tokens", each, "special", false);
      piece("added_tokens", content, number, special), tokens_.emplace(content, number);
      file_.added.push_back({content, number, flag("added_tokens", each, "normalized", !special), flag("added_tokens", each, "lstrip", false), flag("added_tokens", each, "rstrip", false)});
    }
  }
  void normaliser(const Json& normalizer) const {
    const std::string type = type_of(normalizer);
    if (type == "Sequence") return each(normalizer, "normalizers", "normalizer", [&](const Json& one) { normaliser(one); });
    if (!normalizer.is_null() && type != "NFC") fail("normalizer", "none or NFC", brief(normalizer));
  }
  void words(const Json& splitter) {
    const std::string type = type_of(splitter);
    if (const Json& list = member(splitter, "pretokenizers"); type == "Sequence" && list.is_array() && list.size() == 1) return words(list[0]);
    if (type != "ByteLevel") fail("pre_tokenizer", "ByteLevel", brief(splitter));
    file_.blank_first = flag("pre_tokenizer", splitter, "add_prefix_space", true), file_.splits_words = flag("pre_tokenizer", splitter, "use_regex", true);
  }
  void around(const Json& processor) {
    const std::string type = type_of(processor);
    if (processor.is_null() || type == "ByteLevel") return;
    if (type == "Sequence") return each(processor, "processors", "post_processor", [&](const Json& one) { around(one); });
    if (type != "TemplateProcessing") fail("post_processor", "none, ByteLevel or TemplateProcessing", brief(processor));
    bool text_seen = false;
    std::vector<Id> front, back;
    each(processor, "single", "post_processor", [&](const Json& part) {
      if (const Json& special = member(part, "SpecialToken"); special.is_object()) {
        const Json& of = member(member(processor, "special_tokens"), text("post_processor", member(special, "id")).c_str());
        each(of, "ids", "post_processor", [&](const Json& number) { (text_seen ? back : front).push_back(known("post_processor", number)); });
      } else if (member(part, "Sequence").is_object() && !text_seen) text_seen = true;
      else fail("post_processor", "special tokens and one text", brief(part));
    });
    if (!text_seen) fail("post_processor", "special tokens and one text", "no text");
    file_.before.insert(file_.before.begin(), front.begin(), front.end()), file_.after.insert(file_.after.end(), back.begin(), back.end());
  }
  Id known(std::string_view place, const Json& value) const {
    const Id number = id(place, value);
    if (to_size(number) >= file_.pieces.size() || !file_.pieces[to_size(number)].known) fail(place, "the id of a token", brief(value));
    return number;
  }
  template <class F> void each(const Json& of, const char* name, std::string_view place, F&& f) const {
    const Json& list = member(of, name);
    if (!list.is_array()) fail(place, std::string("an array of ") + name, brief(of));
    for (const Json& one : list) f(one);
  }

  const std::filesystem::path& path_;
  File file_;
  std::unordered_map<std::string, Id> tokens_;            // as they are written
};

inline File read(const std::filesystem::path& path) { return Reader(path).read(); }

}  // namespace lcsm::bpe
