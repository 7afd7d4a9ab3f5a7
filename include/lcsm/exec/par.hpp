// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/tensor/index.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <type_traits>
#include <vector>

#if defined(_OPENMP)
#include <omp.h>
#endif

namespace lcsm::exec {

// All threads of the machine, or as many as said. OpenMP where it is compiled in, else std::thread, forked and joined per call. Items are
// handed out one by one, each to whoever is free.
struct Par {
  Index threads = 0;                                        // 0: as many as there are

  Index workers(Index n) const noexcept {
#if defined(_OPENMP)
    const Index all = threads > 0 ? threads : Index(omp_get_max_threads());
#else
    const Index all = threads > 0 ? threads : std::max<Index>(1, Index(std::thread::hardware_concurrency()));
#endif
    return std::clamp<Index>(n, 1, all);
  }

  template <class F> void for_each(Index n, F&& f) const {
    // The type of f ends here: threads are compiled once, not once for every loop.
    each(n, [](const void* of, Index item, Index worker) { (*static_cast<const std::remove_reference_t<F>*>(of))(item, worker); }, &f);
  }

 private:
  void each(Index n, void (*f)(const void*, Index item, Index worker), const void* of) const {
    const Index count = workers(n);
    if (count <= 1) {
      for (Index item = 0; item < n; ++item) f(of, item, 0);
      return;
    }
    std::atomic<Index> next{0};
    const auto work = [&](Index worker) {
      for (Index item = next.fetch_add(1, std::memory_order_relaxed); item < n; item = next.fetch_add(1, std::memory_order_relaxed)) f(of, item, worker);
    };
#if defined(_OPENMP)
#pragma omp parallel num_threads(static_cast<int>(count))
    work(Index(omp_get_thread_num()));
#else
    std::vector<std::thread> others;
    others.reserve(to_size(count - 1));
    for (Index worker = 1; worker < count; ++worker) others.emplace_back(work, worker);
    work(0);
    for (std::thread& t : others) t.join();
#endif
  }
};
inline constexpr Par par{};

}  // namespace lcsm::exec
