#include "proto/failure_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "fuzz/base/content_hash.h"
#include "proto/convert.h"
#include "shootdown/v1/failure.pb.h"
#include "tests/support/failure_builder.h"
#include "tests/support/scratch_folder.h"

namespace shootdown {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// A failure file with a true checksum, whatever `body` says.
std::string WithChecksum(const std::string& body) {
  return "shootdown-failure 1 " + ToHex(HashBytes(body)) + '\n' + body;
}

std::string FullFile() { return *SerializeFailureFile(FullFailure()); }

TEST(FailureFileTest, EveryFieldSurvives) {
  const auto parsed = ParseFailureFile(FullFile(), "f");

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*parsed, FullFailure());
}

TEST(FailureFileTest, RandomFailuresSurvive) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Prng prng(seed);
    const Failure failure = RandomFailure(prng);

    const auto text = SerializeFailureFile(failure);
    ASSERT_TRUE(text.ok()) << "seed " << seed << ": " << text.status();
    const auto parsed = ParseFailureFile(*text, "f");
    ASSERT_TRUE(parsed.ok()) << "seed " << seed << ": " << parsed.status();
    ASSERT_EQ(*parsed, failure) << "seed " << seed;
  }
}

TEST(FailureFileTest, FieldsOfANewerVersionSurvive) {
  v1::Failure message = ToProto(FullFailure());
  message.GetReflection()->MutableUnknownFields(&message)->AddLengthDelimited(99, "a\xff");
  v1::TraceStep& step = *message.mutable_trace(1);
  step.GetReflection()->MutableUnknownFields(&step)->AddVarint(98, 3);
  message.set_minimality(static_cast<v1::Minimality>(77));

  const auto text = SerializeFailureFile(FromProto(message));
  ASSERT_TRUE(text.ok()) << text.status();
  const auto parsed = ParseFailureFile(*text, "f");

  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(ToProto(*parsed).SerializeAsString(), message.SerializeAsString());
}

TEST(FailureFileTest, AScenarioReadsLineByLine) {
  EXPECT_THAT(FullFile(), HasSubstr("\n    \"name: \\\"seed-stale-hit\\\"\\n\"\n"
                                    "    \"summary: "));
}

TEST(FailureFileTest, NoFlippedBitGoesUnnoticed) {
  const std::string file = FullFile();

  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = file;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      ASSERT_FALSE(ParseFailureFile(flipped, "f").ok()) << "byte " << i << " bit " << bit;
    }
  }
}

TEST(FailureFileTest, NoCutGoesUnnoticed) {
  const std::string file = FullFile();

  for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
    ASSERT_FALSE(ParseFailureFile(file.substr(0, bytes), "f").ok()) << bytes << " bytes";
  }
  EXPECT_FALSE(ParseFailureFile(file + "\n", "f").ok());
}

struct Case {
  const char* name;
  std::string text;
  absl::StatusCode code;
  const char* message;
};

class FailureFileErrorTest : public testing::TestWithParam<Case> {};

TEST_P(FailureFileErrorTest, SaysWhatIsWrong) {
  const auto parsed = ParseFailureFile(GetParam().text, "f");

  EXPECT_EQ(parsed.status().code(), GetParam().code);
  EXPECT_THAT(std::string(parsed.status().message()), StartsWith(GetParam().message));
  EXPECT_EQ(parsed.status().message().find('\n'), std::string::npos);
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr const char* kNoFile =
    "f:1:1: not a failure file, wanted a first line `shootdown-failure 1 CHECKSUM`";
const std::string kZeros(32, '0');

INSTANTIATE_TEST_SUITE_P(
    All, FailureFileErrorTest,
    testing::Values(
        Case{"Empty", "", kInvalid, kNoFile}, Case{"AnotherFile", "#!/bin/sh\n", kInvalid, kNoFile},
        Case{"NoLineBreak", "shootdown-failure 1 " + kZeros, kInvalid, kNoFile},
        Case{"NoVersion", "shootdown-failure  \n", kInvalid, kNoFile},
        Case{"VersionZero", "shootdown-failure 0 " + kZeros + "\n", kInvalid, kNoFile},
        Case{"VersionWithZeros", "shootdown-failure 01 " + kZeros + "\n", kInvalid, kNoFile},
        Case{"NegativeVersion", "shootdown-failure -1 " + kZeros + "\n", kInvalid, kNoFile},
        Case{"HugeVersion", "shootdown-failure 99999999999 " + kZeros + "\n", kInvalid, kNoFile},
        Case{"ShortChecksum", "shootdown-failure 1 00\n", kInvalid, kNoFile},
        Case{"NewerVersion", "shootdown-failure 2 whatever it has there\n",
             absl::StatusCode::kFailedPrecondition,
             "f: failure file of version 2, but this program reads up to version 1"},
        Case{"WrongChecksum", "shootdown-failure 1 " + kZeros + "\n", kInvalid,
             "f: damaged or edited: its first line has the checksum 00000000"},
        Case{"UnknownField", WithChecksum("check: \"x\"\n  colour: \"red\"\n"), kInvalid,
             "f:3:3: no field \"colour\" in failure, wanted one of scenario_name,"},
        Case{"NotUtf8", WithChecksum("check: \"\\377\"\n"), kInvalid,
             "f: failure: check is not UTF-8"},
        Case{"TooLarge", std::string(kFailureBytesMax + 1, 'x'), kInvalid,
             "f: 16777217 bytes, wanted at most 16777216"}),
    [](const auto& test) { return test.param.name; });

TEST(FailureFileTest, AFailureAboveTheLimitIsNotWritten) {
  const ScratchFolder folder;
  Failure failure = FullFailure();
  failure.message.assign(kFailureBytesMax, 'x');

  EXPECT_EQ(WriteFailureFile(folder / "f", failure).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(std::filesystem::exists(folder / "f"));
}

TEST(FailureFileTest, AFileIsWrittenReadAndReplaced) {
  const ScratchFolder folder;
  Failure other = FullFailure();
  other.seed = 43;

  ASSERT_TRUE(WriteFailureFile(folder / "f", FullFailure()).ok());
  ASSERT_TRUE(WriteFailureFile(folder / "f", other).ok());

  const auto read = ReadFailureFile(folder / "f");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, other);
}

TEST(FailureFileTest, AMissingFileIsNotFound) {
  const auto read = ReadFailureFile("/nonexistent/f");

  EXPECT_EQ(read.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(std::string(read.status().message()), "/nonexistent/f: No such file or directory");
}

}  // namespace
}  // namespace shootdown
