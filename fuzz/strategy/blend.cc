#include "fuzz/strategy/blend.h"

namespace shootdown {

void Blend::NewRun(const sim::Machine& machine) {
  RaceReversal::NewRun(machine);
  chosen_.NewRun(draws_.OneIn(2) ? ChosenWord::Draw::kYes : ChosenWord::Draw::kNo, draws_);
  holding_ = machine.config().memory_model != sim::MemoryModel::kSc && draws_.OneIn(kHoldingOneIn);
}

int Blend::Choose(std::span<const std::uint8_t> enabled, int current) {
  std::array<std::uint8_t, kCpuCountMax> free;
  std::size_t count = 0;
  for (const std::uint8_t c : enabled) {
    if (!chosen_.Waits(c, pending(c))) free[count++] = c;
  }
  return RaceReversal::Choose(
      count != 0 ? std::span<const std::uint8_t>(free.data(), count) : enabled, current);
}

void Blend::Taken(int cpu) {
  chosen_.Taken(cpu, pending(cpu), draws_);
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

}  // namespace shootdown
