// What the tests of the engine share: the corpus, and a search that is small, seeded, and has no
// libFuzzer in it.
#ifndef SHOOTDOWN_TESTS_FUZZ_ENGINE_ENGINE_TESTING_H_
#define SHOOTDOWN_TESTS_FUZZ_ENGINE_ENGINE_TESTING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/base/prng.h"
#include "fuzz/corpus/failure.h"
#include "fuzz/engine/target.h"
#include "fuzz/scenario/scenario.h"
#include "fuzz/scenario/simulation.h"
#include "fuzz/schedule/schedule.h"

namespace shootdown::testing {

// The names of the scenarios in corpus/, ascending: all, those that expect a finding, those clean.
enum class Verdict { kAny, kFound, kClean };
[[nodiscard]] std::vector<std::string> CorpusNames(Verdict verdict = Verdict::kAny);

// The seed's races: two or three decisions each, so tests of the engine itself run on these. Others may
// fail in the default order, or need more.
[[nodiscard]] std::vector<std::string> SeedRaceNames();

// REQUIRES: corpus/<name>.textproto is there. The test fails if it cannot be read or built.
[[nodiscard]] Scenario CorpusScenario(std::string_view name);
[[nodiscard]] std::unique_ptr<Simulation> BuildCorpus(std::string_view name);

// A name as GoogleTest allows it.
[[nodiscard]] std::string TestName(std::string_view name);

// Mutates schedules that had news, without end: what libFuzzer does, but for its cleverness.
class MutationLoop {
 public:
  MutationLoop(Simulation& simulation, std::uint64_t seed);

  // Up to `run_count_max` more runs, or until there are that many findings.
  void Run(std::uint64_t run_count_max, std::size_t finding_count_max = SIZE_MAX);

  [[nodiscard]] const std::vector<Target::Found>& found() const { return found_; }
  [[nodiscard]] const std::vector<Schedule>& corpus() const { return corpus_; }
  [[nodiscard]] const Target& target() const { return target_; }

 private:
  Prng prng_;
  Target target_;
  std::vector<Schedule> corpus_;
  std::vector<Target::Found> found_;
};

// The first finding of a MutationLoop. The test fails if there is none.
[[nodiscard]] Target::Found FirstFinding(Simulation& simulation, std::uint64_t seed);

// One run: its KindKey, or `clean`.
[[nodiscard]] std::string KindOf(Simulation& simulation, const Schedule& schedule);
// One run: the chained hash of its last row.
[[nodiscard]] std::uint64_t TraceHashOf(Simulation& simulation, const Schedule& schedule);

// A legal decision of any kind, for a small machine.
[[nodiscard]] Decision AnyDecision(Prng& prng, int cpu_count);

}  // namespace shootdown::testing

#endif  // SHOOTDOWN_TESTS_FUZZ_ENGINE_ENGINE_TESTING_H_
