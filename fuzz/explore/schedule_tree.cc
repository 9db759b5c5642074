#include "fuzz/explore/schedule_tree.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "fuzz/sim/machine.h"
#include "fuzz/sim/trace.h"

namespace shootdown::explore {
namespace {

using sim::Move;
using sim::StepKind;
using Kind = Decision::Kind;

constexpr std::uint8_t kHoldForever = 0;
constexpr std::uint8_t kDeferLongest = 255;

bool IsLongest(const Decision& d) {
  return (d.kind == Kind::kHold && d.arg == kHoldForever) ||
         (d.kind == Kind::kDefer && d.arg == kDeferLongest);
}

bool HasLength(const Schedule& schedule) {
  return std::ranges::any_of(schedule.decisions(), IsLongest);
}

// Whether the last move of the run was that of this decision, which was added to the run's last.
bool WasMade(const Decision& decision, const sim::Machine& machine) {
  const auto moves = machine.moves_made();
  return !moves.empty() && moves.back().actor == decision.actor &&
         moves.back().index == decision.index && moves.back().move.arg == decision.arg;
}

// A buffer that is not drained from its front, and decisions that are not listed in ExtendAt, have more
// schedules than the tree makes: there it proves nothing.
bool TriesAll(DecisionKinds kinds, sim::MemoryModel model) {
  constexpr DecisionKinds kListed =
      KindBit(Kind::kSwitch) | KindBit(Kind::kHold) | KindBit(Kind::kDefer) |
      KindBit(Kind::kResched) | KindBit(Kind::kEvict) | KindBit(Kind::kNmi) | KindBit(Kind::kWalk);
  const bool in_order = model == sim::MemoryModel::kSc || model == sim::MemoryModel::kTso;
  // Only under RMO is there anything to decide about a load.
  const DecisionKinds applied =
      model == sim::MemoryModel::kRmo ? kinds : kinds & ~KindBit(Kind::kOld);
  return (applied & ~kListed) == 0 && (in_order || (kinds & KindBit(Kind::kHold)) == 0);
}

template <class F>
void ForEachBit(std::uint64_t bits, const F& f) {
  for (; bits != 0; bits &= bits - 1) f(std::countr_zero(bits));
}

}  // namespace

DecisionKinds KindsOf(const Schedule& schedule) {
  DecisionKinds kinds = 0;
  for (const Decision& d : schedule.decisions()) kinds |= KindBit(d.kind);
  return kinds;
}

// Follows the node's schedule, is asked at every step, and notes what else could be answered once
// all decisions are made.
class ScheduleTree::Lister : public sim::Scheduler {
 public:
  Lister(sim::Subject& subject, const Node& node, std::vector<Place>& places)
      : subject_(subject), node_(node), inner_(node.schedule), places_(places) {}

  void StartRun(const sim::Machine& machine) override {
    inner_.StartRun(machine);
    places_.clear();
    question_ = 0;
    decisions_ = 0;
    defaults_.fill({});
    left_.fill({});
  }

  [[nodiscard]] Move Pick(const sim::Question& question) override {
    const std::uint32_t number = question_++;
    const bool just_switched = JustSwitched(question);
    const Move move = inner_.Pick(question);
    if (move.kind != Move::Kind::kStep && move.kind != Move::Kind::kNext) {
      ++decisions_;
      return move;
    }
    Place place = Look(question);
    place.question = number;
    place.just_switched = just_switched;
    Defaults& before = defaults_[question.actor.code()];
    if (before.index != place.index) before = {.index = place.index};
    place.runnable_before = before.runnable;
    place.draining_before = before.draining;
    if (place.blocked) {
      before.runnable |= place.runnable;
      before.draining |= place.draining;
    }
    if (place.row >= node_.from && decisions_ == node_.schedule.size()) places_.push_back(place);
    return move;
  }

  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index;
  }

 private:
  struct Defaults {
    std::uint32_t index = 0xffff'ffff;
    CpuSet runnable = {};
    CpuSet draining = {};
  };
  struct Left {
    bool asked = false;
    bool blocked = false;
    ActorId actor;
    std::uint32_t index = 0;
  };

  // A decision came to this CPU, which stood before this very step when it was left: so nothing at
  // all has happened since. A CPU that was not entered before, or waited, has run as far as to its
  // next step.
  [[nodiscard]] bool JustSwitched(const sim::Question& question) {
    Left& left = left_[question.cpu.value()];
    const bool same =
        left.asked && !left.blocked && left.actor == question.actor && left.index == question.index;
    left = {.asked = true,
            .blocked = question.blocked,
            .actor = question.actor,
            .index = question.index};
    const auto moves = question.machine.moves_made();
    return same && !moves.empty() && moves.back().move.kind == Move::Kind::kRun &&
           moves.back().move.cpu == question.cpu.value() &&
           moves.back().row == question.machine.row();
  }

  [[nodiscard]] Place Look(const sim::Question& question) {
    sim::Machine& machine = subject_.machine();
    const int cpu = question.cpu.value();
    Place place{.actor = question.actor,
                .blocked = question.blocked,
                .is_store = question.kind == StepKind::kStore,
                .defers = machine.HoldsInterruptBack(cpu),
                .index = question.index,
                .row = machine.row()};
    for (int c = 0; c < machine.cpu_count(); ++c) {
      if (c != cpu && machine.CanRun(c)) place.runnable.Add(c);
      if (machine.BufferedCount(c) != 0) place.draining.Add(c);
    }
    if (question.blocked) return place;
    const sim::Tlb tlb = machine.tlb(cpu);
    for (int i = 0; i < tlb.entry_count(); ++i) {
      if (tlb.entry(i).valid) place.evictable |= std::uint64_t{1} << i;
    }
    for (int page = 0; page < machine.walk_page_count(); ++page) {
      const VirtPage virt(static_cast<std::uint8_t>(page));
      if (machine.CanWalk(virt)) place.walkable |= std::uint64_t{1} << page;
    }
    return place;
  }

  sim::Subject& subject_;
  const Node& node_;
  ScheduleScheduler inner_;
  std::vector<Place>& places_;
  std::uint32_t question_ = 0;
  std::size_t decisions_ = 0;                           // that were made
  std::array<Defaults, ActorId::kCodeCount> defaults_;  // by actor
  std::array<Left, kCpuCountMax> left_;  // by CPU: where it was when it was last asked
};

// Follows a schedule up to a question by its number, and answers that one otherwise.
class ScheduleTree::Diverter : public sim::Scheduler {
 public:
  Diverter(const Schedule& schedule, std::uint32_t question, const Move& move)
      : inner_(schedule), at_(question), move_(move) {}

  void StartRun(const sim::Machine& machine) override {
    inner_.StartRun(machine);
    question_ = 0;
  }
  [[nodiscard]] Move Pick(const sim::Question& question) override {
    return question_++ == at_ ? move_ : inner_.Pick(question);
  }
  [[nodiscard]] std::uint32_t NextQuestion(ActorId /*actor*/, std::uint32_t index) override {
    return index;
  }

 private:
  ScheduleScheduler inner_;
  std::uint32_t at_;
  Move move_;
  std::uint32_t question_ = 0;
};

ScheduleTree::ScheduleTree(sim::Subject& subject, TreeOptions options)
    : subject_(subject), options_(std::move(options)), candidate_scheduler_(candidate_) {}

TreeReport ScheduleTree::Explore(const Visitor& visitor) {
  visitor_ = &visitor;
  report_ = {};
  stopped_ = out_of_budget_ = false;
  levels_.assign(options_.decision_count_max + 1, {});
  candidate_ = options_.root;
  const sim::Violation* violation = nullptr;
  if (Run(candidate_scheduler_, &violation)) {
    Adopt(options_.root, options_.root_rows, violation, /*is_node=*/true);
  }
  for (std::size_t level = 0; level <= options_.decision_count_max && !Done(); ++level) {
    // Where a length ends is a node of the same level, and joins it at its end.
    for (std::size_t i = 0; i < levels_[level].size() && !Done(); ++i) {
      const Node node = std::move(levels_[level][i]);
      Expand(node);
    }
    levels_[level] = {};
  }
  report_.complete = !out_of_budget_ &&
                     TriesAll(options_.kinds, subject_.machine().config().memory_model);
  return report_;
}

bool ScheduleTree::Run(sim::Scheduler& scheduler, const sim::Violation** violation) {
  constexpr std::uint64_t kRunsBetweenQuestions = 256;
  if (options_.should_stop && report_.runs % kRunsBetweenQuestions == 0 && options_.should_stop()) {
    out_of_budget_ = true;
    return false;
  }
  if (report_.runs >= options_.run_count_max || report_.steps >= options_.step_count_max) {
    out_of_budget_ = true;
    return false;
  }
  *violation = subject_.RunOnce(scheduler);
  ++report_.runs;
  report_.steps += subject_.machine().log().size();
  return true;
}

// A schedule that was just run.
void ScheduleTree::Adopt(Schedule schedule, sim::Row from, const sim::Violation* violation,
                         bool is_node) {
  const std::size_t size = schedule.size();
  switch ((*visitor_)(schedule, violation)) {
    case Visit::kGoOn:
      break;
    case Visit::kNoLarger:
      options_.decision_count_max = std::min(options_.decision_count_max, size);
      break;
    case Visit::kStop:
      stopped_ = true;
      break;
  }
  // With no decision left, only lengths can still end.
  if (!is_node || size > options_.decision_count_max) return;
  if (size == options_.decision_count_max && !HasLength(schedule)) return;
  levels_[size].push_back({.schedule = std::move(schedule), .from = from});
}

void ScheduleTree::List(const Node& node) {
  Lister lister(subject_, node, places_);
  const sim::Violation* violation = nullptr;
  if (!Run(lister, &violation)) return;
  trace_ = TraceOfLastRun();
  holds_.clear();
  const auto log = subject_.machine().log();
  for (std::size_t i = 0; i < node.schedule.size(); ++i) {
    const Decision& d = node.schedule.decisions()[i];
    if (d.kind != Kind::kHold || d.arg != kHoldForever) continue;
    const auto stored = std::ranges::find_if(log, [&d](const sim::LogEntry& e) {
      return e.kind == StepKind::kStore && e.actor == d.actor.code() && e.index == d.index;
    });
    if (stored == log.end()) continue;
    const auto row = static_cast<sim::Row>(stored - log.begin());
    const auto drained = std::find_if(stored, log.end(), [row](const sim::LogEntry& e) {
      return e.kind == StepKind::kDrain && e.link == row;
    });
    holds_.push_back(
        {.decision = i, .stored = row, .drained = static_cast<sim::Row>(drained - log.begin())});
  }
}

void ScheduleTree::Expand(const Node& node) {
  List(node);
  const bool has_length = HasLength(node.schedule);
  for (std::size_t i = 0; i < places_.size() && !Done(); ++i) {
    const Place place = places_[i];
    if (has_length) EndLengthsAt(node, place);
    if (node.schedule.size() < options_.decision_count_max) ExtendAt(node, place);
  }
}

void ScheduleTree::ExtendAt(const Node& node, const Place& place) {
  const std::vector<Decision>& made = node.schedule.decisions();
  const Decision here{.actor = place.actor, .index = place.index};
  // A hold notices nothing of what else happens before its step, so it comes last.
  const bool held = std::ranges::any_of(made, [&here](const Decision& d) {
    return d.kind == Kind::kHold && d.actor == here.actor && d.index == here.index;
  });
  if (held || place.index > Decision::kIndexMax) return;
  const auto extend = [&](Kind kind, int arg) {
    if (!Wants(kind) || Done()) return;
    Decision d = here;
    d.kind = kind;
    d.arg = static_cast<std::uint8_t>(arg);
    Extend(node, place, d);
  };
  if (Wants(Kind::kSwitch)) {
    const auto go_on_with = [&](ActorId to) {
      if (Done()) return;
      Decision d = here;
      d.to = to;
      Extend(node, place, d);
    };
    // Two switches with nothing between are one.
    if (!place.just_switched) {
      place.runnable.ForEach([&](int cpu) { go_on_with(CpuActor(cpu)); });
    }
    place.draining.ForEach([&](int cpu) { go_on_with(BufferActor(cpu)); });
  }
  if (place.blocked) return;  // the rest is about the step itself
  if (place.is_store) extend(Kind::kHold, kHoldForever);
  extend(Kind::kDefer, kDeferLongest);
  extend(Kind::kResched, 0);
  extend(Kind::kNmi, 0);
  ForEachBit(place.evictable, [&](int entry) { extend(Kind::kEvict, entry); });
  ForEachBit(place.walkable, [&](int page) { extend(Kind::kWalk, page); });
}

void ScheduleTree::Extend(const Node& node, const Place& place, Decision decision) {
  const sim::Violation* violation = nullptr;
  if (decision.kind == Kind::kSwitch) {
    const bool drains = decision.to.actor_class() == ActorId::Class::kBuffer;
    if ((drains ? place.draining_before : place.runnable_before).Has(decision.to.number())) {
      // It would be made at once, where the default was before; so that has to be said, and costs
      // too.
      if (node.schedule.size() + 2 > options_.decision_count_max) return;
      Diverter diverter(node.schedule, place.question,
                        {.kind = drains ? Move::Kind::kDrain : Move::Kind::kRun,
                         .cpu = static_cast<std::uint8_t>(decision.to.number())});
      if (!Run(diverter, &violation)) return;
      Schedule exact = ExactSchedule(subject_.machine().moves_made());
      if (exact.size() > options_.decision_count_max) return;
      const bool is_node = TraceOfLastRun() != trace_;
      Adopt(std::move(exact), place.row, violation, is_node);
      return;
    }
  }
  std::vector<Decision> decisions = std::move(candidate_).decisions();
  decisions = node.schedule.decisions();
  decisions.push_back(decision);
  candidate_ = Schedule(std::move(decisions)).Canonical();
  if (!Run(candidate_scheduler_, &violation)) return;
  if (!WasMade(decision, subject_.machine())) return;
  const bool is_leaf = candidate_.size() >= options_.decision_count_max && !HasLength(candidate_);
  const bool is_node = !is_leaf && (decision.kind != Kind::kSwitch || TraceOfLastRun() != trace_);
  Adopt(candidate_, place.row, violation, is_node);
}

void ScheduleTree::EndLengthsAt(const Node& node, const Place& place) {
  if (place.blocked) return;
  const std::vector<Decision>& made = node.schedule.decisions();
  // A length ends before anything else that happens before a step.
  const bool too_late = std::ranges::any_of(made, [&place](const Decision& d) {
    return d.actor == place.actor && d.index == place.index;
  });
  if (too_late) return;
  for (const OpenHold& hold : holds_) {
    const Decision& d = made[hold.decision];
    if (d.actor != place.actor || place.row <= hold.stored || place.row > hold.drained) continue;
    EndLength(node, place, hold.decision, place.index - d.index - 1);
  }
  for (std::size_t i = 0; i < made.size() && place.defers; ++i) {
    const Decision& d = made[i];
    if (d.kind != Kind::kDefer || d.arg != kDeferLongest || d.actor != place.actor) continue;
    EndLength(node, place, i, place.index - d.index);
  }
}

void ScheduleTree::EndLength(const Node& node, const Place& place, std::size_t decision,
                             std::uint32_t length) {
  if (length == 0 || length >= kDeferLongest || Done()) return;
  std::vector<Decision> decisions = node.schedule.decisions();
  decisions[decision].arg = static_cast<std::uint8_t>(length);
  candidate_ = Schedule(std::move(decisions)).Canonical();
  const sim::Violation* violation = nullptr;
  if (!Run(candidate_scheduler_, &violation)) return;
  Adopt(candidate_, place.row, violation, /*is_node=*/true);
}

// Equal only if the runs went the same way, row by row.
std::uint64_t ScheduleTree::TraceOfLastRun() { return sim::LogHash(subject_.machine().log()); }

}  // namespace shootdown::explore
