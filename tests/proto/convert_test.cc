#include "proto/convert.h"

#include <google/protobuf/unknown_field_set.h>
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
    if (field->number() == v1::Failure::kNewerFieldsFieldNumber) {
      EXPECT_FALSE(set) << "only files have it";
      continue;
    }
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
  failure.message.assign(kFailureBytesMax, 'x');
  failure.message.resize(kFailureBytesMax - (ToProto(failure).ByteSizeLong() - kFailureBytesMax));
  ASSERT_EQ(ToProto(failure).ByteSizeLong(), kFailureBytesMax);
  EXPECT_TRUE(EncodeFailure(failure).ok());
  failure.message += 'x';
  EXPECT_EQ(EncodeFailure(failure).status().code(), absl::StatusCode::kResourceExhausted);
  failure.message.assign(kFailureBytesMax + 1, 'x');

  EXPECT_EQ(EncodeFailure(failure).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(DecodeFailure(failure.message).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ConvertTest, BytesThatAreNoFailureAreRefused) {
  EXPECT_EQ(DecodeFailure("\xff\xff\xff").status().code(), absl::StatusCode::kDataLoss);
}

// A failure as a newer version writes it: fields without a name here in the failure and in entries of
// three lists, and a number that the enumeration does not have.
v1::Failure NewerMessage() {
  v1::Failure message = ToProto(FullFailure());
  const auto add = [](google::protobuf::Message& to, int number, const std::string& value) {
    to.GetReflection()->MutableUnknownFields(&to)->AddLengthDelimited(number, value);
  };
  add(message, 99, "of the failure");
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(100, 7);
  add(*message.mutable_trace(1), 98, "of a step");
  add(*message.mutable_anchors(0), 97, "of an anchor");
  add(*message.mutable_scenario_proof(0), 96, "of a proof");
  message.set_minimality(static_cast<v1::Minimality>(77));
  return message;
}

TEST(ConvertTest, FieldsOfANewerVersionGoThroughWhereTheyStood) {
  const std::string bytes = NewerMessage().SerializeAsString();

  const auto decoded = DecodeFailure(bytes);

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->newer_fields.size(), 4u);
  EXPECT_EQ(decoded->minimality, Minimality::kUnknown);
  EXPECT_EQ(*EncodeFailure(*decoded), bytes);
}

TEST(ConvertTest, ANewerFieldOfAnEntryThatIsGoneIsLeftOut) {
  Failure failure = FromProto(NewerMessage());
  failure.trace.clear();

  const v1::Failure message = ToProto(failure);

  EXPECT_EQ(message.trace_size(), 0);
  EXPECT_EQ(FromProto(message).newer_fields.size(), 3u);
}

TEST(ConvertTest, ANewerFieldOfTheEntryBehindTheLastIsLeftOut) {
  v1::Failure message = ToProto(FullFailure());
  v1::NewerFields& behind = *message.add_newer_fields();
  behind.set_list(v1::Failure::kTraceFieldNumber);
  behind.set_index(static_cast<std::uint32_t>(message.trace_size()));
  v1::TraceStep step;
  step.set_text("from nowhere");
  behind.set_fields(step.SerializeAsString());

  EXPECT_EQ(FromProto(message), FullFailure());
}

TEST(ConvertTest, NewerFieldsHoldNoOthers) {
  v1::Failure inner;
  v1::TraceStep step;
  step.set_text("smuggled");
  v1::NewerFields& of_trace = *inner.add_newer_fields();
  of_trace.set_list(v1::Failure::kTraceFieldNumber);
  of_trace.set_fields(step.SerializeAsString());
  v1::Failure message = ToProto(FullFailure());
  message.add_newer_fields()->set_fields(inner.SerializeAsString());

  EXPECT_EQ(FromProto(message), FullFailure());
}

TEST(ConvertTest, WhatIsKnownByNowIsReadUnderItsName) {
  v1::Failure known;
  known.set_minimality_runs(1234);
  v1::DecisionAnchor anchor;
  anchor.set_occurrence(55);
  v1::Failure message = ToProto(FullFailure());
  message.add_newer_fields()->set_fields(known.SerializeAsString());
  v1::NewerFields& of_anchor = *message.add_newer_fields();
  of_anchor.set_list(v1::Failure::kAnchorsFieldNumber);
  of_anchor.set_fields(anchor.SerializeAsString());
  message.add_newer_fields()->set_fields("\xff\xff");  // no field at all
  v1::NewerFields& nowhere = *message.add_newer_fields();
  nowhere.set_list(v1::Failure::kCheckFieldNumber);  // no list

  const Failure failure = FromProto(message);

  EXPECT_EQ(failure.minimality_runs, 1234u);
  EXPECT_EQ(failure.anchors[0].occurrence, 55u);
  EXPECT_EQ(failure.anchors[0].site, FullFailure().anchors[0].site);
  EXPECT_TRUE(failure.newer_fields.empty());
}

}  // namespace
}  // namespace shootdown
