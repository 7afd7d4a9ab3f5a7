// SPDX-License-Identifier: MIT
#include <lcsm/io/byte_level_bpe.hpp>

#include "support/catch.hpp"
#include "support/temporary_file.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

using lcsm::ByteLevelBpe;
using lcsm::test::TemporaryFile;
using Json = nlohmann::json;
using Ids = std::vector<ByteLevelBpe::Id>;
using Special = ByteLevelBpe::Special;

namespace {

const std::filesystem::path folder = std::filesystem::path(LCSM_TEST_DATA_DIR) / "unit/io/bpe";

Json read_json(const char* name) {
  std::ifstream stream(folder / name);
  return Json::parse(stream);
}
ByteLevelBpe patched(const Json& patch) {
  Json file = read_json("tokenizer.json");
  file.merge_patch(patch);
  const TemporaryFile on_disk(file.dump());
  return ByteLevelBpe(on_disk.path());
}
std::string some_bytes(std::mt19937& random, std::size_t size, int range) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(static_cast<unsigned char>(random() % unsigned(range)));
  return text;
}

// The definition: the earliest merge of all that apply, the leftmost of them, until none does.
std::vector<std::string> merged(const std::string& word, const std::vector<std::pair<std::string, std::string>>& merges) {
  std::vector<std::string> symbols;
  for (const char c : word) symbols.emplace_back(1, c);
  for (std::size_t n = 0; n < merges.size();) {
    const auto& [left, right] = merges[n++];
    for (std::size_t at = 0; at + 1 < symbols.size(); ++at)
      if (symbols[at] == left && symbols[at + 1] == right) {
        symbols[at] += right, symbols.erase(symbols.begin() + std::ptrdiff_t(at) + 1), n = 0;
        break;
      }
  }
  return symbols;
}

}  // namespace

TEST_CASE("the tokens and texts of the public library") {
  std::size_t texts = 0;
  for (const Json& of : read_json("cases.json")) {
    const ByteLevelBpe tokenizer = patched(of["patch"]);
    for (const Json& row : of["rows"]) {
      const auto text = row[0].get<std::string>();
      const auto ids = row[1].get<Ids>();
      CAPTURE(of["patch"].dump(), row[0].dump());
      CHECK(tokenizer.encode(text) == ids);
      CHECK(tokenizer.encode(text, Special::skip) == row[2].get<Ids>());
      CHECK(tokenizer.decode(ids) == row[3].get<std::string>());
      CHECK(tokenizer.decode(ids, Special::skip) == row[4].get<std::string>());
      ++texts;
    }
  }
  CHECK(texts > 400);
}

TEST_CASE("any bytes come back") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  std::mt19937 random(7);
  for (int n = 0; n < 400; ++n) {
    const std::string text = some_bytes(random, random() % 60, n % 2 ? 256 : 128);
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  }
  CHECK(tokenizer.encode("").empty());
  for (int b = 0; b < 256; ++b) CHECK(tokenizer.id(std::string(1, static_cast<char>(static_cast<unsigned char>(b)))) >= 0);
}

TEST_CASE("merges go by rank, then from the left") {
  const Json file = read_json("tokenizer.json");
  std::vector<std::pair<std::string, std::string>> merges;
  for (const Json& pair : file["model"]["merges"]) merges.emplace_back(lcsm::bpe::bytes_of(pair[0].get<std::string>()), lcsm::bpe::bytes_of(pair[1].get<std::string>()));
  const ByteLevelBpe tokenizer = patched({{"pre_tokenizer", {{"use_regex", false}}}, {"added_tokens", Json::array()}});
  std::mt19937 random(8);
  const std::string letters = "aehinorst  dl";
  for (int n = 0; n < 200; ++n) {
    std::string word(random() % 25, ' ');
    for (char& c : word) c = letters[random() % letters.size()];
    Ids expected;
    for (const std::string& symbol : merged(word, merges)) expected.push_back(tokenizer.id(symbol));
    CAPTURE(word);
    CHECK(tokenizer.encode(word) == expected);
  }
}

TEST_CASE("merges in their older spelling") {
  const Json file = read_json("tokenizer.json");
  Json older = Json::array();
  for (const Json& pair : file["model"]["merges"]) older.push_back(pair[0].get<std::string>() + " " + pair[1].get<std::string>());
  const ByteLevelBpe tokenizer(folder / "tokenizer.json"), same = patched({{"model", {{"merges", older}}}});
  const std::string text = "It is a truth universally acknowledged, that 2 spellings are one.";
  CHECK(same.encode(text) == tokenizer.encode(text));
  CHECK(same.encode(text).size() < text.size());
}

TEST_CASE("a word of a megabyte") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  const std::string text(1 << 20, 'a');               // pairs searched for anew after every merge would take hours
  const Ids ids = tokenizer.encode(text);
  CHECK(ids.size() < text.size());
  CHECK(tokenizer.decode(ids) == text);
}

TEST_CASE("characters and their kinds") {
  using namespace lcsm::unicode;
  std::size_t letters = 0, numbers = 0, spaces = 0;
  for (char32_t c = 0; c < 0x110000; ++c) letters += kind_of(c) == Kind::letter, numbers += kind_of(c) == Kind::number, spaces += kind_of(c) == Kind::space;
  CHECK((letters == 141028 && numbers == 1911 && spaces == 25));          // Unicode 16.0
  const auto is = [](std::string_view text, char32_t code, std::size_t bytes) { return character_at(text, 0).code == code && character_at(text, 0).bytes == bytes; };
  CHECK((is("A", 'A', 1) && is("\xc2\x80", 0x80, 2) && is("\xdf\xbf", 0x7ff, 2) && is("\xe0\xa0\x80", 0x800, 3) && is("\xef\xbf\xbf", 0xffff, 3) && is("\xf0\x90\x80\x80", 0x10000, 4) && is("\xf4\x8f\xbf\xbf", 0x10ffff, 4)));
  for (const char* wrong : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc3", "\xe4\xb8", "\xf0\x9f\x98"}) CHECK(is(wrong, 0xfffd, 1));
}

TEST_CASE("what cannot be read is named") {
  const auto refuses = [](const Json& patch, const std::string& place) {
    CAPTURE(patch.dump(), place);
    CHECK_THROWS_WITH(patched(patch), Catch::Matchers::Contains(place) && Catch::Matchers::Contains(", given "));
    CHECK_THROWS_AS(patched(patch), lcsm::FormatError);
  };
  refuses({{"model", {{"type", "Unigram"}}}}, "model: expected BPE");
  refuses({{"model", {{"dropout", 0.1}}}}, "model: expected no dropout");
  refuses({{"model", {{"byte_fallback", true}}}}, "model: expected no byte_fallback");
  refuses({{"model", {{"end_of_word_suffix", "</w>"}}}}, "model: expected no end_of_word_suffix");
  refuses({{"model", {{"vocab", Json::array()}}}}, "model.vocab: expected an object");
  refuses({{"model", {{"vocab", {{"x", -1}}}}}}, "model.vocab: expected an id");
  refuses({{"model", {{"vocab", {{"x", 4194304}}}}}}, "model.vocab: expected an id");
  refuses({{"model", {{"vocab", {{"x", 5}}}}}}, "model.vocab: expected one token of id 5");
  refuses({{"model", {{"merges", {"ab"}}}}}, "model.merges: expected two tokens");
  refuses({{"model", {{"merges", {"a b c"}}}}}, "model.merges: expected two tokens");
  refuses({{"model", {{"merges", {"q q"}}}}}, "model.merges: expected tokens of the vocabulary");
  refuses({{"model", {{"merges", {1}}}}}, "model.merges: expected a text");
  refuses({{"normalizer", {{"type", "Lowercase"}}}}, "normalizer: expected none or NFC");
  refuses({{"pre_tokenizer", {{"type", "Split"}}}}, "pre_tokenizer: expected ByteLevel");
  refuses({{"decoder", {{"type", "Metaspace"}}}}, "decoder: expected ByteLevel");
  refuses({{"post_processor", {{"type", "BertProcessing"}}}}, "post_processor: expected none");
  refuses({{"post_processor", {{"type", "TemplateProcessing"}, {"single", {{{"SpecialToken", {{"id", "none"}}}}}}}}}, "post_processor: expected an array of ids");
  refuses({{"added_tokens", {{{"id", 900}, {"content", ""}}}}}, "added_tokens: expected a content");
  refuses({{"added_tokens", {{{"id", 900}, {"content", "x"}, {"single_word", true}}}}}, "added_tokens: expected no single_word");
  for (const char* bytes : {"", "[]", "{", "{\"model\":1}"}) {
    const TemporaryFile file{std::string(bytes)};
    CHECK_THROWS_AS(ByteLevelBpe(file.path()), lcsm::FormatError);
  }
  CHECK_THROWS_AS(ByteLevelBpe("/no/such/tokenizer.json"), lcsm::FormatError);
}

TEST_CASE("ids and bytes without a token are refused") {
  const ByteLevelBpe tokenizer(folder / "tokenizer.json");
  for (const ByteLevelBpe::Id id : {-1, int(tokenizer.size()), std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    CHECK_FALSE(tokenizer.contains(id));
    CHECK_THROWS_AS(tokenizer.decode(Ids{id}), lcsm::OptionError);
  }
  const ByteLevelBpe few = patched({{"model", {{"vocab", {{"Z", nullptr}}}}}});
  CHECK_THROWS_WITH(few.encode("aZ"), "lcsm::ByteLevelBpe::encode: argument 'text': expected bytes that have a token, given byte 90");
  CHECK(few.decode(few.encode("a")) == "a");
}
