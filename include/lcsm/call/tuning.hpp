// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

namespace lcsm {

enum class Direction { forward, reverse };

// How a long convolution is computed. automatic: by the sizes and the taps alone.
enum class ConvolutionForm { automatic, direct, fourier };

// The modes a mixer can run in.
enum class Mode { reference, recurrent, scan, chunkwise, attention, convolution };
constexpr const char* name_of(Mode m) noexcept {
  constexpr const char* names[] = {"reference", "recurrent", "scan", "chunkwise", "attend", "convolve"};
  return names[int(m)];
}

// Sizes that change the speed and the order of sums, never the meaning. All but block are at least 1.
struct Tuning {
  Index chunk = 32;          // tokens that become one block of matrix products (chunkwise, attend)
  Index scan_chunk = 512;    // tokens per summary when a scan is split over time
  Index scan_units = 8;      // a scan with fewer heads than this in all its sequences is split over time
  Index rows = 16;           // tokens whose rows are mapped at a time (recurrent, scan)
  Index streamed = Index(16) << 20;                        // bytes of output from which on they write it past the caches
  ConvolutionForm form = ConvolutionForm::automatic;       // of a convolution
  Index block = 0;           // tokens that it computes at a time; 0: chosen
  friend bool operator==(const Tuning&, const Tuning&) = default;
};

}  // namespace lcsm
