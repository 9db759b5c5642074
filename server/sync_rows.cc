#include "server/sync_rows.h"

#include <algorithm>

#include "proto/convert.h"

namespace shootdown::server {
namespace {

constexpr int kModelCountMax = 16;

void AddOnce(google::protobuf::RepeatedPtrField<std::string>& models, const std::string& model) {
  if (std::ranges::find(models, model) != models.end()) return;
  if (models.size() >= kModelCountMax) models.DeleteSubrange(0, 1);
  *models.Add() = model;
}

}  // namespace

v1::Failure Brief(const Failure& failure) {
  v1::Failure brief = ToProto(failure);
  brief.clear_trace();
  brief.clear_proof();
  brief.clear_scenario_proof();
  brief.DiscardUnknownFields();
  return brief;
}

void AddModel(FindingRow& row, const std::string& model) { AddOnce(*row.mutable_models(), model); }

void AddUnableModel(FindingRow& row, const std::string& model) {
  AddModel(row, model);
  AddOnce(*row.mutable_unable_models(), model);
}

absl::StatusOr<Schedule> ScheduleOfInput(const Input* input) {
  if (input == nullptr) return absl::NotFoundError("there is no input");
  const std::string& bytes = input->row.schedule();
  return Schedule::Decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

}  // namespace shootdown::server
