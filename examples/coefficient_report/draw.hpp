// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/analysis/report.hpp>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

// Pictures of the report: a heat map as a small picture file inside an SVG, curves and points as SVG.
namespace report {

// A PNG with a palette of 256 colours, as a data URI. Not compressed: a map of 64 x 64 is 4 kB.
class Png {
 public:
  Png(int width, int height, const std::vector<std::uint8_t>& pixels, const std::array<std::array<std::uint8_t, 3>, 256>& palette) {
    bytes_ = {0x89, 'P', 'N', 'G', 13, 10, 26, 10};
    std::vector<std::uint8_t> header, colours, data{0x78, 1};
    big(header, std::uint32_t(width)), big(header, std::uint32_t(height));
    for (const int x : {8, 3, 0, 0, 0}) header.push_back(std::uint8_t(x));
    for (const auto& c : palette) colours.insert(colours.end(), c.begin(), c.end());
    std::uint32_t a = 1, b = 0;                             // Adler's sums
    for (int y = 0; y < height; ++y) {                      // one stored block per row: its filter, 0, and its pixels
      const std::uint16_t length = std::uint16_t(width + 1);
      for (const int x : {y + 1 == height ? 1 : 0, length & 255, length >> 8, ~length & 255, (~length >> 8) & 255}) data.push_back(std::uint8_t(x));
      for (int x = -1; x < width; ++x) {
        const std::uint8_t v = x < 0 ? std::uint8_t(0) : pixels[std::size_t(y * width + x)];
        data.push_back(v), a = (a + v) % 65521, b = (b + a) % 65521;
      }
    }
    big(data, b << 16 | a);
    chunk("IHDR", header), chunk("PLTE", colours), chunk("IDAT", data), chunk("IEND", {});
  }
  std::string uri() const {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out = "data:image/png;base64,";
    for (std::size_t n = 0; n < bytes_.size(); n += 3) {
      std::uint32_t x = 0;
      for (std::size_t k = 0; k < 3; ++k) x = x << 8 | (n + k < bytes_.size() ? bytes_[n + k] : 0);
      for (std::size_t k = 0; k < 4; ++k) out += n + k > bytes_.size() ? '=' : digits[x >> (18 - 6 * k) & 63];
    }
    return out;
  }

 private:
  static void big(std::vector<std::uint8_t>& to, std::uint32_t x) {
    for (int shift = 24; shift >= 0; shift -= 8) to.push_back(std::uint8_t(x >> shift));
  }
  void chunk(const char* type, const std::vector<std::uint8_t>& data) {
    big(bytes_, std::uint32_t(data.size()));
    const std::size_t first = bytes_.size();
    bytes_.insert(bytes_.end(), type, type + 4), bytes_.insert(bytes_.end(), data.begin(), data.end());
    std::uint32_t crc = ~0u;
    for (std::size_t n = first; n < bytes_.size(); ++n) {
      crc ^= bytes_[n];
      for (int k = 0; k < 8; ++k) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    big(bytes_, ~crc);
  }
  std::vector<std::uint8_t> bytes_;
};

// From -1, orange, over 0, white, to 1, indigo; 255 is what no token sees.
inline std::array<std::array<std::uint8_t, 3>, 256> palette() {
  constexpr double stops[7][3] = {{127, 59, 8}, {224, 130, 20}, {253, 200, 130}, {252, 252, 252}, {170, 178, 222}, {84, 74, 168}, {38, 10, 90}};
  std::array<std::array<std::uint8_t, 3>, 256> out{};
  for (int n = 0; n < 255; ++n) {
    const double at = double(n) / 254 * 6;
    const int k = (std::min)(int(at), 5);
    for (std::size_t c = 0; c < 3; ++c) out[std::size_t(n)][c] = std::uint8_t(stops[k][c] + (at - k) * (stops[k + 1][c] - stops[k][c]) + 0.5);
  }
  out[255] = {238, 238, 241};
  return out;
}
// alpha of a system, each row on its own scale.
inline std::string heat_map(const lcsm::analysis::Coefficients& alpha, lcsm::Index c = 0) {
  const lcsm::Index T = alpha.tokens;
  std::vector<std::uint8_t> pixels(std::size_t(T * T), 255);
  for (lcsm::Index i = 0; i < T; ++i) {
    double largest = 0;
    for (lcsm::Index j = 0; j <= i; ++j) largest = (std::max)(largest, std::abs(alpha.at(i, j, c).real()));
    for (lcsm::Index j = 0; j <= i; ++j) {
      const double x = largest > 0 ? alpha.at(i, j, c).real() / largest : 0, shown = std::copysign(std::pow(std::abs(x), 0.7), x);
      pixels[std::size_t(i * T + j)] = std::uint8_t(127 + 127 * shown + 0.5);
    }
  }
  return Png(int(T), int(T), pixels, palette()).uri();
}

inline std::string number(double x) {
  char out[24];
  std::snprintf(out, sizeof out, "%.1f", x);
  return out;
}

// Curves over 0 .. n-1 on a logarithmic axis of `decades` decades below `top`.
class Curves {
 public:
  Curves(double left, double up, double width, double height, double top, double decades) : x_(left), y_(up), w_(width), h_(height), top_(top), decades_(decades) {
    out_ = "<rect x='" + number(x_) + "' y='" + number(y_) + "' width='" + number(w_) + "' height='" + number(h_) + "' class='frame'/>";
    for (int d = 1; d < int(decades); ++d) {
      const double at = y_ + h_ * d / decades_;
      out_ += "<line x1='" + number(x_) + "' x2='" + number(x_ + w_) + "' y1='" + number(at) + "' y2='" + number(at) + "' class='grid'/>";
    }
  }
  template <class F> void add(lcsm::Index from, lcsm::Index to, lcsm::Index of, F&& f, const std::string& style) {
    std::string points;
    for (lcsm::Index n = from; n < to; ++n) {
      const double down = std::log10(top_ / (std::max)(std::abs(f(n)), 1e-300));
      points += number(x_ + w_ * double(n) / double((std::max)(of - 1, lcsm::Index(1)))) + "," + number(y_ + h_ * (std::clamp)(down / decades_, 0.0, 1.0)) + " ";
    }
    out_ += "<polyline points='" + points + "' fill='none' " + style + "/>";
  }
  const std::string& text() const { return out_; }

 private:
  double x_, y_, w_, h_, top_, decades_;
  std::string out_;
};

// Eigenvalues in the complex plane, with the unit circle; at most `most` of those that do not cover each other, evenly taken.
inline std::string spectrum(const std::vector<lcsm::analysis::Number>& values, double x, double y, double radius, std::size_t most = 260) {
  std::string out = "<circle cx='" + number(x) + "' cy='" + number(y) + "' r='" + number(radius) + "' class='frame'/><line x1='" + number(x - radius - 6) + "' x2='" + number(x + radius + 6) + "' y1='" + number(y) + "' y2='" +
                    number(y) + "' class='grid'/><line x1='" + number(x) + "' x2='" + number(x) + "' y1='" + number(y - radius - 6) + "' y2='" + number(y + radius + 6) + "' class='grid'/>";
  std::set<std::pair<int, int>> places;                     // in tenths of a pixel
  for (const lcsm::analysis::Number& z : values) places.insert({int(std::lround(10 * (x + radius * z.real()))), int(std::lround(10 * (y - radius * z.imag())))});
  const std::size_t step = places.size() / most + 1;
  std::size_t n = 0;
  out += "<path class='dot' d='";
  for (const auto& [across, down] : places)
    if (n++ % step == 0) out += "M" + number(across / 10.0) + " " + number(down / 10.0) + "h0";
  return out + "'/>";
}

}  // namespace report
