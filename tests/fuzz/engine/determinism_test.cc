// Equal seeds give equal searches, whatever this process ran before.
#include <gtest/gtest.h>

#include "fuzz/sim/trace.h"
#include "tests/fuzz/engine/engine_testing.h"

namespace shootdown {
namespace {

using testing::BuildCorpus;
using testing::CorpusNames;
using testing::MutationLoop;
using testing::TestName;
using testing::TraceHashOf;

// All that a search comes to, in words that compare.
struct Outcome {
  std::vector<std::string> findings;
  std::vector<std::string> corpus;
  std::vector<std::uint64_t> traces;
  std::size_t features = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome Search(const std::string& name, std::uint64_t seed) {
  const auto simulation = BuildCorpus(name);
  MutationLoop loop(*simulation, seed);
  loop.Run(3'000);
  Outcome outcome;
  outcome.features = loop.target().feature_count();
  for (const Target::Found& found : loop.found()) {
    outcome.findings.push_back(std::to_string(found.run) + ' ' + found.kind_key + ' ' +
                               found.exact.ToText());
    outcome.traces.push_back(TraceHashOf(*simulation, found.exact));
  }
  for (const Schedule& schedule : loop.corpus()) {
    outcome.corpus.push_back(schedule.ToText());
    outcome.traces.push_back(TraceHashOf(*simulation, schedule));
  }
  return outcome;
}

class DeterminismTest : public ::testing::TestWithParam<std::string> {};

TEST_P(DeterminismTest, EqualSeedsGiveEqualSearches) {
  const Outcome first = Search(GetParam(), 1);

  EXPECT_EQ(Search(GetParam(), 1), first);
}

TEST_P(DeterminismTest, OtherScenariosBeforeItChangeNothing) {
  const Outcome first = Search(GetParam(), 2);
  for (const char* other : {"seed-lost-bit-8cpu", "seed-stale-hit-clone", "seed-stale-hit"}) {
    (void)Search(other, 3);
  }

  EXPECT_EQ(Search(GetParam(), 2), first);
}

INSTANTIATE_TEST_SUITE_P(Corpus, DeterminismTest, ::testing::ValuesIn(CorpusNames()),
                         [](const auto& scenario) { return TestName(scenario.param); });

}  // namespace
}  // namespace shootdown
