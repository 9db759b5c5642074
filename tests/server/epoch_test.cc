// Each start of a coordinator is an epoch of its own, whatever becomes of its folder and its clock.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/server/server_testing.h"
#include "tests/support/scratch_folder.h"

namespace shootdown::server {
namespace {

namespace fs = std::filesystem;

// The lease of a worker that is new.
v1::Lease FirstLease(Coordinator& coordinator, absl::Time now) {
  FakeWorker worker(coordinator, '1');
  const v1::SyncResponse response = worker.Poll(now);
  SHOOTDOWN_CHECK(response.leases_size() > 0);
  return response.leases(0);
}

TEST(EpochTest, AFolderThatWasRestoredBeginsAnEpochThatNobodyHasSeen) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  const ScratchFolder elsewhere;
  coordinator.Stop();
  fs::copy(coordinator.data(), elsewhere / "copy", fs::copy_options::recursive);
  const absl::Time later = kNoon + absl::Hours(1);
  coordinator.Start(later);
  const v1::Lease lost = FirstLease(*coordinator, later);
  coordinator.Stop();
  fs::remove_all(coordinator.data());
  fs::copy(elsewhere / "copy", coordinator.data(), fs::copy_options::recursive);

  coordinator.Start(later + absl::Hours(1));

  const v1::Lease restored = FirstLease(*coordinator, later + absl::Hours(1));
  EXPECT_GT(restored.epoch(), lost.epoch());
  EXPECT_NE(restored.id(), lost.id());
}

TEST(EpochTest, AStartAfterTheClockWasSetBackIsALaterEpoch) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  const std::uint64_t first = FirstLease(*coordinator, kNoon).epoch();

  coordinator.Start(kNoon - absl::Hours(1));

  EXPECT_GT(FirstLease(*coordinator, kNoon - absl::Hours(1)).epoch(), first);
}

TEST(EpochTest, NoStartGivesALeaseTheRandomSeedOfAnother) {
  CoordinatorFixture coordinator;
  (void)coordinator.Create();
  std::set<std::uint64_t> seeds;

  for (int start = 0; start < 8; ++start) {
    coordinator.Start();
    seeds.insert(FirstLease(*coordinator, kNoon).fuzz().random_seed());
  }

  EXPECT_EQ(seeds.size(), 8u);
}

}  // namespace
}  // namespace shootdown::server
