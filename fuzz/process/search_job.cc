#include "fuzz/process/search_job.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "fuzz/base/hash.h"
#include "fuzz/engine/record.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

// How a run went, in a number that costs next to nothing: two runs that went apart end apart.
std::uint64_t Outline(const sim::Machine& machine) {
  const auto log = machine.log();
  std::uint64_t outline = static_cast<std::uint64_t>(log.size()) << 32 | machine.conflicts().size();
  if (!log.empty()) {
    const sim::LogEntry& last = log.back();
    outline ^= static_cast<std::uint64_t>(last.site->hash) << 16 ^ last.value;
  }
  return outline;
}

// A process that is killed leaves the sample of the runs up to one of these: so many, or a power of two.
constexpr std::uint64_t kSampleEvery = 1024;

// The k-th checkpoint of `runs` is made after this many.
std::uint64_t CheckpointAt(std::uint64_t runs, std::uint64_t k) {
  constexpr std::uint64_t kParts = ChildState::kCheckpointCount;
  return runs / kParts * k + runs % kParts * k / kParts;
}

}  // namespace

void RunSearchJob(Simulation& simulation, const StrategyName& strategy,
                  const SearchOptions& options, const SearchJobListener& listener,
                  ChildState* state) {
  // libFuzzer ends with exit(), so these outlive this function.
  static std::uint64_t chain = 0;
  static std::uint64_t next_checkpoint = CheckpointAt(options.run_count_max, 1);
  static SearchListener search;
  std::ranges::fill(simulation.kernel().reached(), 0);
  search.found = listener.found;
  search.before_run = [state](const Schedule& schedule) { state->SetRunning(schedule); };
  search.input = [&](std::span<const std::uint8_t> input) {
    if (!listener.input) return;
    const sim::Machine& machine = simulation.machine();
    listener.input({.schedule = {input.begin(), input.end()},
                    .features = FeatureSet::OfRun(machine),
                    .trace_hash = TraceHash(sim::ChainedHashes(machine.log()))});
  };
  search.ran = [&](const Target& target) {
    const std::uint64_t runs = target.run_count();
    state->features.store(target.feature_count(), std::memory_order_relaxed);
    state->findings_passed_over.store(target.passed_over_count(), std::memory_order_relaxed);
    const BehaviourSet& behaviours = target.behaviours();
    state->behaviours.store(behaviours.size(), std::memory_order_relaxed);
    state->behaviours_once.store(behaviours.seen_once(), std::memory_order_relaxed);
    state->behaviours_twice.store(behaviours.seen_twice(), std::memory_order_relaxed);
    state->SetReached(simulation.kernel().reached());
    chain = Combine(chain, Outline(target.machine()));
    if (options.run_count_max != 0) {
      while (runs >= next_checkpoint && state->checkpoint_count < ChildState::kCheckpointCount) {
        state->checkpoints[state->checkpoint_count] = chain;
        state->checkpoint_count.fetch_add(1, std::memory_order_relaxed);
        next_checkpoint = CheckpointAt(options.run_count_max, state->checkpoint_count + 1);
      }
    }
    if (runs == options.run_count_max || runs % kSampleEvery == 0 || std::has_single_bit(runs)) {
      state->SetBehaviours(runs, behaviours.sample());
    }
    state->runs.store(runs, std::memory_order_release);  // what it said before is in the pipe
  };
  if (strategy.kind == StrategyName::Kind::kLibFuzzer) {
    LibFuzzerSearch(simulation, options, search);
  }
  SampleSearch(simulation, strategy, options, search);
  std::exit(0);
}

}  // namespace shootdown
