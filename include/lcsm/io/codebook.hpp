// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/io/safetensors.hpp>
#include <lcsm/io/safetensors_writer.hpp>
#include <lcsm/vq/codebook.hpp>

#include <string>

namespace lcsm {

// Codebooks in safetensors files: <name>.counts [G,S] and <name>.sums [G,S,K] in F64, <name>.codes [G,S,K] in the codebook's type, <name>.rule [3]. What is loaded is what was saved, bit for bit.
template <class T> void save(SafetensorsWriter& file, const std::string& name, const Codebook<T>& book) {
  const Index G = book.codes().head(), S = book.codes().row(), K = book.codes().feature();
  const auto add = [&](const char* part, const auto& v, std::vector<Index> shape) {
    Index size = 1;
    for (const Index n : shape) size *= n;
    file.add(name + "." + part, std::span(v.data, to_size(size)), std::move(shape));
  };
  const std::vector<double> rule{book.rule().least_count, book.rule().smoothing, book.rule().keep_below};
  add("counts", book.counts(), {G, S}), add("sums", book.sums(), {G, S, K}), add("codes", book.codes(), {G, S, K}), file.add(name + ".rule", rule, {3});
}
// Throws FormatError if a part is absent, or of another type or shape than the others say.
template <class T> Codebook<T> load_codebook(const SafetensorsFile& file, const std::string& name) {
  const auto fail = [&](const std::string& part, const std::string& expected, const std::string& given) {
    raise<FormatError>("lcsm::load_codebook: file '" + file.path().string() + "': tensor '" + name + "." + part + "': expected " + expected + ", given " + given);
  };
  const std::vector<Index>& shape = file.tensor(name + ".codes").shape;
  if (shape.size() != 3) fail("codes", "3 axes", std::to_string(shape.size()));
  if (file.tensor(name + ".counts").shape != std::vector<Index>{shape[0], shape[1]}) fail("counts", "the heads and codes of '" + name + ".codes'", "others");
  if (file.tensor(name + ".sums").shape != shape) fail("sums", "the shape of '" + name + ".codes'", "another");
  const std::vector<double> rule = file.values<double>(name + ".rule"), counts = file.values<double>(name + ".counts"), sums = file.values<double>(name + ".sums");
  if (rule.size() != 3) fail("rule", "3 numbers", std::to_string(rule.size()));
  const std::vector<T> codes = file.values<T>(name + ".codes");
  Codebook<T> book(shape[0], shape[1], shape[2], {.least_count = rule[0], .smoothing = rule[1], .keep_below = rule[2]});
  book.restore(view(counts.data(), 1, 1, shape[0], shape[1]), view(sums.data(), 1, 1, shape[0], shape[1], shape[2]), view(codes.data(), 1, 1, shape[0], shape[1], shape[2]));
  return book;
}

}  // namespace lcsm
