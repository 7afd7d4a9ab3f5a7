// SPDX-License-Identifier: MIT
#pragma once

#include <lcsm/config.hpp>

#include <cstddef>
#include <utility>

namespace lcsm::stage {

// One of each type, in order. Not std::tuple, whose constructors and std::apply ask so many questions that they took a fifth of the time of compiling a
// composition; and these are made in place, so tiles need not move.
//
//     Pack<A, B> pack{{A(1)}, {B(2)}};        get<0>(pack)        pack.apply([](auto&... each) { ... })
template <std::size_t N, class T> struct PackMember {
  T member;
};
template <class Indices, class... Types> struct PackOf;
template <std::size_t... N, class... Types> struct PackOf<std::index_sequence<N...>, Types...> : PackMember<N, Types>... {
  template <class F> LCSM_INLINE decltype(auto) apply(F&& f) { return f(static_cast<PackMember<N, Types>&>(*this).member...); }
  template <class F> LCSM_INLINE decltype(auto) apply(F&& f) const { return f(static_cast<const PackMember<N, Types>&>(*this).member...); }
};
template <class... Types> using Pack = PackOf<std::index_sequence_for<Types...>, Types...>;

template <std::size_t N, class T> LCSM_INLINE T& get(PackMember<N, T>& pack) { return pack.member; }
template <std::size_t N, class T> LCSM_INLINE const T& get(const PackMember<N, T>& pack) { return pack.member; }

}  // namespace lcsm::stage
