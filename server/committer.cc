#include "server/committer.h"

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"

namespace shootdown::server {
namespace {

// What one write may hold; what does not fit goes with the next.
constexpr std::size_t kGroupCountMax = 256;

void Append(const StoreBatch& from, StoreBatch& to) {
  to.failures.insert(to.failures.end(), from.failures.begin(), from.failures.end());
  to.inputs.insert(to.inputs.end(), from.inputs.begin(), from.inputs.end());
  to.service.insert(to.service.end(), from.service.begin(), from.service.end());
}

}  // namespace

absl::Status Committer::Replay(const Store& store, State& state) {
  absl::Status applied;
  const auto damaged = store.VisitService("", [&](std::string_view key, std::string_view value) {
    if (!applied.ok()) return;
    applied = state.Apply(ApplyKey(), {.key = std::string(key), .value = std::string(value)});
  });
  if (!damaged.ok()) return damaged.status();
  if (!damaged->empty()) {
    return absl::DataLossError(
        absl::StrFormat("store %s: damaged: %s", store.path(), damaged->front()));
  }
  return applied;
}

std::shared_ptr<Committer::Ticket> Committer::Enqueue(StoreBatch batch) {
  auto ticket = std::make_shared<Ticket>();
  ticket->batch = std::move(batch);
  absl::MutexLock lock(&mutex_);
  queue_.push_back(ticket);
  return ticket;
}

absl::Status Committer::Wait(Ticket& ticket) {
  absl::MutexLock lock(&mutex_);
  const auto my_turn = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ticket.done || !busy_; };
  while (!ticket.done) {
    mutex_.Await(absl::Condition(&my_turn));
    if (!ticket.done) Lead();
  }
  return ticket.status;
}

// Writes what waits now; those who come meanwhile wait for the next leader.
void Committer::Lead() {
  std::vector<std::shared_ptr<Ticket>> group;
  while (!queue_.empty() && group.size() < kGroupCountMax) {
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  busy_ = true;
  mutex_.Unlock();

  StoreBatch all;
  for (const auto& ticket : group) Append(ticket->batch, all);
  const auto begun = std::chrono::steady_clock::now();
  const absl::Status written = write_(all);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (written.ok()) {
    absl::MutexLock state_lock(&state_mutex_);
    for (const ServiceChange& change : all.service) {
      // We wrote these rows ourselves a moment ago: not to understand them is a bug of ours.
      const absl::Status applied = state_.Apply(ApplyKey(), change);
      if (!applied.ok()) CheckFailed(__FILE__, __LINE__, applied.ToString().c_str());
    }
  }

  mutex_.Lock();
  busy_ = false;
  health_ = written;
  counts_.update_count += written.ok() ? group.size() : 0;
  counts_.failed_count += written.ok() ? 0 : group.size();
  ++counts_.sync_count;
  if (counts_.sync_seconds.size() < 4096) counts_.sync_seconds.push_back(took.count());
  for (const auto& ticket : group) {
    ticket->status = written;
    ticket->done = true;
  }
}

void Committer::RunAlone(const std::function<void()>& work) {
  absl::MutexLock lock(&mutex_);
  const auto free = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !busy_; };
  mutex_.Await(absl::Condition(&free));
  busy_ = true;
  mutex_.Unlock();
  work();
  mutex_.Lock();
  busy_ = false;
}

absl::Status Committer::Health() const {
  absl::MutexLock lock(&mutex_);
  return health_;
}

Committer::Counts Committer::Peek() const {
  absl::MutexLock lock(&mutex_);
  return {.update_count = counts_.update_count,
          .sync_count = counts_.sync_count,
          .failed_count = counts_.failed_count,
          .waiting_count = queue_.size(),
          .sync_seconds = {}};
}

Committer::Counts Committer::TakeCounts() {
  absl::MutexLock lock(&mutex_);
  Counts counts = counts_;
  counts.waiting_count = queue_.size();
  counts_.sync_seconds.clear();
  return counts;
}

}  // namespace shootdown::server
