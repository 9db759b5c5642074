// A machine's state as a value: what the rest of a run depends on.
#include "fuzz/base/hash.h"
#include "fuzz/sim/machine.h"

namespace shootdown::sim {

bool Machine::CanWalk(int cpu, VirtPage virt) {
  if (guest_.walk == nullptr) return false;
  const Hot current = hot_;
  if (cpu != hot_.cpu) EnterCpu(cpu);
  const bool can = guest_.can_walk(virt);
  hot_ = current;
  return can;
}

std::span<const char> Machine::GuestMemory() const {
  const char* const from = reinterpret_cast<const char*>(cpus_ + config_.cpu_count);
  return {from, reinterpret_cast<const char*>(kArenaBase) + arena_.used_bytes()};
}

void Machine::AppendRegisters(std::vector<std::uint64_t>& words) const {
  for (int c = 0; c < config_.cpu_count; ++c) {
    const Cpu& cpu = cpus_[c];
    const bool current = c == hot_.cpu;
    words.push_back(std::uint64_t{cpu.ie} | std::uint64_t{cpu.pil} << 8 |
                    std::uint64_t{cpu.interrupt_depth} << 16 |
                    std::uint64_t{cpu.nmi_pending} << 24 | std::uint64_t{cpu.mondo_count} << 32 |
                    std::uint64_t{cpu.buffer_count} << 40 | std::uint64_t{cpu.thread} << 48 |
                    std::uint64_t{current ? hot_.actor : cpu.actor} << 56);
    words.push_back(std::uint64_t{cpu.softint} | std::uint64_t{cpu.secondary} << 16 |
                    std::uint64_t{cpu.has_thread} << 32);
    words.push_back(cpu.executed);
    words.push_back(cpu.accepted);
    // How long interrupts wait yet: counted in steps of one actor, wherever it stands.
    if (cpu.defer_until == 0) continue;
    const std::uint32_t now = index_[cpu.defer_actor];
    words.push_back(std::uint64_t{cpu.defer_actor} << 32 | (cpu.defer_until - now));
    words.push_back(cpu.defer_mondo_until == 0 ? 0 : cpu.defer_mondo_until - now + 1);
  }
  // A set: in whatever order.
  std::uint64_t poisoned = 0;
  for (const WordIndex w : poisoned_) poisoned += Mix64(w);
  words.push_back(poisoned);
}

}  // namespace shootdown::sim
