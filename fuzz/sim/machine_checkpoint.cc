// Runs that go on from where an earlier one stood (fuzz/sim/checkpoint.h).
#include <algorithm>
#include <cstring>
#include <utility>

#include "fuzz/sim/checkpoint.h"
#include "fuzz/sim/machine.h"

namespace shootdown::sim {

bool Machine::CanKeepCheckpoints() const {
#if defined(__SANITIZE_ADDRESS__) || SHOOTDOWN_HAS_FEATURE(address_sanitizer)
  return false;  // what it knows of stacks stands elsewhere
#else
  // A load that is late under RMO changes its row when it happens: rows are not kept.
  return config_.memory_model != MemoryModel::kRmo;
#endif
}

void Machine::KeepCheckpoint(Checkpoint& checkpoint) {
  SHOOTDOWN_CHECK(CanKeepCheckpoints());
  // This fiber's registers are to be kept too: so it is left, and the host does the rest. From here
  // on it goes on once, and again whenever a run resumes from the checkpoint.
  to_keep_ = &checkpoint;
  SwitchFiber(FiberOf(cpus_[hot_.cpu].thread), host_);
}

void Machine::Keep(Checkpoint& to) {
  const auto cpu_count = static_cast<std::ptrdiff_t>(config_.cpu_count);
  to.hot_ = hot_;
  to.base_ = base_;
  to.guest_.assign(arena_.base(), arena_.base() + arena_.used_bytes());
  to.shadow_.assign(shadow_.get(), shadow_.get() + arena_.used_bytes() / 8);
  to.stacks_.clear();
  to.stack_bytes_.clear();
  for (std::size_t i = 0; i < started_count_; ++i) {
    const Fiber& fiber = FiberOf(started_[i]);
    to.stacks_.push_back({.thread = started_[i], .context = fiber.context});
    to.stack_bytes_.insert(to.stack_bytes_.end(), static_cast<char*>(fiber.context),
                           fiber.stack + fiber.stack_bytes);
  }
  to.index_ = index_;
  to.waits_.assign(waits_.begin(), waits_.begin() + cpu_count);
  to.barriers_.clear();
  to.rings_.clear();
  for (int c = 0; c < config_.cpu_count; ++c) {
    to.barriers_.push_back(rings_[c].barriers);
    if (Checkpoint::HasInRings(cpus_[c])) to.rings_.push_back(rings_[c]);
  }
  to.moves_made_ = moves_made_;
  to.defaults_made_ = defaults_made_;
  to.conflict_count_ = conflict_count_;
  to.feature_count_ = feature_count_;
  to.mark_count_ = marks_.size();
  to.poisoned_count_ = poisoned_.size();
}

void Machine::GoBackTo(const Checkpoint& from) {
  const auto drop = [](auto& values, std::size_t count) {
    values.erase(values.begin() + static_cast<std::ptrdiff_t>(count), values.end());
  };
  hot_ = from.hot_;
  base_ = from.base_;
  std::ranges::copy(from.guest_, arena_.base());
  std::ranges::copy(from.shadow_, shadow_.get());
  for (; started_count_ != 0; --started_count_) {
    FiberOf(started_[started_count_ - 1]).context = nullptr;
  }
  const char* bytes = from.stack_bytes_.data();
  for (const Checkpoint::Stack& stack : from.stacks_) {
    Fiber& fiber = FiberOf(stack.thread);
    fiber.context = stack.context;
    char* const lowest = static_cast<char*>(stack.context);
    const auto size = static_cast<std::size_t>(fiber.stack + fiber.stack_bytes - lowest);
    std::memcpy(lowest, bytes, size);
    bytes += size;
    started_[started_count_++] = stack.thread;
  }
  index_ = from.index_;
  std::ranges::copy(from.waits_, waits_.begin());
  const Rings* rings = from.rings_.data();
  for (int c = 0; c < config_.cpu_count; ++c) {
    if (Checkpoint::HasInRings(cpus_[c])) rings_[c] = *rings++;
    rings_[c].barriers = from.barriers_[static_cast<std::size_t>(c)];
  }
  moves_made_ = from.moves_made_;
  defaults_made_ = from.defaults_made_;
  conflict_count_ = from.conflict_count_;
  feature_count_ = from.feature_count_;
  drop(marks_, from.mark_count_);
  drop(poisoned_, from.poisoned_count_);
}

}  // namespace shootdown::sim
