// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/stage/where.hpp>

#include <algorithm>
#include <vector>

namespace lcsm {

// Whether a scan runs every head as one sweep, by shapes alone; saved memories are those of a sweep.
template <class Call> bool is_one_sweep(const Call& call) {
  const auto& o = call.options;
  return call.units() >= o.tuning.scan_units || call.extent.tokens <= o.tuning.scan_chunk || o.saved;
}

// Time split into stretches of at most `length` tokens, those of unit u being [first(u), first(u + 1)), in order.
class Stretches {
 public:
  template <class Call> Stretches(const Call& call, Index length) : length_(length), first_(to_size(call.units() + 1), 0) {
    for (Index u = 0; u < call.units(); ++u) {
      const Index count = divide_up(call.unit(u).time.length, length);
      first_[to_size(u + 1)] = first_[to_size(u)] + count;
      owner_.insert(owner_.end(), to_size(count), u);
    }
  }
  Index count() const { return Index(owner_.size()); }
  Index first(Index unit) const { return first_[to_size(unit)]; }
  Index unit(Index s) const { return owner_[to_size(s)]; }
  bool is_last(Index s) const { return s + 1 == first(unit(s) + 1); }
  Index begin(Index s) const { return (s - first(unit(s))) * length_; }
  Index end(Index s, const Run& run) const { return (std::min)(begin(s) + length_, run.time.length); }

 private:
  Index length_;
  std::vector<Index> first_, owner_;
};

}  // namespace lcsm
