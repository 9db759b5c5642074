// What rows of findings and inputs are made of, for the parts of a Sync (server/sync_contents.cc,
// server/sync_results.cc).
#ifndef SHOOTDOWN_SERVER_SYNC_ROWS_H_
#define SHOOTDOWN_SERVER_SYNC_ROWS_H_

#include <string>

#include "absl/status/statusor.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/schedule/schedule.h"
#include "server/rows.pb.h"
#include "server/state.h"

namespace shootdown::server {

// `failure` without what lists do not show.
[[nodiscard]] v1::Failure Brief(const Failure& failure);

// Notes that `row` was run on `model`. Of very many the first are forgotten.
void AddModel(FindingRow& row, const std::string& model);
// Notes that `model` cannot run it.
void AddUnableModel(FindingRow& row, const std::string& model);

// NOT_FOUND if there is no input.
[[nodiscard]] absl::StatusOr<Schedule> ScheduleOfInput(const Input* input);

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_SYNC_ROWS_H_
