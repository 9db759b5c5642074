#include "worker/engine_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill() is not in <csignal>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "fuzz/schedule/schedule.h"
#include "tests/worker/worker_testing.h"

namespace shootdown::testing {
namespace {

using ::testing::HasSubstr;

constexpr char kBuggy[] = "seed-lost-bit";
constexpr char kClean[] = "seed-lost-bit-fixed";
constexpr std::uint64_t kManyRuns = 1'000'000'000;

// The process in which the lease runs.
pid_t ChildOf(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid) + "/children";
  pid_t child = 0;
  std::ifstream(path) >> child;
  return child;
}

// Gone, or dead and not yet reaped.
bool HasEnded(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string number;
  std::string name;
  std::string state;
  return !(stat >> number >> name >> state) || state == "Z";
}

Schedule ScheduleIn(const std::string& bytes) {
  return Schedule::Decode({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

v1::Lease WithSeeds(v1::Lease lease, const std::vector<v1::Input>& inputs) {
  for (const v1::Input& input : inputs) *lease.mutable_fuzz()->add_seeds() = input.schedule();
  return lease;
}

std::vector<std::uint32_t> FeaturesOf(const std::vector<v1::Input>& inputs) {
  std::set<std::uint32_t> features;
  for (const v1::Input& input : inputs) {
    features.insert(input.features().begin(), input.features().end());
  }
  return {features.begin(), features.end()};
}

TEST(EngineProcessTest, SaysWhatItCanRun) {
  EngineProcess one(EngineOptions());
  EngineProcess two(EngineOptions());

  const absl::StatusOr<std::string> first = one.StartAndAskModelVersion();
  const absl::StatusOr<std::string> second = two.StartAndAskModelVersion();

  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*first, *second);
}

class StrategyTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(All, StrategyTest, ::testing::Values("libfuzzer", "random", "pct:3", "race-reversal"));

TEST_P(StrategyTest, ALeaseGivesTheSameOnEveryEngineAndAfterEveryOtherLease) {
  EngineProcess engine(EngineOptions());
  v1::Lease first = FuzzLease("a1", kBuggy, 2000);
  first.mutable_fuzz()->set_strategy(GetParam());
  const Harvest found = RunLease(engine, first);
  v1::Lease lease = WithSeeds(FuzzLease("a2", kBuggy, 20'000, 7), found.inputs);
  lease.mutable_fuzz()->set_strategy(GetParam());
  const std::vector<std::uint32_t> known = FeaturesOf(found.inputs);

  const Harvest once = RunLease(engine, lease, known);
  (void)RunLease(engine, FuzzLease("a3", kClean, 5000, 3));
  const Harvest again = RunLease(engine, lease, known);
  EngineProcess other(EngineOptions());
  const Harvest elsewhere = RunLease(other, lease, known);

  ASSERT_EQ(once.result->outcome(), v1::LeaseResult::OUTCOME_DONE) << once.result->words();
  EXPECT_EQ(once.result->run_count(), 20'000u);
  EXPECT_EQ(once.result->checkpoints_size(), 64);
  EXPECT_GT(once.result->behaviours_size(), 1);
  EXPECT_FALSE(once.inputs.empty());
  EXPECT_EQ(Bytes(once), Bytes(again));
  EXPECT_EQ(Bytes(once), Bytes(elsewhere));
}

TEST_P(StrategyTest, AnotherSeedGoesAnotherWay) {
  EngineProcess engine(EngineOptions());
  v1::Lease one = FuzzLease("a1", kClean, 1000, 1);
  v1::Lease two = FuzzLease("a1", kClean, 1000, 2);
  one.mutable_fuzz()->set_strategy(GetParam());
  two.mutable_fuzz()->set_strategy(GetParam());

  EXPECT_NE(RunLease(engine, one).result->checkpoints(63),
            RunLease(engine, two).result->checkpoints(63));
}

TEST(EngineProcessTest, ACampaignsBugIsFoundReplayedAndMinimized) {
  EngineProcess engine(EngineOptions());

  const Harvest found = RunLease(engine, FuzzLease("a1", kBuggy, 50'000));
  ASSERT_FALSE(found.findings.empty());
  const v1::Failure& failure = found.findings.front().failure();
  v1::Lease replay = LeaseOf("a2", failure.scenario_text());
  replay.mutable_replay()->set_schedule_text(failure.found_schedule_text());
  v1::Lease minimize = LeaseOf("a3", failure.scenario_text());
  *minimize.mutable_minimize()->mutable_failure() = failure;
  const Harvest replayed = RunLease(engine, replay);
  const Harvest minimized = RunLease(engine, minimize);

  EXPECT_EQ(replayed.result->outcome(), v1::LeaseResult::OUTCOME_DONE);
  EXPECT_EQ(replayed.result->replayed().trace_hash(), failure.trace_hash());
  EXPECT_EQ(replayed.result->replayed().check(), failure.check());
  EXPECT_EQ(minimized.result->outcome(), v1::LeaseResult::OUTCOME_DONE);
  EXPECT_TRUE(minimized.result->minimized().minimized());
  EXPECT_EQ(minimized.result->minimized().kind_key(), failure.kind_key());
  EXPECT_EQ(minimized.result->minimized().found_schedule_text(), failure.found_schedule_text());
  EXPECT_NE(minimized.result->minimized().proof_size(), 0);
  EXPECT_EQ(minimized.result->minimized().minimality(), v1::MINIMALITY_MINIMUM);
  EXPECT_NE(minimized.result->minimized().minimality_runs(), 0u);
}

std::multiset<std::string> HashesOf(const Harvest& harvest) {
  std::multiset<std::string> hashes;
  for (const v1::FoundFailure& found : harvest.findings) {
    hashes.insert(ContentHash(found.SerializeAsString()));
  }
  for (const v1::Input& input : harvest.inputs) {
    hashes.insert(ContentHash(input.SerializeAsString()));
  }
  return hashes;
}

std::multiset<std::string> NamesIn(const v1::LeaseResult& result) {
  return {result.content_hashes().begin(), result.content_hashes().end()};
}

TEST(EngineProcessTest, AResultNamesAllThatItsLeaseFound) {
  EngineProcess engine(EngineOptions());

  const Harvest harvest = RunLease(engine, FuzzLease("a1", kBuggy, 5'000, /*seed=*/3));

  ASSERT_FALSE(harvest.findings.empty());
  ASSERT_FALSE(harvest.inputs.empty());
  EXPECT_EQ(NamesIn(*harvest.result), HashesOf(harvest));
  EXPECT_EQ(harvest.findings.front().failure().seed(), 3u);
}

TEST(EngineProcessTest, AHostThatDiesTakesNothingWithItThatWasFound) {
  EngineProcess engine(EngineOptions());
  for (const char* id : {"a1", "a2"}) {
    engine.Start(FuzzLease(id, kBuggy, kManyRuns), {});
    Harvest harvest;
    const absl::Time limit = absl::Now() + absl::Minutes(1);
    while (harvest.findings.empty() && absl::Now() < limit) {
      pollfd polled = engine.ToPoll();
      (void)poll(&polled, 1, 100);
      harvest = engine.Take(absl::Now());
    }
    ASSERT_FALSE(harvest.findings.empty());
    const absl::Time before = absl::Now();

    kill(engine.pid(), SIGKILL);
    Collect(engine, harvest);

    EXPECT_EQ(NamesIn(*harvest.result), HashesOf(harvest)) << id;
    EXPECT_FALSE(engine.Ready(before)) << "one that dies at once would be started at once";
  }
}

TEST(EngineProcessTest, ACleanRunHasATraceToo) {
  EngineProcess engine(EngineOptions());
  v1::Lease lease = LeaseOf("a1", CorpusText(kClean));
  lease.mutable_replay()->set_schedule_text("");

  const Harvest harvest = RunLease(engine, lease);

  EXPECT_EQ(harvest.result->outcome(), v1::LeaseResult::OUTCOME_DONE);
  EXPECT_EQ(harvest.result->replayed().check(), "");
  EXPECT_NE(harvest.result->replayed().trace_size(), 0);
  EXPECT_EQ(harvest.result->replayed().trace_hash().size(), 32u);
}

TEST(EngineProcessTest, KnownFeaturesAreNoNews) {
  EngineProcess engine(EngineOptions());
  const Harvest first = RunLease(engine, FuzzLease("a1", kClean, 5000));

  const Harvest again = RunLease(engine, FuzzLease("a2", kClean, 5000), FeaturesOf(first.inputs));

  const std::vector<std::uint32_t> known = FeaturesOf(first.inputs);
  for (const v1::Input& input : again.inputs) {
    EXPECT_FALSE(std::ranges::includes(known, input.features()));
  }
  EXPECT_LT(again.inputs.size(), first.inputs.size());
}

TEST(EngineProcessTest, ASeedIsKeptAlthoughItIsNoNews) {
  EngineProcess engine(EngineOptions());
  const Harvest first = RunLease(engine, FuzzLease("a1", kClean, 5000));
  const std::vector<std::uint32_t> known = FeaturesOf(first.inputs);

  const Harvest without = RunLease(engine, FuzzLease("a2", kClean, 3000, 5), known);
  const Harvest with =
      RunLease(engine, WithSeeds(FuzzLease("a2", kClean, 3000, 5), first.inputs), known);

  EXPECT_NE(without.result->checkpoints(63), with.result->checkpoints(63));
  EXPECT_GT(FeaturesOf(with.inputs).size(), 0u);
}

TEST(EngineProcessTest, AScenarioThatCannotBeRunIsRefusedWithItsPlace) {
  EngineProcess engine(EngineOptions());

  const Harvest unread = RunLease(engine, LeaseOf("a1", "name: 7"));
  v1::Lease wrong = LeaseOf("a2", "name: \"x\"\ntask {\n  name: \"t\"\n  op: \"fly A\"\n}\nexpect { clean: true }\n");
  wrong.mutable_fuzz()->set_run_count(1);
  const Harvest unknown = RunLease(engine, wrong);

  EXPECT_EQ(unread.result->outcome(), v1::LeaseResult::OUTCOME_REFUSED);
  EXPECT_THAT(unread.result->words(), HasSubstr("scenario:1:"));
  EXPECT_EQ(unknown.result->outcome(), v1::LeaseResult::OUTCOME_REFUSED);
  EXPECT_THAT(unknown.result->words(), HasSubstr("scenario:4:7"));
}

TEST(EngineProcessTest, ACrashCostsItsLeaseAndIsReportedWithItsInput) {
  EngineProcess engine(EngineOptions());
  engine.Start(FuzzLease("a1", kClean, kManyRuns), {});
  Harvest harvest;
  AwaitRuns(engine, harvest);

  kill(ChildOf(engine.pid()), SIGABRT);  // AddressSanitizer takes SIGSEGV for itself
  Collect(engine, harvest);

  EXPECT_EQ(harvest.result->outcome(), v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  EXPECT_THAT(harvest.result->words(), HasSubstr("signal 6"));
  EXPECT_LE(ScheduleIn(harvest.result->engine_input()).size(), 1024u);
  EXPECT_GT(harvest.result->run_count(), 0u);
  EXPECT_FALSE(harvest.inputs.empty()) << "what it had found until then";
  EXPECT_EQ(RunLease(engine, FuzzLease("a2", kClean, 100)).result->outcome(),
            v1::LeaseResult::OUTCOME_DONE);
}

TEST(EngineProcessTest, ALeaseThatMakesNoSenseCostsNoProcess) {
  EngineProcess engine(EngineOptions());

  const Harvest no_runs = RunLease(engine, FuzzLease("a1", kClean, 0));
  const Harvest far_feature = RunLease(engine, FuzzLease("a2", kClean, 100), {7, 0xffff'ffff});

  EXPECT_EQ(no_runs.result->outcome(), v1::LeaseResult::OUTCOME_REFUSED);
  EXPECT_EQ(no_runs.result->words(), "a lease without runs");
  EXPECT_EQ(far_feature.result->outcome(), v1::LeaseResult::OUTCOME_DONE);
}

// Few runs of a search have the empty schedule, which is no byte.
TEST(EngineProcessTest, TheInputOfACrashIsTheScheduleThatRan) {
  EngineProcess engine(EngineOptions());
  std::string input;
  for (std::uint64_t seed = 1; seed <= 20 && input.empty(); ++seed) {
    engine.Start(FuzzLease("a1", kClean, kManyRuns, seed), {});
    Harvest harvest;
    AwaitRuns(engine, harvest);
    kill(ChildOf(engine.pid()), SIGABRT);
    Collect(engine, harvest);
    input = harvest.result->engine_input();
  }

  EXPECT_GT(ScheduleIn(input).size(), 0u);
}

TEST(EngineProcessTest, AHangIsEnded) {
  EngineProcess::Options options = EngineOptions();
  options.silence_ms_max = 500;
  EngineProcess engine(options);
  engine.Start(FuzzLease("a1", kClean, kManyRuns), {});
  Harvest harvest;
  AwaitRuns(engine, harvest);

  kill(ChildOf(engine.pid()), SIGSTOP);
  Collect(engine, harvest);

  EXPECT_EQ(harvest.result->outcome(), v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  EXPECT_THAT(harvest.result->words(), HasSubstr("hung"));
}

TEST(EngineProcessTest, MemoryIsBounded) {
  EngineProcess::Options options = EngineOptions();
  options.memory_mib_max = 4;  // less than any search takes
  EngineProcess engine(options);

  const Harvest harvest = RunLease(engine, FuzzLease("a1", kClean, kManyRuns));

  EXPECT_EQ(harvest.result->outcome(), v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  EXPECT_THAT(harvest.result->words(), HasSubstr("MiB of memory"));
}

TEST(EngineProcessTest, AHostThatDiesIsStartedAgain) {
  EngineProcess engine(EngineOptions());
  engine.Start(FuzzLease("a1", kClean, kManyRuns), {});
  Harvest harvest;
  AwaitRuns(engine, harvest);
  const pid_t child = ChildOf(engine.pid());

  kill(engine.pid(), SIGKILL);
  Collect(engine, harvest);

  EXPECT_EQ(harvest.result->outcome(), v1::LeaseResult::OUTCOME_ENGINE_FAILED);
  EXPECT_EQ(RunLease(engine, FuzzLease("a2", kClean, 100)).result->outcome(),
            v1::LeaseResult::OUTCOME_DONE);
  EXPECT_TRUE(HasEnded(child)) << "its child has gone with it";
}

TEST(EngineProcessTest, ACancelledLeaseHandsInWhatItHas) {
  EngineProcess engine(EngineOptions());
  engine.Start(FuzzLease("a1", kClean, kManyRuns), {});
  Harvest harvest;
  AwaitRuns(engine, harvest);

  engine.Cancel();
  Collect(engine, harvest);

  EXPECT_EQ(harvest.result->outcome(), v1::LeaseResult::OUTCOME_RETURNED);
  EXPECT_GT(harvest.result->run_count(), 0u);
  EXPECT_FALSE(harvest.inputs.empty());
  EXPECT_EQ(harvest.result->behaviours_size(), 0) << "its runs do not count";
}

}  // namespace
}  // namespace shootdown::testing
