// Group commit: many threads hand in updates, one of them writes all that wait with one sync, and
// then they are applied in the order in which they were handed in.
//
// The order is commit, then apply: State never knows what the disk does not. A failed commit
// applies nothing, and every update that was in it fails.
//
// Locks: the owner's mutex (State's) is taken before the committer's own. None is held while the
// disk works.
#ifndef SHOOTDOWN_SERVER_COMMITTER_H_
#define SHOOTDOWN_SERVER_COMMITTER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "fuzz/store/store.h"
#include "server/state.h"

namespace shootdown::server {

class Committer {
 public:
  using WriteFn = std::function<absl::Status(const StoreBatch&)>;
  // An update on its way.
  struct Ticket {
    StoreBatch batch;
    bool done = false;
    absl::Status status;
  };
  struct Counts {
    std::uint64_t update_count = 0;
    std::uint64_t sync_count = 0;
    std::uint64_t failed_count = 0;
    std::uint64_t waiting_count = 0;   // updates that wait for whoever writes now
    std::vector<double> sync_seconds;  // since the last call of TakeCounts
  };

  // `state` is guarded by `state_mutex`; both outlive the committer.
  Committer(WriteFn write, State& state, absl::Mutex& state_mutex)
      : write_(std::move(write)), state_(state), state_mutex_(state_mutex) {}

  // Reads all rows into `state`, through the same Apply.
  [[nodiscard]] static absl::Status Replay(const Store& store, State& state);

  // Puts `batch` at the end of the queue. REQUIRES: state_mutex is held, so that updates are
  // written in the order in which they were made up.
  [[nodiscard]] std::shared_ptr<Ticket> Enqueue(StoreBatch batch);

  // Returns when it is on disk and applied, or has failed. REQUIRES: state_mutex is not held.
  [[nodiscard]] absl::Status Wait(Ticket& ticket);

  // Runs `work` while no commit is under way; those that come wait.
  void RunAlone(const std::function<void()>& work);

  // The last commit's status.
  [[nodiscard]] absl::Status Health() const;
  [[nodiscard]] Counts TakeCounts();
  // Without the seconds, which stay.
  [[nodiscard]] Counts Peek() const;

 private:
  void Lead() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const WriteFn write_;
  State& state_;
  absl::Mutex& state_mutex_;

  mutable absl::Mutex mutex_;
  std::deque<std::shared_ptr<Ticket>> queue_ ABSL_GUARDED_BY(mutex_);
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;  // somebody writes
  absl::Status health_ ABSL_GUARDED_BY(mutex_);
  Counts counts_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace shootdown::server

#endif  // SHOOTDOWN_SERVER_COMMITTER_H_
