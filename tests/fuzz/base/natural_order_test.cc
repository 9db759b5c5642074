#include "fuzz/base/natural_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace shootdown {
namespace {

TEST(NaturalOrderTest, NumbersInNamesAreCounted) {
  std::vector<std::string> names = {"W10-x", "7.10-b", "7.9-a", "W2-x", "seed", "7.9-a-fixed", "10.1"};

  std::ranges::sort(names, NaturalLess);

  EXPECT_EQ(names, (std::vector<std::string>{"7.9-a", "7.9-a-fixed", "7.10-b", "10.1", "W2-x", "W10-x",
                                             "seed"}));
}

TEST(NaturalOrderTest, EqualNumbersAreToldApartByTheirBytes) {
  EXPECT_TRUE(NaturalLess("a07", "a7"));
  EXPECT_FALSE(NaturalLess("a7", "a07"));
  EXPECT_FALSE(NaturalLess("a7", "a7"));
}

TEST(NaturalOrderTest, NumbersMayBeLongerThanAnyInteger) {
  EXPECT_TRUE(NaturalLess("x99999999999999999999998", "x99999999999999999999999"));
  EXPECT_TRUE(NaturalLess("x9", "x99999999999999999999999"));
}

TEST(NaturalOrderTest, IsAStrictOrder) {
  const std::vector<std::string> names = {"", "0", "00", "1", "01", "a", "a1", "a01b", "a1b", "a10", "-"};
  for (const std::string& a : names) {
    for (const std::string& b : names) {
      EXPECT_EQ(NaturalLess(a, b) || NaturalLess(b, a), a != b) << a << " and " << b;
      EXPECT_FALSE(NaturalLess(a, b) && NaturalLess(b, a)) << a << " and " << b;
      for (const std::string& c : names) {
        if (NaturalLess(a, b) && NaturalLess(b, c)) {
          EXPECT_TRUE(NaturalLess(a, c)) << a << ", " << b << ", " << c;
        }
      }
    }
  }
}

}  // namespace
}  // namespace shootdown
