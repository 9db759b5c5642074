#include "fuzz/explore/enumerate.h"

#include <bit>

#include "fuzz/explore/run_count.h"

namespace shootdown::explore {

void Enumerator::NewRun() {
  depth_ = 0;
  spent_ = 0;
  last_ = kNobody;
}

// The default order: the CPU that took the last step, counting up and around, and then buffers. REQUIRES:
// `of` is not empty.
Process Enumerator::FirstInOrder(Process last, ProcessSet of) const {
  const int n = cpu_count();
  const int first = last == kNobody ? 0 : last;
  if (!buffers()) {
    const ProcessSet from_first = of & ~(Bit(first) - 1);
    return Lowest(from_first != 0 ? from_first : of);
  }
  for (int k = 0; k < n; ++k) {
    const int cpu = (first + k) % n;
    if (const ProcessSet steps = of & StepsOf(cpu); steps != 0) return Lowest(steps);
  }
  for (int k = 0;; ++k) {
    if (const ProcessSet ways = of & WaysOf((first + k) % n); ways != 0) return Lowest(ways);
  }
}

std::uint32_t Enumerator::CostOf(const Node& node, Process p) const {
  switch (bound_.kind) {
    case Bound::Kind::kNone:
      return 0;
    case Bound::Kind::kPreemptions:
      return node.leaving_costs && !IsBuffer(p) && CpuOf(p) != node.last;
    case Bound::Kind::kDelays: {
      std::uint32_t position = 0;
      for (ProcessSet rest = node.enabled;; ++position) {
        const Process next = FirstInOrder(node.last, rest);
        if (next == p) return position;
        rest &= ~Bit(next);
      }
    }
  }
  return 0;
}

// What can be done in the state that the run is in; false if nothing within the bound.
bool Enumerator::OpenNode(ProcessSet enabled) {
  Node& node = path_.emplace_back();
  node = {.enabled = enabled, .left = enabled, .taken = kNobody, .last = last_, .spent = spent_};
  if (bound_.kind != Bound::Kind::kNone) {
    node.leaving_costs = last_ != kNobody && machine().CanRun(last_);
    for (ProcessSet rest = node.enabled; rest != 0; rest &= rest - 1) {
      const Process p = Lowest(rest);
      if (node.spent + CostOf(node, p) > bound_.limit) node.left &= ~Bit(p);
    }
  }
  if (node.left == 0) {
    path_.pop_back();
    return false;
  }
  node.taken = FirstInOrder(node.last, node.left);
  return true;
}

// No other CPU will ever have a step to take.
bool Enumerator::IsLastOne(int cpu) const {
  if (buffers()) return false;
  for (int c = 0; c < cpu_count(); ++c) {
    if (c != cpu && !machine().IsDone(c)) return false;
  }
  return true;
}

// Inline, as all that leads to a switch of fibers (fuzz/sim/fiber.h).
[[gnu::always_inline]] inline void Enumerator::KeepPlace() {
  if (!machine().CanKeepCheckpoints()) return;
  Place& place = places_.Push();
  place.depth = depth_;
  Keep(place.standing);
  subject_.machine().KeepCheckpoint(place.machine, places_.BeforeLast());
}

void Enumerator::ResumeFromPlace() {
  places_.DropFrom(path_.size());
  if (places_.empty()) return;
  const Place& place = places_.last();
  depth_ = place.depth;
  spent_ = path_[depth_].spent;
  last_ = path_[depth_].last;
  GoBackTo(place.standing);
  subject_.machine().ResumeFrom(place.machine);
}

const sim::Violation* Enumerator::Run() {
  ResumeFromPlace();
  return subject_.RunOnce(*this);
}

[[gnu::always_inline]] inline Process Enumerator::Choose() {
  const ProcessSet enabled = Enabled();
  if (enabled == 0) return kNobody;
  if (std::has_single_bit(enabled)) {  // no choice: it costs nothing, whatever the bound
    const Process p = Lowest(enabled);
    if (!IsBuffer(p)) {
      last_ = CpuOf(p);
      if (IsLastOne(last_)) GoOnUnasked(machine().config().step_count_max);
    }
    return p;
  }
  if (depth_ == path_.size()) {
    if (!OpenNode(enabled)) return kNobody;
    if (!std::has_single_bit(path_.back().left)) KeepPlace();
  }
  // A run that resumes is here too, with another step to take.
  const Node& node = path_[depth_++];
  if (bound_.kind != Bound::Kind::kNone) spent_ += CostOf(node, node.taken);
  if (!IsBuffer(node.taken)) last_ = CpuOf(node.taken);
  return node.taken;
}

sim::Move Enumerator::Pick(const sim::Question& question) {
  return PickBy([this] { return Choose(); }, question);
}

bool Enumerator::Advance() {
  for (; !path_.empty(); path_.pop_back()) {
    Node& node = path_.back();
    node.left &= ~Bit(node.taken);
    if (node.left == 0) continue;
    node.taken = FirstInOrder(node.last, node.left);
    return true;
  }
  return false;
}

Report Enumerate(sim::Subject& subject, Bound bound, const Options& options) {
  Enumerator enumerator(subject, bound);
  RunCount count(subject, options, options.count_classes);
  do {
    if (count.Stopped()) return count.report();
    count.Ended(enumerator.Run());
    if (count.report().violation && !options.go_on) return count.report();
  } while (enumerator.Advance());
  count.report().complete = !enumerator.too_many();
  if (enumerator.too_many()) count.report().stopped_by = StoppedBy::kTooManyWays;
  return count.report();
}

}  // namespace shootdown::explore
