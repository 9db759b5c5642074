#include "fuzz/explore/state_search.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "fuzz/base/check.h"
#include "fuzz/base/hash.h"
#include "fuzz/explore/run_count.h"

namespace shootdown::explore {

using sim::Move;
using sim::StepKind;

namespace {

constexpr std::size_t kLevelCountMax =
    2 * std::size_t{StateOptions::kCostMax} + StateOptions::kEventCountMax + 1;
constexpr std::uint32_t kNoNode = 0xffff'ffff;
constexpr std::uint8_t kUnreached = StateOptions::kCostMax + 1;

}  // namespace

StateSearch::StateSearch(sim::Subject& subject, const StateOptions& options)
    : subject_(subject), options_(options) {
  SHOOTDOWN_CHECK(ProcessCount(subject.machine().config()) <= kProcessCountMax);
  SHOOTDOWN_CHECK(int{options.preemptions.has_value()} + int{options.delays.has_value()} +
                      int{options.departures.has_value()} <=
                  1);
  SHOOTDOWN_CHECK(options.departures.value_or(0) <= StateOptions::kCostMax);
  SHOOTDOWN_CHECK(options.preemptions.value_or(0) <= StateOptions::kCostMax);
  SHOOTDOWN_CHECK(options.delays.value_or(0) <= StateOptions::kCostMax);
  SHOOTDOWN_CHECK(options.events <= StateOptions::kEventCountMax);
}

void StateSearch::NewRun() {
  key_.Reset();
  depth_ = 0;
  gave_up_ = false;
  last_cpu_ = kNobody;
}

std::uint32_t StateSearch::Find(const Hash128& key, Spent spent, std::uint32_t node) {
  Visit unreached{.least = {}, .node = node};
  unreached.least.fill(kUnreached);
  const auto [at, is_new] = visited_.try_emplace(key, unreached);
  if (is_new) {
    digest_.high += Mix64(key.high);
    digest_.low += Mix64(key.low);
  }
  Visit& visit = at->second;
  const auto cost = static_cast<std::uint8_t>(bounded() ? spent.cost : 0);
  for (std::size_t n = 0; n <= spent.events; ++n) {
    if (visit.least[n] <= cost) return visit.node;
  }
  visit.least[spent.events] = cost;
  return kNoNode;
}

// And all that lead there.
void StateSearch::MarkEnds(std::uint32_t node) {
  for (; node != kNoNode && ends_[node] == 0; node = nodes_[node].parent) ends_[node] = 1;
}

// Runs that come back to where they were are given up. So when all is explored: is there a state
// from which no run comes to its end, whatever is chosen? That is a livelock.
std::uint32_t StateSearch::NodeWithoutEnd() {
  for (bool more = true; more;) {
    more = false;
    for (const Edge& edge : edges_) {
      if (ends_[edge.node] != 0 || ends_[edge.to] == 0) continue;
      MarkEnds(edge.node);
      more = true;
    }
  }
  const auto found = std::ranges::find(ends_, 0);
  return found == ends_.end() ? kNoNode : static_cast<std::uint32_t>(found - ends_.begin());
}

// To defer an interrupt changes something only if one comes before the delay is over. A delay that
// begins earlier, with as many steps more, is the same.
bool StateSearch::InterruptMayCome(int cpu) const {
  const sim::Machine& m = machine();
  if (m.InterruptWaits(cpu)) return true;
  for (int c = 0; c < cpu_count(); ++c) {
    if (c != cpu && pending(c).kind == StepKind::kMondoSend) return true;
  }
  return false;
}

void StateSearch::AddEvents(int cpu, Spent spent) {
  if (spent_.events == options_.events || pending(cpu).blocked) return;
  ++spent.events;
  if (options_.departures && std::uint32_t{spent.cost} + spent.events > *options_.departures)
    return;
  const auto add = [&](Move::Kind kind, int arg) {
    choices_.push_back({.node = node_,
                        .choice = {.process = static_cast<std::uint8_t>(cpu),
                                   .event = kind,
                                   .arg = static_cast<std::uint8_t>(arg)},
                        .spent = spent});
  };
  sim::Machine& m = subject_.machine();
  if (m.takes_softints()) {
    if (!m.SoftintPending(cpu, sim::kPilReschedule)) add(Move::Kind::kResched, 0);
    if (!m.InterruptsDeferred(cpu) && InterruptMayCome(cpu)) {
      for (const int steps : {1, 2, 4, 8}) add(Move::Kind::kDefer, steps);
    }
  }
  if (m.takes_nmis()) add(Move::Kind::kNmi, 0);
  const StepKind next = pending(cpu).kind;
  if (next == StepKind::kUserLoad || next == StepKind::kUserStore || next == StepKind::kTlbInsert) {
    const sim::Tlb tlb = m.tlb(cpu);
    for (int i = 0; i < tlb.entry_count(); ++i) {
      if (tlb.entry(i).valid) add(Move::Kind::kEvict, i);
    }
  }
  for (int page = 0; page < m.walk_page_count(); ++page) {
    if (m.CanWalk(cpu, VirtPage(static_cast<std::uint8_t>(page)))) add(Move::Kind::kWalk, page);
  }
}

// The CPU whose buffer holds only what the step before put there; kNobody: there is none.
int StateSearch::JustHeld() const {
  const auto log = machine().log();
  if (log.empty() || (log.back().flags & sim::LogEntry::kHeld) == 0) return kNobody;
  const int cpu = log.back().cpu;
  return machine().BufferedCount(cpu) == 1 ? cpu : kNobody;
}

// All that can happen next, within the bounds.
void StateSearch::ListChoices() {
  choices_.clear();
  const ProcessSet enabled = Enabled();
  const int n = cpu_count();
  const int first = last_cpu_ == kNobody ? 0 : last_cpu_;
  const bool may_stay = last_cpu_ != kNobody && (enabled & Bit(last_cpu_)) != 0;
  const int held = JustHeld();
  std::uint32_t limit = kNoNode;
  if (options_.preemptions) limit = *options_.preemptions;
  if (options_.delays) limit = *options_.delays;
  if (options_.departures) limit = *options_.departures - spent_.events;
  std::uint32_t position = 0;
  const auto add = [&](Process p) {
    if ((enabled & Bit(p)) == 0) return;
    const bool leaves = IsBuffer(p) && CpuOf(p) == held;
    const std::uint32_t lingers = held != kNobody && !leaves ? 1 : 0;
    std::uint32_t cost = may_stay && !IsBuffer(p) && CpuOf(p) != last_cpu_ ? 1 : 0;
    if (options_.delays) cost = position;
    if (options_.departures) cost += lingers;
    ++position;
    if (spent_.cost + cost > limit) return;
    Spent spent = spent_;
    spent.cost = static_cast<std::uint16_t>(std::min(spent_.cost + cost, StateOptions::kCostMax));
    if (!options_.departures) {
      spent.held =
          static_cast<std::uint8_t>(std::min(spent_.held + lingers, StateOptions::kCostMax));
    }
    choices_.push_back(
        {.node = node_, .choice = {.process = static_cast<std::uint8_t>(p)}, .spent = spent});
    if (p < n) AddEvents(p, spent);
  };
  const auto add_all = [&](ProcessSet processes) {
    for (; processes != 0; processes &= processes - 1) add(Lowest(processes));
  };
  for (int k = 0; k < n; ++k) add_all(enabled & StepsOf((first + k) % n));
  for (int k = 0; buffers() && k < n; ++k) add_all(enabled & WaysOf((first + k) % n));
}

Process StateSearch::Take(const Choice& choice, Spent spent) {
  taken_ = choice;
  spent_ = spent;
  const Process p = choice.process;
  if (IsBuffer(p)) return p;
  const int cpu = CpuOf(p);
  last_cpu_ = cpu;
  if (choice.event != Move::Kind::kStep) {
    MeetFirst({.kind = choice.event, .cpu = choice.process, .arg = choice.arg});
    return p;
  }
  const Pending& next = pending(cpu);
  if (next.kind == StepKind::kRmw && next.word != sim::kNoWord && !machine().InterruptDue(cpu)) {
    key_.BeforeRmw(next.actor, sim::Machine::PeekWord(next.word));
  }
  return p;
}

Process StateSearch::Choose() {
  key_.Absorb(machine());
  if (depth_ < path_.size()) {
    const Choice choice = path_[depth_];
    // Nobody could go on here, and so nobody was chosen: a deferred interrupt comes after all.
    if (!IsBuffer(choice.process) && !machine().CanRun(CpuOf(choice.process))) {
      SHOOTDOWN_CHECK(Enabled() == 0);
      return kNobody;
    }
    ++depth_;
    return Take(choice, spent_);
  }
  const ProcessSet enabled = Enabled();
  if (enabled == 0) return kNobody;
  key_.Begin(machine());
  DescribeNext([this](std::uint64_t word) { key_.Add(word); });
  if (bounded()) key_.Add(static_cast<std::uint64_t>(last_cpu_ + 1));
  const Hash128 key = key_.End();
  if (!goes_on_) {
    const auto next_node = static_cast<std::uint32_t>(nodes_.size());
    if (const std::uint32_t known = Find(key, spent_, next_node); known != kNoNode) {
      gave_up_ = true;
      if (ends_[known] != 0) {
        MarkEnds(node_);
      } else {
        edges_.push_back({node_, known});
      }
      return kCut;
    }
    nodes_.push_back({.parent = node_, .choice = taken_, .spent = spent_, .key = key});
    ends_.push_back(0);
    node_ = next_node;
  }
  ListChoices();
  // Drains first, then on with the CPU that runs: near the default order.
  const auto any_of = [&](ProcessSet processes) {
    return std::ranges::find_if(choices_, [&](const Branch& b) {
      return (processes & Bit(b.choice.process)) != 0 && b.choice.event == Move::Kind::kStep &&
             b.spent.cost == spent_.cost;
    });
  };
  auto next = any_of(buffers() ? WaysOf(current_cpu()) : 0);
  if (next == choices_.end()) next = any_of(Bit(current_cpu()));
  if (next == choices_.end()) next = choices_.begin();
  for (const Branch& branch : choices_) {
    if (&branch == &*next || goes_on_) continue;
    const std::size_t level =
        std::size_t{branch.spent.cost} + branch.spent.events + branch.spent.held;
    if (level >= levels_.size()) levels_.resize(level + 1);
    levels_[level].push_back(branch);
    ++branch_count_;
  }
  return Take(next->choice, next->spent);
}

// The run whose last choice is `choice` at `node`, if it is one.
void StateSearch::Prepare(std::uint32_t node, std::optional<Choice> choice) {
  path_.clear();
  if (choice) path_.push_back(*choice);
  for (std::uint32_t n = node; n != kNoNode && nodes_[n].parent != kNoNode; n = nodes_[n].parent) {
    path_.push_back(nodes_[n].choice);
  }
  std::ranges::reverse(path_);
  node_ = node;
}

// Prepares the next run; false if there is none left.
bool StateSearch::NextBranch() {
  while (level_ < levels_.size() && levels_[level_].empty()) ++level_;
  if (level_ == levels_.size()) return false;
  const Branch branch = levels_[level_].back();
  levels_[level_].pop_back();
  --branch_count_;
  Prepare(branch.node, branch.choice);
  spent_ = branch.spent;
  return true;
}

Report StateSearch::Explore() {
  RunCount count(subject_, options_, /*classes=*/false);
  Report& report = count.report();
  report.executions = run_count_;
  report.blocked = given_up_count_;
  report.steps_max = steps_max_;
  subject_.machine().KeepMemoryMarks(true);
  while (!count.Stopped() && visited_.size() <= options_.state_count_max) {
    if (nodes_.empty()) {
      Prepare(kNoNode, std::nullopt);
    } else if (!NextBranch()) {
      report.complete = !too_many();
      break;
    }
    const sim::Violation* const violation = subject_.RunOnce(*this);
    if (gave_up_) {
      count.GivenUp();
    } else {
      MarkEnds(node_);
      count.Ended(violation);
      if (violation != nullptr && !options_.go_on) break;
    }
    run_count_ = report.executions;
    given_up_count_ = report.blocked;
    steps_max_ = report.steps_max;
  }
  if (const std::uint32_t node = report.complete ? NodeWithoutEnd() : kNoNode; node != kNoNode) {
    Prepare(node, std::nullopt);
    spent_ = nodes_[node].spent;
    goes_on_ = true;
    count.Ended(subject_.RunOnce(*this));
    goes_on_ = false;
    // It ran into the budget of steps.
    SHOOTDOWN_CHECK(report.violation);
    report.complete = false;
  }
  subject_.machine().KeepMemoryMarks(false);
  report.states = visited_.size();
  report.digest = digest_;
  // What costs less than the runs that are left has been tried.
  while (level_ < levels_.size() && levels_[level_].empty()) ++level_;
  if (bounded() && !options_.delays && level_ != 0) {
    report.departures_complete = static_cast<std::uint32_t>(level_ - 1);
  }
  return report;
}

// ---- to be gone on with
// ---------------------------------------------------------------------------

namespace {

template <class Value>
void Put(std::string& bytes, const Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <class Value>
bool Get(std::string_view& bytes, Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

template <class Value>
void PutAll(std::string& bytes, const std::vector<Value>& values) {
  Put(bytes, std::uint64_t{values.size()});
  for (const Value& value : values) Put(bytes, value);
}

template <class Value>
bool GetAll(std::string_view& bytes, std::vector<Value>& values) {
  std::uint64_t count = 0;
  if (!Get(bytes, count) || count > bytes.size() / sizeof(Value)) return false;
  values.resize(count);
  for (Value& value : values) {
    if (!Get(bytes, value)) return false;
  }
  return true;
}

}  // namespace

void StateSearch::Save(std::string& bytes) const {
  Put(bytes, run_count_);
  Put(bytes, given_up_count_);
  Put(bytes, steps_max_);
  PutAll(bytes, nodes_);
  PutAll(bytes, ends_);
  PutAll(bytes, edges_);
  Put(bytes, std::uint64_t{levels_.size()});
  for (const std::vector<Branch>& level : levels_) PutAll(bytes, level);
}

bool StateSearch::Load(std::string_view bytes) {
  SHOOTDOWN_CHECK(nodes_.empty());
  std::uint64_t level_count = 0;
  if (!Get(bytes, run_count_) || !Get(bytes, given_up_count_) || !Get(bytes, steps_max_) ||
      !GetAll(bytes, nodes_) || !GetAll(bytes, ends_) || !GetAll(bytes, edges_) ||
      ends_.size() != nodes_.size() || !Get(bytes, level_count) || level_count > kLevelCountMax) {
    return false;
  }
  levels_.resize(level_count);
  for (std::vector<Branch>& level : levels_) {
    if (!GetAll(bytes, level)) return false;
    branch_count_ += level.size();
    for (const Branch& branch : level) {
      if (branch.node >= nodes_.size()) return false;
    }
  }
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (nodes_[n].parent >= n && nodes_[n].parent != kNoNode) return false;
    if (Find(nodes_[n].key, nodes_[n].spent, static_cast<std::uint32_t>(n)) != kNoNode)
      return false;
  }
  for (const Edge& edge : edges_) {
    if (edge.node >= nodes_.size() || edge.to >= nodes_.size()) return false;
  }
  return bytes.empty();
}

}  // namespace shootdown::explore
