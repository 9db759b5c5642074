// The value: binary form, text form, canonical form.
#include "fuzz/schedule/schedule.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"

namespace shootdown {
namespace {

constexpr int kRandomCount = 10'000;

std::vector<std::uint8_t> RandomBytes(Prng& prng) {
  std::vector<std::uint8_t> bytes(prng.Below(80));
  // Small numbers half of the time, so that decisions meet at one anchor.
  const std::uint32_t bound = prng.OneIn(2) ? 256 : 4;
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(prng.Below(bound));
  return bytes;
}

TEST(ScheduleTest, EveryByteStringDecodesToACanonicalSchedule) {
  Prng prng(1);
  for (int n = 0; n < kRandomCount; ++n) {
    const Schedule schedule = Schedule::Decode(RandomBytes(prng));

    ASSERT_EQ(schedule.Canonical(), schedule) << schedule.ToText();
    for (const Decision& d : schedule.decisions()) {
      ASSERT_LT(static_cast<int>(d.kind), Decision::kKindCount);
      ASSERT_LE(d.index, Decision::kIndexMax);
      ASSERT_NE(d.actor.actor_class(), ActorId::Class::kBuffer);
    }
  }
}

TEST(ScheduleTest, BinaryFormRoundTrips) {
  Prng prng(2);
  for (int n = 0; n < kRandomCount; ++n) {
    const Schedule schedule = Schedule::Decode(RandomBytes(prng));
    const std::vector<std::uint8_t> bytes = schedule.Encode();

    ASSERT_EQ(bytes.size(), schedule.size() * Schedule::kRecordBytes);
    ASSERT_EQ(Schedule::Decode(bytes), schedule) << schedule.ToText();
    ASSERT_EQ(Schedule::Decode(bytes).Encode(), bytes) << schedule.ToText();
  }
}

TEST(ScheduleTest, TextFormRoundTrips) {
  Prng prng(3);
  for (int n = 0; n < kRandomCount; ++n) {
    const Schedule schedule = Schedule::Decode(RandomBytes(prng));
    const absl::StatusOr<Schedule> parsed = Schedule::Parse(schedule.ToText());

    ASSERT_TRUE(parsed.ok()) << schedule.ToText() << ": " << parsed.status();
    ASSERT_EQ(*parsed, schedule) << schedule.ToText();
  }
}

TEST(ScheduleTest, AnIncompleteRecordAtTheEndIsDropped) {
  Prng prng(4);
  for (int n = 0; n < 1'000; ++n) {
    std::vector<std::uint8_t> bytes = RandomBytes(prng);
    const Schedule whole = Schedule::Decode(bytes);
    const std::size_t complete = bytes.size() / Schedule::kRecordBytes * Schedule::kRecordBytes;

    bytes.resize(complete);

    ASSERT_EQ(Schedule::Decode(bytes), whole);
  }
}

TEST(ScheduleTest, EveryShorterStringDecodesToo) {
  const std::vector<std::uint8_t> bytes =
      Schedule({{.actor = TaskActor(1), .to = CpuActor(0), .index = 300},
                {.kind = Decision::Kind::kHold, .actor = TaskActor(2), .arg = 9, .index = 4}})
          .Encode();

  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(Schedule::Decode(std::span(bytes).first(size)).size(), size / Schedule::kRecordBytes);
  }
}

TEST(ScheduleTest, ADecisionIsEightBytesWithItsIndexLittleEndian) {
  const Schedule schedule(
      {{.kind = Decision::Kind::kHold, .actor = CpuActor(3), .arg = 9, .index = 0x1234}});

  EXPECT_EQ(schedule.Encode(),
            (std::vector<std::uint8_t>{1, 0x80 | 3, 0, 9, 0x34, 0x12, 0, 0}));
}

TEST(ScheduleTest, WhetherANumberIs64OrMoreStandsInTheSeventhByte) {
  const auto byte = [](int from, int to) {
    return Schedule({{.actor = TaskActor(from), .to = CpuActor(to), .index = 1}}).Encode()[6];
  };
  EXPECT_EQ(byte(63, 63), 0);
  EXPECT_EQ(byte(64, 63), 1);
  EXPECT_EQ(byte(63, 64), 2);
  EXPECT_EQ(byte(127, 100), 3);
}

// It was not read at all once: so what cannot have been written is not read still.
TEST(ScheduleTest, OtherSeventhBytesMeanNothing) {
  std::vector<std::uint8_t> bytes =
      Schedule({{.actor = TaskActor(5), .to = CpuActor(6), .index = 1}}).Encode();
  for (int byte = 4; byte < 256; ++byte) {
    bytes[6] = static_cast<std::uint8_t>(byte);
    bytes[7] = bytes[6];

    EXPECT_EQ(Schedule::Decode(bytes).ToText(), "T5@1>C6") << byte;
  }
}

// ---- text ------------------------------------------------------------------------------------------

struct CanonicalCase {
  const char* name;
  const char* text;
  const char* canonical;
};

class CanonicalTest : public ::testing::TestWithParam<CanonicalCase> {};

TEST_P(CanonicalTest, ReadsAndWrites) {
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(GetParam().text);

  ASSERT_TRUE(schedule.ok()) << schedule.status();
  EXPECT_EQ(schedule->ToText(), GetParam().canonical);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, CanonicalTest,
    ::testing::Values(
        CanonicalCase{"Empty", "", ""}, CanonicalCase{"Blanks", " \n\t ", ""},
        // The examples of fuzz/schedule/README.md.
        CanonicalCase{"EveryKind",
                      "T1@12>C0 T0@5~hold(3) C1@0~defer(2) T0@9~resched T0@9~evict(1) T0@9~nmi "
                      "T0@7>B0",
                      "T0@5~hold(3) T0@7>B0 T0@9~resched T0@9~evict(1) T0@9~nmi T1@12>C0 "
                      "C1@0~defer(2)"},
        CanonicalCase{"WeakMemory", "T0@5~old(2) T0@5~old(2) T0@4>B1(3) T0@3>B0(0) T0@2~walk(1)",
                      "T0@2~walk(1) T0@3>B0 T0@4>B1(3) T0@5~old(2)"},
        CanonicalCase{"SortedByActorThenStep", "C0@1>C1 T1@2>C0 I0@0>C1 T1@1>C0",
                      "T1@1>C0 T1@2>C0 I0@0>C1 C0@1>C1"},
        CanonicalCase{"OrderAtOneAnchorIsKept", "T0@5>C2 T0@5~hold(0) T0@5>C1",
                      "T0@5>C2 T0@5~hold(0) T0@5>C1"},
        CanonicalCase{"RepeatedHoldsGoAndTheRestStays",
                      "T0@5~nmi T0@5>C1 T0@5~hold(1) T0@5~nmi T0@5>C1 T0@5~hold(1) T0@5~hold(2)",
                      "T0@5~nmi T0@5>C1 T0@5~hold(1) T0@5~nmi T0@5>C1 T0@5~hold(2)"},
        CanonicalCase{"LargestNumbers", "T127@65535~hold(255) I127@65535>B127",
                      "T127@65535~hold(255) I127@65535>B127"},
        CanonicalCase{"ThoseBelow64ComeFirst", "T64@1>C64 C0@1>C1 T63@1>C0",
                      "T63@1>C0 C0@1>C1 T64@1>C64"},
        CanonicalCase{"Lines", "T0@1>C1\nT0@2>C0\n", "T0@1>C1 T0@2>C0"}),
    [](const auto& test) { return test.param.name; });

TEST(ScheduleTest, AsManyDecisionsAsCanBeRunAreRead) {
  std::string text;
  for (std::size_t i = 0; i < Schedule::kSizeMax; ++i) text += "T0@9~nmi\n";

  EXPECT_TRUE(Schedule::Parse(text).ok());
  EXPECT_EQ(Schedule::Parse(text + " T1@5~nmi").status().message(),
            "schedule:65535:2: found \"T1@5~nmi\", wanted at most 65534 decisions");
}

struct ErrorCase {
  const char* name;
  const char* text;
  const char* message;
};

class ParseErrorTest : public ::testing::TestWithParam<ErrorCase> {};

TEST_P(ParseErrorTest, TellsWhereWhatAndWhatWasWanted) {
  const absl::StatusOr<Schedule> schedule = Schedule::Parse(GetParam().text);

  ASSERT_FALSE(schedule.ok());
  EXPECT_EQ(schedule.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(schedule.status().message()), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, ParseErrorTest,
    ::testing::Values(
        ErrorCase{"PlaceWithoutEnd", "T0@2>B0(1",
                  "schedule:1:10: found the end, wanted )"},
        ErrorCase{"PlaceInACpu", "T0@2>C0(1)", "schedule:1:8: found \"(1)\", wanted a blank"},
        ErrorCase{"UnknownActor", "Q1@2>C0",
                  "schedule:1:1: found \"Q1@2>C0\", wanted one of the letters TIC"},
        ErrorCase{"BufferHasNoSteps", "B0@2>C0",
                  "schedule:1:1: found \"B0@2>C0\", wanted one of the letters TIC"},
        ErrorCase{"NoActorNumber", "T@2>C0",
                  "schedule:1:2: found \"@2>C0\", wanted a number from 0 to 127"},
        ErrorCase{"ActorNumberTooLarge", "T128@2>C0",
                  "schedule:1:2: found \"128@2>C0\", wanted a number from 0 to 127"},
        ErrorCase{"NoAt", "T1 >C0", "schedule:1:3: found \"\", wanted @"},
        ErrorCase{"EndAfterActor", "T1", "schedule:1:3: found the end, wanted @"},
        ErrorCase{"NoStep", "T1@>C0",
                  "schedule:1:4: found \">C0\", wanted a step number from 0 to 65535"},
        ErrorCase{"StepTooLarge", "T1@65536>C0",
                  "schedule:1:4: found \"65536>C0\", wanted a step number from 0 to 65535"},
        ErrorCase{"StepFarTooLarge", "T1@99999999999999999999>C0",
                  "schedule:1:4: found \"9999999999999999\", wanted a step number from 0 to 65535"},
        ErrorCase{"NoDecision", "T1@5", "schedule:1:5: found the end, wanted > or ~"},
        ErrorCase{"SwitchToATask", "T1@5>T2",
                  "schedule:1:6: found \"T2\", wanted one of the letters CB"},
        ErrorCase{"UnknownWord", "T1@5~wait(3)",
                  "schedule:1:6: found \"wait(3)\", wanted hold, defer, resched, evict, nmi, walk or old"},
        ErrorCase{"NoParenthesis", "T1@5~hold", "schedule:1:10: found the end, wanted ("},
        ErrorCase{"NoArgument", "T1@5~hold()",
                  "schedule:1:11: found \")\", wanted a number from 0 to 255"},
        ErrorCase{"ArgumentTooLarge", "T1@5~hold(256)",
                  "schedule:1:11: found \"256)\", wanted a number from 0 to 255"},
        ErrorCase{"NotClosed", "T1@5~hold(25", "schedule:1:13: found the end, wanted )"},
        ErrorCase{"ArgumentForNmi", "T1@5~nmi(1)", "schedule:1:9: found \"(1)\", wanted a blank"},
        ErrorCase{"NoBlankBetween", "T1@5>C0T1@6>C0",
                  "schedule:1:8: found \"T1@6>C0\", wanted a blank"},
        ErrorCase{"SecondLine", "T1@5>C0\n  T1@6C0",
                  "schedule:2:7: found \"C0\", wanted > or ~"},
        ErrorCase{"Unprintable", "\x01\x80", "schedule:1:1: found \"??\", wanted one of the letters TIC"}),
    [](const auto& test) { return test.param.name; });

TEST(ScheduleTest, WithoutLeavesTheOthersInOrder) {
  const Schedule schedule = *Schedule::Parse("T0@1>C1 T0@2>C1 T0@3>C1");

  EXPECT_EQ(schedule.Without(1).ToText(), "T0@1>C1 T0@3>C1");
  EXPECT_EQ(schedule.Without(0).Without(0).Without(0).ToText(), "");
}

}  // namespace
}  // namespace shootdown
