#include "fuzz/engine/scenario_minimizer.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "fuzz/engine/anchors.h"
#include "fuzz/engine/target.h"
#include "fuzz/schedule/schedule_scheduler.h"

namespace shootdown {
namespace {

using PartKind = ScenarioPart::Kind;

// A race that needs no schedule any more is not that race: what has gone was there to be waited for,
// perhaps, and a deadlock remains.
constexpr char kWithoutSchedule[] = "fails in the default order";

// A decision, and the step that it stands before.
struct PlacedDecision {
  Decision decision;
  DecisionAnchor anchor;
};

// The decisions of `schedule` in the order in which a run of it takes them.
std::vector<PlacedDecision> InOrderOfTime(Simulation& simulation, const Schedule& schedule) {
  ScheduleScheduler scheduler(schedule);
  (void)simulation.Run(scheduler);
  std::vector<Decision> taken;
  for (const sim::MoveMade& made : simulation.machine().moves_made()) {
    const Schedule one = ExactSchedule({&made, 1});
    taken.insert(taken.end(), one.decisions().begin(), one.decisions().end());
  }
  const std::vector<DecisionAnchor> anchors = AnchorsOf(simulation, schedule);
  std::vector<std::pair<std::ptrdiff_t, std::size_t>> order;  // when it was taken; its number
  order.reserve(schedule.size());
  for (std::size_t i = 0; i < schedule.size(); ++i) {
    order.emplace_back(std::ranges::find(taken, schedule.decisions()[i]) - taken.begin(), i);
  }
  std::ranges::sort(order);
  std::vector<PlacedDecision> placed;
  placed.reserve(order.size());
  for (const auto& [time, i] : order) {
    placed.push_back({.decision = schedule.decisions()[i], .anchor = anchors[i]});
  }
  return placed;
}

// Without task number `task` its decisions have no actor, and the tasks behind it move up.
std::vector<PlacedDecision> WithoutTask(std::vector<PlacedDecision> decisions, std::size_t task) {
  const auto number = static_cast<int>(task);
  const auto is_task = [](const PlacedDecision& p) {
    return p.decision.actor.actor_class() == ActorId::Class::kTask;
  };
  std::erase_if(decisions, [&](const PlacedDecision& p) {
    return is_task(p) && p.decision.actor.number() == number;
  });
  for (PlacedDecision& p : decisions) {
    if (is_task(p) && p.decision.actor.number() > number) {
      p.decision.actor = TaskActor(p.decision.actor.number() - 1);
    }
  }
  return decisions;
}

// Looks for a failing run in which decisions stand before steps of the sites that they stood before on
// another scenario. An operation that has gone takes occurrences of sites along, and nobody can tell
// which; so every occurrence is tried, the nearest first.
class Placer {
 public:
  Placer(Simulation& simulation, const std::vector<PlacedDecision>& wanted,
         const std::string& kind_key, std::uint64_t run_count_max)
      : simulation_(simulation),
        wanted_(wanted),
        kind_key_(kind_key),
        run_count_max_(run_count_max) {}

  std::optional<Schedule> Find() {
    if (!PlaceFrom(0)) return std::nullopt;
    return Current();
  }

  [[nodiscard]] bool FailsInTheDefaultOrder() {
    ++run_count_;
    const Schedule nothing;
    ScheduleScheduler scheduler(nothing);
    const check::Finding* const finding = simulation_.Run(scheduler);
    return finding != nullptr && KindKey(*finding, simulation_.machine()) == kind_key_;
  }

  // Why there is none: what happened with every decision as near to its old place as could be.
  [[nodiscard]] std::string Verdict() const {
    if (!gave_up_) return first_verdict_;
    return "not found in " + std::to_string(run_count_max_) + " runs" +
           (first_verdict_.empty() ? "" : "; the nearest is " + first_verdict_);
  }
  [[nodiscard]] std::uint64_t run_count() const { return run_count_; }

 private:
  [[nodiscard]] Schedule Current() const { return Schedule(placed_).Canonical(); }

  // Places decision `i` and those after it. True once all are placed, and the run fails as wanted.
  bool PlaceFrom(std::size_t i) {
    if (run_count_ >= run_count_max_) {
      gave_up_ = true;
      return false;
    }
    ++run_count_;
    const Schedule schedule = Current();
    ScheduleScheduler scheduler(schedule);
    const check::Finding* const finding = simulation_.Run(scheduler);
    if (i == wanted_.size()) return FailsAsWanted(finding);
    const std::vector<std::uint32_t> places = PlacesOf(wanted_[i]);
    // Nowhere to be taken: what it stood before has gone, and perhaps it was needed for that only.
    if (places.empty()) return PlaceFrom(i + 1);
    for (const std::uint32_t index : places) {
      placed_.push_back(wanted_[i].decision);
      placed_.back().index = index;
      if (PlaceFrom(i + 1)) return true;
      placed_.pop_back();
    }
    return false;
  }

  bool FailsAsWanted(const check::Finding* finding) {
    const bool fails = finding != nullptr && KindKey(*finding, simulation_.machine()) == kind_key_;
    if (first_verdict_.empty()) {
      first_verdict_ = finding == nullptr ? "clean" : std::string(finding->check->name);
    }
    return fails;
  }

  // The steps before which a decision may stand in the run just made, after the decisions before it.
  [[nodiscard]] std::vector<std::uint32_t> PlacesOf(const PlacedDecision& p) const {
    const sim::Machine& machine = simulation_.machine();
    const auto moves = machine.moves_made();
    const sim::Row from = moves.empty() ? 0 : moves.back().row;
    const auto steps = StepsAt(machine.log(), p.decision.actor, p.anchor.site);
    std::vector<std::pair<std::int64_t, std::uint32_t>> near;  // how far from its old place
    for (std::size_t n = 0; n < steps.size(); ++n) {
      if (static_cast<std::size_t>(steps[n] - machine.log().data()) < from) continue;
      const auto distance = static_cast<std::int64_t>(n) - std::int64_t{p.anchor.occurrence};
      near.emplace_back(std::abs(distance), steps[n]->index);
    }
    std::ranges::sort(near);
    std::vector<std::uint32_t> indices;
    indices.reserve(near.size());
    for (const auto& [distance, index] : near) indices.push_back(index);
    return indices;
  }

  Simulation& simulation_;
  const std::vector<PlacedDecision>& wanted_;
  const std::string& kind_key_;
  const std::uint64_t run_count_max_;
  std::vector<Decision> placed_;
  std::string first_verdict_;
  bool gave_up_ = false;
  std::uint64_t run_count_ = 0;
};

class ScenarioMinimizer {
 public:
  ScenarioMinimizer(std::unique_ptr<Simulation> simulation, const std::string& kind_key,
                    std::uint64_t runs_per_part)
      : simulation_(std::move(simulation)),
        kind_key_(kind_key),
        runs_per_part_(runs_per_part),
        scenario_(simulation_->scenario()) {}

  MinimizedScenario Minimize(const Schedule& failing) {
    Adopt(MinimizeSchedule(*simulation_, failing, kind_key_));
    // From the last to the first, round and round, until each part was tried since the last one that
    // went. What comes first stays, so what a task does again and again ends as its first time.
    std::vector<ScenarioPart> parts = PartsOf(scenario_);
    std::vector<std::string> verdicts(parts.size());
    std::size_t needed = 0;
    for (std::size_t i = 0; needed < parts.size();) {
      i = (i == 0 ? parts.size() : i) - 1;
      if (TryWithout(parts[i], &verdicts[i])) {
        parts = PartsOf(scenario_);
        verdicts.assign(parts.size(), "");
        needed = 0;
        i = std::min(i, parts.size());
      } else {
        ++needed;
      }
    }
    const std::string wrong = Build(scenario_);
    SHOOTDOWN_CHECK(wrong.empty());
    MinimizedScenario result{
        .simulation = std::move(simulation_), .minimized = minimized_, .scenario_proof = {}};
    result.minimized.run_count = run_count_;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      result.scenario_proof.push_back(
          {.without = ToText(parts[i], scenario_), .verdict = verdicts[i]});
    }
    return result;
  }

 private:
  // What is wrong with the scenario; empty: `simulation_` is ready.
  std::string Build(const Scenario& scenario) {
    simulation_.reset();  // the arena is there once
    ScenarioProblem problem;
    simulation_ = Simulation::Build(scenario, &problem);
    return simulation_ == nullptr ? problem.message : "";
  }

  void Adopt(Minimized minimized) {
    minimized_ = std::move(minimized);
    run_count_ += minimized_.run_count;
    decisions_ = InOrderOfTime(*simulation_, minimized_.schedule);
  }

  // True, and `scenario_` is without `part`, if it still fails in the same way.
  bool TryWithout(const ScenarioPart& part, std::string* verdict) {
    Scenario candidate = Without(scenario_, part);
    if (const std::string wrong = Build(candidate); !wrong.empty()) {
      *verdict = "cannot be run: " + wrong;
      return false;
    }
    const std::vector<PlacedDecision> wanted =
        part.kind == PartKind::kTask ? WithoutTask(decisions_, part.task) : decisions_;
    Placer placer(*simulation_, wanted, kind_key_, runs_per_part_);
    const bool default_fails = !minimized_.schedule.empty() && placer.FailsInTheDefaultOrder();
    const std::optional<Schedule> failing = default_fails ? std::nullopt : placer.Find();
    run_count_ += placer.run_count();
    if (!failing.has_value()) {
      *verdict = default_fails ? kWithoutSchedule : placer.Verdict();
      return false;
    }
    Minimized smaller = MinimizeSchedule(*simulation_, *failing, kind_key_);
    SHOOTDOWN_CHECK(smaller.schedule.size() <= minimized_.schedule.size());
    scenario_ = std::move(candidate);
    Adopt(std::move(smaller));
    return true;
  }

  std::unique_ptr<Simulation> simulation_;
  const std::string& kind_key_;
  const std::uint64_t runs_per_part_;
  Scenario scenario_;
  Minimized minimized_;
  std::vector<PlacedDecision> decisions_;  // of minimized_
  std::uint64_t run_count_ = 0;
};

}  // namespace

std::vector<ScenarioPart> PartsOf(const Scenario& scenario) {
  std::vector<ScenarioPart> parts;
  for (std::size_t t = 0; t < scenario.tasks.size(); ++t) {
    for (std::size_t i = 0; i < scenario.tasks[t].setup.size(); ++i) {
      parts.push_back({.kind = PartKind::kSetup, .task = t, .entry = i});
    }
    for (std::size_t i = 0; i < scenario.tasks[t].ops.size(); ++i) {
      parts.push_back({.kind = PartKind::kOp, .task = t, .entry = i});
    }
  }
  for (std::size_t t = 0; t < scenario.tasks.size() && scenario.tasks.size() > 1; ++t) {
    parts.push_back({.kind = PartKind::kTask, .task = t});
  }
  return parts;
}

Scenario Without(Scenario scenario, const ScenarioPart& part) {
  const auto erase = [](auto& list, std::size_t at) {
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
  };
  TaskSpec& task = scenario.tasks[part.task];
  switch (part.kind) {
    case PartKind::kTask: erase(scenario.tasks, part.task); break;
    case PartKind::kSetup: erase(task.setup, part.entry); break;
    case PartKind::kOp: erase(task.ops, part.entry); break;
  }
  return scenario;
}

std::string ToText(const ScenarioPart& part, const Scenario& scenario) {
  const TaskSpec& task = scenario.tasks[part.task];
  switch (part.kind) {
    case PartKind::kTask: return "task " + task.name;
    case PartKind::kSetup: return task.name + " before step 0: " + task.setup[part.entry].text;
    case PartKind::kOp: return task.name + ": " + task.ops[part.entry].text;
  }
  return "";
}

MinimizedScenario MinimizeScenario(std::unique_ptr<Simulation> simulation, const Schedule& failing,
                                   const std::string& kind_key, std::uint64_t runs_per_part) {
  return ScenarioMinimizer(std::move(simulation), kind_key, runs_per_part).Minimize(failing);
}

}  // namespace shootdown
