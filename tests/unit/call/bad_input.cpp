// SPDX-License-Identifier: MIT
// Every public call against every wrong argument: the right error, which names the call, the argument, what was expected and what was given,
// before anything is written.
#include "support/catch.hpp"
#include "support/random_mixers.hpp"

#include <lcsm/exec/seq.hpp>
#include <lcsm/expand/expand.hpp>
#include <lcsm/layers/short_convolution.hpp>
#include <lcsm/mode/attention_matrix.hpp>
#include <lcsm/mode/mix.hpp>
#include <lcsm/mode/reference.hpp>
#include <lcsm/oscillation/oscillation.hpp>
#include <lcsm/shrink/shrink.hpp>
#include <lcsm/stage/rules.hpp>

#include <functional>

namespace {

using namespace lcsm;
using test::Guarded;
using test::GuardedState;
using test::Layout;
using test::Random;

// Streams and parameters on every axis, and a state with every component, in two mixers; codes in a third.
struct Parts : Mixer<Stage<FactorTerm<Data<in::k>>, LogTerm<Data<in::i, Axes::one>>>,
                     Stage<LogTerm<Data<in::g, Axes::one, map::LogSigmoid<>>>, PhaseTerm<Learned<in::phase>>>, shrink::Data<>,
                     Quotient<guard::Add<0>>, RunningMax<>, project::Complex, Skip<Learned<in::D, Axes::value>>> {};
struct Entries : Mixer<expand::Data<>, oscillation::Learned<map::NegExp, in::A, Axes::matrix>, shrink::Data<>> {};
struct Invariant : Mixer<Stage<FactorTerm<Learned<in::B>>>, oscillation::Learned<map::NegExp, in::A>, Stage<FactorTerm<Learned<in::C, Axes::matrix>>>, Skip<Learned<in::D, Axes::value>>> {};
struct Window : Mixer<Stage<FactorTerm<Fixed<rule::FirstKey, Axes::key>>>, oscillation::Shift, Stage<FactorTerm<Learned<in::C, Axes::matrix>>>> {};
struct Codes : Mixer<expand::Code<>, oscillation::Scalar<map::LogSigmoid<>>, shrink::Code<>> {};

enum class Is { shape, sequence, option, workspace };
template <class E> bool matches(const std::exception& e) { return dynamic_cast<const E*>(&e) != nullptr; }
bool is(const std::exception& e, Is kind) {
  return matches<ShapeError>(e) == (kind == Is::shape) && matches<SequenceError>(e) == (kind == Is::sequence) &&
         matches<OptionError>(e) == (kind == Is::option) && matches<WorkspaceError>(e) == (kind == Is::workspace);
}

// A right call, for the tests to spoil.
template <class M> struct Trial {
  Random random{1};
  test::Shape n;
  test::RandomInputs<M, double> inputs;
  test::Inputs<double> in;
  Guarded<double> y;
  GuardedState<M, double> final, start;
  Options<double> options;
  View<double> out;
  std::vector<std::byte> room = std::vector<std::byte>(8);

  explicit Trial(Index batch = 2, Index tokens = 6)
      : n{batch, tokens, 4, 3, 5},
        inputs(n, {.dense = true, .broadcast = false, .groups = false}, random),
        in(inputs.in),
        y({batch, tokens, 4, 1, M::projection::parts * 5}, Layout::dense, random),
        final(batch, n, Layout::dense, random),
        start(batch, n, Layout::dense, random),
        out(y.view) {
    State<M, double> fresh(batch, 4, 3, 5);
    test::copy_state(start.view(), std::as_const(fresh).view());
    options.final = final;
  }
};

template <class M> struct Wrong {
  std::string what;
  Is kind;
  std::string argument, expected, given;                    // empty: not looked at
  std::function<void(Trial<M>&)> spoil;
};

template <class M> using Run = std::function<void(const Trial<M>&)>;
template <class M> struct Function { std::string name; Run<M> run; };
template <class M> std::vector<Function<M>> calls() {
  std::vector<Function<M>> all{{"reference", [](const Trial<M>& c) { reference(M{}, c.in, c.out, c.options); }},
                               {"recurrent", [](const Trial<M>& c) { recurrent(exec::seq, M{}, c.in, c.out, c.options); }},
                               {"scan", [](const Trial<M>& c) { scan(exec::seq, M{}, c.in, c.out, c.options); }},
                               {"attend", [](const Trial<M>& c) { attend(exec::seq, M{}, c.in, c.out, c.options); }},
                               {"", [](const Trial<M>& c) {
                                  mix(exec::seq, M{}, c.in, c.out, c.options);
                                }}};  // mix speaks by the name of the mode it takes
  if constexpr (has_mode<M>(Mode::chunkwise))
    all.push_back({"chunkwise", [](const Trial<M>& c) { chunkwise(exec::seq, M{}, c.in, c.out, c.options); }});
  if constexpr (has_mode<M>(Mode::convolution))
    all.push_back({"convolve", [](const Trial<M>& c) { convolve(exec::seq, M{}, c.in, c.out, c.options); }});
  return all;
}

// The message of the error, or what is wrong with it.
template <class M> std::string complaint(const Wrong<M>& wrong, const std::string& function, const Trial<M>& call, const Run<M>& run) {
  try {
    run(call);
  } catch (const Error& e) {
    const std::string text = e.what();
    const auto has = [&](const std::string& part) { return text.find(part) != std::string::npos; };
    if (!is(e, wrong.kind)) return "another type of error: " + text;
    if (!has("lcsm::" + function) || !has("expected ") || !has(", given ")) return "call, expected or given is missing: " + text;
    if (!wrong.argument.empty() && !has("argument '" + wrong.argument + "'")) return "another argument: " + text;
    if (!has(wrong.expected) || text.find(wrong.given, text.find(", given ")) == std::string::npos) return "other words: " + text;
    if (!call.y.is_untouched() || !call.final.is_untouched()) return "something was written before: " + text;
    return "";
  }
  return "no error";
}
template <class M> void check(const std::vector<Wrong<M>>& table, Index batch = 2, Index tokens = 6) {
  for (const Function<M>& named : calls<M>()) {
    { const Trial<M> right(batch, tokens); CHECK_NOTHROW(named.run(right)); }
    for (const Wrong<M>& wrong : table) {
      if (wrong.kind == Is::workspace && (named.name == "convolve" || (M::shifts && named.name.empty()))) continue;   // has memory of its own
      INFO(named.name << ": " << wrong.what);
      Trial<M> call(batch, tokens);
      wrong.spoil(call);
      CHECK(complaint(wrong, named.name, call, named.run) == "");
    }
  }
}

constexpr const char* axis_names[] = {"batch", "time", "head", "row", "feature"};
std::string number(Index n) { return std::to_string(n); }

// Each view of the inputs: absent, without data, and of a wrong extent along each axis. The first view with keys says how many there are, so it is
// the others that are then wrong; where no output does, the first view with value channels says how many of those.
template <class M> std::vector<Wrong<M>> wrong_views(bool output_says_values) {
  std::vector<Wrong<M>> table;
  bool first_keyed = true, first_valued = !output_says_values;
  M::visit([&]<class Leaf>() {
    using Name = typename test::LeafTraits<Leaf>::name;
    const std::string name = Leaf::name;
    const bool keyed = Leaf::axes == Axes::key || Leaf::axes == Axes::matrix, valued = Leaf::axes == Axes::value || Leaf::axes == Axes::matrix;
    table.push_back(
        {name + " is absent", Is::shape, valued && first_valued ? "" : name, "extent", "", [](Trial<M>& c) { Name::of(c.in) = {}; }});
    table.push_back({name + " has no data", Is::shape, name, "data", "a null pointer", [](Trial<M>& c) { Name::of(c.in).data = nullptr; }});
    for (std::size_t x = 0; x < 5; ++x) {
      const Trial<M> right;
      const Index extent = Name::of(right.in).extent[x];
      const bool says = (keyed && first_keyed && x == (Leaf::axes == Axes::matrix ? 3u : 4u)) || (valued && first_valued && x == 4);
      for (const Index given : {extent + 1, Index(0)})
        table.push_back({name + " has " + axis_names[x] + " extent " + number(given), Is::shape, says ? "" : name,
                         x == 2 ? "divides 4"
                         : says ? "extent"
                                : axis_names[x] + (" extent " + number(extent)),
                         says ? "" : number(given), [=](Trial<M>& c) { Name::of(c.in).extent[x] = given; }});
      if (extent > 1 && x != 2 && !says)                // one number for all is said with a stride of 0
        table.push_back({name + " is short along " + axis_names[x], Is::shape, name, axis_names[x] + (" extent " + number(extent)), "1",
                         [=](Trial<M>& c) { Name::of(c.in).extent[x] = 1; }});
    }
    first_keyed = first_keyed && !keyed, first_valued = first_valued && !valued;
  });
  return table;
}

template <class M> std::vector<Wrong<M>> wrong_outputs() {
  std::vector<Wrong<M>> table;
  table.push_back({"y has no data", Is::shape, "y", "data", "a null pointer", [](Trial<M>& c) { c.out.data = nullptr; }});
  table.push_back({"y has two rows", Is::shape, "y", "row extent 1", "2", [](Trial<M>& c) { c.out.extent[3] = 2; }});
  for (std::size_t x : {0u, 1u, 2u, 4u}) {
    table.push_back({std::string("y is broadcast along ") + axis_names[x], Is::shape, "y", "an output of its own", "stride 0",
                     [=](Trial<M>& c) { c.out.stride[x] = 0; }});
    table.push_back({std::string("y is too long along ") + axis_names[x], Is::shape, "", "", "",
                     [=](Trial<M>& c) { c.out.extent[x] += M::projection::parts; }});
  }
  if constexpr (M::projection::parts == 2)
    table.push_back({"y has an odd number of features", Is::shape, "y", "2 parts", "9", [](Trial<M>& c) { c.out.extent[4] = 9; }});
  return table;
}

// Each component of each state, by name.
template <class M> std::vector<Wrong<M>> wrong_states() {
  using S = StateView<double>;
  std::vector<Wrong<M>> table;
  const auto add = [&](const std::string& name, auto of) {
    const S whole = Trial<M>().start.view();
    for (const bool initial : {true, false}) {
      const std::string argument = (initial ? "initial." : "final.") + name;
      const auto with = [=](auto&& change) {
        return [=](Trial<M>& c) {
          S s = initial ? c.start.view() : c.final.view();
          change(of(s));
          if (initial) c.options.initial = s; else c.options.final = s;
        };
      };
      table.push_back({argument + " is absent", Is::shape, argument, "batch extent 2", "0", with([](auto& v) { v = {}; })});
      table.push_back({argument + " has no data", Is::shape, argument, "data", "a null pointer", with([](auto& v) { v.data = nullptr; })});
      S copy = whole;
      const auto view = of(copy);
      for (std::size_t x = 0; x < 5; ++x)
        for (const Index given : {view.extent[x] + 1, view.extent[x] - 1})
          table.push_back({argument + " has " + axis_names[x] + " extent " + number(given), Is::shape, argument,
                           axis_names[x] + (" extent " + number(view.extent[x])), number(given),
                           with([=](auto& v) { v.extent[x] = given; })});
      if (view.extent[4] > 1)
        table.push_back(
            {argument + " has features apart", Is::shape, argument, "stride 1", "stride 2", with([](auto& v) { v.stride[4] = 2; })});
      for (std::size_t x = 0; x < 4; ++x)
        if (!initial && view.extent[x] > 1)
          table.push_back({argument + " is broadcast along " + axis_names[x], Is::shape, argument, "an output of its own", "stride 0",
                           with([=](auto& v) { v.stride[x] = 0; })});
    }
  };
  add("m", [](S& s) -> auto& { return s.m; });
  if constexpr (StateShape<M>::has_imag) add("m_imag", [](S& s) -> auto& { return s.m_imag; });
  if constexpr (StateShape<M>::has_z) add("z", [](S& s) -> auto& { return s.z; });
  if constexpr (StateShape<M>::z_imag) add("z_imag", [](S& s) -> auto& { return s.z_imag; });
  if constexpr (StateShape<M>::has_p) add("p", [](S& s) -> auto& { return s.p; });
  if constexpr (StateShape<M>::lazy)
    add(
        "touched", [](S & s) -> auto& { return s.touched; }),
        add(
            "clock", [](S & s) -> auto& { return s.clock; });
  add("position", [](S& s) -> auto& { return s.position; });
  return table;
}

template <class Spoil> void add_tuning(auto& table, Spoil&& spoil) {
  const auto add = [&](const char* name, Index Tuning::* member) {
    for (const Index given : {0, -1})
      table.push_back({std::string(name) + " is " + number(given), Is::option, std::string("tuning.") + name, "at least 1", number(given),
                       spoil([=](auto& options) { options.tuning.*member = given; })});
  };
  add("chunk", &Tuning::chunk), add("scan_chunk", &Tuning::scan_chunk), add("scan_units", &Tuning::scan_units), add("rows", &Tuning::rows);
}
constexpr auto spoil_options = [](auto change) { return [=](auto& call) { change(call.options); }; };

// Tables of offsets over 16 tokens, with what is said about each.
struct Offsets { std::vector<std::int64_t> table; const char *expected, *given; };
const std::vector<Offsets> bad_offsets{
    {{0, 12, 8, 16}, "never decrease", "8 at index 2 after 12"},
    {{0, 16, 32}, "no offset above 16", "32 at index 2"},
    {{0, 8}, "16 at index 1", "8"},
    {{1, 16}, "0 at index 0", "1"},
    {{-1, 16}, "0 at index 0", "-1"},
    {{16}, "at least 2 offsets", "1"},
    {{}, "at least 2 offsets", "0"},
    {{0, std::numeric_limits<std::int64_t>::max()}, "no offset above 16", "9223372036854775807 at index 1"},
    {{0, 4, -4, 16}, "never decrease", "-4 at index 2 after 4"}};
const std::vector<std::uint8_t> ones(64, 1);
View<const std::uint8_t> mask_of(Index b, Index t, Index h = 1, Index f = 1) { return lcsm::view(ones.data(), b, t, h, f); }
struct Masks { View<const std::uint8_t> mask; const char *expected, *given; };
std::vector<Masks> bad_masks() {                            // for 2 rows of 6 tokens
  View<const std::uint8_t> repeated = mask_of(2, 1), null = mask_of(2, 6);
  repeated.stride[1] = 0, null.data = nullptr;
  return {{mask_of(3, 6), "batch extent 2", "3"},         {mask_of(1, 6), "batch extent 2", "1"}, {mask_of(2, 7), "time extent 6", "7"},
          {mask_of(2, 5), "time extent 6", "5"},          {repeated, "time extent 6", "1"},       {mask_of(2, 6, 4), "head extent 1", "4"},
          {mask_of(2, 6, 1, 2), "feature extent 1", "2"}, {null, "data", "a null pointer"}};
}

template <class M> void check_all() {
  std::vector<Wrong<M>> table = wrong_views<M>(true);
  for (auto* more : {&wrong_outputs<M>, &wrong_states<M>}) for (auto& wrong : (*more)()) table.push_back(wrong);
  add_tuning(table, spoil_options);
  for (const Masks& bad : bad_masks())
    table.push_back({std::string("mask: ") + bad.expected, Is::shape, "mask", bad.expected, bad.given,
                     [=](Trial<M>& c) { c.options.mask = bad.mask; }});
  table.push_back({"offsets for a batch of 2", Is::sequence, "sequences", "a batch of 1", "a batch of 2", [](Trial<M>& c) {
    static const std::vector<std::int64_t> offsets{0, 6};
    c.options.sequences = offsets;
  }});
  table.push_back({"a workspace of 8 bytes", Is::workspace, "workspace", "bytes", "8", [](Trial<M>& c) { c.options.workspace = c.room; }});
  check(table);

  std::vector<Wrong<M>> packed;
  for (const Offsets& bad : bad_offsets) {
    packed.push_back({std::string("offsets: ") + bad.given, Is::sequence, "sequences", bad.expected, bad.given,
                      [&](Trial<M>& c) { c.options.sequences = bad.table; }});
    if (bad.table.size() > 1 && bad.table[1] <= 32) {
      static std::deque<std::vector<std::int32_t>> narrow;
      narrow.emplace_back(bad.table.begin(), bad.table.end());
      const auto* offsets = &narrow.back();
      packed.push_back({std::string("narrow offsets: ") + bad.given, Is::sequence, "sequences", bad.expected, bad.given,
                        [=](Trial<M>& c) { c.options.sequences = *offsets; }});
    }
  }
  static const std::vector<std::int64_t> valid{0, 0, 16}, three{0, 2, 4, 16};
  packed.push_back({"offsets and a mask", Is::sequence, "mask", "either", "both",
                    [](Trial<M>& c) { c.options.sequences = valid, c.options.mask = mask_of(1, 16), c.options.final = {}; }});
  packed.push_back({"a final state of one sequence for three", Is::shape, "final.m", "batch extent 3", "1",
                    [](Trial<M>& c) { c.options.sequences = three; }});
  check(packed, 1, 16);
  for (const Function<M>& named : calls<M>()) {                // an empty first sequence is right
    Trial<M> call(1, 16);
    const GuardedState<M, double> two(2, call.n, Layout::dense, call.random);
    call.options.sequences = valid, call.options.final = two;
    CHECK_NOTHROW(named.run(call));
    CHECK(two.view().position.at(0, 0, 0, 0, 0) == 0);
    CHECK(two.view().position.at(1, 0, 0, 0, 0) == 16);
  }
}

}  // namespace

TEST_CASE("bad input: a mixer with every part", "[door]") { check_all<Parts>(); }
TEST_CASE("bad input: a coefficient per memory entry", "[door]") { check_all<Entries>(); }
TEST_CASE("bad input: a convolution", "[door]") { check_all<Invariant>(), check_all<Window>(); }
TEST_CASE("bad input: codes", "[door]") {
  check_all<Codes>();
  std::vector<Wrong<Codes>> table;
  const auto add = [&](const char* name, auto of) {
    for (const std::int32_t code : {3, -1, std::numeric_limits<std::int32_t>::max(), std::numeric_limits<std::int32_t>::min()})
      table.push_back({std::string(name) + " is " + number(code), Is::shape, name, "codes in [0, 3)", number(code) + " at token 4",
                       [=](Trial<Codes>& c) { const_cast<std::int32_t&>(of(c.in).at(1, 4, 2, 0, 0)) = code; }});
  };
  add("code", [](auto& in) -> auto& { return in.code; }), add("read_code", [](auto& in) -> auto& { return in.read_code; });
  check(table);
}

TEMPLATE_TEST_CASE("bad input: the surrogate attention matrix", "[door]", Parts, Entries) {
  using M = TestType;
  const Index rows = attention_rows<M>(5);
  std::vector<Wrong<M>> table = wrong_views<M>(false);
  add_tuning(table, spoil_options);
  for (const Masks& bad : bad_masks())
    table.push_back({std::string("mask: ") + bad.expected, Is::shape, "mask", bad.expected, bad.given,
                     [=](Trial<M>& c) { c.options.mask = bad.mask; }});
  table.push_back({"a workspace of 8 bytes", Is::workspace, "workspace", "bytes", "8", [](Trial<M>& c) { c.options.workspace = c.room; }});
  table.push_back({"an initial state", Is::option, "initial", "no state", "one", [](Trial<M>& c) { c.options.initial = c.start.view(); }});
  table.push_back({"a final state", Is::option, "final", "no state", "one", [](Trial<M>& c) { c.options.final = c.final.view(); }});
  table.push_back({"a has no data", Is::shape, "a", "data", "a null pointer", [](Trial<M>& c) { c.out.data = nullptr; }});
  table.push_back({"a is broadcast", Is::shape, "a", "an output of its own", "stride 0", [](Trial<M>& c) { c.out.stride[1] = 0; }});
  table.push_back({"a has too many rows", Is::shape, "a", "row extent " + number(rows), number(rows + 1),
                   [=](Trial<M>& c) { c.out.extent[3] = rows + 1; }});
  table.push_back({"a has too few columns", Is::shape, "a", "feature extent 6", "5", [](Trial<M>& c) { c.out.extent[4] = 5; }});
  for (const Wrong<M>& wrong : table) {
    INFO(wrong.what);
    Trial<M> call;
    const Guarded<double> a({2, 6, 4, rows, 6}, Layout::dense, call.random);
    call.out = a.view, call.options.final = {};
    wrong.spoil(call);
    CHECK(complaint<M>(wrong, "attention_matrix", call,
                       [](const Trial<M>& c) { attention_matrix(exec::seq, M{}, c.in, c.out, c.options); }) == "");
    CHECK(a.is_untouched());
  }
}

namespace {

struct Convolution {                                        // 3 taps, 2 rows of 6 tokens, 4 heads of 5 channels
  Random random{2};
  Guarded<double> x{{2, 6, 4, 1, 5}, Layout::dense, random}, w{{1, 1, 4, 5, 3}, Layout::dense, random},
      b{{1, 1, 4, 1, 5}, Layout::dense, random}, y{{2, 6, 4, 1, 5}, Layout::dense, random}, start{{2, 1, 4, 2, 5}, Layout::dense, random},
      final{{2, 1, 4, 2, 5}, Layout::dense, random};
  View<const double> in = x.view, weight = w.view, bias = b.view;
  View<double> out = y.view;
  ConvolutionOptions<double> options{.initial = start.view, .final = final.view};
  void run() const { short_convolution(exec::seq, in, weight, bias, out, options); }
};
struct WrongConvolution {
  std::string what;
  Is kind;
  std::string argument, expected, given;
  std::function<void(Convolution&)> spoil;
};

}  // namespace

TEST_CASE("bad input: short convolutions", "[door]") {
  std::vector<WrongConvolution> table;
  const auto add = [&](const std::string& name, auto of, std::initializer_list<std::size_t> axes) {
    table.push_back({name + " has no data", Is::shape, name, "data", "a null pointer", [=](Convolution& c) { of(c).data = nullptr; }});
    for (const std::size_t x : axes) {
      Convolution right;
      const Index extent = of(right).extent[x];
      table.push_back({name + " along " + axis_names[x], Is::shape, name,
                       x == 2 && (name == "weight" || name == "bias") ? "divides 4" : axis_names[x] + (" extent " + number(extent)),
                       number(extent + 1), [=](Convolution& c) { of(c).extent[x] = extent + 1; }});
    }
  };
  add("x", [](Convolution& c) -> auto& { return c.in; }, {0, 1, 2, 3, 4});
  add("weight", [](Convolution& c) -> auto& { return c.weight; }, {0, 1, 2, 3});
  add("bias", [](Convolution& c) -> auto& { return c.bias; }, {0, 1, 2, 3, 4});
  add("options.initial", [](Convolution& c) -> auto& { return c.options.initial; }, {0, 1, 2, 3, 4});
  add("options.final", [](Convolution& c) -> auto& { return c.options.final; }, {0, 1, 2, 3, 4});
  table.push_back({"no taps", Is::shape, "weight", "at least 1 tap", "0", [](Convolution& c) { c.weight.extent[4] = 0; }});
  table.push_back({"y has no data", Is::shape, "y", "data", "a null pointer", [](Convolution& c) { c.out.data = nullptr; }});
  table.push_back({"y has two rows", Is::shape, "y", "row extent 1", "2", [](Convolution& c) { c.out.extent[3] = 2; }});
  for (std::size_t x : {0u, 1u, 2u, 4u})
    table.push_back({std::string("y is broadcast along ") + axis_names[x], Is::shape, "y", "an output of its own", "stride 0",
                     [=](Convolution& c) { c.out.stride[x] = 0; }});
  table.push_back({"final is broadcast", Is::shape, "options.final", "an output of its own", "stride 0",
                   [](Convolution& c) { c.options.final.stride[0] = 0; }});
  table.push_back({"features of the state apart", Is::shape, "options.initial", "stride 1", "stride 2",
                   [](Convolution& c) { c.options.initial.stride[4] = 2; }});
  for (const Masks& bad : bad_masks())
    table.push_back({std::string("mask: ") + bad.expected, Is::shape, "mask", bad.expected, bad.given,
                     [=](Convolution& c) { c.options.mask = bad.mask; }});
  table.push_back({"offsets for a batch of 2", Is::sequence, "sequences", "a batch of 1", "a batch of 2", [](Convolution& c) {
    static const std::vector<std::int64_t> offsets{0, 6};
    c.options.sequences = offsets;
  }});
  for (const WrongConvolution& wrong : table) {
    INFO(wrong.what);
    Convolution c;
    wrong.spoil(c);
    std::string text = "no error";
    bool kind = false;
    try {
      c.run();
    } catch (const Error& e) {
      text = e.what(), kind = is(e, wrong.kind);
    }
    INFO(text);
    CHECK(kind);
    CHECK(text.find("lcsm::short_convolution: argument '" + wrong.argument + "': expected ") == 0);
    CHECK(text.find(wrong.expected) != std::string::npos);
    CHECK(text.find(wrong.given, text.find(", given ")) != std::string::npos);
    CHECK(c.y.is_untouched());
    CHECK(c.final.is_untouched());
  }
  for (const Offsets& bad : bad_offsets) {
    Convolution c;
    Guarded<double> x({1, 16, 4, 1, 5}, Layout::dense, c.random), y({1, 16, 4, 1, 5}, Layout::dense, c.random);
    c.in = x.view, c.out = y.view, c.options = {}, c.options.sequences = bad.table;
    CHECK_THROWS_AS(c.run(), SequenceError);
    CHECK(y.is_untouched());
  }
}
