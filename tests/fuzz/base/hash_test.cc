#include "fuzz/base/hash.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "fuzz/base/content_hash.h"

namespace shootdown {
namespace {

// The vectors of the FNV page: http://www.isthe.com/chongo/tech/comp/fnv/ (FNV-1a, 32 bits).
TEST(HashNameTest, IsFnv1a) {
  EXPECT_EQ(HashName(""), 0x811c9dc5u);
  EXPECT_EQ(HashName("a"), 0xe40c292cu);
  EXPECT_EQ(HashName("foobar"), 0xbf9cf968u);
  EXPECT_EQ(HashName("bar", HashName("foo")), HashName("foobar"));
}

TEST(CombineTest, OrderMatters) {
  EXPECT_NE(Combine(1, 2), Combine(2, 1));
  EXPECT_NE(Combine(0, 1), Combine(0, 2));
}

TEST(Mix64Test, SmallNumbersDoNotCollide) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 10'000; ++i) seen.insert(Mix64(i));

  EXPECT_EQ(seen.size(), 10'000u);
}

// XXH3, 128 bits, seed 0, of nothing: the value that xxHash's own tests fix.
TEST(ContentHashTest, OfNothingIsTheSpecifiedValue) {
  EXPECT_EQ(ToHex(HashBytes("")), "99aa06d3014798d86001c324468d497f");
}

TEST(ContentHashTest, HexHasAllDigitsOfBothHalves) {
  EXPECT_EQ(ToHex({.high = 1, .low = 0xab}), "000000000000000100000000000000ab");
}

TEST(ContentHashTest, EveryByteCounts) {
  const std::string zero(3, '\0');
  const std::string longer(4, '\0');

  EXPECT_NE(HashBytes(zero), HashBytes(longer));
  EXPECT_NE(HashBytes("abc"), HashBytes("abd"));
  EXPECT_EQ(HashBytes("abc"), HashBytes(std::string("abc")));
}

}  // namespace
}  // namespace shootdown
