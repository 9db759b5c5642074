#include "proto/convert.h"

#include <gtest/gtest.h>

#include <string>

#include "shootdown/v1/failure.pb.h"
#include "tests/support/failure_builder.h"

namespace shootdown {
namespace {

TEST(ConvertTest, EveryFieldOfAFailureSurvives) {
  const Failure failure = FullFailure();

  EXPECT_EQ(FromProto(ToProto(failure)), failure);
  const auto encoded = EncodeFailure(failure);
  ASSERT_TRUE(encoded.ok());
  const auto decoded = DecodeFailure(*encoded);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, failure);
}

TEST(ConvertTest, AFullFailureSetsEveryFieldOfTheMessage) {
  const v1::Failure message = ToProto(FullFailure());

  const auto* reflection = message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const auto* field = message.GetDescriptor()->field(i);
    const bool set = field->is_repeated() ? reflection->FieldSize(message, field) > 0
                                          : reflection->HasField(message, field);
    EXPECT_TRUE(set) << field->name() << ": ToProto or FullFailure() forgot it";
  }
}

TEST(ConvertTest, AFailureFromBeforeAnybodyAskedForTheMinimumIsRead) {
  v1::Failure message = ToProto(FullFailure());
  message.clear_minimality();
  message.clear_minimality_runs();

  const auto decoded = DecodeFailure(message.SerializeAsString());

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  Failure expected = FullFailure();
  expected.minimality = Minimality::kUnknown;
  expected.minimality_runs = 0;
  EXPECT_EQ(*decoded, expected);
}

TEST(ConvertTest, RandomFailuresSurvive) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Prng prng(seed);
    const Failure failure = RandomFailure(prng);

    const auto encoded = EncodeFailure(failure);
    ASSERT_TRUE(encoded.ok()) << "seed " << seed << ": " << encoded.status();
    const auto decoded = DecodeFailure(*encoded);
    ASSERT_TRUE(decoded.ok()) << "seed " << seed << ": " << decoded.status();
    ASSERT_EQ(*decoded, failure) << "seed " << seed;
    ASSERT_EQ(*EncodeFailure(*decoded), *encoded) << "seed " << seed;
  }
}

TEST(ConvertTest, TextThatIsNotUtf8IsRefusedByName) {
  Failure failure = FullFailure();
  failure.trace[1].text = std::string(1, '\xff');

  const auto encoded = EncodeFailure(failure);

  EXPECT_EQ(encoded.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(encoded.status().message()), "failure: trace[1].text is not UTF-8");
}

TEST(ConvertTest, ATooLargeFailureIsRefused) {
  Failure failure;
  failure.message.assign(kFailureBytesMax + 1, 'x');

  EXPECT_EQ(EncodeFailure(failure).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeFailure(failure.message).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ConvertTest, BytesThatAreNoFailureAreRefused) {
  EXPECT_EQ(DecodeFailure("\xff\xff\xff").status().code(), absl::StatusCode::kDataLoss);
}

TEST(ConvertTest, FieldsOfALaterVersionAreRefusedRatherThanLost) {
  const std::string field_99 = "\x9a\x06\x01x";
  const std::string field_99_in_a_trace_step = "\x62\x04" + field_99;

  EXPECT_EQ(DecodeFailure(field_99).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeFailure(field_99_in_a_trace_step).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace shootdown
