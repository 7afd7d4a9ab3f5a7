// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/io/mapped_file.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcsm::detail {

// Whether the numbers that JSON does not have, NaN, Infinity and -Infinity, are accepted as Python's writer spells them.
enum class BareNumbers { refused, accepted };

// Reads a file that holds one JSON object. Nesting is limited, as values are destroyed and written by recursion.
class JsonFile {
 public:
  JsonFile(std::string_view reader, const std::filesystem::path& path, BareNumbers bare)
      : where_("lcsm::" + std::string(reader) + ": file '" + path.string() + "'") {
    const MappedFile file(path);
    const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    // The JSON parser would take a zero byte for the end of its input.
    if (text.find('\0') != std::string_view::npos) fail("a JSON object", "a zero byte in line " + line_of(text, text.find('\0')));
    object_ = bare == BareNumbers::accepted ? parse(without_bare_numbers(text)) : parse(text);
    if (!object_.is_object()) fail("a JSON object", std::string("a JSON ") + object_.type_name());
  }
  const std::string& where() const noexcept { return where_; }
  nlohmann::json take() { return std::move(object_); }

 private:
  using Json = nlohmann::json;
  // What the parser reports: nothing but where a text stops to be JSON.
  struct Fault final : nlohmann::json_sax<Json> {
    std::size_t position = 0;
    bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override { position = at; return false; }
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(Json::number_integer_t) override { return true; }
    bool number_unsigned(Json::number_unsigned_t) override { return true; }
    bool number_float(Json::number_float_t, const std::string&) override { return true; }
    bool string(std::string&) override { return true; }
    bool binary(Json::binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(std::string&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
  };

  [[noreturn]] void fail(const std::string& expected, const std::string& given) const { raise<FormatError>(where_ + ": expected " + expected + ", given " + given); }
  static std::string line_of(std::string_view text, std::size_t at) {
    const std::string_view before = text.substr(0, at);
    return std::to_string(1 + std::count(before.begin(), before.end(), '\n'));
  }

  // The text with `null` for each bare number outside of strings. In bare_ is what each null of the text stands for, in order.
  std::string without_bare_numbers(std::string_view text) {
    const auto is_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    using limits = std::numeric_limits<double>;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t end = at + 1;
      if (text[at] == '"') {
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
        end = (std::min)(end + 1, text.size());
      } else if (is_word(text[at])) {
        while (end < text.size() && is_word(text[end])) ++end;
      }
      const std::string_view part = text.substr(at, end - at);
      if (part == "null") {
        bare_.push_back({false, 0});
      } else if (part == "NaN" || part == "Infinity") {
        const bool negative = part == "Infinity" && out.ends_with('-');
        if (negative) out.pop_back();
        bare_.push_back({true, part == "NaN" ? limits::quiet_NaN() : negative ? -limits::infinity() : limits::infinity()});
        out += "null";
        at = end;
        continue;
      }
      out += part;
      at = end;
    }
    return out;
  }

  Json parse(std::string_view text) const {
    constexpr int deepest = 100;
    std::size_t nulls = 0;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
      using Event = Json::parse_event_t;
      if ((event == Event::object_start || event == Event::array_start) && depth > deepest) fail("at most 100 levels", "more");
      if (event == Event::value && parsed.is_null() && nulls < bare_.size())   // "nullnull" is one word to us and a null and a fault to the parser
        if (const Bare bare = bare_[nulls++]; bare.is_number) parsed = bare.number;
      return true;
    };
    Json json = Json::parse(text.begin(), text.end(), watch, false);
    if (json.is_discarded()) {
      Fault fault;
      Json::sax_parse(text.begin(), text.end(), &fault);
      fail("a JSON object", "text that is none from line " + line_of(text, fault.position == 0 ? 0 : fault.position - 1) + " on");
    }
    return json;
  }

  struct Bare { bool is_number; double number; };
  std::string where_;
  std::vector<Bare> bare_;
  Json object_;
};

}  // namespace lcsm::detail
