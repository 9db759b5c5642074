// Every card comes before any comes again.
#include "fuzz/strategy/deck.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace shootdown {
namespace {

TEST(DeckTest, EachCardComesAsOftenAsItIsThereBeforeAnyComesAgain) {
  Deck<char> deck;
  deck.Add('a', 1);
  deck.Add('b', 3);
  Prng prng(1);

  for (int n = 0; n < 100; ++n) {
    std::map<char, int> counts;
    for (int i = 0; i < 4; ++i) ++counts[deck.Deal(prng)];
    EXPECT_EQ(counts, (std::map<char, int>{{'a', 1}, {'b', 3}}));
  }
}

TEST(DeckTest, EachOrderIsAsLikely) {
  Deck<char> deck;
  for (const char card : {'a', 'b', 'c'}) deck.Add(card, 1);
  Prng prng(1);

  std::map<std::string, int> orders;
  for (int n = 0; n < 6000; ++n) {
    std::string order;
    for (int i = 0; i < 3; ++i) order += deck.Deal(prng);
    ++orders[order];
  }

  EXPECT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 150) << order;
}

TEST(DeckTest, OthersTakeTheirPlace) {
  Deck<char> deck;
  deck.Add('a', 2);
  Prng prng(1);
  (void)deck.Deal(prng);
  deck.Clear();
  deck.Add('b', 1);

  EXPECT_EQ(deck.Deal(prng), 'b');
  EXPECT_EQ(deck.Deal(prng), 'b');
}

}  // namespace
}  // namespace shootdown
