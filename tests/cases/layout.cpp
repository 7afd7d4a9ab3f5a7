// SPDX-License-Identifier: MIT
// Strides: transposed views, slices of one wide projection, the orientation of a state, offsets beyond 2^31.
#include "mixers.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

using namespace lcsm;
using namespace lcsm::test;

TEMPLATE_TEST_CASE("transposed views next to packed ones", "[cases][layout_01]", float, double) {
  using T = TestType;
  const Case file(case_path("layout_01"));
  const Numbers<T> q(file.in("q_base"), "hbtf"), v(file.in("v_base"), "bhft"), k(file.in("k"), "bthf"), g(file.in("g"), "bthf");
  REQUIRE(v.view().stride[4] == 5);
  const Problem p{.batch = 3, .tokens = 5, .heads = 2, .keys = 2, .values = 3, .chunks = {2, 4, 64}};
  const GatedAttention::In<const T> in{.q = q.view(), .k = k.view(), .v = v.view(), .g = g.view()};
  every_way<GatedAttention, T>(in, p, agrees_with<T>(file, "o", "final_state"));

  // The kind: an output of any strides, too, and inputs on the other side of every axis.
  const Array right = file.out("o");
  const Index B = 3, L = 5, H = 2, D = 3;
  struct Strides { Index b, t, h, f; };
  for (const Strides s : {Strides{1, B, B * L, B * L * H}, {H * D * L, 1, L, L * H}, {2 * L * H * D, 2 * H * D, 2 * D, 2}, {-L * H * D, -H * D, -D, -1}, {L * D, D, B * L * D, 1}})
    for (const Way& way : ways_of<GatedAttention, T>({4})) {
      INFO(way.name << ", output strides " << s.b << " " << s.t << " " << s.h << " " << s.f);
      Guarded<T> out(2 * B * L * H * D, std::numeric_limits<T>::quiet_NaN());
      const View<T> y(s.f < 0 ? out.data() + B * L * H * D - 1 : out.data(), {B, L, H, 1, D}, {s.b, s.t, s.h, 0, s.f});
      run<GatedAttention>(way, Threads{}, in, y, Options<T>{});
      CHECK(out.intact());
      agrees(widened<T>(y), arrange(right, "bthf"), tolerance<T>(file));
      Index written = 0;
      for (Index n = 0; n < out.size(); ++n) written += !std::isnan(out.data()[n]);
      CHECK(written == B * L * H * D);
    }
}

TEMPLATE_TEST_CASE("slices of one wide projection on any border", "[cases][layout_02]", float, double) {
  using T = TestType;
  const Case file(case_path("layout_02"));
  const Array stored = file.in("zx");
  const Numbers<T> A(file.in("A"), "hfr");
  const Index B = 2, L = 4, W = 19, H = 3, P = 2, N = 4;
  const Problem p{.batch = B, .tokens = L, .heads = H, .keys = N, .values = P, .chunks = {2, 4, 64}};
  for (Index shift = 0; shift < 16; ++shift) {              // the case asks for 4 bytes past a border: all of them
    INFO("first number " << shift << " after a border of 64 bytes");
    Buffer<T> zx(shift + B * L * W);
    for (Index n = 0; n < B * L * W; ++n) zx[shift + n] = static_cast<T>(stored[to_size(n)]);
    const T* row = zx.data() + shift;
    const auto columns = [&](Index first, Index heads, Index features) { return View<const T>(row + first, {B, L, heads, 1, features}, {L * W, W, features, 0, 1}); };
    const SelectiveScalar::In<const T> in{.x = columns(1, H, P), .delta = columns(15, H, 1), .B = columns(7, 1, N), .C = columns(11, 1, N), .A = per_head(A)};
    every_way<SelectiveScalar, T>(in, p, agrees_with<T>(file, "y", "final_state", "bhfr"));
  }
}

TEMPLATE_TEST_CASE("a state is [key, value]", "[cases][layout_04]", float, double) {
  using T = TestType;
  const Case file(case_path("layout_04"));
  const GatedInputs<T> inputs(file);
  const Array h0 = file.in("h0"), right = file.out("o"), right_state = file.out("final_state");
  Problem p = inputs.problem();
  p.initial = arrange(h0, "bhrf");
  every_way<GatedAttention, T>(inputs.in(), p, agrees_with<T>(file, "o", "final_state"));

  // Rows of a caller's state any distance apart; imported and exported in place.
  const Index B = 2, H = 2, K = 3, D = 3;
  for (const Way& way : ways_of<GatedAttention, T>({2, 64})) {
    INFO(way.name);
    Guarded<T> memory(B * H * K * 7, std::numeric_limits<T>::quiet_NaN()), y(B * 4 * H * D, std::numeric_limits<T>::quiet_NaN());
    std::vector<std::int64_t> position(to_size(B), 0);
    StateView<T> state;
    state.m = View<T>(memory.data(), {B, 1, H, K, D}, {H * K * 7, 0, 7, 7 * H, 1});
    state.position = lcsm::view(position.data(), B, 1, 1, 1);
    for (Index b = 0; b < B; ++b)
      for (Index h = 0; h < H; ++h)
        for (Index a = 0; a < K; ++a)
          for (Index c = 0; c < D; ++c) state.m.at(b, 0, h, a, c) = static_cast<T>(p.initial.at(b, 0, h, a, c));
    const View<T> out = lcsm::view(y.data(), B, 4, H, D);
    run<GatedAttention>(way, Threads{}, inputs.in(), out, Options<T>{.initial = state, .final = state});
    CHECK(memory.intact());
    agrees(widened<T>(out), arrange(right, "bthf"), tolerance<T>(file));
    agrees(widened<T>(state.m), arrange(right_state, "bhrf"), tolerance<T>(file));
    Index written = 0;
    for (Index n = 0; n < memory.size(); ++n) written += !std::isnan(memory.data()[n]);
    CHECK(written == B * H * K * D);
  }
}

TEST_CASE("offsets are signed and 64 bits wide", "[cases][long_03]") {
  const Case file(case_path("long_03"));
  const std::vector<std::int64_t> rows = file.integers("in.bthd_and_strides"), right = file.integers("out.offset");
  REQUIRE(right.size() == 6);
  REQUIRE(rows.size() == 48);
  for (std::size_t n = 0; n < right.size(); ++n) {
    const std::int64_t* r = rows.data() + 8 * n;
    const float* none = nullptr;
    const View<const float> v(none, {r[0] + 1, r[1] + 1, r[2] + 1, 1, r[3] + 1}, {r[4], r[5], r[6], 0, r[7]});
    CHECK(v.offset(r[0], r[1], r[2], 0, r[3]) == right[n]);
  }
}

#if defined(__linux__)
namespace {

// Address space without memory: only pages that are touched exist.
class Reserved {
 public:
  explicit Reserved(std::size_t bytes) : bytes_(bytes), data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  Reserved(const Reserved&) = delete;
  ~Reserved() { if (good()) munmap(data_, bytes_); }
  bool good() const { return data_ != MAP_FAILED; }
  template <class T> T* at(Index n) const { return static_cast<T*>(data_) + n; }

 private:
  std::size_t bytes_;
  void* data_;
};

}  // namespace

TEMPLATE_TEST_CASE("batches more than 2^31 numbers apart", "[cases][long_03]", float, double) {
  using T = TestType;
  const Case file(case_path("long_03"));
  const Index far = (Index(1) << 31) + 16, L = 3, K = 2;
  const Reserved space(to_size(far + 4096) * sizeof(T));
  REQUIRE(space.good());
  Index taken = 0;
  const auto place = [&](Index features) {
    const View<T> v(space.at<T>(taken), {2, L, 1, 1, features}, {far, 64, 0, 0, 1});
    taken += features;
    return v;
  };
  const auto fill = [&](const char* name) {
    const Array from = file.in(name);
    const View<const double> x = arrange(from, "bthf");
    const View<T> to = place(K);
    for (Index b = 0; b < 2; ++b)
      for (Index t = 0; t < L; ++t)
        for (Index a = 0; a < K; ++a) to.at(b, t, 0, 0, a) = static_cast<T>(x.at(b, t, 0, 0, a));
    return View<const T>(to);
  };
  const GatedAttention::In<const T> in{.q = fill("q"), .k = fill("k"), .v = fill("v"), .g = fill("g")};
  const View<T> y = place(K);
  StateView<T> state;                                       // the memories lie as far apart
  state.m = View<T>(space.at<T>(512), {2, 1, 1, K, K}, {far, 0, 0, 8, 1});
  std::int64_t position[2] = {};
  state.position = lcsm::view(position, 2, 1, 1, 1);
  const Array right = file.out("o"), right_state = file.out("final_state");
  for (const Way& way : ways_of<GatedAttention, T>({2, 64})) {
    INFO(way.name);
    for (Index b = 0; b < 2; ++b)
      for (Index t = 0; t < L; ++t)
        for (Index c = 0; c < K; ++c) y.at(b, t, 0, 0, c) = std::numeric_limits<T>::quiet_NaN();
    run<GatedAttention>(way, Threads{}, in, y, Options<T>{.final = state});
    agrees(widened<T>(y), arrange(right, "bthf"), tolerance<T>(file));
    agrees(widened<T>(state.m), arrange(right_state, "bhrf"), tolerance<T>(file));
  }
}
#endif
