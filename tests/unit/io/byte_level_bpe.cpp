// SPDX-License-Identifier: MIT
#include <lcsm/io/byte_level_bpe.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using lcsm::ByteLevelBpe;
using lcsm::FormatError;
using lcsm::test::TemporaryFile;
using Json = nlohmann::json;
using Ids = std::vector<std::int32_t>;

namespace {

const std::filesystem::path folder = std::filesystem::path(LCSM_TEST_DATA_DIR) / "unit" / "io" / "tokenizer";

Json json_of(const char* name) {
  std::ifstream file(folder / name);
  return Json::parse(file);
}
const Json& small_tokenizer() {
  static const Json json = json_of("tokenizer.json");
  return json;
}
// The small tokenizer, changed by a JSON merge patch.
ByteLevelBpe patched(const Json& patch) {
  Json json = small_tokenizer();
  json.merge_patch(patch);
  return ByteLevelBpe(TemporaryFile(json.dump()).path());
}
// Without what NFC and added tokens do to a text, and with tokens for all bytes.
ByteLevelBpe exact() {
  Json vocabulary = Json::object();
  int id = 1000;
  for (const int byte : {0xC0, 0xC1, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF}) {
    std::string token;
    lcsm::detail::append_utf8(token, static_cast<char32_t>(byte));
    vocabulary[token] = id++;
  }
  return patched({{"normalizer", nullptr}, {"added_tokens", Json::array()}, {"model", {{"vocab", vocabulary}}}});
}

std::string refusal(const Json& json) {
  const TemporaryFile file(json.is_string() ? json.get<std::string>() : json.dump());
  try {
    const ByteLevelBpe tokenizer(file.path());
  } catch (const FormatError& error) {
    const std::string message = error.what(), start = "lcsm::ByteLevelBpe: file '" + file.path().string() + "': ";
    return message.starts_with(start) ? message.substr(start.size()) : "no file named: " + message;
  }
  return "accepted";
}
template <class F> std::string thrown(F&& f) {
  try {
    f();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "nothing";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

void check_texts(const ByteLevelBpe& tokenizer, const Json& texts) {
  REQUIRE(!texts.empty());
  for (const Json& row : texts) {
    INFO(row[0].dump(-1, ' ', true));
    CHECK(tokenizer.encode(row[0].get<std::string>()) == row[1].get<Ids>());
  }
}

}  // namespace

TEST_CASE("ids are those of the tokenizers library", "[io]") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  CHECK(tokenizer.path() == folder / "tokenizer.json");
  check_texts(tokenizer, json_of("ids.json")["texts"]);
}

TEST_CASE("and with other options", "[io]") {
  const Json ids = json_of("ids.json");
  for (const Json& variant : ids["variants"]) {
    INFO(variant["name"].get<std::string>());
    check_texts(patched(variant["patch"]), variant["texts"]);
  }
}

TEST_CASE("merges as pairs, and a first line of merges.txt", "[io]") {
  Json merges = Json::array();
  for (const Json& merge : small_tokenizer()["model"]["merges"]) {
    const std::string text = merge.get<std::string>();
    merges.push_back({text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1)});
  }
  const Json texts = json_of("ids.json")["texts"];
  check_texts(patched({{"model", {{"merges", merges}}}}), texts);
  Json with_version = small_tokenizer()["model"]["merges"];
  with_version.insert(with_version.begin(), "#version: 0.2");
  check_texts(patched({{"model", {{"merges", with_version}}}}), texts);
}

TEST_CASE("what an early file leaves out", "[io]") {
  Json json = small_tokenizer();
  for (const char* key : {"version", "truncation", "padding", "normalizer", "added_tokens", "post_processor"}) json.erase(key);
  for (const char* key : {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges"}) json["model"].erase(key);
  json["pre_tokenizer"].erase("use_regex");
  const ByteLevelBpe tokenizer(TemporaryFile(json.dump()).path());
  CHECK(tokenizer.size() == 1000);
  CHECK(tokenizer.encode("Mr. Darcy") == ByteLevelBpe(folder / "tokenizer.json").encode("Mr. Darcy"));
}

TEST_CASE("truncation and padding are the caller's", "[io]") {
  const Json batch = {{"truncation", {{"max_length", 2}, {"strategy", "LongestFirst"}, {"stride", 0}}}, {"padding", {{"strategy", {{"Fixed", 512}}}, {"pad_id", 1}}}};
  CHECK(patched(batch).encode("It is a truth universally acknowledged") == patched(Json::object()).encode("It is a truth universally acknowledged"));
}

TEST_CASE("tokens by name", "[io]") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  CHECK(tokenizer.size() == 1007);
  CHECK(tokenizer.id_of("<|endoftext|>") == 0);
  CHECK(tokenizer.id_of("<|padding|>") == 1);
  CHECK(tokenizer.id_of("        ") == 1000);
  CHECK(tokenizer.decode(Ids{tokenizer.id_of("\xC4\xA0the")}) == " the");   // U+0120 is a blank
  CHECK(tokenizer.contains("\xC4\xA0the"));
  CHECK(!tokenizer.contains(" the"));
  CHECK(contains(thrown([&] { tokenizer.id_of("<eos>"); }), "token '<eos>': expected one of the tokens of the file, given another"));
  CHECK(contains(thrown([&] { tokenizer.decode(Ids{0, 1007}); }), "id 1007: expected one of the ids of the file, which lie below 1007"));
  CHECK(contains(thrown([&] { tokenizer.decode(Ids{-1}); }), "id -1"));
  CHECK(tokenizer.decode(Ids{}).empty());
  CHECK(tokenizer.decode(Ids{0, 1006, 0}) == "<|endoftext|>  <|endoftext|>");
}

TEST_CASE("an added token decodes to its text, whatever stands for bytes", "[io]") {
  const Json added = Json::array({Json{{"id", 1000}, {"content", "\xC3\xA9t\xC4\xA0"}, {"normalized", false}}});   // é is byte 0xE9 in a token of the model
  const ByteLevelBpe tokenizer = patched({{"added_tokens", added}});
  const std::string text = "un \xC3\xA9t\xC4\xA0!";
  CHECK(tokenizer.encode(text)[tokenizer.encode("un ").size()] == 1000);
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
}

TEST_CASE("words of GPT-2", "[io]") {
  const auto words = [](std::string_view text) {
    std::vector<std::string> out;
    lcsm::detail::for_each_gpt2_word(text, [&](std::string_view word) { out.emplace_back(word); });
    return out;
  };
  using Words = std::vector<std::string>;
  CHECK(words("").empty());
  CHECK(words("she'llx 'tis we'vex I'mx they'rex he'dx it'sx") == Words{"she", "'ll", "x", " '", "tis", " we", "'ve", "x", " I", "'m", "x", " they", "'re", "x", " he", "'d", "x", " it", "'s", "x"});
  CHECK(words("'tis SHE'LL ''s 'r'l") == Words{"'t", "is", " SHE", "'", "LL", " ''", "s", " '", "r", "'", "l"});
  CHECK(words("a1!b  c\t\td \n\n e ") == Words{"a", "1", "!", "b", " ", " c", "\t", "\t", "d", " \n\n", " e", " "});
  CHECK(words("a\xC2\xA0\xC2\xA0" "b \xC2\xA0!") == Words{"a", "\xC2\xA0", "\xC2\xA0", "b", " ", "\xC2\xA0", "!"});
  CHECK(words(" \xC2\xB2\xD9\xA3 \xE4\xB8\xAD\xC3\xA9 \xF0\x9F\x99\x82\xCC\x81 \xFF") == Words{" \xC2\xB2\xD9\xA3", " \xE4\xB8\xAD\xC3\xA9", " \xF0\x9F\x99\x82\xCC\x81", " \xFF"});
}

TEST_CASE("an added token is found after NFC unless it says otherwise", "[io]") {
  const ByteLevelBpe tokenizer = patched({{"added_tokens", Json::array({Json{{"id", 1000}, {"content", "e\xCC\x81#"}}})}});
  CHECK(tokenizer.encode("\xC3\xA9#e\xCC\x81#") == Ids{1000, 1000});
}

TEST_CASE("spaces that a token took along are no token of their own", "[io]") {
  const ByteLevelBpe tokenizer = patched({{"added_tokens", Json::array({Json{{"id", 1000}, {"content", "#x"}, {"rstrip", true}}, Json{{"id", 1001}, {"content", "  "}}})}});
  CHECK(tokenizer.encode("  #x    #x  ") == Ids{1001, 1000, 1000});
}

TEST_CASE("the longest added token wins", "[io]") {
  Json added = Json::array();
  int id = 1000;
  for (const char* content : {"#a", "#abc", "#ab", "bc#ab#", "c"}) added.push_back({{"id", content[0] == 'c' ? small_tokenizer()["model"]["vocab"]["c"].get<int>() : id++}, {"content", content}, {"normalized", false}});
  const ByteLevelBpe tokenizer = patched({{"added_tokens", added}});
  CHECK(tokenizer.encode("#a#abc#ab#a") == Ids{1000, 1001, 1002, 1000});
  CHECK(tokenizer.encode("#abc#ab#") == Ids{1001, 1002, tokenizer.id_of("#")});   // from left to right, although bc#ab# is longer
  CHECK(tokenizer.encode("bc#ab#c") == Ids{1003, tokenizer.id_of("c")});
}

TEST_CASE("text comes back from its ids", "[io]") {
  const ByteLevelBpe tokenizer = exact(), neox(folder / "tokenizer.json");
  std::mt19937 random(1);
  const std::u32string often = U" \t\n\r'stredv ab19.,!\u00a0\u00e9\u0301\u0430\u4e00\uac00\U0001F642";
  for (int n = 0; n < 2000; ++n) {
    std::string text;
    for (auto count = random() % 40; count > 0; --count) {
      char32_t c = random() % 3 ? often[random() % often.size()] : static_cast<char32_t>(random() % 0x110000);
      if (c >= 0xD800 && c < 0xE000) c = U'x';
      lcsm::detail::append_utf8(text, c);
    }
    INFO(Json(text).dump(-1, ' ', true));
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    CHECK(neox.decode(neox.encode(text)) == lcsm::detail::Nfc::get()(text));
  }
}

TEST_CASE("so do bytes that are no UTF-8", "[io]") {
  const ByteLevelBpe tokenizer = exact();
  std::mt19937 random(2);
  for (int n = 0; n < 2000; ++n) {
    std::string bytes;
    for (auto count = random() % 30; count > 0; --count) bytes.push_back(static_cast<char>(random() % 256));
    CHECK(tokenizer.decode(tokenizer.encode(bytes)) == bytes);
  }
  for (const char* bytes : {"\xC3", "a\xE4\xB8", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\x80", "\xE4\xB8 \xAD", "e\xCC"})
    CHECK(tokenizer.decode(tokenizer.encode(bytes)) == bytes);

  // A stray byte is no letter: the word ends before it, and the blank before it belongs to it.
  Ids expected = tokenizer.encode("said");
  const Ids behind = tokenizer.encode(" \x80\xBF!");
  expected.insert(expected.end(), behind.begin(), behind.end());
  CHECK(tokenizer.encode("said \x80\xBF!") == expected);

  // GPT-NeoX has no tokens for bytes that UTF-8 does not use.
  const ByteLevelBpe neox(folder / "tokenizer.json");
  CHECK(neox.decode(neox.encode("a\x80" "e\xCC")) == "a\x80" "e\xCC");
  CHECK(contains(thrown([&] { neox.encode("a\xFF"); }), "expected a text in UTF-8, as there is no token for any other, given byte 255"));
}

TEST_CASE("NFC is done between added tokens, not across them", "[io]") {
  const ByteLevelBpe neox(folder / "tokenizer.json");
  CHECK(neox.encode("e\xCC\x81") == neox.encode("\xC3\xA9"));
  CHECK(neox.decode(neox.encode("e<|padding|>\xCC\x81")) == "e<|padding|>\xCC\x81");
}

TEST_CASE("a word of a megabyte", "[io]") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  std::string letters;
  std::mt19937 random(3);
  for (int n = 0; n < 1'000'000; ++n) letters.push_back("etaoinshrdlu"[random() % 12]);
  for (const std::string& text : {letters, std::string(1'000'000, 'e'), std::string(1'000'000, '\t'), std::string(1'000'000, '-')}) CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
}

TEST_CASE("the novel", "[io]") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  std::ifstream file(std::filesystem::path(LCSM_TEST_DATA_DIR).parent_path() / "examples" / "data" / "prideprejudice.txt", std::ios::binary);
  const std::string novel{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(novel.size() == 684768);
  CHECK(tokenizer.decode(tokenizer.encode(novel)) == novel);
}

TEST_CASE("what a tokenizer.json asks for and is not here is refused by name", "[io]") {
  struct Fault { const char* what; Json patch; std::vector<std::string> says; };
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  const Json split = {{"type", "Split"}, {"pattern", {{"Regex", lcsm::detail::gpt2_pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  const auto changed = [](Json json, const Json& patch) { json.merge_patch(patch); return json; };
  const auto sequence = [](Json list) { return Json{{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", std::move(list)}}}}; };
  const auto token = [](const Json& patch) {
    Json one = {{"id", 1000}, {"content", "<x>"}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false}, {"special", true}};
    one.merge_patch(patch);
    return Json{{"added_tokens", Json::array({std::move(one)})}};
  };
  const std::vector<Fault> faults{
      {"model absent", {{"model", nullptr}}, {"key 'model'", "expected an object", "given nothing"}},
      {"model of words", {{"model", {{"type", "WordPiece"}}}}, {"key 'model.type'", "expected \"BPE\"", "given \"WordPiece\""}},
      {"model type a number", {{"model", {{"type", 1}}}}, {"key 'model.type'", "expected a text", "given 1"}},
      {"dropout", {{"model", {{"dropout", 0.1}}}}, {"key 'model.dropout'", "expected null or 0", "given 0.1"}},
      {"prefix", {{"model", {{"continuing_subword_prefix", "##"}}}}, {"key 'model.continuing_subword_prefix'", "an empty text", "given \"##\""}},
      {"suffix", {{"model", {{"end_of_word_suffix", "</w>"}}}}, {"key 'model.end_of_word_suffix'", "given \"</w>\""}},
      {"no vocabulary", {{"model", {{"vocab", nullptr}}}}, {"key 'model.vocab'", "an object of tokens and their ids", "given nothing"}},
      {"a vocabulary of scores", {{"model", {{"vocab", Json::array({Json::array({"a", -1.5})})}}}}, {"key 'model.vocab'", "given [[\"a\",-1.5]]"}},
      {"no token for a byte", {{"model", {{"vocab", {{"\xC4\xA0", nullptr}}}}}}, {"key 'model.vocab'", "a token for each byte of UTF-8", "none for byte 32"}},
      {"an id below 0", {{"model", {{"vocab", {{"a", -1}}}}}}, {"key 'model.vocab.a'", "an id from 0 on", "given -1"}},
      {"an id above 2^31 - 1", {{"model", {{"vocab", {{"a", 2147483648}}}}}}, {"key 'model.vocab.a'", "2147483647", "given 2147483648"}},
      {"an id that is no integer", {{"model", {{"vocab", {{"a", 1.5}}}}}}, {"key 'model.vocab.a'", "an integer", "given 1.5"}},
      {"an id twice", {{"model", {{"vocab", {{"new", 7}}}}}}, {"key 'model.vocab.", "every id once", "7 again"}},
      {"no merges", {{"model", {{"merges", nullptr}}}}, {"key 'model.merges'", "expected a list", "given nothing"}},
      {"a merge of one", {{"model", {{"merges", {"a b", "ab"}}}}}, {"key 'model.merges[1]'", "two tokens and a blank", "given \"ab\""}},
      {"a merge of three", {{"model", {{"merges", Json::array({"a b c"})}}}}, {"key 'model.merges[0]'", "two tokens and a blank", "given \"a b c\""}},
      {"a merge of a list of three", {{"model", {{"merges", Json::array({Json::array({"a", "b", "c"})})}}}}, {"key 'model.merges[0]'", "a text or a list of two texts"}},
      {"a merge of no token", {{"model", {{"merges", Json::array({"a zzzz"})}}}}, {"key 'model.merges[0]'", "tokens of model.vocab", "given 'zzzz'"}},
      {"a merge to no token", {{"model", {{"merges", Json::array({"z z"})}}}}, {"key 'model.merges[0]'", "tokens of model.vocab", "given 'zz'"}},
      {"a merge twice", {{"model", {{"merges", {"t h", "t h"}}}}}, {"key 'model.merges[1]'", "every pair once", "\"t h\" again"}},

      {"another normalizer", {{"normalizer", {{"type", "Lowercase"}}}}, {"key 'normalizer.type'", "expected \"NFC\"", "given \"Lowercase\""}},
      {"another in a sequence", {{"normalizer", {{"type", "Sequence"}, {"normalizers", Json::array({Json{{"type", "NFC"}}, Json{{"type", "Strip"}}})}}}}, {"key 'normalizer.normalizers[1].type'", "given \"Strip\""}},
      {"no pre-tokenizer", {{"pre_tokenizer", nullptr}}, {"key 'pre_tokenizer'", "\"ByteLevel\"", "given nothing"}},
      {"another pre-tokenizer", {{"pre_tokenizer", {{"type", "Metaspace"}}}}, {"key 'pre_tokenizer.type'", "expected \"ByteLevel\"", "given \"Metaspace\""}},
      {"no prefix said", {{"pre_tokenizer", {{"add_prefix_space", nullptr}}}}, {"key 'pre_tokenizer.add_prefix_space'", "true or false", "given nothing"}},
      {"an empty sequence", sequence(Json::array()), {"key 'pre_tokenizer.pretokenizers'", "given 0 pre-tokenizers"}},
      {"digits one by one", sequence(Json::array({Json{{"type", "Digits"}}, byte_level})), {"key 'pre_tokenizer.pretokenizers[0].type'", "expected \"Split\"", "given \"Digits\""}},
      {"a split alone", sequence(Json::array({split})), {"key 'pre_tokenizer.pretokenizers[0].type'", "expected \"ByteLevel\""}},
      {"another pattern", sequence(Json::array({changed(split, {{"pattern", {{"Regex", "\\s+"}}}}), byte_level})), {"key 'pre_tokenizer.pretokenizers[0].pattern.Regex'", "'re|", "given \"\\\\s+\""}},
      {"a pattern that is a text", sequence(Json::array({changed(split, {{"pattern", {{"String", " "}, {"Regex", nullptr}}}}), byte_level})), {"key 'pre_tokenizer.pretokenizers[0].pattern.Regex'", "given nothing"}},
      {"another behaviour", sequence(Json::array({changed(split, {{"behavior", "Removed"}}), byte_level})), {"key 'pre_tokenizer.pretokenizers[0].behavior'", "expected \"Isolated\"", "given \"Removed\""}},
      {"an inverted pattern", sequence(Json::array({changed(split, {{"invert", true}}), byte_level})), {"key 'pre_tokenizer.pretokenizers[0].invert'", "expected false", "given true"}},
      {"split twice", sequence(Json::array({split, changed(byte_level, {{"use_regex", true}})})), {"key 'pre_tokenizer.pretokenizers[1].use_regex'", "expected false", "given true"}},
      {"a blank before each word", sequence(Json::array({split, changed(byte_level, {{"add_prefix_space", true}})})), {"key 'pre_tokenizer.pretokenizers[1].add_prefix_space'", "expected false"}},

      {"a processor that adds tokens", {{"post_processor", {{"type", "TemplateProcessing"}, {"single", Json::array({Json{{"SpecialToken", {{"id", "<s>"}}}}, Json{{"Sequence", {{"id", "A"}}}}})}}}}, {"key 'post_processor.single[0]'", "adds no token", "<s>"}},
      {"a processor of pairs", {{"post_processor", {{"type", "BertProcessing"}}}}, {"key 'post_processor.type'", "expected \"ByteLevel\"", "given \"BertProcessing\""}},
      {"no decoder", {{"decoder", nullptr}}, {"key 'decoder'", "\"ByteLevel\"", "given nothing"}},
      {"another decoder", {{"decoder", {{"type", "Metaspace"}}}}, {"key 'decoder.type'", "expected \"ByteLevel\"", "given \"Metaspace\""}},
      {"added tokens no list", {{"added_tokens", 1}}, {"key 'added_tokens'", "expected a list", "given 1"}},
      {"an added token without text", token({{"content", ""}}), {"key 'added_tokens[0].content'", "not empty"}},
      {"an added token without id", token({{"id", nullptr}}), {"key 'added_tokens[0].id'", "an integer", "given nothing"}},
      {"an added token with the id of another", token({{"id", 7}}), {"key 'added_tokens[0].id'", "that no other token has", "given 7"}},
      {"an added token with another id", token({{"content", "<|padding|>"}}), {"key 'added_tokens[0].id'", "expected 1, the id that '<|padding|>' has already", "given 1000"}},
      {"an added token for words alone", token({{"single_word", true}}), {"key 'added_tokens[0].single_word'", "expected false", "given true"}},
      {"an added token with text for a truth", token({{"lstrip", "no"}}), {"key 'added_tokens[0].lstrip'", "true or false", "given \"no\""}},
  };
  REQUIRE(refusal(small_tokenizer()) == "accepted");
  for (const Fault& fault : faults) {
    Json json = small_tokenizer();
    for (const char* key : {"pre_tokenizer", "post_processor"})   // other types have other keys
      if (fault.patch.contains(key) && fault.patch[key].contains("type")) json[key] = Json::object();
    json.merge_patch(fault.patch);
    const std::string message = refusal(json);
    INFO(fault.what << ": " << message);
    for (const std::string& part : fault.says) CHECK(contains(message, part));
  }
  Json twice = small_tokenizer();
  twice["added_tokens"].push_back(twice["added_tokens"][0]);
  CHECK(contains(refusal(twice), "key 'added_tokens[9].content': expected every token once"));
}

TEST_CASE("what is no tokenizer.json", "[io]") {
  CHECK(contains(refusal("not JSON"), "expected a JSON object, given text that is none from line 1 on"));
  CHECK(contains(refusal("[]"), "expected a JSON object, given a JSON array"));
  CHECK(contains(refusal("{}"), "key 'model'"));
  CHECK(contains(refusal("{\"model\":\n{\"dropout\": NaN}}"), "from line 2 on"));
  CHECK_THROWS_AS(ByteLevelBpe(folder / "absent.json"), FormatError);
  const std::string whole = small_tokenizer().dump();
  for (std::size_t size = 0; size < whole.size(); size += 97) CHECK(contains(refusal(whole.substr(0, size)), "a JSON object"));
}
