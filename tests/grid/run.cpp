// SPDX-License-Identifier: MIT
// One piece of the grid: LCSM_GRID_COUNT compositions from LCSM_GRID_FIRST on, of the list LCSM_GRID_LIST: sample_list, whole_list, named_list or
// gradient_list.
#include "check.hpp"
#include "gradient.hpp"
#include "named.hpp"

namespace {

using namespace lcsm::grid;

// Each prints its row, so that a red piece shows which columns are off.
[[maybe_unused]] bool print(const std::string& names, const Result& r) {
  print_row(names, r);
  return r.fine();
}
template <int N> struct whole_list {
  static_assert(is_legal(choice(N)), "lcsm::grid: no parts make this triple a mixer");
  static_assert(Composition<N>::complex == is_complex(choice(N)) && Composition<N>::coupled == is_coupled(choice(N)),
                "lcsm::grid: the numbers of this triple say something else than its type");
  static void run() { CHECK(run_composition<N, std::conditional_t<runs_in_float(N), float, double>>()); }
};
// The adjoint of the definition.
template <int N> struct gradient_list {
  static void run() { check_gradient<N>(); }
};
template <int N> struct sample_list : whole_list<sample(N)> {};
template <int N> struct named_list {
  static void run() {
    using Entry = std::tuple_element_t<N, std::remove_const_t<decltype(named::entries)>>;
    const char* name = std::get<N>(named::entries).name;
    CHECK(print(name, check<typename Entry::type, double>(std::uint64_t(N) + 1)));
  }
};

template <int First, int... N> void run(std::integer_sequence<int, N...>) { (LCSM_GRID_LIST<First + N>::run(), ...); }

}  // namespace

#define LCSM_GRID_TEXT_OF(x) #x
#define LCSM_GRID_TEXT(x) LCSM_GRID_TEXT_OF(x)
// Pieces share a program: their names differ.
TEST_CASE("compositions agree with the definition in every mode: " LCSM_GRID_TEXT(LCSM_GRID_LIST) " " LCSM_GRID_TEXT(LCSM_GRID_FIRST), "[grid]") {
  run<LCSM_GRID_FIRST>(std::make_integer_sequence<int, LCSM_GRID_COUNT>{});
}
