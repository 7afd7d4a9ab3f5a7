// SPDX-License-Identifier: MIT
#include <lcsm/exec/par.hpp>
#include <lcsm/exec/seq.hpp>
#include <lcsm/io/codebook.hpp>
#include <lcsm/vq/quantise.hpp>
#include <lcsm/vq/usage.hpp>

#include "support/arrange.hpp"
#include "support/catch.hpp"
#include "support/random_mixers.hpp"
#include "support/temporary_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace lcsm;
using namespace lcsm::test;

namespace {

template <class T> std::vector<T> as(const Array& x) { return {x.values.begin(), x.values.end()}; }
bool near(const View<const double>& given, const View<const double>& want, double relative) { return relative_error(given, want) <= relative; }
template <class T> bool same(const Codebook<T>& a, const Codebook<T>& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return x.extent == y.extent && std::memcmp(x.data, y.data, to_size(x.extent[2] * x.extent[3] * x.extent[4]) * sizeof(*x.data)) == 0;
  };
  return equal(a.codes(), b.codes()) && equal(a.counts(), b.counts()) && equal(a.sums(), b.sums());
}

}  // namespace

// transformer-vq/transformer_vq@21943e4: LearnableVQ.get_codebook_ema_targets.
TEST_CASE("the published update of a codebook", "[vq]") {
  const Golden file(golden_path("vq_codebook"));
  for (const GoldenCase& c : file.cases()) {
    INFO(c.name);
    const auto check = [&]<class T>(T, double tolerance) {
      const auto get = [&](const char* role, const char* name) { return file.array(c.name, role, name); };
      const Array vectors = get("in", "vecs"), sums = get("par", "c_sum"), counts = get("par", "c_count"), mask = get("par", "mask"), z = get("aux", "z");
      const std::vector<T> numbers = as<T>(vectors);
      const std::vector<std::uint8_t> there = as<std::uint8_t>(mask);
      const View<const T> x = arrange(numbers.data(), vectors.shape, "bhtf");
      const VqOptions all, options{.mask = arrange(there.data(), mask.shape, "bt")};
      Codebook<T> book(c.size("H"), c.size("S"), c.size("K"));
      book.restore(arrange(counts, "hf"), arrange(sums, "hrf"));
      Buffer<std::int32_t> code(c.size("B"), c.size("L"), c.size("H"), 1);
      Buffer<T> distance(c.size("B"), c.size("L"), c.size("H"), 1);
      Buffer<double> far(c.size("B"), c.size("L"), c.size("H"), 1);
      nearest_codes(exec::par, x, book.codes(), code.view(), distance.view(), all);
      for (Index n = 0; n < far.size(); ++n) far[n] = double(distance[n]);
      const View<const double> want = arrange(z, "bht");
      for (Index b = 0; b < code.view().batch(); ++b)
        for (Index t = 0; t < code.view().time(); ++t)
          for (Index h = 0; h < code.view().head(); ++h) CHECK(code.view()(b, t, h, 0) == Index(want.at(b, t, h, 0, 0)));
      CHECK(near(far.view(), arrange(get("out", "errs2"), "bht"), tolerance));
      CodeStatistics batch(c.size("H"), c.size("S"), c.size("K"));
      batch.add(exec::par, x, code.view(), options);
      book.update(batch, c.number("c_gamma"), c.number("n_block_per_update"));
      CHECK(near(book.sums(), arrange(get("out", "c_sum_tgt"), "hrf"), 1e-14));
      CHECK(near(book.counts(), arrange(get("out", "c_count_tgt"), "hf"), 1e-14));
    };
    check(double(), 1e-14), check(float(), 1e-6);
  }
}

TEST_CASE("dead codes stay finite, and outputs come from before the update", "[vq][vq_03]") {
  const Case file(case_path("vq_03"));
  const double lam = file.in("lam")[0], eps = file.in("eps")[0];
  const Array first = file.in("codes");
  Codebook<double> book(1, 6, 3, {.smoothing = eps});
  const auto counts = [](const Array& x) { return arrange(x, "f"); };
  const auto rows = [](const Array& x) { return arrange(x, "rf"); };
  Buffer<double> none(1, 1, 1, 1, 6), no_sums(1, 1, 1, 6, 3);
  none.fill(0), no_sums.fill(0);
  book.restore(none.view(), no_sums.view(), rows(first));
  for (const int call : {1, 2, 3}) {
    INFO("call " << call);
    const std::string n = std::to_string(call);
    if (call == 2) {
      const Buffer<double> now = [&] { Buffer<double> c(1, 1, 1, 1, 6); std::copy_n(book.counts().data, 6, c.data()); return c; }(), sums = [&] { Buffer<double> c(1, 1, 1, 6, 3); std::copy_n(book.sums().data, 18, c.data()); return c; }();
      book.restore(now.view(), sums.view(), rows(file.out("codebook_before_2")));
    }
    CodeStatistics batch(1, 6, 3);
    if (call < 3) {
      const Array x = file.in("x" + n);
      const Index tokens = x.shape[1];
      Buffer<int> z(1, tokens, 1, 1);
      nearest_codes(exec::seq, arrange(x, "bthf"), book.codes(), z.view());
      for (Index t = 0; t < tokens; ++t) CHECK(z[t] == Index(file.out("idx_" + n)[to_size(t)]));
      Buffer<double> xq(1, tokens, 1, 3);
      quantise(exec::seq, book.codes(), z.view(), xq.view());
      CHECK(near(xq.view(), arrange(file.out("xq_" + n), "tf"), 1e-6));
      batch.add(exec::seq, arrange(x, "bthf"), z.view());
    }
    book.update(batch, lam);
    CHECK(near(book.counts(), counts(file.out("N_" + n)), 1e-7));
    CHECK(near(book.sums(), rows(file.out("m_" + n)), 1e-7));
    CHECK(near(book.codes(), rows(file.out("codebook_" + n)), 5e-6));
  }
  // Nothing was ever counted: nothing changes, whichever rule.
  for (const CodeRule& rule : {CodeRule{.smoothing = 1e-5}, CodeRule{.keep_below = 1}}) {
    Codebook<double> empty(1, 6, 3, rule);
    empty.restore(none.view(), no_sums.view(), rows(first));
    empty.update(CodeStatistics(1, 6, 3));
    CHECK(near(empty.codes(), rows(first), 0));
  }
}

TEST_CASE("what statistics of a codebook conserve", "[vq]") {
  Random random(11);
  for (int round = 0; round < 20; ++round) {
    const Index B = random.between(1, 3), T = random.between(0, 40), G = random.between(1, 2), H = G * random.between(1, 2), S = random.between(1, 9), K = random.one_of({1, 5, 70});
    Buffer<float> x(B, T, H, K);
    for (float& v : x) v = float(random.uniform(-1, 1));
    Buffer<int> z(B, T, H, 1);
    for (int& v : z) v = int(random.below(S));
    CodeStatistics whole(G, S, K), threads(G, S, K), first(G, S, K), rest(G, S, K);
    whole.add(exec::seq, x.view(), z.view()), threads.add(exec::Par{3}, x.view(), z.view());
    CHECK(std::memcmp(whole.sums().data, threads.sums().data, to_size(G * S * K) * 8) == 0);
    const Index cut = random.below(T + 1);
    first.add(exec::seq, x.view().tokens(0, cut), z.view().tokens(0, cut)), rest.add(exec::seq, x.view().tokens(cut, T - cut), z.view().tokens(cut, T - cut));
    first.merge(rest);
    double mass = 0;
    for (Index n = 0; n < G * S; ++n) {
      mass += whole.counts().data[n];
      CHECK(whole.counts().data[n] == first.counts().data[n]);
    }
    CHECK(mass == double(B * T * H));
    for (Index n = 0; n < G * S * K; ++n) CHECK(std::abs(whole.sums().data[n] - first.sums().data[n]) <= 1e-14 * double(B * T * H + 1));
    // sum of counts' = g sum of counts + (1 - g) T
    Codebook<float> book(G, S, K);
    init::Generator rng(7);
    book.initialise(rng);
    book.update(whole, 0.75);
    double after = 0;
    for (Index n = 0; n < G * S; ++n) after += book.counts().data[n];
    CHECK(std::abs(after - (0.75 * double(G * S) + 0.25 * mass)) <= 1e-12 * (after + 1));
  }
}

TEST_CASE("codes drawn from vectors", "[vq]") {
  Buffer<float> x(1, 12, 1, 2);
  for (Index t = 0; t < 12; ++t) x.view()(0, t, 0, 0) = float(t), x.view()(0, t, 0, 1) = float(-t);
  Buffer<std::uint8_t> mask(1, 12, 1, 1);
  mask.fill(1), mask[3] = 0;
  const VqOptions options{.mask = std::as_const(mask).view()};
  init::Generator rng(3);
  Codebook<float> book(1, 11, 2);
  book.initialise(rng, x.view(), options);
  std::vector<float> taken;
  for (Index s = 0; s < 11; ++s) {
    CHECK(book.codes().at(0, 0, 0, s, 0) == -book.codes().at(0, 0, 0, s, 1));
    CHECK(book.counts()(0, 0, 0, s) == 1);
    taken.push_back(book.codes().at(0, 0, 0, s, 0));
  }
  std::sort(taken.begin(), taken.end());
  CHECK(taken == std::vector<float>{0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11});    // each once, the masked one never
  CodeStatistics batch(1, 11, 2);
  Buffer<int> z(1, 12, 1, 1);
  z.fill(4);
  batch.add(exec::seq, x.view(), z.view());
  book.update(batch, 0.5);
  const Codebook<float> before = book;
  CHECK(book.revive(rng, x.view(), 1, options) == 10);
  for (Index s = 0; s < 11; ++s) CHECK((book.counts()(0, 0, 0, s) == 1) == (s != 4));
  CHECK(book.codes().at(0, 0, 0, 4, 1) == before.codes().at(0, 0, 0, 4, 1));
  CHECK(book.revive(rng, x.view().tokens(0, 0), 100) == 0);
  CHECK(before.counts()(0, 0, 0, 0) == 0.5);                // a copy is a copy
  Codebook<float> many(1, 30, 2);
  many.initialise(rng, x.view());                           // more codes than vectors: some come again
  for (Index s = 0; s < 30; ++s) CHECK(many.codes().at(0, 0, 0, s, 0) == -many.codes().at(0, 0, 0, s, 1));
}

TEST_CASE("a codebook in a file", "[vq][io]") {
  init::Generator rng(9);
  Codebook<float> book(2, 5, 3, {.least_count = 0.5, .keep_below = 0.1});
  book.initialise(rng);
  book.update(CodeStatistics(2, 5, 3), 0.01);
  const TemporaryFile file;
  SafetensorsWriter writer;
  save(writer, "layer.0", book), save(writer, "layer.1", Codebook<double>(1, 2, 2));
  writer.write(file.path());
  const SafetensorsFile read(file.path());
  const Codebook<float> again = load_codebook<float>(read, "layer.0");
  CHECK(same(again, book));
  CHECK((again.rule().least_count == 0.5 && again.rule().keep_below == 0.1 && again.rule().smoothing == 0));
  CHECK_THROWS_AS(load_codebook<float>(read, "layer.2"), FormatError);
  CHECK_THROWS_AS(load_codebook<float>(read, "layer.1"), FormatError);     // its codes are doubles
}

TEST_CASE("quantised values, their loss, and gradients straight through", "[vq]") {
  Random random(21);
  for (int round = 0; round < 30; ++round) {
    const Index B = random.between(1, 2), T = random.between(0, 9), G = random.between(1, 2), H = G * random.between(1, 2), S = random.between(1, 6), K = random.between(1, 5);
    INFO("round " << round);
    Buffer<double> x(B, T, H, K), codes(1, 1, G, S, K), y(B, T, H, K), y_bar(B, T, H, K), x_bar(B, T, H, K);
    Buffer<int> z(B, T, H, 1);
    for (Buffer<double>* v : {&x, &codes, &y_bar})
      for (double& n : *v) n = random.uniform(-1, 1);
    for (int& n : z) n = int(random.below(S));
    Buffer<std::uint8_t> mask(B, T, 1, 1);
    for (auto& m : mask) m = random.one_in(3) ? 0 : 1;
    VqOptions options;
    if (round % 2 == 0) options.mask = std::as_const(mask).view();
    y.fill(77), x_bar.fill(77);
    quantise(exec::Par{2}, codes.view(), z.view(), y.view(), options);
    const double weight = round % 3 == 0 ? 0 : 0.3;
    const bool lone = round % 5 == 4;
    quantise_vjp(exec::Par{2}, x.view(), codes.view(), z.view(), lone ? View<const double>{} : y_bar.view(), x_bar.view(), weight, options);
    // The loss with codes held fast, and y as if it were x.
    double loss = 0;
    Index tokens = 0;
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t) tokens += vq::is_there(options.mask, b, t);
    for (Index b = 0; b < B; ++b)
      for (Index t = 0; t < T; ++t)
        for (Index h = 0; h < H; ++h)
          for (Index k = 0; k < K; ++k) {
            const bool there = vq::is_there(options.mask, b, t);
            const double c = codes.view().at(0, 0, h / (H / G), z.view()(b, t, h, 0), k), off = x.view()(b, t, h, k) - c;
            CHECK(y.view()(b, t, h, k) == (there ? c : 0));
            if (there) loss += off * off / double(tokens);
            const double want = there ? (lone ? 0 : y_bar.view()(b, t, h, k)) + weight * 2 * off / double(tokens) : 0;
            CHECK(std::abs(x_bar.view()(b, t, h, k) - want) <= 1e-15);
          }
    CHECK(std::abs(commitment_loss(exec::Par{3}, x.view(), codes.view(), z.view(), options) - loss) <= 1e-14 * (1 + loss));
    if (T > 0) {
      z[0] = int(S);
      y.fill(5);
      if (vq::is_there(options.mask, 0, 0)) {
        CHECK_THROWS_AS(quantise(exec::seq, codes.view(), z.view(), y.view(), options), ShapeError);
        CHECK(std::count(y.begin(), y.end(), 5.0) == y.size());
      }
    }
  }
}

TEST_CASE("how a codebook is used", "[vq]") {
  const double counts[] = {4, 4, 0, 0.5, 2, 2, 2, 2};
  const CodeUsage first = code_usage(lcsm::view(counts, 1, 1, 2, 1, 4), 0), second = code_usage(lcsm::view(counts, 1, 1, 2, 1, 4), 1);
  CHECK(std::abs(second.entropy - std::log(4.0)) < 1e-15);
  CHECK(std::abs(second.perplexity - 4) < 1e-14);
  CHECK((first.dead == 2 && first.least == 0 && first.most == 4 && first.mean == 8.5 / 4 && second.dead == 0));
  CHECK(code_usage(lcsm::view(counts + 2, 1, 1, 1, 1, 1)).entropy == 0);
  const double codes[] = {3, 4, -3, -4, 4, -3, 0, 0}, x[] = {3, 4, 8, -6};
  const int z[] = {0, 2};
  const Buffer<double> cosines = code_cosines(lcsm::view(codes, 1, 1, 1, 4, 2));
  CHECK((cosines[0] == 1 && cosines[1] == -1 && std::abs(cosines[2]) < 1e-15 && cosines[3] == 0));
  const std::vector<double> error = quantisation_error(exec::seq, lcsm::view(x, 1, 2, 1, 2), lcsm::view(codes, 1, 1, 1, 4, 2), lcsm::view(z, 1, 2, 1, 1));
  CHECK(std::abs(error[0] - std::sqrt(25.0 / 125)) < 1e-15);
  CHECK_THROWS_AS(code_usage(lcsm::view(counts, 1, 1, 2, 1, 4), 2), ShapeError);
}
