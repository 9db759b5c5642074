// A search by footprints that is interrupted, or made by several processes, comes to what it comes to in one go.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/explore/footprint_dpor.h"
#include "fuzz/process/shared_proof.h"
#include "fuzz/scenario/simulation.h"
#include "tests/fuzz/explore/small_scenario.h"

namespace shootdown::explore {
namespace {

using sim::MemoryModel;

// All that a certificate says of the runs.
std::array<std::uint64_t, 5> CountsOf(const Report& report) {
  return {report.executions, report.blocked, report.classes, report.rf_classes, report.steps_max};
}

std::uint64_t RunsOf(const Report& report) { return report.executions + report.blocked; }

std::vector<std::uint32_t> ReachedIn(Simulation& simulation) {
  const Reached reached = simulation.kernel().reached();
  return {reached.begin(), reached.end()};
}

FootprintOptions OptionsFor(Simulation& simulation, std::uint64_t run_count_max = UINT64_MAX) {
  FootprintOptions options;
  options.execution_count_max = run_count_max;
  options.reached = simulation.kernel().reached();
  return options;
}

// So many of the random scenarios that are proved in about so many runs: enough for many parts.
std::vector<std::uint64_t> Seeds(MemoryModel model, std::size_t count, std::uint64_t run_count_min,
                                 std::uint64_t run_count_max) {
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seeds.size() < count && seed < 2'000; ++seed) {
    const std::unique_ptr<Simulation> simulation = SmallScenario(seed, model);
    if (simulation == nullptr) continue;
    const Report report =
        FootprintDpor(*simulation, OptionsFor(*simulation, run_count_max)).Explore();
    if (report.complete && RunsOf(report) >= run_count_min) seeds.push_back(seed);
  }
  EXPECT_EQ(seeds.size(), count);
  return seeds;
}

TEST(FootprintPartsTest, ASearchThatIsInterruptedAgainAndAgainComesToTheSame) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    for (const std::uint64_t seed : Seeds(model, 1, 500, 1'500)) {
      const std::unique_ptr<Simulation> simulation = SmallScenario(seed, model);
      const Report whole = FootprintDpor(*simulation, OptionsFor(*simulation)).Explore();
      ASSERT_TRUE(whole.complete);
      const std::vector<std::uint32_t> reached = ReachedIn(*simulation);

      for (const std::uint64_t runs : {1u, 32u, 33u, 500u}) {
        std::string saved;
        Report report;
        std::uint64_t times = 0;
        do {
          FootprintDpor search(*simulation, OptionsFor(*simulation, runs));
          ASSERT_TRUE(times == 0 || search.Load(saved));
          report = search.Explore();
          ++times;
          if (report.complete) break;
          ASSERT_EQ(report.stopped_by, StoppedBy::kExecutions);
          ASSERT_EQ(RunsOf(report), times * runs);
          saved.clear();
          search.Save(saved);
        } while (true);

        EXPECT_EQ(times, (RunsOf(whole) + runs - 1) / runs);
        EXPECT_EQ(CountsOf(report), CountsOf(whole)) << "seed " << seed << ", " << runs;
        EXPECT_EQ(ReachedIn(*simulation), reached) << "seed " << seed << ", " << runs;
      }
    }
  }
}

// As a kill leaves it: the search that is saved goes on, and so does the one that is made of that.
TEST(FootprintPartsTest, WhatIsSavedWhileItRunsIsEnoughToGoOn) {
  const MemoryModel model = MemoryModel::kTso;
  const std::uint64_t seed = Seeds(model, 1, 2'000, 10'000)[0];
  const std::unique_ptr<Simulation> simulation = SmallScenario(seed, model);
  std::vector<std::string> saved;
  const FootprintDpor* running = nullptr;
  FootprintOptions options = OptionsFor(*simulation);
  options.should_stop = [&] {
    running->Save(saved.emplace_back());
    return false;
  };
  FootprintDpor search(*simulation, options);
  running = &search;
  const Report whole = search.Explore();
  ASSERT_TRUE(whole.complete);
  EXPECT_GT(saved.size(), 2u);

  for (const std::string& bytes : saved) {
    FootprintDpor rest(*simulation, OptionsFor(*simulation));
    ASSERT_TRUE(rest.Load(bytes));
    EXPECT_EQ(CountsOf(rest.Explore()), CountsOf(whole));
  }
}

TEST(FootprintPartsTest, BytesThatAreCutShortAreRefused) {
  const MemoryModel model = MemoryModel::kTso;
  const std::unique_ptr<Simulation> simulation =
      SmallScenario(Seeds(model, 1, 500, 1'500)[0], model);
  std::string saved;
  {
    FootprintDpor search(*simulation, OptionsFor(*simulation, 200));
    ASSERT_EQ(search.Explore().stopped_by, StoppedBy::kExecutions);
    search.Save(saved);
  }
  const auto loads = [&](std::string_view bytes) {
    return FootprintDpor(*simulation, OptionsFor(*simulation)).Load(bytes);
  };
  ASSERT_TRUE(loads(saved));
  EXPECT_FALSE(loads(saved + '\0'));
  const std::size_t step = 1 + saved.size() / 300;
  for (std::size_t size = 0; size < saved.size(); size += step) {
    EXPECT_FALSE(loads(std::string_view(saved).substr(0, size))) << size;
  }
}

// With the share that others have of it, and what was saved before if anything was.
Report Together(std::uint64_t seed, MemoryModel model, std::uint32_t jobs, const std::string& saved,
                std::vector<std::uint32_t>& reached) {
  const auto search = [&](const Share& share) {
    const std::unique_ptr<Simulation> simulation = SmallScenario(seed, model);
    FootprintOptions options = OptionsFor(*simulation);
    options.share = share;
    FootprintDpor dpor(*simulation, options);
    EXPECT_TRUE(saved.empty() || dpor.Load(saved));
    Report report = dpor.Explore();
    reached = ReachedIn(*simulation);
    return report;
  };
  const auto proof = SharedProof::Start(jobs, [&](const Share& share) { (void)search(share); });
  EXPECT_TRUE(proof.ok()) << proof.status();
  return search((*proof)->Share([] { return false; }));
}

TEST(FootprintPartsTest, SeveralJobsComeToWhatOneDoes) {
  for (const MemoryModel model : {MemoryModel::kSc, MemoryModel::kTso}) {
    for (const std::uint64_t seed : Seeds(model, 2, 500, 1'500)) {
      Report alone;
      std::vector<std::uint32_t> reached;
      std::string saved;
      {
        const std::unique_ptr<Simulation> simulation = SmallScenario(seed, model);
        alone = FootprintDpor(*simulation, OptionsFor(*simulation)).Explore();
        reached = ReachedIn(*simulation);
        // In the midst of a round, and of a part.
        FootprintDpor part(*simulation, OptionsFor(*simulation, 333));
        ASSERT_EQ(part.Explore().stopped_by, StoppedBy::kExecutions);
        part.Save(saved);
      }
      for (const std::uint32_t jobs : {2u, 3u, 8u}) {
        for (const std::string& before : {std::string(), saved}) {
          std::vector<std::uint32_t> reached_together;
          const Report together = Together(seed, model, jobs, before, reached_together);

          EXPECT_TRUE(together.complete);
          EXPECT_EQ(CountsOf(together), CountsOf(alone)) << "seed " << seed << ", " << jobs;
          EXPECT_EQ(reached_together, reached) << "seed " << seed << ", " << jobs;
        }
      }
    }
  }
}

}  // namespace
}  // namespace shootdown::explore
