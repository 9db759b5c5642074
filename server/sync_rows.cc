#include "server/sync_rows.h"

#include <algorithm>

#include "proto/convert.h"

namespace shootdown::server {
namespace {

constexpr int kModelCountMax = 16;

}  // namespace

v1::Failure Brief(const Failure& failure) {
  v1::Failure brief = ToProto(failure);
  brief.clear_trace();
  brief.clear_proof();
  brief.clear_scenario_proof();
  brief.DiscardUnknownFields();
  return brief;
}

void AddModel(FindingRow& row, const std::string& model) {
  if (std::ranges::find(row.models(), model) != row.models().end()) return;
  if (row.models_size() >= kModelCountMax) row.mutable_models()->DeleteSubrange(0, 1);
  row.add_models(model);
}

absl::StatusOr<Schedule> ScheduleOfInput(const Input* input) {
  if (input == nullptr) return absl::NotFoundError("there is no input");
  const std::string& bytes = input->row.schedule();
  return Schedule::Decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace shootdown::server
