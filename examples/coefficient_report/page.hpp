// SPDX-License-Identifier: MIT
#pragma once

#include "draw.hpp"
#include "registry.hpp"

#include <filesystem>

namespace report {

// What is shown of a mixer: its figures on noise, its coefficients on the song.
struct Shown {
  Entry entry;
  lcsm::analysis::Figures figures;
  lcsm::analysis::Coefficients song;
};

// One page that needs nothing else: a wall of all heat maps, the principles side by side, and a card for each.
bool write_page(const std::filesystem::path& file, const std::vector<Shown>& all, Index tokens, Index longer);
// Some of the same as SVG files: coefficient_wall, coefficient_responses, coefficient_spectra.
bool write_pictures(const std::filesystem::path& folder, const std::vector<Shown>& some);

}  // namespace report
