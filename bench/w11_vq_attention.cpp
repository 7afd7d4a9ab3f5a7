// SPDX-License-Identifier: MIT
// W11: attention over 512 codes, 8 heads of keys and values of 64, no window: 2 S (K + D) operations per token and head; and the search of the nearest code, 2 S K.
#include <lcsm/attention/attend.hpp>
#include <lcsm/attention/attend_vq.hpp>
#include <lcsm/vq/nearest.hpp>
#include <lcsm/vq/quantise.hpp>

#include "workload.hpp"

using namespace bench;

int main(int argc, char** argv) {
  limit::add_fma();
  constexpr Index H = 8, S = 512, K = 64, D = 64;
  for (const Index T : {1024, 8192}) {
    auto* q = new lcsm::Buffer<float>(numbers(1, T, H, K));
    auto* k = new lcsm::Buffer<float>(numbers(1, T, H, K));
    auto* v = new lcsm::Buffer<float>(numbers(1, T, H, D));
    auto* codes = new lcsm::Buffer<float>(1, 1, H, S, K);
    auto* code = new lcsm::Buffer<std::int32_t>(1, T, H, 1);
    auto* y = new lcsm::Buffer<float>(1, T, H, D);
    const lcsm::Buffer<float> book = numbers(1, 1, H, S * K);
    std::copy(book.begin(), book.end(), codes->begin());
    const lcsm::View<const float> keys = *k, table = *codes;
    const auto search = [=](const auto& exec) { lcsm::nearest_codes(exec, keys, table, code->view()); };
    search(lcsm::exec::seq);
    for (Index t = 0; t < 5; ++t)
      for (Index h = 0; h < H; ++h) {
        const auto far = [&](Index s) {
          double sum = 0;
          for (Index a = 0; a < K; ++a) sum += std::pow(double(keys(0, t, h, a)) - double(table.at(0, 0, h, s, a)), 2);
          return sum;
        };
        double least = far(0);
        for (Index s = 1; s < S; ++s) least = std::min(least, far(s));
        check_number("W11 search", far(code->view()(0, t, h, 0)), least, least);
      }
    const lcsm::VqInputs<const float> in{q->view(), table, v->view(), {}, code->view()};
    const auto attend = [=](const auto& exec) { lcsm::attend_vq(exec, in, y->view(), lcsm::VqAttentionOptions<float>{}); };
    attend(lcsm::exec::seq);
    lcsm::Buffer<float> quantised(1, 64, H, K), dense(1, 64, H, D);      // the first tokens against attention over quantised keys
    lcsm::quantise(lcsm::exec::seq, table, lcsm::View<const std::int32_t>(code->view()).tokens(0, 64), quantised.view());
    lcsm::attend(lcsm::exec::seq, lcsm::SoftmaxAttention{}, lcsm::SoftmaxAttention::In<const float>{lcsm::View<const float>(q->view()).tokens(0, 64), std::as_const(quantised).view(), lcsm::View<const float>(v->view()).tokens(0, 64), {}}, dense.view());
    for (Index n = 0; n < dense.size(); ++n) check_number("W11", double((*y)[n]), double(dense[n]), 1);
    const std::string sizes = "/T=" + std::to_string(T);
    add("W11/far attention over codes" + sizes, "limit/fma", 2.0 * double(S * (K + D) * H) * double(T), double(T), attend);
    add("W11/nearest code" + sizes, "limit/fma", 2.0 * double(S * K * H) * double(T), double(T), search);
  }
  return measure(argc, argv);
}
