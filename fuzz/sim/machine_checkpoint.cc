// Runs that go on from where an earlier one stood (fuzz/sim/checkpoint.h).
#include <algorithm>
#include <cstring>

#include "fuzz/base/address_sanitizer.h"
#include "fuzz/sim/checkpoint.h"
#include "fuzz/sim/machine.h"

namespace shootdown::sim {
namespace {

// Of a thread's stack, which grows down to where it was left.
std::size_t UsedBytes(const Fiber& fiber) {
  return static_cast<std::size_t>(fiber.stack + fiber.stack_bytes -
                                  static_cast<const char*>(fiber.context));
}

}  // namespace

bool Machine::CanKeepCheckpoints() const {
#ifdef SHOOTDOWN_ASAN
  return false;  // what it knows of stacks stands elsewhere
#else
  // A load that is late under RMO changes its row when it happens: rows are not kept.
  return config_.memory_model != MemoryModel::kRmo;
#endif
}

void Machine::KeepStacks(Checkpoint& to, const Checkpoint* before) const {
  to.stacks_.resize(started_count_);
  std::size_t byte_count = 0;
  for (std::size_t i = 0; i < started_count_; ++i) {
    const std::uint16_t thread = started_[i];
    Checkpoint::Stack& stack = to.stacks_[i];
    // Field by field: a whole that is built elsewhere and copied would be read before it is written.
    stack.context = fibers_[thread].context;
    stack.version = stack_versions_[thread];
    stack.bytes = nullptr;
    stack.thread = thread;
    // The threads that `before` has were the first ones of this run too.
    if (before != nullptr && i < before->stacks_.size() &&
        before->stacks_[i].version == stack.version) {
      stack.bytes = before->stacks_[i].bytes;
    } else {
      byte_count += UsedBytes(fibers_[thread]);
    }
  }
  // Only now, since it may move.
  if (to.stack_bytes_.size() < byte_count) to.stack_bytes_.resize(byte_count);
  char* bytes = to.stack_bytes_.data();
  for (Checkpoint::Stack& stack : to.stacks_) {
    if (stack.bytes != nullptr) continue;
    const std::size_t used = UsedBytes(fibers_[stack.thread]);
    std::memcpy(bytes, stack.context, used);
    stack.bytes = bytes;
    bytes += used;
  }
}

void Machine::Keep(Checkpoint& to, const Checkpoint* before) {
  const auto cpu_count = static_cast<std::size_t>(config_.cpu_count);
  to.hot_ = hot_;
  if (to.guest_.size() != arena_.used_bytes()) to.guest_.resize(arena_.used_bytes());
  std::memcpy(to.guest_.data(), arena_.base(), to.guest_.size());
  KeepStacks(to, before);
  ++stack_version_;
  const std::size_t index_count = actor_number_end_ * kActorClassCount;
  if (to.index_.size() != index_count) to.index_.resize(index_count);
  std::copy_n(index_.begin(), index_count, to.index_.begin());
  if (to.waits_.size() != cpu_count) to.waits_.resize(cpu_count);
  std::copy_n(waits_.begin(), cpu_count, to.waits_.begin());
  to.barriers_.clear();
  to.rings_.clear();
  for (std::size_t c = 0; c < cpu_count; ++c) {
    if (weak()) to.barriers_.push_back(rings_[c].barriers);  // else nobody reads them
    if (Checkpoint::HasInRings(cpus_[c])) to.rings_.push_back(rings_[c]);
  }
  to.move_count_ = moves_made_.size();
  to.defaults_made_.clear();
  if (!defaults_made_.empty()) {
    to.defaults_made_ = defaults_made_;
    to.moves_made_ = moves_made_;
  }
  to.mark_count_ = marks_.size();
  to.poisoned_count_ = poisoned_.size();
}

void Machine::GoBackToStacks(const Checkpoint& from) {
  SHOOTDOWN_CHECK(started_count_ >= from.stacks_.size());
  for (; started_count_ != from.stacks_.size(); --started_count_) {
    FiberOf(started_[started_count_ - 1]).context = nullptr;
  }
  for (std::size_t i = 0; i < started_count_; ++i) {
    const Checkpoint::Stack& stack = from.stacks_[i];
    SHOOTDOWN_CHECK(started_[i] == stack.thread);
    Fiber& fiber = FiberOf(stack.thread);
    if (fiber.context == stack.context && stack_versions_[stack.thread] == stack.version) continue;
    fiber.context = stack.context;
    stack_versions_[stack.thread] = stack.version;
    std::memcpy(stack.context, stack.bytes, UsedBytes(fiber));
  }
  ++stack_version_;
}

void Machine::GoBackTo(const Checkpoint& from) {
  hot_ = from.hot_;
  std::memcpy(arena_.base(), from.guest_.data(), from.guest_.size());
  GoBackToStacks(from);
  std::copy_n(from.index_.begin(), from.index_.size(), index_.begin());
  std::fill(index_.begin() + static_cast<std::ptrdiff_t>(from.index_.size()),
            index_.begin() + static_cast<std::ptrdiff_t>(actor_number_end_ * kActorClassCount), 0u);
  std::copy_n(from.waits_.begin(), from.waits_.size(), waits_.begin());
  const Rings* rings = from.rings_.data();
  for (std::size_t c = 0; c < from.waits_.size(); ++c) {
    if (Checkpoint::HasInRings(cpus_[c])) rings_[c] = *rings++;
    if (weak()) rings_[c].barriers = from.barriers_[c];
  }
  if (from.defaults_made_.empty()) {
    moves_made_.resize(from.move_count_);
    defaults_made_.clear();
  } else {
    moves_made_ = from.moves_made_;
    defaults_made_ = from.defaults_made_;
  }
  conflict_count_ = 0;
  marks_.resize(from.mark_count_);
  for (; poisoned_.size() != from.poisoned_count_; poisoned_.pop_back()) {
    shadow_[poisoned_.back()] = Shadow{};
  }
}

}  // namespace shootdown::sim
