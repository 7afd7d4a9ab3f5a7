// SPDX-License-Identifier: MIT
// Scratch of the caller's: exactly as many bytes as asked for will do, whatever lies in them, and one less is refused.
#include "support/catch.hpp"
#include "support/gradients.hpp"

#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/mode/vjp_workspace_size.hpp>
#include <lcsm/mode/workspace_size.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>

namespace {

using namespace lcsm;

struct PerKey : Mixer<expand::Data<>, oscillation::Polar<>, shrink::Data<>, Bonus<FactorTerm<Learned<in::u>>>> {};
struct Maximum : Mixer<Stage<LogTerm<Data<in::k, Axes::value>>>, oscillation::PerValue<map::LogSigmoid<>>, shrink::One,
                       Quotient<guard::None>, RunningMax<>> {};
struct Entries : Mixer<expand::Data<>, oscillation::Elementwise<map::LogSigmoid<>>, shrink::Data<>> {};
struct Codes : Mixer<expand::Code<>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Code<>> {};

template <class M> class Call {
 public:
  Call() : random_(9), n_{3, 41, 2, test::has_keys<M>() ? 5 : 1, 7}, inputs_(n_, {}, random_) {}

  template <class Run> void check(Index bytes, const Options<float>& options, Run&& run) {
    REQUIRE(bytes > 0);
    const test::Guarded<float> plain(shape(), test::Layout::dense, random_), given(shape(), test::Layout::dense, random_),
        refused(shape(), test::Layout::dense, random_);
    run(inputs_.in, plain.view, options);
    // At every place relative to a border, with poison inside and around.
    std::vector<std::byte> block(to_size(bytes) + 256, std::byte{test::poison});
    for (const std::size_t offset : {64u, 65u, 100u, 127u}) {
      std::fill(block.begin(), block.end(), std::byte{test::poison});
      Options<float> own = options;
      own.workspace = std::span(block).subspan(offset, to_size(bytes));
      run(inputs_.in, given.view, own);
      CHECK(test::same_view(given.view, plain.view));
      const auto clean = [](auto first, auto last) {
        return std::all_of(first, last, [](std::byte b) { return b == std::byte{test::poison}; });
      };
      CHECK(clean(block.begin(), block.begin() + Index(offset)));
      CHECK(clean(block.begin() + Index(offset) + bytes, block.end()));
      own.workspace = std::span(block).subspan(offset, to_size(bytes) - 1);
      CHECK_THROWS_AS(run(inputs_.in, refused.view, own), WorkspaceError);
      CHECK(refused.is_untouched());
    }
  }
  const test::Inputs<float>& in() const { return inputs_.in; }
  View<float> output() { return outputs_.emplace_back(n_.batch, n_.tokens, n_.heads, 1, n_.values).view(); }

 private:
  std::array<Index, 5> shape() const { return {n_.batch, n_.tokens, n_.heads, 1, n_.values}; }
  test::Random random_;
  test::Shape n_;
  test::RandomInputs<M, float> inputs_;
  std::deque<Buffer<float>> outputs_;
};

template <class M, class Exec> void check_modes(const Exec& exec) {
  Call<M> call;
  for (const Index units : {1, 100}) {                      // a scan in one piece, and split
    Options<float> options;
    options.tuning.scan_units = units, options.tuning.scan_chunk = 4, options.tuning.chunk = 16;
    INFO("scan_units " << units);
    const auto size = [&](Mode mode) { return workspace_size(exec, mode, M{}, call.in(), call.output(), options); };
    const auto check = [&](Mode mode, auto&& run) {
      INFO(name_of(mode));
      call.check(size(mode), options, run);
    };
    check(Mode::recurrent, [&](const auto& in, const View<float>& y, const Options<float>& o) { recurrent(exec, M{}, in, y, o); });
    check(Mode::scan, [&](const auto& in, const View<float>& y, const Options<float>& o) { scan(exec, M{}, in, y, o); });
    if constexpr (has_mode<M>(Mode::chunkwise))
      check(Mode::chunkwise, [&](const auto& in, const View<float>& y, const Options<float>& o) { chunkwise(exec, M{}, in, y, o); });
    else CHECK_THROWS_AS(size(Mode::chunkwise), OptionError);
    check(Mode::attention, [&](const auto& in, const View<float>& y, const Options<float>& o) { attend(exec, M{}, in, y, o); });
    check(Mode::reference,
          [&](const auto& in, const View<float>& y, const Options<float>& o) { reference(M{}, in, y, {.workspace = o.workspace}); });
    Buffer<float> a(3, 41, 2, attention_rows<M>(7), 41);
    std::vector<std::byte> block(to_size(matrix_workspace_size(exec, M{}, call.in(), a.view(), options)));
    Options<float> own = options;
    own.workspace = block;
    attention_matrix(exec, M{}, call.in(), a.view(), own);
    own.workspace = std::span(block).first(block.size() - 1);
    CHECK_THROWS_AS(attention_matrix(exec, M{}, call.in(), a.view(), own), WorkspaceError);
    call.check(workspace_size(exec, M{}, call.in(), call.output(), options), options,
               [&](const auto& in, const View<float>& y, const Options<float>& o) { mix(exec, M{}, in, y, o); });
  }
}

// Adjoints: the gradients are what is written.
template <class M, class Exec> void check_adjoints(const Exec& exec) {
  test::Random random(10);
  const test::Shape n{3, 41, 2, test::has_keys<M>() ? 5 : 1, 7};
  const test::RandomInputs<M, float> inputs(n, {}, random);
  Buffer<float> y_bar(n.batch, n.tokens, n.heads, n.values);
  for (float& x : y_bar) x = float(random.uniform(-1, 1));
  const View<const float> bar = std::as_const(y_bar).view();
  Options<float> options;
  options.tuning.scan_units = 100, options.tuning.scan_chunk = 4, options.tuning.chunk = 16;
  const auto check = [&](const char* name, auto&& size_of, auto&& run) {
    INFO(name);
    test::RandomGradients<M, float> plain(inputs.in, test::Layout::dense, random), given(inputs.in, test::Layout::dense, random), refused(inputs.in, test::Layout::dense, random);
    run(plain.views, options);
    const Index bytes = size_of(given.views);
    REQUIRE(bytes > 0);
    std::vector<std::byte> block(to_size(bytes) + 256, std::byte{test::poison});
    Options<float> own = options;
    own.workspace = std::span(block).subspan(101, to_size(bytes));
    run(given.views, own);
    bool same = true, untouched = true;
    test::zip_gradients<M>([&](std::string_view, float x, float y, float z) { same = same && test::same_bits(x, y), untouched = untouched && test::is_poison(z); }, plain.views, given.views, refused.views);
    CHECK(same);
    CHECK(std::all_of(block.begin(), block.begin() + 101, [](std::byte b) { return b == std::byte{test::poison}; }));
    CHECK(std::all_of(block.begin() + 101 + bytes, block.end(), [](std::byte b) { return b == std::byte{test::poison}; }));
    own.workspace = std::span(block).subspan(101, to_size(bytes) - 1);
    CHECK_THROWS_AS(run(refused.views, own), WorkspaceError);
    CHECK(untouched);
  };
  const auto size = [&](Mode mode) { return [&, mode](const auto& grads) { return vjp_workspace_size(exec, mode, M{}, inputs.in, bar, grads, options); }; };
  check("reference_vjp", size(Mode::reference), [&](const auto& grads, const Options<float>& o) { reference_vjp(M{}, inputs.in, bar, grads, {.workspace = o.workspace}); });
  check("recurrent_vjp", size(Mode::recurrent), [&](const auto& grads, const Options<float>& o) { recurrent_vjp(exec, M{}, inputs.in, bar, grads, o); });
  check("scan_vjp", size(Mode::scan), [&](const auto& grads, const Options<float>& o) { scan_vjp(exec, M{}, inputs.in, bar, grads, o); });
  if constexpr (has_mode<M>(Mode::chunkwise)) check("chunkwise_vjp", size(Mode::chunkwise), [&](const auto& grads, const Options<float>& o) { chunkwise_vjp(exec, M{}, inputs.in, bar, grads, o); });
  check("attend_vjp", size(Mode::attention), [&](const auto& grads, const Options<float>& o) { attend_vjp(exec, M{}, inputs.in, bar, grads, o); });
  check("vjp", [&](const auto& grads) { return vjp_workspace_size(exec, M{}, inputs.in, bar, grads, options); }, [&](const auto& grads, const Options<float>& o) { vjp(exec, M{}, inputs.in, bar, grads, o); });
}

}  // namespace

#if defined(LCSM_LONG_TESTS)
TEST_CASE("a workspace for an adjoint", "[workspace]") { check_adjoints<PerKey>(exec::Par{3}), check_adjoints<Codes>(exec::seq); }
#endif
TEMPLATE_TEST_CASE("a workspace of the size that is asked for", "[workspace]", PerKey, Maximum, Entries, Codes) {
  check_modes<TestType>(exec::seq);
  check_modes<TestType>(exec::Par{3});
}
