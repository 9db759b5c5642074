// What the blend does on machines of the corpus, where it is more than one strategy among others.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "fuzz/strategy/blend.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

// In this scenario no order of the CPUs' own steps fails: a walker has to fetch through a table that is freed.
TEST(BlendCorpusTest, WalkersFetchWhatNobodyAskedFor) {
  const auto simulation = testing::BuildCorpus("7.30-tlb-remove-table-single-user");
  Target target(*simulation);
  std::optional<Target::Found> found;
  target.OnFound([&](const Target::Found& f) { found = f; });
  Blend blend(1);
  (void)target.Run(Schedule());
  blend.LearnFrom(target.machine());

  for (int n = 0; n < 300 && !found.has_value(); ++n) (void)target.Run(blend);

  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(std::ranges::any_of(found->exact.decisions(), [](const Decision& d) {
    return d.kind == Decision::Kind::kWalk;
  })) << found->exact.ToText();
}

// An interrupt has to come between two steps that no other CPU sees. Runs in which those are no choices need
// five times as many.
TEST(BlendCorpusTest, InterruptsComeBetweenStepsThatNobodySeesWhereItMatters) {
  constexpr std::uint64_t kSeeds = 60;
  const auto simulation = testing::BuildCorpus("W8-hardware-stays");
  std::uint64_t runs = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Target target(*simulation);
    bool found = false;
    target.OnFound([&](const Target::Found&) { found = true; });
    Blend blend(seed);
    (void)target.Run(Schedule());
    blend.LearnFrom(target.machine());
    while (!found && target.run_count() < 2000) (void)target.Run(blend);
    runs += target.run_count();
  }

  EXPECT_LT(runs, kSeeds * 100);
}

}  // namespace
}  // namespace shootdown
