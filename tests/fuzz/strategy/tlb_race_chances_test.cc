// The seed's race as a small model: how likely a run of each sampler meets the bug, exactly; and
// the samplers meet it as often as their rules say. What is counted may be off as far as chance
// goes in 999 cases of 1,000.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>

#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/strategy/bounded.h"
#include "fuzz/strategy/pct.h"
#include "fuzz/strategy/pos.h"
#include "fuzz/strategy/urw.h"
#include "tests/fuzz/strategy/exact_chances.h"
#include "tests/puzzles/tlb_race.h"

namespace shootdown::testing {
namespace {

constexpr int kRunCount = 200'000;

class TlbRaceChancesTest : public ::testing::Test {
 protected:
  // One run: it failed.
  bool Fails(sim::Scheduler& scheduler) { return subject_->RunOnce(scheduler) != nullptr; }

  int FailuresOf(sim::Scheduler& scheduler, int run_count) {
    int failures = 0;
    for (int n = 0; n < run_count; ++n) failures += Fails(scheduler) ? 1 : 0;
    return failures;
  }

  static void ExpectAsMany(int failures, double wanted) {
    EXPECT_NEAR(failures, wanted, 3.3 * std::sqrt(wanted));
  }

  std::unique_ptr<program::Program> subject_ = puzzles::TlbRace({});
};

class EvenChoices : public Rule {
 public:
  [[nodiscard]] double ChanceOfCpu0() const override { return 0.5; }
};

TEST_F(TlbRaceChancesTest, ARandomWalkMeetsItOnceIn504Runs) {
  const double chance = ChanceOfFailure(*subject_, [] { return std::make_unique<EvenChoices>(); });
  EXPECT_NEAR(1 / chance, 504.4, 0.1);

  RandomWalk walk(1, /*hold_one_in=*/0);
  ExpectAsMany(FailuresOf(walk, kRunCount), kRunCount * chance);
}

// Who has so many steps left, one at least.
class InProportion : public Rule {
 public:
  explicit InProportion(std::array<int, 2> steps) : left_(steps) {}
  [[nodiscard]] double ChanceOfCpu0() const override {
    const double left = std::max(left_[0], 1);
    return left / (left + std::max(left_[1], 1));
  }
  void Taken(int cpu, bool /*conflict*/) override { --left_[static_cast<std::size_t>(cpu)]; }

 private:
  std::array<int, 2> left_;
};

TEST_F(TlbRaceChancesTest, UrwMeetsItOnceIn357Runs) {
  constexpr int kWarmUp = 1000;
  Urw urw(1);
  std::array<int, 2> steps{};
  for (int n = 0; n < kWarmUp; ++n) {
    (void)Fails(urw);
    for (const sim::LogEntry& entry : subject_->machine().log()) {
      steps[entry.cpu] += sim::IsStep(entry.kind) ? 1 : 0;
    }
  }
  for (int& count : steps) count = (count + kWarmUp / 2) / kWarmUp;

  const double chance =
      ChanceOfFailure(*subject_, [&] { return std::make_unique<InProportion>(steps); });
  EXPECT_NEAR(1 / chance, 356.6, 0.1);

  ExpectAsMany(FailuresOf(urw, kRunCount), kRunCount * chance);
}

// Who has lost n times has the least of n + 1 even draws, which a new one beats with a chance of
// (n + 1) / (n + 2); whatever conflicts with the step taken is drawn anew.
class KeptPriorities : public Rule {
 public:
  [[nodiscard]] double ChanceOfCpu0() const override {
    const double of_loser = 1.0 / (lost_ + 2);
    return loser_ == 0 ? of_loser : 1 - of_loser;
  }
  void Chosen(int cpu) override {
    ++lost_;
    loser_ = 1 - cpu;
  }
  void Taken(int cpu, bool conflict) override {
    if (cpu == loser_ || conflict) lost_ = 0;
  }
  void Arrived(int cpu) override {
    if (cpu == loser_) lost_ = 0;
  }
  [[nodiscard]] std::uint64_t State() const override {
    return lost_ == 0 ? 0 : static_cast<std::uint64_t>(2 * lost_ + loser_);
  }

 private:
  int loser_ = 0;
  int lost_ = 0;
};

TEST_F(TlbRaceChancesTest, PosMeetsItOnceIn234Runs) {
  const double chance =
      ChanceOfFailure(*subject_, [] { return std::make_unique<KeptPriorities>(); });
  EXPECT_NEAR(1 / chance, 234.4, 0.1);

  Pos pos(1, Pos::EagerInvisible::kNo);
  ExpectAsMany(FailuresOf(pos, kRunCount), kRunCount * chance);
}

// By going through all draws: who begins, and the two choices, of `k`, at which whoever is ahead
// falls back.
double ChanceOfPct3(sim::Subject& subject, std::uint32_t k) {
  double failures = 0;
  for (const int first : {0, 1}) {
    for (std::uint32_t a = 0; a < k; ++a) {
      for (std::uint32_t b = a; b < k; ++b) {
        int ahead = first;
        Directed directed([&](std::uint32_t n) {
          if (n == a) ahead = 1 - ahead;
          if (n == b) ahead = 1 - ahead;
          return ahead;
        });
        if (subject.RunOnce(directed) != nullptr) failures += a == b ? 1 : 2;
      }
    }
  }
  return failures / (2.0 * k * k);
}

// k is the longest run so far; 192 is for the longest there is.
TEST_F(TlbRaceChancesTest, Pct3MeetsItOnceIn192RunsOrMoreOftenAsLongAsRunsWereShorter) {
  constexpr std::uint32_t kLongest = 31;
  EXPECT_NEAR(1 / ChanceOfPct3(*subject_, kLongest), 192.2, 0.1);

  Pct pct(1, 3);
  std::map<std::uint32_t, int> run_counts;  // by k
  int failures = 0;
  for (int n = 0; n < kRunCount; ++n) {
    failures += Fails(pct) ? 1 : 0;
    ++run_counts[pct.choice_count_max()];
  }
  EXPECT_LE(run_counts.rbegin()->first, kLongest);
  double wanted = 0;
  for (const auto& [k, count] : run_counts) {
    if (k != 0) wanted += count * ChanceOfPct3(*subject_, k);
  }
  ExpectAsMany(failures, wanted);
}

}  // namespace
}  // namespace shootdown::testing
