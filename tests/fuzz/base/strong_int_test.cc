#include "fuzz/base/strong_int.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace shootdown {
namespace {

using Apple = StrongInt<struct AppleTag, std::uint8_t>;
using Pear = StrongInt<struct PearTag, std::uint8_t>;

static_assert(!std::is_convertible_v<int, Apple>);
static_assert(!std::is_convertible_v<Apple, int>);
static_assert(!std::is_convertible_v<Apple, Pear>);
static_assert(!std::is_constructible_v<Apple, Pear>);

TEST(StrongIntTest, OrdersAndComparesByValue) {
  EXPECT_EQ(Apple().value(), 0);
  EXPECT_EQ(Apple(3), Apple(3));
  EXPECT_LT(Apple(3), Apple(4));
}

}  // namespace
}  // namespace shootdown
