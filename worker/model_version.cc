#include "worker/model_version.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/strings/str_format.h"
#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/base/prng.h"
#include "fuzz/engine/features.h"
#include "fuzz/engine/mutator.h"
#include "fuzz/process/loaded_scenario.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"

namespace shootdown {
namespace {

// One with two CPUs and total store order, as most are; one in which a process also forks, on four.
constexpr std::array<std::string_view, 2> kScenarios = {
    R"(
name: "model-version-2"
machine { cpus: 2 }
version: "sparc64.flush = trim_if_single_user"
task {
  name: "app" cpu: 0
  setup: "mmap A 2" setup: "touch A" setup: "touch B" setup: "io_uring_setup ring"
  op: "io_uring_submit ring read B 2" op: "munmap A" op: "munmap B"
}
task { name: "sq" kthread: true cpu: 1 op: "io_sq_thread ring" }
expect { clean: true }
)",
    R"(
name: "model-version-4"
machine { cpus: 4 }
task {
  name: "app" cpu: 0
  setup: "mmap A" setup: "touch A" setup: "io_uring_setup ring"
  op: "io_uring_submit ring read A" op: "touch A" op: "munmap A"
}
task { name: "sq" kthread: true cpu: 1 op: "io_sq_thread ring" }
expect { clean: true }
)"};
constexpr int kMutationCount = 100;

std::uint64_t HashOf(std::string_view text) {
  const absl::StatusOr<LoadedScenario> loaded = ParseLoadedScenario(text, "built-in scenario");
  SHOOTDOWN_CHECK(loaded.ok());
  const absl::StatusOr<std::unique_ptr<Simulation>> simulation = BuildSimulation(*loaded);
  SHOOTDOWN_CHECK(simulation.ok());
  Prng prng(1);
  std::uint64_t hash = 0;
  Schedule schedule;
  for (int i = 0; i < kMutationCount; ++i) {
    ScheduleScheduler scheduler(schedule);
    const bool failed = (*simulation)->Run(scheduler) != nullptr;
    const sim::Machine& machine = (*simulation)->machine();
    for (const std::uint64_t row : sim::ChainedHashes(machine.log())) hash = Combine(hash, row);
    for (const std::uint32_t feature : FeatureSet::OfRun(machine)) hash = Combine(hash, feature);
    hash = Combine(hash, failed ? 1 : 0);
    schedule = Mutate(machine, prng);
  }
  return hash;
}

}  // namespace

std::string ModelVersion() {
  std::uint64_t hash = 0;
  for (const std::string_view text : kScenarios) hash = Combine(hash, HashOf(text));
  return absl::StrFormat("%s-%016x", SHOOTDOWN_VERSION, hash);
}

}  // namespace shootdown
