#include "fuzz/process/proof_estimate.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/program/program.h"

namespace shootdown {
namespace {

using explore::StateOptions;
using explore::StateSearch;
using program::Word;

// Runs of which each shows `share_percent` / 100 more on the mean, so 0 or 1.
struct Proof {
  std::uint64_t run_count = 0;
  std::uint64_t branch_count = 0;

  void Run(Prng& prng, std::uint32_t share_percent) {
    ++run_count;
    --branch_count;
    branch_count += prng.Below(100) < share_percent ? 1 : 0;
  }
};

TEST(ProofEstimateTest, IsTheSumOfWhatIsKnownAndOfWhatThatWillShow) {
  for (const std::uint32_t share : {0u, 30u, 60u, 90u}) {
    Prng prng(share);
    Proof proof{.run_count = 0, .branch_count = 20'000};
    ProofEstimate estimate;
    std::vector<std::uint64_t> said;
    while (proof.branch_count != 0) {
      estimate.Add(proof.run_count, proof.branch_count);
      if (proof.run_count == 5'000 || proof.run_count == 15'000) {
        said.push_back(estimate.WholeRunCount().value());
      }
      proof.Run(prng, share);
    }

    ASSERT_EQ(said.size(), 2u);
    for (const std::uint64_t whole : said) {
      EXPECT_NEAR(static_cast<double>(whole), static_cast<double>(proof.run_count),
                  0.15 * static_cast<double>(proof.run_count))
          << share;
    }
  }
}

TEST(ProofEstimateTest, WhileEachRunShowsAnotherNoEndIsInSight) {
  ProofEstimate estimate;
  for (std::uint64_t runs = 0; runs < 10'000; ++runs) {
    estimate.Add(runs, 100 + runs / 10);
    ASSERT_EQ(estimate.WholeRunCount(), std::nullopt);
  }
}

TEST(ProofEstimateTest, FewRunsSayNothing) {
  ProofEstimate estimate;
  EXPECT_EQ(estimate.WholeRunCount(), std::nullopt);
  estimate.Add(0, 50);
  estimate.Add(40, 10);
  EXPECT_EQ(estimate.WholeRunCount(), std::nullopt);
}

TEST(ProofEstimateTest, ASearchThatBeginsAnewIsForgotten) {
  ProofEstimate estimate;
  for (std::uint64_t runs = 0; runs < 1'000; ++runs) estimate.Add(runs, 2'000 - runs);
  ASSERT_TRUE(estimate.WholeRunCount().has_value());

  estimate.Add(10, 500);

  EXPECT_EQ(estimate.WholeRunCount(), std::nullopt);
}

// What it says on the way of a real one: nothing at first, and nothing far off later.
TEST(ProofEstimateTest, ComesNearToTheTruthOnTheWay) {
  struct State {
    Word words[4];
  };
  const auto body = [](int first) {
    return [first](State& s) {
      for (int i = 0; i < 4; ++i) {
        STORE(s.words[(first + i) % 4], LOAD(s.words[(first + i + 1) % 4]) + 1);
      }
    };
  };
  program::ProgramOf<State> program({.name = "counters",
                                     .threads = {body(0), body(1), body(2)},
                                     .machine = {.memory_model = program::MemoryModel::kSc}});
  ProofEstimate estimate;
  std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> said;
  StateSearch* running = nullptr;
  StateOptions options;
  options.should_stop = [&] {
    estimate.Add(running->run_count(), running->branch_count());
    said.emplace_back(running->run_count(), estimate.WholeRunCount());
    return false;
  };
  StateSearch search(program, options);
  running = &search;
  ASSERT_TRUE(search.Explore().complete);
  const auto whole = static_cast<double>(search.run_count());

  int near = 0;
  for (const auto& [runs, estimated] : said) {
    const double part = static_cast<double>(runs) / whole;
    if (part < 0.05) {
      EXPECT_EQ(estimated, std::nullopt) << part;
    }
    if (part < 0.6) continue;
    ASSERT_TRUE(estimated.has_value()) << part;
    EXPECT_GT(static_cast<double>(*estimated), 0.9 * whole) << part;
    EXPECT_LT(static_cast<double>(*estimated), 3 * whole) << part;
    ++near;
  }
  EXPECT_GT(near, 10);
}

}  // namespace
}  // namespace shootdown
