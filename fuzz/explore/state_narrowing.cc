// Where a search over states tries some of those alone who can go on (README.md, "Steps that nobody gets in
// the way of").
#include <algorithm>
#include <bit>
#include <span>

#include "fuzz/base/hash.h"
#include "fuzz/explore/state_search.h"
#include "fuzz/sim/no_more_to_do.h"

namespace shootdown::explore {

// By its next step, and by all that it has been told and has not forgotten.
ThreadFutures::Stand StateSearch::StandOf(int cpu) {
  const Pending& next = pending(cpu);
  if (next.site == &sim::kNoMoreToDo) return ThreadFutures::kOver;
  const std::uint64_t step =
      Combine(std::uint64_t{next.site->hash} << 32 | next.word,
              std::uint64_t{next.actor} << 16 | static_cast<std::uint64_t>(next.kind) << 8 |
                  static_cast<std::uint64_t>(cpu));
  // What a thread does that came from elsewhere does not follow from what this CPU's own has done.
  const bool is_own = next.actor == TaskActor(cpu).code();
  return futures_.Find(Combine(key_.told().known[next.actor], step),
                       is_own ? next.kind : sim::StepKind::kAction, next.word);
}

// To be called after each step.
void StateSearch::NoteStands() {
  if (stands_.empty()) {
    for (int c = 0; c < cpu_count(); ++c) stands_.push_back(StandOf(c));
    return;
  }
  if (last_cpu_ == kNobody) return;
  ThreadFutures::Stand& stand = stands_[static_cast<std::size_t>(last_cpu_)];
  const ThreadFutures::Stand after = StandOf(last_cpu_);
  if (options_.sleep_left_out != SleepLeftOut::kLater) futures_.Follows(stand, after);
  stand = after;
}

// Of those who can go on the fewest that no other can get in the way of; of as few those with the lowest
// CPU among them. REQUIRES: the state is the last one in run_.
ProcessSet StateSearch::Narrow(ProcessSet enabled) {
  ProcessSet kept = enabled;
  for (ProcessSet left = enabled; left != 0; left &= left - 1) {
    const ProcessSet closed = futures_.Close(Bit(Lowest(left)), stands_);
    if (std::popcount(closed & enabled) < std::popcount(kept & enabled)) kept = closed;
  }
  if ((enabled & ~kept) == 0) return enabled;
  run_narrowed_.push_back({.node = run_.states.size() - 1, .enabled = enabled, .kept = kept});
  narrowed_stands_.insert(narrowed_stands_.end(), stands_.begin(), stands_.end());
  return enabled & kept;
}

// Of the run that was added last, whose first new state is `first_node`.
void StateSearch::KeepNarrowed(std::size_t first_node) {
  for (const Narrowed& state : run_narrowed_) {
    narrowed_.push_back(state);
    narrowed_.back().node += first_node;
  }
}

// Where others can get in the way after all, they are tried too. Not at once: news come mostly early, and to
// look for such states takes longer the more there are.
void StateSearch::WidenByNews() {
  if (options_.sleep_left_out == SleepLeftOut::kNews) return;
  if (futures_.news() == news_looked_at_) return;
  if (graph_.branch_count() != 0 && narrowed_.size() < 2 * narrowed_looked_at_) return;
  news_looked_at_ = futures_.news();
  narrowed_looked_at_ = narrowed_.size();
  const auto cpus = static_cast<std::size_t>(subject_.machine().cpu_count());
  std::span<const ThreadFutures::Stand> stands(narrowed_stands_);
  for (Narrowed& state : narrowed_) {
    const ProcessSet kept = futures_.Close(state.kept, stands.first(cpus));
    stands = stands.subspan(cpus);
    graph_.TryToo(static_cast<std::uint32_t>(state.node), state.enabled & kept & ~state.kept);
    state.kept = kept;
  }
}

void StateSearch::ForgetNarrowed() {
  futures_ = ThreadFutures();
  narrowed_.clear();
  narrowed_stands_.clear();
  news_looked_at_ = 0;
  narrowed_looked_at_ = 0;
}

// Of what was saved, and may be damaged.
bool StateSearch::NarrowedAreKnown() const {
  const auto cpus = static_cast<std::size_t>(subject_.machine().cpu_count());
  return narrowed_stands_.size() == narrowed_.size() * cpus &&
         std::ranges::all_of(narrowed_,
                             [&](const Narrowed& n) { return n.node < graph_.node_count(); }) &&
         std::ranges::all_of(narrowed_stands_,
                             [&](ThreadFutures::Stand s) { return futures_.Has(s); });
}

}  // namespace shootdown::explore
