// SPDX-License-Identifier: MIT
#pragma once

#include "gradients.hpp"

// Mixers of no name that together have every plane, tie, readout, normaliser, stabiliser and coupling.
namespace lcsm::test::vjp_mixers {

using Beta = FactorTerm<Data<in::beta, Axes::one, map::Sigmoid>>;
using Gate = LogTerm<Data<in::g, Axes::key, map::LogSigmoid<>>>;
using Step = Data<in::delta, Axes::value, map::Softplus>;
using StillStep = Learned<in::delta, Axes::value, map::Softplus>;
using A = Learned<in::A, Axes::matrix, map::NegExp>;
using AImag = Learned<in::A_imag, Axes::matrix>;
template <class S> using Diagonal = Stage<Term<Plane::log, combine::Product, S, A>, Term<Plane::phase, combine::Product, S, AImag>>;

struct Everything : Mixer<Stage<FactorTerm<Data<in::k>>, FactorTerm<Data<in::beta, Axes::value, map::Sigmoid>>, FactorTerm<Data<in::i, Axes::one, map::Sigmoid>>>,
                          Stage<Gate, PhaseTerm<Learned<in::phase>>, SignTerm<Data<in::a, Axes::value, map::Sign>>>,
                          Stage<FactorTerm<Data<in::q, Axes::key, map::Silu>>, FactorTerm<Learned<in::C, Axes::value>>>, Previous, Skip<Data<in::D, Axes::value>>> {};
struct SignedBonus : Mixer<expand::Data<map::Square>, oscillation::Multiplier<Axes::key>, shrink::Data<map::EluPlusOne>, Bonus<FactorTerm<Data<in::u, Axes::key, map::Exp>>>> {};
struct WideBonus : Mixer<expand::Data<map::EluPlusOne>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Data<map::EluPlusOne>, Bonus<FactorTerm<Learned<in::u, Axes::value, map::Exp>>>,
                         Quotient<guard::Add<0>>> {};

using UnitKey = FactorTerm<Data<in::k, Axes::key, map::L2Norm>>;
struct Delta : Mixer<Stage<UnitKey, Beta>, Stage<Gate, LowRank<Stage<UnitKey, Beta>, UnitKey>>, shrink::Data<>> {};
struct ComplexDelta : Mixer<expand::Data<map::EluPlusOne>, Stage<Gate, PhaseTerm<Data<in::phase>>, LowRank<FactorTerm<Data<in::b, Axes::key, map::UnitNorm>>, FactorTerm<Data<in::a>>, Order::before_decay>>,
                            shrink::Data<>, Previous> {};
struct DividedDelta : Mixer<Stage<FactorTerm<Data<in::k, Axes::key, map::Sigmoid>>, Beta>, Stage<Gate, LowRank<Stage<UnitKey, Beta>, UnitKey>>, shrink::Data<map::Sigmoid>, Quotient<guard::Add<0>>> {};

struct Lstm : Mixer<Stage<FactorTerm<Data<in::k>>, LogTerm<Data<in::i, Axes::one>>>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Data<>, Quotient<guard::AtLeastOne<-6>>, RunningMax<FromZero>> {};
struct Rwkv : Mixer<Stage<LogTerm<Data<in::k, Axes::value>>>, Stage<LogTerm<Learned<in::w, Axes::value, map::NegExp>>>, Stage<>, Bonus<LogTerm<Learned<in::u, Axes::value>>>, Quotient<guard::None>, RunningMax<>> {};
struct PhasedMax : Mixer<Stage<LogTerm<Data<in::k>>>, Stage<Gate, PhaseTerm<Data<in::phase, Axes::one>>>, shrink::Data<map::Sigmoid>, Quotient<guard::Add<0>>, RunningMax<>> {};
struct Means : Mixer<Stage<LogTerm<Data<in::k>>, FactorTerm<Data<in::beta, Axes::value>>>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, SignTerm<Data<in::a, Axes::value, map::Sign>>>, shrink::Data<>, Mean> {};

struct ZeroOrderHold : Mixer<Stage<Tied<tie::ZeroOrderHold>, FactorTerm<Data<in::B>>>, Diagonal<Step>, shrink::Data<>, Input<Data<in::x, Axes::value>>, Skip<Learned<in::D, Axes::value>>> {};
struct StillHold : Mixer<Stage<Tied<tie::ZeroOrderHold>, ComplexFactor<Learned<in::B>, Learned<in::B_imag>>>, Diagonal<StillStep>, shrink::Data<>, project::TwiceReal> {};
struct RealHold : Mixer<Stage<Tied<tie::ZeroOrderHold>>, Stage<Term<Plane::log, combine::Product, Step, A>>, shrink::Data<>> {};
struct Euler : Mixer<Stage<Tied<tie::Euler>, FactorTerm<Data<in::B>>>, Stage<Term<Plane::log, combine::Product, Step, A>>, shrink::Data<>> {};
struct Still : Mixer<Stage<Tied<tie::MinusOne>>, Diagonal<StillStep>, shrink::Data<>> {};
struct SignedStill : Mixer<Stage<Tied<tie::MinusOne>>, oscillation::Multiplier<Axes::key>, shrink::Data<>> {};
struct BilinearRule : Mixer<Stage<Tied<tie::Bilinear>>, Stage<Term<Plane::log, combine::BilinearLog, Step, A, AImag>, Term<Plane::phase, combine::BilinearAngle, Step, A, AImag>>, shrink::Data<>> {};
struct Complement : Mixer<expand::Tied<tie::Complement>, Stage<Term<Plane::log, combine::LowerBound, Data<in::f>, Learned<in::lower_bound>>>, shrink::Data<map::Then<map::Softmax, map::RsqrtKeys, map::Tanh>>> {};
struct Preserving : Mixer<expand::Tied<tie::VariancePreserving>, Stage<LogTerm<Data<in::g, Axes::value, map::LogSigmoid<>>>, PhaseTerm<Data<in::phase, Axes::value>>>, Stage<>,
                          Input<Data<in::x, Axes::value>, Data<in::x_imag, Axes::value>>, project::Complex> {};

struct Codes : Mixer<Stage<FactorTerm<OneHot<in::code>>>, Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>>, Stage<FactorTerm<OneHot<in::read_code>>, Beta>,
                     Quotient<guard::Add<0>>> {};
struct Codebook : Mixer<Stage<FactorTerm<OneHot<in::code>>>, Stage<>, Stage<FactorTerm<Logits<in::q, in::codebook>>>> {};
struct SoftCodebook : Mixer<Stage<FactorTerm<OneHot<in::code>>>, Stage<>, Stage<LogTerm<Logits<in::q, in::codebook>>>, Quotient<guard::Add<0>>> {};

}  // namespace lcsm::test::vjp_mixers
