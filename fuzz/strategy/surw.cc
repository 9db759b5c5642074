#include "fuzz/strategy/surw.h"

namespace shootdown {

void Surw::NewRun(const sim::Machine& /*machine*/) {
  priorities_.DrawAll(cpu_count());
  chosen_.NewRun(kAllCpus, priorities_.prng());
}

int Surw::Choose(std::span<const std::uint8_t> enabled, int /*current*/) {
  std::array<std::uint8_t, kCpuCountMax> free;
  std::size_t count = 0;
  for (const std::uint8_t c : enabled) {
    if (!chosen_.Waits(c, pending(c))) free[count++] = c;
  }
  // The intention has gone stale when only those wait that are not intended.
  return priorities_.Highest(count != 0 ? std::span<const std::uint8_t>(free.data(), count) : enabled);
}

void Surw::Taken(int cpu) { chosen_.Taken(cpu, pending(cpu), priorities_.prng()); }

}  // namespace shootdown
