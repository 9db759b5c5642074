#include "proto/newer_fields.h"

#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <memory>
#include <string>

#include "shootdown/v1/failure.pb.h"

namespace shootdown {
namespace {

namespace pb = google::protobuf;

// Nothing if `message` has none.
std::string UnknownOf(const pb::Message& message) {
  std::string bytes;
  (void)message.GetReflection()->GetUnknownFields(message).SerializeToString(&bytes);
  return bytes;
}

// The message that `newer` stood in, or nullptr.
pb::Message* Place(const NewerFields& newer, v1::Failure& message) {
  if (newer.list == 0) return &message;
  const pb::FieldDescriptor* const list =
      v1::Failure::descriptor()->FindFieldByNumber(static_cast<int>(newer.list));
  if (list == nullptr || !list->is_repeated() || list->message_type() == nullptr) return nullptr;
  const pb::Reflection& reflection = *v1::Failure::GetReflection();
  const auto count = static_cast<std::uint32_t>(reflection.FieldSize(message, list));
  if (newer.index >= count) return nullptr;
  return reflection.MutableRepeatedMessage(&message, list, static_cast<int>(newer.index));
}

}  // namespace

std::vector<NewerFields> TakeNewerFields(const v1::Failure& message) {
  std::vector<NewerFields> newer;
  std::string own = UnknownOf(message);
  if (!v1::Minimality_IsValid(message.minimality())) {
    v1::Failure number;
    number.set_minimality(message.minimality());
    own += number.SerializeAsString();
  }
  if (!own.empty()) newer.push_back({.list = 0, .index = 0, .fields = std::move(own)});

  const pb::Reflection& reflection = *v1::Failure::GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (!field->is_repeated() || field->message_type() == nullptr) continue;
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      std::string of_entry = UnknownOf(reflection.GetRepeatedMessage(message, field, i));
      if (of_entry.empty()) continue;
      newer.push_back({.list = static_cast<std::uint32_t>(field->number()),
                       .index = static_cast<std::uint32_t>(i),
                       .fields = std::move(of_entry)});
    }
  }
  return newer;
}

void PutNewerFields(const std::vector<NewerFields>& newer, v1::Failure& message) {
  for (const NewerFields& fields : newer) {
    pb::Message* const place = Place(fields, message);
    if (place == nullptr) continue;
    const std::unique_ptr<pb::Message> parsed(place->New());
    if (parsed->ParseFromString(fields.fields)) place->MergeFrom(*parsed);
  }
}

}  // namespace shootdown
