// SPDX-License-Identifier: MIT
// expect: lcsm::scan: a coupling (delta rule) under an elementwise (K x D) stage has a transition for every channel: use lcsm::recurrent
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/scan.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace in = lcsm::in;
#ifdef LCSM_FAIL
using Decay = lcsm::LogTerm<lcsm::Data<in::g, lcsm::Axes::matrix>>;
#else
using Decay = lcsm::LogTerm<lcsm::Data<in::g, lcsm::Axes::key>>;
#endif
using Key = lcsm::FactorTerm<lcsm::Data<in::k>>;
struct Delta : lcsm::Mixer<lcsm::expand::Data<>, lcsm::Stage<Decay, lcsm::LowRank<Key, Key>>, lcsm::shrink::Data<>> {};
struct In { lcsm::View<const float> q{}, k{}, v{}, g{}; };

void call(const In& in, lcsm::View<float> y) { lcsm::scan(lcsm::exec::seq, Delta{}, in, y); }
