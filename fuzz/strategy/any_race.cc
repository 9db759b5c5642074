#include "fuzz/strategy/any_race.h"

#include <array>
#include <compare>

namespace shootdown {
namespace {

using sim::LogEntry;
using sim::StepKind;

// What the tasks and the handlers of one CPU have in common in a run: words that two of them access and one
// writes, and the TLB.
class CommonWords {
 public:
  CommonWords(std::span<const LogEntry> log, std::uint8_t cpu) {
    for (const LogEntry& entry : log) {
      if (entry.cpu != cpu || !CanAnchor(entry.kind)) continue;
      if (entry.word != sim::kNoWord) uses_[PlaceOf(entry.word)].Note(entry.actor, IsWrite(entry.kind));
      if (ReadsTlb(entry.kind) || ChangesTlb(entry.kind)) tlb_.Note(entry.actor, ChangesTlb(entry.kind));
    }
  }

  // `step` of that CPU is on one of them.
  [[nodiscard]] bool Has(const LogEntry& step) const {
    if (step.word != sim::kNoWord && uses_[PlaceOf(step.word)].common()) return true;
    return tlb_.common() && (ReadsTlb(step.kind) || ChangesTlb(step.kind));
  }

 private:
  struct Use {
    static constexpr std::uint16_t kNobody = ActorId::kCodeCount;
    static constexpr std::uint16_t kMany = ActorId::kCodeCount + 1;
    std::uint16_t actor = kNobody;
    bool written = false;
    void Note(std::uint16_t by, bool writes) {
      if (actor != by) actor = actor == kNobody ? by : kMany;
      written = written || writes;
    }
    [[nodiscard]] bool common() const { return written && actor == kMany; }
  };
  // Words share a place now and then: then there are more steps than need be.
  static constexpr std::size_t kPlaceCount = 512;

  static std::size_t PlaceOf(sim::WordIndex word) { return word % kPlaceCount; }
  static bool ReadsTlb(StepKind kind) {
    return kind == StepKind::kUserLoad || kind == StepKind::kUserStore || kind == StepKind::kTlbMiss;
  }
  static bool ChangesTlb(StepKind kind) {
    return kind == StepKind::kTlbInsert || kind == StepKind::kDemap || kind == StepKind::kContextWrite;
  }

  std::array<Use, kPlaceCount> uses_{};
  Use tlb_;
};

// Calls `use` with each row of the CPU that takes a mondo, but for those of its handlers: they are what a mondo
// brings.
template <class Use>
void ForEachStepOfTarget(std::span<const LogEntry> log, const LogEntry& taken, const Use& use) {
  for (sim::Row row = 0; row < log.size(); ++row) {
    const LogEntry& entry = log[row];
    if (entry.cpu == taken.cpu && entry.actor != taken.actor && CanAnchor(entry.kind)) use(row);
  }
}

// The mondo of `conflict` comes before or after the step at `at`, as it did in the run.
sim::Conflict RaceWith(const sim::Conflict& conflict, sim::Row at) {
  return at < conflict.first ? sim::Conflict{.first = at, .second = conflict.first}
                             : sim::Conflict{.first = conflict.first, .second = at};
}

// Draws a lot for each race by its pair of places, the same one wherever the pair comes up; of
// those that were drawn least often before the least one wins.
class Lots {
 public:
  Lots(std::span<const LogEntry> log, Prng& prng, DrawnRaces* drawn)
      : log_(log), prng_(prng), drawn_(drawn), salt_(prng.Next()) {}

  void Draw(const sim::Conflict& race) {
    const Lot lot = {
        .drawn = drawn_ == nullptr ? 0 : drawn_->CountOf(log_[race.first], log_[race.second]),
        .random = Mix64(PlacesOf(log_[race.first], log_[race.second]) ^ salt_)};
    if (equal_count_ == 0 || lot < least_) {
      winner_ = race;
      least_ = lot;
      equal_count_ = 1;
    } else if (lot == least_ && prng_.OneIn(++equal_count_)) {
      winner_ = race;
    }
  }
  [[nodiscard]] const sim::Conflict& winner() const { return winner_; }
  [[nodiscard]] bool empty() const { return equal_count_ == 0; }
  // The winner, which counts as drawn.
  const sim::Conflict& Take() {
    if (drawn_ != nullptr) ++drawn_->CountOf(log_[winner_.first], log_[winner_.second]);
    return winner_;
  }

 private:
  struct Lot {
    std::uint32_t drawn = 0;
    std::uint64_t random = 0;
    friend constexpr auto operator<=>(const Lot&, const Lot&) = default;
  };

  std::span<const LogEntry> log_;
  Prng& prng_;
  DrawnRaces* drawn_;
  std::uint64_t salt_;
  sim::Conflict winner_{};
  Lot least_;
  std::uint32_t equal_count_ = 0;
};

}  // namespace

sim::Conflict AnyRace(const sim::Machine& machine, Prng& prng, DrawnRaces* drawn) {
  const auto log = machine.log();
  Lots lots(log, prng, drawn);
  for (const sim::Conflict& c : machine.conflicts()) lots.Draw(c);
  if (prng.OneIn(2)) return RaceOf(machine, lots.Take(), prng);
  // A mondo that is drawn for itself, since it races with many steps.
  Lots mondos(log, prng, drawn);
  for (const sim::Conflict& c : machine.conflicts()) {
    if (log[c.second].kind == StepKind::kMondoTaken) mondos.Draw(c);
  }
  if (!mondos.empty()) {
    const sim::Conflict& mondo = mondos.winner();
    const LogEntry& taken = log[mondo.second];
    const CommonWords common(log, taken.cpu);
    ForEachStepOfTarget(log, taken, [&](sim::Row row) {
      if (common.Has(log[row])) lots.Draw(RaceWith(mondo, row));
    });
  }
  return RaceOf(machine, lots.Take(), prng);
}

sim::Conflict RaceOf(const sim::Machine& machine, const sim::Conflict& conflict, Prng& prng) {
  const auto log = machine.log();
  const LogEntry& taken = log[conflict.second];
  if (taken.kind != StepKind::kMondoTaken) return conflict;
  std::uint32_t count = 0;
  sim::Row at = 0;
  if (!prng.OneIn(kAnyStepOneIn)) {
    const CommonWords common(log, taken.cpu);
    ForEachStepOfTarget(log, taken, [&](sim::Row row) {
      if (common.Has(log[row]) && prng.OneIn(++count)) at = row;
    });
  }
  if (count == 0) {
    ForEachStepOfTarget(log, taken, [&](sim::Row row) {
      if (prng.OneIn(++count)) at = row;
    });
  }
  return count == 0 ? conflict : RaceWith(conflict, at);
}

}  // namespace shootdown
