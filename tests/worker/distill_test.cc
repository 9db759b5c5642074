#include "worker/distill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "fuzz/base/prng.h"

namespace shootdown {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Input InputWith(const std::vector<std::uint32_t>& features, std::size_t schedule_bytes = 8) {
  v1::Input input;
  input.mutable_features()->Add(features.begin(), features.end());
  input.set_schedule(std::string(schedule_bytes, 'x'));
  return input;
}

TEST(DistillTest, NothingNewIsNothing) {
  const std::vector<v1::Input> inputs = {InputWith({1, 2}), InputWith({2})};

  EXPECT_THAT(Distill(inputs, std::vector<std::uint32_t>{1, 2}), IsEmpty());
}

TEST(DistillTest, OneThatHasAllReplacesThoseBeforeIt) {
  const std::vector<v1::Input> inputs = {InputWith({1}), InputWith({1, 2}), InputWith({1, 2, 3})};

  EXPECT_THAT(Distill(inputs, {}), ElementsAre(2));
}

TEST(DistillTest, OfEqualOnesTheShortestAndThenTheFirst) {
  const std::vector<v1::Input> inputs = {InputWith({1, 2}, 24), InputWith({1, 2}, 8),
                                         InputWith({1, 2}, 8)};

  EXPECT_THAT(Distill(inputs, {}), ElementsAre(1));
}

TEST(DistillTest, KnownFeaturesDoNotCount) {
  const std::vector<v1::Input> inputs = {InputWith({1, 2, 3, 4}), InputWith({5, 6})};

  EXPECT_THAT(Distill(inputs, std::vector<std::uint32_t>{1, 2, 3, 4}), ElementsAre(1));
}

TEST(DistillTest, NothingIsLostAndNothingIsForNothing) {
  Prng prng(1);
  for (int round = 0; round < 100; ++round) {
    std::vector<v1::Input> inputs;
    std::set<std::uint32_t> all;
    for (int i = 0; i < 30; ++i) {
      std::set<std::uint32_t> features;
      for (std::uint32_t n = prng.Below(10); n != 0; --n) features.insert(prng.Below(60));
      all.insert(features.begin(), features.end());
      inputs.push_back(InputWith({features.begin(), features.end()}));
    }

    std::set<std::uint32_t> kept;
    const std::vector<std::size_t> chosen = Distill(inputs, {});
    for (const std::size_t i : chosen) {
      kept.insert(inputs[i].features().begin(), inputs[i].features().end());
    }

    EXPECT_EQ(kept, all);
    EXPECT_LT(chosen.size(), inputs.size());
  }
}

}  // namespace
}  // namespace shootdown
