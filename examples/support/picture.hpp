// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

// Curves over one another, each on the scale of all.
class Picture {
 public:
  Picture(const std::filesystem::path& file, const std::string& title, bool logarithmic = false) : out_(file), log_(logarithmic) {
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << width << "\" height=\"" << height + 24 << "\">\n<title>" << title
         << "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"8\" y=\"16\" font-family=\"sans-serif\" font-size=\"12\">" << title << "</text>\n";
  }
  void add(std::vector<double> curve, const char* colour) { curves_.push_back({std::move(curve), colour}); }
  bool finish() {
    double low = HUGE_VAL, high = -HUGE_VAL;
    for (auto& [curve, colour] : curves_)
      for (double& y : curve) {
        if (log_) y = std::log10(std::max(std::abs(y), 1e-18));
        low = std::min(low, y), high = std::max(high, y);
      }
    for (const auto& [curve, colour] : curves_) {
      out_ << "<polyline fill=\"none\" stroke=\"" << colour << "\" points=\"";
      for (std::size_t n = 0; n < curve.size(); ++n)
        out_ << double(n) * (width - 16) / double(std::max<std::size_t>(curve.size() - 1, 1)) + 8 << ',' << 24 + (high - curve[n]) / std::max(high - low, 1e-300) * (height - 8) << ' ';
      out_ << "\"/>\n";
    }
    out_ << "</svg>\n";
    return bool(out_);
  }

 private:
  static constexpr int width = 640, height = 200;
  struct Curve { std::vector<double> y; const char* colour; };
  std::ofstream out_;
  bool log_;
  std::vector<Curve> curves_;
};
