// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/error.hpp>
#include <lcsm/stage/arena.hpp>
#include <lcsm/tensor/buffer.hpp>

#include <span>

namespace lcsm {

// An execution policy that runs nothing: a mode called with it goes as far as its scratch and says how much of it there would be, so whoever lays
// scratch out also counts it.
template <class Exec> struct Measure {
  const Exec& exec;
  mutable Index bytes = 0;
  Index workers(Index n) const { return exec.workers(n); }
  template <class F> void for_each(Index, F&&) const {}
};
template <class Exec> inline constexpr bool measures = false;
template <class Exec> inline constexpr bool measures<Measure<Exec>> = true;

// Scratch for the workers of a call: parts of the caller's block, or of a block of the calling thread, which holds no result between calls
// and only ever grows.
class Workspace {
 public:
  Workspace(const char* function, std::span<std::byte> given, Index bytes_per_worker, Index workers, Index shared = 0)
      : bytes_(bytes_per_worker), shared_(shared) {
    const Index needed = size(bytes_per_worker, workers, shared);
    if (!given.empty()) {
      if (Index(given.size()) < needed) raise<WorkspaceError>(function, "workspace", std::to_string(needed) + " bytes", std::to_string(given.size()));
      void* first = given.data();
      std::size_t room = given.size();
      base_ = static_cast<std::byte*>(std::align(64, 1, first, room));
    } else {
      static thread_local Buffer<std::byte> scratch;
      static thread_local bool in_use = false;
      if (in_use) own_ = Buffer<std::byte>(needed), base_ = own_.data();      // a call inside a call (a user's own policy)
      else {
        if (scratch.size() < needed) scratch = Buffer<std::byte>(needed);
        base_ = scratch.data(), in_use = true, release_ = &in_use;
      }
    }
  }
  Workspace(const Workspace&) = delete;
  ~Workspace() { if (release_) *release_ = false; }

  Arena arena(Index worker) const { return {base_ + shared_ + worker * bytes_, bytes_}; }
  // What all workers see.
  Arena shared() const { return {base_, shared_}; }
  // Room for every worker, and for the block to start on a border. All parts are multiples of 64 bytes.
  static Index size(Index bytes_per_worker, Index workers, Index shared = 0) { return shared + bytes_per_worker * workers + 64; }

 private:
  std::byte* base_ = nullptr;
  Index bytes_ = 0, shared_ = 0;
  bool* release_ = nullptr;
  Buffer<std::byte> own_;
};

}  // namespace lcsm
