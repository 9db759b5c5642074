#include "server/committer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "server/keys.h"

namespace shootdown::server {
namespace {

StoreBatch Epoch(std::uint64_t epoch) {
  EpochRow row;
  row.set_epoch(epoch);
  return {.service = {{.key = keys::kEpoch, .value = row.SerializeAsString()}}};
}

TEST(CommitterTest, AnUpdateIsAppliedAfterItIsWritten) {
  absl::Mutex mutex;
  State state;
  std::uint64_t epoch_when_written = 99;
  Committer committer(
      [&](const StoreBatch&) {
        absl::MutexLock lock(&mutex);  // no lock is held while the disk works
        epoch_when_written = state.epoch();
        return absl::OkStatus();
      },
      state, mutex);

  std::shared_ptr<Committer::Ticket> ticket;
  {
    absl::MutexLock lock(&mutex);
    ticket = committer.Enqueue(Epoch(5));
  }
  EXPECT_TRUE(committer.Wait(*ticket).ok());

  EXPECT_EQ(epoch_when_written, 0u);
  EXPECT_EQ(state.epoch(), 5u);
}

TEST(CommitterTest, AFailedWriteAppliesNothingAndTheNextOneMaySucceed) {
  absl::Mutex mutex;
  State state;
  absl::Status disk = absl::ResourceExhaustedError("full");
  Committer committer([&](const StoreBatch&) { return disk; }, state, mutex);
  const auto commit = [&](std::uint64_t epoch) {
    mutex.Lock();
    const auto ticket = committer.Enqueue(Epoch(epoch));
    mutex.Unlock();
    return committer.Wait(*ticket);
  };

  EXPECT_EQ(commit(5).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(state.epoch(), 0u);
  EXPECT_FALSE(committer.Health().ok());
  disk = absl::OkStatus();
  EXPECT_TRUE(commit(6).ok());

  EXPECT_EQ(state.epoch(), 6u);
  EXPECT_TRUE(committer.Health().ok());
}

TEST(CommitterTest, ThoseWhoWaitTogetherAreWrittenTogether) {
  constexpr int kThreadCount = 16;
  absl::Mutex mutex;
  State state;
  std::atomic<int> write_count = 0;
  Committer committer(
      [&](const StoreBatch&) {
        ++write_count;
        return absl::OkStatus();
      },
      state, mutex);
  std::vector<std::shared_ptr<Committer::Ticket>> tickets;
  for (std::uint64_t i = 1; i <= kThreadCount; ++i) {
    absl::MutexLock lock(&mutex);
    tickets.push_back(committer.Enqueue(Epoch(i)));
  }

  std::vector<std::thread> threads;
  for (const auto& ticket : tickets) {
    threads.emplace_back([&] { EXPECT_TRUE(committer.Wait(*ticket).ok()); });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(write_count, 1);
  EXPECT_EQ(state.epoch(), static_cast<std::uint64_t>(kThreadCount));
}

TEST(CommitterTest, VeryManyAreWrittenInSeveralGoes) {
  constexpr std::size_t kTicketCount = 600;
  absl::Mutex mutex;
  State state;
  std::size_t largest = 0;
  Committer committer(
      [&](const StoreBatch& batch) {
        largest = std::max(largest, batch.service.size());
        return absl::OkStatus();
      },
      state, mutex);
  std::vector<std::shared_ptr<Committer::Ticket>> tickets;
  for (std::uint64_t i = 1; i <= kTicketCount; ++i) {
    absl::MutexLock lock(&mutex);
    tickets.push_back(committer.Enqueue(Epoch(i)));
  }

  EXPECT_TRUE(committer.Wait(*tickets.back()).ok());

  EXPECT_EQ(state.epoch(), kTicketCount);
  EXPECT_LT(largest, kTicketCount / 2);
}

TEST(CommitterTest, WhoWantsToBeAloneWaitsForTheWriteThatIsUnderWay) {
  absl::Mutex mutex;
  State state;
  absl::Notification writes;
  absl::Notification may_end;
  std::atomic<bool> written = false;
  Committer committer(
      [&](const StoreBatch&) {
        writes.Notify();
        may_end.WaitForNotification();
        written = true;
        return absl::OkStatus();
      },
      state, mutex);
  std::thread writer([&] {
    mutex.Lock();
    const auto ticket = committer.Enqueue(Epoch(1));
    mutex.Unlock();
    EXPECT_TRUE(committer.Wait(*ticket).ok());
  });
  writes.WaitForNotification();
  std::atomic<bool> was_alone = false;
  std::atomic<bool> asks = false;
  std::thread other([&] {
    asks = true;
    committer.RunAlone([&] { was_alone = written.load(); });
  });
  while (!asks) std::this_thread::yield();
  absl::SleepFor(absl::Milliseconds(20));  // it has come, or would be alone too early

  may_end.Notify();
  writer.join();
  other.join();

  EXPECT_TRUE(was_alone);
}

}  // namespace
}  // namespace shootdown::server
