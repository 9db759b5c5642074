#include "tests/fuzz/scenario/scenario_testing.h"

#include <gtest/gtest.h>

#include "fuzz/kernel/kernel.h"
#include "fuzz/schedule/schedule_scheduler.h"
#include "tests/fuzz/scenario/burst_walk.h"

namespace shootdown::testing {
namespace {

// Blanks inside brackets do not separate decisions.
std::vector<std::string> Decisions(std::string_view text) {
  std::vector<std::string> words(1);
  bool inside = false;
  for (const char c : text) {
    inside = c == '[' || (inside && c != ']');
    if (c == ' ' && !inside) {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

// `[site]` or `[site]+n` becomes the number of the step, as a run that follows `before` has it.
std::string WithNumber(Simulation& simulation, const std::string& before, std::string decision) {
  const std::size_t open = decision.find("@[");
  const std::size_t close = decision.find(']');
  if (open == std::string::npos || close == std::string::npos) return decision;
  const std::string actor = decision.substr(0, open);
  const std::string site = decision.substr(open + 2, close - open - 2);
  std::size_t end = close + 1;
  std::uint32_t index = 0;
  if (decision[end] == '+') {
    for (++end; end < decision.size() && decision[end] >= '0' && decision[end] <= '9'; ++end) {
      index = index * 10 + static_cast<std::uint32_t>(decision[end] - '0');
    }
  }
  (void)RunSchedule(simulation, before);
  for (const sim::LogEntry& row : simulation.machine().log()) {
    const ActorId id(row.actor);
    if (!sim::IsStep(row.kind) || ToText(id) != actor) continue;
    if (sim::SiteName(*row.site) != site) continue;
    return actor + "@" + std::to_string(row.index + index) + decision.substr(end);
  }
  ADD_FAILURE() << actor << " takes no step at " << site;
  return decision;
}

std::string Numbered(Simulation& simulation, std::string_view schedule) {
  std::string text;
  for (const std::string& decision : Decisions(schedule)) {
    const std::string numbered = WithNumber(simulation, text, decision);
    text += (text.empty() ? "" : " ") + numbered;
  }
  return text;
}

Outcome Told(const check::Finding* finding) {
  if (finding == nullptr) return {};
  return {.check = std::string(finding->check->name),
          .message = finding->message,
          .role = finding->role};
}

std::string Joined(const std::vector<Operation>& ops) {
  std::string text;
  for (const Operation& op : ops) text += (text.empty() ? "" : "; ") + op.text;
  return text;
}

}  // namespace

std::vector<Operation> Ops(std::string_view text) {
  std::vector<Operation> ops;
  while (!text.empty()) {
    const std::size_t end = text.find("; ");
    ops.push_back(Operation{std::string(text.substr(0, end))});
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return ops;
}

TaskSpec User(const UserTask& task) {
  return {.name = task.name,
          .process = task.process,
          .cpu = task.cpu,
          .setup = Ops(task.setup),
          .ops = Ops(task.ops)};
}

TaskSpec Kthread(const KernelThread& task) {
  return {.name = task.name,
          .process = "",
          .kthread = true,
          .cpu = task.cpu,
          .setup = Ops(task.setup),
          .ops = Ops(task.ops)};
}

Scenario TwoTasks(const UserTask& app, const KernelThread& kt) {
  Scenario scenario;
  scenario.name = "two tasks";
  scenario.expected = "clean";
  scenario.tasks = {User(app), Kthread(kt)};
  return scenario;
}

Scenario Processes(int count, int cpus, int contexts) {
  Scenario scenario;
  scenario.expected = "clean";
  scenario.machine.cpu_count = cpus;
  scenario.machine.context_count = contexts;
  for (int i = 0; i < count; ++i) {
    scenario.tasks.push_back(User({.name = "t" + std::to_string(i),
                                   .cpu = i % cpus,
                                   .setup = "mmap A; touch A",
                                   .ops = "touch A; yield; touch A"}));
  }
  return scenario;
}

std::unique_ptr<Simulation> BuildOrFail(const Scenario& scenario) {
  ScenarioProblem problem;
  std::unique_ptr<Simulation> simulation = Simulation::Build(scenario, &problem);
  EXPECT_NE(simulation, nullptr) << problem.message << " (task " << problem.task << ", entry "
                                 << problem.entry << ")\n"
                                 << Describe(scenario);
  return simulation;
}

Outcome RunSchedule(Simulation& simulation, std::string_view schedule) {
  const absl::StatusOr<Schedule> parsed = Schedule::Parse(Numbered(simulation, schedule));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  if (!parsed.ok()) return {};
  const Schedule canonical = parsed->Canonical();
  ScheduleScheduler scheduler(canonical);
  return Told(simulation.Run(scheduler));
}

Outcome RunOnce(const Scenario& scenario, std::string_view schedule) {
  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);
  if (simulation == nullptr) return {.check = "not built", .message = "", .role = ""};
  return RunSchedule(*simulation, schedule);
}

Outcome RunWalk(Simulation& simulation, std::uint64_t seed, std::uint32_t hold_one_in) {
  RandomWalk walk(seed, hold_one_in);
  return Told(simulation.Run(walk));
}

Outcome RunBurst(Simulation& simulation, std::uint64_t seed) {
  BurstWalk walk(seed);
  return Told(simulation.Run(walk));
}

void ExpectCleanWalks(const Scenario& scenario, int walks, std::uint64_t first_seed) {
  const std::unique_ptr<Simulation> simulation = BuildOrFail(scenario);
  if (simulation == nullptr) return;
  const auto is_clean = [&](const Outcome& outcome, const std::string& walk) {
    const std::string starved = outcome.check == "clean" ? StarvedTasks() : "";
    if (outcome.check == "clean" && starved.empty()) return true;
    ADD_FAILURE() << outcome.check << ": " << outcome.message << starved << "\n"
                  << walk << "\n"
                  << Describe(scenario);
    return false;
  };
  for (int i = 0; i < walks; ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    const std::uint32_t hold_one_in = i % 2 == 0 ? 0 : 3;
    const std::string seed_text = std::to_string(seed);
    if (!is_clean(RunWalk(*simulation, seed, hold_one_in),
                  "RandomWalk(" + seed_text + ", " + std::to_string(hold_one_in) + ")") ||
        !is_clean(RunBurst(*simulation, seed), "BurstWalk(" + seed_text + ")")) {
      return;
    }
  }
}

std::string StarvedTasks() {
  const kernel::Kernel& k = kernel::Kernel::Get();
  std::string starved;
  for (int c = 0; c < sim::Machine::Get().cpu_count(); ++c) {
    for (int t = 0; t < k.task_count; ++t) {
      const kernel::Task& task = k.tasks[t];
      if ((k.cpus[c].rq.queue.Peek() >> t & 1) == 0 || task.finished != 0) continue;
      if (task.polls_for != nullptr && !task.polls_for(task.polls_argument)) continue;
      starved += check::NameOf(&task) + " never gets to run on CPU " + std::to_string(c) + "; ";
    }
  }
  return starved;
}

std::string Describe(const Scenario& scenario) {
  const sim::MachineConfig& m = scenario.machine;
  std::string text =
      "machine: arch=" + scenario.arch + " cpus=" + std::to_string(m.cpu_count) +
      (m.memory_model == sim::MemoryModel::kSc ? " SC" : " TSO") +
      (m.mondo_flavour == sim::MondoFlavour::kSun4u ? " sun4u" : " sun4v") +
      (m.mondo_done == sim::MondoDone::kExecuted ? " executed" : " accepted") +
      " queue=" + std::to_string(m.mondo_queue_entries) + " tlb=" + std::to_string(m.tlb_entries) +
      "/" + std::to_string(m.tlb_sharing) + " contexts=" + std::to_string(m.context_count) +
      " tsb=" + std::to_string(m.tsb_entries) + " pages=" + std::to_string(m.page_count) + "\n";
  for (const VersionChoice& v : scenario.version) {
    text += "version: " + v.name + "=" + v.value + "\n";
  }
  for (const TaskSpec& t : scenario.tasks) {
    text += (t.kthread ? "kthread " : "task ") + t.name + " cpu=" + std::to_string(t.cpu) +
            (t.process.empty() ? "" : " process=" + t.process) + " setup{" + Joined(t.setup) +
            "} ops{" + Joined(t.ops) + "}\n";
  }
  return text;
}

}  // namespace shootdown::testing
