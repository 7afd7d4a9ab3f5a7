// SPDX-License-Identifier: MIT
#include <lcsm/describe.hpp>
#include <lcsm/mixers/gla.hpp>
#include <lcsm/mixers/hgrn.hpp>
#include <lcsm/mixers/linear_attention.hpp>
#include <lcsm/mixers/mamba.hpp>
#include <lcsm/mixers/retnet.hpp>

#include <support/catch.hpp>

namespace {

using namespace lcsm;

bool holds(const std::string& text, const std::string& line) {
  if (("\n" + text).find("\n" + line + "\n") != std::string::npos) return true;
  UNSCOPED_INFO(text);
  return false;
}

struct OwnGate { template <class V> static V apply(V x) { return -x * x; } };   // no name
using DeltaWrite = LowRank<FactorTerm<Joined<combine::Product, Data<in::k>, Data<in::beta, Axes::one>>>, FactorTerm<Data<in::k>>>;
struct Delta : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g, Axes::one>>, DeltaWrite>, shrink::Data<>> {};
struct ElementwiseDelta : Mixer<expand::Data<>, Stage<LogTerm<Data<in::g, Axes::matrix>>, DeltaWrite>, shrink::Data<>> {};
struct Everything : Mixer<expand::Exp<>, oscillation::RankOne<OwnGate>, shrink::One, Bonus<LogTerm<Learned<in::u, Axes::value>>>,
                          Quotient<guard::AtLeastOne<-6>>, RunningMax<>> {};
struct Averaged : Mixer<expand::Exp<>, oscillation::Identity, shrink::Data<map::Then<map::RsqrtKeys, map::L2Norm>>, Mean> {};
struct Codes : Mixer<expand::Code<>, oscillation::Multiplier<Axes::one>, shrink::CodebookExp<>, Previous> {};

}  // namespace

TEST_CASE("the algebra of a mixer in words, whole") {
  CHECK(describe<GlaLayerGate>() ==
        "e  factor    key        data      k\n"
        "o  log       key        data      log sigmoid(g) / 16\n"
        "s  factor    key        data      q / sqrt K\n"
        "i  v\n"
        "structure per_key, real, varies with time, factors into keys and channels\n"
        "modes: step, reference, recurrent, scan, chunkwise, attend\n");
  CHECK(describe(Mamba{}) ==
        "e  factor    key        data      B\n"
        "e  factor    value      tied      step\n"
        "o  log       matrix     data      softplus(delta + delta_bias) A\n"
        "s  factor    key        data      C\n"
        "i  x\n"
        "y + D i\n"
        "structure elementwise, real, varies with time, does not factor into keys and channels\n"
        "modes: step, reference, recurrent, scan, attend\n"
        "no chunkwise: an elementwise (K x D) stage does not factor into matrix products\n");
}

TEST_CASE("terms of every kind") {
  CHECK(holds(describe<HgrnComplex>(), "o  log       value      data      log (lower_bound + (1 - lower_bound) sigmoid(f))"));
  CHECK(holds(describe<HgrnComplex>(), "o  phase     value      learned   phase"));
  CHECK(holds(describe<HgrnComplex>(), "e  factor    value      tied      1 - |o|"));
  CHECK(holds(describe<MambaComplex>(), "s  factor    matrix     learned   C + i C_imag"));
  CHECK(holds(describe<RetNet>(), "e  factor    key        data      rotary (pairs) of (k / sqrt K)"));
  CHECK(holds(describe<Retention>(), "o  log       one        fixed     log (1 - 2^(-5-h))"));
  CHECK(holds(describe<Averaged>(), "s  factor    key        data      L2 norm of (q / sqrt K)"));
  CHECK(holds(describe<Everything>(), "o  log       key        data      map(g)"));
  CHECK(holds(describe<Codes>(), "e  factor    key        data      one-hot(code)"));
  CHECK(holds(describe<Codes>(), "s  log       key        data      q . codebook[a]"));
  CHECK(holds(describe<Codes>(), "o  factor    one        data      sign(g), which is 1 or -1"));
  CHECK(holds(describe<Delta>(), "o  coupling  key x key  data      low rank: write k beta, erase k after the decay"));
}

TEST_CASE("a stage as one formula") {
  using words::formula;
  CHECK(formula<Mamba::oscillation>() == "exp(softplus(delta[c] + delta_bias[c]) A[a,c])");
  CHECK(formula<MambaLog::oscillation>() == "exp(-softplus(delta[c] + delta_bias[c]) exp(A_log[a,c]))");
  CHECK(formula<MambaComplex::oscillation>() == "exp(delta[c] A[a,c] + i delta[c] A_imag[a,c])");
  CHECK(formula<MambaComplex::expand>() == "(B[a,c] + i B_imag[a,c]) step");
  CHECK(formula<HgrnComplex::oscillation>() == "(lower_bound[c] + (1 - lower_bound[c]) sigmoid(f[c])) exp(i phase[c])");
  CHECK(formula<HgrnReal::oscillation>() == "lower_bound[c] + (1 - lower_bound[c]) sigmoid(f[c])");
  CHECK(formula<GlaLayerGate::oscillation>() == "exp(log sigmoid(g[a]) / 16)");
  CHECK(formula<Retention::oscillation>() == "1 - 2^(-5-h)");
  CHECK(formula<Codes::oscillation>() == "sign(g) |g|");
  CHECK(formula<Everything::oscillation>() == "exp(map(g[a]) + map(f[c]))");
  CHECK(formula<LinearTransformer::shrink>() == "elu(q[a]) + 1");
  CHECK(formula<Hgrn::expand>() == "1");
  CHECK(formula<Delta::oscillation>() == "(I - k beta k^T) exp(g)");
  using Plus = Stage<LowRank<FactorTerm<Data<in::b>>, FactorTerm<Data<in::a, Axes::key, map::Negate>>, Order::before_decay>, LogTerm<Data<in::g>>>;
  CHECK(formula<Plus>() == "exp(g[a]) + b a^T");
  using Bilinear = Stage<Term<Plane::log, combine::BilinearLog, Learned<in::log_dt, Axes::value, map::Exp>, Learned<in::A, Axes::matrix>, Learned<in::A_imag, Axes::matrix>>,
                         Term<Plane::phase, combine::BilinearAngle, Learned<in::log_dt, Axes::value, map::Exp>, Learned<in::A, Axes::matrix>, Learned<in::A_imag, Axes::matrix>>>;
  CHECK(formula<Bilinear>() == "bilinear(exp(log_dt[c]) (A[a,c] + i A_imag[a,c]))");
}

TEST_CASE("parts") {
  CHECK(holds(describe<HgrnComplex>(), "i  silu(x) + i silu(x_imag)"));
  CHECK(holds(describe<HgrnComplex>(), "y = [Re | Im]"));
  CHECK(holds(describe<MambaComplex>(), "y = 2 Re"));
  CHECK(holds(describe<LinearTransformer>(), "y / (d + 1e-6), d the same recurrence with i = 1, one per head"));
  CHECK(holds(describe<Codes>(), "reads what was before the token"));
  CHECK(holds(describe<Averaged>(), "every memory entry is a mean over its own total weight"));
  const std::string all = describe<Everything>();
  CHECK(holds(all, "s  1"));
  CHECK(holds(all, "reads what was before the token, and its own write times u:\nu  log       value      learned   u"));
  CHECK(holds(all, "y / (max(|d|, exp(-p)) + 1e-6), d the same recurrence with i = 1, one per value channel"));
  CHECK(holds(all, "memory is stored times exp(-p), p the running maximum of the logs, one per value channel"));
}

TEST_CASE("what is computed, and why a mode is missing") {
  CHECK(holds(describe<Everything>(), "structure rank_one, real, varies with time, factors into keys and channels"));
  const std::string coupled = describe<Delta>();
  CHECK(holds(coupled, "structure scalar, real, varies with time, factors into keys and channels, couples keys"));
  CHECK(holds(coupled, "modes: step, reference, recurrent, scan, chunkwise, attend"));
  const std::string apart = describe<ElementwiseDelta>();
  for (const Mode mode : {Mode::scan, Mode::chunkwise}) {
    CHECK_FALSE(has_mode<ElementwiseDelta>(mode));
    CHECK(holds(apart, std::string("no ") + name_of(mode) + ": " + why_not<ElementwiseDelta>(mode)));
  }
}
