#include "fuzz/strategy/race_reversal.h"

#include <algorithm>
#include <bit>

#include "fuzz/base/check.h"
#include "fuzz/strategy/any_race.h"

namespace shootdown {
namespace {

bool Matches(const Event& event, const PendingStep& step) {
  return step.known && event.actor == step.actor && event.kind == step.kind &&
         event.site_hash == step.site->hash;
}

// Whoever comes to the place of `after` for the same time: not only who was seen there.
bool IsAfter(const Order& order, const PendingStep& step) {
  return step.known && order.after.kind == step.kind && step.site->hash == order.after.site_hash &&
         step.actor != order.before.actor;
}

Event EventAt(std::span<const sim::LogEntry> log, sim::Row row) {
  const bool drain = log[row].kind == sim::StepKind::kDrain;  // the store's CPU is what can be held
  const sim::LogEntry& entry = log[drain ? log[row].link : row];
  Event event{.actor = ActorId(entry.actor), .site_hash = entry.site->hash, .kind = entry.kind};
  for (const sim::LogEntry& earlier : log.first(static_cast<std::size_t>(&entry - log.data()))) {
    if (earlier.actor == entry.actor && earlier.kind == entry.kind &&
        earlier.site->hash == entry.site->hash) {
      ++event.occurrence;
    }
  }
  return event;
}

}  // namespace

void RaceReversal::EndRun(const sim::Machine& machine) {
  if (machine.conflicts().empty() || mutations_.OneIn(kFreshOneIn)) {
    orders_.clear();
    return;
  }
  if (!orders_.empty() && (orders_.size() == kOrderCountMax || mutations_.OneIn(4))) {
    orders_.erase(orders_.begin() + mutations_.Below(static_cast<std::uint32_t>(orders_.size())));
  }
  const sim::Conflict race = NextRace(machine, mutations_);
  const Order order{.before = EventAt(machine.log(), race.second),
                    .after = EventAt(machine.log(), race.first)};
  // The opposite order would hold both.
  std::erase_if(orders_, [&](const Order& o) {
    return o == order || (o.before == order.after && o.after == order.before);
  });
  orders_.push_back(order);
}

sim::Conflict RaceReversal::NextRace(const sim::Machine& machine, Prng& prng) {
  return AnyRace(machine, prng);
}

void RaceReversal::ClearProgress() {
  for (std::uint32_t* const count : counts_) *count = 0;
  counts_.clear();
}

void RaceReversal::NewRun(const sim::Machine& machine) {
  Pos::NewRun(machine);
  SHOOTDOWN_CHECK(orders_.size() <= kOrderCountMax);
  ClearProgress();
  open_ = (OrderSet{1} << orders_.size()) - 1;
  std::fill_n(parts_.begin(), cpu_count(), Parts());
}

void RaceReversal::Arrived(int cpu) {
  Pos::Arrived(cpu);
  const PendingStep& step = pending(cpu);
  Parts parts;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    const OrderSet bit = OrderSet{1} << i;
    if (Matches(orders_[i].before, step)) parts.before |= bit;
    if (IsAfter(orders_[i], step)) parts.after |= bit;
  }
  parts_[static_cast<std::size_t>(cpu)] = parts;
}

bool RaceReversal::Held(int cpu) const {
  for (OrderSet left = parts_[static_cast<std::size_t>(cpu)].after & open_; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    if (progress_[i].after_count[pending(cpu).actor.code()] == orders_[i].after.occurrence) return true;
  }
  return false;
}

bool RaceReversal::Eager(int cpu) { return Pos::Eager(cpu) && !Held(cpu); }

int RaceReversal::Choose(std::span<const std::uint8_t> enabled, int current) {
  std::array<std::uint8_t, kCpuCountMax> free;
  std::size_t count = 0;
  for (const std::uint8_t c : enabled) {
    if (!Held(c)) free[count++] = c;
  }
  return Pos::Choose(count != 0 ? std::span<const std::uint8_t>(free.data(), count) : enabled,
                     current);
}

void RaceReversal::Taken(int cpu) {
  const Parts& parts = parts_[static_cast<std::size_t>(cpu)];
  // Counts one more, and tells how many there were.
  const auto count = [this](std::uint32_t& so_far) {
    if (so_far == 0) counts_.push_back(&so_far);
    return so_far++;
  };
  for (OrderSet left = (parts.before | parts.after) & open_; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const OrderSet bit = left & -left;
    const Order& order = orders_[i];
    Progress& progress = progress_[i];
    if ((parts.before & bit) != 0 && count(progress.before_count) == order.before.occurrence) open_ &= ~bit;
    if ((parts.after & bit) != 0 &&
        count(progress.after_count[pending(cpu).actor.code()]) == order.after.occurrence) {
      open_ &= ~bit;  // it was all that could run
    }
  }
  Pos::Taken(cpu);
}

}  // namespace shootdown
