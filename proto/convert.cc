#include "proto/convert.h"

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "proto/newer_fields.h"
#include "proto/printable.h"
#include "shootdown/v1/failure.pb.h"

namespace shootdown {
namespace {

namespace pb = google::protobuf;

// The full name of the first text in `message` that is not UTF-8, or nothing. protobuf writes such
// a text, and refuses to read it again.
std::string FieldNotUtf8(const pb::Message& message) {
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 0;
    if (field->type() == pb::FieldDescriptor::TYPE_STRING) {
      // No text field of a failure is repeated by itself.
      if (!IsUtf8(reflection.GetString(message, field))) return field->name();
    }
    if (field->type() != pb::FieldDescriptor::TYPE_MESSAGE) continue;
    for (int i = 0; i < count; ++i) {
      const std::string inner = FieldNotUtf8(reflection.GetRepeatedMessage(message, field, i));
      if (!inner.empty()) return absl::StrFormat("%s[%d].%s", field->name(), i, inner);
    }
  }
  return {};
}

v1::Minimality ToProto(Minimality minimality) {
  switch (minimality) {
    case Minimality::kUnknown: return v1::MINIMALITY_UNSPECIFIED;
    case Minimality::kOneMinimal: return v1::MINIMALITY_ONE_MINIMAL;
    case Minimality::kMinimum: return v1::MINIMALITY_MINIMUM;
  }
  return v1::MINIMALITY_UNSPECIFIED;
}

// A number that this version does not know says nothing to it; it is handed on (proto/newer_fields.h).
Minimality FromProto(v1::Minimality minimality) {
  switch (minimality) {
    case v1::MINIMALITY_ONE_MINIMAL: return Minimality::kOneMinimal;
    case v1::MINIMALITY_MINIMUM: return Minimality::kMinimum;
    default: return Minimality::kUnknown;
  }
}

}  // namespace

v1::Failure ToProto(const Failure& failure) {
  v1::Failure message;
  message.set_scenario_name(failure.scenario_name);
  message.set_scenario_text(failure.scenario_text);
  message.set_schedule_text(failure.schedule_text);
  for (const DecisionAnchor& anchor : failure.anchors) {
    v1::DecisionAnchor& out = *message.add_anchors();
    out.set_site(anchor.site);
    out.set_occurrence(anchor.occurrence);
  }
  message.set_found_schedule_text(failure.found_schedule_text);
  message.set_check(failure.check);
  message.set_kind_key(failure.kind_key);
  message.set_signature(failure.signature);
  message.set_message(failure.message);
  message.set_why(failure.why);
  message.set_trace_hash(failure.trace_hash);
  for (const TraceStep& step : failure.trace) {
    v1::TraceStep& out = *message.add_trace();
    out.set_text(step.text);
    out.set_hash(step.hash);
  }
  for (const ProofStep& step : failure.proof) {
    v1::ProofStep& out = *message.add_proof();
    out.set_without(step.without);
    out.set_verdict(step.verdict);
  }
  message.set_minimized(failure.minimized);
  message.set_found_at_run(failure.found_at_run);
  message.set_seed(failure.seed);
  message.set_found_scenario_text(failure.found_scenario_text);
  for (const ProofStep& step : failure.scenario_proof) {
    v1::ProofStep& out = *message.add_scenario_proof();
    out.set_without(step.without);
    out.set_verdict(step.verdict);
  }
  message.set_minimality(ToProto(failure.minimality));
  message.set_minimality_runs(failure.minimality_runs);
  PutNewerFields(failure.newer_fields, message);
  return message;
}

Failure FromProto(const v1::Failure& sent) {
  if (sent.newer_fields_size() != 0) {
    v1::Failure message = sent;
    std::vector<NewerFields> newer;
    for (const v1::NewerFields& of : sent.newer_fields()) {
      newer.push_back({.list = of.list(), .index = of.index(), .fields = of.fields()});
    }
    message.clear_newer_fields();
    PutNewerFields(newer, message);
    message.clear_newer_fields();  // they do not hold others
    return FromProto(message);
  }
  const v1::Failure& message = sent;
  Failure failure;
  failure.scenario_name = message.scenario_name();
  failure.scenario_text = message.scenario_text();
  failure.schedule_text = message.schedule_text();
  for (const v1::DecisionAnchor& anchor : message.anchors()) {
    failure.anchors.push_back({.site = anchor.site(), .occurrence = anchor.occurrence()});
  }
  failure.found_schedule_text = message.found_schedule_text();
  failure.check = message.check();
  failure.kind_key = message.kind_key();
  failure.signature = message.signature();
  failure.message = message.message();
  failure.why = message.why();
  failure.trace_hash = message.trace_hash();
  for (const v1::TraceStep& step : message.trace()) {
    failure.trace.push_back({.text = step.text(), .hash = step.hash()});
  }
  for (const v1::ProofStep& step : message.proof()) {
    failure.proof.push_back({.without = step.without(), .verdict = step.verdict()});
  }
  failure.minimized = message.minimized();
  failure.found_at_run = message.found_at_run();
  failure.seed = message.seed();
  failure.found_scenario_text = message.found_scenario_text();
  for (const v1::ProofStep& step : message.scenario_proof()) {
    failure.scenario_proof.push_back({.without = step.without(), .verdict = step.verdict()});
  }
  failure.minimality = FromProto(message.minimality());
  failure.minimality_runs = message.minimality_runs();
  failure.newer_fields = TakeNewerFields(message);
  return failure;
}

absl::StatusOr<std::string> EncodeFailure(const Failure& failure) {
  const v1::Failure message = ToProto(failure);
  if (const std::string field = FieldNotUtf8(message); !field.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat("failure: %s is not UTF-8", field));
  }
  if (message.ByteSizeLong() > kFailureBytesMax) {
    return absl::ResourceExhaustedError(absl::StrFormat("failure: %d bytes, wanted at most %d",
                                                        message.ByteSizeLong(), kFailureBytesMax));
  }
  return message.SerializeAsString();
}

absl::StatusOr<Failure> DecodeFailure(std::string_view bytes) {
  if (bytes.size() > kFailureBytesMax) {
    return absl::DataLossError(
        absl::StrFormat("failure: %d bytes, wanted at most %d", bytes.size(), kFailureBytesMax));
  }
  v1::Failure message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("failure: not a message of type shootdown.v1.Failure");
  }
  return FromProto(message);
}

}  // namespace shootdown
