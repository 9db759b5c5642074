#include "fuzz/explore/enumerate.h"

#include <algorithm>

#include "fuzz/explore/run_count.h"

namespace shootdown::explore {

void Enumerator::NewRun() {
  depth_ = 0;
  spent_ = 0;
  last_ = kNobody;
}

// The default first, the dearest last.
void Enumerator::ListOptions() {
  options_.clear();
  const ProcessSet enabled = Enabled();
  const int n = cpu_count();
  const int first = last_ == kNobody ? 0 : last_;
  const bool may_stay = last_ != kNobody && machine().CanRun(last_);
  std::uint32_t position = 0;
  const auto add = [&](Process p) {
    if ((enabled & Bit(p)) == 0) return;
    std::uint32_t cost = 0;
    if (bound_.kind == Bound::Kind::kDelays) cost = position;
    if (bound_.kind == Bound::Kind::kPreemptions) {
      cost = may_stay && !IsBuffer(p) && CpuOf(p) != last_;
    }
    ++position;
    if (bound_.kind == Bound::Kind::kNone || spent_ + cost <= bound_.limit) {
      options_.push_back({p, cost});
    }
  };
  const auto add_all = [&](ProcessSet set) {
    for (ProcessSet rest = set & enabled; rest != 0; rest &= rest - 1) add(Lowest(rest));
  };
  for (int k = 0; k < n; ++k) add_all(StepsOf((first + k) % n));
  if (!buffers()) return;
  for (int k = 0; k < n; ++k) add_all(WaysOf((first + k) % n));
}

Process Enumerator::Choose() {
  if (depth_ == path_.size()) {
    ListOptions();
    if (options_.empty()) return kNobody;
    path_.emplace_back(options_.rbegin(), options_.rend());
  }
  const Option taken = path_[depth_++].back();
  spent_ += taken.cost;
  if (!IsBuffer(taken.process)) last_ = CpuOf(taken.process);
  return taken.process;
}

bool Enumerator::Advance() {
  while (!path_.empty()) {
    path_.back().pop_back();
    if (!path_.back().empty()) return true;
    path_.pop_back();
  }
  return false;
}

Report Enumerate(sim::Subject& subject, Bound bound, const Options& options) {
  Enumerator enumerator(bound);
  RunCount count(subject, options, /*classes=*/true);
  do {
    if (count.Stopped()) return count.report();
    count.Ended(subject.RunOnce(enumerator));
    if (count.report().violation && !options.go_on) return count.report();
  } while (enumerator.Advance());
  count.report().complete = !enumerator.too_many();
  if (enumerator.too_many()) count.report().stopped_by = StoppedBy::kTooManyWays;
  return count.report();
}

}  // namespace shootdown::explore
