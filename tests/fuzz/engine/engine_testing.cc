#include "tests/fuzz/engine/engine_testing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "fuzz/engine/mutator.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "fuzz/sim/trace.h"
#include "proto/scenario_text.h"

namespace shootdown::testing {
namespace {

namespace fs = std::filesystem;

constexpr char kSuffix[] = ".textproto";

}  // namespace

std::vector<std::string> CorpusNames(Verdict verdict) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(SHOOTDOWN_CORPUS_FOLDER)) {
    if (entry.path().extension() != kSuffix) continue;
    std::string name = entry.path().stem().string();
    const bool clean = verdict != Verdict::kAny && CorpusScenario(name).expected == "clean";
    if (verdict == Verdict::kAny || clean == (verdict == Verdict::kClean)) {
      names.push_back(std::move(name));
    }
  }
  std::ranges::sort(names);
  return names;
}

std::vector<std::string> SeedRaceNames() {
  std::vector<std::string> names = CorpusNames(Verdict::kFound);
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("seed-"); });
  return names;
}

Scenario CorpusScenario(std::string_view name) {
  const fs::path path = fs::path(SHOOTDOWN_CORPUS_FOLDER) / (std::string(name) + kSuffix);
  absl::StatusOr<Scenario> scenario = ReadScenarioFile(path.string());
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *std::move(scenario) : Scenario();
}

std::unique_ptr<Simulation> BuildCorpus(std::string_view name) {
  ScenarioProblem problem;
  std::unique_ptr<Simulation> simulation = Simulation::Build(CorpusScenario(name), &problem);
  EXPECT_NE(simulation, nullptr) << name << ": " << problem.message;
  return simulation;
}

std::string TestName(std::string_view name) {
  std::string words;
  bool upper = true;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) {
      upper = true;
    } else {
      words += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
      upper = false;
    }
  }
  return words;
}

MutationLoop::MutationLoop(Simulation& simulation, std::uint64_t seed)
    : prng_(seed), target_(simulation), corpus_{Schedule()} {
  target_.OnFound([this](const Target::Found& found) { found_.push_back(found); });
}

void MutationLoop::Run(std::uint64_t run_count_max, std::size_t finding_count_max) {
  for (std::uint64_t n = 0; n < run_count_max && found_.size() < finding_count_max; ++n) {
    const auto parent = prng_.Below(static_cast<std::uint32_t>(corpus_.size()));
    target_.EnsureLastRun(corpus_[parent]);
    const Schedule child = Mutate(target_.machine(), prng_);
    if (target_.Run(child) != 0) corpus_.push_back(child);
  }
}

Target::Found FirstFinding(Simulation& simulation, std::uint64_t seed) {
  MutationLoop loop(simulation, seed);
  loop.Run(100'000, 1);
  EXPECT_FALSE(loop.found().empty()) << simulation.scenario().name << ", seed " << seed;
  return loop.found().empty() ? Target::Found{} : loop.found().front();
}

std::string KindOf(Simulation& simulation, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  const check::Finding* const finding = simulation.Run(scheduler);
  return finding == nullptr ? "clean" : KindKey(*finding, simulation.machine());
}

std::uint64_t TraceHashOf(Simulation& simulation, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  (void)simulation.Run(scheduler);
  return sim::ChainedHashes(simulation.machine().log()).back();
}

Decision AnyDecision(Prng& prng, int cpu_count) {
  const auto cpu = [&] {
    return static_cast<int>(prng.Below(static_cast<std::uint32_t>(cpu_count)));
  };
  Decision d;
  d.kind = static_cast<Decision::Kind>(prng.Below(Decision::kKindCount));
  d.index = prng.Below(60);
  d.actor = prng.OneIn(4) ? CpuActor(cpu()) : TaskActor(static_cast<int>(prng.Below(2)));
  if (d.kind == Decision::Kind::kSwitch) {
    d.to = prng.OneIn(4) ? BufferActor(cpu()) : CpuActor(cpu());
  } else {
    d.arg = static_cast<std::uint8_t>(prng.Below(16));
  }
  return d;
}

}  // namespace shootdown::testing
