#include "proto/printable.h"

#include <gtest/gtest.h>

namespace shootdown {
namespace {

struct Case {
  const char* name;
  std::string_view text;
  int offset;  // -1: printable
  const char* what = "";
};

class PrintableTest : public testing::TestWithParam<Case> {};

TEST_P(PrintableTest, SaysWhereAndWhat) {
  const auto found = FindUnprintable(GetParam().text, LineBreaks::kNo);

  ASSERT_EQ(found.has_value(), GetParam().offset >= 0);
  if (!found.has_value()) return;
  EXPECT_EQ(found->offset, static_cast<std::size_t>(GetParam().offset));
  EXPECT_EQ(found->what, GetParam().what);
}

using namespace std::string_view_literals;

INSTANTIATE_TEST_SUITE_P(
    All, PrintableTest,
    testing::Values(
        Case{"Empty", ""sv, -1}, Case{"Ascii", " ~az"sv, -1},
        Case{"TwoThreeAndFourBytes", "é€😀"sv, -1},
        Case{"LeastAndMostOfEachLength", "\xc2\xa0\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbd"sv,
             -1},
        Case{"Nul", "a\0"sv, 1, "control character U+0000"},
        Case{"LineBreak", "a\nb"sv, 1, "control character U+000A"},
        Case{"Delete", "\x7f"sv, 0, "control character U+007F"},
        Case{"C1", "a\xc2\x85"sv, 1, "control character U+0085"},
        Case{"Continuation", "\x80"sv, 0, "byte 0x80, which is not UTF-8"},
        Case{"CutShort", "ab\xe2\x82"sv, 2, "byte 0xe2, which is not UTF-8"},
        Case{"OverlongTwo", "\xc1\xbf"sv, 0, "byte 0xc1, which is not UTF-8"},
        Case{"OverlongThree", "\xe0\x9f\xbf"sv, 0, "byte 0xe0, which is not UTF-8"},
        Case{"OverlongFour", "\xf0\x8f\xbf\xbf"sv, 0, "byte 0xf0, which is not UTF-8"},
        Case{"Surrogate", "\xed\xa0\x80"sv, 0, "byte 0xed, which is not UTF-8"},
        Case{"BeyondUnicode", "\xf4\x90\x80\x80"sv, 0, "byte 0xf4, which is not UTF-8"},
        Case{"BadContinuation", "é\xc3z"sv, 2, "byte 0xc3, which is not UTF-8"},
        Case{"LineSeparator", "\xe2\x80\xa8"sv, 0, "line separator U+2028"},
        Case{"DirectionOverride", "x\xe2\x80\xae"sv, 1, "writing direction mark U+202E"},
        Case{"ZeroWidthSpace", "\xe2\x80\x8b"sv, 0, "invisible character U+200B"},
        Case{"ByteOrderMark", "\xef\xbb\xbfx"sv, 0, "byte order mark U+FEFF"},
        Case{"Noncharacter", "\xef\xbf\xbe"sv, 0, "noncharacter U+FFFE"},
        Case{"NoncharacterOfAHigherPlane", "\xf4\x8f\xbf\xbf"sv, 0, "noncharacter U+10FFFF"}),
    [](const auto& test) { return test.param.name; });

TEST(PrintableLineBreaksTest, LineBreaksAndTabsPassWhereTheyMay) {
  EXPECT_FALSE(FindUnprintable("a\tb\r\n", LineBreaks::kYes).has_value());
  EXPECT_TRUE(FindUnprintable("a\vb", LineBreaks::kYes).has_value());
}

TEST(IsUtf8Test, AnyCharacterIsFineAndAnyOtherByteIsNot) {
  EXPECT_TRUE(IsUtf8("a\n\x01\xe2\x80\xae"));
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_FALSE(IsUtf8("a\xff"));
  EXPECT_FALSE(IsUtf8("\xe2\x80"));
}

}  // namespace

}  // namespace shootdown
