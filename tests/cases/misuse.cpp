// SPDX-License-Identifier: MIT
// Calls that must be refused, before anything is written.
#include "mixers.hpp"

#include <lcsm/mixers/s4d.hpp>

using namespace lcsm;
using namespace lcsm::test;

namespace {

// As S4d, but every mode is there, once: the whole system of a pair is its two modes.
struct WholeSystem : Mixer<expand::Tied<tie::ZeroOrderHold>, s4d::Oscillation, s4d::Read, Input<Data<in::x, Axes::value>>, project::Real> {
  template <class T> struct In { View<T> x{}, log_dt{}, log_A_real{}, A_imag{}, C{}, C_imag{}; };
};

template <class E, class F> std::string message_of(F&& call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  return "";
}
bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEMPLATE_TEST_CASE("offset tables are looked at", "[cases][misuse_01]", float, double) {
  using T = TestType;
  const Case file(case_path("misuse_01"));
  const GatedInputs<T> inputs(file);
  const std::vector<std::int64_t> tables = file.integers("in.tables"), lengths = file.integers("in.lengths");
  const Array valid = file.out("valid"), o = file.out("o_for_valid"), last = file.out("final_state_last_document"), chunks = file.in("bad_chunk");
  REQUIRE(lengths.size() == 9);
  // What the message must say beside the argument: the index and the value that are wrong.
  const char* said[9][2] = {{"given 8", "index 2"},  {"given 32", "index 2"}, {"given 8", "index 1"},                   {"given 1", "index 0"}, {"given -1", "index 0"},
                              {"given 1", "2 offsets"}, {"given 9223372036854775807", "index 1"}, {}, {}};
  Index good = 0;
  for (const Way& way : ways_of<GatedAttention, T>({4, 64})) {
    INFO(way.name);
    const auto call = [&](const Index sequences, Options<T> options) {
      Buffer<T> y(1, 16, 1, 2);
      State<GatedAttention, T> state(std::max<Index>(sequences, 0), 1, 2, 2);
      poison(y), state.components([](const char*, auto& x) { poison(x); });
      options.final = state;
      struct { Buffer<double> y, m; std::string error; } out;
      out.error = message_of<Error>([&] { run<GatedAttention>(way, Threads{}, inputs.in(), y.view(), options); });
      out.y = widened<T>(y.view()), out.m = widened<T>(state.view().m);
      return out;
    };
    const auto untouched = [](const Buffer<double>& x) { return std::all_of(x.begin(), x.end(), [](double v) { return std::isnan(v); }); };
    for (std::size_t n = 0; n < 9; ++n) {
      const std::vector<std::int64_t> table(tables.begin() + std::ptrdiff_t(4 * n), tables.begin() + std::ptrdiff_t(4 * n) + lengths[n]);
      INFO("table " << n);
      const auto out = call(Index(table.size()) - 1, {.sequences = table});
      if (valid[n] == 0) {
        CHECK(untouched(out.y));
        CHECK(untouched(out.m));
        INFO(out.error);
        CHECK(contains(out.error, "'sequences'"));
        CHECK(contains(out.error, said[n][0]));
        CHECK(contains(out.error, said[n][1]));
      } else {
        ++good;
        CHECK(out.error.empty());
        agrees(out.y, arrange(o, "bthf"), tolerance<T>(file));
        agrees(out.m.view().batches(Index(table.size()) - 2, 1), arrange(last, "bhrf"), tolerance<T>(file));
        for (Index d = 0; d + 2 < Index(table.size()); ++d)  // documents without a token
          for (Index a = 0; a < 2; ++a) CHECK(out.m.view().at(d, 0, 0, a, a) == 0);
      }
    }
    for (const double chunk : chunks.values) {              // whichever mode, any size below 1
      Way bad = way;
      for (Index Tuning::* size : {&Tuning::chunk, &Tuning::scan_chunk, &Tuning::scan_units, &Tuning::rows, &Tuning::streamed}) {
        bad.tuning = way.tuning, bad.tuning.*size = Index(chunk);
        Buffer<T> y(1, 16, 1, 2);
        poison(y);
        const std::string error = message_of<OptionError>([&] { run<GatedAttention>(bad, Threads{}, inputs.in(), y.view(), Options<T>{}); });
        INFO(error);
        CHECK(contains(error, "tuning."));
        CHECK(contains(error, std::to_string(Index(chunk))));
        CHECK(untouched(widened<T>(y.view())));
      }
    }
  }
  CHECK(good == 2 * Index(ways_of<GatedAttention, T>({4, 64}).size()));
}

// Our aggregates hold modes, not state sizes: three states of a real system are a pair and a mode, and no size can lose one of them. A mode that is
// its own conjugate is half a pair.
TEMPLATE_TEST_CASE("a real pole counts once", "[cases][misuse_03]", float, double) {
  using T = TestType;
  const Case file(case_path("misuse_03"));
  const Array lam_re = file.in("lam_re"), lam_im = file.in("lam_im"), C_re = file.in("C_re"), C_im = file.in("C_im"), y = file.out("y"), without = file.out("y_without_real_pole");
  const Numbers<T> u(file.in("u"), "bthf");
  REQUIRE((lam_im[0] == -lam_im[1] && lam_im[2] == 0 && C_im[0] == -C_im[1] && C_im[2] == 0));
  const double limit = tolerance<T>(file);
  struct Modes { std::vector<T> log_re, im, C, C_imag; };
  const auto modes = [&](const std::vector<std::size_t>& which, double real_weight) {
    Modes m;
    for (const std::size_t n : which) {
      m.log_re.push_back(static_cast<T>(std::log(-lam_re[n]))), m.im.push_back(static_cast<T>(lam_im[n]));
      m.C.push_back(static_cast<T>(C_re[n] * (n == 2 ? real_weight : 1))), m.C_imag.push_back(static_cast<T>(C_im[n]));
    }
    return m;
  };
  const T log_dt = static_cast<T>(std::log(file.in("dt")[0])), none = 0;
  const auto problem = [](const Modes& m) { return Problem{.batch = 1, .tokens = 6, .heads = 1, .keys = Index(m.C.size()), .values = 1}; };
  const auto column = [](const std::vector<T>& x) { return parameter(x.data(), 1, Index(x.size()), 1); };
  for (const std::size_t half : {std::size_t(0), std::size_t(1)}) {                   // either one of the pair
    const Modes all = modes({half, 2}, 0.5), pair = modes({half}, 0);
    for (const Modes* m : {&all, &pair})
      every_way<S4d, T>(S4d::In<const T>{.x = u.view(), .log_dt = parameter(&log_dt, 1, 1), .log_A_real = column(m->log_re), .A_imag = column(m->im), .C = column(m->C),
                                         .C_imag = column(m->C_imag), .D = parameter(&none, 1, 1)},
                        problem(*m), [&](const Outcome& x) { agrees(x.y, arrange(m == &all ? y : without, "bthf"), limit); });
  }
  const Modes whole = modes({0, 1, 2}, 1);
  every_way<WholeSystem, T>(WholeSystem::In<const T>{.x = u.view(), .log_dt = parameter(&log_dt, 1, 1), .log_A_real = column(whole.log_re), .A_imag = column(whole.im),
                                                     .C = column(whole.C), .C_imag = column(whole.C_imag)},
                            problem(whole), [&](const Outcome& x) { agrees(x.y, arrange(y, "bthf"), limit); });
}
