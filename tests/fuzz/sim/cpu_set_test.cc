// A set of CPUs against a std::set.
#include "fuzz/sim/cpu_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "fuzz/base/prng.h"

namespace shootdown {
namespace {

using Model = std::set<int>;

std::vector<int> Members(const CpuSet& set) {
  std::vector<int> members;
  set.ForEach([&members](int cpu) { members.push_back(cpu); });
  return members;
}

CpuSet FromModel(const Model& model) {
  CpuSet set;
  for (const int cpu : model) set.Add(cpu);
  return set;
}

TEST(CpuSetTest, IsASetOfNumbers) {
  Prng prng(1);
  for (int n = 0; n < 2'000; ++n) {
    Model a;
    Model b;
    for (std::uint32_t i = prng.Below(40); i != 0; --i) {
      (prng.OneIn(2) ? a : b).insert(static_cast<int>(prng.Below(kCpuCountMax)));
    }
    const CpuSet set_a = FromModel(a);
    const CpuSet set_b = FromModel(b);
    const auto expect = [](const CpuSet& set, const Model& model) {
      EXPECT_EQ(Members(set), std::vector<int>(model.begin(), model.end()));
      EXPECT_EQ(set.size(), static_cast<int>(model.size()));
      EXPECT_EQ(set.empty(), model.empty());
      if (!model.empty()) {
        EXPECT_EQ(set.first(), *model.begin());
      }
      for (int cpu = 0; cpu < kCpuCountMax; ++cpu) EXPECT_EQ(set.Has(cpu), model.contains(cpu));
    };
    Model both;
    Model either;
    Model only_a;
    std::ranges::set_intersection(a, b, std::inserter(both, both.end()));
    std::ranges::set_union(a, b, std::inserter(either, either.end()));
    std::ranges::set_difference(a, b, std::inserter(only_a, only_a.end()));

    expect(set_a, a);
    expect(set_a & set_b, both);
    expect(set_a | set_b, either);
    expect(set_a.Without(set_b), only_a);
    EXPECT_EQ(set_a == set_b, a == b);
  }
}

TEST(CpuSetTest, AllHasEveryCpu) {
  EXPECT_EQ(CpuSet::All().size(), kCpuCountMax);
  EXPECT_TRUE(CpuSet::Of(100).Without(CpuSet::All()).empty());
}

}  // namespace
}  // namespace shootdown
