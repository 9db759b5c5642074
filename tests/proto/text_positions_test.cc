#include "proto/text_positions.h"

#include <gtest/gtest.h>

#include "tests/proto/print_position.h"

namespace shootdown {
namespace {

TEST(TextPositionsTest, AScalarStandsWhereItsValueBegins) {
  const TextPositions positions = TextPositions::Of("name: \"a\"\n  cpu:  7");

  EXPECT_EQ(positions.At("name"), (TextPosition{1, 7}));
  EXPECT_EQ(positions.At("cpu"), (TextPosition{2, 9}));
}

TEST(TextPositionsTest, AMessageStandsWhereItsFieldBegins) {
  const TextPositions positions = TextPositions::Of(" a { } b < c: 1 > d: { c: 2 }");

  EXPECT_EQ(positions.At("a"), (TextPosition{1, 2}));
  EXPECT_EQ(positions.At("b"), (TextPosition{1, 8}));
  EXPECT_EQ(positions.In("b").At("c"), (TextPosition{1, 15}));
  EXPECT_EQ(positions.In("d").At("c"), (TextPosition{1, 27}));
}

TEST(TextPositionsTest, EveryElementOfAListHasItsPlace) {
  const TextPositions positions =
      TextPositions::Of("op: [\"a\",\n \"b\" \"still b\",\n  -3] op: \"d\"\nt: [{x: 1}, <x: 2>]");

  EXPECT_EQ(positions.At("op", 0), (TextPosition{1, 6}));
  EXPECT_EQ(positions.At("op", 1), (TextPosition{2, 2}));
  EXPECT_EQ(positions.At("op", 2), (TextPosition{3, 3}));
  EXPECT_EQ(positions.At("op", 3), (TextPosition{3, 11}));
  EXPECT_EQ(positions.At("t", 1), (TextPosition{4, 13}));
  EXPECT_EQ(positions.In("t", 1).At("x"), (TextPosition{4, 17}));
}

TEST(TextPositionsTest, SeparatorsAndCommentsDoNotDisturb) {
  const TextPositions positions =
      TextPositions::Of("# op: \"no\"\na: 1; b: 2, c: \"x ] } ,\" # c: 3\nd: []\ne: 5");

  EXPECT_EQ(positions.At("a"), (TextPosition{2, 4}));
  EXPECT_EQ(positions.At("b"), (TextPosition{2, 10}));
  EXPECT_EQ(positions.At("c"), (TextPosition{2, 16}));
  EXPECT_EQ(positions.At("d"), (TextPosition{}));
  EXPECT_EQ(positions.At("e"), (TextPosition{4, 4}));
}

TEST(TextPositionsTest, WhatIsNotThereHasNoPlace) {
  const TextPositions positions = TextPositions::Of("a { }");

  EXPECT_EQ(positions.At("b"), (TextPosition{}));
  EXPECT_EQ(positions.At("a", 1), (TextPosition{}));
  EXPECT_EQ(positions.In("b").In("c", 9).At("d"), (TextPosition{}));
  EXPECT_EQ(TextPositions::Of("").At("a"), (TextPosition{}));
}

TEST(TextPositionsTest, TheLastWordBeforeAPlaceIsFound) {
  const std::string_view text = "a: 1\nb: a a: 2";

  EXPECT_EQ(LastWordBefore(text, "a", {2, 6}), (TextPosition{2, 4}));
  EXPECT_EQ(LastWordBefore(text, "a", {2, 4}), (TextPosition{1, 1}));
  EXPECT_EQ(LastWordBefore(text, "z", {2, 4}), (TextPosition{2, 4}));
}

}  // namespace
}  // namespace shootdown
