#include "worker/sync_thread.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <utility>

#include "fuzz/base/check.h"

namespace shootdown {

SyncThread::SyncThread(CoordinatorClient& client)
    : client_(client), event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { Loop(); }) {}

SyncThread::~SyncThread() {
  {
    const absl::MutexLock lock(&mutex_);
    end_ = true;
  }
  thread_.join();
  close(event_);
}

void SyncThread::Start(v1::SyncRequest request) {
  const absl::MutexLock lock(&mutex_);
  SHOOTDOWN_CHECK(!request_.has_value());
  request_ = std::move(request);
}

std::optional<SyncOutcome> SyncThread::Take() {
  std::uint64_t count = 0;
  (void)!read(event_, &count, sizeof count);
  const absl::MutexLock lock(&mutex_);
  std::optional<SyncOutcome> outcome = std::move(outcome_);
  outcome_.reset();
  return outcome;
}

void SyncThread::Loop() {
  // Signals are for the main thread, whose waiting they interrupt.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    v1::SyncRequest request;
    {
      const absl::MutexLock lock(&mutex_);
      const auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return end_ || request_.has_value();
      };
      mutex_.Await(absl::Condition(&awake));
      if (end_) return;
      SHOOTDOWN_CHECK(request_.has_value());
      request = *std::move(request_);
    }
    SyncOutcome outcome = client_.Sync(request);
    {
      const absl::MutexLock lock(&mutex_);
      request_.reset();
      outcome_ = std::move(outcome);
    }
    const std::uint64_t one = 1;
    (void)!write(event_, &one, sizeof one);
  }
}

}  // namespace shootdown
