// SPDX-License-Identifier: MIT
// The surrogate attention matrix of a mixer as a heat map: attention_map [FILE.svg], by default beside the program.
#include <lcsm/lcsm.hpp>

#include "example.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace {
// Red where a token adds, blue where it takes away, each row on its own scale.
void draw(std::ostream& out, const lcsm::View<const float>& a, const char* title) {
  const lcsm::Index tokens = a.time(), cell = 6;
  const char* const open = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"";
  out << open << tokens * cell << "\" height=\"" << tokens * cell + 24 << "\">\n<title>" << title << "</title>\n<text x=\"4\" y=\"16\" font-family=\"sans-serif\" font-size=\"12\">"
      << title << "</text>\n";
  for (lcsm::Index t = 0; t < tokens; ++t) {
    float largest = 0;
    for (lcsm::Index s = 0; s <= t; ++s) largest = std::max(largest, std::abs(a(0, t, 0, s)));
    for (lcsm::Index s = 0; s <= t; ++s) {
      const float x = largest > 0 ? a(0, t, 0, s) / largest : 0;
      const int pale = int(255 * (1 - std::min(1.0f, std::abs(x))));
      out << "<rect x=\"" << s * cell << "\" y=\"" << 24 + t * cell << "\" width=\"" << cell << "\" height=\"" << cell << "\" fill=\"rgb(" << (x > 0 ? 255 : pale) << ','
          << pale << ',' << (x > 0 ? pale : 255) << ")\"/>\n";
    }
  }
  out << "</svg>\n";
}
}  // namespace

int main(int count, char** arguments) {
  using Mixer = lcsm::SimpleGla;
  std::mt19937 rng(6);
  const lcsm::Index tokens = 96, keys = 16, values = 8;
  auto q = example::random(rng, 1, tokens, 1, keys), k = example::random(rng, 1, tokens, 1, keys, 1, 0.3f), v = example::random(rng, 1, tokens, 1, values);
  for (lcsm::Index n = 0; n < q.size(); ++n) q[n] = 0.3f * q[n] + 0.5f;
  // The gate shuts at tokens 0, 24, 48, 72: nothing before them is seen, as at the start of a document.
  lcsm::Buffer<float> g(1, tokens, 1, 1);
  for (lcsm::Index t = 0; t < tokens; ++t) g[t] = t % 24 == 0 ? -30.0f : -0.05f;
  const Mixer::In<const float> in{.q = q, .k = k, .v = v, .g = g};

  lcsm::Buffer<float> a(1, tokens, 1, tokens), y(1, tokens, 1, values);
  lcsm::attention_matrix(lcsm::exec::par, Mixer{}, in, a.view());
  lcsm::mix(lcsm::exec::par, Mixer{}, in, y.view());

  lcsm::Buffer<double> product(1, tokens, 1, values);
  for (lcsm::Index t = 0; t < tokens; ++t)
    for (lcsm::Index s = 0; s <= t; ++s)
      for (lcsm::Index c = 0; c < values; ++c) product.view()(0, t, 0, c) += double(a.view()(0, t, 0, s)) * double(v.view()(0, s, 0, c));
  std::printf("y against A v, relative to the largest output:\n");
  const bool good = example::agree("mix", y.view(), product.view());

  const std::filesystem::path file = count > 1 ? std::filesystem::path(arguments[1]) : std::filesystem::path(arguments[0]).parent_path() / "attention_map.svg";
  std::ofstream out(file);
  draw(out, a.view(), "SimpleGla, gate shut every 24 tokens");
  out.close();
  std::printf("wrote %s\n", file.string().c_str());
  return good && out ? 0 : 1;
}
