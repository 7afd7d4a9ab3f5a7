// SPDX-License-Identifier: MIT
#include <lcsm/simd/math.hpp>

#include "support/catch.hpp"
#include "ulp.hpp"

#include <limits>
#include <vector>

// Arguments at which vector math libraries have been wrong (NaN turned into 0, exp clamped too early, tanh NaN above 44, softplus with a cut or
// an overflow) with values computed to 50 digits.

namespace {

namespace math = lcsm::math;

constexpr float nanf = std::numeric_limits<float>::quiet_NaN(), inff = std::numeric_limits<float>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

struct Exp { float x; double exp, tanh, sigmoid; };
const std::vector<Exp> exps{
    {nanf, nan, nan, nan},
    {inff, inf, 1.0, 1.0},
    {-inff, 0.0, -1.0, 0.0},
    {0.0f, 1.0, 0.0, 0.5},
    {-0.0f, 1.0, 0.0, 0.5},
    {1e-30f, 1.0, 1.0000000031710769e-30, 0.5},
    {-1e-30f, 1.0, -1.0000000031710769e-30, 0.5},
    {9.99999975e-05f, 1.0001000049976403, 9.999999714045421e-05, 0.5000249999993476},
    {-9.99999975e-05f, 0.9999000050023593, -9.999999714045421e-05, 0.49997500000065237},
    {1.0f, 2.718281828459045, 0.7615941559557649, 0.7310585786300049},
    {-1.0f, 0.36787944117144233, -0.7615941559557649, 0.2689414213699951},
    {9.0f, 8103.083927575384, 0.999999969540041, 0.9998766054240138},
    {-9.0f, 0.00012340980408667956, -0.999999969540041, 0.00012339457598623172},
    {44.0f, 1.2851600114359308e+19, 1.0, 1.0},
    {-44.0f, 7.781132241133797e-20, -1.0, 7.781132241133797e-20},
    {50.0f, 5.184705528587072e+21, 1.0, 1.0},
    {-50.0f, 1.9287498479639178e-22, -1.0, 1.9287498479639178e-22},
    {-87.3000031f, 1.219243375110829e-38, -1.0, 1.219243375110829e-38},
    {-87.4000015f, 1.1032187108696068e-38, -1.0, 1.1032187108696068e-38},
    {-100.0f, 3.720075976020836e-44, -1.0, 3.720075976020836e-44},
    {-103.900002f, 7.53013335774739e-46, -1.0, 7.53013335774739e-46},
    {-104.099998f, 6.165170569344895e-46, -1.0, 6.165170569344895e-46},
    {88.6999969f, 3.3259768301593062e+38, 1.0, 1.0},
    {88.8000031f, 3.6757953020910864e+38, 1.0, 1.0},
};
struct Log { float x; double log; };
const std::vector<Log> logs{
    {0.0f, -inf},
    {-0.0f, -inf},
    {1.0f, 0.0},
    {9.9999461e-41f, -92.10340910966488},
    {9.99999968e+37f, 87.4982335018023},
    {inff, inf},
    {-1.0f, nan},
    {nanf, nan},
    {0.99999994f, -5.960464655174753e-08},
    {1.00000012f, 1.1920928244535446e-07},
};
struct Softplus { float x; double softplus, derivative; };
const std::vector<Softplus> softpluses{
    {-103.0f, 1.8521167695179754e-45, 1.8521167695179754e-45},
    {-88.0f, 6.054601895401186e-39, 6.054601895401186e-39},
    {-60.0f, 8.75651076269652e-27, 8.75651076269652e-27},
    {-30.0f, 9.357622968839737e-14, 9.357622968839299e-14},
    {-17.0f, 4.139937633089748e-08, 4.1399375473943306e-08},
    {-1.0f, 0.3132616875182228, 0.2689414213699951},
    {-9.99999994e-09f, 0.6931471755599453, 0.4999999975},
    {0.0f, 0.6931471805599453, 0.5},
    {9.99999994e-09f, 0.6931471855599453, 0.5000000025},
    {1.0f, 1.3132616875182228, 0.7310585786300049},
    {16.0f, 16.00000011253517, 0.9999998874648379},
    {19.9999981f, 19.999998094712524, 0.9999999979388424},
    {20.0f, 20.000000002061153, 0.9999999979388464},
    {20.0000019f, 20.000001909409782, 0.9999999979388503},
    {30.0f, 30.000000000000092, 0.9999999999999064},
    {88.0f, 88.0, 1.0},
    {89.0f, 89.0, 1.0},
    {1000.0f, 1000.0, 1.0},
};

// Every row, on a scalar and in every lane of a batch.
template <class Row, class F> void check(const std::vector<Row>& rows, double Row::*right, F f) {
  for (const Row& row : rows) {
    CAPTURE(row.x, row.*right);
    const float y = f(row.x);
    CHECK(lcsm_test::ulps(y, row.*right) <= 2.0);
    const std::vector<float> x(static_cast<std::size_t>(lcsm::simd::width<lcsm::Batch<float>>), row.x);
    for (const float lane : lcsm_test::in_lanes<float>(x, f)) CHECK((lcsm_test::same_bits(lane, y) || (lane != lane && y != y)));
  }
}

}  // namespace

TEST_CASE("exp, tanh and sigmoid where others failed", "[simd][math]") {
  check(exps, &Exp::exp, [](auto v) { return math::exp(v); });
  check(exps, &Exp::sigmoid, [](auto v) { return math::sigmoid(v); });
  // The table has tanh(-0) = 0; the sign of zero is checked elsewhere.
  std::vector<Exp> rows = exps;
  for (Exp& row : rows)
    if (row.x == 0.0f) row.tanh = static_cast<double>(row.x);
  check(rows, &Exp::tanh, [](auto v) { return math::tanh(v); });
}

TEST_CASE("log at its ends", "[simd][math]") {
  check(logs, &Log::log, [](auto v) { return math::log(v); });
}

TEST_CASE("softplus has no cut, and its derivative is the sigmoid", "[simd][math]") {
  check(softpluses, &Softplus::softplus, [](auto v) { return math::softplus(v); });
  check(softpluses, &Softplus::derivative, [](auto v) { return math::sigmoid(v); });
  for (const Softplus& row : softpluses) CHECK(lcsm_test::same_bits(math::log_sigmoid(-row.x), -math::softplus(row.x)));
}
