#include "fuzz/base/prng.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace shootdown {
namespace {

// SplitMix64 with seed 1234567: the reference values of its public test vectors.
TEST(PrngTest, GivesThePublishedSequence) {
  Prng prng(1234567);

  for (const std::uint64_t wanted :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
        16408922859458223821u}) {
    EXPECT_EQ(prng.Next(), wanted);
  }
}

TEST(PrngTest, BelowStaysBelowAndReachesEveryNumber) {
  constexpr std::uint32_t kBound = 7;
  std::array<int, kBound> count{};
  Prng prng(1);

  for (int i = 0; i < 7'000; ++i) {
    const std::uint32_t n = prng.Below(kBound);
    ASSERT_LT(n, kBound);
    ++count[n];
  }

  for (const int c : count) EXPECT_NEAR(c, 1'000, 150);
  EXPECT_EQ(prng.Below(1), 0u);
}

}  // namespace
}  // namespace shootdown
