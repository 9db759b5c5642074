#include "fuzz/engine/distill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "fuzz/engine/features.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::MutationLoop;

// Inputs of two searches that know nothing of each other.
std::vector<Schedule> SomeInputs(Simulation& simulation) {
  std::vector<Schedule> inputs;
  for (const std::uint64_t seed : {1, 2}) {
    MutationLoop loop(simulation, seed);
    loop.Run(3000);
    inputs.insert(inputs.end(), loop.corpus().begin(), loop.corpus().end());
  }
  return inputs;
}

std::set<std::uint32_t> FeaturesOf(Simulation& simulation, const std::vector<Schedule>& inputs) {
  std::set<std::uint32_t> features;
  for (const Schedule& input : inputs) {
    ScheduleScheduler scheduler(input);
    (void)simulation.RunOnce(scheduler);
    for (const std::uint32_t f : FeatureSet::OfRun(simulation.machine())) features.insert(f);
  }
  return features;
}

std::vector<Schedule> Kept(const std::vector<Schedule>& inputs, const Distilled& distilled) {
  std::vector<Schedule> kept;
  for (const std::size_t i : distilled.kept) kept.push_back(inputs[i]);
  return kept;
}

TEST(DistillTest, FewerInputsDoWhatAllOfThemDo) {
  const auto simulation = BuildCorpus("seed-stale-hit-fixed");
  const std::vector<Schedule> inputs = SomeInputs(*simulation);

  const Distilled distilled = Distill(*simulation, inputs);

  const std::vector<Schedule> kept = Kept(inputs, distilled);
  EXPECT_LT(kept.size(), inputs.size());
  const std::set<std::uint32_t> all = FeaturesOf(*simulation, inputs);
  EXPECT_EQ(FeaturesOf(*simulation, kept), all);
  EXPECT_EQ(distilled.features, std::vector<std::uint32_t>(all.begin(), all.end()));
}

TEST(DistillTest, EachOfThemAddsSomethingAndShortOnesComeFirst) {
  const auto simulation = BuildCorpus("seed-stale-hit-fixed");
  const std::vector<Schedule> inputs = SomeInputs(*simulation);

  const std::vector<Schedule> kept = Kept(inputs, Distill(*simulation, inputs));

  EXPECT_TRUE(std::ranges::is_sorted(kept, {}, &Schedule::size));
  std::vector<Schedule> so_far;
  std::size_t known = 0;
  for (const Schedule& input : kept) {
    so_far.push_back(input);
    const std::size_t now = FeaturesOf(*simulation, so_far).size();
    EXPECT_GT(now, known) << input.ToText();
    known = now;
  }
}

TEST(DistillTest, TheOrderInWhichInputsAreGivenDoesNotMatter) {
  const auto simulation = BuildCorpus("seed-stale-hit-fixed");
  const std::vector<Schedule> inputs = SomeInputs(*simulation);
  const std::vector<Schedule> backwards(inputs.rbegin(), inputs.rend());

  const Distilled one = Distill(*simulation, inputs);
  const Distilled other = Distill(*simulation, backwards);

  EXPECT_EQ(Kept(inputs, one), Kept(backwards, other));
  EXPECT_EQ(one.features, other.features);
}

TEST(DistillTest, OfNothingIsNothing) {
  const auto simulation = BuildCorpus("seed-stale-hit");

  const Distilled distilled = Distill(*simulation, {});

  EXPECT_TRUE(distilled.kept.empty());
  EXPECT_TRUE(distilled.features.empty());
}

}  // namespace
}  // namespace shootdown
