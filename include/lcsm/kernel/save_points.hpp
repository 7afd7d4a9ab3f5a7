// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/call/saved.hpp>
#include <lcsm/kernel/memory.hpp>

namespace lcsm {
inline namespace LCSM_ARCH {

// The saved memories of one head of one sequence; none if the call has none.
template <class M, class T> class SavePoints {
 public:
  SavePoints() = default;
  SavePoints(const SavedView<T>& saved, const Run& run) : saved_(saved), run_(run) {}
  explicit operator bool() const { return bool(saved_); }

  // Tokens from `first` to the next point, where a block that is filled at once must end.
  Index until_next(Index first) const { return saved_ ? saved_.every - first % saved_.every : run_.time.length; }
  bool is_at(Index first) const { return saved_ && first % saved_.every == 0; }
  // Where the head's memory before token `first`, a multiple of `every`, is in the states.
  Run run_at(Index first) const {
    Run run = run_;
    run.sequence = run_.sequence * saved_.blocks + first / saved_.every;
    return run;
  }
  StateView<const T> states() const { return saved_.states; }
  Memory<M, T> at(Index first) const { return Memory<M, T>::of(saved_.states, run_at(first)); }

 private:
  SavedView<T> saved_{};
  Run run_{};
};

}  // namespace LCSM_ARCH
}  // namespace lcsm
