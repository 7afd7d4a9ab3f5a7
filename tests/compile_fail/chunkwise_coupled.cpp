// SPDX-License-Identifier: MIT
// expect: lcsm::chunkwise: a coupled oscillation (delta rule) is not diagonal: use lcsm::recurrent
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/chunkwise.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace in = lcsm::in;
#ifdef LCSM_FAIL
using Key = lcsm::Data<in::k>;
using Rate = lcsm::Data<in::beta, lcsm::Axes::one>;
using Write = lcsm::FactorTerm<lcsm::Joined<lcsm::combine::Product, Key, Rate>>;
using Transition = lcsm::Stage<lcsm::LowRank<Write, lcsm::FactorTerm<Key>>>;
#else
using Transition = lcsm::oscillation::Identity;
#endif
struct Delta : lcsm::Mixer<lcsm::expand::Data<>, Transition, lcsm::shrink::Data<>> {};
struct In { lcsm::View<const float> q{}, k{}, v{}, beta{}; };

void call(const In& in, lcsm::View<float> y) { lcsm::chunkwise(lcsm::exec::seq, Delta{}, in, y); }
