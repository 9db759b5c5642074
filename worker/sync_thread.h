// One call to the coordinator at a time, in a thread of its own: it may take ten seconds, and engines
// do not wait so long.
#ifndef SHOOTDOWN_WORKER_SYNC_THREAD_H_
#define SHOOTDOWN_WORKER_SYNC_THREAD_H_

#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "shootdown/v1/work.pb.h"
#include "worker/coordinator_client.h"

namespace shootdown {

class SyncThread {
 public:
  // `client` outlives this, and is used by nobody else.
  explicit SyncThread(CoordinatorClient& client);
  // Waits for the call that is on its way.
  ~SyncThread();
  SyncThread(const SyncThread&) = delete;
  SyncThread& operator=(const SyncThread&) = delete;

  // REQUIRES: no call is on its way.
  void Start(v1::SyncRequest request);
  // What became of the call, once.
  [[nodiscard]] std::optional<SyncOutcome> Take();
  // Readable when Take has something.
  [[nodiscard]] int fd() const { return event_; }

 private:
  void Loop();

  CoordinatorClient& client_;
  const int event_;
  absl::Mutex mutex_;
  std::optional<v1::SyncRequest> request_ ABSL_GUARDED_BY(mutex_);
  std::optional<SyncOutcome> outcome_ ABSL_GUARDED_BY(mutex_);
  bool end_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace shootdown

#endif  // SHOOTDOWN_WORKER_SYNC_THREAD_H_
