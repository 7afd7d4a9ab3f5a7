// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/added_tokens.hpp>
#include <lcsm/io/bpe_merges.hpp>
#include <lcsm/io/gpt2_words.hpp>
#include <lcsm/io/json_file.hpp>
#include <lcsm/io/json_reader.hpp>
#include <lcsm/io/nfc.hpp>
#include <lcsm/io/unicode.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lcsm {

namespace detail {

// GPT-2 writes bytes as characters that can be seen: printable ones of Latin-1 as themselves, the others as U+0100 and on.
struct ByteCharacters {
  std::array<char32_t, 256> of_byte{};
  std::array<int, 0x144> byte_of{};   // -1: no byte
  constexpr ByteCharacters() {
    for (int& byte : byte_of) byte = -1;
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool seen = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
      of_byte[byte] = seen ? byte : next++;
      byte_of[of_byte[byte]] = static_cast<int>(byte);
    }
  }
};
inline constexpr ByteCharacters byte_characters;

}  // namespace detail

// The tokenizer of a `tokenizer.json` with byte-level byte pair encoding, as those of GPT-2, GPT-NeoX, Pythia, Mamba and RWKV-4 have it. The ids are those of
// the `tokenizers` library; truncation and padding, which a file may ask for, are the caller's. What it asks for beyond that is refused when it is opened:
// FormatError, which names the file, the key, what was expected and what was given. Texts are bytes, UTF-8 as a rule; a byte that is not is a character
// of its own that is no letter, no number and no space. One object serves any number of threads.
class ByteLevelBpe {
 public:
  using Id = std::int32_t;

  explicit ByteLevelBpe(std::filesystem::path path) : path_(std::move(path)) { open(); }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::size_t size() const noexcept { return size_; }                          // one more than the largest id
  bool contains(std::string_view token) const { return ids_.count(std::string(token)) != 0; }
  // A token as the file writes it: "<|endoftext|>", "\u0120the". Throws FormatError if there is none.
  Id id_of(std::string_view token) const {
    const auto found = ids_.find(std::string(token));
    if (found == ids_.end()) fail("token '" + std::string(token) + "'", "one of the tokens of the file", "another");
    return found->second;
  }

  // Throws FormatError if the file has no token for a byte of the text, which is then none of UTF-8.
  std::vector<Id> encode(std::string_view text) const {
    Work work;
    std::vector<Id> out;
    const auto use_token = [&](Id id) { out.push_back(id); };
    const auto use_piece = [&](std::string_view piece) { encode_piece(piece, work, out); };
    raw_tokens_.split(text, [&](std::string_view piece) {
      if (has_nfc_) normalised_tokens_.split(detail::Nfc::get()(piece), use_piece, use_token);
      else normalised_tokens_.split(piece, use_piece, use_token);
    }, use_token);
    return out;
  }

  // The bytes of all tokens, also of the special ones. They are what was encoded, but for a blank that add_prefix_space put before, for spaces that
  // a token took along (lstrip, rstrip) and for what NFC changed. Throws FormatError if an id has no token.
  std::string decode(std::span<const Id> ids) const {
    std::string out;
    for (const Id id : ids) {
      const auto found = bytes_.find(id);
      if (found == bytes_.end()) fail("id " + std::to_string(id), "one of the ids of the file, which lie below " + std::to_string(size_), "another");
      out += found->second;
    }
    return out;
  }

 private:
  using Reader = detail::JsonReader;
  static constexpr Id no_id = -1;
  struct Work { std::string prefixed; std::vector<Id> symbols; detail::BpeMerges::Work merges; };

  [[noreturn]] void fail(const std::string& what, std::string_view expected, std::string_view given) const {
    std::string message = "lcsm::ByteLevelBpe: file '" + path_.string() + "': " + what;
    raise<FormatError>(message.append(": expected ").append(expected).append(", given ").append(given));
  }

  void encode_piece(std::string_view piece, Work& work, std::vector<Id>& out) const {
    if (add_prefix_space_ && piece.front() != ' ') piece = work.prefixed.assign(" ").append(piece);
    if (!use_regex_) return encode_word(piece, work, out);
    detail::for_each_gpt2_word(piece, [&](std::string_view word) { encode_word(word, work, out); });
  }
  void encode_word(std::string_view word, Work& work, std::vector<Id>& out) const {
    if (ignore_merges_) {
      std::string name;
      for (const char c : word) detail::append_utf8(name, detail::byte_characters.of_byte[static_cast<unsigned char>(c)]);
      if (const auto found = vocabulary_.find(name); found != vocabulary_.end()) return out.push_back(found->second);
    }
    work.symbols.clear();
    for (const char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte_ids_[byte] == no_id) fail("encode", "a text in UTF-8, as there is no token for any other", "byte " + std::to_string(byte));
      work.symbols.push_back(byte_ids_[byte]);
    }
    merges_.apply(work.symbols, work.merges, out);
  }

  // What a token of the model stands for: bytes, or the text itself if not all of its characters stand for bytes.
  static std::string bytes_of(std::string_view token) {
    std::string bytes;
    for (std::size_t at = 0; at < token.size();) {
      const detail::CodePoint c = detail::read_utf8(token, at);
      const int byte = c.value < detail::byte_characters.byte_of.size() ? detail::byte_characters.byte_of[c.value] : -1;
      if (byte < 0) return std::string(token);
      bytes.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
      at += c.bytes;
    }
    return bytes;
  }

  void open() {
    detail::JsonFile file("ByteLevelBpe", path_, detail::BareNumbers::refused);
    const nlohmann::json json = file.take();
    const Reader top(file.where(), "", json);
    read_model(top.at("model"));
    if (top.has("normalizer")) read_normalizer(top.at("normalizer"));
    read_pre_tokenizer(top.at("pre_tokenizer"), false);
    read_post_processor(top);
    read_decoder(top.at("decoder"));
    if (top.has("added_tokens")) read_added_tokens(top.at("added_tokens"));
  }

  void read_model(const Reader& model) {
    if (model.has("type")) expect(model.at("type"), "BPE");   // early files do not say it
    if (model.has("dropout") && model.get<double>("dropout") != 0) model.at("dropout").fail("null or 0");
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
      if (!model.get<std::string>(key, "").empty()) model.at(key).fail("null or an empty text");
    ignore_merges_ = model.get<bool>("ignore_merges", false);

    const Reader vocabulary = model.at("vocab");
    if (!vocabulary.value().is_object()) vocabulary.fail("an object of tokens and their ids");
    for (const auto& [token, value] : vocabulary.value().items()) {
      const Id id = id_from(vocabulary.at(token));
      if (!bytes_.emplace(id, bytes_of(token)).second) vocabulary.at(token).fail("every id once", std::to_string(id) + " again");
      vocabulary_.emplace(token, id);
    }
    ids_ = vocabulary_;
    for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte) {
      std::string token;
      detail::append_utf8(token, detail::byte_characters.of_byte[byte]);
      const auto found = vocabulary_.find(token);
      const bool in_utf8 = byte != 0xC0 && byte != 0xC1 && byte < 0xF5;   // GPT-NeoX has no tokens for the others
      if (found == vocabulary_.end() && in_utf8) vocabulary.fail("a token for each byte of UTF-8", "none for byte " + std::to_string(byte) + " ('" + token + "')");
      byte_ids_[byte] = found == vocabulary_.end() ? no_id : found->second;
    }
    read_merges(model.at("merges"));
  }
  void read_merges(const Reader& merges) {
    for (std::size_t n = 0, count = merges.size(); n < count; ++n) {
      const nlohmann::json& value = merges.value()[n];
      std::string left, right;
      if (value.is_string()) {
        const std::string text = value.get<std::string>();
        if (text.starts_with("#version")) continue;   // the first line of a merges.txt
        const std::size_t blank = text.find(' ');
        if (blank == text.npos || text.find(' ', blank + 1) != text.npos) merges.at(n).fail("two tokens and a blank between them");
        left = text.substr(0, blank), right = text.substr(blank + 1);
      } else {
        if (!value.is_array() || value.size() != 2 || !value[0].is_string() || !value[1].is_string()) merges.at(n).fail("a text or a list of two texts");
        left = value[0].get<std::string>(), right = value[1].get<std::string>();
      }
      const auto id = [&](const std::string& token) {
        const auto found = vocabulary_.find(token);
        if (found == vocabulary_.end()) merges.at(n).fail("tokens of model.vocab", "'" + token + "'");
        return found->second;
      };
      const Id left_id = id(left), right_id = id(right);
      if (!merges_.add(left_id, right_id, id(left + right))) merges.at(n).fail("every pair once", Reader::brief(value) + " again");
    }
  }

  void read_normalizer(const Reader& normalizer) {
    if (const std::string type = normalizer.get<std::string>("type"); type == "Sequence") {
      const Reader list = normalizer.at("normalizers");
      for (std::size_t n = 0, count = list.size(); n < count; ++n) read_normalizer(list.at(n));
    } else {
      expect(normalizer.at("type"), "NFC");
      has_nfc_ = true;
    }
  }

  // A Sequence may split by the pattern of GPT-2 first, if its ByteLevel does not.
  void read_pre_tokenizer(const Reader& pre, bool in_sequence) {
    if (pre.value().is_null()) pre.fail("a pre-tokenizer of type \"ByteLevel\"");
    const std::string type = pre.get<std::string>("type");
    if (type != "Sequence" || in_sequence) return read_byte_level(pre, false);
    const Reader list = pre.at("pretokenizers");
    const std::size_t count = list.size();
    if (count == 0 || count > 2) list.fail("a Split and a ByteLevel, or a ByteLevel alone", std::to_string(count) + " pre-tokenizers");
    if (count == 2) read_split(list.at(std::size_t{0}));
    read_byte_level(list.at(count - 1), count == 2);
  }
  void read_byte_level(const Reader& pre, bool is_split) {
    expect(pre.at("type"), "ByteLevel");
    add_prefix_space_ = pre.get<bool>("add_prefix_space");
    use_regex_ = pre.get<bool>("use_regex", true);
    if (!is_split) return;
    if (use_regex_) pre.at("use_regex").fail("false behind a Split");
    if (add_prefix_space_) pre.at("add_prefix_space").fail("false behind a Split");
    use_regex_ = true;
  }
  void read_split(const Reader& split) {
    expect(split.at("type"), "Split");
    expect(split.at("pattern").at("Regex"), detail::gpt2_pattern);
    expect(split.at("behavior"), "Isolated");
    if (split.get<bool>("invert", false)) split.at("invert").fail("false");
  }

  // It may trim offsets, which nobody sees here, but not add tokens.
  void read_post_processor(const Reader& top) const {
    if (!top.has("post_processor")) return;
    const Reader post = top.at("post_processor");
    if (post.get<std::string>("type") != "TemplateProcessing") return expect(post.at("type"), "ByteLevel");
    const Reader single = post.at("single");
    for (std::size_t n = 0, count = single.size(); n < count; ++n)
      if (!single.at(n).has("Sequence")) single.at(n).fail("a template that adds no token");
    if (single.size() != 1) single.fail("a template of one sequence");
  }
  void read_decoder(const Reader& decoder) const {
    if (decoder.value().is_null()) decoder.fail("a decoder of type \"ByteLevel\"");
    expect(decoder.at("type"), "ByteLevel");
  }

  void read_added_tokens(const Reader& list) {
    for (std::size_t n = 0, count = list.size(); n < count; ++n) {
      const Reader entry = list.at(n);
      const std::string content = entry.get<std::string>("content");
      const Id id = id_from(entry.at("id"));
      if (content.empty()) entry.at("content").fail("a text that is not empty");
      if (entry.get<bool>("single_word", false)) entry.at("single_word").fail("false");
      const auto [known, is_new] = ids_.emplace(content, id);
      if (known->second != id) entry.at("id").fail(std::to_string(known->second) + ", the id that '" + content + "' has already");
      const bool is_taken = bytes_.count(id) != 0;
      if (is_new && is_taken) entry.at("id").fail("an id that no other token has");
      bytes_[id] = content;
      const bool normalised = entry.get<bool>("normalized", true);
      const std::string text = normalised && has_nfc_ ? detail::Nfc::get()(content) : content;
      auto& tokens = normalised ? normalised_tokens_ : raw_tokens_;
      if (!tokens.add({text, id, entry.get<bool>("lstrip", false), entry.get<bool>("rstrip", false)})) entry.at("content").fail("every token once");
    }
  }

  Id id_from(const Reader& value) {
    const Id id = value.as<Id>();
    if (id < 0) value.fail("an id from 0 on");
    size_ = (std::max)(size_, static_cast<std::size_t>(id) + 1);
    return id;
  }
  static void expect(const Reader& value, std::string_view expected) {
    if (value.as<std::string>() != expected) value.fail("\"" + std::string(expected) + "\"");
  }

  std::filesystem::path path_;
  std::size_t size_ = 0;
  std::unordered_map<std::string, Id> vocabulary_, ids_;   // of the model; of added tokens, too
  std::unordered_map<Id, std::string> bytes_;
  std::array<Id, 256> byte_ids_{};
  detail::BpeMerges merges_;
  detail::AddedTokens raw_tokens_, normalised_tokens_;     // found before and after normalisation
  bool has_nfc_ = false, add_prefix_space_ = false, use_regex_ = true, ignore_merges_ = false;
};

}  // namespace lcsm
