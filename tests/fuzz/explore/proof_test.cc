// What is said of a subject when so many states may be looked at, and no more.
#include "fuzz/explore/proof.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "fuzz/explore/state_search.h"
#include "tests/puzzles/standard_programs.h"

namespace shootdown::explore {
namespace {

// i += j against j += i: what each thread has read takes exponentially many values, but for few
// preemptions.
std::unique_ptr<program::Program> Two() {
  return program::Make(program::Fib(5), sim::MemoryModel::kSc);
}
std::unique_ptr<program::Program> Three() {
  return program::Make(program::FibWithMain(4), sim::MemoryModel::kSc);
}

std::uint64_t StatesOf(program::Program& subject, std::optional<std::uint32_t> preemptions) {
  StateOptions options;
  options.preemptions = preemptions;
  const Report report = StateSearch(subject, options).Explore();
  EXPECT_TRUE(report.complete);
  return report.states;
}

TEST(ProofTest, EverythingIsProvedWhereTheStatesAreEnough) {
  const auto subject = Two();
  const std::uint64_t all = StatesOf(*subject, std::nullopt);

  const Proof proof = Prove(*subject, all, /*expects_violation=*/false);

  EXPECT_EQ(proof.kind, Proof::Kind::kAll);
  EXPECT_EQ(proof.states, all);
}

TEST(ProofTest, WhereTheyAreNotTwoCpusAreProvedForThreePreemptions) {
  const auto subject = Two();
  const std::uint64_t within = StatesOf(*subject, 3);
  const std::uint64_t states = within / StatesOfLongProof(2) + 1;
  ASSERT_LT(states * StatesOfLongProof(2), StatesOf(*subject, std::nullopt));

  const Proof proof = Prove(*subject, states, /*expects_violation=*/false);

  EXPECT_EQ(proof.kind, Proof::Kind::kPreemptions);
  EXPECT_EQ(proof.bound, 3u);
  EXPECT_EQ(proof.events, 0u);
  EXPECT_EQ(proof.states, within);
}

TEST(ProofTest, WhenThatIsDoneAllMayHaveMoreStates) {
  const auto subject = Two();
  const std::uint64_t all = StatesOf(*subject, std::nullopt);

  const Proof proof = Prove(*subject, all / StatesOfLongProof(2) + 1, /*expects_violation=*/false);

  EXPECT_EQ(proof.kind, Proof::Kind::kAll);
  EXPECT_EQ(proof.states, all);
}

TEST(ProofTest, AndThreeCpusForTwo) {
  const auto subject = Three();
  const std::uint64_t within = StatesOf(*subject, 2);
  const std::uint64_t states = within / StatesOfLongProof(3) + 1;
  ASSERT_LT(states * StatesOfLongProof(3), StatesOf(*subject, std::nullopt));

  const Proof proof = Prove(*subject, states, /*expects_violation=*/false);

  EXPECT_EQ(proof.kind, Proof::Kind::kPreemptions);
  EXPECT_EQ(proof.bound, 2u);
  EXPECT_EQ(proof.states, within);
}

TEST(ProofTest, WithLessStillItIsSoManyDepartures) {
  const auto subject = Two();
  const std::uint64_t within = StatesOf(*subject, 3);

  const Proof proof = Prove(*subject, within / 32, /*expects_violation=*/false);

  EXPECT_EQ(proof.kind, Proof::Kind::kDepartures);
  EXPECT_LT(proof.bound, 3u);
}

TEST(ProofTest, AViolationWithinTheBoundIsFound) {
  auto program = program::Fib(5);
  // One after the other the first one adds 1 five times. It takes a preemption to be otherwise.
  program.at_end = [](program::Standard& s) {
    REQUIRE_AT_END(s.x[0].Peek() == 6 || s.x[1].Peek() == 6, "the threads did not run in turn");
  };
  const auto subject = program::Make(program, sim::MemoryModel::kSc);

  for (const bool expects : {false, true}) {
    const Proof proof = Prove(*subject, 100'000, expects);

    EXPECT_EQ(proof.kind, Proof::Kind::kRefuted);
    EXPECT_EQ(proof.check, "assertion");
  }
}

}  // namespace
}  // namespace shootdown::explore
