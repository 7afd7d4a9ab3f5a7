// SPDX-License-Identifier: MIT
#pragma once

#include "composition.hpp"

namespace lcsm::grid::named {

// What the code of Qin et al. 2024 (https://arxiv.org/abs/2405.17383) varies, by its own numbers: o_type 0 to 12, learned K x D writes and reads, the
// maps of both (t_type), the temperature tau, its sampled oscillation (c_type 0) and the gate that a slope bounds. A gate is sigmoid^(1 / tau).
using Tau = map::LogSigmoid<16>;
template <class Oscillation, class... More> using Plain = Mixer<expand::Data<>, Oscillation, shrink::Data<>, More...>;
// A logit that is the product of a projected vector and a parameter.
template <Axes X, Axes Y> using Mixed = Stage<Term<Plane::log, combine::Of<Tau>, Data<in::g, X>, Learned<in::A, Y>>>;

struct O0 : Plain<oscillation::Learned<Tau, in::g, Axes::matrix>> {};
struct O0Fixed : Plain<Stage<Term<Plane::log, combine::Sum, Fixed<Slopes, Axes::key>, Fixed<Slopes, Axes::value>>>> {};
struct O1 : Plain<oscillation::RankOne<Tau>> {};
struct O2 : Plain<oscillation::PerValue<Tau>> {};
struct O3 : Plain<oscillation::PerKey<Tau>> {};
struct O4 : Plain<oscillation::Learned<Tau>> {};
struct O4Fixed : Plain<oscillation::FixedDecay<Slopes, Axes::key>> {};
struct O5 : Plain<oscillation::Learned<Tau, in::g, Axes::value>> {};
struct O5Fixed : Plain<oscillation::FixedDecay<Slopes, Axes::value>> {};
struct O6 : Plain<Mixed<Axes::key, Axes::matrix>> {};
struct O7 : Plain<Mixed<Axes::value, Axes::matrix>> {};
struct O8 : Plain<Mixed<Axes::value, Axes::key>> {};
struct O9 : Plain<Mixed<Axes::key, Axes::value>> {};
struct O10 : Plain<oscillation::Identity> {};
struct O11 : Plain<oscillation::FixedRotation<rule::RotaryAngle, Axes::key>> {};
struct CumulativeSoftmax : Mixer<Stage<LogTerm<Data<in::f>>, FactorTerm<Data<in::k>>>, oscillation::Identity, shrink::Data<>, Mean> {};   // o_type 12

// e_type and s_type 0: K x D parameters, under o_type 0 and 1.
using MatrixWrite = expand::Learned<map::Identity, in::k, Axes::matrix>;
using MatrixRead = shrink::Learned<map::Identity, in::q, Axes::matrix>;
struct E0 : Mixer<MatrixWrite, oscillation::RankOne<Tau>, shrink::Data<>> {};
struct S0 : Mixer<expand::Data<>, oscillation::RankOne<Tau>, MatrixRead> {};
struct E0S0 : Mixer<MatrixWrite, oscillation::RankOne<Tau>, MatrixRead> {};
struct E0S0O0 : Mixer<MatrixWrite, oscillation::Learned<Tau, in::g, Axes::matrix>, MatrixRead> {};

template <class Map> struct T : Mixer<expand::Data<Map>, oscillation::PerKey<Tau>, shrink::Data<Map>> {};
template <int N> struct WithTau : Plain<oscillation::PerKey<map::LogSigmoid<N>>> {};

struct C0 : Mixer<Stage<FactorTerm<Data<in::k>>, Tied<tie::Euler>>,
                  oscillation::Discretised<Data<in::delta, Axes::value, map::Softplus>, Learned<in::A, Axes::matrix, map::NegExp>>, shrink::Data<>> {};
struct Bounded : Plain<Stage<Term<Plane::log, combine::Product, Data<in::g, Axes::key, map::Sigmoid>, Fixed<Slopes, Axes::key>>>> {};

template <class M> struct Entry {
  using type = M;
  const char* name;
};
inline constexpr std::tuple entries{
    Entry<O0>{"o_type 0, learned"}, Entry<O0Fixed>{"o_type 0, slopes"}, Entry<O1>{"o_type 1"}, Entry<O2>{"o_type 2"}, Entry<O3>{"o_type 3"},
    Entry<O4>{"o_type 4, learned"}, Entry<O4Fixed>{"o_type 4, slopes"}, Entry<O5>{"o_type 5, learned"}, Entry<O5Fixed>{"o_type 5, slopes"},
    Entry<O6>{"o_type 6"}, Entry<O7>{"o_type 7"}, Entry<O8>{"o_type 8"}, Entry<O9>{"o_type 9"}, Entry<O10>{"o_type 10"}, Entry<O11>{"o_type 11"},
    Entry<CumulativeSoftmax>{"o_type 12, cumulative softmax"}, Entry<E0>{"e_type 0, o_type 1"}, Entry<S0>{"s_type 0, o_type 1"},
    Entry<E0S0>{"e_type 0, s_type 0, o_type 1"}, Entry<E0S0O0>{"e_type 0, s_type 0, o_type 0"}, Entry<T<map::Relu>>{"t_type 1, relu"},
    Entry<T<map::Sigmoid>>{"t_type 2, sigmoid"}, Entry<T<map::EluPlusOne>>{"t_type 3, elu+1"}, Entry<T<map::Silu>>{"t_type 4, silu"},
    Entry<T<map::Elu>>{"t_type 5, elu"}, Entry<T<map::ReluSquared>>{"t_type 6, relu^2"}, Entry<T<map::Square>>{"t_type 7, x^2"},
    Entry<WithTau<1>>{"tau 1"}, Entry<WithTau<2>>{"tau 2"}, Entry<WithTau<4>>{"tau 4"}, Entry<WithTau<8>>{"tau 8"}, Entry<WithTau<32>>{"tau 32"},
    Entry<WithTau<64>>{"tau 64"}, Entry<C0>{"c_type 0"}, Entry<Bounded>{"use_tau false"}};
inline constexpr int count = int(std::tuple_size_v<std::remove_const_t<decltype(entries)>>);

}  // namespace lcsm::grid::named
