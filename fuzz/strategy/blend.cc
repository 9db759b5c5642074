#include "fuzz/strategy/blend.h"

#include <algorithm>

#include "fuzz/strategy/any_race.h"
#include "fuzz/strategy/unseen_interrupts.h"

namespace shootdown {

void Blend::ShuffleKinds() {
  constexpr auto kSumOf = [](std::uint8_t Kind::*share) {
    std::uint32_t sum = 0;
    for (const Kind& kind : kKinds) sum += kind.*share;
    return sum;
  };
  static_assert(kSumOf(&Kind::share) == kShareSum);
  static_assert(kSumOf(&Kind::share_if_unseen_interrupts) == kShareSum);
  kinds_.Clear();
  for (const Kind& kind : kKinds) {
    kinds_.Add(&kind, unseen_interrupts_ ? kind.share_if_unseen_interrupts : kind.share);
  }
}

void Blend::NewRun(const sim::Machine& machine) {
  RaceReversal::NewRun(machine);
  const Kind& kind = *kinds_.Deal(draws_);
  base_ = kind.base;
  plain_ = kind.plain;
  if (base_ == Base::kCpus) cpus_.NewRun(cpu_count(), kPctDepth);
  if (base_ == Base::kDelays) {
    delays_.NewRun(plain_ ? kDelayCountMax : draws_.Below(kDelayCountMax + 1));
  }
  SetLookAhead(base_ == Base::kSteps ? LookAhead::kYes : LookAhead::kNo);
  eager_ = !plain_ && !draws_.OneIn(kVisibleOneIn);
  chosen_.NewRun(kind.word ? focus_ : kNoCpus, draws_);
  holding_ = machine.config().memory_model != sim::MemoryModel::kSc && draws_.OneIn(kHoldingOneIn);
  walking_ = machine.walks_by_itself() && draws_.OneIn(kWalkingOneIn);
  last_cpu_ = 0;
  spent_.NewRun(holding_ || walking_ ? kNoCpus : focus_);
}

void Blend::LearnFrom(const sim::Machine& machine) {
  chosen_.NewRun(kNoCpus, draws_);
  spent_.NewRun(kAllCpus);
  for (const sim::LogEntry& entry : machine.log()) {
    if (!CanAnchor(entry.kind)) continue;
    const PendingStep step{.actor = ActorId(entry.actor),
                           .index = entry.index,
                           .site = entry.site,
                           .kind = entry.kind,
                           .word = entry.word,
                           .known = true};
    chosen_.Taken(entry.cpu, step, draws_);
    spent_.Taken(entry.cpu, step);
    Note(entry.cpu, step);
  }
  unseen_interrupts_ = UnseenInterrupts(machine);
  ShuffleKinds();
  EndRun(machine);
}

void Blend::EndRun(const sim::Machine& machine) {
  if (shared_word_count() == shared_word_count_) {
    spent_.EndRun();
  } else {
    shared_word_count_ = shared_word_count();
    spent_.Clear();
  }
  components_.Learn(machine);
  focus_ = NextFocus(machine);
  RaceReversal::EndRun(machine);
}

// By places of races, so that many CPUs which all do the same count for no more than one.
CpuSet Blend::NextFocus(const sim::Machine& machine) {
  if (machine.conflicts().empty()) return kAllCpus;
  const CpuSet any = components_.Of(machine.log()[machine.conflicts().front().first].cpu);
  if (components_.cpus().Without(any).empty()) return kAllCpus;
  return components_.Of(machine.log()[AnyRace(machine, draws_).first].cpu);
}

bool Blend::Eager(int cpu) {
  // A walker sees it.
  if (walking_ && pending(cpu).kind == sim::StepKind::kContextWrite) return false;
  return eager_ && RaceReversal::Eager(cpu);
}

int Blend::Choose(std::span<const std::uint8_t> enabled, int current) {
  if (eager_) {
    for (const std::uint8_t c : enabled) {
      if (pending(c).known && Eager(c)) return c;
    }
  }
  if (base_ != Base::kSteps && focus_ != kAllCpus) {
    std::array<std::uint8_t, kCpuCountMax> ours;
    std::size_t count = 0;
    for (const std::uint8_t c : enabled) {
      if (focus_.Has(c)) ours[count++] = c;
    }
    if (count == 0) {
      // On in the default order.
      const auto next = std::ranges::lower_bound(enabled, static_cast<std::uint8_t>(current));
      return next == enabled.end() ? enabled.front() : *next;
    }
    return ChooseNew({ours.data(), count}, current);
  }
  return ChooseNew(enabled, current);
}

int Blend::ChooseNew(std::span<const std::uint8_t> enabled, int current) {
  if (enabled.size() == 1 || !spent_.asks()) return ChooseAmong(enabled, current);
  std::array<std::uint8_t, kCpuCountMax> left;
  const std::size_t count = spent_.Left(enabled, pending(), left);
  const int cpu = ChooseAmong({left.data(), count}, current);
  spent_.Chosen(cpu);
  return cpu;
}

int Blend::ChooseAmong(std::span<const std::uint8_t> enabled, int current) {
  if (plain_) return Prefer(enabled, current);
  std::array<std::uint8_t, kCpuCountMax> free;
  std::size_t count = 0;
  for (const std::uint8_t c : enabled) {
    if (!chosen_.Waits(c, pending(c))) free[count++] = c;
  }
  return RaceReversal::Choose(
      count != 0 ? std::span<const std::uint8_t>(free.data(), count) : enabled, current);
}

int Blend::Prefer(std::span<const std::uint8_t> free, int current) {
  switch (base_) {
    case Base::kSteps: break;
    case Base::kCpus: return cpus_.Choose(free);
    case Base::kDelays: return delays_.Choose(free, current);
  }
  return RaceReversal::Prefer(free, current);
}

void Blend::Taken(int cpu) {
  chosen_.Taken(cpu, pending(cpu), draws_);
  if (spent_.asks()) spent_.Taken(cpu, pending(cpu));
  RaceReversal::Taken(cpu);
}

std::optional<std::uint8_t> Blend::Hold(int /*cpu*/) {
  if (!holding_ || draws_.OneIn(2)) return std::nullopt;
  // Until something forces it out, or for a few steps.
  return static_cast<std::uint8_t>(draws_.OneIn(2) ? 0 : 1 + draws_.Below(8));
}

std::uint8_t Blend::Older(int /*cpu*/, int count) {
  if (!holding_ || draws_.OneIn(2)) return 0;
  return static_cast<std::uint8_t>(1 + draws_.Below(static_cast<std::uint32_t>(count)));
}

// What a walker finds has changed most likely while others ran.
std::optional<std::uint8_t> Blend::Walk(const sim::Machine& machine, int cpu) {
  if (!walking_) return std::nullopt;
  const bool had_its_turn = cpu == last_cpu_;
  last_cpu_ = cpu;
  if (!draws_.OneIn(had_its_turn ? 16 : 2)) return std::nullopt;
  std::optional<std::uint8_t> any;
  std::uint32_t count = 0;
  for (int n = 0; n < machine.walk_page_count(); ++n) {
    const auto page = static_cast<std::uint8_t>(n);
    if (machine.CanWalk(VirtPage(page)) && draws_.OneIn(++count)) any = page;
  }
  return any;
}

}  // namespace shootdown
