#include "fuzz/strategy/race_reversal.h"

namespace shootdown {
namespace {

bool Matches(const Event& event, const PendingStep& step) {
  return step.known && event.actor == step.actor && event.site_hash == step.site->hash;
}

Event EventAt(std::span<const sim::LogEntry> log, sim::Row row) {
  const sim::LogEntry& entry = log[row];
  Event event{.actor = ActorId(entry.actor), .site_hash = entry.site->hash};
  for (const sim::LogEntry& earlier : log.first(row)) {
    if (earlier.actor == entry.actor && earlier.site->hash == entry.site->hash &&
        sim::IsStep(earlier.kind)) {
      ++event.occurrence;
    }
  }
  return event;
}

}  // namespace

void RaceReversal::EndRun(const sim::Machine& machine) {
  const auto conflicts = machine.conflicts();
  if (conflicts.empty() || mutations_.OneIn(kFreshOneIn)) {
    orders_.clear();
    return;
  }
  const auto any = [this](std::size_t count) {
    return mutations_.Below(static_cast<std::uint32_t>(count));
  };
  if (!orders_.empty() && (orders_.size() == kOrderCountMax || mutations_.OneIn(4))) {
    orders_.erase(orders_.begin() + any(orders_.size()));
  }
  const sim::Conflict& race = conflicts[any(conflicts.size())];
  const Order order{.before = EventAt(machine.log(), race.second),
                    .after = EventAt(machine.log(), race.first)};
  // The opposite order would hold both.
  std::erase_if(orders_, [&](const Order& o) {
    return o == order || (o.before == order.after && o.after == order.before);
  });
  orders_.push_back(order);
}

void RaceReversal::NewRun(const sim::Machine& machine) {
  Pos::NewRun(machine);
  progress_.assign(orders_.size(), Progress());
}

bool RaceReversal::Held(int cpu) const {
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    const Order& order = orders_[i];
    if (!progress_[i].settled && Matches(order.after, pending(cpu)) &&
        progress_[i].after_count == order.after.occurrence) {
      return true;
    }
  }
  return false;
}

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
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    const Order& order = orders_[i];
    Progress& progress = progress_[i];
    if (Matches(order.before, pending(cpu)) &&
        progress.before_count++ == order.before.occurrence) {
      progress.settled = true;
    }
    if (Matches(order.after, pending(cpu)) && progress.after_count++ == order.after.occurrence) {
      progress.settled = true;  // it was all that could run
    }
  }
  Pos::Taken(cpu);
}

}  // namespace shootdown
