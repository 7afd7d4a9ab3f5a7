// SPDX-License-Identifier: MIT
// Views and options are plain values, mixers are empty, states are copied and moved.
#include <lcsm/call/options.hpp>
#include <lcsm/mixers.hpp>

namespace {
using namespace lcsm;

template <class... T> constexpr bool plain = (std::is_trivially_copyable_v<T> && ...);
static_assert(plain<View<float>, View<const double>, StateView<float>, StateView<const double>, Sequences, Tuning, Extent, Timeline, Run, Where>);
static_assert(plain<Options<float>, Options<double>, Gla::In<const float>, Mamba::In<double>>);
static_assert(std::is_convertible_v<View<float>, View<const float>> && !std::is_convertible_v<View<const float>, View<float>>);
static_assert(std::is_convertible_v<StateView<float>, StateView<const float>> && !std::is_convertible_v<StateView<const float>, StateView<float>>);
static_assert(!std::is_convertible_v<View<float>, View<double>>);

template <class... M> constexpr bool empty = ((std::is_empty_v<M> && std::is_trivial_v<M>) && ...);
static_assert(empty<LinearAttention, LinearTransformer, Retention, RetNet, Lightning, Tnl, Gla, SimpleGla, GateLoop, Hgrn, HgrnComplex, Hgrn2>);
static_assert(empty<Mamba, MambaComplex, Mamba2, S4d, Dlr, Lru, RgLru, MegaEma>);

// A state is a value.
static_assert(std::is_copy_constructible_v<State<Gla, float>> && std::is_copy_assignable_v<State<Gla, float>>);
static_assert(std::is_nothrow_move_constructible_v<State<Gla, float>>);
// With the components that the parts ask for, and no others.
template <class M> constexpr bool components(bool imag, bool z, bool p) {
  return StateShape<M>::has_imag == imag && StateShape<M>::has_z == z && StateShape<M>::has_p == p;
}
static_assert(components<Gla>(false, false, false) && components<GateLoop>(true, false, false) && components<LinearTransformer>(false, true, false));
static_assert(components<Mixer<expand::Exp<>, oscillation::Identity, shrink::Data<>, Quotient<guard::None>, RunningMax<>>>(false, true, true));
static_assert(components<Mixer<expand::Exp<>, oscillation::Identity, shrink::Data<>, Mean>>(false, true, false));

}  // namespace
